//! Row 1 of the decision table: what stands after `by`, whether it is legal for the site, and what it costs in bias.

use crate::dist::{self, Draw, Kind};
use crate::elbo::cost::Facts;
use crate::elbo::estimator::{self, Answer, Fate, finite, kind_name, not_pathwise};
use crate::elbo::problems::ElboProblem;
use crate::elbo::{Elbo, Estimator, because, weighted};
use crate::math::SiteId;
use crate::model::{Baseline, Draws, Model, Request};
use crate::problem::Problems;

/// The estimator that the guide asks for, or why the site cannot have it.
pub fn asked_for(facts: &Facts, id: SiteId) -> Answer {
    let Some(&at) = facts.factor.get(&id) else { return Answer::Next };
    let Some(by) = &facts.model.guide.factors[at].by else { return Answer::Next };
    let chosen = |estimator, because: &str| Ok((estimator, because.to_string()));
    let answer = match by.node {
        Request::Pathwise => pathwise(facts, id),
        Request::Enumerate => return enumerate(facts, id, at),
        Request::Score(baseline) => score(facts, id, baseline),
        Request::Disarm => disarm(facts, id).and(chosen(
            Estimator::Disarm,
            "the guide asks for it; pairs of antithetic draws, Dong, Mnih & Tucker (2020)",
        )),
        Request::Rebar => relaxable(facts, id)
            .and(last(facts, id))
            .and(chosen(Estimator::Rebar, "the guide asks for it; a relaxed control variate, Tucker et al. (2017)")),
        Request::Relax => relaxable(facts, id)
            .and(last(facts, id))
            .and(chosen(Estimator::Relax, "the guide asks for it; a learned control variate, Grathwohl et al. (2018)")),
        Request::Concrete(temperature) => relaxable(facts, id).and(chosen(
            Estimator::Concrete(temperature),
            "the guide asks for it; biased: gradients are those of the relaxed draw, Maddison, Mnih & Teh (2017)",
        )),
        Request::StraightThrough => relaxable(facts, id).and(chosen(
            Estimator::StraightThrough,
            "the guide asks for it; biased: gradients pass the draw as if it were its mean, Bengio et al. (2013)",
        )),
    };
    match answer {
        Ok((estimator, because)) => Answer::Choose(Fate::Written(at), estimator, because),
        Err((why, legal)) => illegal(facts, id, at, why, legal),
    }
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

/// Why not, and what to write.
type Refusal = (String, &'static str);

fn illegal(facts: &Facts, id: SiteId, at: usize, why: String, legal: &'static str) -> Answer {
    let Some(by) = &facts.model.guide.factors[at].by else { return Answer::Next };
    Answer::Wrong(ElboProblem::IllegalEstimator {
        site: facts.model.sites[id.index()].name.clone(),
        asked: by.node.to_string(),
        why,
        legal: legal.into(),
        span: by.span,
    })
}

fn pathwise(facts: &Facts, id: SiteId) -> Result<(Estimator, String), Refusal> {
    match not_pathwise(facts, id) {
        None => Ok((Estimator::Pathwise, because::drawn(facts, id))),
        Some(why) if finite(facts, id).is_some() => Err((why, "write `by enumerate` or `by score`, or leave `by` out")),
        Some(why) => Err((why, "write `by score`, or leave `by` out: the compiler then chooses what is legal")),
    }
}

fn enumerate(facts: &Facts, id: SiteId, at: usize) -> Answer {
    if finite(facts, id).is_none() {
        let why = format!("{} does not have finitely many states", kind_name(facts, id));
        let legal = "leave `by` out, or write `by pathwise` where the factor is reparameterized";
        return illegal(facts, id, at, why, legal);
    }
    match crate::elbo::enumerate::enumerable(facts, id) {
        Ok(joint) => crate::elbo::enumerate::enumerate(facts, id, at, &joint),
        Err(obstacle) => match obstacle.problem {
            Some(problem) => Answer::Wrong(problem),
            None => illegal(facts, id, at, obstacle.why, "write `by score`, or leave `by` out"),
        },
    }
}

fn score(facts: &Facts, id: SiteId, baseline: Option<Baseline>) -> Result<(Estimator, String), Refusal> {
    let kind = kind_name(facts, id);
    if matches!(drawn(facts, id), Draw::None) {
        return Err((format!("{kind} has no draws"), "give the site a factor that can be drawn from"));
    }
    let because = "the guide asks for it".to_string();
    let Some(baseline) = baseline else { return Ok((estimator::scored(facts, id), because)) };
    if weighted(facts.model) {
        let why = "the objective has a baseline of its own, the weights of the other draws".into();
        return Err((why, "write `by score`"));
    }
    if baseline == Baseline::LeaveOneOut && facts.model.fit.particles == Some(1) {
        let why = "leave-one-out needs the cost of other particles, and there is one".into();
        return Err((why, "write `particles: 2`, or `baseline: mean`"));
    }
    if baseline == Baseline::LeaveOneOut && dependent(facts.model) {
        let why = "leave-one-out needs independent particles, and `draws:` asks for others".into();
        return Err((why, "write `draws: independent`, or `baseline: mean`"));
    }
    Ok((Estimator::Score { baseline }, because))
}

/// Whether particles are drawn together.
pub fn dependent(model: &Model) -> bool {
    model.fit.draws.is_some_and(|draws| draws != Draws::Independent)
}

/// Antithetic pairs of Bernoulli vectors: what is drawn given them would have to be drawn for both.
fn disarm(facts: &Facts, id: SiteId) -> Result<(), Refusal> {
    if kind_of(facts, id) != Kind::Bernoulli {
        let legal = "write `by score(baseline: loo)`, or leave `by` out";
        return Err((format!("it is for Bernoulli factors, and this is {}", kind_name(facts, id)), legal));
    }
    last(facts, id)?;
    if facts.model.fit.particles.is_some_and(|n| n % 2 == 1) {
        return Err(("its draws come in pairs, and the number of particles is odd".into(), "write `particles: 2`"));
    }
    Ok(())
}

/// Nothing is sampled by the guide after the site.
fn last(facts: &Facts, id: SiteId) -> Result<(), Refusal> {
    match facts.sampled_after(id).first() {
        None => Ok(()),
        Some(after) => {
            let why = format!("{} is sampled by the guide after it", because::name(facts.model, *after));
            Err((why, "write `by score(baseline: loo)`, or leave `by` out"))
        }
    }
}

/// Whether the draw may be replaced by a real number between its states: it is binary, and nothing jumps in it.
fn relaxable(facts: &Facts, id: SiteId) -> Result<(), Refusal> {
    let legal = "write `by enumerate` or `by score`, or leave `by` out";
    if kind_of(facts, id) != Kind::Bernoulli {
        let why = format!("a draw of {} is no number that could be relaxed", kind_name(facts, id));
        return Err((why, legal));
    }
    match estimator::jumps(facts, id) {
        true => Err((format!("what follows is not continuous in `{}`", facts.model.sites[id.index()].name), legal)),
        false => Ok(()),
    }
}

fn kind_of(facts: &Facts, id: SiteId) -> Kind {
    let factor = facts.factor.get(&id).map(|at| facts.model.guide.factors[*at].dist.kind);
    factor.unwrap_or(facts.model.sites[id.index()].dist.kind)
}

fn drawn(facts: &Facts, id: SiteId) -> &'static Draw {
    let factor = facts.factor.get(&id).map(|at| &facts.model.guide.factors[*at].dist);
    dist::drawing(factor.unwrap_or(&facts.model.sites[id.index()].dist))
}
