//! `RelaxedBernoulli(temperature, p | logits)`: the sigmoid of a Logistic around logits / temperature, of scale
//! 1 / temperature (Maddison, Mnih & Teh, "The Concrete distribution", ICLR 2017).

use super::{Args, Draw, Kind, Param, Row, Want, bernoulli, logistic};
use crate::math::{Graph, NodeId, Noise, Support};

pub const ROW: Row = Row {
    kind: Kind::RelaxedBernoulli,
    name: "RelaxedBernoulli",
    params: &[
        Param::number("temperature", Want::Positive, 0),
        Param::number("p", Want::Unit, 1),
        Param::number("logits", Want::Real, 1),
    ],
    support: |_, _, _| Support::Unit,
    log_prob,
    canonical: bernoulli::canonical,
    draw: Draw::Reparam(Noise::Uniform, draw),
    noises: 1,
    mean: None,
    entropy: None,
    expect: |_, _, _| None,
};

fn logits(g: &mut Graph, args: &Args) -> NodeId {
    args.get("logits").copied().unwrap_or_else(|| logistic::logit(g, args["p"]))
}

/// log(t) + log sigmoid(z) + log sigmoid(-z) - log(x) - log(1 - x), z = t logit(x) - logits
fn log_prob(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let (t, logits) = (args["temperature"], logits(g, args));
    let rest = g.complement(value);
    let (log, log1m) = (g.log(value), g.log(rest));
    let logit = g.sub(log, log1m);
    let stretched = g.mul(t, logit);
    let z = g.sub(stretched, logits);
    let (both, log_t, slope) = (logistic::log_both(g, z), g.log(t), g.add(log, log1m));
    let sum = g.add(both, log_t);
    g.sub(sum, slope)
}

/// sigmoid((logits + logit(u)) / t)
fn draw(g: &mut Graph, noise: NodeId, args: &Args) -> NodeId {
    let (logits, noise) = (logits(g, args), logistic::logit(g, noise));
    let sum = g.add(logits, noise);
    let logit = g.div(sum, args["temperature"]);
    g.sigmoid(logit)
}
