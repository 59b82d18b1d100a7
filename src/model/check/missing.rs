//! Data with missing entries: where they are read, they are a latent of their row (LANGUAGE.md 1.3).

use super::Checker;
use super::calls::Given;
use super::expr::{Place, Value};
use super::funnel::Written;
use super::names::Meaning;
use crate::dist::{self, Dist, Kind};
use crate::math::support::{Fit, fits};
use crate::math::{DataId, NodeId, Op, Pick, SiteId, Support};
use crate::model::problems::{Limits, Missing, Names};
use crate::model::{Origin, Site, Statement};
use crate::shape::AxisId;
use crate::source::Span;
use crate::syntax::{Call, Expr, ExprKind, Stmt};

/// The statement that observes some data, as far as it is checked.
pub(super) struct Seen<'a> {
    /// The plate of every row, in the order of the rows.
    pub rows: Vec<AxisId>,
    pub plates: Vec<AxisId>,
    pub written: Written<'a>,
    /// Its place in the model's statements, once its distribution is known.
    pub statement: Option<usize>,
}

impl<'a> Checker<'a> {
    /// A read of data whose entries may be missing.
    pub(super) fn read_missing(
        &mut self,
        id: DataId,
        name: &'a str,
        indices: &[&'a Expr],
        span: Span,
    ) -> Option<Option<Value>> {
        if !self.data[id.index()].missing || self.filling == Some(id) {
            return None;
        }
        if !matches!(self.place, Place::Model | Place::Guide) {
            self.report(Limits::MissingRead { name: name.into(), span });
            return Some(None);
        }
        Some(self.completed(id, name, indices, span).map(Value::Node))
    }

    fn completed(&mut self, id: DataId, name: &'a str, indices: &[&'a Expr], span: Span) -> Option<NodeId> {
        if self.place == Place::Guide && !self.guide_auto && !self.written.contains_key(name) {
            self.report(Missing::GuideReads { name: name.into(), text: self.text(span), span });
            return None;
        }
        let Some(site) = self.missing_site(id) else {
            // Nothing was observed above, or what was is reported.
            if let Some(later) = self.observed_later(name) {
                self.report(Missing::ReadBefore { name: name.into(), later, span });
            }
            return None;
        };
        if !self.may_read_site(site, name, indices, span) {
            return None;
        }
        let rows = self.seen.get(&id)?.rows.clone();
        let (data, draws) = (self.data_node(id, span), self.site_node(site, span));
        let own = indices.len() >= rows.len() && indices.iter().zip(&rows).all(|(at, row)| self.is_variable(at, *row));
        if own {
            let picks: Vec<Pick> = rows.iter().map(|axis| Pick::Row(*axis)).collect();
            let row = if picks.is_empty() { data } else { self.index(data, picks, span) };
            let base = self.op(Op::Complete { data: row, with: draws }, span);
            return self.index_value(base, &indices[rows.len()..], name, span);
        }
        let draws = if rows.is_empty() { draws } else { self.lift(draws, rows.clone(), span) };
        let base = self.op(Op::Complete { data, with: draws }, span);
        let named = super::index::Named { name, base, home: vec![], own: vec![], rows: rows.len() };
        self.read_rows(named, indices, span)
    }

    /// The latent that the missing entries are; made when it is first needed.
    pub(super) fn missing_site(&mut self, id: DataId) -> Option<SiteId> {
        if let Some(site) = self.missing_sites.get(&id) {
            return Some(*site);
        }
        let Seen { plates, written, .. } = self.seen.get(&id)?;
        let (plates, written) = (plates.clone(), *written);
        let site = SiteId(self.sites.len() as u32);
        let data = &self.data[id.index()];
        let event = data.event.iter().map(|size| self.known_size(size)).collect();
        self.sites.push(Site {
            name: data.name.clone(),
            origin: Origin::Missing(id),
            plates,
            event,
            support: data.support.clone(),
            dist: Dist { kind: Kind::Flat, args: Default::default() },
            restricted: false,
            span: written.span,
        });
        self.site_names.push(self.data[id.index()].span);
        self.site_written.push(written);
        self.missing_sites.insert(id, site);
        self.settle_missing(id)?;
        Some(site)
    }

    /// The entries have the distribution of their observation, once that is known; `None` was reported.
    pub(super) fn settle_missing(&mut self, id: DataId) -> Option<()> {
        let (Some(site), Some(at)) = (self.missing_sites.get(&id).copied(), self.seen.get(&id)?.statement) else {
            return Some(());
        };
        let (support, event) = (self.sites[site.index()].support.clone(), self.sites[site.index()].event.clone());
        let Statement::Observe(seen) = &self.statements[at] else { return Some(()) };
        let (dist, value, span) = (seen.dist.clone(), seen.value, seen.span);
        let own = dist::support(&self.graph, &dist, &event);
        if dist.kind != Kind::Flat && fits(&own, &support) != Fit::Proven {
            let (name, declared) = (self.sites[site.index()].name.clone(), self.data[id.index()].span);
            let (have, want) = (self.support_text(&own), self.support_text(&support));
            self.report(Missing::Support { name, have, want, declared, span });
            return None;
        }
        self.sites[site.index()].dist = dist;
        let draws = self.site_node(site, span);
        let value = self.op(Op::Complete { data: value, with: draws }, span);
        if let Statement::Observe(seen) = &mut self.statements[at] {
            (seen.value, seen.missing) = (value, Some(site));
        }
        Some(())
    }

    /// What has no density entry by entry cannot leave some of them out.
    pub(super) fn check_missing_dist(&mut self, id: DataId, call: &Call, dist: &Dist) -> Option<()> {
        let data = &self.data[id.index()];
        let joint = dist::component_axes(dist, &data.event).len() < data.event.len();
        if !data.missing || !joint || call.name.node == "MvNormal" {
            return Some(());
        }
        let (name, dist) = (data.name.clone(), call.name.node.clone());
        self.report(Missing::Joint { name, dist, declared: data.span, span: call.span });
        None
    }

    /// Where the model observes this name, anywhere.
    fn observed_later(&self, name: &str) -> Option<Span> {
        let mut open = vec![self.models.first()?.0];
        while let Some(block) = open.pop() {
            for stmt in &block.stmts {
                match &stmt.node {
                    Stmt::Plate { block, .. } => open.push(block),
                    Stmt::Draw { targets, .. } => {
                        let target = targets.iter().find(|target| target.name.node == name);
                        if let Some(target) =
                            target.filter(|target| !self.observed.values().any(|at| *at == target.span))
                        {
                            return Some(target.span);
                        }
                    }
                    _ => {}
                }
            }
        }
        None
    }

    /// A row of data in its own observation, other than an earlier one.
    pub(super) fn reads_itself(&mut self, id: DataId, name: &str, indices: &[&'a Expr], span: Span) -> bool {
        let Some(seen) = self.seen.get(&id).filter(|seen| seen.statement.is_none()) else { return false };
        let own = indices.len() >= seen.rows.len()
            && indices.iter().zip(&seen.rows).all(|(at, row)| self.is_variable(at, *row));
        if own {
            self.report(Names::ReadsItself { name: name.into(), span });
        }
        own
    }

    /// `fill(x[n], 0)` in a guide: a number where entries of data are missing. `None` if it is another `fill`.
    pub(super) fn check_fill_missing(&mut self, first: &'a Expr, given: &Given<'a>) -> Option<Option<NodeId>> {
        let mut base = first;
        while let ExprKind::Index { base: inner, .. } | ExprKind::Paren(inner) = &base.kind {
            base = inner;
        }
        let ExprKind::Name(name) = &base.kind else { return None };
        let Some(Meaning::Data(id)) = self.scope.top.get(name).map(|entry| entry.meaning.clone()) else { return None };
        if !self.data[id.index()].missing {
            return None;
        }
        if self.place != Place::Guide {
            self.report(Missing::FillInModel { name: name.clone(), span: given.span });
            return Some(None);
        }
        let [_, number] = given.args.as_slice() else {
            self.wrong_count(given);
            return Some(None);
        };
        self.filling = Some(id);
        let data = self.check_node(first);
        self.filling = None;
        let number_node = self.check_number(number, "what `fill` puts there");
        Some(data.zip(number_node).and_then(|(data, with)| self.filled(data, with, number.span, given.span)))
    }

    fn filled(&mut self, data: NodeId, with: NodeId, number: Span, span: Span) -> Option<NodeId> {
        let (shape, support) = (self.graph.shape(data).clone(), self.support(data).clone());
        let label = match (&support, self.fold_number(with)) {
            (Support::Category(size), Some(k)) => {
                let inside = size.known().is_none_or(|size| k < size as f64);
                k.fract() == 0.0 && k >= 0.0 && inside
            }
            _ => self.proves(with, &support.element()),
        };
        let op = Op::Complete { data, with };
        if label {
            let node = self.graph.node(op, shape, support);
            return Some(self.graph.mark(node, span));
        }
        if let Support::Category(size) = support {
            let (size, text) = (self.print_size(&size), self.text(number));
            self.report(Missing::NoLabel { text, size, span: number });
            return None;
        }
        Some(self.op(op, span))
    }
}
