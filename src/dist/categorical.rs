//! `Categorical(p[K] | logits[K])` over the labels 0..K-1.

use super::{Args, Draw, Kind, Param, ParamAxes, Row, Want, bernoulli};
use crate::math::{Graph, NodeId, Op, Support};

pub const ROW: Row = Row {
    kind: Kind::Categorical,
    name: "Categorical",
    params: &[
        Param { name: "p", want: Want::Simplex, axes: ParamAxes::Categories, group: 0 },
        Param { name: "logits", want: Want::Real, axes: ParamAxes::Categories, group: 0 },
    ],
    support: |g, args, _| {
        let table = args.get("p").or(args.get("logits"));
        Support::Category(table.and_then(|id| g.event(*id).last()).cloned().unwrap_or_default())
    },
    log_prob,
    canonical,
    draw: Draw::Enumerable,
    noises: 1,
    mean: None,
    entropy: Some(entropy),
    expect: |_, _, _| None,
};

/// `p: softmax(l)` is `logits: l`.
pub fn canonical(g: &mut Graph, args: &Args) -> Args {
    let Some(p) = args.get("p") else { return args.clone() };
    match g.nodes[g.unnamed(*p)].op {
        Op::Softmax(logits) => bernoulli::other(args, "p", "logits", logits),
        _ => args.clone(),
    }
}

/// The entry is chosen before its logarithm is taken, so that a probability of 0 elsewhere does no harm.
fn log_prob(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    match args.get("logits") {
        Some(logits) => {
            let logs = g.log_softmax(*logits);
            g.take(logs, value)
        }
        None => {
            let chosen = g.take(args["p"], value);
            g.log(chosen)
        }
    }
}

/// The probabilities.
pub fn p(g: &mut Graph, args: &Args) -> NodeId {
    match args.get("logits") {
        Some(logits) => g.softmax(*logits),
        None => args["p"],
    }
}

/// sum_k w_k log(p_k), with terms of weight 0 left out.
pub fn expected_log(g: &mut Graph, weights: NodeId, args: &Args) -> NodeId {
    let terms = match args.get("logits") {
        Some(logits) => {
            let logs = g.log_softmax(*logits);
            g.mul(weights, logs)
        }
        None => g.xlogy(weights, args["p"]),
    };
    g.sum_last(terms)
}

pub fn entropy(g: &mut Graph, args: &Args) -> NodeId {
    let p = p(g, args);
    let negative = expected_log(g, p, args);
    g.neg(negative)
}
