//! The RUN folder as a value: what is in it, where it goes, and that it is written whole or not at all.

pub mod folder;
mod hash;
pub mod problems;
#[cfg(test)]
mod tests;

pub use folder::Folder;
pub use hash::{hash, hash_data};
pub use problems::RunProblem;

/// Where a run is kept. Names are file names, without folders.
pub trait Store {
    /// What messages call it.
    fn name(&self) -> String;
    /// The files in it; none where it does not exist yet.
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

/// Written last, removed first.
const SUMMARY: &str = "summary.json";

/// The files of a run. A folder that holds one of the first two holds a run.
const FILES: [&str; 7] =
    [SUMMARY, "model.vi", "elbo.txt", "params.safetensors", "trace.csv", "draws.csv", "sites.safetensors"];

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
        let name = store.name();
        let cannot = |error: std::io::Error| RunProblem::Open { folder: name.clone(), why: error.to_string() };
        let files: Vec<String> = store.list().map_err(cannot)?.into_iter().filter(|file| file != LOCK).collect();
        let holds_run = FILES[..2].iter().any(|file| files.iter().any(|other| other == file));
        match (files.is_empty(), holds_run, overwrite) {
            (true, ..) | (_, true, Overwrite::Runs) => {}
            (_, true, Overwrite::Never) => return Err(RunProblem::Exists { folder: store.name() }),
            (_, false, _) => return Err(RunProblem::NotEmpty { folder: store.name(), file: files[0].clone() }),
        }
        store.create().map_err(cannot)?;
        if !store.lock().map_err(cannot)? {
            return Err(RunProblem::Locked { folder: store.name() });
        }
        // Without its summary an old run is no run: what is written over it is never taken for a whole.
        for file in FILES.iter().filter(|file| files.iter().any(|other| other == *file)) {
            store.remove(file).map_err(|error| cannot_write(&store, file, &error))?;
        }
        Ok(Run { store })
    }

    pub fn name(&self) -> String {
        self.store.name()
    }

    /// What is known before the fit: written first, so that a full or read-only disk is seen early.
    pub fn begin(&mut self, model: &str, elbo: &str) -> Result<(), RunProblem> {
        self.write("model.vi", model.as_bytes())?;
        self.write("elbo.txt", elbo.as_bytes())
    }

    /// What the fit found; the summary last, so that its being there means that the run is whole.
    pub fn finish(&mut self, files: &[(&str, Vec<u8>)], summary: &str) -> Result<(), RunProblem> {
        for (file, bytes) in files {
            self.write(file, bytes)?;
        }
        self.write(SUMMARY, summary.as_bytes())
    }

    /// Leaves nothing behind of a fit that failed.
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

fn cannot_write(store: &impl Store, file: &str, error: &std::io::Error) -> RunProblem {
    RunProblem::Write { folder: store.name(), file: file.into(), why: error.to_string() }
}
