//! `Mixture(weights, D)` and `Mixture(weights, [D1, D2])`: log sum_k w_k p_k(value).

use super::{Args, Draw, Kind, Param, ParamAxes, Row, Want};
use crate::math::{Graph, NodeId, Op, Over, Pick, Reduce, Support};
use crate::shape::{AxisId, Size};

pub const ROW: Row = Row {
    kind: Kind::Mixture,
    name: "Mixture",
    params: &[
        Param::new("weights", Want::Simplex, ParamAxes::Categories, 0),
        Param::new("D", Want::Components, ParamAxes::Number, 1),
    ],
    support,
    log_prob,
    canonical: |_, args| args.clone(),
    draw: Draw::Composed,
    noises: 1,
    mean: None,
    entropy: None,
    expect: |_, _, _| None,
};

/// The checker has seen to it that the components have one.
fn support(g: &Graph, args: &Args, event: &[Size]) -> Support {
    args.of.first().map_or(Support::Real, |part| super::support(g, part, event))
}

fn log_prob(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let Some(axis) = args.components else { return g.number(f64::NAN) };
    let each = each_log_prob(g, value, args, axis);
    let weight = log_weight(g, args, axis, g.event(each).to_vec());
    let joint = g.add(weight, each);
    g.reduce(Reduce::LogSumExp, joint, Over::Axes(vec![axis]))
}

/// The log density of every component, over the axis of the components.
fn each_log_prob(g: &mut Graph, value: NodeId, args: &Args, axis: AxisId) -> NodeId {
    if let [one] = args.of.as_slice() {
        return super::log_prob(g, one, value);
    }
    let each = args.of.iter().map(|part| super::log_prob(g, part, value)).collect();
    let all = g.stack(each);
    g.index(all, vec![Pick::Row(axis)])
}

/// The logarithm of a component's weight, which may be given for every entry of the value (`event`).
fn log_weight(g: &mut Graph, args: &Args, axis: AxisId, event: Vec<Size>) -> NodeId {
    let weights = args["weights"];
    let logs = match g.nodes[g.unnamed(weights)].op {
        Op::Softmax(logits) => g.log_softmax(logits),
        _ => g.log(weights),
    };
    if g.event(logs).len() == 1 {
        return g.index(logs, vec![Pick::Row(axis)]);
    }
    let row = g.row(axis, Support::Count(None));
    let rows = g.fill(row, event);
    g.take(logs, rows)
}
