//! Elementwise operations: the scalar functions of the table, in loops that repeat axes of 1.

use super::super::{Binary, Unary};

type View<'a> = (&'a [f64], &'a [usize]);

/// The function of a unary operation.
pub fn unary(op: Unary, x: &[f64], out: &mut Vec<f64>) {
    match op {
        // The commonest ones are written out, so that the loop is over a known function.
        Unary::Neg => out.extend(x.iter().map(|v| -v)),
        Unary::Exp => out.extend(x.iter().map(|v| v.exp())),
        Unary::Square => out.extend(x.iter().map(|v| v * v)),
        Unary::StopGradient => out.extend_from_slice(x),
        _ => {
            let f = op.row().scalar;
            out.extend(x.iter().map(|v| f(*v)));
        }
    }
}

pub fn binary(op: Binary, a: View, b: View, shape: &[usize], out: &mut Vec<f64>) {
    match op {
        Binary::Add => zip(a, b, shape, out, |x, y| x + y),
        Binary::Sub => zip(a, b, shape, out, |x, y| x - y),
        Binary::Mul => zip(a, b, shape, out, |x, y| x * y),
        Binary::Div => zip(a, b, shape, out, |x, y| x / y),
        _ => zip(a, b, shape, out, op.row().scalar),
    }
}

/// Runs along the last axis; an axis of 1 has stride 0.
fn zip(a: View, b: View, shape: &[usize], out: &mut Vec<f64>, f: impl Fn(f64, f64) -> f64) {
    if a.1 == b.1 {
        out.extend(a.0.iter().zip(b.0).map(|(x, y)| f(*x, *y)));
        return;
    }
    let n = shape.last().copied().unwrap_or(1);
    let (repeat_a, repeat_b) = (last_repeats(a.1, n), last_repeats(b.1, n));
    rows(shape, [a.1, b.1], |[i, j]| match (repeat_a, repeat_b) {
        (false, false) => out.extend(a.0[i..i + n].iter().zip(&b.0[j..j + n]).map(|(x, y)| f(*x, *y))),
        (true, false) => out.extend(b.0[j..j + n].iter().map(|y| f(a.0[i], *y))),
        (false, true) => out.extend(a.0[i..i + n].iter().map(|x| f(*x, b.0[j]))),
        (true, true) => out.extend(std::iter::repeat_n(f(a.0[i], b.0[j]), n)),
    });
}

fn last_repeats(shape: &[usize], n: usize) -> bool {
    shape.last().is_some_and(|m| *m != n)
}

pub fn select(c: View, a: View, b: View, shape: &[usize], out: &mut Vec<f64>) {
    let n = shape.last().copied().unwrap_or(1);
    let step = |view: &View| usize::from(!last_repeats(view.1, n));
    let (sc, sa, sb) = (step(&c), step(&a), step(&b));
    rows(shape, [c.1, a.1, b.1], |[k, i, j]| {
        out.extend((0..n).map(|t| if c.0[k + t * sc] != 0.0 { a.0[i + t * sa] } else { b.0[j + t * sb] }));
    });
}

/// For every position of the leading axes of `shape`, where the row of each operand starts.
pub fn rows<const N: usize>(shape: &[usize], operands: [&[usize]; N], mut each: impl FnMut([usize; N])) {
    if shape.contains(&0) {
        return;
    }
    let lead = shape.len().saturating_sub(1);
    let strides = operands.map(|operand| strides(operand));
    let mut at = vec![0; lead];
    let mut start = [0; N];
    loop {
        each(start);
        let mut axis = lead;
        loop {
            if axis == 0 {
                return;
            }
            axis -= 1;
            at[axis] += 1;
            for k in 0..N {
                start[k] += strides[k][axis];
            }
            if at[axis] < shape[axis] {
                break;
            }
            for k in 0..N {
                start[k] -= strides[k][axis] * shape[axis];
            }
            at[axis] = 0;
        }
    }
}

/// Row-major strides, 0 for axes of 1.
fn strides(shape: &[usize]) -> Vec<usize> {
    let mut list = vec![0; shape.len()];
    let mut stride = 1;
    for axis in (0..shape.len()).rev() {
        list[axis] = if shape[axis] == 1 { 0 } else { stride };
        stride *= shape[axis];
    }
    list
}
