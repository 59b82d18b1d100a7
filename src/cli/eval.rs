//! `ppl eval`: the bound of rows that a run has not seen.

use serde_json::{Value, json};

use crate::cli::args::{Eval, HeldOutBound, Set};
use crate::cli::compile;
use crate::cli::screen::Screen;
use crate::cli::{End, Ended, drive, file, fit, open};
use crate::data::{Kept, bind};
use crate::elbo::Elbo;
use crate::fit::held_out::{HeldOut, Kind, Task, held_out};
use crate::fit::named;
use crate::plan::Precision;
use crate::problem::Bug;
use crate::run::{Finished, Folder};
use crate::source::Source;

/// Draws of each row where none are asked for: few of many rows say as much as many of few.
const TOTAL: usize = 100_000;
const ELBO_DRAWS: std::ops::RangeInclusive<usize> = 10..=5_000;
const IWAE_DRAWS: std::ops::RangeInclusive<usize> = 100..=5_000;

pub fn run(verb: &Eval, screen: &Screen) -> Ended {
    let run = Finished::open(Folder::new(&verb.run)).map_err(|problem| fit::kept(problem, screen))?;
    let read = |file: &str| run.file(file).map_err(|problem| fit::kept(problem, screen));
    let text = String::from_utf8(read("model.vi")?).map_err(|_| Bug("a model that is no text".into()))?;
    let source = Source::new(verb.run.join("model.vi").display().to_string(), text);
    let set = Set { set: settings(&run.summary, &source, screen)? };
    let (model, elbo, _) = compile::quiet(&source, &set, screen)?;
    let from_fit = String::from_utf8(read("data.json")?).ok().and_then(|text| Kept::parse(&text));
    let from_fit = from_fit.ok_or_else(|| Bug("a `data.json` that is none".into()))?;
    let seed = run.summary["seed"].as_u64().unwrap_or(0);
    let asked = bind::Asked { kept: Some(&from_fit), seed, ..bind::Asked::default() };
    let bound = open::bound_as(&model, &verb.data, &asked, screen)?;
    let name = run.summary["backend"].as_str().unwrap_or(drive::DEFAULT_BACKEND).to_string();
    let backend = fit::backend(&name, verb.threads, screen)?;
    let bytes = read("params.safetensors")?;
    let tensors = safetensors::SafeTensors::deserialize(&bytes).map_err(|error| Bug(error.to_string()))?;
    let find = |name: &str| {
        let words = tensors.tensor(name).ok()?.data().as_chunks::<8>().0.iter().map(|word| f64::from_le_bytes(*word));
        Some(words.collect::<Vec<f64>>())
    };
    let kind = match verb.bound {
        HeldOutBound::Elbo => Kind::Elbo,
        HeldOutBound::Iwae => Kind::Iwae,
    };
    let draws = verb.samples.unwrap_or_else(|| draws(kind, bound.rows)).max(1);
    let told = compile::timed(screen, "evaluate", || {
        let params = named::params(&elbo, &bound, &find)?;
        let precision = if nets(&elbo) { Precision::F32 } else { Precision::F64 };
        let (data, backend) = (&bound, backend.as_ref());
        held_out(&Task { elbo: &elbo, data, backend, precision, params: &params, kind, draws, seed })
    });
    let told = told.map_err(|failure| fit::failed(failure, &source, screen))?;
    tell(verb, run.summary["model"].as_str().unwrap_or(&model.name), draws, &told, screen)
}

/// What was set for the fit, but row counts: other data have their own.
fn settings(summary: &Value, source: &Source, screen: &Screen) -> Result<Vec<(String, f64)>, End> {
    let entries = summary["set"].as_object().into_iter().flatten();
    let mut set: Vec<(String, f64)> =
        entries.filter_map(|(name, value)| Some((name.clone(), value.as_f64()?))).collect();
    let (model, ..) = compile::quiet(source, &Set { set: set.clone() }, screen)?;
    let rows = || model.data.iter().flat_map(|item| &item.rows).map(|dim| model.dims[*dim].name.as_str());
    set.retain(|(name, _)| !rows().any(|dim| dim == name));
    Ok(set)
}

fn nets(elbo: &Elbo) -> bool {
    elbo.model.params.iter().any(|param| param.net.is_some())
}

fn draws(kind: Kind, rows: usize) -> usize {
    let limits = match kind {
        Kind::Elbo => ELBO_DRAWS,
        Kind::Iwae => IWAE_DRAWS,
    };
    (TOTAL / rows.max(1)).clamp(*limits.start(), *limits.end())
}

fn tell(verb: &Eval, model: &str, draws: usize, told: &HeldOut, screen: &Screen) -> Ended {
    let kind = crate::cli::args::typed(&verb.bound);
    if let Some(path) = &verb.out {
        let line = |(row, value): (usize, &crate::fit::Estimate)| format!("{row},{},{}\n", value.mean, value.se);
        let rows: String = told.rows.iter().enumerate().map(line).collect();
        file::replace(path, &format!("row,{kind},se\n{rows}"), screen)?;
    }
    let (mean, se) = (told.mean.mean, told.mean.se);
    if verb.json {
        let object = json!({
            "model": model, "bound": kind, "rows": told.rows.len(), "samples": draws,
            "mean": mean, "se": se, "sum": { "mean": mean * told.rows.len() as f64, "se": se * told.rows.len() as f64 },
        });
        return screen.out(&format!("{object:#}\n"));
    }
    let digits = if se > 0.0 { (1.0 - se.log10().floor()).clamp(3.0, 9.0) as usize } else { 3 };
    screen.out(&format!(
        "{}: {} rows, {draws} draws a row\n{kind} per row  {mean:.digits$} \u{b1} {se:.digits$}\n",
        model,
        told.rows.len()
    ))
}
