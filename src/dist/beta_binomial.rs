//! `BetaBinomial(n, a, b)`: a Binomial whose p is Beta(a, b).

use super::{Args, Draw, Kind, Param, Row, Statistic, Want, beta, binomial, only, sampler};
use crate::kernel::special::log_sigmoid;
use crate::math::{Binary, Graph, NodeId, Op};

pub const ROW: Row = Row {
    kind: Kind::BetaBinomial,
    name: "BetaBinomial",
    params: &[
        Param::number("n", Want::Count, 0),
        Param::number("a", Want::Positive, 1),
        Param::number("b", Want::Positive, 2),
    ],
    support: binomial::ROW.support,
    log_prob,
    canonical: |_, args| only(args, &["n", "a", "b"]),
    draw: Draw::SampleOnly(|uniform, arg| {
        let of = |name| arg(name).unwrap_or(f64::NAN);
        let logit = sampler::log_gamma(uniform(), of("a")) - sampler::log_gamma(uniform(), of("b"));
        sampler::binomial(uniform(), of("n"), [log_sigmoid(logit), log_sigmoid(-logit)])
    }),
    noises: 1,
    mean: Some(mean),
    entropy: None,
    expect: |g, statistic, args| match statistic {
        Statistic::Value => Some(mean(g, args)),
        // n^2 times the variance of p, and n E p (1 - p) = n (a + b) times it.
        Statistic::Variance => {
            let of_p = (beta::ROW.expect)(g, Statistic::Variance, args)?;
            let more = g.sum_of(&[args["n"], args["a"], args["b"]]);
            let tries = g.mul(args["n"], more);
            Some(g.mul(tries, of_p))
        }
        _ => None,
    },
};

/// log of n over x + log B(x + a, n - x + b) - log B(a, b), where n over x is 1 / ((n + 1) B(x + 1, n - x + 1)).
fn log_prob(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let log_beta = |g: &mut Graph, a: NodeId, b: NodeId| g.simple(Op::Binary(Binary::LogBeta, a, b));
    let rest = g.sub(args["n"], value);
    let (yes, no) = (g.add(value, args["a"]), g.add(rest, args["b"]));
    let (x, y) = (g.shift(value, 1.0), g.shift(rest, 1.0));
    let tries = g.shift(args["n"], 1.0);
    let (choices, tries) = (log_beta(g, x, y), g.log(tries));
    let (posterior, prior) = (log_beta(g, yes, no), log_beta(g, args["a"], args["b"]));
    let less = g.sum_of(&[choices, tries, prior]);
    g.sub(posterior, less)
}

/// n a / (a + b)
fn mean(g: &mut Graph, args: &Args) -> NodeId {
    let sum = g.add(args["a"], args["b"]);
    let p = g.div(args["a"], sum);
    g.mul(args["n"], p)
}
