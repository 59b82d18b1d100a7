//! What is legal and probably not meant: a table of lints over the whole model.

use std::collections::BTreeSet;

use super::Checker;
use crate::dist::Kind;
use crate::math::print::print_number;
use crate::math::support::Bound;
use crate::math::{DataId, NodeId, Op, ParamId, SiteId, Support};
use crate::model::problems::{Items, Lints};
use crate::model::{Guide, Proviso, Statement};
use crate::problem::{Edit, Fix};
use crate::shape::Size;
use crate::source::Span;

type Lint = for<'a> fn(&mut Checker<'a>, &Guide);

const LINTS: &[Lint] =
    &[unused_data, unused_latent, restricted, super::funnel::funnel, super::symmetry::label_symmetry];

impl<'a> Checker<'a> {
    /// Rules and lints that need the whole model. Lints of a model that is wrong would only distract.
    pub(super) fn check_whole(&mut self, guide: &Guide) {
        self.check_missing();
        self.check_likelihood();
        self.check_energy_model(guide);
        if self.errors() == 0 && !self.has_broken_items {
            for lint in LINTS {
                lint(self, guide);
            }
        }
    }

    /// Data that may be missing have a distribution.
    fn check_missing(&mut self) {
        for at in 0..self.data.len() {
            let data = &self.data[at];
            let unseen = data.missing && !self.observed.contains_key(&DataId(at as u32));
            if unseen && !self.model_is_broken && !self.models.is_empty() {
                let (name, span) = (data.name.clone(), data.span);
                self.report(Items::MissingNotObserved { name, span });
            }
        }
    }

    /// If data are declared, a `~` or a `factor` reads some.
    fn check_likelihood(&mut self) {
        if self.data.is_empty()
            || !self.broken_data.is_empty()
            || self.models.is_empty()
            || self.model_is_broken
            || !self.observed.is_empty()
            || self.errors() > 0
        {
            return;
        }
        let factors: Vec<NodeId> =
            self.statements.iter().flat_map(|statement| self.statement_roots(statement)).collect();
        let reads = self.graph.reachable(&factors).into_iter().any(|id| matches!(self.graph.nodes[id].op, Op::Data(_)));
        if !reads {
            let data = self.data.iter().map(|data| (data.name.clone(), data.span)).collect();
            let rows = self.data.iter().map(|data| data.rows.iter().map(|dim| self.dims[*dim].name.clone()).collect());
            let rows: Vec<Vec<String>> = rows.collect();
            self.report(Items::NoLikelihood { data, rows });
        }
    }

    /// Every expression that the model block holds.
    pub(super) fn model_roots(&self) -> Vec<NodeId> {
        self.statements.iter().flat_map(|statement| self.statement_roots(statement)).collect()
    }

    pub(super) fn statement_roots(&self, statement: &Statement) -> Vec<NodeId> {
        match statement {
            Statement::Latent(id) => self.sites[id.index()].dist.args.values().copied().collect(),
            Statement::Define(id) => vec![self.definition(*id).value],
            Statement::Observe(seen) => seen.dist.args.values().copied().chain([seen.value]).collect(),
            Statement::Factor { value, .. } => vec![*value],
            Statement::Boltzmann(of) => vec![of.value],
        }
    }

    pub(super) fn read_params(&self, roots: &[NodeId]) -> BTreeSet<ParamId> {
        let nodes = self.graph.reachable(roots).into_iter();
        nodes.filter_map(|id| if let Op::Param(param) = self.graph.nodes[id].op { Some(param) } else { None }).collect()
    }

    pub(super) fn read_sites(&self, roots: &[NodeId]) -> BTreeSet<SiteId> {
        let nodes = self.graph.reachable(roots).into_iter();
        nodes.filter_map(|id| if let Op::Site(site) = self.graph.nodes[id].op { Some(site) } else { None }).collect()
    }

    /// A size that must not be negative once it is known.
    pub(super) fn require_size(&mut self, size: Size, span: Span) {
        if size.known().is_none() && !self.trial {
            self.provisos.push(Proviso::Size { size, span });
        }
    }
}

/// A `data` item that nothing reads.
fn unused_data(checker: &mut Checker, _: &Guide) {
    for at in 0..checker.data.len() {
        let id = DataId(at as u32);
        if !checker.observed.contains_key(&id) && !checker.data_reads.contains_key(&id) {
            let data = &checker.data[at];
            let (name, span) = (data.name.clone(), data.span);
            checker.report(Lints::UnusedData { name, span });
        }
    }
}

/// A latent that no observation and no factor depends on, in a model that has some.
fn unused_latent(checker: &mut Checker, _: &Guide) {
    let scored = |statement: &&Statement| {
        matches!(statement, Statement::Observe(_) | Statement::Factor { .. } | Statement::Boltzmann(_))
    };
    let roots: Vec<NodeId> =
        checker.statements.iter().filter(scored).flat_map(|statement| checker.statement_roots(statement)).collect();
    if roots.is_empty() {
        return;
    }
    let mut reached = checker.read_sites(&roots);
    let mut open: Vec<SiteId> = reached.iter().copied().collect();
    while let Some(site) = open.pop() {
        let args: Vec<NodeId> = checker.sites[site.index()].dist.args.values().copied().collect();
        open.extend(checker.read_sites(&args).into_iter().filter(|parent| reached.insert(*parent)));
    }
    for at in 0..checker.sites.len() {
        if !reached.contains(&SiteId(at as u32)) {
            let (name, span) = (checker.sites[at].name.clone(), checker.site_names[at]);
            if checker.sites[at].dist.kind == Kind::Flat {
                checker.report(Lints::Improper { name, span });
            } else {
                checker.report(Lints::UnusedLatent { name, span });
            }
        }
    }
}

/// Densities that are symmetric about loc, and what their upper halves are called.
const HALVES: &[(Kind, &str, &str)] = &[(Kind::Normal, "Normal", "HalfNormal"), (Kind::Cauchy, "Cauchy", "HalfCauchy")];

/// A density that its type cuts off, and that has a normalized form: the same posterior, and a bound that is one of log
/// evidence.
fn restricted(checker: &mut Checker, _: &Guide) {
    for at in 0..checker.sites.len() {
        let site = &checker.sites[at];
        if !site.restricted {
            continue;
        }
        let centred = site.dist.args.get("loc").and_then(|loc| checker.fold_number(*loc)) == Some(0.0);
        let half = HALVES.iter().find(|row| row.0 == site.dist.kind && centred && site.support == Support::Positive);
        match half {
            Some((_, dist, half)) => checker.restricted_half(at, dist, half),
            None => checker.restricted_interval(at),
        }
    }
}

impl<'a> Checker<'a> {
    fn restricted_half(&mut self, at: usize, dist: &str, half: &str) {
        let (name, call) = (self.sites[at].name.clone(), self.site_written[at].call);
        let scale = match call.args.as_slice() {
            [_, scale] if scale.name.as_ref().is_none_or(|name| name.node == "scale") => Some(scale.value.span),
            _ => None,
        };
        let fix = scale.map(|scale| {
            let text = format!("{half}({})", self.ast.source.slice(scale));
            Fix { title: format!("write {half}"), edits: vec![Edit { span: call.span, text }] }
        });
        let span = call.span;
        self.report(Lints::HalfDensity { name, dist: dist.into(), half: half.into(), span, fix });
    }

    /// Of an interval what `Truncated` makes of it; other supports have no normalized form.
    fn restricted_interval(&mut self, at: usize) {
        let site = &self.sites[at];
        let (dist, range) = (crate::dist::row(site.dist.kind).name, site.support.range());
        let interval = matches!(site.support, Support::Positive | Support::Unit)
            || matches!(site.support, Support::Interval(Bound::Number(_), Bound::Number(_)));
        if !interval || crate::dist::cdf::of(site.dist.kind).is_none() {
            return;
        }
        let (name, call) = (site.name.clone(), self.site_written[at].call);
        let (written, span) = (self.ast.source.slice(call.span), call.span);
        let text = format!("Truncated({written}, {}, {})", print_number(range.lo), print_number(range.hi));
        let fix = Fix { title: "write Truncated".into(), edits: vec![Edit { span, text: text.clone() }] };
        let support = self.support_text(&self.sites[at].support);
        let text = if text.contains('\n') { format!("Truncated({dist}(...), ...)") } else { text };
        self.report(Lints::Restricted { name, dist: dist.into(), support, text, span, fix });
    }
}
