//! The plan of the log joint computes what the interpreter says, and its gradient is that of its values.

use ppl::fit::LogJoint;
use ppl::fit::joint::PlanJoint;
use ppl::plan::reference::Reference;

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
    ("tests/cases/elbo_share_child.vi", 2),
    ("tests/cases/elbo_chain.vi", 1),
    ("tests/cases/elbo_chain.vi", 2),
    ("tests/cases/elbo_chain.vi", 5),
    ("tests/cases/elbo_chains.vi", 1),
    ("tests/cases/elbo_missing.vi", 4),
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
