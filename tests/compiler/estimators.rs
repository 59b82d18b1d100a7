//! Gradient estimators as `ppl estimators` measures them: variances that are known, unbiased ones against enumeration, and
//! the command itself.

use ppl::data::Bound;
use ppl::fit::measure::{AtSite, Measured, Row, Task, Told, measure};
use ppl::plan::reference::Reference;

use crate::cli::Place;
use crate::score::{derived, world};

/// Gradients behind a mean.
const SAMPLES: usize = if cfg!(debug_assertions) { 2_000 } else { 100_000 };

fn measured(text: &str, data: &Bound, params: &[f64], samples: usize) -> Measured {
    let elbo = derived(text);
    let samples = Some(samples);
    measure(&Task { elbo: &elbo, data, backend: &Reference, params, seed: 3, samples }).expect(text)
}

fn row<'m>(at: &'m AtSite, request: &str) -> &'m Row {
    at.rows.iter().find(|row| row.request.to_string() == request).unwrap_or_else(|| panic!("no {request}"))
}

fn told(row: &Row) -> &Told {
    row.told.as_ref().expect("measured")
}

/// Of estimators by name.
type Variances = &'static [(&'static str, f64)];

/// The toy of the REBAR paper, and two Gaussian integrands; the mean of costs that a running mean takes has a variance
/// of its own, 1/39 of theirs.
#[test]
fn variances_are_those_that_are_known() {
    let toy = |particles: usize| {
        format!(
            "model {{ b ~ Bernoulli(0.5); factor (b - 0.45)^2 }}\nguide {{ param l: real = 0; b ~ Bernoulli(logits: l) }}\n\
             fit {{ particles: {particles} }}\n"
        )
    };
    let normal = |f: &str| {
        format!(
            "model {{ x ~ Flat(); factor {f} }}\nguide {{ param m: real = 1; x ~ Normal(m, 1) }}\nfit {{ particles: 1 }}\n"
        )
    };
    let known: [(String, f64, Variances); 4] = [
        (
            toy(1),
            0.0,
            &[("score(baseline: none)", 1.5939e-2), ("score(baseline: mean)", 0.0025 / 39.0 / 4.0), ("enumerate", 0.0)],
        ),
        (toy(2), 0.0, &[("score(baseline: none)", 7.97e-3), ("score(baseline: loo)", 6.25e-4), ("disarm", 0.0)]),
        (
            normal("(x + 3)^2"),
            1.0,
            &[
                ("pathwise", 4.0),
                ("score(baseline: none)", 495.0),
                ("score(baseline: mean)", 138.0 + 66.0 / 39.0),
                ("score(baseline: regression)", 134.0),
            ],
        ),
        (normal("cos(5 * x)"), 1.0, &[("pathwise", 12.5), ("score(baseline: none)", 0.5)]),
    ];
    for (text, at, variances) in known.into_iter().take(if cfg!(debug_assertions) { 2 } else { 4 }) {
        let found = measured(&text, &Bound::default(), &[at], (4 * SAMPLES).max(20_000));
        for (request, variance) in variances {
            let gap = &told(row(&found.sites[0], request)).all;
            let (told, se) = (gap.variance.mean, gap.variance.se);
            assert!((told - variance).abs() <= 4.0 * se + 0.005 * variance + 1e-12, "{text}{request}: {told} se {se}");
            assert!(gap.bias.mean <= 4.0 * gap.bias.se + 1e-12, "{text}{request}: {gap:?}");
        }
    }
}

/// The coefficient is estimated as the steps go, and what is left of the variance is its own.
#[test]
fn a_regression_leaves_nothing_of_the_toy() {
    let text = "model { b ~ Bernoulli(0.5); factor (b - 0.45)^2 }\n\
        guide { param l: real = 0; b ~ Bernoulli(logits: l) by score(baseline: regression) }\n";
    let settings = [(0.0, 1), (1.3, 1), (0.0, 2), (-2.0, 1)];
    for (logit, particles) in settings.into_iter().take(if cfg!(debug_assertions) { 2 } else { 4 }) {
        let text = format!("{text}fit {{ particles: {particles} }}\n");
        let found = measured(&text, &Bound::default(), &[logit], 10_000);
        let at = &found.sites[0];
        let (left, none) = (told(row(at, "score(baseline: regression)")), told(row(at, "score(baseline: none)")));
        assert!(left.all.variance.mean < 1e-6, "{logit}: {:?}", left.all);
        assert!(none.all.variance.mean > 1e-3, "{logit}: {:?}", none.all);
        // C(1) - C(0) is .1.
        let p = 1.0 / (1.0 + f64::exp(-logit));
        let kl = (p / (1.0 - p)).ln();
        let slope = p * (1.0 - p) * (0.1 - kl);
        assert!((found.reference.norm - slope.abs()).abs() < 1e-12, "{:?}", found.reference);
    }
}

/// Where the guide is the posterior, the gradient along draws alone is 0 at every draw (Roeder, Wu & Duvenaud 2017,
/// "Sticking the landing"), and no other is.
#[test]
fn a_sampled_divergence_sticks_the_landing() {
    let text = |fit: &str| {
        format!(
            "data y: real\nmodel {{ z ~ Normal(0, 1); y ~ Normal(z, 1) }}\n\
             guide {{ param m: real; param v: positive; z ~ Normal(m, var: v) }}\nfit {{ particles: 1; {fit} }}\n"
        )
    };
    let sampled = text("kl: sampled");
    let (data, _) = world(&sampled, 1);
    let posterior = [data.arrays[0].values.get(0) / 2.0, 0.5f64.ln()];
    let variance = |text: &str, params: &[f64], request: &str| {
        told(row(&measured(text, &data, params, 2_000).sites[0], request)).all.variance.mean
    };
    assert!(variance(&sampled, &posterior, "pathwise") < 1e-24);
    assert!(variance(&sampled, &[posterior[0] + 0.5, posterior[1]], "pathwise") > 1e-3);
    assert!(variance(&sampled, &posterior, "score(baseline: none)") > 1e-3);
    let automatic = "data y: real\nmodel { z ~ Normal(0, 1); y ~ Normal(z, 1) }\nfit { kl: sampled; steps: 1 }\n";
    let posterior = [posterior[0], 0.5 * posterior[1]];
    assert!(variance(automatic, &posterior, "pathwise") < 1e-24);
    assert!(variance(automatic, &[posterior[0], 0.0], "pathwise") > 1e-3);
    // What is left out has the mean 0: against the score function, and where a draw is read by another factor.
    let two = "data y: real\nmodel { a ~ Normal(0, 1); b ~ Normal(a, 1); y ~ Normal(a * b, 1) }\n\
        guide { param m: real; param k: real; param s: positive; a ~ Normal(m, s); b ~ Normal(k * a, s) }\n\
        fit { kl: sampled; particles: 4 }\n";
    let found = measured(two, &data, &[0.4, -0.3, -0.2], SAMPLES);
    for at in &found.sites {
        let gap = told(row(at, "score(baseline: loo)")).all;
        assert!(gap.bias.mean < 4.0 * gap.bias.se && gap.furthest < 4.5, "{gap:?}");
    }
}

const ONE_LAYER: &str = "dim N\ndim H = 8\ndata x[N]: binary[4]\nparam prior: real[H]\n\
    net up(x: binary[4]) -> real[H] { dense(x, H) }\nnet down(h: binary[H]) -> real[4] { dense(h, 4) }\n\
    model { for n in N { h: binary[H] ~ Bernoulli(logits: prior); x[n] ~ Bernoulli(logits: down(h)) } }\n\
    guide { for n in N { h ~ Bernoulli(logits: up(x[n])) @1 } }\n";

const TWO_LAYERS: &str = "dim N\ndata x[N]: binary[3]\nparam prior: real[3]\n\
    net up(x: binary[3]) -> real[5] { dense(x, 5) }\nnet across(h: binary[5]) -> real[3] { dense(h, 3) }\n\
    net down(h: binary[3]) -> real[5] { dense(h, 5) }\nnet out(h: binary[5]) -> real[3] { dense(h, 3) }\n\
    model { for n in N {\n  h2: binary[3] ~ Bernoulli(logits: prior)\n  h1: binary[5] ~ Bernoulli(logits: down(h2))\n  \
    x[n] ~ Bernoulli(logits: out(h1)) } }\n\
    guide { for n in N {\n  h1 ~ Bernoulli(logits: up(x[n])) @1\n  h2 ~ Bernoulli(logits: across(h1)) @2 } }\n";

/// Every legal estimator at every site against the enumerated gradient, block by block.
fn against_enumeration(text: &str, samples: usize, expected: &[&[&str]]) {
    let (data, params) = world(text, 2);
    let found = measured(text, &data, &params, samples);
    assert_eq!(found.reference.gradients, 1, "{text}");
    assert_eq!(found.sites.len(), expected.len());
    for (at, expected) in found.sites.iter().zip(expected) {
        let names: Vec<String> = at.rows.iter().map(|row| row.request.to_string()).collect();
        assert_eq!(names, *expected, "{text}");
        for row in &at.rows {
            let what = format!("{text}{}", row.request);
            let told = told(row);
            if row.biased {
                // Others are less so, which takes more gradients to see.
                let seen = row.request.to_string() == "concrete(0.5)" || samples > 50_000;
                assert!(!seen || told.all.furthest > 6.0, "{what}: {:?}", told.all);
                continue;
            }
            for (block, gap) in found.blocks.iter().zip(&told.blocks) {
                let name = &block.name;
                assert!(gap.bias.mean <= 4.0 * gap.bias.se + 1e-9, "{what}, {name}: {gap:?}");
                // Of one of some hundred parameters.
                assert!(gap.furthest <= 5.0, "{what}, {name}: {gap:?}");
            }
        }
    }
}

const BINARY: &[&str] = &[
    "enumerate",
    "disarm",
    "score(baseline: loo)",
    "score(baseline: none)",
    "score(baseline: mean)",
    "score(baseline: regression)",
    "score(baseline: net(100))",
    "rebar",
    "relax",
    "concrete(0.5)",
    "concrete(0.1)",
    "straight_through",
];

/// Where a layer is drawn after it.
const BEFORE: &[&str] = &[
    "enumerate",
    "score(baseline: loo)",
    "score(baseline: none)",
    "score(baseline: mean)",
    "score(baseline: regression)",
    "score(baseline: net(100))",
    "concrete(0.5)",
    "concrete(0.1)",
    "straight_through",
];

#[test]
fn a_belief_net_of_one_layer_by_everything_that_is_legal() {
    against_enumeration(&ONE_LAYER.replace("@1", ""), SAMPLES, &[BINARY]);
    let batched = ONE_LAYER.replace("@1", "by relax") + "fit { batch: N = 1; steps: 1; kl: sampled }\n";
    against_enumeration(&batched, SAMPLES.min(20_000), &[BINARY]);
}

#[test]
fn a_belief_net_of_two_layers_by_everything_that_is_legal() {
    let text = |first: &str, second: &str| TWO_LAYERS.replace("@1", first).replace("@2", second);
    // Where one is drawn after it, a layer cannot be enumerated.
    against_enumeration(&text("by score", "by score"), SAMPLES, &[BINARY, &BEFORE[1..]]);
    against_enumeration(&text("by score(baseline: mean)", ""), SAMPLES.min(20_000), &[BINARY, BEFORE]);
}

/// What RELAX learns is worth something.
#[test]
fn a_learned_control_variate_beats_a_fixed_one() {
    let text = "model { b ~ Bernoulli(0.5); factor (b - 0.45)^2 }\n\
        guide { param l: real = 0; b ~ Bernoulli(logits: l) by relax }\nfit { particles: 1 }\n";
    let found = measured(text, &Bound::default(), &[0.0], 10_000);
    let variance = |request: &str| told(row(&found.sites[0], request)).all.variance.mean;
    assert!(variance("relax") < 0.1 * variance("rebar"), "{} {}", variance("relax"), variance("rebar"));
}

/// Draws that share weights: the menu is another, and an estimator that would take them apart is not on it.
#[test]
fn a_weighted_bound_has_a_menu_of_its_own() {
    let text = "dim N\ndata x[N]: binary[4]\nparam prior: real[3]\nnet up(x: binary[4]) -> real[3] { dense(x, 3) }\n\
        net down(h: binary[3]) -> real[4] { dense(h, 4) }\n\
        model { for n in N { h: binary[3] ~ Bernoulli(logits: prior); x[n] ~ Bernoulli(logits: down(h)) } }\n\
        guide { for n in N { h ~ Bernoulli(logits: up(x[n])) } }\nfit { objective: iwae(4) }\n";
    let (data, params) = world(text, 2);
    let found = measured(text, &data, &params, SAMPLES);
    assert_eq!(found.reference.gradients, 10 * SAMPLES);
    let names: Vec<String> = found.sites[0].rows.iter().map(|row| row.request.to_string()).collect();
    assert_eq!(names, ["score", "concrete(0.5)", "concrete(0.1)", "straight_through"]);
    let score = told(&found.sites[0].rows[0]);
    assert!(score.all.bias.mean < 4.0 * score.all.bias.se, "{:?}", score.all);
    assert_eq!(found.sites[0].rows[0].cost, 4);
}

const TOY: &str = "\
model {
  b ~ Bernoulli(0.5)
  factor (b - 0.45)^2
}

guide {
  param l: real = 0
  b ~ Bernoulli(logits: l) by disarm
}
";

#[test]
fn the_command_prints_a_table() {
    let place = Place::new(&[("toy.vi", TOY)]);
    let ran = place.run(&["estimators", "toy.vi", "--samples", "200"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.err);
    assert_eq!(ran.out, TABLE, "\n{}", ran.out);
    // The same seed, the same bytes; another, another.
    assert_eq!(place.run(&["estimators", "toy.vi", "--samples", "200", "--seed", "0"]).out, ran.out);
    assert_ne!(place.run(&["estimators", "toy.vi", "--samples", "200", "--seed", "1"]).out, ran.out);
    let blocks = place.run(&["estimators", "toy.vi", "--samples", "200", "--blocks"]).out;
    assert_eq!(blocks.lines().filter(|line| line.starts_with("    l  ")).count(), 11, "{blocks}");
    let json = place.run(&["estimators", "toy.vi", "--samples", "200", "--json"]).out;
    let value: serde_json::Value = serde_json::from_str(&json).expect(&json);
    assert_eq!(value["reference"]["exact"], true);
    let rows = value["sites"][0]["estimators"].as_array().expect("rows");
    let disarm = rows.iter().find(|row| row["estimator"] == "disarm").expect("disarm");
    assert_eq!((disarm["asked"].clone(), disarm["cost"].clone()), (true.into(), 2.into()));
    assert!((disarm["blocks"][0]["norm"].as_f64().expect("a number") - 0.025).abs() < 1e-12, "{disarm}");
}

const TABLE: &str = "\
estimators toy
  at          the start of a fit; rows: all
  reference   the exact gradient, summed over the states of b, of size 0.0250 over 1 parameter
  each        200 gradients, seed 0
  bias        how far their mean is from the reference \u{b1} how far its noise alone would take it
  cost        evaluations of a row's cost for one gradient

b                                           bias  variance  cost  variance x cost
  enumerate                                    0         0     2                0  the compiler's choice
  disarm                                       0         0     2                0  asked for
  score(baseline: loo)         0.00225 \u{b1} 0.00177   6.23e-4     2          0.00125
  score(baseline: none)        6.31e-4 \u{b1} 0.00604   0.00729     2           0.0146
  score(baseline: mean)        1.85e-5 \u{b1} 1.46e-4   4.27e-6     2          8.54e-6
  score(baseline: regression)  2.00e-5 \u{b1} 1.85e-5   6.84e-8     2          1.37e-7
  rebar                        0.00165 \u{b1} 0.00712    0.0101     6           0.0608
  relax                        6.33e-4 \u{b1} 9.42e-4   1.78e-4     6          0.00107
  concrete(0.5)                0.00299 \u{b1} 0.00834    0.0139     1           0.0139  biased
  concrete(0.1)                  0.0358 \u{b1} 0.0170    0.0577     1           0.0577  biased
  straight_through              0.00750 \u{b1} 0.0177    0.0628     1           0.0628  biased
";

const ROWS: &str = "\
dim N

data y[N]: real

model {
  for n in N {
    b ~ Bernoulli(0.4)
    y[n] ~ StudentT(3, 2 * b, 1)
  }
}

guide {
  param a: real
  for n in N {
    b ~ Bernoulli(logits: a * y[n])
  }
}
";

#[test]
fn a_run_is_measured_where_it_ended_and_a_batch_is_named() {
    let place = Place::new(&[("rows.vi", ROWS), ("y.csv", "y\n0.1\n2.2\n-0.3\n1.9\n")]);
    let fit = place.run(&["fit", "rows.vi", "--data", "y.csv", "--steps", "200", "--out", "run", "--quiet"]);
    assert_eq!(fit.code, 0, "{}", fit.err);
    let at = |args: &[&str]| {
        let ran = place.run(&[&["estimators"], args, &["--data", "y.csv", "--samples", "100"]].concat());
        assert_eq!(ran.code, 0, "{}", ran.err);
        ran.out
    };
    let (start, run) = (at(&["rows.vi"]), at(&["run"]));
    assert!(
        start.contains("the start of a fit; rows: all") && run.contains("at          run; rows: all"),
        "{start}{run}"
    );
    let table = |text: &str| text.split_once("\nb[n]").expect("a table").1.to_string();
    assert_ne!(table(&start), table(&run));
    let batch = at(&["run", "--batch", "N=3"]);
    assert!(batch.contains("rows: one batch, 3 of N = 4, the same for all"), "{batch}");
}

#[test]
fn what_is_not_estimated_is_told_so() {
    let summed = "model {\n  c ~ Bernoulli(0.3)\n  factor c\n}\n";
    let point = "dim N\n\ndata y[N]: real\n\nparam m: real\n\nmodel {\n  for n in N { y[n] ~ Normal(m, 1) }\n}\n";
    let place = Place::new(&[("summed.vi", summed), ("point.vi", point), ("rows.vi", ROWS), ("y.csv", "y\n1\n2\n")]);
    for (args, says) in [
        (&["summed.vi"][..], "no site of `summed` is drawn"),
        (&["summed.vi"], "`c ~ ...`"),
        (&["point.vi", "--data", "y.csv"], "no site of `point` is drawn"),
        (&["rows.vi", "--data", "y.csv", "--objective", "wake_sleep"], "`wake_sleep` follows updates of its own"),
        (&["rows.vi"], "y"),
    ] {
        let ran = place.run(&[&["estimators"], args].concat());
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{args:?}: {}", ran.err);
        assert!(ran.err.contains(says), "{args:?}: {}", ran.err);
    }
    for args in [
        &["nowhere.vi"][..],
        &["rows.vi", "--data", "y.csv", "--backend", "tpu"],
        &["rows.vi", "--samples", "x"],
        &["."],
    ] {
        let ran = place.run(&[&["estimators"], args].concat());
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{args:?}: {}", ran.err);
    }
}
