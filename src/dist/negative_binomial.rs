//! `NegativeBinomial(mean, dispersion)`: a Poisson whose rate is Gamma of that mean; its variance is
//! mean + mean^2 / dispersion.

use super::{Args, Draw, Kind, Param, Row, Statistic, Want, only, sampler};
use crate::math::{Binary, Graph, NodeId, Op, Support};

pub const ROW: Row = Row {
    kind: Kind::NegativeBinomial,
    name: "NegativeBinomial",
    params: &[Param::number("mean", Want::Positive, 0), Param::number("dispersion", Want::Positive, 1)],
    support: |_, _, _| Support::Count(None),
    log_prob,
    canonical: |_, args| only(args, &["mean", "dispersion"]),
    draw: Draw::SampleOnly(|uniform, arg| {
        let (mean, shape) = (arg("mean").unwrap_or(f64::NAN), arg("dispersion").unwrap_or(f64::NAN));
        let log_rate = sampler::log_gamma(uniform(), shape) + mean.ln() - shape.ln();
        sampler::poisson(uniform(), log_rate.exp())
    }),
    noises: 1,
    mean: Some(|_, args| args["mean"]),
    entropy: None,
    expect: |g, statistic, args| match statistic {
        Statistic::Value => Some(args["mean"]),
        Statistic::Variance => {
            let square = g.square(args["mean"]);
            let more = g.div(square, args["dispersion"]);
            Some(g.add(args["mean"], more))
        }
        _ => None,
    },
};

/// With r the dispersion and m the mean: Gamma(x + r) / (x! Gamma(r)) (r / (r + m))^r (m / (r + m))^x. The first factor
/// is 1 / ((x + r) B(x + 1, r)), which does not cancel where r is large.
fn log_prob(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let (m, r) = (args["mean"], args["dispersion"]);
    let (more, sum) = (g.shift(value, 1.0), g.add(value, r));
    let (beta, log_sum) = (g.simple(Op::Binary(Binary::LogBeta, more, r)), g.log(sum));
    let choices = g.add(beta, log_sum);
    let ratio = g.div(m, r);
    let failed = g.log1p(ratio);
    let failed = g.mul(r, failed);
    let both = g.add(r, m);
    let share = g.div(m, both);
    let passed = g.xlogy(value, share);
    let less = g.add(choices, failed);
    g.sub(passed, less)
}
