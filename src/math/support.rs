//! Supports: the sets that values lie in, and what fits into what.

use crate::math::NodeId;
use crate::shape::Size;

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
