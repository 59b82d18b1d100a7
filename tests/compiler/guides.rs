//! Automatic guides from the command line, by both paths, on models whose posterior is known.

use serde_json::Value;

use crate::cli::Place;

/// The summary of a fit.
pub fn fitted(model: &str, data: &str, flags: &[&str]) -> Value {
    let file = if data.starts_with('{') { "d.json" } else { "d.csv" };
    let place = Place::new(&[("m.vi", model), (file, data)]);
    let ran = place.run(&[&["fit", "m.vi", "--data", file, "--out", "r"], flags].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
    serde_json::from_str(&place.read("r/summary.json")).expect("json")
}

#[track_caller]
pub fn near(summary: &Value, at: &str, known: f64, within: f64) {
    let found = summary.pointer(at).and_then(Value::as_f64).unwrap_or_else(|| panic!("no {at} in {summary}"));
    assert!((found - known).abs() < within, "{at} is {found}, not {known}");
}

const STEPS: &[&str] = &["--steps", "3000", "--lr", "cosine(0.05)", "--particles", "4"];

/// Two coordinates with a correlation of .9 are a diagonal and one column.
const CORRELATED: &str = "data y: real\nmodel {\n  z: real[2] ~ MvNormal([1, -1], cov: [[1, 0.9], [0.9, 1]])\n  y ~ \
                          Normal(z[0] - z[0], 1)\n}\n";

#[test]
fn a_low_rank_is_exact_where_the_covariance_is() {
    let exact = -0.5 * (2.0 * std::f64::consts::PI).ln();
    for guide in ["lowrank(1)", "lowrank(5)"] {
        let found = fitted(CORRELATED, "{\"y\": 0}", &["--guide", guide]);
        near(&found, "/elbo/mean", exact, 1e-4);
        assert!(found["path"] == "deterministic" && found["converged"] == true, "{found}");
    }
    let found = fitted(CORRELATED, "{\"y\": 0}", &[&["--guide", "lowrank(1)"], STEPS].concat());
    near(&found, "/elbo/mean", exact, 0.02);
    near(&found, "/sites/z/sd/0", 1.0, 0.05);
    assert!(found["path"] == "stochastic" && found["khat"].as_f64().is_some_and(|khat| khat < 0.7), "{found}");
    // Of mean field the best is log sqrt(1 - .81) lower.
    let found = fitted(CORRELATED, "{\"y\": 0}", &[]);
    near(&found, "/elbo/mean", exact - 0.830_365_6, 1e-3);
}

/// Rows with latents, or parameters, of their own.
const LOCAL: &str = "dim N\ndata y[N]: real\nmodel {\n  m ~ Normal(0, 3)\n  for n in N {\n    z ~ Normal(m, 1)\n    y[n] ~ \
                     Normal(z, 0.5)\n  }\n}\n";
const OWN: &str = "guide {\n  param a: real = 0\n  param s: positive = 1\n  m ~ Normal(a, s)\n  for n in N {\n    param b: real = 0\n    \
                   param t: positive = 1\n    z ~ Normal(b, t)\n  }\n}\n";
const Y: [f64; 5] = [1.0, 2.0, 3.0, 4.0, 7.0];

fn csv(y: &[f64]) -> String {
    std::iter::once("y".to_string()).chain(y.iter().map(f64::to_string)).map(|line| line + "\n").collect()
}

/// By independent factors the means are exact, each sd is that given the rest, and the bound lies below the evidence by
/// the logarithms of their ratio: precision matrix P with 1/9 + N, 1 + 4 on the diagonal and -1 between m and each z.
#[test]
fn rows_of_a_batch_have_factors_of_their_own() {
    let n = Y.len();
    let precision = |i: usize, j: usize| match (i, j) {
        (0, 0) => 1.0 / 9.0 + n as f64,
        (0, _) | (_, 0) => -1.0,
        _ if i == j => 5.0,
        _ => 0.0,
    };
    let p = nalgebra::DMatrix::from_fn(n + 1, n + 1, precision);
    let pull = nalgebra::DVector::from_fn(n + 1, |i, _| if i == 0 { 0.0 } else { 4.0 * Y[i - 1] });
    let mean = p.clone().lu().solve(&pull).expect("a regular precision");
    let cov = nalgebra::DMatrix::from_fn(n, n, |i, j| 9.0 + if i == j { 1.25 } else { 0.0 });
    let y = nalgebra::DVector::from_row_slice(&Y);
    let solved = cov.clone().lu().solve(&y).expect("a regular covariance");
    let evidence = -0.5 * (y.dot(&solved) + cov.determinant().ln() + n as f64 * (2.0 * std::f64::consts::PI).ln());
    let bound = evidence + 0.5 * (p.determinant().ln() - p.diagonal().iter().map(|d: &f64| d.ln()).sum::<f64>());
    let flags = ["--batch", "N=2", "--steps", "6000", "--lr", "cosine(0.05)", "--particles", "4"];
    for guide in ["", OWN] {
        let found = fitted(&format!("{LOCAL}{guide}"), &csv(&Y), &flags);
        near(&found, "/sites/m/mean", mean[0], 0.05);
        near(&found, "/sites/m/sd", (1.0 / p[(0, 0)]).sqrt(), 0.05);
        near(&found, "/elbo/mean", bound, 0.1);
        assert!(found["sites"].get("z").is_none() && found["path"] == "stochastic", "{found}");
    }
}

/// Closed divergences have their entropies in them: the entropy of the guide is that of the other sites alone.
#[test]
fn an_entropy_is_counted_once_on_the_stochastic_path() {
    let data = "{\"y\": [28, 8, -3, 7, -1, 1, 18, 12], \"sigma\": [15, 10, 16, 11, 9, 11, 10, 18]}";
    let flags = ["--steps", "4000", "--lr", "cosine(0.05)", "--particles", "4"];
    let found = fitted(&crate::known::read("models/eight_schools.vi"), data, &flags);
    near(&found, "/elbo/mean", -31.5973, 0.08);
    near(&found, "/sites/mu/sd", 3.157, 0.15);
}

/// L-BFGS where it is asked for is the deterministic path's own, for point parameters alone as well.
#[test]
fn lbfgs_can_be_asked_for() {
    let flags = ["--optimizer", "lbfgs"];
    let found = fitted(LOCAL, &csv(&Y), &flags);
    assert!(found["path"] == "deterministic" && found["converged"] == true, "{found}");
    let model =
        "dim N\ndata y[N]: real\nparam m: real\nparam s: positive\nmodel { for n in N { y[n] ~ Normal(m, s) } }\n";
    let found = fitted(model, &csv(&Y), &flags);
    let (mean, n) = (Y.iter().sum::<f64>() / 5.0, 5.0);
    let variance = Y.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / n;
    near(&found, "/params/m/value", mean, 1e-3);
    near(&found, "/params/s/value", variance.sqrt(), 1e-3);
    near(&found, "/elbo/mean", -0.5 * n * (1.0 + (2.0 * std::f64::consts::PI * variance).ln()), 1e-6);
    let place = Place::new(&[("m.vi", LOCAL), ("d.csv", &csv(&Y))]);
    let ran = place.run(&["fit", "m.vi", "--data", "d.csv", "--optimizer", "lbfgs", "--batch", "N=2"]);
    assert!(ran.code == 1 && ran.err.contains("ppl::limitation::optimizer"), "{}", ran.err);
}
