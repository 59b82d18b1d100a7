//! Contractions: for each batch index a matrix product, read in place where the axes of a group lie regularly, and
//! packed first where they do not.

use nalgebra::{DMatrixView, DMatrixViewMut, Dyn};

use super::layout::permute;
use crate::kernel::nest::{Nest, strides};

/// The axes of an operand, by name: extent and stride.
pub(super) type Axes = Vec<(u8, usize, usize)>;

pub(super) fn operand(shape: &[usize], names: &[u8]) -> Axes {
    let steps = strides(shape);
    (0..shape.len()).map(|i| (names[i], shape[i], steps[i])).collect()
}

/// A matrix somewhere in a slice.
#[derive(Debug, Clone, Copy)]
struct Matrix {
    rows: usize,
    columns: usize,
    row_step: usize,
    column_step: usize,
}

pub(super) fn contract(left: (&[f64], &Axes), right: (&[f64], &Axes), out_names: &[u8], out: &mut [f64]) {
    let has = |axes: &Axes, name: u8| axes.iter().any(|axis| axis.0 == name);
    let of_out = |l: bool, r: bool| -> Vec<u8> {
        let fits = |name: &u8| has(left.1, *name) == l && has(right.1, *name) == r;
        out_names.iter().copied().filter(fits).collect()
    };
    let (batch, rows, columns) = (of_out(true, true), of_out(true, false), of_out(false, true));
    let summed: Vec<u8> = left.1.iter().map(|axis| axis.0).filter(|name| !out_names.contains(name)).collect();
    let extent = |name: &u8| left.1.iter().chain(right.1).find(|axis| axis.0 == *name).map_or(1, |axis| axis.1);
    let out_shape: Vec<usize> = out_names.iter().map(extent).collect();
    let out_axes = operand(&out_shape, out_names);
    let (l, left_matrix, left_axes) = regular(left.0, left.1, &batch, &rows, &summed);
    let (r, right_matrix, right_axes) = regular(right.0, right.1, &batch, &summed, &columns);
    let direct = grouped(&out_axes, &rows).zip(grouped(&out_axes, &columns));
    let natural = [batch.clone(), rows.clone(), columns.clone()].concat();
    let natural_shape: Vec<usize> = natural.iter().map(extent).collect();
    let natural_axes = operand(&natural_shape, &natural);
    let mut packed = Vec::new();
    // A result whose rows or columns do not lie regularly is made in order, then moved.
    let (to, target_axes) = match direct {
        Some(_) => (&mut *out, &out_axes),
        None => {
            packed.resize(out.len(), 0.0);
            (packed.as_mut_slice(), &natural_axes)
        }
    };
    let step = |axes: &Axes, group: &[u8]| grouped(axes, group).map_or(1, |(_, step)| step);
    let target = Matrix {
        rows: left_matrix.rows,
        columns: right_matrix.columns,
        row_step: step(target_axes, &rows),
        column_step: step(target_axes, &columns),
    };
    let batch_shape: Vec<usize> = batch.iter().map(extent).collect();
    let along = |axes: &Axes| -> Vec<usize> { batch.iter().map(|name| step(axes, &[*name])).collect() };
    let nest = Nest::new(&batch_shape, [&along(&left_axes), &along(&right_axes), &along(target_axes)]);
    let inner = nest.inner();
    nest.runs(|start, n| {
        for i in 0..n {
            let [a, b, c] = std::array::from_fn(|k| start[k] + i * inner[k]);
            product(&l[a..], left_matrix, &r[b..], right_matrix, &mut to[c..], target);
        }
    });
    if direct.is_none() {
        let order: Vec<usize> = out_names.iter().map(|n| natural.iter().position(|m| m == n).unwrap_or(0)).collect();
        permute(&packed, &natural_shape, &order, out);
    }
}

/// The extent and step of a group of axes taken as one; none where they do not lie regularly.
fn grouped(axes: &Axes, group: &[u8]) -> Option<(usize, usize)> {
    let mut one: Option<(usize, usize)> = None;
    for name in group.iter().rev() {
        let (_, extent, step) = *axes.iter().find(|axis| axis.0 == *name)?;
        one = match one {
            _ if extent == 1 => one.or(Some((1, step))),
            None | Some((1, _)) => Some((extent, step)),
            Some((all, first)) if step == all * first => Some((all * extent, first)),
            Some(_) => return None,
        };
    }
    Some(one.unwrap_or((1, 1)))
}

/// The operand as a matrix for each batch index, packed in the order batch, rows, columns where that is needed.
fn regular<'a>(
    x: &'a [f64],
    axes: &Axes,
    batch: &[u8],
    rows: &[u8],
    columns: &[u8],
) -> (std::borrow::Cow<'a, [f64]>, Matrix, Axes) {
    let matrix = |axes: &Axes| {
        let ((rows, row_step), (columns, column_step)) = grouped(axes, rows).zip(grouped(axes, columns))?;
        Some(Matrix { rows, columns, row_step, column_step })
    };
    if let Some(matrix) = matrix(axes) {
        return (x.into(), matrix, axes.clone());
    }
    let order: Vec<u8> = [batch, rows, columns].concat();
    let places: Vec<usize> =
        order.iter().map(|name| axes.iter().position(|axis| axis.0 == *name).unwrap_or(0)).collect();
    let from: Vec<usize> = axes.iter().map(|axis| axis.1).collect();
    let shape: Vec<usize> = places.iter().map(|place| from[*place]).collect();
    let mut packed = vec![0.0; x.len()];
    permute(x, &from, &places, &mut packed);
    let axes = operand(&shape, &order);
    let flat = Matrix { rows: 1, columns: 1, row_step: 1, column_step: 1 };
    let matrix = matrix(&axes).unwrap_or(flat);
    (packed.into(), matrix, axes)
}

fn product(a: &[f64], l: Matrix, b: &[f64], r: Matrix, out: &mut [f64], o: Matrix) {
    let (m, n, k) = (l.rows, r.columns, l.columns);
    if m == 0 || n == 0 {
        return;
    }
    // Blocked and vectorized, which pays once packing is small beside the product.
    if m.min(n).min(k) > 5 && m * n * k > 8192 {
        let view = |x, q: Matrix| {
            DMatrixView::<f64, Dyn, Dyn>::from_slice_with_strides_generic(
                x,
                Dyn(q.rows),
                Dyn(q.columns),
                Dyn(q.row_step),
                Dyn(q.column_step),
            )
        };
        let mut target: DMatrixViewMut<f64, Dyn, Dyn> =
            DMatrixViewMut::from_slice_with_strides_generic(out, Dyn(m), Dyn(n), Dyn(o.row_step), Dyn(o.column_step));
        target.gemm(1.0, &view(a, l), &view(b, r), 0.0);
        return;
    }
    for i in 0..m {
        let row = &a[i * l.row_step..];
        for j in 0..n {
            let column = &b[j * r.column_step..];
            out[i * o.row_step + j * o.column_step] = dot(row, l.column_step, column, r.row_step, k);
        }
    }
}

fn dot(x: &[f64], x_step: usize, y: &[f64], y_step: usize, n: usize) -> f64 {
    if n == 0 {
        return 0.0;
    }
    // Four sums at once: additions need not wait for one another.
    let mut sums = [0.0; 4];
    let whole = n - n % 4;
    each!(block < whole / 4, {
        let (i, j) = (4 * block * x_step, 4 * block * y_step);
        sums[0] += x[i] * y[j];
        sums[1] += x[i + x_step] * y[j + y_step];
        sums[2] += x[i + 2 * x_step] * y[j + 2 * y_step];
        sums[3] += x[i + 3 * x_step] * y[j + 3 * y_step];
    });
    let mut tail = 0.0;
    each!(k < n - whole, tail += x[(whole + k) * x_step] * y[(whole + k) * y_step]);
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + tail
}
