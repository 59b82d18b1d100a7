//! The RUN folder as a value: what is in it, where it goes, and that it is written whole or not at all.

#[cfg(test)]
pub mod fake;
pub mod folder;
mod hash;
mod kept;
pub mod problems;
mod sealed;
mod summary;
#[cfg(test)]
mod tests;

pub use folder::Folder;
pub use hash::{hash, hash_data};
pub use kept::{Difference, Identity, Kept};
pub use problems::RunProblem;
pub use summary::{Finished, signed};

use sealed::Damage;

/// Where a run is kept. Names are file names, without folders.
pub trait Store {
    /// What messages call it.
    fn name(&self) -> String;
    /// The files in it, but those that only serve writing; none where it does not exist yet.
    fn list(&self) -> std::io::Result<Vec<String>>;
    /// Makes it, where it is not there yet.
    fn create(&mut self) -> std::io::Result<()>;
    /// Keeps every other process out until this value is dropped; false where another holds it.
    fn lock(&mut self) -> std::io::Result<bool>;
    /// The whole file or nothing: a reader sees the old bytes or the new ones.
    fn write(&mut self, file: &str, bytes: &[u8]) -> std::io::Result<()>;
    fn read(&self, file: &str) -> std::io::Result<Vec<u8>>;
    fn remove(&mut self, file: &str) -> std::io::Result<()>;
    /// Takes it away where nothing is in it.
    fn remove_empty(&mut self) -> std::io::Result<()>;
}

/// The format that is written, and the only one that is read.
pub const FORMAT: u64 = 1;

/// Written last, removed first: its being there means that the run is whole.
const SUMMARY: &str = "summary.json";
/// Written first and replaced while the fit goes on: its being there means that the run can be gone on with.
const STATE: &str = "state.safetensors";

/// The files of a run. A folder that holds one of the first three holds a run.
const FILES: [&str; 9] = [
    SUMMARY,
    STATE,
    "model.vi",
    "elbo.txt",
    "data.json",
    "params.safetensors",
    "trace.csv",
    "draws.csv",
    "sites.safetensors",
];

/// Whether a run may be written over what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overwrite {
    Never,
    /// `--force`
    Runs,
}

/// A folder that is ours to write a run into.
pub struct Run<S: Store> {
    store: S,
}

impl<S: Store> Run<S> {
    /// Takes a new or empty folder, or with `Overwrite::Runs` one that holds a run, and locks it.
    pub fn open(mut store: S, overwrite: Overwrite) -> Result<Run<S>, RunProblem> {
        let cannot = cannot_open(&store);
        let files = store.list().map_err(&cannot)?;
        match (files.is_empty(), holds_run(&files), overwrite) {
            (true, ..) | (_, true, Overwrite::Runs) => {}
            (_, true, Overwrite::Never) => return Err(RunProblem::Exists { folder: store.name() }),
            (_, false, _) => return Err(RunProblem::NotEmpty { folder: store.name(), file: files[0].clone() }),
        }
        store.create().map_err(&cannot)?;
        let mut run = Run::locked(store)?;
        // Without its summary and its state an old run is no run: what is written over it is never taken for its own.
        for file in FILES.iter().filter(|file| files.iter().any(|other| other == *file)) {
            run.store.remove(file).map_err(|error| cannot_write(&run.store, file, &error))?;
        }
        Ok(run)
    }

    /// Takes a folder that holds a run, and what is kept of it to go on from. A run that was killed before it kept
    /// anything has lost nothing: it begins again.
    pub fn resume(store: S) -> Result<(Run<S>, Option<Kept>), RunProblem> {
        let files = store.list().map_err(cannot_open(&store))?;
        if let Some(file) = files.iter().find(|file| !FILES.contains(&file.as_str()))
            && !holds_run(&files)
        {
            return Err(RunProblem::NotEmpty { folder: store.name(), file: file.clone() });
        }
        let run = Run::locked(store)?;
        let kept = match run.store.read(STATE) {
            Ok(bytes) => Some(Kept::read(&bytes).map_err(|damage| damaged(&run.store, STATE, damage))?),
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(RunProblem::Read { folder: run.name(), file: STATE.into(), why: error.to_string() });
            }
            Err(_) if files.iter().any(|file| file == SUMMARY) => {
                return Err(RunProblem::NoState { folder: run.name() });
            }
            Err(_) => None,
        };
        Ok((run, kept))
    }

    fn locked(mut store: S) -> Result<Run<S>, RunProblem> {
        match store.lock() {
            Ok(true) => Ok(Run { store }),
            Ok(false) => Err(RunProblem::Locked { folder: store.name() }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Err(RunProblem::NoRun { folder: store.name() })
            }
            Err(error) => Err(cannot_open(&store)(error)),
        }
    }

    pub fn name(&self) -> String {
        self.store.name()
    }

    /// What is known before the fit: written first, so that a full or read-only disk is seen early. The state comes
    /// before everything else: whatever is in the folder can be gone on with.
    pub fn begin(&mut self, kept: Option<&[u8]>, files: &[(&str, &str)]) -> Result<(), RunProblem> {
        // While a run goes on it is not whole.
        if self.store.read(SUMMARY).is_ok() {
            self.store.remove(SUMMARY).map_err(|error| cannot_write(&self.store, SUMMARY, &error))?;
        }
        if let Some(bytes) = kept {
            self.keep(bytes)?;
        }
        files.iter().try_for_each(|(file, text)| self.write(file, text.as_bytes()))
    }

    /// Where the fit is: whoever kills it now loses nothing before this.
    pub fn keep(&mut self, bytes: &[u8]) -> Result<(), RunProblem> {
        self.write(STATE, bytes)
    }

    /// What the fit found; the summary last, so that its being there means that the run is whole.
    pub fn finish(&mut self, files: &[(&str, Vec<u8>)], summary: &str) -> Result<(), RunProblem> {
        for (file, bytes) in files {
            self.write(file, bytes)?;
        }
        self.write(SUMMARY, summary.as_bytes())
    }

    /// Leaves nothing behind of a fit that failed before there was anything to keep.
    pub fn abandon(mut self) {
        // What cannot be removed is a file too many, which harms nothing.
        for file in FILES {
            let _ = self.store.remove(file);
        }
        let _ = self.store.remove_empty();
    }

    fn write(&mut self, file: &str, bytes: &[u8]) -> Result<(), RunProblem> {
        self.store.write(file, bytes).map_err(|error| cannot_write(&self.store, file, &error))
    }
}

/// Held while a process writes.
pub(crate) const LOCK: &str = ".lock";

fn holds_run(files: &[String]) -> bool {
    FILES[..3].iter().any(|file| files.iter().any(|other| other == file))
}

fn cannot_open<S: Store>(store: &S) -> impl Fn(std::io::Error) -> RunProblem + use<S> {
    let folder = store.name();
    move |error| RunProblem::Open { folder: folder.clone(), why: error.to_string() }
}

fn cannot_write(store: &impl Store, file: &str, error: &std::io::Error) -> RunProblem {
    RunProblem::Write { folder: store.name(), file: file.into(), why: error.to_string() }
}

fn damaged(store: &impl Store, file: &str, damage: Damage) -> RunProblem {
    let (folder, file) = (store.name(), file.to_string());
    match damage {
        Damage::Format(found) => RunProblem::Format { folder, file, found },
        Damage::Broken(why) => RunProblem::Damaged { folder, file, why },
    }
}
