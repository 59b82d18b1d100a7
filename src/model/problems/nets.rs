//! Problems of nets and of the arguments of distributions.

use super::{count, did_you_mean, join, quoted};
use crate::problem::Problem;
use crate::source::Span;

pub(in crate::model) enum Nets {
    OutputShape { net: String, what: String, have: String, want: String, sizes: String, span: Span },
    AfterResult { result: Span, span: Span },
    OutputSupport { net: String, what: String, have: String, want: String, offer: String, span: Span },
    ArgumentShape { net: String, formal: String, have: String, want: String, span: Span },
    NoResult { net: String, span: Span },
    TwoResults { first: Span, second: Span },
    ResultAndOutputs { net: String, outputs: Vec<String>, span: Span },
    OutputMissing { net: String, output: String, span: Span },
    OutputIsOutputs { output: String, span: Span },
}

impl From<Nets> for Problem {
    fn from(fact: Nets) -> Problem {
        match fact {
            Nets::OutputShape { net, what, have, want, sizes, span } => {
                let help = if sizes.is_empty() || sizes.contains(',') {
                    format!("make it {want}, or change the declared type")
                } else {
                    format!("make it {want}, for example with `dense(..., {sizes})`, or change the declared type")
                };
                Problem::error("ppl::model::net_shape", format!("{what} of `{net}` is declared {want}, and is {have}"))
                    .label(span, format!("this is {have}"))
                    .help(help)
            }
            Nets::AfterResult { result, span } => {
                Problem::error("ppl::model::net_result", "a definition stands below the result of its net")
                    .label(span, "nothing reads this")
                    .label(result, "the result")
                    .help("the last line of a net is its result: write the definition above it, or remove it")
            }
            Nets::OutputSupport { net, what, have, want, offer, span } => Problem::error(
                "ppl::model::net_support",
                format!("{what} of `{net}` is declared {want}, and is {have}"),
            )
            .label(span, format!("this is {have}"))
            .help(offer),
            Nets::ArgumentShape { net, formal, have, want, span } => Problem::error(
                "ppl::model::net_argument",
                format!("argument `{formal}` of `{net}` is {want}, and this is {have}"),
            )
            .label(span, format!("this is {have}"))
            .help(format!("give a value of shape {want}, or change the type of `{formal}`")),
            Nets::NoResult { net, span } => {
                Problem::error("ppl::model::net_result", format!("net `{net}` has no result"))
                    .label(span, "this net")
                    .help("end its body with an expression, which is the result")
            }
            Nets::TwoResults { first, second } => Problem::error("ppl::model::net_result", "a net has one result")
                .label(second, "a second result")
                .label(first, "the first")
                .help("give all but the last a name: `h = ...`"),
            Nets::ResultAndOutputs { net, outputs, span } => Problem::error(
                "ppl::model::net_result",
                format!("net `{net}` has named outputs, and this result has no name"),
            )
            .label(span, "which output is this?")
            .help(format!("define each output: {}", quoted(&outputs))),
            Nets::OutputMissing { net, output, span } => {
                Problem::error("ppl::model::net_result", format!("net `{net}` does not define its output `{output}`"))
                    .label(span, "declared here")
                    .help(format!("write `{output} = ...` in its body"))
            }
            Nets::OutputIsOutputs { output, span } => {
                Problem::error("ppl::model::net_result", format!("`{output}` is one output, and this has several"))
                    .label(span, "a call of a net with named outputs")
                    .help("choose one of them with a dot")
            }
        }
    }
}

pub(in crate::model) enum Dists {
    Unknown {
        name: String,
        word: Option<&'static str>,
        nearest: Option<String>,
        span: Span,
    },
    OutOfOrder {
        dist: &'static str,
        written: String,
        span: Span,
    },
    NeedsAxis {
        dist: &'static str,
        ty: &'static str,
        site: String,
        span: Span,
    },
    NeedsCategories {
        dist: &'static str,
        param: &'static str,
        text: String,
        span: Span,
    },
    NeedsVector {
        dist: &'static str,
        param: &'static str,
        text: String,
        span: Span,
    },
    Missing {
        dist: &'static str,
        written: String,
        names: Vec<&'static str>,
        span: Span,
    },
    Twice {
        dist: &'static str,
        first: &'static str,
        first_span: Span,
        second: &'static str,
        second_span: Span,
    },
    SpreadByName {
        name: String,
        outputs: Vec<String>,
        span: Span,
    },
    SpreadUnknown {
        dist: &'static str,
        output: String,
        written: String,
        span: Span,
    },
    UnknownArgument {
        dist: &'static str,
        name: String,
        nearest: Option<String>,
        written: String,
        span: Span,
    },
    TooMany {
        dist: &'static str,
        given: usize,
        written: String,
        span: Span,
    },
    ComponentShape {
        dist: &'static str,
        param: &'static str,
        have: String,
        allowed: Vec<String>,
        components: String,
        span: Span,
    },
    ArgumentShape {
        dist: &'static str,
        param: &'static str,
        have: String,
        allowed: Vec<String>,
        site: String,
        site_shape: String,
        text: String,
        span: Span,
    },
}

impl From<Dists> for Problem {
    fn from(fact: Dists) -> Problem {
        match fact {
            Dists::Unknown { name, word: Some(word), span, .. } => {
                Problem::error("ppl::model::unknown_distribution", format!("`{name}` is {word}, and no distribution"))
                    .label(span, "a distribution is wanted after `~`")
                    .help("for a value that is not random write `=`: `h = ...`")
            }
            Dists::Unknown { name, nearest, span, .. } => {
                Problem::error("ppl::model::unknown_distribution", format!("there is no distribution `{name}`"))
                    .label(span, "after `~` stands a distribution")
                    .help(did_you_mean(&nearest, "for example `Normal(0, 1)`, `Gamma(2, 1)` or `Bernoulli(0.5)`"))
            }
            Dists::OutOfOrder { dist, written, span } => {
                let message = format!("an argument of {dist} without a name follows one with a name");
                Problem::error("ppl::model::argument_order", message)
                    .label(span, "which parameter is this?")
                    .help(format!("arguments go by position, then by name; it is {written}"))
            }
            Dists::NeedsAxis { dist, ty, site, span } => {
                let what = if ty.contains("cholesky") { "a matrix" } else { "a vector" };
                let message = format!("`{site}` is not {what}, and a value of {dist} is one");
                Problem::error("ppl::model::site_shape", message)
                    .label(span, format!("draws {what}"))
                    .help(format!("give it the type `{ty}`: `{site}: {ty} ~ {dist}(...)`"))
            }
            Dists::NeedsCategories { dist, param, text, span } => {
                let message = format!("`{param}` of {dist} is a vector over the categories, and `{text}` is a number");
                Problem::error("ppl::model::dist_shape", message)
                    .label(span, "this is a number")
                    .help("give one value a category, `[0.2, 0.8]`, or declare the site `category(K)`")
            }
            Dists::NeedsVector { dist, param, text, span } => {
                let message = format!("`{param}` of {dist} is a vector, and `{text}` is a number");
                Problem::error("ppl::model::dist_shape", message)
                    .label(span, "this is a number")
                    .help(format!("give a vector, `[{text}]` for one of length 1"))
            }
            Dists::Missing { dist, written, names, span } => {
                let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
                Problem::error("ppl::model::missing_argument", format!("{dist} needs {}", join(&names, "or")))
                    .label(span, "not given here")
                    .help(format!("it is {written}"))
            }
            Dists::Twice { dist, first, first_span, second, second_span } => {
                let message = if first == second {
                    format!("`{first}` of {dist} is given twice")
                } else {
                    format!("{dist} takes `{first}` or `{second}`, not both")
                };
                let problem = Problem::error("ppl::model::argument_twice", message).label(second_span, "given here");
                let problem = if first_span == second_span { problem } else { problem.label(first_span, "and here") };
                problem.help("remove one of them")
            }
            Dists::SpreadByName { name, outputs, span } => {
                let first = outputs.first().cloned().unwrap_or_default();
                let outputs = quoted(&outputs);
                Problem::error("ppl::model::spread", format!("`{name}:` is given a net with the outputs {outputs}"))
                    .label(span, "several values")
                    .help(format!("leave `{name}:` out, and each output goes to the parameter of its name; or choose one: `e = ...` and `e.{first}`"))
            }
            Dists::SpreadUnknown { dist, output, written, span } => {
                Problem::error("ppl::model::spread", format!("the net's output `{output}` is no parameter of {dist}"))
                    .label(span, "outputs become the parameters of their names")
                    .help(format!(
                        "it is {written}: rename the output in the net, or name the net's value and give `e.{output}`"
                    ))
            }
            Dists::UnknownArgument { dist, name, nearest, written, span } => {
                Problem::error("ppl::model::unknown_argument", format!("{dist} has no parameter `{name}`"))
                    .label(span, "this name")
                    .help(did_you_mean(&nearest, format!("it is {written}")))
            }
            Dists::TooMany { dist, given, written, span } => Problem::error(
                "ppl::model::too_many_arguments",
                format!("{dist} does not take {}", count(given, "argument")),
            )
            .label(span, "this one is too many")
            .help(format!("it is {written}, where `|` separates alternatives")),
            Dists::ComponentShape { dist, param, have, allowed, components, span } => {
                let message = format!("`{param}` of {dist} is {have}, and the mixture has {components} components");
                Problem::error("ppl::model::dist_shape", message)
                    .label(span, format!("this is {have}"))
                    .help(format!("give {}: the components come first", join(&allowed, "or")))
            }
            Dists::ArgumentShape { dist, param, have, allowed, site, site_shape, text, span } => {
                let message = format!("`{param}` of {dist} is {have}, and `{site}` is {site_shape}");
                let help = if site_shape == "a number" && !have.starts_with("a ") {
                    format!(
                        "give {}; or declare `{site}` with the shape {have}, or index `{text}`",
                        join(&allowed, "or")
                    )
                } else {
                    format!("give {}; nothing else is stretched", join(&allowed, "or"))
                };
                Problem::error("ppl::model::dist_shape", message).label(span, format!("this is {have}")).help(help)
            }
        }
    }
}
