//! What can be wrong with a RUN folder.

use crate::problem::Problem;
use crate::run::{Difference, FORMAT};

/// Another command line settles some of these; the others are the machine's fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunProblem {
    Exists {
        folder: String,
    },
    NotEmpty {
        folder: String,
        file: String,
    },
    Locked {
        folder: String,
    },
    NoRun {
        folder: String,
    },
    NotFinished {
        folder: String,
    },
    /// Of a version of ppl that kept none.
    NoState {
        folder: String,
    },
    Differs {
        folder: String,
        list: Vec<Difference>,
    },
    Format {
        folder: String,
        file: String,
        found: u64,
    },
    Damaged {
        folder: String,
        file: String,
        why: String,
    },
    Open {
        folder: String,
        why: String,
    },
    Read {
        folder: String,
        file: String,
        why: String,
    },
    Write {
        folder: String,
        file: String,
        why: String,
    },
}

impl RunProblem {
    /// Whether another command line would do, or the machine failed.
    pub fn is_usage(&self) -> bool {
        use RunProblem as P;
        !matches!(self, P::Damaged { .. } | P::Open { .. } | P::Read { .. } | P::Write { .. })
    }
}

impl From<RunProblem> for Problem {
    fn from(problem: RunProblem) -> Problem {
        use RunProblem as P;
        match problem {
            P::Exists { folder } => error("ppl::run::exists", format!("{folder} holds a run"))
                .help("give another folder to `--out`, `--force` to write over it, or `--resume` to go on from it"),
            P::NotEmpty { folder, file } => {
                error("ppl::run::not_empty", format!("{folder} holds `{file}`, which is no run"))
                    .help("`--out` takes a new or an empty folder, `--resume` one that holds a run")
            }
            P::Locked { folder } => error("ppl::run::locked", format!("another ppl is writing to {folder}"))
                .help("wait for it, or give another folder to `--out`"),
            P::NoRun { folder } => error("ppl::run::no_run", format!("{folder} holds no run"))
                .help("a run is the folder that `ppl fit` names in its last line, such as runs/vae-1"),
            P::NotFinished { folder } => {
                error("ppl::run::not_finished", format!("the fit of {folder} was not brought to an end"))
                    .help(format!("`ppl fit MODEL --data DATA --resume {folder}` goes on from where it is"))
            }
            P::NoState { folder } => {
                error("ppl::run::no_state", format!("{folder} holds a run, but no state to go on from"))
                    .help("an older version of ppl kept none: fit again, with `--force` into the same folder")
            }
            P::Differs { folder, list } => differs(&folder, &list),
            P::Format { folder, file, found } => {
                let help = match found > FORMAT {
                    true => "a newer version of ppl wrote it: use that one",
                    false => "an older version of ppl wrote it: use that one, or fit again",
                };
                error("ppl::run::format", format!("{folder}/{file} is in format {found}, and this ppl reads {FORMAT}"))
                    .help(help)
            }
            P::Damaged { folder, file, why } => {
                error("ppl::run::damaged", format!("{folder}/{file} is not as it was written: {why}"))
                    .help("it is not used; take a copy of the file, or fit again")
            }
            P::Open { folder, why } => error("ppl::run::open", format!("{folder} cannot be used for a run: {why}")),
            P::Read { folder, file, why } => error("ppl::run::read", format!("{folder}/{file} cannot be read: {why}")),
            P::Write { folder, file, why } => {
                error("ppl::run::write", format!("{folder}/{file} cannot be written: {why}"))
                    .help(format!("make room; what is kept of the fit can be gone on with: `--resume {folder}`"))
            }
        }
    }
}

fn differs(folder: &str, list: &[Difference]) -> Problem {
    let one = |difference: &Difference| match difference {
        Difference { what, kept, .. } if kept.is_empty() => format!("another {what}"),
        Difference { what, kept, asked } => format!("`{what}` ({kept} there, {asked} here)"),
    };
    let list: Vec<String> = list.iter().map(one).collect();
    error("ppl::run::differs", format!("{folder} is a run of {}", list.join(", of ")))
        .help("`--resume` goes on with the same model, data and flags; give `--out` for another run")
}

fn error(code: &'static str, message: impl Into<String>) -> Problem {
    Problem::error(code, message)
}
