//! Objectives in which model and guide follow different expectations: wake-sleep, reweighted wake-sleep, forward KL.

use crate::cli::Place;
use crate::known;
use crate::score::{Runs, STEPS, assert_same, derived, world};
use ppl::model::Owner;

/// A label, what is seen of it, and a guide that looks at it: six numbers to learn.
fn labels(fit: &str) -> String {
    format!(
        "dim N\ndata y[N]: binary\nparam prior: real\nparam c: real\nparam d: real\n\
         model {{ for n in N {{ b ~ Bernoulli(logits: prior); y[n] ~ Bernoulli(logits: c * b + d) }} }}\n\
         guide {{ param a: real; param e: real; for n in N {{ b ~ Bernoulli(logits: a + e * y[n]) by score }} }}\n\
         fit {{ {fit} }}\n"
    )
}

fn log_bernoulli(b: f64, logit: f64) -> f64 {
    b * logit - (1.0 + logit.exp()).ln()
}

/// log p(b, y) and log q(b | y) at the parameters of `labels`.
fn densities(params: &[f64], b: f64, y: f64) -> (f64, f64) {
    let [prior, c, d, a, e] = params[..] else { panic!("{params:?}") };
    (log_bernoulli(b, prior) + log_bernoulli(y, c * b + d), log_bernoulli(b, a + e * y))
}

fn slopes(params: &[f64], of: std::ops::Range<usize>, se: f64, exact: &dyn Fn(&[f64]) -> f64) -> Vec<[f64; 3]> {
    let h = 1e-5;
    let moved = |i: usize, by: f64| {
        let mut params = params.to_vec();
        params[i] += by;
        exact(&params)
    };
    of.map(|i| [(moved(i, h) - moved(i, -h)) / (2.0 * h), se, 0.0]).collect()
}

/// The wake update is the model's share of the gradient of the bound, draw by draw.
#[test]
fn the_model_of_wake_sleep_follows_the_bound() {
    let bound = labels("particles: 1; kl: sampled").replace("by score", "by score(baseline: none)");
    let wake = labels("objective: wake_sleep");
    let (data, params) = world(&bound, 4);
    let (mut one, mut other) = (Runs::new(&bound, &data, &params, None), Runs::new(&wake, &data, &params, None));
    let owners: Vec<Owner> = derived(&bound).model.params.iter().map(|param| param.owner).collect();
    assert!(owners.contains(&Owner::Model) && owners.contains(&Owner::Guide));
    for _ in 0..50 {
        let ((value, bound), (traced, wake)) = (one.step(&data), other.step(&data));
        assert!((value - traced).abs() < 1e-9, "{value} {traced}");
        for (i, _) in owners.iter().enumerate().filter(|(_, owner)| **owner == Owner::Model) {
            assert!((bound[i] - wake[i]).abs() < 1e-9, "slope {i}: {} and {}", bound[i], wake[i]);
        }
    }
}

/// The sleep update is that of E_p log q, one dream a row.
#[test]
fn the_guide_of_wake_sleep_follows_dreams() {
    let text = labels("objective: wake_sleep; batch: N = 2");
    let (data, params) = world(&text, 5);
    let states = [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)];
    let p = params.clone();
    let exact = move |params: &[f64]| {
        let one = |(b, y): (f64, f64)| densities(&p, b, y).0.exp() * densities(params, b, y).1;
        5.0 * states.into_iter().map(one).sum::<f64>()
    };
    let found = Runs::new(&text, &data, &params, Some(2)).summary(&data, STEPS);
    assert_same(&text, &found[3..], &slopes(&params, 3..5, 1e-6, &exact));
}

/// With many draws the weights are those of the exact posterior: the model follows log p(y), the guide E_p(b | y) log q.
#[test]
fn reweighted_updates_tend_to_the_exact_posterior() {
    let text = labels("objective: rws(400, sleep: 0)");
    let (data, params) = world(&text, 3);
    let seen: Vec<f64> = (0..3).map(|n| data.arrays[0].values.get(n)).collect();
    let joint = |params: &[f64], y: f64| [0.0, 1.0].map(|b| densities(params, b, y).0.exp());
    let model = |params: &[f64]| seen.iter().map(|y| joint(params, *y).iter().sum::<f64>().ln()).sum::<f64>();
    let p = params.clone();
    let guide = |params: &[f64]| {
        let row = |y: &f64| {
            let [zero, one] = joint(&p, *y);
            (zero * densities(params, 0.0, *y).1 + one * densities(params, 1.0, *y).1) / (zero + one)
        };
        seen.iter().map(row).sum::<f64>()
    };
    let found = Runs::new(&text, &data, &params, None).summary(&data, 200);
    // What is left of the bias of 400 draws.
    let wanted = [slopes(&params, 0..3, 2e-3, &model), slopes(&params, 3..5, 2e-3, &guide)].concat();
    assert_same(&text, &found, &wanted);
    // Half of the guide's step from dreams.
    let half = labels("objective: rws(4, sleep: 0.5)");
    let (whole, dreams) = (labels("objective: rws(4, sleep: 0)"), labels("objective: rws(4, sleep: 1)"));
    let mean = |text: &str| Runs::new(text, &data, &params, None).summary(&data, STEPS);
    let (half, whole, dreams) = (mean(&half), mean(&whole), mean(&dreams));
    let mixed: Vec<[f64; 3]> =
        whole[3..].iter().zip(&dreams[3..]).map(|(a, b)| [0.5 * (a[0] + b[0]), 0.5 * a[1].hypot(b[1]), 0.0]).collect();
    assert_same("half of each", &half[3..], &mixed);
}

fn fitted(model: &str, flags: &[&str]) -> serde_json::Value {
    let place = Place::new(&[("m.vi", model)]);
    let ran = place.run(&[&["fit", "m.vi", "--out", "r", "--quiet"], flags].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
    serde_json::from_str(&place.read("r/summary.json")).expect("json")
}

fn near(found: &serde_json::Value, at: &str, wanted: f64, within: f64) {
    let value = found.pointer(at).and_then(serde_json::Value::as_f64).unwrap_or_else(|| panic!("{at} in {found}"));
    assert!((value - wanted).abs() < within, "{at}: {value} is not {wanted}");
}

/// KL( p || q ) has the moments of p, where KL( q || p ) has too small sds: .436 of a correlation of .9.
#[test]
fn forward_kl_finds_the_moments_of_what_is_drawn_from() {
    let flags = ["--objective", "forward_kl(64)", "--steps", "2000", "--lr", "cosine(0.05)"];
    for guide in ["guide meanfield", "guide fullrank"] {
        let found = fitted(&known::read("models/correlated.vi").replace("guide meanfield", guide), &flags);
        near(&found, "/sites/z/mean/0", 1.0, 0.06);
        near(&found, "/sites/z/mean/1", -1.0, 0.06);
        near(&found, "/sites/z/sd/0", 1.0, 0.05);
        near(&found, "/sites/z/sd/1", 1.0, 0.05);
    }
    // On other scales: E log u of Gamma(2, 1) is digamma(2), its variance trigamma(2).
    let model = "model { u ~ Gamma(2, 1); z ~ Normal(0, u) }\nguide meanfield\n";
    let found = fitted(model, &flags);
    let (m, v): (f64, f64) = (0.422_784_3, 0.644_934_1);
    near(&found, "/sites/u/mean", (m + 0.5 * v).exp(), 0.15);
    near(&found, "/sites/z/sd", 6f64.sqrt(), 0.25);
}

/// Two bumps are both covered, by weights.
#[test]
fn forward_kl_covers_two_bumps() {
    let found = fitted(&known::read("models/bimodal.vi"), &["--steps", "1500", "--lr", "cosine(0.05)"]);
    near(&found, "/sites/z/mean/0", 0.0, 0.4);
    near(&found, "/sites/z/sd/0", (1.5f64.powi(2) + 0.09).sqrt(), 0.2);
    near(&found, "/sites/z/sd/1", (1.5f64.powi(2) + 0.09).sqrt(), 0.2);
}

/// A Helmholtz machine learns: stripes are likelier after the fit than by chance.
#[test]
fn a_helmholtz_machine_learns_stripes() {
    let model = known::read("models/helmholtz.vi")
        .replace("dim D = 784", "dim D = 8")
        .replace("dim H1 = 64", "dim H1 = 6")
        .replace("dim H2 = 16", "dim H2 = 2")
        .replace(" = threshold(images / 255, 0.5)", "");
    let rows: Vec<String> =
        (0..200).map(|n| if n % 2 == 0 { "[1,1,1,1,0,0,0,0]" } else { "[0,0,0,0,1,1,1,1]" }.into()).collect();
    let place = Place::new(&[("m.vi", &model), ("d.json", &format!("{{\"x\": [{}]}}", rows.join(",")))]);
    let flags = ["--optimizer", "adam", "--lr", "0.02", "--epochs", "300", "--batch", "N=50"];
    let ran = place.run(&[&["fit", "m.vi", "--data", "d.json", "--out", "r", "--quiet"], &flags[..]].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
    let found: serde_json::Value = serde_json::from_str(&place.read("r/summary.json")).expect("json");
    let bound = found["elbo"]["mean"].as_f64().expect("a bound") / 200.0;
    // One bit a row is all there is to know; by chance it would be eight.
    assert!(bound > -2.0 && bound < -std::f64::consts::LN_2 + 0.05, "{bound}");
}

/// How many draws the weighed ones are worth is traced: all of them where the guide is the posterior, fewer elsewhere.
#[test]
fn what_weighed_draws_are_worth_is_traced() {
    let text = "dim N\ndata y[N]: real\nmodel { for n in N { z ~ Normal(0, 1); y[n] ~ Normal(z, 1) } }\n\
        guide { param a: real = 0.5; param v: positive = 0.5; for n in N { z ~ Normal(a * y[n], var: v) } }\n";
    let place = crate::cli::Place::new(&[("m.vi", text), ("y.csv", "y\n0.3\n-1\n2\n0.5\n")]);
    let traced = |flags: &[&str]| {
        let args = [&["fit", "m.vi", "--data", "y.csv", "--force", "--out", "run", "--quiet"], flags].concat();
        let ran = place.run(&args);
        assert_eq!(ran.code, 0, "{}", ran.err);
        let trace = place.read("run/trace.csv");
        let mut lines = trace.lines();
        let head = lines.next().expect("a head").to_string();
        let last = lines.next().expect("a row").rsplit(',').next().expect("a cell").to_string();
        (head, last.parse::<f64>().expect("a number"))
    };
    for flags in [["--objective", "rws(6)", "--steps", "1"], ["--objective", "forward_kl(6)", "--steps", "1"]] {
        let (head, ess) = traced(&flags);
        assert_eq!(head, "step,epoch,seconds,elbo,ess");
        assert!((ess - 6.0).abs() < 1e-9, "{flags:?}: {ess}");
        let (_, ess) = traced(&[&flags[..], &["--batch", "N=3"]].concat());
        assert!((ess - 6.0).abs() < 1e-9, "{flags:?}: {ess}");
        let (_, ess) = traced(&[&flags[..], &["--init", "{a: -2}"]].concat());
        assert!((1.0..4.0).contains(&ess), "{flags:?}: {ess}");
    }
    assert_eq!(traced(&["--steps", "1"]).0, "step,epoch,seconds,elbo");
}
