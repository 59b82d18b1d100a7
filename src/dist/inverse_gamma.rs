//! `InverseGamma(shape, scale)`: the reciprocal of a Gamma of this shape and rate.

use super::{Args, Draw, Kind, Param, Row, Statistic, Want, only};
use crate::math::{Binary, Graph, NodeId, Noise, Op, Support};

pub const ROW: Row = Row {
    kind: Kind::InverseGamma,
    name: "InverseGamma",
    params: &[Param::number("shape", Want::Positive, 0), Param::number("scale", Want::Positive, 1)],
    support: |_, _, _| Support::Positive,
    log_prob,
    canonical: |_, args| only(args, &["shape", "scale"]),
    draw: Draw::Implicit(Noise::Uniform, draw),
    noises: 1,
    // The mean exists only where shape > 1.
    mean: None,
    entropy: Some(entropy),
    expect: |g, statistic, args| match statistic {
        Statistic::Log => Some(expected_log(g, args)),
        Statistic::Recip => Some(g.div(args["shape"], args["scale"])),
        _ => None,
    },
};

fn log_prob(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let (log, recip) = (g.log(value), g.recip(value));
    log_prob_of(g, log, recip, args)
}

/// shape log(scale) - lgamma(shape) - (shape + 1) log(x) - scale / x, linear in log(x) and 1 / x.
pub fn log_prob_of(g: &mut Graph, log: NodeId, recip: NodeId, args: &Args) -> NodeId {
    let (log_scale, lgamma) = (g.log(args["scale"]), g.lgamma(args["shape"]));
    let norm = g.mul(args["shape"], log_scale);
    let norm = g.sub(norm, lgamma);
    let more = g.shift(args["shape"], 1.0);
    let (power, decay) = (g.mul(more, log), g.mul(args["scale"], recip));
    let less = g.add(power, decay);
    g.sub(norm, less)
}

/// Made as a logarithm, like the Gamma's.
fn draw(g: &mut Graph, noise: NodeId, args: &Args) -> NodeId {
    let log = g.simple(Op::Binary(Binary::GammaLogQuantile, args["shape"], noise));
    let log_scale = g.log(args["scale"]);
    let log = g.sub(log_scale, log);
    g.exp(log)
}

/// log(scale) - digamma(shape)
pub fn expected_log(g: &mut Graph, args: &Args) -> NodeId {
    let (digamma, log_scale) = (g.digamma(args["shape"]), g.log(args["scale"]));
    g.sub(log_scale, digamma)
}

/// shape + log(scale) + lgamma(shape) - (1 + shape) digamma(shape)
fn entropy(g: &mut Graph, args: &Args) -> NodeId {
    let (log_scale, lgamma, digamma) = (g.log(args["scale"]), g.lgamma(args["shape"]), g.digamma(args["shape"]));
    let more = g.shift(args["shape"], 1.0);
    let less = g.mul(more, digamma);
    let sum = g.sum_of(&[args["shape"], log_scale, lgamma]);
    g.sub(sum, less)
}
