//! The golden is true: at random parameters and small random sizes the terms of the bound, evaluated one by one, add up
//! to E_q[log p - log q] as a direct interpreter of model and guide computes it, within 4 standard errors.

use std::collections::BTreeMap;
use std::path::Path;

use ppl::elbo::{self, Elbo, Estimator, Objective, Term, TermKind, Treatment};
use ppl::math::eval::{Env, Eval, Positions, Values};
use ppl::math::{Noise, Op, SiteId};
use ppl::model::{Owner, Rate, Settings};
use ppl::problem::Style;
use ppl::source::Source;

use crate::interpreter::Interpreter;
use crate::trials::{TRIALS, Trial};
use crate::world::{Random, World};

/// Which part of a trial's draws a build takes and how often, and the standard error that then shows something, relative
/// to the size of the bound. The inner loop only finds what is grossly wrong.
const PART: usize = if cfg!(debug_assertions) { 3 } else { 1 };
const EFFORT: usize = if cfg!(debug_assertions) { 1 } else { 16 };
const SHOWS: f64 = if cfg!(debug_assertions) { 0.175 } else { 0.025 };

pub fn derived(file: &str, set: &[(&str, f64)]) -> Elbo {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let source = Source::new(file, std::fs::read_to_string(&path).expect("a model"));
    let set: BTreeMap<String, f64> = set.iter().map(|(name, value)| (name.to_string(), *value)).collect();
    let (model, problems) = ppl::model::compile_model(&source, &Settings { set });
    let style = Style { color: false, width: 100 };
    let model = model.unwrap_or_else(|| panic!("{}", problems.render(&source, style)));
    let (elbo, problems) = elbo::derive(&model);
    let elbo = elbo.unwrap_or_else(|| panic!("{}", problems.render(&source, style)));
    if let Err(bug) = elbo::verify(&elbo) {
        panic!("{file}: {bug}");
    }
    elbo
}

/// Mean and standard error.
fn summary(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}

/// One draw of everything that is random in a bound.
struct Draw {
    free: BTreeMap<SiteId, Values>,
    noise: BTreeMap<SiteId, Values>,
}

impl Draw {
    fn new(elbo: &Elbo, world: &World, random: &mut Random) -> Draw {
        let free = world.draw_free(random);
        let mut noise = BTreeMap::new();
        for (_, node) in elbo.graph.nodes.iter() {
            if let Op::Noise(site, kind) = node.op {
                let n = world.rows(&elbo.model.sites[site.index()].plates) * world.count(&node.shape.event);
                let one = |random: &mut Random| match kind {
                    Noise::Normal => random.normal(),
                    Noise::Uniform => random.uniform(),
                };
                noise.insert(site, (0..n).map(|_| one(random)).collect());
            }
        }
        Draw { free, noise }
    }
}

/// The value of a leaf: a site is what its view says, at the same rows.
fn leaf((elbo, world, draw): (&Elbo, &World, &Draw), eval: &Eval, op: &Op, at: &Positions) -> Option<Values> {
    match op {
        Op::Site(id) => eval.at(elbo.sites[id.index()].value, at).ok(),
        Op::AutoNoise(id) => {
            let (all, from) = (world.noise(&draw.free), world.offset[id]);
            Some(world.free_row(*id, &all[from..][..draw.free[id].len()], at))
        }
        Op::Free(id) => Some(world.free_row(*id, &draw.free[id], at)),
        Op::Noise(id, _) => {
            let plates = &elbo.model.sites[id.index()].plates;
            let all = &draw.noise[id];
            let n = all.len() / world.rows(plates);
            Some(all[world.row(plates, at) * n..][..n].to_vec())
        }
        Op::Sample { kind: "Poisson", args, noise } => {
            let [("rate", rate)] = args[..] else { panic!("no draw of a Poisson with {args:?}") };
            Some(vec![poisson_quantile(eval.number(rate, at).ok()?, eval.number(*noise, at).ok()?)])
        }
        _ => world.leaf(op, at),
    }
}

fn poisson_quantile(rate: f64, upto: f64) -> f64 {
    let (mut k, mut mass) = (0.0, (-rate).exp());
    let mut sum = mass;
    while sum < upto {
        k += 1.0;
        mass *= rate / k;
        sum += mass;
    }
    k
}

fn with<T>(elbo: &Elbo, world: &World, draw: &Draw, f: impl FnOnce(&Eval) -> T) -> T {
    let value = |eval: &Eval, op: &Op, at: &Positions| leaf((elbo, world, draw), eval, op, at);
    let env = Env {
        leaf: &value,
        dim: &|dim| world.sizes.get(&dim.index()).copied(),
        first: &|axis| elbo.axes.get(axis).map_or(0, |axis| world.size(&axis.first)),
    };
    f(&Eval::new(&elbo.graph, env))
}

fn term_value(eval: &Eval, world: &World, term: &Term) -> f64 {
    let mut sum = 0.0;
    world.each(&term.plates, &Positions::new(), &mut |at| {
        sum += eval.number(term.value, at).expect("a number");
    });
    term.sign * sum
}

fn total(elbo: &Elbo, world: &World, draw: &Draw, terms: &[Term]) -> f64 {
    with(elbo, world, draw, |eval| sum(eval, world, terms))
}

fn sum(eval: &Eval, world: &World, terms: &[Term]) -> f64 {
    terms.iter().map(|term| term_value(eval, world, term)).sum()
}

/// Whether two means agree within 4 standard errors, in numbers that are small enough to show something.
fn agree(what: &str, a: &[f64], b: &[f64]) -> Result<(), String> {
    let ((a, se_a), (b, se_b)) = (summary(a), summary(b));
    let se = (se_a * se_a + se_b * se_b).sqrt();
    if se > SHOWS * (1.0 + b.abs()) {
        return Err(format!("{what}: a standard error of {se} at {b} shows nothing"));
    }
    if (a - b).abs() > 4.0 * se + 1e-6 {
        return Err(format!("{what}: {a} and {b}, standard error {se}"));
    }
    Ok(())
}

fn check(trial: &Trial) {
    let elbo = derived(trial.file, trial.set);
    let mut random = Random(trial.file.len() as u64 * 7919 + trial.draws as u64);
    let world = World::new(&elbo.model, trial.size, trial.leaves, &mut random);
    let interpreter = Interpreter::new(&world);
    let draws = trial.draws.div_ceil(PART) * EFFORT;
    let beta = interpreter.beta;
    let truth: Vec<f64> = (0..draws).map(|_| interpreter.draw(&mut random)).collect();
    let (mut terms, mut weights) = (vec![], vec![]);
    let maximized = maximized(&elbo);
    for _ in 0..draws {
        let draw = Draw::new(&elbo, &world, &mut random);
        with(&elbo, &world, &draw, |eval| {
            terms.push(sum(eval, &world, &maximized));
            let (p, q) = (sum(eval, &world, &elbo.log_p), sum(eval, &world, &elbo.log_q));
            weights.push(p - q - world.log_normal(&draw.free));
        });
    }
    agree(&format!("{}, terms and truth", trial.file), &terms, &truth).unwrap();
    // The weights know no beta.
    let mut plain = interpreter;
    plain.beta = 1.0;
    let truth = if plain.beta == beta { truth } else { (0..draws).map(|_| plain.draw(&mut random)).collect() };
    agree(&format!("{}, log weights and truth", trial.file), &weights, &truth).unwrap();
    if let Some(parts) = one_weight(&elbo) {
        let draws = (0..draws).map(|_| Draw::new(&elbo, &world, &mut random));
        let sums: Vec<f64> = draws.map(|draw| total(&elbo, &world, &draw, &parts)).collect();
        agree(&format!("{}, the objective at one draw and truth", trial.file), &sums, &truth).unwrap();
    }
}

/// The terms with what multiplies them.
fn maximized(elbo: &Elbo) -> Vec<Term> {
    let beta = match elbo.objective {
        Objective::Elbo { beta: Some(Rate::Constant(beta)) } => beta,
        _ => 1.0,
    };
    let weigh =
        |term: &Term| Term { sign: if term.is_latent() { beta * term.sign } else { term.sign }, ..term.clone() };
    elbo.terms.iter().map(weigh).collect()
}

/// What an objective of weights is made of. With one draw it is the bound itself: the logarithms of the weights and what
/// is outside them; for updates, log p less the log q that they add up.
fn one_weight(elbo: &Elbo) -> Option<Vec<Term>> {
    match &elbo.objective {
        Objective::Elbo { .. } | Objective::Contrast(_) | Objective::Mode(_) => None,
        Objective::Weighted(weighted) => {
            let outside = weighted.outside.iter().map(|place| elbo.terms[*place].clone());
            Some(weighted.weight.log.iter().cloned().chain(outside).chain(weighted.apart.iter().cloned()).collect())
        }
        Objective::Updates(updates) => {
            let guide = updates.iter().find(|update| update.of == Owner::Guide).expect("an update of the guide");
            let minus = guide.terms.iter().map(|term| Term { sign: -term.sign, ..term.clone() });
            Some(elbo.log_p.iter().cloned().chain(minus).collect())
        }
    }
}

#[test]
fn a_bound_of_one_weight_is_the_log_mean_of_ratios_drawn_by_the_interpreter() {
    let elbo = derived("tests/cases/elbo_renyi.vi", &[]);
    let Objective::Weighted(weighted) = &elbo.objective else { panic!("no weights") };
    assert!(weighted.weight.plate.is_none() && weighted.outside.is_empty() && weighted.apart.is_empty());
    let mut random = Random(11);
    let world = World::new(&elbo.model, 3, &[], &mut random);
    let interpreter = Interpreter::new(&world);
    let power = 1.0 - weighted.order;
    let log_mean = |logs: Vec<f64>| {
        let max = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        (max * power + (logs.iter().map(|l| ((l - max) * power).exp()).sum::<f64>() / logs.len() as f64).ln()) / power
    };
    let truth: Vec<f64> =
        (0..300).map(|_| log_mean((0..weighted.draws).map(|_| interpreter.draw(&mut random)).collect())).collect();
    let bound: Vec<f64> = (0..300)
        .map(|_| {
            let draws = (0..weighted.draws).map(|_| Draw::new(&elbo, &world, &mut random));
            log_mean(draws.map(|draw| total(&elbo, &world, &draw, &weighted.weight.log)).collect())
        })
        .collect();
    agree("renyi", &bound, &truth).unwrap();
    // The bound of order 1/2 lies above the elbo, of which it is no other name.
    let elbo: Vec<f64> = (0..3000).map(|_| interpreter.draw(&mut random)).collect();
    assert!(summary(&truth).0 > summary(&elbo).0 + 4.0 * summary(&elbo).1);
}

/// Every n-th trial, so that the test's threads share them.
fn share(at: usize, of: usize) {
    TRIALS.iter().skip(at).step_by(of).for_each(check);
}

#[test]
fn terms_add_up_to_the_bound_of_a_direct_interpreter() {
    share(0, 2);
}

#[test]
fn terms_add_up_to_the_bound_of_a_direct_interpreter_too() {
    share(1, 2);
}

/// Of every model, in some random world, the sign of each term shows. Not in every one: a term may happen to lie near zero, as the entropy
/// of a Gaussian whose sds are a quarter does.
#[test]
fn a_wrong_sign_of_any_term_is_found() {
    let fast = ["models/eight_schools.vi", "models/eight_schools_centered.vi"];
    let asked = |trial: &&Trial| match cfg!(debug_assertions) {
        true => fast.contains(&trial.file),
        false => trial.file.starts_with("models/"),
    };
    for trial in TRIALS.iter().filter(asked) {
        let mut elbo = derived(trial.file, trial.set);
        let mut unseen: Vec<usize> = (0..elbo.terms.len()).filter(|at| !too_small(trial, &elbo, *at)).collect();
        for seed in 0..6 {
            unseen = unseen_signs(trial, &mut elbo, &unseen, seed);
            if unseen.is_empty() {
                break;
            }
        }
        let kinds: Vec<_> = unseen.iter().map(|at| &elbo.terms[*at].kind).collect();
        assert!(kinds.is_empty(), "{}: the sign of {kinds:?} makes no difference", trial.file);
    }
}

/// A net with small weights makes a factor that is all but its prior: this divergence is a hundredth of what the weights'
/// own draws move the bound by, which no number of draws in reason would show. `vae.vi` has the same term, and it shows.
fn too_small(trial: &Trial, elbo: &Elbo, at: usize) -> bool {
    let z = |site: &SiteId| elbo.model.sites[site.index()].name == "z";
    trial.file == "models/full_vb_vae.vi" && matches!(&elbo.terms[at].kind, TermKind::Kl(site) if z(site))
}

/// The terms among `asked` whose sign makes no difference in this world.
fn unseen_signs(trial: &Trial, elbo: &mut Elbo, asked: &[usize], seed: u64) -> Vec<usize> {
    let model = elbo.model.clone();
    let mut random = Random(seed);
    let world = World::new(&model, trial.size, trial.leaves, &mut random);
    let interpreter = Interpreter::new(&world);
    let truth: Vec<f64> = (0..trial.draws * EFFORT).map(|_| interpreter.draw(&mut random)).collect();
    let mut unseen = |at: &usize| {
        elbo.terms[*at].sign *= -1.0;
        // What three worlds have not shown takes more draws to see.
        let count = if seed < 3 { trial.draws } else { trial.draws * EFFORT };
        let draws: Vec<Draw> = (0..count).map(|_| Draw::new(elbo, &world, &mut random)).collect();
        let terms: Vec<f64> = draws.iter().map(|draw| total(elbo, &world, draw, &elbo.terms)).collect();
        elbo.terms[*at].sign *= -1.0;
        // A log density of zero, as of `Flat` and of Dirichlet(1) over two components, has no sign.
        let own = std::slice::from_ref(&elbo.terms[*at]);
        if draws.iter().all(|draw| total(elbo, &world, draw, own).abs() < 1e-12) {
            return false;
        }
        let ((have, se), (true_bound, true_se)) = (summary(&terms), summary(&truth));
        (have - true_bound).abs() <= 4.0 * se.hypot(true_se) + 1e-6
    };
    asked.iter().copied().filter(|at| unseen(at)).collect()
}

#[test]
fn a_conjugate_model_with_its_own_guide_needs_no_draw() {
    let elbo = derived("models/poisson_gamma.vi", &[]);
    for term in &elbo.terms {
        assert_eq!(term.choice.estimator, Estimator::Analytic, "{:?}", term.kind);
        assert!(elbo::cost::sampled(&elbo, term.value).is_empty(), "{:?}", term.kind);
    }
}

#[test]
fn a_term_is_charged_to_the_sites_whose_draws_it_feels() {
    let elbo = derived("tests/cases/elbo_guide_reads.vi", &[]);
    let costs = elbo::cost::costs(&elbo);
    let site = |name: &str| SiteId(elbo.model.sites.iter().position(|s| s.name == name).expect("a site") as u32);
    // Every term that theta's draw enters is felt by mu as well, whose draw theta's factor reads.
    let (mu, theta) = (&costs[&site("mu")], &costs[&site("theta")]);
    assert!(theta.iter().all(|term| mu.contains(term)), "{costs:?}");
    assert!(matches!(elbo.sites[site("theta").index()].treatment, Treatment::Written(_)));
}
