//! `Weibull(shape, scale)`: (x / scale)^shape is Exponential(1).

use super::{Args, Draw, EULER_GAMMA, Kind, Param, Row, Statistic, Want, only};
use crate::math::{Graph, NodeId, Noise, Op, Support, Unary};

pub const ROW: Row = Row {
    kind: Kind::Weibull,
    name: "Weibull",
    params: &[Param::number("shape", Want::Positive, 0), Param::number("scale", Want::Positive, 1)],
    support: |_, _, _| Support::Positive,
    log_prob,
    canonical: |_, args| only(args, &["shape", "scale"]),
    draw: Draw::Reparam(Noise::Uniform, draw),
    noises: 1,
    mean: Some(|g, args| {
        let log = log_power(g, args, 1.0);
        g.exp(log)
    }),
    entropy: Some(entropy),
    expect,
};

/// log(shape) + shape log(x / scale) - log(x) - (x / scale)^shape
fn log_prob(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let (log, log_scale, log_shape) = (g.log(value), g.log(args["scale"]), g.log(args["shape"]));
    let ratio = g.sub(log, log_scale);
    let power = g.mul(args["shape"], ratio);
    let passed = g.exp(power);
    let rise = g.add(log_shape, power);
    let rise = g.sub(rise, log);
    g.sub(rise, passed)
}

/// scale (-log u)^(1 / shape), in log space.
fn draw(g: &mut Graph, noise: NodeId, args: &Args) -> NodeId {
    let log = g.log(noise);
    let size = g.neg(log);
    let log = g.log(size);
    let (power, log_scale) = (g.div(log, args["shape"]), g.log(args["scale"]));
    let log = g.add(log_scale, power);
    g.exp(log)
}

/// log E x^n = n log(scale) + lgamma(1 + n / shape)
pub fn log_power(g: &mut Graph, args: &Args, n: f64) -> NodeId {
    let n = g.number(n);
    let (share, log_scale) = (g.div(n, args["shape"]), g.log(args["scale"]));
    let more = g.shift(share, 1.0);
    let (power, lgamma) = (g.mul(n, log_scale), g.lgamma(more));
    g.add(power, lgamma)
}

/// E log x = log(scale) - gamma / shape
pub fn expected_log(g: &mut Graph, args: &Args) -> NodeId {
    let euler = g.number(EULER_GAMMA);
    let (share, log_scale) = (g.div(euler, args["shape"]), g.log(args["scale"]));
    g.sub(log_scale, share)
}

/// 1 - log(shape) + log(scale) + gamma (1 - 1 / shape): the log density with (x / scale)^shape at its mean, 1.
pub fn entropy(g: &mut Graph, args: &Args) -> NodeId {
    let (log, log_shape) = (expected_log(g, args), g.log(args["shape"]));
    let gap = g.sub(log, log_shape);
    g.shift(gap, 1.0 + EULER_GAMMA)
}

fn expect(g: &mut Graph, statistic: Statistic, args: &Args) -> Option<NodeId> {
    match statistic {
        Statistic::Value => {
            let log = log_power(g, args, 1.0);
            Some(g.exp(log))
        }
        Statistic::Log => Some(expected_log(g, args)),
        // (E x)^2 (E x^2 / (E x)^2 - 1)
        Statistic::Variance => {
            let (one, two) = (log_power(g, args, 1.0), log_power(g, args, 2.0));
            let twice = g.scale(one, 2.0);
            let gap = g.sub(two, twice);
            let (square, share) = (g.exp(twice), g.simple(Op::Unary(Unary::Expm1, gap)));
            Some(g.mul(square, share))
        }
        _ => None,
    }
}
