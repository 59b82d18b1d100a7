//! `--data`: named sets, files and folders to tables.

use std::path::Path;
use std::time::Instant;

use crate::cli::End;
use crate::cli::args::Data;
use crate::cli::file;
use crate::cli::problems::CliProblem;
use crate::cli::screen::Screen;
use crate::cli::sets::Sets;
use crate::data::bind::{Asked, bind_as};
use crate::data::lookup;
use crate::data::named::{self, Split};
use crate::data::problems::FileProblem;
use crate::data::{Bound, Table, read};
use crate::model::Model;

mod pictures;

/// The data of the command line, bound to a model.
pub fn bound(model: &Model, data: &Data, screen: &Screen) -> Result<Bound, End> {
    bound_as(model, data, &Asked::default(), screen)
}

/// As `bound`, as it is asked for.
pub fn bound_as(model: &Model, data: &Data, asked: &Asked, screen: &Screen) -> Result<Bound, End> {
    let start = Instant::now();
    let tables = tables(data, screen)?;
    screen.pass("read", start.elapsed().as_secs_f64());
    let start = Instant::now();
    let bound = bind_as(model, &tables, asked).map_err(|problems| {
        screen.problems(&problems, &model.source);
        End::Wrong
    })?;
    screen.pass("bind", start.elapsed().as_secs_f64());
    Ok(bound)
}

/// Every table of the command line, in its order.
fn tables(data: &Data, screen: &Screen) -> Result<Vec<Table>, End> {
    let opener = Opener { split: data.split, sets: Sets::new(data.data_dir.as_deref(), screen), screen };
    let tables = data.data.iter().map(|spec| opener.spec(spec)).collect::<Result<Vec<_>, _>>()?;
    match (data.rows, tables.len()) {
        (None, _) => Ok(tables),
        (Some((low, high)), 1) => tables.into_iter().map(|table| opener.said(named::slice(table, low, high))).collect(),
        (Some(_), sources) => opener.usage(CliProblem::Rows { sources }),
    }
}

struct Opener<'a> {
    split: Option<Split>,
    sets: Sets<'a>,
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
            Some(set) => {
                if !set.has_splits() {
                    self.without_split(set.name)?;
                }
                self.sets.table(set, self.split.unwrap_or_default())
            }
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

    /// MNIST's layout, or pictures.
    fn folder(&self, name: &str, path: &Path) -> Result<Table, End> {
        let split = self.split.unwrap_or_default();
        match self.sets.pair(path, split) {
            Ok(_) => self.sets.folder(name, path, split),
            Err(missing) if Sets::is_idx(path) => {
                self.usage(CliProblem::NotMnist { folder: path.display().to_string(), missing })
            }
            Err(_) => self.pictures(name, path),
        }
    }

    fn without_split(&self, name: &str) -> Result<(), End> {
        match self.split {
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
