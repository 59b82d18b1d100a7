//! `ppl eval`: the bound of rows that a run has not seen.

use serde_json::json;

use crate::cli::args::{Entries, Eval, HeldOutBound, Set};
use crate::cli::compile;
use crate::cli::opened::Opened;
use crate::cli::screen::Screen;
use crate::cli::{Ended, file, fit};
use crate::elbo::Elbo;
use crate::fit::held_out::{HeldOut, Kind, Task, held_out};
use crate::plan::Precision;

/// Draws of each row where none are asked for: few of many rows say as much as many of few.
const TOTAL: usize = 100_000;
const ELBO_DRAWS: std::ops::RangeInclusive<usize> = 10..=5_000;
const IWAE_DRAWS: std::ops::RangeInclusive<usize> = 100..=5_000;

pub fn run(verb: &Eval, screen: &Screen) -> Ended {
    let opened = Opened::run(&verb.run, &verb.data, &Set::default(), &Entries::default(), screen)?;
    let Opened { source, elbo, bound, params, seed, .. } = &opened;
    let backend = fit::backend(&opened.backend, verb.threads, screen)?;
    let kind = match verb.bound {
        HeldOutBound::Elbo => Kind::Elbo,
        HeldOutBound::Iwae => Kind::Iwae,
    };
    let draws = verb.samples.unwrap_or_else(|| draws(kind, bound.rows)).max(1);
    let told = compile::timed(screen, "evaluate", || {
        let precision = if nets(elbo) { Precision::F32 } else { Precision::F64 };
        let (data, backend) = (bound, backend.as_ref());
        held_out(&Task { elbo, data, backend, precision, params, kind, draws, seed: *seed })
    });
    let told = told.map_err(|failure| fit::failed(failure, source, screen))?;
    tell(verb, &opened.name, draws, &told, screen)
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
