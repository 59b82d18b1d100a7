//! The `fit` block: entries with their values, and phases (LANGUAGE.md 1.11).

use super::Checker;
use super::names::Meaning;
use crate::model::problems::{Fits, Limits};
use crate::model::{FitBlock, Init, Objective, Optimizer, Owner, Phase, Rate};
use crate::shape::DimId;
use crate::source::{Span, Spanned};
use crate::syntax::{Call, Entry, Expr, ExprKind, FitItem, FitValue, PhaseOf, UnaryOp};

type Check = for<'a> fn(&mut Checker<'a>, &'a Entry, &mut FitBlock);

/// One entry of the block: its name, how it is written, whether a phase may hold it, and how it is read.
struct Row {
    name: &'static str,
    written: &'static str,
    in_phase: bool,
    check: Check,
}

const fn row(name: &'static str, written: &'static str, in_phase: bool, check: Check) -> Row {
    Row { name, written, in_phase, check }
}

const ENTRIES: &[Row] = &[
    row("objective", "objective: elbo", true, objective),
    row("optimizer", "optimizer: adam(lr: 1e-3)", true, optimizer),
    row("batch", "batch: N = 128", false, batch),
    row("epochs", "epochs: 20", true, |c, e, f| f.epochs = c.whole_entry(e, "epochs: 20").or(f.epochs)),
    row("steps", "steps: 2000", true, |c, e, f| f.steps = c.whole_entry(e, "steps: 2000").or(f.steps)),
    row("particles", "particles: 4", false, |c, e, f| f.particles = c.whole_entry(e, "particles: 4").or(f.particles)),
    row("kl", "kl: sampled", false, kl),
    row("starts", "starts: 8", false, |c, e, f| f.starts = c.whole_entry(e, "starts: 8").or(f.starts)),
    row("draws", "draws: antithetic", false, |c, e, _| c.limited_word(e, &["antithetic", "stratified", "independent"])),
    row("stop", "stop: converged", false, |c, e, _| c.known_word(e, &["converged"])),
    row("patience", "patience: 3", false, |c, e, _| c.limited_entry(e)),
    row("clip", "clip: 10", false, |c, e, f| f.clip = c.positive_entry(e, "clip: 10").or(f.clip)),
    row("init", "init: prior", false, init),
];

/// Objectives by name; only the first is compiled yet.
const OBJECTIVES: &[&str] = &["elbo", "iwae", "renyi", "forward_kl", "wake_sleep", "rws", "cd", "pcd", "em", "cavi"];
const OPTIMIZERS: &[&str] = &["adam", "sgd", "adamw", "adagrad", "rmsprop", "lbfgs", "natural"];

impl<'a> Checker<'a> {
    pub(super) fn add_fit(&mut self, entries: &'a [Spanned<FitItem>], span: Span) {
        self.fits.push((entries, span));
    }

    pub(super) fn check_fit(&mut self) -> FitBlock {
        let mut fit = FitBlock::default();
        let Some((items, _)) = self.fits.first().copied() else { return fit };
        let mut seen: Vec<(&'a str, Span)> = vec![];
        for item in items {
            match &item.node {
                FitItem::Entry(entry) => self.check_entry(entry, &mut fit, &mut seen, false),
                FitItem::Phase { of, entries } => self.check_phase(of, entries, item.span, &mut fit),
                FitItem::Error => {}
            }
        }
        if let (Some((_, epochs)), Some((_, steps))) =
            (seen.iter().find(|(n, _)| *n == "epochs"), seen.iter().find(|(n, _)| *n == "steps"))
        {
            self.report(Fits::StepsAndEpochs { epochs: *epochs, steps: *steps });
        }
        fit
    }

    fn check_phase(&mut self, of: &Spanned<PhaseOf>, entries: &'a [Spanned<Entry>], span: Span, fit: &mut FitBlock) {
        let mut block = FitBlock::default();
        let mut seen = vec![];
        for entry in entries {
            self.check_entry(&entry.node, &mut block, &mut seen, true);
        }
        self.report(Limits::Phase { span });
        let of = match of.node {
            PhaseOf::Model => Owner::Model,
            PhaseOf::Guide => Owner::Guide,
        };
        fit.phases.push(Phase { of, block });
    }

    fn check_entry(&mut self, entry: &'a Entry, fit: &mut FitBlock, seen: &mut Vec<(&'a str, Span)>, phase: bool) {
        let name = entry.name.node.as_str();
        let Some(row) = ENTRIES.iter().find(|row| row.name == name) else {
            let nearest = super::names::nearest(name, ENTRIES.iter().map(|row| row.name));
            self.report(Fits::UnknownEntry { name: name.into(), nearest, span: entry.name.span });
            return;
        };
        if let Some((_, first)) = seen.iter().find(|(other, _)| *other == name) {
            let first = *first;
            self.report(Fits::Twice { name: name.into(), first, second: entry.name.span });
            return;
        }
        seen.push((name, entry.name.span));
        if phase && !row.in_phase {
            self.report(Fits::NotInPhase { name: name.into(), span: entry.name.span });
            return;
        }
        (row.check)(self, entry, fit);
    }

    fn bad_entry(&mut self, entry: &Entry, span: Span, wants: &'static str) {
        let written = ENTRIES.iter().find(|row| row.name == entry.name.node).map_or("", |row| row.written);
        self.report(Fits::Value { name: entry.name.node.clone(), wants, written, span });
    }

    /// The one value of an entry.
    fn one_value(&mut self, entry: &'a Entry) -> Option<&'a Expr> {
        match entry.values.as_slice() {
            [FitValue { key: None, value }] => Some(value),
            values => {
                let span = values.last().map_or(entry.name.span, |last| entry.name.span.to(last.value.span));
                self.bad_entry(entry, span, "one value");
                None
            }
        }
    }

    fn whole_entry(&mut self, entry: &'a Entry, _written: &'static str) -> Option<usize> {
        let value = self.one_value(entry)?;
        match literal(value) {
            Some(number) if number.fract() == 0.0 && (1.0..1e15).contains(&number) => Some(number as usize),
            _ => {
                self.bad_entry(entry, value.span, "a whole number from 1 up");
                None
            }
        }
    }

    fn positive_entry(&mut self, entry: &'a Entry, _written: &'static str) -> Option<f64> {
        let value = self.one_value(entry)?;
        match literal(value) {
            Some(number) if number > 0.0 && number.is_finite() => Some(number),
            _ => {
                self.bad_entry(entry, value.span, "a positive number");
                None
            }
        }
    }

    fn known_word(&mut self, entry: &'a Entry, words: &'static [&'static str]) {
        let Some(value) = self.one_value(entry) else { return };
        let known = matches!(&value.kind, ExprKind::Name(name) if words.contains(&name.as_str()));
        if !known {
            self.bad_entry(entry, value.span, "one of the words that the entry knows");
        }
    }

    fn limited_word(&mut self, entry: &'a Entry, words: &'static [&'static str]) {
        self.known_word(entry, words);
        self.limited_entry(entry);
    }

    fn limited_entry(&mut self, entry: &'a Entry) {
        self.report(Limits::Entry { name: entry.name.node.clone(), span: entry.name.span });
    }

    /// A number, or `cosine(1e-3, warmup: 100)`, `linear(from, to, steps)`.
    fn check_rate(&mut self, expr: &'a Expr) -> Option<Rate> {
        if let Some(number) = literal(expr) {
            if number > 0.0 && number.is_finite() {
                return Some(Rate::Constant(number));
            }
            self.report(Fits::Rate { span: expr.span });
            return None;
        }
        let ExprKind::Call(call) = &expr.kind else {
            self.report(Fits::Rate { span: expr.span });
            return None;
        };
        let at = |place: usize, name: &str| -> Option<f64> {
            let named = call.args.iter().find(|arg| arg.name.as_ref().is_some_and(|n| n.node == name));
            let positional = call.args.iter().filter(|arg| arg.name.is_none()).nth(place);
            literal(&named.or(positional)?.value)
        };
        let rate = match call.name.node.as_str() {
            "cosine" if call.args.len() <= 2 => at(0, "from")
                .map(|from| Rate::Cosine { from, warmup: at(1, "warmup").unwrap_or(0.0).max(0.0) as usize }),
            "linear" if call.args.len() == 3 => match (at(0, "from"), at(1, "to"), at(2, "steps")) {
                (Some(from), Some(to), Some(steps)) if steps >= 1.0 => {
                    Some(Rate::Linear { from, to, steps: steps as usize })
                }
                _ => None,
            },
            _ => None,
        };
        if rate.is_none() {
            self.report(Fits::Rate { span: expr.span });
        }
        rate
    }

    fn batch_dim(&mut self, value: &FitValue) -> Option<DimId> {
        let key = value.key.as_ref()?;
        match self.lookup(&key.node, key.span)? {
            Meaning::Dim(dim) => Some(dim),
            Meaning::Broken => None,
            other => {
                self.report(Fits::BatchNotADim { name: key.node.clone(), word: other.word(), span: key.span });
                None
            }
        }
    }
}

/// A number as written, also negative.
fn literal(expr: &Expr) -> Option<f64> {
    match &expr.kind {
        ExprKind::Number { value, .. } => Some(*value),
        ExprKind::Paren(inner) => literal(inner),
        ExprKind::Unary { op: UnaryOp::Negate, of } => literal(of).map(|value| -value),
        _ => None,
    }
}

/// A name, with arguments where there are some.
fn name_and_call(expr: &Expr) -> Option<(&str, Option<&Call>)> {
    match &expr.kind {
        ExprKind::Name(name) => Some((name, None)),
        ExprKind::Call(call) => Some((&call.name.node, Some(call))),
        ExprKind::Paren(inner) => name_and_call(inner),
        _ => None,
    }
}

fn objective<'a>(checker: &mut Checker<'a>, entry: &'a Entry, fit: &mut FitBlock) {
    let Some(value) = checker.one_value(entry) else { return };
    let Some((name, call)) = name_and_call(value) else {
        checker.bad_entry(entry, value.span, "the name of an objective");
        return;
    };
    if !OBJECTIVES.contains(&name) {
        let nearest = super::names::nearest(name, OBJECTIVES.iter().copied());
        let known = OBJECTIVES.join(", ");
        checker.report(Fits::UnknownName { what: "objective", name: name.into(), nearest, known, span: value.span });
        return;
    }
    let args: &'a [crate::syntax::Arg] = match &value.kind {
        ExprKind::Call(call) => &call.args,
        _ => &[],
    };
    if name == "elbo" {
        let beta = match args {
            [] => None,
            [arg] if arg.name.as_ref().is_some_and(|name| name.node == "beta") => checker.check_rate(&arg.value),
            [first, ..] => {
                checker.bad_entry(entry, first.value.span, "`elbo` or `elbo(beta: 4)`");
                None
            }
        };
        fit.objective = Some(Objective::Elbo(beta));
        return;
    }
    let numbers = call.map_or(vec![], |call| call.args.iter().filter_map(|arg| literal(&arg.value)).collect());
    checker.report(Limits::Objective { name: name.into(), span: value.span });
    fit.objective = Some(Objective::Other(name.into(), numbers));
}

fn optimizer<'a>(checker: &mut Checker<'a>, entry: &'a Entry, fit: &mut FitBlock) {
    let Some(value) = checker.one_value(entry) else { return };
    let Some((name, _)) = name_and_call(value) else {
        checker.bad_entry(entry, value.span, "the name of an optimizer");
        return;
    };
    if !OPTIMIZERS.contains(&name) {
        let nearest = super::names::nearest(name, OPTIMIZERS.iter().copied());
        let known = OPTIMIZERS.join(", ");
        checker.report(Fits::UnknownName { what: "optimizer", name: name.into(), nearest, known, span: value.span });
        return;
    }
    if name != "adam" {
        checker.report(Limits::Optimizer { name: name.into(), span: value.span });
    }
    let mut lr = None;
    if let ExprKind::Call(call) = &value.kind {
        for arg in &call.args {
            if arg.name.as_ref().is_some_and(|name| name.node == "lr") {
                lr = checker.check_rate(&arg.value);
            } else {
                checker.bad_entry(entry, arg.value.span, "the rate by its name");
            }
        }
    }
    fit.optimizer = Some(Optimizer { name: name.into(), lr });
}

fn batch<'a>(checker: &mut Checker<'a>, entry: &'a Entry, fit: &mut FitBlock) {
    for value in &entry.values {
        if value.key.is_none() {
            checker.bad_entry(entry, value.value.span, "a dim and its number of rows");
            continue;
        }
        let dim = checker.batch_dim(value);
        let rows = literal(&value.value).filter(|rows| rows.fract() == 0.0 && *rows >= 1.0 && *rows < 1e15);
        if rows.is_none() {
            checker.bad_entry(entry, value.value.span, "a whole number of rows from 1 up");
        }
        let (Some(dim), Some(rows)) = (dim, rows) else { continue };
        if fit.batch.insert(dim, rows as usize).is_some() {
            checker.bad_entry(entry, value.value.span, "each dim once");
        }
        checker.batched.push((dim, value.key.as_ref().map_or(value.value.span, |key| key.span)));
    }
}

fn kl<'a>(checker: &mut Checker<'a>, entry: &'a Entry, fit: &mut FitBlock) {
    checker.known_word(entry, &["sampled"]);
    fit.sampled_kl = true;
}

fn init<'a>(checker: &mut Checker<'a>, entry: &'a Entry, fit: &mut FitBlock) {
    let Some(value) = checker.one_value(entry) else { return };
    let init = match &value.kind {
        ExprKind::Name(name) if name == "auto" => Some(Init::Auto),
        ExprKind::Name(name) if name == "zero" => Some(Init::Zero),
        ExprKind::Name(name) if name == "prior" => Some(Init::Prior),
        ExprKind::Call(call) if call.name.node == "uniform" && call.args.len() == 1 => {
            literal(&call.args[0].value).filter(|width| *width > 0.0).map(Init::Uniform)
        }
        ExprKind::Record(fields) => record(checker, fields),
        _ => None,
    };
    if init.is_none() {
        checker.bad_entry(entry, value.span, "`auto`, `zero`, `prior`, `uniform(2)` or `{mu: 3}`");
    }
    fit.init = init.or(fit.init.take());
}

/// `{mu: 3, theta: [1, 2]}`: sites and params by name.
fn record<'a>(checker: &mut Checker<'a>, fields: &'a [(crate::syntax::Name, Expr)]) -> Option<Init> {
    let mut values = std::collections::BTreeMap::new();
    for (name, value) in fields {
        let site = checker.sites.iter().any(|site| site.name == name.node);
        let param = checker.params.iter().any(|param| param.name == name.node);
        if !site && !param {
            let known: Vec<String> = checker
                .sites
                .iter()
                .map(|s| s.name.clone())
                .chain(checker.params.iter().map(|p| p.name.clone()))
                .collect();
            let nearest = super::names::nearest(&name.node, known.iter().map(String::as_str));
            checker.report(Fits::InitName { name: name.node.clone(), nearest, span: name.span });
        }
        let mut numbers = vec![];
        if !flatten(value, &mut numbers) {
            return None;
        }
        values.insert(name.node.clone(), numbers);
    }
    Some(Init::Values(values))
}

/// The numbers of a literal array, row by row.
fn flatten(expr: &Expr, numbers: &mut Vec<f64>) -> bool {
    match &expr.kind {
        ExprKind::Array(items) => items.iter().all(|item| flatten(item, numbers)),
        _ => literal(expr).is_some_and(|value| {
            numbers.push(value);
            true
        }),
    }
}
