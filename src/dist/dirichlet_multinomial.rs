//! `DirichletMultinomial(n, concentration[K])`: a Multinomial whose probabilities are drawn from a Dirichlet.

use super::{Args, Draw, Kind, Param, ParamAxes, Row, Statistic, Want, beside, binomial, multinomial, only};
use crate::math::{Graph, NodeId, Support};

pub const ROW: Row = Row {
    kind: Kind::DirichletMultinomial,
    name: "DirichletMultinomial",
    params: &[Param::number("n", Want::Count, 0), Param::new("concentration", Want::Positive, ParamAxes::Event, 1)],
    support: |g, args, _| Support::Count(args.get("n").and_then(|n| binomial::size(g, *n))),
    log_prob,
    canonical: |_, args| only(args, &["n", "concentration"]),
    draw: Draw::SampleVector(|uniform, n, arg| {
        let tries = arg("n").map_or(f64::NAN, |n| n[0]);
        let concentration = arg("concentration").unwrap_or_default();
        let logs: Vec<f64> = concentration[..n].iter().map(|c| super::sampler::log_gamma(uniform(), *c)).collect();
        let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = logs.iter().map(|log| (log - most).exp()).collect();
        super::sampler::multinomial(uniform, tries, &weights)
    }),
    noises: 1,
    mean: Some(mean),
    entropy: None,
    expect: |g, statistic, args| (statistic == Statistic::Value).then(|| mean(g, args)),
};

/// log n! + lgamma(C) - lgamma(n + C) + sum_k [ lgamma(value_k + c_k) - lgamma(c_k) - log value_k! ], C = sum_k c_k
fn log_prob(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let event = g.event(value).to_vec();
    let each = beside(g, args["concentration"], &event);
    let sum = g.sum_last(each);
    let more = g.add(args["n"], sum);
    let (above, below) = (g.lgamma(sum), g.lgamma(more));
    let all = g.sub(above, below);
    let more = g.add(value, each);
    let (above, below) = (g.lgamma(more), g.lgamma(each));
    let each = g.sub(above, below);
    let each = g.sum_last(each);
    let choices = multinomial::log_choices(g, value, args["n"]);
    g.sum_of(&[choices, all, each])
}

/// n c_k / C
fn mean(g: &mut Graph, args: &Args) -> NodeId {
    let sum = g.sum_last(args["concentration"]);
    let share = g.div(args["concentration"], sum);
    g.mul(args["n"], share)
}
