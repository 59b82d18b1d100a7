//! What is told about the draws of one number: mean, sd and three quantiles.

/// One entry of `sites` in the summary of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    pub mean: f64,
    /// With n below: the draws stand for the guide, not for a sample of it.
    pub sd: f64,
    pub q05: f64,
    pub q50: f64,
    pub q95: f64,
}

impl Summary {
    /// Sorts the draws.
    pub fn of(draws: &mut [f64]) -> Summary {
        let n = draws.len() as f64;
        // Shifted by the first draw, so that a large constant does not cost digits of the mean.
        let base = draws.first().copied().unwrap_or(f64::NAN);
        let mean = base + draws.iter().map(|x| x - base).sum::<f64>() / n;
        let sd = (draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt();
        draws.sort_unstable_by(f64::total_cmp);
        Summary { mean, sd, q05: quantile(draws, 0.05), q50: quantile(draws, 0.5), q95: quantile(draws, 0.95) }
    }
}

/// Linear interpolation between order statistics (Hyndman & Fan's type 7, the usual default) of ascending values.
pub fn quantile(sorted: &[f64], p: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let at = p.clamp(0.0, 1.0) * last as f64;
    let low = at.floor() as usize;
    let (below, above) = (sorted[low], sorted[(low + 1).min(last)]);
    // Equal neighbours also when infinite, where the difference would be NaN.
    if below == above { below } else { below + (at - low as f64) * (above - below) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_has_its_quantiles() {
        let mut draws: Vec<f64> = (0..=100).rev().map(|x| 1e9 + f64::from(x)).collect();
        let found = Summary::of(&mut draws);
        assert_eq!((found.q05, found.q50, found.q95), (1e9 + 5.0, 1e9 + 50.0, 1e9 + 95.0));
        assert_eq!(found.mean, 1e9 + 50.0);
        assert!((found.sd - 850f64.sqrt()).abs() < 1e-9);
        assert_eq!(quantile(&[1.0, 2.0], 0.25), 1.25);
    }

    #[test]
    fn few_and_infinite_draws_do_not_panic() {
        assert!(Summary::of(&mut []).mean.is_nan());
        assert_eq!(Summary::of(&mut [3.0]), Summary { mean: 3.0, sd: 0.0, q05: 3.0, q50: 3.0, q95: 3.0 });
        assert_eq!(quantile(&[f64::NEG_INFINITY, f64::NEG_INFINITY, 1.0], 0.2), f64::NEG_INFINITY);
    }
}
