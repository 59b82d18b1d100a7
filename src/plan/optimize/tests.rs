//! Optimized plans are equal plans, and the rewritings happen.

use super::*;
use crate::plan::grad::gradient;
use crate::plan::infer::count;
use crate::plan::random::{self, Random};
use crate::plan::{Array, Binary, Reduce, evaluate_once, print, verify};

/// Both plans at random inputs.
fn assert_equal(before: &Plan, after: &Plan, seed: u64, say: &str) {
    let inputs = random::inputs(before, seed);
    let inputs: Vec<&[f64]> = inputs.iter().map(Vec::as_slice).collect();
    let (x, y) = (evaluate_once(before, &inputs).unwrap(), evaluate_once(after, &inputs).unwrap());
    for ((x, y), output) in x.iter().zip(&y).zip(&before.outputs) {
        let near = |(x, y): (&f64, &f64)| (x - y).abs() <= 1e-9 * (1.0 + x.abs());
        let equal = x.len() == y.len() && x.iter().zip(y).all(near);
        assert!(equal, "{say}, {}: {x:?} {y:?}\n{}\n{}", output.name, print(before), print(after));
    }
}

#[test]
fn an_optimized_plan_equals_the_plan() {
    for seed in 0..300 {
        let plan = random::plan(seed, 35);
        verify(&plan).unwrap();
        for (name, pass) in PASSES {
            let after = pass(&plan).unwrap();
            verify(&after).unwrap();
            assert_equal(&plan, &after, seed, &format!("seed {seed}, {name}"));
        }
        let after = optimize(plan.clone()).unwrap();
        assert_equal(&plan, &after, seed, &format!("seed {seed}"));
        let stops = after.nodes.iter().any(|(_, node)| matches!(node.op, Op::Unary(Unary::StopGradient, _)));
        assert!(!stops && after.inputs == plan.inputs && after.nodes.len() <= plan.nodes.len() + 15);
    }
}

#[test]
fn a_second_time_changes_little() {
    for seed in 0..50 {
        let once = optimize(random::plan(seed, 35)).unwrap();
        let twice = optimize(once.clone()).unwrap();
        assert!(twice.nodes.len() <= once.nodes.len(), "seed {seed}:\n{}\n{}", print(&once), print(&twice));
    }
}

fn data(n: usize, shape: &[usize], b: &mut Builder) -> NodeId {
    let values = Random::new(n as u64).reals(count(shape));
    b.constant(Array::from_reals(values), shape)
}

#[test]
fn a_regression_is_two_products_and_what_is_known_is_gone() {
    let mut b = Builder::new();
    let w = b.input("w", &[2, 1, 5]);
    let x = data(1, &[1, 30, 5], &mut b);
    let y = data(2, &[1, 30], &mut b);
    b.set_origin(Some("y".into()));
    let products = b.times(w, x);
    let mean = b.sum(products, &[2]);
    let gap = b.minus(y, mean);
    let squares = b.square(gap);
    let scaled = b.scale(squares, -0.5);
    // Depends on data alone.
    let lgamma = b.square(y);
    let log = b.shift(lgamma, 1.0);
    let log = b.log(log);
    let terms = b.minus(scaled, log);
    let bound = b.sum_all(terms);
    b.output("bound", bound);
    let gradient = gradient(&mut b, bound, &[w]).unwrap();
    b.output("gradient", gradient[0]);
    let before = b.finish().unwrap();
    let after = optimize(before.clone()).unwrap();
    assert_equal(&before, &after, 1, "regression");
    let text = print(&after);
    assert_eq!(text.matches("contract").count(), 2, "{text}");
    assert!(!text.contains("log(") && !text.contains("expand"), "{text}");
    assert!(after.nodes.len() <= 15, "{text}");
}

#[test]
fn factors_leave_sums() {
    let mut b = Builder::new();
    let (x, s) = (b.input("x", &[6, 7]), b.input("s", &[6, 1]));
    let product = b.times(x, s);
    let sum = b.sum(product, &[1]);
    b.output("sum", sum);
    let after = optimize(b.finish().unwrap()).unwrap();
    let expected = "\
input x [6, 7]
input s [6, 1]
%0 [6, 7] = input x
%1 [6, 1] = input s
%2 [6] = sum(%0; [1])
%3 [6] = reshape(%1)
%4 [6] = mul(%2, %3)
output sum = %4
";
    assert_eq!(print(&after), expected);
}

#[test]
fn repeated_terms_are_multiplied() {
    let mut b = Builder::new();
    let (x, y) = (b.input("x", &[1, 7]), b.input("y", &[6, 1]));
    let both = b.plus(x, y);
    let sum = b.sum_all(both);
    b.output("sum", sum);
    let top = b.expand(x, &[6, 7]);
    let top = b.reduce(Reduce::LogSumExp, top, &[0]);
    b.output("top", top);
    let before = b.finish().unwrap();
    let after = optimize(before.clone()).unwrap();
    assert_equal(&before, &after, 5, "repeated");
    assert!(after.nodes.iter().all(|(_, node)| count(&node.shape) <= 7), "{}", print(&after));
}

#[test]
fn large_products_of_known_numbers_are_not_kept() {
    let mut b = Builder::new();
    let (x, y) = (data(1, &[600, 1], &mut b), data(2, &[1, 600], &mut b));
    let w = b.input("w", &[1, 1]);
    let table = b.binary(Binary::Max, x, y);
    let scaled = b.times(table, w);
    b.output("scaled", scaled);
    let after = optimize(b.finish().unwrap()).unwrap();
    let known: usize =
        after.nodes.iter().filter(|(_, node)| node.op.is_constant_leaf()).map(|(_, node)| count(&node.shape)).sum();
    assert!(known <= 1300, "{}", print(&after));
}
