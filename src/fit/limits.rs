//! Bounds that are derived and printed, and that no fit follows yet: one limitation each, with what to write instead.

use crate::elbo::{Elbo, Estimator, SiteView};
use crate::problem::{Problem, Problems};
use crate::source::Span;

/// Everything in a bound that keeps it from being fitted.
pub fn limits(elbo: &Elbo) -> Problems {
    let mut problems = Problems::default();
    for view in &elbo.sites {
        if let Some(problem) = estimator(elbo, view) {
            problems.push(problem);
        }
    }
    problems
}

fn estimator(elbo: &Elbo, view: &SiteView) -> Option<Problem> {
    let (estimator, name) = (view.choice.estimator, &elbo.model.sites[view.site.index()].name);
    if estimator.is_biased() {
        let message = format!("the relaxed draws of `{name}` cannot be fitted yet: `by {}`", asked(estimator));
        let problem = Problem::error("ppl::limitation::estimator", message);
        return Some(problem.label(written(elbo, view), "drawn here").help(HELP));
    }
    if !estimator.is_score() {
        return None;
    }
    let message =
        format!("`{name}` needs the score-function estimator, which cannot be fitted yet: {}", view.choice.because);
    let problem = Problem::error("ppl::limitation::score_function", message).label(written(elbo, view), "drawn here");
    let facts = crate::elbo::cost::Facts::new(&elbo.model);
    Some(match crate::elbo::estimator::jump(&facts, view.site) {
        Some(jump) => problem
            .label(jump, format!("jumps as `{name}` moves"))
            .help("use something smooth there (`sigmoid` for a step), or a finite site, which is summed out"),
        None => problem.help(HELP),
    })
}

const HELP: &str = "use a reparameterized factor (Normal, LogNormal, Gamma, ...), or let a finite site be summed out";

fn asked(estimator: Estimator) -> String {
    match estimator {
        Estimator::Concrete(temperature) => format!("concrete({temperature})"),
        _ => "straight_through".into(),
    }
}

/// Where the factor of a site was written, or the site.
fn written(elbo: &Elbo, view: &SiteView) -> Span {
    let factor = elbo.model.guide.factors.iter().find(|factor| factor.site == view.site);
    factor.map_or(elbo.model.sites[view.site.index()].span, |factor| factor.span)
}
