//! Named data sets: where they lie, and how they come to lie there.

use std::path::{Path, PathBuf};

use crate::cli::End;
use crate::cli::file;
use crate::cli::problems::CliProblem;
use crate::cli::screen::Screen;
use crate::data::named::{self, Named, Origin, Remote, Split};
use crate::data::{Table, Values, digits, read};
use crate::run::folder::replace;

/// Where named sets are looked for.
pub struct Sets<'a> {
    data_dir: Option<PathBuf>,
    screen: &'a Screen,
}

impl<'a> Sets<'a> {
    pub fn new(data_dir: Option<&Path>, screen: &'a Screen) -> Sets<'a> {
        Sets { data_dir: data_dir.map(Path::to_path_buf), screen }
    }

    /// The rows of a split: read where the set lies, else fetched or drawn first.
    pub fn table(&self, set: &Named, split: Split) -> Result<Table, End> {
        let place = || self.places(set).into_iter().find(|place| self.pair(place, split).is_ok());
        match (&set.origin, place()) {
            (Origin::BuiltIn(make), _) => Ok(make()),
            (Origin::Fetched(_), Some(place)) => self.folder(set.name, &place, split),
            (Origin::Fetched(remote), None) => {
                let (place, _) = self.fetch(set, remote)?;
                self.folder(set.name, &place, split)
            }
            // A cache that is damaged is as good as none.
            (Origin::Digits, Some(place)) => {
                Ok(self.cached(set.name, &place, split).unwrap_or_else(|| self.draw(set, split)))
            }
            (Origin::Digits, None) => Ok(self.draw(set, split)),
        }
    }

    /// The folder in which all of a set lies.
    pub fn place(&self, set: &Named) -> Option<PathBuf> {
        let whole = |place: &PathBuf| [Split::Train, Split::Test].iter().all(|split| self.pair(place, *split).is_ok());
        self.places(set).into_iter().find(whole)
    }

    /// The folders in which a set may lie, in the order of looking.
    pub fn places(&self, set: &Named) -> Vec<PathBuf> {
        let homes = [self.data_dir.clone(), variable("PPL_DATA"), cache()];
        homes.into_iter().flatten().map(|home| home.join(set.folder())).collect()
    }

    /// Where a set is put that is fetched or drawn: the folder that was asked for, else the cache.
    fn home(&self, set: &Named) -> Result<PathBuf, End> {
        match self.data_dir.clone().or_else(cache) {
            Some(home) => Ok(home.join(set.folder())),
            None => self.usage(CliProblem::NoCache { name: set.name.into() }),
        }
    }

    /// Gets the files of a set from the network; where they are now, and which were not there before.
    #[cfg(feature = "fetch")]
    pub fn fetch(&self, set: &Named, remote: &Remote) -> Result<(PathBuf, Vec<String>), End> {
        use crate::cli::fetch::{self, Trouble};
        let home = self.home(set)?;
        // Tests fetch from this machine; what does not have the known checksum is refused all the same.
        let ours = std::env::var("PPL_FETCH_FROM").ok().filter(|address| address.starts_with(fetch::LOOPBACK));
        let from = ours.map_or_else(|| remote.bases.iter().map(|base| base.to_string()).collect(), |ours| vec![ours]);
        let mut bar = crate::cli::progress::Bytes::new(self.screen, set.name);
        let fetched = fetch::fetch(remote, &from, &home, &mut |state| bar.show(state.file, state.bytes));
        bar.finish();
        match fetched {
            Ok(files) => Ok((home, files)),
            Err(Trouble::Nowhere(tried)) => self.usage(CliProblem::NotFetched(Box::new(self.lost(set, remote, tried)))),
            Err(Trouble::Busy { file }) => self.usage(CliProblem::Fetching { name: set.name.into(), file }),
            Err(Trouble::Disk { file, why }) => {
                self.screen.problem(CliProblem::NotWritten { file, why });
                Err(End::Failed)
            }
        }
    }

    #[cfg(not(feature = "fetch"))]
    pub fn fetch(&self, set: &Named, remote: &Remote) -> Result<(PathBuf, Vec<String>), End> {
        self.usage(CliProblem::NotFetched(Box::new(self.lost(set, remote, vec![]))))
    }

    fn lost(&self, set: &Named, remote: &Remote, tried: Vec<(String, String)>) -> crate::cli::problems::Lost {
        let places = self.places(set).iter().map(|place| place.display().to_string()).collect();
        let files = remote.files.iter().map(|file| file.name.to_string()).collect();
        crate::cli::problems::Lost { name: set.name.into(), places, files, tried }
    }

    /// Draws digits, and keeps them for the next time.
    pub fn draw(&self, set: &Named, split: Split) -> Table {
        let table = digits::table(split);
        if let Ok(home) = self.home(set) {
            let written = std::fs::create_dir_all(&home).and_then(|()| {
                table.columns.iter().zip(split.files()).try_for_each(|(column, names)| match &column.values {
                    Values::Bytes(bytes) => replace(&home.join(names[0]), &read::idx::write(&column.shape, bytes)),
                    Values::Reals(_) | Values::Text(_) => Ok(()),
                })
            });
            if let Err(error) = written {
                let (folder, why) = (home.display().to_string(), error.to_string());
                self.screen.problem(CliProblem::NoCacheWritten { name: set.name.into(), folder, why });
            }
        }
        table
    }

    /// What was drawn before, where it is whole.
    fn cached(&self, name: &str, place: &Path, split: Split) -> Option<Table> {
        let [images, labels] = self.pair(place, split).ok()?;
        let column = |path: &Path| read::table(&path.display().to_string(), &std::fs::read(path).ok()?).ok();
        let table = named::pair(name, column(&images)?, column(&labels)?);
        table.columns.iter().all(|column| column.shape[0] == digits::rows(split)).then_some(table)
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
