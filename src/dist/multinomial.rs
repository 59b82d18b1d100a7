//! `Multinomial(n, p[K] | logits[K])`: how often each of K outcomes comes in n tries.

use super::{Args, Draw, Kind, Param, ParamAxes, Row, Statistic, Want, binomial, categorical, one_hot};
use crate::math::{Graph, NodeId, Support};

pub const ROW: Row = Row {
    kind: Kind::Multinomial,
    name: "Multinomial",
    params: &[
        Param::number("n", Want::Count, 0),
        Param::new("p", Want::Simplex, ParamAxes::Event, 1),
        Param::new("logits", Want::Real, ParamAxes::Event, 1),
    ],
    support: |g, args, _| Support::Count(args.get("n").and_then(|n| binomial::size(g, *n))),
    log_prob,
    canonical: categorical::canonical,
    draw: Draw::SampleVector(|uniform, n, arg| {
        let tries = arg("n").map_or(f64::NAN, |n| n[0]);
        let weights = match (arg("p"), arg("logits")) {
            (Some(p), _) => p,
            (None, logits) => logits.unwrap_or_default().iter().map(|l| l.exp()).collect(),
        };
        super::sampler::multinomial(uniform, tries, &weights[..n])
    }),
    noises: 1,
    mean: Some(mean),
    entropy: None,
    expect: |g, statistic, args| match statistic {
        Statistic::Value => Some(mean(g, args)),
        Statistic::Variance => {
            let p = categorical::p(g, args);
            let rest = g.complement(p);
            let mean = mean(g, args);
            Some(g.mul(mean, rest))
        }
        _ => None,
    },
};

fn log_prob(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let (choices, order) = (log_choices(g, value, args["n"]), one_hot::weighted(g, value, args));
    g.add(choices, order)
}

/// log n! - sum_k log value_k!, and minus infinity of counts that are not n together.
pub fn log_choices(g: &mut Graph, value: NodeId, n: NodeId) -> NodeId {
    let together = g.sum_last(value);
    let possible = g.equal(together, n);
    let possible = g.log(possible);
    let more = g.shift(value, 1.0);
    let each = g.lgamma(more);
    let sum = g.sum_last(each);
    let more = g.shift(n, 1.0);
    let all = g.lgamma(more);
    let choices = g.sub(all, sum);
    g.add(choices, possible)
}

/// n p
pub fn mean(g: &mut Graph, args: &Args) -> NodeId {
    let p = categorical::p(g, args);
    g.mul(args["n"], p)
}
