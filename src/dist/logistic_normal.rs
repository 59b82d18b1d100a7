//! `LogisticNormal(loc[K-1], scale[K-1])` over `simplex[K]`: softmax of Normals with a last 0.

use super::{Args, Draw, Kind, Param, ParamAxes, Row, Want, normal, only};
use crate::math::{Graph, NodeId, Noise, Pick, Support};
use crate::shape::Size;

pub const ROW: Row = Row {
    kind: Kind::LogisticNormal,
    name: "LogisticNormal",
    params: &[
        Param::new("loc", Want::Real, ParamAxes::Less, 0),
        Param::new("scale", Want::Positive, ParamAxes::Less, 1),
    ],
    support: |_, _, event| Support::Simplex(event.last().cloned().unwrap_or_default()),
    log_prob,
    canonical: |_, args| only(args, &["loc", "scale"]),
    draw: Draw::Reparam(Noise::Normal, draw),
    noises: 1,
    mean: None,
    entropy: None,
    expect: |_, _, _| None,
};

/// Normal densities of log(x_k / x_K), and -sum_k log(x_k): the inverse map has determinant 1 / prod_k x_k.
fn log_prob(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let logs = g.log(value);
    let k = g.event(value).last().cloned().unwrap_or_default();
    let less = k.minus(&Size::fixed(1));
    let first = g.index(logs, vec![Pick::Slice(Size::default(), less.clone())]);
    let last = g.index(logs, vec![Pick::Slice(less, k)]);
    let last = g.sum_event(last);
    let ratios = g.sub(first, last);
    let each = (normal::ROW.log_prob)(g, ratios, args);
    let (density, logs) = (g.sum_last(each), g.sum_last(logs));
    g.sub(density, logs)
}

/// Of the noise, which is shaped as the value, the last number is not used.
fn draw(g: &mut Graph, noise: NodeId, args: &Args) -> NodeId {
    let k = g.event(noise).last().cloned().unwrap_or_default();
    let noise = g.index(noise, vec![Pick::Slice(Size::default(), k.minus(&Size::fixed(1)))]);
    let spread = g.mul(args["scale"], noise);
    let logits = g.add(args["loc"], spread);
    let zero = g.number(0.0);
    let zero = g.fill(zero, vec![Size::fixed(1)]);
    let logits = g.concat(vec![logits, zero]);
    g.softmax(logits)
}
