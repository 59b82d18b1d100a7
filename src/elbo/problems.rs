//! What a user can ask for that has no legal bound, and what this version does not derive yet.

use crate::problem::Problem;
use crate::source::Span;

/// Facts; prose is in one place, below.
#[derive(Debug, Clone, PartialEq)]
pub enum ElboProblem {
    /// `by ...` that is not legal for this site.
    IllegalEstimator { site: String, asked: String, why: String, legal: String, span: Span },
    /// Rows of a summed-out site are read from outside its plate.
    LeavesPlate { site: String, reader: Span, span: Span },
    /// A minibatched plate lies inside the plates of a summed-out site.
    BatchedInside { site: String, plate: String, dim: String, span: Span },
    /// The joint states of sites that share a factor.
    /// `bound`: found when data were bound.
    TableTooLarge { sites: Vec<String>, states: i64, bound: bool, span: Span },
    /// The guide reads a site that is summed out.
    SummedOutRead { site: String, read: Span, factor: &'static str, span: Span },
    /// A relaxed draw is scored by the density of a discrete prior: a warning.
    Relaxed { site: String, dist: &'static str, by: Span, span: Span },
    /// An objective that this model cannot have.
    Objective { objective: String, trouble: ObjectiveTrouble, span: Span },
    /// Something legal that is not derived yet.
    Limitation { what: Limitation, span: Span },
}

impl ElboProblem {
    /// The sites whose table is too large, if that is the problem.
    pub fn table(&self) -> Option<&[String]> {
        if let ElboProblem::TableTooLarge { sites, .. } = self { Some(sites) } else { None }
    }
}

/// Why a model cannot have an objective.
#[derive(Debug, Clone, PartialEq)]
pub enum ObjectiveTrouble {
    /// One weight for all data, and rows that are drawn a step.
    Batch { dim: String },
    /// Local latents in plates side by side: no row has a weight of its own.
    SeveralPlates,
    /// A row of a local latent is read outside the plate whose rows are weighted.
    RowsReadOutside { site: String, reader: Span },
    /// An objective of the guide alone, and a parameter of the model.
    ModelParam { param: String },
    /// Dreams are of rows, and this latent is not in one.
    GlobalSite { site: String },
    /// There is nothing to dream with.
    Unsimulated { why: String },
    /// The guide is found at a mode.
    Mode { guide: String },
}

/// What is not there yet, each with a code of its own.
#[derive(Debug, Clone, PartialEq)]
pub enum Limitation {
    ScoreFunction {
        site: String,
        why: String,
        jump: Option<Span>,
    },
    Guide {
        name: String,
    },
    /// Draws of this guide are weighed site by site.
    LowRankDensity {
        guide: String,
    },
    /// A factor is written beside a guide that is found at a mode.
    ModeBesideFactors {
        guide: String,
    },
    Flow {
        maps: String,
    },
    /// A site that would be summed along a chain, and a definition that accumulates it.
    Carried {
        site: String,
        definition: String,
    },
    Energy {
        name: String,
        trouble: EnergyTrouble,
    },
    DiscreteEvent {
        site: String,
    },
    EnumerateRows {
        site: String,
        plate: String,
    },
    Objective {
        name: String,
    },
    BetaSchedule,
    MissingValues {
        data: String,
        /// By a tempered bound, entry by entry.
        weighed: bool,
    },
    MissingMap {
        data: String,
    },
}

/// Why an energy has no conditionals.
#[derive(Debug, Clone, PartialEq)]
pub enum EnergyTrouble {
    /// These are no `binary` vector.
    Units(String),
    /// A part of it that its slope is not known of.
    NoSumOfProducts,
    /// It is not seen to be at most quadratic in this vector.
    Degree(String),
    NoData,
}

/// The largest table of states that is summed over in one row.
pub const TABLE: i64 = 1 << 22;

impl From<ElboProblem> for Problem {
    fn from(fact: ElboProblem) -> Problem {
        use ElboProblem::*;
        match fact {
            IllegalEstimator { site, asked, why, legal, span } => {
                Problem::error("ppl::elbo::illegal_estimator", format!("`by {asked}` is not legal for `{site}`: {why}"))
                    .label(span, "asked for here")
                    .help(legal)
            }
            LeavesPlate { site, reader, span } => leaves_plate(&site, reader, span),
            BatchedInside { site, plate, dim, span } => batched_inside(&site, &plate, &dim, span),
            TableTooLarge { sites, states, bound, span } => table_too_large(&sites, states, bound, span),
            SummedOutRead { site, read, factor, span } => summed_out_read(&site, read, factor, span),
            Relaxed { site, dist, by, span } => relaxed(&site, dist, by, span),
            Objective { objective, trouble, span } => wrong_objective(&objective, trouble, span),
            Limitation { what, span } => limitation(what, span),
        }
    }
}

fn wrong_objective(objective: &str, trouble: ObjectiveTrouble, span: Span) -> Problem {
    use ObjectiveTrouble::*;
    let (why, help, other) = match trouble {
        Batch { dim } => {
            let why = "it has one weight for all data, because a latent is outside all plates, and takes no minibatch";
            (why.to_string(), format!("remove `{dim}` from `batch:`, or write `objective: elbo`"), None)
        }
        SeveralPlates => {
            let why = "latents stand in plates side by side, so no row has a weight of its own";
            (why.into(), "write `objective: elbo`".into(), None)
        }
        RowsReadOutside { site, reader } => {
            let why = format!("it has one weight a row, and rows of `{site}` are read outside their plate");
            (why, format!("read `{site}` inside its own plate only, or write `objective: elbo`"), Some(reader))
        }
        ModelParam { param } => {
            let why = format!("it moves the guide towards the posterior, and the model has a parameter, `{param}`");
            (why, "write `objective: rws(10)`, or give the parameter a prior".into(), None)
        }
        GlobalSite { site } => {
            let why = format!("a dream is a row with its latents, and `{site}` is in no plate");
            (why, "write `objective: elbo`, or `rws(10)`, which needs no dreams".into(), None)
        }
        Mode { guide } => {
            let why = format!("`guide {guide}` is found at the mode of the log joint, whatever the objective");
            (why, "remove the objective, or write `guide meanfield`".into(), None)
        }
        Unsimulated { why } => {
            (format!("dreams are drawn from the model, and {why}"), "write `objective: elbo`".into(), None)
        }
    };
    let problem = Problem::error("ppl::elbo::objective", format!("`{objective}` is not legal for this model: {why}"))
        .label(span, "asked for here")
        .help(help);
    match other {
        Some(reader) => problem.label(reader, "read here"),
        None => problem,
    }
}

fn leaves_plate(site: &str, reader: Span, span: Span) -> Problem {
    Problem::error(
        "ppl::elbo::leaves_plate",
        format!("`{site}` is summed row by row, so its rows cannot be read outside its plate"),
    )
    .label(reader, format!("other rows of `{site}` are read here"))
    .label(span, format!("`{site}` is discrete"))
    .help(format!("read `{site}` inside its own plate only"))
}

fn summed_out_read(site: &str, read: Span, factor: &str, span: Span) -> Problem {
    let message = format!("`{site}` is discrete and summed out, so the guide has no draw of it to read");
    Problem::error("ppl::elbo::guide_summed_out", message)
        .label(read, "read here")
        .label(span, format!("the guide writes no factor for `{site}`"))
        .help(format!("write a factor for `{site}` above, for example `{site} ~ {factor}(p)`"))
}

fn relaxed(site: &str, dist: &str, by: Span, span: Span) -> Problem {
    let message = format!("the draw of `{site}` is relaxed, and its prior is discrete: what is maximized is no bound");
    Problem::warning("ppl::elbo::relaxed", message)
        .label(by, "draws numbers between 0 and 1")
        .label(span, format!("{dist} is about 0 and 1 alone"))
        .help(format!(
            "for a bound leave `by` out, or write `by rebar`, whose gradients are unbiased; or relax both: \
             `{site} ~ RelaxedBernoulli(0.5, p)` in model and guide"
        ))
}

fn batched_inside(site: &str, plate: &str, dim: &str, span: Span) -> Problem {
    Problem::error(
        "ppl::elbo::batched_inside",
        format!("`{site}` is summed over with all rows of plate `{plate}` at once, so `{dim}` cannot be batched"),
    )
    .label(span, format!("every row of `{dim}` reads the same `{site}`"))
    .help(format!("remove `{dim}` from `batch:`"))
}

fn table_too_large(sites: &[String], states: i64, bound: bool, span: Span) -> Problem {
    // Beyond this the number itself says nothing.
    let states = if states > 1_000_000_000 { "more than a billion".into() } else { thousands(states) };
    let (names, budget) = (quoted(sites), thousands(TABLE));
    Problem::error(
        "ppl::elbo::table_too_large",
        format!("a sum over {names} needs a table of {states} states a row; the budget is {budget}"),
    )
    .label(span, if sites.len() > 1 { "summed over together with the others" } else { "all its states at once" })
    .help(match (bound, sites.first()) {
        (true, Some(site)) => format!(
            "write a factor in the guide, as in `{site} ~ Categorical(logits: l)`, or give the dim its value with `--set`: \
             the guide then gives a free one"
        ),
        _ => "make a dim smaller, or split what they share".into(),
    })
}

fn limitation(what: Limitation, span: Span) -> Problem {
    if let Limitation::ScoreFunction { site, why, jump } = &what {
        return score_function(site, why, *jump, span);
    }
    let (code, help) = code_and_help(&what);
    Problem::error(code, message(&what)).label(span, "here").help(help)
}

fn message(what: &Limitation) -> String {
    use Limitation::*;
    match what {
        ScoreFunction { site, why, .. } => format!("`{site}` needs the score-function estimator: {why}"),
        Flow { maps } => format!("a factor pushed through the maps of a flow, `{maps}`, cannot be fitted yet"),
        Guide { name } => format!("`guide {name}` cannot be fitted yet"),
        LowRankDensity { guide } => {
            format!("draws of `guide {guide}` cannot be weighed by the density of each site yet")
        }
        ModeBesideFactors { guide } => format!("a factor beside `guide {guide}` cannot be fitted yet"),
        Carried { site, definition } => {
            format!("`{definition}` carries `{site}` from row to row, so `{site}` cannot be summed out row by row")
        }
        Energy { trouble: EnergyTrouble::Units(other), .. } => {
            format!("energies are of `binary` vectors so far, and `{other}` is something else")
        }
        Energy { name, trouble: EnergyTrouble::NoSumOfProducts } => {
            format!("conditionals are derived of energies that are sums of products, and `{name}` has another part")
        }
        Energy { name, trouble: EnergyTrouble::Degree(unit) } => {
            format!(
                "conditionals are derived of energies at most quadratic in a vector: `{name}` is not seen to be in `{unit}`"
            )
        }
        Energy { name, trouble: EnergyTrouble::NoData } => {
            format!("the energy `{name}` is of no data, so there is nothing that its parameters follow")
        }
        DiscreteEvent { site } => {
            format!("`{site}` has several components and a size that is not known: its states cannot be listed")
        }
        EnumerateRows { site, plate } => {
            format!("`{site}` cannot be enumerated: all rows of `{plate}` share a term with a site that is summed out")
        }
        Objective { name } => format!("the objective `{name}` cannot be fitted yet"),
        BetaSchedule => "a schedule for beta is not there yet where a site is summed out".into(),
        MissingValues { data, weighed: true } => {
            format!(
                "`elbo(beta: ...)` does not yet weigh `{data}`, whose missing entries are latent and whose others are data"
            )
        }
        MissingMap { data } => {
            format!("missing entries of `{data}` are vectors of bounded numbers, which have no automatic factor yet")
        }
        MissingValues { data, .. } => {
            format!("a row of `{data}` is several vectors, and entries of them may be missing")
        }
    }
}

fn code_and_help(what: &Limitation) -> (&'static str, &'static str) {
    use Limitation::*;
    match what {
        ScoreFunction { .. } => ("ppl::limitation::score_function", SMOOTH),
        Flow { .. } => ("ppl::limitation::flow", "write the distribution inside of `Flow` alone"),
        Guide { .. } => ("ppl::limitation::guide", "write `guide meanfield` or `guide fullrank`"),
        LowRankDensity { .. } => {
            ("ppl::limitation::guide", "write `guide fullrank`, or `objective: elbo` without `kl: sampled`")
        }
        ModeBesideFactors { .. } => {
            ("ppl::limitation::guide", "leave the factor out, or write `guide meanfield { ... }` around it")
        }
        Carried { .. } => (
            "ppl::limitation::chain_definition",
            "write a factor for the site in the guide, or let the definition read continuous sites and data alone",
        ),
        Energy { trouble: EnergyTrouble::NoSumOfProducts | EnergyTrouble::Degree(_), .. } => (
            "ppl::limitation::energy",
            "write it with `dot`, `@`, `sum`, `+`, `-` and `*`, with at most two entries of a vector in a product",
        ),
        Energy { trouble: EnergyTrouble::NoData, .. } => {
            ("ppl::limitation::energy", "name data to its left, as in `(x[n], h: binary[H]) ~ Boltzmann(e)`")
        }
        Energy { .. } => ("ppl::limitation::energy", "write the model with sites and `~`, or a `factor`"),
        DiscreteEvent { .. } => ("ppl::limitation::discrete_event", "give the size a value, as in `dim K = 4`"),
        EnumerateRows { .. } => {
            ("ppl::limitation::enumerate", "write `by score` after its factor, or leave it out of the guide too")
        }
        Objective { .. } => ("ppl::limitation::objective", "write `objective: elbo`"),
        BetaSchedule => ("ppl::limitation::objective", "write a number, as in `elbo(beta: 4)`"),
        MissingMap { .. } => ("ppl::limitation::missing_values", "write their factor in the guide"),
        MissingValues { weighed: true, .. } => ("ppl::limitation::missing_values", "write `objective: elbo`"),
        MissingValues { .. } => ("ppl::limitation::missing_values", "make each vector a row: `data x[N, J]: real[K]?`"),
    }
}

const SMOOTH: &str = "use a reparameterized factor (Normal, LogNormal, Gamma, ...), or let a finite site be summed out";

fn score_function(site: &str, why: &str, jump: Option<Span>, span: Span) -> Problem {
    let problem = Problem::error(
        "ppl::limitation::score_function",
        format!("`{site}` needs the score-function estimator, which is not there yet: {why}"),
    )
    .label(span, "drawn here");
    match jump {
        Some(jump) => problem
            .label(jump, format!("jumps as `{site}` moves"))
            .help("use something smooth there (`sigmoid` for a step), or a finite site, which is summed out"),
        None => problem.help(SMOOTH),
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// `330,040`
pub fn thousands(n: i64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && digit.is_ascii_digit() && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
