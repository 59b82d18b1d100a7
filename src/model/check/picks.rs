//! Indices of one axis: literals, variables, labels, slices, and lags of a chain.

use std::collections::BTreeSet;

use super::Checker;
use super::names::Meaning;
use crate::math::{NodeId, Op, Pick, Support};
use crate::model::problems::Rows;
use crate::shape::{Axis, AxisId, AxisKind, Size};
use crate::source::Span;
use crate::syntax::{BinaryOp, Expr, ExprKind, UnaryOp};

/// In this branch the chain's variable is known to be at least this.
pub(super) type Guard = (AxisId, usize);

impl<'a> Checker<'a> {
    pub(super) fn is_variable(&self, index: &Expr, axis: AxisId) -> bool {
        match &index.kind {
            ExprKind::Paren(inner) => self.is_variable(inner, axis),
            ExprKind::Name(name) => self.axis_named(name) == Some(axis),
            _ => false,
        }
    }

    fn axis_named(&self, name: &str) -> Option<AxisId> {
        let from = self.scope.closed.as_ref().map_or(0, |(_, from)| *from);
        self.scope.locals[from..].iter().rev().find(|(n, _)| n == name).and_then(|(_, entry)| match entry.meaning {
            Meaning::Axis(axis) => Some(axis),
            _ => None,
        })
    }

    /// One index of an axis of this size: a whole number that lies in it.
    pub(super) fn check_pick(&mut self, index: &'a Expr, size: &Size, name: &str) -> Option<Pick> {
        if let ExprKind::Range { low, high } = &index.kind {
            return self.check_slice(low, high, size, name, index.span);
        }
        if let Some(axis) = self.lag_of(index) {
            if self.axis_size(axis) != *size {
                self.wrong_variable(axis, size, name, index.span);
                return None;
            }
            return self.check_lag(index, axis);
        }
        let node = self.check_node(index)?;
        if let Op::Row(axis) = self.graph.nodes[self.unnamed(node)].op
            && self.axes[axis].first == Size::default()
            && self.axis_size(axis) == *size
        {
            return Some(Pick::Row(axis));
        }
        self.check_index_value(node, size, name, index.span)?;
        Some(Pick::At(node))
    }

    fn check_slice(&mut self, low: &Expr, high: &Expr, size: &Size, name: &str, span: Span) -> Option<Pick> {
        let (from, to) = (self.check_size(low), self.check_size(high));
        let (from, to) = (from?, to?);
        let negative = |size: Size| size.known().is_some_and(|n| n < 0);
        if negative(from.clone()) || negative(size.minus(&to)) || to.minus(&from).known().is_some_and(|n| n < 1) {
            let (low, high, size) = (self.print_size(&from), self.print_size(&to), self.print_size(size));
            self.report(Rows::SliceOutside { name: name.into(), low, high, size, span });
            return None;
        }
        self.require_size(size.minus(&to), span);
        Some(Pick::Slice(from, to))
    }

    /// Whether a value may index an axis: what lies in it by its kind, or a literal that does; of an `if`, each branch.
    fn check_index_value(&mut self, node: NodeId, size: &Size, name: &str, span: Span) -> Option<()> {
        let mut branches = BTreeSet::new();
        let mut open = vec![node];
        while let Some(node) = open.pop() {
            let node = self.unnamed(node);
            match self.graph.nodes[node].op {
                _ if !branches.insert(node) => {}
                Op::If(_, then, otherwise) => open.extend([otherwise, then]),
                _ => self.check_index_branch(node, size, name, span)?,
            }
        }
        Some(())
    }

    fn check_index_branch(&mut self, node: NodeId, size: &Size, name: &str, span: Span) -> Option<()> {
        if !self.is_number(node) {
            let shape = self.print_shape(node);
            self.report(Rows::IndexNotANumber { shape, text: self.text(span), span });
            return None;
        }
        if let Op::Row(axis) = self.graph.nodes[node].op {
            let end = self.known_size(&self.axes[axis].first).plus(&self.axis_size(axis));
            if size.minus(&end).known().is_some_and(|n| n >= 0) {
                return Some(());
            }
            self.wrong_variable(axis, size, name, span);
            return None;
        }
        if let Some(at) = self.whole_value(node) {
            return self.check_literal_index(at, size, name, span);
        }
        let fits = match self.support(node) {
            Support::Category(k) => k == size,
            Support::Binary => *size == Size::fixed(2),
            _ => false,
        };
        if fits {
            return Some(());
        }
        if let Some(axis) = self.computed_row(node) {
            let variable = self.axes[axis].name.clone();
            self.report(Rows::LagNotALiteral { variable, text: self.text(span), span });
            return None;
        }
        let (support, size) = (self.print_support(node), self.print_size(size));
        let category = matches!(self.support(node), Support::Category(_) | Support::Binary);
        self.report(Rows::IndexKind { name: name.into(), text: self.text(span), support, category, size, span });
        None
    }

    /// The chain whose variable this sum or difference begins with.
    fn computed_row(&self, node: NodeId) -> Option<AxisId> {
        use crate::math::Binary;
        let Op::Binary(Binary::Add | Binary::Sub, left, _) = self.graph.nodes[node].op else { return None };
        match self.graph.nodes[self.unnamed(left)].op {
            Op::Row(axis) => Some(axis).filter(|axis| self.axes[*axis].kind == AxisKind::Chain),
            _ => None,
        }
    }

    fn wrong_variable(&mut self, axis: AxisId, size: &Size, name: &str, span: Span) {
        let Axis { name: variable, size: length, first, .. } = self.axes[axis].clone();
        let over = match length.as_dim() {
            Some(_) => self.print_size(&length),
            None => format!("{}..{}", self.print_size(&first), self.print_size(&first.plus(&length))),
        };
        let size = self.print_size(size);
        self.report(Rows::VariableOverOther { name: name.into(), variable, over, size, span });
    }

    fn check_literal_index(&mut self, at: Size, size: &Size, name: &str, span: Span) -> Option<()> {
        let outside = at.known().is_some_and(|n| n < 0) || size.minus(&at).known().is_some_and(|n| n < 1);
        if outside {
            let (at, size) = (self.print_size(&at), self.print_size(size));
            self.report(Rows::IndexOutside { name: name.into(), at, size, span });
            return None;
        }
        self.require_size(size.minus(&at).minus(&Size::fixed(1)), span);
        Some(())
    }

    /// A whole number known now, or a size.
    fn whole_value(&self, node: NodeId) -> Option<Size> {
        use crate::math::Binary;
        match &self.graph.nodes[node].op {
            Op::Size(size) => Some(size.clone()),
            Op::Binary(op @ (Binary::Add | Binary::Sub), a, b) => {
                let (a, b) = (self.whole_value(*a)?, self.whole_value(*b)?);
                Some(if *op == Binary::Add { a.plus(&b) } else { a.minus(&b) })
            }
            _ => {
                let value = self.fold_number(node)?;
                let whole = value.fract() == 0.0 && value.abs() < (1u64 << 40) as f64;
                let size = Size::fixed(value.abs() as usize);
                whole.then(|| if value < 0.0 { Size::default().minus(&size) } else { size })
            }
        }
    }

    /// `t - 1` or `t + 1` with a loop variable: a lag of that axis.
    pub(super) fn lag_of(&self, index: &Expr) -> Option<AxisId> {
        match &index.kind {
            ExprKind::Paren(inner) => self.lag_of(inner),
            ExprKind::Binary { op: BinaryOp::Subtract | BinaryOp::Add, left, right, .. } => {
                let ExprKind::Name(name) = &left.kind else { return None };
                let ExprKind::Number { .. } = &right.kind else { return None };
                self.axis_named(name).filter(|axis| self.plates.contains(axis))
            }
            _ => None,
        }
    }

    pub(super) fn check_lag(&mut self, index: &Expr, axis: AxisId) -> Option<Pick> {
        let mut inner = index;
        while let ExprKind::Paren(of) = &inner.kind {
            inner = of;
        }
        let ExprKind::Binary { op, right, .. } = &inner.kind else { return None };
        let ExprKind::Number { value, .. } = &right.kind else { return None };
        let variable = self.axes[axis].name.clone();
        if self.axes[axis].kind != AxisKind::Chain {
            let dim = self.print_size(&self.axes[axis].size);
            self.report(Rows::LagOutsideChain { variable, dim, text: self.text(index.span), span: index.span });
            return None;
        }
        let lag = *value as usize;
        if *op == BinaryOp::Add || value.fract() != 0.0 || lag == 0 {
            self.report(Rows::LagForward { variable, text: self.text(index.span), span: index.span });
            return None;
        }
        let known = self.guards.iter().filter(|(a, _)| *a == axis).map(|(_, n)| *n).max().unwrap_or(0);
        if known < lag {
            self.report(Rows::LagUnguarded { variable, lag, text: self.text(index.span), span: index.span });
            return None;
        }
        Some(Pick::Lag(axis, lag))
    }

    pub(super) fn with_guards<T>(&mut self, guards: Vec<Guard>, check: impl FnOnce(&mut Checker<'a>) -> T) -> T {
        let height = self.guards.len();
        self.guards.extend(guards);
        let result = check(self);
        self.guards.truncate(height);
        result
    }

    /// What a condition on a chain's variable says about the first rows where it holds, and where it does not.
    pub(super) fn lags_kept(&self, condition: &Expr) -> (Vec<Guard>, Vec<Guard>) {
        match &condition.kind {
            ExprKind::Paren(inner) => self.lags_kept(inner),
            ExprKind::Unary { op: UnaryOp::Not, of } => {
                let (holds, fails) = self.lags_kept(of);
                (fails, holds)
            }
            ExprKind::Binary { op: BinaryOp::And, left, right, .. } => {
                ([self.lags_kept(left).0, self.lags_kept(right).0].concat(), vec![])
            }
            ExprKind::Binary { op: BinaryOp::Or, left, right, .. } => {
                (vec![], [self.lags_kept(left).1, self.lags_kept(right).1].concat())
            }
            ExprKind::Binary { op, left, right, .. } => match (&left.kind, &right.kind) {
                (ExprKind::Name(name), ExprKind::Number { value, .. }) => self.compared(name, *op, *value),
                (ExprKind::Number { value, .. }, ExprKind::Name(name)) => self.compared(name, turned(*op), *value),
                _ => (vec![], vec![]),
            },
            _ => (vec![], vec![]),
        }
    }

    /// `t < 1`: what follows where it holds, and where it does not.
    fn compared(&self, name: &str, op: BinaryOp, value: f64) -> (Vec<Guard>, Vec<Guard>) {
        let Some(axis) = self.axis_named(name) else { return (vec![], vec![]) };
        // The least row that a comparison with this number leaves.
        let (at, above) = (value.ceil().max(0.0) as usize, (value.floor() + 1.0).max(0.0) as usize);
        let kept = self.guards.iter().filter(|(a, _)| *a == axis).map(|(_, n)| *n).max().unwrap_or(0);
        // `t == 1` keeps row 1 out only where row 0 is out already.
        let after: Vec<Guard> = if value == kept as f64 { vec![(axis, kept + 1)] } else { vec![] };
        match op {
            BinaryOp::Equal => (vec![(axis, at)], after),
            BinaryOp::NotEqual => (after, vec![(axis, at)]),
            BinaryOp::Less => (vec![], vec![(axis, at)]),
            BinaryOp::LessEqual => (vec![], vec![(axis, above)]),
            BinaryOp::Greater => (vec![(axis, above)], vec![]),
            BinaryOp::GreaterEqual => (vec![(axis, at)], vec![]),
            _ => (vec![], vec![]),
        }
    }
}

/// The comparison with its sides exchanged.
fn turned(op: BinaryOp) -> BinaryOp {
    match op {
        BinaryOp::Less => BinaryOp::Greater,
        BinaryOp::LessEqual => BinaryOp::GreaterEqual,
        BinaryOp::Greater => BinaryOp::Less,
        BinaryOp::GreaterEqual => BinaryOp::LessEqual,
        other => other,
    }
}
