//! A run in a folder on disk, and files that are replaced whole.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::run::{LOCK, Store};

/// A folder on disk.
pub struct Folder {
    path: PathBuf,
    lock: Option<File>,
}

impl Folder {
    pub fn new(path: impl Into<PathBuf>) -> Folder {
        Folder { path: path.into(), lock: None }
    }

    /// Makes and takes the first of `runs/MODEL-1`, `-2`, ... that is not there.
    pub fn next(parent: &Path, model: &str) -> io::Result<Folder> {
        fs::create_dir_all(parent)?;
        let mut n = 1;
        loop {
            let path = parent.join(format!("{model}-{n}"));
            match fs::create_dir(&path) {
                Ok(()) => return Ok(Folder::new(path)),
                // Two fits that start at once get two folders, because only one of them makes each.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => n += 1,
                Err(error) => return Err(error),
            }
        }
    }
}

impl Store for Folder {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(vec![]),
            entries => entries?,
        };
        let mut names = entries
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect::<io::Result<Vec<_>>>()?;
        names.sort();
        Ok(names)
    }

    fn create(&mut self) -> io::Result<()> {
        fs::create_dir_all(&self.path)
    }

    fn lock(&mut self) -> io::Result<bool> {
        let file = File::create(self.path.join(LOCK))?;
        match file.try_lock() {
            Ok(()) => {
                self.lock = Some(file);
                Ok(true)
            }
            Err(fs::TryLockError::WouldBlock) => Ok(false),
            // Some network folders know no locks: a run there is not protected, but possible.
            Err(fs::TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => Ok(true),
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }

    fn write(&mut self, file: &str, bytes: &[u8]) -> io::Result<()> {
        replace(&self.path.join(file), bytes)
    }

    fn read(&self, file: &str) -> io::Result<Vec<u8>> {
        fs::read(self.path.join(file))
    }

    fn remove(&mut self, file: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(file))
    }

    fn remove_empty(&mut self) -> io::Result<()> {
        if self.lock.take().is_some() {
            fs::remove_file(self.path.join(LOCK))?;
        }
        fs::remove_dir(&self.path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.lock.take().is_some() {
            // A lock file that stays is empty and harms nothing.
            let _ = fs::remove_file(self.path.join(LOCK));
        }
    }
}

/// Writes beside the file, then renames: whoever reads sees the old bytes or the new ones, never half of them.
/// Permissions of a file that is replaced are kept, and a link is followed, so that it stays a link.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.tmp", std::process::id()));
    let beside = path.with_file_name(name);
    let written = write_new(&beside, &path, bytes).and_then(|()| fs::rename(&beside, &path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

fn write_new(beside: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(beside)?;
    file.write_all(bytes)?;
    if let Ok(old) = fs::metadata(path) {
        file.set_permissions(old.permissions())?;
    }
    // Some errors of a full disk are only told here.
    file.sync_all()
}
