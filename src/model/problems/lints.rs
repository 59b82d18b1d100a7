//! Warnings: legal, and probably not meant.

use crate::problem::{Fix, Problem};
use crate::source::Span;

pub(in crate::model) enum Lints {
    UnusedData { name: String, span: Span },
    UnusedLatent { name: String, span: Span },
    UnitBernoulli { name: String, declared: Span, span: Span },
    Funnel { site: String, scale: String, site_span: Span, scale_span: Span, fix: Option<Fix> },
    LabelSymmetry { site: String, plate: String, sites: Vec<String>, span: Span },
    HalfDensity { name: String, dist: String, half: String, span: Span, fix: Option<Fix> },
    Restricted { name: String, dist: String, support: String, text: String, span: Span, fix: Fix },
    Improper { name: String, span: Span },
}

impl From<Lints> for Problem {
    fn from(fact: Lints) -> Problem {
        match fact {
            Lints::UnusedData { name, span } => {
                Problem::warning("ppl::model::unused_data", format!("data `{name}` is never read"))
                    .label(span, "declared here")
                    .help(format!(
                        "observe it with `~`, read it, or remove the line; its dims would still be bound by `{name}`"
                    ))
            }
            Lints::UnusedLatent { name, span } => {
                Problem::warning("ppl::model::unused_latent", format!("nothing observed depends on `{name}`"))
                    .label(span, "its posterior is its prior")
                    .help("read it in the distribution of something observed, or remove it")
            }
            Lints::UnitBernoulli { name, declared, span } => {
                let message =
                    format!("data `{name}` is unit, and Bernoulli scores it by the cross-entropy, which is no density");
                Problem::warning("ppl::model::unit_bernoulli", message)
                    .label(span, "a density over 0 and 1")
                    .label(declared, "declared unit")
                    .help(format!(
                        "for a density make `{name}` binary (`threshold(..., 0.5)` or `bernoulli(...)`), or use Beta"
                    ))
            }
            Lints::Funnel { site, scale, site_span, scale_span, fix } => {
                let message = format!(
                    "`{site}` is centred on the latent scale `{scale}`: a funnel, which mean-field cannot follow"
                );
                let problem = Problem::warning("ppl::model::funnel", message)
                    .label(site_span, format!("its spread is `{scale}`"))
                    .label(scale_span, format!("where `{scale}` is small, every `{site}` is squeezed"))
                    .help(format!(
                        "a mean-field guide gives `{site}` one spread whatever `{scale}` is, so it stays out of the narrow \
                         part; draw a standard Normal and scale it{}",
                        if fix.is_some() { " (`ppl check --fix` rewrites it)" } else { "" }
                    ));
                match fix {
                    Some(fix) => problem.fix(fix),
                    None => problem,
                }
            }
            Lints::LabelSymmetry { site, plate, sites, span } => {
                let message =
                    format!("the rows of {plate} are exchangeable: their labels can be swapped without a difference");
                Problem::warning("ppl::model::label_symmetry", message)
                    .label(span, format!("`{site}` picks one of them"))
                    .help(format!(
                        "the posterior has one mode for every order of {}, and a fit, which keeps the best of several starts, \
                         finds one of them; an `ordered[K]` site tells them apart",
                        super::quoted(&sites)
                    ))
            }
            Lints::HalfDensity { name, dist, half, span, fix } => {
                let message = format!("`{name}` is a {dist} cut at 0, and {half} is that density normalized");
                let problem = Problem::warning("ppl::model::half_cauchy", message)
                    .label(span, "a restricted density is not renormalized")
                    .help(format!(
                        "write `{name} ~ {half}(...)`: the same posterior, and its bound is a bound on log evidence"
                    ));
                match fix {
                    Some(fix) => problem.fix(fix),
                    None => problem,
                }
            }
            Lints::Restricted { name, dist, support, text, span, fix } => Problem::warning(
                "ppl::model::restricted",
                format!("`{name}` is {support}, and the part of {dist} that lies there is not renormalized"),
            )
            .label(span, "its mass there is below 1")
            .help(format!("write `{text}`: the same posterior, and its bound is a bound on log evidence"))
            .fix(fix),
            Lints::Improper { name, span } => Problem::warning(
                "ppl::model::improper",
                format!("`{name}` has a flat prior and nothing observed depends on it"),
            )
            .label(span, "its posterior is not a distribution")
            .help("give it a proper prior, or read it where something is observed"),
        }
    }
}
