//! `ppl simulate`: what is drawn has the distribution that is written, and a fit finds back what it was drawn from.

use std::f64::consts::FRAC_PI_4;

use serde_json::Value;

use crate::cli::Place;

const REGRESSION: &str = "\
dim N

data x[N]: real
data y[N]: real

model {
  a ~ Normal(0, 5)
  b ~ Normal(0, 5)
  sigma ~ HalfNormal(2)
  for n in N {
    mean = a + b * x[n]
    y[n] ~ Normal(mean, sigma)
  }
}
";

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(list) => list.iter().flat_map(numbers).collect(),
        value => vec![value.as_f64().unwrap_or(f64::NAN)],
    }
}

#[test]
fn a_fit_of_simulated_data_finds_back_the_truth() {
    let xs: Vec<String> = (0..200).map(|i| format!("{}", (f64::from(i) - 100.0) / 50.0)).collect();
    let place = Place::new(&[("m.vi", REGRESSION), ("x.csv", &format!("x\n{}\n", xs.join("\n")))]);
    for seed in ["1", "2"] {
        let ran = place.run(&["simulate", "m.vi", "--data", "x.csv", "--seed", seed, "--out", "sim.csv"]);
        assert_eq!((ran.code, ran.out.as_str()), (0, "sim.csv\ntruth.json\n"), "{}", ran.err);
        let truth = json(&place.read("truth.json"));
        let fit = place.run(&["fit", "m.vi", "--data", "sim.csv", "--json"]);
        assert_eq!(fit.code, 0, "{}", fit.err);
        let summary = json(&fit.out);
        for site in ["a", "b", "sigma"] {
            let found = &summary["sites"][site];
            let (mean, sd) = (found["mean"].as_f64().expect("a mean"), found["sd"].as_f64().expect("an sd"));
            let truth = truth["sites"][site].as_f64().expect("a number");
            assert!((mean - truth).abs() < 4.0 * sd, "{site}: {mean} +- {sd}, drawn as {truth}");
            assert!(sd < 0.5, "{site}: an sd of {sd} finds nothing");
        }
        // Definitions are told row by row.
        let means = numbers(&truth["definitions"]["mean"]);
        let (a, b) = (truth["sites"]["a"].as_f64(), truth["sites"]["b"].as_f64());
        assert!((means[0] - (a.expect("a") - 2.0 * b.expect("b"))).abs() < 1e-9 && means.len() == 200);
    }
}

#[test]
fn a_seed_draws_the_same_and_another_draws_anew() {
    let place = Place::new(&[(
        "m.vi",
        "dim N\ndata y[N]: count\nmodel {\n  r ~ Gamma(2, 1)\n  for n in N { y[n] ~ Poisson(r) }\n}\n",
    )]);
    let run = |seed: &str| {
        let ran = place.run(&["simulate", "m.vi", "--set", "N=40", "--seed", seed, "--out", "y.json"]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        (place.read("y.json"), place.read("truth.json"))
    };
    let first = run("7");
    assert_eq!(first, run("7"));
    assert_ne!(first.0, run("8").0);
    assert_eq!(json(&first.0)["N"], 40);
    // More rows leave the first ones as they were.
    let ran = place.run(&["simulate", "m.vi", "--set", "N=50", "--seed", "7", "--out", "more.json"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(numbers(&json(&place.read("more.json"))["y"])[..40], numbers(&json(&first.0)["y"]));
}

/// A type, a distribution over it, and mean and variance of each entry of a value.
type Drawn = (&'static str, &'static str, &'static [f64], &'static [f64]);

const DRAWN: &[Drawn] = &[
    ("real", "Normal(1, 2)", &[1.0], &[4.0]),
    ("real", "Laplace(1, 2)", &[1.0], &[8.0]),
    ("real", "Logistic(1, 2)", &[1.0], &[13.159_472_53]),
    ("real", "Gumbel(1, 2)", &[2.154_431_33], &[6.579_736_267]),
    ("real(-1, 3)", "Uniform(-1, 3)", &[1.0], &[4.0 / 3.0]),
    ("real", "StudentT(8, 1, 2)", &[1.0], &[4.0 * 8.0 / 6.0]),
    ("positive", "LogNormal(0, 0.5)", &[1.133_148_453], &[0.364_695_84]),
    ("positive", "HalfNormal(2)", &[1.595_769_122], &[1.453_520_911]),
    ("positive", "Exponential(2)", &[0.5], &[0.25]),
    ("positive", "Gamma(3, 2)", &[1.5], &[0.75]),
    ("positive", "Weibull(2, 3)", &[2.658_680_776], &[1.931_416_53]),
    ("real(1, inf)", "Pareto(1, 6)", &[1.2], &[0.06]),
    ("positive", "Erlang(3, 2)", &[1.5], &[0.75]),
    ("positive", "InverseGamma(6, 5)", &[1.0], &[0.25]),
    ("positive", "ChiSquared(4)", &[4.0], &[8.0]),
    ("real(0, inf)", "TruncatedNormal(0, 1, 0, inf)", &[0.797_884_561], &[0.363_380_228]),
    ("unit", "Kumaraswamy(2, 3)", &[0.457_142_857], &[0.041_020_408]),
    ("unit", "RelaxedBernoulli(1, 0.5)", &[0.5], &[1.0 / 12.0]),
    ("real(-3.141592653589793, 3.141592653589793)", "VonMises(0, 1)", &[0.0], &[1.604_254_3]),
    ("unit", "Beta(2, 3)", &[0.4], &[0.04]),
    ("binary", "Bernoulli(0.3)", &[0.3], &[0.21]),
    ("category(3)", "Categorical([0.2, 0.3, 0.5])", &[1.3], &[0.61]),
    ("count", "Poisson(4)", &[4.0], &[4.0]),
    ("count(10)", "Binomial(10, 0.3)", &[3.0], &[2.1]),
    ("count", "Geometric(0.25)", &[3.0], &[12.0]),
    ("count", "NegativeBinomial(3, 2)", &[3.0], &[7.5]),
    ("count", "ZeroInflatedPoisson(0.3, 2)", &[1.4], &[2.24]),
    ("count(10)", "BetaBinomial(10, 2, 3)", &[4.0], &[6.0]),
    ("count(6)", "DiscreteUniform(2, 6)", &[4.0], &[2.0]),
    ("category(3)", "OrderedLogistic(0, [-1, 1])", &[1.0], &[0.537_882_843]),
    ("count(10)", "DiscretizedLogistic(4, 1)", &[4.015_057_08], &[3.162_014_795]),
    ("real", "Mixture([0.25, 0.75], [Normal(0, 1), Normal(4, 1)])", &[3.0], &[4.0]),
    ("real(1, inf)", "Truncated(Exponential(1), lo: 1)", &[2.0], &[1.0]),
    // A clipped exponential: E min(X, 1) and its variance.
    ("positive", "Censored(Exponential(1), hi: 1)", &[0.632_120_559], &[0.129_045_71]),
    ("simplex[2]", "Dirichlet([1, 3])", &[0.25, 0.75], &[0.0375, 0.0375]),
    ("real[2]", "MvNormal([1, -1], chol: cholesky([[2, 0.5], [0.5, 1]]))", &[1.0, -1.0], &[2.0, 1.0]),
    ("simplex[2]", "LogisticNormal(0, 1)", &[0.5, 0.5], &[0.043_379_036, 0.043_379_036]),
    ("simplex[2]", "Concrete(1, [0.5, 0.5])", &[0.5, 0.5], &[1.0 / 12.0, 1.0 / 12.0]),
    ("real[2]", "AR([0.5], 1)", &[0.0, 0.0], &[1.0, 1.25]),
    ("onehot[3]", "OneHot([0.2, 0.3, 0.5])", &[0.2, 0.3, 0.5], &[0.16, 0.21, 0.25]),
    ("count(5)[3]", "Multinomial(5, [0.2, 0.3, 0.5])", &[1.0, 1.5, 2.5], &[0.8, 1.05, 1.25]),
    // n p (1 - p) (n + a) / (1 + a), of a = 4
    ("count(5)[2]", "DirichletMultinomial(5, [1, 3])", &[1.25, 3.75], &[1.6875, 1.6875]),
    ("real[3]", "GaussianRandomWalk(2)", &[0.0, 0.0, 0.0], &[4.0, 8.0, 12.0]),
    // A correlation that is uniform on -1 to 1, and what is left of the second row.
    ("cholesky_corr[2]", "LKJCholesky(1)", &[1.0, 0.0, 0.0, FRAC_PI_4], &[0.0, 0.0, 1.0 / 3.0, 0.049_816_4]),
];

/// Without mean or variance, or of no use for data.
const NOT_BY_MOMENTS: [&str; 4] = ["Cauchy", "HalfCauchy", "Flat", "Delta"];

/// A distribution that is added gets a line above.
#[test]
fn every_distribution_is_drawn() {
    let lines: Vec<&str> = DRAWN.iter().map(|(_, dist, ..)| *dist).collect();
    for name in ppl::dist::catalogue::ROWS.iter().map(|row| row.name) {
        let drawn = lines.iter().any(|line| line.contains(&format!("{name}(")));
        assert!(drawn || NOT_BY_MOMENTS.contains(&name), "{name} is not among what is drawn");
    }
}

#[test]
fn what_is_drawn_has_the_mean_and_the_variance_of_its_distribution() {
    const ROWS: usize = 2000;
    for (ty, dist, means, variances) in DRAWN {
        let model = format!("dim N\ndata y[N]: {ty}\nmodel {{ for n in N {{ y[n] ~ {dist} }} }}\n");
        let place = Place::new(&[("m.vi", &model)]);
        let ran = place.run(&["simulate", "m.vi", "--set", &format!("N={ROWS}"), "--out", "y.json"]);
        assert_eq!(ran.code, 0, "{dist}: {}", ran.err);
        let all = numbers(&json(&place.read("y.json"))["y"]);
        assert_eq!(all.len(), ROWS * means.len(), "{dist}");
        for (entry, (mean, variance)) in means.iter().zip(*variances).enumerate() {
            let y: Vec<f64> = all.iter().skip(entry).step_by(means.len()).copied().collect();
            let n = ROWS as f64;
            let found = y.iter().sum::<f64>() / n;
            let square: Vec<f64> = y.iter().map(|y| (y - mean).powi(2)).collect();
            let spread = square.iter().sum::<f64>() / n;
            let fourth = square.iter().map(|s| (s - spread).powi(2)).sum::<f64>() / n;
            let (far, wide) = (4.5 * (variance / n).sqrt() + 1e-12, 4.5 * (fourth / n).sqrt() + 1e-6);
            assert!((found - mean).abs() <= far, "{dist}, entry {entry}: mean {found}, not {mean}");
            assert!((spread - variance).abs() <= wide, "{dist}, entry {entry}: variance {spread}, not {variance}");
        }
    }
}

#[test]
fn a_chain_reads_the_row_before_in_sites_and_in_data() {
    let model = "\
dim S
dim T
data y[S, T]: real?
data w[S, T]: real

model {
  for i in S {
    for t in T chain {
      x ~ Normal(if t == 0 then 100 * i else x[t-1] + 1, 1e-6)
      y[i, t] ~ Normal(x, 1e-6)
      w[i, t] ~ Normal(if t == 0 then y[i, t] else w[i, t-1] + y[i, t], 1e-6)
    }
  }
}
";
    let place = Place::new(&[("m.vi", model)]);
    let ran = place.run(&["simulate", "m.vi", "--set", "S=2", "--set", "T=5", "--out", "y.json"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let data = json(&place.read("y.json"));
    let near = |found: Vec<f64>, expected: &[f64]| {
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-3), "{found:?} is not {expected:?}");
        assert_eq!(found.len(), expected.len());
    };
    near(numbers(&data["y"]), &[0.0, 1.0, 2.0, 3.0, 4.0, 100.0, 101.0, 102.0, 103.0, 104.0]);
    near(numbers(&data["w"]), &[0.0, 1.0, 3.0, 6.0, 10.0, 100.0, 201.0, 303.0, 406.0, 510.0]);
    near(numbers(&json(&place.read("truth.json"))["sites"]["x"]), &numbers(&data["y"]));
}

#[test]
fn components_are_drawn_one_by_one_and_vectors_as_one() {
    let model = "\
dim N
data y[N]: real[2]
data c[N]: category(2)[3]

model {
  w: simplex[3] ~ Dirichlet(2)
  mu: real[2] ~ Normal(0, 100)
  for n in N {
    y[n] ~ Mixture([0.5, 0.5], Normal(mu, 0.1))
    c[n] ~ Categorical([0.5, 0.5])
  }
}
";
    let place = Place::new(&[("m.vi", model)]);
    let ran = place.run(&["simulate", "m.vi", "--set", "N=400", "--out", "y.csv"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let truth = json(&place.read("truth.json"));
    let (w, mu) = (numbers(&truth["sites"]["w"]), numbers(&truth["sites"]["mu"]));
    assert!((w.iter().sum::<f64>() - 1.0).abs() < 1e-9 && w.iter().all(|w| *w > 0.0), "{w:?}");
    let text = place.read("y.csv");
    assert_eq!(text.lines().next(), Some("y.1,y.2,c.1,c.2,c.3"));
    // Every entry has a label of its own: all four pairs are met, each a quarter of the rows.
    let mut met = [0; 4];
    let mut labels = [0; 8];
    for line in text.lines().skip(1) {
        let row: Vec<f64> = line.split(',').map(|cell| cell.parse().expect("a number")).collect();
        let near = |y: f64| usize::from((y - mu[1]).abs() < (y - mu[0]).abs());
        met[2 * near(row[0]) + near(row[1])] += 1;
        labels[(4.0 * row[2] + 2.0 * row[3] + row[4]) as usize] += 1;
    }
    assert!(met.iter().all(|count| (60..=140).contains(count)), "{met:?}");
    assert!(labels.iter().all(|count| (20..=85).contains(count)), "{labels:?}");
}

#[test]
fn point_parameters_are_where_they_are_given_or_start() {
    let model = "\
dim N
dim K = 2
data y[N]: real
param mu[K]: real = 3
param sigma: positive = 0.5
param w: simplex[2]

model {
  for n in N {
    c ~ Categorical(w)
    y[n] ~ Normal(mu[c], sigma)
  }
}
";
    let place = Place::new(&[
        ("m.vi", model),
        ("p.json", r#"{"mu": [-50, 50], "sigma": 1}"#),
        ("bad.json", r#"{"sigma": -1}"#),
    ]);
    let ran = place.run(&["simulate", "m.vi", "--set", "N=300", "--param", "p.json", "--out", "y.json"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let truth = json(&place.read("truth.json"));
    assert_eq!((numbers(&truth["params"]["mu"]), &truth["params"]["sigma"]), (vec![-50.0, 50.0], &1.0.into()));
    let c = numbers(&truth["sites"]["c"]);
    let y = numbers(&json(&place.read("y.json"))["y"]);
    assert!(c.iter().zip(&y).all(|(c, y)| (y - if *c == 1.0 { 50.0 } else { -50.0 }).abs() < 5.0));
    assert!(c.contains(&0.0) && c.contains(&1.0));
    let plain = place.run(&["simulate", "m.vi", "--set", "N=3", "--out", "y.json"]);
    assert_eq!(plain.code, 0, "{}", plain.err);
    assert_eq!(numbers(&json(&place.read("truth.json"))["params"]["mu"]), [3.0, 3.0]);
    let bad = place.run(&["simulate", "m.vi", "--set", "N=3", "--param", "bad.json", "--out", "y.json"]);
    assert_eq!(bad.code, 1);
    assert!(bad.err.contains("the value given for `sigma` is not in positive"), "{}", bad.err);
}

#[test]
fn a_start_told_by_the_data_to_be_drawn_waits_for_none() {
    let text = "dim N\ndata y[N]: real\nparam m: real = mean(y)\nmodel { for n in N { y[n] ~ Normal(m, 1) } }\n";
    let place = Place::new(&[("m.vi", text)]);
    let ran = place.run(&["simulate", "m.vi", "--set", "N=50", "--seed", "4", "--out", "y.json"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let energy = "dim N\ndata x[N]: binary[2]\nenergy e(x: binary[2], h: binary[2]) = -dot(x, h)\n\
                  model { for n in N { (x[n], h: binary[2]) ~ Boltzmann(e) } }\n";
    let place = Place::new(&[("e.vi", energy)]);
    let ran = place.run(&["simulate", "e.vi", "--set", "N=50", "--out", "x.json"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("the energy `e` cannot be simulated") && !ran.err.contains("prior"), "{}", ran.err);
}

#[test]
fn what_cannot_be_simulated_says_why() {
    let cases = [
        ("no_draw", "mu ~ Flat()\n  for n in N { y[n] ~ Normal(mu, 1) }", "`Flat` cannot be drawn from"),
        ("no_draw", "mu ~ Normal(0, 1)\n  factor -mu\n  for n in N { y[n] ~ Normal(mu, 1) }", "`factor`"),
        ("no_draw", "s: positive ~ Normal(0, 1)\n  for n in N { y[n] ~ Normal(0, s) }", "restricted to positive"),
        ("value", "mu ~ Normal(0, 1)\n  for n in N { y[n] ~ Normal(0, mu + 1e-3) }", "which is not in positive"),
    ];
    for (code, body, says) in cases {
        let place = Place::new(&[("m.vi", &format!("dim N\ndata y[N]: real\nmodel {{\n  {body}\n}}\n"))]);
        let ran = place.run(&["simulate", "m.vi", "--set", "N=50", "--seed", "4", "--out", "y.json"]);
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{body}: {}", ran.err);
        assert!(ran.err.contains(&format!("ppl::simulate::{code}")) && ran.err.contains(says), "{body}: {}", ran.err);
        assert!(!place.path().join("y.json").exists() && !place.path().join("truth.json").exists());
    }
}

#[test]
fn what_does_not_fit_in_a_table_or_has_no_size_is_told() {
    let place = Place::new(&[
        ("m.vi", "dim N\ndim M\ndata y[N, M]: real\nmodel { for n in N { for m in M { y[n, m] ~ Normal(0, 1) } } }\n"),
        ("latent.vi", "model { z ~ Normal(0, 1) }\n"),
    ]);
    let sizes = ["--set", "N=3", "--set", "M=2"];
    let csv = place.run(&[&["simulate", "m.vi", "--out", "y.csv"][..], &sizes].concat());
    assert_eq!(csv.code, 2);
    assert!(csv.err.contains("`--out y.json`"), "{}", csv.err);
    let json_file = place.run(&[&["simulate", "m.vi", "--out", "y.json"][..], &sizes].concat());
    assert_eq!(json_file.code, 0, "{}", json_file.err);
    let data = json(&place.read("y.json"));
    assert_eq!((numbers(&data["y"]).len(), &data["y"][2].as_array().map(Vec::len)), (6, &Some(2)));
    let unsized_ = place.run(&["simulate", "m.vi", "--set", "N=3", "--out", "y.json"]);
    assert_eq!(unsized_.code, 1);
    assert!(unsized_.err.contains("`--set M=10`"), "{}", unsized_.err);
    let latent = place.run(&["simulate", "latent.vi", "--out", "y.json"]);
    assert_eq!(latent.code, 1);
    assert!(latent.err.contains("observes no data"), "{}", latent.err);
    assert_eq!(place.run(&["simulate", "m.vi", "--out", "y.npz"]).code, 2);
    assert_eq!(place.run(&["simulate", "m.vi", "--out", "truth.json"]).code, 2);
}
