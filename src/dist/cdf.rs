//! Distribution functions, in logarithms: one row a distribution that can be cut off or censored.

use super::{Args, Dist, Kind, discrete_uniform, row, standardized, states};
use crate::math::{Binary, Graph, NodeId, Op, Unary};

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
    cdf(Kind::Cauchy, |g, x, args| cauchy(g, x, args, 1.0), |g, x, args| cauchy(g, x, args, -1.0)),
    cdf(Kind::StudentT, |g, x, args| student(g, x, args, 1.0), |g, x, args| student(g, x, args, -1.0)),
    cdf(Kind::HalfCauchy, half_cauchy_cdf, half_cauchy_survival),
    cdf(Kind::Uniform, uniform_cdf, uniform_survival),
    cdf(Kind::Pareto, pareto_cdf, pareto_survival),
    cdf(Kind::Kumaraswamy, kumaraswamy_cdf, kumaraswamy_survival),
    cdf(Kind::Gamma, |g, x, args| gamma(g, x, args, LOWER), |g, x, args| gamma(g, x, args, UPPER)),
    cdf(Kind::Erlang, |g, x, args| gamma(g, x, args, LOWER), |g, x, args| gamma(g, x, args, UPPER)),
    cdf(Kind::ChiSquared, |g, x, args| gamma(g, x, args, LOWER), |g, x, args| gamma(g, x, args, UPPER)),
    cdf(Kind::InverseGamma, |g, x, args| reciprocal(g, x, args, UPPER), |g, x, args| reciprocal(g, x, args, LOWER)),
    cdf(Kind::Poisson, |g, x, args| poisson(g, x, args, UPPER), |g, x, args| poisson(g, x, args, LOWER)),
    cdf(Kind::Geometric, geometric_cdf, geometric_survival),
    cdf(Kind::ZeroInflatedPoisson, inflated_cdf, inflated_survival),
    cdf(Kind::DiscreteUniform, discrete_uniform_cdf, discrete_uniform_survival),
];

const LOWER: Binary = Binary::LogGammaLower;
const UPPER: Binary = Binary::LogGammaUpper;

/// The largest value below a bound that cuts off what lies below it: of counts the one before, else the bound itself.
pub fn below(g: &mut Graph, dist: &Dist, bound: NodeId) -> NodeId {
    if !is_discrete(g, dist) {
        return bound;
    }
    // ceil(bound) - 1
    let minus = g.neg(bound);
    let up = g.unary(Unary::Floor, minus);
    let up = g.neg(up);
    g.shift(up, -1.0)
}

pub fn is_discrete(g: &Graph, dist: &Dist) -> bool {
    super::support(g, dist, &[]).is_discrete()
}

pub fn of(kind: Kind) -> Option<&'static Cdf> {
    CDFS.iter().find(|row| row.kind == kind)
}

/// The distributions that have one, for help.
pub fn names() -> String {
    let kinds = CDFS.iter().map(|cdf| cdf.kind).chain(states::SUMMED);
    kinds.map(|kind| row(kind).name).collect::<Vec<_>>().join(", ")
}

/// log P(X <= value), log P(X > value); `None` where the distribution has no row and its states are not summed.
pub fn tails(g: &mut Graph, dist: &Dist, value: NodeId) -> Option<(NodeId, NodeId)> {
    let Some(cdf) = of(dist.kind) else { return states::tails(g, dist, value) };
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

fn cauchy(g: &mut Graph, value: NodeId, args: &Args, sign: f64) -> NodeId {
    let z = turned(g, value, args, sign);
    g.simple(Op::Unary(Unary::LogCauchyCdf, z))
}

fn student(g: &mut Graph, value: NodeId, args: &Args, sign: f64) -> NodeId {
    let z = turned(g, value, args, sign);
    g.simple(Op::Binary(Binary::LogStudentCdf, args["df"], z))
}

fn half_cauchy_cdf(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let log = half_cauchy_survival(g, value, args);
    log1mexp(g, log)
}

/// log 2 + log F(-z)
fn half_cauchy_survival(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let z = g.div(value, args["scale"]);
    let minus = g.neg(z);
    let tail = g.simple(Op::Unary(Unary::LogCauchyCdf, minus));
    g.shift(tail, 2f64.ln())
}

fn uniform_cdf(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let (part, whole) = (g.sub(value, args["lo"]), g.sub(args["hi"], args["lo"]));
    let share = g.div(part, whole);
    g.log(share)
}

fn uniform_survival(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let (part, whole) = (g.sub(args["hi"], value), g.sub(args["hi"], args["lo"]));
    let share = g.div(part, whole);
    g.log(share)
}

fn pareto_cdf(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let log = pareto_survival(g, value, args);
    log1mexp(g, log)
}

/// shape log(scale / value)
fn pareto_survival(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let (log, log_scale) = (g.log(value), g.log(args["scale"]));
    let ratio = g.sub(log_scale, log);
    g.mul(args["shape"], ratio)
}

fn kumaraswamy_cdf(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let log = kumaraswamy_survival(g, value, args);
    log1mexp(g, log)
}

/// b log(1 - value^a)
fn kumaraswamy_survival(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let log = g.log(value);
    let power = g.mul(args["a"], log);
    let rest = log1mexp(g, power);
    g.mul(args["b"], rest)
}

/// A tail of Gamma(shape, 1) at rate value.
fn gamma(g: &mut Graph, value: NodeId, args: &Args, tail: Binary) -> NodeId {
    let (log, log_rate) = (g.log(value), g.log(args["rate"]));
    let at = g.add(log, log_rate);
    g.simple(Op::Binary(tail, args["shape"], at))
}

/// A tail of Gamma(shape, 1) at scale / value.
fn reciprocal(g: &mut Graph, value: NodeId, args: &Args, tail: Binary) -> NodeId {
    let (log, log_scale) = (g.log(value), g.log(args["scale"]));
    let at = g.sub(log_scale, log);
    g.simple(Op::Binary(tail, args["shape"], at))
}

/// P(X <= k) = Q(k + 1, rate); below 0 there is nothing.
fn poisson(g: &mut Graph, value: NodeId, args: &Args, tail: Binary) -> NodeId {
    let k = g.unary(Unary::Floor, value);
    let (zero, minus_one) = (g.number(0.0), g.number(-1.0));
    let safe = g.max(k, zero);
    let shape = g.shift(safe, 1.0);
    let log_rate = match args.get("log_rate") {
        Some(log_rate) => *log_rate,
        None => g.log(args["rate"]),
    };
    let log = g.simple(Op::Binary(tail, shape, log_rate));
    let nothing = g.number(if tail == UPPER { f64::NEG_INFINITY } else { 0.0 });
    let is_nothing = g.less_equal(k, minus_one);
    g.either(is_nothing, nothing, log)
}

fn geometric_cdf(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let log = geometric_survival(g, value, args);
    log1mexp(g, log)
}

/// (k + 1) log(1 - p)
fn geometric_survival(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let k = g.unary(Unary::Floor, value);
    let tries = g.shift(k, 1.0);
    let log = match args.get("logits") {
        Some(logits) => {
            let minus = g.neg(*logits);
            g.log_sigmoid(minus)
        }
        None => {
            let minus = g.neg(args["p"]);
            g.log1p(minus)
        }
    };
    g.mul(tries, log)
}

/// log(p + (1 - p) P(Poisson <= k)), from 0 on.
fn inflated_cdf(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let drawn = poisson(g, value, &Args::from([("rate", args["rate"])]), UPPER);
    let (drawn, rest) = (g.exp(drawn), g.complement(args["p"]));
    let drawn = g.mul(rest, drawn);
    let all = g.add(args["p"], drawn);
    let (log, nothing) = (g.log(all), g.number(f64::NEG_INFINITY));
    let (k, minus_one) = (g.unary(Unary::Floor, value), g.number(-1.0));
    let is_nothing = g.less_equal(k, minus_one);
    g.either(is_nothing, nothing, log)
}

/// log(1 - p) + log P(Poisson > k), from 0 on.
fn inflated_survival(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let drawn = poisson(g, value, &Args::from([("rate", args["rate"])]), LOWER);
    let minus = g.neg(args["p"]);
    let rest = g.log1p(minus);
    let (log, all) = (g.add(rest, drawn), g.number(0.0));
    let (k, minus_one) = (g.unary(Unary::Floor, value), g.number(-1.0));
    let is_all = g.less_equal(k, minus_one);
    g.either(is_all, all, log)
}

fn discrete_uniform_cdf(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let k = g.unary(Unary::Floor, value);
    let before = g.sub(k, args["lo"]);
    let some = g.shift(before, 1.0);
    share_of_states(g, some, args)
}

fn discrete_uniform_survival(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let k = g.unary(Unary::Floor, value);
    let after = g.sub(args["hi"], k);
    share_of_states(g, after, args)
}

/// The logarithm of so many states, at least none and at most all, over all of them.
fn share_of_states(g: &mut Graph, some: NodeId, args: &Args) -> NodeId {
    let (zero, all) = (g.number(0.0), discrete_uniform::count(g, args));
    let some = g.max(some, zero);
    let some = g.min(some, all);
    let share = g.div(some, all);
    g.log(share)
}
