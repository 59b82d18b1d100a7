//! The declared support of a data item with its sizes and bounds known.

use crate::data::cells::{Cell, Kind, Operator};
use crate::data::sizes::Sizes;
use crate::data::support::{Known, Vector};
use crate::data::{Array, BoundArray, columns};
use crate::math::support::Bound;
use crate::math::{Binary, NodeId, Op, Pick, Support, Unary};
use crate::model::{Data, Model};
use crate::source::Span;

/// `None` where a bound is an expression that we do not compute here.
pub fn known_support(model: &Model, sizes: &Sizes, arrays: &[Option<BoundArray>], data: &Data) -> Option<Known> {
    let vector = |kind, size| sizes.size(size).map(|size| Known::Vector(kind, size));
    match &data.support {
        Support::Real => Some(Known::Real),
        Support::Positive => Some(Known::Positive),
        Support::Unit => Some(Known::Unit),
        Support::Binary => Some(Known::Binary),
        Support::Count(None) => Some(Known::Count(None)),
        Support::Count(Some(size)) => sizes.size(size).map(|most| Known::Count(Some(most))),
        Support::Category(size) => sizes.size(size).map(Known::Category),
        Support::Interval(low, high) => {
            let graph = Limits { model, sizes, arrays };
            Some(Known::Interval(graph.bound(low)?, graph.bound(high)?))
        }
        Support::Simplex(size) => vector(Vector::Simplex, size),
        Support::OneHot(size) => vector(Vector::OneHot, size),
        Support::Ordered(size) => vector(Vector::Ordered, size),
        Support::PositiveOrdered(size) => vector(Vector::PositiveOrdered, size),
        Support::Cholesky(size) => vector(Vector::Cholesky, size),
        Support::CholeskyCorr(size) => vector(Vector::CholeskyCorr, size),
        Support::Cov(size) => vector(Vector::Cov, size),
    }
}

struct Limits<'a> {
    model: &'a Model,
    sizes: &'a Sizes<'a>,
    arrays: &'a [Option<BoundArray>],
}

impl<'a> Limits<'a> {
    /// One number, or one a row.
    fn bound(&self, bound: &Bound) -> Option<Array> {
        match bound {
            Bound::Number(value) => Some(Array::Reals([*value].into())),
            Bound::Value(node) => self.cell(*node).filter(|cell| cell.entry.is_empty()).map(|cell| cell.array()),
        }
    }

    fn cell(&self, node: NodeId) -> Option<Cell<'a>> {
        let number = |value| Some(Cell::number(value));
        match &self.model.graph.nodes[node].op {
            Op::Number(value) => number(*value),
            Op::Size(size) => number(self.sizes.size(size)? as f64),
            Op::Data(data) => {
                let array = self.arrays[data.index()].as_ref()?;
                Some(Cell { rows: None, entry: array.shape.clone(), kind: Kind::Item(array.values.clone()) })
            }
            Op::Index(of, picks) => {
                let of = self.cell(*of)?;
                let rows = matches!((picks.as_slice(), of.rows), ([Pick::Row(_)], None)) && of.entry.len() == 1;
                rows.then(|| Cell { rows: of.entry.first().copied(), entry: vec![], kind: of.kind })
            }
            Op::Named(_, of) => self.cell(*of),
            Op::Unary(Unary::Neg, of) => {
                let minus = self.cell(*of)?;
                columns::binary(Span::default(), Operator::Subtract, Cell::number(0.0), minus).ok()
            }
            Op::Binary(op, left, right) => {
                let op = match op {
                    Binary::Add => Operator::Add,
                    Binary::Sub => Operator::Subtract,
                    Binary::Mul => Operator::Multiply,
                    Binary::Div => Operator::Divide,
                    Binary::Min => Operator::Min,
                    Binary::Max => Operator::Max,
                    _ => return None,
                };
                columns::binary(Span::default(), op, self.cell(*left)?, self.cell(*right)?).ok()
            }
            _ => None,
        }
    }
}
