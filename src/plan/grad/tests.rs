//! Gradients are the central differences of the reference, operation by operation and on random plans.

use super::*;
use crate::plan::infer::count;
use crate::plan::ops::{BINARY, Domain, UNARY};
use crate::plan::random::{self, Random};
use crate::plan::reference::Reference;
use crate::plan::{Array, Backend, Output};
use crate::plan::{Binary, Plan, Precision, Reduce, Unary, print, verify};

/// A plan whose first output is a number and whose next are its gradients in all inputs.
fn check(b: Builder, y: NodeId, inputs: &[Vec<f64>], tolerance: f64, say: &str) {
    let mut b = b;
    let wrt: Vec<NodeId> =
        b.plan().nodes.iter().filter(|(_, n)| matches!(n.op, Op::Input(_))).map(|(i, _)| i).collect();
    let gradients = gradient(&mut b, y, &wrt).unwrap();
    b.output("y", y);
    gradients.iter().enumerate().for_each(|(i, id)| b.output(format!("d{i}"), *id));
    let plan = b.finish().unwrap();
    verify(&plan).unwrap_or_else(|bug| panic!("{say}: {bug}"));
    compare(&plan, inputs, tolerance, say);
    let optimized = crate::plan::optimize::optimize(plan.clone()).unwrap();
    let inputs: Vec<&[f64]> = inputs.iter().map(Vec::as_slice).collect();
    let [before, after] = [&plan, &optimized].map(|plan| crate::plan::evaluate_once(plan, &inputs).unwrap().concat());
    let near = |(x, y): (&f64, &f64)| (x - y).abs() <= 1e-9 * (1.0 + x.abs());
    assert!(
        before.iter().zip(&after).all(near),
        "{say}: {before:?} {after:?}\n{}\n{}",
        print(&plan),
        print(&optimized)
    );
}

fn compare(plan: &Plan, inputs: &[Vec<f64>], tolerance: f64, say: &str) {
    let mut prepared = Reference.prepare(plan, Precision::F64).unwrap();
    let mut run = |inputs: &[Vec<f64>]| {
        let inputs: Vec<&[f64]> = inputs.iter().map(Vec::as_slice).collect();
        prepared.run(&inputs).unwrap()
    };
    let at = run(inputs);
    for (i, input) in inputs.iter().enumerate() {
        assert_eq!(at[i + 1].len(), input.len(), "{say}");
        for j in 0..input.len() {
            let mut value = |step: f64| {
                let mut moved = inputs.to_vec();
                moved[i][j] += step;
                run(&moved)[0].iter().sum::<f64>()
            };
            // Central differences with their first error term removed (Richardson).
            let (h, mut central) = (2e-4, |h: f64| (value(h) - value(-h)) / (2.0 * h));
            let slope: f64 = (4.0 * central(h / 2.0) - central(h)) / 3.0;
            let got = at[i + 1][j];
            let near = (slope - got).abs() <= tolerance * (1.0 + slope.abs());
            assert!(near, "{say}: input {i}[{j}]: {got} is not {slope}\n{}", print(plan));
        }
    }
}

fn draw(random: &mut Random, domain: Domain, n: usize) -> Vec<f64> {
    let one = |random: &mut Random| match domain {
        Domain::Real => random.between(-2.0, 2.0),
        Domain::Positive => random.between(0.3, 3.0),
        Domain::AboveMinusOne => random.between(-0.6, 2.0),
        Domain::Nonzero => random.between(0.3, 2.0) * if random.below(2) == 0 { 1.0 } else { -1.0 },
        Domain::Unit => random.between(0.1, 0.9),
        Domain::Negative => random.between(-3.0, -0.1),
    };
    (0..n).map(|_| one(random)).collect()
}

/// A number from an array, in which every entry counts differently.
fn weighted(b: &mut Builder, y: NodeId) -> NodeId {
    let shape = b.shape(y).to_vec();
    let weights = Random::new(count(&shape) as u64).reals(count(&shape));
    let weights = b.constant(Array::from_reals(weights), &shape);
    let product = b.times(y, weights);
    b.sum_all(product)
}

#[test]
fn rows_of_one_operand() {
    for row in UNARY.iter().filter(|row| !matches!(row.vjp, Vjp::Unknown) && row.op != Unary::StopGradient) {
        for (seed, shape) in [vec![], vec![5], vec![2, 3]].into_iter().enumerate() {
            let mut b = Builder::new();
            let x = b.input("x", &shape);
            let y = b.unary(row.op, x);
            let y = weighted(&mut b, y);
            let x = draw(&mut Random::new(seed as u64), row.domain, count(&shape));
            // Rounding has no slope but at its steps, from which these points stay away.
            let away = |x: f64| if (x.fract().abs() - 0.5).abs() < 0.05 { x + 0.1 } else { x };
            let x = if row.op == Unary::Round { x.into_iter().map(away).collect() } else { x };
            check(b, y, &[x], 1e-8, row.name);
        }
    }
}

#[test]
fn rows_of_two_operands() {
    let shapes: [[&[usize]; 2]; 5] =
        [[&[], &[]], [&[4], &[4]], [&[3, 1], &[1, 4]], [&[1, 4], &[3, 4]], [&[2, 3], &[1, 1]]];
    for row in BINARY.iter().filter(|row| !row.vjp.iter().any(|vjp| matches!(vjp, Vjp::Unknown))) {
        for (seed, [left, right]) in shapes.into_iter().enumerate() {
            let mut b = Builder::new();
            let (p, q) = (b.input("p", left), b.input("q", right));
            let y = b.binary(row.op, p, q);
            let y = weighted(&mut b, y);
            let mut random = Random::new(seed as u64 + 10);
            let p = draw(&mut random, row.domain[0], count(left));
            let q = draw(&mut random, row.domain[1], count(right));
            check(b, y, &[p, q], 1e-7, row.name);
        }
    }
}

#[test]
fn ties_and_edges_have_the_slopes_that_are_said() {
    let slopes = |op: Binary, x: f64, y: f64| {
        let mut b = Builder::new();
        let (p, q) = (b.input("p", &[]), b.input("q", &[]));
        let z = b.binary(op, p, q);
        let back = gradient(&mut b, z, &[p, q]).unwrap();
        back.iter().enumerate().for_each(|(i, id)| b.output(format!("{i}"), *id));
        crate::plan::evaluate_once(&b.finish().unwrap(), &[&[x], &[y]]).unwrap().concat()
    };
    assert_eq!(slopes(Binary::Max, 2.0, 2.0), [1.0, 0.0]);
    assert_eq!(slopes(Binary::Min, 2.0, 2.0), [1.0, 0.0]);
    assert_eq!(slopes(Binary::Pow, 0.0, 2.5), [0.0, 0.0]);
    let reduced = |op: Reduce, x: &[f64]| {
        let mut b = Builder::new();
        let p = b.input("p", &[x.len()]);
        let z = b.reduce(op, p, &[0]);
        let back = gradient(&mut b, z, &[p]).unwrap();
        b.output("back", back[0]);
        crate::plan::evaluate_once(&b.finish().unwrap(), &[x]).unwrap().concat()
    };
    let inf = f64::INFINITY;
    assert_eq!(reduced(Reduce::Max, &[3.0, 1.0, 3.0]), [0.5, 0.0, 0.5]);
    assert_eq!(reduced(Reduce::Prod, &[2.0, 0.0, 3.0]), [0.0, 6.0, 0.0]);
    assert_eq!(reduced(Reduce::Prod, &[0.0, 0.0, 3.0]), [0.0, 0.0, 0.0]);
    assert_eq!(reduced(Reduce::LogSumExp, &[-inf, -inf]), [0.0, 0.0]);
    assert_eq!(reduced(Reduce::LogSumExp, &[-inf, 5.0]), [0.0, 1.0]);
}

#[test]
fn reductions_and_moves() {
    type Made = fn(&mut Builder, NodeId) -> NodeId;
    let rows: [(&str, Made); 17] = [
        ("sum", |b, x| b.sum(x, &[1])),
        ("max", |b, x| b.reduce(Reduce::Max, x, &[0, 2])),
        ("logsumexp", |b, x| b.reduce(Reduce::LogSumExp, x, &[1])),
        ("logsumexp of all", |b, x| b.reduce(Reduce::LogSumExp, x, &[0, 1, 2])),
        ("prod", |b, x| b.reduce(Reduce::Prod, x, &[0, 1])),
        ("reshape", |b, x| b.reshape(x, &[4, 6])),
        ("permute", |b, x| b.permute(x, &[2, 0, 1])),
        ("expand", |b, x| {
            let x = b.slice(x, 1, 0, 1);
            b.expand(x, &[2, 5, 4])
        }),
        ("slice", |b, x| b.slice(x, 2, 1, 3)),
        ("slices that meet", |b, x| {
            let (p, q) = (b.slice(x, 2, 0, 1), b.slice(x, 2, 1, 4));
            let q = b.exp(q);
            b.times(p, q)
        }),
        ("slices that overlap", |b, x| {
            let (p, q, r) = (b.slice(x, 2, 0, 2), b.slice(x, 2, 1, 3), b.slice(x, 0, 1, 2));
            let (q, r) = (b.exp(q), b.sum_keeping(r, &[2]));
            let p = b.times(p, q);
            b.times(p, r)
        }),
        ("pad", |b, x| b.pad(x, 1, 2, 1)),
        ("concat", |b, x| {
            let y = b.exp(x);
            b.concat(&[x, y, x], 1)
        }),
        ("cumsum", |b, x| b.cumsum(x, 1, false)),
        ("cumsum from the end", |b, x| b.cumsum(x, 2, true)),
        ("gather", |b, x| {
            let index = b.constant(Array::from_reals(vec![1.0, 0.0, 1.0]), &[3]);
            b.gather(x, index)
        }),
        ("scatter_add", |b, x| {
            let index = b.constant(Array::from_reals(vec![1.0, 0.0, 1.0, 3.0, 3.0, 3.0]), &[2, 3]);
            b.scatter_add(x, index, 5)
        }),
    ];
    for (name, make) in rows {
        let mut b = Builder::new();
        let x = b.input("x", &[2, 3, 4]);
        let y = make(&mut b, x);
        // Twice, so that the slope is not the same everywhere.
        let y = b.square(y);
        let y = weighted(&mut b, y);
        check(b, y, &[Random::new(9).reals(24)], 1e-7, name);
    }
}

#[test]
fn slices_of_a_packed_vector_come_back_as_one() {
    let mut b = Builder::new();
    let x = b.input("x", &[9]);
    let ends = [(0, 2), (3, 5), (5, 9)];
    let parts = ends.map(|(start, end)| {
        let part = b.slice(x, 0, start, end);
        let part = b.exp(part);
        b.sum_all(part)
    });
    let y = parts.into_iter().reduce(|sum, part| b.plus(sum, part)).unwrap();
    let back = gradient(&mut b, y, &[x]).unwrap();
    b.output("back", back[0]);
    let plan = b.finish().unwrap();
    let text = print(&crate::plan::optimize::optimize(plan).unwrap());
    assert!(text.contains("concat(") && !text.contains("pad(") && !text.contains("add("), "{text}");
}

#[test]
fn products_and_factors() {
    let cases: [(&[u8], &[u8], &[u8]); 6] = [
        (b"ij", b"kj", b"ik"),
        (b"bij", b"bjk", b"kbi"),
        (b"ij", b"j", b"i"),
        (b"ij", b"ij", b""),
        (b"ij", b"ji", b"i"),
        (b"ijk", b"kl", b"lij"),
    ];
    for (left, right, out) in cases {
        let extent = |name: &u8| 2 + usize::from(*name % 3);
        let [l, r] = [left, right].map(|names| names.iter().map(extent).collect::<Vec<usize>>());
        let mut b = Builder::new();
        let (p, q) = (b.input("p", &l), b.input("q", &r));
        let y = b.contract(p, q, Contraction { left: left.to_vec(), right: right.to_vec(), out: out.to_vec() });
        let y = weighted(&mut b, y);
        let mut random = Random::new(4);
        let (p, q) = (random.reals(count(&l)), random.reals(count(&r)));
        check(b, y, &[p, q], 1e-8, &format!("{left:?} {right:?} {out:?}"));
    }
    for transposed in [false, true] {
        let mut b = Builder::new();
        let (m, r) = (b.input("m", &[2, 3, 3]), b.input("r", &[2, 3, 2]));
        let turned = b.transpose(m);
        let square = b.matmul(m, turned);
        let eye = b.constant(Array::from_reals(vec![2., 0., 0., 0., 2., 0., 0., 0., 2.]), &[1, 3, 3]);
        let square = b.plus(square, eye);
        let l = b.cholesky(square);
        let y = b.solve_triangular(l, r, transposed);
        let (y, l) = (weighted(&mut b, y), weighted(&mut b, l));
        let y = b.plus(y, l);
        let mut random = Random::new(8);
        let (m, r) = (random.reals(18), random.reals(12));
        check(b, y, &[m, r], 1e-6, "cholesky and solve");
    }
}

#[test]
fn selecting_and_stopping() {
    let mut b = Builder::new();
    let (x, y) = (b.input("x", &[3, 4]), b.input("y", &[1, 4]));
    let c = b.constant(Array::from_reals(vec![0.0, 1.0, 0.0]), &[3, 1]);
    let z = b.select(c, x, y);
    let z = b.square(z);
    let z = weighted(&mut b, z);
    let mut random = Random::new(2);
    check(b, z, &[random.reals(12), random.reals(4)], 1e-8, "select");

    let mut b = Builder::new();
    let x = b.input("x", &[]);
    let still = b.stop_gradient(x);
    let y = b.times(x, still);
    let other = b.input("other", &[2]);
    let back = gradient(&mut b, y, &[x, other]).unwrap();
    assert_eq!(b.as_literal(back[1]), Some(0.0));
    b.output("back", back[0]);
    let plan = b.finish().unwrap();
    let got = crate::plan::evaluate_once(&plan, &[&[3.0], &[0.0, 0.0]]).unwrap();
    assert_eq!(got, [[3.0]]);
}

#[test]
fn random_plans() {
    let smooth = |op: &Op| match op {
        Op::Unary(op, _) => !matches!(op, Unary::Abs | Unary::Sign | Unary::Relu | Unary::Step | Unary::StopGradient),
        Op::Binary(op, ..) => matches!(op, Binary::Add | Binary::Sub | Binary::Mul),
        Op::Select(..) => false,
        Op::Reduce(op, ..) => *op != Reduce::Max,
        _ => true,
    };
    let mut checked = 0;
    for seed in 0..200 {
        let plan = random::plan(seed, 22);
        if !plan.nodes.iter().all(|(_, node)| smooth(&node.op)) {
            continue;
        }
        let inputs = random::inputs(&plan, seed);
        let Some(Output { node, .. }) = plan.outputs.first().cloned() else { continue };
        let mut b = Builder::resume(Plan { outputs: vec![], ..plan });
        let y = weighted(&mut b, node);
        check(b, y, &inputs, 1e-4, &format!("seed {seed}"));
        checked += 1;
    }
    assert!(checked > 10, "{checked}");
}
