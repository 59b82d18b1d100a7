//! `guide map` and `guide laplace` from the command line, on models whose modes and curvatures are known by hand.

use std::f64::consts::PI;

use serde_json::Value;

use crate::cli::{Place, Ran};

fn fitted(model: &str, data: &str, flags: &[&str]) -> (Place, Ran) {
    let file = if data.starts_with('{') { "d.json" } else { "d.csv" };
    let place = Place::new(&[("m.vi", model), (file, data)]);
    let args = [&["fit", "m.vi", "--data", file, "--out", "r"], flags].concat();
    let ran = place.run(&args);
    (place, ran)
}

fn summary(model: &str, data: &str, flags: &[&str]) -> (Value, String, String) {
    let (place, ran) = fitted(model, data, flags);
    assert_eq!(ran.code, 0, "{}", ran.err);
    (serde_json::from_str(&place.read("r/summary.json")).expect("json"), place.read("r/draws.csv"), ran.out)
}

#[track_caller]
fn near(summary: &Value, at: &str, known: f64, within: f64) {
    let found = summary.pointer(at).and_then(Value::as_f64).unwrap_or_else(|| panic!("no {at} in {summary}"));
    assert!((found - known).abs() < within, "{at} is {found}, not {known}");
}

const BETA_BINOMIAL: &str = "data k: count\ndata n: count\nmodel {\n  p ~ Beta(2, 3)\n  k ~ Binomial(n, p)\n}\n";

/// The density of p itself is highest at (a + k - 1) / (a + b + n - 2); in log-odds, with the Jacobian, at (a + k) / (a + b + n).
#[test]
fn a_map_is_the_mode_of_the_constrained_density() {
    let data = "{\"k\": 7, \"n\": 10}";
    let (found, draws, out) = summary(BETA_BINOMIAL, data, &["--guide", "map"]);
    near(&found, "/sites/p/mean", 8.0 / 13.0, 1e-6);
    near(&found, "/sites/p/sd", 0.0, 1e-12);
    let log_joint = 12f64.ln() + 8.0 * (8.0f64 / 13.0).ln() + 5.0 * (5.0f64 / 13.0).ln() + 120f64.ln();
    near(&found, "/objective_value/mean", log_joint, 1e-9);
    assert!(found["elbo"].is_null() && found["khat"].is_null() && found["importance"].is_null(), "{found}");
    assert!(found["laplace_log_evidence"].is_null() && found["objective"] == "log_joint", "{found}");
    assert_eq!(draws.lines().filter(|line| !line.starts_with('#')).count(), 2, "{draws}");
    assert!(out.contains("mode") && out.contains("0.615"), "{out}");

    // At (a + k) / (a + b + n) minus the Hessian in log-odds is (a + b + n) p (1 - p).
    let (found, ..) = summary(BETA_BINOMIAL, data, &["--guide", "laplace"]);
    let (p, n) = (9.0f64 / 15.0, 15.0);
    let mode = 12f64.ln() + 120f64.ln() + 9.0 * p.ln() + 6.0 * (1.0 - p).ln();
    near(&found, "/objective_value/mean", mode, 1e-9);
    near(&found, "/laplace_log_evidence", mode + 0.5 * (2.0 * PI / (n * p * (1.0 - p))).ln(), 1e-6);
    near(&found, "/sites/p/q50", p, 0.02);
}

/// A simplex: (a_k - 1 + n_k) / (sum of those), with counts 3, 1 and 0 added to Dirichlet(2).
#[test]
fn the_mode_on_a_simplex() {
    let model = "dim N\ndata y[N]: category(3)\nmodel {\n  w: simplex[3] ~ Dirichlet([2, 2, 2])\n  for n in N { y[n] ~ \
                 Categorical(w) }\n}\nguide map\n";
    let (found, ..) = summary(model, "y\n0\n0\n1\n0\n", &[]);
    for (k, known) in [4.0 / 7.0, 2.0 / 7.0, 1.0 / 7.0].into_iter().enumerate() {
        near(&found, &format!("/sites/w/mean/{k}"), known, 1e-6);
    }
}

/// A log joint that is quadratic is its own Laplace approximation: the evidence is exact, by any unit of the predictor.
#[test]
fn laplace_is_exact_for_a_linear_gaussian_model() {
    let model = "dim N\ndata x[N]: real\ndata y[N]: real\nmodel {\n  a ~ Normal(0, 3)\n  b ~ Normal(0, 2)\n  for n in N { \
                 y[n] ~ Normal(a + b * x[n] * 1, 0.5) }\n}\nguide laplace\n";
    let (x, y) = ([1.0, 2.0, -1.0, 0.3], [2.0, 3.5, 0.2, 1.9]);
    for unit in [1.0, 1e3, 1e-3] {
        let rows: String = x.iter().zip(y).map(|(x, y)| format!("{},{y}\n", x * unit)).collect();
        // In other units the coefficient has another prior, so that the model stays the same.
        let model = model.replace("* 1", &format!("/ {unit:?}"));
        let (found, ..) = summary(&model, &format!("x,y\n{rows}"), &[]);
        // y ~ N(0, C) with C = 9 + 4 x x' + 1/4 on the diagonal, by elimination.
        let entry = |i: usize, j: usize| 9.0 + 4.0 * x[i] * x[j] + if i == j { 0.25 } else { 0.0 };
        let c: nalgebra::Matrix4<f64> = nalgebra::Matrix4::from_fn(entry);
        let v = nalgebra::Vector4::from(y);
        let solved = c.lu().solve(&v).expect("a regular covariance");
        let exact = -0.5 * v.dot(&solved) - 0.5 * c.determinant().ln() - 2.0 * (2.0 * PI).ln();
        near(&found, "/laplace_log_evidence", exact, 1e-6);
        near(&found, "/elbo/mean", exact, 1e-4);
        assert!(found["converged"] == true && found["warnings"].as_array().is_some_and(Vec::is_empty), "{found}");
    }
}

/// lambda ~ Gamma(1, 1) and counts 1, 2, 3: in u = log lambda the mode is log(7/4), and minus the second derivative 7.
#[test]
fn laplace_of_a_rate_on_the_log_scale() {
    let model = "dim N\ndata y[N]: count\nmodel {\n  rate ~ Gamma(1, 1)\n  for n in N { y[n] ~ Poisson(rate) }\n}\nguide laplace\n";
    let (found, draws, _) = summary(model, "y\n1\n2\n3\n", &["--init", "{rate: 40}"]);
    let evidence = 7.0 * 1.75f64.ln() - 7.0 - 12f64.ln() + 0.5 * (2.0 * PI / 7.0).ln();
    near(&found, "/laplace_log_evidence", evidence, 1e-6);
    // The draws are those of exp(N(log 1.75, 1/7)).
    near(&found, "/sites/rate/mean", 1.75 * (0.5f64 / 7.0).exp(), 0.03);
    assert_eq!(draws.lines().filter(|line| !line.starts_with('#')).count(), 1001);
    // The bound of a guide stays below the evidence, here known exactly.
    let exact = 720f64.ln() - 7.0 * 4f64.ln() - 12f64.ln();
    assert!(found["elbo"]["mean"].as_f64().is_some_and(|elbo| elbo < exact && elbo > exact - 0.1), "{found}");
}

/// Labels are summed out before the mode is looked for, and told as probabilities there.
#[test]
fn discrete_sites_are_summed_out_first() {
    let model = "dim N\ndata y[N]: real\nmodel {\n  m ~ Normal(0, 10)\n  for n in N {\n    c ~ Bernoulli(0.5)\n    y[n] ~ \
                 Normal(m + 6 * c, 1)\n  }\n}\nguide map\n";
    let y = [0.2, -0.4, 6.1, 0.1];
    let rows: String = y.iter().map(|y| format!("{y}\n")).collect();
    let (found, ..) = summary(model, &format!("y\n{rows}"), &[]);
    // Expectation-maximization for the same mode.
    let mut m = 0.0;
    let share = |y: f64, m: f64| 1.0 / (1.0 + (-0.5 * (y - m).powi(2) + 0.5 * (y - m - 6.0).powi(2)).exp());
    for _ in 0..200 {
        m = y.iter().map(|y| y - 6.0 * share(*y, m)).sum::<f64>() / (y.len() as f64 + 0.01);
    }
    near(&found, "/sites/m/mean", m, 1e-6);
    near(&found, "/sites/c/probabilities/2/1", share(6.1, m), 1e-6);
}

/// A centred hierarchy has no joint mode; a flat direction has no Hessian; a mode at the end of a support is told.
#[test]
fn where_there_is_no_mode_it_says_so() {
    let data = "{\"y\": [28, 8, -3, 7, -1, 1, 18, 12], \"sigma\": [15, 10, 16, 11, 9, 11, 10, 18]}";
    let centred = crate::known::read("models/eight_schools_centered.vi");
    let flat = "data y: real\nmodel {\n  a ~ Flat()\n  b ~ Flat()\n  y ~ Normal(a + b, 1)\n}\n";
    let cases = [(centred.as_str(), data, "map"), (&centred, data, "laplace"), (flat, "{\"y\": 1}", "laplace")];
    for (model, data, guide) in cases {
        let (place, ran) = fitted(model, data, &["--guide", guide]);
        assert_eq!(ran.code, 3, "{guide}: {}", ran.err);
        assert!(ran.err.contains("ppl::fit::no_mode") && ran.err.contains("--guide meanfield"), "{}", ran.err);
        assert!(!place.path().join("r/summary.json").exists());
    }
    let (found, ..) = summary(flat, "{\"y\": 1}", &["--guide", "map"]);
    assert_eq!(found["warnings"][0]["code"], "ppl::fit::plateau");
    let sure = BETA_BINOMIAL.replace("Beta(2, 3)", "Beta(1, 1)");
    let (found, ..) = summary(&sure, "{\"k\": 10, \"n\": 10}", &["--guide", "map"]);
    assert_eq!(found["warnings"][0]["code"], "ppl::fit::plateau");
    near(&found, "/sites/p/mean", 1.0, 1e-6);
}

/// Steps, and batches of rows, climb to the same mode by noisy gradients.
#[test]
fn a_map_by_steps_over_batches() {
    let model =
        "dim N\ndata y[N]: real\nmodel {\n  m ~ Normal(0, 1)\n  for n in N { y[n] ~ Normal(m, 1) }\n}\nguide map\n";
    let flags = ["--batch", "N=2", "--steps", "3000", "--lr", "linear(0.1, 1e-4, 2500)"];
    let (found, ..) = summary(model, "y\n1\n2\n3\n4\n5\n", &flags);
    near(&found, "/sites/m/mean", 2.5, 0.02);
    assert!(found["elbo"].is_null() && found["path"] == "stochastic", "{found}");
}
