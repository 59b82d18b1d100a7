//! `HalfCauchy(scale)`: the absolute value of a Cauchy around 0.

use std::f64::consts::PI;

use super::{Args, Draw, Kind, Param, Row, Statistic, Want, only};
use crate::math::{Graph, NodeId, Noise, Op, Support, Unary};

pub const ROW: Row = Row {
    kind: Kind::HalfCauchy,
    name: "HalfCauchy",
    params: &[Param::number("scale", Want::Positive, 0)],
    support: |_, _, _| Support::Positive,
    log_prob,
    canonical: |_, args| only(args, &["scale"]),
    draw: Draw::Reparam(Noise::Uniform, draw),
    noises: 1,
    mean: None,
    entropy: Some(|g, args| {
        let log = g.log(args["scale"]);
        g.shift(log, (2.0 * PI).ln())
    }),
    // log(value / scale) is symmetric around 0.
    expect: |g, statistic, args| (statistic == Statistic::Log).then(|| g.log(args["scale"])),
};

fn log_prob(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let z = g.div(value, args["scale"]);
    let square = g.square(z);
    let tail = g.log1p(square);
    let log_scale = g.log(args["scale"]);
    let both = g.add(tail, log_scale);
    let constant = g.number((2.0 / PI).ln());
    g.sub(constant, both)
}

/// scale tan(pi u / 2)
fn draw(g: &mut Graph, noise: NodeId, args: &Args) -> NodeId {
    let angle = g.scale(noise, PI / 2.0);
    let (sin, cos) = (g.simple(Op::Unary(Unary::Sin, angle)), g.simple(Op::Unary(Unary::Cos, angle)));
    let tan = g.div(sin, cos);
    g.mul(args["scale"], tan)
}
