//! The deterministic path on posteriors whose best bound is known.

mod low_rank;
mod models;

use models::{Likelihood, Regression, eight_schools, empirical_bayes, funnel, gaussian, pointwise};
use nalgebra::{DMatrix, DVector};

use super::deterministic::{Deterministic, Outcome, Settings};
use super::gaussian::Scale;
use super::{Control, GaussianFamily, LogJoint};
use GaussianFamily::{FullRank, MeanField};

fn fit_from(joint: &mut dyn LogJoint, family: GaussianFamily, seed: u64, start: Vec<f64>) -> Outcome {
    Deterministic::new(Settings { family, seed, start }).run(joint, &mut |_: &super::Event| Control::Continue).unwrap()
}

fn fit(joint: &mut dyn LogJoint, family: GaussianFamily, seed: u64) -> Outcome {
    let start = vec![0.0; joint.latents() + joint.params()];
    fit_from(joint, family, seed, start)
}

/// The bound within .05 nats of the best in the family, known to .01, and the fit says that it converged.
#[track_caller]
fn assert_bound(outcome: &Outcome, best: f64) {
    let found = outcome.bound;
    assert!(outcome.converged, "{found:?} after {} steps in {} stages", outcome.steps, outcome.stages);
    assert!(found.se <= 0.01, "{found:?}");
    assert!((found.mean - best).abs() < 0.05 + 3.0 * found.se, "{found:?}, not {best}");
}

fn khat(outcome: &Outcome) -> f64 {
    outcome.importance.as_ref().unwrap().khat
}

#[test]
fn eight_schools_is_as_good_as_mean_field_gets() {
    for seed in 0..3 {
        let outcome = fit(&mut eight_schools(false), MeanField, seed);
        assert_bound(&outcome, -31.5973);
        let (mean, sd) = (&outcome.sampler.guide.mean, outcome.sampler.guide.sd());
        assert!((mean[0] - 4.527).abs() < 0.1 && (sd[0] - 3.157).abs() < 0.1, "mu {} {}", mean[0], sd[0]);
        assert!((mean[1] - 0.810).abs() < 0.05 && (sd[1] - 0.729).abs() < 0.05, "log tau {} {}", mean[1], sd[1]);
        let outcome = fit(&mut eight_schools(true), MeanField, seed);
        assert_bound(&outcome, -33.4041);
        assert!(khat(&outcome) > 0.7, "{}", khat(&outcome));
    }
}

/// Weights bring the non-centred fit to the exact posterior: mu 4.397 sd 3.318, tau 3.598 sd 3.220.
#[test]
fn weights_correct_eight_schools() {
    let outcome = fit(&mut eight_schools(false), MeanField, 0);
    let importance = outcome.importance.as_ref().unwrap();
    assert!((importance.log_evidence + 31.3113).abs() < 0.05, "{}", importance.log_evidence);
    let mut derive = |points: &[f64], out: &mut [f64]| {
        for (out, point) in out.chunks_mut(2).zip(points.chunks(10)) {
            out.copy_from_slice(&[point[0], point[1].exp()]);
        }
        Ok(())
    };
    let corrected = outcome.sampler.corrected(importance, 2, &mut derive).unwrap();
    for (found, (mean, sd)) in corrected.iter().zip([(4.397, 3.318), (3.598, 3.220)]) {
        assert!((found.mean - mean).abs() < 0.25 && (found.sd - sd).abs() < 0.35, "{found:?}, not {mean} {sd}");
    }
}

#[test]
fn a_correlated_gaussian_has_its_closed_form_answers() {
    let covariance = DMatrix::from_row_slice(2, 2, &[1.0, 0.9, 0.9, 1.0]);
    let precision = covariance.clone().try_inverse().unwrap();
    let outcome = fit(&mut gaussian(precision.clone()), MeanField, 1);
    assert!((outcome.bound.mean + 0.830_365_6).abs() < 1e-6 && outcome.bound.se < 1e-6, "{:?}", outcome.bound);
    assert!(outcome.sampler.guide.sd().iter().all(|sd| (sd - 0.435_890).abs() < 1e-5));
    let outcome = fit(&mut gaussian(precision), FullRank, 1);
    assert!(outcome.bound.mean.abs() < 1e-8 && khat(&outcome) < 0.5);
    let Scale::Factor(factor) = &outcome.sampler.guide.scale else { panic!("a full-rank guide has a factor") };
    assert!((factor * factor.transpose() - covariance).amax() < 1e-5);
    assert!(factor[(0, 1)] == 0.0 && factor[(1, 1)] > 0.0);
}

/// Twenty dimensions with scales from 1e-5 to 1e5 and strong correlations, from far away.
#[test]
fn full_rank_is_exact_for_a_badly_scaled_gaussian() {
    let size = 20;
    let root = DMatrix::from_fn(size, size, |i, j| {
        let scale = 10f64.powf(5.0 - i as f64 / 2.0);
        scale
            * if i == j {
                1.0
            } else if i > j {
                0.4 * ((i * 7 + j * 3) as f64).sin()
            } else {
                0.0
            }
    });
    let precision = (&root * root.transpose()).try_inverse().unwrap();
    let start = root.column(0).iter().map(|x| 5.0 * x).collect();
    let outcome = fit_from(&mut gaussian(precision), FullRank, 0, start);
    assert_bound(&outcome, 0.0);
    assert!(outcome.bound.mean.abs() < 1e-3, "{:?}", outcome.bound);
}

/// The best bound of mean field on the funnel: E ln p is closed-form in the guide, and stationarity leaves the sd of v.
#[test]
fn a_funnel_reaches_its_mean_field_bound() {
    let size = 5.0;
    // q(v) = N(m, s^2), q(x) = N(0, exp(m - s^2/2)), so that E x^2 e^-v = 1; then KL = ln 3 + (m^2 + s^2) / 18 - 1/2 -
    // ln s + size (s^2 / 4): m = 0 and s^-2 = 1/9 + size/2.
    let s: f64 = (1.0f64 / 9.0 + size / 2.0).powf(-0.5);
    let best = -(3f64.ln() + s * s / 18.0 - 0.5 - s.ln() + size * s * s / 4.0);
    for seed in 0..3 {
        let outcome = fit_from(&mut funnel(5), MeanField, seed, vec![4.0, 1.0, 1.0, -2.0, 1.0, 0.5]);
        assert_bound(&outcome, best);
        assert!((outcome.sampler.guide.sd()[0] - s).abs() < 0.03 && khat(&outcome) > 0.6);
    }
}

/// Integrated over theta, y_j ~ N(mu, sqrt(tau^2 + sigma^2)): the bound of an exact guide is the best likelihood.
#[test]
fn parameters_beside_latents_reach_the_maximum_of_the_evidence() {
    let y = [28.0, -18.0, -3.0, 47.0, -31.0, 1.0, 18.0, 12.0];
    let n = y.len() as f64;
    let mean = y.iter().sum::<f64>() / n;
    let variance = y.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / n;
    let best = -0.5 * n * ((2.0 * std::f64::consts::PI * variance).ln() + 1.0);
    for family in [MeanField, FullRank] {
        let outcome = fit(&mut empirical_bayes(&y, 10.0), family, 0);
        assert_bound(&outcome, best);
        let params = &outcome.sampler.guide.params;
        assert!((params[0] - mean).abs() < 1e-2, "{params}");
        assert!((params[1] - 0.5 * (variance - 100.0).ln()).abs() < 1e-2, "{params}");
    }
}

/// Mean and ln sd of three numbers.
fn normal_likelihood(x: &[f64], g: &mut [f64]) -> f64 {
    let (mean, precision) = (x[0], (-2.0 * x[1]).exp());
    let data = [1.0, 2.0, 6.0];
    let squares: f64 = data.iter().map(|y| (y - mean).powi(2)).sum();
    g[0] += precision * data.iter().map(|y| y - mean).sum::<f64>();
    g[1] += precision * squares - 3.0;
    -0.5 * precision * squares - 3.0 * x[1]
}

#[test]
fn parameters_alone_are_maximum_likelihood() {
    let outcome = fit(&mut pointwise(0, 2, normal_likelihood), MeanField, 0);
    assert!(outcome.converged && outcome.importance.is_none());
    let params = &outcome.sampler.guide.params;
    assert!((params[0] - 3.0).abs() < 1e-4 && (params[1] - 0.5 * (14.0f64 / 3.0).ln()).abs() < 1e-4, "{params}");
    assert!((outcome.bound.mean + 1.5 + 1.5 * (14.0f64 / 3.0).ln()).abs() < 1e-8 && outcome.bound.se == 0.0);
}

#[test]
fn a_flat_direction_is_improper() {
    let outcome = fit(
        &mut pointwise(2, 0, |x, g| {
            g[0] -= x[0];
            -0.5 * x[0] * x[0]
        }),
        MeanField,
        0,
    );
    assert!(!outcome.converged);
    assert_eq!(outcome.improper, [1]);
}

/// A normal whose mean sits on its only observation.
#[test]
fn an_unbounded_likelihood_is_singular() {
    let outcome = fit(
        &mut pointwise(0, 2, |x, g| {
            let (gap, precision) = (1.0 - x[0], (-2.0 * x[1]).exp());
            g[0] += precision * gap;
            g[1] += precision * gap * gap - 1.0;
            -0.5 * precision * gap * gap - x[1]
        }),
        MeanField,
        0,
    );
    assert!(outcome.singular && !outcome.converged, "{outcome:?}");
}

#[test]
fn random_points_are_tried_where_zero_is_no_start() {
    let positive = |x: &[f64], g: &mut [f64]| {
        // Gamma(3, 1) without the map to the positive numbers.
        g[0] += 2.0 / x[0] - 1.0;
        if x[0] > 0.0 { 2.0 * x[0].ln() - x[0] - 2f64.ln() } else { f64::NAN }
    };
    // Most draws of a wide guide are no positive numbers, so only the start can be asked for.
    let outcome = Deterministic::new(Settings { family: MeanField, seed: 0, start: vec![0.0] })
        .run(&mut pointwise(1, 0, positive), &mut |_: &super::Event| Control::Stop)
        .unwrap();
    assert!(outcome.stopped && outcome.sampler.guide.mean[0] > 0.0);
    let nowhere = Deterministic::new(Settings { family: MeanField, seed: 0, start: vec![0.0] })
        .run(&mut pointwise(1, 0, |_: &[f64], _: &mut [f64]| f64::NAN), &mut |_: &super::Event| Control::Continue);
    assert_eq!(nowhere, Err(super::Failure::NoStart { tries: 20 }));
}

/// Stopped, written down, read again and gone on with: the same fit to the last bit.
#[test]
fn a_stopped_fit_goes_on_as_if_it_had_not_been() {
    for (family, stops) in [(MeanField, [3, 20]), (FullRank, [1, 30])] {
        let whole = fit(&mut eight_schools(false), family, 4);
        let settings = Settings { family, seed: 4, start: vec![0.0; 10] };
        let mut parts = Deterministic::new(settings.clone());
        let mut joint = eight_schools(false);
        for stop in stops {
            let mut stop_at = |e: &super::Event| if e.step == stop { Control::Stop } else { Control::Continue };
            assert!(parts.run(&mut joint, &mut stop_at).unwrap().stopped);
            let buffers = parts.buffers();
            let restored = Deterministic::restore(settings.clone(), 10, &buffers).unwrap().unwrap();
            assert_eq!(restored, parts);
            parts = restored;
            // Buffers of another model's fit, and buffers cut short.
            assert_eq!(Deterministic::restore(settings.clone(), 9, &buffers), Ok(None));
            assert_eq!(Deterministic::restore(settings.clone(), 10, &buffers[..5]), Ok(None));
        }
        let ended = parts.run(&mut joint, &mut |_: &super::Event| Control::Continue).unwrap();
        assert_eq!(ended, whole);
    }
}

/// Data of the posteriors in the test folder; `None`, with the reason printed, where it is not given.
fn columns(file: &str) -> Option<String> {
    let Ok(folder) = std::env::var("PPL_TEST_DATA") else {
        println!("skipped: PPL_TEST_DATA does not say where the data are");
        return None;
    };
    Some(std::fs::read_to_string(std::path::Path::new(&folder).join(file)).unwrap())
}

/// Standardized columns with the constant last.
fn german_credit() -> Option<Regression> {
    let text = columns("tabular/german_credit.csv")?;
    let rows: Vec<Vec<f64>> =
        text.lines().skip(1).map(|line| line.split(',').map(|cell| cell.trim().parse().unwrap()).collect()).collect();
    let (n, size) = (rows.len(), rows[0].len() - 1);
    let mut x = DMatrix::from_fn(n, size + 1, |i, j| if j < size { rows[i][j] } else { 1.0 });
    for j in 0..size {
        let mut column = x.column_mut(j);
        let mean = column.mean();
        column.add_scalar_mut(-mean);
        let sd = column.norm() / (n as f64).sqrt();
        column /= sd;
    }
    let y = rows.iter().map(|row| row[size]).collect();
    Some(Regression::new(x, y, Likelihood::Logistic { prior_sd: 1.0 }))
}

fn json(file: &str) -> Option<impl Fn(&str) -> Vec<f64>> {
    let value: serde_json::Value = serde_json::from_str(&columns(file)?).unwrap();
    Some(move |name: &str| value[name].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect())
}

fn kidiq() -> Option<Regression> {
    let data = json("posteriordb/kidiq.json")?;
    let iq = data("mom_iq");
    let x = DMatrix::from_fn(iq.len(), 2, |i, j| if j == 0 { 1.0 } else { iq[i] });
    Some(Regression::new(x, data("kid_score"), Likelihood::Normal { prior_scale: 2.5 }))
}

fn nes() -> Option<Regression> {
    let data = json("posteriordb/nes1972.json")?;
    let age = data("age_discrete");
    let level = |value: f64| age.iter().map(|a| f64::from(*a == value)).collect();
    let columns: [Vec<f64>; 9] = [
        vec![1.0; age.len()],
        data("real_ideo"),
        data("race_adj"),
        level(2.0),
        level(3.0),
        level(4.0),
        data("educ1"),
        data("gender"),
        data("income"),
    ];
    let x = DMatrix::from_columns(&columns.map(DVector::from_vec));
    Some(Regression::new(x, data("partyid7"), Likelihood::Normal { prior_scale: f64::INFINITY }))
}

fn wells() -> Option<Regression> {
    let data = json("posteriordb/wells_data.json")?;
    let dist = data("dist");
    let x = DMatrix::from_fn(dist.len(), 2, |i, j| if j == 0 { 1.0 } else { dist[i] / 100.0 });
    Some(Regression::new(x, data("switched"), Likelihood::Logistic { prior_sd: f64::INFINITY }))
}

/// One posterior of the references: the best bounds, and whether mean field must be flagged.
fn check_regression(
    regression: Option<Regression>,
    mean_field: f64,
    full_rank: f64,
    flagged: Option<bool>,
    seeds: usize,
) {
    let Some(mut regression) = regression else { return };
    let full = fit(&mut regression, FullRank, 0);
    assert_bound(&full, full_rank);
    assert!(khat(&full) < 0.7, "full rank has k-hat {}", khat(&full));
    // Five posterior sds away, coordinate by coordinate, in alternating directions.
    let sd = full.sampler.guide.sd();
    let away = |i: usize| full.sampler.guide.mean[i] + if i.is_multiple_of(2) { 5.0 } else { -5.0 } * sd[i];
    let far: Vec<f64> = (0..sd.len()).map(away).collect();
    for (seed, start) in [(0, vec![0.0; sd.len()]), (1, far.clone()), (2, far)].into_iter().take(seeds) {
        let outcome = fit_from(&mut regression, MeanField, seed, start);
        assert_bound(&outcome, mean_field);
        if let Some(flagged) = flagged {
            assert_eq!(khat(&outcome) > 0.7, flagged, "k-hat {}", khat(&outcome));
        }
    }
}

#[test]
#[cfg_attr(debug_assertions, ignore = "slow unoptimized, where the same model is fitted from its text")]
fn german_credit_has_its_bounds() {
    check_regression(german_credit(), -531.7075, -529.2021, Some(true), 2);
}

#[test]
fn kidiq_has_its_bounds() {
    check_regression(kidiq(), -1883.575, -1881.666, Some(true), 3);
}

#[test]
fn nes_has_its_bounds() {
    check_regression(nes(), -2745.606, -2738.841, Some(true), 3);
}

#[test]
#[cfg_attr(debug_assertions, ignore = "slow unoptimized: three thousand rows")]
fn wells_has_its_mean_field_bound() {
    let Some(mut regression) = wells() else { return };
    assert_bound(&fit(&mut regression, MeanField, 0), -2042.391);
}

/// ln of a Gamma(500, 1) variable is all but normal: at 10,000 draws the tail of its weights still holds some of their
/// bulk and looks heavy, farther out it does not.
#[test]
fn nearly_constant_weights_are_not_flagged() {
    for seed in 0..3 {
        let log_gamma = |x: &[f64], g: &mut [f64]| {
            g[0] += 500.0 - x[0].exp();
            500.0 * x[0] - x[0].exp() - crate::kernel::special::lgamma(500.0)
        };
        let outcome = fit(&mut pointwise(1, 0, log_gamma), MeanField, seed);
        assert_bound(&outcome, 0.0);
        let importance = outcome.importance.as_ref().unwrap();
        assert!(importance.usable() && importance.weights.len() > 10_000, "{}", importance.khat);
    }
}

/// Predictors on scales from 1e-3 to 1e4: a full-rank guide is as good as exact, whatever the units.
#[test]
fn units_of_the_predictors_do_not_matter() {
    let scales = [1.0, 1e-3, 1e4, 30.0];
    let unit = |i: usize, j: usize| ((i * i + 3 * j * i) as f64 * 0.731).sin() + if j > 0 { 2.0 } else { 0.0 };
    let bounds: Vec<f64> = [[1.0; 4], scales]
        .iter()
        .map(|scales| {
            let x = DMatrix::from_fn(60, 4, |i, j| scales[j] * if j == 0 { 1.0 } else { unit(i, j) });
            let y = (0..60).map(|i| 3.0 + unit(i, 1) - 2.0 * unit(i, 2) + 0.8 * (i as f64 * 1.7).sin()).collect();
            let mut regression = Regression::new(x, y, Likelihood::Normal { prior_scale: 2.5 });
            let outcome = fit(&mut regression, FullRank, 0);
            assert!(outcome.converged && khat(&outcome) < 0.7);
            // Flat priors: evidence is per unit of each coefficient.
            outcome.bound.mean + scales.iter().map(|s| s.ln()).sum::<f64>()
        })
        .collect();
    assert!((bounds[0] - bounds[1]).abs() < 0.02, "{bounds:?}");
}
