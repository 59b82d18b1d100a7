//! Special functions in f64, and log-space forms that neither overflow nor cancel.

use std::f64::consts::{LN_2, PI, SQRT_2};

/// ln sqrt(2 pi)
pub const LN_SQRT_2PI: f64 = 0.918_938_533_204_672_8;

/// ln |Gamma(x)|
pub fn lgamma(x: f64) -> f64 {
    libm::lgamma(x)
}

pub fn erf(x: f64) -> f64 {
    libm::erf(x)
}

pub fn erfc(x: f64) -> f64 {
    libm::erfc(x)
}

/// d/dx ln Gamma(x): recurrence up to 10, then the asymptotic series (Abramowitz & Stegun 6.3.18).
pub fn digamma(x: f64) -> f64 {
    if x <= 0.0 {
        // Reflection; the poles 0, -1, ... give NaN.
        return if x == x.floor() { f64::NAN } else { digamma(1.0 - x) - PI / (PI * x).tan() };
    }
    let (mut x, mut shift) = (x, 0.0);
    while x < 10.0 {
        shift -= 1.0 / x;
        x += 1.0;
    }
    shift + x.ln() - log_minus_digamma_tail(x)
}

/// ln x - digamma(x), without the cancellation where x is large.
pub fn log_minus_digamma(x: f64) -> f64 {
    if x >= 10.0 { log_minus_digamma_tail(x) } else { x.ln() - digamma(x) }
}

fn log_minus_digamma_tail(x: f64) -> f64 {
    // B_2k / 2k for k = 1, 2, ...
    const ROWS: [f64; 8] =
        [1. / 12., -1. / 120., 1. / 252., -1. / 240., 1. / 132., -691. / 32760., 1. / 12., -3617. / 8160.];
    let y = 1.0 / (x * x);
    0.5 / x + y * polynomial(&ROWS, y)
}

/// d^2/dx^2 ln Gamma(x) (Abramowitz & Stegun 6.4.12).
pub fn trigamma(x: f64) -> f64 {
    if x <= 0.0 {
        let sine = (PI * x).sin();
        return if x == x.floor() { f64::NAN } else { PI * PI / (sine * sine) - trigamma(1.0 - x) };
    }
    // B_2k for k = 1, 2, ...
    const ROWS: [f64; 8] = [1. / 6., -1. / 30., 1. / 42., -1. / 30., 5. / 66., -691. / 2730., 7. / 6., -3617. / 510.];
    let (mut x, mut shift) = (x, 0.0);
    while x < 12.0 {
        shift += 1.0 / (x * x);
        x += 1.0;
    }
    let y = 1.0 / (x * x);
    shift + 1.0 / x + 0.5 * y + y / x * polynomial(&ROWS, y)
}

/// ln Gamma(x) - [(x - 1/2) ln x - x + ln sqrt(2 pi)], the remainder of Stirling's formula, for x >= 10.
pub(crate) fn stirling_remainder(x: f64) -> f64 {
    const ROWS: [f64; 8] =
        [1. / 12., -1. / 360., 1. / 1260., -1. / 1680., 1. / 1188., -691. / 360360., 1. / 156., -3617. / 122400.];
    polynomial(&ROWS, 1.0 / (x * x)) / x
}

/// Lowest power first.
pub(crate) fn polynomial(coefficients: &[f64], x: f64) -> f64 {
    // A loop that calls nothing: this is most of a Normal draw where builds are not optimized.
    let (mut sum, mut i) = (0.0, coefficients.len());
    while i > 0 {
        i -= 1;
        sum = sum * x + coefficients[i];
    }
    sum
}

/// ln(1 + e^x)
pub fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// ln sigmoid(x)
pub fn log_sigmoid(x: f64) -> f64 {
    -softplus(-x)
}

pub fn sigmoid(x: f64) -> f64 {
    let e = (-x.abs()).exp();
    if x >= 0.0 { 1.0 / (1.0 + e) } else { e / (1.0 + e) }
}

/// ln(1 - e^x) for x <= 0 (Maechler, "Accurately computing log(1 - exp(-|a|))").
pub fn log1mexp(x: f64) -> f64 {
    if x > -LN_2 { (-x.exp_m1()).ln() } else { (-x.exp()).ln_1p() }
}

/// ln(e^a + e^b)
pub fn logaddexp(a: f64, b: f64) -> f64 {
    if a == b { a + LN_2 } else { a.max(b) + (-(a - b).abs()).exp().ln_1p() }
}

/// ln sum e^x; of nothing, minus infinity.
pub fn logsumexp(x: &[f64]) -> f64 {
    let top = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    // An infinite or absent maximum is the answer itself, and would make NaN below.
    if top.is_infinite() {
        return if x.iter().any(|x| x.is_nan()) { f64::NAN } else { top };
    }
    top + x.iter().map(|x| (x - top).exp()).sum::<f64>().ln()
}

/// The standard normal distribution function.
pub fn normal_cdf(x: f64) -> f64 {
    0.5 * erfc(-x / SQRT_2)
}

/// ln of the standard normal distribution function, also far in the tail where it underflows.
pub fn log_normal_cdf(x: f64) -> f64 {
    if x > -10.0 {
        return if x > 5.0 { (-normal_cdf(-x)).ln_1p() } else { normal_cdf(x).ln() };
    }
    // Laplace's continued fraction for Mills' ratio: 1 / (y + 1 / (y + 2 / (y + ...))).
    let y = -x;
    let fraction = (1..=40).rev().fold(y, |tail, k| y + f64::from(k) / tail);
    -0.5 * y * y - LN_SQRT_2PI - fraction.ln()
}

/// The standard normal quantile (Wichura 1988, algorithm AS 241, PPND16): relative error about 1e-16.
pub fn normal_quantile(u: f64) -> f64 {
    let q = u - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180625 - q * q;
        return q * polynomial(&CENTRE.0, r) / polynomial(&CENTRE.1, r);
    }
    let r = (-u.min(1.0 - u).ln()).sqrt();
    let tail = if r <= 5.0 {
        polynomial(&SHOULDER.0, r - 1.6) / polynomial(&SHOULDER.1, r - 1.6)
    } else if r.is_finite() {
        polynomial(&TAIL.0, r - 5.0) / polynomial(&TAIL.1, r - 5.0)
    } else {
        r
    };
    tail.copysign(q)
}

/// The standard normal quantile of e^l, also where e^l underflows or is nearly 1.
pub fn normal_log_quantile(l: f64) -> f64 {
    if l > -LN_2 {
        return -normal_quantile(-l.exp_m1());
    }
    if l > -700.0 || l == f64::NEG_INFINITY || l.is_nan() {
        return normal_quantile(l.exp());
    }
    // Newton's method on the logarithm of the distribution function, which is concave and nearly -x^2 / 2 there.
    let mut x = -(-2.0 * l).sqrt();
    for _ in 0..6 {
        let log = log_normal_cdf(x);
        x -= (log - l) * (log + 0.5 * x * x + LN_SQRT_2PI).exp();
    }
    x
}

/// ln of the distribution function of the standard Cauchy, 1/2 + arctan(x) / pi, from the angle that does not cancel.
pub fn log_cauchy_cdf(x: f64) -> f64 {
    use std::f64::consts::PI;
    if x < 0.0 { (f64::atan2(1.0, -x) / PI).ln() } else { (-f64::atan2(1.0, x) / PI).ln_1p() }
}

/// ln B(a, b) = ln Gamma(a) + ln Gamma(b) - ln Gamma(a + b), without the cancellation where an argument is large
/// (Didonato & Morris, "Algorithm 708", ACM TOMS 1992).
pub fn log_beta(a: f64, b: f64) -> f64 {
    let (p, q) = if a <= b { (a, b) } else { (b, a) };
    if q < 10.0 || p <= 0.0 || p.is_nan() || q.is_infinite() {
        return lgamma(p) + lgamma(q) - lgamma(p + q);
    }
    let remainder = stirling_remainder(q) - stirling_remainder(p + q);
    let ratio = (p / q).ln_1p();
    if p < 10.0 {
        return lgamma(p) + remainder + p - p * (p + q).ln() - (q - 0.5) * ratio;
    }
    let share = -(q / p).ln_1p();
    LN_SQRT_2PI + stirling_remainder(p) + remainder - 0.5 * q.ln() + (p - 0.5) * share - q * ratio
}

/// Numerator and denominator, lowest power first, with the digits as published.
type Rational = ([f64; 8], [f64; 8]);

#[allow(clippy::excessive_precision)]
const CENTRE: Rational = (
    [
        3.3871328727963666080,
        133.14166789178437745,
        1971.5909503065514427,
        13731.693765509461125,
        45921.953931549871457,
        67265.770927008700853,
        33430.575583588128105,
        2509.0809287301226727,
    ],
    [
        1.0,
        42.313330701600911252,
        687.18700749205790830,
        5394.1960214247511077,
        21213.794301586595867,
        39307.895800092710610,
        28729.085735721942674,
        5226.4952788528545610,
    ],
);
#[allow(clippy::excessive_precision)]
const SHOULDER: Rational = (
    [
        1.42343711074968357734,
        4.63033784615654529590,
        5.76949722146069140550,
        3.64784832476320460504,
        1.27045825245236838258,
        0.241780725177450611770,
        0.0227238449892691845833,
        7.74545014278341407640e-4,
    ],
    [
        1.0,
        2.05319162663775882187,
        1.67638483018380384940,
        0.689767334985100004550,
        0.148103976427480074590,
        0.0151986665636164571966,
        5.47593808499534494600e-4,
        1.05075007164441684324e-9,
    ],
);
#[allow(clippy::excessive_precision)]
const TAIL: Rational = (
    [
        6.65790464350110377720,
        5.46378491116411436990,
        1.78482653991729133580,
        0.296560571828504891230,
        0.0265321895265761230930,
        0.00124266094738807843860,
        2.71155556874348757815e-5,
        2.01033439929228813265e-7,
    ],
    [
        1.0,
        0.599832206555887937690,
        0.136929880922735805310,
        0.0148753612908506148525,
        7.86869131145613259100e-4,
        1.84631831751005468180e-5,
        1.42151175831644588870e-7,
        2.04426310338993978564e-15,
    ],
);

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64, tolerance: f64) -> bool {
        (a - b).abs() <= tolerance * b.abs().max(1.0)
    }

    #[test]
    fn digamma_and_trigamma_are_derivatives_of_lgamma() {
        for x in [1e-3, 0.1, 0.5, 1.0, 1.4616321, 3.7, 9.99, 10.01, 55.0, 1e4, -0.3, -2.6] {
            let h = 1e-5 * f64::abs(x).max(1e-3);
            let slope = (lgamma(x + h) - lgamma(x - h)) / (2.0 * h);
            assert!(close(digamma(x), slope, 1e-6), "digamma({x}) = {} but {slope}", digamma(x));
            let slope = (digamma(x + h) - digamma(x - h)) / (2.0 * h);
            assert!(close(trigamma(x), slope, 1e-6), "trigamma({x}) = {} but {slope}", trigamma(x));
            assert!(x < 0.0 || close(digamma(x), statrs::function::gamma::digamma(x), 1e-12));
        }
        assert!(close(digamma(1.0), -0.577_215_664_901_532_9, 1e-15));
        assert!(close(trigamma(1.0), PI * PI / 6.0, 1e-15));
        assert!(digamma(0.0).is_nan() && trigamma(-3.0).is_nan());
        assert!(close(log_minus_digamma(1e8), 0.5e-8, 1e-16));
    }

    #[test]
    fn stirling_remainder_completes_stirling() {
        for x in [10.0, 33.0, 200.0] {
            let sum = (x - 0.5) * f64::ln(x) - x + LN_SQRT_2PI + stirling_remainder(x);
            assert!(close(sum, lgamma(x), 1e-15));
        }
    }

    #[test]
    fn the_normal_quantile_of_a_logarithm_goes_all_the_way_out() {
        for l in [-1e-300, -1e-17, -1e-3, -0.5, -0.7, -3.0, -40.0, -699.0, -701.0, -1e5, -1e12] {
            let x = normal_log_quantile(l);
            let back = log_normal_cdf(x);
            assert!((back - l).abs() <= 3e-13 * l.abs(), "{l}: {x} gives {back}");
        }
        assert_eq!(normal_log_quantile(0.0), f64::INFINITY);
        assert_eq!(normal_log_quantile(f64::NEG_INFINITY), f64::NEG_INFINITY);
        assert!(normal_log_quantile(0.1).is_nan() && normal_log_quantile(f64::NAN).is_nan());
    }

    #[test]
    fn log_beta_does_not_cancel() {
        for (a, b) in [(0.3, 4.0), (2.0, 9.9), (0.5, 12.0), (9.0, 11.0), (30.0, 10.5), (700.0, 25.0)] {
            assert!(close(log_beta(a, b), lgamma(a) + lgamma(b) - lgamma(a + b), 1e-12), "{a} {b}");
            assert_eq!(log_beta(a, b), log_beta(b, a));
        }
        // B(2, b) = 1 / (b (b + 1)), B(1/2, b) goes to sqrt(pi / b).
        assert!(close(log_beta(2.0, 1e12), -(1e12f64.ln() + (1e12f64 + 1.0).ln()), 1e-15));
        assert!(close(log_beta(0.5, 1e15), 0.5 * (PI / 1e15).ln(), 1e-15));
        assert!(close(log_beta(1e9, 1e9), -2e9 * LN_2 + 0.5 * (4.0 * PI / 1e9).ln(), 1e-15));
    }

    #[test]
    fn log_space_forms_agree_and_do_not_overflow() {
        for x in [-3.0, -0.5, 0.0, 0.3, 4.0] {
            assert!(close(softplus(x), f64::exp(x).ln_1p(), 1e-15));
            assert!(close(log_sigmoid(x), sigmoid(x).ln(), 1e-15));
        }
        assert_eq!(softplus(1e4), 1e4);
        assert_eq!(log_sigmoid(-1e4), -1e4);
        assert!(close(log1mexp(-1e-20), -46.051_701_859_880_91, 1e-15));
        assert_eq!(log1mexp(-50.0), -(-50.0_f64).exp());
        assert_eq!(logaddexp(-1e9, -1e9), -1e9 + LN_2);
        assert!(close(logsumexp(&[1000.0, 1000.0 + 3f64.ln()]), 1000.0 + 4f64.ln(), 1e-15));
        assert_eq!(logsumexp(&[]), f64::NEG_INFINITY);
        assert_eq!(logsumexp(&[f64::NEG_INFINITY; 3]), f64::NEG_INFINITY);
        assert_eq!(logaddexp(f64::NEG_INFINITY, 2.0), 2.0);
    }

    #[test]
    fn the_normal_quantile_inverts_its_distribution_function() {
        for u in [1e-300, 1e-40, 1e-16, 1e-9, 1e-4, 0.0749, 0.0751, 0.3, 0.5, 0.7] {
            let x = normal_quantile(u);
            assert!((log_normal_cdf(x) - u.ln()).abs() < 1e-13 * (1.0 + u.ln().abs()), "{u}");
            if u > 1e-3 {
                assert!(close(normal_quantile(1.0 - u), -x, 1e-14));
            }
        }
        assert!(close(normal_quantile(0.975), 1.959_963_984_540_054, 1e-15));
        assert_eq!(normal_quantile(0.0), f64::NEG_INFINITY);
        assert_eq!(normal_quantile(1.0), f64::INFINITY);
        // Mills' ratio at 40: mpmath gives ln Phi(-40) = -804.6084420137538.
        assert!(close(log_normal_cdf(-40.0), -804.608_442_013_753_8, 1e-14));
        assert!(close(log_normal_cdf(-9.999_999), log_normal_cdf(-10.000_001), 1e-6));
    }
}
