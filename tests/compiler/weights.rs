//! Bounds made of weights: their gradients on average those of the exact bounds, their values monotone in the number of
//! draws and, in the limit, the evidence.

use ppl::data::Bound;

use crate::cli::Place;
use crate::score::{Runs, STEPS, assert_same, world};
use crate::world::Random;

/// The slopes of a function of the parameters by central differences, as if their standard error were this small.
fn slopes(params: &[f64], exact: &dyn Fn(&[f64]) -> f64) -> Vec<[f64; 3]> {
    let h = 1e-5;
    let moved = |i: usize, by: f64| {
        let mut params = params.to_vec();
        params[i] += by;
        exact(&params)
    };
    (0..params.len()).map(|i| [(moved(i, h) - moved(i, -h)) / (2.0 * h), 1e-6, 0.0]).collect()
}

fn log_normal(x: f64, mean: f64, sd: f64) -> f64 {
    -0.5 * ((x - mean) / sd).powi(2) - sd.ln() - 0.5 * std::f64::consts::TAU.ln()
}

fn log_bernoulli(b: f64, logit: f64) -> f64 {
    b * logit - (1.0 + logit.exp()).ln()
}

/// `log(mean w^(1-a)) / (1-a)`
fn bound(logs: [f64; 2], order: f64) -> f64 {
    let power = 1.0 - order;
    (logs.iter().map(|log| (power * log).exp()).sum::<f64>() / 2.0).ln() / power
}

/// One Bernoulli draw: every pair of draws is gone through.
#[test]
fn a_discrete_draw_weighs_what_the_others_say() {
    let text = |objective: &str| {
        format!(
            "data y: real\nparam mu: real\nmodel {{ b ~ Bernoulli(0.3); y ~ Normal(mu + 3 * b, 1) }}\n\
             guide {{ param l: real; b ~ Bernoulli(logits: l) by score }}\nfit {{ objective: {objective} }}\n"
        )
    };
    for (objective, order) in [("iwae(2)", 0.0), ("renyi(0.5, 2)", 0.5), ("renyi(-1, 2)", -1.0)] {
        let text = text(objective);
        let (data, params) = world(&text, 1);
        let y = data.arrays[0].values.get(0);
        let exact = |params: &[f64]| {
            let [mu, l] = params[..] else { panic!("{params:?}") };
            let log_w =
                |b: f64| log_bernoulli(b, (0.3f64 / 0.7).ln()) + log_normal(y, mu + 3.0 * b, 1.0) - log_bernoulli(b, l);
            let pairs = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
            let pair = |[a, b]: [f64; 2]| {
                (log_bernoulli(a, l) + log_bernoulli(b, l)).exp() * bound([log_w(a), log_w(b)], order)
            };
            pairs.into_iter().map(pair).sum()
        };
        let found = Runs::new(&text, &data, &params, None).summary(&data, STEPS);
        assert_same(objective, &found, &slopes(&params, &exact));
    }
}

/// A draw that is differentiated through, and a discrete one whose factor reads it: by quadrature over pairs of them.
#[test]
fn a_discrete_draw_after_one_that_is_differentiated_through() {
    let text = "data y: real\nmodel { z ~ Normal(0, 1); b ~ Bernoulli(0.4); y ~ Normal(z + 2 * b, 1) }\n\
        guide { param m: real; param c: real; z ~ Normal(m, 0.7); b ~ Bernoulli(logits: c * z) by score }\n\
        fit { objective: iwae(2) }\n";
    let (data, params) = world(text, 1);
    let y = data.arrays[0].values.get(0);
    let exact = |params: &[f64]| {
        let [m, c] = params[..] else { panic!("{params:?}") };
        let step = 0.1;
        let mut draws = vec![];
        for i in -60..=60 {
            let z = m + 0.7 * step * f64::from(i);
            for b in [0.0, 1.0] {
                let log_q = log_normal(z, m, 0.7) + log_bernoulli(b, c * z);
                let log_p =
                    log_normal(z, 0.0, 1.0) + log_bernoulli(b, (0.4f64 / 0.6).ln()) + log_normal(y, z + 2.0 * b, 1.0);
                draws.push((log_q.exp() * 0.7 * step, log_p - log_q));
            }
        }
        let pair = |(one, other): (&(f64, f64), &(f64, f64))| one.0 * other.0 * bound([one.1, other.1], 0.0);
        draws.iter().flat_map(|one| draws.iter().map(move |other| (one, other))).map(pair).sum()
    };
    let found = Runs::new(text, &data, &params, None).summary(&data, 4 * STEPS);
    assert_same(text, &found, &slopes(&params, &exact));
}

/// Two sites after one another in every row of a batch, one outside that all draws of a row share, a summed-out site in
/// the weights: against differences of the value at the same noise.
#[test]
fn doubly_reparameterized_gradients_are_those_of_the_value() {
    let rows = "dim N\ndata x[N]: real\nparam slope: real\nmodel {\n  m ~ Normal(0, 1)\n  for n in N {\n    z1 ~ Normal(m, 1)\n    \
        z2 ~ Normal(slope * z1, 1)\n    b ~ Bernoulli(0.3)\n    x[n] ~ Normal(z2 + z1 + b, 0.8) } }\n\
        guide meanfield {\n  param a: real\n  param c: real\n  for n in N {\n    z1 ~ Normal(a * x[n] + 0.3 * m, 0.8)\n    \
        z2 ~ Normal(c * z1, exp(a)) } }\n";
    let own = "dim N\ndata y[N]: count\nmodel {\n  a ~ Normal(0, 1)\n  r ~ Gamma(2, 1)\n  for n in N { y[n] ~ Poisson(r * exp(a)) } }\n";
    let local = "dim N\ndata y[N]: real\nmodel {\n  m ~ Normal(0, 1)\n  for n in N { z ~ Normal(m, 1); y[n] ~ Normal(exp(z), 1) } }\n";
    let cases = [
        (format!("{rows}fit {{ objective: iwae(3); batch: N = 2 }}\n"), Some(2)),
        (format!("{rows}fit {{ objective: renyi(0.5, 3); particles: 2 }}\n"), None),
        (format!("{own}guide fullrank\nfit {{ objective: renyi(-0.5, 3) }}\n"), None),
        (format!("{own}guide meanfield\nfit {{ objective: iwae(3) }}\n"), None),
        (format!("{local}guide meanfield\nfit {{ objective: iwae(3) }}\n"), None),
    ];
    for (text, rows) in cases {
        let (data, params) = world(&text, 4);
        let found = Runs::new(&text, &data, &params, rows).summary(&data, STEPS);
        let wanted = differences(&text, &data, &params, rows);
        assert_same(&text, &found, &wanted);
    }
}

/// Of the mean value, with the noise of the two ends the same.
fn differences(text: &str, data: &Bound, params: &[f64], rows: Option<usize>) -> Vec<[f64; 3]> {
    let (h, steps) = (1e-4, STEPS / 4);
    let slope = |i: usize| {
        let value = |by: f64, at: usize| {
            let mut moved = params.to_vec();
            moved[i] += by;
            let mut runs = Runs::new(text, data, &moved, rows);
            runs.random = Random(1_000 + i as u64);
            (0..at).map(|_| runs.step(data).0).collect::<Vec<f64>>()
        };
        let (up, down) = (value(h, steps), value(-h, steps));
        let all: Vec<f64> = up.iter().zip(&down).map(|(a, b)| (a - b) / (2.0 * h)).collect();
        let n = all.len() as f64;
        let mean = all.iter().sum::<f64>() / n;
        let variance = all.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
        [mean, (variance / n).sqrt(), variance]
    };
    (0..params.len()).map(slope).collect()
}

/// Of y ~ N(z, 1), z ~ N(0, 1) under a guide that is off: larger with every draw more, and at last the evidence; an upper
/// bound of a negative order lies above it.
#[test]
fn more_draws_come_closer_to_the_evidence() {
    let text = |objective: &str| {
        format!(
            "dim N\ndata y[N]: real\nmodel {{ for n in N {{ z ~ Normal(0, 1); y[n] ~ Normal(z, 1) }} }}\n\
             guide {{ param m: real = 0; for n in N {{ z ~ Normal(m, 1.2) }} }}\nfit {{ objective: {objective} }}\n"
        )
    };
    let mean = |objective: &str, steps: usize| {
        let text = text(objective);
        let (data, _) = world(&text, 3);
        let mut runs = Runs::new(&text, &data, &[0.2], None);
        let values: Vec<f64> = (0..steps).map(|_| runs.step(&data).0).collect();
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let exact: f64 = (0..3).map(|n| log_normal(data.arrays[0].values.get(n), 0.0, 2f64.sqrt())).sum();
        (mean - exact, (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n / n).sqrt())
    };
    let gaps: Vec<(f64, f64)> = [1, 4, 16].iter().map(|k| mean(&format!("iwae({k})"), 20_000 / k)).collect();
    for pair in gaps.windows(2) {
        assert!(pair[0].0 + 3.0 * pair[0].1 < pair[1].0 - 3.0 * pair[1].1, "{gaps:?}");
    }
    assert!(gaps.iter().all(|(gap, se)| gap - 3.0 * se < 0.0), "{gaps:?}");
    let (gap, se) = mean("iwae(2000)", 20);
    assert!(gap.abs() < 4.0 * se + 0.01, "{gap} {se}");
    let (above, se) = mean("renyi(-1, 64)", 300);
    assert!(above > 3.0 * se, "{above} {se}");
}

/// From the command line: the objective is told beside the bound, which lies below it.
#[test]
fn a_weighted_bound_is_fitted_and_told() {
    let model = "dim N\ndata y[N]: real\nparam mu: real = 0\nmodel { for n in N { z ~ Normal(mu, 1); y[n] ~ Normal(z, 1) } }\n\
        guide { param b: real = 0; for n in N { z ~ Normal(b, 1.5) } }\nfit { objective: iwae(8); batch: N = 3; steps: 1500; optimizer: adam(lr: cosine(0.05)) }\n";
    let y = [1.0, 3.0, 2.5, 0.0, 4.0];
    let csv: String = std::iter::once("y".into()).chain(y.iter().map(f64::to_string)).map(|line| line + "\n").collect();
    let place = Place::new(&[("m.vi", model), ("d.csv", &csv)]);
    let ran = place.run(&["fit", "m.vi", "--data", "d.csv", "--out", "r", "--quiet"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let summary: serde_json::Value = serde_json::from_str(&place.read("r/summary.json")).expect("json");
    let number =
        |at: &str| summary.pointer(at).and_then(serde_json::Value::as_f64).unwrap_or_else(|| panic!("{at}: {summary}"));
    let evidence: f64 = y.iter().map(|y| log_normal(*y, 2.1, 2f64.sqrt())).sum();
    let (value, se) = (number("/objective_value/mean"), number("/objective_value/se"));
    assert!((number("/params/mu/value") - 2.1).abs() < 0.3, "{summary}");
    assert!(
        value < evidence + 3.0 * se && value > number("/elbo/mean") && value > evidence - 1.0,
        "{evidence} {summary}"
    );
}
