//! The Bessel functions of the von Mises distribution, its distribution function and quantile with derivatives.
//!
//! Up to a concentration of 500 the distribution function is its Fourier series, whose coefficients I_n / I_0 come from a
//! backward recurrence (Hill, "Algorithm 518", ACM TOMS 1977). Above, y = 2 sqrt(k) sin(x / 2) is nearly a Normal: its
//! density is exp(-y^2 / 2) / sqrt(1 - y^2 / 4k), whose series in y^2 / 4k has closed moments.

use std::f64::consts::PI;

use super::special::{normal_cdf, normal_quantile};

/// ln (I_0(x) e^-|x|), which stays small where I_0 overflows.
pub fn log_bessel_i0e(x: f64) -> f64 {
    let x = x.abs();
    if x <= SERIES { bessel_series(x, 0).ln() - x } else { hankel(x, 0).ln() - 0.5 * (2.0 * PI * x).ln() }
}

/// I_1(x) / I_0(x), the derivative of ln I_0.
pub fn bessel_ratio(x: f64) -> f64 {
    let size = x.abs();
    let ratio = if size <= SERIES {
        0.5 * size * bessel_series(size, 1) / bessel_series(size, 0)
    } else {
        hankel(size, 1) / hankel(size, 0)
    };
    if ratio.is_nan() && size == f64::INFINITY { x.signum() } else { ratio.copysign(x) }
}

/// Up to here the power series, from here on the asymptotic one: at 20 its smallest term is about e^-40.
const SERIES: f64 = 20.0;

/// sum_k (x^2 / 4)^k n! / (k! (k + n)!): of positive terms, so nothing cancels.
fn bessel_series(x: f64, n: u32) -> f64 {
    let (square, mut term, mut sum) = (0.25 * x * x, 1.0, 1.0);
    for k in 1..=80u32 {
        term *= square / (f64::from(k) * f64::from(k + n));
        sum += term;
    }
    sum
}

/// I_n(x) e^-x sqrt(2 pi x) (Abramowitz & Stegun 9.7.1).
fn hankel(x: f64, n: u32) -> f64 {
    let (order, mut term, mut sum) = (f64::from(4 * n * n), 1.0, 1.0);
    for k in 1..=30u32 {
        let odd = f64::from(2 * k - 1);
        term *= (odd * odd - order) / (f64::from(k) * 8.0 * x);
        sum += term;
    }
    sum
}

/// The u-quantile around 0, between -pi and pi.
pub fn von_mises_quantile(k: f64, u: f64) -> f64 {
    if !(k >= 0.0 && k.is_finite() && (0.0..=1.0).contains(&u)) {
        return f64::NAN;
    }
    // By symmetry; a half of the mass lies beyond 0, where the distribution function is concave.
    let goal = 0.5 + (u - 0.5).abs();
    if goal == 1.0 {
        return PI.copysign(u - 0.5);
    }
    let (mut low, mut high) = (0.0, PI);
    let mut x = (normal_quantile(goal) / k.sqrt()).min(PI * (2.0 * goal - 1.0).max(0.5));
    for _ in 0..100 {
        let (cdf, density, _) = distribution(k, x);
        if cdf < goal {
            low = x
        } else {
            high = x
        }
        let newton = x - (cdf - goal) / density;
        let next = if newton > low && newton < high { newton } else { 0.5 * (low + high) };
        let step = (next - x).abs();
        x = next;
        if step <= 4.0 * f64::EPSILON * x {
            break;
        }
    }
    x.copysign(u - 0.5)
}

/// The derivative of `x = von_mises_quantile(k, u)` in `k`, as a function of x: -(dF/dk) / density.
pub fn von_mises_quantile_slope(k: f64, x: f64) -> f64 {
    let (_, density, d_k) = distribution(k, x);
    -d_k / density
}

/// Distribution function, density, and the derivative of the first in `k`.
pub fn distribution(k: f64, x: f64) -> (f64, f64, f64) {
    let half = (0.5 * x).sin();
    let density = (-2.0 * k * half * half - log_bessel_i0e(k)).exp() / (2.0 * PI);
    let (cdf, d_k) = if k <= 500.0 { fourier(k, x) } else { nearly_normal(k, half) };
    (cdf, density, d_k)
}

/// 1/2 + x / 2 pi + sum_n (I_n / I_0) sin(nx) / (n pi), from the last term on: with r_n = I_n / I_(n-1) the sum is
/// v_1 of v_n = r_n (sin(nx) / n + v_(n+1)).
fn fourier(k: f64, x: f64) -> (f64, f64) {
    // The coefficients fall like exp(-n^2 / 2k), and like (k/2)^n / n! where k is small.
    let terms = (9.0 * k.sqrt() + 20.0) as usize;
    let (mut r, mut dr, mut v, mut dv) = (0.0, 0.0, 0.0, 0.0);
    for n in (1..=terms).rev() {
        let n = n as f64;
        // r_n = k / (2n + k r_(n+1))
        let below = 2.0 * n + k * r;
        dr = (2.0 * n - k * k * dr) / (below * below);
        r = k / below;
        let inner = (n * x).sin() / n + v;
        dv = dr * inner + r * dv;
        v = r * inner;
    }
    (0.5 + x / (2.0 * PI) + v / PI, dv / PI)
}

/// With the sine of half the angle.
fn nearly_normal(k: f64, half: f64) -> (f64, f64) {
    let y = 2.0 * k.sqrt() * half;
    let phi = (-0.5 * y * y).exp() / (2.0 * PI).sqrt();
    // The integral of t^2m phi(t) up to y, and over all: (2m - 1) times the one before, less y^(2m-1) phi(y).
    let (mut part, mut all, mut weight, mut power) = (normal_cdf(y), 1.0, 1.0, 1.0);
    let (mut above, mut below, mut d_above, mut d_below, mut height) = (part, all, 0.0, 0.0, 1.0);
    for m in 1..=10 {
        let m = f64::from(m);
        part = (2.0 * m - 1.0) * part - power * y * phi;
        all *= 2.0 * m - 1.0;
        power *= y * y;
        weight *= (2.0 * m - 1.0) / (2.0 * m * 4.0 * k);
        above += weight * part;
        below += weight * all;
        d_above -= m / k * weight * part;
        d_below -= m / k * weight * all;
        height += weight * power;
    }
    // y itself grows with sqrt(k).
    d_above += height * phi * y / (2.0 * k);
    let cdf = above / below;
    (cdf, (d_above - cdf * d_below) / below)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64, tolerance: f64) -> bool {
        (a - b).abs() <= tolerance * (1.0 + b.abs())
    }

    /// By the trapezoidal rule, which is exact to rounding for periodic functions.
    fn by_quadrature(k: f64) -> (f64, f64) {
        let n = 4000;
        let angle = |i: i32| 2.0 * PI * f64::from(i) / f64::from(n);
        let weight = |i: i32| (-2.0 * k * (0.5 * angle(i)).sin().powi(2)).exp();
        let i0: f64 = (0..n).map(weight).sum::<f64>() / f64::from(n);
        let i1: f64 = (0..n).map(|i| weight(i) * angle(i).cos()).sum::<f64>() / f64::from(n);
        (i0.ln(), i1 / i0)
    }

    #[test]
    fn bessel_functions_are_their_integrals() {
        for k in [1e-6, 0.3, 2.0, 19.9, 20.1, 55.0, 700.0, 5000.0] {
            let (log, ratio) = by_quadrature(k);
            assert!(close(log_bessel_i0e(k), log, 1e-14), "{k}: {} but {log}", log_bessel_i0e(k));
            assert!(close(bessel_ratio(k), ratio, 1e-13), "{k}: {} but {ratio}", bessel_ratio(k));
        }
        assert_eq!((log_bessel_i0e(0.0), bessel_ratio(0.0)), (0.0, 0.0));
        assert!(bessel_ratio(-3.0) < 0.0);
        assert!(close(log_bessel_i0e(1e12), -0.5 * (2.0 * PI * 1e12).ln(), 1e-12));
    }

    #[test]
    fn the_distribution_function_is_the_integral_of_the_density() {
        for k in [0.0, 0.7, 30.0, 499.0, 501.0, 3e4] {
            for x in [0.01, 0.4, 1.5, 3.0] {
                // Simpson's rule from the middle.
                let (n, mut sum) = (4000, 0.0);
                for i in 0..=n {
                    let weight = if i == 0 || i == n { 1.0 } else { f64::from(2 + 2 * (i % 2)) };
                    sum += weight * distribution(k, x * f64::from(i) / f64::from(n)).1;
                }
                let cdf = 0.5 + sum * x / f64::from(3 * n);
                assert!(close(distribution(k, x).0, cdf, 1e-9), "{k} {x}: {} {cdf}", distribution(k, x).0);
                let below = distribution(k, -x).0;
                assert!(close(below, 1.0 - distribution(k, x).0, 1e-14));
            }
        }
    }

    #[test]
    fn quantiles_invert_it_and_slopes_are_finite_differences() {
        for k in [1e-3, 0.7, 30.0, 400.0, 501.0, 1e6] {
            for u in [1e-6, 0.1, 0.5, 0.7, 0.999] {
                let x = von_mises_quantile(k, u);
                assert!((distribution(k, x).0 - u).abs() < 1e-14, "{k} {u}: {x}");
                let h = 1e-5 * k;
                let slope = (von_mises_quantile(k + h, u) - von_mises_quantile(k - h, u)) / (2.0 * h);
                let found = von_mises_quantile_slope(k, x);
                assert!((found - slope).abs() < 1e-6 * (slope.abs() + 1.0 / k.max(1.0)), "{k} {u}: {found} {slope}");
            }
        }
        assert_eq!(von_mises_quantile(2.0, 0.0), -PI);
        assert_eq!(von_mises_quantile(2.0, 1.0), PI);
        assert!(von_mises_quantile(-1.0, 0.5).is_nan());
    }
}
