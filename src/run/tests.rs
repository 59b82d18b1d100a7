//! Runs in a store that fails where it is told to, and in a real folder.

use std::collections::BTreeMap;
use std::io;

use super::*;

/// Fails at the k-th write and from then on: a disk that is full.
#[derive(Default)]
struct Full {
    files: BTreeMap<String, Vec<u8>>,
    writes: usize,
    fails_at: Option<usize>,
}

impl Store for &mut Full {
    fn name(&self) -> String {
        "out".into()
    }
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.files.keys().cloned().collect())
    }
    fn create(&mut self) -> io::Result<()> {
        Ok(())
    }
    fn lock(&mut self) -> io::Result<bool> {
        Ok(true)
    }
    fn write(&mut self, file: &str, bytes: &[u8]) -> io::Result<()> {
        self.writes += 1;
        if self.fails_at.is_some_and(|at| self.writes >= at) {
            return Err(io::Error::new(io::ErrorKind::StorageFull, "no space left on device"));
        }
        self.files.insert(file.into(), bytes.to_vec());
        Ok(())
    }
    fn read(&self, file: &str) -> io::Result<Vec<u8>> {
        self.files.get(file).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
    fn remove(&mut self, file: &str) -> io::Result<()> {
        self.files.remove(file).map(drop).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
    fn remove_empty(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a fit hands over, in small.
fn found() -> Vec<(&'static str, Vec<u8>)> {
    vec![("params.safetensors", vec![1]), ("trace.csv", vec![2]), ("draws.csv", vec![3])]
}

fn write(store: &mut Full, overwrite: Overwrite) -> Result<(), RunProblem> {
    let mut run = Run::open(store, overwrite)?;
    run.begin("model {}", "elbo m")?;
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
    }
}

#[test]
fn a_run_is_not_written_over_without_force() {
    let mut store = Full::default();
    write(&mut store, Overwrite::Never).unwrap();
    let again = write(&mut store, Overwrite::Never).unwrap_err();
    assert_eq!(again, RunProblem::Exists { folder: "out".into() });
    // The old run is gone as a whole when the new one fails halfway.
    store.fails_at = Some(store.writes + 3);
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
    run.begin("model {}", "elbo m").unwrap();
    run.finish(&found(), "{}").unwrap();
    drop(run);
    let left = Folder::new(&path).list().unwrap();
    assert_eq!(left, ["draws.csv", "elbo.txt", "model.vi", "params.safetensors", "summary.json", "trace.csv"]);
    let other = Run::open(Folder::new(&path), Overwrite::Never).err();
    assert_eq!(other, Some(RunProblem::Exists { folder: path }));
}

#[test]
fn a_fit_that_failed_leaves_no_folder() {
    let parent = tempfile::tempdir().unwrap();
    let folder = Folder::next(parent.path(), "m").unwrap();
    let path = folder.name();
    let mut run = Run::open(folder, Overwrite::Never).unwrap();
    run.begin("model {}", "elbo m").unwrap();
    run.abandon();
    assert!(!std::path::Path::new(&path).exists());
}
