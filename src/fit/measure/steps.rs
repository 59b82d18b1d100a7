//! Gradients at one place, each by noise of its own: what a fit would step along if it stood still.

use super::Task;
use super::moments::{Moments, Spread};
use crate::elbo::{Elbo, particles};
use crate::fit::Failure;
use crate::fit::baselines::Baselines;
use crate::fit::feed::{Draws, Feed, Rows};
use crate::kernel::noise::Stream;
use crate::model;
use crate::plan::Evaluate;
use crate::plan::lower::{self, Batch, InputKind, OutputKind};

/// The noise of what others are held against, and of what baselines learn from, is no other's.
pub const REFERENCE: u64 = 1 << 40;
const LEARNING: u64 = 1 << 41;

/// A program at some parameters, and what its steps have learned.
pub struct Steps<'a> {
    evaluator: Box<dyn Evaluate>,
    feed: Feed<'a>,
    inputs: Vec<InputKind>,
    outputs: Vec<OutputKind>,
    baselines: Baselines,
    params: &'a [f64],
    rows: Option<&'a Rows>,
    seed: u64,
    paired: model::Draws,
    work: usize,
    len: usize,
}

impl<'a> Steps<'a> {
    pub fn new(task: &'a Task, elbo: &'a Elbo, rows: Option<&'a Rows>) -> Result<Steps<'a>, Failure> {
        let sizes = rows.map(Rows::sizes).unwrap_or_default();
        let program = lower::step(elbo, task.data, &Batch { draws: particles::draws(elbo), rows: sizes })?;
        let work = program.plan.nodes.iter().map(|(_, node)| node.shape.iter().product::<usize>()).sum();
        let evaluator = task.backend.prepare(&program.plan, task.backend.widest())?;
        let mut feed = Feed::new(&program, elbo, task.data)?;
        feed.give(task.params, rows);
        feed.beta(1.0);
        if let Some(rows) = rows {
            feed.rows(rows);
        }
        Ok(Steps {
            evaluator,
            feed,
            len: program.layout.guide(),
            inputs: program.inputs,
            outputs: program.outputs,
            baselines: Baselines::default(),
            params: task.params,
            rows,
            seed: task.seed,
            paired: elbo.model.fit.draws.unwrap_or(model::Draws::Independent),
            work,
        })
    }

    /// How many numbers one gradient makes.
    pub fn work(&self) -> usize {
        self.work
    }

    /// Whether two gradients differ.
    pub fn noisy(&self) -> bool {
        use InputKind::*;
        self.inputs.iter().any(|kind| matches!(kind, AutoNoise | Noise { .. } | Dream { .. } | Dropout { .. }))
    }

    /// Lets baselines learn, where there are some, from noise that nothing is measured by.
    pub fn learn(&mut self, steps: usize) -> Result<(), Failure> {
        let learned = |kind: &InputKind| matches!(kind, InputKind::Baseline(_) | InputKind::BaselineNet { .. });
        if self.inputs.iter().any(learned) {
            for step in 0..steps {
                self.gradient(LEARNING + step as u64)?;
            }
        }
        Ok(())
    }

    /// Of so many gradients, the noise of which is numbered from `first` on. Baselines go on learning, as in a fit.
    pub fn moments(&mut self, first: u64, count: usize, spread: Option<Spread>) -> Result<Moments, Failure> {
        let mut moments = Moments::new(self.len, spread);
        for step in 0..count {
            let gradient = self.gradient(first + step as u64)?;
            moments.add(&gradient);
        }
        Ok(moments)
    }

    fn gradient(&mut self, step: u64) -> Result<Vec<f64>, Failure> {
        let draws = Draws { seed: self.seed, stream: Stream::Train, step, first: 0, paired: self.paired };
        self.feed.noise(draws, self.rows);
        self.feed.baselines(&mut self.baselines, self.seed);
        let mut outputs = self.evaluator.run(&self.feed.slices(self.params))?;
        self.baselines.learn(&self.outputs, &outputs);
        Ok(outputs.swap_remove(1))
    }
}
