//! The reference against sums and products written out, and against itself with every buffer its own.

use super::*;
use crate::plan::random::{self, Random};
use crate::plan::{Binary, Builder, Contraction, Reduce, Unary};

fn run(b: Builder, inputs: &[&[f64]]) -> Vec<Vec<f64>> {
    let plan = b.finish().unwrap();
    evaluate_once(&plan, inputs).unwrap()
}

fn close(a: &[f64], b: &[f64], tolerance: f64) -> bool {
    let near =
        |(x, y): (&f64, &f64)| (x - y).abs() <= tolerance * (1.0 + x.abs()) || (x.is_nan() && y.is_nan()) || x == y;
    a.len() == b.len() && a.iter().zip(b).all(near)
}

/// The Einstein sum as it is defined: a loop over all names.
fn naive(left: (&[f64], &[usize], &[u8]), right: (&[f64], &[usize], &[u8]), out: &[u8]) -> Vec<f64> {
    let mut names: Vec<u8> = out.to_vec();
    names.extend(left.2.iter().filter(|name| !out.contains(name)));
    let find = |name: &u8, side: (&[f64], &[usize], &[u8])| side.2.iter().position(|n| n == name).map(|i| side.1[i]);
    let extents: Vec<usize> = names.iter().map(|name| find(name, left).or(find(name, right)).unwrap()).collect();
    let total: usize = extents.iter().product();
    let places: usize = extents[..out.len()].iter().product();
    let mut result = vec![0.0; places];
    for flat in 0..total {
        let mut rest = flat;
        let mut at = vec![0; names.len()];
        for i in (0..names.len()).rev() {
            at[i] = rest % extents[i];
            rest /= extents[i];
        }
        let place = |shape: &[usize], order: &[u8]| {
            order.iter().zip(shape).fold(0, |p, (name, n)| p * n + at[names.iter().position(|m| m == name).unwrap()])
        };
        result[place(&extents[..out.len()], out)] += left.0[place(left.1, left.2)] * right.0[place(right.1, right.2)];
    }
    result
}

#[test]
fn contractions_are_the_sums_they_stand_for() {
    let cases: &[(&[u8], &[u8], &[u8])] = &[
        (b"ij", b"kj", b"ik"),
        (b"ij", b"jk", b"ki"),
        (b"ji", b"kj", b"ik"),
        (b"bij", b"bjk", b"bik"),
        (b"ibj", b"kjb", b"kbi"),
        (b"ij", b"j", b"i"),
        (b"j", b"kj", b"k"),
        (b"j", b"j", b""),
        (b"ij", b"ij", b""),
        (b"ij", b"ij", b"i"),
        (b"ij", b"ij", b"j"),
        (b"ijk", b"kli", b"jl"),
        (b"ijkl", b"jm", b"imkl"),
        (b"ijkl", b"lj", b"ki"),
        (b"abi", b"cbi", b"iac"),
    ];
    let mut random = Random::new(3);
    for (left, right, out) in cases {
        // Small, and large enough for the blocked product.
        for scale in [1, 12] {
            let extent = |name: &u8| 2 + scale * usize::from(*name % 3);
            let [l, r] = [left, right].map(|names| names.iter().map(extent).collect::<Vec<usize>>());
            let (x, y) = (random.reals(count(&l)), random.reals(count(&r)));
            let mut b = Builder::new();
            let (p, q) = (b.input("x", &l), b.input("y", &r));
            let axes = Contraction { left: left.to_vec(), right: right.to_vec(), out: out.to_vec() };
            let z = b.contract(p, q, axes);
            b.output("z", z);
            let expected = naive((&x, &l, left), (&y, &r, right), out);
            let got = run(b, &[&x, &y]);
            let say = |names: &[u8]| String::from_utf8_lossy(names).into_owned();
            assert!(close(&got[0], &expected, 1e-12), "{},{}->{} x {scale}", say(left), say(right), say(out));
        }
    }
}

#[test]
fn moved_elements_are_where_they_should_be() {
    let x = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0];
    let mut b = Builder::new();
    let p = b.input("x", &[2, 3]);
    let parts = [
        b.permute(p, &[1, 0]),
        b.slice(p, 1, 1, 3),
        b.pad(p, 0, 1, 0),
        b.concat(&[p, p], 1),
        b.cumsum(p, 1, false),
        b.cumsum(p, 0, true),
        b.reduce(Reduce::Prod, p, &[0]),
        b.reduce(Reduce::Max, p, &[1]),
    ];
    parts.iter().enumerate().for_each(|(i, part)| b.output(format!("{i}"), *part));
    let got = run(b, &[&x]);
    let expected: [&[f64]; 8] = [
        &[0., 3., 1., 4., 2., 5.],
        &[1., 2., 4., 5.],
        &[0., 0., 0., 0., 1., 2., 3., 4., 5.],
        &[0., 1., 2., 0., 1., 2., 3., 4., 5., 3., 4., 5.],
        &[0., 1., 3., 3., 7., 12.],
        &[3., 5., 7., 3., 4., 5.],
        &[0., 4., 10.],
        &[2., 5.],
    ];
    for (got, expected) in got.iter().zip(expected) {
        assert_eq!(got, expected);
    }
}

#[test]
fn rows_are_looked_up_and_summed_back() {
    let mut b = Builder::new();
    let bytes = b.constant(Array::from_reals(vec![10., 11., 20., 21., 30., 31.]), &[3, 2]);
    let (index, values) = (b.input("index", &[2, 2]), b.input("values", &[2, 2]));
    let picked = b.gather(bytes, index);
    let back = b.scatter_add(values, index, 4);
    b.output("picked", picked);
    b.output("back", back);
    let plan = b.finish().unwrap();
    let got = evaluate_once(&plan, &[&[2., 0., 1., 2.], &[1., 2., 3., 4.]]).unwrap();
    assert_eq!(got[0], [30., 31., 10., 11., 20., 21., 30., 31.]);
    assert_eq!(got[1], [2., 3., 5., 0.]);
    for wrong in [[2., 0., 1., 3.], [-1., 0., 0., 0.], [0.5, 0., 0., 0.], [f64::NAN, 0., 0., 0.]] {
        assert!(matches!(evaluate_once(&plan, &[&wrong, &[0.; 4]]), Err(Failure::Bug(_))), "{wrong:?}");
    }
}

#[test]
fn extreme_values_have_their_log_sums() {
    let (inf, nan) = (f64::INFINITY, f64::NAN);
    let rows: [([f64; 3], f64); 6] = [
        ([1000., 1000., -inf], 1000. + 2f64.ln()),
        ([-inf, -inf, -inf], -inf),
        ([inf, 0., 0.], inf),
        ([nan, 0., 0.], nan),
        ([-1000., -1001., -1e300], -1000. + (1. + (-1f64).exp()).ln()),
        ([0., 0., 0.], 3f64.ln()),
    ];
    for along in [0, 1] {
        let mut b = Builder::new();
        let shape = if along == 1 { [6, 3] } else { [3, 6] };
        let x = b.input("x", &shape);
        let y = b.reduce(Reduce::LogSumExp, x, &[along]);
        b.output("y", y);
        let at = |i: usize| if along == 1 { rows[i / 3].0[i % 3] } else { rows[i % 6].0[i / 6] };
        let got = run(b, &[&(0..18).map(at).collect::<Vec<_>>()]);
        assert!(close(&got[0], &rows.map(|row| row.1), 1e-15), "{got:?}");
    }
}

#[test]
fn factors_and_systems_are_solved() {
    let n = 7;
    let mut random = Random::new(5);
    let half = random.reals(2 * n * n);
    let right = random.reals(2 * n * 3);
    let mut b = Builder::new();
    let (m, r) = (b.input("m", &[2, n, n]), b.input("r", &[2, n, 3]));
    let turned = b.transpose(m);
    let square = b.matmul(m, turned);
    let l = b.cholesky(square);
    let lt = b.transpose(l);
    let again = b.matmul(l, lt);
    let solved = b.solve_triangular(l, r, false);
    let twice = b.solve_triangular(l, solved, true);
    let back = b.matmul(square, twice);
    for (name, node) in [("square", square), ("again", again), ("back", back)] {
        b.output(name, node);
    }
    let got = run(b, &[&half, &right]);
    assert!(close(&got[0], &got[1], 1e-12));
    assert!(close(&got[2], &right, 1e-8));
}

#[test]
fn runs_do_not_remember() {
    // The plan with every node an output has every value in a slot of its own.
    for seed in 0..150 {
        let plan = random::plan(seed, 40);
        let mut apart = plan.clone();
        apart.outputs = plan.nodes.ids().map(|id| crate::plan::Output { name: format!("{id:?}"), node: id }).collect();
        let mut prepared = Reference.prepare(&plan, Precision::F64).unwrap();
        for turn in 0..2 {
            let inputs = random::inputs(&plan, seed + turn);
            let inputs: Vec<&[f64]> = inputs.iter().map(Vec::as_slice).collect();
            let got = prepared.run(&inputs).unwrap();
            let all = evaluate_once(&apart, &inputs).unwrap();
            for (got, output) in got.iter().zip(&plan.outputs) {
                assert!(close(got, &all[output.node.index()], 0.0), "seed {seed}: {}", output.name);
            }
        }
    }
}

#[test]
fn inputs_that_do_not_fit_are_a_bug_of_ours() {
    let mut b = Builder::new();
    let x = b.input("x", &[2]);
    let y = b.unary(Unary::Exp, x);
    let z = b.binary(Binary::Pow, y, x);
    b.output("z", z);
    let plan = b.finish().unwrap();
    assert!(evaluate_once(&plan, &[]).is_err());
    assert!(evaluate_once(&plan, &[&[1.0]]).is_err());
    assert_eq!(evaluate_once(&plan, &[&[0.0, 1.0]]).unwrap(), [[1.0, std::f64::consts::E]]);
}
