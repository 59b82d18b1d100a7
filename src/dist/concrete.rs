//! `Concrete(temperature, p[K] | logits[K])` over `simplex[K]`: softmax of (logits + Gumbel noise) / temperature
//! (Maddison, Mnih and Teh 2017; Jang, Gu and Poole 2017).

use super::{Args, Draw, Kind, Param, ParamAxes, Row, Want, categorical};
use crate::math::{Graph, NodeId, Noise, Support};

pub const ROW: Row = Row {
    kind: Kind::Concrete,
    name: "Concrete",
    params: &[
        Param::number("temperature", Want::Positive, 0),
        Param::new("p", Want::Simplex, ParamAxes::Event, 1),
        Param::new("logits", Want::Real, ParamAxes::Event, 1),
    ],
    support: |_, _, event| Support::Simplex(event.last().cloned().unwrap_or_default()),
    log_prob,
    canonical: categorical::canonical,
    draw: Draw::Reparam(Noise::Uniform, draw),
    noises: 1,
    mean: None,
    entropy: None,
    expect: |_, _, _| None,
};

fn logits(g: &mut Graph, args: &Args) -> NodeId {
    match args.get("logits") {
        Some(logits) => *logits,
        None => g.log(args["p"]),
    }
}

/// log (K - 1)! + (K - 1) log t + sum_k [ l_k - (t + 1) log x_k ] - K logsumexp_k(l_k - t log x_k)
fn log_prob(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let (logits, t, logs) = (logits(g, args), args["temperature"], g.log(value));
    let k = g.event(value).last().cloned().unwrap_or_default();
    let k = g.size(k);
    let scaled = g.mul(t, logs);
    let gaps = g.sub(logits, scaled);
    let each = g.sub(gaps, logs);
    let sum = g.sum_last(each);
    let most = g.logsumexp_last(gaps);
    let most = g.mul(k, most);
    let (factorial, log_t, less) = (g.lgamma(k), g.log(t), g.shift(k, -1.0));
    let slope = g.mul(less, log_t);
    let norm = g.add(factorial, slope);
    let kernel = g.sub(sum, most);
    g.add(norm, kernel)
}

/// A Gumbel is -log(-log(u)).
fn draw(g: &mut Graph, noise: NodeId, args: &Args) -> NodeId {
    let log = g.log(noise);
    let minus = g.neg(log);
    let log = g.log(minus);
    let logits = logits(g, args);
    let perturbed = g.sub(logits, log);
    let scaled = g.div(perturbed, args["temperature"]);
    g.softmax(scaled)
}
