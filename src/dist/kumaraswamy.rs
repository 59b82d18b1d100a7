//! `Kumaraswamy(a, b)`: 1 - (1 - x^a)^b is uniform.

use super::{Args, Draw, EULER_GAMMA, Kind, Param, Row, Statistic, Want, log1mexp, only};
use crate::math::{Binary, Graph, NodeId, Noise, Op, Support};

pub const ROW: Row = Row {
    kind: Kind::Kumaraswamy,
    name: "Kumaraswamy",
    params: &[Param::number("a", Want::Positive, 0), Param::number("b", Want::Positive, 1)],
    support: |_, _, _| Support::Unit,
    log_prob,
    canonical: |_, args| only(args, &["a", "b"]),
    draw: Draw::Reparam(Noise::Uniform, draw),
    noises: 1,
    mean: Some(|g, args| {
        let log = log_power(g, args, 1.0);
        g.exp(log)
    }),
    entropy: Some(entropy),
    expect: |g, statistic, args| match statistic {
        Statistic::Value => {
            let log = log_power(g, args, 1.0);
            Some(g.exp(log))
        }
        Statistic::Variance => {
            let (one, two) = (log_power(g, args, 1.0), log_power(g, args, 2.0));
            let (mean, square) = (g.exp(one), g.exp(two));
            let less = g.square(mean);
            Some(g.sub(square, less))
        }
        // log(x^a) is log of a Beta(1, b).
        Statistic::Log => {
            let harmonic = harmonic(g, args);
            let log = g.div(harmonic, args["a"]);
            Some(g.neg(log))
        }
        _ => None,
    },
};

/// log(a) + log(b) + (a - 1) log(x) + (b - 1) log(1 - x^a)
fn log_prob(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let log = g.log(value);
    let power = g.mul(args["a"], log);
    let log1m = log1mexp(g, power);
    let (less, b) = (g.sub(power, log), g.shift(args["b"], -1.0));
    let rest = g.mul(b, log1m);
    let (log_a, log_b) = (g.log(args["a"]), g.log(args["b"]));
    g.sum_of(&[log_a, log_b, less, rest])
}

/// (1 - u^(1 / b))^(1 / a), in log space.
fn draw(g: &mut Graph, noise: NodeId, args: &Args) -> NodeId {
    let log = g.log(noise);
    let power = g.div(log, args["b"]);
    let log = log1mexp(g, power);
    let log = g.div(log, args["a"]);
    g.exp(log)
}

/// log E x^n = log(b) + log B(1 + n / a, b)
fn log_power(g: &mut Graph, args: &Args, n: f64) -> NodeId {
    let n = g.number(n);
    let share = g.div(n, args["a"]);
    let more = g.shift(share, 1.0);
    let (log_b, beta) = (g.log(args["b"]), g.simple(Op::Binary(Binary::LogBeta, more, args["b"])));
    g.add(log_b, beta)
}

/// digamma(b + 1) + gamma, the harmonic number of b.
fn harmonic(g: &mut Graph, args: &Args) -> NodeId {
    let more = g.shift(args["b"], 1.0);
    let digamma = g.digamma(more);
    g.shift(digamma, EULER_GAMMA)
}

/// (1 - 1 / b) + (1 - 1 / a) H_b - log(a b)
fn entropy(g: &mut Graph, args: &Args) -> NodeId {
    let [a, b] = ["a", "b"].map(|name| {
        let share = g.recip(args[name]);
        g.complement(share)
    });
    let harmonic = harmonic(g, args);
    let part = g.mul(a, harmonic);
    let (log_a, log_b) = (g.log(args["a"]), g.log(args["b"]));
    let (sum, logs) = (g.add(b, part), g.add(log_a, log_b));
    g.sub(sum, logs)
}
