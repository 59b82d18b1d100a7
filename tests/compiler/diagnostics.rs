//! The models of the repository check, and what they are checked to holds together.

use std::fs;
use std::path::PathBuf;

use ppl::model::{self, Settings, compile_model};
use ppl::problem::Style;
use ppl::source::Source;

#[test]
fn every_model_of_the_repository_checks() {
    let mut files: Vec<PathBuf> = fs::read_dir("models").unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "vi"));
    assert!(files.len() >= 8);
    for file in files {
        let source = Source::new(file.display().to_string(), fs::read_to_string(&file).unwrap());
        let (model, problems) = compile_model(&source, &Settings::default());
        let said = problems.render(&source, Style { color: false, width: 100 });
        let model = model.unwrap_or_else(|| panic!("{said}"));
        model::verify::verify(&model).unwrap();
    }
}
