//! Values against the declared support: where the first one stands that does not lie in it.

use crate::data::Array;
pub use crate::math::vectors::Vector;

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
                format!("`{}[{size}]`", kind.name())
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
    let width = kind.width(size);
    (0..values.len()).step_by(width.max(1)).find_map(|start| {
        let entry: Vec<f64> = (start..(start + width).min(values.len())).map(|i| values.get(i)).collect();
        if let Some(missing) = entry.iter().position(|v| v.is_nan()) {
            return (!may_miss).then_some(Misfit::Missing(start + missing));
        }
        kind.wrong(size, &entry).map(|why| Misfit::Vector(start, why))
    })
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
