//! The stochastic path: steps along noisy gradients of the bound as printed, for a fixed number of steps or epochs.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::batches::Batches;
use super::blame::{self, Scene};
use super::feed::{Draws, Feed, Rows};
use super::optimizer::{Optimizer, clip};
use super::schedule::Schedule;
use super::state::foreign;
use super::support::{Guard, Look};
use super::warnings;
use super::{Control, Event, Failure, Phase, State, Watch, stepped};
use crate::data::{Array, Bound};
use crate::elbo::Elbo;
use crate::kernel::noise::Stream;
use crate::model;
use crate::plan::lower::{self, Batch, Given};
use crate::plan::{Backend, Evaluate, Precision};

/// How far and how fast.
pub struct Settings {
    pub seed: u64,
    pub steps: usize,
    /// Independent copies of the whole objective a step.
    pub particles: usize,
    /// How those go together.
    pub draws: model::Draws,
    pub schedule: Schedule,
    /// Largest norm of the gradient of the objective divided by rows.
    pub clip: Option<f64>,
    pub batches: Option<Batches>,
    /// Steps between events: one readback an interval.
    pub every: usize,
}

/// A program for one size of batch, ready to run.
struct Stage<'a> {
    evaluator: Box<dyn Evaluate>,
    feed: Feed<'a>,
}

/// What is being fitted.
pub struct Target<'a> {
    pub elbo: &'a Elbo,
    pub data: &'a Bound,
    pub backend: &'a dyn Backend,
    pub precision: Precision,
}

impl<'a> Target<'a> {
    fn stage(&self, settings: &Settings, rows: Option<&Rows>) -> Result<Stage<'a>, Failure> {
        let rows: BTreeMap<_, _> = rows.map(|rows| (rows.dim, rows.ids.len())).into_iter().collect();
        let batch = Batch { draws: settings.particles, rows };
        let program = lower::step(self.elbo, self.data, &batch)?;
        let evaluator = self.backend.prepare(&program.plan, self.precision)?;
        Ok(Stage { evaluator, feed: Feed::new(&program, self.elbo, self.data)? })
    }

    fn not_finite(&self, look: &Look, step: usize) -> Failure {
        let Target { elbo, data, backend, precision } = *self;
        let scene = Scene { elbo, data, backend, precision, given: Given::Guide };
        let why = blame::find(&scene, look);
        why.map_or_else(|other| other, |why| warnings::not_finite_at(step + 1, why.as_ref()))
    }
}

/// An ascent along noisy gradients between two steps: all that the rest of it depends on, besides its settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Ascent {
    pub params: Vec<f64>,
    pub optimizer: Optimizer,
    pub steps: usize,
    /// Draws times rows evaluated.
    pub evaluations: usize,
    /// Since the last event that began an interval.
    epoch: Epoch,
}

impl Ascent {
    pub fn new(optimizer: Optimizer, params: Vec<f64>) -> Ascent {
        Ascent { params, optimizer, steps: 0, evaluations: 0, epoch: Epoch::default() }
    }

    pub fn state(&self) -> State {
        let mut state = State::default();
        state.put("ascent.counts", [self.steps as f64, self.evaluations as f64]);
        state.put("ascent.epoch", [self.epoch.sum, self.epoch.weight]);
        state.put("ascent.params", self.params.clone());
        state.put_part("optimizer", self.optimizer.buffers());
        state
    }

    /// Goes back to a state, unless it is empty.
    pub fn restore(&mut self, from: &State) -> Result<(), Failure> {
        if from.is_empty() {
            return Ok(());
        }
        let params = from.get("ascent.params").filter(|params| params.len() == self.params.len());
        let (Some([steps, evaluations]), Some([sum, weight]), Some(params), true) = (
            from.array("ascent.counts"),
            from.array("ascent.epoch"),
            params,
            self.optimizer.restore(&from.part("optimizer")),
        ) else {
            return Err(foreign());
        };
        self.params.copy_from_slice(params);
        (self.steps, self.evaluations) = (steps as usize, evaluations as usize);
        self.epoch = Epoch { sum, weight };
        Ok(())
    }

    /// Follows the gradient to the last step; true where it was told to stop before. The optimizer sees the objective
    /// divided by the rows of the data, so that rates and clipping do not depend on how much data there is.
    pub fn climb(&mut self, target: &Target, settings: &Settings, watch: &mut dyn Watch) -> Result<bool, Failure> {
        let mut steps = Steps {
            target,
            settings,
            stages: BTreeMap::new(),
            guard: Guard::new(target.elbo, target.data, target.backend, Given::Guide)?,
            order: vec![],
            fresh: (None, vec![]),
            gradient: vec![0.0; self.params.len()],
        };
        while self.steps < settings.steps {
            steps.make(self)?;
            let last_of_epoch = settings.batches.is_some_and(|b| self.steps.is_multiple_of(b.per_epoch()));
            let due = self.steps.is_multiple_of(settings.every);
            let event = Event { step: self.steps, phase: Phase::Stochastic, bound: self.epoch.mean() };
            if last_of_epoch || settings.batches.is_none() && due {
                self.epoch = Epoch::default();
            }
            let state = || self.state();
            let control = match due || last_of_epoch || self.steps == settings.steps {
                true => stepped(watch, &event, &state),
                false => watch.step(&state),
            };
            if control == Control::Stop && self.steps < settings.steps {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// What makes the steps of an ascent.
struct Steps<'t, 's> {
    target: &'t Target<'t>,
    settings: &'s Settings,
    /// By the rows of a batch: a ragged last one is a second plan, not a mask.
    stages: BTreeMap<usize, Stage<'t>>,
    guard: Guard<'t>,
    /// Of the rows in this epoch.
    order: Vec<u32>,
    /// The data that are drawn anew each epoch, and the epoch they are of.
    fresh: (Option<u64>, Vec<(usize, Array)>),
    gradient: Vec<f64>,
}

impl Steps<'_, '_> {
    fn make(&mut self, ascent: &mut Ascent) -> Result<(), Failure> {
        let (settings, step) = (self.settings, ascent.steps);
        let rows = self.rows(step);
        self.redraw(step);
        let size = rows.as_ref().map_or(0, |rows| rows.ids.len());
        let stage = match self.stages.entry(size) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let stage = entry.insert(self.target.stage(settings, rows.as_ref())?);
                stage.feed.redrawn(&self.fresh.1);
                stage
            }
        };
        let draws =
            Draws { seed: settings.seed, stream: Stream::Train, step: step as u64, first: 0, paired: settings.draws };
        stage.feed.give(&ascent.params, rows.as_ref());
        stage.feed.noise(draws, rows.as_ref());
        if let Some(rows) = &rows {
            stage.feed.rows(rows)?;
        }
        let values = ascent.params.as_slice();
        self.guard.require(&Look { values, draws: settings.particles, noise: Some(draws), rows: rows.as_ref() })?;
        let outputs = stage.evaluator.run(&stage.feed.slices())?;
        let bound = outputs[0][0];
        let scale = -1.0 / self.target.data.rows.max(1) as f64;
        self.gradient.clear();
        self.gradient.extend(outputs[1].iter().map(|d| scale * d));
        if !bound.is_finite() || self.gradient.iter().any(|g| !g.is_finite()) {
            let look =
                Look { values: &ascent.params, draws: settings.particles, noise: Some(draws), rows: rows.as_ref() };
            return Err(self.target.not_finite(&look, step));
        }
        let factor = settings.clip.map_or(1.0, |most| clip([self.gradient.as_slice()], most));
        let rate = settings.schedule.at(step as u64, settings.steps as u64);
        match stage.feed.places(rows.as_ref()) {
            // Rows outside the batch stand still, with their moments.
            Some(places) => ascent.optimizer.descend_rows(&places, rate, factor, &mut ascent.params, &self.gradient),
            None => ascent.optimizer.descend(rate, factor, &mut ascent.params, &self.gradient),
        }
        ascent.evaluations += settings.particles * size.max(1);
        ascent.steps = step + 1;
        // Batches weighted by their share of the rows, so that an epoch's mean is the whole data's.
        ascent.epoch.add(bound, settings.batches.map_or(1.0, |b| size as f64 / b.rows as f64));
        Ok(())
    }

    /// Without batches every step sees all rows, and so is an epoch.
    fn redraw(&mut self, step: usize) {
        let redraws = &self.target.data.redraws;
        let epoch = (step / self.settings.batches.map_or(1, |batches| batches.per_epoch())) as u64;
        if redraws.is_empty() || self.fresh.0 == Some(epoch) {
            return;
        }
        self.fresh = (Some(epoch), redraws.at(self.settings.seed, epoch));
        for stage in self.stages.values_mut() {
            stage.feed.redrawn(&self.fresh.1);
        }
    }

    fn rows(&mut self, step: usize) -> Option<Rows> {
        let batches = self.settings.batches?;
        if self.order.is_empty() || step.is_multiple_of(batches.per_epoch()) {
            self.order = batches.order(self.settings.seed, (step / batches.per_epoch()) as u64);
        }
        Some(batches.at(&self.order, step))
    }
}

/// The mean of the bound over an interval.
#[derive(Debug, Clone, PartialEq, Default)]
struct Epoch {
    sum: f64,
    weight: f64,
}

impl Epoch {
    fn add(&mut self, bound: f64, weight: f64) {
        self.sum += weight * bound;
        self.weight += weight;
    }

    fn mean(&self) -> f64 {
        self.sum / self.weight
    }
}
