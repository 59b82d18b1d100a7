//! `Pareto(scale, shape)`: log(x / scale) is Exponential(shape), above `scale`.

use super::{Args, Draw, Kind, Param, Row, Statistic, Want, between, only};
use crate::math::{Graph, NodeId, Noise};

pub const ROW: Row = Row {
    kind: Kind::Pareto,
    name: "Pareto",
    params: &[Param::number("scale", Want::Positive, 0), Param::number("shape", Want::Positive, 1)],
    support: |g, args, _| between(g, args.get("scale"), None),
    log_prob,
    canonical: |_, args| only(args, &["scale", "shape"]),
    draw: Draw::Reparam(Noise::Uniform, draw),
    noises: 1,
    // The mean exists only where shape > 1.
    mean: None,
    entropy: Some(entropy),
    expect: |g, statistic, args| match statistic {
        Statistic::Log => Some(expected_log(g, args)),
        // shape / ((shape + 1) scale)
        Statistic::Recip => {
            let more = g.shift(args["shape"], 1.0);
            let share = g.div(args["shape"], more);
            Some(g.div(share, args["scale"]))
        }
        _ => None,
    },
};

fn log_prob(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let log = g.log(value);
    log_prob_of(g, log, args)
}

/// log(shape) - shape (log(x) - log(scale)) - log(x), linear in log(x).
pub fn log_prob_of(g: &mut Graph, log: NodeId, args: &Args) -> NodeId {
    let (log_scale, log_shape) = (g.log(args["scale"]), g.log(args["shape"]));
    let above = g.sub(log, log_scale);
    let decay = g.mul(args["shape"], above);
    let gap = g.sub(log_shape, decay);
    g.sub(gap, log)
}

/// scale u^(-1 / shape), in log space.
fn draw(g: &mut Graph, noise: NodeId, args: &Args) -> NodeId {
    let log = g.log(noise);
    let (power, log_scale) = (g.div(log, args["shape"]), g.log(args["scale"]));
    let log = g.sub(log_scale, power);
    g.exp(log)
}

/// log(scale) + 1 / shape
pub fn expected_log(g: &mut Graph, args: &Args) -> NodeId {
    let (share, log_scale) = (g.recip(args["shape"]), g.log(args["scale"]));
    g.add(log_scale, share)
}

/// Minus the log density at the expected logarithm, in which it is linear.
fn entropy(g: &mut Graph, args: &Args) -> NodeId {
    let log = expected_log(g, args);
    let negative = log_prob_of(g, log, args);
    g.neg(negative)
}
