//! `ZeroInflatedPoisson(p, rate)`: 0 with probability p, else Poisson.

use super::{Args, Draw, Kind, Param, Row, Statistic, Want, only, poisson, sampler};
use crate::math::{Graph, NodeId, Support};

pub const ROW: Row = Row {
    kind: Kind::ZeroInflatedPoisson,
    name: "ZeroInflatedPoisson",
    params: &[Param::number("p", Want::Unit, 0), Param::number("rate", Want::Positive, 1)],
    support: |_, _, _| Support::Count(None),
    log_prob,
    canonical: |_, args| only(args, &["p", "rate"]),
    draw: Draw::SampleOnly(|uniform, arg| {
        let (p, rate) = (arg("p").unwrap_or(f64::NAN), arg("rate").unwrap_or(f64::NAN));
        if uniform() < p { 0.0 } else { sampler::poisson(uniform(), rate) }
    }),
    noises: 1,
    mean: Some(mean),
    entropy: None,
    expect: |g, statistic, args| match statistic {
        Statistic::Value => Some(mean(g, args)),
        // mean (1 + p rate)
        Statistic::Variance => {
            let (mean, extra) = (mean(g, args), g.mul(args["p"], args["rate"]));
            let more = g.shift(extra, 1.0);
            Some(g.mul(mean, more))
        }
        _ => None,
    },
};

/// log(p + (1 - p) exp(-rate)) at 0, a sum of positives; log(1 - p) and the Poisson's elsewhere. What does not count
/// at a value is the logarithm of something above 1 there.
fn log_prob(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let (zero, minus) = (g.number(0.0), g.neg(args["rate"]));
    let (at_zero, rest) = (g.equal(value, zero), g.complement(args["p"]));
    let (some, empty) = (g.complement(at_zero), g.exp(minus));
    let empty = g.mul(rest, empty);
    let nothing = g.sum_of(&[args["p"], empty, some]);
    let nothing = g.log(nothing);
    let nothing = g.mul(at_zero, nothing);
    let drawn = g.xlogy(some, rest);
    let counted = (poisson::ROW.log_prob)(g, value, &Args::from([("rate", args["rate"])]));
    let counted = g.mul(some, counted);
    g.sum_of(&[nothing, drawn, counted])
}

/// (1 - p) rate
fn mean(g: &mut Graph, args: &Args) -> NodeId {
    let rest = g.complement(args["p"]);
    g.mul(rest, args["rate"])
}
