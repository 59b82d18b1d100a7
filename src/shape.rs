//! Sizes and shapes. A value has named plate axes and an event shape; two plates over one dim are two axes.

use std::collections::BTreeMap;

use crate::arena::{Arena, Id};
use crate::source::Span;

/// A declared `dim`.
#[derive(Debug, Clone, PartialEq)]
pub struct Dim {
    pub name: String,
    /// The value where it is known before data is bound (declaration or `--set`), as a size of other dims.
    pub value: Option<Size>,
    pub span: Span,
}

pub type DimId = Id<Dim>;

/// A plate or comprehension variable, or the axis over which a discrete site is summed out.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// The variable as the user named it; for a summed-out site, the site's name.
    pub name: String,
    pub size: Size,
    /// The first number the variable takes: not 0 in `for i in 2..5`.
    pub first: Size,
    pub kind: AxisKind,
    pub span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AxisKind {
    Plate,
    Chain,
    Comprehension,
    /// The states of a discrete site that is summed out or enumerated.
    States,
}

pub type AxisId = Id<Axis>;

/// A size in normal form: a polynomial in the dims with whole coefficients, over a whole number. `D * 256 + 1` equals
/// `1 + 256 * D`; a dim without a value equals only itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size {
    /// Product of dims (sorted, with repeats) to coefficient; no zero coefficients.
    terms: BTreeMap<Vec<DimId>, i64>,
    /// Positive, and without a factor that all coefficients have.
    over: i64,
}

impl Default for Size {
    fn default() -> Size {
        Size { terms: BTreeMap::new(), over: 1 }
    }
}

impl Size {
    pub fn fixed(n: usize) -> Size {
        Size::from_terms([(vec![], n as i64)])
    }

    pub fn dim(dim: DimId) -> Size {
        Size::from_terms([(vec![dim], 1)])
    }

    fn from_terms(terms: impl IntoIterator<Item = (Vec<DimId>, i64)>) -> Size {
        Size::ratio(terms, 1)
    }

    fn ratio(terms: impl IntoIterator<Item = (Vec<DimId>, i64)>, over: i64) -> Size {
        let mut sum: BTreeMap<Vec<DimId>, i64> = BTreeMap::new();
        for (dims, coefficient) in terms {
            *sum.entry(dims).or_default() += coefficient;
        }
        sum.retain(|_, coefficient| *coefficient != 0);
        let common = sum.values().fold(over, |common, n| divisor(common, *n));
        sum.values_mut().for_each(|n| *n /= common);
        Size { terms: sum, over: over / common }
    }

    /// n (n - 1) / 2: how many entries a square matrix has below its diagonal.
    pub fn below_diagonal(&self) -> Size {
        let twice = self.times(&self.minus(&Size::fixed(1)));
        Size::ratio(twice.terms, 2 * twice.over)
    }

    /// The number, where no dim without a value is in it. May be negative after a subtraction: the checker says so.
    pub fn known(&self) -> Option<i64> {
        match self.terms.iter().next() {
            None => Some(0),
            Some((dims, n)) if self.terms.len() == 1 && dims.is_empty() && self.over == 1 => Some(*n),
            Some(_) => None,
        }
    }

    /// The number, where every dim of it has one.
    pub fn value(&self, dim: &impl Fn(DimId) -> Option<usize>) -> Option<i64> {
        let sum = self.terms.iter().try_fold(0, |sum, (dims, n)| {
            let product = dims.iter().try_fold(*n, |product, id| Some(product * dim(*id)? as i64))?;
            Some(sum + product)
        })?;
        (sum % self.over == 0).then_some(sum / self.over)
    }

    /// The dim, where the size is exactly one dim.
    pub fn as_dim(&self) -> Option<DimId> {
        match self.terms.iter().next() {
            Some((dims, 1)) if self.terms.len() == 1 && dims.len() == 1 && self.over == 1 => Some(dims[0]),
            _ => None,
        }
    }

    pub fn plus(&self, other: &Size) -> Size {
        let scaled = |size: &Size, by: i64| size.terms.clone().into_iter().map(move |(dims, n)| (dims, n * by));
        Size::ratio(scaled(self, other.over).chain(scaled(other, self.over)), self.over * other.over)
    }

    pub fn minus(&self, other: &Size) -> Size {
        self.plus(&other.times(&Size::from_terms([(vec![], -1)])))
    }

    pub fn times(&self, other: &Size) -> Size {
        let terms = self.terms.iter().flat_map(|(a, m)| {
            other.terms.iter().map(move |(b, n)| {
                let mut dims: Vec<DimId> = a.iter().chain(b).copied().collect();
                dims.sort();
                (dims, m * n)
            })
        });
        Size::ratio(terms, self.over * other.over)
    }

    /// Exact division by a known number; `None` where it does not divide.
    pub fn divided(&self, by: i64) -> Option<Size> {
        let exact = by != 0 && self.terms.values().all(|n| n % by == 0);
        exact.then(|| Size::ratio(self.terms.iter().map(|(dims, n)| (dims.clone(), n / by)), self.over))
    }

    /// Puts known dim values in.
    pub fn substitute(&self, value: &impl Fn(DimId) -> Option<Size>) -> Size {
        let sum = self.terms.iter().fold(Size::default(), |sum, (dims, n)| {
            let product = dims.iter().fold(Size::from_terms([(vec![], *n)]), |product, dim| {
                product.times(&value(*dim).unwrap_or_else(|| Size::dim(*dim)))
            });
            sum.plus(&product)
        });
        Size::ratio(sum.terms, sum.over * self.over)
    }

    pub fn dims(&self) -> impl Iterator<Item = DimId> + '_ {
        self.terms.keys().flatten().copied()
    }

    /// The largest coefficient, without its sign.
    pub fn magnitude(&self) -> i64 {
        self.terms.values().map(|n| n.abs()).max().unwrap_or(0)
    }

    /// How many dims its longest product has.
    pub fn degree(&self) -> usize {
        self.terms.keys().map(Vec::len).max().unwrap_or(0)
    }

    pub fn print(&self, dims: &Arena<Dim>) -> String {
        if self.terms.is_empty() {
            return "0".into();
        }
        let mut text = String::new();
        // Highest power first, the plain number last, as one would write it.
        for (i, (factors, n)) in self.terms.iter().rev().enumerate() {
            let sign = if *n < 0 { "-" } else { "+" };
            match (i, *n < 0) {
                (0, true) => text.push('-'),
                (0, false) => {}
                _ => text.push_str(&format!(" {sign} ")),
            }
            let mut parts: Vec<String> = factors.iter().map(|dim| dims[*dim].name.clone()).collect();
            if n.abs() != 1 || parts.is_empty() {
                parts.push(n.abs().to_string());
            }
            text.push_str(&parts.join(" * "));
        }
        if self.over == 1 { text } else { format!("({text}) / {}", self.over) }
    }
}

/// The largest number that divides both.
fn divisor(a: i64, b: i64) -> i64 {
    if b == 0 { a.abs() } else { divisor(b, a % b) }
}

impl From<usize> for Size {
    fn from(n: usize) -> Size {
        Size::fixed(n)
    }
}

/// The shape of a value: the plates it varies over (sorted, each once) and the axes of one value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shape {
    pub plates: Vec<AxisId>,
    pub event: Vec<Size>,
}

impl Shape {
    pub fn scalar() -> Shape {
        Shape::default()
    }

    pub fn event(event: impl Into<Vec<Size>>) -> Shape {
        Shape { plates: vec![], event: event.into() }
    }

    pub fn new(plates: impl IntoIterator<Item = AxisId>, event: impl Into<Vec<Size>>) -> Shape {
        let mut plates: Vec<AxisId> = plates.into_iter().collect();
        plates.sort();
        plates.dedup();
        Shape { plates, event: event.into() }
    }

    pub fn is_number(&self) -> bool {
        self.event.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_the_same_number_evaluated_and_substituted() {
        let (n, k) = (DimId::new(0), DimId::new(1));
        let (rows, columns) = (Size::dim(n), Size::dim(k));
        let sizes = [
            rows.clone(),
            rows.plus(&Size::fixed(3)),
            rows.times(&columns).minus(&Size::fixed(1)),
            columns.below_diagonal(),
            columns.below_diagonal().times(&rows).plus(&Size::fixed(2)),
        ];
        for size in sizes {
            for (a, b) in [(1, 1), (4, 3), (7, 6)] {
                let of = |dim: DimId| Some(if dim == n { a } else { b });
                let substituted = size.substitute(&|dim| of(dim).map(Size::fixed));
                assert_eq!(size.value(&of), substituted.known(), "{size:?} at {a}, {b}");
            }
        }
        assert_eq!(columns.below_diagonal().value(&|_| Some(4)), Some(6));
        assert_eq!(columns.value(&|_| None), None);
    }
}
