//! Distribution functions, in logarithms: one row a distribution that can be cut off or censored.

use super::{Args, Dist, Kind, row};
use crate::math::{Graph, NodeId, Op, Unary};

type Log = fn(&mut Graph, NodeId, &Args) -> NodeId;

/// The logarithms of P(X <= value) and P(X > value), of canonical arguments.
pub struct Cdf {
    pub kind: Kind,
    pub log_cdf: Log,
    pub log_survival: Log,
}

const fn cdf(kind: Kind, log_cdf: Log, log_survival: Log) -> Cdf {
    Cdf { kind, log_cdf, log_survival }
}

pub static CDFS: &[Cdf] = &[cdf(Kind::Exponential, exponential_cdf, exponential_survival)];

pub fn of(kind: Kind) -> Option<&'static Cdf> {
    CDFS.iter().find(|row| row.kind == kind)
}

/// The distributions that have one, for help.
pub fn names() -> String {
    CDFS.iter().map(|cdf| row(cdf.kind).name).collect::<Vec<_>>().join(", ")
}

/// log P(X <= value), log P(X > value); `None` where the distribution has no row.
pub fn tails(g: &mut Graph, dist: &Dist, value: NodeId) -> Option<(NodeId, NodeId)> {
    let cdf = of(dist.kind)?;
    let args = (row(dist.kind).canonical)(g, &dist.args);
    Some(((cdf.log_cdf)(g, value, &args), (cdf.log_survival)(g, value, &args)))
}

/// log(1 - exp(x)) for x < 0, without cancellation where x is small.
pub fn log1mexp(g: &mut Graph, x: NodeId) -> NodeId {
    let less = g.simple(Op::Unary(Unary::Expm1, x));
    let rest = g.neg(less);
    g.log(rest)
}

fn exponential_cdf(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let log = exponential_survival(g, value, args);
    log1mexp(g, log)
}

fn exponential_survival(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let scaled = g.mul(args["rate"], value);
    g.neg(scaled)
}
