//! `ppl fit`: model and data to a RUN folder and a summary.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crate::cli::args::Fit;
use crate::cli::compile;
use crate::cli::drive::{self, Request};
use crate::cli::problems::CliProblem;
use crate::cli::progress::Progress;
use crate::cli::screen::Screen;
use crate::cli::{End, Ended, file, flags, open, report};
use crate::data::Bound;
use crate::elbo;
use crate::fit::{self, Control, Event, Failure};
use crate::model::Model;
use crate::plan::Backend;
use crate::problem::{Problem, Problems};
use crate::report::Outcome;
use crate::run::{self, Folder, Overwrite, Run, RunProblem};
use crate::source::Source;

pub fn run(verb: &Fit, screen: &Screen, start: Instant) -> Ended {
    let backend = backend(verb, screen)?;
    let source = file::model(&verb.model, screen)?;
    let texts = flags::apply(&source, &verb.entries, screen)?;
    let (model, elbo, compiled) = compile::whole(&texts.compiled, &verb.set, screen)?;
    let limits = fit::limits(&elbo, &model.fit);
    if limits.has_errors() {
        screen.problems(&limits, &texts.compiled);
        return Err(End::Wrong);
    }
    let bound = open::bound(&model, &verb.data, screen)?;
    let mut run = folder(verb, &model, screen)?;
    let printed = elbo::print(&elbo);
    if let Err(problem) = run.begin(&texts.kept.text, &printed) {
        run.abandon();
        return Err(kept(problem, screen));
    }
    let request = Request { elbo: &elbo, bound: &bound, seed: verb.seed, backend: backend.as_ref() };
    let mut outcome = match compile::timed(screen, "fit", || listened(&request, verb, screen)) {
        Ok(outcome) => outcome,
        Err(failure) => {
            run.abandon();
            return Err(failed(failure, &texts.compiled, screen));
        }
    };
    complete(&mut outcome, &texts.kept.text, &printed, &bound);
    outcome.summary.seconds.compile = compiled.seconds;
    outcome.summary.seconds.total = start.elapsed().as_secs_f64();
    let (outcome, files) = outcome.files()?;
    let finished = compile::timed(screen, "write", || run.finish(&files, &outcome.summary.json()));
    finished.map_err(|problem| kept(problem, screen))?;
    tell(verb, &outcome, &run.name(), screen)?;
    if outcome.interrupted { Err(End::Interrupted) } else { Ok(()) }
}

/// What is asked for and can be had, before any work is done.
fn backend(verb: &Fit, screen: &Screen) -> Result<Box<dyn Backend>, End> {
    let name = verb.backend.as_deref().unwrap_or(drive::DEFAULT_BACKEND);
    let asked = match (&verb.resume, verb.threads) {
        (Some(_), _) => Err(CliProblem::Resume),
        (None, Some(0)) => Err(CliProblem::Threads),
        (None, Some(count)) => drive::use_threads(count),
        (None, None) => Ok(()),
    };
    let problem = match asked.map(|()| drive::backend(name)) {
        Ok(Ok(backend)) => return Ok(backend),
        Ok(Err(problem)) => *problem,
        Err(problem) => problem.into(),
    };
    // A device that this machine does not have is its fault; a name that nobody knows is a slip.
    let end = if problem.code == "ppl::engine::device" { End::Failed } else { End::Usage };
    screen.problem(problem);
    Err(end)
}

fn folder(verb: &Fit, model: &Model, screen: &Screen) -> Result<Run<Folder>, End> {
    let folder = match &verb.out {
        Some(path) => Folder::new(path),
        None => Folder::next(Path::new("runs"), &model.name)
            .map_err(|error| kept(RunProblem::Open { folder: "runs".into(), why: error.to_string() }, screen))?,
    };
    let overwrite = if verb.force { Overwrite::Runs } else { Overwrite::Never };
    Run::open(folder, overwrite).map_err(|problem| kept(problem, screen))
}

/// Set by Ctrl-C; the fit stops after its step.
static STOP: AtomicBool = AtomicBool::new(false);

fn listened(request: &Request, verb: &Fit, screen: &Screen) -> Result<Outcome, Failure> {
    // A second Ctrl-C does not wait. Where no handler can be set, Ctrl-C ends the process as ever.
    let _ = ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
    });
    let mut progress = Progress::new(screen, verb.quiet || verb.json, steps(request));
    let mut listener = |event: &Event| {
        progress.event(event);
        if STOP.load(Ordering::SeqCst) { Control::Stop } else { Control::Continue }
    };
    let result = drive::drive(request, &mut listener);
    progress.finish();
    result
}

/// How many steps there will be, where the user fixed them.
fn steps(request: &Request) -> Option<usize> {
    let fit = &request.elbo.model.fit;
    fit.steps.or_else(|| fit.epochs.map(|epochs| epochs * drive::batches(request).unwrap_or(1)))
}

/// What only the command knows.
fn complete(outcome: &mut Outcome, model: &str, elbo: &str, bound: &Bound) {
    outcome.summary.hashes.model = run::hash(model.as_bytes());
    outcome.summary.hashes.bound = run::hash(elbo.as_bytes());
    outcome.summary.hashes.data = run::hash_data(bound);
}

fn tell(verb: &Fit, outcome: &Outcome, path: &str, screen: &Screen) -> Ended {
    if verb.json {
        return screen.out(&outcome.summary.json());
    }
    for warning in &outcome.summary.warnings {
        screen.warning(warning);
    }
    if !verb.quiet {
        screen.out(&report::text(&outcome.summary))?;
    }
    screen.out(&format!("{path}\n"))
}

fn kept(problem: RunProblem, screen: &Screen) -> End {
    let end = if problem.is_usage() { End::Usage } else { End::Failed };
    screen.problem(problem);
    end
}

fn failed(failure: Failure, source: &Source, screen: &Screen) -> End {
    match failure {
        Failure::Bug(bug) => bug.into(),
        Failure::NoStart { tries } => {
            let message = format!("no finite value and gradient at the start, nor at {tries} random points");
            let problem = Problem::error("ppl::fit::no_start", message);
            screen.problem(problem.help("give values to start from: `--init '{mu: 3}'`, or scale the data"));
            End::Failed
        }
        Failure::Problem(problem) => {
            // A value outside its support, a table too large for these data, or a request that is not there yet, is the
            // user's to mend.
            let wrong = problem.code == "ppl::fit::support"
                || problem.code.starts_with("ppl::elbo::")
                || problem.is_limitation();
            let mut problems = Problems::default();
            problems.push(*problem);
            screen.problems(&problems, source);
            if wrong { End::Wrong } else { End::Failed }
        }
    }
}
