//! Gradients of draws that are not differentiated through: on average those of the bound in which every state is
//! enumerated, coordinate by coordinate within 4 standard errors; and less noisy where an estimator promises that.

use ppl::data::Bound;
use ppl::elbo::{self, Elbo, particles};
use ppl::model::{Settings, compile_model};
use ppl::plan::lower::{self, Batch, InputKind, Program};
use ppl::plan::reference::Reference;
use ppl::plan::{Backend, Evaluate, Precision};
use ppl::source::Source;

use crate::world::{Random, World};

/// Steps behind a mean.
pub const STEPS: usize = if cfg!(debug_assertions) { 1_500 } else { 60_000 };

pub fn derived(text: &str) -> Elbo {
    let (model, problems) = compile_model(&Source::new("m.vi", text), &Settings::default());
    assert!(!problems.has_errors(), "{problems:?}");
    let (elbo, problems) = elbo::derive(&model.expect("a model"));
    elbo.unwrap_or_else(|| panic!("{problems:?}"))
}

/// A program at some parameters, with noise of its own for every run.
pub struct Runs {
    elbo: Elbo,
    pub program: Program,
    evaluator: Box<dyn Evaluate>,
    pub params: Vec<f64>,
    pub random: Random,
    /// What earlier steps are taken to have said.
    baseline: f64,
}

impl Runs {
    /// Every batched dim has this many of its rows, the first ones; particles as the model says.
    pub fn new(text: &str, data: &Bound, params: &[f64], rows: Option<usize>) -> Runs {
        let elbo = derived(text);
        let rows = rows.map(|rows| elbo.model.fit.batch.keys().map(|dim| (*dim, rows)).collect()).unwrap_or_default();
        let batch = Batch { draws: particles::draws(&elbo), rows };
        let program = lower::step(&elbo, data, &batch).unwrap_or_else(|trouble| panic!("{text}: {trouble:?}"));
        let evaluator = Reference.prepare(&program.plan, Precision::F64).expect("a plan");
        Runs { elbo, program, evaluator, params: params.to_vec(), random: Random(91), baseline: -1.5 }
    }

    fn gradient(&mut self, data: &Bound) -> Vec<f64> {
        self.step(data).1
    }

    /// The value of what is maximized, and its gradient.
    pub fn step(&mut self, data: &Bound) -> (f64, Vec<f64>) {
        let mut outputs = self.outputs(data);
        (outputs[0][0], outputs.swap_remove(1))
    }

    fn outputs(&mut self, data: &Bound) -> Vec<Vec<f64>> {
        // Noise of dreams leaves that of draws as it is without them.
        let mut dreams = Random(self.random.0 ^ 0x5eed);
        let mut inputs = vec![];
        for (kind, input) in self.program.inputs.iter().zip(&self.program.plan.inputs) {
            let n: usize = input.shape.iter().product();
            inputs.push(match kind {
                InputKind::Params => self.params.clone(),
                InputKind::AutoNoise => self.random.normals(n),
                InputKind::Noise { site, noise: ppl::math::Noise::Uniform } => {
                    let mut all: Vec<f64> = (0..n).map(|_| self.random.uniform()).collect();
                    if particles::paired(&self.elbo, *site) {
                        let (first, second) = all.split_at_mut(n / 2);
                        second.iter_mut().zip(first).for_each(|(other, u)| *other = 1.0 - *u);
                    }
                    all
                }
                InputKind::Dream { noise: ppl::math::Noise::Uniform, .. } => (0..n).map(|_| dreams.uniform()).collect(),
                InputKind::Dream { .. } => dreams.normals(n),
                InputKind::Noise { .. } => self.random.normals(n),
                InputKind::Rows(item) => (0..n).map(|at| data.arrays[*item].values.get(at)).collect(),
                // Any baseline that no draw of the step is part of leaves the mean as it is.
                InputKind::Baseline(_) => vec![self.baseline; n],
                InputKind::BaselineNet { .. } => (0..n).map(|i| (i as f64).sin()).collect(),
                other => panic!("an input of {other:?}"),
            });
        }
        let slices: Vec<&[f64]> = inputs.iter().map(Vec::as_slice).collect();
        self.evaluator.run(&slices).expect("runs")
    }

    /// Mean, standard error and variance of every coordinate.
    pub fn summary(&mut self, data: &Bound, steps: usize) -> Vec<[f64; 3]> {
        let (mut sums, mut squares) = (vec![0.0; self.params.len()], vec![0.0; self.params.len()]);
        for _ in 0..steps {
            for (i, x) in self.gradient(data).into_iter().enumerate() {
                sums[i] += x;
                squares[i] += x * x;
            }
        }
        let n = steps as f64;
        let one = |(sum, square): (&f64, &f64)| {
            let (mean, variance) = (sum / n, (square / n - (sum / n).powi(2)).max(0.0));
            [mean, (variance / n).sqrt(), variance]
        };
        sums.iter().zip(&squares).map(one).collect()
    }
}

/// Data for a model, and parameters of its guide.
pub fn world(text: &str, n: usize) -> (Bound, Vec<f64>) {
    let elbo = derived(text);
    let mut random = Random(5);
    let data = World::new(&elbo.model, n, &[], &mut random).bound();
    let count = lower::Layout::new(&elbo, &data).expect("a layout").guide();
    (data, random.normals(count).iter().map(|x| 0.7 * x).collect())
}

pub fn assert_same(what: &str, found: &[[f64; 3]], wanted: &[[f64; 3]]) {
    assert_eq!(found.len(), wanted.len(), "{what}");
    for (i, (found, wanted)) in found.iter().zip(wanted).enumerate() {
        let se = found[1].hypot(wanted[1]);
        let gap = (found[0] - wanted[0]).abs();
        assert!(gap <= 4.0 * se + 1e-9, "{what}: slope {i} is {} and not {}, se {se}", found[0], wanted[0]);
    }
}

fn total_variance(found: &[[f64; 3]]) -> f64 {
    found.iter().map(|one| one[2]).sum()
}

/// Every way to write the marks `@1`, `@2` against the enumerated bound; the variances, in their order.
fn against_enumeration(text: &str, n: usize, rows: Option<usize>, ways: &[[&str; 2]]) -> Vec<f64> {
    let with = |[first, second]: [&str; 2]| text.replace("@1", first).replace("@2", second);
    let exact = with(["by enumerate", "by enumerate"]);
    let (data, params) = world(&exact, n);
    let mut enumerated = Runs::new(&exact, &data, &params, rows);
    // Where nothing is drawn one run says all.
    let steps =
        if enumerated.program.inputs.iter().any(|kind| matches!(kind, InputKind::AutoNoise)) { STEPS } else { 1 };
    let wanted = enumerated.summary(&data, steps);
    let variance = |way: &[&str; 2]| {
        let found = Runs::new(&with(*way), &data, &params, rows).summary(&data, STEPS);
        assert_same(&with(*way), &found, &wanted);
        total_variance(&found)
    };
    ways.iter().map(variance).collect()
}

const ONE_LAYER: &str = "dim N\ndim H = 3\ndata x[N]: binary[4]\nparam prior: real[H]\n\
    net up(x: binary[4]) -> real[H] { dense(x, H) }\nnet down(h: binary[H]) -> real[4] { dense(h, 4) }\n\
    model { for n in N { h: binary[H] ~ Bernoulli(logits: prior); x[n] ~ Bernoulli(logits: down(h)) } }\n\
    guide { for n in N { h ~ Bernoulli(logits: up(x[n])) @1 } }\nfit { batch: N = 2; steps: 1 }\n";

#[test]
fn a_belief_net_by_every_baseline_and_by_antithetic_pairs() {
    let ways = [
        ["by score(baseline: none)", ""],
        ["by score(baseline: mean)", ""],
        ["by score(baseline: loo)", ""],
        ["by disarm", ""],
        ["by score(baseline: regression)", ""],
        ["by score(baseline: net(3))", ""],
        ["by rebar", ""],
    ];
    let [none, _, others, pairs, ..] = against_enumeration(ONE_LAYER, 5, Some(2), &ways)[..] else { panic!() };
    assert!(pairs < 0.8 * others && others < 0.8 * none, "{none} {others} {pairs}");
    // Four particles are two pairs.
    let four = ONE_LAYER.replace("steps: 1", "steps: 1; particles: 4");
    against_enumeration(&four, 5, Some(2), &ways[2..4]);
    // A probability in place of a logit.
    let unit = ONE_LAYER.replace("h ~ Bernoulli(logits: up(x[n]))", "h ~ Bernoulli(sigmoid(up(x[n])) * 0.9 + 0.05)");
    against_enumeration(&unit, 5, Some(2), &[ways[3], ways[4], ways[6]]);
}

const TWO_LAYERS: &str = "dim N\ndata x[N]: binary[3]\nparam prior: real[2]\n\
    net up(x: binary[3]) -> real[3] { dense(x, 3) }\nnet across(h: binary[3]) -> real[2] { dense(h, 2) }\n\
    net down(h: binary[2]) -> real[3] { dense(h, 3) }\nnet out(h: binary[3]) -> real[3] { dense(h, 3) }\n\
    model { for n in N {\n  h2: binary[2] ~ Bernoulli(logits: prior)\n  h1: binary[3] ~ Bernoulli(logits: down(h2))\n  \
    x[n] ~ Bernoulli(logits: out(h1)) } }\n\
    guide { for n in N {\n  h1 ~ Bernoulli(logits: up(x[n])) @1\n  h2 ~ Bernoulli(logits: across(h1)) @2 } }\n";

#[test]
fn a_layer_that_is_drawn_after_another() {
    let ways = [
        ["by score(baseline: loo)", "by disarm"],
        ["by score(baseline: loo)", "by score(baseline: loo)"],
        ["by score(baseline: none)", "by score(baseline: mean)"],
        ["by score(baseline: net(2))", "by rebar"],
        ["by score(baseline: regression)", "by score(baseline: net(2))"],
    ];
    let [pairs, others, none, ..] = against_enumeration(TWO_LAYERS, 3, None, &ways)[..] else { panic!() };
    assert!(pairs < others && others < none, "{none} {others} {pairs}");
}

/// Categories whose draws a guide of a continuous site reads, and sites outside their plate that are drawn with them.
#[test]
fn mixtures_whose_guides_are_written() {
    let text = "dim N\ndata y[N]: real\nmodel {\n  m ~ Normal(0, 1)\n  w ~ Bernoulli(0.4)\n  for n in N {\n    \
        c ~ Categorical([0.2, 0.5, 0.3])\n    z ~ Normal(m + c + w, 1)\n    y[n] ~ Normal(z, 0.7) } }\n\
        guide meanfield {\n  param r: unit\n  w ~ Bernoulli(r) @2\n  param l: real[3]\n  param a: real\n  for n in N {\n    \
        c ~ Categorical(logits: l) @1\n    z ~ Normal(a + 0.5 * c, 0.8) } }\n"
        .replace("z ~ Normal(m + c + w, 1)", "z ~ Normal(m + (if c == 1 then 1 else if c == 2 then -1 else 0) + w, 1)")
        .replace("z ~ Normal(a + 0.5 * c, 0.8)", "z ~ Normal(a + (if c == 1 then 0.5 else 0), 0.8)");
    let ways = [
        ["by score(baseline: loo)", "by disarm"],
        ["by score(baseline: mean)", "by score(baseline: loo)"],
        ["by score(baseline: none)", "by enumerate"],
        ["by score(baseline: regression)", "by rebar"],
    ];
    against_enumeration(&text, 3, None, &ways);
    // Nothing that is summed over may be outside the batch.
    let local = text.replace("  w ~ Bernoulli(0.4)\n", "").replace(" + w, 1)", ", 1)");
    let local = local.replace("  param r: unit\n  w ~ Bernoulli(r) @2\n", "");
    let sampled = format!("{local}fit {{ kl: sampled; batch: N = 2 }}\n");
    against_enumeration(&sampled, 4, Some(2), &ways[..2]);
}

/// Rows of a chain that read the row before, against the same rows as sites of their own.
#[test]
fn a_chain_drawn_row_after_row() {
    let chain = "dim T = 3\ndata v[T]: real\nmodel { for t in T chain {\n  s ~ Bernoulli(logits: if t == 0 then 0 else 2 * s[t-1] - 1)\n  \
        v[t] ~ Normal(3 * s, 1) } }\n\
        guide {\n  param a: real\n  param b: real\n  for t in T chain { s ~ Bernoulli(logits: if t == 0 then a else a + b * s[t-1]) @ } }\n";
    let apart = "data v[T]: real\ndim T = 3\nmodel {\n  s0 ~ Bernoulli(logits: 0)\n  s1 ~ Bernoulli(logits: 2 * s0 - 1)\n  \
        s2 ~ Bernoulli(logits: 2 * s1 - 1)\n  factor -0.5 * ((v[0] - 3 * s0)^2 + (v[1] - 3 * s1)^2 + (v[2] - 3 * s2)^2) }\n\
        guide {\n  param a: real\n  param b: real\n  s0 ~ Bernoulli(logits: a)\n  s1 ~ Bernoulli(logits: a + b * s0)\n  \
        s2 ~ Bernoulli(logits: a + b * s1) }\n";
    let (data, params) = world(apart, 3);
    let wanted = Runs::new(apart, &data, &params, None).summary(&data, 1);
    for by in ["by score(baseline: none)", "by score(baseline: loo)", "by score(baseline: mean)"] {
        let text = chain.replace('@', by);
        let found = Runs::new(&text, &data, &params, None).summary(&data, STEPS);
        assert_same(&text, &found, &wanted);
    }
}

/// A continuous site in which the model jumps: d E[f] is that of f(1) P(z > 0) + f(-1) P(z < 0).
#[test]
fn a_jump_of_an_automatic_site() {
    let text = "dim N\ndata y[N]: real\nmodel {\n  z ~ Normal(0, 1)\n  for n in N { y[n] ~ Normal(if z > 0 then 1 else -1, 1) } }\n";
    let (data, params) = world(text, 4);
    let found = Runs::new(text, &data, &params, None).summary(&data, STEPS);
    let (m, s) = (params[0], params[1].exp());
    let gain: f64 = (0..4).map(|n| 2.0 * data.arrays[0].values.get(n)).sum();
    let density = (-0.5 * (m / s).powi(2)).exp() / std::f64::consts::TAU.sqrt();
    // KL of N(m, s) from N(0, 1) is (s^2 + m^2 - 1) / 2 - log s.
    let wanted = [gain * density / s - m, -gain * density * m / s - s * s + 1.0];
    let wanted: Vec<[f64; 3]> = wanted.iter().map(|slope| [*slope, 0.0, 0.0]).collect();
    assert_same(text, &found, &wanted);
}

/// The cost of a row holds nothing of other rows: how noisy its gradient is does not depend on how many there are. The
/// expectation of Student's t has no closed form, which would leave no noise.
#[test]
fn the_cost_of_a_row_is_its_own() {
    let text = "dim N\ndata y[N]: real\nmodel { for n in N { b ~ Bernoulli(0.4); y[n] ~ StudentT(3, 2 * b, 0.5) } }\n\
        guide { for n in N { param l: real; b ~ Bernoulli(logits: l) by score(baseline: none) } }\n";
    let variance = |n: usize| {
        let (mut data, _) = world(text, n);
        data.arrays[0].values = ppl::data::Array::from_reals((0..n).map(|i| 1.0 + 5.0 * i as f64).collect::<Vec<_>>());
        Runs::new(text, &data, &vec![0.3; n], None).summary(&data, STEPS)[0][2]
    };
    let (one, many) = (variance(1), variance(6));
    assert!(one > 0.01 && (one / many - 1.0).abs() < 0.1, "{one} {many}");
}

/// The gradient of a relaxed draw is that of the relaxed bound, which is another than the bound.
#[test]
fn relaxed_draws_are_differentiated_and_biased() {
    let text = ONE_LAYER.replace("@1", "by concrete(0.5)");
    let exact = ONE_LAYER.replace("@1", "by enumerate");
    let (data, params) = world(&text, 4);
    let at = |params: &[f64]| Runs::new(&text, &data, params, Some(2)).step(&data);
    let (_, gradient) = at(&params);
    for i in 0..params.len() {
        let moved = |by: f64| {
            let mut params = params.clone();
            params[i] += by;
            at(&params).0
        };
        let slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
        assert!((gradient[i] - slope).abs() < 1e-5 * (1.0 + slope.abs()), "slope {i}: {} and {slope}", gradient[i]);
    }
    let bias = |text: &str| {
        let wanted = Runs::new(&exact, &data, &params, Some(2)).summary(&data, 1);
        let found = Runs::new(text, &data, &params, Some(2)).summary(&data, 4 * STEPS);
        let far = |(found, wanted): (&[f64; 3], &[f64; 3])| (found[0] - wanted[0]).abs() / (found[1] + 1e-12);
        found.iter().zip(&wanted).filter(|(found, _)| found[1] > 0.0).map(far).fold(0.0, f64::max)
    };
    assert!(bias(&text) > 6.0);
    assert!(bias(&ONE_LAYER.replace("@1", "by straight_through")) > 6.0);
    // Where the cost is linear in the draw, passing the draw as if it were its mean is exact.
    let linear = "model { b ~ Bernoulli(0.5); factor 2 * b }\nguide { param l: real = 0; b ~ Bernoulli(logits: l) by straight_through }\n";
    let found = Runs::new(linear, &Bound::default(), &[0.0], None).step(&Bound::default()).1;
    assert!((found[0] - 0.5).abs() < 1e-12, "{found:?}");
}
