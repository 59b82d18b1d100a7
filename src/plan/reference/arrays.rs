//! Arrays rearranged, reduced, gathered.

use super::super::infer::{count, with_axis, without};
use super::super::{Failure, Reduce};
use super::scalar::rows;
use crate::problem::Bug;

type View<'a> = (&'a [f64], &'a [usize]);

pub fn permute((x, shape): View, axes: &[usize], out: &mut Vec<f64>) {
    let mut strides = vec![1; shape.len()];
    for axis in (0..shape.len().saturating_sub(1)).rev() {
        strides[axis] = strides[axis + 1] * shape[axis + 1];
    }
    let to: Vec<usize> = axes.iter().map(|axis| shape[*axis]).collect();
    let step: Vec<usize> = axes.iter().map(|axis| strides[*axis]).collect();
    walk(&to, &step, 0, x, out);
}

fn walk(shape: &[usize], step: &[usize], start: usize, x: &[f64], out: &mut Vec<f64>) {
    match shape.len() {
        0 => out.push(x[start]),
        1 => out.extend((0..shape[0]).map(|i| x[start + i * step[0]])),
        _ => (0..shape[0]).for_each(|i| walk(&shape[1..], &step[1..], start + i * step[0], x, out)),
    }
}

pub fn expand((x, from): View, shape: &[usize], out: &mut Vec<f64>) {
    let n = shape.last().copied().unwrap_or(1);
    let repeats = from.last().is_some_and(|m| *m != n);
    rows(shape, [from], |[start]| match repeats {
        true => out.extend(std::iter::repeat_n(x[start], n)),
        false => out.extend_from_slice(&x[start..start + n]),
    });
}

/// (before, axis, after) extents.
fn around(shape: &[usize], axis: usize) -> (usize, usize, usize) {
    (count(&shape[..axis]), shape[axis], count(&shape[axis + 1..]))
}

pub fn slice((x, shape): View, axis: usize, start: usize, end: usize, out: &mut Vec<f64>) {
    let (outer, n, inner) = around(shape, axis);
    (0..outer).for_each(|i| out.extend_from_slice(&x[(i * n + start) * inner..(i * n + end) * inner]));
}

pub fn pad((x, shape): View, axis: usize, before: usize, after: usize, out: &mut Vec<f64>) {
    let (outer, n, inner) = around(shape, axis);
    for i in 0..outer {
        out.extend(std::iter::repeat_n(0.0, before * inner));
        out.extend_from_slice(&x[i * n * inner..(i + 1) * n * inner]);
        out.extend(std::iter::repeat_n(0.0, after * inner));
    }
}

pub fn concat(parts: &[View], axis: usize, out: &mut Vec<f64>) {
    let outer = parts.first().map_or(0, |(_, shape)| around(shape, axis).0);
    for i in 0..outer {
        for (x, shape) in parts {
            let (_, n, inner) = around(shape, axis);
            out.extend_from_slice(&x[i * n * inner..(i + 1) * n * inner]);
        }
    }
}

/// Entries in row-major order, each into the place of its kept axes.
pub fn reduce(op: Reduce, (x, shape): View, axes: &[usize], out: &mut Vec<f64>) {
    let size = count(&without(shape, axes));
    match op {
        Reduce::Sum => fold((x, shape), axes, size, 0.0, out, |a, b| a + b),
        Reduce::Prod => fold((x, shape), axes, size, 1.0, out, |a, b| a * b),
        Reduce::Max => fold((x, shape), axes, size, f64::NEG_INFINITY, out, f64::max),
        Reduce::LogSumExp => {
            let mut top = vec![];
            fold((x, shape), axes, size, f64::NEG_INFINITY, &mut top, f64::max);
            // A maximum that is infinite is the answer itself, or poison that must stay.
            let base: Vec<f64> = top.iter().map(|m| if m.is_finite() { *m } else { 0.0 }).collect();
            let kept = axes.iter().fold(shape.to_vec(), |kept, axis| with_axis(&kept, *axis, 1));
            let mut shifted = Vec::with_capacity(x.len());
            super::scalar::binary(super::super::Binary::Sub, (x, shape), (&base, &kept), shape, &mut shifted);
            shifted.iter_mut().for_each(|v| *v = v.exp());
            fold((&shifted, shape), axes, size, 0.0, out, |a, b| a + b);
            out.iter_mut().zip(&base).for_each(|(sum, base)| *sum = sum.ln() + base);
        }
    }
}

fn fold((x, shape): View, axes: &[usize], size: usize, start: f64, out: &mut Vec<f64>, f: impl Fn(f64, f64) -> f64) {
    out.resize(size, start);
    let kept = axes.iter().fold(shape.to_vec(), |kept, axis| with_axis(&kept, *axis, 1));
    let n = shape.last().copied().unwrap_or(1);
    let last = axes.last().is_some_and(|axis| axis + 1 == shape.len());
    rows(shape, [shape, &kept], |[from, to]| {
        let row = &x[from..from + n];
        match last {
            true => out[to] = row.iter().fold(out[to], |sum, v| f(sum, *v)),
            false => out[to..to + n].iter_mut().zip(row).for_each(|(sum, v)| *sum = f(*sum, *v)),
        }
    });
}

pub fn cumsum((x, shape): View, axis: usize, reverse: bool, out: &mut Vec<f64>) {
    let (outer, n, inner) = around(shape, axis);
    out.extend_from_slice(x);
    for i in 0..outer {
        for k in 1..n {
            let (to, from) = if reverse { (n - 1 - k, n - k) } else { (k, k - 1) };
            for j in 0..inner {
                out[(i * n + to) * inner + j] += out[(i * n + from) * inner + j];
            }
        }
    }
}

fn row(index: f64, rows: usize) -> Result<usize, Failure> {
    match index.fract() == 0.0 && index >= 0.0 && index < rows as f64 {
        true => Ok(index as usize),
        false => Err(Failure::Bug(Bug(format!("an index of {index} into {rows} rows")))),
    }
}

pub fn gather((table, shape): View, index: &[f64], out: &mut Vec<f64>) -> Result<(), Failure> {
    let inner = count(&shape[1..]);
    for i in index {
        let at = row(*i, shape[0])? * inner;
        out.extend_from_slice(&table[at..at + inner]);
    }
    Ok(())
}

pub fn scatter_add(values: &[f64], index: &[f64], rows: usize, size: usize, out: &mut Vec<f64>) -> Result<(), Failure> {
    out.resize(size, 0.0);
    let inner = size.checked_div(rows).unwrap_or(0);
    for (i, part) in index.iter().zip(values.chunks(inner.max(1))) {
        let at = row(*i, rows)? * inner;
        out[at..at + inner].iter_mut().zip(part).for_each(|(sum, v)| *sum += v);
    }
    Ok(())
}
