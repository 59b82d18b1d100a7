//! Cholesky factors and triangular solves, matrix by matrix over the leading axes.

type View<'a> = (&'a [f64], &'a [usize]);

/// Reads the lower triangle. Where the matrix is not positive definite the factor has entries that are not numbers.
pub fn cholesky((x, shape): View, out: &mut Vec<f64>) {
    let n = shape[shape.len() - 1];
    out.resize(x.len(), 0.0);
    for (a, l) in x.chunks(n * n).zip(out.chunks_mut(n * n)) {
        for i in 0..n {
            for j in 0..=i {
                let sum: f64 = (0..j).map(|k| l[i * n + k] * l[j * n + k]).sum();
                let rest = a[i * n + j] - sum;
                l[i * n + j] = if i == j { rest.sqrt() } else { rest / l[j * n + j] };
            }
        }
    }
}

pub fn solve_triangular((l, shape): View, (right, columns): View, transposed: bool, out: &mut Vec<f64>) {
    let n = shape[shape.len() - 1];
    let m = columns[columns.len() - 1];
    out.extend_from_slice(right);
    for (l, x) in l.chunks(n * n).zip(out.chunks_mut((n * m).max(1))) {
        for step in 0..n {
            let i = if transposed { n - 1 - step } else { step };
            for done in 0..step {
                let k = if transposed { n - 1 - done } else { done };
                let factor = if transposed { l[k * n + i] } else { l[i * n + k] };
                (0..m).for_each(|c| x[i * m + c] -= factor * x[k * m + c]);
            }
            (0..m).for_each(|c| x[i * m + c] /= l[i * n + i]);
        }
    }
}
