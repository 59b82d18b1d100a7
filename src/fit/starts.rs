//! Several starts, for models whose components can change places: the best place that any of them found goes on.

use std::cell::Cell;

use super::deterministic::{self, Deterministic, Settings, Spent};
use super::drive::{Path, Task};
use super::joint::PlanJoint;
use super::{Control, Event, Failure, GaussianFamily, Listener, LogJoint, initial};
use crate::elbo::{Elbo, Treatment};
use crate::math::{Graph, NodeId, Op, Pick, SiteId, Support};
use crate::model::Init;
use crate::plan::lower::Layout;

/// Starts of a model with exchangeable components.
const EXCHANGEABLE: usize = 8;

/// How many starts a fit has: as written, else several where labels can be swapped.
pub fn count(task: &Task, path: Path) -> usize {
    let chosen = match path {
        Path::Deterministic if exchangeable(task.elbo) => EXCHANGEABLE,
        _ => 1,
    };
    task.block.starts.unwrap_or(chosen).max(1)
}

/// Whether a summed-out label picks rows: then the rows may be swapped with their labels, and there are several optima.
fn exchangeable(elbo: &Elbo) -> bool {
    let labels: Vec<SiteId> = elbo
        .sites
        .iter()
        .filter(|view| matches!(view.treatment, Treatment::SummedOut(_)))
        .map(|view| view.site)
        .filter(|site| matches!(elbo.model.sites[site.index()].support, Support::Category(_)))
        .collect();
    let graph = &elbo.model.graph;
    graph.nodes.iter().any(|(_, node)| match &node.op {
        Op::Index(_, picks) => {
            picks.iter().any(|pick| matches!(pick, Pick::At(at) if labels.iter().any(|label| is(graph, *at, *label))))
        }
        _ => false,
    })
}

fn is(graph: &Graph, node: NodeId, label: SiteId) -> bool {
    match &graph.nodes[node].op {
        Op::Site(site) => *site == label,
        Op::Named(_, inner) | Op::Lift(inner, _) | Op::Index(inner, _) => is(graph, *inner, label),
        _ => false,
    }
}

/// A fit as far as it was searched.
struct Candidate {
    fit: Deterministic,
    /// Of a fit without latents, which is over once its search is.
    outcome: Option<deterministic::Outcome>,
    bound: f64,
}

impl Candidate {
    /// An unbounded likelihood does not win, however high it went.
    fn beats(&self, other: &Candidate) -> bool {
        let singular = |candidate: &Candidate| candidate.outcome.as_ref().is_some_and(|found| found.singular);
        match (singular(self), singular(other)) {
            (false, true) => true,
            (true, false) => false,
            _ => self.bound > other.bound,
        }
    }
}

/// The fit from the best of the starts, and the bound that each of them found, in their order.
pub(super) fn best(
    task: &Task,
    layout: &Layout,
    joint: &mut PlanJoint,
    family: GaussianFamily,
    starts: usize,
    listen: &mut Listener,
) -> Result<(deterministic::Outcome, Vec<f64>), Failure> {
    let init = task.block.init.clone().unwrap_or(Init::Auto);
    let stopped = Cell::new(false);
    let mut listen = |event: &Event| {
        let control = listen(event);
        stopped.set(stopped.get() || control == Control::Stop);
        control
    };
    let (mut best, mut bounds): (Option<Candidate>, Vec<f64>) = (None, vec![]);
    let mut failure = Failure::NoStart { tries: starts };
    let mut spent = Spent::default();
    for number in 0..starts {
        let start = initial::point(task.elbo, task.data, layout, &init, task.seed, number as u64)?;
        let fit = Deterministic::after(spent, Settings { family, seed: task.seed, start });
        match search(fit, joint, starts, &mut listen) {
            Ok(found) => {
                spent = found.fit.spent();
                bounds.push(found.bound);
                if best.as_ref().is_none_or(|best| found.beats(best)) {
                    best = Some(found);
                }
            }
            // Another start may be luckier.
            Err(why @ Failure::NoStart { .. }) => failure = why,
            Err(other) => return Err(other),
        }
        if stopped.get() {
            break;
        }
    }
    let Some(mut best) = best else { return Err(failure) };
    best.fit.spend(spent);
    let outcome = match best.outcome {
        Some(outcome) => deterministic::Outcome { steps: spent.steps, evaluations: spent.evaluations, ..outcome },
        None => best.fit.run(joint, &mut listen)?,
    };
    Ok((outcome, bounds))
}

/// Searches as far as starts are compared: to the end where that is all there is, else to the best local Gaussian.
fn search(
    mut fit: Deterministic,
    joint: &mut PlanJoint,
    starts: usize,
    listen: &mut Listener,
) -> Result<Candidate, Failure> {
    if starts == 1 || joint.latents() == 0 {
        let outcome = fit.run(joint, listen)?;
        let bound = outcome.bound.mean;
        return Ok(Candidate { fit, outcome: Some(outcome), bound });
    }
    let bound = fit.begin(joint, listen)?;
    Ok(Candidate { fit, outcome: None, bound })
}
