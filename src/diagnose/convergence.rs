//! Whether a series has settled, and how well its mean is known.

/// Split R-hat of one series: its halves are two chains (Gelman et al., Bayesian Data Analysis, 3rd edition, 11.4).
/// 1 where they agree; NaN below four values.
pub fn split_rhat(series: &[f64]) -> f64 {
    let half = series.len() / 2;
    if half < 2 {
        return f64::NAN;
    }
    // With an odd length the middle value is in neither half.
    let halves = [&series[..half], &series[series.len() - half..]];
    let [(m1, v1), (m2, v2)] = halves.map(mean_and_variance);
    let within = 0.5 * (v1 + v2);
    let between = 0.5 * half as f64 * (m1 - m2).powi(2);
    if within == 0.0 {
        return if between == 0.0 { 1.0 } else { f64::INFINITY };
    }
    (((half as f64 - 1.0) * within + between) / (half as f64 * within)).sqrt()
}

/// Monte Carlo standard error of the mean of a correlated series, by sqrt(n) batch means (Flegal & Jones, Annals of
/// Statistics 38, 2010).
pub fn batch_means_mcse(series: &[f64]) -> f64 {
    let size = (series.len() as f64).sqrt() as usize;
    if size < 2 {
        return f64::NAN;
    }
    let count = series.len() / size;
    // The earliest values are the ones left over.
    let used = &series[series.len() - size * count..];
    let means: Vec<f64> = used.chunks_exact(size).map(|batch| batch.iter().sum::<f64>() / size as f64).collect();
    (mean_and_variance(&means).1 / count as f64).sqrt()
}

/// Effective number of independent values in a correlated series.
pub fn effective_size(series: &[f64]) -> f64 {
    let mcse = batch_means_mcse(series);
    let variance = mean_and_variance(series).1;
    if variance == 0.0 { series.len() as f64 } else { variance / (mcse * mcse) }
}

/// Mean, and variance with n - 1 below.
pub fn mean_and_variance(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::noise::{Index, Key, Stream};

    /// x_t = rho x_(t-1) + sqrt(1 - rho^2) z_t, of variance 1.
    fn autoregression(n: usize, rho: f64) -> Vec<f64> {
        let noise = Key { seed: 5, stream: Stream::Evaluate, step: 0, site: 0 }.noise();
        let mut z = vec![0.0; n];
        noise.fill_normal(Index::default(), &mut z);
        let mut x = z[0];
        for z in &mut z[1..] {
            x = rho * x + (1.0 - rho * rho).sqrt() * *z;
            *z = x;
        }
        z
    }

    #[test]
    fn rhat_tells_a_settled_series_from_a_drifting_one() {
        let settled = autoregression(2_000, 0.3);
        assert!((split_rhat(&settled) - 1.0).abs() < 0.01);
        let drifting: Vec<f64> = settled.iter().enumerate().map(|(t, x)| x + t as f64 / 500.0).collect();
        assert!(split_rhat(&drifting) > 1.3, "{}", split_rhat(&drifting));
        // Halves 0 2 and 4 6: W = 2, B = 16, R^2 = (W / 2 + B / 2) / W.
        assert!((split_rhat(&[0.0, 2.0, 4.0, 6.0]) - (9.0f64 / 2.0).sqrt()).abs() < 1e-12);
        assert_eq!(split_rhat(&[1.0; 9]), 1.0);
        assert!(split_rhat(&[1.0, 2.0, 3.0]).is_nan());
    }

    /// The variance of the mean is (1 + rho) / (1 - rho) / n.
    #[test]
    fn mcse_counts_the_correlation() {
        for rho in [0.0, 0.8] {
            let n = 90_000;
            let series = autoregression(n, rho);
            let exact = ((1.0 + rho) / (1.0 - rho) / n as f64).sqrt();
            assert!((batch_means_mcse(&series) / exact - 1.0).abs() < 0.15, "rho {rho}");
            assert!((effective_size(&series) * exact * exact - 1.0).abs() < 0.35, "rho {rho}");
        }
        assert_eq!(effective_size(&[2.0; 50]), 50.0);
    }
}
