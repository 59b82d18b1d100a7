//! Problems of guides.

use super::{did_you_mean, join, quoted};
use crate::problem::Problem;
use crate::source::Span;

pub(in crate::model) enum Guides {
    AutoArguments { name: String, written: &'static str, span: Span },
    UnknownAuto { name: String, nearest: Option<String>, span: Span },
    UnknownFlow { name: String, nearest: Option<String>, span: Span },
    FactorInGuide { span: Span },
    Grouped { span: Span },
    TypedFactor { name: String, span: Span },
    WrittenTwice { name: String, first: Span, second: Span },
    NotASite { name: String, word: Option<&'static str>, nearest: Option<String>, sites: Vec<String>, span: Span },
    Plates { name: String, model: Vec<String>, guide: Vec<String>, declared: Span, span: Span },
    FactorIndex { name: String, span: Span },
    FlatFactor { name: String, span: Span },
    UnknownEstimator { name: String, nearest: Option<String>, span: Span },
    EstimatorArguments { name: &'static str, written: &'static str, span: Span },
    UnboundedUnwritten { name: String, support: String, rows: Vec<String>, declared: Span, guide: Option<Span> },
    Unwritten { sites: Vec<(String, Span)>, span: Span },
    ReadBeforeFactor { name: String, written: Span, span: Span },
}

/// `for n in N { for k in K { ... } }`, or no plate at all.
fn nested(dims: &[String], body: &str) -> String {
    let open: String = dims.iter().map(|dim| format!("for {} in {dim} {{ ", dim.to_lowercase())).collect();
    format!("{open}{body}{}", " }".repeat(dims.len()))
}

fn plates(dims: &[String]) -> String {
    match dims {
        [] => "no plate".into(),
        [one] => format!("a plate over {one}"),
        _ => format!("plates over {}", join(dims, "and")),
    }
}

impl From<Guides> for Problem {
    fn from(fact: Guides) -> Problem {
        match fact {
            Guides::AutoArguments { name, written, span } => {
                Problem::error("ppl::model::guide_name", format!("guide `{name}` takes other arguments"))
                    .label(span, "these arguments")
                    .help(format!("write it like `{written}`"))
            }
            Guides::UnknownAuto { name, nearest, span } => {
                let known =
                    "automatic guides are meanfield, fullrank, lowrank(r), map, laplace, flow(planar(8)) and exact";
                Problem::error("ppl::model::guide_name", format!("there is no automatic guide `{name}`"))
                    .label(span, "this name")
                    .help(did_you_mean(&nearest, known))
            }
            Guides::UnknownFlow { name, nearest, span } => {
                let known = "the maps of a flow are planar(n), radial(n), coupling(n, hidden) and iaf(n, hidden)";
                Problem::error("ppl::model::guide_name", format!("no maps of a flow are called `{name}`"))
                    .label(span, "this name")
                    .help(did_you_mean(&nearest, known))
            }
            Guides::FactorInGuide { span } => Problem::error(
                "ppl::model::factor_in_guide",
                "`factor` stands in the model: a guide is a normalized density",
            )
            .label(span, "not in the guide")
            .help("move it to the model, or write a distribution with `~`"),
            Guides::Grouped { span } => Problem::error("ppl::model::grouped", "a guide writes one factor a site")
                .label(span, "several names")
                .help("write one statement for each site"),
            Guides::TypedFactor { name, span } => {
                Problem::error("ppl::model::typed_factor", format!("the type of `{name}` is the model's"))
                    .label(span, "this type")
                    .help(format!("leave it out: `{name} ~ ...`"))
            }
            Guides::WrittenTwice { name, first, second } => {
                Problem::error("ppl::model::guide_twice", format!("the guide writes `{name}` twice"))
                    .label(second, "again here")
                    .label(first, "first here")
                    .help("every site has one factor; remove one of them")
            }
            Guides::NotASite { name, word: Some(word), span, .. } => {
                Problem::error("ppl::model::guide_site", format!("`{name}` is {word}, and the guide writes sites"))
                    .label(span, "not a site of the model")
                    .help("left of `~` in a guide stands a site; for a value that is not random write `=`")
            }
            Guides::NotASite { name, nearest, sites, span, .. } => {
                let otherwise = if sites.is_empty() {
                    "the model has no sites".to_string()
                } else {
                    format!("the sites of the model are {}", quoted(&sites))
                };
                Problem::error("ppl::model::guide_site", format!("the model has no site `{name}`"))
                    .label(span, "written here")
                    .help(did_you_mean(&nearest, otherwise))
            }
            Guides::Plates { name, model, guide, declared, span } => {
                let message = format!(
                    "`{name}` stands in {} in the guide and in {} in the model",
                    plates(&guide),
                    plates(&model)
                );
                Problem::error("ppl::model::guide_plates", message)
                    .label(span, format!("here in {}", plates(&guide)))
                    .label(declared, format!("here in {}", plates(&model)))
                    .help(format!("write `{}`", nested(&model, &format!("{name} ~ ..."))))
            }
            Guides::FactorIndex { name, span } => {
                Problem::error("ppl::model::guide_index", format!("the factor of `{name}` is written without its rows"))
                    .label(span, "the enclosing plates give them")
                    .help(format!("write `{name} ~ ...`"))
            }
            Guides::FlatFactor { name, span } => Problem::error(
                "ppl::model::flat_factor",
                format!("the guide of `{name}` must be a distribution to draw from"),
            )
            .label(span, "Flat has no draws")
            .help(format!("write for example `{name} ~ Normal(m, s)` with params `m` and `s`")),
            Guides::UnknownEstimator { name, nearest, span } => {
                let known = "estimators are pathwise, score, enumerate, disarm, rebar, relax, concrete(0.5) and \
                             straight_through";
                Problem::error("ppl::model::estimator", format!("there is no estimator `{name}`"))
                    .label(span, "after `by`")
                    .help(did_you_mean(&nearest, known))
            }
            Guides::EstimatorArguments { name, written, span } => {
                Problem::error("ppl::model::estimator", format!("`{name}` does not take these arguments"))
                    .label(span, "after `by`")
                    .help(format!("write `by {written}`"))
            }
            Guides::UnboundedUnwritten { name, support, rows, declared, guide } => {
                let (what, it, name) = match rows.is_empty() {
                    true => (format!("site `{name}` is"), "it has", name),
                    false => (
                        format!("missing entries of `{name}` are"),
                        "they have",
                        format!("{name}[{}]", rows.join(", ")),
                    ),
                };
                let message = format!("{what} {support}: {it} no automatic factor and cannot be summed out");
                let problem =
                    Problem::error("ppl::model::guide_unbounded", message).label(declared, "unbounded and discrete");
                let problem = match guide {
                    Some(span) => problem.label(Span::new(span.start, span.start + 5), "this guide does not write it"),
                    None => problem,
                };
                problem.help(format!(
                    "write its factor: `guide meanfield {{ {name} ~ Poisson(rate) }}` with a `param rate: positive`"
                ))
            }
            Guides::Unwritten { sites, span } => {
                let names: Vec<String> = sites.iter().map(|(name, _)| name.clone()).collect();
                let message = format!("the guide does not write {}", quoted(&names));
                let problem =
                    Problem::error("ppl::model::guide_missing", message).label(span, "every site has a factor here");
                let problem = sites.iter().fold(problem, |problem, (_, span)| problem.label(*span, "not written"));
                problem.help("write its factor, or `guide meanfield { ... }`, where sites that are not written get one")
            }
            Guides::ReadBeforeFactor { name, written, span } => {
                Problem::error("ppl::model::guide_order", format!("the guide reads `{name}` before it draws it"))
                    .label(span, "read here")
                    .label(written, "its factor is written here")
                    .help(format!("write the factor of `{name}` above this statement"))
            }
        }
    }
}
