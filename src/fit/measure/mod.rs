//! Gradient estimators measured: at every site each that is legal there, by its bias, variance and cost at some
//! parameters, all else being as it is in a fit.
//!
//! All see the same rows and the same noise, so that what differs is the estimator. The reference is the gradient in which
//! every site is enumerated that can be; where that leaves nothing to chance it is exact, and else the mean of a long run.

use super::batches::Batches;
use super::feed::Rows;
use super::{Estimate, Failure, drive, limits};
use crate::data::Bound;
use crate::elbo::menu::{self, Offer};
use crate::elbo::{Elbo, Objective, Treatment, derive, tables};
use crate::math::SiteId;
use crate::model::{Auto, Request};
use crate::plan::Backend;
use crate::plan::lower::Layout;
use crate::problem::Problem;
use crate::shape::{DimId, Size};

mod moments;
mod steps;

use moments::{Moments, Spread};
use steps::Steps;

/// Estimators to be measured at some parameters.
pub struct Task<'a> {
    pub elbo: &'a Elbo,
    pub data: &'a Bound,
    pub backend: &'a dyn Backend,
    /// See `plan::lower::Layout`.
    pub params: &'a [f64],
    pub seed: u64,
    /// Gradients of each; where none are given as many as are quickly made.
    pub samples: Option<usize>,
}

/// What was found.
#[derive(Debug, Clone)]
pub struct Measured {
    pub samples: usize,
    /// The rows they are over, of a batched dim, and how many it has.
    pub batch: Option<(DimId, usize, usize)>,
    pub reference: Reference,
    /// Parameters that belong together, with the size of the reference gradient there.
    pub blocks: Vec<Block>,
    pub sites: Vec<AtSite>,
}

/// What the means are held against.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// Gradients behind it; nothing is left to chance where that is 1.
    pub gradients: usize,
    /// Sites that are enumerated in it.
    pub enumerated: Vec<SiteId>,
    pub norm: f64,
}

/// A run of parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    pub name: String,
    pub start: usize,
    pub len: usize,
    pub norm: f64,
}

/// The estimators of a site.
#[derive(Debug, Clone)]
pub struct AtSite {
    pub site: SiteId,
    pub rows: Vec<Row>,
}

#[derive(Debug, Clone)]
pub struct Row {
    pub request: Request,
    /// What the compiler chooses by itself.
    pub chosen: bool,
    /// What the guide asks for.
    pub asked: bool,
    pub biased: bool,
    /// Evaluations of the cost of a row of the site for one gradient.
    pub cost: u64,
    /// Or why it was not measured.
    pub told: Result<Told, String>,
}

/// What is known of an estimator, of all parameters and of each block.
#[derive(Debug, Clone)]
pub struct Told {
    pub all: Gap,
    pub blocks: Vec<Gap>,
}

/// Gradients against their reference.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gap {
    /// How far their mean is from the reference, and how far noise alone would have it.
    pub bias: Estimate,
    /// The largest gap of one parameter, in its standard errors.
    pub furthest: f64,
    /// Of one gradient, summed over parameters.
    pub variance: Estimate,
}

/// Numbers that the plans of one estimator may make in all, where nobody says how many gradients.
const WORK: usize = 100_000_000;
const FEWEST: usize = 100;
const MOST: usize = 10_000;
/// How much longer the run is that others are held against.
const LONGER: usize = 10;
/// Numbers in a plan beyond which an estimator is not tried.
const LARGEST: usize = 1 << 27;

/// Measures every estimator at every site that is drawn.
pub fn measure(task: &Task) -> Result<Measured, Failure> {
    let model = &task.elbo.model;
    if let Some(problem) = refused(task.elbo) {
        return Err(problem.into());
    }
    let batches = drive::batches(task.elbo, &model.fit, task.data)?;
    let rows = batches.as_ref().map(|batches| first_rows(batches, task.seed));
    let bench = Bench { task, rows };
    let usual = bench.derived(&menu::unbiased(model))?;
    let work = bench.steps(&usual)?.work().max(1);
    let samples = task.samples.unwrap_or_else(|| (WORK / work).clamp(FEWEST, MOST));
    let (truth, reference) = bench.reference(samples, &usual)?;
    let blocks = bench.blocks(&truth)?;
    let drawn = task.elbo.sites.iter().filter(|view| is_drawn(&view.treatment)).map(|view| view.site);
    let sites = drawn.map(|site| bench.at_site(site, samples, &truth, &blocks)).collect::<Result<_, _>>()?;
    let batch = batches.map(|batches| (batches.dim, batches.batch, batches.rows));
    Ok(Measured { samples, batch, reference, blocks, sites })
}

/// Whether a factor is there that draws could be taken from.
fn is_drawn(treatment: &Treatment) -> bool {
    matches!(treatment, Treatment::Auto | Treatment::Written(_) | Treatment::Enumerated(..))
}

/// Why there is nothing to compare.
fn refused(elbo: &Elbo) -> Option<Problem> {
    let model = &elbo.model;
    let objective = model.fit.spans.get("objective").copied();
    match &elbo.objective {
        Objective::Updates(_) | Objective::Contrast(_) => {
            let asked = model.fit.objective.map_or("cd".into(), |objective| objective.to_string());
            let message = format!("`{asked}` follows updates of its own, whose gradients are not compared yet");
            let problem = Problem::error("ppl::limitation::estimators", message);
            let problem = objective.map_or(problem.clone(), |span| problem.label(span, "asked for here"));
            return Some(problem.help("compare them under the bound: `--objective elbo`"));
        }
        Objective::Elbo { .. } | Objective::Weighted(_) | Objective::Mode(_) => {}
    }
    let is_point = model.guide.auto.is_some_and(Auto::is_mode);
    if !is_point && elbo.sites.iter().any(|view| is_drawn(&view.treatment)) {
        return None;
    }
    let summed = elbo.sites.iter().find(|view| matches!(view.treatment, Treatment::SummedOut(_)));
    let help = match summed.map(|view| &model.sites[view.site.index()].name) {
        _ if is_point => "compare them under a guide with draws: `--guide meanfield`".to_string(),
        Some(name) => format!("`{name}` is summed out; with a factor in the guide it could be drawn: `{name} ~ ...`"),
        None => "estimators are of latent sites that the guide draws".into(),
    };
    let message = format!("no site of `{}` is drawn: nothing is estimated, its gradient is exact", model.name);
    Some(Problem::error("ppl::fit::nothing_drawn", message).help(help))
}

/// Those of the first step of a fit.
fn first_rows(batches: &Batches, seed: u64) -> Rows {
    batches.at(&batches.orders(seed, 0), 0)
}

/// Where estimators are tried.
struct Bench<'t, 'a> {
    task: &'t Task<'a>,
    rows: Option<Rows>,
}

impl Bench<'_, '_> {
    fn derived(&self, asked: &crate::elbo::cost::Asked) -> Result<Elbo, Failure> {
        let (elbo, problems) = derive::derive_as(&self.task.elbo.model, asked);
        match (elbo, problems.sorted().into_iter().next()) {
            (Some(elbo), _) => Ok(elbo),
            (None, Some(problem)) => Err(problem.into()),
            (None, None) => Err(crate::problem::Bug("a bound that was derived before".into()).into()),
        }
    }

    fn size(&self, size: &Size) -> Option<i64> {
        size.value(&|dim| self.task.data.dims.get(&dim).copied())
    }

    fn steps<'e>(&'e self, elbo: &'e Elbo) -> Result<Steps<'e>, Failure> {
        if let Some(problem) = limits(elbo, &elbo.model.fit).sorted().into_iter().next() {
            return Err(problem.into());
        }
        tables::check_bound(elbo, &|size| self.size(size))?;
        Steps::new(self.task, elbo, self.rows.as_ref())
    }

    /// The gradient to hold others against, with what is left of chance in it, and how it was made.
    fn reference(&self, samples: usize, usual: &Elbo) -> Result<(Moments, Reference), Failure> {
        let exact = self.derived(&menu::enumerated(&self.task.elbo.model))?;
        let drawn = self.steps(usual)?;
        // What cannot be enumerated with these data, or only slowly and still not exactly, is drawn.
        let few = |steps: &Steps| steps.work() <= if steps.noisy() { LONGER * drawn.work() } else { LARGEST };
        let (mut steps, elbo) = match self.steps(&exact).ok().filter(few) {
            Some(steps) => (steps, &exact),
            None => (drawn, usual),
        };
        let gradients = if steps.noisy() { LONGER * samples } else { 1 };
        let truth = steps.moments(steps::REFERENCE, gradients, None)?;
        let is = |site: &SiteId| matches!(elbo.sites[site.index()].treatment, Treatment::Enumerated(..));
        let enumerated = elbo.sites.iter().map(|view| view.site).filter(is).collect();
        let norm = norm(&truth.mean);
        Ok((truth, Reference { gradients, enumerated, norm }))
    }

    fn blocks(&self, truth: &Moments) -> Result<Vec<Block>, Failure> {
        let batched = self.rows.iter().map(|rows| (rows.dim, rows.ids.len())).collect();
        let layout = Layout::of_rows(self.task.elbo, self.task.data, &batched)?;
        let mut blocks: Vec<Block> = vec![];
        let mut push = |name: String, start: usize, len: usize| {
            blocks.push(Block { name, start, len, norm: norm(&truth.mean[start..start + len]) });
        };
        for site in &layout.sites {
            push(format!("{}.loc", site.name), site.offset, site.len());
        }
        if layout.scale_count == layout.latents {
            for site in &layout.sites {
                push(format!("{}.log_scale", site.name), layout.latents + site.offset, site.len());
            }
        } else {
            push("guide.scale".into(), layout.latents, layout.scale_count);
        }
        for param in &layout.params {
            push(param.name.clone(), layout.params_at() + param.offset, param.len());
        }
        Ok(blocks)
    }

    fn at_site(&self, site: SiteId, samples: usize, truth: &Moments, blocks: &[Block]) -> Result<AtSite, Failure> {
        let model = &self.task.elbo.model;
        let others = menu::unbiased(model);
        let mut by_itself = others.clone();
        by_itself.insert(site, None);
        let chosen = self.derived(&by_itself)?.sites[site.index()].choice.estimator.request();
        let written =
            model.guide.factors.iter().find(|factor| factor.site == site).and_then(|factor| factor.by.clone());
        let mut rows = vec![];
        for offer in menu::offers(model, site, &others) {
            let Some(told) = self.told(&offer, samples, truth, blocks)? else { continue };
            rows.push(Row {
                request: offer.request,
                chosen: chosen == Some(offer.request),
                asked: written.is_some()
                    && self.task.elbo.sites[site.index()].choice.estimator.request() == Some(offer.request),
                biased: offer.biased(),
                cost: offer.evaluations(site, &|size| self.size(size)),
                told,
            });
        }
        Ok(AtSite { site, rows })
    }

    /// `None` where data, or what is not there yet, rule it out.
    fn told(
        &self,
        offer: &Offer,
        samples: usize,
        truth: &Moments,
        blocks: &[Block],
    ) -> Result<Option<Result<Told, String>>, Failure> {
        let mut steps = match self.steps(&offer.elbo) {
            Ok(steps) => steps,
            Err(Failure::Problem(_)) => return Ok(None),
            Err(failure) => return Err(failure),
        };
        if steps.work() > LARGEST {
            return Ok(Some(Err(format!("its plan makes {} numbers a gradient", steps.work()))));
        }
        let samples = if steps.noisy() { samples } else { 1 };
        steps.learn(samples)?;
        let found = steps.moments(0, samples, Some(Spread::about(truth, blocks)))?;
        if found.mean.iter().any(|slope| !slope.is_finite()) {
            return Ok(Some(Err("its gradient is not finite".into())));
        }
        Ok(Some(Ok(Told {
            all: found.gap(truth, 0, truth.mean.len(), 0),
            blocks: blocks.iter().enumerate().map(|(k, b)| found.gap(truth, b.start, b.len, k + 1)).collect(),
        })))
    }
}

fn norm(values: &[f64]) -> f64 {
    values.iter().map(|value| value * value).sum::<f64>().sqrt()
}
