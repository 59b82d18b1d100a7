//! `Beta(a, b)`.

use super::{Args, Draw, Kind, Param, Row, Statistic, Want, noise_at, only};
use crate::math::{Binary, Graph, NodeId, Noise, Op, Support};

pub const ROW: Row = Row {
    kind: Kind::Beta,
    name: "Beta",
    params: &[Param::number("a", Want::Positive, 0), Param::number("b", Want::Positive, 1)],
    support: |_, _, _| Support::Unit,
    log_prob,
    canonical: |_, args| only(args, &["a", "b"]),
    draw: Draw::Implicit(Noise::Uniform, draw),
    noises: 2,
    mean: Some(mean),
    entropy: Some(entropy),
    expect,
};

fn log_prob(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let log = g.log(value);
    let rest = g.complement(value);
    let log1m = g.log(rest);
    log_prob_of(g, log, log1m, args)
}

/// (a - 1) log(value) + (b - 1) log(1 - value) - log B(a, b), linear in the two logarithms.
pub fn log_prob_of(g: &mut Graph, log: NodeId, log1m: NodeId, args: &Args) -> NodeId {
    let (a, b) = (g.shift(args["a"], -1.0), g.shift(args["b"], -1.0));
    let (a, b) = (g.mul(a, log), g.mul(b, log1m));
    let kernel = g.add(a, b);
    let norm = log_norm(g, args);
    g.sub(kernel, norm)
}

/// log B(a, b)
pub fn log_norm(g: &mut Graph, args: &Args) -> NodeId {
    let sum = g.add(args["a"], args["b"]);
    let (a, b, sum) = (g.lgamma(args["a"]), g.lgamma(args["b"]), g.lgamma(sum));
    let both = g.add(a, b);
    g.sub(both, sum)
}

/// x / (x + y) of two Gammas, as the sigmoid of the difference of their logarithms.
fn draw(g: &mut Graph, noise: NodeId, args: &Args) -> NodeId {
    let (first, second) = (noise_at(g, noise, 0), noise_at(g, noise, 1));
    let x = g.simple(Op::Binary(Binary::GammaLogQuantile, args["a"], first));
    let y = g.simple(Op::Binary(Binary::GammaLogQuantile, args["b"], second));
    let logit = g.sub(x, y);
    g.sigmoid(logit)
}

fn mean(g: &mut Graph, args: &Args) -> NodeId {
    let sum = g.add(args["a"], args["b"]);
    g.div(args["a"], sum)
}

/// Minus the log density at the expected logarithms, in which it is linear.
fn entropy(g: &mut Graph, args: &Args) -> NodeId {
    let (log, log1m) = (expected_log(g, "a", args), expected_log(g, "b", args));
    let negative = log_prob_of(g, log, log1m, args);
    g.neg(negative)
}

/// digamma(own) - digamma(a + b)
pub fn expected_log(g: &mut Graph, own: &'static str, args: &Args) -> NodeId {
    let sum = g.add(args["a"], args["b"]);
    let (own, sum) = (g.digamma(args[own]), g.digamma(sum));
    g.sub(own, sum)
}

fn expect(g: &mut Graph, statistic: Statistic, args: &Args) -> Option<NodeId> {
    match statistic {
        Statistic::Value => Some(mean(g, args)),
        Statistic::Log => Some(expected_log(g, "a", args)),
        Statistic::Log1m => Some(expected_log(g, "b", args)),
        // mean (1 - mean) / (a + b + 1)
        Statistic::Variance => {
            let mean = mean(g, args);
            let rest = g.complement(mean);
            let sum = g.add(args["a"], args["b"]);
            let (above, below) = (g.mul(mean, rest), g.shift(sum, 1.0));
            Some(g.div(above, below))
        }
        Statistic::Square | Statistic::Recip => None,
    }
}
