//! The bound as JSON (`ppl elbo --format json`).
//!
//! An object with `format` (1), `stage`, `model`, `dims`, `guide` (the automatic factor, or null), `sites`, `objective`
//! (its `name`, and as `text` what is maximized), `terms` (of the bound), `gradients` and `definitions`. A site is what it is in the model (`name`, `plates`, `shape`, `type`, `dist`), how the guide treats it
//! (`treatment`: `automatic`, `written`, `summed_out`, `enumerated`, `leaf` or `gibbs`; `factor` and `remark` as printed) and its
//! `estimator` with the reason, `because`. A term has its `kind`, its `sign` (1 or -1), whether `beta` multiplies it, the `plates` it is summed over,
//! the dims whose batch `scale`s it, its `text` as printed, and its `estimator` with `because`; `choices` lists those of
//! the sites it sums out as well. `gradients` is about sites whose draws are not differentiated through, or are relaxed:
//! `formula`, `particles`, `cost` (parts with their sign, each with its place) and `baseline`.
//! `energy` is null or an energy's `name` and `formula`, the `conditionals` of its units and the `blocks` of a sweep.

use serde_json::{Value, json};

use crate::elbo::print::{EnergyLine, GradientLine, GuideLine, TermLine, UnitLine, objective_text, told};
use crate::elbo::{Elbo, Objective};
use crate::model::json as model_json;

pub fn json(elbo: &Elbo) -> Value {
    let told = told(elbo);
    let definition = |(name, value): &(String, String)| json!({ "name": name, "value": value });
    // An energy has no guide.
    let contrast = matches!(elbo.objective, Objective::Contrast(_));
    let objective = elbo
        .model
        .fit
        .objective
        .map_or(if contrast { "cd(1)" } else { "elbo" }.into(), |objective| objective.to_string());
    json!({
        "format": model_json::FORMAT,
        "stage": "elbo",
        "model": elbo.model.name,
        "dims": model_json::dims(&elbo.model),
        "guide": elbo.model.guide.auto.filter(|_| !contrast).map(|auto| auto.to_string()),
        "sites": told.guide.iter().map(|line| site(elbo, line)).collect::<Vec<_>>(),
        "objective": { "name": objective, "text": objective_text(elbo).trim_start() },
        "terms": told.terms.iter().map(|line| term(elbo, line)).collect::<Vec<_>>(),
        "gradients": told.gradients.iter().map(gradient).collect::<Vec<_>>(),
        "definitions": told.definitions.iter().map(definition).collect::<Vec<_>>(),
        "energy": told.energy.as_ref().map(energy),
    })
}

fn energy(line: &EnergyLine) -> Value {
    let unit = |unit: &UnitLine| json!({ "name": unit.name, "dist": unit.dist, "independent": unit.independent });
    json!({
        "name": line.name,
        "formula": line.formula,
        "conditionals": line.conditionals.iter().map(unit).collect::<Vec<_>>(),
        "blocks": line.blocks,
    })
}

fn site(elbo: &Elbo, line: &GuideLine) -> Value {
    let mut value = model_json::site(&elbo.model, &elbo.model.sites[line.site.index()]);
    value["treatment"] = line.treatment.into();
    value["factor"] = line.factor.clone().into();
    value["remark"] = line.remark.clone().into();
    value["estimator"] = line.estimator.into();
    value["because"] = line.because.clone().into();
    value
}

fn gradient(line: &GradientLine) -> Value {
    let part = |(text, place): &(String, String)| json!({ "text": text, "place": place });
    json!({
        "site": line.name,
        "estimator": line.estimator,
        "because": line.because,
        "formula": line.formula,
        "particles": line.particles,
        "cost": line.cost.iter().map(part).collect::<Vec<_>>(),
        "baseline": line.baseline,
    })
}

fn term(elbo: &Elbo, line: &TermLine) -> Value {
    let choice = |(estimator, because): &(&str, String)| json!({ "estimator": estimator, "because": because });
    // The last choice is the term's own.
    let (estimator, because) = line.choices.last().cloned().unwrap_or_default();
    json!({
        "kind": line.kind,
        "beta": line.beta,
        "sign": if line.sign == '-' { -1 } else { 1 },
        "plates": model_json::plates(&elbo.model, &elbo.axes, &line.plates),
        "scale": line.scale,
        "text": line.text,
        "estimator": estimator,
        "because": because,
        "choices": line.choices.iter().map(choice).collect::<Vec<_>>(),
    })
}
