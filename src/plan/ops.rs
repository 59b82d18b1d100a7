//! The one table of elementwise operations and reductions: a row each, and its columns agree (a law per row).
//!
//! Two more columns live where they can be built: the loop over slices in `kernel::elementwise`, and burn's operation
//! in `engine`; both are keyed by the same enums, and a test looks for missing rows.

use super::build::Builder;
use super::{Binary, NodeId, Reduce, Unary};
use crate::kernel::{gamma, special, von_mises};

/// Where an operand may lie for the operation to be finite and differentiable, which is where the laws are tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Domain {
    Real,
    Positive,
    AboveMinusOne,
    Nonzero,
    /// Between 0 and 1, open.
    Unit,
    /// Below 0.
    Negative,
}

/// A gradient flowing back: `seed` is that of the result, and what comes back is that of one operand.
pub type UnaryVjp = fn(b: &mut Builder, at: UnaryAt, seed: NodeId) -> NodeId;
pub type BinaryVjp = fn(b: &mut Builder, at: BinaryAt, seed: NodeId) -> NodeId;

/// `y = op(x)`
#[derive(Debug, Clone, Copy)]
pub struct UnaryAt {
    pub x: NodeId,
    pub y: NodeId,
}

/// `y = op(a, b)`
#[derive(Debug, Clone, Copy)]
pub struct BinaryAt {
    pub left: NodeId,
    pub right: NodeId,
    pub y: NodeId,
}

/// How an operation passes gradients back.
#[derive(Debug, Clone, Copy)]
pub enum Vjp<F> {
    By(F),
    /// Piecewise constant, or declared so.
    Zero,
    /// Its derivative is not among our operations.
    Unknown,
}

#[derive(Debug)]
pub struct UnaryRow {
    pub op: Unary,
    pub name: &'static str,
    pub scalar: fn(f64) -> f64,
    pub vjp: Vjp<UnaryVjp>,
    pub domain: Domain,
    /// About how many additions one element costs.
    pub flops: u32,
}

#[derive(Debug)]
pub struct BinaryRow {
    pub op: Binary,
    pub name: &'static str,
    pub scalar: fn(f64, f64) -> f64,
    /// For the left and the right operand.
    pub vjp: [Vjp<BinaryVjp>; 2],
    pub domain: [Domain; 2],
    pub flops: u32,
}

#[derive(Debug)]
pub struct ReduceRow {
    pub op: Reduce,
    pub name: &'static str,
    /// The reduction of no elements.
    pub of_nothing: f64,
    /// The reduction of one number that occurs so many times.
    pub repeated: fn(f64, usize) -> f64,
    pub flops: u32,
}

impl Unary {
    pub fn row(self) -> &'static UnaryRow {
        &UNARY[self as usize]
    }
}

impl Binary {
    pub fn row(self) -> &'static BinaryRow {
        &BINARY[self as usize]
    }
}

impl Reduce {
    pub fn row(self) -> &'static ReduceRow {
        &REDUCE[self as usize]
    }
}

use Domain::*;
use Vjp::{By, Unknown, Zero};

/// In the order of the enum.
#[rustfmt::skip]
pub static UNARY: [UnaryRow; 30] = [
    unary(Unary::Neg, "neg", |x| -x, By(|b, _, s| b.neg(s)), Real, 1),
    unary(Unary::Exp, "exp", f64::exp, By(|b, at, s| b.times(s, at.y)), Real, 12),
    unary(Unary::Log, "log", f64::ln, By(|b, at, s| b.over(s, at.x)), Positive, 14),
    unary(Unary::Log1p, "log1p", f64::ln_1p, By(|b, at, s| { let d = b.shift(at.x, 1.0); b.over(s, d) }), AboveMinusOne, 18),
    unary(Unary::Expm1, "expm1", f64::exp_m1, By(|b, at, s| { let d = b.exp(at.x); b.times(s, d) }), Real, 16),
    unary(Unary::Sqrt, "sqrt", f64::sqrt, By(|b, at, s| { let s = b.scale(s, 0.5); b.over(s, at.y) }), Positive, 6),
    unary(Unary::Recip, "recip", f64::recip, By(|b, at, s| { let d = b.square(at.y); let d = b.times(s, d); b.neg(d) }), Nonzero, 4),
    unary(Unary::Square, "square", |x| x * x, By(|b, at, s| { let d = b.scale(at.x, 2.0); b.times(s, d) }), Real, 1),
    unary(Unary::Abs, "abs", f64::abs, By(|b, at, s| { let d = b.unary(Unary::Sign, at.x); b.times(s, d) }), Nonzero, 1),
    unary(Unary::Sign, "sign", sign, Zero, Nonzero, 2),
    unary(Unary::Sin, "sin", f64::sin, By(|b, at, s| { let d = b.unary(Unary::Cos, at.x); b.times(s, d) }), Real, 20),
    unary(Unary::Cos, "cos", f64::cos, By(|b, at, s| { let d = b.unary(Unary::Sin, at.x); let d = b.times(s, d); b.neg(d) }), Real, 20),
    unary(Unary::Tanh, "tanh", f64::tanh, By(|b, at, s| { let d = b.square(at.y); let d = b.times(s, d); b.minus(s, d) }), Real, 20),
    unary(Unary::Sigmoid, "sigmoid", special::sigmoid, By(|b, at, s| { let d = b.square(at.y); let d = b.minus(at.y, d); b.times(s, d) }), Real, 16),
    unary(Unary::LogSigmoid, "log_sigmoid", special::log_sigmoid, By(|b, at, s| { let d = b.neg(at.x); let d = b.unary(Unary::Sigmoid, d); b.times(s, d) }), Real, 30),
    unary(Unary::Softplus, "softplus", special::softplus, By(|b, at, s| { let d = b.unary(Unary::Sigmoid, at.x); b.times(s, d) }), Real, 30),
    unary(Unary::Relu, "relu", relu, By(|b, at, s| { let d = b.unary(Unary::Step, at.x); b.times(s, d) }), Nonzero, 1),
    unary(Unary::Step, "step", step, Zero, Nonzero, 1),
    unary(Unary::Erf, "erf", special::erf, By(erf_back), Real, 24),
    unary(Unary::Lgamma, "lgamma", special::lgamma, By(|b, at, s| { let d = b.unary(Unary::Digamma, at.x); b.times(s, d) }), Positive, 60),
    unary(Unary::Digamma, "digamma", special::digamma, By(|b, at, s| { let d = b.unary(Unary::Trigamma, at.x); b.times(s, d) }), Positive, 60),
    unary(Unary::Trigamma, "trigamma", special::trigamma, Unknown, Positive, 60),
    unary(Unary::LogNormalCdf, "log_normal_cdf", special::log_normal_cdf, By(|b, at, s| { let d = b.normal_hazard(at.x, at.y); b.times(s, d) }), Real, 60),
    unary(Unary::NormalLogQuantile, "normal_log_quantile", special::normal_log_quantile, By(|b, at, s| { let d = b.normal_hazard(at.y, at.x); b.over(s, d) }), Negative, 60),
    unary(Unary::LogBesselI0e, "log_bessel_i0e", von_mises::log_bessel_i0e, By(bessel_back), Nonzero, 200),
    unary(Unary::BesselRatio, "bessel_ratio", von_mises::bessel_ratio, By(bessel_ratio_back), Nonzero, 400),
    unary(Unary::LogCauchyCdf, "log_cauchy_cdf", special::log_cauchy_cdf, By(cauchy_back), Real, 60),
    unary(Unary::Round, "round", f64::round_ties_even, Zero, Real, 2),
    unary(Unary::Floor, "floor", f64::floor, Zero, Real, 2),
    unary(Unary::StopGradient, "stop_gradient", |x| x, Zero, Real, 0),
];

/// In the order of the enum. At a tie, `min` and `max` pass the gradient to the left operand.
#[rustfmt::skip]
pub static BINARY: [BinaryRow; 19] = [
    binary(Binary::Add, "add", |x, y| x + y, [By(|_, _, s| s), By(|_, _, s| s)], [Real, Real], 1),
    binary(Binary::Sub, "sub", |x, y| x - y, [By(|_, _, s| s), By(|b, _, s| b.neg(s))], [Real, Real], 1),
    binary(Binary::Mul, "mul", |x, y| x * y, [By(|b, at, s| b.times(s, at.right)), By(|b, at, s| b.times(s, at.left))], [Real, Real], 1),
    binary(Binary::Div, "div", |x, y| x / y, [By(|b, at, s| b.over(s, at.right)), By(divisor_back)], [Real, Nonzero], 4),
    binary(Binary::Pow, "pow", f64::powf, [By(base_back), By(exponent_back)], [Positive, Real], 40),
    binary(Binary::Min, "min", minimum, [By(|b, at, s| b.routed(Binary::LessEqual, at.left, at.right, s)), By(|b, at, s| b.routed(Binary::Less, at.right, at.left, s))], [Real, Real], 1),
    binary(Binary::Max, "max", maximum, [By(|b, at, s| b.routed(Binary::LessEqual, at.right, at.left, s)), By(|b, at, s| b.routed(Binary::Less, at.left, at.right, s))], [Real, Real], 1),
    binary(Binary::Equal, "equal", |x, y| f64::from(x == y), [Zero, Zero], [Real, Real], 1),
    binary(Binary::Less, "less", |x, y| f64::from(x < y), [Zero, Zero], [Real, Real], 1),
    binary(Binary::LessEqual, "less_equal", |x, y| f64::from(x <= y), [Zero, Zero], [Real, Real], 1),
    binary(Binary::GammaLogQuantile, "gamma_log_quantile", gamma::gamma_log_quantile, [By(shape_back), By(uniform_back)], [Positive, Unit], 2000),
    binary(Binary::GammaLogQuantileGrad, "gamma_log_quantile_grad", |a, t| gamma::gamma_log_quantile_slopes(a, t).0, [Unknown, Unknown], [Positive, Real], 1000),
    binary(Binary::VonMisesQuantile, "von_mises_quantile", von_mises::von_mises_quantile, [By(concentration_back), By(angle_back)], [Positive, Unit], 2000),
    binary(Binary::VonMisesQuantileGrad, "von_mises_quantile_grad", von_mises::von_mises_quantile_slope, [Unknown, Unknown], [Positive, Unit], 500),
    binary(Binary::LogBeta, "log_beta", special::log_beta, [By(|b, at, s| beta_back(b, at.left, at.right, s)), By(|b, at, s| beta_back(b, at.right, at.left, s))], [Positive, Positive], 120),
    binary(Binary::LogGammaLower, "log_gamma_lower", gamma::log_gamma_lower, [By(lower_shape_back), By(|b, at, s| tail_back(b, at, s, 1.0))], [Positive, Real], 400),
    binary(Binary::LogGammaLowerGrad, "log_gamma_lower_grad", gamma::log_gamma_lower_slope, [Unknown, Unknown], [Positive, Real], 400),
    binary(Binary::LogGammaUpper, "log_gamma_upper", gamma::log_gamma_upper, [By(upper_shape_back), By(|b, at, s| tail_back(b, at, s, -1.0))], [Positive, Real], 400),
    binary(Binary::LogGammaUpperGrad, "log_gamma_upper_grad", gamma::log_gamma_upper_slope, [Unknown, Unknown], [Positive, Real], 400),
];

/// In the order of the enum.
#[rustfmt::skip]
pub static REDUCE: [ReduceRow; 4] = [
    ReduceRow { op: Reduce::Sum, name: "sum", of_nothing: 0.0, repeated: |x, n| x * n as f64, flops: 1 },
    ReduceRow { op: Reduce::Max, name: "max", of_nothing: f64::NEG_INFINITY, repeated: |x, _| x, flops: 1 },
    ReduceRow { op: Reduce::LogSumExp, name: "logsumexp", of_nothing: f64::NEG_INFINITY, repeated: |x, n| x + (n as f64).ln(), flops: 14 },
    ReduceRow { op: Reduce::Prod, name: "prod", of_nothing: 1.0, repeated: |x, n| x.powf(n as f64), flops: 1 },
];

const fn unary(
    op: Unary,
    name: &'static str,
    scalar: fn(f64) -> f64,
    vjp: Vjp<UnaryVjp>,
    domain: Domain,
    flops: u32,
) -> UnaryRow {
    UnaryRow { op, name, scalar, vjp, domain, flops }
}

const fn binary(
    op: Binary,
    name: &'static str,
    scalar: fn(f64, f64) -> f64,
    vjp: [Vjp<BinaryVjp>; 2],
    domain: [Domain; 2],
    flops: u32,
) -> BinaryRow {
    BinaryRow { op, name, scalar, vjp, domain, flops }
}

impl Builder {
    /// The seed where `op(x, y)` holds, else 0.
    fn routed(&mut self, op: Binary, x: NodeId, y: NodeId, seed: NodeId) -> NodeId {
        let mask = self.binary(op, x, y);
        self.times(seed, mask)
    }

    /// The standard normal density at x over its distribution function, whose logarithm is `log_cdf`. It is below
    /// |x| + 1, which it must stay where the two logarithms are so large that their difference is rounding.
    fn normal_hazard(&mut self, x: NodeId, log_cdf: NodeId) -> NodeId {
        let square = self.square(x);
        let half = self.scale(square, 0.5);
        let log = self.plus(log_cdf, half);
        let log = self.shift(log, special::LN_SQRT_2PI);
        let log = self.neg(log);
        let (slope, size) = (self.exp(log), self.unary(Unary::Abs, x));
        let most = self.shift(size, 1.0);
        self.binary(Binary::Min, slope, most)
    }
}

/// 0 at 0, unlike `signum`.
pub fn sign(x: f64) -> f64 {
    if x == 0.0 { 0.0 } else { x.signum() }
}

/// Not a number stays so: a broken value must not look like a zero.
pub fn relu(x: f64) -> f64 {
    if x < 0.0 { 0.0 } else { x }
}

pub fn step(x: f64) -> f64 {
    f64::from(x > 0.0)
}

/// The left operand at a tie; NaN where either is.
pub fn minimum(x: f64, y: f64) -> f64 {
    if x <= y || x.is_nan() { x } else { y }
}

/// The left operand at a tie; NaN where either is.
pub fn maximum(x: f64, y: f64) -> f64 {
    if x >= y || x.is_nan() { x } else { y }
}

/// d erf = 2 / sqrt(pi) exp(-x^2)
fn erf_back(b: &mut Builder, at: UnaryAt, seed: NodeId) -> NodeId {
    let square = b.square(at.x);
    let minus = b.neg(square);
    let density = b.exp(minus);
    let seed = b.scale(seed, std::f64::consts::FRAC_2_SQRT_PI);
    b.times(seed, density)
}

/// d (x / z) / dz = -y / z
fn divisor_back(b: &mut Builder, at: BinaryAt, seed: NodeId) -> NodeId {
    let slope = b.over(at.y, at.right);
    let product = b.times(seed, slope);
    b.neg(product)
}

/// d x^z / dx = z x^(z - 1)
fn base_back(b: &mut Builder, at: BinaryAt, seed: NodeId) -> NodeId {
    let power = b.shift(at.right, -1.0);
    let power = b.binary(Binary::Pow, at.left, power);
    let slope = b.times(at.right, power);
    b.times(seed, slope)
}

/// d x^z / dz = x^z ln x, and 0 where x is 0: there ln is not looked at, since 0 times infinity is no number.
fn exponent_back(b: &mut Builder, at: BinaryAt, seed: NodeId) -> NodeId {
    let (zero, one) = (b.number_like(0.0, at.left), b.number_like(1.0, at.left));
    let at_zero = b.binary(Binary::Equal, at.left, zero);
    let safe = b.select(at_zero, one, at.left);
    let log = b.log(safe);
    let slope = b.times(at.y, log);
    b.times(seed, slope)
}

fn shape_back(b: &mut Builder, at: BinaryAt, seed: NodeId) -> NodeId {
    let slope = b.binary(Binary::GammaLogQuantileGrad, at.left, at.y);
    b.times(seed, slope)
}

/// dt/du = 1 / p(t) with the density of t = ln z: ln p(t) = a t - e^t - ln Gamma(a).
fn uniform_back(b: &mut Builder, at: BinaryAt, seed: NodeId) -> NodeId {
    let (scaled, z, lgamma) = (b.times(at.left, at.y), b.exp(at.y), b.unary(Unary::Lgamma, at.left));
    let minus = b.minus(z, scaled);
    let minus_log_density = b.plus(minus, lgamma);
    let slope = b.exp(minus_log_density);
    b.times(seed, slope)
}

fn lower_shape_back(b: &mut Builder, at: BinaryAt, seed: NodeId) -> NodeId {
    let slope = b.binary(Binary::LogGammaLowerGrad, at.left, at.right);
    b.times(seed, slope)
}

fn upper_shape_back(b: &mut Builder, at: BinaryAt, seed: NodeId) -> NodeId {
    let slope = b.binary(Binary::LogGammaUpperGrad, at.left, at.right);
    b.times(seed, slope)
}

/// d ln F(t) / dt is the density of t over the tail, with ln density a t - e^t - ln Gamma(a); of the upper tail minus that.
fn tail_back(b: &mut Builder, at: BinaryAt, seed: NodeId, sign: f64) -> NodeId {
    let (scaled, z, lgamma) = (b.times(at.left, at.right), b.exp(at.right), b.unary(Unary::Lgamma, at.left));
    let density = b.minus(scaled, z);
    let density = b.minus(density, lgamma);
    let log = b.minus(density, at.y);
    let slope = b.exp(log);
    let slope = if sign < 0.0 { b.neg(slope) } else { slope };
    b.times(seed, slope)
}

/// d ln F / dx = 1 / (pi (1 + x^2) F)
fn cauchy_back(b: &mut Builder, at: UnaryAt, seed: NodeId) -> NodeId {
    let (square, cdf) = (b.square(at.x), b.exp(at.y));
    let one = b.number_like(1.0, at.x);
    let below = b.plus(one, square);
    let below = b.times(below, cdf);
    let pi = b.number_like(std::f64::consts::PI, at.x);
    let below = b.times(below, pi);
    b.over(seed, below)
}

/// d ln (I_0 e^-|x|) = I_1 / I_0 - sign(x)
fn bessel_back(b: &mut Builder, at: UnaryAt, seed: NodeId) -> NodeId {
    let (ratio, sign) = (b.unary(Unary::BesselRatio, at.x), b.unary(Unary::Sign, at.x));
    let slope = b.minus(ratio, sign);
    b.times(seed, slope)
}

/// d (I_1 / I_0) = 1 - y^2 - y / x
fn bessel_ratio_back(b: &mut Builder, at: UnaryAt, seed: NodeId) -> NodeId {
    let (square, share) = (b.square(at.y), b.over(at.y, at.x));
    let less = b.plus(square, share);
    let less = b.times(seed, less);
    b.minus(seed, less)
}

fn concentration_back(b: &mut Builder, at: BinaryAt, seed: NodeId) -> NodeId {
    let slope = b.binary(Binary::VonMisesQuantileGrad, at.left, at.y);
    b.times(seed, slope)
}

/// dx/du = 1 / p(x), with ln p(x) = k (cos x - 1) - ln (2 pi I_0 e^-k) and cos x - 1 = -2 sin^2(x / 2).
fn angle_back(b: &mut Builder, at: BinaryAt, seed: NodeId) -> NodeId {
    let half = b.scale(at.y, 0.5);
    let sine = b.unary(Unary::Sin, half);
    let square = b.square(sine);
    let square = b.scale(square, 2.0);
    let (decay, norm) = (b.times(at.left, square), b.unary(Unary::LogBesselI0e, at.left));
    let minus_log_density = b.plus(decay, norm);
    let slope = b.exp(minus_log_density);
    let slope = b.scale(slope, 2.0 * std::f64::consts::PI);
    b.times(seed, slope)
}

/// d ln B(a, b) / da = digamma(a) - digamma(a + b)
fn beta_back(b: &mut Builder, own: NodeId, other: NodeId, seed: NodeId) -> NodeId {
    let sum = b.plus(own, other);
    let (own, sum) = (b.unary(Unary::Digamma, own), b.unary(Unary::Digamma, sum));
    let slope = b.minus(own, sum);
    b.times(seed, slope)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_in_the_order_of_the_enums_and_names_are_distinct() {
        for (i, row) in UNARY.iter().enumerate() {
            assert_eq!(row.op as usize, i, "{}", row.name);
        }
        for (i, row) in BINARY.iter().enumerate() {
            assert_eq!(row.op as usize, i, "{}", row.name);
        }
        for (i, row) in REDUCE.iter().enumerate() {
            assert_eq!(row.op as usize, i, "{}", row.name);
        }
        let names = UNARY.iter().map(|row| row.name).chain(BINARY.iter().map(|row| row.name));
        let mut names: Vec<&str> = names.collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
    }

    fn draws(domain: Domain, seed: u64) -> Vec<f64> {
        let mut random = crate::plan::random::Random::new(seed);
        let (low, high) = match domain {
            Real => (-4.0, 4.0),
            Positive => (0.1, 9.0),
            AboveMinusOne => (-0.9, 4.0),
            Nonzero => (0.1, 4.0),
            Unit => (0.01, 0.99),
            Negative => (-4.0, -0.01),
        };
        (0..257).map(|_| random.between(low, high)).collect()
    }

    #[test]
    fn the_loops_over_slices_are_the_scalar_functions() {
        use crate::kernel::elementwise::{self, Side};
        let near = |x: f64, y: f64| (x - y).abs() <= 1e-15 * (1.0 + 4.0 * x.abs());
        for row in &UNARY {
            let x = draws(row.domain, 1);
            let mut out = vec![0.0; x.len()];
            elementwise::unary(row.op, &x, &mut out);
            let agree = x.iter().zip(&out).all(|(x, y)| near((row.scalar)(*x), *y));
            assert!(agree, "{}", row.name);
        }
        for row in &BINARY {
            let (x, y) = (draws(row.domain[0], 1), draws(row.domain[1], 2));
            let mut out = vec![0.0; x.len()];
            elementwise::binary(row.op, Side::Many(&x), Side::Many(&y), &mut out);
            let agree = (0..x.len()).all(|i| near((row.scalar)(x[i], y[i]), out[i]));
            assert!(agree, "{}", row.name);
        }
    }
}
