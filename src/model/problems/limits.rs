//! What the language has and the checker does not represent yet: said as such, each with its own code. What is
//! represented and cannot be fitted yet says so when it is fitted.

use crate::problem::Problem;
use crate::source::Span;

pub(in crate::model) enum Limits {
    Distribution { name: String, span: Span },
    MatrixRows { dist: &'static str, param: &'static str, span: Span },
    UnknownOrder { dist: &'static str, param: &'static str, text: String, span: Span },
    Cut { dist: &'static str, inner: &'static str, span: Span },
    CutStates { dist: &'static str, inner: &'static str, span: Span },
    ChainDefinition { name: String, span: Span },
    MissingRead { name: String, span: Span },
}

impl From<Limits> for Problem {
    fn from(fact: Limits) -> Problem {
        match fact {
            Limits::Distribution { name, span } => {
                Problem::error("ppl::limitation::distribution", format!("the distribution {name} is not supported yet"))
                    .label(span, "known, and to come")
                    .help("every other one works: the README lists them")
            }
            Limits::MatrixRows { dist, param, span } => Problem::error(
                "ppl::limitation::matrix_rows",
                format!("`{param}` of {dist} cannot have one matrix for each row of a value yet"),
            )
            .label(span, "several matrices")
            .help("make the rows a plate: `for m in M { x[m] ~ ... }` with data or a site that has rows"),
            Limits::UnknownOrder { dist, param, text, span } => Problem::error(
                "ppl::limitation::order",
                format!("how many `{param}` {dist} has must be known when the model is compiled"),
            )
            .label(span, format!("the length of `{text}` is not known"))
            .help("give the dim a value, `dim P = 2` or `--set P=2`"),
            Limits::Cut { dist, inner, span } => Problem::error(
                "ppl::limitation::cut",
                format!("the distribution function of {inner} is not known yet, and {dist} needs it"),
            )
            .label(span, format!("needs the probability that {inner} lies below a number"))
            .help(format!("a distribution that can be cut off is one of {}", crate::dist::cdf::names())),
            Limits::CutStates { dist, inner, span } => {
                let most = crate::dist::states::MOST;
                let title = format!("a bound of {dist}({inner}(...)) must be a number below {most} yet");
                Problem::error("ppl::limitation::cut", title)
                    .label(span, format!("{inner} is cut off by adding up the probabilities of its values"))
                    .help(format!("write the bound as a number from 0 to {}", most - 1))
            }
            Limits::ChainDefinition { name, span } => Problem::error(
                "ppl::limitation::chain_definition",
                format!("the definition `{name}` has named outputs and reads earlier rows of itself, which is not supported yet"),
            )
            .label(span, "several values, carried from row to row")
            .help("give each output a definition of its own, which may read its own earlier rows"),
            Limits::MissingRead { name, span } => {
                let message = format!("a start or a bound that reads missing entries of `{name}` is not supported yet");
                Problem::error("ppl::limitation::missing", message)
                    .label(span, "some of these may be missing")
                    .help("write the number; a start may also read `mean`, `sd`, `min` or `max` of all entries that are there")
            }
        }
    }
}
