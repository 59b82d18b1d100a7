//! The deterministic path: a Gaussian guide by L-BFGS on the bound over fixed draws.
//!
//! Giordano, Ingram & Broderick, "Black box variational inference with a deterministic objective: faster, more
//! accurate, and even more black box" (JMLR 25, 2024), with whitening, draws matched to second moments, and stages of
//! twice as many draws until fresh draws agree.

use nalgebra::DMatrix;

use super::chart::{Chart, inverse_root};
use super::draws::Draws;
use super::flat::flat;
use super::gaussian::{Average, Cross, Guide, Scale};
use super::lbfgs::Advance;
use super::lowrank::LowRank;
use super::stage::{self, MOST_STAGES, Stage};
use super::start::Start;
use super::target::Target;
use super::weigh::{KHAT_DRAWS, MOST_DRAWS, Sampler, weigh};
use super::{Control, Estimate, Event, Failure, GaussianFamily, LogJoint, Phase, State, Watch, stepped};
use crate::diagnose::psis::Importance;
use crate::kernel::noise::{Key, Stream};
use crate::problem::Bug;

/// Two stages in which a log sd moved this far found no scale.
const RUNAWAY: f64 = 20.0;
/// The growth of a log sd that counts as growing at a stage.
const GROWTH: f64 = 0.2;

/// What is to be fitted.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    pub family: GaussianFamily,
    pub seed: u64,
    /// Latents, then parameters, on the unconstrained scale. Latents start at 0 by default.
    pub start: Vec<f64>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The guide with its parameters, and its draws by number.
    pub sampler: Sampler,
    /// On fresh independent draws. Without latents, the log likelihood itself.
    pub bound: Estimate,
    /// From the same draws; `None` without latents.
    pub importance: Option<Importance>,
    /// Fresh draws agreed with the fixed ones. False also where a listener stopped the fit.
    pub converged: bool,
    pub stopped: bool,
    /// Iterations of L-BFGS.
    pub steps: usize,
    pub stages: usize,
    /// Points evaluated, with those that only judged the result.
    pub evaluations: u64,
    /// Latent coordinates whose sd grew at every stage, or without end, or along which nothing changes the log joint.
    pub improper: Vec<usize>,
    /// The objective was still rising without end when the search ran out: an unbounded likelihood.
    pub singular: bool,
}

/// A fit between two iterations: all that the rest of it depends on.
#[derive(Debug, Clone, PartialEq)]
pub struct Deterministic {
    pub(super) settings: Settings,
    pub(super) steps: usize,
    pub(super) evaluations: u64,
    pub(super) progress: Progress,
    /// How much each log sd grew, stage by stage.
    pub(super) growth: Vec<Vec<f64>>,
    /// How the search ended, once it did: nothing is left but to tell what was found.
    pub(super) ended: Option<Ending>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Progress {
    New,
    Starting(Start),
    Stage(Stage),
}

/// What a fit has cost so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spent {
    pub steps: usize,
    pub evaluations: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Converged,
    GaveUp,
    Stopped,
}

impl Deterministic {
    pub fn new(settings: Settings) -> Deterministic {
        Deterministic { settings, steps: 0, evaluations: 0, progress: Progress::New, growth: vec![], ended: None }
    }

    /// A fit that counts on from what others have cost.
    pub fn after(spent: Spent, settings: Settings) -> Deterministic {
        let mut fit = Deterministic::new(settings);
        fit.spend(spent);
        fit
    }

    pub fn spent(&self) -> Spent {
        Spent { steps: self.steps, evaluations: self.evaluations }
    }

    pub fn spend(&mut self, spent: Spent) {
        self.steps = spent.steps;
        self.evaluations = spent.evaluations;
    }

    /// Searches for a place to start from and no further: the bound of the best local Gaussian. `run` goes on from there.
    pub fn begin(&mut self, joint: &mut dyn LogJoint, watch: &mut dyn Watch) -> Result<f64, Failure> {
        let mut target = Target::new(joint);
        target.evaluations = self.evaluations;
        loop {
            match &mut self.progress {
                Progress::New => self.progress = self.first(&mut target)?,
                Progress::Starting(start) => {
                    if start.advance(&mut target)? == Advance::Stuck {
                        break;
                    }
                    if self.step(&target, Phase::Start, watch) == Control::Stop {
                        break;
                    }
                }
                Progress::Stage(_) => break,
            }
        }
        self.evaluations = target.evaluations;
        Ok(self.bound())
    }

    fn first(&self, target: &mut Target) -> Result<Progress, Failure> {
        Ok(Progress::Starting(Start::new(target, &self.settings.start, self.settings.seed)?))
    }

    /// Goes on from where it is to the end, or until it is told to stop: then it can be called again.
    pub fn run(&mut self, joint: &mut dyn LogJoint, watch: &mut dyn Watch) -> Result<Outcome, Failure> {
        let mut target = Target::new(joint);
        target.evaluations = self.evaluations;
        let ending = match self.ended {
            Some(ending) => ending,
            None => self.drive(&mut target, watch)?,
        };
        self.ended = Some(ending).filter(|ending| *ending != Ending::Stopped);
        self.evaluations = target.evaluations;
        watch.end(&|| State { buffers: self.buffers() });
        watch.event(&Event { step: self.steps, phase: Phase::Weigh, bound: f64::NAN, ess: None });
        self.finish(&mut target, ending)
    }

    /// What is found so far, by who makes no further step.
    pub fn stop(&self, joint: &mut dyn LogJoint) -> Result<Outcome, Failure> {
        let mut target = Target::new(joint);
        target.evaluations = self.evaluations;
        self.finish(&mut target, Ending::Stopped)
    }

    /// Counts a step that was made, and says so.
    fn step(&mut self, target: &Target, phase: Phase, watch: &mut dyn Watch) -> Control {
        self.steps += 1;
        self.evaluations = target.evaluations;
        let event = Event { step: self.steps, phase, bound: self.bound(), ess: None };
        stepped(watch, &event, &|| State { buffers: self.buffers() })
    }

    /// The bound as the search knows it.
    pub fn bound(&self) -> f64 {
        match &self.progress {
            Progress::New => f64::NEG_INFINITY,
            Progress::Starting(start) => start.best.bound,
            Progress::Stage(stage) => stage.value(),
        }
    }

    fn drive(&mut self, target: &mut Target, watch: &mut dyn Watch) -> Result<Ending, Failure> {
        loop {
            let (advance, phase) = match &mut self.progress {
                Progress::New => {
                    self.progress = self.first(target)?;
                    continue;
                }
                Progress::Starting(start) => (start.advance(target)?, Phase::Start),
                Progress::Stage(stage) => {
                    let phase = Phase::Stage { stage: stage.number, draws: 2 * stage.draws.pairs() };
                    (stage.advance(target)?, phase)
                }
            };
            if advance == Advance::Stuck {
                match self.next(target)? {
                    Some(ending) => return Ok(ending),
                    None => continue,
                }
            }
            if self.step(target, phase, watch) == Control::Stop {
                return Ok(Ending::Stopped);
            }
        }
    }

    /// From one stage to the next; says how the fit ended where it did.
    fn next(&mut self, target: &mut Target) -> Result<Option<Ending>, Failure> {
        let seed = self.settings.seed;
        let (chart, number) = match &self.progress {
            Progress::New => return Ok(None),
            Progress::Starting(start) => (first_chart(start, self.settings.family), 0),
            Progress::Stage(stage) => {
                let guide = stage.guide();
                self.growth.push(stage.growth(&guide));
                let begun =
                    matches!((self.settings.family, &guide.scale), (GaussianFamily::LowRank(_), Scale::Diagonal(_)));
                if !begun && stage.settled(&guide, target, seed)? {
                    return Ok(Some(Ending::Converged));
                }
                if !self.runaways().is_empty() || stage.number + 1 == MOST_STAGES {
                    return Ok(Some(Ending::GaveUp));
                }
                let curvature = stage.curvature(&guide, target)?;
                let mut guide = guide;
                // Columns join what independent factors found: from elsewhere they may lead to a worse optimum than that.
                if let (GaussianFamily::LowRank(rank), Scale::Diagonal(_)) = (self.settings.family, &guide.scale) {
                    guide.scale = Scale::LowRank(LowRank::along(&of_latents(&curvature, &guide), rank));
                }
                (Chart::new(guide, &curvature), stage.number + 1)
            }
        };
        self.progress = Progress::Stage(Stage::new(number, chart, target, seed)?);
        Ok(None)
    }

    fn finish(&self, target: &mut Target, ending: Ending) -> Result<Outcome, Failure> {
        let (guide, stages) = match &self.progress {
            Progress::Stage(stage) => (stage.guide(), stage.number + 1),
            Progress::Starting(start) => (start.best.guide.clone(), 0),
            Progress::New => return Err(Bug("a fit ended before it began".into()).into()),
        };
        let fitting = usize::try_from(target.evaluations).unwrap_or(usize::MAX);
        // Who stops a fit does not wait for a better estimate of what it was.
        let (count, most) = match ending {
            Ending::Stopped => (*KHAT_DRAWS.start(), *KHAT_DRAWS.start()),
            _ => (fitting.max(target.cheap()).clamp(*KHAT_DRAWS.start(), *KHAT_DRAWS.end()), MOST_DRAWS),
        };
        let average = Average::over(&last_draws(&guide, self.settings.seed)?, &guide, target, Cross::Full)?;
        let mut improper = self.improper(ending);
        improper.extend(flat(&guide, &average));
        improper.sort_unstable();
        improper.dedup();
        let sampler = Sampler::new(guide, self.settings.seed);
        let (bound, importance) = if target.latents == 0 {
            (Estimate { mean: average.value, se: 0.0 }, None)
        } else {
            let weighed = weigh(target, &sampler, &average, count, most)?;
            (weighed.bound, Some(weighed.importance))
        };
        Ok(Outcome {
            sampler,
            bound,
            importance,
            converged: ending == Ending::Converged,
            stopped: ending == Ending::Stopped,
            steps: self.steps,
            stages,
            evaluations: target.evaluations,
            improper,
            singular: self.singular(ending),
        })
    }

    /// Latents whose sd moved without end, and the same way, in the last two stages: a bad start alone takes one.
    fn runaways(&self) -> Vec<(usize, f64)> {
        let [.., before, last] = self.growth.as_slice() else { return vec![] };
        let far = |(i, (a, b)): (usize, (&f64, &f64))| {
            (a.abs().min(b.abs()) > RUNAWAY && a.signum() == b.signum()).then_some((i, *b))
        };
        before.iter().zip(last).enumerate().filter_map(far).collect()
    }

    /// Latents whose sd ran away, or grew at every one of at least three stages without an end in sight.
    fn improper(&self, ending: Ending) -> Vec<usize> {
        let endless = |i: &usize| self.growth.len() >= 3 && self.growth.iter().all(|stage| stage[*i] > GROWTH);
        let latents = if ending == Ending::GaveUp { self.growth.first().map_or(0, Vec::len) } else { 0 };
        let runaways = self.runaways();
        (0..latents).filter(|i| endless(i) || runaways.iter().any(|(j, growth)| i == j && *growth > 0.0)).collect()
    }

    /// The objective rose steeply to the last: it has no maximum to be found.
    fn singular(&self, ending: Ending) -> bool {
        match &self.progress {
            Progress::Stage(stage) if ending == Ending::GaveUp => {
                let collapsed = self.runaways().iter().any(|(_, growth)| *growth < 0.0);
                collapsed || stage.pinned() || (!stage.chart.guide.params.is_empty() && stage.steep())
            }
            _ => false,
        }
    }
}

/// The best start, in the family that is fitted.
fn first_chart(start: &Start, family: GaussianFamily) -> Chart {
    let mut guide = start.best.guide.clone();
    if family == GaussianFamily::FullRank {
        guide.scale = Scale::Factor(inverse_root(&of_latents(&start.best.curvature, &guide)));
    }
    Chart::new(guide, &start.best.curvature)
}

/// The part of a curvature that is about latents alone.
fn of_latents(curvature: &DMatrix<f64>, guide: &Guide) -> DMatrix<f64> {
    let latents = guide.mean.len();
    curvature.view((0, 0), (latents, latents)).clone_owned()
}

/// Draws that no stage has used, for what is told about the final guide.
pub(super) fn last_draws(guide: &Guide, seed: u64) -> Result<Draws, Failure> {
    let noise = Key { seed, stream: Stream::Evaluate, step: u64::MAX, site: 1 }.noise();
    let width = guide.noise_width();
    Ok(Draws::matched(noise, width, stage::pairs(width))?)
}
