//! `Bernoulli(p | logits)`; it also scores values between 0 and 1, as the cross-entropy.

use super::{Args, Draw, Kind, Param, Row, Statistic, Want};
use crate::math::{Graph, NodeId, Op, Support, Unary};

pub const ROW: Row = Row {
    kind: Kind::Bernoulli,
    name: "Bernoulli",
    params: &[Param::number("p", Want::Unit, 0), Param::number("logits", Want::Real, 0)],
    support: |_, _, _| Support::Binary,
    log_prob,
    canonical,
    draw: Draw::Enumerable,
    noises: 1,
    mean: Some(p),
    entropy: Some(entropy),
    expect: |g, statistic, args| match statistic {
        Statistic::Value => Some(p(g, args)),
        Statistic::Variance => Some(variance(g, args)),
        _ => None,
    },
};

/// `p: sigmoid(l)` is `logits: l`, which does not round near 0 and 1.
pub fn canonical(g: &mut Graph, args: &Args) -> Args {
    let Some(p) = args.get("p") else { return args.clone() };
    match g.nodes[g.unnamed(*p)].op {
        Op::Unary(Unary::Sigmoid, logits) => other(args, "p", "logits", logits),
        _ => args.clone(),
    }
}

/// The arguments with one given in its other form.
pub fn other(args: &Args, from: &'static str, to: &'static str, value: NodeId) -> Args {
    let mut args = args.clone();
    args.remove(from);
    args.insert(to, value);
    args
}

/// value l - softplus(l), or value log(p) + (1 - value) log(1 - p).
fn log_prob(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let one = g.number(1.0);
    successes(g, value, one, args)
}

/// The log probability of `value` successes in `n` tries in one order.
pub fn successes(g: &mut Graph, value: NodeId, n: NodeId, args: &Args) -> NodeId {
    if let Some(logits) = args.get("logits") {
        let (gain, norm) = (g.mul(value, *logits), g.softplus(*logits));
        let norm = g.mul(n, norm);
        return g.sub(gain, norm);
    }
    let (failures, q) = (g.sub(n, value), g.complement(args["p"]));
    let (yes, no) = (g.xlogy(value, args["p"]), g.xlogy(failures, q));
    g.add(yes, no)
}

/// The probability of 1.
pub fn p(g: &mut Graph, args: &Args) -> NodeId {
    match args.get("logits") {
        Some(logits) => g.sigmoid(*logits),
        None => args["p"],
    }
}

/// p (1 - p)
pub fn variance(g: &mut Graph, args: &Args) -> NodeId {
    let p = p(g, args);
    let q = g.complement(p);
    g.mul(p, q)
}

/// Minus the log probability at the mean, in which it is linear.
fn entropy(g: &mut Graph, args: &Args) -> NodeId {
    let mean = p(g, args);
    let negative = log_prob(g, mean, args);
    g.neg(negative)
}
