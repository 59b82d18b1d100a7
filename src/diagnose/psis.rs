//! Pareto-smoothed importance sampling: k-hat, and answers corrected by weights.
//!
//! Vehtari, Simpson, Gelman, Yao & Gabry, "Pareto smoothed importance sampling" (JMLR 25, 2024); Yao, Vehtari, Simpson
//! & Gelman, "Yes, but did it work? Evaluating variational inference" (ICML 2018). The generalized Pareto fit is
//! that of Zhang & Stephens (Technometrics 51, 2009).

use crate::kernel::special::logsumexp;

/// From here on the weights have no usable variance: corrected answers are withheld and the guide is flagged.
pub const KHAT_FLAGGED: f64 = 0.7;

/// Smoothed weights of draws from a guide, and what they say.
#[derive(Debug, Clone, PartialEq)]
pub struct Importance {
    /// ln of the mean weight: an estimate of log evidence.
    pub log_evidence: f64,
    /// Standard error of `log_evidence` (delta method).
    pub se: f64,
    /// Effective number of draws, 1 / sum w^2.
    pub ess: f64,
    /// Shape of the tail of the weights. Infinite where there are too few finite weights to say.
    pub khat: f64,
    /// Normalized smoothed weights, one a draw, in the order of the draws.
    pub weights: Vec<f64>,
}

/// Mean and sd of one quantity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moments {
    pub mean: f64,
    pub sd: f64,
}

/// Logarithms of weights that differ by less than this are equal but for rounding: there is no tail to measure.
const EQUAL: f64 = 1e-3;

fn all_but_equal(log_weights: &[f64]) -> bool {
    let (low, high) = log_weights.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), w| (l.min(*w), h.max(*w)));
    low.is_finite() && high - low < EQUAL
}

impl Importance {
    /// Smooths the tail of `log_weights` (log p - log q of independent draws). One that is not a number counts as 0.
    pub fn from_log_weights(log_weights: &[f64]) -> Importance {
        let n = log_weights.len();
        let mut smoothed: Vec<f64> =
            log_weights.iter().map(|w| if w.is_nan() { f64::NEG_INFINITY } else { *w }).collect();
        let khat = if all_but_equal(&smoothed) { 0.0 } else { smooth(&mut smoothed) };
        let total = logsumexp(&smoothed);
        if !total.is_finite() {
            return Importance { log_evidence: total, se: f64::INFINITY, ess: 0.0, khat, weights: vec![0.0; n] };
        }
        let weights: Vec<f64> = smoothed.iter().map(|w| (w - total).exp()).collect();
        let squares: f64 = weights.iter().map(|w| w * w).sum();
        // The variance of the mean weight over its square, as sum (w - 1/n)^2 since the weights add up to 1.
        let se = weights.iter().map(|w| (w - 1.0 / n as f64).powi(2)).sum::<f64>().sqrt();
        Importance { log_evidence: total - (n as f64).ln(), se, ess: 1.0 / squares, khat, weights }
    }

    /// Whether corrected answers may be shown.
    pub fn usable(&self) -> bool {
        self.khat < KHAT_FLAGGED
    }

    /// Weighted mean and sd of one quantity, given at every draw.
    pub fn moments(&self, values: &[f64]) -> Moments {
        let mut running = WeightedMoments::new(1);
        for (weight, value) in self.weights.iter().zip(values) {
            running.push(*weight, std::slice::from_ref(value));
        }
        running.finish().pop().unwrap_or(Moments { mean: f64::NAN, sd: f64::NAN })
    }
}

/// Weighted moments of several quantities, draw by draw (West, CACM 22, 1979): no draw is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct WeightedMoments {
    total: f64,
    mean: Vec<f64>,
    squares: Vec<f64>,
}

impl WeightedMoments {
    pub fn new(width: usize) -> WeightedMoments {
        WeightedMoments { total: 0.0, mean: vec![0.0; width], squares: vec![0.0; width] }
    }

    pub fn push(&mut self, weight: f64, values: &[f64]) {
        // A draw of weight zero says nothing, also where its value is not finite.
        if weight == 0.0 {
            return;
        }
        self.total += weight;
        for ((mean, square), value) in self.mean.iter_mut().zip(&mut self.squares).zip(values) {
            let gap = value - *mean;
            *mean += gap * weight / self.total;
            *square += weight * gap * (value - *mean);
        }
    }

    pub fn finish(self) -> Vec<Moments> {
        let (total, mean, squares) = (self.total, self.mean, self.squares);
        mean.into_iter().zip(squares).map(|(mean, s)| Moments { mean, sd: (s / total).max(0.0).sqrt() }).collect()
    }
}

/// Replaces the largest weights by the expected order statistics of a generalized Pareto fitted to them, none larger
/// than the largest raw weight; returns k-hat.
fn smooth(log_weights: &mut [f64]) -> f64 {
    let n = log_weights.len();
    let tail = tail_length(n);
    if tail < 5 {
        return f64::INFINITY;
    }
    let mut order: Vec<usize> = (0..n).collect();
    // Ties by position, so that the answer does not depend on the selection.
    let compare = |a: &usize, b: &usize| log_weights[*a].total_cmp(&log_weights[*b]).then(a.cmp(b));
    order.select_nth_unstable_by(n - tail - 1, compare);
    let cutoff = log_weights[order[n - tail - 1]];
    let top = &mut order[n - tail..];
    top.sort_unstable_by(compare);
    let largest = log_weights[top[tail - 1]];
    if !largest.is_finite() {
        return f64::INFINITY;
    }
    let base = (cutoff - largest).exp();
    let excess: Vec<f64> = top.iter().map(|i| (log_weights[*i] - largest).exp() - base).collect();
    if excess[tail - 1] <= 1e-9 {
        // Constant to rounding, as for a guide that is the posterior: no tail, and nothing to smooth.
        return 0.0;
    }
    let pareto = Pareto::fit(&excess);
    if pareto.shape.is_finite() {
        for (rank, i) in top.iter().enumerate() {
            let p = (rank as f64 + 0.5) / tail as f64;
            log_weights[*i] = ((pareto.quantile(p) + base).ln()).min(0.0) + largest;
        }
    }
    pareto.shape
}

/// min(S / 5, 3 sqrt(S)), of at most S - 1.
fn tail_length(n: usize) -> usize {
    let n = n as f64;
    (0.2 * n).min(3.0 * n.sqrt()).ceil().min(n - 1.0).max(0.0) as usize
}

/// A generalized Pareto distribution of excesses.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Pareto {
    shape: f64,
    scale: f64,
}

impl Pareto {
    /// Zhang & Stephens' estimate from ascending, nonnegative excesses, with the weakly informative prior of ten
    /// observations at 1/2 on the shape (Vehtari et al., appendix C).
    fn fit(excess: &[f64]) -> Pareto {
        const PRIOR: f64 = 3.0;
        let n = excess.len();
        let grid = 30 + (n as f64).sqrt() as usize;
        let largest = excess[n - 1];
        let quartile = excess[((n as f64 / 4.0 + 0.5).floor() as usize).max(1) - 1].max(f64::MIN_POSITIVE);
        let theta: Vec<f64> = (1..=grid)
            .map(|j| 1.0 / largest + (1.0 - (grid as f64 / (j as f64 - 0.5)).sqrt()) / (PRIOR * quartile))
            .collect();
        // The profile log likelihood of theta, whose shape is k = mean ln(1 - theta x).
        let shape = |theta: f64| excess.iter().map(|x| (-theta * x).ln_1p()).sum::<f64>() / n as f64;
        let profile: Vec<f64> = theta
            .iter()
            .map(|theta| {
                let k = shape(*theta);
                n as f64 * ((-theta / k).ln() - k - 1.0)
            })
            .collect();
        let total = logsumexp(&profile);
        let theta: f64 = theta.iter().zip(&profile).map(|(theta, l)| theta * (l - total).exp()).sum();
        let raw = shape(theta);
        let n = n as f64;
        Pareto { shape: (n * raw + 5.0) / (n + 10.0), scale: -raw / theta }
    }

    fn quantile(self, p: f64) -> f64 {
        let exponential = -(-p).ln_1p();
        if self.shape.abs() < 1e-12 {
            return self.scale * exponential;
        }
        self.scale * (self.shape * exponential).exp_m1() / self.shape
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::noise::{Index, Key, Stream};

    fn noise(n: usize, seed: u64, make: fn(&crate::kernel::noise::Noise, Index) -> f64) -> Vec<f64> {
        let noise = Key { seed, stream: Stream::Evaluate, step: 0, site: 0 }.noise();
        (0..n).map(|i| make(&noise, Index { row: i as u32, ..Index::default() })).collect()
    }

    #[test]
    fn the_fit_finds_the_parameters_of_a_pareto() {
        for shape in [-0.4, 0.1, 0.5, 0.7, 1.3] {
            let truth = Pareto { shape, scale: 2.5 };
            let n = 20_000;
            let excess: Vec<f64> = (0..n).map(|i| truth.quantile((f64::from(i) + 0.5) / f64::from(n))).collect();
            let found = Pareto::fit(&excess);
            assert!((found.shape - shape).abs() < 0.01, "{found:?} for {truth:?}");
            assert!((found.scale - 2.5).abs() < 0.03, "{found:?} for {truth:?}");
        }
    }

    /// Few excesses: the prior holds ten observations' worth at one half.
    #[test]
    fn the_prior_pulls_towards_one_half() {
        let truth = Pareto { shape: 0.0, scale: 1.0 };
        let excess: Vec<f64> = (0..40).map(|i| truth.quantile((f64::from(i) + 0.5) / 40.0)).collect();
        let khat = Pareto::fit(&excess).shape;
        assert!((0.03..0.2).contains(&khat), "{khat}");
    }

    /// Weights u^-k have a Pareto tail of shape k.
    #[test]
    fn khat_is_the_shape_of_the_tail() {
        for k in [0.2, 0.5, 0.8, 1.2] {
            let log_weights: Vec<f64> = noise(100_000, 1, |n, at| n.uniform(at)).iter().map(|u| -k * u.ln()).collect();
            let khat = Importance::from_log_weights(&log_weights).khat;
            assert!((khat - k).abs() < 0.12, "{khat} for {k}");
        }
    }

    /// Guide N(0, s), target exp(-x^2/2): log evidence is ln sqrt(2 pi) and the target's moments are 0 and 1.
    #[test]
    fn a_wide_guide_is_corrected() {
        let s: f64 = 1.4;
        let draws: Vec<f64> = noise(40_000, 2, |n, at| n.normal(at)).iter().map(|z| s * z).collect();
        let log_weights: Vec<f64> =
            draws.iter().map(|x| -0.5 * x * x + 0.5 * (x / s).powi(2) + s.ln() + 0.918_938_533_204_672_8).collect();
        let found = Importance::from_log_weights(&log_weights);
        assert!(found.khat < 0.3 && found.usable(), "{}", found.khat);
        assert!((found.log_evidence - 0.918_938_533).abs() < 4.0 * found.se && found.se < 0.005);
        assert!((20_000.0..40_000.0).contains(&found.ess), "{}", found.ess);
        let Moments { mean, sd } = found.moments(&draws);
        assert!(mean.abs() < 0.03 && (sd - 1.0).abs() < 0.02, "{mean} {sd}");
    }

    /// Weights exp(c z^2 / 2) have a tail of shape c.
    #[test]
    fn a_narrow_guide_is_flagged() {
        let log_weights: Vec<f64> =
            noise(100_000, 3, |n, at| n.normal(at)).iter().map(|z| 0.5 * z * z * (1.0 - 0.01)).collect();
        let found = Importance::from_log_weights(&log_weights);
        assert!(found.khat > KHAT_FLAGGED && !found.usable(), "{}", found.khat);
    }

    #[test]
    fn degenerate_weights_are_answers_too() {
        let equal = Importance::from_log_weights(&[-3.0; 1000]);
        assert!(equal.khat == 0.0 && equal.se < 1e-15);
        assert!((equal.log_evidence + 3.0).abs() < 1e-12 && (equal.ess - 1000.0).abs() < 1e-9);
        let none = Importance::from_log_weights(&[f64::NAN; 1000]);
        assert_eq!((none.khat, none.ess), (f64::INFINITY, 0.0));
        assert_eq!(Importance::from_log_weights(&[]).khat, f64::INFINITY);
        let mut some = vec![0.0; 1000];
        some[3] = f64::NAN;
        assert_eq!(Importance::from_log_weights(&some).weights[3], 0.0);
    }

    #[test]
    fn no_weight_exceeds_the_largest_raw_one() {
        let raw: Vec<f64> = noise(5_000, 4, |n, at| n.uniform(at)).iter().map(|u| -1.5 * u.ln()).collect();
        let mut smoothed = raw.clone();
        smooth(&mut smoothed);
        let largest = raw.iter().copied().fold(f64::MIN, f64::max);
        assert!(smoothed.iter().all(|w| *w <= largest));
        let changed = smoothed.iter().zip(&raw).filter(|(a, b)| a != b).count();
        assert!(changed > 0 && changed <= tail_length(5_000), "{changed}");
    }
}
