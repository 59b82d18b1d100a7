//! Reductions and running sums.

use crate::kernel::nest::{Nest, strides};
use crate::plan::Reduce;
use crate::plan::ops::maximum;

pub(super) fn reduce(op: Reduce, x: &[f64], from: &[usize], axes: &[usize], out: &mut [f64]) {
    match op {
        Reduce::Sum => fold(x, from, axes, 0.0, out, |sum, x| sum + x, sum),
        Reduce::Max => fold(x, from, axes, f64::NEG_INFINITY, out, maximum, max),
        Reduce::Prod => fold(x, from, axes, 1.0, out, |product, x| product * x, |run| run.iter().product()),
        Reduce::LogSumExp => log_sum_exp(x, from, axes, out),
    }
}

/// Combines elements into the places they are reduced to: by `all` where a run goes to one place, else one by one.
fn fold(
    x: &[f64],
    from: &[usize],
    axes: &[usize],
    start: f64,
    out: &mut [f64],
    one: impl Fn(f64, f64) -> f64,
    all: impl Fn(&[f64]) -> f64,
) {
    out.fill(start);
    let nest = Nest::new(from, [&strides(from), &kept_strides(from, axes)]);
    let reduced = nest.inner()[1] == 0;
    nest.runs(|[i, o], n| match reduced {
        true => out[o] = one(out[o], all(&x[i..i + n])),
        false => {
            let (x, out) = (&x[i..i + n], &mut out[o..o + n]);
            each!(t < n, out[t] = one(out[t], x[t]));
        }
    });
}

/// Steps in the result along the axes of the operand; 0 along those that are reduced.
fn kept_strides(from: &[usize], axes: &[usize]) -> Vec<usize> {
    let kept: Vec<usize> = (0..from.len()).map(|i| if axes.contains(&i) { 1 } else { from[i] }).collect();
    let own = strides(&kept);
    (0..from.len()).map(|i| if axes.contains(&i) { 0 } else { own[i] }).collect()
}

/// In halves, so that the rounding error grows with the logarithm of the length.
pub(super) fn sum(x: &[f64]) -> f64 {
    if x.len() > 128 {
        let (left, right) = x.split_at(x.len() / 2);
        return sum(left) + sum(right);
    }
    let mut total = 0.0;
    each!(i < x.len(), total += x[i]);
    total
}

fn max(x: &[f64]) -> f64 {
    let mut top = f64::NEG_INFINITY;
    each!(i < x.len(), top = maximum(top, x[i]));
    top
}

/// The maximum first, then the sum of what is above e^-745 of it. Infinite maxima are the answer themselves.
fn log_sum_exp(x: &[f64], from: &[usize], axes: &[usize], out: &mut [f64]) {
    let mut top = vec![0.0; out.len()];
    fold(x, from, axes, f64::NEG_INFINITY, &mut top, maximum, max);
    out.fill(0.0);
    let nest = Nest::new(from, [&strides(from), &kept_strides(from, axes)]);
    let reduced = nest.inner()[1] == 0;
    nest.runs(|[i, o], n| {
        let x = &x[i..i + n];
        each!(j < n, {
            let o = if reduced { o } else { o + j };
            out[o] += (x[j] - top[o]).exp();
        });
    });
    out.iter_mut().zip(&top).for_each(|(y, top)| *y = if top.is_infinite() { *top } else { top + y.ln() });
}

pub(super) fn cumsum(x: &[f64], shape: &[usize], axis: usize, reverse: bool, out: &mut [f64]) {
    out.copy_from_slice(x);
    let (length, inner) = (shape[axis], shape[axis + 1..].iter().product::<usize>());
    if length == 0 || inner == 0 {
        return;
    }
    for block in out.chunks_exact_mut(length * inner) {
        for i in 1..length {
            let (to, before) = if reverse { (length - 1 - i, length - i) } else { (i, i - 1) };
            each!(j < inner, block[to * inner + j] += block[before * inner + j]);
        }
    }
}
