//! A folder of PNG pictures: the names of its subfolders are the labels, and `train` and `test` its splits.

use std::path::{Path, PathBuf};

use super::Opener;
use crate::cli::End;
use crate::cli::file;
use crate::cli::problems::CliProblem;
use crate::data::Table;
use crate::data::read::png;

impl Opener<'_> {
    pub(super) fn pictures(&self, name: &str, path: &Path) -> Result<Table, End> {
        let inside = self.list(path)?;
        let part = |split: &str| inside.iter().find(|entry| entry.is_dir() && entry.ends_with(split));
        let root = match (part("train"), part("test")) {
            (Some(train), Some(test)) => match self.split.unwrap_or_default() {
                super::Split::Train => train.clone(),
                super::Split::Test => test.clone(),
            },
            _ => {
                self.without_split(name)?;
                path.to_path_buf()
            }
        };
        let inside = self.list(&root)?;
        let (folders, files): (Vec<PathBuf>, Vec<PathBuf>) = inside.into_iter().partition(|entry| entry.is_dir());
        let loose: Vec<PathBuf> = files.iter().filter(|file| is_png(file)).cloned().collect();
        let mut labelled = vec![];
        for folder in folders {
            let label = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let files = self.list(&folder)?.into_iter().filter(|file| is_png(file));
            labelled.extend(files.map(|file| (label.clone(), file)));
        }
        let folder = root.display().to_string();
        match (loose.as_slice(), labelled.as_slice()) {
            ([], []) => self.usage(CliProblem::NoData { folder, found: some(&files) }),
            ([file, ..], [_, ..]) => self.usage(CliProblem::Unlabelled { folder, file: file.display().to_string() }),
            (loose, []) => self.decoded(name, loose, None),
            (_, pairs) => {
                let (labels, files): (Vec<String>, Vec<PathBuf>) = pairs.iter().cloned().unzip();
                self.decoded(name, &files, Some(labels))
            }
        }
    }

    fn decoded(&self, name: &str, files: &[PathBuf], labels: Option<Vec<String>>) -> Result<Table, End> {
        let mut pictures = Vec::with_capacity(files.len());
        for path in files {
            let bytes = file::read(path, self.screen)?;
            let file = path.display().to_string();
            let picture = self.said(png::picture(&file, &bytes))?;
            pictures.push((file, picture));
        }
        self.said(png::folder(name, pictures, labels))
    }

    /// What is in a folder, by name; hidden files are not.
    fn list(&self, path: &Path) -> Result<Vec<PathBuf>, End> {
        let failed = |error: std::io::Error| {
            let problem = CliProblem::NoFile { file: path.display().to_string(), why: error.to_string() };
            self.screen.problem(problem);
            End::Usage
        };
        let mut list = vec![];
        for entry in std::fs::read_dir(path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if !entry.file_name().to_string_lossy().starts_with('.') {
                list.push(entry.path());
            }
        }
        list.sort();
        Ok(list)
    }
}

fn is_png(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("png"))
}

/// The names of the first few files.
fn some(files: &[PathBuf]) -> Vec<String> {
    let name = |file: &PathBuf| file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut names: Vec<String> = files.iter().take(3).map(name).collect();
    if files.len() > 3 {
        names.push(format!("{} more", files.len() - 3));
    }
    names
}
