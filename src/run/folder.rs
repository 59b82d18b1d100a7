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
        names.retain(|name| name != LOCK && !is_unfinished(name));
        names.sort();
        Ok(names)
    }

    fn create(&mut self) -> io::Result<()> {
        fs::create_dir_all(&self.path)
    }

    fn lock(&mut self) -> io::Result<bool> {
        let path = self.path.join(LOCK);
        loop {
            let file = File::create(&path)?;
            match file.try_lock() {
                // Who held it before takes its file away: then this is a lock on nothing.
                Ok(()) if !is_at(&file, &path) => continue,
                Ok(()) => self.lock = Some(file),
                Err(fs::TryLockError::WouldBlock) => return Ok(false),
                // Some network folders know no locks: a run there is not protected, but possible.
                Err(fs::TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {}
                Err(fs::TryLockError::Error(error)) => return Err(error),
            }
            self.sweep();
            return Ok(true);
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
        if self.lock.is_some() {
            fs::remove_file(self.path.join(LOCK))?;
            self.lock = None;
        }
        fs::remove_dir(&self.path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.lock.is_some() {
            // While it is still held. A lock file that stays is empty and harms nothing.
            let _ = fs::remove_file(self.path.join(LOCK));
        }
    }
}

impl Folder {
    /// Takes away what a process was writing when it was killed.
    fn sweep(&self) {
        let names = fs::read_dir(&self.path).into_iter().flatten().flatten().map(|entry| entry.path());
        for path in names.filter(|path| path.file_name().is_some_and(|name| is_unfinished(&name.to_string_lossy()))) {
            // What stays is never read.
            let _ = fs::remove_file(path);
        }
    }
}

/// Whether a file is still the one at this path.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let inode = |metadata: io::Result<fs::Metadata>| metadata.map(|metadata| metadata.ino()).ok();
    inode(file.metadata()) == inode(fs::metadata(path))
}

/// Elsewhere an open file cannot be taken away.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}

/// The name under which a file is written before it is whole.
fn unfinished(name: &str) -> String {
    format!(".{name}.{}.tmp", std::process::id())
}

fn is_unfinished(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(".tmp")
}

/// Writes beside the file, then renames: whoever reads sees the old bytes or the new ones, never half of them.
/// Permissions of a file that is replaced are kept, and a link is followed, so that it stays a link.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let beside = path.with_file_name(unfinished(&path.file_name().unwrap_or_default().to_string_lossy()));
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
