//! What is told of a fitted guide: the bound on fresh draws, k-hat, corrected answers, posteriors and draws.
//!
//! Draws come in blocks, so that nothing of size draws x rows is held, and are named by their number, so that a second
//! pass sees the same draws.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::batches::Batches;
use super::drive;
use super::feed::{Draws, Feed, Rows};
use super::joint::PlanJoint;
use super::laplace::POINT;
use super::objective;
use super::support::{Guard, Look};
use super::tails::{self, RowTails};
use super::values::Values;
use super::weigh::Sampler;
use super::{Estimate, Failure, LogJoint};
use crate::data::Bound;
use crate::diagnose::convergence::mean_and_variance;
use crate::diagnose::psis::{Importance, Moments};
use crate::diagnose::summary::Summary;
use crate::elbo::{Elbo, Objective, Treatment};
use crate::kernel::noise::Stream;
use crate::model::Auto;
use crate::model::Draws::Independent;
use crate::plan::lower::{self, Batch, Given, Program};
use crate::plan::{Backend, Evaluate, Precision};
use crate::shape::DimId;

/// Draws written to `draws.csv`.
pub(super) const KEPT: usize = 1_000;
/// Draws that summaries are made of, where there are not too many quantities.
pub(super) const SUMMARIZED: usize = 10_000;
/// Arrays of more entries are summarized from fewer draws, and their draws are not kept.
pub const LONGEST: usize = 10_000;
/// A standard error of the bound, in nats, that no one asks to be smaller.
const WELL_KNOWN: f64 = 0.01;
/// Latent dimensions that have a joint k-hat.
const MOST_WEIGHED: usize = 1_000;
/// Working memory of a block of draws, in numbers.
pub(super) const BLOCK: usize = 1 << 20;

/// A fitted guide and what it was fitted to.
pub struct Fitted<'a> {
    pub elbo: &'a Elbo,
    pub data: &'a Bound,
    pub backend: &'a dyn Backend,
    pub precision: Precision,
    pub guide: Guide<'a>,
    /// How rows are weighed, where not all together.
    pub batches: Option<Batches>,
    /// The first row of a batched dim, with those that follow: of such plates nothing is told.
    pub left_out: Option<Rows>,
    /// What multiplied the terms of latents last.
    pub beta: f64,
    pub seed: u64,
    /// How many points the fit evaluated: telling should not cost more than finding.
    pub evaluations: usize,
}

/// What draws are made from.
pub enum Guide<'a> {
    /// The Gaussian that the deterministic path found, and what it learned on fresh draws of it.
    Sampler { sampler: &'a Sampler, bound: Estimate, importance: Option<&'a Importance> },
    /// Parameters of the guide: see `plan::lower::Layout`.
    Params(&'a [f64]),
    /// One point, latents then parameters, with its log joint.
    Point(&'a [f64], f64),
}

/// What the numbers of a quantity are: values, or probabilities of the states of a summed-out site (the last axis).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    Values,
    Probabilities,
}

/// One reported quantity: a site, or a definition of the model that depends on one.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantity {
    pub name: String,
    pub told: Told,
    pub shape: Vec<usize>,
    pub summaries: Vec<Summary>,
    /// By importance weights; absent where k-hat is too large.
    pub corrected: Option<Vec<Moments>>,
}

/// A point parameter at the end of the fit, on its constrained scale.
#[derive(Debug, Clone, PartialEq)]
pub struct PointValue {
    pub name: String,
    pub shape: Vec<usize>,
    pub value: Vec<f64>,
}

/// Kept draws: one row a draw.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    pub log_p: Vec<f64>,
    pub log_q: Vec<f64>,
    /// By quantity, then draw: `draws x entries`.
    pub values: Vec<Vec<f64>>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Posterior {
    /// `None` where the guide is a point, which has no bound.
    pub elbo: Option<Estimate>,
    /// The joint k-hat, or why there is none.
    pub importance: Result<Importance, String>,
    /// k-hats of the rows, where there is no joint one and each row has latents of its own.
    pub tails: Option<RowTails>,
    pub quantities: Vec<Quantity>,
    pub params: Vec<PointValue>,
    pub draws: Table,
}

/// Evaluates, weighs and summarizes.
pub fn tell(fitted: &Fitted) -> Result<Posterior, Failure> {
    let (elbo, importance, log_p, log_q) = match &fitted.guide {
        Guide::Sampler { sampler, bound, importance } => {
            let importance = importance.cloned().ok_or("there is no latent site".to_string());
            let (log_p, log_q) = densities(fitted, sampler)?;
            (Some(*bound), importance, log_p, log_q)
        }
        Guide::Point(_, log_joint) => {
            // Only what the model draws by itself differs from draw to draw.
            let draws = if fitted.elbo.sites.iter().any(|v| v.treatment == Treatment::Leaf) { KEPT } else { 1 };
            (None, Err(POINT.to_string()), vec![*log_joint; draws], vec![0.0; draws])
        }
        Guide::Params(_) => {
            let weights = Weights::of(fitted)?;
            let point = fitted.elbo.model.guide.auto == Some(Auto::Map);
            let importance = match &fitted.batches {
                _ if point => Err(POINT.to_string()),
                Some(_) => Err("rows are batched, so there is no joint weight of a draw".to_string()),
                None if fitted.elbo.sites.is_empty() => Err("there is no latent site".to_string()),
                None if weights.latents > MOST_WEIGHED => {
                    Err(format!("{} latent dimensions are more than 1,000", weights.latents))
                }
                None => Ok(Importance::from_log_weights(&weights.log_weights())),
            };
            (Some(weights.bound(fitted)?).filter(|_| !point), importance, weights.log_p, weights.log_q)
        }
    };
    let (quantities, params, mut draws) =
        Values::of(fitted)?.summarize(importance.as_ref().ok().filter(|i| i.usable()), log_p.len())?;
    let tails = match (&fitted.guide, &importance) {
        (Guide::Params(params), Err(_)) if !fitted.elbo.sites.is_empty() => tails::tails(fitted, params)?.ok(),
        _ => None,
    };
    draws.log_p = log_p.into_iter().take(KEPT).collect();
    draws.log_q = log_q.into_iter().take(KEPT).collect();
    Ok(Posterior { elbo, importance, tails, quantities, params, draws })
}

/// log p and log q of the kept draws of a sampler, on the unconstrained scale.
fn densities(fitted: &Fitted, sampler: &Sampler) -> Result<(Vec<f64>, Vec<f64>), Failure> {
    let mut joint = PlanJoint::new(fitted.elbo, fitted.data, fitted.backend)?;
    let kept = if joint.latents() == 0 { 1 } else { KEPT };
    let mut points = vec![0.0; kept * joint.layout.point()];
    let (mut log_p, mut log_q) = (vec![0.0; kept], vec![0.0; kept]);
    sampler.fill(0, &mut points, &mut log_q);
    joint.values(&points, &mut log_p)?;
    Ok((log_p, log_q))
}

/// log p and log q over the whole data, draw by draw.
struct Weights {
    log_p: Vec<f64>,
    log_q: Vec<f64>,
    latents: usize,
}

impl Weights {
    fn of(fitted: &Fitted) -> Result<Weights, Failure> {
        match &fitted.batches {
            None => Weights::of_whole_data(fitted),
            Some(batches) => Weights::by_rows(fitted, batches),
        }
    }

    fn of_whole_data(fitted: &Fitted) -> Result<Weights, Failure> {
        let nets = fitted.elbo.model.params.iter().any(|param| param.net.is_some());
        let latents = lower::drawn(fitted.elbo, fitted.data)?;
        // With nets a fifth of the fit; else what k-hat needs, counted so that the answer does not depend on a clock.
        let wanted = match (fitted.elbo.sites.is_empty(), nets || latents > MOST_WEIGHED) {
            (true, _) => 1,
            (false, true) => (fitted.evaluations / 5).clamp(KEPT, SUMMARIZED),
            (false, false) => fitted.evaluations.clamp(10_000, 100_000),
        };
        let mut weights = Weights { log_p: vec![], log_q: vec![], latents };
        let mut guard = Guard::new(fitted.elbo, fitted.data, fitted.backend, Given::Guide)?;
        let mut block =
            Block::new(fitted, wanted, |draws| lower::weights(fitted.elbo, fitted.data, &Batch::draws(draws)))?;
        while weights.log_p.len() < wanted {
            let take = block.draws.min(wanted - weights.log_p.len());
            block.require(fitted, &mut guard, weights.log_p.len(), None)?;
            let outputs = block.run(fitted, weights.log_p.len(), None)?;
            weights.log_p.extend(&outputs[0][..take]);
            weights.log_q.extend(&outputs[1][..take]);
        }
        Ok(weights)
    }

    /// Rows in blocks: terms of a batch carry N/|batch|, so the sum over blocks weighted by |batch|/N is the whole data's.
    fn by_rows(fitted: &Fitted, batches: &Batches) -> Result<Weights, Failure> {
        let draws = (fitted.evaluations / (5 * batches.rows)).clamp(4, 1_000);
        let mut weights = Weights { log_p: vec![0.0; draws], log_q: vec![0.0; draws], latents: usize::MAX };
        let program = |rows: &Rows| {
            let batch = Batch { draws, rows: rows.sizes() };
            lower::weights(fitted.elbo, fitted.data, &batch)
        };
        let mut guard = Guard::new(fitted.elbo, fitted.data, fitted.backend, Given::Guide)?;
        let mut blocks: Vec<(BTreeMap<DimId, usize>, Block)> = vec![];
        for rows in batches.in_order() {
            let sizes = rows.sizes();
            if blocks.iter().all(|(have, _)| *have != sizes) {
                blocks.push((sizes.clone(), Block::exactly(fitted, draws, program(&rows)?)?));
            }
            let Some((_, block)) = blocks.iter_mut().find(|(have, _)| *have == sizes) else { continue };
            block.require(fitted, &mut guard, 0, Some(&rows))?;
            let outputs = block.run(fitted, 0, Some(&rows))?;
            let share = batches.share(&rows);
            weights.log_p.iter_mut().zip(&outputs[0]).for_each(|(sum, part)| *sum += share * part);
            weights.log_q.iter_mut().zip(&outputs[1]).for_each(|(sum, part)| *sum += share * part);
        }
        Ok(weights)
    }

    fn log_weights(&self) -> Vec<f64> {
        self.log_p.iter().zip(&self.log_q).map(|(p, q)| p - q).collect()
    }

    /// The mean log weight, or that of the bound with its closed forms where it is known better.
    fn bound(&self, fitted: &Fitted) -> Result<Estimate, Failure> {
        let sampled = self.estimate();
        let plain = drive::tempered(fitted.elbo).is_none() && matches!(fitted.elbo.objective, Objective::Elbo { .. });
        let Guide::Params(params) = &fitted.guide else { return Ok(sampled) };
        if !plain || sampled.se <= WELL_KNOWN {
            return Ok(sampled);
        }
        let closed = objective::value(fitted, params)?;
        Ok(if closed.se < sampled.se { closed } else { sampled })
    }

    fn estimate(&self) -> Estimate {
        let logs = self.log_weights();
        if logs.len() == 1 {
            return Estimate { mean: logs[0], se: 0.0 };
        }
        let (mean, variance) = mean_and_variance(&logs);
        Estimate { mean, se: (variance / logs.len() as f64).sqrt() }
    }
}

/// A program made for so many draws at once, with its buffers.
pub(super) struct Block<'a> {
    pub program: Program,
    evaluator: Box<dyn Evaluate>,
    feed: Feed<'a>,
    pub draws: usize,
}

impl<'a> Block<'a> {
    /// As many draws at once as fit the working memory.
    pub fn new(
        fitted: &Fitted<'a>,
        wanted: usize,
        make: impl Fn(usize) -> Result<Program, lower::Trouble>,
    ) -> Result<Block<'a>, Failure> {
        let one = make(1)?;
        let largest = one.plan.nodes.iter().map(|(_, node)| node.shape.iter().product()).max().unwrap_or(1);
        let draws = (BLOCK / largest.max(1)).clamp(1, 1_024).min(wanted.max(1));
        let program = if draws == 1 { one } else { make(draws)? };
        Block::exactly(fitted, draws, program)
    }

    pub fn exactly(fitted: &Fitted<'a>, draws: usize, program: Program) -> Result<Block<'a>, Failure> {
        let evaluator = fitted.backend.prepare(&program.plan, fitted.precision)?;
        let feed = Feed::new(&program, fitted.elbo, fitted.data)?;
        Ok(Block { program, evaluator, feed, draws })
    }

    /// The same draws leave no support.
    fn require(&self, fitted: &Fitted, guard: &mut Guard, first: usize, rows: Option<&Rows>) -> Result<(), Failure> {
        let Guide::Params(values) = fitted.guide else { return Ok(()) };
        guard.require(&Look { values, draws: self.draws, noise: Some(draws_from(fitted, first)), rows })
    }

    pub fn run(&mut self, fitted: &Fitted, first: usize, rows: Option<&Rows>) -> Result<Vec<Vec<f64>>, Failure> {
        let values: Cow<[f64]> = match &fitted.guide {
            Guide::Params(params) => Cow::Borrowed(params),
            Guide::Point(point, _) => point.repeat(self.draws).into(),
            Guide::Sampler { sampler, .. } => {
                let mut points = vec![0.0; self.draws * self.program.layout.point()];
                sampler.fill(first, &mut points, &mut vec![0.0; self.draws]);
                points.into()
            }
        };
        self.feed.give(&values, rows.filter(|_| matches!(fitted.guide, Guide::Params(_))));
        self.feed.noise(draws_from(fitted, first), rows);
        if let Some(rows) = rows {
            self.feed.rows(rows);
        }
        Ok(self.evaluator.run(&self.feed.slices(&values))?)
    }
}

/// The names of the draws that are told of.
fn draws_from(fitted: &Fitted, first: usize) -> Draws {
    Draws { seed: fitted.seed, stream: Stream::Evaluate, step: 0, first, paired: Independent }
}
