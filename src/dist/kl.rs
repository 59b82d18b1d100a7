//! Closed Kullback-Leibler divergences, one row a pair: KL(q || p) = E_q[log q - log p].

use std::collections::BTreeMap;

use super::expect::{VALUE, expected_log_prob};
use super::{Args, Dist, Kind, Statistic, bernoulli, beta, binomial, categorical, dirichlet, mv_normal, poisson, row};
use super::{discrete_uniform, scalar_kl};
use crate::math::{Graph, NodeId};
use crate::shape::Size;

type Divergence = fn(&mut Graph, &Args, &Args) -> Option<NodeId>;

/// A pair, with KL(q || p) of canonical arguments.
pub struct Pair {
    pub q: Kind,
    pub p: Kind,
    pub kl: Divergence,
}

const fn pair(q: Kind, p: Kind, kl: Divergence) -> Pair {
    Pair { q, p, kl }
}

pub static PAIRS: &[Pair] = &[
    pair(Kind::Normal, Kind::Normal, normal),
    pair(Kind::LogNormal, Kind::LogNormal, normal),
    pair(Kind::HalfNormal, Kind::HalfNormal, half_normal),
    pair(Kind::Gamma, Kind::Gamma, gamma_gamma),
    pair(Kind::Gamma, Kind::Exponential, gamma_gamma),
    pair(Kind::Gamma, Kind::Erlang, gamma_gamma),
    pair(Kind::Gamma, Kind::ChiSquared, gamma_gamma),
    pair(Kind::Exponential, Kind::Exponential, gamma_gamma),
    pair(Kind::Exponential, Kind::Gamma, gamma_gamma),
    pair(Kind::Exponential, Kind::Erlang, gamma_gamma),
    pair(Kind::Exponential, Kind::ChiSquared, gamma_gamma),
    pair(Kind::Erlang, Kind::Gamma, gamma_gamma),
    pair(Kind::Erlang, Kind::Exponential, gamma_gamma),
    pair(Kind::Erlang, Kind::Erlang, gamma_gamma),
    pair(Kind::Erlang, Kind::ChiSquared, gamma_gamma),
    pair(Kind::ChiSquared, Kind::Gamma, gamma_gamma),
    pair(Kind::ChiSquared, Kind::Exponential, gamma_gamma),
    pair(Kind::ChiSquared, Kind::Erlang, gamma_gamma),
    pair(Kind::ChiSquared, Kind::ChiSquared, gamma_gamma),
    pair(Kind::InverseGamma, Kind::InverseGamma, inverse_gamma),
    pair(Kind::Beta, Kind::Beta, beta_beta),
    pair(Kind::Dirichlet, Kind::Dirichlet, dirichlet_dirichlet),
    pair(Kind::Bernoulli, Kind::Bernoulli, bernoulli_bernoulli),
    pair(Kind::Categorical, Kind::Categorical, categorical_categorical),
    pair(Kind::Binomial, Kind::Binomial, binomial_binomial),
    pair(Kind::Poisson, Kind::Poisson, poisson_poisson),
    pair(Kind::MvNormal, Kind::MvNormal, mv_normal),
    pair(Kind::MvNormal, Kind::Normal, mv_normal),
    pair(Kind::Normal, Kind::MvNormal, mv_normal),
    pair(Kind::LogisticNormal, Kind::LogisticNormal, logistic_normal),
    pair(Kind::OneHot, Kind::OneHot, categorical_categorical),
    pair(Kind::Multinomial, Kind::Multinomial, multinomial_multinomial),
    pair(Kind::DiscreteUniform, Kind::DiscreteUniform, discrete_uniforms),
    pair(Kind::Cauchy, Kind::Cauchy, scalar_kl::cauchy),
    pair(Kind::Laplace, Kind::Laplace, scalar_kl::laplace),
    pair(Kind::Normal, Kind::Laplace, scalar_kl::normal_laplace),
    pair(Kind::Gumbel, Kind::Gumbel, scalar_kl::gumbel),
    pair(Kind::Normal, Kind::Gumbel, scalar_kl::normal_gumbel),
    pair(Kind::Weibull, Kind::Weibull, scalar_kl::weibull),
    pair(Kind::Exponential, Kind::Weibull, scalar_kl::exponential_weibull),
    pair(Kind::Gamma, Kind::Weibull, scalar_kl::gamma_weibull),
    pair(Kind::LogNormal, Kind::Weibull, scalar_kl::log_normal_weibull),
    pair(Kind::VonMises, Kind::VonMises, scalar_kl::von_mises),
];

/// Pairs whose divergence is the expected log density of p, linear in statistics that q has in closed form, less the
/// entropy of q: minus both.
pub static BY_STATISTICS: &[(Kind, &[Kind])] = &[
    (Kind::Gamma, &[Kind::Weibull, Kind::LogNormal]),
    (Kind::Exponential, &[Kind::Weibull, Kind::LogNormal]),
    (Kind::Erlang, &[Kind::Weibull, Kind::LogNormal]),
    (Kind::ChiSquared, &[Kind::Weibull, Kind::LogNormal]),
    (Kind::InverseGamma, &[Kind::LogNormal]),
    (Kind::HalfNormal, &[Kind::LogNormal, Kind::Gamma, Kind::Exponential, Kind::Weibull]),
    (Kind::Normal, &[Kind::Laplace, Kind::Logistic, Kind::Gumbel]),
    (Kind::Uniform, &[Kind::Uniform, Kind::Beta, Kind::Kumaraswamy, Kind::VonMises]),
    (Kind::Pareto, &[Kind::Pareto]),
    (Kind::Geometric, &[Kind::Geometric]),
];

/// KL(q || p) a component (`dist::total` sums it; it may be a number that counts for each), where it is closed.
pub fn kl(g: &mut Graph, q: &Dist, p: &Dist) -> Option<NodeId> {
    let Some(pair) = PAIRS.iter().find(|pair| pair.q == q.kind && pair.p == p.kind) else {
        let known = BY_STATISTICS.iter().any(|(to, from)| *to == p.kind && from.contains(&q.kind));
        return if known { by_statistics(g, q, p) } else { None };
    };
    let q = (row(q.kind).canonical)(g, &q.args);
    let p = (row(p.kind).canonical)(g, &p.args);
    (pair.kl)(g, &q, &p)
}

/// E_q log p at the statistics of q, and the entropy of q: minus both.
fn by_statistics(g: &mut Graph, q: &Dist, p: &Dist) -> Option<NodeId> {
    let known: BTreeMap<Statistic, Option<NodeId>> =
        super::STATISTICS.into_iter().map(|statistic| (statistic, super::expect(g, q, statistic))).collect();
    // No density that is linear in statistics looks at the value itself.
    let unseen = g.number(0.0);
    let expected = expected_log_prob(g, p, unseen, VALUE, &|statistic| known[&statistic])?;
    let entropy = super::entropy(g, q)?;
    let both = g.add(expected, entropy);
    Some(g.neg(both))
}

/// log(a) - log(b)
pub(super) fn log_ratio(g: &mut Graph, a: NodeId, b: NodeId) -> NodeId {
    let (a, b) = (g.log(a), g.log(b));
    g.sub(a, b)
}

/// log(s2 / s1) + (s1^2 + (m1 - m2)^2) / (2 s2^2) - 1/2, also of the exponentials.
fn normal(g: &mut Graph, q: &Args, p: &Args) -> Option<NodeId> {
    let distance = g.sub(q["loc"], p["loc"]);
    let (shift, ratio) = (g.div(distance, p["scale"]), g.div(q["scale"], p["scale"]));
    let (shift, ratio) = (g.square(shift), g.square(ratio));
    let both = g.add(shift, ratio);
    let half = g.scale(both, 0.5);
    let log = log_ratio(g, p["scale"], q["scale"]);
    let sum = g.add(log, half);
    Some(g.shift(sum, -0.5))
}

fn half_normal(g: &mut Graph, q: &Args, p: &Args) -> Option<NodeId> {
    let zero = g.number(0.0);
    let with = |args: &Args| Args::from([("loc", zero), ("scale", args["scale"])]);
    normal(g, &with(q), &with(p))
}

/// (a1 - a2) digamma(a1) - lgamma(a1) + lgamma(a2) + a2 log(r1 / r2) + a1 (r2 - r1) / r1; an Exponential has shape 1.
fn gamma_gamma(g: &mut Graph, q: &Args, p: &Args) -> Option<NodeId> {
    let one = g.number(1.0);
    let shape = |args: &Args| args.get("shape").copied().unwrap_or(one);
    let (a1, a2) = (shape(q), shape(p));
    let (less, digamma) = (g.sub(a1, a2), g.digamma(a1));
    let less = g.mul(less, digamma);
    let (l1, l2) = (g.lgamma(a1), g.lgamma(a2));
    let norms = g.sub(l2, l1);
    let log = log_ratio(g, q["rate"], p["rate"]);
    let log = g.mul(a2, log);
    let gap = g.sub(p["rate"], q["rate"]);
    let gap = g.div(gap, q["rate"]);
    let gap = g.mul(a1, gap);
    Some(g.sum_of(&[less, norms, log, gap]))
}

/// That of the reciprocals, which are Gammas with the scales as rates.
fn inverse_gamma(g: &mut Graph, q: &Args, p: &Args) -> Option<NodeId> {
    let reciprocal = |args: &Args| Args::from([("shape", args["shape"]), ("rate", args["scale"])]);
    gamma_gamma(g, &reciprocal(q), &reciprocal(p))
}

/// log of the ratio of the numbers of states; those of q are among those of p.
fn discrete_uniforms(g: &mut Graph, q: &Args, p: &Args) -> Option<NodeId> {
    let (own, other) = (discrete_uniform::count(g, q), discrete_uniform::count(g, p));
    Some(log_ratio(g, other, own))
}

/// log B(p) - log B(q) + (a1 - a2) E log z + (b1 - b2) E log(1 - z)
fn beta_beta(g: &mut Graph, q: &Args, p: &Args) -> Option<NodeId> {
    let (log, log1m) = (beta::expected_log(g, "a", q), beta::expected_log(g, "b", q));
    let (a, b) = (g.sub(q["a"], p["a"]), g.sub(q["b"], p["b"]));
    let (a, b) = (g.mul(a, log), g.mul(b, log1m));
    let (above, below) = (beta::log_norm(g, p), beta::log_norm(g, q));
    let norms = g.sub(above, below);
    Some(g.sum_of(&[norms, a, b]))
}

/// log B(p) - log B(q) + sum_k (c1_k - c2_k) E log z_k
fn dirichlet_dirichlet(g: &mut Graph, q: &Args, p: &Args) -> Option<NodeId> {
    let mut p = p.clone();
    if g.shape(p["concentration"]).is_number() {
        let filled = g.fill(p["concentration"], g.event(q["concentration"]).to_vec());
        p.insert("concentration", filled);
    }
    let log = dirichlet::expected_log(g, q);
    let gap = g.sub(q["concentration"], p["concentration"]);
    let gap = g.mul(gap, log);
    let gap = g.sum_last(gap);
    let (above, below) = (dirichlet::log_norm(g, &p), dirichlet::log_norm(g, q));
    let norms = g.sub(above, below);
    Some(g.add(norms, gap))
}

/// The log probabilities, linear in the value, at the mean of q.
fn bernoulli_bernoulli(g: &mut Graph, q: &Args, p: &Args) -> Option<NodeId> {
    let (mean, one) = (bernoulli::p(g, q), g.number(1.0));
    let own = bernoulli::successes(g, mean, one, q);
    let other = bernoulli::successes(g, mean, one, p);
    Some(g.sub(own, other))
}

fn categorical_categorical(g: &mut Graph, q: &Args, p: &Args) -> Option<NodeId> {
    // One may have a table for each component where the other has one for all.
    let tables = [q, p].map(|args| args.get("p").or(args.get("logits")).map(|id| g.event(*id).to_vec()));
    let widest = tables.into_iter().flatten().max_by_key(Vec::len)?;
    let mut widened =
        |args: &Args| -> Args { args.iter().map(|(name, arg)| (*name, super::beside(g, *arg, &widest))).collect() };
    let (q, p) = (widened(q), widened(p));
    let weights = categorical::p(g, &q);
    let own = categorical::expected_log(g, weights, &q);
    let other = categorical::expected_log(g, weights, &p);
    Some(g.sub(own, other))
}

/// The numbers of tries must be the same expression: then the choices cancel.
fn binomial_binomial(g: &mut Graph, q: &Args, p: &Args) -> Option<NodeId> {
    if g.unnamed(q["n"]) != g.unnamed(p["n"]) {
        return None;
    }
    let mean = binomial::mean(g, q);
    let own = bernoulli::successes(g, mean, q["n"], q);
    let other = bernoulli::successes(g, mean, p["n"], p);
    Some(g.sub(own, other))
}

/// r1 log(r1) - r1 log(r2) - r1 + r2
fn poisson_poisson(g: &mut Graph, q: &Args, p: &Args) -> Option<NodeId> {
    let (r1, r2) = (poisson::rate(g, q), poisson::rate(g, p));
    let own = poisson::value_log_rate(g, r1, q);
    let other = poisson::value_log_rate(g, r1, p);
    let (gap, rates) = (g.sub(own, other), g.sub(r2, r1));
    Some(g.add(gap, rates))
}

/// E_q |z|^2 / 2 - K / 2 + the logs of the determinants of the factors, p's less q's. One vector a value.
fn mv_normal(g: &mut Graph, q: &Args, p: &Args) -> Option<NodeId> {
    let k = [q, p].into_iter().find_map(|args| g.event(args["loc"]).last().cloned())?;
    let (q, p) = (as_mv_normal(g, q, &k)?, as_mv_normal(g, p, &k)?);
    let factor = mv_normal::factor(g, &q);
    let square = mv_normal::expected_square(g, &p, q["loc"], factor);
    let size = g.size(k);
    let gap = g.sub(square, size);
    let half = g.scale(gap, 0.5);
    let (own, other) = (mv_normal::log_det(g, &q), mv_normal::log_det(g, &p));
    let logs = g.sub(other, own);
    Some(g.add(half, logs))
}

/// Independent Normals as one vector; `None` where a value has components of its own.
fn as_mv_normal(g: &mut Graph, args: &Args, k: &Size) -> Option<Args> {
    let filled = |g: &mut Graph, name: &str| {
        let arg = args[name];
        let all = if g.shape(arg).is_number() { g.fill(arg, vec![k.clone()]) } else { arg };
        (g.event(all).len() == 1).then_some(all)
    };
    let loc = filled(g, "loc")?;
    if !args.contains_key("scale") {
        let mut args = args.clone();
        args.insert("loc", loc);
        return Some(args);
    }
    let scale = filled(g, "scale")?;
    Some(Args::from([("loc", loc), ("chol", g.diag(scale))]))
}

/// That of the Normals before the softmax.
fn logistic_normal(g: &mut Graph, q: &Args, p: &Args) -> Option<NodeId> {
    let each = normal(g, q, p)?;
    Some(g.sum_last(each))
}

/// n times that of one try: the numbers of tries must be the same expression.
fn multinomial_multinomial(g: &mut Graph, q: &Args, p: &Args) -> Option<NodeId> {
    if g.unnamed(q["n"]) != g.unnamed(p["n"]) {
        return None;
    }
    let tables = |args: &Args| args.iter().filter(|(name, _)| **name != "n").map(|(name, id)| (*name, *id)).collect();
    let one = categorical_categorical(g, &tables(q), &tables(p))?;
    Some(g.mul(q["n"], one))
}
