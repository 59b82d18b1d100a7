//! `VonMises(loc, concentration)`, an angle between -pi and pi: log density k cos(x - loc) - log(2 pi I_0(k)).

use std::f64::consts::PI;

use super::{Args, Draw, Kind, Param, Row, Want, only};
use crate::math::{Binary, Graph, NodeId, Noise, Op, Support, Unary};

pub const ROW: Row = Row {
    kind: Kind::VonMises,
    name: "VonMises",
    params: &[Param::number("loc", Want::Real, 0), Param::number("concentration", Want::Positive, 1)],
    support: |_, _, _| Support::between(-PI, PI),
    log_prob,
    canonical: |_, args| only(args, &["loc", "concentration"]),
    draw: Draw::Implicit(Noise::Uniform, draw),
    noises: 1,
    // The mean of a number that is cut at +-pi; the direction loc is another thing.
    mean: None,
    entropy: Some(entropy),
    expect: |_, _, _| None,
};

/// k (cos(d) - 1) - log(2 pi I_0(k) e^-k), with cos(d) - 1 as -2 sin(d / 2)^2: neither cancels where k is large.
fn log_prob(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let less = versine(g, value, args["loc"]);
    let decay = g.mul(args["concentration"], less);
    let norm = log_norm(g, args);
    let all = g.add(decay, norm);
    g.neg(all)
}

/// 1 - cos(x - y)
pub fn versine(g: &mut Graph, x: NodeId, y: NodeId) -> NodeId {
    let distance = g.sub(x, y);
    let half = g.scale(distance, 0.5);
    let sine = g.simple(Op::Unary(Unary::Sin, half));
    let square = g.square(sine);
    g.scale(square, 2.0)
}

/// log(2 pi I_0(k) e^-k)
pub fn log_norm(g: &mut Graph, args: &Args) -> NodeId {
    let bessel = g.simple(Op::Unary(Unary::LogBesselI0e, args["concentration"]));
    g.shift(bessel, (2.0 * PI).ln())
}

/// E cos(x - loc)
pub fn resultant(g: &mut Graph, args: &Args) -> NodeId {
    g.simple(Op::Unary(Unary::BesselRatio, args["concentration"]))
}

/// The quantile around 0, turned by loc and brought back between -pi and pi.
fn draw(g: &mut Graph, noise: NodeId, args: &Args) -> NodeId {
    let around = g.simple(Op::Binary(Binary::VonMisesQuantile, args["concentration"], noise));
    let angle = g.add(args["loc"], around);
    let turns = g.scale(angle, 0.5 / PI);
    let turns = g.simple(Op::Unary(Unary::Round, turns));
    let turns = g.scale(turns, 2.0 * PI);
    g.sub(angle, turns)
}

/// The log norm + k (1 - E cos)
fn entropy(g: &mut Graph, args: &Args) -> NodeId {
    let (norm, mean) = (log_norm(g, args), resultant(g, args));
    let less = g.complement(mean);
    let decay = g.mul(args["concentration"], less);
    g.add(norm, decay)
}
