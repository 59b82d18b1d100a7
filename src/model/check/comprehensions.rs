//! Comprehensions: `for` inside brackets, over dims or ranges.

use super::Checker;
use super::calls::Given;
use super::names::Meaning;
use crate::math::{NodeId, Over, Reduce};
use crate::model::problems::Expressions;
use crate::shape::{Axis, AxisId, AxisKind, Size};
use crate::source::Span;
use crate::syntax::{Binder, Expr, ExprKind, Name};

impl<'a> Checker<'a> {
    pub(super) fn check_array_for(&mut self, body: &'a Expr, each: &'a [Binder], span: Span) -> Option<NodeId> {
        let (axes, body) = self.check_comprehension(body, each)?;
        Some(self.lift(body, axes, span))
    }

    /// `sum(... for k in K)`
    pub(super) fn check_reduce_for(&mut self, op: Reduce, given: &Given<'a>) -> Option<NodeId> {
        let [body] = given.args.as_slice() else {
            self.report(Expressions::ForNeedsOne { name: given.name.into(), span: given.span });
            return None;
        };
        let (axes, node) = self.check_comprehension(body, given.each)?;
        self.check_arithmetic(node, body.span, given.name)?;
        Some(self.reduce(op, node, Over::Axes(axes), given.span))
    }

    /// The body, varying over the axes of its variables.
    fn check_comprehension(&mut self, body: &'a Expr, each: &'a [Binder]) -> Option<(Vec<AxisId>, NodeId)> {
        let height = self.scope.locals.len();
        let axes: Vec<Option<AxisId>> = each.iter().map(|binder| self.check_binder(binder)).collect();
        let node = self.check_node(body);
        self.scope.locals.truncate(height);
        Some((axes.into_iter().collect::<Option<_>>()?, node?))
    }

    /// `k in K`, `k in 2..5`
    fn check_binder(&mut self, binder: &'a Binder) -> Option<AxisId> {
        let range = match &binder.over.kind {
            ExprKind::Range { low, high } => {
                let (low_size, high_size) = (self.check_size(low), self.check_size(high));
                low_size.zip(high_size).and_then(|(low_size, high_size)| {
                    let size = high_size.minus(&low_size);
                    let wrong = size.known().is_some_and(|n| n < 1) || low_size.known().is_some_and(|n| n < 0);
                    if wrong {
                        let (low, high) = (self.print_size(&low_size), self.print_size(&high_size));
                        self.report(Expressions::EmptyRange { low, high, span: binder.over.span });
                        return None;
                    }
                    Some((low_size, size))
                })
            }
            ExprKind::Name(name) => self.plate_dim(name, binder.over.span).map(|dim| (Size::default(), Size::dim(dim))),
            _ => {
                self.report(Expressions::BinderRange { span: binder.over.span });
                None
            }
        };
        let Some((first, size)) = range else {
            self.push_broken(&binder.name);
            return None;
        };
        let axis = self.add_axis(&binder.name, size, first, AxisKind::Comprehension);
        self.push_variable(&binder.name, axis);
        Some(axis)
    }

    pub(super) fn add_axis(&mut self, name: &Name, size: Size, first: Size, kind: AxisKind) -> AxisId {
        let axis = self.axes.add(Axis { name: name.node.clone(), size, first, kind, span: name.span });
        let known = self.axis_size(axis);
        self.graph.declare_axis(axis, known);
        axis
    }

    pub(super) fn push_broken(&mut self, name: &Name) {
        let entry = super::names::Entry { meaning: Meaning::Broken, span: name.span };
        self.scope.locals.push((name.node.clone(), entry));
    }
}
