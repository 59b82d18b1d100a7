//! Problems of supports: what does not fit where it stands.

use super::did_you_mean;
use crate::problem::Problem;
use crate::source::Span;

pub(in crate::model) enum Supports {
    DoesNotFit {
        what: String,
        text: String,
        have: String,
        want: String,
        never: bool,
        offer: String,
        span: Span,
    },
    NotProbabilities {
        what: String,
        text: String,
        sum: f64,
        span: Span,
    },
    LiteralArray {
        what: String,
        text: String,
        want: String,
        why: &'static str,
        offer: String,
        span: Span,
    },
    SiteType {
        name: String,
        declared: String,
        declared_span: Span,
        dist: String,
        own: String,
        offer: Option<&'static str>,
        dist_span: Span,
    },
    FlatOn {
        name: String,
        support: String,
        span: Span,
    },
    RestrictedMass {
        name: String,
        support: String,
        reads: String,
        written: String,
        bounds: Option<(String, String)>,
        span: Span,
    },
    Observed {
        name: String,
        have: String,
        declared: Span,
        dist: String,
        want: String,
        offer: Option<&'static str>,
        span: Span,
    },
    Factor {
        dist: String,
        own: String,
        name: String,
        support: String,
        declared: Span,
        offer: Option<String>,
        span: Span,
    },
}

impl From<Supports> for Problem {
    fn from(fact: Supports) -> Problem {
        match fact {
            Supports::DoesNotFit { what, text, have, want, never, offer, span } => {
                let message = if never {
                    format!("{what} must be {want}, and `{text}` is never that")
                } else {
                    format!("{what} must be {want}, and `{text}` is {have}")
                };
                Problem::error("ppl::model::support", message).label(span, format!("this is {have}")).help(offer)
            }
            Supports::NotProbabilities { what, text, sum, span } => {
                Problem::error("ppl::model::support", format!("{what} must be probabilities, and `{text}` is not"))
                    .label(span, format!("sums to {sum:.6}").trim_end_matches('0').trim_end_matches('.').to_string())
                    .help("the entries are at least 0 and sum to 1; `softmax(...)` makes them so")
            }
            Supports::LiteralArray { what, text, want, why, offer, span } => {
                Problem::error("ppl::model::support", format!("{what} must be {want}, and `{text}` is not"))
                    .label(span, why)
                    .help(offer)
            }
            Supports::SiteType { name, declared, declared_span, dist, own, offer, dist_span } => {
                let message = format!("site `{name}` is declared {declared}, and {dist} has support {own}");
                let other = offer.map_or(String::new(), |offer| format!("; or draw it from `{offer}`"));
                Problem::error("ppl::model::site_support", message)
                    .label(declared_span, format!("this says {declared}"))
                    .label(dist_span, format!("this draws {own}"))
                    .help(match own.ends_with(']') {
                        // A value with axes needs a type that says how many.
                        true => format!("declare it so: `{name}: {own} ~ {dist}(...)`{other}"),
                        false => format!("leave the type out, and `{name}` takes the support of {dist}{other}"),
                    })
            }
            Supports::FlatOn { name, support, span } => {
                Problem::error("ppl::model::flat_support", format!("Flat has no density on {support}"))
                    .label(span, "not an interval of numbers")
                    .help(match support.split('[').next() {
                        Some("simplex") => format!("give `{name}` a proper prior, for example `Dirichlet(1)`"),
                        Some("cholesky_corr") => format!("give `{name}` a proper prior, for example `LKJCholesky(2)`"),
                        Some("cov" | "cholesky") => {
                            format!("build `{name}` from scales and a `cholesky_corr` site with `LKJCholesky(2)`")
                        }
                        _ => format!("give `{name}` a proper prior"),
                    })
            }
            Supports::RestrictedMass { name, support, reads, written, bounds, span } => {
                let message = format!("restricting `{name}` to {support} leaves a mass that depends on {reads}");
                let help = match bounds {
                    Some((low, high)) => format!(
                        "a restricted density is not renormalized, so its mass must be a constant; write \
                         `{name} ~ Truncated({written}, {low}, {high})`"
                    ),
                    None => "a restricted density is not renormalized, so its mass must be a constant".into(),
                };
                Problem::error("ppl::model::restricted_mass", message)
                    .label(span, "its parameters are not constants")
                    .help(help)
            }
            Supports::Observed { name, have, declared, dist, want, offer, span } => {
                let message = format!("data `{name}` is {have}, and {dist} has support {want}");
                let other = offer.map_or(String::new(), |offer| format!(", or observe it under `{offer}`"));
                Problem::error("ppl::model::observed_support", message)
                    .label(span, format!("a density over {want}"))
                    .label(declared, format!("declared {have}"))
                    .help(format!("declare `{name}` as {want} if its values are{other}"))
            }
            Supports::Factor { dist, own, name, support, declared, offer, span } => {
                let message = format!("guide {dist} has support {own}, site {name} has support {support}");
                let help = match offer {
                    Some(offer) => format!("write `{name} ~ {offer}`, whose support is {support}"),
                    None => did_you_mean(
                        &None,
                        format!(
                            "leave `{name}` out and write `guide meanfield {{ ... }}`, which has a factor for {support}"
                        ),
                    ),
                };
                Problem::error("ppl::model::guide_support", message)
                    .label(span, format!("draws {own}"))
                    .label(declared, format!("this site is {support}"))
                    .help(help)
            }
        }
    }
}
