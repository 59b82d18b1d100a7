//! Layers: what each takes and what it becomes (LANGUAGE.md 1.9). Those that other operations make are written so.

use super::Checker;
use super::funs::Body;
use super::weights::{Place, Weight};
use crate::math::shape_rules::{convolved, spread};
use crate::math::{Binary, Layer as Kind, NodeId, Op, Over, Pick, Reduce, Support, Unary};
use crate::model::problems::Layers;
use crate::shape::Size;
use crate::source::Span;
use crate::syntax::{Arg, Binder, Expr, ExprKind};

pub(super) struct Layer {
    pub name: &'static str,
    /// What its weights are called by: `encoder.conv1.weight`.
    pub stem: &'static str,
    pub written: &'static str,
    /// The input first; these many of them are needed.
    params: &'static [&'static str],
    needed: usize,
    bias: bool,
    make: for<'a> fn(&mut Checker<'a>, &Given<'a>) -> Option<NodeId>,
}

#[rustfmt::skip]
pub(super) const LAYERS: &[Layer] = &[
    Layer { name: "dense", stem: "dense", written: "dense(x, n), or dense(x) for a number",
        params: &["x", "n"], needed: 1, bias: true, make: dense },
    Layer { name: "conv2d", stem: "conv", written: "conv2d(x, channels, kernel: 3, stride: 1, padding: 0)",
        params: &["x", "c", "kernel", "stride", "padding"], needed: 3, bias: true, make: conv },
    Layer { name: "conv_transpose2d", stem: "conv_transpose",
        written: "conv_transpose2d(x, channels, kernel: 3, stride: 1, padding: 0, output_padding: 0)",
        params: &["x", "c", "kernel", "stride", "padding", "output_padding"], needed: 3, bias: true, make: conv_transpose },
    Layer { name: "embedding", stem: "embedding", written: "embedding(label, n)",
        params: &["i", "n"], needed: 2, bias: false, make: embedding },
    Layer { name: "layer_norm", stem: "layer_norm", written: "layer_norm(x)",
        params: &["x"], needed: 1, bias: false, make: layer_norm },
    Layer { name: "dropout", stem: "dropout", written: "dropout(x, 0.5)",
        params: &["x", "p"], needed: 2, bias: false, make: dropout },
    Layer { name: "gru", stem: "gru", written: "gru(x, n)",
        params: &["x", "n"], needed: 2, bias: false, make: gru },
];

/// A call of a layer as it is written; after `|>` it may be its name alone.
#[derive(Clone, Copy)]
pub(super) struct Written<'a> {
    pub name: &'a str,
    pub name_span: Span,
    pub args: &'a [Arg],
    pub each: &'a [Binder],
    pub span: Span,
}

/// A call of a layer: its input checked, its other arguments by place.
pub(super) struct Given<'a> {
    layer: &'static Layer,
    net: usize,
    input: NodeId,
    input_span: Span,
    args: Vec<Option<&'a Expr>>,
    bias: bool,
    /// Where it is written: its weights belong to that.
    place: Span,
    span: Span,
}

impl<'a> Checker<'a> {
    pub(super) fn check_layer(&mut self, call: Written<'a>, piped: Option<&'a Expr>, span: Span) -> Option<NodeId> {
        let layer = LAYERS.iter().find(|layer| layer.name == call.name)?;
        let Some(Body::Net(net)) = self.body else {
            self.report(Layers::Outside { name: call.name.into(), span: call.name_span });
            return None;
        };
        let place = call.span;
        let (args, bias) = self.layer_arguments(layer, call, piped)?;
        let (first, args) = args.split_first()?;
        let first = (*first)?;
        let input = self.check_node(first)?;
        let given = Given { layer, net, input, input_span: first.span, args: args.to_vec(), bias, place, span };
        (layer.make)(self, &given)
    }

    /// One expression for every parameter that is given, and whether there is a bias.
    fn layer_arguments(
        &mut self,
        layer: &'static Layer,
        call: Written<'a>,
        piped: Option<&'a Expr>,
    ) -> Option<(Vec<Option<&'a Expr>>, bool)> {
        let mut args: Vec<Option<&'a Expr>> = vec![None; layer.params.len()];
        let mut bias = layer.bias;
        let mut next = 0;
        let mut wrong = call.each.first().map(|each| each.name.span);
        let given = piped.into_iter().map(|expr| (None, expr));
        for (name, value) in given.chain(call.args.iter().map(|arg| (arg.name.as_ref(), &arg.value))) {
            let word = match (&name, &value.kind) {
                (Some(name), ExprKind::Name(word)) if layer.bias && name.node == "bias" => Some(word.as_str()),
                _ => None,
            };
            if let Some(word @ ("true" | "false")) = word {
                bias = word == "true";
                continue;
            }
            let at = match name {
                Some(name) => layer.params.iter().position(|param| *param == name.node),
                None => {
                    next += 1;
                    Some(next - 1)
                }
            };
            match at.and_then(|at| args.get_mut(at)) {
                Some(slot @ None) => *slot = Some(value),
                _ => wrong = wrong.or(Some(name.map_or(value.span, |name| name.span))),
            }
        }
        if wrong.is_none() && args[..layer.needed].iter().any(Option::is_none) {
            wrong = Some(call.span);
        }
        if let Some(span) = wrong {
            self.report(Layers::Arguments { name: layer.name, written: layer.written, bias: layer.bias, span });
            return None;
        }
        Some((args, bias))
    }

    /// A whole number that is known when compiling: a kernel, a stride.
    fn layer_number(&mut self, given: &Given<'a>, at: usize, default: usize, least: i64) -> Option<usize> {
        let Some(expr) = given.args.get(at).copied().flatten() else { return Some(default) };
        let size = self.check_size(expr)?;
        match self.known_size(&size).known().filter(|n| (least..1 << 20).contains(n)) {
            Some(n) => Some(n as usize),
            None => {
                let what = given.layer.params[at + 1];
                self.report(Layers::Number { name: given.layer.name, what, least, span: expr.span });
                None
            }
        }
    }

    fn layer_size(&mut self, given: &Given<'a>, at: usize) -> Option<Size> {
        let expr = given.args.get(at).copied().flatten()?;
        let size = self.check_axis_size(expr)?;
        Some(self.known_size(&size))
    }

    /// The axes of an input that has this many.
    fn layer_input(&mut self, given: &Given<'a>, axes: usize, wants: &'static str) -> Option<Vec<Size>> {
        self.check_arithmetic(given.input, given.input_span, given.layer.name)?;
        let event = self.event(given.input).to_vec();
        if event.len() != axes {
            let have = self.print_shape(given.input);
            self.report(Layers::Input { name: given.layer.name, wants, have, span: given.input_span });
            return None;
        }
        Some(event)
    }

    fn layer_weights(&mut self, given: &Given<'a>, weights: Vec<Weight>) -> Vec<NodeId> {
        self.weights_of(given.net, Place { span: given.place, stem: given.layer.stem, weights })
    }
}

/// Along the last axis; a number counts as a vector of one.
fn dense<'a>(checker: &mut Checker<'a>, given: &Given<'a>) -> Option<NodeId> {
    let written = given.args[0].is_some();
    let outputs = if written { checker.layer_size(given, 0)? } else { Size::fixed(1) };
    checker.check_arithmetic(given.input, given.input_span, "dense")?;
    let number = checker.is_number(given.input);
    let one = vec![Size::fixed(1)];
    let input = if number { checker.op(Op::Reshape(given.input, one), given.span) } else { given.input };
    let inputs = checker.event(input).last().cloned().unwrap_or_default();
    let mut weights = vec![Weight::layer("weight", vec![outputs.clone(), inputs.clone()], &inputs)];
    if given.bias {
        weights.push(Weight::layer("bias", vec![outputs], &inputs));
    }
    let weights = checker.layer_weights(given, weights);
    let node = checker.op(Op::Dense { input, weight: weights[0], bias: weights.get(1).copied() }, given.span);
    if written {
        return Some(node);
    }
    let mut event = checker.event(node).to_vec();
    event.pop();
    Some(checker.op(Op::Reshape(node, event), given.span))
}

fn conv<'a>(checker: &mut Checker<'a>, given: &Given<'a>) -> Option<NodeId> {
    let axes = checker.layer_input(given, 3, "[channels, height, width]");
    let outputs = checker.layer_size(given, 0);
    let kernel = checker.layer_number(given, 1, 1, 1);
    let (stride, padding) = (checker.layer_number(given, 2, 1, 1), checker.layer_number(given, 3, 0, 0));
    let (axes, outputs, kernel, stride, padding) = (axes?, outputs?, kernel?, stride?, padding?);
    for size in &axes[1..] {
        if convolved(size, &Size::fixed(kernel), stride, padding).is_none() {
            let (size, small) = (checker.print_size(size), size.known().is_some());
            checker.report(Layers::Window {
                name: given.layer.name,
                size,
                kernel,
                stride,
                padding,
                small,
                span: given.span,
            });
            return None;
        }
    }
    let k = Size::fixed(kernel);
    let fan_in = axes[0].times(&k).times(&k);
    let mut weights = vec![Weight::layer("weight", vec![outputs.clone(), axes[0].clone(), k.clone(), k], &fan_in)];
    if given.bias {
        weights.push(Weight::layer("bias", vec![outputs], &fan_in));
    }
    let weights = checker.layer_weights(given, weights);
    Some(checker.op(Op::Layer { layer: Kind::Conv2d { stride, padding }, input: given.input, weights }, given.span))
}

fn conv_transpose<'a>(checker: &mut Checker<'a>, given: &Given<'a>) -> Option<NodeId> {
    let axes = checker.layer_input(given, 3, "[channels, height, width]");
    let outputs = checker.layer_size(given, 0);
    let kernel = checker.layer_number(given, 1, 1, 1);
    let (stride, padding) = (checker.layer_number(given, 2, 1, 1), checker.layer_number(given, 3, 0, 0));
    let output_padding = checker.layer_number(given, 4, 0, 0);
    let (axes, outputs, kernel, stride, padding) = (axes?, outputs?, kernel?, stride?, padding?);
    let output_padding = output_padding?;
    let k = Size::fixed(kernel);
    let layer = Kind::ConvTranspose2d { stride, padding, output_padding };
    for size in &axes[1..] {
        let wide = spread(size, &k, stride, padding, output_padding);
        if wide.known().is_some_and(|n| n < 1) {
            let (size, small) = (checker.print_size(size), true);
            checker.report(Layers::Window {
                name: given.layer.name,
                size,
                kernel,
                stride,
                padding,
                small,
                span: given.span,
            });
            return None;
        }
        checker.require_size(wide.minus(&Size::fixed(1)), given.span);
    }
    let fan_in = axes[0].times(&k).times(&k);
    let mut weights = vec![Weight::layer("weight", vec![axes[0].clone(), outputs.clone(), k.clone(), k], &fan_in)];
    if given.bias {
        weights.push(Weight::layer("bias", vec![outputs], &fan_in));
    }
    let weights = checker.layer_weights(given, weights);
    Some(checker.op(Op::Layer { layer, input: given.input, weights }, given.span))
}

/// A row of a table: a dense layer of the one-hot vector of the label.
fn embedding<'a>(checker: &mut Checker<'a>, given: &Given<'a>) -> Option<NodeId> {
    let outputs = checker.layer_size(given, 0)?;
    let Support::Category(labels) = checker.support(given.input).clone() else {
        let support = checker.print_support(given.input);
        checker.report(Layers::Label { text: checker.text(given.input_span), support, span: given.input_span });
        return None;
    };
    if !checker.is_number(given.input) {
        let have = checker.print_shape(given.input);
        checker.report(Layers::Input { name: "embedding", wants: "one label", have, span: given.input_span });
        return None;
    }
    let weight = Weight::layer("weight", vec![labels.clone(), outputs], &labels);
    let table = checker.layer_weights(given, vec![weight])[0];
    Some(checker.index(table, vec![Pick::At(given.input)], given.span))
}

/// Mean 0 and variance 1 along the last axis, then a gain that starts at 1 and a bias that starts at 0.
fn layer_norm<'a>(checker: &mut Checker<'a>, given: &Given<'a>) -> Option<NodeId> {
    checker.check_arithmetic(given.input, given.input_span, "layer_norm")?;
    let event = checker.event(given.input).to_vec();
    let Some(last) = event.last().cloned() else {
        let have = checker.print_shape(given.input);
        checker.report(Layers::Input { name: "layer_norm", wants: "an array", have, span: given.input_span });
        return None;
    };
    let gain = Weight::constant("weight", vec![last.clone()], 1.0);
    let weights = checker.layer_weights(given, vec![gain, Weight::constant("bias", vec![last], 0.0)]);
    let span = given.span;
    let x = given.input;
    if event.len() > 1 {
        return Some(checker.op(Op::Layer { layer: Kind::LayerNorm, input: x, weights }, span));
    }
    let mean = checker.reduce(Reduce::Mean, x, Over::Event, span);
    let centred = checker.binary(Binary::Sub, x, mean, span);
    let two = checker.number(2.0, None);
    let squares = checker.binary(Binary::Pow, centred, two, span);
    let variance = checker.reduce(Reduce::Mean, squares, Over::Event, span);
    let small = checker.number(1e-5, None);
    let variance = checker.binary(Binary::Add, variance, small, span);
    let scale = checker.unary(Unary::Sqrt, variance, span);
    let normed = checker.binary(Binary::Div, centred, scale, span);
    let scaled = checker.binary(Binary::Mul, normed, weights[0], span);
    Some(checker.binary(Binary::Add, scaled, weights[1], span))
}

fn dropout<'a>(checker: &mut Checker<'a>, given: &Given<'a>) -> Option<NodeId> {
    checker.check_arithmetic(given.input, given.input_span, "dropout")?;
    let expr = given.args[0]?;
    let node = checker.check_number(expr, "the probability of `dropout`")?;
    let Some(rate) = checker.fold_number(node).filter(|rate| (0.0..1.0).contains(rate)) else {
        checker.report(Layers::Rate { text: checker.text(expr.span), span: expr.span });
        return None;
    };
    let layer = Kind::Dropout { rate, place: given.place.start };
    Some(checker.op(Op::Layer { layer, input: given.input, weights: vec![] }, given.span))
}

fn gru<'a>(checker: &mut Checker<'a>, given: &Given<'a>) -> Option<NodeId> {
    let (axes, states) = (checker.layer_input(given, 2, "[steps, values]"), checker.layer_size(given, 0));
    let (axes, states) = (axes?, states?);
    let rows = states.times(&Size::fixed(3));
    let weights = vec![
        Weight::layer("weight", vec![rows.clone(), axes[1].clone()], &states),
        Weight::layer("recurrent", vec![rows.clone(), states.clone()], &states),
        Weight::layer("bias", vec![rows.clone()], &states),
        Weight::layer("recurrent_bias", vec![rows], &states),
    ];
    let weights = checker.layer_weights(given, weights);
    Some(checker.op(Op::Layer { layer: Kind::Gru, input: given.input, weights }, given.span))
}
