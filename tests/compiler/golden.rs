//! What the compiler prints for the models of `models/`, compared with `tests/golden/`. `UPDATE_GOLDEN=1` rewrites; a
//! golden file without its model fails.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use ppl::model::{Settings, compile_model};
use ppl::source::Source;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The names of the files in a folder that end so, without that end.
pub fn stems(folder: &str, end: &str) -> BTreeSet<String> {
    let files = fs::read_dir(root().join(folder)).into_iter().flatten().flatten();
    files.filter_map(|file| file.file_name().to_str()?.strip_suffix(end).map(String::from)).collect()
}

/// Compares one text, or writes it; says what differs.
fn compare(path: PathBuf, text: &str) -> Result<(), String> {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        return fs::write(&path, text).map_err(|error| error.to_string());
    }
    let name = path.strip_prefix(root()).unwrap_or(&path).display().to_string();
    match fs::read_to_string(&path) {
        Ok(golden) if golden == text => Ok(()),
        Ok(golden) => {
            let diff = similar::TextDiff::from_lines(&golden, text).unified_diff().header(&name, "now").to_string();
            Err(format!("{name} differs (UPDATE_GOLDEN=1 rewrites it):\n{diff}"))
        }
        Err(_) => Err(format!("{name} is not there (UPDATE_GOLDEN=1 writes it):\n{text}")),
    }
}

/// Models that are checked and have no bound yet, and what the compiler says of each instead.
const NOT_DERIVED: &[(&str, &str)] = &[("vae_flow", "ppl::limitation::flow")];

/// The models of `models/` that have a bound.
pub fn derived_models() -> BTreeSet<String> {
    let without = |model: &String| NOT_DERIVED.iter().all(|(other, _)| other != model);
    stems("models", ".vi").into_iter().filter(without).collect()
}

#[test]
fn what_has_no_bound_yet_says_why() {
    for (model, code) in NOT_DERIVED {
        let file = format!("models/{model}.vi");
        let source = Source::new(file.as_str(), fs::read_to_string(root().join(&file)).expect("a model"));
        let (checked, problems) = compile_model(&source, &Settings::default());
        assert!(checked.is_some() && problems.is_empty(), "{model} is not accepted as it is");
        let (elbo, problems) = ppl::elbo::derive(&checked.expect("a model"));
        let said: Vec<&str> = problems.sorted().iter().map(|problem| problem.code).collect();
        assert!(elbo.is_none(), "{model} has a bound: take it from the list, and write its golden file");
        assert_eq!(said, [*code], "{model}");
    }
}

/// Every model of `models/` as `print` has it, and no golden file of this kind without its model.
pub fn check(end: &str, print: impl Fn(&str) -> String) {
    check_all(end, stems("models", ".vi"), |model| print(&format!("models/{model}.vi")));
}

/// These models, by their stems, and no others.
pub fn check_all(end: &str, models: BTreeSet<String>, print: impl Fn(&str) -> String) {
    assert!(!models.is_empty(), "no models");
    let mut wrong = vec![];
    for model in &models {
        let text = print(model);
        wrong.extend(compare(root().join(format!("tests/golden/{model}{end}")), &text).err());
    }
    for orphan in stems("tests/golden", end).difference(&models) {
        wrong.push(format!("tests/golden/{orphan}{end} has no model"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn bounds_print_as_they_did() {
    let models = derived_models();
    let cases = stems("tests/cases", ".vi").into_iter().filter(|case| case.starts_with("elbo_"));
    check_all(".elbo", models.iter().cloned().chain(cases).collect(), |stem| {
        let folder = if models.contains(stem) { "models" } else { "tests/cases" };
        ppl::elbo::print(&crate::truth::derived(&format!("{folder}/{stem}.vi"), &[]))
    });
}
