//! The command: one file per verb; opens what the user named; all printing.

use std::ffi::OsString;
use std::time::Instant;

use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};

mod args;
mod check;
mod codes;
mod compile;
mod data;
mod drive;
mod elbo;
mod estimators;
mod eval;
mod explain;
#[cfg(feature = "fetch")]
mod fetch;
mod file;
mod fit;
mod fix;
mod flags;
mod init;
mod keep;
mod fmt;
mod open;
mod opened;
mod problems;
mod progress;
mod report;
mod resume;
mod screen;
mod sets;
mod simulate;

use args::{Args, Verb};
use problems::CliProblem;
use screen::Screen;

/// How a command ended. What there is to say about it has been said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Whoever read our output has seen enough: that is no failure.
    Closed,
    /// The model or the data is wrong.
    Wrong,
    Usage,
    /// The fit failed: non-finite, no device, disk full.
    Failed,
    Bug,
    Interrupted,
}

impl End {
    fn code(self) -> u8 {
        match self {
            End::Closed => 0,
            End::Wrong => 1,
            End::Usage => 2,
            End::Failed => 3,
            End::Bug => 70,
            End::Interrupted => 130,
        }
    }
}

type Ended = Result<(), End>;

/// Verbs of the contract that are not there yet, and what they will do.
const LATER: &[(&str, &str)] = &[
    ("sample", "draws from the prior, the posterior or the predictive distribution of a run"),
    ("impute", "fill what is missing"),
    ("report", "a report of a run as one page"),
    ("lsp", "a language server"),
    ("bench", "time a model"),
    ("completions", "completions for a shell"),
];

/// Runs one command line (the program's name first) and returns the exit code of the process.
pub fn run(args: impl IntoIterator<Item = OsString>) -> u8 {
    let start = Instant::now();
    let args: Vec<OsString> = args.into_iter().collect();
    guarded(|| match Args::try_parse_from(&args) {
        Ok(args) => verb(args, start),
        Err(error) => refused(&error),
    })
}

/// A panic is a bug of ours: the message above it came from the panic itself.
fn guarded(command: impl FnOnce() -> Ended) -> u8 {
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(command)) {
        Ok(Ok(())) => 0,
        Ok(Err(end)) => end.code(),
        Err(_) => {
            Screen::plain().bug("a panic, described above");
            End::Bug.code()
        }
    }
}

fn verb(args: Args, start: Instant) -> Ended {
    let screen = Screen::new(args.color, args.verbose);
    match args.verb {
        Verb::Check(verb) => check::run(&verb, &screen),
        Verb::Elbo(verb) => elbo::run(&verb, &screen),
        Verb::Fit(verb) => fit::run(&verb, &screen, start),
        Verb::Eval(verb) => eval::run(&verb, &screen),
        Verb::Estimators(verb) => estimators::run(&verb, &screen),
        Verb::Simulate(verb) => simulate::run(&verb, &screen),
        Verb::Data(verb) => data::run(&verb, &screen),
        Verb::Fmt(verb) => fmt::run(&verb, &screen),
        Verb::Explain(verb) => explain::run(&verb, &screen),
    }
}

/// `--help`, `--version`, or a command line that clap does not take.
fn refused(error: &clap::Error) -> Ended {
    let later = match (error.kind(), error.get(ContextKind::InvalidSubcommand)) {
        (ErrorKind::InvalidSubcommand, Some(ContextValue::String(name))) => LATER.iter().find(|row| row.0 == name),
        _ => None,
    };
    if let Some((verb, does)) = later {
        Screen::plain().problem(CliProblem::Later { verb, does });
        return Err(End::Usage);
    }
    // A closed pipe is no failure.
    let _ = error.print();
    if error.use_stderr() { Err(End::Usage) } else { Ok(()) }
}

#[cfg(test)]
mod killed;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_exit_70() {
        assert_eq!(guarded(|| panic!("a test of ours")), 70);
        assert_eq!(guarded(|| Err(End::Wrong)), 1);
        assert_eq!(guarded(|| Ok(())), 0);
    }

    #[test]
    fn the_command_line_is_well_formed() {
        <Args as clap::CommandFactory>::command().debug_assert();
    }
}
