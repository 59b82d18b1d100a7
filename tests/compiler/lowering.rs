//! The plan of the log joint computes what the interpreter says, and its gradient is that of its values.

use ppl::fit::LogJoint;
use ppl::fit::joint::PlanJoint;
use ppl::model::Settings;
use ppl::plan::evaluate_once;
use ppl::plan::lower::{self, Batch, InputKind};
use ppl::plan::reference::Reference;
use ppl::source::Source;

use crate::interpreter::Interpreter;
use crate::truth::derived;
use crate::world::{Random, World};

/// Models without a written factor, and the size of their first dim without a value.
const FILES: &[(&str, usize)] = &[
    ("tests/cases/linear_algebra.vi", 2),
    ("tests/cases/elbo_mixture.vi", 2),
    ("tests/cases/elbo_vectors_auto.vi", 2),
    ("tests/cases/elbo_constrained.vi", 2),
    ("tests/cases/elbo_scalars.vi", 2),
    ("tests/cases/elbo_scalars_positive.vi", 2),
    ("tests/cases/elbo_scalar_data.vi", 2),
    ("tests/cases/elbo_cut.vi", 3),
    ("tests/cases/elbo_share_child.vi", 2),
    ("tests/cases/elbo_chain.vi", 1),
    ("tests/cases/elbo_chain.vi", 2),
    ("tests/cases/elbo_chain.vi", 5),
    ("tests/cases/elbo_chains.vi", 1),
    ("tests/cases/elbo_chain_further.vi", 1),
    ("tests/cases/elbo_chain_further.vi", 2),
    ("tests/cases/elbo_chain_further.vi", 6),
    ("tests/cases/elbo_recursion.vi", 1),
    ("tests/cases/elbo_recursion.vi", 5),
    ("tests/cases/elbo_missing.vi", 4),
    ("tests/cases/layers_images.vi", 2),
    ("tests/cases/layers_steps.vi", 2),
    ("models/gp.vi", 4),
    ("models/gmm.vi", 4),
    ("models/gmm_bayes.vi", 3),
];

#[test]
fn the_plan_of_the_log_joint_is_what_the_interpreter_says() {
    for (file, n) in FILES {
        let elbo = derived(file, &[]);
        let mut random = Random(17);
        let mut world = World::new(&elbo.model, *n, &[], &mut random);
        let data = world.bound();
        let mut joint = PlanJoint::new(&elbo, &data, &Reference).unwrap_or_else(|e| panic!("{file}: {e:?}"));
        let layout = joint.layout.clone();
        for _ in 0..2 {
            let point: Vec<f64> = random.normals(layout.point()).iter().map(|x| 0.5 * x).collect();
            for block in &layout.params {
                let from = layout.latents + block.offset;
                world.set_param(block.of, &point[from..from + block.len()]);
            }
            let free = layout.sites.iter().map(|block| (block.of, point[block.offset..][..block.len()].to_vec()));
            let expected = Interpreter::new(&world).log_joint(&free.collect());
            let (mut value, mut gradient) = (vec![0.0], vec![0.0; point.len()]);
            joint.eval(&point, &mut value, &mut gradient).unwrap();
            let error = (value[0] - expected).abs() / (1.0 + expected.abs());
            assert!(error < 1e-6, "{file}: {} where the interpreter says {expected}", value[0]);
            assert_slopes(file, &mut joint, &point, &gradient);
        }
    }
}

/// Central differences, in two at a time: moved up and moved down.
fn assert_slopes(file: &str, joint: &mut PlanJoint, point: &[f64], gradient: &[f64]) {
    let h = 1e-5;
    for (i, slope) in gradient.iter().enumerate() {
        let moved = |by: f64| point.iter().enumerate().map(move |(j, x)| if i == j { x + by } else { *x });
        let both: Vec<f64> = moved(h).chain(moved(-h)).collect();
        let mut values = vec![0.0; 2];
        joint.values(&both, &mut values).unwrap();
        let expected = (values[0] - values[1]) / (2.0 * h);
        let error = (slope - expected).abs() / (1.0 + expected.abs());
        assert!(error < 1e-6, "{file}: slope {i} is {slope} where differences say {expected}");
    }
}

/// Each entry of `x` is 0 where its number is below the rate, and grows where it is not; outside of a step nothing is.
#[test]
fn dropout_acts_in_a_step_only() {
    let text = "dim N\ndata x[N]: real[3]\ndata y[N]: real\nnet f(x: real[3]) -> real { dense(dropout(x, 0.25), bias: false) }\n\
                model { for n in N { y[n] ~ Normal(f(x[n]), 1) } }";
    let (elbo, _) = ppl::compile(&Source::new("dropout.vi", text), &Settings::default());
    let elbo = elbo.expect("a bound");
    let data = World::new(&elbo.model, 2, &[], &mut Random(5)).bound();
    let entry = |item: usize, at: usize| data.arrays[item].values.get(at);
    let weights = [0.5, -1.0, 2.0];
    let chances = [0.1, 0.3, 0.9, 0.26, 0.24, 0.5];
    let expected = |factor: &dyn Fn(usize) -> f64| -> f64 {
        let row = |n: usize| {
            let mean: f64 = (0..3).map(|k| weights[k] * factor(3 * n + k) * entry(0, 3 * n + k)).sum();
            -0.5 * (entry(1, n) - mean).powi(2) - 0.5 * std::f64::consts::TAU.ln()
        };
        row(0) + row(1)
    };
    let batch = Batch::draws(1);
    let whole = lower::bound(&elbo, &data, &batch).unwrap();
    assert_eq!(whole.inputs, [InputKind::Params]);
    let found = evaluate_once(&whole.plan, &[&weights]).unwrap()[0][0];
    assert!((found - expected(&|_| 1.0)).abs() < 1e-12);
    let step = lower::step(&elbo, &data, &batch).unwrap();
    assert!(matches!(step.inputs[..], [InputKind::Params, InputKind::Dropout { .. }]), "{:?}", step.inputs);
    let found = evaluate_once(&step.plan, &[&weights, &chances]).unwrap()[0][0];
    let kept = |at: usize| if chances[at] < 0.25 { 0.0 } else { 1.0 / 0.75 };
    assert!((found - expected(&kept)).abs() < 1e-12);
}
