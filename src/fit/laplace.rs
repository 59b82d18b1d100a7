//! Guides that are found at a mode: `map`, which is that point, and `laplace`, the Normal with the curvature there
//! (LANGUAGE.md 1.8).

use nalgebra::DVector;

use super::chart::inverse_root;
use super::drive::{self, Arrival, Outcome, Path, Task};
use super::gaussian::{Average, Cross, Guide as Gaussian, Scale};
use super::joint::PlanJoint;
use super::mode::{self, End, Peak};
use super::posterior::{self, Fitted, Guide, Posterior};
use super::target::Target;
use super::warnings::{khat_warning, nowhere};
use super::weigh::{KHAT_DRAWS, Sampler, weigh};
use super::{Estimate, Event, Failure, Phase, Watch, initial, starts};
use crate::diagnose::psis::Importance;
use crate::kernel::special::LN_SQRT_2PI;
use crate::math::Support;
use crate::model::{Auto, Init};
use crate::plan::Precision;
use crate::plan::lower::Layout;
use crate::problem::Problem;

/// Why a point has no k-hat.
pub(super) const POINT: &str = "the guide is a point, which has no weights";
/// A guide of this kind may be so poor that its bound is never known well: no more draws than this.
const MOST_DRAWS: usize = 200_000;

/// How far a coordinate behind an exponential may lie.
const FARTHEST: f64 = 100.0;

/// Fits by the mode of the log joint.
pub(super) fn fit(task: &Task, layout: Layout, watch: &mut dyn Watch) -> Result<Outcome, Failure> {
    let mut joint = PlanJoint::new(task.elbo, task.data, task.backend)?;
    let found = match best(task, &layout, &mut joint, watch) {
        Ok(found) if found.peak.value.is_finite() => found,
        found => return Err(nowhere(task, &layout, &joint, found.err())),
    };
    let auto = task.elbo.model.guide.auto;
    let mut warnings = judge(task, &layout, &found.peak)?;
    watch.event(&Event { step: found.steps, phase: Phase::Weigh, bound: f64::NAN, ess: None });
    let (posterior, laplace) = match auto {
        Some(Auto::Laplace) if !found.peak.stopped => {
            let (posterior, evidence) = laplace(task, &layout, &mut joint, &found)?;
            (posterior, Some(evidence))
        }
        _ => (tell(task, &found, Guide::Point(&found.peak.point, found.peak.value))?, None),
    };
    warnings.extend(khat_warning(auto, &posterior));
    let (loc, params) = found.peak.point.split_at(layout.latents);
    let mut state = vec![("guide.loc".to_string(), vec![layout.latents], loc.to_vec())];
    if let Some((factor, _)) = &laplace {
        state.push(("guide.chol".into(), vec![layout.latents; 2], factor.clone()));
    }
    state.extend(drive::param_state(&layout, params));
    Ok(Outcome {
        path: Path::Deterministic,
        path_because: "the mode of the log joint is found by L-BFGS".into(),
        steps: found.steps,
        epochs: None,
        converged: Some(found.peak.end == End::Mode || matches!(found.peak.end, End::Plateau(_))),
        by: Arrival::Converged,
        stopped: found.peak.stopped,
        starts: if found.values.len() > 1 { found.values } else { vec![] },
        objective: Estimate { mean: found.peak.value, se: 0.0 },
        laplace_log_evidence: laplace.map(|(_, evidence)| evidence),
        posterior,
        state,
        warnings,
        precision: Precision::F64,
    })
}

/// The highest mode of all starts.
struct Found {
    peak: Peak,
    /// The log joint where each start ended.
    values: Vec<f64>,
    steps: usize,
    evaluations: u64,
}

fn best(task: &Task, layout: &Layout, joint: &mut PlanJoint, watch: &mut dyn Watch) -> Result<Found, Failure> {
    let init = task.block.init.clone().unwrap_or(Init::Auto);
    let mut target = Target::new(joint);
    let (mut best, mut values, mut steps): (Option<Peak>, Vec<f64>, usize) = (None, vec![], 0);
    let count = starts::count(task, Path::Deterministic);
    let mut failure = Failure::NoStart { tries: count };
    for number in 0..count {
        let start = initial::point(task.elbo, task.data, layout, &init, task.seed, number as u64)?;
        let peak = match mode::find(&mut target, &start, task.seed, steps, watch) {
            Ok(peak) => peak,
            Err(why @ Failure::NoStart { .. }) => {
                failure = why;
                continue;
            }
            Err(other) => return Err(other),
        };
        (steps, values) = (peak.steps, [values, vec![peak.value]].concat());
        let stopped = peak.stopped;
        // A log joint without end does not win, however high it went.
        let key = |peak: &Peak| (!matches!(peak.end, End::RunsOff(_)), peak.value);
        if best.as_ref().is_none_or(|best| key(&peak) > key(best)) {
            best = Some(peak);
        }
        if stopped {
            break;
        }
    }
    let peak = best.ok_or(failure)?;
    Ok(Found { peak, values, steps, evaluations: target.evaluations })
}

/// Whether what was found is a mode: what to beware of, or why there is none.
fn judge(task: &Task, layout: &Layout, peak: &Peak) -> Result<Vec<Problem>, Failure> {
    let guide = task.elbo.model.guide.auto.map_or(String::new(), |auto| auto.to_string());
    let laplace = guide == "laplace";
    let no_mode = |what: String| {
        let problem = Problem::error("ppl::fit::no_mode", format!("`guide {guide}` found no mode: {what}"));
        Err(problem
            .help("`--guide meanfield` fits a Normal to the mass of the posterior, not to its highest point")
            .into())
    };
    let far = far(task, layout, peak);
    match &peak.end {
        _ if peak.stopped => Ok(vec![]),
        End::Edge if !far.is_empty() => {
            no_mode(format!("the log joint rises to the end of the numbers along {}", names(layout, &far)))
        }
        End::Mode => Ok(vec![]),
        End::RunsOff(along) => no_mode(format!("the log joint rises without end along {}", names(layout, along))),
        End::Plateau(along) if laplace => no_mode(format!(
            "the log joint does not fall along {}, so its Hessian is not negative definite",
            names(layout, along)
        )),
        End::Edge if laplace => no_mode("the log joint has an edge at its highest point, and no Hessian there".into()),
        End::Plateau(along) => {
            let message =
                format!("the log joint does not fall along {}: the mode is no single point", names(layout, along));
            let help =
                "it is flat there, or highest at the end of the support: give a prior, or read the value as that end";
            Ok(vec![Problem::warning("ppl::fit::plateau", message).help(help)])
        }
        End::Edge => {
            let message = "the slope of the log joint jumps at its highest point: it was found to a few digits only";
            let help = "a Laplace prior or `abs` does this; `guide meanfield` is smooth in its parameters";
            Ok(vec![Problem::warning("ppl::fit::edge", message).help(help)])
        }
    }
}

/// Coordinates that went farther than any value does: e^100 is no scale.
fn far(task: &Task, layout: &Layout, peak: &Peak) -> Vec<usize> {
    let model = &task.elbo.model;
    let sites = layout.sites.iter().map(|b| (b.offset, b.len(), &model.sites[b.of.index()].support));
    let params =
        layout.params.iter().map(|b| (layout.latents + b.offset, b.len(), &model.params[b.of.index()].support));
    let mapped = sites.chain(params).filter(|(.., support)| **support != Support::Real);
    mapped.flat_map(|(offset, len, _)| offset..offset + len).filter(|i| peak.point[*i].abs() > FARTHEST).collect()
}

/// The sites and params that coordinates belong to.
fn names(layout: &Layout, along: &[usize]) -> String {
    let has = |offset: usize, len: usize| along.iter().any(|i| (offset..offset + len).contains(i));
    let sites = layout.sites.iter().filter(|b| has(b.offset, b.len())).map(|b| b.name.as_str());
    let params = layout.params.iter().filter(|b| has(layout.latents + b.offset, b.len())).map(|b| b.name.as_str());
    let names: Vec<String> = sites.chain(params).map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

type Evidence = (Vec<f64>, f64);

/// The Normal at the mode, its bound and weights, and the evidence if the posterior were that Normal.
fn laplace(
    task: &Task,
    layout: &Layout,
    joint: &mut PlanJoint,
    found: &Found,
) -> Result<(Posterior, Evidence), Failure> {
    let d = layout.latents;
    let curvature = found.peak.curvature.as_ref().ok_or_else(too_many)?;
    let factor = inverse_root(&curvature.view((0, 0), (d, d)).clone_owned());
    let log_volume: f64 = factor.diagonal().iter().map(|x| x.ln()).sum();
    let evidence = found.peak.value + d as f64 * LN_SQRT_2PI + log_volume;
    let guide = Gaussian {
        mean: DVector::from_column_slice(&found.peak.point[..d]),
        scale: Scale::Factor(factor.clone()),
        params: DVector::from_column_slice(&found.peak.point[d..]),
    };
    let mut target = Target::new(joint);
    target.evaluations = found.evaluations;
    let average =
        Average::over(&super::deterministic::last_draws(&guide, task.seed)?, &guide, &mut target, Cross::Full)?;
    let sampler = Sampler::new(guide, task.seed);
    let (bound, importance): (Estimate, Option<Importance>) = match d {
        0 => (Estimate { mean: average.value, se: 0.0 }, None),
        _ => {
            let fitting = usize::try_from(found.evaluations).unwrap_or(usize::MAX);
            let count = fitting.max(target.cheap()).clamp(*KHAT_DRAWS.start(), *KHAT_DRAWS.end());
            let weighed = weigh(&mut target, &sampler, &average, count, MOST_DRAWS)?;
            (weighed.bound, Some(weighed.importance))
        }
    };
    let guide = Guide::Sampler { sampler: &sampler, bound, importance: importance.as_ref() };
    let posterior = tell(task, found, guide)?;
    // Row-major in files; a matrix here is column-major.
    Ok((posterior, (factor.transpose().as_slice().to_vec(), evidence)))
}

fn tell(task: &Task, found: &Found, guide: Guide) -> Result<Posterior, Failure> {
    posterior::tell(&Fitted {
        elbo: task.elbo,
        data: task.data,
        backend: task.backend,
        precision: Precision::F64,
        guide,
        batches: None,
        left_out: None,
        beta: 1.0,
        seed: task.seed,
        evaluations: usize::try_from(found.evaluations).unwrap_or(usize::MAX),
    })
}

/// What stands in the way of a Hessian over all data: more coordinates than it is made of, nets, or steps that were asked for.
pub(super) fn by_hessian_alone(because: &str) -> Problem {
    let message =
        format!("`guide laplace` needs the exact Hessian over all data, which this fit does not have: {because}");
    let help = "leave steps, epochs, batch and optimizer out, or use `--guide meanfield`";
    Problem::error("ppl::limitation::laplace", message).help(help)
}

fn too_many() -> Failure {
    by_hessian_alone(&format!("it has more than {} coordinates", mode::MOST_HESSIAN)).into()
}
