//! `Geometric(p | logits)`: failures before the first success, from 0.

use super::{Args, Draw, Kind, Param, Row, Statistic, Want, bernoulli, sampler};
use crate::math::{Graph, NodeId, Support};

pub const ROW: Row = Row {
    kind: Kind::Geometric,
    name: "Geometric",
    params: &[Param::number("p", Want::Unit, 0), Param::number("logits", Want::Real, 0)],
    support: |_, _, _| Support::Count(None),
    log_prob,
    canonical: bernoulli::canonical,
    // More than k failures have probability (1 - p)^(k + 1).
    draw: Draw::SampleOnly(|uniform, arg| (uniform().ln() / sampler::log_odds(arg)[1]).floor()),
    noises: 1,
    mean: Some(mean),
    entropy: Some(entropy),
    expect: |g, statistic, args| match statistic {
        Statistic::Value => Some(mean(g, args)),
        // (1 - p) / p^2
        Statistic::Variance => {
            let (mean, p) = (mean(g, args), bernoulli::p(g, args));
            Some(g.div(mean, p))
        }
        _ => None,
    },
};

/// One success in value + 1 tries; linear in the value.
pub fn log_prob(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let (one, tries) = (g.number(1.0), g.shift(value, 1.0));
    bernoulli::successes(g, one, tries, args)
}

/// (1 - p) / p
pub fn mean(g: &mut Graph, args: &Args) -> NodeId {
    match args.get("logits") {
        Some(logits) => {
            let minus = g.neg(*logits);
            g.exp(minus)
        }
        None => {
            let q = g.complement(args["p"]);
            g.div(q, args["p"])
        }
    }
}

/// Minus the log probability at the mean.
fn entropy(g: &mut Graph, args: &Args) -> NodeId {
    let mean = mean(g, args);
    let negative = log_prob(g, mean, args);
    g.neg(negative)
}
