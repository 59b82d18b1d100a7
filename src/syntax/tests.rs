//! What the syntax layer must get right: trees and places, words for what is wrong, the layout, and the laws between
//! them over all models and cases.

use super::*;
use crate::problem::{Problem, Problems};

mod trees;
mod mistakes;
mod layout;
mod laws;
mod generated;

fn parsed(text: &str) -> (Ast, Problems) {
    parse(&Source::new("test.vi", text))
}

fn problems(text: &str) -> Vec<Problem> {
    parsed(text).1.sorted()
}

/// The codes of all problems in order, without `ppl::syntax::`.
fn codes(text: &str) -> Vec<&'static str> {
    problems(text).iter().map(|problem| problem.code.trim_start_matches("ppl::syntax::")).collect()
}

/// The tree of a text that has no mistakes.
fn good(text: &str) -> Ast {
    let (ast, problems) = parsed(text);
    assert!(problems.is_empty(), "{text}\n{problems:#?}");
    ast
}

/// Every `.vi` file under `models` and `tests/cases`.
fn files() -> Vec<(String, String)> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = [root.join("models"), root.join("tests/cases")];
    let mut files = vec![];
    for folder in folders {
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "vi") {
                files.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    files.sort();
    assert!(files.len() > 30, "{} files", files.len());
    files
}
