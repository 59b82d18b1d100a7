//! Row 1 of the decision table: the estimator that a guide asks for with `by`, and whether it is legal for the site.

use crate::dist::{self, Draw, Kind};
use crate::elbo::cost::Facts;
use crate::elbo::estimator::{self, Answer, Fate, finite, kind_name, not_pathwise};
use crate::elbo::problems::ElboProblem;
use crate::elbo::{Elbo, Estimator, because, enumerate, menu, weighted};
use crate::math::SiteId;
use crate::model::{Baseline, Draws, Model, Request};
use crate::problem::Problems;

/// The estimator that is asked for, or why the site cannot have it.
pub fn asked_for(facts: &Facts, id: SiteId) -> Answer {
    let Some(request) = facts.request(id) else { return Answer::Next };
    let at = facts.factor.get(&id).copied();
    match (menu::row(request).legal)(facts, id, request) {
        Ok((estimator, because)) => {
            let fate = match (at, estimator) {
                (Some(at), Estimator::Enumerate) => Fate::Enumerated(at),
                (Some(at), _) => Fate::Written(at),
                (None, _) => Fate::Auto,
            };
            Answer::Choose(fate, estimator, because)
        }
        Err(Refusal::Problem(problem)) => Answer::Wrong(*problem),
        Err(Refusal::Illegal(why, legal)) => Answer::Wrong(illegal(facts, id, request, why, legal)),
    }
}

/// A request that the site cannot have, why, and what to write.
pub fn illegal(facts: &Facts, id: SiteId, request: Request, why: String, legal: &str) -> ElboProblem {
    let site = &facts.model.sites[id.index()];
    let by = facts.factor.get(&id).and_then(|at| facts.model.guide.factors[*at].by.as_ref());
    let (name, span) = (site.name.clone(), by.map_or(site.span, |by| by.span));
    ElboProblem::IllegalEstimator { site: name, asked: request.to_string(), why, legal: legal.into(), span }
}

/// The sites whose relaxed draws stand where the model has 0 and 1: the density there is that of no relaxed variable, and
/// the bound is none (Maddison, Mnih & Teh, "The concrete distribution", ICLR 2017, section 3.3).
pub fn relaxed(elbo: &Elbo) -> Problems {
    let mut problems = Problems::default();
    for view in elbo.sites.iter().filter(|view| matches!(view.choice.estimator, Estimator::Concrete(_))) {
        let site = &elbo.model.sites[view.site.index()];
        let by = elbo.model.guide.factors.iter().find(|factor| factor.site == view.site);
        let by = by.and_then(|factor| factor.by.as_ref()).map_or(site.span, |by| by.span);
        let (name, dist) = (site.name.clone(), dist::row(site.dist.kind).name);
        problems.push(ElboProblem::Relaxed { site: name, dist, by, span: site.span });
    }
    problems
}

/// What a site gets that asks for an estimator, and why; or why not.
pub type Legal = Result<(Estimator, String), Refusal>;

/// Why a site cannot have an estimator.
#[derive(Debug)]
pub enum Refusal {
    /// And what to write.
    Illegal(String, &'static str),
    Problem(Box<ElboProblem>),
}

fn refused<T>(why: impl Into<String>, legal: &'static str) -> Result<T, Refusal> {
    Err(Refusal::Illegal(why.into(), legal))
}

pub fn pathwise(facts: &Facts, id: SiteId, _: Request) -> Legal {
    match not_pathwise(facts, id) {
        None => Ok((Estimator::Pathwise, because::drawn(facts, id))),
        Some(why) if finite(facts, id).is_some() => {
            refused(why, "write `by enumerate` or `by score`, or leave `by` out")
        }
        Some(why) => refused(why, "write `by score`, or leave `by` out: the compiler then chooses what is legal"),
    }
}

pub fn enumerate(facts: &Facts, id: SiteId, _: Request) -> Legal {
    if finite(facts, id).is_none() {
        let why = format!("{} does not have finitely many states", kind_name(facts, id));
        return refused(why, "leave `by` out, or write `by pathwise` where the factor is reparameterized");
    }
    if !facts.factor.contains_key(&id) {
        return refused("it has no factor", "write one in the guide");
    }
    match enumerate::enumerable(facts, id) {
        Ok(joint) => Ok((Estimator::Enumerate, enumerate::reason(facts, id, &joint))),
        Err(obstacle) => match obstacle.problem {
            Some(problem) => Err(Refusal::Problem(Box::new(problem))),
            None => refused(obstacle.why, "write `by score`, or leave `by` out"),
        },
    }
}

pub fn score(facts: &Facts, id: SiteId, request: Request) -> Legal {
    let Request::Score(baseline) = request else { return refused("it is no score function", "write `by score`") };
    let kind = kind_name(facts, id);
    match facts.factor.get(&id) {
        Some(_) if matches!(drawn(facts, id), Draw::None) => {
            return refused(format!("{kind} has no draws"), "give the site a factor that can be drawn from");
        }
        Some(_) => {}
        None if !estimator::has_own_score(facts, id) => {
            return refused("it has no factor of its own", "write one in the guide");
        }
        None if matches!(baseline, Some(Baseline::Regression | Baseline::Net(_))) => {
            return refused("an automatic factor has other baselines", "write `baseline: loo`");
        }
        None => {}
    }
    let because = ASKED.to_string();
    let Some(baseline) = baseline else { return Ok((estimator::scored(facts, id), because)) };
    if weighted(facts.model) {
        let why = "the objective has a baseline of its own, the weights of the other draws";
        return refused(why, "write `by score`");
    }
    if baseline == Baseline::LeaveOneOut && facts.model.fit.particles == Some(1) {
        let why = "leave-one-out needs the cost of other particles, and there is one";
        return refused(why, "write `particles: 2`, or `baseline: mean`");
    }
    if baseline == Baseline::LeaveOneOut && dependent(facts.model) {
        let why = "leave-one-out needs independent particles, and `draws:` asks for others";
        return refused(why, "write `draws: independent`, or `baseline: mean`");
    }
    Ok((Estimator::Score { baseline }, because))
}

const ASKED: &str = "the guide asks for it";

fn asked(estimator: Estimator, more: &str) -> Legal {
    Ok((estimator, format!("{ASKED}; {more}")))
}

pub fn rebar(facts: &Facts, id: SiteId, _: Request) -> Legal {
    relaxable(facts, id)?;
    last(facts, id)?;
    unweighted(facts)?;
    asked(Estimator::Rebar, "a relaxed control variate, Tucker et al. (2017)")
}

pub fn relax(facts: &Facts, id: SiteId, _: Request) -> Legal {
    relaxable(facts, id)?;
    last(facts, id)?;
    unweighted(facts)?;
    asked(Estimator::Relax, "a learned control variate, Grathwohl et al. (2018)")
}

pub fn concrete(facts: &Facts, id: SiteId, request: Request) -> Legal {
    let Request::Concrete(temperature) = request else {
        return refused("it is not relaxed", "write `by concrete(0.5)`");
    };
    relaxable(facts, id)?;
    let because = "biased: gradients are those of the relaxed draw, Maddison, Mnih & Teh (2017)";
    asked(Estimator::Concrete(temperature), because)
}

pub fn straight_through(facts: &Facts, id: SiteId, _: Request) -> Legal {
    relaxable(facts, id)?;
    let because = "biased: gradients pass the draw as if it were its mean, Bengio et al. (2013)";
    asked(Estimator::StraightThrough, because)
}

/// Whether particles are drawn together.
pub fn dependent(model: &Model) -> bool {
    model.fit.draws.is_some_and(|draws| draws != Draws::Independent)
}

/// Antithetic pairs of Bernoulli vectors: what is drawn given them would have to be drawn for both.
pub fn disarm(facts: &Facts, id: SiteId, _: Request) -> Legal {
    if kind_of(facts, id) != Some(Kind::Bernoulli) {
        let legal = "write `by score(baseline: loo)`, or leave `by` out";
        return refused(format!("it is for Bernoulli factors, and this is {}", kind_name(facts, id)), legal);
    }
    last(facts, id)?;
    unweighted(facts)?;
    if facts.model.fit.particles.is_some_and(|n| n % 2 == 1) {
        return refused("its draws come in pairs, and the number of particles is odd", "write `particles: 2`");
    }
    asked(Estimator::Disarm, "pairs of antithetic draws, Dong, Mnih & Tucker (2020)")
}

/// Nothing is sampled by the guide after the site.
fn last(facts: &Facts, id: SiteId) -> Result<(), Refusal> {
    match facts.sampled_after(id).first() {
        None => Ok(()),
        Some(after) => {
            let why = format!("{} is sampled by the guide after it", because::name(facts.model, *after));
            refused(why, "write `by score(baseline: loo)`, or leave `by` out")
        }
    }
}

/// The cost of a draw is its own: under weights it is that of all draws together.
fn unweighted(facts: &Facts) -> Result<(), Refusal> {
    match weighted(facts.model) {
        true => refused("the draws of the objective share weights, and so a cost", "write `by score`"),
        false => Ok(()),
    }
}

/// Whether the draw may be replaced by a real number between its states: it is binary, and nothing jumps in it.
fn relaxable(facts: &Facts, id: SiteId) -> Result<(), Refusal> {
    let legal = "write `by enumerate` or `by score`, or leave `by` out";
    if kind_of(facts, id) != Some(Kind::Bernoulli) {
        return refused(format!("a draw of {} is no number that could be relaxed", kind_name(facts, id)), legal);
    }
    match estimator::jumps(facts, id) {
        true => refused(format!("what follows is not continuous in `{}`", facts.model.sites[id.index()].name), legal),
        false => Ok(()),
    }
}

/// The kind of a written factor.
fn kind_of(facts: &Facts, id: SiteId) -> Option<Kind> {
    facts.factor.get(&id).map(|at| facts.model.guide.factors[*at].dist.kind)
}

fn drawn(facts: &Facts, id: SiteId) -> &'static Draw {
    let factor = facts.factor.get(&id).map(|at| &facts.model.guide.factors[*at].dist);
    dist::drawing(factor.unwrap_or(&facts.model.sites[id.index()].dist))
}
