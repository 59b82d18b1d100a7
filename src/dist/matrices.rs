//! Maps from unconstrained coordinates onto matrices: triangular factors, covariances, factors of correlations.
//!
//! A factor has exp of the first n coordinates on its diagonal, and the others below it, row by row. A factor of
//! correlations has partial correlations tanh(u) (Lewandowski, Kurowicka and Joe 2009): row i is
//! L_ij = z_ij sqrt(prod_l<j (1 - z_il^2)), and what is left of its length 1 on the diagonal.

use super::bijector::with_support;
use crate::math::{Graph, NodeId, Pick, Support};
use crate::shape::Size;

/// The coordinates of the diagonal and those below it.
fn parts(g: &mut Graph, u: NodeId, n: Size) -> (NodeId, NodeId) {
    let all = n.plus(&n.below_diagonal());
    let diagonal = g.index(u, vec![Pick::Slice(Size::default(), n.clone())]);
    (diagonal, g.index(u, vec![Pick::Slice(n, all)]))
}

pub fn cholesky(g: &mut Graph, u: NodeId, n: Size) -> NodeId {
    let (diagonal, below) = parts(g, u, n.clone());
    let diagonal = g.exp(diagonal);
    let (diagonal, below) = (g.diag(diagonal), g.triangle(below, n));
    let lower = g.add(diagonal, below);
    with_support(g, lower, Support::Cholesky)
}

/// d L_kk / d u_k is L_kk.
pub fn cholesky_log_det(g: &mut Graph, u: NodeId, n: Size) -> NodeId {
    parts(g, u, n).0
}

pub fn cov(g: &mut Graph, u: NodeId, n: Size) -> NodeId {
    let lower = cholesky(g, u, n);
    let upper = g.transpose(lower);
    let product = g.matmul(lower, upper);
    with_support(g, product, Support::Cov)
}

/// |d (L L') / d L| is 2^n prod_k L_kk^(n + 1 - k) for k from 1, and one more L_kk comes from the factor.
pub fn cov_log_det(g: &mut Graph, u: NodeId, n: Size) -> NodeId {
    let (diagonal, _) = parts(g, u, n.clone());
    let place = places(g, n.clone());
    let most = g.size(n.plus(&Size::fixed(2)));
    let power = g.sub(most, place);
    let each = g.mul(power, diagonal);
    g.shift(each, 2f64.ln())
}

/// 1, 2, ..., n
pub fn places(g: &mut Graph, n: Size) -> NodeId {
    let one = g.number(1.0);
    let ones = g.fill(one, vec![n]);
    g.cumsum(ones)
}

pub fn cholesky_corr(g: &mut Graph, u: NodeId, n: Size) -> NodeId {
    let (partial, rest) = (g.tanh(u), log_rest(g, u));
    let (partial, rest) = (g.triangle(partial, n.clone()), g.triangle(rest, n.clone()));
    from_partial(g, partial, rest, n)
}

/// As `cholesky_corr`, of a square matrix of coordinates: those below the diagonal count.
pub fn cholesky_corr_of(g: &mut Graph, u: NodeId, n: Size) -> NodeId {
    let mask = below_mask(g, n.clone());
    let (partial, rest) = (g.tanh(u), log_rest(g, u));
    let (partial, rest) = (g.mul(mask, partial), g.mul(mask, rest));
    from_partial(g, partial, rest, n)
}

/// 1 below the diagonal, 0 elsewhere.
fn below_mask(g: &mut Graph, n: Size) -> NodeId {
    let one = g.number(1.0);
    let ones = g.fill(one, vec![n.below_diagonal()]);
    g.triangle(ones, n)
}

/// Of partial correlations z and log(1 - z^2), both 0 on and above the diagonal.
fn from_partial(g: &mut Graph, partial: NodeId, rest: NodeId, n: Size) -> NodeId {
    let unit = g.eye(n);
    let partial = g.add(partial, unit);
    let half = left_before(g, rest);
    let before = g.exp(half);
    let lower = g.mul(partial, before);
    with_support(g, lower, Support::CholeskyCorr)
}

/// Half the sum of log(1 - z^2) over what is left of each place: the log of what z is scaled by.
fn left_before(g: &mut Graph, rest: NodeId) -> NodeId {
    let sum = g.cumsum(rest);
    let before = g.sub(sum, rest);
    g.scale(before, 0.5)
}

/// log(1 - tanh(u)^2) = 2 (log 2 - u - softplus(-2 u)), which does not cancel.
fn log_rest(g: &mut Graph, u: NodeId) -> NodeId {
    let twice = g.scale(u, -2.0);
    let tail = g.softplus(twice);
    let sum = g.add(u, tail);
    let gap = g.shift(sum, -2f64.ln());
    g.scale(gap, -2.0)
}

/// With rows from the left, d L_ij / d u_ij is (1 - z_ij^2) times the scale of the place.
pub fn cholesky_corr_log_det(g: &mut Graph, u: NodeId, n: Size) -> NodeId {
    let slopes = log_rest(g, u);
    let rest = g.triangle(slopes, n.clone());
    let (half, below) = (left_before(g, rest), below_mask(g, n));
    let half = g.mul(below, half);
    let (scales, slopes) = (g.sum_event(half), g.sum_event(slopes));
    g.add(scales, slopes)
}

// The same on slices.

/// n, of n (n + 1) / 2 or n (n - 1) / 2 entries.
fn order(entries: usize, with_diagonal: bool) -> usize {
    let count = |n: usize| if with_diagonal { n * (n + 1) / 2 } else { n * n.saturating_sub(1) / 2 };
    (1..).find(|n| count(*n) >= entries).unwrap_or(1)
}

fn square(n: usize, entry: impl Fn(usize, usize) -> f64) -> Vec<f64> {
    (0..n * n).map(|at| entry(at / n, at % n)).collect()
}

fn below(i: usize, j: usize) -> usize {
    i * (i - 1) / 2 + j
}

pub fn cholesky_f64(u: &[f64]) -> Vec<f64> {
    let n = order(u.len(), true);
    square(n, |i, j| match i.cmp(&j) {
        std::cmp::Ordering::Less => 0.0,
        std::cmp::Ordering::Equal => u[i].exp(),
        std::cmp::Ordering::Greater => u[n + below(i, j)],
    })
}

pub fn cov_f64(u: &[f64]) -> Vec<f64> {
    let n = order(u.len(), true);
    let lower = cholesky_f64(u);
    square(n, |i, j| (0..n).map(|k| lower[i * n + k] * lower[j * n + k]).sum())
}

pub fn cholesky_corr_f64(u: &[f64]) -> Vec<f64> {
    let n = order(u.len(), false);
    let mut lower = vec![0.0; n * n];
    for i in 0..n {
        let mut left = 1.0f64;
        for j in 0..i {
            let z = u[below(i, j)].tanh();
            lower[i * n + j] = z * left.sqrt();
            left *= (1.0 - z) * (1.0 + z);
        }
        lower[i * n + i] = left.sqrt();
    }
    lower
}

fn width(value: &[f64]) -> usize {
    value.len().isqrt()
}

pub fn inverse_cholesky_f64(value: &[f64]) -> Vec<f64> {
    let n = width(value);
    let diagonal = (0..n).map(|i| value[i * n + i].ln());
    diagonal.chain((0..n).flat_map(|i| (0..i).map(move |j| value[i * n + j]))).collect()
}

/// NaN where the matrix is not positive definite.
pub fn inverse_cov_f64(value: &[f64]) -> Vec<f64> {
    let n = width(value);
    let mut lower = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..=i {
            let done: f64 = (0..j).map(|k| lower[i * n + k] * lower[j * n + k]).sum();
            let rest = value[i * n + j] - done;
            lower[i * n + j] = if i == j { rest.sqrt() } else { rest / lower[j * n + j] };
        }
    }
    inverse_cholesky_f64(&lower)
}

pub fn inverse_cholesky_corr_f64(value: &[f64]) -> Vec<f64> {
    let n = width(value);
    let mut u = vec![];
    for i in 0..n {
        let row = &value[i * n..][..n];
        // What is left of the row's length is summed from its end, which keeps small entries.
        u.extend((0..i).map(|j| {
            let left: f64 = row[j..=i].iter().map(|x| x * x).sum();
            (row[j] / left.sqrt()).atanh()
        }));
    }
    u
}
