//! Several starts, for models whose components can change places: the best place that any of them found goes on.

use super::deterministic::{self, Deterministic, Settings, Spent};
use super::drive::{Path, Task};
use super::joint::PlanJoint;
use super::state::foreign;
use super::{Control, Event, Failure, GaussianFamily, LogJoint, State, Watch, initial};
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

/// What is searched from where.
pub(super) struct Search<'a> {
    pub task: &'a Task<'a>,
    pub layout: &'a Layout,
    pub family: GaussianFamily,
    pub starts: usize,
}

/// Between two starts: how many are searched, what they found, and the best of them.
#[derive(Default)]
struct Searched {
    number: usize,
    bounds: Vec<f64>,
    best: Option<Candidate>,
    spent: Spent,
}

impl Search<'_> {
    /// The fit from the best of the starts, and the bound that each of them found, in their order. Goes on from a state
    /// that is not empty.
    pub fn best(
        &self,
        joint: &mut PlanJoint,
        from: &State,
        watch: &mut dyn Watch,
    ) -> Result<(deterministic::Outcome, Vec<f64>), Failure> {
        let (mut searched, mut going) = self.restore(joint, from)?;
        let mut failure = Failure::NoStart { tries: self.starts };
        while searched.number < self.starts {
            let fit = match going.take() {
                Some(fit) => fit,
                None => Deterministic::after(searched.spent, self.settings(searched.number)?),
            };
            let mut among = Among::new(&searched, watch);
            let found = self.search(fit, joint, &mut among);
            let stopped = among.stopped;
            match found {
                Ok(found) => searched.take(found),
                // Another start may be luckier.
                Err(why @ Failure::NoStart { .. }) => failure = why,
                Err(other) => return Err(other),
            }
            if stopped {
                return searched.stop(joint, failure);
            }
            searched.number += 1;
        }
        if let Some(mut fit) = going {
            let outcome = fit.run(joint, &mut Among::new(&searched, watch))?;
            return Ok((outcome, searched.bounds));
        }
        let Searched { bounds, best, spent, .. } = std::mem::take(&mut searched);
        let Some(mut best) = best else { return Err(failure) };
        best.fit.spend(spent);
        let sofar = Searched { number: self.starts, bounds, best: None, spent };
        let outcome = match best.outcome {
            Some(outcome) => deterministic::Outcome { steps: spent.steps, evaluations: spent.evaluations, ..outcome },
            None => best.fit.run(joint, &mut Among::new(&sofar, watch))?,
        };
        Ok((outcome, sofar.bounds))
    }

    fn settings(&self, number: usize) -> Result<Settings, Failure> {
        let init = self.task.block.init.clone().unwrap_or(Init::Auto);
        let (elbo, data, seed) = (self.task.elbo, self.task.data, self.task.seed);
        let start = initial::point(elbo, data, self.layout, &init, seed, number as u64)?;
        Ok(Settings { family: self.family, seed, start })
    }

    /// Searches as far as starts are compared: to the end where that is all there is, else to the best local Gaussian.
    fn search(
        &self,
        mut fit: Deterministic,
        joint: &mut PlanJoint,
        watch: &mut dyn Watch,
    ) -> Result<Candidate, Failure> {
        if self.starts == 1 || joint.latents() == 0 {
            let outcome = fit.run(joint, watch)?;
            let bound = outcome.bound.mean;
            return Ok(Candidate { fit, outcome: Some(outcome), bound });
        }
        let bound = fit.begin(joint, watch)?;
        Ok(Candidate { fit, outcome: None, bound })
    }

    /// What a state says was searched, and the fit that was going on.
    fn restore(&self, joint: &mut PlanJoint, from: &State) -> Result<(Searched, Option<Deterministic>), Failure> {
        if from.is_empty() {
            return Ok((Searched::default(), None));
        }
        let whole = from.array("starts.number").zip(from.get("starts.bounds"));
        let Some(([number], bounds)) = whole.filter(|([number], _)| *number <= self.starts as f64) else {
            return Err(foreign());
        };
        let fit = |component: &str| {
            let buffers = from.part(component);
            // Where a fit began is forgotten once it goes: any start of the right size will do.
            let restored = Deterministic::restore(self.settings(number as usize)?, self.layout.latents, &buffers)?;
            restored.ok_or_else(foreign)
        };
        let going = fit("fit")?;
        let mut searched = Searched { number: number as usize, bounds: bounds.to_vec(), ..Searched::default() };
        searched.spent = going.spent();
        if !from.part("best").is_empty() {
            let mut fit = fit("best")?;
            // Without latents its search is over, and telling what it found is all that is left to do.
            let outcome = (joint.latents() == 0).then(|| fit.run(joint, &mut |_: &Event| Control::Stop)).transpose()?;
            let bound = outcome.as_ref().map_or(fit.bound(), |outcome| outcome.bound.mean);
            searched.best = Some(Candidate { fit, outcome, bound });
        }
        Ok((searched, Some(going)))
    }
}

impl Searched {
    fn take(&mut self, found: Candidate) {
        self.spent = found.fit.spent();
        self.bounds.push(found.bound);
        if self.best.as_ref().is_none_or(|best| found.beats(best)) {
            self.best = Some(found);
        }
    }

    /// The best so far, by who makes no further step.
    fn stop(self, joint: &mut PlanJoint, failure: Failure) -> Result<(deterministic::Outcome, Vec<f64>), Failure> {
        let Some(mut best) = self.best else { return Err(failure) };
        best.fit.spend(self.spent);
        let outcome = match best.outcome {
            Some(outcome) => deterministic::Outcome { stopped: true, converged: false, ..outcome },
            None => best.fit.stop(joint)?,
        };
        Ok((outcome, self.bounds))
    }

    /// The state of one of the fits among the others.
    fn with(&self, fit: State) -> State {
        let mut state = State::default();
        state.put("starts.number", [self.number as f64]);
        state.put("starts.bounds", self.bounds.clone());
        if let Some(best) = &self.best {
            state.put_part("best", best.fit.buffers());
        }
        state.put_part("fit", fit.buffers);
        state
    }
}

/// Watches one of several fits: its states are kept with those of the others.
struct Among<'a> {
    watch: &'a mut dyn Watch,
    others: &'a Searched,
    stopped: bool,
}

impl<'a> Among<'a> {
    fn new(others: &'a Searched, watch: &'a mut dyn Watch) -> Among<'a> {
        Among { watch, others, stopped: false }
    }
}

impl Watch for Among<'_> {
    fn event(&mut self, event: &Event) -> Control {
        let control = self.watch.event(event);
        self.stopped |= control == Control::Stop;
        control
    }

    fn step(&mut self, state: &dyn Fn() -> State) -> Control {
        let control = self.watch.step(&|| self.others.with(state()));
        self.stopped |= control == Control::Stop;
        control
    }

    fn end(&mut self, state: &dyn Fn() -> State) {
        self.watch.end(&|| self.others.with(state()));
    }
}
