//! Expected log densities where a density is linear in statistics of one of its arguments, or of its value, whose
//! expectations are known: one row an argument.

use std::f64::consts::PI;

use super::Statistic::{self, Log, Log1m, Recip, Value, Variance};
use super::{
    Args, Dist, Kind, beta, binomial, dirichlet, gamma, inverse_gamma, multinomial, pareto, poisson, row, uniform,
};
use crate::math::{Graph, NodeId};

/// The name under which the value itself is taken for what is random.
pub const VALUE: &str = "value";

/// Expectations, by statistic, of what is random.
pub type Stats<'a> = &'a dyn Fn(Statistic) -> Option<NodeId>;

/// The density of `child`, where its argument `of` (as the user names it) is random.
pub struct Linear {
    pub child: Kind,
    pub of: &'static str,
    pub log_prob: fn(&mut Graph, NodeId, &Args, Stats) -> Option<NodeId>,
}

const fn linear(
    child: Kind,
    of: &'static str,
    log_prob: fn(&mut Graph, NodeId, &Args, Stats) -> Option<NodeId>,
) -> Linear {
    Linear { child, of, log_prob }
}

#[rustfmt::skip]
pub static LINEAR: &[Linear] = &[
    linear(Kind::Normal, "loc", normal_loc),
    linear(Kind::Normal, VALUE, |g, _, args, e| { let mean = e(Value)?; normal(g, mean, args, e) }),
    linear(Kind::Normal, "prec", normal_prec),
    linear(Kind::Normal, "var", normal_var),
    linear(Kind::LogNormal, "loc", log_normal_loc),
    linear(Kind::HalfNormal, VALUE, half_normal),
    linear(Kind::Gamma, "rate", gamma_rate),
    linear(Kind::Gamma, VALUE, |g, _, args, e| Some(gamma::log_prob_of(g, e(Value)?, e(Log)?, args))),
    linear(Kind::Exponential, "rate", exponential_rate),
    linear(Kind::Exponential, "scale", exponential_scale),
    linear(Kind::Exponential, VALUE, |g, _, args, e| at_mean(g, Kind::Exponential, args, e)),
    linear(Kind::Beta, VALUE, |g, _, args, e| Some(beta::log_prob_of(g, e(Log)?, e(Log1m)?, args))),
    linear(Kind::Dirichlet, VALUE, |g, _, args, e| Some(dirichlet::log_prob_of(g, e(Log)?, args))),
    linear(Kind::Poisson, "rate", poisson_rate),
    linear(Kind::Bernoulli, "p", |g, x, _, e| { let one = g.number(1.0); successes(g, x, one, e) }),
    linear(Kind::Bernoulli, VALUE, |g, _, args, e| at_mean(g, Kind::Bernoulli, args, e)),
    linear(Kind::Binomial, "p", binomial_p),
    linear(Kind::Categorical, "p", |g, x, _, e| { let logs = e(Log)?; Some(g.take(logs, x)) }),
    linear(Kind::Erlang, "rate", gamma_rate),
    linear(Kind::Erlang, VALUE, |g, _, args, e| Some(gamma::log_prob_of(g, e(Value)?, e(Log)?, args))),
    linear(Kind::ChiSquared, VALUE, |g, _, args, e| Some(gamma::log_prob_of(g, e(Value)?, e(Log)?, args))),
    linear(Kind::InverseGamma, "scale", inverse_gamma_scale),
    linear(Kind::InverseGamma, VALUE, |g, _, args, e| Some(inverse_gamma::log_prob_of(g, e(Log)?, e(Recip)?, args))),
    linear(Kind::Pareto, "shape", pareto_shape),
    linear(Kind::Pareto, VALUE, |g, _, args, e| Some(pareto::log_prob_of(g, e(Log)?, args))),
    linear(Kind::Geometric, "p", |g, x, _, e| { let (one, n) = (g.number(1.0), g.shift(x, 1.0)); successes(g, one, n, e) }),
    linear(Kind::Geometric, VALUE, |g, _, args, e| at_mean(g, Kind::Geometric, args, e)),
    linear(Kind::Uniform, VALUE, |g, _, args, _| { let log = uniform::log_width(g, args); Some(g.neg(log)) }),
    linear(Kind::OneHot, "p", |g, x, _, e| { let terms = g.mul(x, e(Log)?); Some(g.sum_last(terms)) }),
    linear(Kind::OneHot, VALUE, |g, _, args, e| at_mean(g, Kind::OneHot, args, e)),
    linear(Kind::Multinomial, "p", multinomial_p),
    linear(Kind::Flat, VALUE, |g, x, args, _| Some((row(Kind::Flat).log_prob)(g, x, args))),
];

/// The expected log density of every component of `value`, over what `latent` (an argument as written, or `VALUE`)
/// stands for, independent of the other arguments. `stats` are its expectations, in the shape in which it is used.
pub fn expected_log_prob(
    g: &mut Graph,
    child: &Dist,
    value: NodeId,
    latent: &'static str,
    stats: Stats,
) -> Option<NodeId> {
    let linear = LINEAR.iter().find(|row| row.child == child.kind && row.of == latent)?;
    if latent != VALUE && !child.args.contains_key(latent) {
        return None;
    }
    // The random argument must be seen as it is written: `prec` would be hidden in a `scale`.
    let args = if latent == VALUE { (row(child.kind).canonical)(g, &child.args) } else { written(g, child) };
    (linear.log_prob)(g, value, &args, stats)
}

/// Arguments as written, and the canonical ones beside them.
fn written(g: &mut Graph, child: &Dist) -> Args {
    let mut args = (row(child.kind).canonical)(g, &child.args);
    args.extend(child.args.iter().map(|(name, id)| (*name, *id)));
    args
}

/// At the mean, less variance / (2 scale^2): no cancellation where the mean is large.
fn normal(g: &mut Graph, value: NodeId, args: &Args, e: Stats) -> Option<NodeId> {
    let at_mean = (row(Kind::Normal).log_prob)(g, value, args);
    let ratio = g.square(args["scale"]);
    let ratio = g.div(e(Variance)?, ratio);
    let spread = g.scale(ratio, 0.5);
    Some(g.sub(at_mean, spread))
}

fn normal_loc(g: &mut Graph, value: NodeId, args: &Args, e: Stats) -> Option<NodeId> {
    let at_mean = Args::from([("loc", e(Value)?), ("scale", args["scale"])]);
    normal(g, value, &at_mean, e)
}

/// (E log(prec) - E prec (x - loc)^2 - log(2 pi)) / 2
fn normal_prec(g: &mut Graph, value: NodeId, args: &Args, e: Stats) -> Option<NodeId> {
    let distance = g.sub(value, args["loc"]);
    let square = g.square(distance);
    let decay = g.mul(e(Value)?, square);
    let gap = g.sub(e(Log)?, decay);
    let gap = g.shift(gap, -(2.0 * PI).ln());
    Some(g.scale(gap, 0.5))
}

/// -(E log(var) + E 1/var (x - loc)^2 + log(2 pi)) / 2
fn normal_var(g: &mut Graph, value: NodeId, args: &Args, e: Stats) -> Option<NodeId> {
    let distance = g.sub(value, args["loc"]);
    let square = g.square(distance);
    let decay = g.mul(e(Recip)?, square);
    let sum = g.add(e(Log)?, decay);
    let sum = g.shift(sum, (2.0 * PI).ln());
    Some(g.scale(sum, -0.5))
}

fn log_normal_loc(g: &mut Graph, value: NodeId, args: &Args, e: Stats) -> Option<NodeId> {
    let log = g.log(value);
    let normal = normal_loc(g, log, args, e)?;
    Some(g.sub(normal, log))
}

/// At the mean, less variance / (2 scale^2).
fn half_normal(g: &mut Graph, _: NodeId, args: &Args, e: Stats) -> Option<NodeId> {
    let at_mean = (row(Kind::HalfNormal).log_prob)(g, e(Value)?, args);
    let ratio = g.square(args["scale"]);
    let ratio = g.div(e(Variance)?, ratio);
    let spread = g.scale(ratio, 0.5);
    Some(g.sub(at_mean, spread))
}

/// shape E log(rate) - lgamma(shape) + (shape - 1) log(x) - E rate x
fn gamma_rate(g: &mut Graph, value: NodeId, args: &Args, e: Stats) -> Option<NodeId> {
    let norm = g.mul(args["shape"], e(Log)?);
    let lgamma = g.lgamma(args["shape"]);
    let (power, log) = (g.shift(args["shape"], -1.0), g.log(value));
    let power = g.mul(power, log);
    let decay = g.mul(e(Value)?, value);
    let kernel = g.add(norm, power);
    let kernel = g.sub(kernel, lgamma);
    Some(g.sub(kernel, decay))
}

fn exponential_rate(g: &mut Graph, value: NodeId, _: &Args, e: Stats) -> Option<NodeId> {
    let decay = g.mul(e(Value)?, value);
    Some(g.sub(e(Log)?, decay))
}

/// -E log(scale) - x E 1/scale
fn exponential_scale(g: &mut Graph, value: NodeId, _: &Args, e: Stats) -> Option<NodeId> {
    let decay = g.mul(e(Recip)?, value);
    let sum = g.add(e(Log)?, decay);
    Some(g.neg(sum))
}

/// shape E log(scale) - lgamma(shape) - (shape + 1) log(x) - E scale / x
fn inverse_gamma_scale(g: &mut Graph, value: NodeId, args: &Args, e: Stats) -> Option<NodeId> {
    let norm = g.mul(args["shape"], e(Log)?);
    let lgamma = g.lgamma(args["shape"]);
    let (more, log) = (g.shift(args["shape"], 1.0), g.log(value));
    let power = g.mul(more, log);
    let decay = g.div(e(Value)?, value);
    let less = g.sum_of(&[lgamma, power, decay]);
    Some(g.sub(norm, less))
}

/// E log(shape) - E shape (log(x) - log(scale)) - log(x)
fn pareto_shape(g: &mut Graph, value: NodeId, args: &Args, e: Stats) -> Option<NodeId> {
    let (log, log_scale) = (g.log(value), g.log(args["scale"]));
    let above = g.sub(log, log_scale);
    let decay = g.mul(e(Value)?, above);
    let less = g.add(decay, log);
    Some(g.sub(e(Log)?, less))
}

fn poisson_rate(g: &mut Graph, value: NodeId, _: &Args, e: Stats) -> Option<NodeId> {
    let power = g.mul(value, e(Log)?);
    Some(poisson::log_prob_of(g, value, power, e(Value)?))
}

/// value E log(p) + (n - value) E log(1 - p)
fn successes(g: &mut Graph, value: NodeId, n: NodeId, e: Stats) -> Option<NodeId> {
    let failures = g.sub(n, value);
    let (yes, no) = (g.mul(value, e(Log)?), g.mul(failures, e(Log1m)?));
    Some(g.add(yes, no))
}

fn binomial_p(g: &mut Graph, value: NodeId, args: &Args, e: Stats) -> Option<NodeId> {
    let choices = binomial::log_choices(g, value, args);
    let order = successes(g, value, args["n"], e)?;
    Some(g.add(choices, order))
}

fn multinomial_p(g: &mut Graph, value: NodeId, args: &Args, e: Stats) -> Option<NodeId> {
    let terms = g.mul(value, e(Log)?);
    let (order, choices) = (g.sum_last(terms), multinomial::log_choices(g, value, args["n"]));
    Some(g.add(choices, order))
}

/// Of a density that is linear in the value alone.
fn at_mean(g: &mut Graph, kind: Kind, args: &Args, e: Stats) -> Option<NodeId> {
    let mean = e(Value)?;
    Some((row(kind).log_prob)(g, mean, args))
}
