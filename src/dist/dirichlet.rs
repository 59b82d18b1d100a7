//! `Dirichlet(concentration[K])` over `simplex[K]`.

use super::{Args, Draw, Kind, Param, ParamAxes, Row, Statistic, Want, only};
use crate::math::{Binary, Graph, NodeId, Noise, Op, Support};

pub const ROW: Row = Row {
    kind: Kind::Dirichlet,
    name: "Dirichlet",
    params: &[Param { name: "concentration", want: Want::Positive, axes: ParamAxes::Event, group: 0 }],
    support: |_, _, event| Support::Simplex(event.last().cloned().unwrap_or_default()),
    log_prob,
    canonical: |_, args| only(args, &["concentration"]),
    draw: Draw::Implicit(Noise::Uniform, draw),
    noises: 1,
    mean: Some(mean),
    entropy: Some(entropy),
    expect,
};

fn log_prob(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let log = g.log(value);
    let mut args = args.clone();
    if g.shape(args["concentration"]).is_number() {
        let filled = g.fill(args["concentration"], g.event(value).to_vec());
        args.insert("concentration", filled);
    }
    log_prob_of(g, log, &args)
}

/// sum_k (c_k - 1) log(value_k) - log B(c), linear in the logarithms.
pub fn log_prob_of(g: &mut Graph, log: NodeId, args: &Args) -> NodeId {
    let less = g.shift(args["concentration"], -1.0);
    let kernel = g.mul(less, log);
    let kernel = g.sum_last(kernel);
    let norm = log_norm(g, args);
    g.sub(kernel, norm)
}

/// log B(c) = sum_k lgamma(c_k) - lgamma(sum_k c_k)
pub fn log_norm(g: &mut Graph, args: &Args) -> NodeId {
    let each = g.lgamma(args["concentration"]);
    let sum = g.sum_last(args["concentration"]);
    let (each, sum) = (g.sum_last(each), g.lgamma(sum));
    g.sub(each, sum)
}

/// Gammas normalized in log space: log(softmax(x)) is log_softmax(x).
fn draw(g: &mut Graph, noise: NodeId, args: &Args) -> NodeId {
    let logs = g.simple(Op::Binary(Binary::GammaLogQuantile, args["concentration"], noise));
    g.softmax(logs)
}

fn mean(g: &mut Graph, args: &Args) -> NodeId {
    let sum = g.sum_last(args["concentration"]);
    g.div(args["concentration"], sum)
}

fn entropy(g: &mut Graph, args: &Args) -> NodeId {
    let log = expected_log(g, args);
    let negative = log_prob_of(g, log, args);
    g.neg(negative)
}

/// digamma(c_k) - digamma(sum c)
pub fn expected_log(g: &mut Graph, args: &Args) -> NodeId {
    let sum = g.sum_last(args["concentration"]);
    let sum = g.digamma(sum);
    let each = g.digamma(args["concentration"]);
    g.sub(each, sum)
}

fn expect(g: &mut Graph, statistic: Statistic, args: &Args) -> Option<NodeId> {
    match statistic {
        Statistic::Value => Some(mean(g, args)),
        Statistic::Log => Some(expected_log(g, args)),
        _ => None,
    }
}
