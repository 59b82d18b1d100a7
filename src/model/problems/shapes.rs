//! Problems of shapes: nothing is stretched, and the message says what to write instead.

use crate::problem::Problem;
use crate::source::Span;

pub(in crate::model) enum Shapes {
    NotANumber {
        what: &'static str,
        shape: String,
        span: Span,
    },
    Elementwise {
        op: String,
        op_span: Span,
        left: String,
        left_axes: usize,
        left_span: Span,
        left_text: String,
        right: String,
        right_axes: usize,
        right_span: Span,
        right_text: String,
    },
    MatMul {
        left: String,
        right: String,
        left_text: String,
        right_text: String,
        spans: (Span, Span),
        vectors: bool,
        turned: Option<String>,
    },
    Branches {
        left: String,
        left_span: Span,
        right: String,
        right_span: Span,
    },
    Entries {
        first: String,
        first_span: Span,
        other: String,
        other_span: Span,
    },
    Argument {
        name: String,
        wants: &'static str,
        shape: String,
        written: &'static str,
        span: Span,
    },
    Pair {
        name: String,
        left: String,
        left_span: Span,
        right: String,
        right_span: Span,
        written: &'static str,
    },
    Reshape {
        from: String,
        to: String,
        have: String,
        want: String,
        span: Span,
    },
    OneHotLabel {
        support: String,
        size: String,
        text: String,
        span: Span,
    },
}

impl From<Shapes> for Problem {
    fn from(fact: Shapes) -> Problem {
        match fact {
            Shapes::NotANumber { what, shape, span } => {
                Problem::error("ppl::model::not_a_number", format!("{what} is one number, and this has shape {shape}"))
                    .label(span, format!("this is {shape}"))
                    .help("reduce it, for example with `sum(...)`, or index it")
            }
            Shapes::Elementwise {
                op,
                op_span,
                left,
                left_axes,
                left_span,
                left_text,
                right,
                right_axes,
                right_span,
                right_text,
            } => {
                let help = elementwise_help(&op, (&left_text, left_axes), (&right_text, right_axes));
                let _ = op_span;
                Problem::error("ppl::model::shape", format!("`{op}` of shapes {left} and {right}"))
                    .label(left_span, format!("this is {left}"))
                    .label(right_span, format!("this is {right}"))
                    .help(format!("shapes must be equal, or one side a number; nothing is stretched. {help}"))
            }
            Shapes::MatMul { left, right, left_text, right_text, spans, vectors, turned } => {
                let help = if vectors {
                    format!("for two vectors write `dot({left_text}, {right_text})`")
                } else if let Some(turned) = turned {
                    format!("write `{turned}`")
                } else {
                    "`@` takes [n, m] @ [m, k], [n, m] @ [m] or [n] @ [n, m]; for other shapes `transpose` one side"
                        .to_string()
                };
                Problem::error("ppl::model::matmul_shape", format!("`@` of shapes {left} and {right}"))
                    .label(spans.0, format!("this is {left}"))
                    .label(spans.1, format!("this is {right}"))
                    .help(help)
            }
            Shapes::Branches { left, left_span, right, right_span } => Problem::error(
                "ppl::model::branch_shape",
                format!("the branches of `if` have shapes {left} and {right}"),
            )
            .label(left_span, format!("this is {left}"))
            .label(right_span, format!("this is {right}"))
            .help("give both the same shape; `fill(0, K)` is a vector of K zeros"),
            Shapes::Entries { first, first_span, other, other_span } => Problem::error(
                "ppl::model::entry_shape",
                format!("entries of shapes {first} and {other} make no array"),
            )
            .label(first_span, format!("this is {first}"))
            .label(other_span, format!("this is {other}"))
            .help("all entries have one shape; `concat` joins vectors of different lengths"),
            Shapes::Argument { name, wants, shape, written, span } => {
                Problem::error("ppl::model::argument_shape", format!("`{name}` takes {wants}, and this is {shape}"))
                    .label(span, format!("this is {shape}"))
                    .help(format!("it is called as {written}"))
            }
            Shapes::Pair { name, left, left_span, right, right_span, written } => {
                Problem::error("ppl::model::argument_shape", format!("`{name}` of shapes {left} and {right}"))
                    .label(left_span, format!("this is {left}"))
                    .label(right_span, format!("this is {right}"))
                    .help(format!("the lengths must agree; it is called as {written}"))
            }
            Shapes::Reshape { from, to, have, want, span } => {
                Problem::error("ppl::model::reshape", format!("{from} cannot be reshaped to {to}"))
                    .label(span, format!("{have} entries into {want}"))
                    .help("the sizes of both must multiply to the same number")
            }
            Shapes::OneHotLabel { support, size, text, span } => Problem::error(
                "ppl::model::one_hot",
                format!("`one_hot` takes a label of category({size}); `{text}` is {support}"),
            )
            .label(span, format!("this is {support}"))
            .help(format!("declare it `category({size})`")),
        }
    }
}

/// What to type instead of broadcasting.
fn elementwise_help(op: &str, (left, left_axes): (&str, usize), (right, right_axes): (&str, usize)) -> String {
    match (op, left_axes, right_axes) {
        ("*", 2, 1) | ("*", 1, 2) => format!("For a matrix product write `{left} @ {right}`"),
        (_, 1, 1) => "The two vectors must run over the same dim".into(),
        (_, 1, 2) if is_operator(op) => {
            format!("To use the vector for every row write `[{left} {op} {right}[i] for i in ...]`")
        }
        (_, 2, 1) if is_operator(op) => {
            format!("To use the vector for every row write `[{left}[i] {op} {right} for i in ...]`")
        }
        _ => "Index one side, or write the array out with `[... for k in K]`".into(),
    }
}

fn is_operator(op: &str) -> bool {
    !op.starts_with(|c: char| c.is_ascii_alphabetic())
}
