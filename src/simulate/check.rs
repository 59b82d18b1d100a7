//! Whether a model can be simulated, and whether what was drawn is what was declared.

use std::collections::BTreeSet;

use super::problems::SimulateProblem;
use super::{Failure, Result};
use crate::data::Bound;
use crate::data::bind::misfit;
use crate::data::support::Misfit;
use crate::dist::{self, Dist, Draw};
use crate::math::print::print as print_node;
use crate::math::{NodeId, Support};
use crate::model::print::print_type;
use crate::model::{Model, Proviso, Statement};
use crate::problem::Problems;
use crate::source::Span;

/// The places of data that the model observes: what is simulated.
pub fn observed(model: &Model) -> BTreeSet<usize> {
    let observed = model.statements.iter().filter_map(|statement| match statement {
        Statement::Observe(seen) => Some(seen.data.index()),
        _ => None,
    });
    observed.collect()
}

/// Everything that keeps the model from being simulated.
pub fn refusals(model: &Model) -> Problems {
    let mut problems = Problems::default();
    for statement in &model.statements {
        match statement {
            Statement::Factor { span, .. } => problems.push(SimulateProblem::Factor { span: *span }),
            Statement::Boltzmann(of) => {
                problems.push(SimulateProblem::Energy { energy: of.energy.clone(), span: of.span });
            }
            Statement::Latent(id) => {
                let site = &model.sites[id.index()];
                let dist = dist::row(site.dist.kind).name.to_string();
                if !drawn(&site.dist) {
                    problems.push(SimulateProblem::NoDraw { dist, span: site.span });
                } else if site.restricted {
                    let support = print_type(model, &site.support, &[]);
                    let (site, span, interval) = (site.name.clone(), site.span, site.support.event_rank() == 0);
                    problems.push(SimulateProblem::Restricted { site, support, interval, dist, span });
                }
            }
            Statement::Observe(seen) if !drawn(&seen.dist) => {
                let dist = dist::row(seen.dist.kind).name.to_string();
                problems.push(SimulateProblem::NoDraw { dist, span: seen.span });
            }
            Statement::Observe(_) | Statement::Define(_) => {}
        }
    }
    let energies = model.statements.iter().any(|statement| matches!(statement, Statement::Boltzmann(_)));
    if observed(model).is_empty() && !energies {
        let span = model.sites.first().map(|site| site.span);
        problems.push(SimulateProblem::NothingObserved { span });
    }
    problems
}

fn drawn(dist: &Dist) -> bool {
    !matches!(dist::row(dist.kind).draw, Draw::None) && dist.args.of.iter().all(drawn)
}

/// Everything that the statements of the model read.
fn roots(model: &Model) -> Vec<NodeId> {
    let read = |statement: &Statement| -> Vec<NodeId> {
        match statement {
            Statement::Latent(id) => model.sites[id.index()].dist.args.values().copied().collect(),
            Statement::Observe(seen) => seen.dist.args.values().copied().collect(),
            Statement::Define(id) => vec![model.definitions[id.index()].value],
            Statement::Factor { value, .. } => vec![*value],
            Statement::Boltzmann(of) => vec![of.value],
        }
    };
    model.statements.iter().flat_map(read).collect()
}

/// A value of the model whose support could not be proven.
pub struct Unproven {
    pub value: NodeId,
    pub support: Support,
    what: String,
    span: Span,
}

impl Unproven {
    pub fn broken(&self, model: &Model, value: f64, rows: Vec<usize>) -> SimulateProblem {
        let support = self.support.print(&model.dims, &|id| print_node(&model.graph, id, model));
        SimulateProblem::Broken { what: self.what.clone(), value, rows, support, span: self.span }
    }
}

/// Those that the model reads; vectors are told by their entries.
pub fn provisos(model: &Model) -> Vec<Unproven> {
    let read: BTreeSet<NodeId> = model.graph.reachable(&roots(model)).into_iter().collect();
    let own = model.provisos.iter().filter_map(|proviso| match proviso {
        Proviso::Fits { value, support, what, span } if read.contains(value) => {
            Some(Unproven { value: *value, support: support.clone(), what: what.clone(), span: *span })
        }
        _ => None,
    });
    own.collect()
}

/// What was drawn lies where the data are declared to lie: otherwise no fit could read it.
pub fn simulated_data(model: &Model, bound: &Bound) -> Result<()> {
    let mut problems = Problems::default();
    for item in observed(model) {
        let data = &model.data[item];
        let name = data.name.clone();
        let support = print_type(model, &data.support, &[]);
        match misfit(model, bound, item) {
            None => {}
            Some(Misfit::Missing(_)) => problems.push(SimulateProblem::NotAllObserved { name, span: data.span }),
            Some(Misfit::Outside(place, value)) => {
                problems.push(SimulateProblem::OutsideData { name, place, value, support, span: data.span });
            }
            Some(Misfit::Vector(place, _)) => {
                let value = bound.arrays[item].values.get(place);
                problems.push(SimulateProblem::OutsideData { name, place, value, support, span: data.span });
            }
        }
    }
    if problems.has_errors() { Err(Failure::Problems(problems)) } else { Ok(()) }
}
