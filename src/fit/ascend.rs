//! The stochastic path from a task to an answer: coordinates, optimizer and stopping rule by what the task says, and what
//! is told of where it arrived.

use super::batches::Batches;
use super::coordinates::Coordinates;
use super::drive::{Arrival, Outcome, Path, Task, batches, mean, param_state, tempered};
use super::flat::flat;
use super::gaussian::{self, Average, Cross};
use super::joint::PlanJoint;
use super::levels::Levels;
use super::optimizer::{Optimizer, Rule};
use super::patience::{PATIENCE, Patience};
use super::posterior::{self, Fitted, Guide};
use super::schedule::Schedule;
use super::stochastic::{Ascent, Settings, Target, Turn};
use super::stop::Stop;
use super::target;
use super::warm::Whitening;
use super::warnings::{Found, found_warnings, khat_warning, nowhere};
use super::weigh::{KHAT_DRAWS, MOST_DRAWS, Sampler, Weighed, weigh};
use super::{Estimate, Event, Failure, Phase, State, Watch, deterministic, initial, objective};
use crate::elbo::{Elbo, Objective, particles};
use crate::model::{self, Auto, Draws, FitBlock, Init, Owner, Rate};
use crate::plan::Precision;
use crate::plan::lower::Layout;
use crate::shape::AxisId;

/// The rate of an optimizer that was written without one: `adam` without `lr`.
const DEFAULT_RATE: f64 = 1e-2;
/// In whitened coordinates, and where only the bound tells when to halve it.
const WHITENED_RATE: f64 = 0.1;
/// Nobody waits for more steps than this where nobody said how many.
const MOST_STEPS: usize = 400_000;
/// Steps between two looks at whether something is gained.
const LOOK: usize = 400;
/// Latent dimensions up to which all rows are weighed together.
const MOST_WEIGHED: usize = 1_000;

/// Climbs, and tells of what was found.
pub(super) fn fit(
    task: &Task,
    layout: Layout,
    path_because: String,
    from: &State,
    watch: &mut dyn Watch,
) -> Result<Outcome, Failure> {
    let nets = has_nets(task);
    let precision = if nets { Precision::F32 } else { task.backend.widest() };
    let target = Target { elbo: task.elbo, data: task.data, backend: task.backend, precision };
    let (mut found, settings, whitening) = begin(task, &layout, nets)?;
    found.restore(from)?;
    let climbed = found.climb(&target, &settings, whitening, watch);
    // Also of a fit that failed: the state before the step that did.
    watch.end(&|| found.state());
    let stopped = climbed?;
    watch.event(&Event { step: found.steps, phase: Phase::Weigh, bound: f64::NAN, ess: None });
    let end = End { found: &found, settings: &settings, stopped, precision };
    tell(task, &layout, path_because, &end)
}

/// Where an ascent ended.
struct End<'e> {
    found: &'e Ascent,
    settings: &'e Settings,
    stopped: bool,
    precision: Precision,
}

fn tell(task: &Task, layout: &Layout, path_because: String, end: &End) -> Result<Outcome, Failure> {
    let End { found, settings, stopped, precision } = *end;
    let answer = found.answer();
    let params = found.coordinates.place(&answer);
    let batches = settings.batches.as_ref();
    let rows = batches.map_or(1, |batches| batches.rows);
    let by_rows = batches.cloned().filter(|batches| are_weighed_by_rows(task, layout, batches));
    let weighed = match &found.coordinates {
        Coordinates::Whitened(_) if layout.latents > 0 && task.elbo.model.guide.auto != Some(Auto::Map) => {
            Some(weighed(task, layout, &params, found.evaluations / rows, stopped)?)
        }
        _ => None,
    };
    let guide = match &weighed {
        Some(Told { sampler, weighed, .. }) => {
            Guide::Sampler { sampler, bound: weighed.bound, importance: Some(&weighed.importance) }
        }
        None => Guide::Params(&params),
    };
    let fitted = Fitted {
        elbo: task.elbo,
        data: task.data,
        backend: task.backend,
        precision: told_in(precision, by_rows.as_ref()),
        guide,
        batches: by_rows.clone(),
        left_out: batches.map(Batches::first),
        beta: settings.beta_at(found.steps),
        seed: task.seed,
        evaluations: if by_rows.is_some() { found.evaluations } else { found.evaluations / rows },
    };
    let posterior = posterior::tell(&fitted)?;
    let objective = match tempered(task.elbo) {
        Some(_) => objective::value(&Fitted { guide: Guide::Params(&params), ..fitted }, &params)?,
        None => posterior.elbo.unwrap_or(Estimate { mean: mean(&posterior.draws.log_p), se: 0.0 }),
    };
    let away = found.runaways();
    let mut improper: Vec<usize> = away.iter().filter(|(_, by)| *by > 0.0).map(|(latent, _)| *latent).collect();
    improper.extend(weighed.iter().flat_map(|told| &told.improper));
    let asked = task.block.stop_converged || task.block.patience.is_some();
    let counted = task.block.steps.is_some() || task.block.epochs.is_some();
    let arrived = (!counted || asked || !away.is_empty()).then(|| found.stop.has_arrived());
    let noticed = Found {
        improper: &improper,
        singular: away.iter().any(|(_, by)| *by < 0.0),
        unsettled: arrived == Some(false) && !stopped,
    };
    let mut warnings = found_warnings(task, layout, &noticed);
    warnings.extend(khat_warning(task.elbo.model.guide.auto, &posterior));
    Ok(Outcome {
        path: Path::Stochastic,
        path_because,
        steps: found.steps,
        epochs: batches.map(|b| found.steps as f64 / b.per_epoch() as f64),
        converged: arrived.map(|arrived| arrived && improper.is_empty()),
        by: if matches!(found.stop, Stop::Patience(_)) { Arrival::NoFurtherGain } else { Arrival::Converged },
        stopped,
        starts: vec![],
        objective,
        laplace_log_evidence: None,
        posterior,
        state: state(task, layout, &params),
        warnings,
        precision,
    })
}

/// Whether draws are weighed a block of rows at a time: where latents of a row have weights of their own, and with nets.
fn are_weighed_by_rows(task: &Task, layout: &Layout, batches: &Batches) -> bool {
    let of = |axis: &AxisId| task.elbo.axes[*axis].size.as_dim().is_some_and(|dim| batches.has(dim));
    has_nets(task)
        || layout.latents > MOST_WEIGHED
        || task.elbo.model.sites.iter().any(|site| site.plates.iter().any(of))
}

fn has_nets(task: &Task) -> bool {
    task.elbo.model.params.iter().any(|param| param.net.is_some())
}

/// An ascent before its first step.
fn begin<'a>(
    task: &Task<'a>,
    layout: &Layout,
    nets: bool,
) -> Result<(Ascent, Settings, Option<Whitening<'a>>), Failure> {
    let block = task.block;
    let batches = batches(task.elbo, task.block, task.data)?;
    let per_epoch = batches.as_ref().map_or(1, Batches::per_epoch);
    let counted = block.steps.or(block.epochs.map(|epochs| epochs * per_epoch));
    let apart = batches.as_ref().is_some_and(|batches| layout.has_rows(&batches.first().sizes()));
    let init = block.init.clone().unwrap_or(Init::Auto);
    let start = initial::point(task.elbo, task.data, layout, &init, task.seed, 0)?;
    // What the user wrote steps where it starts, in the coordinates of the guide.
    let mut whitening = match block.optimizer {
        None if block.phases.is_empty() => Whitening::new(task, layout, apart)?,
        _ => None,
    };
    let whitened = whitening.as_mut().map(|whitening| whitening.begin(&start)).transpose()?.flatten();
    let (coordinates, vector) = match whitened {
        Some(whitened) => (Coordinates::Whitened(whitened), vec![0.0; layout.guide()]),
        None => (Coordinates::Raw, initial::guide(task.elbo, layout, &start)),
    };
    let whitening = whitening.filter(|_| coordinates != Coordinates::Raw);
    let stop = stop(task, &coordinates, vector.len(), counted.is_none(), per_epoch);
    let default = match &stop {
        Stop::Levels(_) => WHITENED_RATE,
        Stop::Patience(_) if !nets && block.optimizer.is_none() => WHITENED_RATE,
        _ => DEFAULT_RATE,
    };
    let turns = turns(block, layout, task.elbo, per_epoch, default);
    let rate = block.optimizer.map_or(Rate::Constant(default), |o| o.lr.unwrap_or(Rate::Constant(DEFAULT_RATE)));
    let beta = match task.elbo.objective {
        Objective::Elbo { beta: Some(beta) } if !matches!(beta, Rate::Constant(_)) => Some(beta),
        _ => None,
    };
    let moving = match beta {
        Some(Rate::Linear { steps, .. }) => steps,
        _ => 0,
    };
    let steps = counted.unwrap_or(MOST_STEPS.max(MOST_STEPS / LOOK * per_epoch));
    // Within a pair of mirror images what a batch adds to the gradient of a scale cancels. A draw alone has no partner.
    // Draws that serve one another as baselines, or share weights, have to be independent.
    let bound = matches!(task.elbo.objective, Objective::Elbo { .. } | Objective::Mode(_));
    let scored = task.elbo.sites.iter().any(|view| view.choice.estimator.is_score());
    let draws = block.draws.unwrap_or(match coordinates {
        Coordinates::Whitened(_) if block.particles.is_none() && bound && !scored => Draws::Antithetic,
        _ => Draws::Independent,
    });
    let least = if draws == Draws::Independent { 1 } else { 2 };
    let settings = Settings {
        seed: task.seed,
        steps,
        particles: block.particles.map_or(particles::draws(task.elbo).max(least), |_| particles::draws(task.elbo)),
        draws,
        schedule: schedule(rate),
        beta: beta.map(schedule),
        moving,
        turns: turns.iter().map(|(_, turn)| turn.clone()).collect(),
        clip: block.clip,
        batches,
        every: per_epoch.clamp(1, (steps / 100).clamp(1, 100)),
    };
    // Without a rule the fit was refused (`limits`).
    let rule = block.optimizer.and_then(|o| Rule::of(o.rule)).unwrap_or(Rule::ADAM);
    let size = vector.len();
    let optimizers = match (turns.is_empty(), apart) {
        (true, false) => vec![Optimizer::new(rule, size)],
        // Where rows have parameters of their own, each number counts its own steps.
        (true, true) => vec![Optimizer::of_rows(rule, size, 1)],
        (false, _) => turns.iter().map(|(rule, _)| Optimizer::of_rows(*rule, size, 1)).collect(),
    };
    Ok((Ascent::new(optimizers, coordinates, vector, stop), settings, whitening))
}

/// What ends an ascent: where an error has a known cost, levels of the rate; elsewhere the bound itself.
fn stop(task: &Task, coordinates: &Coordinates, width: usize, endless: bool, per_epoch: usize) -> Stop {
    let block = task.block;
    let ends = endless || block.stop_converged || block.patience.is_some();
    match (coordinates.weights(), ends) {
        (Some(weights), _) if block.patience.is_none() => Stop::Levels(Levels::new(weights, ends)),
        (_, true) => {
            let look = per_epoch * LOOK.div_ceil(per_epoch);
            Stop::Patience(Patience::new(width, look, block.patience.unwrap_or(PATIENCE), has_nets(task)))
        }
        _ => Stop::Never,
    }
}

/// Who moves when, each by a rule of its own: the parameters of the model, or those of the guide with its automatic factor.
fn turns(block: &FitBlock, layout: &Layout, elbo: &Elbo, per_epoch: usize, default: f64) -> Vec<(Rule, Turn)> {
    let turn = |phase: &model::Phase| {
        let optimizer = phase.block.optimizer.or(block.optimizer);
        let epochs = phase.block.epochs.map(|epochs| epochs * per_epoch);
        let mut moves = vec![phase.of == Owner::Guide; layout.guide()];
        for params in &layout.params {
            let at = layout.params_at() + params.offset;
            moves[at..at + params.len()].fill(elbo.model.params[params.of.index()].owner == phase.of);
        }
        let rate = optimizer.map_or(Rate::Constant(default), |o| o.lr.unwrap_or(Rate::Constant(DEFAULT_RATE)));
        let rule = optimizer.and_then(|o| Rule::of(o.rule)).unwrap_or(Rule::ADAM);
        (rule, Turn { steps: phase.block.steps.or(epochs).unwrap_or(1), schedule: schedule(rate), moves })
    };
    block.phases.iter().map(turn).collect()
}

/// A Gaussian on fresh draws.
struct Told {
    sampler: Sampler,
    weighed: Weighed,
    /// Latents along which nothing changes the log joint.
    improper: Vec<usize>,
}

/// The Gaussian that was found, on fresh draws over all rows.
fn weighed(task: &Task, layout: &Layout, params: &[f64], evaluations: usize, stopped: bool) -> Result<Told, Failure> {
    let guide = gaussian::Guide::of_params(layout, task.elbo.model.guide.auto, params);
    let mut joint = PlanJoint::new(task.elbo, task.data, task.backend)?;
    let weighed = {
        let mut target = target::Target::new(&mut joint);
        let draws = deterministic::last_draws(&guide, task.seed)?;
        let average = Average::over(&draws, &guide, &mut target, Cross::Full)?;
        let improper = flat(&guide, &average);
        let sampler = Sampler::new(guide, task.seed);
        let (least, most) = KHAT_DRAWS.into_inner();
        let (count, most) =
            if stopped { (least, least) } else { (evaluations.max(target.cheap()).clamp(least, most), MOST_DRAWS) };
        weigh(&mut target, &sampler, &average, count, most).map(|weighed| Told { sampler, weighed, improper })
    };
    match weighed {
        Ok(told) if told.weighed.bound.mean.is_finite() => Ok(told),
        found => Err(nowhere(task, layout, &joint, found.err())),
    }
}

/// Every unconstrained coordinate, by name.
fn state(task: &Task, layout: &Layout, params: &[f64]) -> Vec<(String, Vec<usize>, Vec<f64>)> {
    let (d, at) = (layout.latents, layout.params_at());
    let mut state = vec![];
    if d > 0 {
        state.push(("guide.loc".to_string(), vec![d], params[..d].to_vec()));
        let scales = if matches!(task.elbo.model.guide.auto, Some(Auto::LowRank(_))) { d } else { at - d };
        state.push(("guide.log_scale".to_string(), vec![scales], params[d..d + scales].to_vec()));
        if at > d + scales {
            let shape = vec![d, (at - d - scales) / d];
            state.push(("guide.columns".to_string(), shape, params[d + scales..at].to_vec()));
        }
    }
    state.extend(param_state(layout, &params[at..]));
    state
}

fn schedule(rate: Rate) -> Schedule {
    match rate {
        Rate::Constant(value) => Schedule::Constant(value),
        Rate::Cosine { from, warmup } => Schedule::Cosine { from, warmup: warmup as u64 },
        Rate::Linear { from, to, steps } => Schedule::Linear { from, to, steps: steps as u64 },
    }
}

/// What is reported of data that is seen whole is computed in f64, also where the steps were in f32: rounding must not
/// lift a bound above the evidence.
fn told_in(steps: Precision, batches: Option<&Batches>) -> Precision {
    if batches.is_some() { steps } else { Precision::F64 }
}
