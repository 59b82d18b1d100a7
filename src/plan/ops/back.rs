//! Slopes of the table that take more than a line.

use super::{Binary, BinaryAt, Builder, NodeId, Unary, UnaryAt};

/// d erf = 2 / sqrt(pi) exp(-x^2)
pub(super) fn erf_back(b: &mut Builder, at: UnaryAt, seed: NodeId) -> NodeId {
    let square = b.square(at.x);
    let minus = b.neg(square);
    let density = b.exp(minus);
    let seed = b.scale(seed, std::f64::consts::FRAC_2_SQRT_PI);
    b.times(seed, density)
}

/// d (x / z) / dz = -y / z
pub(super) fn divisor_back(b: &mut Builder, at: BinaryAt, seed: NodeId) -> NodeId {
    let slope = b.over(at.y, at.right);
    let product = b.times(seed, slope);
    b.neg(product)
}

/// d x^z / dx = z x^(z - 1)
pub(super) fn base_back(b: &mut Builder, at: BinaryAt, seed: NodeId) -> NodeId {
    let power = b.shift(at.right, -1.0);
    let power = b.binary(Binary::Pow, at.left, power);
    let slope = b.times(at.right, power);
    b.times(seed, slope)
}

/// d x^z / dz = x^z ln x, and 0 where x is 0: there ln is not looked at, since 0 times infinity is no number.
pub(super) fn exponent_back(b: &mut Builder, at: BinaryAt, seed: NodeId) -> NodeId {
    let (zero, one) = (b.number_like(0.0, at.left), b.number_like(1.0, at.left));
    let at_zero = b.binary(Binary::Equal, at.left, zero);
    let safe = b.select(at_zero, one, at.left);
    let log = b.log(safe);
    let slope = b.times(at.y, log);
    b.times(seed, slope)
}

pub(super) fn shape_back(b: &mut Builder, at: BinaryAt, seed: NodeId) -> NodeId {
    let slope = b.binary(Binary::GammaLogQuantileGrad, at.left, at.y);
    b.times(seed, slope)
}

/// dt/du = 1 / p(t) with the density of t = ln z: ln p(t) = a t - e^t - ln Gamma(a).
pub(super) fn uniform_back(b: &mut Builder, at: BinaryAt, seed: NodeId) -> NodeId {
    let (scaled, z, lgamma) = (b.times(at.left, at.y), b.exp(at.y), b.unary(Unary::Lgamma, at.left));
    let minus = b.minus(z, scaled);
    let minus_log_density = b.plus(minus, lgamma);
    let slope = b.exp(minus_log_density);
    b.times(seed, slope)
}

pub(super) fn lower_shape_back(b: &mut Builder, at: BinaryAt, seed: NodeId) -> NodeId {
    let slope = b.binary(Binary::LogGammaLowerGrad, at.left, at.right);
    b.times(seed, slope)
}

pub(super) fn upper_shape_back(b: &mut Builder, at: BinaryAt, seed: NodeId) -> NodeId {
    let slope = b.binary(Binary::LogGammaUpperGrad, at.left, at.right);
    b.times(seed, slope)
}

/// d ln F(t) / dt is the density of t over the tail, with ln density a t - e^t - ln Gamma(a); of the upper tail minus that.
pub(super) fn tail_back(b: &mut Builder, at: BinaryAt, seed: NodeId, sign: f64) -> NodeId {
    let (scaled, z, lgamma) = (b.times(at.left, at.right), b.exp(at.right), b.unary(Unary::Lgamma, at.left));
    let density = b.minus(scaled, z);
    let density = b.minus(density, lgamma);
    let log = b.minus(density, at.y);
    let slope = b.exp(log);
    let slope = if sign < 0.0 { b.neg(slope) } else { slope };
    b.times(seed, slope)
}

pub(super) fn freedom_back(b: &mut Builder, at: BinaryAt, seed: NodeId) -> NodeId {
    let slope = b.binary(Binary::LogStudentCdfGrad, at.left, at.right);
    b.times(seed, slope)
}

/// d ln F(z) / dz is the density over F, with ln density -(df + 1)/2 ln(1 + z^2 / df) - ln(df)/2 - ln B(df/2, 1/2).
pub(super) fn student_back(b: &mut Builder, at: BinaryAt, seed: NodeId) -> NodeId {
    let square = b.square(at.right);
    let share = b.over(square, at.left);
    let fall = b.unary(Unary::Log1p, share);
    let (half, log) = (b.scale(at.left, 0.5), b.log(at.left));
    let power = b.shift(half, 0.5);
    let fall = b.times(power, fall);
    let same = b.number_like(0.5, half);
    let beta = b.binary(Binary::LogBeta, half, same);
    let log = b.scale(log, 0.5);
    let norm = b.plus(log, beta);
    let all = b.plus(fall, norm);
    let all = b.plus(all, at.y);
    let minus = b.neg(all);
    let slope = b.exp(minus);
    b.times(seed, slope)
}

/// d ln F / dx = 1 / (pi (1 + x^2) F)
pub(super) fn cauchy_back(b: &mut Builder, at: UnaryAt, seed: NodeId) -> NodeId {
    let (square, cdf) = (b.square(at.x), b.exp(at.y));
    let one = b.number_like(1.0, at.x);
    let below = b.plus(one, square);
    let below = b.times(below, cdf);
    let pi = b.number_like(std::f64::consts::PI, at.x);
    let below = b.times(below, pi);
    b.over(seed, below)
}

/// d ln (I_0 e^-|x|) = I_1 / I_0 - sign(x)
pub(super) fn bessel_back(b: &mut Builder, at: UnaryAt, seed: NodeId) -> NodeId {
    let (ratio, sign) = (b.unary(Unary::BesselRatio, at.x), b.unary(Unary::Sign, at.x));
    let slope = b.minus(ratio, sign);
    b.times(seed, slope)
}

/// d (I_1 / I_0) = 1 - y^2 - y / x
pub(super) fn bessel_ratio_back(b: &mut Builder, at: UnaryAt, seed: NodeId) -> NodeId {
    let (square, share) = (b.square(at.y), b.over(at.y, at.x));
    let less = b.plus(square, share);
    let less = b.times(seed, less);
    b.minus(seed, less)
}

pub(super) fn concentration_back(b: &mut Builder, at: BinaryAt, seed: NodeId) -> NodeId {
    let slope = b.binary(Binary::VonMisesQuantileGrad, at.left, at.y);
    b.times(seed, slope)
}

/// dx/du = 1 / p(x), with ln p(x) = k (cos x - 1) - ln (2 pi I_0 e^-k) and cos x - 1 = -2 sin^2(x / 2).
pub(super) fn angle_back(b: &mut Builder, at: BinaryAt, seed: NodeId) -> NodeId {
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
pub(super) fn beta_back(b: &mut Builder, own: NodeId, other: NodeId, seed: NodeId) -> NodeId {
    let sum = b.plus(own, other);
    let (own, sum) = (b.unary(Unary::Digamma, own), b.unary(Unary::Digamma, sum));
    let slope = b.minus(own, sum);
    b.times(seed, slope)
}
