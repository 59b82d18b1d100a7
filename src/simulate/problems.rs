//! What keeps a model from being simulated, and what may go wrong on the way.

use crate::problem::Problem;
use crate::source::Span;

#[derive(Debug, Clone, PartialEq)]
pub enum SimulateProblem {
    Factor { span: Span },
    NoDraw { dist: String, span: Span },
    Restricted { site: String, support: String, interval: bool, dist: String, span: Span },
    NothingObserved { span: Option<Span> },
    NotANumber { name: String, rows: Vec<usize>, span: Span },
    Broken { what: String, value: f64, rows: Vec<usize>, support: String, span: Span },
    OutsideData { name: String, place: usize, value: f64, support: String, span: Span },
    NotAllObserved { name: String, span: Span },
    LittleMass { dist: String, tries: usize, span: Span },
    Energy { energy: String, span: Span },
    UnknownParam { name: String, near: Option<String>, known: Vec<String> },
    ParamShape { name: String, found: usize, wanted: Vec<usize>, span: Span },
    ParamSupport { name: String, support: String, span: Span },
}

impl From<SimulateProblem> for Problem {
    fn from(problem: SimulateProblem) -> Problem {
        use SimulateProblem as P;
        let error = |code: &'static str, message: String| Problem::error(code, message);
        match problem {
            P::Factor { span } => error("ppl::simulate::no_draw", "a model with a `factor` cannot be simulated".into())
                .label(span, "adds to the log density; nothing says how to draw from the product")
                .help("write it as `~` of a distribution, or leave it out of a copy of the model for simulation"),
            P::NoDraw { dist, span } => error("ppl::simulate::no_draw", format!("`{dist}` cannot be drawn from"))
                .label(span, "there is no exact draw of this")
                .help("give it a proper prior that can be drawn from, such as `Normal(0, 10)`"),
            P::Restricted { site, support, interval, dist, span } => {
                let help = match interval {
                    true => format!("write `Truncated({dist}(...), lo, hi)`, or a distribution over {support}"),
                    false => format!("draw `{site}` from a distribution over {support} in a copy of the model"),
                };
                let message = format!("`{site}` is restricted to {support}, and draws of {dist} are not");
                error("ppl::simulate::no_draw", message)
                    .label(span, "the density is cut off here and not renormalized")
                    .help(help)
            }
            P::NothingObserved { span } => {
                let problem =
                    error("ppl::simulate::no_data", "the model observes no data, so there are none to simulate".into());
                let problem = problem.help("observe data with `y[n] ~ ...`; `ppl sample` draws from a fitted model");
                span.into_iter().fold(problem, |problem, span| problem.label(span, "draws latents alone"))
            }
            P::NotANumber { name, rows, span } => error(
                "ppl::simulate::value",
                format!("what `{}` is drawn from is not a number", at(&name, &rows)),
            )
            .label(span, "drawn here")
            .help(
                "look for a value that overflows, or a parameter outside its support; `--param` sets point parameters",
            ),
            P::Broken { what, value, rows, support, span } => {
                let place = if rows.is_empty() { String::new() } else { format!(" at row {rows:?}") };
                error("ppl::simulate::value", format!("{what} was {value}{place}, which is not in {support}"))
                    .label(span, "computed here")
                    .help(
                        "the support could not be proven from the text: narrow the priors, or map the value with `exp`",
                    )
            }
            P::OutsideData { name, place, value, support, span } => error(
                "ppl::simulate::value",
                format!("`{name}` was drawn as {value} (entry {place}), which is not in {support}"),
            )
            .label(span, "declared narrower than what its distribution draws")
            .help(format!("declare `{name}` as what is drawn, or observe it under a distribution over {support}")),
            P::NotAllObserved { name, span } => {
                error("ppl::simulate::value", format!("some entries of `{name}` are observed by nothing"))
                    .label(span, "declared here")
                    .help("observe every row of it")
            }
            P::LittleMass { dist, tries, span } => {
                error("ppl::simulate::mass", format!("{tries} draws of {dist} all fell outside the bounds"))
                    .label(span, "the interval has almost no probability")
                    .help("widen the bounds, or move the distribution towards them")
            }
            P::Energy { energy, span } => error(
                "ppl::simulate::no_draw",
                format!("the energy `{energy}` cannot be simulated: its units are drawn by Gibbs sweeps alone, never exactly"),
            )
            .label(span, "the constant Z of this density is not known")
            .help("take data from elsewhere; a model of `~` statements, such as a sigmoid belief net, can be simulated"),
            P::UnknownParam { name, near, known } => {
                let help = match near {
                    Some(near) => format!("is it `{near}`?"),
                    None if known.is_empty() => "the model has no params; latents are drawn".into(),
                    None => format!("params of the model: {}", known.join(", ")),
                };
                error("ppl::simulate::param", format!("no param of the model is called `{name}`")).help(help)
            }
            P::ParamShape { name, found, wanted, span } => {
                let n: usize = wanted.iter().product();
                error("ppl::simulate::param", format!("`{name}` has {n} numbers, and {found} are given"))
                    .label(span, format!("its shape is {wanted:?}"))
                    .help("nested lists, rows first")
            }
            P::ParamSupport { name, support, span } => {
                error("ppl::simulate::param", format!("the value given for `{name}` is not in {support}"))
                    .label(span, "declared here")
            }
        }
    }
}

/// `y[3, 0]`
fn at(name: &str, rows: &[usize]) -> String {
    let rows: Vec<String> = rows.iter().map(usize::to_string).collect();
    if rows.is_empty() { name.into() } else { format!("{name}[{}]", rows.join(", ")) }
}
