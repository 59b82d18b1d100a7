//! Cells that are drawn: told apart, taken away from their sources, and moved to another epoch.

use super::{Cell, Epoch, Kind, Numbers};
use crate::data::Array;

impl Cell<'_> {
    /// Whether it is another in each epoch.
    pub fn is_drawn(&self) -> bool {
        match &self.kind {
            Kind::Bernoulli(..) => true,
            Kind::Source(..) | Kind::Item(_) | Kind::Constant(_) | Kind::Coded(..) => false,
            Kind::Unary(_, of) | Kind::Pick(_, of) => of.is_drawn(),
            Kind::Binary(_, left, right) => left.is_drawn() || right.is_drawn(),
            Kind::If(condition, then, otherwise) => [condition, then, otherwise].iter().any(|part| part.is_drawn()),
            Kind::Stack(parts) => parts.iter().any(Cell::is_drawn),
        }
    }

    /// The same without a source: what is not drawn is computed once, but a function of bytes stays one, because
    /// numbers take eight times their room.
    pub fn detached(&self) -> Cell<'static> {
        let kind = match &self.kind {
            _ if !self.is_drawn() && self.bytes().is_none() => Kind::Item(self.array()),
            kind => kind.map(&|cell| cell.detached()),
        };
        Cell { rows: self.rows, entry: self.entry.clone(), kind }
    }
}

impl Cell<'static> {
    /// The same at another epoch.
    pub fn at_epoch(&self, when: Epoch) -> Cell<'static> {
        let kind = match &self.kind {
            Kind::Bernoulli(number, _, of) => Kind::Bernoulli(*number, when, Box::new(of.at_epoch(when))),
            kind => kind.map(&|cell| cell.at_epoch(when)),
        };
        Cell { rows: self.rows, entry: self.entry.clone(), kind }
    }
}

impl<'a> Kind<'a> {
    /// The same of other parts; columns are copied from their sources.
    fn map<'b>(&self, part: &dyn Fn(&Cell<'a>) -> Cell<'b>) -> Kind<'b> {
        let boxed = |cell: &Cell<'a>| Box::new(part(cell));
        match self {
            Kind::Constant(list) => Kind::Constant(list.clone()),
            Kind::Item(array) => Kind::Item(array.clone()),
            Kind::Coded(list, ..) => Kind::Item(Array::Reals(list.as_slice().into())),
            Kind::Source(Numbers::Bytes(bytes), ..) => Kind::Item(Array::Bytes((*bytes).into())),
            Kind::Source(Numbers::Reals(reals), ..) => Kind::Item(Array::Reals((*reals).into())),
            Kind::Unary(op, of) => Kind::Unary(*op, boxed(of)),
            Kind::Binary(op, left, right) => Kind::Binary(*op, boxed(left), boxed(right)),
            Kind::If(condition, then, otherwise) => Kind::If(boxed(condition), boxed(then), boxed(otherwise)),
            Kind::Stack(parts) => Kind::Stack(parts.iter().map(part).collect()),
            Kind::Pick(places, of) => Kind::Pick(places.clone(), boxed(of)),
            Kind::Bernoulli(number, when, of) => Kind::Bernoulli(*number, *when, boxed(of)),
        }
    }
}
