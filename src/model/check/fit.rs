//! The `fit` block: entries with their values, and phases (LANGUAGE.md 1.11).

use super::Checker;
use super::names::Meaning;
use super::objectives::{objective, optimizer, whole};
use crate::math::shape_rules::product;
use crate::model::problems::Fits;
use crate::model::{Draws, FitBlock, Init, Owner, Phase};
use crate::shape::{DimId, Size};
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
    row("epochs", "epochs: 20", true, |c, e, f| f.epochs = c.whole_entry(e)),
    row("steps", "steps: 2000", true, |c, e, f| f.steps = c.whole_entry(e)),
    row("particles", "particles: 4", false, |c, e, f| f.particles = c.whole_entry(e)),
    row("kl", "kl: sampled", false, |c, e, f| f.sampled_kl = c.word_entry(e, &["sampled"]).is_some()),
    row("starts", "starts: 8", false, |c, e, f| f.starts = c.whole_entry(e)),
    row("draws", "draws: antithetic", false, draws),
    row("stop", "stop: converged", false, |c, e, f| f.stop_converged = c.word_entry(e, &["converged"]).is_some()),
    row("patience", "patience: 3", false, |c, e, f| f.patience = c.whole_entry(e)),
    row("clip", "clip: 10", false, |c, e, f| f.clip = c.positive_entry(e)),
    row("init", "init: prior", false, init),
];

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
        self.check_length(&seen);
        fit
    }

    /// How long is said once.
    fn check_length(&mut self, seen: &[(&'a str, Span)]) {
        let at = |name: &str| seen.iter().find(|(other, _)| *other == name).map(|(_, span)| *span);
        if let (Some(epochs), Some(steps)) = (at("epochs"), at("steps")) {
            self.report(Fits::StepsAndEpochs { epochs, steps });
        }
    }

    fn check_phase(&mut self, of: &Spanned<PhaseOf>, entries: &'a [Spanned<Entry>], span: Span, fit: &mut FitBlock) {
        let mut block = FitBlock::default();
        let mut seen = vec![];
        for entry in entries {
            self.check_entry(&entry.node, &mut block, &mut seen, true);
        }
        self.check_length(&seen);
        let of = match of.node {
            PhaseOf::Model => Owner::Model,
            PhaseOf::Guide => Owner::Guide,
        };
        fit.phases.push(Phase { of, block, span });
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
        let end = entry.values.last().map_or(entry.name.span, |last| last.value.span);
        fit.spans.insert(row.name, entry.name.span.to(end));
        (row.check)(self, entry, fit);
    }

    pub(super) fn bad_entry(&mut self, entry: &Entry, span: Span, wants: &'static str) {
        let written = ENTRIES.iter().find(|row| row.name == entry.name.node).map_or("", |row| row.written);
        self.report(Fits::Value { name: entry.name.node.clone(), wants, written, span });
    }

    /// The one value of an entry.
    pub(super) fn one_value(&mut self, entry: &'a Entry) -> Option<&'a Expr> {
        match entry.values.as_slice() {
            [FitValue { key: None, value }] => Some(value),
            values => {
                let span = values.last().map_or(entry.name.span, |last| entry.name.span.to(last.value.span));
                self.bad_entry(entry, span, "one value");
                None
            }
        }
    }

    fn whole_entry(&mut self, entry: &'a Entry) -> Option<usize> {
        let value = self.one_value(entry)?;
        let number = literal(value).and_then(whole);
        if number.is_none() {
            self.bad_entry(entry, value.span, "a whole number from 1 up");
        }
        number
    }

    fn positive_entry(&mut self, entry: &'a Entry) -> Option<f64> {
        let value = self.one_value(entry)?;
        let number = literal(value).filter(|number| *number > 0.0 && number.is_finite());
        if number.is_none() {
            self.bad_entry(entry, value.span, "a positive number");
        }
        number
    }

    /// One of the words that the entry knows: its place among them.
    fn word_entry(&mut self, entry: &'a Entry, words: &[&'static str]) -> Option<usize> {
        let value = self.one_value(entry)?;
        let at = match &value.kind {
            ExprKind::Name(name) => words.iter().position(|word| word == name),
            _ => None,
        };
        if at.is_none() {
            self.report(Fits::Word { name: entry.name.node.clone(), words: words.to_vec(), span: value.span });
        }
        at
    }

    fn batch_dim(&mut self, value: &FitValue) -> Option<DimId> {
        let key = value.key.as_ref()?;
        match self.lookup_dim(&key.node, key.span)? {
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
pub(super) fn literal(expr: &Expr) -> Option<f64> {
    match &expr.kind {
        ExprKind::Number { value, .. } => Some(*value),
        ExprKind::Paren(inner) => literal(inner),
        ExprKind::Unary { op: UnaryOp::Negate, of } => literal(of).map(|value| -value),
        _ => None,
    }
}

/// A name, with arguments where there are some.
pub(super) fn name_and_call(expr: &Expr) -> Option<(&str, Option<&Call>)> {
    match &expr.kind {
        ExprKind::Name(name) => Some((name, None)),
        ExprKind::Call(call) => Some((&call.name.node, Some(call))),
        ExprKind::Paren(inner) => name_and_call(inner),
        _ => None,
    }
}

fn draws<'a>(checker: &mut Checker<'a>, entry: &'a Entry, fit: &mut FitBlock) {
    fit.draws = checker.word_entry(entry, &Draws::ALL.map(Draws::name)).map(|at| Draws::ALL[at]);
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
        let mut numbers = vec![];
        if !flatten(value, &mut numbers) {
            return None;
        }
        checker.check_init_value(name, &numbers, value.span);
        values.insert(name.node.clone(), numbers);
    }
    Some(Init::Values(values))
}

impl<'a> Checker<'a> {
    /// As many numbers as the value has entries, or one for all of them, inside of its support.
    fn check_init_value(&mut self, name: &crate::syntax::Name, numbers: &[f64], span: Span) {
        let site = self.sites.iter().find(|site| site.name == name.node).map(|site| {
            let rows = site.plates.iter().map(|axis| self.axes[*axis].size.clone());
            (site.support.clone(), rows.chain(site.event.clone()).collect::<Vec<_>>())
        });
        let param = self
            .params
            .iter()
            .find(|param| param.name == name.node)
            .map(|param| (param.support.clone(), param.rows.iter().chain(&param.event).cloned().collect()));
        let Some((support, sizes)) = site.or(param) else {
            let sites = self.sites.iter().map(|site| site.name.as_str());
            let params = self.params.iter().filter(|param| param.net.is_none()).map(|param| param.name.as_str());
            let nearest = super::names::nearest(&name.node, sites.chain(params));
            self.report(Fits::InitName { name: name.node.clone(), nearest, span: name.span });
            return;
        };
        let sizes: Vec<Size> = sizes.iter().map(|size| self.known_size(size)).collect();
        let entries = product(&sizes).known();
        if numbers.len() != 1 && entries.is_some_and(|entries| entries != numbers.len() as i64) {
            let shape = self.print_event(&sizes);
            self.report(Fits::InitCount { name: name.node.clone(), shape, given: numbers.len(), span });
            return;
        }
        // An end point is infinitely far away on the unconstrained scale.
        let range = support.range();
        if let Some(value) = numbers.iter().find(|value| !(range.lo < **value && **value < range.hi))
            && !support.is_discrete()
            && !support.is_matrix()
        {
            let support = self.support_text(&support);
            self.report(Fits::InitOutside { name: name.node.clone(), value: *value, support, span });
        }
    }
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
