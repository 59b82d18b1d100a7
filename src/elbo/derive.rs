//! The terms of the bound: E_q[log p] of every statement, and for every latent site a KL in closed form, or its
//! entropy and expected log prior.

use std::collections::{BTreeMap, BTreeSet};

use crate::dist::Bijector;
use crate::elbo::cost::{self, Asked, Facts};
use crate::elbo::estimator::{self, Decision};
use crate::elbo::guide::{self, Guided};
use crate::elbo::problems::{ElboProblem, Limitation, TABLE};
use crate::elbo::rewrite::{Rewrite, sites_read};
use crate::elbo::{
    Choice, Elbo, Estimator, Term, TermKind, Treatment, because, chain, closed, energy, free, limits, missing,
    objective, requests, sites, sum_out, tables,
};
use crate::math::{Binary, NodeId, Op, Over, Reduce, SiteId, Unary};
use crate::model::{Auto, Baseline, Model, Statement};
use crate::problem::Problems;
use crate::shape::{AxisId, Shape};

/// The bound of a model, or why there is none.
pub fn derive(model: &Model) -> (Option<Elbo>, Problems) {
    derive_as(model, &Asked::new())
}

/// The same with other estimators than the guide asks for.
pub fn derive_as(model: &Model, asked: &Asked) -> (Option<Elbo>, Problems) {
    let mut problems = Problems::default();
    limits::check(model, &mut problems);
    if problems.has_errors() {
        return (None, problems);
    }
    if let Some((at, of)) = energy::statement(model) {
        return match energy::derive(&Facts::new(model), at, of) {
            Ok(elbo) => (Some(elbo), problems),
            Err(problem) => {
                problems.push(problem);
                (None, problems)
            }
        };
    }
    let mut model = free::completed(model);
    loop {
        let facts = Facts { asked: asked.clone(), ..Facts::new(&model) };
        let decided = estimator::decide(&facts).map(|decisions| bound(&facts, &decisions));
        match decided {
            Ok(Ok(elbo)) => {
                problems.extend(requests::relaxed(&elbo));
                return (Some(elbo), problems);
            }
            // Tables of several sites are known once their sums are made: one more free factor, and all anew.
            Ok(Err(problem)) => match problem.table().and_then(|sites| free::split(&model, sites)) {
                Some(more) => model = more,
                None => {
                    problems.push(problem);
                    return (None, problems);
                }
            },
            Err(more) => {
                problems.extend(more);
                return (None, problems);
            }
        }
    }
}

fn bound(facts: &Facts, decisions: &[Decision]) -> Result<Elbo, ElboProblem> {
    let guided = guide::treat(facts, decisions);
    let model = facts.model;
    let mut draft = Draft { facts, guided, closed: !model.fit.sampled_kl };
    let densities = draft.densities();
    let (summed, kept): (Vec<_>, Vec<_>) = densities.into_iter().partition(|d| draft.reads_summed(d));
    let sums = draft.sum_out(&summed)?;
    let log_p = draft.log_p(&sums, &kept);
    let sums = match objective::tempered(model, !sums.is_empty())? {
        Some(beta) => draft.tempered(&summed, beta)?,
        None => sums,
    };
    let mut terms = match model.guide.auto {
        // A point has no density: what is left of the bound is the log joint.
        Some(Auto::Map) => log_p.clone(),
        _ => draft.data_terms(&sums, &kept)?,
    };
    if model.guide.auto != Some(Auto::Map) {
        terms.extend(sites::terms(&mut draft, &kept)?);
    }
    draft.charge(&mut terms);
    let objective = objective::objective(&mut draft, &terms, &log_p)?;
    let log_q = sites::log_q(&mut draft);
    let Guided { graph, axes, views, .. } = draft.guided;
    Ok(Elbo { model: model.clone(), graph, axes, sites: views, objective, terms, log_p, log_q })
}

/// Of a term that feels only draws that are not differentiated through, until `charge` has seen it.
const UNKNOWN: Estimator = Estimator::Score { baseline: Baseline::None };

/// The log density of one statement: a number in its plates.
#[derive(Debug, Clone)]
pub struct Density {
    pub kind: TermKind,
    /// The place in `Model::statements`.
    pub statement: usize,
    pub value: NodeId,
    pub plates: Vec<AxisId>,
    pub reads: BTreeSet<SiteId>,
}

/// What is known while terms are made.
pub struct Draft<'a, 'm> {
    pub facts: &'a Facts<'m>,
    pub guided: Guided,
    /// Whether closed forms are wanted and belong to the objective.
    pub closed: bool,
}

impl Draft<'_, '_> {
    pub fn model(&self) -> &Model {
        self.facts.model
    }

    pub fn site(&mut self, id: SiteId) -> NodeId {
        let site = &self.facts.model.sites[id.index()];
        let shape = Shape::new(site.plates.iter().copied(), site.event.clone());
        self.guided.graph.site(id, shape, site.support.clone())
    }

    fn treatment(&self, id: SiteId) -> &Treatment {
        &self.guided.views[id.index()].treatment
    }

    /// The map of an automatic factor.
    pub fn map(&self, id: SiteId) -> Option<Bijector> {
        self.guided.maps.get(&id).cloned()
    }

    /// The shape of the unconstrained coordinates of a site.
    pub fn free_shape(&self, id: SiteId) -> Shape {
        let map = self.map(id).unwrap_or(Bijector::Identity);
        guide::free_shape(&self.facts.model.sites[id.index()], &map)
    }

    /// The sites that the guide draws at random and differentiates through.
    pub fn is_drawn(&self, id: SiteId) -> bool {
        matches!(self.treatment(id), Treatment::Auto | Treatment::Written(_))
    }

    fn is_summed(&self, id: SiteId) -> bool {
        matches!(self.treatment(id), Treatment::SummedOut(_))
    }

    pub fn is_enumerated(&self, id: SiteId) -> bool {
        matches!(self.treatment(id), Treatment::Enumerated(..))
    }

    fn reads_summed(&self, density: &Density) -> bool {
        density.reads.iter().any(|id| self.is_summed(*id))
    }

    fn densities(&mut self) -> Vec<Density> {
        let model = self.facts.model;
        let mut list = vec![];
        for (statement, of) in model.statements.iter().enumerate() {
            let (kind, value) = match of {
                // An energy has no bound: what comes of it is not made of terms.
                Statement::Define(_) | Statement::Boltzmann(_) => continue,
                Statement::Latent(id) if *self.treatment(*id) == Treatment::Leaf => continue,
                Statement::Latent(id) => {
                    let (site, value) = (&model.sites[id.index()], self.site(*id));
                    (TermKind::Prior(*id), closed::log_density(&mut self.guided.graph, &site.dist, value))
                }
                Statement::Observe(y) => {
                    (TermKind::Observed(statement), missing::log_density(&mut self.guided.graph, model, y))
                }
                Statement::Factor { value, .. } => (TermKind::Factor(statement), *value),
            };
            let plates = estimator::place(model, of).0.to_vec();
            list.push(Density { kind, statement, value, plates, reads: cost::reads(model, of) });
        }
        list
    }

    fn sum_out(&mut self, summed: &[Density]) -> Result<Vec<sum_out::Factor>, ElboProblem> {
        let states: BTreeMap<SiteId, (AxisId, NodeId)> =
            self.guided.states.iter().filter(|(id, _)| self.is_summed(**id)).map(|(id, s)| (*id, *s)).collect();
        let (before, back) = (self.guided.before.clone(), self.guided.earlier());
        let mut rewrite = Rewrite::replace(states.iter().map(|(id, (_, value))| (*id, *value)).collect());
        let mut factors = vec![];
        for density in summed {
            let g = &mut self.guided.graph;
            chain::read_back(g, &mut rewrite, density.value, &back);
            factors.push(sum_out::Factor {
                value: rewrite.node(&mut self.guided.graph, density.value),
                plates: density.plates.clone(),
                reads: density.reads.iter().copied().filter(|id| states.contains_key(id)).collect(),
                summed: BTreeSet::new(),
                statements: [density.statement].into(),
            });
        }
        let axes = |(id, rows): (&SiteId, &Vec<(AxisId, NodeId)>)| (*id, rows.iter().map(|(axis, _)| *axis).collect());
        let states = sum_out::States {
            own: states.iter().map(|(id, (axis, _))| (*id, *axis)).collect(),
            before: before.iter().map(axes).collect(),
            handed_on: self.guided.handed_on.clone(),
        };
        sum_out::eliminate(self.facts.model, &mut self.guided.graph, &states, factors)
    }

    /// Sums in which what is observed has the weight 1/beta, so that beta times the whole gives it the weight 1: the
    /// largest over all q of E_q[log p(y | c)] - beta KL( q(c) || p(c) ) is beta log sum p(c) p(y | c)^(1/beta).
    fn tempered(&mut self, summed: &[Density], beta: f64) -> Result<Vec<sum_out::Factor>, ElboProblem> {
        let mut scaled = summed.to_vec();
        for density in scaled.iter_mut().filter(|d| matches!(d.kind, TermKind::Observed(_) | TermKind::Factor(_))) {
            density.value = self.guided.graph.scale(density.value, 1.0 / beta);
        }
        self.sum_out(&scaled)
    }

    /// Expected log densities of what is observed, of factors and of what was summed out, in the order written.
    fn data_terms(&mut self, sums: &[sum_out::Factor], kept: &[Density]) -> Result<Vec<Term>, ElboProblem> {
        let mut terms: Vec<(usize, Term)> = vec![];
        for density in kept.iter().filter(|d| !matches!(d.kind, TermKind::Prior(_))) {
            let term = self.expectation(density.kind.clone(), density.value, &density.plates)?;
            terms.push((density.statement, term));
        }
        for sum in sums {
            let term = self.expectation(sum_kind(sum), sum.value, &sum.plates)?;
            terms.push((sum.statements.first().copied().unwrap_or(0), term));
        }
        terms.sort_by_key(|(statement, _)| *statement);
        Ok(terms.into_iter().map(|(_, term)| term).collect())
    }

    /// The expectation of a log density under the guide: closed where it can be, else pathwise.
    pub fn expectation(&mut self, kind: TermKind, value: NodeId, plates: &[AxisId]) -> Result<Term, ElboProblem> {
        let (read, before) = (self.drawn(value), value);
        let expected = match self.closed && !read.is_empty() && self.weighed_by(value).is_disjoint(&read) {
            true => closed::expected(self, &kind, &read),
            false => None,
        };
        // Given the states of enumerated sites first: their factors read none of the sites whose mean was taken.
        let (value, enumerated) = self.over_states(expected.unwrap_or(value), plates)?;
        let drawn = self.drawn(value);
        let mut choices = vec![];
        if !enumerated.is_empty() {
            choices.push((Estimator::Enumerate, because::states_of(self.facts, &enumerated, &drawn)));
        }
        let smooth: BTreeSet<SiteId> = drawn.iter().copied().filter(|id| self.is_pathwise(*id)).collect();
        if !smooth.is_empty() {
            let because = because::pathwise(self.facts, &smooth, &[before], &self.guided.graph);
            let because = match because::not_alone(self.facts, &read).filter(|_| self.closed) {
                Some(why) => format!("{why}; {because}"),
                None => because,
            };
            choices.push((Estimator::Pathwise, because));
        } else if expected.is_some() {
            choices.push((Estimator::Analytic, because::linear(self.facts, &self.guided, &read)));
        }
        if choices.is_empty() && drawn.is_empty() {
            choices.push((Estimator::Analytic, "no latent site is drawn in it".into()));
        }
        let mut choices = choices.into_iter().map(|(estimator, because)| Choice { estimator, because });
        // A term that feels score-function draws alone is told so by `charge`.
        let none = Choice { estimator: UNKNOWN, because: String::new() };
        let choice = choices.next().unwrap_or(none);
        Ok(Term { kind, sign: 1.0, value, plates: plates.to_vec(), choice, also: choices.collect() })
    }

    /// The sites that the factors of the enumerated sites in a value read: the weights of states vary with their draws.
    fn weighed_by(&self, value: NodeId) -> BTreeSet<SiteId> {
        let read = sites_read(&self.guided.graph, &[value]);
        self.facts.with_guide_ancestors(read.into_iter().filter(|id| self.is_enumerated(*id)).collect())
    }

    /// Says of every term whose cost it is in: the sites with score-function estimators that it feels, through the
    /// draws of other sites too, and relaxed ones.
    fn charge(&self, terms: &mut [Term]) {
        for term in terms {
            let felt = cost::felt(&self.guided.graph, &self.guided.views, term.value);
            let mut sites: Vec<(Estimator, Vec<String>)> = vec![];
            for id in felt {
                let estimator = self.guided.views[id.index()].choice.estimator;
                let name = because::name(self.model(), id);
                match sites.iter_mut().find(|(other, _)| *other == estimator) {
                    Some((_, names)) => names.push(name),
                    None => sites.push((estimator, vec![name])),
                }
            }
            let mut charged: Vec<Choice> = vec![];
            for (estimator, names) in sites {
                let (names, is) = (because::list(&names), if names.len() > 1 { "are" } else { "is" });
                if estimator.is_score() {
                    charged.push(Choice { estimator, because: format!("in the cost of {names}, below") });
                } else if estimator.is_biased() {
                    charged.push(Choice { estimator, because: format!("{names} {is} relaxed, below; biased") });
                }
            }
            if term.choice.estimator == UNKNOWN && !charged.is_empty() {
                let Choice { estimator, because } = charged.remove(0);
                let because = [term.choice.because.trim_end_matches("; "), &because];
                let because = because.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ");
                term.choice = Choice { estimator, because };
            }
            term.also.extend(charged);
        }
    }

    /// The drawn sites that a value reads, also where their draws stand in it for them.
    pub fn drawn(&self, value: NodeId) -> BTreeSet<SiteId> {
        let read = |id: &NodeId| match self.guided.graph.nodes[*id].op {
            Op::Site(site) | Op::Free(site) | Op::Noise(site, _) => Some(site),
            _ => None,
        };
        let read = self.guided.graph.reachable(&[value]).iter().filter_map(read).collect::<BTreeSet<_>>();
        read.into_iter().filter(|id| self.is_drawn(*id)).collect()
    }

    /// Whether draws of a site are differentiated through.
    pub fn is_pathwise(&self, id: SiteId) -> bool {
        self.guided.views[id.index()].choice.estimator == Estimator::Pathwise
    }

    /// The exact expectation over the enumerated sites that a value reads, each weighted by its factor.
    pub fn over_states(&mut self, value: NodeId, plates: &[AxisId]) -> Result<(NodeId, BTreeSet<SiteId>), ElboProblem> {
        let all = self.facts.with_guide_ancestors(sites_read(&self.guided.graph, &[value]));
        let sites: BTreeSet<SiteId> = all.iter().copied().filter(|id| self.is_enumerated(*id)).collect();
        if sites.is_empty() {
            return Ok((value, sites));
        }
        self.check_states(&sites, plates)?;
        let weights: Vec<NodeId> = sites.iter().map(|id| self.log_weight(*id)).collect();
        let states: BTreeMap<SiteId, (AxisId, NodeId)> = sites.iter().map(|id| (*id, self.guided.states[id])).collect();
        let mut rewrite = Rewrite::replace(states.iter().map(|(id, (_, value))| (*id, *value)).collect());
        // What the guide samples after them is drawn once for each of their states, from the same noise.
        let after: BTreeSet<SiteId> = sites.iter().flat_map(|id| self.facts.sampled_after(*id)).collect();
        for factor in &self.facts.model.guide.factors {
            if after.contains(&factor.site) && self.is_drawn(factor.site) {
                let draw = self.guided.views[factor.site.index()].value;
                let draw = rewrite.node(&mut self.guided.graph, draw);
                rewrite.sites.insert(factor.site, draw);
            }
        }
        let g = &mut self.guided.graph;
        let log_weight = g.sum_of(&weights);
        let (value, log_weight) = (rewrite.node(g, value), rewrite.node(g, log_weight));
        let weight = g.unary(Unary::Exp, log_weight);
        let product = g.binary(Binary::Mul, weight, value);
        let axes = states.values().map(|(axis, _)| *axis).collect();
        let known = |size: &crate::shape::Size| self.facts.resolved(size).known();
        if let Some((axes, entries)) = tables::too_large(g, &self.guided.axes, product, &known) {
            return Err(tables::problem(&self.guided.axes, &axes, entries, false));
        }
        Ok((g.reduce(Reduce::Sum, product, Over::Axes(axes)), sites))
    }

    fn check_states(&self, sites: &BTreeSet<SiteId>, plates: &[AxisId]) -> Result<(), ElboProblem> {
        let model = self.model();
        let known = |id: &SiteId| self.facts.resolved(&self.guided.axes[self.guided.states[id].0].size).known();
        let table = sites.iter().filter_map(known).fold(1i64, i64::saturating_mul);
        for id in sites {
            let site = &model.sites[id.index()];
            if let Some(axis) = site.plates.iter().find(|axis| !plates.contains(axis)) {
                let what = Limitation::EnumerateRows { site: site.name.clone(), plate: model.axes[*axis].name.clone() };
                return Err(ElboProblem::Limitation { what, span: site.span });
            }
            if table > TABLE {
                let sites = sites.iter().map(|id| model.sites[id.index()].name.clone()).collect();
                return Err(ElboProblem::TableTooLarge { sites, states: table, bound: false, span: site.span });
            }
        }
        Ok(())
    }

    fn log_p(&mut self, sums: &[sum_out::Factor], kept: &[Density]) -> Vec<Term> {
        let choice = |because: &str| Choice { estimator: Estimator::Pathwise, because: because.into() };
        let mut terms: Vec<(usize, Term)> = vec![];
        for d in kept {
            let (kind, plates) = (d.kind.clone(), d.plates.clone());
            let choice = choice("a weight needs the log density at the draw itself");
            terms.push((d.statement, Term { kind, sign: 1.0, value: d.value, plates, choice, also: vec![] }));
        }
        for sum in sums {
            let choice = choice("summed-out sites stay summed out inside a weight");
            let (kind, plates) = (sum_kind(sum), sum.plates.clone());
            let term = Term { kind, sign: 1.0, value: sum.value, plates, choice, also: vec![] };
            terms.push((sum.statements.first().copied().unwrap_or(0), term));
        }
        terms.sort_by_key(|(statement, _)| *statement);
        let spare: Vec<Term> = cost::sites(self.facts.model).filter_map(|id| missing::spare(self, id)).collect();
        terms.into_iter().map(|(_, term)| term).chain(spare).collect()
    }
}

fn sum_kind(sum: &sum_out::Factor) -> TermKind {
    TermKind::SummedOut {
        sites: sum.summed.iter().copied().collect(),
        statements: sum.statements.iter().copied().collect(),
    }
}
