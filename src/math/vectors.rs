//! Vectors and matrices of numbers against the supports that have axes of their own.

use nalgebra::DMatrix;

use super::Support;

/// Supports that have axes of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vector {
    Simplex,
    OneHot,
    Ordered,
    PositiveOrdered,
    Cholesky,
    CholeskyCorr,
    Cov,
}

/// The names of the type language.
const VECTORS: &[(Vector, &str)] = &[
    (Vector::Simplex, "simplex"),
    (Vector::OneHot, "onehot"),
    (Vector::Ordered, "ordered"),
    (Vector::PositiveOrdered, "positive_ordered"),
    (Vector::Cholesky, "cholesky"),
    (Vector::CholeskyCorr, "cholesky_corr"),
    (Vector::Cov, "cov"),
];

/// How far sums of written numbers may be off.
const TOLERANCE: f64 = 1e-6;

impl Vector {
    /// As in the type language.
    pub fn name(self) -> &'static str {
        VECTORS.iter().find(|row| row.0 == self).map_or("vector", |row| row.1)
    }

    /// Numbers of one value.
    pub fn width(self, size: usize) -> usize {
        if self.is_matrix() { size * size } else { size }
    }

    fn is_matrix(self) -> bool {
        matches!(self, Vector::Cholesky | Vector::CholeskyCorr | Vector::Cov)
    }

    pub fn of(support: &Support) -> Option<Vector> {
        Some(match support {
            Support::Simplex(_) => Vector::Simplex,
            Support::OneHot(_) => Vector::OneHot,
            Support::Ordered(_) => Vector::Ordered,
            Support::PositiveOrdered(_) => Vector::PositiveOrdered,
            Support::Cholesky(_) => Vector::Cholesky,
            Support::CholeskyCorr(_) => Vector::CholeskyCorr,
            Support::Cov(_) => Vector::Cov,
            _ => return None,
        })
    }

    /// Why these numbers are no value of the support, if they are none.
    pub fn wrong(self, size: usize, entry: &[f64]) -> Option<&'static str> {
        if self.is_matrix() { wrong_matrix(self, size, entry) } else { wrong_vector(self, entry) }
    }
}

fn wrong_vector(kind: Vector, entry: &[f64]) -> Option<&'static str> {
    let sum: f64 = entry.iter().sum();
    let rising = entry.windows(2).all(|pair| pair[0] < pair[1]);
    let (fits, why) = match kind {
        Vector::Simplex => {
            (entry.iter().all(|v| *v >= 0.0) && (sum - 1.0).abs() < TOLERANCE, "its entries are not a partition of 1")
        }
        Vector::OneHot => {
            (sum == 1.0 && entry.iter().all(|v| *v == 0.0 || *v == 1.0), "exactly one entry is 1, all others 0")
        }
        Vector::PositiveOrdered => (rising && entry.first().is_none_or(|v| *v > 0.0), "it does not rise from above 0"),
        _ => (rising, "its entries do not rise"),
    };
    (!fits).then_some(why)
}

fn wrong_matrix(kind: Vector, size: usize, entry: &[f64]) -> Option<&'static str> {
    let at = |i: usize, j: usize| entry[i * size + j];
    let pairs = || (0..size).flat_map(|i| (0..i).map(move |j| (i, j)));
    if kind == Vector::Cov {
        if pairs().any(|(i, j)| (at(i, j) - at(j, i)).abs() > TOLERANCE * (1.0 + at(i, j).abs())) {
            return Some("it is not symmetric");
        }
        let definite = DMatrix::from_row_slice(size, size, entry).cholesky().is_some();
        return (!definite).then_some("it is not positive definite");
    }
    if pairs().any(|(i, j)| at(j, i) != 0.0) || (0..size).any(|i| at(i, i) <= 0.0) {
        return Some("it is not lower triangular with a positive diagonal");
    }
    let unit = |i: usize| ((0..=i).map(|j| at(i, j).powi(2)).sum::<f64>() - 1.0).abs() < TOLERANCE;
    (kind == Vector::CholeskyCorr && !(0..size).all(unit)).then_some("its rows do not have length 1")
}
