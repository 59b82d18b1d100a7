//! Problems of expressions: values, shapes, calls and indices.

use super::quoted;
use crate::problem::Problem;
use crate::source::Span;

pub(in crate::model) enum Expressions {
    TooLarge { span: Span },
    NamedOutputs { outputs: Vec<String>, span: Span },
    IndexedOutputs { name: String, outputs: Vec<String>, span: Span },
    NoOutput { name: String, outputs: Vec<String>, span: Span },
    NoFields { text: String, name: String, span: Span },
    Range { span: Span },
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
            .help("calls nest to 200 levels and a file has at most 50,000 operations; use plates and definitions"),
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
            Expressions::Range { span } => Problem::error("ppl::model::range", "a range is not a value")
                .label(span, "`lo..hi` stands in an index or after `for k in`")
                .help("write a slice `v[2..5]`, or `[k for k in 2..5]` for the numbers"),
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
