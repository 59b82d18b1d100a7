//! `ppl fit`: model and data to a RUN folder and a summary.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crate::cli::args::Fit;
use crate::cli::compile;
use crate::cli::drive::{self, Request};
use crate::cli::keep::{Desk, Keeper, Lost};
use crate::cli::problems::CliProblem;
use crate::cli::progress::Progress;
use crate::cli::resume::Asked;
use crate::cli::screen::Screen;
use crate::cli::{End, Ended, file, flags, open, report};
use crate::data::bind;
use crate::elbo;
use crate::fit::{self, Failure, State};
use crate::model::Model;
use crate::plan::Backend;
use crate::problem::{Bug, Problems};
use crate::report::{Hashes, Outcome};
use crate::run::{self, Folder, Identity, Kept, Overwrite, Run, RunProblem};
use crate::source::Source;

pub fn run(verb: &Fit, screen: &Screen, start: Instant) -> Ended {
    // A second Ctrl-C does not wait. Where no handler can be set, Ctrl-C ends the process as ever.
    let _ = ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
    });
    let mut asked = Asked::new(verb, screen)?;
    let backend = backend(&asked.backend, verb.threads, screen)?;
    let source = file::model(&verb.model, screen)?;
    let texts = flags::apply(&source, &asked.entries, screen)?;
    let (model, elbo, compiled) = compile::whole(&texts.compiled, &asked.set, screen)?;
    let limits = fit::limits(&elbo, &model.fit);
    if limits.has_errors() {
        screen.problems(&limits, &texts.compiled);
        return Err(End::Wrong);
    }
    let drawn = bind::Asked { seed: asked.seed, ..bind::Asked::default() };
    let bound = open::bound_as(&model, &verb.data, &drawn, screen)?;
    let from_data = bound.kept.json();
    let printed = elbo::print(&elbo);
    let hashes = Hashes {
        model: run::hash(texts.kept.text.as_bytes()),
        bound: run::hash(printed.as_bytes()),
        data: run::hash_data(&bound),
    };
    let identity = asked.identity(hashes.model.clone(), hashes.bound.clone(), hashes.data.clone());
    let texts_kept =
        [("model.vi", texts.kept.text.as_ref()), ("elbo.txt", printed.as_str()), ("data.json", from_data.as_str())];
    let mut begun = match asked.resumed(&identity, screen)? {
        Some((run, kept)) => Begun::new(run, kept, identity, true),
        None => Begun::new(folder(verb, &model, screen)?, None, identity, false),
    };
    if let Err(problem) = begun.begin(&texts_kept)? {
        begun.abandon();
        return Err(kept(problem, screen));
    }
    let request = Request { elbo: &elbo, bound: &bound, seed: asked.seed, backend: backend.as_ref() };
    let (mut run, mut outcome) = begun.fit(&request, verb, &texts.compiled, screen)?;
    outcome.summary.hashes = hashes;
    outcome.summary.set.0 = asked.set.set.clone();
    outcome.summary.seconds.compile = compiled.seconds;
    outcome.summary.seconds.total = start.elapsed().as_secs_f64();
    outcome.sum(&texts_kept);
    let (outcome, files) = outcome.files()?;
    let finished = compile::timed(screen, "write", || run.finish(&files, &outcome.summary.json()));
    finished.map_err(|problem| kept(problem, screen))?;
    tell(verb, &outcome, &run.name(), screen)?;
    if outcome.summary.interrupted { Err(End::Interrupted) } else { Ok(()) }
}

/// A folder that is ours, with where its fit is.
struct Begun {
    run: Run<Folder>,
    kept: Kept,
    /// Whether the folder was somebody's run before.
    resumed: bool,
    /// Whether a state was read from it.
    has_state: bool,
}

impl Begun {
    fn new(run: Run<Folder>, kept: Option<Kept>, identity: Identity, resumed: bool) -> Begun {
        let has_state = kept.is_some();
        // Flags that may change are kept as they are now.
        let kept = Kept { identity, state: kept.map_or(State::default(), |kept| kept.state) };
        Begun { run, kept, resumed, has_state }
    }

    fn begin(&mut self, texts: &[(&str, &str)]) -> Result<Result<(), RunProblem>, End> {
        let state = if self.has_state { None } else { Some(self.kept.bytes()?) };
        Ok(self.run.begin(state.as_deref(), texts))
    }

    /// Takes away what this command made, and nothing else.
    fn abandon(self) {
        if !self.resumed {
            self.run.abandon();
        }
    }

    fn fit(
        mut self,
        request: &Request,
        verb: &Fit,
        source: &Source,
        screen: &Screen,
    ) -> Result<(Run<Folder>, Outcome), End> {
        let kept_state = self.kept.clone();
        let (result, lost, has_steps) =
            compile::timed(screen, "fit", || listened(request, &mut self.run, kept_state, verb, screen));
        match (result, lost) {
            (_, Some(Lost::Bug(bug))) => Err(bug.into()),
            (Ok(_), Some(Lost::Run(problem))) => Err(kept(problem, screen)),
            (Ok(outcome), None) => Ok((self.run, outcome)),
            (Err(failure), _) => {
                let end = failed(failure, source, screen);
                match end == End::Failed && has_steps {
                    true => screen.err(&format!("The last good state is kept: --resume {}\n", self.run.name())),
                    false => self.abandon(),
                }
                Err(end)
            }
        }
    }
}

/// What is asked for and can be had, before any work is done.
pub(super) fn backend(name: &str, threads: Option<usize>, screen: &Screen) -> Result<Box<dyn Backend>, End> {
    let asked = match threads {
        Some(0) => Err(CliProblem::Threads),
        Some(count) => drive::use_threads(count),
        None => Ok(()),
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

/// What the fit found, why its last state could not be kept, and whether there is one beyond the start.
fn listened(
    request: &Request,
    run: &mut Run<Folder>,
    kept: Kept,
    verb: &Fit,
    screen: &Screen,
) -> (Result<Outcome, Failure>, Option<Lost>, bool) {
    let mut progress = Progress::new(screen, verb.quiet || verb.json, steps(request));
    let mut desk = Desk { show: &mut |event| progress.event(event), stop: &|| STOP.load(Ordering::SeqCst) };
    let mut keeper = Keeper::new(run, kept, &mut desk, drive::batches(request));
    let result = drive::drive(request, &mut keeper);
    let (lost, has_steps) = (keeper.lost.take(), keeper.has_steps);
    progress.finish();
    (result, lost, has_steps)
}

/// How many steps there will be, where the user fixed them.
fn steps(request: &Request) -> Option<usize> {
    let fit = &request.elbo.model.fit;
    fit.steps.or_else(|| fit.epochs.map(|epochs| epochs * drive::batches(request).unwrap_or(1)))
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

pub(super) fn kept(problem: RunProblem, screen: &Screen) -> End {
    let end = if problem.is_usage() { End::Usage } else { End::Failed };
    screen.problem(problem);
    end
}

pub(super) fn failed(failure: Failure, source: &Source, screen: &Screen) -> End {
    match failure {
        Failure::Bug(bug) => bug.into(),
        Failure::NoStart { .. } => Bug("a start that nobody told of".into()).into(),
        Failure::Problem(problem) => {
            // A value outside its support, a model of which nothing is drawn, a table too large for these data, or a
            // request that is not there yet, is the user's to mend.
            let wrong = matches!(problem.code, "ppl::fit::support" | "ppl::fit::nothing_drawn")
                || problem.code.starts_with("ppl::elbo::")
                || problem.is_limitation();
            let mut problems = Problems::default();
            problems.push(*problem);
            screen.problems(&problems, source);
            if wrong { End::Wrong } else { End::Failed }
        }
    }
}
