//! Text to the derived bound, with the time of each pass.

use std::time::Instant;

use crate::cli::End;
use crate::cli::args::Set;
use crate::cli::screen::Screen;
use crate::elbo::{self, Elbo};
use crate::model::{self, Model, Settings};
use crate::problem::Problems;
use crate::source::Source;
use crate::syntax;

/// How far a text got, and everything there is to say about it.
pub struct Compiled {
    pub model: Option<Model>,
    pub elbo: Option<Elbo>,
    pub problems: Problems,
    /// What is legal and has no bound yet: said when one is asked for.
    pub later: Problems,
    pub seconds: f64,
}

/// Runs every pass that needs no data. Nothing is printed but times.
pub fn compile(source: &Source, set: &Set, screen: &Screen) -> Compiled {
    let start = Instant::now();
    let settings = Settings { set: set.set.iter().cloned().collect() };
    let (ast, mut problems) = timed(screen, "parse", || syntax::parse(source));
    let (model, more) = timed(screen, "check", || model::check(&ast, &settings));
    problems.extend(more);
    let mut later = Problems::default();
    let elbo = match &model {
        Some(model) if !problems.has_errors() => {
            let (elbo, more) = timed(screen, "derive", || elbo::derive(model));
            for problem in more.sorted() {
                if problem.is_limitation() { later.push(problem) } else { problems.push(problem) }
            }
            elbo
        }
        _ => None,
    };
    Compiled { model, elbo, problems, later, seconds: start.elapsed().as_secs_f64() }
}

/// Compiles and says what is wrong; with errors that is the end.
pub fn whole(source: &Source, set: &Set, screen: &Screen) -> Result<(Model, Elbo, Compiled), End> {
    let mut compiled = compile(source, set, screen);
    compiled.problems.extend(std::mem::take(&mut compiled.later));
    screen.problems(&compiled.problems, source);
    match (compiled.model.take(), compiled.elbo.take()) {
        (Some(model), Some(elbo)) if !compiled.problems.has_errors() => Ok((model, elbo, compiled)),
        _ if compiled.problems.has_errors() => Err(End::Wrong),
        _ => Err(crate::problem::Bug("a model without errors was not compiled".into()).into()),
    }
}

/// Compiles what was compiled before: what a lint says of it has been said.
pub fn quiet(source: &Source, set: &Set, screen: &Screen) -> Result<(Model, Elbo, Compiled), End> {
    let mut compiled = compile(source, set, screen);
    match (compiled.model.take(), compiled.elbo.take()) {
        (Some(model), Some(elbo)) if !compiled.problems.has_errors() => Ok((model, elbo, compiled)),
        _ => {
            compiled.problems.extend(std::mem::take(&mut compiled.later));
            screen.problems(&compiled.problems, source);
            Err(End::Wrong)
        }
    }
}

/// Runs a pass; `-v` says how long it took.
pub fn timed<T>(screen: &Screen, name: &str, pass: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = pass();
    screen.pass(name, start.elapsed().as_secs_f64());
    result
}
