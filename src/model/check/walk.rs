//! Walking expressions without calling down: long sums lean to the left by a thousand operands.

use crate::syntax::{Binder, Expr, ExprKind};

/// Calls `f` on the expression and everything in it.
pub(super) fn each<'a>(expr: &'a Expr, f: &mut dyn FnMut(&'a Expr)) {
    let mut open = vec![expr];
    while let Some(expr) = open.pop() {
        f(expr);
        let from = open.len();
        children(expr, &mut |child| open.push(child));
        // Popped from the end: reversed, they come in the order of the text.
        open[from..].reverse();
    }
}

/// The variables that a comprehension or call binds.
pub(super) fn binders(expr: &Expr) -> &[Binder] {
    match &expr.kind {
        ExprKind::ArrayFor { each, .. } => each,
        ExprKind::Call(call) => &call.each,
        _ => &[],
    }
}

fn children<'a>(expr: &'a Expr, f: &mut dyn FnMut(&'a Expr)) {
    match &expr.kind {
        ExprKind::Number { .. } | ExprKind::Text(_) | ExprKind::Name(_) => {}
        ExprKind::Unary { of, .. } => f(of),
        ExprKind::Binary { left, right, .. } => {
            f(left);
            f(right);
        }
        ExprKind::If { condition, then, otherwise } => {
            f(condition);
            f(then);
            f(otherwise);
        }
        ExprKind::Array(items) => items.iter().for_each(f),
        ExprKind::ArrayFor { body, each } => {
            f(body);
            each.iter().for_each(|binder| f(&binder.over));
        }
        ExprKind::Call(call) => {
            call.args.iter().for_each(|arg| f(&arg.value));
            call.each.iter().for_each(|binder| f(&binder.over));
        }
        ExprKind::Index { base, index } => {
            f(base);
            index.iter().for_each(f);
        }
        ExprKind::Field { base, .. } => f(base),
        ExprKind::Range { low, high } => {
            f(low);
            f(high);
        }
        ExprKind::Paren(inner) => f(inner),
        ExprKind::Record(fields) => fields.iter().for_each(|(_, value)| f(value)),
    }
}
