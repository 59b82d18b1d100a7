//! Problems of data with missing entries.

use crate::problem::Problem;
use crate::source::Span;

pub(in crate::model) enum Missing {
    ReadBefore { name: String, later: Span, span: Span },
    GuideReads { name: String, text: String, span: Span },
    Support { name: String, have: String, want: String, declared: Span, span: Span },
    Joint { name: String, dist: String, declared: Span, span: Span },
    FillInModel { name: String, span: Span },
    NoLabel { text: String, size: String, span: Span },
}

impl From<Missing> for Problem {
    fn from(fact: Missing) -> Problem {
        match fact {
            Missing::ReadBefore { name, later, span } => Problem::error(
                "ppl::model::missing_read",
                format!("`{name}` may have missing entries, and is read before anything says what they are"),
            )
            .label(span, "read here")
            .label(later, "observed here")
            .help(format!("observe `{name}` above this statement")),
            Missing::GuideReads { name, text, span } => Problem::error(
                "ppl::model::missing_read",
                format!("the guide reads `{name}`, which may have missing entries, and does not draw them"),
            )
            .label(span, "what stands here where the entry is missing?")
            .help(format!(
                "write `fill({text}, 0)` for a number there, or the factor of the missing entries above: `{text} ~ ...`"
            )),
            Missing::Support { name, have, want, declared, span } => Problem::error(
                "ppl::model::missing_support",
                format!("missing entries of `{name}` are read, and would be drawn from {have}, not {want}"),
            )
            .label(span, format!("draws of this are {have}"))
            .label(declared, format!("declared {want}"))
            .help(format!("declare `{name}` as `{have}?`, or use a distribution of {want}")),
            Missing::Joint { name, dist, declared, span } => Problem::error(
                "ppl::model::missing_observed",
                format!("entries of `{name}` may be missing, and {dist} has no density for the others alone"),
            )
            .label(span, "its components are not independent")
            .label(declared, "marked with `?`")
            .help("use a distribution of independent components, or MvNormal; or remove the `?`"),
            Missing::FillInModel { name, span } => Problem::error(
                "ppl::model::missing_read",
                format!("in the model a missing entry of `{name}` is a latent, and no number stands for it"),
            )
            .label(span, "`fill` of data stands in a guide")
            .help(format!("read `{name}` itself; to make its missing entries numbers use a column expression")),
            Missing::NoLabel { text, size, span } => {
                Problem::error("ppl::model::missing_read", format!("`{text}` is no label of category({size})"))
                    .label(span, "stands where an entry is missing")
                    .help(format!("write a whole number from 0, below {size}"))
            }
        }
    }
}
