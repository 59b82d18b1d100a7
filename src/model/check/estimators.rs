//! What stands after `by` in a guide: an estimator with its arguments (LANGUAGE.md 1.4). Whether it is legal for the
//! site is decided where the bound is derived.

use super::Checker;
use crate::model::problems::Guides;
use crate::model::{Baseline, Request};
use crate::source::Spanned;
use crate::syntax::{Arg, Call, Expr, ExprKind};

/// An estimator: its name, how it is written, and how its arguments are read.
struct Row {
    name: &'static str,
    written: &'static str,
    read: fn(&[Arg]) -> Option<Request>,
}

const fn row(name: &'static str, written: &'static str, read: fn(&[Arg]) -> Option<Request>) -> Row {
    Row { name, written, read }
}

const ESTIMATORS: &[Row] = &[
    row("pathwise", "pathwise", |args| bare(args, Request::Pathwise)),
    row("enumerate", "enumerate", |args| bare(args, Request::Enumerate)),
    row("score", "score(baseline: none | mean | regression | loo | net(100))", score),
    row("disarm", "disarm", |args| bare(args, Request::Disarm)),
    row("rebar", "rebar", |args| bare(args, Request::Rebar)),
    row("relax", "relax", |args| bare(args, Request::Relax)),
    row("concrete", "concrete(0.5)", concrete),
    row("straight_through", "straight_through", |args| bare(args, Request::StraightThrough)),
];

const BASELINES: &[(&str, Baseline)] = &[
    ("none", Baseline::None),
    ("mean", Baseline::Mean),
    ("regression", Baseline::Regression),
    ("loo", Baseline::LeaveOneOut),
];

impl<'a> Checker<'a> {
    pub(super) fn check_request(&mut self, by: &'a Call) -> Option<Spanned<Request>> {
        let Some(row) = ESTIMATORS.iter().find(|row| row.name == by.name.node) else {
            let nearest = super::names::nearest(&by.name.node, ESTIMATORS.iter().map(|row| row.name));
            self.report(Guides::UnknownEstimator { name: by.name.node.clone(), nearest, span: by.name.span });
            return None;
        };
        match (row.read)(&by.args) {
            Some(request) => Some(Spanned::new(request, by.span)),
            None => {
                self.report(Guides::EstimatorArguments { name: row.name, written: row.written, span: by.span });
                None
            }
        }
    }
}

fn bare(args: &[Arg], request: Request) -> Option<Request> {
    args.is_empty().then_some(request)
}

fn score(args: &[Arg]) -> Option<Request> {
    match args {
        [] => Some(Request::Score(None)),
        [arg] if arg.name.as_ref().is_some_and(|name| name.node == "baseline") => {
            Some(Request::Score(Some(baseline(&arg.value)?)))
        }
        _ => None,
    }
}

fn baseline(value: &Expr) -> Option<Baseline> {
    match &value.kind {
        ExprKind::Name(name) => BASELINES.iter().find(|(word, _)| word == name).map(|(_, baseline)| *baseline),
        ExprKind::Call(call) if call.name.node == "net" => match number(&call.args)? {
            units if units >= 1.0 && units.fract() == 0.0 && units < 1e6 => Some(Baseline::Net(units as usize)),
            _ => None,
        },
        _ => None,
    }
}

fn concrete(args: &[Arg]) -> Option<Request> {
    number(args).filter(|temperature| *temperature > 0.0 && temperature.is_finite()).map(Request::Concrete)
}

/// The one argument, a number without a name.
fn number(args: &[Arg]) -> Option<f64> {
    match args {
        [Arg { name: None, value: Expr { kind: ExprKind::Number { value, .. }, .. } }] => Some(*value),
        _ => None,
    }
}
