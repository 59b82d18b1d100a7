//! Exact draws of counts, one component at a time, from uniform numbers.

use std::f64::consts::PI;

use crate::kernel::gamma::gamma_log_quantile;
use crate::kernel::special::{lgamma, log_sigmoid, stirling_remainder};

/// One component of a draw, from uniform numbers between 0 and 1 (open) and its canonical arguments by name: what was
/// not given is `None`.
pub type Sampler = fn(uniform: &mut dyn FnMut() -> f64, arg: &dyn Fn(&str) -> Option<f64>) -> f64;

/// log p and log(1 - p), of `p | logits`.
pub fn log_odds(arg: &dyn Fn(&str) -> Option<f64>) -> [f64; 2] {
    match (arg("logits"), arg("p")) {
        (Some(l), _) => [log_sigmoid(l), log_sigmoid(-l)],
        (None, p) => p.map_or([f64::NAN; 2], |p| [p.ln(), (-p).ln_1p()]),
    }
}

/// Poisson: by inversion, outwards from the mode.
pub fn poisson(u: f64, rate: f64) -> f64 {
    if !rate.is_finite() || rate <= 0.0 {
        return if rate == 0.0 { 0.0 } else { f64::NAN };
    }
    outwards(u, rate.floor(), f64::INFINITY, &|k| {
        if k < 10.0 {
            return k * rate.ln() - rate - lgamma(k + 1.0);
        }
        // k log(rate) - rate and log k! are both large where the rate is: by Stirling's formula they cancel beforehand.
        let d = (rate - k) / k;
        k * (d.ln_1p() - d) - 0.5 * (2.0 * PI * k).ln() - stirling_remainder(k)
    })
}

/// Binomial of `n` tries, given log p and log(1 - p): by inversion, outwards from the mode.
pub fn binomial(u: f64, n: f64, [yes, no]: [f64; 2]) -> f64 {
    if n.is_nan() || yes.is_nan() {
        return f64::NAN;
    }
    let mode = ((n + 1.0) * yes.exp()).floor().min(n);
    let times = |k: f64, log: f64| if k == 0.0 { 0.0 } else { k * log };
    outwards(u, mode, n, &|k| {
        lgamma(n + 1.0) - lgamma(k + 1.0) - lgamma(n - k + 1.0) + times(k, yes) + times(n - k, no)
    })
}

/// One value that is a vector of `n` entries, likewise.
pub type VectorSampler =
    fn(uniform: &mut dyn FnMut() -> f64, n: usize, arg: &dyn Fn(&str) -> Option<Vec<f64>>) -> Vec<f64>;

/// Multinomial of `tries`, with probabilities proportional to `weights`: each count is binomial given those before it.
pub fn multinomial(uniform: &mut dyn FnMut() -> f64, tries: f64, weights: &[f64]) -> Vec<f64> {
    let mut left = tries;
    let count = |k: usize| {
        let rest: f64 = weights[k + 1..].iter().sum();
        let p = weights[k] / (weights[k] + rest);
        let taken = if rest == 0.0 { left } else { binomial(uniform(), left, [p.ln(), (-p).ln_1p()]) };
        left -= taken;
        taken
    };
    (0..weights.len()).map(count).collect()
}

/// The logarithm of a Gamma(shape, 1) number.
pub fn log_gamma(u: f64, shape: f64) -> f64 {
    gamma_log_quantile(shape, u)
}

/// The state at which probabilities, summed outwards from the mode, pass a uniform number: inversion in an order of the
/// states that takes about as many steps as the distribution is wide.
fn outwards(u: f64, mode: f64, most: f64, log_prob: &dyn Fn(f64) -> f64) -> f64 {
    let mut left = u - log_prob(mode).exp();
    let (mut below, mut above) = (mode, mode);
    while left > 0.0 {
        let before = left;
        if below > 0.0 {
            below -= 1.0;
            left -= log_prob(below).exp();
            if left <= 0.0 {
                return below;
            }
        }
        if above < most {
            above += 1.0;
            left -= log_prob(above).exp();
            if left <= 0.0 {
                return above;
            }
        }
        // What is left is rounding: nothing further out has any probability.
        if left == before {
            break;
        }
    }
    mode
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_far_out_and_of_large_rates_are_within_their_spread() {
        for u in [1e-12, 0.3, 0.5, 0.999_999] {
            let k = poisson(u, 1e9);
            assert!((k - 1e9).abs() < 8.0 * 1e9f64.sqrt(), "{u}: {k}");
            let k = binomial(u, 1e6, [0.25f64.ln(), 0.75f64.ln()]);
            assert!((k - 0.25e6).abs() < 8.0 * (1e6f64 * 0.1875).sqrt(), "{u}: {k}");
        }
        // Rounding may leave something when all states have been passed.
        assert!(poisson(1.0 - f64::EPSILON / 2.0, 3.0) < 40.0);
        assert_eq!(poisson(0.7, 0.0), 0.0);
        assert!(poisson(0.7, f64::INFINITY).is_nan());
        assert_eq!(binomial(0.9, 5.0, [f64::NEG_INFINITY, 0.0]), 0.0);
        assert_eq!(binomial(0.1, 5.0, [0.0, f64::NEG_INFINITY]), 5.0);
    }
}
