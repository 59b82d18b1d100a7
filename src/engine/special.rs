//! Functions that burn lacks, or has only roughly, as formulas of burn's operations: they run on any device.

use burn::tensor::FloatDType;

use super::device::Place;
use super::tensor::Tensor;

const HALF_LN_TAU: f64 = 0.918_938_533_204_672_8;
/// Arguments below this are shifted up by as much, where the asymptotic series below are exact to rounding.
const SHIFT: usize = 10;

/// Coefficients of 1/y, 1/y^3, ... of `ln Gamma` (Abramowitz & Stegun 6.1.41).
const LGAMMA: &[f64] =
    &[1.0 / 12.0, -1.0 / 360.0, 1.0 / 1260.0, -1.0 / 1680.0, 1.0 / 1188.0, -691.0 / 360_360.0, 1.0 / 156.0];
/// Coefficients of 1/y^2, 1/y^4, ... of minus digamma (6.3.18).
const DIGAMMA: &[f64] =
    &[1.0 / 12.0, -1.0 / 120.0, 1.0 / 252.0, -1.0 / 240.0, 1.0 / 132.0, -691.0 / 32_760.0, 1.0 / 12.0];
/// Coefficients of 1/y^3, 1/y^5, ... of trigamma (6.4.12): the Bernoulli numbers.
const TRIGAMMA: &[f64] = &[1.0 / 6.0, -1.0 / 30.0, 1.0 / 42.0, -1.0 / 30.0, 5.0 / 66.0, -691.0 / 2730.0, 7.0 / 6.0];

/// `exp(x) - 1`: its series near 0, where the difference would lose every digit.
pub(super) fn expm1(x: Tensor, place: &Place) -> Tensor {
    let terms = if place.float == FloatDType::F64 { 16 } else { 9 };
    let near = x.clone().abs().below(0.5, place);
    let small = x.clone().fill(x.clone().abs().above(0.5, place), 0.0);
    let mut series = small.clone().times(1.0 / terms as f64).plus(1.0);
    for n in (2..terms).rev() {
        series = series.mul(small.clone().times(1.0 / n as f64)).plus(1.0);
    }
    x.exp().minus(1.0).or(near, series.mul(small))
}

/// `ln(1 + x)`: near 0, where a device has no digits of the logarithm, the series of `2 artanh(x / (2 + x))`.
pub(super) fn ln_1p(x: Tensor, place: &Place) -> Tensor {
    let terms = if place.float == FloatDType::F64 { 18 } else { 9 };
    let far = x.clone().abs().above(0.5, place);
    let small = x.clone().fill(far.clone(), 0.0);
    let ratio = small.clone().div(small.plus(2.0));
    let square = ratio.clone().mul(ratio.clone());
    let mut series = square.clone().times(0.0).plus(1.0 / f64::from(2 * terms + 1));
    for n in (0..terms).rev() {
        series = series.mul(square.clone()).plus(1.0 / f64::from(2 * n + 1));
    }
    series.mul(ratio).times(2.0).or(far, x.ln_1p())
}

/// `ln(1 + exp(x))` without overflow.
pub(super) fn softplus(x: Tensor, place: &Place) -> Tensor {
    let tail = x.clone().abs().neg().exp().ln_1p();
    relu(x, place).add(tail)
}

/// 0 below 0; what is not a number stays so.
pub(super) fn relu(x: Tensor, place: &Place) -> Tensor {
    let low = x.clone().below(0.0, place);
    x.fill(low, 0.0)
}

pub(super) fn sigmoid(x: Tensor) -> Tensor {
    x.neg().exp().plus(1.0).recip()
}

/// The logarithm of `|Gamma(x)|`.
pub(super) fn lgamma(x: Tensor, place: &Place) -> Tensor {
    let low = x.clone().below(0.5, place);
    let y = reflected(&x, place);
    let (shifted, small) = shift(&y, place);
    let mut product = y.clone().fill(small.clone(), 1.0);
    for i in 1..SHIFT {
        product = product.mul(y.clone().plus(i as f64).fill(small.clone(), 1.0));
    }
    let inverse = shifted.clone().recip();
    let log = shifted.clone().ln();
    let main = shifted.clone().minus(0.5).mul(log).sub(shifted).plus(HALF_LN_TAU);
    let value = main.add(odd_series(LGAMMA, inverse)).sub(product.ln());
    let sine = x.times(std::f64::consts::PI).sin().abs();
    let below = sine.ln().neg().plus(std::f64::consts::PI.ln()).sub(value.clone());
    value.or(low, below)
}

/// The derivative of `ln Gamma`.
pub(super) fn digamma(x: Tensor, place: &Place) -> Tensor {
    let low = x.clone().below(0.5, place);
    let y = reflected(&x, place);
    let (shifted, small) = shift(&y, place);
    let mut sum = y.clone().recip().fill(small.clone(), 0.0);
    for i in 1..SHIFT {
        sum = sum.add(y.clone().plus(i as f64).recip().fill(small.clone(), 0.0));
    }
    let inverse = shifted.clone().recip();
    let tail = odd_series(DIGAMMA, inverse.clone()).mul(inverse.clone());
    let value = shifted.ln().sub(inverse.times(0.5)).sub(tail).sub(sum);
    let angle = x.times(std::f64::consts::PI);
    let below = value.clone().sub(angle.clone().cos().div(angle.sin()).times(std::f64::consts::PI));
    value.or(low, below)
}

/// The derivative of `digamma`.
pub(super) fn trigamma(x: Tensor, place: &Place) -> Tensor {
    let low = x.clone().below(0.5, place);
    let y = reflected(&x, place);
    let (shifted, small) = shift(&y, place);
    let square = |t: Tensor| t.clone().mul(t);
    let mut sum = square(y.clone().recip()).fill(small.clone(), 0.0);
    for i in 1..SHIFT {
        sum = sum.add(square(y.clone().plus(i as f64).recip()).fill(small.clone(), 0.0));
    }
    let inverse = shifted.recip();
    let squared = square(inverse.clone());
    let tail = odd_series(TRIGAMMA, inverse.clone()).mul(squared.clone());
    let value = inverse.add(squared.times(0.5)).add(tail).add(sum);
    let turned = square(x.times(std::f64::consts::PI).sin().recip().times(std::f64::consts::PI));
    let below = turned.sub(value.clone());
    value.or(low, below)
}

/// `1 - x` below one half, where the functions are given by reflection.
fn reflected(x: &Tensor, place: &Place) -> Tensor {
    x.clone().or(x.clone().below(0.5, place), x.clone().neg().plus(1.0))
}

/// The argument moved up where it is small, and the mask of the places where it is not.
fn shift(y: &Tensor, place: &Place) -> (Tensor, super::tensor::Mask) {
    let bound = SHIFT as f64;
    let small = y.clone().below(bound, place);
    let large = small.clone().number(place).below(0.5, place);
    (y.clone().or(small, y.clone().plus(bound)), large)
}

/// `c0 v + c1 v^3 + c2 v^5 + ...`
fn odd_series(coefficients: &[f64], v: Tensor) -> Tensor {
    let square = v.clone().mul(v.clone());
    let mut rest = coefficients.iter().rev();
    let last = rest.next().copied().unwrap_or(0.0);
    let first = square.clone().times(0.0).plus(last);
    rest.fold(first, |sum, c| sum.mul(square.clone()).plus(*c)).mul(v)
}
