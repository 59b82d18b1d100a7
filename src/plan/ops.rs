//! The one table of elementwise operations and reductions: a row each, and its columns agree (a law per row).
//!
//! Two more columns live where they can be built: the loop over slices in `kernel::elementwise`, and burn's operation
//! in `engine`; both are keyed by the same enums, and a test looks for missing rows.

use super::build::Builder;
use super::{Binary, NodeId, Reduce, Unary};
use crate::kernel::{gamma, special, student, von_mises};

mod back;

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
    unary(Unary::Erf, "erf", special::erf, By(back::erf_back), Real, 24),
    unary(Unary::Lgamma, "lgamma", special::lgamma, By(|b, at, s| { let d = b.unary(Unary::Digamma, at.x); b.times(s, d) }), Positive, 60),
    unary(Unary::Digamma, "digamma", special::digamma, By(|b, at, s| { let d = b.unary(Unary::Trigamma, at.x); b.times(s, d) }), Positive, 60),
    unary(Unary::Trigamma, "trigamma", special::trigamma, Unknown, Positive, 60),
    unary(Unary::LogNormalCdf, "log_normal_cdf", special::log_normal_cdf, By(|b, at, s| { let d = b.normal_hazard(at.x, at.y); b.times(s, d) }), Real, 60),
    unary(Unary::NormalLogQuantile, "normal_log_quantile", special::normal_log_quantile, By(|b, at, s| { let d = b.normal_hazard(at.y, at.x); b.over(s, d) }), Negative, 60),
    unary(Unary::LogBesselI0e, "log_bessel_i0e", von_mises::log_bessel_i0e, By(back::bessel_back), Nonzero, 200),
    unary(Unary::BesselRatio, "bessel_ratio", von_mises::bessel_ratio, By(back::bessel_ratio_back), Nonzero, 400),
    unary(Unary::LogCauchyCdf, "log_cauchy_cdf", special::log_cauchy_cdf, By(back::cauchy_back), Real, 60),
    unary(Unary::Round, "round", f64::round_ties_even, Zero, Real, 2),
    unary(Unary::Floor, "floor", f64::floor, Zero, Real, 2),
    unary(Unary::StopGradient, "stop_gradient", |x| x, Zero, Real, 0),
];

/// In the order of the enum. At a tie, `min` and `max` pass the gradient to the left operand.
#[rustfmt::skip]
pub static BINARY: [BinaryRow; 21] = [
    binary(Binary::Add, "add", |x, y| x + y, [By(|_, _, s| s), By(|_, _, s| s)], [Real, Real], 1),
    binary(Binary::Sub, "sub", |x, y| x - y, [By(|_, _, s| s), By(|b, _, s| b.neg(s))], [Real, Real], 1),
    binary(Binary::Mul, "mul", |x, y| x * y, [By(|b, at, s| b.times(s, at.right)), By(|b, at, s| b.times(s, at.left))], [Real, Real], 1),
    binary(Binary::Div, "div", |x, y| x / y, [By(|b, at, s| b.over(s, at.right)), By(back::divisor_back)], [Real, Nonzero], 4),
    binary(Binary::Pow, "pow", f64::powf, [By(back::base_back), By(back::exponent_back)], [Positive, Real], 40),
    binary(Binary::Min, "min", minimum, [By(|b, at, s| b.routed(Binary::LessEqual, at.left, at.right, s)), By(|b, at, s| b.routed(Binary::Less, at.right, at.left, s))], [Real, Real], 1),
    binary(Binary::Max, "max", maximum, [By(|b, at, s| b.routed(Binary::LessEqual, at.right, at.left, s)), By(|b, at, s| b.routed(Binary::Less, at.left, at.right, s))], [Real, Real], 1),
    binary(Binary::Equal, "equal", |x, y| f64::from(x == y), [Zero, Zero], [Real, Real], 1),
    binary(Binary::Less, "less", |x, y| f64::from(x < y), [Zero, Zero], [Real, Real], 1),
    binary(Binary::LessEqual, "less_equal", |x, y| f64::from(x <= y), [Zero, Zero], [Real, Real], 1),
    binary(Binary::GammaLogQuantile, "gamma_log_quantile", gamma::gamma_log_quantile, [By(back::shape_back), By(back::uniform_back)], [Positive, Unit], 2000),
    binary(Binary::GammaLogQuantileGrad, "gamma_log_quantile_grad", |a, t| gamma::gamma_log_quantile_slopes(a, t).0, [Unknown, Unknown], [Positive, Real], 1000),
    binary(Binary::VonMisesQuantile, "von_mises_quantile", von_mises::von_mises_quantile, [By(back::concentration_back), By(back::angle_back)], [Positive, Unit], 2000),
    binary(Binary::VonMisesQuantileGrad, "von_mises_quantile_grad", von_mises::von_mises_quantile_slope, [Unknown, Unknown], [Positive, Unit], 500),
    binary(Binary::LogBeta, "log_beta", special::log_beta, [By(|b, at, s| back::beta_back(b, at.left, at.right, s)), By(|b, at, s| back::beta_back(b, at.right, at.left, s))], [Positive, Positive], 120),
    binary(Binary::LogGammaLower, "log_gamma_lower", gamma::log_gamma_lower, [By(back::lower_shape_back), By(|b, at, s| back::tail_back(b, at, s, 1.0))], [Positive, Real], 400),
    binary(Binary::LogGammaLowerGrad, "log_gamma_lower_grad", gamma::log_gamma_lower_slope, [Unknown, Unknown], [Positive, Real], 400),
    binary(Binary::LogGammaUpper, "log_gamma_upper", gamma::log_gamma_upper, [By(back::upper_shape_back), By(|b, at, s| back::tail_back(b, at, s, -1.0))], [Positive, Real], 400),
    binary(Binary::LogGammaUpperGrad, "log_gamma_upper_grad", gamma::log_gamma_upper_slope, [Unknown, Unknown], [Positive, Real], 400),
    binary(Binary::LogStudentCdf, "log_student_cdf", student::log_student_cdf, [By(back::freedom_back), By(back::student_back)], [Positive, Real], 400),
    binary(Binary::LogStudentCdfGrad, "log_student_cdf_grad", student::log_student_cdf_slope, [Unknown, Unknown], [Positive, Real], 400),
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
