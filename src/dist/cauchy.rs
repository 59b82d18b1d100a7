//! `Cauchy(loc, scale)`.

use std::f64::consts::PI;

use super::{Args, Draw, Kind, Param, Row, Want, only, standardized};
use crate::math::{Graph, NodeId, Noise, Op, Support, Unary};

pub const ROW: Row = Row {
    kind: Kind::Cauchy,
    name: "Cauchy",
    params: &[Param::number("loc", Want::Real, 0), Param::number("scale", Want::Positive, 1)],
    support: |_, _, _| Support::Real,
    log_prob,
    canonical: |_, args| only(args, &["loc", "scale"]),
    draw: Draw::Reparam(Noise::Uniform, draw),
    noises: 1,
    // No moment exists.
    mean: None,
    entropy: Some(|g, args| {
        let log = g.log(args["scale"]);
        g.shift(log, (4.0 * PI).ln())
    }),
    expect: |_, _, _| None,
};

fn log_prob(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let (z, log_scale) = standardized(g, value, args);
    let square = g.square(z);
    let tail = g.log1p(square);
    let both = g.add(tail, log_scale);
    let constant = g.number(-PI.ln());
    g.sub(constant, both)
}

/// loc - scale / tan(pi u), the quantile: near 0 and 1 the cotangent keeps what the tangent of pi (u - 1/2) rounds.
fn draw(g: &mut Graph, noise: NodeId, args: &Args) -> NodeId {
    let angle = g.scale(noise, PI);
    let (sin, cos) = (g.simple(Op::Unary(Unary::Sin, angle)), g.simple(Op::Unary(Unary::Cos, angle)));
    let cot = g.div(cos, sin);
    let spread = g.mul(args["scale"], cot);
    g.sub(args["loc"], spread)
}
