//! Problems of expressions: values, shapes, calls and indices.

use super::{count, did_you_mean, join, quoted};
use crate::problem::Problem;
use crate::source::Span;

pub(in crate::model) enum Expressions {
    TooLarge { span: Span },
    NamedOutputs { outputs: Vec<String>, span: Span },
    IndexedOutputs { name: String, outputs: Vec<String>, span: Span },
    NoOutput { name: String, outputs: Vec<String>, span: Span },
    NoFields { text: String, name: String, span: Span },
    Text { span: Span },
    Range { span: Span },
    Record { span: Span },
    CategoryArithmetic { op: String, size: String, text: String, span: Span },
    NotBinary { op: String, support: String, text: String, span: Span },
    EmptyArray { span: Span },
    EmptyRange { low: String, high: String, span: Span },
    BinderRange { span: Span },
    ForNeedsOne { name: String, span: Span },
    PipeInto { span: Span },
    FunctionAsValue { name: String, word: &'static str, span: Span },
    NotConstant { name: String, word: &'static str, span: Span },
}

impl From<Expressions> for Problem {
    fn from(fact: Expressions) -> Problem {
        match fact {
            Expressions::TooLarge { span } => Problem::error(
                "ppl::limitation::expression_size",
                "this expression is too large once its calls are written out",
            )
            .label(span, "here the limit was reached")
            .help("calls nest to 200 levels and a file has at most 200,000 operations; use plates and definitions"),
            Expressions::NamedOutputs { outputs, span } => {
                let first = outputs.first().cloned().unwrap_or_default();
                Problem::error("ppl::model::named_outputs", format!("this net has the outputs {}", quoted(&outputs)))
                    .label(span, "one value is wanted here")
                    .help(format!("choose one: give it a name, `e = ...`, and read `e.{first}`"))
            }
            Expressions::IndexedOutputs { name, outputs, span } => {
                let first = outputs.first().cloned().unwrap_or_default();
                Problem::error("ppl::model::named_outputs", format!("`{name}` has the outputs {}", quoted(&outputs)))
                    .label(span, "an index of which of them?")
                    .help(format!("write `{name}.{first}`, and the index after it"))
            }
            Expressions::NoOutput { name, outputs, span } => {
                Problem::error("ppl::model::no_output", format!("there is no output `{name}`"))
                    .label(span, "this name")
                    .help(format!("the outputs are {}", quoted(&outputs)))
            }
            Expressions::NoFields { text, name, span } => {
                Problem::error("ppl::model::no_output", format!("`{text}` has no `.{name}`: it is one value"))
                    .label(span, "only a net with named outputs has fields")
                    .help("leave the field out")
            }
            Expressions::Text { span } => Problem::error("ppl::model::text", "text stands only in column expressions")
                .label(span, "this text")
                .help(
                    "code the labels as numbers where the data is declared: `data y[N]: category(K) = levels(species)`",
                ),
            Expressions::Range { span } => Problem::error("ppl::model::range", "a range is not a value")
                .label(span, "`lo..hi` stands in an index or after `for k in`")
                .help("write a slice `v[2..5]`, or `[k for k in 2..5]` for the numbers"),
            Expressions::Record { span } => {
                Problem::error("ppl::model::record", "`{ }` stands only in the `init:` entry of `fit`")
                    .label(span, "not a value")
                    .help("write an array `[a, b]`")
            }
            Expressions::CategoryArithmetic { op, size, text, span } => {
                let message = format!("`{text}` is a label of category({size}) and takes no part in arithmetic");
                Problem::error("ppl::model::category_arithmetic", message)
                    .label(span, format!("a label under `{op}`"))
                    .help(format!("index with it, `effect[{text}]`, or write `one_hot({text}, {size})`"))
            }
            Expressions::NotBinary { op, support, text, span } => Problem::error(
                "ppl::model::not_binary",
                format!("`{op}` takes truth values, and `{text}` is {support}"),
            )
            .label(span, "neither 0 nor 1")
            .help(format!("compare it, for example `{text} > 0`")),
            Expressions::EmptyArray { span } => {
                Problem::error("ppl::model::empty_array", "an array has at least one entry")
                    .label(span, "this one has none")
                    .help("write `[0 for k in K]` for an array of K zeros")
            }
            Expressions::EmptyRange { low, high, span } => {
                Problem::error("ppl::model::range", format!("nothing lies from {low} up to {high}, end excluded"))
                    .label(span, "this range")
                    .help("the smaller number comes first and is at least 0")
            }
            Expressions::BinderRange { span } => {
                Problem::error("ppl::model::range", "`for ... in` runs over a dim or a range")
                    .label(span, "neither of them")
                    .help("write `for k in K` or `for k in 0..4`")
            }
            Expressions::ForNeedsOne { name, span } => {
                Problem::error("ppl::model::comprehension", format!("`{name}(... for ...)` takes one expression"))
                    .label(span, "this call")
                    .help(format!("write `{name}(x[k] for k in K)`"))
            }
            Expressions::PipeInto { span } => Problem::error("ppl::model::pipe", "`|>` leads into a call")
                .label(span, "not a call")
                .help("`a |> f(b)` is `f(a, b)`"),
            Expressions::FunctionAsValue { name, word, span } => {
                Problem::error("ppl::model::function_as_value", format!("`{name}` is {word}, and no value"))
                    .label(span, "call it")
                    .help(format!("write `{name}(...)`"))
            }
            Expressions::NotConstant { name, word, span } => {
                Problem::error("ppl::model::const_value", format!("a const cannot read `{name}`, which is {word}"))
                    .label(span, "not known before data is bound")
                    .help("write a definition in the model instead")
            }
        }
    }
}

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
            Shapes::MatMul { left, right, left_text, right_text, spans, vectors } => {
                let help = if vectors {
                    format!("for two vectors write `dot({left_text}, {right_text})`")
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

pub(in crate::model) enum Calls {
    UnknownFunction { name: String, nearest: Option<String>, span: Span },
    NotAFunction { name: String, word: &'static str, declared: Span, span: Span },
    DistributionAsValue { name: String, span: Span },
    Count { name: String, given: usize, written: &'static str, span: Span },
    FunctionCount { name: String, given: usize, written: String, span: Span },
    Argument { name: String, label: Option<String>, count: usize, written: String, span: Span },
    NamedArgument { name: String, written: &'static str, span: Span },
    ForInCall { name: String, span: Span },
    OnlyInColumns { name: String, span: Span },
    OnlyAtStart { name: String, span: Span },
    ReducesANumber { name: String, text: String, span: Span },
    TypedFormal { name: String, span: Span },
    Recursion { name: String, through: Vec<String>, span: Span },
}

impl From<Calls> for Problem {
    fn from(fact: Calls) -> Problem {
        match fact {
            Calls::UnknownFunction { name, nearest, span } => {
                let otherwise =
                    format!("declare it: `fun {name}(x) = ...`, or `net {name}(x: real) -> real {{ ... }}`");
                Problem::error("ppl::model::unknown_function", format!("there is no function `{name}`"))
                    .label(span, "called here")
                    .help(did_you_mean(&nearest, otherwise))
            }
            Calls::NotAFunction { name, word, declared, span } => {
                Problem::error("ppl::model::not_a_function", format!("`{name}` is {word}, and cannot be called"))
                    .label(span, "called here")
                    .label(declared, "declared here")
                    .help(format!("to choose an entry write brackets: `{name}[...]`"))
            }
            Calls::DistributionAsValue { name, span } => {
                Problem::error("ppl::model::distribution_as_value", format!("`{name}` is a distribution, and no value"))
                    .label(span, "a value is wanted here")
                    .help(format!("draw from it in a statement of its own: `z ~ {name}(...)`, and read `z` here"))
            }
            Calls::Count { name, given, written, span } => Problem::error(
                "ppl::model::argument_count",
                format!("`{name}` does not take {}", count(given, "argument")),
            )
            .label(span, "this call")
            .help(format!("it is called as {written}")),
            Calls::FunctionCount { name, given, written, span } => Problem::error(
                "ppl::model::argument_count",
                format!("`{name}` does not take {}", count(given, "argument")),
            )
            .label(span, "this call")
            .help(format!("it is called as `{written}`")),
            Calls::Argument { name, label: Some(label), written, span, .. } => {
                Problem::error("ppl::model::argument_name", format!("`{name}` takes no further argument `{label}`"))
                    .label(span, "this argument")
                    .help(format!("it is called as `{written}`, each argument once"))
            }
            Calls::Argument { name, count: given, written, span, .. } => Problem::error(
                "ppl::model::argument_count",
                format!("`{name}` does not take {}", count(given, "argument")),
            )
            .label(span, "this one is too many")
            .help(format!("it is called as `{written}`")),
            Calls::NamedArgument { name, written, span } => {
                Problem::error("ppl::model::argument_name", format!("this function has no argument named `{name}`"))
                    .label(span, "this name")
                    .help(format!("its arguments go by position: {written}"))
            }
            Calls::ForInCall { name, span } => {
                Problem::error("ppl::model::comprehension", format!("`{name}` does not take `for`"))
                    .label(span, "this variable")
                    .help("reductions take it: `sum(x[k] for k in K)`; elsewhere write an array `[... for k in K]`")
            }
            Calls::OnlyInColumns { name, span } => {
                Problem::error("ppl::model::only_in_columns", format!("`{name}` stands only after `data ... =`"))
                    .label(span, "not in this block")
                    .help(format!("declare data that holds it: `data v[N]: real = {name}(...)`"))
            }
            Calls::OnlyAtStart { name, span } => Problem::error(
                "ppl::model::only_at_start",
                format!("`{name}` says where a param starts, and is no value"),
            )
            .label(span, "not here")
            .help("for a random value write a site: `z ~ Normal(m, s)`"),
            Calls::ReducesANumber { name, text, span } => Problem::error(
                "ppl::model::reduces_number",
                format!("`{name}` reduces an array, and `{text}` is a number"),
            )
            .label(span, "this is a number")
            .help(format!("leave `{name}` out, or write `{name}(x[k] for k in K)`")),
            Calls::TypedFormal { name, span } => {
                Problem::error("ppl::model::typed_argument", format!("the argument `{name}` of a `fun` has no type"))
                    .label(span, "this type")
                    .help("leave it out: a `fun` is checked at each call; a `net` has types")
            }
            Calls::Recursion { name, through, span } => {
                let help = if through.is_empty() {
                    "its body may not call itself; write a comprehension".to_string()
                } else {
                    format!("it is reached again through {}", quoted(&through))
                };
                Problem::error("ppl::model::recursion", format!("`{name}` calls itself"))
                    .label(span, "declared here")
                    .help(help)
            }
        }
    }
}

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
                let message = format!("`{name}` is row {variable} of its plate here, and has {shape} to index");
                let _ = given;
                Problem::error("ppl::model::other_row", message)
                    .label(extra, "no other row can be read inside the plate")
                    .help(format!(
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
                let help = if category {
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
            .help(format!("indices count from 0 to {size} - 1")),
            Rows::LagOutsideChain { variable, text, span } => Problem::error(
                "ppl::model::lag",
                format!("`[{text}]` reads another row, and rows of a plate are independent"),
            )
            .label(span, "a lag")
            .help(format!("for an ordered plate write `for {variable} in ... chain {{ ... }}`")),
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
                    "say which row: read it in a plate, `for {} in {dim} {{ ... {body} ... }}`, or reduce over \
                                  all rows, `sum({body} for {} in {dim})`",
                    letters[0], letters[0]
                ),
                _ => format!("say which row: `{body}` in plates over {all}"),
            }
        }
    };
    Problem::error("ppl::model::row_index", format!("`{name}` {kind} {all}, and is read without saying which row"))
        .label(span, label)
        .help(help)
}
