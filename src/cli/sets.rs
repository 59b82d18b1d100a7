//! Named data sets: where they lie, and how they come to lie there.

use std::path::{Path, PathBuf};

use crate::cli::End;
use crate::cli::file;
use crate::cli::problems::CliProblem;
use crate::cli::screen::Screen;
use crate::data::named::{self, Named, Origin, Split};
use crate::data::{Table, read};

/// Where named sets are looked for.
pub struct Sets<'a> {
    data_dir: Option<PathBuf>,
    screen: &'a Screen,
}

impl<'a> Sets<'a> {
    pub fn new(data_dir: Option<&Path>, screen: &'a Screen) -> Sets<'a> {
        Sets { data_dir: data_dir.map(Path::to_path_buf), screen }
    }

    /// The rows of a split.
    pub fn table(&self, set: &Named, split: Split) -> Result<Table, End> {
        match set.origin {
            Origin::BuiltIn(make) => Ok(make()),
            Origin::Later => self.usage(CliProblem::SetLater { name: set.name.into() }),
            Origin::IdxFolder => {
                let places = self.places(set);
                match places.iter().find(|place| self.pair(place, split).is_ok()) {
                    Some(place) => self.folder(set.name, place, split),
                    None => {
                        let places = places.iter().map(|place| place.display().to_string()).collect();
                        self.usage(CliProblem::SetNotFound { name: set.name.into(), places })
                    }
                }
            }
        }
    }

    /// The folders in which a set may lie, in the order of looking.
    fn places(&self, set: &Named) -> Vec<PathBuf> {
        let homes = [self.data_dir.clone(), variable("PPL_DATA"), cache()];
        homes.into_iter().flatten().map(|home| home.join(set.name)).collect()
    }

    /// The table of a folder in MNIST's layout.
    pub fn folder(&self, name: &str, path: &Path, split: Split) -> Result<Table, End> {
        match self.pair(path, split) {
            Ok([images, labels]) => {
                let column = |path: &Path| {
                    let bytes = file::read(path, self.screen)?;
                    read::table(&path.display().to_string(), &bytes).map_err(|problem| {
                        self.screen.problem(problem);
                        End::Wrong
                    })
                };
                Ok(named::pair(name, column(&images)?, column(&labels)?))
            }
            Err(missing) => self.usage(CliProblem::NotMnist { folder: path.display().to_string(), missing }),
        }
    }

    /// The files of images and of labels, or the names that are not there.
    pub fn pair(&self, folder: &Path, split: Split) -> Result<[PathBuf; 2], Vec<String>> {
        let find = |names: [&str; 2]| {
            let ends = names.iter().flat_map(|name| [folder.join(name), folder.join(format!("{name}.gz"))]);
            ends.into_iter().find(|path| path.is_file()).ok_or(format!("{}(.gz)", names[0]))
        };
        match split.files().map(find) {
            [Ok(images), Ok(labels)] => Ok([images, labels]),
            results => Err(results.into_iter().filter_map(Result::err).collect()),
        }
    }

    /// Whether a folder has any file of MNIST's layout.
    pub fn is_idx(folder: &Path) -> bool {
        let names = [Split::Train, Split::Test].into_iter().flat_map(Split::files).flatten();
        names.into_iter().any(|name| folder.join(name).is_file() || folder.join(format!("{name}.gz")).is_file())
    }

    fn usage<T>(&self, problem: CliProblem) -> Result<T, End> {
        self.screen.problem(problem);
        Err(End::Usage)
    }
}

fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// The user's own folder for what can be fetched or made again.
fn cache() -> Option<PathBuf> {
    let home = variable("XDG_CACHE_HOME").or_else(|| variable("LOCALAPPDATA"));
    home.or_else(|| variable("HOME").map(|home| home.join(".cache"))).map(|cache| cache.join("ppl"))
}
