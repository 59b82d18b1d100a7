//! Finding the guide that makes the bound largest; sees evaluators only, prints nothing.

use crate::problem::{Bug, Problem};

mod ascend;
pub mod baselines;
pub mod batches;
mod blame;
mod blocks;
mod chart;
mod checkpoint;
mod compare;
mod coordinates;
pub mod deterministic;
mod draws;
pub mod drive;
mod epoch;
pub mod feed;
mod flat;
pub mod gaussian;
pub mod held_out;
pub mod initial;
pub mod joint;
pub mod lbfgs;
pub mod limits;
mod laplace;
mod levels;
mod linear;
pub mod lowrank;
pub mod measure;
mod mode;
pub mod named;
mod objective;
pub mod optimizer;
mod paired;
mod patience;
pub mod place;
pub mod posterior;
pub mod schedule;
mod stage;
mod start;
mod starts;
pub mod state;
mod stochastic;
mod stop;
pub mod support;
pub mod tails;
mod target;
mod values;
mod warm;
mod warnings;
pub mod weigh;

pub use limits::limits;
pub use state::State;

/// The log joint on the unconstrained scale, with the log-determinants of the maps, for many points at once.
pub trait LogJoint {
    /// Coordinates of latent sites; they come first in a point.
    fn latents(&self) -> usize;

    /// Unconstrained coordinates of point parameters; they come after the latents.
    fn params(&self) -> usize;

    /// `points` is draws x (latents + params), row-major; fills `value`, one a draw, and `gradient`, shaped like it.
    /// A point outside a support has a value that is not finite; that is no failure.
    fn eval(&mut self, points: &[f64], value: &mut [f64], gradient: &mut [f64]) -> Result<(), Failure>;

    /// About how many numbers one point's evaluation makes: what decides how many draws are cheap.
    fn work(&self) -> usize {
        usize::MAX
    }

    /// Values alone, where an evaluator has a cheaper way to them. Must agree with `eval`.
    fn values(&mut self, points: &[f64], value: &mut [f64]) -> Result<(), Failure> {
        let mut gradient = vec![0.0; points.len()];
        self.eval(points, value, &mut gradient)
    }
}

/// Why a fit ended without an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Failure {
    /// No finite value and gradient at the start, nor at this many random points.
    NoStart {
        tries: usize,
    },
    /// The machine failed, or a value left a support that could not be proven: told in full by who knows.
    Problem(Box<Problem>),
    Bug(Bug),
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Failure {
        Failure::Problem(Box::new(problem))
    }
}

impl From<crate::plan::Failure> for Failure {
    fn from(failure: crate::plan::Failure) -> Failure {
        match failure {
            crate::plan::Failure::Bug(bug) => Failure::Bug(bug),
            crate::plan::Failure::Device(what) => Failure::from(
                Problem::error("ppl::fit::device", format!("the device failed: {what}"))
                    .help("try another backend, as in `--backend cpu`, or a smaller batch"),
            ),
        }
    }
}

impl From<crate::plan::lower::Trouble> for Failure {
    fn from(trouble: crate::plan::lower::Trouble) -> Failure {
        match trouble {
            crate::plan::lower::Trouble::Bug(bug) => Failure::Bug(bug),
            limitation => Failure::from(Problem::from(limitation)),
        }
    }
}

impl From<Bug> for Failure {
    fn from(bug: Bug) -> Failure {
        Failure::Bug(bug)
    }
}

/// What a fit is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Looking for a place to start from.
    Start,
    /// Optimizing the bound over fixed draws: which stage, and how many draws.
    Stage { stage: usize, draws: usize },
    /// Checking a stage on fresh draws.
    Check { stage: usize },
    /// Weighing draws of the final guide.
    Weigh,
    /// Steps along noisy gradients.
    Stochastic,
    /// Looking for the mode of the log joint.
    Mode,
}

/// What is heard from a fit while it runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Event {
    pub step: usize,
    pub phase: Phase,
    /// The bound as known here: over fixed draws, or noisy. Not what is reported in the end.
    pub bound: f64,
    /// How many draws of equal weight those of a row are worth, where draws are weighed.
    pub ess: Option<f64>,
}

/// What the listener wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    Continue,
    /// Stop after this step, keeping what there is.
    Stop,
}

pub type Listener<'a> = dyn FnMut(&Event) -> Control + 'a;

/// Who watches a fit: a listener, or one who also keeps its states.
pub trait Watch {
    /// Hears what a fit is doing, now and then.
    fn event(&mut self, event: &Event) -> Control;

    /// Asked after every step. `state` makes the state as it is now, which costs a copy of it; a fit that is told to stop
    /// makes no further step.
    fn step(&mut self, _state: &dyn Fn() -> State) -> Control {
        Control::Continue
    }

    /// Told that no further step comes before what was found is told of, and the state that leaves.
    fn end(&mut self, _state: &dyn Fn() -> State) {}
}

impl<F: FnMut(&Event) -> Control> Watch for F {
    fn event(&mut self, event: &Event) -> Control {
        self(event)
    }
}

/// After a step that is worth an event: both may stop the fit.
fn stepped(watch: &mut dyn Watch, event: &Event, state: &dyn Fn() -> State) -> Control {
    match (watch.event(event), watch.step(state)) {
        (Control::Continue, Control::Continue) => Control::Continue,
        _ => Control::Stop,
    }
}

/// A number with its Monte Carlo standard error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    pub mean: f64,
    pub se: f64,
}

/// A joint Gaussian guide on the unconstrained scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GaussianFamily {
    MeanField,
    FullRank,
    /// A diagonal and so many columns.
    LowRank(usize),
}

#[cfg(test)]
mod tests;
