//! Problems of statements of the model, and of entries of `fit`.

use super::{did_you_mean, join};
use crate::problem::Problem;
use crate::source::Span;

pub(in crate::model) enum Statements {
    ParamInModel { name: String, span: Span },
    ByInModel { span: Span },
    DrawnOther { name: String, word: &'static str, declared: Span, span: Span },
    IndexedLatent { name: String, data: Option<String>, span: Span },
    TypedObservation { name: String, span: Span },
    ObservedTwice { name: String, first: Span, second: Span },
    ObservedRows { name: String, rows: Vec<String>, around: Vec<(String, String)>, given: usize, span: Span },
    ObservedAgain { name: String, variable: String, dim: String, span: Span },
    Grouped { dist: String, span: Span },
    ChainType { name: String, span: Span },
}

impl From<Statements> for Problem {
    fn from(fact: Statements) -> Problem {
        match fact {
            Statements::ParamInModel { name, span } => Problem::error(
                "ppl::model::param_in_model",
                format!("`param {name}` stands at the top or in the guide"),
            )
            .label(span, "not in the model block")
            .help(format!("move it to the top of the file; for one a row write `param {name}[N]: ...`")),
            Statements::ByInModel { span } => Problem::error(
                "ppl::model::by_in_model",
                "`by` chooses how the guide is fitted, and stands in the guide",
            )
            .label(span, "not in the model block")
            .help("write it after the site's factor in `guide { ... }`"),
            Statements::DrawnOther { name, word, declared, span } => {
                Problem::error("ppl::model::drawn_name", format!("`{name}` is {word}, and cannot be drawn"))
                    .label(span, "left of `~` stands a new name or data")
                    .label(declared, "declared here")
                    .help("give the site a name of its own")
            }
            Statements::IndexedLatent { name, data: Some(data), span } => {
                Problem::error("ppl::model::indexed_latent", format!("no data are called `{name}`"))
                    .label(span, "a latent is declared without its rows")
                    .help(format!("did you mean the data `{data}`?"))
            }
            Statements::IndexedLatent { name, span, .. } => Problem::error(
                "ppl::model::indexed_latent",
                format!("a latent is declared without its rows: `{name} ~ ...`"),
            )
            .label(span, "the enclosing plates give it its rows")
            .help(format!("write `{name} ~ ...` inside the plate; for a vector write `{name}: real[K] ~ ...`")),
            Statements::TypedObservation { name, span } => Problem::error(
                "ppl::model::typed_observation",
                format!("data `{name}` has its type where it is declared"),
            )
            .label(span, "this type")
            .help("leave it out here"),
            Statements::ObservedTwice { name, first, second } => {
                Problem::error("ppl::model::observed_twice", format!("data `{name}` is observed twice"))
                    .label(second, "observed again here")
                    .label(first, "first observed here")
                    .help("data are observed by one statement; for a mixture draw a label and index with it")
            }
            Statements::ObservedRows { name, rows, around, given, span } => {
                observed_rows(&name, &rows, &around, given, span)
            }
            Statements::ObservedAgain { name, variable, dim, span } => {
                let message = format!("`{name}` would be observed once for every row of {dim}");
                Problem::error("ppl::model::observed_rows", message)
                    .label(span, format!("`{variable}` is not among its rows"))
                    .help(format!(
                        "move the statement out of `for {variable} in {dim}`; a sum over it is \
                                   `sum(... for {variable} in {dim})`"
                    ))
            }
            Statements::ChainType { name, span } => Problem::error(
                "ppl::model::chain_type",
                format!("`{name}` reads earlier rows of itself, and its support is not known before that"),
            )
            .label(span, "what is it?")
            .help(format!("write its type, as in `{name}: real ~ ...` or `{name}: category(K) ~ ...`")),
            Statements::Grouped { dist, span } => Problem::error(
                "ppl::model::grouped",
                format!("several names are drawn together only from Boltzmann, not {dist}"),
            )
            .label(span, "this statement")
            .help("write one statement for each name"),
        }
    }
}

fn observed_rows(name: &str, rows: &[String], around: &[(String, String)], given: usize, span: Span) -> Problem {
    let all = join(rows, "and");
    let message = if rows.is_empty() {
        format!("data `{name}` has no rows, and is observed whole")
    } else {
        format!("data `{name}` has rows of {all}, and is observed one row at a time")
    };
    let variable = |row: &String| around.iter().rev().find(|(_, dim)| dim == row).map(|(variable, _)| variable.clone());
    let variables: Vec<String> = rows.iter().map(|row| variable(row).unwrap_or_else(|| row.to_lowercase())).collect();
    let inside = rows.iter().all(|row| variable(row).is_some());
    let target = if rows.is_empty() { name.to_string() } else { format!("{name}[{}]", variables.join(", ")) };
    let plates: Vec<String> = rows.iter().zip(&variables).map(|(row, v)| format!("for {v} in {row} {{ ")).collect();
    let help = if inside || rows.is_empty() {
        format!("write `{target} ~ ...`, with the variables of the enclosing plates in this order")
    } else {
        format!("write `{}{target} ~ ... {}`", plates.join(""), "}".repeat(rows.len()))
    };
    let label = if given == 0 && !rows.is_empty() { "which row?" } else { "not its rows" };
    Problem::error("ppl::model::observed_rows", message).label(span, label).help(help)
}

pub(in crate::model) enum Fits {
    StepsAndEpochs { epochs: Span, steps: Span },
    UnknownEntry { name: String, nearest: Option<String>, span: Span },
    Twice { name: String, first: Span, second: Span },
    NotInPhase { name: String, span: Span },
    Value { name: String, wants: &'static str, written: &'static str, span: Span },
    Word { name: String, words: Vec<&'static str>, span: Span },
    Arguments { what: &'static str, name: String, written: &'static str, span: Span },
    Rate { span: Span },
    BatchNotADim { name: String, word: &'static str, span: Span },
    UnknownName { what: &'static str, name: String, nearest: Option<String>, known: String, span: Span },
    InitName { name: String, nearest: Option<String>, span: Span },
    InitCount { name: String, shape: String, given: usize, span: Span },
    InitOutside { name: String, value: f64, support: String, span: Span },
}

impl From<Fits> for Problem {
    fn from(fact: Fits) -> Problem {
        match fact {
            Fits::StepsAndEpochs { epochs, steps } => {
                Problem::error("ppl::model::fit_length", "a fit has `steps` or `epochs`, not both")
                    .label(steps, "steps")
                    .label(epochs, "epochs")
                    .help("remove one of them")
            }
            Fits::UnknownEntry { name, nearest, span } => {
                let known = "entries are objective, optimizer, batch, epochs, steps, particles, kl, starts, draws, stop, \
                             patience, clip and init";
                Problem::error("ppl::model::fit_entry", format!("`fit` has no entry `{name}`"))
                    .label(span, "this entry")
                    .help(did_you_mean(&nearest, known))
            }
            Fits::Twice { name, first, second } => {
                Problem::error("ppl::model::fit_entry", format!("`{name}:` is written twice"))
                    .label(second, "again here")
                    .label(first, "first here")
                    .help("remove one of them")
            }
            Fits::NotInPhase { name, span } => {
                Problem::error("ppl::model::fit_entry", format!("`{name}:` stands outside of phases"))
                    .label(span, "a phase holds steps, epochs, optimizer and objective")
                    .help("move it into the `fit` block")
            }
            Fits::Value { name, wants, written, span } => {
                Problem::error("ppl::model::fit_value", format!("`{name}:` takes {wants}"))
                    .label(span, "not this")
                    .help(format!("write it like `{written}`"))
            }
            Fits::Word { name, words, span } => {
                let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
                Problem::error("ppl::model::fit_value", format!("`{name}:` takes {}", join(&words, "or")))
                    .label(span, "not this")
                    .help("write one of these words, or leave the entry out")
            }
            Fits::Arguments { what, name, written, span } => {
                Problem::error("ppl::model::fit_value", format!("{what} `{name}` is not written so"))
                    .label(span, "other numbers are wanted here")
                    .help(format!("write it like `{written}`"))
            }
            Fits::Rate { span } => Problem::error("ppl::model::fit_value", "this is no rate")
                .label(span, "a positive number or a schedule is wanted here")
                .help("write `1e-3`, `cosine(1e-3, warmup: 100)` or `linear(1e-2, 1e-4, 1000)`"),
            Fits::BatchNotADim { name, word, span } => {
                Problem::error("ppl::model::batch", format!("a batch is rows of a dim, and `{name}` is {word}"))
                    .label(span, "a dim is wanted here")
                    .help("write `batch: N = 128` with the dim that counts the rows")
            }
            Fits::UnknownName { what, name, nearest, known, span } => {
                Problem::error("ppl::model::fit_value", format!("there is no {what} `{name}`"))
                    .label(span, format!("an {what} is wanted here"))
                    .help(did_you_mean(&nearest, format!("there are {known}")))
            }
            Fits::InitCount { name, shape, given, span } => Problem::error(
                "ppl::model::fit_value",
                format!("`init:` gives `{name}` {given} numbers, and it is {shape}"),
            )
            .label(span, "not as many as it has entries")
            .help("give one number for all entries, or every entry, row by row"),
            Fits::InitOutside { name, value, support, span } => Problem::error(
                "ppl::model::fit_value",
                format!("`init:` starts `{name}` at {value}, and it is {support}"),
            )
            .label(span, "not inside its support")
            .help("start values are on the scale of the model, and an end point is no start"),
            Fits::InitName { name, nearest, span } => Problem::error(
                "ppl::model::fit_value",
                format!("`init:` names `{name}`, which is neither a site nor a param"),
            )
            .label(span, "this name")
            .help(did_you_mean(&nearest, "write a site or param of this file")),
        }
    }
}

pub(in crate::model) enum Batches {
    NoPlate {
        name: String,
        span: Option<Span>,
    },
    /// Here and below, `of` is a dim whose rows follow the batch, where those are meant.
    Nested {
        name: String,
        of: Option<String>,
        span: Option<Span>,
        place: Span,
    },
    Chain {
        name: String,
        of: Option<String>,
        span: Option<Span>,
        place: Span,
    },
    ReadOutside {
        name: String,
        of: Option<String>,
        span: Option<Span>,
        read: Span,
    },
    /// Rows of two plates together point at one of the batch.
    Pairs {
        name: String,
        span: Option<Span>,
        read: Span,
    },
    /// Rows of `from` are in the step by another label, that of the statement `first`.
    OtherRow {
        name: String,
        from: String,
        first: Option<Span>,
        span: Option<Span>,
        place: Span,
    },
    /// Plates over two dims that are in the step by the same batch.
    Beside {
        name: String,
        follower: String,
        other: String,
        span: Option<Span>,
        place: Span,
    },
    Meet {
        name: String,
        other: String,
        span: Option<Span>,
        place: Span,
    },
    TwoRows {
        name: String,
        span: Option<Span>,
        place: Span,
    },
}

impl From<Batches> for Problem {
    fn from(fact: Batches) -> Problem {
        let (code, limited) = ("ppl::model::batch", "ppl::limitation::batches");
        let (problem, span) = match fact {
            Batches::NoPlate { name, span } => (
                Problem::error(code, format!("no plate runs over `{name}`, so its rows cannot be drawn"))
                    .help("batch the dim of a plate that data are observed in"),
                span,
            ),
            Batches::Nested { name, of, span, place } => {
                let over = of.as_ref().map_or("it".into(), |of| format!("`{of}`, which follows it,"));
                let dim = of.as_ref().unwrap_or(&name);
                let problem =
                    Problem::error(code, format!("`{name}` cannot be batched: two plates over {over} are nested"))
                        .label(place, format!("this statement stands in two plates over {dim}"))
                        .help("fit it whole, or list the pairs in a long table and batch its rows");
                (problem, span)
            }
            Batches::Chain { name, of, span, place } => (
                Problem::error(code, format!("`{name}` cannot be batched: {} are a chain", rows_of(&of)))
                    .label(place, "this statement reads earlier rows")
                    .help("batch the plate around the chain"),
                span,
            ),
            Batches::ReadOutside { name, of, span, read } => {
                let plates = if of.is_some() { "their" } else { "its" };
                let title = format!("`{name}` cannot be batched: {} are read outside {plates} plates", rows_of(&of));
                let dim = of.as_ref().unwrap_or(&name);
                let problem =
                    Problem::error(code, title).label(read, "this needs rows that a batch does not hold").help(
                        format!("read them in a plate over {dim}, or through data (`theta[doc[t]]`); or fit it whole"),
                    );
                (problem, span)
            }
            Batches::Pairs { name, span, read } => {
                let title = format!(
                    "batches of `{name}`, at whose rows rows of two plates point together, cannot be fitted yet"
                );
                let problem = Problem::error(limited, title)
                    .label(read, "which of these are in a step depends on both plates")
                    .help("list the pairs in a long table with one plate, or leave the batch out");
                (problem, span)
            }
            Batches::OtherRow { name, from, first, span, place } => {
                let title = format!("batches of `{name}` that `{from}` follows by two labels cannot be fitted yet");
                let problem = Problem::error(limited, title).label(place, "these point by another label");
                let problem = match first {
                    Some(first) if first != place => problem.label(first, "these point by one label"),
                    _ => problem,
                };
                (problem.help("read rows by the same label everywhere, or leave the batch out"), span)
            }
            Batches::Beside { name, follower, other, span, place } => {
                let title = format!(
                    "batches of `{name}` where a plate over `{follower}`, which follows, meets one over `{other}` cannot be fitted yet"
                );
                let problem = Problem::error(limited, title)
                    .label(place, format!("this statement stands in plates over {other} and {follower}"))
                    .help("leave the batch out, or batch another dim");
                (problem, span)
            }
            Batches::TwoRows { name, span, place } => (
                Problem::error(code, format!("`{name}` cannot be batched: one term reads several of its rows"))
                    .label(place, "a batch seldom holds all that this statement reads")
                    .help("batch the dim of this statement's own plate"),
                span,
            ),
            Batches::Meet { name, other, span, place } => (
                Problem::error(
                    code,
                    format!("`{name}` and `{other}` cannot both be batched: one term reads rows of both"),
                )
                .label(place, "this statement")
                .help("batch one of them"),
                span,
            ),
        };
        match span {
            Some(span) => problem.label(span, "batched here"),
            None => problem,
        }
    }
}

/// Whose rows: those of the dim itself, or of one that follows its batches.
fn rows_of(follower: &Option<String>) -> String {
    follower.as_ref().map_or("its rows".into(), |of| format!("the rows of `{of}`, which follow it,"))
}
