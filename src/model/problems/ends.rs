//! Problems of distributions whose support their arguments set.

use crate::problem::Problem;
use crate::source::Span;

pub(in crate::model) enum Ends {
    Empty {
        dist: &'static str,
        names: [&'static str; 2],
        values: [f64; 2],
        span: Span,
    },
    Moves {
        site: String,
        dist: &'static str,
        name: &'static str,
        reads: String,
        span: Span,
    },
    Outside {
        data: String,
        have: String,
        declared: Span,
        dist: &'static str,
        name: &'static str,
        reads: String,
        span: Span,
    },
    NoBins {
        site: String,
        dist: &'static str,
        span: Span,
    },
    Point {
        site: String,
        observed: bool,
        span: Span,
    },
}

impl From<Ends> for Problem {
    fn from(fact: Ends) -> Problem {
        match fact {
            Ends::Empty { dist, names: [lo, hi], values: [low, high], span } => Problem::error(
                "ppl::model::empty_interval",
                format!("{dist} has nothing between `{lo}` and `{hi}`: they are {low} and {high}"),
            )
            .label(span, "an empty support")
            .help(format!("the lower bound comes first: {dist} takes `{lo}` below `{hi}`")),
            Ends::Moves { site, dist, name, reads, span } => {
                let message = format!("the support of `{site}` depends on {reads}, through `{name}` of {dist}");
                let help = match dist {
                    "Uniform" => format!(
                        "draw on a fixed support and scale it: `u ~ Uniform(0, 1)`, then `{site} = lo + (hi - lo) * u`"
                    ),
                    "Pareto" => format!(
                        "draw on a fixed support and scale it: `u ~ Pareto(1, shape)`, then `{site} = scale * u`"
                    ),
                    _ => format!("a guide's factor cannot move with it: give `{name}` a constant or data"),
                };
                Problem::error("ppl::model::latent_bound", message)
                    .label(span, "this support moves while fitting")
                    .help(help)
            }
            Ends::Outside { data, have, declared, dist, name, reads, span } => {
                let message = format!("data `{data}` is {have}, and `{name}` of {dist} moves with {reads}");
                Problem::error("ppl::model::observed_support", message)
                    .label(span, "values outside would have density 0")
                    .label(declared, format!("declared {have}"))
                    .help(format!(
                        "declare both so that the data stay inside whatever is drawn: `data {data}: real(0, 5)` and a \
                         latent of type `real(5, inf)` for `hi`"
                    ))
            }
            Ends::NoBins { site, dist, span } => Problem::error(
                "ppl::model::site_support",
                format!("{dist} is over the values of a finite type, and `{site}` has none"),
            )
            .label(span, "how many bins there are is not said")
            .help(format!("declare `{site}` as `count(255)` or `category(256)`")),
            Ends::Point { site, observed: false, span } => {
                Problem::error("ppl::model::delta", format!("`{site}` is drawn from a point, and so no latent"))
                    .label(span, "all mass is at one value")
                    .help(format!("write `{site} = ...`; as a factor of the guide `Delta` makes a site a point"))
            }
            Ends::Point { site, observed: true, span } => {
                Problem::error("ppl::model::delta", format!("`{site}` is observed under a point, which has no density"))
                    .label(span, "all mass is at one value")
                    .help(format!("say how `{site}` scatters around it: `Normal(value, scale)`"))
            }
        }
    }
}
