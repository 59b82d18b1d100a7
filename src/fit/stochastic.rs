//! The stochastic path: steps along noisy gradients of the bound as printed, until they have arrived or are counted out.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::baselines::Baselines;
use super::batches::Batches;
use super::blame::{self, Scene};
use super::compare::Comparison;
use super::coordinates::Coordinates;
use super::epoch::Epoch;
use super::feed::{Draws, Feed, Rows};
use super::levels::RUNAWAY;
use super::optimizer::{Optimizer, clip};
use super::schedule::Schedule;
use super::state::foreign;
use super::stop::Stop;
use super::support::{Guard, Look};
use super::warm::Whitening;
use super::warnings;
use super::{Control, Event, Failure, Phase, State, Watch, stepped};
use crate::data::{Array, Bound};
use crate::elbo::Elbo;
use crate::kernel::noise::Stream;
use crate::model;
use crate::plan::lower::{self, Batch, Given, OutputKind};
use crate::plan::{Backend, Evaluate, Precision};
use crate::shape::DimId;

/// How far and how fast.
pub(super) struct Settings {
    pub seed: u64,
    /// No more than so many, wherever it has arrived.
    pub steps: usize,
    /// Independent copies of the whole objective a step.
    pub particles: usize,
    /// How those go together.
    pub draws: model::Draws,
    pub schedule: Schedule,
    /// What multiplies the terms of latents, where that is a schedule, and the steps in which it moves.
    pub beta: Option<Schedule>,
    pub moving: usize,
    /// Who takes turns; nobody where all parameters move at every step.
    pub turns: Vec<Turn>,
    /// Largest norm of the gradient of the objective divided by rows.
    pub clip: Option<f64>,
    pub batches: Option<Batches>,
    /// Steps between events: one readback an interval.
    pub every: usize,
}

/// Some parameters, which move for so many steps while the others stand still.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Turn {
    pub steps: usize,
    pub schedule: Schedule,
    /// By coordinate.
    pub moves: Vec<bool>,
}

impl Settings {
    /// What multiplies the terms of latents at a step.
    pub fn beta_at(&self, step: usize) -> f64 {
        self.beta.map_or(1.0, |beta| beta.at(step as u64, self.steps as u64))
    }

    /// Whose turn it is at a step, and which it is of all.
    fn turn(&self, step: usize) -> Option<(usize, &Turn)> {
        let cycle: usize = self.turns.iter().map(|turn| turn.steps).sum();
        let mut rest = step.checked_rem(cycle)?;
        self.turns.iter().enumerate().find(|(_, turn)| {
            let mine = rest < turn.steps;
            rest = rest.saturating_sub(turn.steps);
            mine
        })
    }
}

/// A program for one size of batch, ready to run.
struct Stage<'a> {
    evaluator: Box<dyn Evaluate>,
    feed: Feed<'a>,
    outputs: Vec<OutputKind>,
}

/// What is being fitted.
pub(super) struct Target<'a> {
    pub elbo: &'a Elbo,
    pub data: &'a Bound,
    pub backend: &'a dyn Backend,
    pub precision: Precision,
}

impl<'a> Target<'a> {
    fn stage(&self, settings: &Settings, rows: Option<&Rows>) -> Result<Stage<'a>, Failure> {
        let batch = Batch { draws: settings.particles, rows: rows.map(Rows::sizes).unwrap_or_default() };
        let program = lower::step(self.elbo, self.data, &batch)?;
        let evaluator = self.backend.prepare(&program.plan, self.precision)?;
        let feed = Feed::new(&program, self.elbo, self.data)?;
        Ok(Stage { evaluator, feed, outputs: program.outputs })
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
pub(super) struct Ascent {
    pub coordinates: Coordinates,
    pub vector: Vec<f64>,
    /// One a turn, or one for all.
    pub optimizers: Vec<Optimizer>,
    pub stop: Stop,
    pub steps: usize,
    /// Draws times rows evaluated.
    pub evaluations: usize,
    baselines: Baselines,
    /// Since the last event that began an interval.
    epoch: Epoch,
}

impl Ascent {
    pub fn new(optimizers: Vec<Optimizer>, coordinates: Coordinates, vector: Vec<f64>, stop: Stop) -> Ascent {
        Ascent {
            coordinates,
            vector,
            optimizers,
            stop,
            steps: 0,
            evaluations: 0,
            baselines: Baselines::default(),
            epoch: Epoch::default(),
        }
    }

    /// What is told of: the last average, or the vector itself where nothing averages.
    pub fn answer(&self) -> Vec<f64> {
        match &self.stop {
            Stop::Never => self.vector.clone(),
            Stop::Levels(levels) => levels.answer(&self.vector),
            Stop::Patience(patience) => patience.answer(&self.vector),
        }
    }

    /// Latents whose sd grew or shrank without end, and which of the two.
    pub fn runaways(&self) -> Vec<(usize, f64)> {
        let scales = self.coordinates.log_scales();
        let far =
            |(latent, at): (usize, &usize)| (self.vector[*at].abs() > RUNAWAY).then_some((latent, self.vector[*at]));
        scales.iter().enumerate().filter_map(far).collect()
    }

    pub fn state(&self) -> State {
        let mut state = State::default();
        state.put("ascent.counts", [self.steps as f64, self.evaluations as f64]);
        state.put("ascent.epoch", [self.epoch.sum, self.epoch.weight, self.epoch.worth]);
        state.put("ascent.params", self.vector.clone());
        for (turn, optimizer) in self.optimizers.iter().enumerate() {
            state.put_part(&named(turn), optimizer.buffers());
        }
        state.put_part("stop", self.stop.buffers());
        state.put_part("coordinates", self.coordinates.buffers());
        state.put_part("baseline", self.baselines.buffers());
        state
    }

    /// Goes back to a state, unless it is empty.
    pub fn restore(&mut self, from: &State) -> Result<(), Failure> {
        if from.is_empty() {
            return Ok(());
        }
        let params = from.get("ascent.params").filter(|params| params.len() == self.vector.len());
        let (Some([steps, evaluations]), Some([sum, weight, worth]), Some(params), true) = (
            from.array("ascent.counts"),
            from.array("ascent.epoch"),
            params,
            self.optimizers.iter_mut().enumerate().all(|(k, one)| one.restore(&from.part(&named(k))))
                && self.stop.restore(&from.part("stop"))
                && self.coordinates.restore(&from.part("coordinates")),
        ) else {
            return Err(foreign());
        };
        self.vector.copy_from_slice(params);
        (self.steps, self.evaluations) = (steps as usize, evaluations as usize);
        self.epoch = Epoch { sum, weight, worth };
        self.baselines.restore(&from.part("baseline"))?;
        Ok(())
    }

    /// Goes on from where it is in coordinates whitened there, with an optimizer that remembers nothing of others.
    fn whiten(&mut self, whitening: &mut Whitening) -> Result<(), Failure> {
        let params = self.coordinates.place(&self.vector).into_owned();
        if let Some(whitened) = whitening.again(&params, self.steps)? {
            self.coordinates = Coordinates::Whitened(whitened);
            self.vector.fill(0.0);
            self.optimizers.iter_mut().for_each(Optimizer::forget);
            if let Stop::Levels(levels) = &mut self.stop {
                levels.moved();
            }
        }
        Ok(())
    }

    /// Follows the gradient to the last step; true where it was told to stop before. The optimizer sees the objective
    /// divided by the rows of the data, so that rates and clipping do not depend on how much data there is.
    pub fn climb(
        &mut self,
        target: &Target,
        settings: &Settings,
        mut whitening: Option<Whitening>,
        watch: &mut dyn Watch,
    ) -> Result<bool, Failure> {
        let mut steps = Steps {
            target,
            settings,
            stages: BTreeMap::new(),
            guard: Guard::new(target.elbo, target.data, target.backend, Given::Guide)?,
            orders: vec![],
            fresh: (None, vec![]),
        };
        let mut compare = Comparison::new(target, settings);
        let mut away = !self.runaways().is_empty();
        while self.steps < settings.steps && !self.stop.has_arrived() && !away {
            steps.make(self)?;
            match &mut self.stop {
                // What it steps towards still moves.
                _ if self.steps < settings.moving => {}
                Stop::Never => {}
                Stop::Levels(levels) => {
                    if levels.after(&mut self.vector)
                        && let Some(whitening) = &mut whitening
                    {
                        self.whiten(whitening)?;
                    }
                }
                Stop::Patience(patience) => {
                    let (step, coordinates) = (self.steps, &self.coordinates);
                    patience.after(&mut self.vector, &mut |a, b| compare.gain(coordinates, step, a, b))?;
                }
            }
            away = !self.runaways().is_empty();
            let last = self.steps == settings.steps || self.stop.has_arrived() || away;
            let last_of_epoch = settings.batches.as_ref().is_some_and(|b| self.steps.is_multiple_of(b.per_epoch()));
            let due = self.steps.is_multiple_of(settings.every);
            let (bound, ess) = (self.epoch.mean(), self.epoch.ess());
            let event = Event { step: self.steps, phase: Phase::Stochastic, bound, ess };
            if last_of_epoch || settings.batches.is_none() && due {
                self.epoch = Epoch::default();
            }
            let state = || self.state();
            let control = match due || last_of_epoch || last {
                true => stepped(watch, &event, &state),
                false => watch.step(&state),
            };
            if control == Control::Stop && !last {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// What the optimizer of a turn is called in a state.
fn named(turn: usize) -> String {
    if turn == 0 { "optimizer".into() } else { format!("optimizer{turn}") }
}

/// What makes the steps of an ascent.
struct Steps<'t, 's> {
    target: &'t Target<'t>,
    settings: &'s Settings,
    /// By the rows of a batch: a ragged last one is a second plan, not a mask.
    stages: BTreeMap<BTreeMap<DimId, usize>, Stage<'t>>,
    guard: Guard<'t>,
    /// Of the rows of each batched dim, in this pass.
    orders: Vec<Vec<u32>>,
    /// The data that are drawn anew each epoch, and the epoch they are of.
    fresh: (Option<u64>, Vec<(usize, Array)>),
}

impl Steps<'_, '_> {
    fn make(&mut self, ascent: &mut Ascent) -> Result<(), Failure> {
        let (settings, step) = (self.settings, ascent.steps);
        let rows = self.rows(step);
        self.redraw(step);
        let size = rows.as_ref().map_or(0, |rows| rows.ids.len());
        let sizes = rows.as_ref().map(Rows::sizes).unwrap_or_default();
        let stage = match self.stages.entry(sizes) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let stage = entry.insert(self.target.stage(settings, rows.as_ref())?);
                stage.feed.redrawn(&self.fresh.1);
                stage
            }
        };
        let draws =
            Draws { seed: settings.seed, stream: Stream::Train, step: step as u64, first: 0, paired: settings.draws };
        let params = ascent.coordinates.place(&ascent.vector);
        stage.feed.give(&params, rows.as_ref());
        stage.feed.beta(settings.beta_at(step));
        stage.feed.noise(draws, rows.as_ref());
        stage.feed.baselines(&mut ascent.baselines, settings.seed);
        if let Some(rows) = &rows {
            stage.feed.rows(rows);
        }
        self.guard.require(&Look {
            values: &params,
            draws: settings.particles,
            noise: Some(draws),
            rows: rows.as_ref(),
        })?;
        let mut outputs = stage.evaluator.run(&stage.feed.slices(&params))?;
        let bound = outputs[0][0];
        let mut gradient = std::mem::take(&mut outputs[1]);
        // Without a way out of the loop it is one pass of wide instructions.
        if !bound.is_finite() || gradient.iter().fold(false, |bad, slope| bad | !slope.is_finite()) {
            let look = Look { values: &params, draws: settings.particles, noise: Some(draws), rows: rows.as_ref() };
            return Err(self.target.not_finite(&look, step));
        }
        let places = stage.feed.moving(rows.as_ref(), &mut gradient);
        ascent.coordinates.pull(&ascent.vector, places.as_deref(), &mut gradient);
        let scale = 1.0 / self.target.data.rows.max(1) as f64;
        let factor = -scale * settings.clip.map_or(1.0, |most| clip([gradient.as_slice()], most / scale));
        let turn = settings.turn(step);
        let schedule = turn.map_or(settings.schedule, |(_, turn)| turn.schedule);
        let rate = ascent.stop.rate() * schedule.at(step as u64, settings.steps as u64);
        let Ascent { vector, optimizers, .. } = ascent;
        match (turn, places) {
            (Some((number, turn)), places) => {
                let places = places.unwrap_or_else(|| (0..vector.len()).collect());
                let moving = places.iter().zip(&gradient).filter(|(at, _)| turn.moves[**at]);
                let (places, gradient): (Vec<usize>, Vec<f64>) = moving.map(|(at, slope)| (*at, *slope)).unzip();
                optimizers[number].descend_rows(&places, rate, factor, vector, &gradient);
            }
            // Rows outside the batch stand still, with their moments.
            (None, Some(places)) => optimizers[0].descend_rows(&places, rate, factor, vector, &gradient),
            (None, None) => {
                let each = |pieces: usize, work: &(dyn Fn(usize) + Sync)| self.target.backend.each(pieces, work);
                optimizers[0].descend_by(&each, rate, factor, vector, &gradient);
            }
        }
        ascent.baselines.learn(&stage.outputs, &outputs);
        ascent.evaluations += settings.particles * size.max(1);
        ascent.steps = step + 1;
        // Batches weighted by their share of the rows, so that an epoch's mean is the whole data's.
        let share = settings.batches.as_ref().zip(rows.as_ref()).map_or(1.0, |(batches, rows)| batches.share(rows));
        let worth = stage.outputs.iter().position(|kind| *kind == OutputKind::EffectiveDraws);
        let worth = worth.map_or(0.0, |at| outputs[at][0]);
        ascent.epoch.add(bound, worth, share);
        Ok(())
    }

    /// Without batches every step sees all rows, and so is an epoch.
    fn redraw(&mut self, step: usize) {
        let redraws = &self.target.data.redraws;
        let epoch = (step / self.settings.batches.as_ref().map_or(1, Batches::per_epoch)) as u64;
        if redraws.is_empty() || self.fresh.0 == Some(epoch) {
            return;
        }
        self.fresh = (Some(epoch), redraws.at(self.settings.seed, epoch));
        for stage in self.stages.values_mut() {
            stage.feed.redrawn(&self.fresh.1);
        }
    }

    fn rows(&mut self, step: usize) -> Option<Rows> {
        let batches = self.settings.batches.as_ref()?;
        if self.orders.is_empty() || batches.turns_at(step) {
            self.orders = batches.orders(self.settings.seed, step);
        }
        Some(batches.at(&self.orders, step))
    }
}
