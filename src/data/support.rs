//! Values against the declared support: where the first one stands that does not lie in it.

use nalgebra::DMatrix;

use crate::data::Array;

/// A support with its sizes and bounds known.
#[derive(Debug, Clone, PartialEq)]
pub enum Known {
    Real,
    Positive,
    Unit,
    Count(Option<usize>),
    Binary,
    Category(usize),
    /// One bound for all rows, or one a row.
    Interval(Array, Array),
    Vector(Vector, usize),
}

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

/// The first value that does not fit.
#[derive(Debug, Clone, PartialEq)]
pub enum Misfit {
    Missing(usize),
    Outside(usize, f64),
    /// Where the vector or matrix begins, and what is wrong with it.
    Vector(usize, &'static str),
}

impl Known {
    /// `width` is the number of elements of a row.
    pub fn misfit(&self, values: &Array, width: usize, may_miss: bool) -> Option<Misfit> {
        match (self, values) {
            (Known::Vector(kind, size), _) => vectors(*kind, *size, values, may_miss),
            (Known::Interval(low, high), _) if low.len() > 1 || high.len() > 1 => {
                let bound = |array: &Array, i: usize| array.get(if array.len() > 1 { i / width.max(1) } else { 0 });
                let fits = |i: usize, v: f64| bound(low, i) <= v && v <= bound(high, i);
                first(values.len(), |i| values.get(i), fits, may_miss)
            }
            (_, Array::Bytes(bytes)) => {
                let fits: Vec<bool> = (0..=255u8).map(|b| self.fits(f64::from(b))).collect();
                if fits.iter().all(|fits| *fits) {
                    return None;
                }
                let at = bytes.iter().position(|b| !fits[usize::from(*b)])?;
                Some(Misfit::Outside(at, f64::from(bytes[at])))
            }
            (_, Array::Reals(reals)) => first(reals.len(), |i| reals[i], |_, v| self.fits(v), may_miss),
        }
    }

    fn fits(&self, v: f64) -> bool {
        let whole = |below: f64| v >= 0.0 && v <= below && v.fract() == 0.0;
        match self {
            Known::Real | Known::Vector(..) => true,
            Known::Positive => v > 0.0,
            Known::Unit => (0.0..=1.0).contains(&v),
            Known::Count(most) => whole(most.map_or(f64::MAX, |most| most as f64)),
            Known::Binary => v == 0.0 || v == 1.0,
            Known::Category(size) => whole(*size as f64 - 1.0),
            Known::Interval(low, high) => low.get(0) <= v && v <= high.get(0),
        }
    }

    /// As in the type language.
    pub fn name(&self) -> String {
        match self {
            Known::Real => "`real`".into(),
            Known::Positive => "`positive`".into(),
            Known::Unit => "`unit`".into(),
            Known::Count(None) => "`count`".into(),
            Known::Count(Some(most)) => format!("`count({most})`"),
            Known::Binary => "`binary`".into(),
            Known::Category(size) => format!("`category({size})`"),
            Known::Interval(low, high) if low.len() == 1 && high.len() == 1 => {
                format!("`real({}, {})`", low.get(0), high.get(0))
            }
            Known::Interval(..) => "`real(lo, hi)` of its row".into(),
            Known::Vector(kind, size) => {
                let name = VECTORS.iter().find(|row| row.0 == *kind).map_or("vector", |row| row.1);
                format!("`{name}[{size}]`")
            }
        }
    }

    /// What makes values fit.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Known::Binary => "`threshold(c, t)` makes 0 and 1 from numbers, `c == 2` from labels",
            Known::Unit => "divide by the largest value: `c / 255` for bytes",
            Known::Positive => "`positive` is above 0; `real(0, inf)` has 0 in it, `count` is 0, 1, ...",
            _ => return None,
        };
        Some(text.into())
    }
}

fn first(n: usize, get: impl Fn(usize) -> f64, fits: impl Fn(usize, f64) -> bool, may_miss: bool) -> Option<Misfit> {
    let bad = |i: &usize| if get(*i).is_nan() { !may_miss } else { !fits(*i, get(*i)) };
    let at = (0..n).find(bad)?;
    Some(if get(at).is_nan() { Misfit::Missing(at) } else { Misfit::Outside(at, get(at)) })
}

fn vectors(kind: Vector, size: usize, values: &Array, may_miss: bool) -> Option<Misfit> {
    let matrix = matches!(kind, Vector::Cholesky | Vector::CholeskyCorr | Vector::Cov);
    let width = if matrix { size * size } else { size };
    (0..values.len()).step_by(width.max(1)).find_map(|start| {
        let entry: Vec<f64> = (start..(start + width).min(values.len())).map(|i| values.get(i)).collect();
        if let Some(missing) = entry.iter().position(|v| v.is_nan()) {
            return (!may_miss).then_some(Misfit::Missing(start + missing));
        }
        let why = if matrix { wrong_matrix(kind, size, &entry) } else { wrong_vector(kind, &entry) };
        why.map(|why| Misfit::Vector(start, why))
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    fn misfit(known: Known, values: &[f64]) -> Option<Misfit> {
        known.misfit(&Array::Reals(values.into()), 1, false)
    }

    #[test]
    fn numbers_are_tested_one_by_one() {
        assert_eq!(misfit(Known::Positive, &[1.0, 0.5, 0.0]), Some(Misfit::Outside(2, 0.0)));
        assert_eq!(misfit(Known::Category(3), &[0.0, 2.0, 3.0]), Some(Misfit::Outside(2, 3.0)));
        assert_eq!(misfit(Known::Count(None), &[0.0, 1e9, 0.5]), Some(Misfit::Outside(2, 0.5)));
        assert_eq!(misfit(Known::Real, &[0.0, f64::NAN]), Some(Misfit::Missing(1)));
        assert_eq!(misfit(Known::Unit, &[0.0, 1.0]), None);
        let bytes = Array::Bytes(vec![0, 1, 7].into());
        assert_eq!(Known::Binary.misfit(&bytes, 1, false), Some(Misfit::Outside(2, 7.0)));
    }

    #[test]
    fn a_bound_of_the_row_counts() {
        let known = Known::Interval(Array::Reals([0.0].into()), Array::Reals([1.0, 2.0].into()));
        let values = Array::Reals([0.5, 1.0, 1.5, 2.5].into());
        assert_eq!(known.misfit(&values, 2, false), Some(Misfit::Outside(3, 2.5)));
    }

    #[test]
    fn vectors_are_tested_whole() {
        let simplex = Known::Vector(Vector::Simplex, 2);
        assert_eq!(misfit(simplex.clone(), &[0.5, 0.5, 0.25, 0.75]), None);
        assert!(matches!(misfit(simplex, &[0.5, 0.5, 0.5, 0.75]), Some(Misfit::Vector(2, _))));
        assert!(misfit(Known::Vector(Vector::Cov, 2), &[2.0, 1.0, 1.0, 2.0]).is_none());
        assert!(misfit(Known::Vector(Vector::Cov, 2), &[1.0, 2.0, 2.0, 1.0]).is_some());
        assert!(misfit(Known::Vector(Vector::CholeskyCorr, 2), &[1.0, 0.0, 0.6, 0.8]).is_none());
        assert!(misfit(Known::Vector(Vector::Cholesky, 2), &[1.0, 0.1, 0.6, 0.8]).is_some());
        assert!(misfit(Known::Vector(Vector::Ordered, 3), &[1.0, 1.0, 2.0]).is_some());
    }
}
