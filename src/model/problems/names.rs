//! Problems of names: what nothing is called, what is declared twice, what is not seen from here.

use super::{did_you_mean, quoted};
use crate::problem::Problem;
use crate::source::Span;

/// What a name is looked up for: nothing else is offered in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::model) enum Sought {
    Value,
    Dim,
    /// What a const may read.
    Number,
}

pub(in crate::model) enum Names {
    /// `guide`: read there, where a param may be declared.
    Unknown {
        name: String,
        span: Span,
        sought: Sought,
        guide: bool,
        nearest: Option<String>,
        visible: Vec<String>,
    },
    UsedBefore {
        name: String,
        span: Span,
        declared: Span,
    },
    ReadsItself {
        name: String,
        span: Span,
    },
    Duplicate {
        name: String,
        first: Span,
        second: Span,
    },
    Builtin {
        name: String,
        span: Span,
    },
    Hides {
        name: String,
        span: Span,
        hidden: Span,
    },
    Closed {
        name: String,
        span: Span,
        declared: Span,
        what: &'static str,
        body: String,
    },
    ModelDefinition {
        name: String,
        span: Span,
        declared: Span,
    },
    GuideName {
        name: String,
        span: Span,
        declared: Span,
    },
}

impl From<Names> for Problem {
    fn from(fact: Names) -> Problem {
        match fact {
            Names::Unknown { name, span, sought, guide, nearest, visible } => {
                let listed = if visible.len() > 12 { &[] } else { visible.as_slice() };
                let otherwise = match (sought, listed) {
                    (Sought::Value, _) if guide => {
                        format!("declare it in the guide, above this line: `param {name}: real`, or `{name} = ...`")
                    }
                    (Sought::Value, []) => format!("declare `{name}` above this line"),
                    (Sought::Value, names) => {
                        format!("declare `{name}` above this line; names that can be read here: {}", quoted(names))
                    }
                    (Sought::Dim, []) => format!("declare it at the top: `dim {name}`"),
                    (Sought::Dim, [one]) => {
                        format!("declare it at the top: `dim {name}`; the dim of this file is `{one}`")
                    }
                    (Sought::Dim, dims) => {
                        format!("declare it at the top: `dim {name}`; the dims of this file are {}", quoted(dims))
                    }
                    (Sought::Number, _) => format!("declare it at the top: `const {name} = ...`"),
                };
                Problem::error("ppl::model::unknown_name", format!("nothing is called `{name}` here"))
                    .label(span, "this name is not declared")
                    .help(did_you_mean(&nearest, otherwise))
            }
            Names::UsedBefore { name, span, declared } => {
                Problem::error("ppl::model::used_before", format!("`{name}` is used before it is declared"))
                    .label(span, "used here")
                    .label(declared, "declared here")
                    .help(format!("move the statement that declares `{name}` above this one"))
            }
            Names::ReadsItself { name, span } => {
                Problem::error("ppl::model::reads_itself", format!("`{name}` is read in its own statement"))
                    .label(span, "it has no value yet")
                    .help("a site or definition may read only what is above it; give the other value a name of its own")
            }
            Names::Duplicate { name, first, second } => {
                Problem::error("ppl::model::duplicate", format!("`{name}` is declared twice"))
                    .label(second, "declared again here")
                    .label(first, "first declared here")
                    .help("give one of them another name; top-level names, sites and definitions are one scope")
            }
            Names::Builtin { name, span } => {
                Problem::error("ppl::model::builtin_name", format!("`{name}` is a built-in function"))
                    .label(span, "this name is taken")
                    .help(format!("call it something else, for example `my_{name}`"))
            }
            Names::Hides { name, span, hidden } => {
                Problem::error("ppl::model::hides", format!("the loop variable `{name}` would hide another `{name}`"))
                    .label(span, "this variable")
                    .label(hidden, "would hide this name")
                    .help("use another letter for the variable")
            }
            Names::Closed { name, span, declared, what, body } => {
                let message = format!("the body of `{body}` cannot read `{name}`, which is {what}");
                Problem::error("ppl::model::closed_body", message)
                    .label(span, "read here")
                    .label(declared, "declared here")
                    .help(format!("pass it in: add an argument to `{body}` and give `{name}` where it is called"))
            }
            Names::ModelDefinition { name, span, declared } => {
                let message = format!("the guide cannot read `{name}`, a definition of the model");
                Problem::error("ppl::model::not_in_guide", message)
                    .label(span, "read here")
                    .label(declared, "defined in the model here")
                    .help(format!("the guide sees sites, not definitions: write `{name} = ...` in the guide as well"))
            }
            Names::GuideName { name, span, declared } => {
                let message = format!("the model cannot read `{name}`, which belongs to the guide");
                Problem::error("ppl::model::not_in_model", message)
                    .label(span, "read here")
                    .label(declared, "declared in the guide here")
                    .help(format!("declare `{name}` at the top of the file if both need it"))
            }
        }
    }
}
