//! `Poisson(rate | log_rate)`.

use super::{Args, Draw, Kind, Param, Row, Statistic, Want, bernoulli, sampler};
use crate::math::{Graph, NodeId, Op, Support, Unary};

pub const ROW: Row = Row {
    kind: Kind::Poisson,
    name: "Poisson",
    params: &[Param::number("rate", Want::Positive, 0), Param::number("log_rate", Want::Real, 0)],
    support: |_, _, _| Support::Count(None),
    log_prob,
    canonical,
    draw: Draw::SampleOnly(|uniform, arg| {
        let rate = arg("rate").or(arg("log_rate").map(f64::exp)).unwrap_or(f64::NAN);
        sampler::poisson(uniform(), rate)
    }),
    noises: 1,
    mean: Some(rate),
    entropy: None,
    expect: |g, statistic, args| {
        let rate = rate(g, args);
        matches!(statistic, Statistic::Value | Statistic::Variance).then_some(rate)
    },
};

/// `rate: exp(l)` is `log_rate: l`.
fn canonical(g: &mut Graph, args: &Args) -> Args {
    let Some(rate) = args.get("rate") else { return args.clone() };
    match g.nodes[g.unnamed(*rate)].op {
        Op::Unary(Unary::Exp, log_rate) => bernoulli::other(args, "rate", "log_rate", log_rate),
        _ => args.clone(),
    }
}

fn log_prob(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let rate = rate(g, args);
    let power = value_log_rate(g, value, args);
    log_prob_of(g, value, power, rate)
}

/// value log(rate) - rate - lgamma(value + 1), of the first product and the rate.
pub fn log_prob_of(g: &mut Graph, value: NodeId, power: NodeId, rate: NodeId) -> NodeId {
    let more = g.shift(value, 1.0);
    let lgamma = g.lgamma(more);
    let kernel = g.sub(power, rate);
    g.sub(kernel, lgamma)
}

/// x log(rate)
pub fn value_log_rate(g: &mut Graph, x: NodeId, args: &Args) -> NodeId {
    match args.get("log_rate") {
        Some(log_rate) => g.mul(x, *log_rate),
        None => g.xlogy(x, args["rate"]),
    }
}

pub fn rate(g: &mut Graph, args: &Args) -> NodeId {
    match args.get("log_rate") {
        Some(log_rate) => g.exp(*log_rate),
        None => args["rate"],
    }
}
