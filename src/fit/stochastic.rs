//! The stochastic path: steps along noisy gradients of the bound as printed, for a fixed number of steps or epochs.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::batches::Batches;
use super::feed::{Draws, Feed, Rows};
use super::optimizer::{Optimizer, clip};
use super::schedule::Schedule;
use super::support::{Guard, Look};
use super::{Control, Event, Failure, Listener, Phase};
use crate::data::Bound;
use crate::elbo::Elbo;
use crate::kernel::noise::Stream;
use crate::plan::lower::{self, Batch, Given};
use crate::plan::{Backend, Evaluate, Precision};
use crate::problem::Problem;

/// How far and how fast.
pub struct Settings {
    pub seed: u64,
    pub steps: usize,
    /// Independent copies of the whole objective a step.
    pub particles: usize,
    pub schedule: Schedule,
    /// Largest norm of the gradient of the objective divided by rows.
    pub clip: Option<f64>,
    pub batches: Option<Batches>,
    /// Steps between events: one readback an interval.
    pub every: usize,
}

/// Where a fit with noisy gradients ended.
pub struct Outcome {
    pub params: Vec<f64>,
    pub steps: usize,
    /// Stopped by the listener before its time.
    pub stopped: bool,
    /// Draws times rows evaluated.
    pub evaluations: usize,
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
        let program = lower::bound(self.elbo, self.data, &batch)?;
        let evaluator = self.backend.prepare(&program.plan, self.precision)?;
        Ok(Stage { evaluator, feed: Feed::new(&program, self.elbo, self.data) })
    }
}

/// Follows the gradient from `params`. The optimizer sees the objective divided by the rows of the data, so that rates
/// and clipping do not depend on how much data there is.
pub fn ascend(
    target: &Target,
    settings: &Settings,
    mut params: Vec<f64>,
    optimizer: &mut Optimizer,
    listen: &mut Listener,
) -> Result<Outcome, Failure> {
    // A ragged last batch is a second plan, not a mask.
    let mut stages: BTreeMap<usize, Stage> = BTreeMap::new();
    let mut guard = Guard::new(target.elbo, target.data, target.backend, Given::Guide)?;
    let scale = -1.0 / target.data.rows.max(1) as f64;
    let mut order = Vec::new();
    let mut epoch = Epoch::default();
    let mut gradient = vec![0.0; params.len()];
    let mut outcome = Outcome { params: vec![], steps: 0, stopped: false, evaluations: 0 };
    for step in 0..settings.steps {
        let rows = settings.batches.map(|batches| {
            if step % batches.per_epoch() == 0 {
                order = batches.order(settings.seed, (step / batches.per_epoch()) as u64);
            }
            batches.at(&order, step)
        });
        let size = rows.as_ref().map_or(0, |rows| rows.ids.len());
        let stage = match stages.entry(size) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(target.stage(settings, rows.as_ref())?),
        };
        let draws = Draws { seed: settings.seed, stream: Stream::Train, step: step as u64, first: 0 };
        stage.feed.give(&params);
        stage.feed.noise(draws, rows.as_ref());
        if let Some(rows) = &rows {
            stage.feed.rows(rows)?;
        }
        let look = Look { values: &params, draws: settings.particles, noise: Some(draws), rows: rows.as_ref() };
        guard.require(&look)?;
        let outputs = stage.evaluator.run(&stage.feed.slices())?;
        let bound = outputs[0][0];
        gradient.iter_mut().zip(&outputs[1]).for_each(|(g, d)| *g = scale * d);
        if !bound.is_finite() || gradient.iter().any(|g| !g.is_finite()) {
            return Err(not_finite(step));
        }
        let factor = settings.clip.map_or(1.0, |most| clip([gradient.as_slice()], most));
        let rate = settings.schedule.at(step as u64, settings.steps as u64);
        optimizer.descend(rate, factor, &mut params, &gradient);
        outcome.evaluations += settings.particles * size.max(1);
        outcome.steps = step + 1;
        // Batches weighted by their share of the rows, so that an epoch's mean is the whole data's.
        epoch.add(bound, settings.batches.map_or(1.0, |b| size as f64 / b.rows as f64));
        let last_of_epoch = settings.batches.is_some_and(|b| (step + 1) % b.per_epoch() == 0);
        if (step + 1) % settings.every == 0 || last_of_epoch || step + 1 == settings.steps {
            let event = Event { step: step + 1, phase: Phase::Stochastic, bound: epoch.mean() };
            if listen(&event) == Control::Stop {
                outcome.stopped = step + 1 < settings.steps;
                break;
            }
        }
        if last_of_epoch || settings.batches.is_none() && (step + 1) % settings.every == 0 {
            epoch = Epoch::default();
        }
    }
    outcome.params = params;
    Ok(outcome)
}

/// The mean of the bound over an interval.
#[derive(Default)]
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

fn not_finite(step: usize) -> Failure {
    Failure::from(
        Problem::error("ppl::fit::not_finite", format!("the bound or its gradient is not finite at step {}", step + 1))
            .help(
                "try a smaller rate (`--lr 1e-3`), gradient clipping (`--clip 10`), or another start (`--init zero`)",
            ),
    )
}
