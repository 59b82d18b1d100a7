//! Distribution functions, in logarithms: one row a distribution that can be cut off or censored.

use super::{Args, Dist, Kind, row, standardized};
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

pub static CDFS: &[Cdf] = &[
    cdf(Kind::Exponential, exponential_cdf, exponential_survival),
    cdf(Kind::Normal, |g, x, args| normal(g, x, args, 1.0), |g, x, args| normal(g, x, args, -1.0)),
    cdf(Kind::LogNormal, |g, x, args| log_normal(g, x, args, 1.0), |g, x, args| log_normal(g, x, args, -1.0)),
    cdf(Kind::HalfNormal, half_normal_cdf, half_normal_survival),
    cdf(Kind::Laplace, |g, x, args| laplace(g, x, args, 1.0), |g, x, args| laplace(g, x, args, -1.0)),
    cdf(Kind::Logistic, |g, x, args| logistic(g, x, args, 1.0), |g, x, args| logistic(g, x, args, -1.0)),
    cdf(Kind::Gumbel, gumbel_cdf, gumbel_survival),
    cdf(Kind::Weibull, weibull_cdf, weibull_survival),
];

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

/// (value - loc) / scale, of the mirror image where the sign is -1: the tails of what is symmetric.
fn turned(g: &mut Graph, value: NodeId, args: &Args, sign: f64) -> NodeId {
    let z = standardized(g, value, args).0;
    g.scale(z, sign)
}

fn normal(g: &mut Graph, value: NodeId, args: &Args, sign: f64) -> NodeId {
    let z = turned(g, value, args, sign);
    g.simple(Op::Unary(Unary::LogNormalCdf, z))
}

fn log_normal(g: &mut Graph, value: NodeId, args: &Args, sign: f64) -> NodeId {
    let log = g.log(value);
    normal(g, log, args, sign)
}

/// log erf(z / sqrt 2), which does not cancel where z is small.
fn half_normal_cdf(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let z = g.div(value, args["scale"]);
    let z = g.scale(z, std::f64::consts::FRAC_1_SQRT_2);
    let erf = g.simple(Op::Unary(Unary::Erf, z));
    g.log(erf)
}

/// log 2 + log Phi(-z)
fn half_normal_survival(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let z = g.div(value, args["scale"]);
    let minus = g.neg(z);
    let tail = g.simple(Op::Unary(Unary::LogNormalCdf, minus));
    g.shift(tail, 2f64.ln())
}

/// z - log 2 below 0, log(1 - exp(-z) / 2) above.
fn laplace(g: &mut Graph, value: NodeId, args: &Args, sign: f64) -> NodeId {
    let z = turned(g, value, args, sign);
    let zero = g.number(0.0);
    let (below, above) = (g.min(z, zero), g.max(z, zero));
    let low = g.shift(below, -(2f64.ln()));
    let minus = g.neg(above);
    let rest = g.exp(minus);
    let rest = g.scale(rest, -0.5);
    let high = g.log1p(rest);
    let is_low = g.less(z, zero);
    g.either(is_low, low, high)
}

fn logistic(g: &mut Graph, value: NodeId, args: &Args, sign: f64) -> NodeId {
    let z = turned(g, value, args, sign);
    g.log_sigmoid(z)
}

/// -exp(-z)
fn gumbel_cdf(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let minus = turned(g, value, args, -1.0);
    let rise = g.exp(minus);
    g.neg(rise)
}

fn gumbel_survival(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let log = gumbel_cdf(g, value, args);
    log1mexp(g, log)
}

fn weibull_cdf(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let log = weibull_survival(g, value, args);
    log1mexp(g, log)
}

/// -(value / scale)^shape
fn weibull_survival(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let (log, log_scale) = (g.log(value), g.log(args["scale"]));
    let ratio = g.sub(log, log_scale);
    let power = g.mul(args["shape"], ratio);
    let passed = g.exp(power);
    g.neg(passed)
}
