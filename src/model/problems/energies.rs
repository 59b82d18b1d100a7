//! Problems of energies and of `Boltzmann`.

use super::{count, quoted};
use crate::problem::Problem;
use crate::source::Span;

pub(in crate::model) enum Energies {
    NotANumber { name: String, shape: String, span: Span },
    NoEnergy { known: Vec<String>, span: Span },
    Count { name: String, wants: Vec<String>, given: usize, span: Span },
    Untyped { name: String, want: String, span: Span },
    UnitType { name: String, formal: String, have: String, want: String, span: Span },
    InGuide { span: Span },
    NoBoltzmann { objective: &'static str, span: Span },
    Objective { objective: &'static str, statement: Span, span: Span },
    Guide { statement: Span, span: Span },
    NotAlone { statement: Span, span: Span },
}

impl From<Energies> for Problem {
    fn from(fact: Energies) -> Problem {
        let code = "ppl::model::energy";
        match fact {
            Energies::NotANumber { name, shape, span } => {
                Problem::error(code, format!("the energy `{name}` is one number, and this is {shape}"))
                    .label(span, format!("this is {shape}"))
                    .help("sum it: `-dot(a, x) - dot(x, W @ h)`, or `sum(...)`")
            }
            Energies::NoEnergy { known, span } => {
                let help = match known.is_empty() {
                    true => "declare one: `energy e(x: binary[D], h: binary[H]) = -dot(x, W @ h)`".to_string(),
                    false => format!("the energies of this file are {}", quoted(&known)),
                };
                Problem::error(code, "`Boltzmann` takes the name of an energy").label(span, "not an energy").help(help)
            }
            Energies::Count { name, wants, given, span } => {
                let (want, stand) = (count(wants.len(), "argument"), if given == 1 { "stands" } else { "stand" });
                let given = count(given, "value");
                Problem::error(code, format!("the energy `{name}` has {want}, and {given} {stand} left of `~`"))
                    .label(span, "this energy")
                    .help(format!("write as many values as it has arguments: {}", quoted(&wants)))
            }
            Energies::Untyped { name, want, span } => {
                Problem::error(code, format!("`{name}` is new here, and its type is not said"))
                    .label(span, "a site without a type is one number")
                    .help(format!("write `{name}: {want}`"))
            }
            Energies::UnitType { name, formal, have, want, span } => {
                Problem::error(code, format!("`{name}` is {have}, and argument `{formal}` of the energy is {want}"))
                    .label(span, format!("this is {have}"))
                    .help("values are matched with the energy's arguments by position; make the types equal")
            }
            Energies::InGuide { span } => Problem::error(code, "`Boltzmann` stands in the model")
                .label(span, "not in a guide, and not inside another distribution")
                .help("a model with an energy has no guide: its units are drawn from their conditionals"),
            Energies::NoBoltzmann { objective, span } => Problem::error(
                "ppl::model::objective",
                format!("`{objective}` fits an energy, and this model has no `Boltzmann` statement"),
            )
            .label(span, "this objective")
            .help("leave `objective` out, or write `objective: elbo`"),
            Energies::Objective { objective, statement, span } => Problem::error(
                "ppl::model::objective",
                format!("an energy has no bound for `{objective}` to work on: its constant Z is not known"),
            )
            .label(span, "this objective")
            .label(statement, "drawn from an energy here")
            .help("write `objective: cd(1)` or `objective: pcd(15)`"),
            Energies::Guide { statement, span } => Problem::error(code, "a model with an energy has no guide")
                .label(span, "this guide")
                .label(statement, "its units are drawn from their conditionals")
                .help("remove the guide"),
            Energies::NotAlone { statement, span } => {
                Problem::error(code, "a `Boltzmann` statement is all that its model says")
                    .label(span, "one statement more")
                    .label(statement, "drawn from an energy here")
                    .help("put it into the energy, or leave it out")
            }
        }
    }
}
