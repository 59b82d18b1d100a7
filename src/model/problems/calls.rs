//! Problems of calls of functions.

use super::{count, did_you_mean, quoted};
use crate::problem::Problem;
use crate::source::Span;

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
            Calls::Recursion { name, through, span } => {
                let help = if through.is_empty() {
                    "its body may not call itself; write a comprehension, or a definition in a chain: `h = if t == 0 then 0 else f(h[t-1])`".to_string()
                } else {
                    format!(
                        "it is reached again through {}; for a recurrence write a definition in a chain, `h = if t == 0 then 0 else f(h[t-1])`",
                        quoted(&through)
                    )
                };
                Problem::error("ppl::model::recursion", format!("`{name}` calls itself"))
                    .label(span, "declared here")
                    .help(help)
            }
        }
    }
}
