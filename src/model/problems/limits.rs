//! What the language has and this version does not compile yet: said as such, each with its own code.

use crate::problem::Problem;
use crate::source::Span;

pub(in crate::model) enum Limits {
    Distribution { name: String, span: Span },
    Cut { dist: &'static str, inner: &'static str, span: Span },
    Layer { name: String, written: &'static str, span: Span },
    Chain { span: Span },
    MissingRead { name: String, span: Span },
    Auto { name: String, span: Span },
    Objective { name: String, span: Span },
    Optimizer { name: String, span: Span },
    Phase { span: Span },
    Entry { name: String, span: Span },
    Energy { name: String, span: Span },
}

impl From<Limits> for Problem {
    fn from(fact: Limits) -> Problem {
        match fact {
            Limits::Distribution { name, span } => {
                let help = match name.as_str() {
                    "Cauchy" => {
                        "write `StudentT(1, loc, scale)`, which is the same; for a positive scale `HalfCauchy(scale)`"
                    }
                    "Boltzmann" => "energy models are to come; nothing in this version fits one",
                    _ => {
                        "distributions so far: Normal, LogNormal, HalfNormal, HalfCauchy, StudentT, Gamma, Beta, \
                          Dirichlet, Exponential, Bernoulli, Categorical, Poisson, Binomial and Flat"
                    }
                };
                Problem::error("ppl::limitation::distribution", format!("the distribution {name} is not supported yet"))
                    .label(span, "known, and to come")
                    .help(help)
            }
            Limits::Cut { dist, inner, span } => Problem::error(
                "ppl::limitation::cut",
                format!("the distribution function of {inner} is not known yet, and {dist} needs it"),
            )
            .label(span, "known, and to come")
            .help(format!("it is known of {}", crate::dist::cdf::names())),
            Limits::Layer { name, written, span } => {
                Problem::error("ppl::limitation::layer", format!("the layer `{written}` is not supported yet"))
                    .label(span, format!("`{name}` is known, and to come"))
                    .help("layers so far: `dense(x, n)`; `reshape` and `flatten` work as well")
            }
            Limits::Chain { span } => {
                Problem::error("ppl::limitation::chain", "ordered plates (`chain`) are not supported yet")
                    .label(span, "this plate")
                    .help("a plate without `chain` has independent rows")
            }
            Limits::MissingRead { name, span } => {
                let message = format!("reading missing entries of `{name}` is not supported yet");
                Problem::error("ppl::limitation::missing", message)
                    .label(span, "its missing entries would be latents")
                    .help(format!("drop the rows with holes and declare `{name}` without `?`"))
            }
            Limits::Auto { name, span } => {
                Problem::error("ppl::limitation::guide", format!("the automatic guide `{name}` is not supported yet"))
                    .label(span, "known, and to come")
                    .help("write `guide meanfield` or `guide fullrank`")
            }
            Limits::Objective { name, span } => {
                Problem::error("ppl::limitation::objective", format!("the objective `{name}` is not supported yet"))
                    .label(span, "known, and to come")
                    .help("write `objective: elbo`, or leave the entry out")
            }
            Limits::Optimizer { name, span } => {
                Problem::error("ppl::limitation::optimizer", format!("the optimizer `{name}` is not supported yet"))
                    .label(span, "known, and to come")
                    .help("write `optimizer: adam(lr: 1e-3)`")
            }
            Limits::Phase { span } => Problem::error("ppl::limitation::phase", "phases are not supported yet")
                .label(span, "this phase")
                .help("model and guide are fitted together without them"),
            Limits::Entry { name, span } => {
                Problem::error("ppl::limitation::fit_entry", format!("the entry `{name}:` is not supported yet"))
                    .label(span, "known, and to come")
                    .help("leave it out")
            }
            Limits::Energy { name, span } => Problem::error(
                "ppl::limitation::energy",
                format!("energy models (`energy {name}`) are not supported yet"),
            )
            .label(span, "known, and to come")
            .help("write the model with sites and `~`, or a `factor`"),
        }
    }
}
