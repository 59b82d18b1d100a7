//! Operations that move, repeat and look up elements.

use crate::kernel::nest::{Nest, repeating_strides, strides};
use crate::plan::verify::is_row;
use crate::problem::Bug;

pub(super) fn permute(x: &[f64], from: &[usize], axes: &[usize], out: &mut [f64]) {
    let own = strides(from);
    let shape: Vec<usize> = axes.iter().map(|axis| from[*axis]).collect();
    let steps: Vec<usize> = axes.iter().map(|axis| own[*axis]).collect();
    copy(x, &steps, &shape, out);
}

pub(super) fn expand(x: &[f64], from: &[usize], shape: &[usize], out: &mut [f64]) {
    copy(x, &repeating_strides(from, shape), shape, out);
}

/// Reads `x` in steps of its own, writes in row-major order.
fn copy(x: &[f64], steps: &[usize], shape: &[usize], out: &mut [f64]) {
    let nest = Nest::new(shape, [&strides(shape), steps]).longest_inside();
    match nest.inner() {
        [1, 1] => nest.runs(|[o, i], n| out[o..o + n].copy_from_slice(&x[i..i + n])),
        [own, step] => nest.runs(|[o, i], n| each!(t < n, out[o + t * own] = x[i + t * step])),
    }
}

/// How many blocks there are before `axis`, and how many elements one step along it is.
fn blocks(shape: &[usize], axis: usize) -> (usize, usize) {
    (shape[..axis].iter().product(), shape[axis + 1..].iter().product())
}

pub(super) fn slice(x: &[f64], from: &[usize], axis: usize, start: usize, shape: &[usize], out: &mut [f64]) {
    let (outer, inner) = blocks(from, axis);
    let (wide, narrow) = (from[axis] * inner, shape[axis] * inner);
    for block in 0..outer {
        let first = block * wide + start * inner;
        out[block * narrow..(block + 1) * narrow].copy_from_slice(&x[first..first + narrow]);
    }
}

/// Writes `x` into `out` of `shape`, from `start` along `axis`.
pub(super) fn place(x: &[f64], from: &[usize], axis: usize, start: usize, shape: &[usize], out: &mut [f64]) {
    let (outer, inner) = blocks(from, axis);
    let (wide, narrow) = (shape[axis] * inner, from[axis] * inner);
    for block in 0..outer {
        let first = block * wide + start * inner;
        out[first..first + narrow].copy_from_slice(&x[block * narrow..(block + 1) * narrow]);
    }
}

pub(super) fn gather<T>(
    table: &[T],
    rows: usize,
    index: &[f64],
    widen: impl Fn(&T) -> f64,
    out: &mut [f64],
) -> Result<(), Bug> {
    let width = table.len() / rows.max(1);
    for (place, row) in index.iter().enumerate() {
        let row = checked(*row, rows)?;
        let from = &table[row * width..(row + 1) * width];
        let to = &mut out[place * width..(place + 1) * width];
        each!(i < width, to[i] = widen(&from[i]));
    }
    Ok(())
}

pub(super) fn scatter_add(values: &[f64], index: &[f64], rows: usize, out: &mut [f64]) -> Result<(), Bug> {
    out.fill(0.0);
    let width = out.len() / rows.max(1);
    for (place, row) in index.iter().enumerate() {
        let row = checked(*row, rows)?;
        let from = &values[place * width..(place + 1) * width];
        let to = &mut out[row * width..(row + 1) * width];
        each!(i < width, to[i] += from[i]);
    }
    Ok(())
}

fn checked(row: f64, rows: usize) -> Result<usize, Bug> {
    if is_row(row, rows) { Ok(row as usize) } else { Err(Bug(format!("index {row} into {rows} rows"))) }
}
