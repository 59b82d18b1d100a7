//! Models with data and parameters: those of a finished run, or where a fit would start.

use std::path::Path;

use serde_json::Value;

use crate::cli::args::{Data, Entries, Set};
use crate::cli::screen::Screen;
use crate::cli::{End, compile, drive, file, fit, flags, open};
use crate::data::{Bound, Kept, bind};
use crate::elbo::Elbo;
use crate::fit::{initial, named};
use crate::model::Init;
use crate::plan::lower::Layout;
use crate::problem::Bug;
use crate::run::{Finished, Folder};
use crate::source::Source;

/// What can be evaluated.
pub struct Opened {
    pub name: String,
    pub source: Source,
    pub elbo: Elbo,
    pub bound: Bound,
    /// See `plan::lower::Layout`.
    pub params: Vec<f64>,
    pub seed: u64,
    pub backend: String,
}

impl Opened {
    /// A finished run, with other data; flags change its model as they would for a fit.
    pub fn run(path: &Path, data: &Data, given: &Set, entries: &Entries, screen: &Screen) -> Result<Opened, End> {
        let run = Finished::open(Folder::new(path)).map_err(|problem| fit::kept(problem, screen))?;
        let read = |file: &str| run.file(file).map_err(|problem| fit::kept(problem, screen));
        let text = String::from_utf8(read("model.vi")?).map_err(|_| Bug("a model that is no text".into()))?;
        let kept = Source::new(path.join("model.vi").display().to_string(), text);
        let source = flags::apply(&kept, entries, screen)?.compiled;
        let set = Set { set: settings(&run.summary, &source, screen)?.into_iter().chain(given.set.clone()).collect() };
        let (model, elbo, _) = compile::quiet(&source, &set, screen)?;
        let from_fit = String::from_utf8(read("data.json")?).ok().and_then(|text| Kept::parse(&text));
        let from_fit = from_fit.ok_or_else(|| Bug("a `data.json` that is none".into()))?;
        let seed = run.summary["seed"].as_u64().unwrap_or(0);
        let asked = bind::Asked { kept: Some(&from_fit), seed, ..bind::Asked::default() };
        let bound = open::bound_as(&model, data, &asked, screen)?;
        let bytes = read("params.safetensors")?;
        let tensors = safetensors::SafeTensors::deserialize(&bytes).map_err(|error| Bug(error.to_string()))?;
        let find = |name: &str| {
            let words = tensors.tensor(name).ok()?.data().as_chunks::<8>().0.iter();
            Some(words.map(|word| f64::from_le_bytes(*word)).collect::<Vec<f64>>())
        };
        let params = named::params(&elbo, &bound, &find);
        let params = params.map_err(|failure| fit::failed(failure, &source, screen))?;
        let backend = run.summary["backend"].as_str().unwrap_or(drive::DEFAULT_BACKEND).to_string();
        let name = run.summary["model"].as_str().unwrap_or(&model.name).to_string();
        Ok(Opened { name, source, elbo, bound, params, seed, backend })
    }

    /// A model where a fit of it would start.
    pub fn start(
        path: &Path,
        data: &Data,
        set: &Set,
        entries: &Entries,
        seed: u64,
        screen: &Screen,
    ) -> Result<Opened, End> {
        let source = flags::apply(&file::model(path, screen)?, &flags::resolved(entries, screen)?, screen)?.compiled;
        let (model, elbo, _) = compile::whole(&source, set, screen)?;
        let bound = open::bound_as(&model, data, &bind::Asked { seed, ..bind::Asked::default() }, screen)?;
        let start = || {
            let layout = Layout::new(&elbo, &bound)?;
            let init = model.fit.init.clone().unwrap_or(Init::Auto);
            let point = initial::point(&elbo, &bound, &layout, &init, seed, 0)?;
            Ok(initial::guide(&elbo, &layout, &point))
        };
        let params = start().map_err(|failure| fit::failed(failure, &source, screen))?;
        let backend = drive::DEFAULT_BACKEND.to_string();
        Ok(Opened { name: model.name.clone(), source, elbo, bound, params, seed, backend })
    }
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
