//! Runs in a store that fails where it is told to, and in a real folder.

use std::collections::BTreeMap;

use super::fake::Full;
use super::*;
use crate::problem::Problem;

/// What a fit hands over, in small.
fn found() -> Vec<(&'static str, Vec<u8>)> {
    vec![("params.safetensors", vec![1]), ("trace.csv", vec![2]), ("draws.csv", vec![3])]
}

const TEXTS: [(&str, &str); 2] = [("model.vi", "model {}"), ("elbo.txt", "elbo m")];

fn identity() -> Identity {
    let (set, flags) = (BTreeMap::new(), BTreeMap::from([("lr".to_string(), "0.1".to_string())]));
    let hash = |text: &str| text.to_string();
    Identity { model: hash("m"), bound: hash("b"), data: hash("d"), backend: "cpu".into(), seed: 3, set, flags }
}

fn kept(step: f64) -> Vec<u8> {
    let mut state = crate::fit::State::default();
    state.put("step", [step]);
    Kept { identity: identity(), state }.bytes().unwrap()
}

fn write(store: &mut Full, overwrite: Overwrite) -> Result<(), RunProblem> {
    let mut run = Run::open(store, overwrite)?;
    run.begin(Some(&kept(0.0)), &TEXTS)?;
    run.keep(&kept(1.0))?;
    run.finish(&found(), "{}")
}

#[test]
fn a_full_disk_never_leaves_a_summary() {
    let mut whole = Full::default();
    write(&mut whole, Overwrite::Never).unwrap();
    assert!(whole.files.contains_key("summary.json"));
    for at in 1..=whole.writes {
        let mut store = Full { fails_at: Some(at), ..Full::default() };
        let failure = write(&mut store, Overwrite::Never).unwrap_err();
        assert!(matches!(failure, RunProblem::Write { .. }) && !failure.is_usage());
        assert!(!store.files.contains_key("summary.json"), "write {at}");
        // What was kept last is there; before that nothing is, and nothing is lost.
        store.fails_at = None;
        let (mut run, found) = Run::resume(&mut store).unwrap();
        let step = found.map(|kept| kept.state.get("step").unwrap()[0]);
        assert_eq!(step, [None, Some(0.0), Some(0.0), Some(0.0), Some(1.0)].get(at - 1).copied().unwrap_or(Some(1.0)));
        run.begin(None, &TEXTS).unwrap();
        assert_eq!(Run::open(&mut store, Overwrite::Never).err(), Some(RunProblem::Exists { folder: "out".into() }));
    }
}

#[test]
fn a_state_that_is_not_as_written_is_named_and_not_used() {
    let mut store = Full::default();
    write(&mut store, Overwrite::Never).unwrap();
    let whole = store.files["state.safetensors"].clone();
    for at in [0, 9, whole.len() / 2, whole.len() - 1] {
        let mut bytes = whole.clone();
        bytes[at] ^= 4;
        for bytes in [bytes, whole[..at].to_vec()] {
            store.files.insert("state.safetensors".into(), bytes);
            let refused = Run::resume(&mut store).err().expect("not a state");
            let RunProblem::Damaged { file, .. } = &refused else { panic!("{refused:?}") };
            assert_eq!((file.as_str(), refused.is_usage()), ("state.safetensors", false));
        }
    }
    // Another format is told as such, newer or older.
    for (found, help) in [(2, "newer"), (0, "older")] {
        let problem =
            Problem::from(RunProblem::Format { folder: "out".into(), file: "state.safetensors".into(), found });
        assert!(problem.help.unwrap().contains(help));
    }
    store.files.remove("state.safetensors");
    assert_eq!(Run::resume(&mut store).err(), Some(RunProblem::NoState { folder: "out".into() }));
}

#[test]
fn another_run_is_told_by_what_differs() {
    let other = |change: &dyn Fn(&mut Identity)| {
        let mut other = identity();
        change(&mut other);
        let list = identity().differences(&other, &["steps"]);
        let problem = RunProblem::Differs { folder: "out".into(), list: list.clone() };
        if list.is_empty() { String::new() } else { Problem::from(problem).message }
    };
    assert_eq!(other(&|_| {}), "");
    assert_eq!(other(&|it| it.flags = [("lr".into(), "0.1".into()), ("steps".into(), "9".into())].into()), "");
    assert_eq!(other(&|it| it.data = "e".into()), "out is a run of another data");
    assert_eq!(other(&|it| (it.model, it.bound) = ("n".into(), "c".into())), "out is a run of another model");
    assert_eq!(other(&|it| it.seed = 4), "out is a run of `--seed` (3 there, 4 here)");
    assert_eq!(other(&|it| it.flags.clear()), "out is a run of `--lr` (0.1 there, not given here)");
}

#[test]
fn a_finished_run_is_read_by_its_checksums() {
    let mut store = Full::default();
    let sum = hash(b"abc");
    let summary = signed(&format!("{{\n  \"format\": 1,\n  \"checksums\": {{\"draws.csv\": \"{sum}\"}}\n}}\n"));
    let mut run = Run::open(&mut store, Overwrite::Never).unwrap();
    run.begin(Some(&kept(0.0)), &TEXTS).unwrap();
    assert_eq!(Finished::open(&mut store).err(), Some(RunProblem::NotFinished { folder: "out".into() }));
    store.files.insert("draws.csv".into(), b"abc".to_vec());
    store.files.insert("summary.json".into(), summary.clone().into_bytes());
    assert_eq!(Finished::open(&mut store).unwrap().file("draws.csv").unwrap(), b"abc");
    store.files.insert("draws.csv".into(), b"abd".to_vec());
    let damaged = Finished::open(&mut store).unwrap().file("draws.csv").unwrap_err();
    assert!(matches!(&damaged, RunProblem::Damaged { file, .. } if file == "draws.csv"), "{damaged:?}");
    store.files.insert("summary.json".into(), summary.replace("{\"draws", "{\"drawz").into_bytes());
    let damaged = Finished::open(&mut store).err().unwrap();
    assert!(matches!(&damaged, RunProblem::Damaged { file, .. } if file == "summary.json"), "{damaged:?}");
    store.files.insert("summary.json".into(), signed("{\n  \"format\": 2\n}\n").into_bytes());
    assert!(matches!(Finished::open(&mut store).err(), Some(RunProblem::Format { found: 2, .. })));
}

#[test]
fn a_run_is_not_written_over_without_force() {
    let mut store = Full::default();
    write(&mut store, Overwrite::Never).unwrap();
    let again = write(&mut store, Overwrite::Never).unwrap_err();
    assert_eq!(again, RunProblem::Exists { folder: "out".into() });
    // The old run is gone as a whole when the new one fails halfway.
    store.fails_at = Some(store.writes + 5);
    write(&mut store, Overwrite::Runs).unwrap_err();
    assert!(!store.files.contains_key("summary.json"));
    store.fails_at = None;
    write(&mut store, Overwrite::Runs).unwrap();
}

#[test]
fn other_peoples_files_are_left_alone() {
    let mut store = Full::default();
    store.files.insert("thesis.tex".into(), vec![]);
    let refused = write(&mut store, Overwrite::Runs).unwrap_err();
    assert_eq!(refused, RunProblem::NotEmpty { folder: "out".into(), file: "thesis.tex".into() });
}

#[test]
fn folders_are_numbered_locked_and_replaced_whole() {
    let parent = tempfile::tempdir().unwrap();
    let runs = parent.path().join("runs");
    let first = Folder::next(&runs, "m").unwrap();
    let second = Folder::next(&runs, "m").unwrap();
    assert!(first.name().ends_with("m-1") && second.name().ends_with("m-2"));
    let path = first.name();
    let mut run = Run::open(first, Overwrite::Never).unwrap();
    let other = Run::open(Folder::new(&path), Overwrite::Never).err();
    assert_eq!(other, Some(RunProblem::Locked { folder: path.clone() }));
    run.begin(Some(&kept(0.0)), &TEXTS).unwrap();
    run.finish(&found(), "{}").unwrap();
    drop(run);
    // What a killed process was writing is taken away by the next one.
    std::fs::write(std::path::Path::new(&path).join(".draws.csv.77.tmp"), "half").unwrap();
    drop(Run::resume(Folder::new(&path)).unwrap());
    let mut left: Vec<_> = std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    let files = "draws.csv elbo.txt model.vi params.safetensors state.safetensors summary.json trace.csv";
    assert_eq!(left, files.split(' ').collect::<Vec<_>>());
    let other = Run::open(Folder::new(&path), Overwrite::Never).err();
    assert_eq!(other, Some(RunProblem::Exists { folder: path }));
}

#[test]
fn a_fit_that_failed_leaves_no_folder() {
    let parent = tempfile::tempdir().unwrap();
    let folder = Folder::next(parent.path(), "m").unwrap();
    let path = folder.name();
    let mut run = Run::open(folder, Overwrite::Never).unwrap();
    run.begin(Some(&kept(0.0)), &TEXTS).unwrap();
    run.abandon();
    assert!(!std::path::Path::new(&path).exists());
}
