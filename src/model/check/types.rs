//! Types: a support, its arguments in `( )`, its shape in `[ ]`.

use super::Checker;
use super::expr::Place;
use crate::math::Support;
use crate::math::support::Bound;
use crate::model::problems::Types;
use crate::shape::Size;
use crate::source::Span;
use crate::syntax::{Expr, Type};

/// A checked type.
#[derive(Debug, Clone)]
pub(super) struct Checked {
    pub support: Support,
    pub event: Vec<Size>,
}

/// What stands between the parentheses of a type.
#[derive(Clone, Copy, PartialEq)]
enum Takes {
    Nothing,
    /// `real(lo, hi)`, both or neither.
    Bounds,
    /// `count(m)`, or none.
    MaybeSize,
    Size,
    /// Nothing, and exactly one size in `[ ]`, which makes this many axes of its own.
    OneAxis(usize),
}

struct Row {
    name: &'static str,
    takes: Takes,
    /// How it is written in full, for help.
    written: &'static str,
    make: fn(Option<Size>) -> Support,
}

/// Where a support takes its size from is seen in `takes`; one without gets none.
const TYPES: &[Row] = &[
    Row { name: "real", takes: Takes::Bounds, written: "real, or real(lo, hi)", make: |_| Support::Real },
    Row { name: "positive", takes: Takes::Nothing, written: "positive", make: |_| Support::Positive },
    Row { name: "unit", takes: Takes::Nothing, written: "unit", make: |_| Support::Unit },
    Row { name: "count", takes: Takes::MaybeSize, written: "count, or count(m)", make: Support::Count },
    Row { name: "binary", takes: Takes::Nothing, written: "binary", make: |_| Support::Binary },
    Row { name: "category", takes: Takes::Size, written: "category(K)", make: |k| Support::Category(or_zero(k)) },
    Row { name: "simplex", takes: Takes::OneAxis(1), written: "simplex[K]", make: |k| Support::Simplex(or_zero(k)) },
    Row { name: "onehot", takes: Takes::OneAxis(1), written: "onehot[K]", make: |k| Support::OneHot(or_zero(k)) },
    Row { name: "ordered", takes: Takes::OneAxis(1), written: "ordered[K]", make: |k| Support::Ordered(or_zero(k)) },
    Row {
        name: "positive_ordered",
        takes: Takes::OneAxis(1),
        written: "positive_ordered[K]",
        make: |k| Support::PositiveOrdered(or_zero(k)),
    },
    Row { name: "cholesky", takes: Takes::OneAxis(2), written: "cholesky[K]", make: |k| Support::Cholesky(or_zero(k)) },
    Row {
        name: "cholesky_corr",
        takes: Takes::OneAxis(2),
        written: "cholesky_corr[K]",
        make: |k| Support::CholeskyCorr(or_zero(k)),
    },
    Row { name: "cov", takes: Takes::OneAxis(2), written: "cov[K]", make: |k| Support::Cov(or_zero(k)) },
];

fn or_zero(size: Option<Size>) -> Size {
    size.unwrap_or_default()
}

impl<'a> Checker<'a> {
    /// The support and shape that a type stands for; everything wrong with it is reported at once.
    pub(super) fn check_type(&mut self, ty: &'a Type) -> Option<Checked> {
        let Some(row) = TYPES.iter().find(|row| row.name == ty.name.node) else {
            let nearest = super::names::nearest(&ty.name.node, TYPES.iter().map(|row| row.name));
            self.report(Types::Unknown { name: ty.name.node.clone(), span: ty.name.span, nearest });
            ty.shape.iter().for_each(|size| _ = self.check_axis_size(size));
            return None;
        };
        let shape: Vec<Option<Size>> = ty.shape.iter().map(|size| self.check_axis_size(size)).collect();
        let argument = self.check_type_args(row, ty);
        let event: Vec<Size> = shape.into_iter().collect::<Option<_>>()?;
        let (support, event) = match (row.takes, argument?) {
            (Takes::OneAxis(axes), _) => {
                let [size] = event.as_slice() else {
                    self.report(Types::OneSize { written: row.written, given: event.len(), span: ty.span });
                    return None;
                };
                ((row.make)(Some(size.clone())), vec![size.clone(); axes])
            }
            (_, Argument::Bounds(low, high)) => (interval(low, high), event),
            (_, Argument::Size(size)) => ((row.make)(Some(size)), event),
            (_, Argument::None) => ((row.make)(None), event),
        };
        Some(Checked { support, event })
    }

    /// A type where `?` says nothing.
    pub(super) fn check_complete_type(&mut self, ty: &'a Type) -> Option<Checked> {
        if ty.missing {
            self.report(Types::MissingNotData { span: ty.span });
        }
        self.check_type(ty)
    }

    fn check_type_args(&mut self, row: &Row, ty: &'a Type) -> Option<Argument> {
        match (row.takes, ty.args.as_slice()) {
            (Takes::Nothing | Takes::OneAxis(_) | Takes::Bounds | Takes::MaybeSize, []) => Some(Argument::None),
            (Takes::Size | Takes::MaybeSize, [size]) => {
                let count = row.takes == Takes::MaybeSize;
                let size = if count { self.check_size(size) } else { self.check_axis_size(size) };
                Some(Argument::Size(size?))
            }
            (Takes::Bounds, [low, high]) => {
                let (a, b) = (self.check_bound(low), self.check_bound(high));
                let (a, b) = (a?, b?);
                if let (Bound::Number(x), Bound::Number(y)) = (&a, &b)
                    && x >= y
                {
                    self.report(Types::EmptyInterval { low: *x, high: *y, span: low.span.to(high.span) });
                    return None;
                }
                Some(Argument::Bounds(a, b))
            }
            _ => {
                let last = ty.args.last().map_or(ty.name.span, |arg| arg.span);
                let rest = self.ast.source.text.get(last.end..ty.span.end).unwrap_or("");
                let closed = if ty.args.is_empty() { 0 } else { rest.find(')').map_or(0, |at| at + 1) };
                let span = Span::new(ty.name.span.start, last.end + closed);
                self.report(Types::Arguments { written: row.written, given: ty.args.len(), span });
                None
            }
        }
    }

    /// The end of an interval, of numbers, `inf`, consts, dims and data.
    fn check_bound(&mut self, expr: &'a Expr) -> Option<Bound> {
        let node = self.at_place(Place::Bound, |checker| checker.check_node(expr))?;
        if !self.graph.nodes[node].shape.is_number() {
            let shape = self.print_shape(node);
            self.report(Types::BoundNotANumber { shape, span: expr.span });
            return None;
        }
        if let Some(reads) = self.first_random(node) {
            self.report(Types::BoundMoves { reads, span: expr.span });
            return None;
        }
        Some(match self.fold_number(node) {
            Some(number) => Bound::Number(number),
            None => Bound::Value(node),
        })
    }
}

enum Argument {
    None,
    Bounds(Bound, Bound),
    Size(Size),
}

/// Half lines and the unit interval under the names they have.
fn interval(low: Bound, high: Bound) -> Support {
    match (&low, &high) {
        (Bound::Number(a), Bound::Number(b)) if *a == f64::NEG_INFINITY && *b == f64::INFINITY => Support::Real,
        (Bound::Number(a), Bound::Number(b)) if *a == 0.0 && *b == f64::INFINITY => Support::Positive,
        (Bound::Number(a), Bound::Number(b)) if *a == 0.0 && *b == 1.0 => Support::Unit,
        _ => Support::Interval(low, high),
    }
}
