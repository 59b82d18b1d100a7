//! What can be wrong with data, as facts, and how each is said.

use std::fmt;

use crate::problem::Problem;
use crate::source::Span;

mod files;

pub use files::FileProblem;
pub(in crate::data) use files::hex;

/// Where in a source an entry stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub file: String,
    /// In text files the line, counted from 1; elsewhere the row, counted from 0.
    pub at: At,
    pub column: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum At {
    Line(usize),
    /// The row and, for arrays, the place in the entry.
    Row(Vec<usize>),
    /// A number that is no row: a scalar of a JSON file.
    Whole,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { file, at, column } = self;
        match at {
            At::Line(line) => write!(f, "{file}, line {line}, column {column}"),
            At::Row(row) => match row.split_first() {
                Some((row, [])) => write!(f, "{file}, row {row}, column {column}"),
                Some((row, entry)) => write!(f, "{file}, row {row}, column {column}, entry {entry:?}"),
                None => write!(f, "{file}, {column}"),
            },
            At::Whole => write!(f, "{file}, {column}"),
        }
    }
}

/// A `data` item of the model, for labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub name: String,
    pub span: Span,
}

/// One claim about the value of a dim, and who makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub size: usize,
    pub by: String,
}

/// A column that is in no source, with those that are.
#[derive(Debug, Clone, PartialEq)]
pub struct NoColumn {
    pub item: Item,
    pub column: String,
    pub span: Span,
    pub near: Option<String>,
    pub known: Vec<String>,
    pub files: Vec<String>,
}

/// What may be wrong with a column expression.
#[derive(Debug, Clone, PartialEq)]
pub enum ColumnProblem {
    NoColumn(Box<NoColumn>),
    NoPosition {
        span: Span,
        position: usize,
        columns: usize,
        files: Vec<String>,
    },
    NoSource {
        item: Item,
    },
    NoAlias {
        alias: String,
        span: Span,
        known: Vec<String>,
    },
    Ambiguous {
        column: String,
        span: Span,
        files: Vec<String>,
        aliases: Vec<String>,
    },
    Expression {
        span: Span,
        message: String,
        help: Option<String>,
    },
    NotYet {
        span: Span,
        what: String,
    },
    Cycle {
        item: Item,
        through: Vec<String>,
    },
    MadeOfAbsent {
        item: Item,
        of: String,
    },
    NotANumber {
        place: Place,
        cell: String,
        span: Span,
    },
    /// A level that the fit has not seen.
    UnknownLevel {
        place: Place,
        cell: String,
        levels: Vec<String>,
        span: Span,
    },
    UnevenRows {
        span: Span,
        left: usize,
        right: usize,
    },
    EntryShapes {
        span: Span,
        left: Vec<usize>,
        right: Vec<usize>,
    },
}

/// What may be wrong with the values and sizes that came out.
#[derive(Debug, Clone, PartialEq)]
pub enum ValueProblem {
    Missing { place: Place, item: Item },
    NoNumber { place: Place, item: Item },
    Outside { place: Place, item: Item, value: f64, support: String, hint: Option<String> },
    Index { place: Place, item: Item, value: f64, size: usize },
    OutsideVector { place: Place, item: Item, support: String, why: String },
    BoundNotKnown { item: Item },
    Shape { item: Item, found: Vec<usize>, wanted: Vec<usize>, set: Option<(String, usize)> },
    Sizes { dim: String, span: Span, first: Claim, second: Claim, set: bool },
    UnknownSize { dim: String, span: Span },
    Beyond { text: String, by: i64, span: Span },
}

impl From<ColumnProblem> for Problem {
    fn from(problem: ColumnProblem) -> Problem {
        use ColumnProblem as P;
        let error = Problem::error;
        match problem {
            P::NoColumn(missing) => {
                let NoColumn { item, column, span, near, known, files } = *missing;
                let message = format!("{} has no column `{column}`, which `{}` needs", files.join(" and "), item.name);
                let help = match near {
                    Some(near) => format!("is it `{near}`? columns are {}", list(&known)),
                    None if known.is_empty() => "its columns have no names: write `column(0)`".into(),
                    None => format!("columns are {}", list(&known)),
                };
                error("ppl::data::missing_column", message).label(span, "this column").help(help)
            }
            P::NoPosition { span, position, columns, files } => {
                let message = format!("{} has {columns} columns, so there is none at {position}", files.join(" and "));
                error("ppl::data::missing_column", message)
                    .label(span, "columns are counted from 0")
                    .help(format!("positions are 0 to {}", columns.saturating_sub(1)))
            }
            P::NoSource { item } => {
                error("ppl::data::no_source", format!("`{}` needs data, and none is given", item.name))
                    .label(item.span, "declared here")
                    .help("add `--data FILE`")
            }
            P::NoAlias { alias, span, known } => {
                let help = match known.is_empty() {
                    true => format!("name a source: `--data {alias}=FILE`"),
                    false => format!("sources are {}; name another: `--data {alias}=FILE`", list(&known)),
                };
                error("ppl::data::no_source", format!("no source is called `{alias}`"))
                    .label(span, "read here")
                    .help(help)
            }
            P::Ambiguous { column, span, files, aliases } => {
                let message = format!("{} both have a column `{column}`", files.join(" and "));
                let help = match aliases.first() {
                    Some(alias) => format!("write `{alias}.{column}`"),
                    None => format!("name a source, `--data a={}`, and write `a.{column}`", files[0]),
                };
                error("ppl::data::ambiguous_column", message).label(span, "which one?").help(help)
            }
            P::Expression { span, message, help } => {
                let problem = error("ppl::data::expression", message).label(span, "in this column expression");
                Problem { help, ..problem }
            }
            P::NotYet { span, what } => error(
                "ppl::limitation::column_expression",
                format!("{what} is not supported in a column expression yet"),
            )
            .label(span, "here")
            .help("make the column before the fit and write it into the file"),
            P::Cycle { item, through } => {
                let message = format!("`{}` is made from itself, through {}", item.name, list(&through));
                error("ppl::data::cycle", message).label(item.span, "declared here")
            }
            P::MadeOfAbsent { item, of } => {
                let message = format!("`{}` is made of `{of}`, which is still to be simulated", item.name);
                error("ppl::simulate::made_of", message).label(item.span, format!("its expression reads `{of}`")).help(
                    "a column expression reads data that are given; write the relation as a definition of the model",
                )
            }
            P::NotANumber { place, cell, span } => {
                error("ppl::data::not_a_number", format!("{place}: `{cell}` is no number"))
                    .label(span, "needs numbers")
                    .help("`levels(c)` codes text as 0, 1, ...; missing entries are empty, NA or null")
            }
            P::UnknownLevel { place, cell, levels, span } => {
                let message = format!("{place}: `{cell}` was no level when the model was fitted");
                error("ppl::data::level", message)
                    .label(span, "coded here")
                    .help(format!("levels are {}; fit again with rows that have the others", list(&levels)))
            }
            P::UnevenRows { span, left, right } => {
                error("ppl::data::rows", format!("columns of {left} and of {right} rows cannot be combined"))
                    .label(span, "both must have the same rows")
            }
            P::EntryShapes { span, left, right } => {
                error("ppl::data::entry_shape", format!("entries of shape {left:?} and {right:?} cannot be combined"))
                    .label(span, "elementwise arithmetic needs equal shapes or a number")
            }
        }
    }
}

impl From<ValueProblem> for Problem {
    fn from(problem: ValueProblem) -> Problem {
        use ValueProblem as P;
        let error = Problem::error;
        match problem {
            P::Missing { place, item } => error(
                "ppl::data::missing_entry",
                format!("{place}: the entry is missing, and `{}` has no `?`", item.name),
            )
            .label(item.span, "every entry must be there")
            .help("end the type with `?` where entries may be missing"),
            P::NoNumber { place, item } => error(
                "ppl::data::not_finite",
                format!("{place}: what `{}` makes of this entry is not a number", item.name),
            )
            .label(item.span, "made here"),
            P::Outside { place, item, value, support, hint } => {
                let message = format!("{place}: {value} is not in {support}, as `{}` declares", item.name);
                let problem = error("ppl::data::support", message).label(item.span, format!("values are {support}"));
                Problem { help: hint, ..problem }
            }
            P::Index { place, item, value, size } => {
                let message = format!("{place}: {value} is no index below {size}, as `{}` declares", item.name);
                error("ppl::data::index", message)
                    .label(item.span, format!("labels are 0 to {}", size.saturating_sub(1)))
                    .help("labels count from 0: subtract 1 from labels that count from 1; `levels(c)` codes text")
            }
            P::OutsideVector { place, item, support, why } => {
                error("ppl::data::support", format!("{place}: not in {support}, as `{}` declares: {why}", item.name))
                    .label(item.span, format!("values are {support}"))
            }
            P::BoundNotKnown { item } => {
                let message = format!("the bounds of `{}` are an expression that is not computed yet", item.name);
                error("ppl::limitation::data_bounds", message)
                    .label(item.span, "declared here")
                    .help("write the bounds as numbers, consts, or data items with the same rows")
            }
            P::Shape { item, found, wanted, set } => {
                let message = format!("`{}` wants entries of shape {wanted:?}, and the data have {found:?}", item.name);
                let help = match set {
                    Some((dim, size)) => format!("if the data are right: `--set {dim}={size}`"),
                    None => "another shape with the same number of elements is read row by row".into(),
                };
                error("ppl::data::shape", message).label(item.span, "declared here").help(help)
            }
            P::Sizes { dim, span, first, second, set } => {
                let (a, b) = (first, second);
                let message = format!("`{dim}` has two sizes: {} ({}) and {} ({})", a.size, a.by, b.size, b.by);
                let help = match set {
                    true => format!("if the data are right: `--set {dim}={}`", b.size),
                    false => "both must have the same length: `--rows` takes part of a source".into(),
                };
                error("ppl::data::size", message).label(span, "this size").help(help)
            }
            P::UnknownSize { dim, span } => {
                error("ppl::data::unknown_size", format!("nothing says the size of `{dim}`, not even the data"))
                    .label(span, "a size without a value")
                    .help(format!("`--set {dim}=10`, or `dim {dim} = 10` in the model"))
            }
            P::Beyond { text, by, span } => {
                let entries = if by == 1 { "entry" } else { "entries" };
                error("ppl::data::beyond", format!("`{text}` reaches {by} {entries} beyond the end of its axis"))
                    .label(span, "the data have fewer entries than this needs")
                    .help("indices count from 0, and a slice ends before its second number")
            }
        }
    }
}

/// `a`, `b` and `c`, the first twelve.
fn list(names: &[String]) -> String {
    let mut quoted: Vec<String> = names.iter().take(12).map(|name| format!("`{name}`")).collect();
    if names.len() > 12 {
        quoted.push(format!("{} more", names.len() - 12));
    }
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => "none".into(),
    }
}
