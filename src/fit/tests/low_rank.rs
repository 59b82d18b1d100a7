//! Guides of low rank: between mean field and full rank.

use nalgebra::{DMatrix, DVector};

use super::models::{eight_schools, gaussian};
use super::{fit, khat};
use crate::fit::Estimate;
use crate::fit::GaussianFamily::{FullRank, LowRank, MeanField};

/// A covariance that is a diagonal and two columns, in units from 1e-3 to 1e3: a guide of that rank is exact, of rank
/// one better than none, and of rank none mean field.
#[test]
fn a_low_rank_is_between_mean_field_and_full_rank() {
    let size = 12;
    let unit = DVector::from_fn(size, |i, _| 10f64.powf(3.0 - i as f64 / 2.0));
    let column = |k: usize| DVector::from_fn(size, |i, _| 2.0 * ((i * (k + 2) + 3 * k) as f64).cos() * unit[i]);
    let own = unit.map(|u| 0.3 * u * u);
    let covariance =
        DMatrix::from_diagonal(&own) + column(0) * column(0).transpose() + column(1) * column(1).transpose();
    let precision = covariance.clone().try_inverse().unwrap();
    let bound = |family| {
        let outcome = fit(&mut gaussian(precision.clone()), family, 0);
        assert!(outcome.converged, "{family:?}: {:?}", outcome.bound);
        outcome.bound.mean
    };
    let [none, one, two] = [MeanField, LowRank(1), LowRank(2)].map(bound);
    assert!(two.abs() < 1e-3 && one < two - 0.5 && none < one - 0.5, "{none} {one} {two}");
    let outcome = fit(&mut gaussian(precision), LowRank(2), 1);
    assert!(khat(&outcome) < 0.5 && outcome.bound.se < 1e-3, "{:?}", outcome.bound);
}

/// The best of mean field, and the evidence.
#[test]
fn a_low_rank_of_eight_schools_is_between_its_bounds() {
    for seed in 0..3 {
        let Estimate { mean, se } = fit(&mut eight_schools(false), LowRank(2), seed).bound;
        assert!(se <= 0.01 && mean > -31.62 && mean < -31.3113 + 3.0 * se, "{mean} +- {se}");
    }
}

#[test]
#[cfg_attr(debug_assertions, ignore = "slow unoptimized: heavy tails take many draws")]
fn a_low_rank_of_the_centred_hierarchy_is_between_its_bounds() {
    for seed in 0..3 {
        let outcome = fit(&mut eight_schools(true), LowRank(3), seed);
        let full = fit(&mut eight_schools(true), FullRank, seed);
        assert!(outcome.converged && outcome.bound.se <= 0.01, "{:?}", outcome.bound);
        assert!(outcome.bound.mean > -33.45 && outcome.bound.mean < full.bound.mean + 0.05, "{:?}", outcome.bound);
    }
}
