//! Asking for devices, and the smallest plans on each path.

use ppl::plan::{Binary, Contraction, Failure, Op, Precision, Reduce, Unary};

use crate::hand::Hand;

fn close(found: &[f64], wanted: &[f64], tolerance: f64) {
    assert_eq!(found.len(), wanted.len());
    for (f, w) in found.iter().zip(wanted) {
        assert!((f - w).abs() <= tolerance * w.abs().max(1.0), "{f} is not {w}");
    }
}

#[test]
fn an_unknown_backend_is_named_with_the_nearest_one() {
    let problem = ppl::engine::backend("wgpuu").err().expect("a problem");
    assert_eq!(problem.code, "ppl::engine::backend");
    assert_eq!(problem.help.as_deref(), Some("did you mean `--backend wgpu`?"));
    let problem = ppl::engine::backend("abacus").err().expect("a problem");
    assert_eq!(problem.help.as_deref(), Some("write one of `cpu`, `ndarray`, `wgpu`"));
}

#[cfg(not(feature = "wgpu"))]
#[test]
fn a_backend_that_is_not_compiled_in_says_how_to_build_it() {
    let problem = ppl::engine::backend("wgpu").err().expect("a problem");
    assert_eq!(problem.code, "ppl::engine::backend");
    assert!(problem.help.is_some_and(|help| help.contains("--features wgpu")));
}

#[test]
fn a_product_its_activation_and_its_sum() {
    for backend in ["cpu", "composed"] {
        for (precision, tolerance) in [(Precision::F32, 1e-6), (Precision::F64, 1e-14)] {
            let mut hand = Hand::default();
            let x = hand.input(&[2, 3], vec![1.0, 2.0, 3.0, -1.0, 0.5, 0.25]);
            let w = hand.input(&[2, 3], vec![0.5, -1.0, 2.0, 1.0, 1.0, -4.0]);
            let axes = Contraction { left: vec![0, 2], right: vec![1, 2], out: vec![0, 1] };
            let product = hand.add(Op::Contract { left: x, right: w, axes }, &[2, 2]);
            let two = hand.add(Op::Literal(2.0), &[1, 1]);
            let half = hand.add(Op::Binary(Binary::Div, product, two), &[2, 2]);
            let active = hand.add(Op::Unary(Unary::Tanh, half), &[2, 2]);
            let sum = hand.add(Op::Reduce(Reduce::Sum, active, vec![0, 1]), &[]);
            hand.output(active);
            hand.output(sum);
            let (plan, inputs) = (hand.plan, hand.values);
            let inputs: Vec<&[f64]> = inputs.iter().map(Vec::as_slice).collect();
            let mut prepared =
                ppl::engine::backend(backend).expect("a device").prepare(&plan, precision).expect("fits");
            let wanted: Vec<f64> = [4.5, -9.0, -0.5, -1.5].iter().map(|v: &f64| (v / 2.0).tanh()).collect();
            for _ in 0..2 {
                let found = prepared.run(&inputs).expect("runs");
                close(&found[0], &wanted, tolerance);
                close(&found[1], &[wanted.iter().sum()], tolerance);
            }
            assert!(matches!(prepared.run(&inputs[..1]), Err(Failure::Bug(_))));
        }
    }
}
