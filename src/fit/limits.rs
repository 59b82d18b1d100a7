//! Bounds that are derived and printed, and entries of the `fit` block, that no fit follows yet: one limitation each,
//! with what to write instead.

use super::optimizer::Rule;
use super::{drive, laplace};
use crate::elbo::{Elbo, Objective, SiteView, Treatment};
use crate::math::Op;
use crate::model::follow::{Follower, followers};
use crate::model::{self, Auto, FitBlock, Optimizer, OptimizerRule, Rate, Statement};
use crate::problem::{Problem, Problems};
use crate::shape::AxisId;
use crate::source::Span;

/// Everything in a bound and in a `fit` block that keeps it from being fitted.
pub fn limits(elbo: &Elbo, block: &FitBlock) -> Problems {
    let mut problems = entries(elbo, block);
    problems.extend(objective(elbo));
    for view in &elbo.sites {
        if let Some(problem) = estimator(elbo, view) {
            problems.push(problem);
        }
    }
    problems
}

fn objective(elbo: &Elbo) -> Problems {
    let mut problems = Problems::default();
    let model = &elbo.model;
    let asked = model.fit.objective.map_or(String::new(), |objective| objective.to_string());
    let help = match &elbo.objective {
        Objective::Elbo { beta: Some(Rate::Cosine { .. } | Rate::Linear { .. }) } if scores(elbo) => {
            "write a number, as in `elbo(beta: 4)`: some draws are not differentiated through"
        }
        Objective::Elbo { .. } | Objective::Mode(_) | Objective::Weighted(_) | Objective::Updates(_) => {
            return problems;
        }
        Objective::Contrast(contrast) => {
            if let Statement::Boltzmann(of) = &model.statements[contrast.statement] {
                let title = format!("the energy `{}` cannot be fitted yet", of.energy);
                let problem = Problem::error("ppl::limitation::energy", title).label(of.span, "drawn from it here");
                problems.push(
                    problem.help("`ppl elbo` prints its conditionals; to fit, write the model with sites and `~`"),
                );
            }
            return problems;
        }
    };
    let problem = Problem::error("ppl::limitation::objective", format!("the objective `{asked}` cannot be fitted yet"));
    let span = model.fit.spans.get("objective").copied().unwrap_or_default();
    problems.push(problem.label(span, "asked for here").help(help));
    problems
}

/// Whether some draws are not differentiated through.
fn scores(elbo: &Elbo) -> bool {
    elbo.sites.iter().any(|view| view.choice.estimator.is_score())
}

fn estimator(elbo: &Elbo, view: &SiteView) -> Option<Problem> {
    let name = &elbo.model.sites[view.site.index()].name;
    let problem = |message: String, help: &str| {
        let problem = Problem::error("ppl::limitation::score_function", message);
        Some(problem.label(written(elbo, view), "drawn here").help(help))
    };
    let sampled = |id: &crate::math::NodeId| match &elbo.graph.nodes[*id].op {
        Op::Sample { kind, .. } => Some(*kind),
        _ => None,
    };
    if let Some(kind) = elbo.graph.reachable(&[view.value]).iter().find_map(sampled) {
        return problem(format!("draws of `{name}` cannot be made while it is fitted yet: {kind} has no end"), HELP);
    }
    None
}

const HELP: &str = "use a reparameterized factor (Normal, LogNormal, Gamma, ...), or let a finite site be summed out";

/// Where the factor of a site was written, or the site.
fn written(elbo: &Elbo, view: &SiteView) -> Span {
    let factor = elbo.model.guide.factors.iter().find(|factor| factor.site == view.site);
    factor.map_or(elbo.model.sites[view.site.index()].span, |factor| factor.span)
}

/// Objectives are the bound's to refuse (`elbo::limits`).
fn entries(elbo: &Elbo, block: &FitBlock) -> Problems {
    let mut problems = Problems::default();
    let because = drive::asked_for(block).or_else(|| drive::obstacle(elbo));
    if let (Some(Auto::Laplace), Some(because)) = (elbo.model.guide.auto, &because) {
        problems.push(
            laplace::by_hessian_alone(because).label(elbo.model.guide.span.unwrap_or_default(), "asked for here"),
        );
        return problems;
    }
    problems.extend(batched(elbo, block));
    let mut limited = |entry: &str, code: &'static str, what: String, help: &str| {
        let problem = Problem::error(code, format!("{what} cannot be fitted yet")).help(help);
        problems.push(match block.spans.get(entry) {
            Some(span) => problem.label(*span, "asked for here"),
            None => problem,
        });
    };
    match block.optimizer {
        Some(Optimizer { rule: OptimizerRule::Lbfgs, lr }) => {
            let code = "ppl::limitation::optimizer";
            if let Some(because) = &because {
                let what = format!("`lbfgs` beside what is noisy or cut short ({because})");
                limited("optimizer", code, what, "use `optimizer: adam`, or leave all of them out");
            } else if lr.is_some() {
                let help = "write `optimizer: lbfgs`: a line search finds the length of its steps";
                limited("optimizer", code, "`lbfgs` with a rate".into(), help);
            }
        }
        Some(Optimizer { rule, .. }) if Rule::of(rule).is_none() => {
            let what = format!("the optimizer `{}`", rule.name());
            limited("optimizer", "ppl::limitation::optimizer", what, "use `optimizer: adam`, or leave it out");
        }
        _ => {}
    }
    if let Some(draws) = block.draws.filter(|draws| *draws != model::Draws::Independent)
        && (scores(elbo) || !matches!(elbo.objective, Objective::Elbo { .. } | Objective::Mode(_)))
    {
        let what = format!("`draws: {}` where draws serve one another as baselines or share weights", draws.name());
        limited("draws", "ppl::limitation::draws", what, "leave it out: those have to be independent");
    }
    if block.batch.len() > 1 && !matches!(elbo.objective, Objective::Elbo { .. } | Objective::Mode(_)) {
        let what = "batches of two dims under another objective than `elbo`";
        limited("batch", "ppl::limitation::batches", what.into(), "batch one of them");
    }
    if let (Some(starts), Some(because)) = (block.starts.filter(|starts| *starts > 1), because) {
        let help = format!("run with several `--seed`s and keep the best bound (stochastic path: {because})");
        limited("starts", "ppl::limitation::starts", format!("`starts: {starts}` by noisy gradients"), &help);
    }
    problems.extend(endless(block));
    problems.extend(phases(elbo, block));
    problems
}

/// A cosine whose end nobody said.
fn endless(block: &FitBlock) -> Problems {
    let mut problems = Problems::default();
    if block.steps.is_some() || block.epochs.is_some() {
        return problems;
    }
    let cosine = |rate: Option<Rate>| matches!(rate, Some(Rate::Cosine { .. }));
    for block in std::iter::once(block).chain(block.phases.iter().map(|phase| &phase.block)) {
        let beta = match block.objective {
            Some(model::Objective::Elbo(beta)) => beta,
            _ => None,
        };
        for (entry, rate) in [("optimizer", block.optimizer.and_then(|o| o.lr)), ("objective", beta)] {
            if cosine(rate) {
                let title = "a cosine falls to 0 at the end of the fit, and no end is given";
                let help = "say how long, as in `steps: 5000` or `epochs: 20`, or write a number instead";
                let span = block.spans.get(entry).copied().unwrap_or_default();
                problems.push(Problem::error("ppl::fit::endless", title).label(span, "asked for here").help(help));
            }
        }
    }
    problems
}

/// Turns with an objective or an optimizer that no fit follows.
fn phases(elbo: &Elbo, block: &FitBlock) -> Problems {
    let mut problems = Problems::default();
    let whole = elbo.model.fit.objective.unwrap_or(model::Objective::Elbo(None));
    for phase in &block.phases {
        let what = match (phase.block.objective, phase.block.optimizer) {
            (Some(own), _) if own != whole => format!("a phase with the objective `{own}` beside `{whole}`"),
            (_, Some(own)) if Rule::of(own.rule).is_none() => format!("a phase by `{}`", own.rule.name()),
            _ => continue,
        };
        let problem = Problem::error("ppl::limitation::phase", format!("{what} cannot be fitted yet"));
        let help =
            "give its phases `steps` and an `optimizer` such as `adam(lr: 1e-2)`; the objective is that of the fit";
        problems.push(problem.label(phase.span, "this phase").help(help));
    }
    problems
}

/// Batches whose rows reach further than their own plates, or have latents under a joint Normal.
fn batched(elbo: &Elbo, block: &FitBlock) -> Problems {
    let mut problems = Problems::default();
    let followers: Vec<Follower> = block.batch.keys().flat_map(|dim| followers(&elbo.model, *dim)).collect();
    if let (Some(follower), Some(what)) = (followers.first(), unfollowed(elbo)) {
        let problem = Problem::error(
            "ppl::limitation::batches",
            format!("a plate that follows a batch cannot be fitted yet {what}"),
        );
        let help = "leave the batch out: all rows are then seen at every step";
        problems.push(problem.label(follower.span, "reads rows of the batch through data").help(help));
    }
    let batched = |axis: &AxisId| {
        let dim = elbo.axes[*axis].size.as_dim();
        dim.is_some_and(|dim| block.batch.contains_key(&dim) || followers.iter().any(|follower| follower.dim == dim))
    };
    let Some(joint) = elbo.model.guide.auto.filter(|auto| auto.is_joint()) else { return problems };
    let drawn = elbo.sites.iter().filter(|view| view.treatment == Treatment::Auto);
    let mut local =
        drawn.map(|view| &elbo.model.sites[view.site.index()]).filter(|site| site.plates.iter().any(batched));
    if let Some(site) = local.next() {
        let message = format!("`guide {joint}` over rows of a batch cannot be fitted yet: `{}`", site.name);
        let help = "write `guide meanfield`, whose factors are independent, or leave the batch out";
        let problem = Problem::error("ppl::limitation::batches", message);
        problems.push(problem.label(site.span, "one value for every row").help(help));
    }
    problems
}

/// What keeps rows that follow a batch from being fitted: copies fill them up, which only the terms of a bound leave out.
fn unfollowed(elbo: &Elbo) -> Option<String> {
    if !matches!(elbo.objective, Objective::Elbo { .. } | Objective::Mode(_)) {
        return elbo.model.fit.objective.map(|objective| format!("under the objective `{objective}`"));
    }
    let scored = elbo.sites.iter().find(|view| view.choice.estimator.is_score())?;
    Some(format!("where the score function is used: `{}`", elbo.model.sites[scored.site.index()].name))
}
