//! `--data`: named sets, files and folders to tables.

use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::cli::End;
use crate::cli::args::Data;
use crate::cli::file;
use crate::cli::problems::CliProblem;
use crate::cli::screen::Screen;
use crate::data::bind::bind_given;
use crate::data::lookup;
use crate::data::named::{self, Named, Origin, Split};
use crate::data::problems::FileProblem;
use crate::data::{Bound, Table, read};
use crate::model::Model;

/// The data of the command line, bound to a model.
pub fn bound(model: &Model, data: &Data, screen: &Screen) -> Result<Bound, End> {
    bound_given(model, data, &|_| true, screen)
}

/// As `bound`, of some of the data items.
pub fn bound_given(model: &Model, data: &Data, given: &dyn Fn(usize) -> bool, screen: &Screen) -> Result<Bound, End> {
    let start = Instant::now();
    let tables = tables(data, screen)?;
    screen.pass("read", start.elapsed().as_secs_f64());
    let start = Instant::now();
    let bound = bind_given(model, &tables, given).map_err(|problems| {
        screen.problems(&problems, &model.source);
        End::Wrong
    })?;
    screen.pass("bind", start.elapsed().as_secs_f64());
    Ok(bound)
}

/// Every table of the command line, in its order.
fn tables(data: &Data, screen: &Screen) -> Result<Vec<Table>, End> {
    let opener = Opener { data, screen };
    let tables = data.data.iter().map(|spec| opener.spec(spec)).collect::<Result<Vec<_>, _>>()?;
    match (data.rows, tables.len()) {
        (None, _) => Ok(tables),
        (Some((low, high)), 1) => tables.into_iter().map(|table| opener.said(named::slice(table, low, high))).collect(),
        (Some(_), sources) => {
            screen.problem(CliProblem::Rows { sources });
            Err(End::Usage)
        }
    }
}

struct Opener<'a> {
    data: &'a Data,
    screen: &'a Screen,
}

impl Opener<'_> {
    /// `users=users.csv`, a path, or the name of a set.
    fn spec(&self, spec: &str) -> Result<Table, End> {
        let is_name = |text: &str| {
            text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        match spec.split_once('=') {
            // A file whose own name has a `=` is still a file.
            Some((alias, source)) if is_name(alias) && !Path::new(spec).exists() => {
                Ok(Table { alias: Some(alias.into()), ..self.source(source)? })
            }
            _ => self.source(spec),
        }
    }

    fn source(&self, text: &str) -> Result<Table, End> {
        let path = Path::new(text);
        // A set's name wins over a folder of that name here, which `./mnist` still reaches.
        match named::find(text) {
            Some(set) => self.named(set),
            None if path.is_dir() => self.folder(text, path),
            None if path.exists() || text.contains(['/', '\\', '.']) => {
                self.without_split(text)?;
                let bytes = file::read(path, self.screen)?;
                self.said(read::table(text, &bytes))
            }
            None => {
                let sets: Vec<String> = named::SETS.iter().map(|set| set.name.to_string()).collect();
                let near = lookup::nearest(text, sets.iter().map(String::as_str));
                self.usage(CliProblem::NoSuchSet { name: text.into(), near, sets })
            }
        }
    }

    fn named(&self, set: &Named) -> Result<Table, End> {
        match set.origin {
            Origin::BuiltIn(make) => {
                self.without_split(set.name)?;
                Ok(make())
            }
            Origin::Later => self.usage(CliProblem::SetLater { name: set.name.into() }),
            Origin::IdxFolder => {
                let places: Vec<PathBuf> = self.homes().into_iter().map(|home| home.join(set.name)).collect();
                match places.iter().find(|place| self.pair(place).is_ok()) {
                    Some(place) => self.folder(set.name, place),
                    None => {
                        let places = places.iter().map(|place| place.display().to_string()).collect();
                        self.usage(CliProblem::SetNotFound { name: set.name.into(), places })
                    }
                }
            }
        }
    }

    /// Where named sets are looked for, in this order.
    fn homes(&self) -> Vec<PathBuf> {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let cache = variable("XDG_CACHE_HOME")
            .or_else(|| variable("LOCALAPPDATA"))
            .or_else(|| variable("HOME").map(|home| home.join(".cache")));
        let cache = cache.map(|cache| cache.join("ppl"));
        [self.data.data_dir.clone(), variable("PPL_DATA"), cache].into_iter().flatten().collect()
    }

    /// MNIST's layout.
    fn folder(&self, name: &str, path: &Path) -> Result<Table, End> {
        match self.pair(path) {
            Ok([images, labels]) => {
                let column = |path: &Path| {
                    let bytes = file::read(path, self.screen)?;
                    self.said(read::table(&path.display().to_string(), &bytes))
                };
                Ok(named::pair(name, column(&images)?, column(&labels)?))
            }
            Err(missing) => self.usage(CliProblem::NotMnist { folder: path.display().to_string(), missing }),
        }
    }

    /// The files of images and of labels, or the names that are not there.
    fn pair(&self, folder: &Path) -> Result<[PathBuf; 2], Vec<String>> {
        let find = |names: [&str; 2]| {
            let ends = names.iter().flat_map(|name| [folder.join(name), folder.join(format!("{name}.gz"))]);
            ends.into_iter().find(|path| path.is_file()).ok_or(format!("{}(.gz)", names[0]))
        };
        match self.data.split.unwrap_or(Split::Train).files().map(find) {
            [Ok(images), Ok(labels)] => Ok([images, labels]),
            results => Err(results.into_iter().filter_map(Result::err).collect()),
        }
    }

    fn without_split(&self, name: &str) -> Result<(), End> {
        match self.data.split {
            Some(_) => self.usage(CliProblem::NoSplit { name: name.into() }),
            None => Ok(()),
        }
    }

    fn usage<T>(&self, problem: CliProblem) -> Result<T, End> {
        self.screen.problem(problem);
        Err(End::Usage)
    }

    fn said<T>(&self, result: Result<T, FileProblem>) -> Result<T, End> {
        result.map_err(|problem| {
            self.screen.problem(problem);
            End::Wrong
        })
    }
}
