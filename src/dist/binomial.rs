//! `Binomial(n, p | logits)`.

use super::{Args, Draw, Kind, Param, Row, Statistic, Want, bernoulli, sampler};
use crate::math::{Graph, NodeId, Op, Support};
use crate::shape::Size;

pub const ROW: Row = Row {
    kind: Kind::Binomial,
    name: "Binomial",
    params: &[
        Param::number("n", Want::Count, 0),
        Param::number("p", Want::Unit, 1),
        Param::number("logits", Want::Real, 1),
    ],
    support: |g, args, _| Support::Count(args.get("n").and_then(|n| size(g, *n))),
    log_prob,
    canonical: bernoulli::canonical,
    draw: Draw::SampleOnly(|uniform, arg| {
        sampler::binomial(uniform(), arg("n").unwrap_or(f64::NAN), sampler::log_odds(arg))
    }),
    noises: 1,
    mean: Some(mean),
    entropy: None,
    expect: |g, statistic, args| match statistic {
        Statistic::Value => Some(mean(g, args)),
        Statistic::Variance => {
            let one = bernoulli::variance(g, args);
            Some(g.mul(args["n"], one))
        }
        _ => None,
    },
};

/// The number of tries, where it is a literal or a size.
pub fn size(g: &Graph, n: NodeId) -> Option<Size> {
    match &g.nodes[g.unnamed(n)].op {
        Op::Size(size) => Some(size.clone()),
        Op::Number(n) if n.fract() == 0.0 && *n >= 0.0 => Some(Size::fixed(*n as usize)),
        _ => None,
    }
}

fn log_prob(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let choices = log_choices(g, value, args);
    let order = bernoulli::successes(g, value, args["n"], args);
    g.add(choices, order)
}

/// log of n over value
pub fn log_choices(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let rest = g.sub(args["n"], value);
    let [n, k, rest] = [args["n"], value, rest].map(|x| {
        let more = g.shift(x, 1.0);
        g.lgamma(more)
    });
    let n = g.sub(n, k);
    g.sub(n, rest)
}

pub fn mean(g: &mut Graph, args: &Args) -> NodeId {
    let p = bernoulli::p(g, args);
    g.mul(args["n"], p)
}
