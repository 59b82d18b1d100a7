//! What is said of a fit besides its answer.

use super::drive::Task;
use super::posterior::Posterior;
use super::{Failure, deterministic};
use crate::diagnose::psis::KHAT_FLAGGED;
use crate::model::Auto;
use crate::plan::lower::Layout;
use crate::problem::Problem;

pub(super) fn not_finite() -> Failure {
    Failure::from(
        Problem::error("ppl::fit::not_finite", "the bound is not finite at the fitted guide")
            .help("look for a value that overflows, or a density that is zero where the guide draws"),
    )
}

/// What the deterministic path noticed on its way.
pub(super) fn found_warnings(task: &Task, layout: &Layout, found: &deterministic::Outcome) -> Vec<Problem> {
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
                format!("the posterior of `{names}` seems to be improper: its spread grew without end"),
            )
            .help("give it a proper prior, or data that bounds it"),
        );
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
    if !found.converged && !found.stopped {
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
