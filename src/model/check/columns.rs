//! Column expressions, after `data ... =`: what can be said before a source is known (LANGUAGE.md 1.6).

use std::collections::BTreeMap;

use super::names::Meaning;
use super::{Checker, walk};
use crate::math::DataId;
use crate::model::problems::{Columns, Expressions};
use crate::source::Span;
use crate::syntax::{BinaryOp, Call, Expr, ExprKind};

/// Functions of a column expression with the arguments they take; the built-in elementwise ones are there too.
const TAKES: &[(&str, usize, &str)] = &[
    ("threshold", 2, "threshold(images / 255, 0.5)"),
    ("standardize", 1, "standardize(age)"),
    ("bernoulli", 1, "bernoulli(images / 255)"),
    ("levels", 1, "levels(species)"),
    ("column", 1, "column(\"Sepal Length\") or column(8)"),
    ("columns", 1, "columns(0..4)"),
    ("mean", 1, "mean(age)"),
    ("sd", 1, "sd(age)"),
];

impl<'a> Checker<'a> {
    /// Functions, their arguments and where text may stand; other names are columns until data is bound.
    pub(super) fn check_column(&mut self, item: DataId, value: &'a Expr) {
        let own = self.data[item.index()].name.clone();
        let mut texts: Vec<Span> = vec![];
        let mut allowed: Vec<Span> = vec![];
        // Calls to the right of `|>`, which have one argument more than is written.
        let mut piped: Vec<Span> = vec![];
        walk::each(value, &mut |expr| match &expr.kind {
            ExprKind::Text(_) => texts.push(expr.span),
            // Text is compared with a column, or names one.
            ExprKind::Binary { op, left, right, .. } if is_comparison(*op) => allowed.extend([left.span, right.span]),
            ExprKind::Binary { op: BinaryOp::Pipe, right, .. } => piped.push(right.span),
            ExprKind::Name(name) if *name != own => {
                if let Some(Meaning::Data(id)) = self.scope.top.get(name).map(|entry| entry.meaning.clone()) {
                    self.data_reads.entry(id).or_insert(expr.span);
                    self.column_reads.entry(item).or_default().insert(id);
                }
            }
            ExprKind::Call(call) => {
                if call.name.node == "column" {
                    allowed.extend(call.args.iter().map(|arg| arg.value.span));
                }
                self.check_column_call(call, usize::from(piped.contains(&expr.span)));
            }
            ExprKind::Record(_) => self.report(Columns::NotHere { what: "`{ }`", span: expr.span }),
            _ => {}
        });
        for span in texts.into_iter().filter(|span| !allowed.contains(span)) {
            self.report(Columns::Text { text: self.text(span), span });
        }
    }

    fn check_column_call(&mut self, call: &'a Call, piped: usize) {
        let name = call.name.node.as_str();
        if let Some((_, takes, written)) = TAKES.iter().find(|(known, ..)| *known == name) {
            if call.args.len() + piped != *takes || call.args.iter().any(|arg| arg.name.is_some()) {
                self.report(Columns::Arguments { name: name.into(), written, span: call.span });
                return;
            }
            let Some(arg) = call.args.first().map(|arg| &arg.value) else { return };
            let fits = match name {
                "columns" => matches!(arg.kind, ExprKind::Range { .. }),
                "column" => matches!(arg.kind, ExprKind::Text(_) | ExprKind::Number { .. }),
                _ => !matches!(arg.kind, ExprKind::Range { .. } | ExprKind::Text(_)),
            };
            if !fits {
                self.report(Columns::Arguments { name: name.into(), written, span: arg.span });
            } else if let (ExprKind::Range { low, high }, Some(width)) = (&arg.kind, range(arg))
                && width < 1
            {
                let (low, high) = (self.text(low.span), self.text(high.span));
                self.report(Expressions::EmptyRange { low, high, span: arg.span });
            }
            return;
        }
        if super::calls::is_builtin(name) && !super::calls::is_start_function(name) {
            return;
        }
        let known = TAKES.iter().map(|(name, ..)| *name);
        let known = known.chain(super::calls::names().filter(|name| !super::calls::is_start_function(name)));
        let nearest = super::names::nearest(name, known).filter(|_| !super::dists::is_distribution(name));
        self.report(Columns::UnknownFunction { name: name.into(), nearest, span: call.name.span });
    }

    /// Data made of other data, which is made of it.
    pub(super) fn check_column_cycles(&mut self) {
        let reads: BTreeMap<DataId, Vec<DataId>> =
            self.column_reads.iter().map(|(id, others)| (*id, others.iter().copied().collect())).collect();
        let mut said: std::collections::BTreeSet<DataId> = std::collections::BTreeSet::new();
        for start in reads.keys() {
            let mut reached = std::collections::BTreeSet::new();
            let mut next = reads[start].clone();
            while let Some(id) = next.pop() {
                if reached.insert(id) {
                    next.extend(reads.get(&id).into_iter().flatten());
                }
            }
            // The others of the same circle are said with the first.
            if reached.contains(start) && !said.contains(start) {
                said.extend(reached);
                let data = &self.data[start.index()];
                let (name, span) = (data.name.clone(), data.span);
                self.report(Columns::Cycle { name, span });
            }
        }
    }
}

/// The length of `lo..hi`, of two numbers.
fn range(expr: &Expr) -> Option<i64> {
    let ExprKind::Range { low, high } = &expr.kind else { return None };
    let whole = |expr: &Expr| match expr.kind {
        ExprKind::Number { value, .. } if value.fract() == 0.0 => Some(value as i64),
        _ => None,
    };
    Some(whole(high)? - whole(low)?)
}

fn is_comparison(op: BinaryOp) -> bool {
    use BinaryOp::*;
    matches!(op, Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual)
}
