//! Observations: all rows of the data, in plates over their dims, under a distribution whose support holds them.

use super::Checker;
use super::dists::For;
use super::ends::Inside;
use super::funnel::Written;
use super::missing::Seen;
use super::statements::family;
use crate::dist::{self, Dist, Kind};
use crate::math::support::{Fit, fits};
use crate::math::{DataId, NodeId, Pick, Support};
use crate::model::problems::{Lints, Statements, Supports};
use crate::model::{Observation, Statement};
use crate::shape::{AxisId, Size};
use crate::source::Span;
use crate::syntax::{Call, Expr, ExprKind, Target};

impl<'a> Checker<'a> {
    /// `y[n] ~ Dist(...)`
    pub(super) fn check_observation(&mut self, id: DataId, target: &'a Target, call: &'a Call, span: Span) {
        let data = &self.data[id.index()];
        let (event, support) = (data.event.clone(), data.support.clone());
        let event: Vec<Size> = event.iter().map(|size| self.known_size(size)).collect();
        let broken = self.broken_data.contains(&id);
        let rows = self.check_observed_rows(id, target);
        if let (Some(rows), 0) = (&rows, self.broken_plates) {
            let (rows, plates) = (rows.clone(), self.plates.clone());
            let written = Written { target, call, span };
            self.seen.insert(id, Seen { rows, plates, written, statement: None });
        }
        let declared = (!broken).then_some(&support);
        let dist = self
            .check_dist(call, &For { name: &target.name.node, event: &event, declared, mixed: &[], known: !broken });
        let observed = rows.zip(dist).filter(|_| self.broken_plates == 0).and_then(|(rows, dist)| {
            let value = self.observed_rows(id, &rows, target.span);
            self.check_observed_support(id, value, call, &dist, &event)?;
            self.check_missing_dist(id, call, &dist)?;
            Some((value, dist))
        });
        let Some((value, dist)) = observed else {
            self.seen.remove(&id);
            return;
        };
        let statement = self.statements.len();
        let plates = self.plates.clone();
        self.require_tries(&dist, value, call.span);
        self.statements.push(Statement::Observe(Observation { data: id, value, missing: None, dist, plates, span }));
        if let Some(seen) = self.seen.get_mut(&id) {
            seen.statement = Some(statement);
        }
        // Earlier rows were read already.
        self.settle_missing(id);
    }

    /// One row of data, in the plates of these axes.
    fn observed_rows(&mut self, id: DataId, rows: &[AxisId], span: Span) -> NodeId {
        let whole = self.data_node(id, span);
        let picks: Vec<Pick> = rows.iter().copied().map(Pick::Row).collect();
        if picks.is_empty() { whole } else { self.index(whole, picks, span) }
    }

    /// What stands left of `~`: data with all their rows, without a type, for the first time.
    pub(super) fn check_observed_rows(&mut self, id: DataId, target: &'a Target) -> Option<Vec<AxisId>> {
        let name = target.name.node.clone();
        if let Some(ty) = &target.ty {
            self.report(Statements::TypedObservation { name: name.clone(), span: ty.span });
        }
        if let Some(first) = self.observed.insert(id, target.span) {
            self.report(Statements::ObservedTwice { name, first, second: target.span });
        }
        if self.broken_data.contains(&id) { None } else { self.observation_rows(id, target) }
    }

    /// Counts of several outcomes are those of all tries.
    fn require_tries(&mut self, dist: &Dist, value: NodeId, span: Span) {
        let (Some(tries), true) = (dist.args.get("n"), dist::value_rank(dist) == 1) else { return };
        let together = self.graph.sum_last(value);
        let gap = self.graph.sub(*tries, together);
        let what = format!("`n` of {} less the sum of the counts", dist::row(dist.kind).name);
        // Where it cannot be so the counts would have been of another support.
        _ = self.require_fit(gap, &Support::between(0.0, 0.0), span, &what);
    }

    /// All row indices, each the variable of an enclosing plate over that dim, in order.
    fn observation_rows(&mut self, id: DataId, target: &'a Target) -> Option<Vec<AxisId>> {
        let rows = self.data[id.index()].rows.clone();
        let mut axes = vec![];
        for (at, row) in rows.iter().enumerate() {
            let index = target.index.get(at);
            let axis = index.and_then(|index| self.plate_variable(index));
            match axis {
                Some(axis) if self.axes[axis].size == Size::dim(*row) => axes.push(axis),
                _ => return self.wrong_rows(id, target),
            }
        }
        let each_once = axes.iter().enumerate().all(|(at, axis)| !axes[..at].contains(axis));
        if target.index.len() != rows.len() || !each_once {
            return self.wrong_rows(id, target);
        }
        // A plate that the data has no row of would observe the same value again and again.
        if let Some(extra) = self.plates.iter().find(|plate| !axes.contains(plate)) {
            let (variable, dim) = (self.axes[*extra].name.clone(), self.print_size(&self.axes[*extra].size));
            let name = target.name.node.clone();
            self.report(Statements::ObservedAgain { name, variable, dim, span: target.span });
            return None;
        }
        Some(axes)
    }

    fn plate_variable(&self, index: &Expr) -> Option<AxisId> {
        match &index.kind {
            ExprKind::Paren(inner) => self.plate_variable(inner),
            ExprKind::Name(name) => self.plates.iter().rev().copied().find(|axis| self.axes[*axis].name == *name),
            _ => None,
        }
    }

    fn wrong_rows<T>(&mut self, id: DataId, target: &Target) -> Option<T> {
        // Of two plates with one variable it was said that one hides the other.
        let name = |axis: &AxisId| self.axes[*axis].name.as_str();
        let hidden =
            self.plates.iter().enumerate().any(|(at, axis)| self.plates[..at].iter().any(|o| name(o) == name(axis)));
        if self.broken_plates > 0 || hidden {
            return None;
        }
        let data = &self.data[id.index()];
        let rows: Vec<String> = data.rows.iter().map(|dim| self.dims[*dim].name.clone()).collect();
        let around: Vec<(String, String)> = (self.plates.iter())
            .map(|axis| (self.axes[*axis].name.clone(), self.print_size(&self.axes[*axis].size)))
            .collect();
        let (name, span) = (data.name.clone(), target.span);
        self.report(Statements::ObservedRows { name, rows, around, given: target.index.len(), span });
        None
    }

    /// Observed data must lie in the distribution's support; `Bernoulli` also scores `unit` values.
    fn check_observed_support(
        &mut self,
        id: DataId,
        value: NodeId,
        call: &Call,
        dist: &Dist,
        event: &[Size],
    ) -> Option<()> {
        let support = self.data[id.index()].support.clone();
        let own = dist::support(&self.graph, dist, event);
        let (name, declared) = (self.data[id.index()].name.clone(), self.data[id.index()].span);
        if dist.kind == Kind::Bernoulli && support == Support::Unit {
            self.report(Lints::UnitBernoulli { name, declared, span: call.span });
            return Some(());
        }
        match self.check_observed_ends(id, value, call, dist, &own) {
            Inside::Yes => return Some(()),
            Inside::Reported => return None,
            Inside::Unknown => {}
        }
        if fits(&support, &own) == Fit::Proven {
            return Some(());
        }
        let (have, want) = (self.support_text(&support), self.support_text(&own));
        let offer = family(&support);
        let dist = call.name.node.clone();
        self.report(Supports::Observed { name, have, declared, dist, want, offer, span: call.span });
        None
    }
}
