//! Sizes: values of dims, and whole-number expressions of numbers and dims.

use super::Checker;
use super::names::Meaning;
use crate::model::problems::Sizes;
use crate::shape::{Dim, DimId, Size};
use crate::source::Span;
use crate::syntax::{BinaryOp, Expr, ExprKind, Item, Name, UnaryOp};

/// No array of more entries along one axis fits in memory; it also keeps whole-number arithmetic exact.
const LARGEST: i64 = 1 << 40;
/// Products of more dims than this are a mistake.
const DEGREE: usize = 8;

/// How far a dim's value has been worked out.
#[derive(Debug, Clone)]
pub(super) enum DimState {
    Unread,
    Reading,
    Read,
}

impl<'a> Checker<'a> {
    pub(super) fn add_dim(&mut self, name: &Name) -> DimId {
        self.dim_states.push(DimState::Unread);
        self.dims.add(Dim { name: name.node.clone(), value: None, span: name.span })
    }

    /// Values of all dims: from `--set`, else the declaration.
    pub(super) fn check_dims(&mut self) {
        for id in self.dims.ids() {
            self.dim_size(id);
        }
    }

    /// The size that a dim stands for: its value where it has one, else itself.
    pub(super) fn dim_size(&mut self, id: DimId) -> Size {
        match self.dim_states[id.index()] {
            DimState::Read => self.dims[id].value.clone().unwrap_or_else(|| Size::dim(id)),
            DimState::Reading => {
                let dim = &self.dims[id];
                let (name, span) = (dim.name.clone(), dim.span);
                self.report(Sizes::Cycle { name, span });
                Size::dim(id)
            }
            DimState::Unread => {
                self.dim_states[id.index()] = DimState::Reading;
                let value = self.dim_value(id);
                self.dims[id].value = value;
                self.dim_states[id.index()] = DimState::Read;
                self.dim_size(id)
            }
        }
    }

    fn dim_value(&mut self, id: DimId) -> Option<Size> {
        let name = self.dims[id].name.clone();
        if let Some(value) = self.settings.set.get(&name).copied() {
            let whole = value.fract() == 0.0 && value >= 1.0 && value <= LARGEST as f64;
            if !whole {
                self.report(Sizes::SetNotWhole { name, value });
                return None;
            }
            return Some(Size::fixed(value as usize));
        }
        let ast = self.ast;
        let span = self.dims[id].span;
        let expr = ast.items.iter().find_map(|item| match &item.node {
            Item::Dim { name, value } if name.span == span => value.as_ref(),
            _ => None,
        })?;
        let size = self.check_size(expr)?;
        if size.known().is_some_and(|n| n < 1) {
            self.report(Sizes::NotPositive { size: size.known().unwrap_or(0), span: expr.span });
            return None;
        }
        Some(size)
    }

    /// A size that is an axis: at least 1 where it is known.
    pub(super) fn check_axis_size(&mut self, expr: &Expr) -> Option<Size> {
        let size = self.check_size(expr)?;
        match size.known() {
            Some(n) if n < 1 => {
                self.report(Sizes::NotPositive { size: n, span: expr.span });
                None
            }
            _ => Some(size),
        }
    }

    /// A whole-number expression of numbers and dims (`+ - *`, exact `/`), with known dims put in.
    pub(super) fn check_size(&mut self, expr: &Expr) -> Option<Size> {
        match &expr.kind {
            ExprKind::Number { value, .. } => self.whole(*value, expr.span),
            ExprKind::Paren(inner) => self.check_size(inner),
            ExprKind::Name(name) => self.size_name(name, expr.span),
            ExprKind::Unary { op: UnaryOp::Negate, of } => {
                let size = self.check_size(of)?;
                Some(Size::default().minus(&size))
            }
            ExprKind::Binary { op, left, right, .. } if is_size_op(*op) => {
                // Long sums lean to the left: walk down instead of calling down.
                let mut spine = vec![(*op, right)];
                let mut first = left;
                while let ExprKind::Binary { op, left, right, .. } = &first.kind {
                    if !is_size_op(*op) {
                        break;
                    }
                    spine.push((*op, right));
                    first = left;
                }
                let mut sum = self.check_size(first)?;
                while let Some((op, right)) = spine.pop() {
                    let right_size = self.check_size(right)?;
                    sum = self.size_arithmetic(op, &sum, &right_size, expr.span)?;
                }
                Some(sum)
            }
            _ => {
                self.report(Sizes::NotASize { span: expr.span });
                None
            }
        }
    }

    fn whole(&mut self, value: f64, span: Span) -> Option<Size> {
        if value.fract() != 0.0 || value.abs() > LARGEST as f64 {
            self.report(Sizes::NotWhole { value, span });
            return None;
        }
        Some(Size::fixed(value as usize))
    }

    fn size_name(&mut self, name: &str, span: Span) -> Option<Size> {
        match self.lookup_dim(name, span)? {
            Meaning::Dim(id) => Some(self.dim_size(id)),
            Meaning::Broken => None,
            other => {
                self.report(Sizes::NameIsNotASize { name: name.into(), word: other.word(), span });
                None
            }
        }
    }

    fn size_arithmetic(&mut self, op: BinaryOp, a: &Size, b: &Size, span: Span) -> Option<Size> {
        let size = match op {
            BinaryOp::Add => Some(a.plus(b)),
            BinaryOp::Subtract => Some(a.minus(b)),
            BinaryOp::Multiply => {
                let small = a.magnitude().saturating_mul(b.magnitude()) <= LARGEST && a.degree() + b.degree() <= DEGREE;
                if !small {
                    self.report(Sizes::TooLarge { span });
                    return None;
                }
                Some(a.times(b))
            }
            _ => b.known().and_then(|n| a.divided(n)),
        };
        match size {
            None => {
                let (a, b) = (a.print(&self.dims), b.print(&self.dims));
                self.report(Sizes::DoesNotDivide { a, b, span });
                None
            }
            Some(size) if size.magnitude() > LARGEST => {
                self.report(Sizes::TooLarge { span });
                None
            }
            size => size,
        }
    }

    pub(super) fn print_size(&self, size: &Size) -> String {
        size.print(&self.dims)
    }

    /// An axis's length with known dims put in, to compare it with the axes of values.
    pub(super) fn axis_size(&self, axis: crate::shape::AxisId) -> Size {
        self.known_size(&self.axes[axis].size)
    }

    pub(super) fn known_size(&self, size: &Size) -> Size {
        size.substitute(&|dim| self.dims[dim].value.clone())
    }
}

fn is_size_op(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::Add | BinaryOp::Subtract | BinaryOp::Multiply | BinaryOp::Divide)
}
