//! Every operation of a plan, on every path, against the oracle.

use ppl::plan::{Array, Binary, NodeId, Op, Reduce, Unary};

use crate::hand::{Dice, Hand};
use crate::parity::{TIGHT, Tolerance, check};

/// An operation, where its argument lies, and how exact it must be.
const UNARY: &[(Unary, f64, f64, Tolerance)] = &[
    (Unary::Neg, -3.0, 3.0, TIGHT),
    (Unary::Exp, -20.0, 20.0, TIGHT),
    (Unary::Log, 1e-6, 50.0, TIGHT),
    (Unary::Log1p, -0.9, 3.0, TIGHT),
    (Unary::Log1p, -1e-6, 1e-6, Tolerance { double: 1e-19, single: 1e-11 }),
    (Unary::Expm1, -5.0, 5.0, TIGHT),
    (Unary::Expm1, -1e-6, 1e-6, Tolerance { double: 1e-19, single: 1e-11 }),
    (Unary::Sqrt, 0.0, 9.0, TIGHT),
    (Unary::Recip, 0.1, 9.0, TIGHT),
    (Unary::Square, -3.0, 3.0, TIGHT),
    (Unary::Abs, -3.0, 3.0, TIGHT),
    (Unary::Sign, -3.0, 3.0, TIGHT),
    (Unary::Sin, -9.0, 9.0, TIGHT),
    (Unary::Cos, -9.0, 9.0, TIGHT),
    (Unary::Tanh, -9.0, 9.0, TIGHT),
    (Unary::Sigmoid, -30.0, 30.0, TIGHT),
    (Unary::LogSigmoid, -200.0, 200.0, TIGHT),
    (Unary::Softplus, -200.0, 200.0, TIGHT),
    (Unary::Relu, -3.0, 3.0, TIGHT),
    (Unary::Step, -3.0, 3.0, TIGHT),
    (Unary::Erf, -4.0, 4.0, TIGHT),
    (Unary::Lgamma, 1e-3, 60.0, Tolerance { double: 1e-12, single: 1e-5 }),
    (Unary::Digamma, 1e-2, 60.0, Tolerance { double: 1e-12, single: 2e-5 }),
    (Unary::Trigamma, 1e-2, 60.0, Tolerance { double: 1e-12, single: 2e-5 }),
    (Unary::LogNormalCdf, -40.0, 9.0, Tolerance { double: 1e-12, single: 1e-5 }),
    (Unary::NormalLogQuantile, -90.0, -1e-3, Tolerance { double: 1e-12, single: 1e-5 }),
    (Unary::LogBesselI0e, 1e-2, 60.0, Tolerance { double: 1e-12, single: 1e-5 }),
    (Unary::BesselRatio, 1e-2, 60.0, Tolerance { double: 1e-12, single: 1e-5 }),
    (Unary::Round, -9.0, 9.0, TIGHT),
    (Unary::Floor, -9.0, 9.0, TIGHT),
    (Unary::StopGradient, -9.0, 9.0, TIGHT),
];

const BINARY: &[(Binary, [f64; 2], [f64; 2], Tolerance)] = &[
    (Binary::Add, [-3.0, 3.0], [-3.0, 3.0], TIGHT),
    (Binary::Sub, [-3.0, 3.0], [-3.0, 3.0], TIGHT),
    (Binary::Mul, [-3.0, 3.0], [-3.0, 3.0], TIGHT),
    (Binary::Div, [-3.0, 3.0], [0.5, 3.0], TIGHT),
    (Binary::Pow, [0.1, 4.0], [-3.0, 3.0], TIGHT),
    (Binary::Min, [-3.0, 3.0], [-3.0, 3.0], TIGHT),
    (Binary::Max, [-3.0, 3.0], [-3.0, 3.0], TIGHT),
    (Binary::Equal, [-3.0, 3.0], [-3.0, 3.0], TIGHT),
    (Binary::Less, [-3.0, 3.0], [-3.0, 3.0], TIGHT),
    (Binary::LessEqual, [-3.0, 3.0], [-3.0, 3.0], TIGHT),
    (Binary::GammaLogQuantile, [0.3, 9.0], [0.01, 0.99], Tolerance { double: 1e-12, single: 1e-5 }),
    (Binary::GammaLogQuantileGrad, [0.3, 9.0], [-1.0, 1.5], Tolerance { double: 1e-12, single: 1e-4 }),
    (Binary::VonMisesQuantile, [0.3, 9.0], [0.01, 0.99], Tolerance { double: 1e-12, single: 1e-4 }),
    (Binary::VonMisesQuantileGrad, [0.3, 9.0], [-1.0, 1.5], Tolerance { double: 1e-12, single: 1e-4 }),
    (Binary::LogBeta, [0.3, 40.0], [0.3, 40.0], Tolerance { double: 1e-12, single: 1e-5 }),
];

/// An input of draws between two bounds.
fn draw(hand: &mut Hand, dice: &mut Dice, shape: &[usize], low: f64, high: f64) -> NodeId {
    let values = dice.between(low, high, shape.iter().product());
    hand.input(shape, values)
}

#[test]
fn elementwise_operations_of_one_operand() {
    for (op, low, high, tolerance) in UNARY {
        // Over a tile's length and over one thread's share, and a number.
        for shape in [&[3, 700][..], &[70, 600], &[]] {
            let (mut hand, mut dice) = (Hand::default(), Dice::new(1));
            let x = draw(&mut hand, &mut dice, shape, *low, *high);
            let y = hand.add(Op::Unary(*op, x), shape);
            hand.output(y);
            check(&format!("{op:?} of {shape:?}"), &hand.plan, &hand.values, *tolerance);
        }
    }
}

#[test]
fn elementwise_operations_where_they_are_special() {
    let special = [0.0, -0.0, 1.0, -1.0, 0.5, 1.5, 2.5, -0.5, -2.5, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
    let exact = [
        Unary::Neg,
        Unary::Exp,
        Unary::Expm1,
        Unary::Abs,
        Unary::Tanh,
        Unary::Sigmoid,
        Unary::Softplus,
        Unary::LogSigmoid,
        Unary::Relu,
        Unary::Step,
        Unary::Round,
        Unary::Floor,
        Unary::Square,
        Unary::Recip,
        Unary::Log,
        Unary::Log1p,
        Unary::Sqrt,
    ];
    for op in exact {
        let mut hand = Hand::default();
        let x = hand.input(&[special.len()], special.to_vec());
        let y = hand.add(Op::Unary(op, x), &[special.len()]);
        hand.output(y);
        check(&format!("{op:?} at the edges"), &hand.plan, &hand.values, TIGHT);
    }
}

#[test]
fn two_operands_where_they_are_special() {
    let special = [0.0, -0.0, 1.0, -1.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
    let row: Vec<f64> = special.iter().flat_map(|_| special).collect();
    let column: Vec<f64> = special.iter().flat_map(|x| [*x; 7]).collect();
    for op in [Binary::Min, Binary::Max, Binary::Equal, Binary::Less, Binary::LessEqual, Binary::Add, Binary::Mul] {
        let mut hand = Hand::default();
        let (a, b) = (hand.input(&[49], row.clone()), hand.input(&[49], column.clone()));
        let y = hand.add(Op::Binary(op, a, b), &[49]);
        hand.output(y);
        check(&format!("{op:?} at the edges"), &hand.plan, &hand.values, TIGHT);
    }
}

#[test]
fn elementwise_operations_of_two_operands_repeat_axes_of_one() {
    let shapes: [[&[usize]; 3]; 5] = [
        [&[37], &[37], &[37]],
        [&[3, 4], &[1, 4], &[3, 4]],
        [&[3, 1], &[1, 4], &[3, 4]],
        [&[2, 1, 5], &[2, 3, 1], &[2, 3, 5]],
        [&[], &[], &[]],
    ];
    for (op, first, second, tolerance) in BINARY {
        for [a, b, out] in shapes {
            let (mut hand, mut dice) = (Hand::default(), Dice::new(2));
            let x = draw(&mut hand, &mut dice, a, first[0], first[1]);
            let y = draw(&mut hand, &mut dice, b, second[0], second[1]);
            let z = hand.add(Op::Binary(*op, x, y), out);
            hand.output(z);
            // A value with itself: where comparisons meet.
            if first == second {
                let same = hand.add(Op::Binary(*op, x, x), a);
                hand.output(same);
            }
            check(&format!("{op:?} of {a:?} and {b:?}"), &hand.plan, &hand.values, *tolerance);
        }
    }
}

#[test]
fn selecting_by_a_condition() {
    let mut hand = Hand::default();
    let condition = hand.input(&[3, 1], vec![0.0, 1.0, -2.5]);
    let then = hand.input(&[3, 2], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let other = hand.input(&[1, 2], vec![f64::NAN, -1.0]);
    let chosen = hand.add(Op::Select(condition, then, other), &[3, 2]);
    hand.output(chosen);
    check("Select", &hand.plan, &hand.values, TIGHT);
}

#[test]
fn leaves_that_are_known_beforehand() {
    let mut hand = Hand::default();
    let literal = hand.add(Op::Literal(-2.5), &[2, 3]);
    let bytes = hand.add(Op::Constant(Array::from_reals(vec![0.0, 1.0, 255.0, 7.0, 8.0, 9.0])), &[2, 3]);
    let reals = hand.add(Op::Constant(Array::from_reals(vec![0.5, -1.0, 2.0, 0.25, 3.0, 1e3])), &[2, 3]);
    let iota = hand.add(Op::Iota, &[3]);
    let row = hand.add(Op::Reshape(iota), &[1, 3]);
    let x = hand.input(&[1, 1], vec![2.0]);
    let known = hand.add(Op::Binary(Binary::Mul, bytes, reals), &[2, 3]);
    let all = hand.add(Op::Binary(Binary::Add, known, literal), &[2, 3]);
    let all = hand.add(Op::Binary(Binary::Add, all, row), &[2, 3]);
    let scaled = hand.add(Op::Binary(Binary::Mul, all, x), &[2, 3]);
    for node in [literal, bytes, reals, iota, all, scaled] {
        hand.output(node);
    }
    check("leaves", &hand.plan, &hand.values, TIGHT);
}

#[test]
fn operations_that_move_elements() {
    let (mut hand, mut dice) = (Hand::default(), Dice::new(3));
    let x = draw(&mut hand, &mut dice, &[2, 3, 4], -1.0, 1.0);
    let turned = hand.add(Op::Permute(x, vec![2, 0, 1]), &[4, 2, 3]);
    let flat = hand.add(Op::Reshape(turned), &[8, 3]);
    let cut = hand.add(Op::Slice { of: turned, axis: 0, start: 1, end: 3 }, &[2, 2, 3]);
    let padded = hand.add(Op::Pad { of: cut, axis: 2, before: 2, after: 1 }, &[2, 2, 6]);
    let column = hand.add(Op::Slice { of: flat, axis: 1, start: 2, end: 3 }, &[8, 1]);
    let wide = hand.add(Op::Expand(column), &[8, 5]);
    let joined = hand.add(Op::Concat(vec![flat, wide, column], 1), &[8, 9]);
    let again = hand.add(Op::Reshape(wide), &[40]);
    let used = hand.add(Op::Unary(Unary::Exp, cut), &[2, 2, 3]);
    for node in [turned, flat, cut, padded, column, wide, joined, again, used] {
        hand.output(node);
    }
    check("moving", &hand.plan, &hand.values, TIGHT);
}

#[test]
fn reductions_over_any_axes() {
    for op in [Reduce::Sum, Reduce::Max, Reduce::LogSumExp, Reduce::Prod] {
        for axes in [&[0][..], &[1], &[2], &[0, 1], &[0, 2], &[1, 2], &[0, 1, 2]] {
            for turned in [false, true] {
                let (mut hand, mut dice) = (Hand::default(), Dice::new(4));
                let range = if op == Reduce::Prod { [0.97, 1.03] } else { [-3.0, 3.0] };
                let mut x = draw(&mut hand, &mut dice, &[7, 33, 5], range[0], range[1]);
                if turned {
                    x = hand.add(Op::Permute(x, vec![1, 2, 0]), &[33, 5, 7]);
                }
                let shape = hand.shape(x);
                let kept: Vec<usize> = (0..3).filter(|i| !axes.contains(i)).map(|i| shape[i]).collect();
                let y = hand.add(Op::Reduce(op, x, axes.to_vec()), &kept);
                hand.output(y);
                let limit = Tolerance { double: 1e-12, single: 2e-5 };
                check(&format!("{op:?} over {axes:?}, turned {turned}"), &hand.plan, &hand.values, limit);
            }
        }
    }
}

#[test]
fn reductions_of_many_elements() {
    for (shape, axes) in [
        (&[40_000, 9][..], &[0][..]),
        (&[9, 40_000], &[1]),
        (&[300, 1200], &[0, 1]),
        (&[600, 600], &[0]),
        (&[1, 300_001], &[1]),
    ] {
        let (mut hand, mut dice) = (Hand::default(), Dice::new(5));
        let x = draw(&mut hand, &mut dice, shape, 0.0, 1.0);
        let kept: Vec<usize> = (0..2).filter(|i| !axes.contains(i)).map(|i| shape[i]).collect();
        for op in [Reduce::Sum, Reduce::Max] {
            let y = hand.add(Op::Reduce(op, x, axes.to_vec()), &kept);
            hand.output(y);
        }
        check(&format!("{axes:?} of {shape:?}"), &hand.plan, &hand.values, Tolerance { double: 1e-12, single: 1e-4 });
    }
}

#[test]
fn a_sum_of_exponentials_without_finite_terms() {
    let mut hand = Hand::default();
    let low = f64::NEG_INFINITY;
    let x = hand.input(&[4, 2], vec![low, low, low, 1.0, f64::INFINITY, 1.0, 800.0, 801.0]);
    let y = hand.add(Op::Reduce(Reduce::LogSumExp, x, vec![1]), &[4]);
    hand.output(y);
    check("LogSumExp at the edges", &hand.plan, &hand.values, TIGHT);
}

#[test]
fn running_sums() {
    for axis in 0..3 {
        for reverse in [false, true] {
            let (mut hand, mut dice) = (Hand::default(), Dice::new(6));
            let x = draw(&mut hand, &mut dice, &[3, 4, 5], -1.0, 1.0);
            let y = hand.add(Op::Cumsum { of: x, axis, reverse }, &[3, 4, 5]);
            hand.output(y);
            check(&format!("Cumsum {axis} {reverse}"), &hand.plan, &hand.values, TIGHT);
        }
    }
}

#[test]
fn rows_of_a_table_and_back() {
    for (rest, index) in [(&[][..], &[5][..]), (&[3], &[5]), (&[2, 2], &[4, 3]), (&[3], &[])] {
        let (mut hand, mut dice) = (Hand::default(), Dice::new(7));
        let table = draw(&mut hand, &mut dice, &[&[6], rest].concat(), -1.0, 1.0);
        let count = index.iter().product();
        let places = (0..count).map(|_| dice.below(6) as f64).collect();
        let at = hand.input(index, places);
        let shape = [index, rest].concat();
        let found = hand.add(Op::Gather { table, index: at }, &shape);
        let back = hand.add(Op::ScatterAdd { values: found, index: at, rows: 6 }, &[&[6], rest].concat());
        hand.output(found);
        hand.output(back);
        check(&format!("Gather {rest:?} {index:?}"), &hand.plan, &hand.values, TIGHT);
    }
}

/// Longer than a driver may let one loop be.
#[test]
fn products_running_sums_and_look_ups_of_many_rows() {
    let n = 300_001;
    let (mut hand, mut dice) = (Hand::default(), Dice::new(11));
    let x = draw(&mut hand, &mut dice, &[n, 2], 0.0, 1.0);
    let y = draw(&mut hand, &mut dice, &[n, 3], 0.0, 1.0);
    let product = hand.contract(x, y, "ni,nj->ij");
    let index = hand.input(&[n], (0..n).map(|_| dice.below(3) as f64).collect());
    let sums = hand.add(Op::ScatterAdd { values: x, index, rows: 3 }, &[3, 2]);
    let back = hand.add(Op::Gather { table: sums, index }, &[n, 2]);
    let running = hand.add(Op::Cumsum { of: x, axis: 0, reverse: false }, &[n, 2]);
    [product, sums, back, running].into_iter().for_each(|node| hand.output(node));
    check("many rows", &hand.plan, &hand.values, Tolerance { double: 1e-11, single: 2e-3 });
}

#[test]
fn linear_algebra_of_stacked_matrices() {
    let (mut hand, mut dice) = (Hand::default(), Dice::new(8));
    let a = draw(&mut hand, &mut dice, &[2, 4, 4], -1.0, 1.0);
    let square = hand.contract(a, a, "bik,bjk->bij");
    let iota = hand.add(Op::Iota, &[4]);
    let (column, row) = (hand.add(Op::Reshape(iota), &[4, 1]), hand.add(Op::Reshape(iota), &[1, 4]));
    let eye = hand.add(Op::Binary(Binary::Equal, column, row), &[4, 4]);
    let eye = hand.add(Op::Reshape(eye), &[1, 4, 4]);
    let definite = hand.add(Op::Binary(Binary::Add, square, eye), &[2, 4, 4]);
    let lower = hand.add(Op::Cholesky(definite), &[2, 4, 4]);
    let right = draw(&mut hand, &mut dice, &[2, 4, 3], -1.0, 1.0);
    hand.output(lower);
    for transposed in [false, true] {
        let solved = hand.add(Op::SolveTriangular { lower, right, transposed }, &[2, 4, 3]);
        hand.output(solved);
    }
    check("Cholesky", &hand.plan, &hand.values, Tolerance { double: 1e-11, single: 1e-3 });
}
