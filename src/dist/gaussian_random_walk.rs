//! `GaussianRandomWalk(scale)` over `real[T]`: x_t = x_t-1 + scale e_t, the first step from 0.

use super::{Args, Draw, Kind, Param, Row, Want, normal, only};
use crate::math::{Graph, NodeId, Noise, Pick, Support, shape_rules};
use crate::shape::Size;

pub const ROW: Row = Row {
    kind: Kind::GaussianRandomWalk,
    name: "GaussianRandomWalk",
    params: &[Param::number("scale", Want::Positive, 0)],
    support: |_, _, _| Support::Real,
    log_prob,
    canonical: |_, args| only(args, &["scale"]),
    draw: Draw::Reparam(Noise::Normal, |g, noise, args| {
        let walk = g.cumsum(noise);
        g.mul(args["scale"], walk)
    }),
    noises: 1,
    mean: None,
    entropy: None,
    expect: |_, _, _| None,
};

fn log_prob(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let zero = g.number(0.0);
    let before = lagged(g, value, 1);
    let args = Args::from([("loc", zero), ("scale", args["scale"])]);
    let step = g.sub(value, before);
    let each = (normal::ROW.log_prob)(g, step, &args);
    g.sum_last(each)
}

/// The entries `lag` places before along the last axis, 0 before the first.
pub fn lagged(g: &mut Graph, value: NodeId, lag: usize) -> NodeId {
    let event = g.event(value).to_vec();
    let (n, zero, lag) = (event.last().cloned().unwrap_or_default(), g.number(0.0), Size::fixed(lag));
    if n.minus(&lag).known().is_some_and(|rest| rest <= 0) {
        return g.fill(zero, event);
    }
    // Pieces are cut and joined along the first axis.
    let rows = shape_rules::product(&event[..event.len() - 1]);
    let columns = g.reshape(value, vec![rows.clone(), n.clone()]);
    let columns = g.transpose(columns);
    let zeros = g.fill(zero, vec![lag.clone(), rows]);
    let kept = g.index(columns, vec![Pick::Slice(Size::default(), n.minus(&lag))]);
    let moved = g.concat(vec![zeros, kept]);
    let moved = g.transpose(moved);
    g.reshape(moved, event)
}
