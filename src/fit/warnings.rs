//! What is said of a fit besides its answer.

use super::blame::{self, Blame, Scene};
use super::drive::Task;
use super::joint::PlanJoint;
use super::posterior::Posterior;
use super::support::Look;
use super::{Failure, initial};
use crate::diagnose::psis::KHAT_FLAGGED;
use crate::model::{Auto, Init};
use crate::plan::Precision;
use crate::plan::lower::{Given, Layout};
use crate::problem::Problem;

/// Why the deterministic path has no answer where nothing was finite: a value that left its support, or the first one
/// that is no finite number.
pub(super) fn nowhere(task: &Task, layout: &Layout, joint: &PlanJoint, found: Option<Failure>) -> Failure {
    if let Some(outside) = joint.left_support() {
        return outside;
    }
    match found {
        Some(Failure::NoStart { tries }) => no_start(task, layout, tries).unwrap_or_else(|other| other),
        Some(other) => other,
        None => Failure::from(
            Problem::error("ppl::fit::not_finite", "the bound is not finite at the fitted guide")
                .help("look for a value that overflows, or a density that is zero where the guide draws"),
        ),
    }
}

fn no_start(task: &Task, layout: &Layout, tries: usize) -> Result<Failure, Failure> {
    let init = task.block.init.clone().unwrap_or(Init::Auto);
    let start = initial::point(task.elbo, task.data, layout, &init, task.seed, 0)?;
    let Task { elbo, data, backend, .. } = *task;
    let scene = Scene { elbo, data, backend, precision: Precision::F64, given: Given::Points };
    let why = blame::find(&scene, &Look { values: &start, draws: 1, noise: None, rows: None })?;
    let mut message = format!("no finite value and gradient at the start, nor at {tries} random points");
    if let Some(why) = &why {
        message += &format!(": {}", why.sentence);
    }
    let (problem, help) = (
        Problem::error("ppl::fit::no_start", message),
        "give values to start from: `--init '{mu: 3}'`, or scale the data",
    );
    Ok(match why {
        Some(why) => why.show(problem, help),
        None => problem.help(help),
    }
    .into())
}

/// A step whose bound or gradient is not finite.
pub(super) fn not_finite_at(step: usize, why: Option<&Blame>) -> Failure {
    let message = match why {
        Some(why) => format!("the bound is not finite at step {step}: {}", why.sentence),
        None => format!("the gradient of the bound is not finite at step {step}, though all its terms are"),
    };
    let problem = Problem::error("ppl::fit::not_finite", message);
    let help = "try a smaller rate (`--lr 1e-3`), gradient clipping (`--clip 10`), or another start (`--init zero`)";
    match why {
        Some(why) => why.show(problem, help),
        None => problem.help(help),
    }
    .into()
}

/// What a path noticed on its way.
pub(super) struct Found<'a> {
    /// Latent coordinates whose sd grew without end.
    pub improper: &'a [usize],
    pub singular: bool,
    /// It was not stopped, and did not settle.
    pub unsettled: bool,
}

pub(super) fn found_warnings(task: &Task, layout: &Layout, found: &Found) -> Vec<Problem> {
    let mut warnings = vec![];
    if !found.improper.is_empty() {
        let sites: Vec<&str> = layout
            .sites
            .iter()
            .filter(|block| found.improper.iter().any(|i| (block.offset..block.offset + block.len()).contains(i)))
            .map(|block| block.name.as_str())
            .collect();
        let names = sites.join("`, `");
        warnings.push(
            Problem::warning(
                "ppl::fit::improper",
                format!("the posterior of `{names}` seems to be improper: nothing bounds it in some direction"),
            )
            .help("give it a proper prior, or data that bounds it"),
        );
    }
    for (dim, batch) in &task.block.batch {
        let Some(rows) = task.data.dims.get(dim).filter(|rows| *rows < batch) else { continue };
        let name = &task.elbo.model.dims[*dim].name;
        let message =
            format!("the batch `{name} = {batch}` is more than the {rows} rows of {name}: every step sees them all");
        let help = format!(
            "write a number below {rows}, or leave the batch out: a fit of all rows may then be exact and quick"
        );
        warnings.push(Problem::warning("ppl::fit::batch", message).help(help));
    }
    if found.singular {
        warnings.push(
            Problem::warning(
                "ppl::fit::singular",
                "the likelihood seems to be unbounded: the objective rose without end",
            )
            .help("keep scales away from zero with a prior or a bound, as in `param s: real(0.01, inf)`"),
        );
    }
    if found.unsettled {
        let model = &task.elbo.model.name;
        warnings.push(
            Problem::warning(
                "ppl::fit::not_converged",
                format!("the fit of {model} did not settle; its bound may still rise"),
            )
            .help("look for a flat or an unbounded direction: an improper prior, a scale that goes to zero"),
        );
    }
    warnings
}

/// k-hat on the wrong side of .7, or close to it; of rows, where half of them are.
pub(super) fn khat_warning(guide: Option<Auto>, posterior: &Posterior) -> Option<Problem> {
    if let Some(tails) = posterior.tails.filter(|tails| tails.above > 0.5) {
        let share = (100.0 * tails.above).round();
        let message = format!("k-hat is above 0.7 at {share} % of the rows: the guide misses part of their posteriors");
        let help = "the bound is one all the same; train longer or widen the guide before trusting a row's latents";
        return Some(Problem::warning("ppl::fit::khat_rows", message).help(help));
    }
    let khat = posterior.importance.as_ref().ok()?.khat;
    let told = format!("k-hat is {khat:.2}");
    if khat >= KHAT_FLAGGED {
        let wider = match guide {
            Some(Auto::MeanField | Auto::Laplace | Auto::LowRank(_)) => "try `--guide fullrank`",
            _ => "write a guide that can follow the posterior",
        };
        return Some(
            Problem::warning("ppl::fit::khat", format!("{told}, above 0.7: the guide misses part of the posterior"))
                .help(format!("do not trust means and sds; {wider}, or mend what a lint says of the model")),
        );
    }
    (khat > KHAT_FLAGGED - 0.1).then(|| {
        Problem::warning("ppl::fit::khat_borderline", format!("{told}, within 0.1 of 0.7: borderline"))
            .help("prefer the corrected means and sds; another seed may fall on the other side")
    })
}
