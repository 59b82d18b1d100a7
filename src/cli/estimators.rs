//! `ppl estimators`: every gradient estimator that is legal at a site, measured.

use crate::cli::args::{Entries, Estimators};
use crate::cli::compile;
use crate::cli::opened::Opened;
use crate::cli::screen::Screen;
use crate::cli::{Ended, fit};
use crate::fit::measure::{Task, measure};
use crate::report::{Measurement, estimators_json, estimators_table};

pub fn run(verb: &Estimators, screen: &Screen) -> Ended {
    let entries = entries(verb);
    let is_run = verb.model.is_dir();
    let opened = match is_run {
        true => Opened::run(&verb.model, &verb.data, &verb.set, &entries, screen)?,
        false => Opened::start(&verb.model, &verb.data, &verb.set, &entries, verb.seed.unwrap_or(0), screen)?,
    };
    let backend = fit::backend(verb.backend.as_deref().unwrap_or(&opened.backend), verb.threads, screen)?;
    let seed = verb.seed.unwrap_or(opened.seed);
    let task = Task {
        elbo: &opened.elbo,
        data: &opened.bound,
        backend: backend.as_ref(),
        params: &opened.params,
        seed,
        samples: verb.samples.map(|samples| samples.max(2)),
    };
    let measured = compile::timed(screen, "measure", || measure(&task));
    let measured = measured.map_err(|failure| fit::failed(failure, &opened.source, screen))?;
    let run = is_run.then(|| verb.model.display().to_string());
    let measurement = Measurement { elbo: &opened.elbo, measured: &measured, seed, run };
    screen.out(&match verb.json {
        true => estimators_json(&measurement),
        false => estimators_table(&measurement, verb.blocks),
    })
}

/// The entries that say what a gradient is of.
fn entries(verb: &Estimators) -> Entries {
    Entries {
        objective: verb.objective.clone(),
        batch: verb.batch.clone(),
        particles: verb.particles.clone(),
        init: verb.init.clone(),
        guide: verb.guide.clone(),
        ..Entries::default()
    }
}
