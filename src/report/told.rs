//! From what a fit found to what is written of it.

use super::{
    DrawColumn, Draws, Estimate, Importance, KhatRows, Nested, Objective, Outcome, Param, Site, SiteDraws, Summary,
    Tensor, TraceRow, Warning,
};
use crate::fit::drive::{self, Arrival, Path};
use crate::fit::posterior::{Quantity, Told};
use crate::model::{Auto, Model};

/// Everything but seconds, rows and hashes, which only the command knows.
pub fn told(model: &Model, seed: u64, backend: &str, found: drive::Outcome, trace: Vec<TraceRow>) -> Outcome {
    let posterior = found.posterior;
    let mut summary = Summary::new(&model.name, seed, backend);
    summary.steps = found.steps;
    summary.path = match found.path {
        Path::Deterministic => "deterministic",
        Path::Stochastic => "stochastic",
    }
    .into();
    summary.path_because = found.path_because;
    summary.converged = found.converged;
    let words = match found.by {
        Arrival::Converged => "converged",
        Arrival::NoFurtherGain => "no further gain",
    };
    summary.ended = found.converged.map(|yes| if yes { words } else { "not converged" }.to_string());
    summary.interrupted = found.stopped;
    summary.starts = found.starts;
    summary.elbo = posterior.elbo.map(|elbo| Estimate { mean: elbo.mean, se: elbo.se });
    let by_default = if model.guide.auto.is_some_and(Auto::is_mode) { "log_joint" } else { "elbo" };
    summary.objective = match &model.fit.objective {
        Some(objective) if by_default == "elbo" => objective.to_string(),
        _ => by_default.into(),
    };
    summary.laplace_log_evidence = found.laplace_log_evidence;
    // At a point nothing is drawn.
    let (mean, se) = (found.objective.mean, Some(found.objective.se).filter(|_| by_default == "elbo"));
    summary.objective_value = Some(Objective { name: summary.objective.clone(), mean, se });
    match &posterior.importance {
        Ok(weights) => {
            summary.khat = Some(weights.khat).filter(|khat| khat.is_finite());
            if summary.khat.is_none() {
                summary.khat_because = Some("the weights of the draws are all but equal".into());
            }
            // Equal weights have no tail to measure, and nothing to distrust.
            summary.importance = weights.usable().then_some(Importance {
                log_evidence: weights.log_evidence,
                se: weights.se,
                ess: weights.ess,
            });
        }
        Err(because) => summary.khat_because = Some(because.clone()),
    }
    summary.khat_rows = posterior.tails.map(|tails| KhatRows { median: tails.median, above: tails.above });
    summary.sites.0 = posterior.quantities.iter().map(|q| (q.name.clone(), site(q))).collect();
    let point = |name: &String| model.params.iter().any(|param| param.name == *name && param.net.is_none());
    let params = posterior.params.iter().filter(|p| point(&p.name));
    summary.params.0 = params
        .map(|p| (p.name.clone(), Param { shape: p.shape.clone(), value: Nested::new(&p.shape, p.value.clone()) }))
        .collect();
    summary.warnings = found
        .warnings
        .iter()
        .map(|w| Warning { code: w.code.into(), message: w.message.clone(), help: w.help.clone() })
        .collect();

    let mut tensors: Vec<Tensor> =
        posterior.params.into_iter().map(|p| Tensor { name: p.name, shape: p.shape, values: p.value }).collect();
    let guide = found.state.into_iter().filter(|(name, ..)| name.starts_with("guide."));
    tensors.extend(guide.map(|(name, shape, values)| Tensor { name, shape, values }));
    let column = |(quantity, values): (&Quantity, Vec<f64>)| DrawColumn {
        name: quantity.name.clone(),
        shape: quantity.shape.clone(),
        values,
    };
    let short = |(_, values): &(&Quantity, Vec<f64>)| !values.is_empty();
    let draws = Draws {
        columns: posterior.quantities.iter().zip(posterior.draws.values).filter(short).map(column).collect(),
        log_p: posterior.draws.log_p,
        log_g: posterior.draws.log_q,
    };
    Outcome { summary, params: tensors, trace, draws }
}

fn site(quantity: &Quantity) -> Site {
    let shape = quantity.shape.clone();
    match quantity.told {
        Told::Probabilities => {
            let means = quantity.summaries.iter().map(|told| told.mean).collect();
            Site::Probabilities { probabilities: Nested::new(&shape, means), shape }
        }
        Told::Values => {
            let mut draws = SiteDraws::new(&shape, &quantity.summaries);
            if let Some(corrected) = &quantity.corrected {
                draws.corrected_mean = Some(Nested::new(&shape, corrected.iter().map(|m| m.mean).collect()));
                draws.corrected_sd = Some(Nested::new(&shape, corrected.iter().map(|m| m.sd).collect()));
            }
            Site::Draws(Box::new(draws))
        }
    }
}
