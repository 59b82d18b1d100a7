//! Layers: the table of their names, and `dense`, whose weights belong to the place where it is written.

use super::Checker;
use super::funs::Body;
use super::nets::{LayerPlace, State};
use crate::math::{NodeId, Op, ParamId, Support};
use crate::model::problems::{Limits, Nets};
use crate::model::{Owner, Param, Start};
use crate::shape::Size;
use crate::source::Span;
use crate::syntax::{Arg, Call, Expr, ExprKind};

pub(super) struct Layer {
    pub name: &'static str,
    pub written: &'static str,
}

/// Of these only `dense` is compiled yet.
pub(super) const LAYERS: &[Layer] = &[
    Layer { name: "dense", written: "dense(x, n), or dense(x) for a number" },
    Layer { name: "conv2d", written: "conv2d(x, channels, kernel: k)" },
    Layer { name: "conv_transpose2d", written: "conv_transpose2d(x, channels, kernel: k)" },
    Layer { name: "embedding", written: "embedding(label, n)" },
    Layer { name: "layer_norm", written: "layer_norm(x)" },
    Layer { name: "dropout", written: "dropout(x, p)" },
    Layer { name: "gru", written: "gru(x, n)" },
];

/// The arguments of `dense`.
struct Dense<'a> {
    input: &'a Expr,
    outputs: Option<&'a Expr>,
    bias: bool,
}

impl<'a> Checker<'a> {
    pub(super) fn check_layer(&mut self, call: &'a Call, piped: Option<&'a Expr>, span: Span) -> Option<NodeId> {
        let name = call.name.node.as_str();
        let layer = LAYERS.iter().find(|layer| layer.name == name)?;
        let Some(Body::Net(net)) = self.body else {
            self.report(Nets::LayerOutside { name: name.into(), span: call.name.span });
            return None;
        };
        if name != "dense" {
            self.report(Limits::Layer { name: name.into(), written: layer.written, span: call.span });
            let labels = ["kernel", "stride", "padding", "output_padding", "bias"];
            let input = piped.or(call.args.iter().find(|arg| !is_one_of(arg, &labels)).map(|arg| &arg.value));
            input.and_then(|input| self.check_node(input));
            return None;
        }
        let dense = self.dense_arguments(call, piped, layer.written)?;
        let input = self.check_node(dense.input);
        let outputs = match dense.outputs {
            Some(size) => self.check_axis_size(size)?,
            None => Size::fixed(1),
        };
        let input = input?;
        self.check_arithmetic(input, dense.input.span, "dense")?;
        Some(self.dense(net, input, outputs, &dense, call.span, span))
    }

    fn dense_arguments(&mut self, call: &'a Call, piped: Option<&'a Expr>, written: &'static str) -> Option<Dense<'a>> {
        let mut positional: Vec<&'a Expr> = piped.into_iter().collect();
        let mut bias = true;
        for arg in &call.args {
            match (&arg.name, &arg.value.kind) {
                (None, _) => positional.push(&arg.value),
                (Some(name), ExprKind::Name(word)) if name.node == "bias" && (word == "true" || word == "false") => {
                    bias = word == "true";
                }
                (Some(name), _) => {
                    self.report(Nets::LayerArguments { name: "dense", written, span: name.span });
                    return None;
                }
            }
        }
        match positional.as_slice() {
            [input] => Some(Dense { input, outputs: None, bias }),
            [input, outputs] => Some(Dense { input, outputs: Some(outputs), bias }),
            _ => {
                self.report(Nets::LayerArguments { name: "dense", written, span: call.span });
                None
            }
        }
    }

    /// Along the last axis; a number counts as a vector of one.
    fn dense(
        &mut self,
        net: usize,
        input: NodeId,
        outputs: Size,
        dense: &Dense<'a>,
        place: Span,
        span: Span,
    ) -> NodeId {
        let number = self.is_number(input);
        let input = if number { self.op(Op::Reshape(input, vec![Size::fixed(1)]), span) } else { input };
        let inputs = self.event(input).last().cloned().unwrap_or_default();
        let place = LayerPlace { span: place, inputs, outputs, bias: dense.bias };
        let (weight, bias) = self.layer_weights(net, place);
        let node = self.op(Op::Dense { input, weight, bias }, span);
        if dense.outputs.is_some() {
            return node;
        }
        let mut event = self.event(node).to_vec();
        event.pop();
        self.op(Op::Reshape(node, event), span)
    }

    /// The weights of a place: stand-ins while a body is checked, params once its net is called.
    fn layer_weights(&mut self, net: usize, place: LayerPlace) -> (NodeId, Option<NodeId>) {
        if self.trial {
            let weight = self.placeholder(&[place.outputs.clone(), place.inputs.clone()], &Support::Real);
            let bias = place.bias.then(|| self.placeholder(std::slice::from_ref(&place.outputs), &Support::Real));
            let known = self.nets[net].layers.iter().any(|layer| layer.span == place.span);
            if self.nets[net].state == State::Reading && !known {
                self.nets[net].layers.push(place);
            }
            return (weight, bias);
        }
        if self.nets[net].weights.is_empty() {
            self.add_weights(net);
        }
        let Some((weight, bias)) = self.nets[net].weights.get(&place.span).copied() else {
            return (self.placeholder(&[place.outputs.clone(), place.inputs], &Support::Real), None);
        };
        let bias = bias.and_then(|bias| self.param_node(bias, place.span));
        match self.param_node(weight, place.span) {
            Some(weight) => (weight, bias),
            None => (self.placeholder(&[place.outputs, place.inputs], &Support::Real), bias),
        }
    }

    /// `encoder.dense1.weight` and `.bias`, in the order in which the layers are applied.
    fn add_weights(&mut self, net: usize) {
        let name = self.nets[net].name.node.clone();
        for (at, layer) in self.nets[net].layers.clone().into_iter().enumerate() {
            let layer_name = format!("{name}.dense{}", at + 1);
            let LayerPlace { span, inputs, outputs, bias } = layer;
            let weight = self.add_weight(
                format!("{layer_name}.weight"),
                vec![outputs.clone(), inputs.clone()],
                &inputs,
                &name,
                span,
            );
            let bias = bias.then(|| self.add_weight(format!("{layer_name}.bias"), vec![outputs], &inputs, &name, span));
            self.nets[net].weights.insert(span, (weight, bias));
        }
    }

    fn add_weight(&mut self, name: String, event: Vec<Size>, fan_in: &Size, net: &str, span: Span) -> ParamId {
        self.params.push(Param {
            name,
            rows: vec![],
            event,
            support: Support::Real,
            start: Start::Layer { fan_in: fan_in.clone() },
            owner: Owner::Guide,
            net: Some(net.into()),
            plates: vec![],
            span,
        });
        ParamId(self.params.len() as u32 - 1)
    }
}

fn is_one_of(arg: &Arg, labels: &[&str]) -> bool {
    arg.name.as_ref().is_some_and(|name| labels.contains(&name.node.as_str()))
}
