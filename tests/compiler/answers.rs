//! Fits from the command line whose answer is known in closed form or by another algorithm.

use crate::cli::Place;

/// Nothing is drawn in a model of point parameters whose only site is summed out: one row of draws says all, and the
/// weight is what expectation-maximization finds.
#[test]
fn a_mixture_by_maximum_likelihood_needs_no_draws() {
    let y = [-2.4, -1.9, -2.2, 2.1, 0.3];
    let rows: String = y.iter().map(|y| format!("{y}\n")).collect();
    let model = "dim N\ndata y[N]: real\nparam w: simplex[2]\nmodel {\n  for n in N {\n    c ~ Categorical(w)\n    \
                 y[n] ~ Normal(if c == 0 then -2 else 2, 1)\n  }\n}\n";
    let place = Place::new(&[("m.vi", model), ("d.csv", &format!("y\n{rows}"))]);
    let ran = place.run(&["fit", "m.vi", "--data", "d.csv", "--out", "r", "--quiet"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let mut weight = 0.5;
    for _ in 0..500 {
        let near = |y: &f64, mean: f64, w: f64| w * (-0.5 * (y - mean).powi(2)).exp();
        let share = |y: &f64| near(y, -2.0, weight) / (near(y, -2.0, weight) + near(y, 2.0, 1.0 - weight));
        weight = y.iter().map(share).sum::<f64>() / y.len() as f64;
    }
    let summary: serde_json::Value = serde_json::from_str(&place.read("r/summary.json")).expect("json");
    let found = summary["params"]["w"]["value"][0].as_f64().expect("a number");
    assert!((found - weight).abs() < 1e-4, "{found} is not {weight}");
    assert_eq!(place.read("r/draws.csv").lines().filter(|line| !line.starts_with('#')).count(), 2);
}

/// Components that can change places start from several points; the best is kept, and what each found is told.
#[test]
fn exchangeable_components_start_several_times() {
    let y = [-9.0, -8.5, -9.3, -0.2, 0.1, 0.3, 8.8, 9.1, 9.4];
    let rows: String = y.iter().map(|y| format!("{y}\n")).collect();
    let model = "dim N\ndata y[N]: real\nparam w: simplex[3]\nparam m[3]: real = normal(0, 5)\nmodel {\n  for n in N {\n    \
                 c ~ Categorical(w)\n    y[n] ~ Normal(m[c], 1)\n  }\n}\n";
    let place = Place::new(&[("m.vi", model), ("d.csv", &format!("y\n{rows}"))]);
    let ran = place.run(&["fit", "m.vi", "--data", "d.csv", "--out", "r"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let summary: serde_json::Value = serde_json::from_str(&place.read("r/summary.json")).expect("json");
    let starts: Vec<f64> = summary["starts"].as_array().expect("starts").iter().filter_map(|b| b.as_f64()).collect();
    assert_eq!(starts.len(), 8);
    let best = starts.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    assert!(starts.iter().any(|bound| *bound < best - 1.0), "every start found the same: {starts:?}");
    // Three clusters of three, all but apart: the likelihood of each under its own mean, and a third of the weight.
    let of = |cluster: &[f64]| {
        let mean = cluster.iter().sum::<f64>() / 3.0;
        cluster
            .iter()
            .map(|y| -0.5 * (y - mean).powi(2) - 0.5 * (2.0 * std::f64::consts::PI).ln() - 3f64.ln())
            .sum::<f64>()
    };
    let known: f64 = y.chunks(3).map(of).sum();
    let found = summary["elbo"]["mean"].as_f64().expect("a bound");
    assert!((found - known).abs() < 1e-3 && found == best, "{found}, {best}, {known}");
    assert!(ran.out.contains("of 8 came to"), "{}", ran.out);
}

/// `elbo(beta: 4)` weighs the KL term four times; what is reported as `elbo` weighs it once. The optimum of a Normal prior
/// and likelihood is closed: precision 1 + 1/4, mean y/4 over that.
#[test]
fn a_tempered_bound_has_its_own_optimum_and_value() {
    let model = "data y: real\nmodel {\n  z ~ Normal(0, 1)\n  y ~ Normal(z, 1)\n}\nfit { objective: elbo(beta: 4) }\n";
    let place = Place::new(&[("m.vi", model), ("d.json", "{\"y\": 2}")]);
    let ran = place.run(&["fit", "m.vi", "--data", "d.json", "--out", "r", "--steps", "4000", "--lr", "cosine(0.05)"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let summary: serde_json::Value = serde_json::from_str(&place.read("r/summary.json")).expect("json");
    let number = |at: &str| summary.pointer(at).and_then(|v| v.as_f64()).expect("a number");
    let (mean, variance) = (0.4, 0.8f64);
    assert!((number("/sites/z/mean") - mean).abs() < 0.03, "{}", number("/sites/z/mean"));
    assert!((number("/sites/z/sd") - variance.sqrt()).abs() < 0.03, "{}", number("/sites/z/sd"));
    let kl = 0.5 * (variance + mean * mean - 1.0 - variance.ln());
    let fits = -0.5 * (2.0 * std::f64::consts::PI).ln() - 0.5 * ((2.0 - mean).powi(2) + variance);
    assert_eq!(summary["objective_value"]["name"], "elbo(beta: 4)");
    let near = |found: f64, se: f64, known: f64| (found - known).abs() < 4.0 * se + 0.02;
    assert!(near(number("/objective_value/mean"), number("/objective_value/se"), fits - 4.0 * kl), "{summary}");
    assert!(near(number("/elbo/mean"), number("/elbo/se"), fits - kl), "{summary}");
}

/// A closed divergence has its site's entropy in it; the entropy of the guide is that of the other sites alone.
#[test]
fn an_entropy_is_counted_once_on_the_stochastic_path() {
    let data = "{\"y\": [28, 8, -3, 7, -1, 1, 18, 12], \"sigma\": [15, 10, 16, 11, 9, 11, 10, 18]}";
    let place = Place::new(&[("m.vi", &crate::known::read("models/eight_schools.vi")), ("d.json", data)]);
    let steps = ["--steps", "4000", "--lr", "cosine(0.05)", "--particles", "4"];
    let ran = place.run(&[&["fit", "m.vi", "--data", "d.json", "--out", "r"], &steps[..]].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
    let summary: serde_json::Value = serde_json::from_str(&place.read("r/summary.json")).expect("json");
    let elbo = summary["elbo"]["mean"].as_f64().expect("a bound");
    assert!((elbo - -31.5973).abs() < 0.08, "{elbo}");
    let sd = summary["sites"]["mu"]["sd"].as_f64().expect("an sd");
    assert!((sd - 3.157).abs() < 0.15, "{sd}");
}
