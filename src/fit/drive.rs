//! From a bound to an answer: chooses the path and says why, runs it, and tells of what was found.

use super::batches::Batches;
use super::gaussian::Scale;
use super::joint::PlanJoint;
use super::posterior::{self, Fitted, Guide, Posterior};
use super::starts::Search;
use super::warnings::{Found, found_warnings, khat_warning, nowhere};
use super::{Estimate, Event, Failure, GaussianFamily, Listener, State, Watch, ascend, gaussian, laplace, starts};
use crate::data::Bound;
use crate::elbo::{Elbo, Treatment};
use crate::model::{Auto, FitBlock, OptimizerRule};
use crate::plan::lower::{self, Layout};
use crate::plan::{Backend, Precision};
use crate::problem::Problem;

/// Most latent dimensions of the deterministic path.
const MOST_MEAN_FIELD: usize = 2_000;
const MOST_FULL_RANK: usize = 1_000;

/// What to fit, and how. `block` is the model's `fit` with the flags put in.
pub struct Task<'a> {
    pub elbo: &'a Elbo,
    pub data: &'a Bound,
    pub block: &'a FitBlock,
    pub seed: u64,
    pub backend: &'a dyn Backend,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Path {
    Deterministic,
    Stochastic,
}

/// What says that a fit has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// A rule that is about the posterior.
    Converged,
    /// Gains stayed away: with networks nothing better is known.
    NoFurtherGain,
}

/// Everything that is known at the end of a fit.
#[derive(Debug)]
pub struct Outcome {
    pub path: Path,
    pub path_because: String,
    pub steps: usize,
    pub epochs: Option<f64>,
    /// `None` where the user fixed steps or epochs.
    pub converged: Option<bool>,
    pub by: Arrival,
    pub stopped: bool,
    /// The bound that each start found, where there were several.
    pub starts: Vec<f64>,
    pub posterior: Posterior,
    /// What was maximized, where it is not the bound that is reported.
    pub objective: Estimate,
    /// The evidence if the posterior were the Normal at its mode.
    pub laplace_log_evidence: Option<f64>,
    /// Every unconstrained coordinate, by name: `(name, shape, values)`.
    pub state: Vec<(String, Vec<usize>, Vec<f64>)>,
    pub warnings: Vec<Problem>,
    pub precision: Precision,
}

/// Which path a task takes, and the reason.
pub fn path(task: &Task, layout: &Layout) -> (Path, String) {
    let obstacle = || obstacle(task.elbo).or_else(|| redrawn(task)).or_else(|| too_many(task.elbo, layout));
    match asked_for(task.block).or_else(obstacle) {
        Some(because) => (Path::Stochastic, because),
        None if layout.latents == 0 => (Path::Deterministic, "point parameters alone: the likelihood is exact".into()),
        None => (Path::Deterministic, "every latent is reparameterized by a joint Gaussian guide".into()),
    }
}

/// The entry that asks for the stochastic path.
pub(super) fn asked_for(block: &FitBlock) -> Option<String> {
    let given = [
        (block.steps.is_some(), "steps given"),
        (block.epochs.is_some(), "epochs given"),
        (!block.batch.is_empty(), "batch given"),
        (!block.phases.is_empty(), "phases given"),
        // That one is the deterministic path's own.
        (block.optimizer.is_some_and(|optimizer| optimizer.rule != OptimizerRule::Lbfgs), "optimizer given"),
    ];
    given.iter().find(|(is, _)| *is).map(|(_, because)| (*because).into())
}

/// What keeps a model from the deterministic path.
pub(super) fn obstacle(elbo: &Elbo) -> Option<String> {
    match tempered(elbo) {
        Some(objective) => Some(format!("the objective is `{objective}`")),
        None => written(elbo),
    }
}

/// What makes the guide no automatic Gaussian whose log joint can be evaluated at points.
pub(super) fn written(elbo: &Elbo) -> Option<String> {
    let model = &elbo.model;
    if let Some(net) = model.params.iter().find_map(|param| param.net.as_ref()) {
        return Some(format!("`{net}` is a net"));
    }
    for view in &elbo.sites {
        if let Treatment::Written(_) | Treatment::Enumerated(..) = view.treatment {
            return Some(format!("the guide writes a factor for `{}`", model.sites[view.site.index()].name));
        }
    }
    match model.guide.auto {
        Some(Auto::FullRank | Auto::MeanField | Auto::LowRank(_) | Auto::Map | Auto::Laplace) => None,
        _ if !elbo.sites.iter().any(|view| view.treatment == Treatment::Auto) => None,
        _ => Some("the guide is no joint Gaussian".into()),
    }
}

/// Data that are not the same in every epoch.
fn redrawn(task: &Task) -> Option<String> {
    let items = &task.elbo.model.data;
    let drawn = (0..items.len()).find(|item| task.data.redraws.has(*item))?;
    Some(format!("`{}` is drawn anew each epoch", items[drawn].name))
}

/// The objective, where it is not the bound itself.
pub(super) fn tempered(elbo: &Elbo) -> Option<&crate::model::Objective> {
    elbo.model.fit.objective.as_ref().filter(|objective| !matches!(objective, crate::model::Objective::Elbo(None)))
}

fn too_many(elbo: &Elbo, layout: &Layout) -> Option<String> {
    let most = match elbo.model.guide.auto {
        Some(Auto::FullRank | Auto::Laplace) => MOST_FULL_RANK,
        // L-BFGS needs no matrix to find a point.
        Some(Auto::Map) => usize::MAX,
        _ => MOST_MEAN_FIELD,
    };
    (layout.latents > most).then(|| format!("{} latent dimensions are more than {most}", layout.latents))
}

/// Fits. Prints nothing; the listener hears of every step or interval, and may stop the fit.
pub fn fit(task: &Task, listen: &mut Listener) -> Result<Outcome, Failure> {
    resume(task, &State::default(), &mut |event: &Event| listen(event))
}

/// Fits on from a state that this task was in, to the same bits as if it had not been stopped there.
pub fn resume(task: &Task, from: &State, watch: &mut dyn Watch) -> Result<Outcome, Failure> {
    if let Some(problem) = super::limits(task.elbo, task.block).sorted().into_iter().next() {
        return Err(Failure::from(problem));
    }
    let size = |size: &crate::shape::Size| size.value(&|dim| task.data.dims.get(&dim).copied());
    crate::elbo::tables::check_bound(task.elbo, &size)?;
    let layout = Layout::new(task.elbo, task.data)?;
    let (path, because) = path(task, &layout);
    match path {
        Path::Deterministic if task.elbo.model.guide.auto.is_some_and(Auto::is_mode) => {
            laplace::fit(task, layout, watch)
        }
        Path::Deterministic => deterministic(task, layout, because, from, watch),
        Path::Stochastic if task.elbo.model.guide.auto == Some(Auto::Laplace) => {
            Err(laplace::by_hessian_alone(&because).into())
        }
        Path::Stochastic => ascend::fit(task, layout, because, from, watch),
    }
}

fn deterministic(
    task: &Task,
    layout: Layout,
    path_because: String,
    from: &State,
    watch: &mut dyn Watch,
) -> Result<Outcome, Failure> {
    let family = match task.elbo.model.guide.auto {
        Some(Auto::FullRank) => GaussianFamily::FullRank,
        Some(Auto::LowRank(rank)) => GaussianFamily::LowRank(rank.min(layout.latents)),
        _ => GaussianFamily::MeanField,
    };
    let mut joint = PlanJoint::new(task.elbo, task.data, task.backend)?;
    let search = Search { task, layout: &layout, family, starts: starts::count(task, Path::Deterministic) };
    let (found, starts) = match search.best(&mut joint, from, watch) {
        Ok((found, starts)) if found.bound.mean.is_finite() => (found, starts),
        found => return Err(nowhere(task, &layout, &joint, found.err())),
    };
    let posterior = posterior::tell(&Fitted {
        elbo: task.elbo,
        data: task.data,
        backend: task.backend,
        precision: Precision::F64,
        guide: Guide::Sampler { sampler: &found.sampler, bound: found.bound, importance: found.importance.as_ref() },
        batches: None,
        left_out: None,
        beta: 1.0,
        seed: task.seed,
        evaluations: found.evaluations as usize,
    })?;
    let noticed =
        Found { improper: &found.improper, singular: found.singular, unsettled: !found.converged && !found.stopped };
    let mut warnings = found_warnings(task, &layout, &noticed);
    warnings.extend(khat_warning(task.elbo.model.guide.auto, &posterior));
    let guide = &found.sampler.guide;
    let mut state = guide_state(&layout, guide);
    state.extend(param_state(&layout, guide.params.as_slice()));
    Ok(Outcome {
        path: Path::Deterministic,
        path_because,
        steps: found.steps,
        epochs: None,
        // Where it settled along a direction that nothing bounds is left to chance.
        converged: Some(found.converged && found.improper.is_empty()),
        by: Arrival::Converged,
        stopped: found.stopped,
        starts: if starts.len() > 1 { starts } else { vec![] },
        objective: found.bound,
        laplace_log_evidence: None,
        posterior,
        state,
        warnings,
        precision: Precision::F64,
    })
}

/// The Gaussian by name.
fn guide_state(layout: &Layout, guide: &gaussian::Guide) -> Vec<(String, Vec<usize>, Vec<f64>)> {
    let mut state = vec![("guide.loc".to_string(), vec![layout.latents], guide.mean.as_slice().to_vec())];
    let rows = |matrix: &nalgebra::DMatrix<f64>| {
        // Row-major in files; a matrix here is column-major.
        (vec![matrix.nrows(), matrix.ncols()], matrix.transpose().as_slice().to_vec())
    };
    match &guide.scale {
        Scale::Diagonal(sd) => state.push(("guide.scale".into(), vec![layout.latents], sd.as_slice().to_vec())),
        Scale::Factor(factor) => {
            let (shape, values) = rows(factor);
            state.push(("guide.chol".into(), shape, values));
        }
        Scale::LowRank(scale) => {
            state.push(("guide.scale".into(), vec![layout.latents], scale.sd.as_slice().to_vec()));
            let (shape, values) = rows(&scale.columns);
            state.push(("guide.columns".into(), shape, values));
        }
    }
    state
}

pub(super) fn batches(elbo: &Elbo, block: &FitBlock, data: &Bound) -> Result<Option<Batches>, Failure> {
    let mut cuts = vec![];
    for (dim, batch) in &block.batch {
        let Some(rows) = data.dims.get(dim).copied() else { continue };
        let following = lower::following(elbo, data, *dim)?.into();
        cuts.push(Batches { following, ..Batches::new(*dim, rows, (*batch).clamp(1, rows.max(1))) });
    }
    let beside = cuts.split_off(cuts.len().min(1));
    Ok(cuts.pop().map(|first| Batches { beside, ..first }))
}

pub(super) fn param_state(layout: &Layout, values: &[f64]) -> Vec<(String, Vec<usize>, Vec<f64>)> {
    let one = |block: &crate::plan::lower::Coordinates<_>| {
        (block.name.clone(), block.shape.clone(), values[block.offset..block.offset + block.len()].to_vec())
    };
    layout.params.iter().map(one).collect()
}

pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
