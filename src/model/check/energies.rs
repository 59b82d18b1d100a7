//! Energies: checked once by their types, then inlined where `Boltzmann` draws from one (LANGUAGE.md 1.10).

use super::Checker;
use super::expr::Value;
use super::funnel::Written;
use super::funs::Body;
use super::names::Meaning;
use super::types::Checked;
use crate::dist::Kind;
use crate::math::support::{Fit, fits};
use crate::math::{NodeId, Pick};
use crate::model::problems::Energies;
use crate::model::{Boltzmann, Guide, Objective, Origin, Statement, Unit};
use crate::shape::Size;
use crate::source::Span;
use crate::syntax::{Call, Expr, ExprKind, Formal, Name, Target};

pub(super) struct EnergyItem<'a> {
    pub name: &'a Name,
    pub formals: &'a [Formal],
    pub body: &'a Expr,
    /// The types of its arguments; `None` where something of it was reported.
    pub signature: Option<Vec<Checked>>,
}

impl<'a> Checker<'a> {
    pub(super) fn add_energy(&mut self, name: &'a Name, formals: &'a [Formal], body: &'a Expr) -> usize {
        self.check_formals(formals);
        self.energies.push(EnergyItem { name, formals, body, signature: None });
        self.energies.len() - 1
    }

    /// Types, and the body in a graph of its own.
    pub(super) fn check_energies(&mut self) {
        for at in 0..self.energies.len() {
            let before = self.errors();
            let formals = self.energies[at].formals;
            // The parser says where a type is missing.
            let types: Vec<Option<Checked>> =
                formals.iter().map(|formal| formal.ty.as_ref().and_then(|ty| self.check_complete_type(ty))).collect();
            let Some(types) = types.into_iter().collect::<Option<Vec<Checked>>>() else { continue };
            let (axes, map) = (self.axes.clone(), self.graph.axes.clone());
            let outer = std::mem::take(&mut self.graph);
            self.graph.axes = map;
            let trial = std::mem::replace(&mut self.trial, true);
            let args = types.iter().map(|ty| self.placeholder(&ty.event, &ty.support)).collect();
            let value = self.energy_value(at, args);
            if value.is_some_and(|value| !self.is_number(value)) {
                let shape = value.map(|value| self.print_shape(value)).unwrap_or_default();
                let EnergyItem { name, body, .. } = &self.energies[at];
                let (name, span) = (name.node.clone(), body.span);
                self.report(Energies::NotANumber { name, shape, span });
            }
            self.graph = outer;
            self.axes = axes;
            self.trial = trial;
            let good = value.is_some() && self.errors() == before;
            self.energies[at].signature = good.then_some(types);
        }
    }

    /// The energy of these values.
    fn energy_value(&mut self, at: usize, args: Vec<NodeId>) -> Option<NodeId> {
        let EnergyItem { name, formals, body, .. } = &self.energies[at];
        let (name, formals, body) = (*name, *formals, *body);
        let locals = formals.iter().zip(args).map(|(formal, node)| (&formal.name, Value::Node(node))).collect();
        self.inside(Body::Energy, &name.node, locals, |checker| checker.check_node(body))
    }

    /// `(x[n], h: binary[H]) ~ Boltzmann(e)`
    pub(super) fn check_boltzmann(&mut self, targets: &'a [Target], call: &'a Call, span: Span) {
        let units = self.energy_of(targets, call).and_then(|at| {
            let signature = self.energies[at].signature.clone()?;
            let formals = self.energies[at].formals;
            let units: Vec<Option<(Unit, NodeId)>> = (targets.iter().zip(formals).zip(&signature))
                .map(|((target, formal), ty)| self.check_unit(target, &formal.name.node, ty, call, span))
                .collect();
            Some((at, units.into_iter().collect::<Option<Vec<_>>>()?))
        });
        let Some((at, units)) = units else {
            self.give_up_targets(targets);
            return;
        };
        let (units, nodes): (Vec<Unit>, Vec<NodeId>) = units.into_iter().unzip();
        let Some(value) = self.energy_value(at, nodes) else { return };
        if self.broken_plates == 0 {
            let (energy, plates) = (self.energies[at].name.node.clone(), self.plates.clone());
            self.statements.push(Statement::Boltzmann(Boltzmann { energy, value, units, plates, span }));
        }
    }

    /// The energy that the statement names, of as many arguments as there are targets.
    fn energy_of(&mut self, targets: &[Target], call: &'a Call) -> Option<usize> {
        let known = || self.energies.iter().map(|energy| energy.name.node.clone()).collect::<Vec<_>>();
        let name = match call.args.as_slice() {
            [arg] if arg.name.is_none() && call.each.is_empty() => match &arg.value.kind {
                ExprKind::Name(name) => Some((name, arg.value.span)),
                _ => None,
            },
            _ => None,
        };
        let Some((name, span)) = name else {
            self.report(Energies::NoEnergy { known: known(), span: call.span });
            return None;
        };
        let at = match self.scope.top.get(name).map(|entry| entry.meaning.clone()) {
            Some(Meaning::Energy(at)) => at,
            Some(Meaning::Broken) => return None,
            _ => {
                self.report(Energies::NoEnergy { known: known(), span });
                return None;
            }
        };
        let formals = self.energies[at].formals;
        if formals.len() != targets.len() {
            let (name, wants) = (name.clone(), super::formal_names(formals));
            self.report(Energies::Count { name, wants, given: targets.len(), span: call.span });
            return None;
        }
        Some(at)
    }

    /// One value that the energy is of: a row of data, or a new site; of exactly the type of the argument.
    fn check_unit(
        &mut self,
        target: &'a Target,
        formal: &str,
        ty: &Checked,
        call: &'a Call,
        span: Span,
    ) -> Option<(Unit, NodeId)> {
        let data = match self.scope.top.get(&target.name.node).map(|entry| entry.meaning.clone()) {
            Some(Meaning::Data(id)) => Some(id),
            Some(Meaning::Broken) => return None,
            Some(meaning) => {
                let (name, word) = (target.name.node.clone(), meaning.word());
                let declared = self.scope.top.get(&name).map_or(span, |entry| entry.span);
                self.report(crate::model::problems::Statements::DrawnOther { name, word, declared, span: target.span });
                return None;
            }
            None => None,
        };
        let Some(id) = data else { return self.check_latent_unit(target, formal, ty, call, span) };
        let axes = self.check_observed_rows(id, target)?;
        if self.data[id.index()].missing {
            let (name, declared) = (target.name.node.clone(), self.data[id.index()].span);
            let dist = "Boltzmann".into();
            self.report(crate::model::problems::Missing::Joint { name, dist, declared, span: call.span });
            return None;
        }
        let event: Vec<Size> = self.data[id.index()].event.iter().map(|size| self.known_size(size)).collect();
        let support = self.data[id.index()].support.clone();
        self.check_unit_type(target, formal, ty, &Checked { support, event })?;
        let whole = self.data_node(id, target.span);
        let picks: Vec<Pick> = axes.into_iter().map(Pick::Row).collect();
        let value = if picks.is_empty() { whole } else { self.index(whole, picks, target.span) };
        Some((Unit::Observed(id, value), value))
    }

    fn check_latent_unit(
        &mut self,
        target: &'a Target,
        formal: &str,
        ty: &Checked,
        call: &'a Call,
        span: Span,
    ) -> Option<(Unit, NodeId)> {
        self.check_no_rows(target);
        let Some(written) = &target.ty else {
            let (name, want) = (target.name.node.clone(), self.type_text(ty));
            self.report(Energies::Untyped { name, want, span: target.span });
            return None;
        };
        let own = self.check_complete_type(written)?;
        self.check_unit_type(target, formal, ty, &own)?;
        let site = self.add_site(&target.name, own.event, own.support, Written { target, call, span })?;
        self.sites[site.index()].origin = Origin::Boltzmann;
        let node = self.site_node(site, target.span);
        Some((Unit::Latent(site), node))
    }

    fn check_unit_type(&mut self, target: &Target, formal: &str, want: &Checked, have: &Checked) -> Option<()> {
        let same = fits(&have.support, &want.support) == Fit::Proven && have.event == want.event;
        if same {
            return Some(());
        }
        let (have, want) = (self.type_text(have), self.type_text(want));
        let (name, formal) = (target.name.node.clone(), formal.to_string());
        self.report(Energies::UnitType { name, formal, have, want, span: target.span });
        None
    }

    fn type_text(&self, ty: &Checked) -> String {
        let axes = &ty.event[..ty.event.len() - ty.support.event_rank().min(ty.event.len())];
        let support = self.support_text(&ty.support);
        if axes.is_empty() { support } else { format!("{support}{}", self.print_event(axes)) }
    }

    /// A `Boltzmann` statement is all that is said in its model; its objective is `cd` or `pcd`, which fit nothing else.
    pub(super) fn check_energy_model(&mut self, guide: &Guide) {
        let objective = self.fit_block.objective;
        let contrastive = matches!(objective, Some(Objective::Cd(_) | Objective::Pcd(_)));
        let written = self.fit_block.spans.get("objective").copied();
        let energies = self.statements.iter().filter_map(|statement| match statement {
            Statement::Boltzmann(of) => Some(of.span),
            _ => None,
        });
        let energies: Vec<Span> = energies.collect();
        let Some(first) = energies.first().copied() else {
            if let (Some(objective), true, Some(span)) = (objective, contrastive, written) {
                self.report(Energies::NoBoltzmann { objective: objective.name(), span });
            }
            return;
        };
        if let (Some(objective), false, Some(span)) = (objective, contrastive, written) {
            self.report(Energies::Objective { objective: objective.name(), statement: first, span });
        }
        if let Some(span) = guide.span {
            self.report(Energies::Guide { statement: first, span: Span::new(span.start, span.start + "guide".len()) });
        }
        let others = self.statements.iter().filter_map(|statement| match statement {
            Statement::Boltzmann(of) => (of.span != first).then_some(of.span),
            Statement::Latent(id) => Some(self.sites[id.index()].span),
            Statement::Observe(seen) => Some(seen.span),
            Statement::Factor { span, .. } => Some(*span),
            Statement::Define(_) => None,
        });
        if let Some(span) = others.collect::<Vec<_>>().first() {
            self.report(Energies::NotAlone { statement: first, span: *span });
        }
        debug_assert!(self.sites.iter().all(|site| site.origin != Origin::Boltzmann || site.dist.kind == Kind::Flat));
    }
}
