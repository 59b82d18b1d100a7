//! Every code that the project can say is explained, and nothing is explained that it cannot say.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn every_code_has_an_explanation() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = vec![];
    walk(&root, &mut sources);
    let mut said = BTreeSet::new();
    for path in &sources {
        let text = fs::read_to_string(path).expect("text");
        // Codes are whole string literals; tests make up their own.
        let code = text.split("#[cfg(test)]").next().unwrap_or(&text);
        said.extend(code.split('"').filter(|part| is_code(part)).map(str::to_string));
    }
    let explained: BTreeSet<String> = ["syntax", "model", "elbo", "data", "fit", "limitation"]
        .iter()
        .map(|name| fs::read_to_string(root.join(format!("cli/codes/{name}.md"))).expect("explanations"))
        .flat_map(|text| {
            text.lines().filter_map(|line| line.strip_prefix("## ").map(str::to_string)).collect::<Vec<_>>()
        })
        .collect();
    let without: Vec<_> = said.difference(&explained).collect();
    assert!(without.is_empty(), "add a paragraph in src/cli/codes for {without:#?}");
    let unsaid: Vec<_> = explained.difference(&said).collect();
    assert!(unsaid.is_empty(), "nothing says {unsaid:#?}");
}

fn is_code(part: &str) -> bool {
    let words: Vec<&str> = part.split("::").collect();
    let plain = |word: &&str| {
        !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    words.len() == 3 && words[0] == "ppl" && words.iter().all(plain)
}

fn walk(at: &Path, list: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(at).expect("a folder of the project").flatten() {
        let path = entry.path();
        let is_test = path.file_name().is_some_and(|name| name == "tests" || name == "tests.rs");
        match path.is_dir() {
            _ if is_test => {}
            true => walk(&path, list),
            false if path.extension().is_some_and(|e| e == "rs") => list.push(path),
            false => {}
        }
    }
}
