//! Cholesky factors and triangular systems, on stacks of square matrices.

/// The lower factor of each `n` by `n` matrix, read from its lower triangle; NaN from the first pivot that is not
/// positive on.
pub(super) fn cholesky(x: &[f64], n: usize, out: &mut [f64]) {
    if n == 0 {
        return;
    }
    for (a, l) in x.chunks_exact(n * n).zip(out.chunks_exact_mut(n * n)) {
        l.fill(0.0);
        for j in 0..n {
            for i in j..n {
                let mut dot = 0.0;
                each!(k < j, dot += l[i * n + k] * l[j * n + k]);
                let rest = a[i * n + j] - dot;
                // The square root of a negative number is NaN, which then spreads to all that depends on it.
                l[i * n + j] = if i == j { rest.sqrt() } else { rest / l[j * n + j] };
            }
        }
    }
}

/// Solves in place, for each lower `n` by `n` matrix and its `n` by `k` right side in `out`.
pub(super) fn solve(lower: &[f64], (n, k): (usize, usize), transposed: bool, out: &mut [f64]) {
    if n == 0 || k == 0 {
        return;
    }
    for (l, b) in lower.chunks_exact(n * n).zip(out.chunks_exact_mut(n * k)) {
        for step in 0..n {
            let i = if transposed { n - 1 - step } else { step };
            let known = if transposed { i + 1..n } else { 0..i };
            for j in known {
                let factor = if transposed { l[j * n + i] } else { l[i * n + j] };
                each!(c < k, b[i * k + c] -= factor * b[j * k + c]);
            }
            each!(c < k, b[i * k + c] /= l[i * n + i]);
        }
    }
}
