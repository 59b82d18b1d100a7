//! Nets: checked once against their types, then inlined at every call; a layer's weights belong to its place.

use std::collections::BTreeMap;

use super::Checker;
use super::expr::Value;
use super::funs::Body;
use super::names::Meaning;
use super::types::Checked;
use super::weights::Place;
use crate::math::{Label, NodeId, Op, ParamId};
use crate::model::problems::Nets;
use crate::shape::Shape;
use crate::source::{Span, Spanned};
use crate::syntax::{Formal, Name, NetResult, NetStmt};

pub(super) struct NetItem<'a> {
    pub name: &'a Name,
    pub formals: &'a [Formal],
    pub result: &'a NetResult,
    pub body: &'a [Spanned<NetStmt>],
    pub state: State,
    /// The types of its arguments and outputs; `None` where one was reported.
    pub signature: Option<Signature>,
    /// Its layers in the order they are applied, and the weights of each once the net is called.
    pub layers: Vec<Place>,
    pub weights: BTreeMap<Span, Vec<ParamId>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Unread,
    Reading,
    Good,
    Broken,
}

#[derive(Debug, Clone)]
pub(super) struct Signature {
    pub formals: Vec<Checked>,
    /// Without a name where there is one result.
    pub outputs: Vec<(Option<String>, Checked)>,
}

impl<'a> Checker<'a> {
    pub(super) fn add_net(
        &mut self,
        name: &'a Name,
        formals: &'a [Formal],
        result: &'a NetResult,
        body: &'a [Spanned<NetStmt>],
    ) -> usize {
        self.check_formals(formals);
        let (layers, weights) = (vec![], BTreeMap::new());
        self.nets.push(NetItem { name, formals, result, body, state: State::Unread, signature: None, layers, weights });
        self.nets.len() - 1
    }

    /// Types of arguments and outputs of every net.
    pub(super) fn check_signatures(&mut self) {
        for at in 0..self.nets.len() {
            let (formals, result) = (self.nets[at].formals, self.nets[at].result);
            let mut types = vec![];
            for formal in formals {
                // The parser says where a type is missing.
                types.push(formal.ty.as_ref().and_then(|ty| self.check_complete_type(ty)));
            }
            let outputs: Vec<_> = match result {
                NetResult::One(ty) => vec![self.check_complete_type(ty).map(|ty| (None, ty))],
                NetResult::Named(list) => {
                    self.check_formals(list);
                    list.iter().map(|output| self.check_output(output)).collect()
                }
            };
            let formals: Option<Vec<Checked>> = types.into_iter().collect();
            let outputs: Option<Vec<_>> = outputs.into_iter().collect();
            self.nets[at].signature = formals.zip(outputs).map(|(formals, outputs)| Signature { formals, outputs });
        }
    }

    fn check_output(&mut self, output: &'a Formal) -> Option<(Option<String>, Checked)> {
        let ty = output.ty.as_ref()?;
        Some((Some(output.name.node.clone()), self.check_complete_type(ty)?))
    }

    /// Checks a net's body in a graph of its own, where its arguments are known by their types alone.
    pub(super) fn check_net(&mut self, at: usize) {
        if self.nets[at].state != State::Unread {
            return;
        }
        self.nets[at].state = State::Reading;
        let before = self.errors();
        if let Some(signature) = self.nets[at].signature.clone() {
            let (axes, map) = (self.axes.clone(), self.graph.axes.clone());
            let outer = std::mem::take(&mut self.graph);
            self.graph.axes = map;
            let trial = std::mem::replace(&mut self.trial, true);
            let args = signature.formals.iter().map(|ty| self.placeholder(&ty.event, &ty.support)).collect();
            if let Some(outputs) = self.net_body(at, args) {
                for ((node, span), (name, ty)) in outputs.into_iter().zip(&signature.outputs) {
                    let span = self.output_value(at, name.as_deref()).unwrap_or(span);
                    let what = name.clone().map_or("the result".into(), |name| format!("output `{name}`"));
                    self.check_output_fits(at, &what, node, ty, span);
                }
            }
            self.graph = outer;
            self.axes = axes;
            self.trial = trial;
        }
        let good = self.errors() == before && self.nets[at].signature.is_some();
        self.nets[at].state = if good { State::Good } else { State::Broken };
    }

    /// Where the value of a named output is written.
    fn output_value(&self, at: usize, output: Option<&str>) -> Option<Span> {
        self.nets[at].body.iter().find_map(|stmt| match &stmt.node {
            NetStmt::Def { name, value } if Some(name.node.as_str()) == output => Some(value.span),
            _ => None,
        })
    }

    fn check_output_fits(&mut self, at: usize, what: &str, node: NodeId, ty: &Checked, span: Span) {
        let net = self.nets[at].name.node.clone();
        if self.event(node) != ty.event.as_slice() {
            let (have, want) = (self.print_shape(node), self.print_event(&ty.event));
            let whole = want.strip_prefix('[').and_then(|w| w.strip_suffix(']')).unwrap_or("").to_string();
            self.report(Nets::OutputShape { net, what: what.into(), have, want, sizes: whole, span });
            return;
        }
        // A net's output is declared: it is used as what it says, so it must be proven.
        if !self.proves(node, &ty.support) {
            let (have, want) = (self.print_support(node), self.support_text(&ty.support));
            // It is declared already: it is the declaration that may be another.
            let offer = super::fitting::offer(&ty.support, &self.text(span));
            let other = format!("declare {what} {have}");
            let offer = match offer.split_once(", or declare it") {
                Some((make, _)) => format!("{make}, or {other}"),
                None => format!("{offer}, or {other}"),
            };
            self.report(Nets::OutputSupport { net, what: what.into(), have, want, offer, span });
        }
    }

    /// The outputs of a body for these arguments, in the order of the signature.
    fn net_body(&mut self, at: usize, args: Vec<NodeId>) -> Option<Vec<(NodeId, Span)>> {
        let NetItem { name, formals, body, result, .. } = &self.nets[at];
        let (name, formals, body, result) = (*name, *formals, *body, *result);
        let locals = formals.iter().zip(args).map(|(formal, node)| (&formal.name, Value::Node(node))).collect();
        self.inside(Body::Net(at), &name.node, locals, |checker| {
            let one = checker.net_statements(body);
            match (result, one) {
                (NetResult::One(_), Some((node, span))) => Some(vec![(node?, span)]),
                (NetResult::One(_), None) => {
                    checker.report(Nets::NoResult { net: name.node.clone(), span: name.span });
                    None
                }
                (NetResult::Named(list), None | Some((None, _))) => {
                    let nodes: Vec<_> =
                        list.iter().map(|output| checker.net_output(&name.node, &output.name)).collect();
                    nodes.into_iter().collect()
                }
                (NetResult::Named(list), Some((_, span))) => {
                    let outputs = super::formal_names(list);
                    checker.report(Nets::ResultAndOutputs { net: name.node.clone(), outputs, span });
                    None
                }
            }
        })
    }

    /// Brings the definitions of a body into scope; gives its result, where one is written.
    fn net_statements(&mut self, body: &'a [Spanned<NetStmt>]) -> Option<(Option<NodeId>, Span)> {
        let mut result = None;
        let from = self.scope.closed.as_ref().map_or(0, |(_, from)| *from);
        for stmt in body {
            match &stmt.node {
                NetStmt::Def { name, value } => {
                    if let Some((Some(_), first)) = result {
                        self.report(Nets::AfterResult { result: first, span: name.span.to(value.span) });
                        result = Some((None, first));
                    }
                    let value = self.check_value(value);
                    if let Some((_, first)) = self.scope.locals[from..].iter().find(|(n, _)| *n == name.node) {
                        let first = first.span;
                        self.report(crate::model::problems::Names::Duplicate {
                            name: name.node.clone(),
                            first,
                            second: name.span,
                        });
                    }
                    let meaning = value.map_or(Meaning::Broken, Meaning::Local);
                    self.scope.locals.push((name.node.clone(), super::names::Entry { meaning, span: name.span }));
                }
                NetStmt::Result(expr) => {
                    let node = self.check_node(expr);
                    if let Some((Some(_), first)) = result {
                        self.report(Nets::TwoResults { first, second: expr.span });
                    }
                    result = Some((node, expr.span));
                }
                NetStmt::Error { binds } => {
                    binds.iter().for_each(|name| self.push_broken(name));
                    // It may have been the result: that one is missing was said already.
                    result.get_or_insert((None, stmt.span));
                }
            }
        }
        result
    }

    fn net_output(&mut self, net: &str, output: &Name) -> Option<(NodeId, Span)> {
        let from = self.scope.closed.as_ref().map_or(0, |(_, from)| *from);
        let entry = self.scope.locals[from..].iter().rev().find(|(n, _)| *n == output.node).map(|(_, e)| e.clone());
        match entry.map(|entry| (entry.meaning, entry.span)) {
            Some((Meaning::Local(Value::Node(node)), span)) => Some((node, span)),
            Some((Meaning::Local(Value::Outputs(_)), span)) => {
                self.report(Nets::OutputIsOutputs { output: output.node.clone(), span });
                None
            }
            Some(_) => None,
            None => {
                self.report(Nets::OutputMissing { net: net.into(), output: output.node.clone(), span: output.span });
                None
            }
        }
    }

    /// Inlines a net for these arguments; where something was reported, the call still has its declared type.
    pub(super) fn call_net(&mut self, at: usize, args: Vec<Option<(NodeId, Span)>>, span: Span) -> Option<Value> {
        self.check_net(at);
        let signature = self.nets[at].signature.clone()?;
        let name = self.nets[at].name.node.clone();
        let mut nodes = vec![];
        for (position, (arg, ty)) in args.into_iter().zip(&signature.formals).enumerate() {
            let formal = self.nets[at].formals[position].name.node.clone();
            nodes.push(arg.and_then(|(node, span)| self.check_net_argument(&name, &formal, node, ty, span)));
        }
        let nodes: Option<Vec<NodeId>> = nodes.into_iter().collect();
        let good = self.nets[at].state == State::Good;
        let outputs = nodes.clone().filter(|_| good).and_then(|nodes| self.net_body(at, nodes));
        let args = nodes.unwrap_or_default();
        let mut values = vec![];
        for (place, (output, ty)) in signature.outputs.iter().enumerate() {
            let node = match &outputs {
                Some(outputs) => outputs[place].0,
                None => self.placeholder(&ty.event, &ty.support),
            };
            let label = Label::Call { name: name.clone(), args: args.clone(), output: output.clone() };
            // Its body was proven to lie in the declared support, so that is what its readers see.
            let shape = Shape::new(self.graph.shape(node).plates.clone(), ty.event.clone());
            let named = self.graph.node(Op::Named(label, node), shape, ty.support.clone());
            values.push((output.clone(), self.graph.mark(named, span)));
        }
        if let [(None, node)] = values.as_slice() {
            return Some(Value::Node(*node));
        }
        Some(Value::Outputs(values.into_iter().map(|(name, node)| (name.unwrap_or_default(), node)).collect()))
    }

    fn check_net_argument(
        &mut self,
        net: &str,
        formal: &str,
        node: NodeId,
        ty: &Checked,
        span: Span,
    ) -> Option<NodeId> {
        if self.event(node) != ty.event.as_slice() {
            let (have, want) = (self.print_shape(node), self.print_event(&ty.event));
            self.report(Nets::ArgumentShape { net: net.into(), formal: formal.into(), have, want, span });
            return None;
        }
        self.require_fit(node, &ty.support, span, &format!("argument `{formal}` of `{net}`"))?;
        Some(node)
    }

    /// What a call stands for when its arguments were wrong: its declared type.
    pub(super) fn net_placeholder(&mut self, meaning: &Meaning) -> Option<Value> {
        let Meaning::Net(at) = meaning else { return None };
        let signature = self.nets[*at].signature.clone()?;
        let mut values = vec![];
        for (output, ty) in &signature.outputs {
            values.push((output.clone(), self.placeholder(&ty.event, &ty.support)));
        }
        match values.as_slice() {
            [(None, node)] => Some(Value::Node(*node)),
            _ => Some(Value::Outputs(values.into_iter().map(|(n, node)| (n.unwrap_or_default(), node)).collect())),
        }
    }
}

pub(super) fn layers() -> impl Iterator<Item = &'static str> {
    super::layers::LAYERS.iter().map(|layer| layer.name)
}

pub(super) fn is_layer(name: &str) -> bool {
    layers().any(|layer| layer == name)
}
