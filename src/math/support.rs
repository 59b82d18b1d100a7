//! Supports: the sets that values lie in, and what fits into what.

use crate::arena::Arena;
use crate::math::NodeId;
use crate::shape::{Dim, Size};

/// A set of values. The last seven have event axes of their own.
#[derive(Debug, Clone, PartialEq)]
pub enum Support {
    Real,
    /// Between two bounds; either may be infinite, then it is a half line.
    Interval(Bound, Bound),
    Positive,
    Unit,
    /// 0, 1, ... , to the bound where there is one.
    Count(Option<Size>),
    Binary,
    /// A label 0..K-1.
    Category(Size),
    Simplex(Size),
    OneHot(Size),
    Ordered(Size),
    PositiveOrdered(Size),
    Cholesky(Size),
    CholeskyCorr(Size),
    Cov(Size),
}

/// The end of an interval: a number, or a value (const, dim, data) known when data is bound.
#[derive(Debug, Clone, PartialEq)]
pub enum Bound {
    Number(f64),
    Value(NodeId),
}

/// Whether values of one support lie in another, end points aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    Proven,
    /// None of them does.
    Disproven,
    /// Some may not: checked when computed, or an error, as LANGUAGE.md 1.3 has it.
    Unknown,
}

/// The range of a support of numbers: its ends, and whether its members are whole.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    pub lo: f64,
    pub hi: f64,
    pub whole: bool,
}

impl Range {
    pub const REAL: Range = Range::new(f64::NEG_INFINITY, f64::INFINITY);
    pub const POSITIVE: Range = Range::new(0.0, f64::INFINITY);

    pub const fn new(lo: f64, hi: f64) -> Range {
        Range { lo, hi, whole: false }
    }

    /// The smallest support that holds it.
    pub fn support(self) -> Support {
        let Range { lo, hi, whole } = self;
        if lo.is_nan() || hi.is_nan() {
            return Support::Real;
        }
        if whole && (0.0..1.0).contains(&lo) && hi > lo {
            return Support::Count((hi < 1e9).then(|| Size::fixed(hi as usize)));
        }
        match (lo, hi) {
            (0.0, f64::INFINITY) => Support::Positive,
            (0.0, 1.0) => Support::Unit,
            (f64::NEG_INFINITY, f64::INFINITY) => Support::Real,
            _ => Support::Interval(Bound::Number(lo), Bound::Number(hi)),
        }
    }

    /// The smallest range that holds both.
    pub fn union(self, other: Range) -> Range {
        Range { lo: self.lo.min(other.lo), hi: self.hi.max(other.hi), whole: self.whole && other.whole }
    }
}

impl Support {
    /// `real(lo, hi)`, as `positive`, `unit` or `real` where it is one of those.
    pub fn between(lo: f64, hi: f64) -> Support {
        Range::new(lo, hi).support()
    }

    /// The axes of one value: 0 for numbers, 1 for vectors, 2 for matrices.
    pub fn event_rank(&self) -> usize {
        self.own_size().map_or(0, |_| if self.is_matrix() { 2 } else { 1 })
    }

    /// The axes of one value, with their sizes.
    pub fn own_axes(&self) -> Vec<Size> {
        self.own_size().map_or(vec![], |n| vec![n.clone(); self.event_rank()])
    }

    fn own_size(&self) -> Option<&Size> {
        use Support::*;
        match self {
            Simplex(n) | OneHot(n) | Ordered(n) | PositiveOrdered(n) | Cholesky(n) | CholeskyCorr(n) | Cov(n) => {
                Some(n)
            }
            _ => None,
        }
    }

    pub fn is_matrix(&self) -> bool {
        matches!(self, Support::Cholesky(_) | Support::CholeskyCorr(_) | Support::Cov(_))
    }

    pub fn is_cov(&self) -> bool {
        matches!(self, Support::Cov(_))
    }

    pub fn is_discrete(&self) -> bool {
        matches!(self, Support::Count(_) | Support::Binary | Support::Category(_) | Support::OneHot(_))
    }

    /// How many values a discrete support of numbers has, where it is finite.
    pub fn states(&self) -> Option<Size> {
        match self {
            Support::Binary => Some(Size::fixed(2)),
            Support::Category(n) | Support::OneHot(n) => Some(n.clone()),
            Support::Count(Some(n)) => Some(n.plus(&Size::fixed(1))),
            _ => None,
        }
    }

    /// The support of the entries of a value.
    pub fn element(&self) -> Support {
        match self {
            Support::Simplex(_) => Support::Unit,
            Support::OneHot(_) => Support::Binary,
            Support::PositiveOrdered(_) => Support::Positive,
            Support::CholeskyCorr(_) => Support::between(-1.0, 1.0),
            Support::Ordered(_) | Support::Cholesky(_) | Support::Cov(_) => Support::Real,
            number => number.clone(),
        }
    }

    /// The range of the entries. Bounds that are values of data, and sizes that are not known, count as infinite.
    pub fn range(&self) -> Range {
        let whole = |hi: f64| Range { lo: 0.0, hi, whole: true };
        let known = |size: &Size| size.known().map_or(f64::INFINITY, |n| n as f64);
        match self.element() {
            Support::Interval(lo, hi) => {
                let (lo, hi) = (lo.known().unwrap_or(f64::NEG_INFINITY), hi.known().unwrap_or(f64::INFINITY));
                Range { lo, hi, whole: lo == hi && lo.fract() == 0.0 }
            }
            Support::Positive => Range::POSITIVE,
            Support::Unit => Range::new(0.0, 1.0),
            Support::Binary => whole(1.0),
            Support::Count(None) => whole(f64::INFINITY),
            Support::Count(Some(n)) => whole(known(&n)),
            Support::Category(n) => whole(known(&n) - 1.0),
            _ => Range::REAL,
        }
    }

    /// The smallest support that holds both: of the two branches of an `if`.
    pub fn union(&self, other: &Support) -> Support {
        if self == other {
            return self.clone();
        }
        if fits(self, other) == Fit::Proven {
            return other.clone();
        }
        if fits(other, self) == Fit::Proven {
            return self.clone();
        }
        self.range().union(other.range()).support()
    }

    /// As the user writes it, without the shape that is not its own: `real(0, 1)`, `simplex[K]`, `category(256)`.
    /// `value` prints a bound that is an expression.
    pub fn print(&self, dims: &Arena<Dim>, value: &dyn Fn(NodeId) -> String) -> String {
        use Support::*;
        let bound = |bound: &Bound| match bound {
            Bound::Number(x) if x.is_infinite() => if *x > 0.0 { "inf" } else { "-inf" }.to_string(),
            Bound::Number(x) => format!("{}", x + 0.0),
            Bound::Value(id) => value(*id),
        };
        match self {
            Real => "real".into(),
            Interval(lo, hi) => format!("real({}, {})", bound(lo), bound(hi)),
            Positive => "positive".into(),
            Unit => "unit".into(),
            Count(None) => "count".into(),
            Count(Some(n)) => format!("count({})", n.print(dims)),
            Binary => "binary".into(),
            Category(n) => format!("category({})", n.print(dims)),
            Simplex(n) => format!("simplex[{}]", n.print(dims)),
            OneHot(n) => format!("onehot[{}]", n.print(dims)),
            Ordered(n) => format!("ordered[{}]", n.print(dims)),
            PositiveOrdered(n) => format!("positive_ordered[{}]", n.print(dims)),
            Cholesky(n) => format!("cholesky[{}]", n.print(dims)),
            CholeskyCorr(n) => format!("cholesky_corr[{}]", n.print(dims)),
            Cov(n) => format!("cov[{}]", n.print(dims)),
        }
    }
}

impl Support {
    /// Where the entries end, also where that is a value.
    pub fn ends(&self) -> (Bound, Bound) {
        let range = self.range();
        match self {
            Support::Interval(lo, hi) => (lo.clone(), hi.clone()),
            _ => (Bound::Number(range.lo), Bound::Number(range.hi)),
        }
    }
}

impl Bound {
    pub fn known(&self) -> Option<f64> {
        match self {
            Bound::Number(x) => Some(*x),
            Bound::Value(_) => None,
        }
    }
}

/// Whether values of `inner` lie in `outer`, end points aside.
pub fn fits(inner: &Support, outer: &Support) -> Fit {
    use Support::*;
    if inner == outer {
        return Fit::Proven;
    }
    match (inner, outer) {
        (_, Category(n)) => fits_label(inner, n),
        // A label takes no part in arithmetic and is no number.
        (Category(_), _) => Fit::Disproven,
        (PositiveOrdered(n), Ordered(m)) | (CholeskyCorr(n), Cholesky(m)) | (OneHot(n), Simplex(m)) if n == m => {
            Fit::Proven
        }
        _ if outer.event_rank() > 0 => {
            let meets = overlap(inner.range(), outer.range());
            let same = inner.event_rank() == 0 || inner.event_rank() == outer.event_rank();
            if meets && same { Fit::Unknown } else { Fit::Disproven }
        }
        (Count(Some(n)), Count(Some(m))) => match m.minus(n).known() {
            Some(spare) if spare >= 0 => Fit::Proven,
            _ => Fit::Unknown,
        },
        (Interval(..), Interval(lo, hi)) if lo.known().is_none() || hi.known().is_none() => fits_value(inner, lo, hi),
        (_, Interval(lo, hi)) if lo.known().is_none() || hi.known().is_none() => fits_value(inner, lo, hi),
        _ => fits_range(inner.range(), outer),
    }
}

fn fits_label(inner: &Support, n: &Size) -> Fit {
    let bound = match inner {
        Support::Category(m) => m.minus(&Size::fixed(1)),
        Support::Binary => Size::fixed(1),
        Support::Count(Some(m)) => m.clone(),
        _ => {
            let Range { lo, hi, whole } = inner.range();
            if (lo == hi && !whole) || hi < 0.0 {
                return Fit::Disproven;
            }
            if !whole || lo < 0.0 || hi > 1e9 {
                return Fit::Unknown;
            }
            // A literal beyond the last label never fits; one of an unknown number of labels may.
            return match n.known() {
                Some(n) if lo >= n as f64 => Fit::Disproven,
                Some(n) if hi < n as f64 => Fit::Proven,
                _ => Fit::Unknown,
            };
        }
    };
    match n.minus(&bound).known() {
        Some(spare) if spare >= 1 => Fit::Proven,
        _ => Fit::Unknown,
    }
}

/// An interval with a bound that is not known yet holds what has the same bounds, or lies beyond the known one.
fn fits_value(inner: &Support, lo: &Bound, hi: &Bound) -> Fit {
    let range = inner.range();
    let (own_lo, own_hi) = inner.ends();
    let above = own_lo == *lo || lo.known().is_some_and(|lo| range.lo >= lo);
    let below = own_hi == *hi || hi.known().is_some_and(|hi| range.hi <= hi);
    if above && below { Fit::Proven } else { Fit::Unknown }
}

fn fits_range(inner: Range, outer: &Support) -> Fit {
    let range = outer.range();
    let whole = outer.is_discrete();
    if inner.lo >= range.lo && inner.hi <= range.hi && (inner.whole || !whole) {
        return Fit::Proven;
    }
    let fraction = whole && inner.lo == inner.hi && inner.lo.fract() != 0.0;
    if fraction || !overlap(inner, range) { Fit::Disproven } else { Fit::Unknown }
}

/// Ranges meet in more than an end point, or in a single member.
fn overlap(a: Range, b: Range) -> bool {
    let (lo, hi) = (a.lo.max(b.lo), a.hi.min(b.hi));
    lo < hi || (lo == hi && (a.lo == a.hi || b.lo == b.hi || (a.whole && b.whole)))
}

/// What lies in both, where it is one support: a site's declared support within its distribution's.
pub fn intersection(a: &Support, b: &Support) -> Option<Support> {
    match (fits(a, b), fits(b, a)) {
        (Fit::Proven, _) => Some(a.clone()),
        (_, Fit::Proven) => Some(b.clone()),
        (Fit::Disproven, _) | (_, Fit::Disproven) => None,
        _ if a.event_rank() + b.event_rank() > 0 => None,
        _ => {
            let (x, y) = (a.range(), b.range());
            Some(Range { lo: x.lo.max(y.lo), hi: x.hi.min(y.hi), whole: x.whole || y.whole }.support())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits() {
        use Support::*;
        let two = Support::between(2.0, 2.0);
        let k = Size::dim(crate::arena::Id::new(0));
        let rows = [
            (Positive, Real, Fit::Proven),
            (Real, Positive, Fit::Unknown),
            (Unit, Positive, Fit::Proven),
            (Binary, Unit, Fit::Proven),
            (Unit, Binary, Fit::Unknown),
            (Count(None), Positive, Fit::Proven),
            (two.clone(), Count(None), Fit::Proven),
            (two.clone(), Unit, Fit::Disproven),
            (Support::between(-3.0, -3.0), Positive, Fit::Disproven),
            (Support::between(0.5, 0.5), Count(None), Fit::Disproven),
            (Support::between(0.0, 0.0), Positive, Fit::Proven),
            (two.clone(), Category(Size::fixed(2)), Fit::Disproven),
            (two.clone(), Category(Size::fixed(3)), Fit::Proven),
            (two, Category(k.clone()), Fit::Unknown),
            (Binary, Category(Size::fixed(2)), Fit::Proven),
            (Count(Some(k.minus(&Size::fixed(1)))), Category(k.clone()), Fit::Proven),
            (Category(k.clone()), Real, Fit::Disproven),
            (Simplex(k.clone()), Positive, Fit::Proven),
            (Real, Simplex(k.clone()), Fit::Unknown),
            (Ordered(k.clone()), Simplex(k.clone()), Fit::Unknown),
            (PositiveOrdered(k.clone()), Ordered(k.clone()), Fit::Proven),
            (Cov(k.clone()), Simplex(k), Fit::Disproven),
            (Support::between(-2.0, -1.0), Positive, Fit::Disproven),
        ];
        for (inner, outer, expected) in rows {
            assert_eq!(fits(&inner, &outer), expected, "{inner:?} in {outer:?}");
        }
    }

    #[test]
    fn intersections() {
        let up = Support::Interval(Bound::Number(-1.0), Bound::Number(f64::INFINITY));
        let down = Support::Interval(Bound::Number(f64::NEG_INFINITY), Bound::Number(1.0));
        assert_eq!(intersection(&up, &down), Some(Support::between(-1.0, 1.0)));
        assert_eq!(intersection(&Support::Real, &Support::Positive), Some(Support::Positive));
        assert_eq!(intersection(&Support::between(-2.0, -1.0), &Support::Positive), None);
    }
}
