//! Wrong models and what is said of each, in full: `tests/diagnostics/<code>/*.vi` with a `.stderr` each.
//! `UPDATE_GOLDEN=1` rewrites; a `.stderr` without its model fails.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use ppl::elbo;
use ppl::fit;
use ppl::model::{self, Settings, compile_model};
use ppl::problem::{Fix, Problems, Severity, Style};
use ppl::source::Source;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diagnostics")
}

/// Every wrong model: the folder's name, the file's stem, its text.
pub fn cases() -> Vec<(String, String, String)> {
    let mut list = vec![];
    for folder in fs::read_dir(root()).expect("tests/diagnostics").flatten().filter(|entry| entry.path().is_dir()) {
        let code = folder.file_name().to_string_lossy().into_owned();
        for file in fs::read_dir(folder.path()).expect("a folder").flatten().map(|entry| entry.path()) {
            if file.extension().is_some_and(|extension| extension == "vi") {
                let stem = file.file_stem().expect("a name").to_string_lossy().into_owned();
                list.push((code.clone(), stem, fs::read_to_string(&file).expect("text")));
            }
        }
    }
    list.sort();
    list
}

/// `# --set K=3` on the first line is the command's.
fn settings(text: &str) -> Settings {
    let mut settings = Settings::default();
    let first = text.lines().next().and_then(|line| line.strip_prefix("# --set "));
    if let Some((name, value)) = first.and_then(|set| set.split_once('=')) {
        settings.set.insert(name.into(), value.trim().parse().expect("a number"));
    }
    settings
}

fn check(name: &str, text: &str) -> (Option<model::Model>, Problems, Source) {
    let source = Source::new(format!("{name}.vi"), text);
    let (model, mut problems) = compile_model(&source, &settings(text));
    // A model that checks may still have no bound.
    if let Some(model) = &model {
        let (elbo, more) = elbo::derive(model);
        problems.extend(more);
        // And one that has a bound may still have no fit.
        if let (Some(elbo), false) = (elbo, problems.has_errors()) {
            problems.extend(fit::limits(&elbo, &elbo.model.fit));
        }
    }
    (model, problems, source)
}

/// What was said, and the change that was offered.
fn render(problems: &Problems, source: &Source) -> String {
    let mut text = problems.render(source, Style { color: false, width: 100 });
    for problem in problems.sorted() {
        if let Some(fix) = problem.fix {
            text.push_str(&format!("fix: {}\n\n{}\n", fix.title, apply(&source.text, &fix)));
        }
    }
    text
}

fn apply(text: &str, fix: &Fix) -> String {
    let mut edits = fix.edits.clone();
    edits.sort_by_key(|edit| std::cmp::Reverse(edit.span.start));
    let mut text = text.to_string();
    edits.iter().for_each(|edit| text.replace_range(edit.span.start..edit.span.end, &edit.text));
    text
}

#[test]
fn every_mistake_is_said_as_it_was() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut wrong = vec![];
    for (code, stem, text) in cases() {
        let (_, problems, source) = check(&stem, &text);
        let said = render(&problems, &source);
        let path = root().join(&code).join(format!("{stem}.stderr"));
        let folder = code.replace('-', "::");
        if code != "several" && !problems.sorted().iter().any(|problem| problem.code == folder) {
            wrong.push(format!("{code}/{stem}.vi does not say {folder}:\n{said}"));
        } else if update {
            fs::write(&path, said).expect("written");
        } else {
            let golden = fs::read_to_string(&path).unwrap_or_default();
            if golden != said {
                let diff = similar::TextDiff::from_lines(&golden, &said).unified_diff().to_string();
                wrong.push(format!("{code}/{stem}.stderr differs (UPDATE_GOLDEN=1 rewrites it):\n{diff}"));
            }
        }
    }
    for folder in fs::read_dir(root()).expect("tests/diagnostics").flatten().filter(|entry| entry.path().is_dir()) {
        for file in fs::read_dir(folder.path()).expect("a folder").flatten().map(|entry| entry.path()) {
            if file.extension().is_some_and(|e| e == "stderr") && !file.with_extension("vi").exists() {
                wrong.push(format!("{} has no model", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn four_mistakes_in_four_places_are_four_problems() {
    let (_, _, text) =
        cases().into_iter().find(|(_, stem, _)| stem == "four_mistakes").expect("the file of four mistakes");
    let (_, problems, _) = check("several", &text);
    let codes: Vec<&str> = problems.sorted().iter().map(|problem| problem.code).collect();
    let expected = [
        "ppl::model::unknown_type",
        "ppl::model::argument_shape",
        "ppl::model::unknown_name",
        "ppl::model::guide_support",
    ];
    assert_eq!(codes, expected);
}

#[test]
fn every_code_of_the_checker_has_a_case() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut said = BTreeSet::new();
    let files = fs::read_dir(root.join("src/model/problems")).expect("the problems").flatten();
    for file in files.map(|file| file.path()).chain(["src/elbo/problems.rs", "src/fit/limits.rs"].map(|f| root.join(f)))
    {
        let text = fs::read_to_string(file).expect("text");
        let codes = text.split('"').filter(|part| part.starts_with("ppl::") && part.matches("::").count() == 2);
        said.extend(codes.map(|code| code.replace("::", "-")));
    }
    let cases: BTreeSet<String> = cases().into_iter().map(|(code, ..)| code).collect();
    let without: Vec<&String> = said.difference(&cases).collect();
    assert!(without.is_empty(), "no case for {without:?}");
}

/// A fix of a warning is safe: the mended model checks, and what was warned of is gone.
#[test]
fn fixes_mend_what_they_are_offered_for() {
    let mut mended = 0;
    for (code, stem, text) in cases() {
        let (model, problems, _) = check(&stem, &text);
        for problem in problems.sorted() {
            let Some(fix) = &problem.fix else { continue };
            let (after, left, source) = check(&stem, &apply(&text, fix));
            let said = render(&left, &source);
            assert_eq!(problem.severity, Severity::Warning, "{code}/{stem}");
            assert!(model.is_some() && after.is_some(), "{code}/{stem}: the mended model is wrong:\n{said}");
            let again = left.sorted().iter().filter(|other| other.code == problem.code).count();
            let before = problems.sorted().iter().filter(|other| other.code == problem.code).count();
            assert!(again < before, "{code}/{stem}: said again after the fix:\n{said}");
            mended += 1;
        }
    }
    assert!(mended >= 4, "only {mended} fixes were offered");
}

#[test]
fn checking_a_file_takes_a_few_milliseconds() {
    for (stem, text) in crate::mutation::models() {
        let took = (0..5).map(|_| {
            let start = std::time::Instant::now();
            check(&stem, &text);
            start.elapsed()
        });
        let least = took.min().expect("five runs");
        let allowed = if cfg!(debug_assertions) { 50 } else { 5 };
        assert!(least.as_millis() < allowed, "{stem} took {least:?}");
    }
}

#[test]
fn models_of_the_repository_print_as_they_did() {
    crate::golden::check(".model", |file| {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).expect("a model");
        let source = Source::new(file, text);
        let (model, problems) = compile_model(&source, &Settings::default());
        let model = model.unwrap_or_else(|| panic!("{}", render(&problems, &source)));
        model::verify::verify(&model).expect("a model that holds together");
        model::print::print(&model)
    });
}
