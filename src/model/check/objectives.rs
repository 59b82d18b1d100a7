//! What a fit optimizes and with what: objectives, optimizers and rates by name, with their numbers (LANGUAGE.md 1.11).

use super::Checker;
use super::fit::{literal, name_and_call};
use crate::model::problems::Fits;
use crate::model::{FitBlock, Objective, Optimizer, OptimizerRule, Rate};
use crate::syntax::{Arg, Call, Entry, Expr, ExprKind};

/// An objective: its name, how it is written, how many numbers it takes and under which name one more, and what they
/// make of it.
struct Row {
    name: &'static str,
    written: &'static str,
    numbers: usize,
    named: Option<&'static str>,
    make: fn(&[f64], Option<f64>) -> Option<Objective>,
}

const fn row(
    name: &'static str,
    written: &'static str,
    numbers: usize,
    named: Option<&'static str>,
    make: fn(&[f64], Option<f64>) -> Option<Objective>,
) -> Row {
    Row { name, written, numbers, named, make }
}

const OBJECTIVES: &[Row] = &[
    // Its beta may be a schedule, which is no number: `elbo` below.
    row("elbo", "elbo, or elbo(beta: 4)", 0, None, |_, _| Some(Objective::Elbo(None))),
    row("iwae", "iwae(50)", 1, None, |n, _| whole(n[0]).map(Objective::Iwae)),
    row("renyi", "renyi(0.5, 10)", 2, None, |n, _| match n[0] {
        // The limit at 1 is the bound itself.
        1.0 => whole(n[1]).map(|_| Objective::Elbo(None)),
        order => whole(n[1]).filter(|_| order.is_finite()).map(|draws| Objective::Renyi { order, draws }),
    }),
    row("forward_kl", "forward_kl, or forward_kl(256)", 1, None, |n, _| whole(n[0]).map(Objective::ForwardKl)),
    row("wake_sleep", "wake_sleep", 0, None, |_, _| Some(Objective::WakeSleep)),
    row("rws", "rws(10)` or `rws(10, sleep: 0.5)", 1, Some("sleep"), |n, sleep| {
        let sleep = sleep.unwrap_or(0.0);
        whole(n[0]).filter(|_| (0.0..=1.0).contains(&sleep)).map(|draws| Objective::Rws { draws, sleep })
    }),
    row("cd", "cd, or cd(1)", 1, None, |n, _| whole(n[0]).map(Objective::Cd)),
    row("pcd", "pcd, or pcd(15)", 1, None, |n, _| whole(n[0]).map(Objective::Pcd)),
    row("em", "em", 0, None, |_, _| Some(Objective::Em)),
    row("cavi", "cavi", 0, None, |_, _| Some(Objective::Cavi)),
];

/// What the number of an objective is that is written by its name alone.
const ALONE: &[(&str, f64)] = &[("forward_kl", 256.0), ("cd", 1.0), ("pcd", 1.0)];

/// A whole number from 1 up.
pub(super) fn whole(number: f64) -> Option<usize> {
    (number.fract() == 0.0 && (1.0..1e15).contains(&number)).then_some(number as usize)
}

pub(super) fn objective<'a>(checker: &mut Checker<'a>, entry: &'a Entry, fit: &mut FitBlock) {
    let Some(value) = checker.one_value(entry) else { return };
    let Some((name, call)) = name_and_call(value) else {
        checker.bad_entry(entry, value.span, "the name of an objective");
        return;
    };
    let Some(row) = OBJECTIVES.iter().find(|row| row.name == name) else {
        let nearest = super::names::nearest(name, OBJECTIVES.iter().map(|row| row.name));
        let known = OBJECTIVES.iter().map(|row| row.name).collect::<Vec<_>>().join(", ");
        checker.report(Fits::UnknownName { what: "objective", name: name.into(), nearest, known, span: value.span });
        return;
    };
    if let ("elbo", Some(Call { args, .. })) = (name, call)
        && let [Arg { name: Some(beta), value }] = args.as_slice()
        && beta.node == "beta"
    {
        fit.objective = checker.check_rate(value).map(|beta| Objective::Elbo(Some(beta)));
        return;
    }
    let alone = ALONE.iter().find(|(known, _)| *known == row.name && call.is_none());
    let made = match alone {
        Some((_, number)) => Some((vec![*number], vec![])),
        None => numbers(call, row.numbers, row.named.as_slice()),
    };
    let made = made.and_then(|(numbers, named)| (row.make)(&numbers, named.first().copied().flatten()));
    if made.is_none() {
        let (name, written) = (row.name, row.written);
        checker.report(Fits::Arguments { what: "the objective", name: name.into(), written, span: value.span });
    }
    fit.objective = made;
}

/// As many plain numbers as there should be, and those of these names; nothing else.
fn numbers(call: Option<&Call>, count: usize, names: &[&str]) -> Option<(Vec<f64>, Vec<Option<f64>>)> {
    let args = call.map_or(&[][..], |call| &call.args);
    if call.is_some_and(|call| !call.each.is_empty()) {
        return None;
    }
    let mut plain = vec![];
    let mut named = vec![None; names.len()];
    for Arg { name, value } in args {
        let number = literal(value)?;
        match name {
            None => plain.push(number),
            Some(name) => {
                let at = names.iter().position(|known| *known == name.node)?;
                if named[at].replace(number).is_some() {
                    return None;
                }
            }
        }
    }
    (plain.len() == count).then_some((plain, named))
}

pub(super) fn optimizer<'a>(checker: &mut Checker<'a>, entry: &'a Entry, fit: &mut FitBlock) {
    let Some(value) = checker.one_value(entry) else { return };
    let Some((name, call)) = name_and_call(value) else {
        checker.bad_entry(entry, value.span, "the name of an optimizer");
        return;
    };
    let Some(rule) = OptimizerRule::ALL.into_iter().find(|rule| rule.name() == name) else {
        let names = || OptimizerRule::ALL.into_iter().map(OptimizerRule::name);
        let nearest = super::names::nearest(name, names());
        let known = names().collect::<Vec<_>>().join(", ");
        checker.report(Fits::UnknownName { what: "optimizer", name: name.into(), nearest, known, span: value.span });
        return;
    };
    let mut lr = None;
    for arg in call.map_or(&[][..], |call| &call.args) {
        let named = arg.name.as_ref().is_some_and(|name| name.node == "lr");
        if !named || lr.is_some() {
            checker.bad_entry(entry, arg.value.span, "the rate by its name");
            return;
        }
        lr = checker.check_rate(&arg.value);
    }
    fit.optimizer = Some(Optimizer { rule, lr });
}

impl<'a> Checker<'a> {
    /// A number, or `cosine(1e-3, warmup: 100)`, `linear(from, to, steps)`.
    fn check_rate(&mut self, expr: &'a Expr) -> Option<Rate> {
        let rate = rate(expr);
        if rate.is_none() {
            self.report(Fits::Rate { span: expr.span });
        }
        rate
    }
}

fn rate(expr: &Expr) -> Option<Rate> {
    let positive = |x: f64| x > 0.0 && x.is_finite();
    if let Some(number) = literal(expr) {
        return positive(number).then_some(Rate::Constant(number));
    }
    let ExprKind::Call(call) = &expr.kind else { return None };
    match call.name.node.as_str() {
        "cosine" => {
            let (plain, named) = numbers(Some(call), 1, &["warmup"])?;
            let warmup = match named[0] {
                None | Some(0.0) => 0,
                Some(steps) => whole(steps)?,
            };
            positive(plain[0]).then_some(Rate::Cosine { from: plain[0], warmup })
        }
        "linear" => {
            let (plain, _) = numbers(Some(call), 3, &[])?;
            let (from, to) = (plain[0], plain[1]);
            // One end may be 0; both would be no rate at all.
            let ends = from.min(to) >= 0.0 && positive(from.max(to));
            whole(plain[2]).filter(|_| ends).map(|steps| Rate::Linear { from, to, steps })
        }
        _ => None,
    }
}
