//! Where a fit starts (`init:`), and how the draws of a step go together (`draws:`).

use ppl::fit::drive::{Task, fit};
use ppl::fit::{Control, Event, Phase, initial};
use ppl::model::Init;
use ppl::plan::lower::Layout;
use ppl::plan::reference::Reference;

use crate::known::{compiled, table};

/// Parents are drawn before their children; what cannot be drawn from is where it would be without a prior.
const PRIOR: &str = "\
dim N
data y[N]: real
param m: real = 100
model {
  mu ~ Normal(m, 2)
  tau: positive ~ Cauchy(0, 5)
  cuts: ordered[3] ~ Normal(100, 1)
  flat ~ Flat()
  k ~ Categorical([0.5, 0.5])
  away ~ Normal(if k == 0 then -50 else 50, 0.1)
  for n in N {
    z ~ Normal(mu, 0.01)
    y[n] ~ Normal(z + flat + away + cuts[0], tau)
  }
}
";

#[test]
fn a_start_from_the_prior_is_a_draw_of_it() {
    let (elbo, data) = compiled("prior", PRIOR, &[table(&[("y", &[1.0, 2.0])])]);
    let layout = Layout::new(&elbo, &data).expect("a layout");
    let at = |name: &str| layout.sites.iter().find(|block| block.name == name).expect("a site").offset;
    let point = |seed, start| initial::point(&elbo, &data, &layout, &Init::Prior, seed, start).expect("a point");
    assert_eq!(point(4, 0), point(4, 0));
    let points: Vec<Vec<f64>> = (0..400).map(|seed| point(seed, 0)).collect();
    let mean = |f: &dyn Fn(&[f64]) -> f64| points.iter().map(|p| f(p)).sum::<f64>() / points.len() as f64;
    let (mu, tau, cuts, z) = (at("mu"), at("tau"), at("cuts"), at("z"));
    // Five standard errors of 400 draws.
    assert!((mean(&|p| p[mu]) - 100.0).abs() < 0.5);
    assert!((mean(&|p| (p[mu] - 100.0).powi(2)) - 4.0).abs() < 5.0 * 4.0 * (2.0f64 / 400.0).sqrt());
    // ln |Cauchy(0, 5)| has median ln 5; the sign of a draw below zero is tried again.
    let above = mean(&|p| f64::from(p[tau] > 5f64.ln()));
    assert!((above - 0.5).abs() < 0.125, "{above}");
    assert!(points.iter().all(|p| (p[z] - p[mu]).abs() < 0.06 && (p[z + 1] - p[mu]).abs() < 0.06 && p[z] != p[z + 1]));
    // The lowest of three, about their mean.
    let lowest = mean(&|p| p[cuts] - 100.0);
    assert!((lowest + 0.846).abs() < 0.2, "{lowest}");
    assert!(points.iter().all(|p| p[at("flat")] == 0.0 && (p[at("away")].abs() - 50.0).abs() < 1.0));
    let first = mean(&|p| f64::from(p[at("away")] > 0.0));
    assert!((first - 0.5).abs() < 0.125, "the label is drawn too: {first}");
    assert_ne!(point(4, 0), point(4, 1), "a further start is another draw");
}

/// The bound that each step saw.
fn bounds(text: &str) -> Vec<f64> {
    let (elbo, data) = compiled("draws", text, &[]);
    let task = Task { elbo: &elbo, data: &data, block: &elbo.model.fit, seed: 1, backend: &Reference };
    let mut seen = vec![];
    let mut listen = |event: &Event| {
        if event.phase == Phase::Stochastic {
            seen.push(event.bound);
        }
        Control::Continue
    };
    fit(&task, &mut listen).expect("a fit");
    seen
}

/// A factor linear in the draw: a pair of mirror images has no noise at all, and strata have little.
#[test]
fn draws_that_go_together_have_less_noise() {
    let spread = |entry: &str| {
        let fit = format!("fit {{ steps: 100; particles: 8; optimizer: sgd(lr: 1e-12){entry} }}");
        let seen = bounds(&format!("model {{\n  z ~ Normal(0, 1)\n  factor 3 * z\n}}\n{fit}\n"));
        let mean = seen.iter().sum::<f64>() / seen.len() as f64;
        // The guide starts at N(0, .1^2): its divergence from N(0, 1) is closed.
        let known = -(0.5 * (0.01 - 1.0) - 0.1f64.ln());
        let sd = (seen.iter().map(|b| (b - known).powi(2)).sum::<f64>() / seen.len() as f64).sqrt();
        assert!((mean - known).abs() < 0.06, "{entry}: {mean} is not {known}");
        sd
    };
    let independent = spread("");
    assert!((independent - 0.3 / 8f64.sqrt()).abs() < 0.03, "{independent}");
    assert_eq!(independent, spread("; draws: independent"));
    assert!(spread("; draws: antithetic") < 1e-8);
    let stratified = spread("; draws: stratified");
    assert!(stratified < 0.5 * independent && stratified > 1e-4, "{stratified}");
}
