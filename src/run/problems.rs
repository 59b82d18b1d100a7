//! What can be wrong with a RUN folder.

use crate::problem::Problem;

/// The first three are the user's to settle, the last two the machine's fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunProblem {
    Exists { folder: String },
    NotEmpty { folder: String, file: String },
    Locked { folder: String },
    Open { folder: String, why: String },
    Write { folder: String, file: String, why: String },
}

impl RunProblem {
    /// Whether another command line would do, or the machine failed.
    pub fn is_usage(&self) -> bool {
        matches!(self, RunProblem::Exists { .. } | RunProblem::NotEmpty { .. } | RunProblem::Locked { .. })
    }
}

impl From<RunProblem> for Problem {
    fn from(problem: RunProblem) -> Problem {
        match problem {
            RunProblem::Exists { folder } => Problem::error("ppl::run::exists", format!("{folder} holds a run"))
                .help("give another folder to `--out`, or `--force` to write over it"),
            RunProblem::NotEmpty { folder, file } => {
                Problem::error("ppl::run::not_empty", format!("{folder} holds `{file}`, which is no run"))
                    .help("`--out` takes a new or an empty folder")
            }
            RunProblem::Locked { folder } => {
                Problem::error("ppl::run::locked", format!("another ppl is writing to {folder}"))
                    .help("wait for it, or give another folder to `--out`")
            }
            RunProblem::Open { folder, why } => {
                Problem::error("ppl::run::open", format!("{folder} cannot be used for a run: {why}"))
            }
            RunProblem::Write { folder, file, why } => {
                Problem::error("ppl::run::write", format!("{folder}/{file} cannot be written: {why}"))
                    .help("the fit is not kept; make room or give another folder to `--out`")
            }
        }
    }
}
