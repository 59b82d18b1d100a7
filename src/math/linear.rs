//! Linear algebra of the interpreter, on matrices that are rows one after the other.

use crate::math::eval::Values;

pub fn transpose(x: &[f64], columns: usize) -> Values {
    let rows = x.len() / columns.max(1);
    (0..x.len()).map(|i| x[(i % rows) * columns + i / rows]).collect()
}

/// The lower factor, NaN where the matrix is not positive definite.
pub fn cholesky(x: &[f64], n: usize) -> Values {
    let mut lower = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..=i {
            let rest = x[i * n + j] - (0..j).map(|k| lower[i * n + k] * lower[j * n + k]).sum::<f64>();
            lower[i * n + j] = if i == j { rest.sqrt() } else { rest / lower[j * n + j] };
        }
    }
    lower
}

pub fn solve_lower(lower: &[f64], right: &[f64], n: usize) -> Values {
    let columns = right.len() / n.max(1);
    let mut x = right.to_vec();
    for i in 0..n {
        for c in 0..columns {
            let done: f64 = (0..i).map(|j| lower[i * n + j] * x[j * columns + c]).sum();
            x[i * columns + c] = (x[i * columns + c] - done) / lower[i * n + i];
        }
    }
    x
}

pub fn solve_upper(upper: &[f64], right: &[f64], n: usize) -> Values {
    let columns = right.len() / n.max(1);
    let mut x = right.to_vec();
    for i in (0..n).rev() {
        for c in 0..columns {
            let done: f64 = (i + 1..n).map(|j| upper[i * n + j] * x[j * columns + c]).sum();
            x[i * columns + c] = (x[i * columns + c] - done) / upper[i * n + i];
        }
    }
    x
}

/// Gauss-Jordan elimination with partial pivoting.
pub fn solve(mut a: Values, mut x: Values, n: usize) -> Values {
    let columns = x.len() / n.max(1);
    for i in 0..n {
        let pivot = (i..n).max_by(|p, q| a[p * n + i].abs().total_cmp(&a[q * n + i].abs())).unwrap_or(i);
        (0..n).for_each(|j| a.swap(i * n + j, pivot * n + j));
        (0..columns).for_each(|c| x.swap(i * columns + c, pivot * columns + c));
        for row in (0..n).filter(|row| *row != i) {
            let factor = a[row * n + i] / a[i * n + i];
            (0..n).for_each(|j| a[row * n + j] -= factor * a[i * n + j]);
            (0..columns).for_each(|c| x[row * columns + c] -= factor * x[i * columns + c]);
        }
    }
    (0..x.len()).map(|p| x[p] / a[(p / columns) * n + p / columns]).collect()
}
