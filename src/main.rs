//! Arguments to `cli::run` to exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(ppl::cli::run(std::env::args_os()))
}
