//! Problems of items: sizes, types, consts, data, params and column expressions.

use super::{did_you_mean, quoted};
use crate::problem::Problem;
use crate::source::Span;

pub(in crate::model) enum Sizes {
    Cycle { name: String, span: Span },
    SetNotWhole { name: String, value: f64 },
    SetUnknown { name: String, nearest: Option<String>, names: Vec<String> },
    NotPositive { size: i64, span: Span },
    NotASize { span: Span },
    NotWhole { value: f64, span: Span },
    NameIsNotASize { name: String, word: &'static str, span: Span },
    TooLarge { span: Span },
    DoesNotDivide { a: String, b: String, span: Span },
}

impl From<Sizes> for Problem {
    fn from(fact: Sizes) -> Problem {
        let not_a_size = "a size is a whole-number expression of numbers and dims, with `+ - *` and exact `/`";
        match fact {
            Sizes::Cycle { name, span } => {
                Problem::error("ppl::model::size_cycle", format!("the value of dim `{name}` depends on itself"))
                    .label(span, "this dim")
                    .help(format!("give `{name}` a number, or leave its value to the data: `dim {name}`"))
            }
            Sizes::SetNotWhole { name, value } => {
                let message = format!("`--set {name}={value}` is not a size");
                Problem::error("ppl::model::set", message).help("a dim is a whole number from 1 up")
            }
            Sizes::SetUnknown { name, nearest, names } => {
                let otherwise = if names.is_empty() {
                    "the file declares no dim and no const".to_string()
                } else {
                    format!("`--set` is for dims and scalar consts: {}", quoted(&names))
                };
                Problem::error("ppl::model::set", format!("`--set {name}=...`: nothing is called `{name}`"))
                    .help(did_you_mean(&nearest, otherwise))
            }
            Sizes::NotPositive { size, span } => {
                Problem::error("ppl::model::size", format!("a size of {size} is no size"))
                    .label(span, "an axis has at least one entry")
                    .help("write a whole number from 1 up")
            }
            Sizes::NotASize { span } => Problem::error("ppl::model::size", "this is not a size")
                .label(span, "a size is wanted here")
                .help(not_a_size),
            Sizes::NotWhole { value, span } => {
                Problem::error("ppl::model::size", format!("{value} is not a whole number that a size can be"))
                    .label(span, "a size is wanted here")
                    .help(not_a_size)
            }
            Sizes::NameIsNotASize { name, word, span } => {
                Problem::error("ppl::model::size", format!("`{name}` is {word}, and a size is wanted here"))
                    .label(span, "not a dim")
                    .help(match word {
                        "a loop variable" => "sizes and the ends of ranges are made of numbers and dims".to_string(),
                        _ => format!("declare `dim {name}` at the top, or write a number"),
                    })
            }
            Sizes::TooLarge { span } => Problem::error("ppl::model::size", "this size is too large to be meant")
                .label(span, "more entries than any machine holds")
                .help("check the numbers and dims that are multiplied here"),
            Sizes::DoesNotDivide { a, b, span } => {
                Problem::error("ppl::model::size", format!("`{a}` cannot be divided by `{b}` exactly"))
                    .label(span, "not a whole number")
                    .help("a size is divided by a number that divides it; change one of them")
            }
        }
    }
}

pub(in crate::model) enum Types {
    Unknown { name: String, span: Span, nearest: Option<String> },
    OneSize { written: &'static str, given: usize, span: Span },
    Arguments { written: &'static str, given: usize, span: Span },
    EmptyInterval { low: f64, high: f64, span: Span },
    BoundNotANumber { shape: String, span: Span },
    MissingNotData { span: Span },
    BoundMoves { reads: String, span: Span },
}

impl From<Types> for Problem {
    fn from(fact: Types) -> Problem {
        match fact {
            Types::Unknown { name, span, nearest } => {
                let known = "types are real, real(lo, hi), positive, unit, count, count(m), binary, category(K), \
                             simplex[K], onehot[K], ordered[K], positive_ordered[K], cholesky[K], cholesky_corr[K] \
                             and cov[K]";
                Problem::error("ppl::model::unknown_type", format!("`{name}` is not a type"))
                    .label(span, "a type is wanted here")
                    .help(did_you_mean(&nearest, known))
            }
            Types::OneSize { written, given, span } => {
                let name = written.split('[').next().unwrap_or(written);
                Problem::error("ppl::model::type_size", format!("`{name}` takes exactly one size, not {given}"))
                    .label(span, "this type")
                    .help(format!(
                        "write `{written}`; for several of them declare rows, `param a[N]: {written}`, or use a plate"
                    ))
            }
            Types::Arguments { written, given, span } => {
                let name = written.split(['(', ',']).next().unwrap_or(written);
                let message = match given {
                    0 => format!("`{name}` needs what stands in its parentheses"),
                    _ => format!("`{name}` does not take {} in parentheses", super::count(given, "argument")),
                };
                Problem::error("ppl::model::type_arguments", message)
                    .label(span, "this type")
                    .help(format!("write it as {written}"))
            }
            Types::EmptyInterval { low, high, span } => {
                Problem::error("ppl::model::empty_interval", format!("no number lies between {low} and {high}"))
                    .label(span, "these bounds")
                    .help("the lower bound comes first: `real(0, 1)`")
            }
            Types::BoundNotANumber { shape, span } => {
                Problem::error("ppl::model::bound", format!("a bound is one number, and this has shape {shape}"))
                    .label(span, "this bound")
                    .help("write one bound for all entries")
            }
            Types::BoundMoves { reads, span } => {
                Problem::error("ppl::model::latent_bound", format!("the bounds of a type cannot depend on {reads}"))
                    .label(span, "this bound moves while fitting")
                    .help("draw on a fixed support and scale it: `u: unit ~ Beta(1, 1)`, then `x = lo + (hi - lo) * u`")
            }
            Types::MissingNotData { span } => {
                Problem::error("ppl::model::missing_mark", "only `data` can be marked with `?`")
                    .label(span, "entries of this are never missing")
                    .help("remove the `?`")
            }
        }
    }
}

pub(in crate::model) enum Constants {
    Cycle { name: String, span: Span },
    NotKnown { name: String, span: Span },
    SetArray { name: String, span: Span },
}

impl From<Constants> for Problem {
    fn from(fact: Constants) -> Problem {
        match fact {
            Constants::Cycle { name, span } => {
                Problem::error("ppl::model::const_cycle", format!("the value of const `{name}` depends on itself"))
                    .label(span, "this const")
                    .help("write its value as a number")
            }
            Constants::NotKnown { name, span } => {
                Problem::error("ppl::model::const_value", format!("const `{name}` is not a number known from the file"))
                    .label(span, "not known before data is bound")
                    .help(
                        "write numbers; what depends on data or on a dim without a value is a definition in the model",
                    )
            }
            Constants::SetArray { name, span } => {
                Problem::error("ppl::model::set", format!("`--set {name}=...` cannot set an array"))
                    .label(span, "this const is an array")
                    .help("`--set` is for dims and scalar consts; write the array in the file")
            }
        }
    }
}

pub(in crate::model) enum Items {
    NoModel,
    Twice { word: &'static str, first: Span, second: Span },
    RowNotADim { text: String, word: &'static str, span: Span },
    OverNotADim { name: String, word: &'static str, span: Span },
    DiscreteParam { name: String, support: String, span: Span },
    StartArguments { name: String, given: usize, span: Span },
    StartEmpty { low: f64, high: f64, span: Span },
    StartShape { name: String, have: String, want: String, span: Span },
    StartNeedsArray { name: String, support: String, span: Span },
    StartReads { name: String, reads: String, span: Span },
    MissingNotObserved { name: String, span: Span },
    NormalStart { name: String, support: String, span: Span },
    NoLikelihood { data: Vec<(String, Span)>, rows: Vec<Vec<String>> },
}

impl From<Items> for Problem {
    fn from(fact: Items) -> Problem {
        match fact {
            Items::NoModel => Problem::error("ppl::model::no_model", "the file has no `model { ... }`")
                .help("write the generative story: `model { mu ~ Normal(0, 1) }`"),
            Items::Twice { word, first, second } => {
                Problem::error("ppl::model::twice", format!("a file has one `{word}` block, and this is a second"))
                    .label(second, "the second")
                    .label(first, "the first")
                    .help("put the statements into one block")
            }
            Items::RowNotADim { text, word, span } => Problem::error(
                "ppl::model::row_not_dim",
                format!("the rows of data are counted by a dim; `{text}` is {word}"),
            )
            .label(span, "a dim is wanted here")
            .help("declare a dim at the top (`dim N`) and write `data y[N]`; its value comes from the data"),
            Items::OverNotADim { name, word, span } => {
                Problem::error("ppl::model::plate_not_dim", format!("`for` runs over a dim, and `{name}` is {word}"))
                    .label(span, "a dim is wanted here")
                    .help("declare `dim N` and write `for n in N`; a comprehension may also run over `0..4`")
            }
            Items::DiscreteParam { name, support, span } => Problem::error(
                "ppl::model::discrete_param",
                format!("param `{name}` is {support}, and cannot be learned"),
            )
            .label(span, "a discrete type")
            .help(format!("params move in small steps; make `{name}` a site with a prior, or a continuous type")),
            Items::StartArguments { name, given, span } => {
                let given = super::count(given, "argument");
                let written = if name == "normal" { "normal(m, s)" } else { "uniform(lo, hi)" };
                Problem::error("ppl::model::start", format!("`{name}` takes two arguments here, not {given}"))
                    .label(span, "where the param starts")
                    .help(format!("write `{written}`"))
            }
            Items::StartEmpty { low, high, span } => {
                Problem::error("ppl::model::empty_interval", format!("no number lies between {low} and {high}"))
                    .label(span, "these bounds")
                    .help("the lower bound comes first: `uniform(0, 1)`")
            }
            Items::StartShape { name, have, want, span } => {
                Problem::error("ppl::model::start_shape", format!("param `{name}` is {want}, and its start is {have}"))
                    .label(span, format!("this is {have}"))
                    .help("start from a number, which fills every entry, or from an array of the param's shape")
            }
            Items::StartNeedsArray { name, support, span } => {
                Problem::error("ppl::model::start", format!("one number cannot fill `{name}`, which is {support}"))
                    .label(span, "this number would stand in every entry")
                    .help("give the whole value, for example `[1, 2, 3]` or `eye(2)`, or leave the start out")
            }
            Items::StartReads { name, reads, span } => {
                Problem::error("ppl::model::start", format!("where `{name}` starts cannot depend on {reads}"))
                    .label(span, "not known before the fit")
                    .help("start from numbers, consts, dims and statistics of data such as `mean(x)`")
            }
            Items::MissingNotObserved { name, span } => Problem::error(
                "ppl::model::missing_observed",
                format!("data `{name}` may be missing, and nothing observes it"),
            )
            .label(span, "marked with `?`")
            .help(format!(
                "observe it, `{name}[...] ~ ...`, so that missing entries have a distribution; or remove the `?`"
            )),
            Items::NormalStart { name, support, span } => {
                let message = format!("`normal` starts `{name}` at values that may lie outside {support}");
                Problem::error("ppl::model::start", message)
                    .label(span, "normal draws are any real number")
                    .help("write `uniform(lo, hi)` with bounds inside the type, or leave the start out")
            }
            Items::NoLikelihood { data, rows } => {
                let names: Vec<String> = data.iter().map(|(name, _)| name.clone()).collect();
                let example = match (data.first(), rows.first()) {
                    (Some((name, _)), Some(rows)) if !rows.is_empty() => {
                        let variables: Vec<String> = rows.iter().map(|row| row.to_lowercase()).collect();
                        format!("write `{name}[{}] ~ ...` in a plate over {}", variables.join(", "), rows.join(", "))
                    }
                    (Some((name, _)), _) => format!("write `{name} ~ ...` in the model"),
                    _ => "observe data with `~`".into(),
                };
                let message = format!("no statement of the model reads {}", quoted(&names).replace(" and ", " or "));
                data.into_iter()
                    .fold(Problem::error("ppl::model::no_likelihood", message), |problem, (_, span)| {
                        problem.label(span, "declared, and not observed")
                    })
                    .help(format!("{example}; without it the posterior is the prior"))
            }
        }
    }
}

pub(in crate::model) enum Columns {
    NotHere { what: &'static str, span: Span },
    Text { text: String, span: Span },
    Arguments { name: String, written: &'static str, span: Span },
    UnknownFunction { name: String, nearest: Option<String>, span: Span },
    Cycle { name: String, span: Span },
}

impl From<Columns> for Problem {
    fn from(fact: Columns) -> Problem {
        match fact {
            Columns::NotHere { what, span } => {
                Problem::error("ppl::model::column", format!("{what} does not stand in a column expression"))
                    .label(span, "here")
                    .help("an expression after `data ... =` makes one row from columns, numbers and functions")
            }
            Columns::Text { text, span } => {
                Problem::error("ppl::model::column", "text is only compared with a column, or names one")
                    .label(span, "this text")
                    .help(format!("for the column of that name write `column({text})`"))
            }
            Columns::Arguments { name, written, span } => {
                Problem::error("ppl::model::column", format!("`{name}` is not called like this"))
                    .label(span, "these arguments")
                    .help(format!("write it like `{written}`"))
            }
            Columns::UnknownFunction { name, nearest, span } => {
                let otherwise = "functions here are the elementwise ones, mean, sd, min, max, standardize, threshold, \
                                 bernoulli, levels, column and columns";
                Problem::error("ppl::model::column", format!("`{name}` is not a function of a column expression"))
                    .label(span, "this function")
                    .help(did_you_mean(&nearest, otherwise))
            }
            Columns::Cycle { name, span } => {
                Problem::error("ppl::model::column_cycle", format!("data `{name}` is made of itself"))
                    .label(span, "this item")
                    .help("make it from columns of the source")
            }
        }
    }
}
