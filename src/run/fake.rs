//! A store of the tests that fails where it is told to.

use std::collections::BTreeMap;
use std::io;

use crate::run::Store;

/// Fails at the k-th write and from then on: a disk that is full.
#[derive(Default)]
pub struct Full {
    pub files: BTreeMap<String, Vec<u8>>,
    pub writes: usize,
    pub fails_at: Option<usize>,
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
