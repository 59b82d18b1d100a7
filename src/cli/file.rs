//! Files that the user named: read, and replaced whole.

use std::path::Path;

use crate::cli::End;
use crate::cli::problems::CliProblem;
use crate::cli::screen::Screen;
use crate::run::folder;
use crate::source::Source;

/// The bytes of a file.
pub fn read(path: &Path, screen: &Screen) -> Result<Vec<u8>, End> {
    std::fs::read(path).map_err(|error| {
        screen.problem(CliProblem::NoFile { file: path.display().to_string(), why: error.to_string() });
        End::Usage
    })
}

/// The text of a model, named as the user named it.
pub fn model(path: &Path, screen: &Screen) -> Result<Source, End> {
    let file = path.display().to_string();
    if path.is_dir() {
        screen.problem(CliProblem::NotAModel { file });
        return Err(End::Usage);
    }
    match String::from_utf8(read(path, screen)?) {
        Ok(text) => Ok(Source::new(file, text)),
        Err(error) => {
            let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = valid.iter().filter(|byte| **byte == b'\n').count() + 1;
            screen.problem(CliProblem::NotUtf8 { file, line });
            Err(End::Wrong)
        }
    }
}

/// Replaces the text of a model.
pub fn replace(path: &Path, text: &str, screen: &Screen) -> Result<(), End> {
    folder::replace(path, text.as_bytes()).map_err(|error| {
        screen.problem(CliProblem::NotWritten { file: path.display().to_string(), why: error.to_string() });
        End::Failed
    })
}
