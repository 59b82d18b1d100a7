//! Problems of distributions that are made of others.

use super::count;
use crate::problem::Problem;
use crate::source::Span;

pub(in crate::model) enum Composites {
    NotADistribution { dist: &'static str, list: bool, text: String, span: Span },
    WeightsNumber { dist: &'static str, text: String, span: Span },
    WeightsCount { text: String, size: String, parts: usize, span: Span },
    PartSupports { one: &'static str, one_support: String, two: &'static str, two_support: String, span: Span },
    CutOfVectors { dist: &'static str, inner: &'static str, span: Span },
    CensoredLatent { name: String, span: Span },
    NoBounds { dist: &'static str, written: String, span: Span },
    EmptyBounds { dist: &'static str, lo: f64, hi: f64, span: Span },
}

impl From<Composites> for Problem {
    fn from(fact: Composites) -> Problem {
        match fact {
            Composites::NotADistribution { dist, list, text, span } => {
                let example = if list { "`[Normal(0, 1), Normal(0, 10)]`" } else { "`Normal(mu, sigma)`" };
                let also = if list { " or a list of them" } else { "" };
                Problem::error("ppl::model::not_a_distribution", format!("{dist} takes a distribution, not `{text}`"))
                    .label(span, format!("a distribution{also} is wanted here"))
                    .help(format!("write a distribution{also} in place of `{text}`, for example {example}"))
            }
            Composites::WeightsNumber { dist, text, span } => {
                let message = format!("the weights of {dist} are a vector, and `{text}` is a number");
                Problem::error("ppl::model::dist_shape", message)
                    .label(span, "this is a number")
                    .help("give one weight a component: `[0.2, 0.8]`, or a param or site that is `simplex[K]`")
            }
            Composites::WeightsCount { text, size, parts, span } => {
                let message = format!("`{text}` has {size} weights, and the mixture has {}", count(parts, "component"));
                Problem::error("ppl::model::mixture", message)
                    .label(span, format!("{size} weights"))
                    .help("give one weight for each component")
            }
            Composites::PartSupports { one, one_support, two, two_support, span } => {
                let message = format!("the components of a mixture have one support, and {one} and {two} have two");
                Problem::error("ppl::model::mixture", message)
                    .label(span, format!("{one} is over {one_support}, {two} over {two_support}"))
                    .help(format!("replace one of them by a distribution over the other's support, or cut the wider one: `Truncated({one}(...), lo, hi)`"))
            }
            Composites::CutOfVectors { dist, inner, span } => {
                let message = format!("{dist} takes a distribution of numbers that is made of no other, not {inner}");
                Problem::error("ppl::model::cut", message)
                    .label(span, format!("{inner} has no distribution function"))
                    .help(format!("for example `{dist}(Normal(mu, sigma), 0, inf)`"))
            }
            Composites::CensoredLatent { name, span } => {
                Problem::error("ppl::model::cut", format!("`{name}` is latent, and only observations are censored"))
                    .label(span, "puts probability on its bounds")
                    .help("write `Truncated(D, lo, hi)` for a latent that lies between bounds")
            }
            Composites::NoBounds { dist, written, span } => {
                Problem::error("ppl::model::cut", format!("{dist} needs a bound, `lo` or `hi`"))
                    .label(span, "not given here")
                    .help(format!("it is {written}, and one bound may be left out: `{dist}(Normal(mu, sigma), lo: 0)`"))
            }
            Composites::EmptyBounds { dist, lo, hi, span } => Problem::error(
                "ppl::model::cut",
                format!("there is nothing between the bounds {lo} and {hi} of {dist}"),
            )
            .label(span, "`lo` is not below `hi`")
            .help(format!("give the lower bound first: `{dist}(..., {hi}, {lo})`")),
        }
    }
}
