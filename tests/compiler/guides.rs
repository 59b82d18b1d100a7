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
