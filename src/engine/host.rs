//! Operations done on the processor, in f64, whatever the device: no other library here has them.

use rayon::prelude::*;

use crate::plan::{Failure, Node, Op, Unary};
use crate::problem::Bug;

/// Numbers that are worth a thread: they are costly ones.
const SHARED: usize = 256;

/// Whether burn has neither the function nor the parts to build it from.
pub(super) fn has(op: Unary) -> bool {
    matches!(
        op,
        Unary::LogNormalCdf | Unary::NormalLogQuantile | Unary::LogBesselI0e | Unary::BesselRatio | Unary::LogCauchyCdf
    )
}

/// The value of a node from its operands' values and shapes.
pub(super) fn apply(node: &Node, args: &[(&[f64], &[usize])]) -> Result<Vec<f64>, Failure> {
    match (&node.op, args) {
        (Op::Unary(op, _), [(values, _)]) => {
            let f = op.row().scalar;
            Ok(values.par_iter().with_min_len(SHARED).map(|x| f(*x)).collect())
        }
        (Op::Binary(op, ..), [a, b]) => Ok(pairs(node, *a, *b, op.row().scalar)),
        (Op::Cholesky(_), [(values, shape)]) => Ok(cholesky(values, last(shape))),
        (Op::SolveTriangular { transposed, .. }, [(lower, _), (right, shape)]) => {
            Ok(solve(lower, right, (last(&shape[..shape.len() - 1]), last(shape)), *transposed))
        }
        _ => Err(Failure::Bug(Bug(format!("{:?} is not an operation of the processor", node.op)))),
    }
}

fn last(shape: &[usize]) -> usize {
    shape.last().copied().unwrap_or(1)
}

/// A function of two numbers at every place, axes of one repeated.
fn pairs(node: &Node, a: (&[f64], &[usize]), b: (&[f64], &[usize]), f: fn(f64, f64) -> f64) -> Vec<f64> {
    let (a_at, b_at) = (strides(a.1), strides(b.1));
    let count: usize = node.shape.iter().product();
    let place = |at: usize, steps: &[usize]| {
        let mut rest = at;
        let mut sum = 0;
        for (axis, length) in node.shape.iter().enumerate().rev() {
            sum += (rest % length) * steps.get(axis).copied().unwrap_or(0);
            rest /= length;
        }
        sum
    };
    let one = |at| f(a.0[place(at, &a_at)], b.0[place(at, &b_at)]);
    (0..count).into_par_iter().with_min_len(SHARED).map(one).collect()
}

/// Row-major steps; an axis of one does not move.
fn strides(shape: &[usize]) -> Vec<usize> {
    let mut step = 1;
    let mut steps = vec![0; shape.len()];
    for (axis, length) in shape.iter().enumerate().rev() {
        steps[axis] = if *length == 1 { 0 } else { step };
        step *= length;
    }
    steps
}

/// The lower factor of each matrix; of one that is not positive definite, not a number from the first bad pivot on.
fn cholesky(values: &[f64], n: usize) -> Vec<f64> {
    let mut out = vec![0.0; values.len()];
    for (matrix, factor) in values.chunks_exact((n * n).max(1)).zip(out.chunks_exact_mut((n * n).max(1))) {
        for i in 0..n {
            for j in 0..=i {
                let (row, above) = (&factor[i * n..i * n + j], &factor[j * n..j * n + j]);
                let rest = matrix[i * n + j] - row.iter().zip(above).map(|(a, b)| a * b).sum::<f64>();
                factor[i * n + j] = if i == j { rest.sqrt() } else { rest / factor[j * n + j] };
            }
        }
    }
    out
}

/// Forward substitution, or backward with the transpose, of every matrix.
fn solve(lower: &[f64], right: &[f64], (n, k): (usize, usize), transposed: bool) -> Vec<f64> {
    let mut out = right.to_vec();
    for (factor, x) in lower.chunks_exact((n * n).max(1)).zip(out.chunks_exact_mut((n * k).max(1))) {
        for step in 0..n {
            let i = if transposed { n - 1 - step } else { step };
            for done in 0..step {
                let j = if transposed { n - 1 - done } else { done };
                let by = if transposed { factor[j * n + i] } else { factor[i * n + j] };
                for column in 0..k {
                    x[i * k + column] -= by * x[j * k + column];
                }
            }
            x[i * k..(i + 1) * k].iter_mut().for_each(|value| *value /= factor[i * n + i]);
        }
    }
    out
}
