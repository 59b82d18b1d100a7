//! The habits of the house, checked: layer order, who may print, open files or say burn, and files of a size one can read.

use std::fs;
use std::path::{Path, PathBuf};

/// Source files with their path from the root, `/` between folders.
fn files(folder: &str) -> Vec<(String, String)> {
    fn walk(at: &Path, list: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(at).expect("a folder of the project").flatten() {
            let path = entry.path();
            match path.is_dir() {
                true => walk(&path, list),
                false if path.extension().is_some_and(|e| e == "rs") => list.push(path),
                false => {}
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut list = vec![];
    walk(&root.join(folder), &mut list);
    list.sort();
    let name = |path: &PathBuf| path.strip_prefix(root).expect("inside").to_string_lossy().replace('\\', "/");
    list.iter().map(|path| (name(path), fs::read_to_string(path).expect("text"))).collect()
}

/// Lines outside tests: what stands before the first `#[cfg(test)]`, without comments.
fn live(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let code = text.split("#[cfg(test)]").next().unwrap_or(text);
    code.lines().enumerate().map(|(i, line)| (i + 1, line)).filter(|(_, line)| !line.trim_start().starts_with("//"))
}

fn is_test(name: &str) -> bool {
    name.ends_with("/tests.rs") || name.contains("/tests/") || name.ends_with("_tests.rs")
}

/// Where lines contain one of `words` in files that are not excused.
fn offenders(words: &[&str], excused: impl Fn(&str) -> bool) -> Vec<String> {
    let mut list = vec![];
    for (name, text) in files("src") {
        if excused(&name) || is_test(&name) {
            continue;
        }
        for (number, line) in live(&text) {
            if words.iter().any(|word| line.contains(word)) {
                list.push(format!("{name}:{number}: {}", line.trim()));
            }
        }
    }
    list
}

#[test]
fn a_module_uses_only_those_above_it() {
    let root = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).expect("lib.rs");
    let order: Vec<String> =
        root.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';').map(str::to_string)).collect();
    assert!(order.len() > 10, "the reading order is in lib.rs: {order:?}");
    let mut wrong = vec![];
    for (name, text) in files("src") {
        let Some(module) = name.strip_prefix("src/").and_then(|n| n.split(['/', '.']).next()) else { continue };
        let Some(place) = order.iter().position(|m| m == module) else { continue };
        if is_test(&name) {
            continue;
        }
        for (number, line) in live(&text) {
            for later in &order[place + 1..] {
                if line.contains(&format!("crate::{later}::")) || line.contains(&format!("use crate::{later};")) {
                    wrong.push(format!("{name}:{number}: {module} uses {later}, which comes after it"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn burn_is_said_only_in_the_engine() {
    let list = offenders(&["burn::", "burn_"], |name| name.starts_with("src/engine/"));
    assert!(list.is_empty(), "{}", list.join("\n"));
}

#[test]
fn only_the_command_prints() {
    let words = ["println!", "print!(", "eprintln!", "eprint!(", "dbg!"];
    let list = offenders(&words, |name| name.starts_with("src/cli/") || name == "src/main.rs");
    assert!(list.is_empty(), "{}", list.join("\n"));
}

#[test]
fn only_the_command_and_the_run_folder_touch_files() {
    let words = ["std::fs", "fs::", "File::open", "File::create", "OpenOptions"];
    let list = offenders(&words, |name| name.starts_with("src/cli/") || name.starts_with("src/run/"));
    assert!(list.is_empty(), "{}", list.join("\n"));
}

#[test]
fn nothing_is_left_to_do() {
    let words = ["todo!", "unimplemented!", "TODO", "FIXME", "XXX"];
    let list = offenders(&words, |_| false);
    assert!(list.is_empty(), "say it as a limitation: {}", list.join("\n"));
}

#[test]
fn every_file_says_what_it_is_and_is_short_enough_to_read() {
    let mut wrong = vec![];
    for (name, text) in files("src").into_iter().chain(files("tests")) {
        if !text.starts_with("//!") {
            wrong.push(format!("{name} does not begin with a sentence about itself"));
        }
        let lines = text.lines().count();
        if lines > 400 {
            wrong.push(format!("{name} has {lines} lines; 400 are enough for one idea"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
