//! What can be wrong with a model, as facts, and how each is said: one enum a subject, one sentence a fact.

mod blocks;
mod calls;
mod composites;
mod energies;
mod ends;
mod expressions;
mod guides;
mod items;
mod layers;
mod limits;
mod lints;
mod missing;
mod names;
mod nets;
mod rows;
mod shapes;
mod supports;

pub(super) use blocks::{Batches, Fits, Statements};
pub(super) use calls::Calls;
pub(super) use composites::Composites;
pub(super) use ends::Ends;
pub(super) use energies::Energies;
pub(super) use expressions::Expressions;
pub(super) use guides::Guides;
pub(super) use items::{Columns, Constants, Items, Sizes, Types};
pub(super) use layers::Layers;
pub(super) use limits::Limits;
pub(super) use lints::Lints;
pub(super) use missing::Missing;
pub(super) use names::{Names, Sought};
pub(super) use nets::{Dists, Nets};
pub(super) use rows::Rows;
pub(super) use shapes::Shapes;
pub(super) use supports::Supports;

/// `a`, `b` and `c`, each in backquotes.
fn quoted(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    join(&names, "and")
}

/// `a, b or c`
fn join(names: &[String], last: &str) -> String {
    match names {
        [] => "none".into(),
        [one] => one.clone(),
        [rest @ .., end] => format!("{} {last} {end}", rest.join(", ")),
    }
}

fn did_you_mean(nearest: &Option<String>, otherwise: impl Into<String>) -> String {
    match nearest {
        Some(name) => format!("did you mean `{name}`?"),
        None => otherwise.into(),
    }
}

/// `1 argument`, `2 arguments`
fn count(n: usize, word: &str) -> String {
    format!("{n} {word}{}", if n == 1 { "" } else { "s" })
}
