//! What the checker knows and no bound is derived for yet: told once, before anything is derived.

use crate::elbo::problems::{ElboProblem, EnergyTrouble, Limitation};
use crate::elbo::{missing, weighted};
use crate::math::Support;
use crate::model::{Auto, Factor, Model, Objective, Statement, Unit};
use crate::problem::Problems;
use crate::source::Span;

/// Every request and every kind of statement that is not derived yet.
pub fn check(model: &Model, problems: &mut Problems) {
    let mut limited = |(what, span): (Limitation, Span)| problems.push(ElboProblem::Limitation { what, span });
    model.statements.iter().filter_map(|statement| energy(model, statement)).for_each(&mut limited);
    guide(model).into_iter().for_each(&mut limited);
    model.guide.factors.iter().filter_map(flow).for_each(&mut limited);
    objective(model).into_iter().for_each(&mut limited);
    for statement in &model.statements {
        if let Statement::Observe(y) = statement
            && let Err(problem) = missing::check(model, y)
        {
            problems.push(problem);
        }
    }
}

fn energy(model: &Model, statement: &Statement) -> Option<(Limitation, Span)> {
    let Statement::Boltzmann(of) = statement else { return None };
    let other = of.units.iter().find_map(|unit| {
        let (name, support, event) = match unit {
            Unit::Observed(id, _) => {
                let data = &model.data[id.index()];
                (&data.name, &data.support, &data.event)
            }
            Unit::Latent(id) => {
                let site = &model.sites[id.index()];
                (&site.name, &site.support, &site.event)
            }
        };
        (*support != Support::Binary || event.len() != 1).then(|| name.clone())
    });
    let data = of.units.iter().any(|unit| matches!(unit, Unit::Observed(..)));
    let trouble = match other {
        Some(other) => EnergyTrouble::Units(other),
        None if data => return None,
        None => EnergyTrouble::NoData,
    };
    Some((Limitation::Energy { name: of.energy.clone(), trouble }, of.span))
}

fn guide(model: &Model) -> Option<(Limitation, Span)> {
    let auto = model.guide.auto?;
    let span = model.guide.span.unwrap_or_default();
    match auto {
        Auto::MeanField | Auto::FullRank => None,
        // Its log density is no sum over sites.
        Auto::LowRank(_) if model.fit.sampled_kl || weighted(model) => {
            Some((Limitation::LowRankDensity { guide: auto.to_string() }, span))
        }
        Auto::LowRank(_) => None,
        // A mode of some sites given the draws of others would have to be found at every draw.
        Auto::Map | Auto::Laplace => {
            let written = model.guide.factors.first()?;
            Some((Limitation::ModeBesideFactors { guide: auto.to_string() }, written.span))
        }
        Auto::Exact | Auto::Flow(_) => Some((Limitation::Guide { name: auto.to_string() }, span)),
    }
}

fn flow(factor: &Factor) -> Option<(Limitation, Span)> {
    let flow = factor.flow?;
    Some((Limitation::Flow { maps: flow.to_string() }, factor.span))
}

fn objective(model: &Model) -> Option<(Limitation, Span)> {
    let span = model.fit.spans.get("objective").copied().unwrap_or_default();
    match model.fit.objective? {
        other @ (Objective::Em | Objective::Cavi) => Some((Limitation::Objective { name: other.to_string() }, span)),
        _ => None,
    }
}
