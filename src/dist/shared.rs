//! What the files of several distributions share.

use super::Args;
use crate::math::support::Bound;
use crate::math::{Graph, NodeId, Pick, Support};
use crate::shape::Size;

pub const EULER_GAMMA: f64 = 0.577_215_664_901_532_9;

/// (value - loc) / scale, and log(scale).
pub fn standardized(graph: &mut Graph, value: NodeId, args: &Args) -> (NodeId, NodeId) {
    let distance = graph.sub(value, args["loc"]);
    (graph.div(distance, args["scale"]), graph.log(args["scale"]))
}

/// The end of a support that an argument sets: a number where it is one.
pub fn end_of(graph: &Graph, arg: NodeId) -> Bound {
    let range = graph.support(arg).range();
    if range.lo == range.hi { Bound::Number(range.lo) } else { Bound::Value(arg) }
}

/// The support between two arguments; one that is missing is infinite.
pub fn between(graph: &Graph, lo: Option<&NodeId>, hi: Option<&NodeId>) -> Support {
    let end = |arg: Option<&NodeId>, none: f64| arg.map_or(Bound::Number(none), |arg| end_of(graph, *arg));
    match (end(lo, f64::NEG_INFINITY), end(hi, f64::INFINITY)) {
        (Bound::Number(lo), Bound::Number(hi)) => Support::between(lo, hi),
        (lo, hi) => Support::Interval(lo, hi),
    }
}

/// `log(x)` of a constant.
pub fn ln(graph: &mut Graph, x: f64) -> NodeId {
    graph.number(x.ln())
}

/// An argument of one value, in front of which the value has components: repeated for each of them.
pub fn beside(graph: &mut Graph, arg: NodeId, event: &[Size]) -> NodeId {
    let own = graph.event(arg).to_vec();
    if own.len() != 1 || event.len() < 2 {
        return arg;
    }
    let one = graph.number(1.0);
    let ones = graph.fill(one, vec![crate::math::shape_rules::product(&event[..event.len() - 1])]);
    let all = graph.outer(ones, arg);
    graph.reshape(all, event.to_vec())
}

/// The noise of this place, of a distribution that takes several a component.
pub fn noise_at(graph: &mut Graph, noise: NodeId, place: usize) -> NodeId {
    let place = graph.number(place as f64);
    graph.index(noise, vec![Pick::At(place)])
}

pub fn only(args: &Args, names: &[&'static str]) -> Args {
    args.iter().filter(|(name, _)| names.contains(name)).map(|(name, id)| (*name, *id)).collect()
}
