//! Definitions that read their own earlier rows, against loops by hand.

use crate::cli::Place;

/// Rows of two series by a level that is carried on, and a chain too long to go back through call by call.
#[test]
fn what_is_simulated_is_carried_from_row_to_row() {
    let model = "dim I = 2\ndim T\ndata y[I, T]: real\nmodel {\n  a: unit ~ Beta(2, 2)\n  for i in I {\n    for t in T chain {\n      \
                 x ~ Normal(0, 1)\n      h = if t < 2 then x else a * h[t-1] - 0.3 * h[t-2] + x\n      \
                 y[i, t] ~ Normal(h, 0.1)\n    }\n  }\n}\n";
    let place = Place::new(&[("m.vi", model)]);
    let ran = place.run(&["simulate", "m.vi", "--set", "T=400", "--seed", "3", "--out", "y.json"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let truth: serde_json::Value = serde_json::from_str(&place.read("truth.json")).expect("json");
    let array = |name: &str| -> Vec<f64> {
        let at = truth.as_object().expect("an object").iter().find_map(|(_, part)| part.get(name));
        let at = at.or(truth.get(name)).unwrap_or_else(|| panic!("no {name} in {truth}"));
        let mut all = vec![];
        numbers(at, &mut all);
        all
    };
    let (a, x, h) = (array("a")[0], array("x"), array("h"));
    assert_eq!((x.len(), h.len()), (800, 800));
    for series in [0, 400] {
        for t in 0..400 {
            let at = series + t;
            let by_hand = if t < 2 { x[at] } else { a * h[at - 1] - 0.3 * h[at - 2] + x[at] };
            assert!((h[at] - by_hand).abs() < 1e-12, "row {t}: {} is not {by_hand}", h[at]);
        }
    }
}

fn numbers(value: &serde_json::Value, all: &mut Vec<f64>) {
    match value {
        serde_json::Value::Array(list) => list.iter().for_each(|value| numbers(value, all)),
        serde_json::Value::Object(of) => of.values().for_each(|value| numbers(value, all)),
        other => all.extend(other.as_f64()),
    }
}

/// Exponential smoothing: the rate that makes each value's forecast by those before it best, by a search over rates.
#[test]
fn a_rate_of_smoothing_is_found_by_maximum_likelihood() {
    let y = [2.0, 1.4, 1.9, 2.6, 2.2, 3.1, 2.7, 3.3, 3.0, 3.8, 3.4, 4.1, 3.2, 3.9, 4.4, 4.0];
    let rows: String = y.iter().map(|y| format!("{y}\n")).collect();
    let model = "dim T\ndata y[T]: real\nparam a: unit = 0.5\nmodel {\n  for t in T chain {\n    \
                 h = if t == 0 then 2 else a * y[t-1] + (1 - a) * h[t-1]\n    y[t] ~ Normal(h, 1)\n  }\n}\n";
    let place = Place::new(&[("m.vi", model), ("d.csv", &format!("y\n{rows}"))]);
    let ran = place.run(&["fit", "m.vi", "--data", "d.csv", "--out", "r", "--quiet"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let loss = |a: f64| {
        let (mut h, mut sum) = (2.0, 0.0);
        for (t, value) in y.iter().enumerate() {
            h = if t == 0 { 2.0 } else { a * y[t - 1] + (1.0 - a) * h };
            sum += 0.5 * (value - h) * (value - h) + 0.5 * std::f64::consts::TAU.ln();
        }
        sum
    };
    let best = (1..10_000).map(|i| f64::from(i) * 1e-4).min_by(|a, b| loss(*a).total_cmp(&loss(*b))).expect("a rate");
    let summary: serde_json::Value = serde_json::from_str(&place.read("r/summary.json")).expect("json");
    let found = summary["params"]["a"]["value"].as_f64().expect("a number");
    assert!((found - best).abs() < 2e-4, "{found} is not {best}");
    let bound = summary["elbo"]["mean"].as_f64().expect("a bound");
    assert!((bound + loss(best)).abs() < 1e-6, "{bound} is not {}", -loss(best));
}

/// A guide whose factors follow the chain, `z[t]` given `z[t-1]`, contains the posterior of a linear Gaussian state space
/// model: its best bound is the evidence, which the Kalman filter gives.
#[test]
fn a_guide_along_the_chain_reaches_the_evidence_of_a_state_space_model() {
    let y = [1.2, 0.4, -0.7, 1.9];
    let rows: String = y.iter().map(|y| format!("{y}\n")).collect();
    let model = "dim T\ndata y[T]: real\nmodel {\n  for t in T chain {\n    z ~ Normal(if t == 0 then 0 else 0.8 * z[t-1], 1)\n    \
                 y[t] ~ Normal(z, 0.7)\n  }\n}\nguide {\n  for t in T chain {\n    param a: real = 0\n    param b: real = 0\n    \
                 param s: positive = 1\n    z ~ Normal(b + (if t == 0 then 0 else a * z[t-1]), s)\n  }\n}\n";
    let place = Place::new(&[("m.vi", model), ("d.csv", &format!("y\n{rows}"))]);
    let flags = ["--steps", "3000", "--lr", "cosine(0.05)", "--particles", "4", "--quiet"];
    let ran = place.run(&[&["fit", "m.vi", "--data", "d.csv", "--out", "r"][..], &flags].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
    // Mean and variance of z[t] given the rows before, and the density of y[t] there.
    let (mut evidence, mut mean, mut variance) = (0.0, 0.0, 1.0);
    for value in y {
        let spread: f64 = variance + 0.49;
        let gap: f64 = value - mean;
        evidence -= 0.5 * (gap * gap / spread + spread.ln() + std::f64::consts::TAU.ln());
        let gain = variance / spread;
        (mean, variance) = (0.8 * (mean + gain * gap), 0.64 * (1.0 - gain) * variance + 1.0);
    }
    let summary: serde_json::Value = serde_json::from_str(&place.read("r/summary.json")).expect("json");
    let number = |at: &str| summary.pointer(at).and_then(|value| value.as_f64()).expect("a number");
    let (bound, se) = (number("/elbo/mean"), number("/elbo/se"));
    assert!(bound < evidence + 4.0 * se + 1e-6 && bound > evidence - 0.05, "{bound} +- {se} is not {evidence}");
}
