//! `Gamma(shape, rate | scale)`.

use super::{Args, Draw, Kind, Param, Row, Statistic, Want};
use crate::math::{Binary, Graph, NodeId, Noise, Op, Support};

pub const ROW: Row = Row {
    kind: Kind::Gamma,
    name: "Gamma",
    params: &[
        Param::number("shape", Want::Positive, 0),
        Param::number("rate", Want::Positive, 1),
        Param::number("scale", Want::Positive, 1),
    ],
    support: |_, _, _| Support::Positive,
    log_prob,
    canonical: |g, args| Args::from([("shape", args["shape"]), ("rate", rate(g, args))]),
    draw: Draw::Implicit(Noise::Uniform, draw),
    noises: 1,
    mean: Some(|g, args| g.div(args["shape"], args["rate"])),
    entropy: Some(entropy),
    expect,
};

/// The rate, from `rate | scale`.
pub fn rate(g: &mut Graph, args: &Args) -> NodeId {
    match args.get("scale") {
        Some(scale) => g.recip(*scale),
        None => args["rate"],
    }
}

fn log_prob(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let log = g.log(value);
    log_prob_of(g, value, log, args)
}

/// shape log(rate) - lgamma(shape) + (shape - 1) log(value) - rate value, linear in `value` and `log` of it.
pub fn log_prob_of(g: &mut Graph, value: NodeId, log: NodeId, args: &Args) -> NodeId {
    let log_rate = g.log(args["rate"]);
    let norm = g.mul(args["shape"], log_rate);
    let lgamma = g.lgamma(args["shape"]);
    let norm = g.sub(norm, lgamma);
    let power = g.shift(args["shape"], -1.0);
    let power = g.mul(power, log);
    let decay = g.mul(args["rate"], value);
    let kernel = g.sub(power, decay);
    g.add(norm, kernel)
}

/// Made as a logarithm: a draw of shape 0.01 is often below the smallest number.
fn draw(g: &mut Graph, noise: NodeId, args: &Args) -> NodeId {
    let log = g.simple(Op::Binary(Binary::GammaLogQuantile, args["shape"], noise));
    let log_rate = g.log(args["rate"]);
    let log = g.sub(log, log_rate);
    g.exp(log)
}

/// shape - log(rate) + lgamma(shape) + (1 - shape) digamma(shape)
fn entropy(g: &mut Graph, args: &Args) -> NodeId {
    let (lgamma, digamma) = (g.lgamma(args["shape"]), g.digamma(args["shape"]));
    let less = g.complement(args["shape"]);
    let less = g.mul(less, digamma);
    let log_rate = g.log(args["rate"]);
    let sum = g.sum_of(&[args["shape"], lgamma, less]);
    g.sub(sum, log_rate)
}

fn expect(g: &mut Graph, statistic: Statistic, args: &Args) -> Option<NodeId> {
    let mean = g.div(args["shape"], args["rate"]);
    match statistic {
        Statistic::Value => Some(mean),
        Statistic::Log => {
            let (digamma, log_rate) = (g.digamma(args["shape"]), g.log(args["rate"]));
            Some(g.sub(digamma, log_rate))
        }
        Statistic::Variance => Some(g.div(mean, args["rate"])),
        Statistic::Square | Statistic::Log1m | Statistic::Recip => None,
    }
}
