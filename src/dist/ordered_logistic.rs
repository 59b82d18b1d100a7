//! `OrderedLogistic(eta, cutpoints[K-1])`: the place of eta plus a standard Logistic number among the cutpoints.

use super::{Args, Draw, Kind, Param, ParamAxes, Row, Want, log1mexp, only};
use crate::math::{Graph, NodeId, Support};
use crate::shape::Size;

pub const ROW: Row = Row {
    kind: Kind::OrderedLogistic,
    name: "OrderedLogistic",
    params: &[
        Param::number("eta", Want::Real, 0),
        Param { name: "cutpoints", want: Want::Ordered, axes: ParamAxes::Cutpoints, group: 1 },
    ],
    support: |g, args, _| Support::Category(args.get("cutpoints").map_or(Size::default(), |cuts| labels(g, *cuts))),
    log_prob,
    canonical: |_, args| only(args, &["eta", "cutpoints"]),
    draw: Draw::Enumerable,
    noises: 1,
    mean: None,
    entropy: None,
    expect: |_, _, _| None,
};

/// One more than there are cutpoints.
fn labels(g: &Graph, cutpoints: NodeId) -> Size {
    g.event(cutpoints).last().cloned().unwrap_or_default().plus(&Size::fixed(1))
}

/// With u and l the cutpoints above and below, sigmoid(u - eta) - sigmoid(l - eta) is
/// sigmoid(u - eta) sigmoid(eta - l) (1 - e^(l - u)); the first label has none below, the last none above.
fn log_prob(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let cuts = args["cutpoints"];
    let count = g.event(cuts).last().cloned().unwrap_or_default();
    let (zero, last) = (g.number(0.0), g.size(count.minus(&Size::fixed(1))));
    let count = g.size(count);
    let (has_above, has_below) = (g.less(value, count), g.less(zero, value));
    let (above, below) = (g.min(value, last), g.shift(value, -1.0));
    let below = g.max(below, zero);
    let (above, below) = (g.take(cuts, above), g.take(cuts, below));
    let (up, down) = (g.sub(above, args["eta"]), g.sub(args["eta"], below));
    let (up, down) = (g.log_sigmoid(up), g.log_sigmoid(down));
    let inner = g.mul(has_above, has_below);
    // At the ends both cutpoints are the same one: a gap of 1 keeps the logarithm, which does not count there, finite.
    let (gap, outer) = (g.sub(below, above), g.complement(inner));
    let gap = g.sub(gap, outer);
    let share = log1mexp(g, gap);
    let parts = [g.mul(has_above, up), g.mul(has_below, down), g.mul(inner, share)];
    g.sum_of(&parts)
}
