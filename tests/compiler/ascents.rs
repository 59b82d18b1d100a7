//! The stochastic path by default: where it ends without being told, it is where the deterministic path is.

use ppl::data::Table;
use ppl::fit::drive::{Outcome, Path};
use ppl::plan::reference::Reference;

use crate::known::{self, compiled, run, table};

fn fitted(text: &str, fit: &str, tables: &[Table], seed: u64) -> Outcome {
    let (elbo, data) = compiled("ascent", &format!("{text}\n{fit}\n"), tables);
    run(&elbo, &data, seed, None, &Reference)
}

fn bound(found: &Outcome) -> f64 {
    let bound = found.posterior.elbo.expect("a bound");
    assert!(bound.se <= 0.0101, "{bound:?}");
    bound.mean
}

fn codes(found: &Outcome) -> Vec<&str> {
    found.warnings.iter().map(|w| w.code).filter(|code| !code.starts_with("ppl::fit::khat")).collect()
}

/// Rows of a regression with two predictors, one of them multiplied by `unit`.
fn rows(unit: f64, yes: bool) -> Table {
    let wave = |n: usize, by: f64| (n as f64 * by).sin() + 0.3 * (n as f64 * 2.7 * by).cos();
    let (a, b): (Vec<f64>, Vec<f64>) = (0..60).map(|n| (wave(n, 1.3), 0.6 * wave(n, 1.3) + wave(n, 0.7))).unzip();
    let noise = |n: usize| 0.9 * (n as f64 * 9.1).sin();
    let y: Vec<f64> = (0..60).map(|n| 0.5 + a[n] - 0.8 * b[n] + noise(n)).collect();
    let y: Vec<f64> = if yes { y.iter().map(|y| f64::from(*y > 0.0)).collect() } else { y };
    let b: Vec<f64> = b.iter().map(|b| unit * b).collect();
    table(&[("a", &a), ("b", &b), ("y", &y)])
}

const LINEAR: &str = "dim N\ndata a[N]: real\ndata b[N]: real\ndata y[N]: real\nmodel {\n  k ~ Flat()\n  u ~ Flat()\n  v ~ \
                      Flat()\n  s ~ HalfCauchy(2)\n  for n in N { y[n] ~ Normal(k + u * a[n] + v * b[n], s) }\n}";
const LOGISTIC: &str = "dim N\ndata a[N]: real\ndata b[N]: real\ndata y[N]: binary\nmodel {\n  k ~ Normal(0, 2)\n  u ~ \
                        Normal(0, 2)\n  v ~ Flat()\n  for n in N { y[n] ~ Bernoulli(logits: k + u * a[n] + v * b[n]) }\n}";

/// By batches that leave a ragged last one, whatever the guide and the unit of a predictor.
#[test]
fn batches_reach_the_optimum_without_being_told_how_long() {
    let debug = cfg!(debug_assertions);
    for (name, text, yes) in [("linear", LINEAR, false), ("logistic", LOGISTIC, true)] {
        for guide in ["meanfield", "fullrank"].into_iter().take(if debug { 1 } else { 2 }) {
            let text = format!("{text}\nguide {guide}");
            let best = bound(&fitted(&text, "", &[rows(1.0, yes)], 0));
            for unit in [1.0, 1e3, 1e-3].into_iter().take(if debug && yes { 1 } else { 3 }) {
                let found = fitted(&text, "fit { batch: N = 25 }", &[rows(unit, yes)], 1);
                let told = format!("{name} {guide} {unit}");
                assert_eq!(
                    (found.path, found.converged, codes(&found)),
                    (Path::Stochastic, Some(true), vec![]),
                    "{told}"
                );
                // A flat prior is one per unit of its coefficient.
                let (reached, same) = (bound(&found) + unit.ln(), best);
                assert!((reached - same).abs() < 0.05, "{told}: {reached} where {same} is best, {} steps", found.steps);
            }
        }
    }
}

/// Steps that are counted are all made, and end where their average says.
#[test]
fn counted_steps_end_near_the_optimum() {
    let best = bound(&fitted(LINEAR, "", &[rows(1e3, false)], 0));
    let found = fitted(LINEAR, "fit { steps: 3000 }", &[rows(1e3, false)], 0);
    assert_eq!((found.steps, found.converged), (3000, None));
    assert!((bound(&found) - best).abs() < 0.1, "{} where {best} is best", bound(&found));
}

/// A written guide has no metric but its bound: the rate falls until that gains nothing more.
#[test]
fn a_written_guide_ends_at_its_best_bound() {
    let text = "dim N\ndata x[N]: count\nmodel {\n  l ~ Gamma(1, 1)\n  for n in N { x[n] ~ Poisson(l) }\n}\nguide {\n  param \
                a: positive\n  param b: positive\n  l ~ Gamma(a, b)\n}";
    let found = fitted(text, "", &[table(&[("x", &[1.0, 2.0, 3.0])])], 0);
    assert_eq!((found.path, found.converged, codes(&found)), (Path::Stochastic, Some(true), vec![]));
    let reached = found.posterior.elbo.expect("a bound").mean;
    assert!((reached + 5.609_716).abs() < 0.02, "{reached} after {} steps", found.steps);
}

/// So has an optimizer of the user's, which steps in the coordinates of the guide.
#[test]
fn an_optimizer_of_ones_own_ends_by_itself() {
    let text = "dim N\ndata y[N]: real\nmodel {\n  m ~ Normal(0, 3)\n  for n in N { y[n] ~ Normal(m, 1) }\n}";
    let y = [1.0, 2.0, 0.5, 1.5, 3.0];
    let found = fitted(text, "fit { optimizer: adam(lr: 5e-2) }", &[table(&[("y", &y)])], 0);
    assert_eq!((found.converged, codes(&found)), (Some(true), vec![]));
    let precision = 1.0 / 9.0 + 5.0;
    let at = found.posterior.quantities[0].summaries[0];
    assert!((at.mean - 8.0 / precision).abs() < 0.04 && (at.sd * precision.sqrt() - 1.0).abs() < 0.06, "{at:?}");
}

#[test]
fn a_flat_direction_is_improper_on_both_paths() {
    let text = "dim N\ndata y[N]: real\nmodel {\n  a ~ Normal(0, 1)\n  b ~ Flat()\n  c ~ Flat()\n  for n in N { y[n] ~ \
                Normal(a + b + c, 1) }\n}";
    for (fit, steps) in [("", false), ("fit { batch: N = 2 }", true)] {
        let y = [1.0, 2.0, 0.5, 1.5, 3.0];
        let found = fitted(text, fit, &[table(&[("y", &y)])], 0);
        assert_eq!(found.path == Path::Stochastic, steps);
        assert!(
            codes(&found).contains(&"ppl::fit::improper") && found.converged == Some(false),
            "{fit}: {:?}",
            codes(&found)
        );
        let said = found.warnings.iter().find(|w| w.code == "ppl::fit::improper").map(|w| w.message.as_str());
        assert!(said.is_some_and(|said| said.contains("`b`, `c`")), "{said:?}");
    }
}

/// The guide of a model whose parameters wait for it: both move, in their own turns.
#[test]
fn phases_take_turns() {
    let text = "dim N\ndata y[N]: real\nparam s: positive\nmodel {\n  m ~ Normal(0, s)\n  for n in N { y[n] ~ Normal(m, 1) \
                }\n}\nguide {\n  param a: real\n  param b: positive\n  m ~ Normal(a, b)\n}";
    let y = [3.0, 2.0, 2.5, 1.5, 3.0];
    let phases = "fit {\n  phase guide { steps: 5; optimizer: adam(lr: 2e-2) }\n  phase model { steps: 1; optimizer: \
                  adam(lr: 2e-2) }\n}";
    let found = fitted(text, phases, &[table(&[("y", &y)])], 0);
    assert_eq!((found.path_because.as_str(), found.converged), ("phases given", Some(true)));
    // Integrated over m, the mean of y is N(0, s^2 + 1/5): its largest likelihood is where that is its square.
    let s = found.posterior.params.iter().find(|param| param.name == "s").expect("a parameter").value[0];
    let mean = y.iter().sum::<f64>() / 5.0;
    assert!((s - (mean * mean - 0.2).sqrt()).abs() < 0.1, "{s}");
    // With one turn alone the other parameters stand still.
    let fixed = "fit { steps: 50; phase guide { optimizer: adam(lr: 2e-2) } }";
    let found = fitted(&text.replace("s: positive", "s: positive = 2"), fixed, &[table(&[("y", &y)])], 0);
    let value = |name: &str| found.posterior.params.iter().find(|param| param.name == name).expect("one").value[0];
    assert!((value("s") - 2.0).abs() < 1e-12 && value("a") > 0.3, "{} {}", value("s"), value("a"));
}

/// From 0 to 1: it ends at the bound itself, having begun with the data alone.
#[test]
fn beta_may_follow_a_schedule() {
    let text = "dim N\ndata y[N]: real\nmodel {\n  m ~ Normal(0, 0.5)\n  for n in N { y[n] ~ Normal(m, 1) }\n}";
    let y = [3.0, 2.0, 2.5, 1.5, 3.0];
    let ended = |beta: &str| {
        let fit = format!("fit {{ objective: elbo(beta: {beta}); steps: 1500; optimizer: adam(lr: 5e-2) }}");
        let found = fitted(text, &fit, &[table(&[("y", &y)])], 0);
        (
            found.posterior.quantities[0].summaries[0].mean,
            found.objective.mean - found.posterior.elbo.expect("one").mean,
        )
    };
    let (first, apart) = ended("linear(0, 1, 500)");
    assert!((first - 12.0 / 9.0).abs() < 0.1 && apart.abs() < 0.2, "{first} {apart}");
    let (second, apart) = ended("linear(4, 0, 500)");
    assert!((second - 2.4).abs() < 0.15 && apart > 1.0, "{second} {apart}");
}

/// The posteriors of the references by batches: the best bound of the family, flagged where it must be.
#[test]
#[cfg_attr(debug_assertions, ignore = "tens of thousands of steps, which take seconds in an optimized build")]
fn batches_reach_the_best_known_bounds() {
    let cases = [known::kidscore(false), known::kidscore(true), known::logistic(false)];
    for case in cases.iter().flatten() {
        for seed in 0..3 {
            let found = fitted(&case.model, "fit { batch: N = 100 }", &case.tables, seed);
            let (reached, told) = (bound(&found), format!("{} seed {seed}", case.name));
            assert_eq!((found.converged, codes(&found)), (Some(true), vec![]), "{told}: {} steps", found.steps);
            assert!((reached - case.bound).abs() < 0.05, "{told}: {reached} where {} is known", case.bound);
            let flagged = found.warnings.iter().any(|w| w.code == "ppl::fit::khat");
            assert!(case.flagged.is_none_or(|must| must == flagged), "{told}: flagged {flagged}");
        }
    }
}

/// Eighty-eight groups, their mean and both scales, in either form: the path by default converges, and so do batches, to
/// the same bound.
#[test]
#[cfg_attr(debug_assertions, ignore = "91 dimensions, which take seconds in an optimized build")]
fn a_hierarchy_of_ninety_dimensions_converges() {
    let wave = |n: usize, by: f64| (n as f64 * by).sin() + 0.7 * (n as f64 * 2.3 * by + 1.0).cos();
    let group = |n: usize| if n < 88 { n } else { (n * n + 3 * n) % 88 };
    let g: Vec<f64> = (0..600).map(|n| group(n) as f64).collect();
    let y: Vec<f64> = (0..600).map(|n| 1.3 + 0.4 * wave(group(n), 1.7) + 0.8 * wave(n, 5.3)).collect();
    let model = |own: &str, read: &str| {
        format!(
            "dim J\ndim N\ndata g[N]: category(J)\ndata y[N]: real\nmodel {{\n  mu ~ Normal(0, 5)\n  tau ~ \
             HalfNormal(2)\n  sigma ~ HalfNormal(2)\n  for j in J {{ e ~ {own} }}\n  for n in N {{ y[n] ~ \
             Normal({read}, sigma) }}\n}}"
        )
    };
    for (own, read) in [("Normal(0, 1)", "mu + tau * e[g[n]]"), ("Normal(mu, tau)", "e[g[n]]")] {
        let tables = [table(&[("g", &g), ("y", &y)])];
        let text = model(own, read);
        let whole = fitted(&text, "", &tables, 0);
        assert_eq!((whole.path, whole.converged, codes(&whole)), (Path::Deterministic, Some(true), vec![]));
        let again = fitted(&text, "", &tables, 1);
        assert!((bound(&whole) - bound(&again)).abs() < 0.04, "{} {}", bound(&whole), bound(&again));
        let found = fitted(&text, "fit { batch: N = 100 }", &tables, 0);
        assert_eq!((found.converged, codes(&found)), (Some(true), vec![]), "{} steps", found.steps);
        assert!((bound(&found) - bound(&whole)).abs() < 0.1, "{} {}", bound(&found), bound(&whole));
    }
}
