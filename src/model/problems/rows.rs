//! Problems of indices: rows that are not said, and what cannot index an axis.

use super::{count, join};
use crate::problem::Problem;
use crate::source::Span;

pub(in crate::model) enum Rows {
    NotIndexed {
        name: String,
        rows: Vec<String>,
        missing: usize,
        given: usize,
        plate: bool,
        suggestion: Vec<Option<String>>,
        span: Span,
    },
    StartReadsRow {
        name: String,
        span: Span,
    },
    TooManyIndices {
        name: String,
        shape: String,
        given: usize,
        own_plate: Option<String>,
        extra: Span,
    },
    SliceOutside {
        name: String,
        low: String,
        high: String,
        size: String,
        span: Span,
    },
    IndexNotANumber {
        shape: String,
        text: String,
        span: Span,
    },
    VariableOverOther {
        name: String,
        variable: String,
        over: String,
        size: String,
        span: Span,
    },
    IndexKind {
        name: String,
        text: String,
        support: String,
        category: bool,
        size: String,
        span: Span,
    },
    IndexOutside {
        name: String,
        at: String,
        size: String,
        span: Span,
    },
    LagOutsideChain {
        variable: String,
        dim: String,
        text: String,
        span: Span,
    },
    NestedChain {
        variable: String,
        outer: Span,
        span: Span,
    },
    LagNotALiteral {
        variable: String,
        text: String,
        span: Span,
    },
    LagForward {
        variable: String,
        text: String,
        span: Span,
    },
    LagUnguarded {
        variable: String,
        lag: usize,
        text: String,
        span: Span,
    },
}

impl From<Rows> for Problem {
    fn from(fact: Rows) -> Problem {
        match fact {
            Rows::NotIndexed { name, rows, missing, given, plate, suggestion, span } => {
                not_indexed(&name, &rows, missing, given, plate, &suggestion, span)
            }
            Rows::StartReadsRow { name, span } => {
                Problem::error("ppl::model::start_reads_row", format!("a param cannot start at a row of `{name}`"))
                    .label(span, "rows belong to plates")
                    .help(format!("start at a statistic of all rows: `mean({name})`, `sd({name})`, `min` or `max`"))
            }
            Rows::TooManyIndices { name, shape, given, own_plate: Some(variable), extra } => {
                let message = if shape == "a number" {
                    format!("`{name}` is row {variable} here, a number: no other row can be read inside its plate")
                } else {
                    format!("`{name}` is row {variable} here, of shape {shape}, and {given} indices are given")
                };
                Problem::error("ppl::model::other_row", message).label(extra, "not an index of this row").help(format!(
                    "write `{name}` or `{name}[{variable}]`; read other rows after the plate, or in a second one"
                ))
            }
            Rows::TooManyIndices { name, shape, given, own_plate: None, extra } => {
                let message = if shape == "a number" {
                    format!("`{name}` is a number, and cannot be indexed")
                } else {
                    format!(
                        "`{name}` has shape {shape}, and {} are given",
                        count(given, "index").replace("indexs", "indices")
                    )
                };
                Problem::error("ppl::model::index_count", message)
                    .label(extra, "one index too many")
                    .help("leave it out, or declare the axis where the name is declared")
            }
            Rows::SliceOutside { name, low, high, size, span } => {
                let message = format!("the slice {low}..{high} does not lie in an axis of {size} of `{name}`");
                Problem::error("ppl::model::slice", message)
                    .label(span, "this slice")
                    .help(format!("indices run from 0 to {size}, end excluded; the smaller comes first"))
            }
            Rows::IndexNotANumber { shape, text, span } => Problem::error(
                "ppl::model::index_kind",
                format!("an index is one number, and `{text}` has shape {shape}"),
            )
            .label(span, format!("this is {shape}"))
            .help(format!("pick entries one by one: `[a[{text}[i]] for i in ...]`")),
            Rows::VariableOverOther { name, variable, over, size, span } => Problem::error(
                "ppl::model::index_axis",
                format!("`{variable}` runs over {over}, and this axis of `{name}` has {size}"),
            )
            .label(span, format!("a variable over {over}"))
            .help(format!("index with a variable over {size}, or with a label of category({size})")),
            Rows::IndexKind { name, text, support, category, size, span } => {
                let help = if text.parse::<f64>().is_ok() {
                    format!("write a whole number from 0 up that is below {size}")
                } else if category {
                    format!("the axis and the label must agree: declare `{text}` as category({size})")
                } else {
                    format!(
                        "an index is a literal, a loop variable over that dim, or a label: declare `{text}` as category({size})"
                    )
                };
                let message = format!("`{text}` is {support}, and cannot index an axis of {size} of `{name}`");
                Problem::error("ppl::model::index_kind", message).label(span, format!("this is {support}")).help(help)
            }
            Rows::IndexOutside { name, at, size, span } => Problem::error(
                "ppl::model::index_outside",
                format!("index {at} does not lie in an axis of {size} of `{name}`"),
            )
            .label(span, "outside")
            .help(match size.parse::<i64>() {
                Ok(size) => format!("indices count from 0, so the last is {}", size - 1),
                Err(_) => format!("indices count from 0, so the last is {size} - 1"),
            }),
            Rows::LagOutsideChain { variable, dim, text, span } => Problem::error(
                "ppl::model::lag",
                format!("`[{text}]` reads another row, and rows of a plate are independent"),
            )
            .label(span, "a lag")
            .help(format!("for an ordered plate write `for {variable} in {dim} chain {{ ... }}`")),
            Rows::NestedChain { variable, outer, span } => {
                Problem::error("ppl::model::nested_chain", "a chain cannot stand in a chain")
                    .label(span, "an ordered plate")
                    .label(outer, format!("inside the chain of `{variable}`"))
                    .help("leave `chain` out of one of them: rows of a plate are independent given what is outside")
            }
            Rows::LagNotALiteral { variable, text, span } => {
                Problem::error("ppl::model::lag", format!("how far `[{text}]` reads back is no number of the text"))
                    .label(span, "a row computed from another")
                    .help(format!("write a literal lag such as `[{variable}-1]`"))
            }
            Rows::LagForward { variable, text, span } => {
                Problem::error("ppl::model::lag", format!("`[{text}]` is no earlier row of the chain"))
                    .label(span, "only earlier rows can be read")
                    .help(format!("write a literal lag such as `[{variable}-1]`"))
            }
            Rows::LagUnguarded { variable, lag, text, span } => {
                let rows = if lag == 1 { "row 0 has".to_string() } else { format!("the first {lag} rows have") };
                let condition = if lag == 1 { format!("{variable} == 0") } else { format!("{variable} < {lag}") };
                Problem::error("ppl::model::lag", format!("`[{text}]` is read where {rows} no such row"))
                    .label(span, "not kept from the first rows")
                    .help(format!("write `if {condition} then ... else ...` around it"))
            }
        }
    }
}

fn not_indexed(
    name: &str,
    rows: &[String],
    missing: usize,
    given: usize,
    plate: bool,
    suggestion: &[Option<String>],
    span: Span,
) -> Problem {
    let indices: Option<Vec<String>> = suggestion.iter().cloned().collect();
    let all = join(rows, "and");
    let kind = if plate { "is declared in a plate over" } else { "has rows of" };
    let label = match (given, rows.len()) {
        (0, 1) => "its row is not said".to_string(),
        (0, _) => "its rows are not said".to_string(),
        _ => format!("the row of {} is not said", rows[missing.min(rows.len() - 1)]),
    };
    let help = match indices {
        Some(indices) => format!("write `{name}[{}]`", indices.join(", ")),
        None => {
            let letters: Vec<String> = rows.iter().map(|row| row.to_lowercase()).collect();
            let body = format!("{name}[{}]", letters.join(", "));
            match rows {
                [dim] => format!(
                    "say which row: read it in a plate, `for {} in {dim} {{ ... {body} ... }}`, or read all \
                     rows: `[{body} for {} in {dim}]`, `sum({body} for {} in {dim})`",
                    letters[0], letters[0], letters[0]
                ),
                _ => format!("say which row: `{body}` in plates over {all}"),
            }
        }
    };
    Problem::error("ppl::model::row_index", format!("`{name}` {kind} {all}, and is read without saying which row"))
        .label(span, label)
        .help(help)
}
