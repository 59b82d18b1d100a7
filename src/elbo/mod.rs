//! Model to `Elbo`: the bound, term by term, and for every latent site an estimator with the reason for it.
//!
//! `cost` gathers who depends on whom, `estimator` decides what becomes of each site, `guide` makes their values,
//! `derive` and `sites` the terms, `sum_out` the sums over discrete sites; `closed` is what needs no sampling. An energy
//! has no bound: `energy` derives the conditionals and blocks that its gradient is sampled by.

use std::collections::BTreeMap;

pub mod because;
pub mod chain;
pub mod closed;
pub mod cost;
pub mod derive;
pub mod enumerate;
pub mod estimator;
pub mod free;
pub mod guide;
pub mod dot;
pub mod energy;
pub mod json;
pub mod latex;
pub mod limits;
pub mod menu;
pub mod missing;
pub mod moments;
pub mod objective;
pub mod particles;
pub mod print;
pub mod problems;
pub mod requests;
pub mod rewrite;
pub mod sites;
pub mod sum_out;
pub mod tables;
pub mod verify;

pub use derive::derive;
pub use objective::Objective;
pub use print::print;
pub use verify::verify;

use crate::arena::Arena;
use crate::math::{Graph, NodeId, SiteId};
use crate::model::{self, Baseline, Model, Request};
use crate::shape::{Axis, AxisId};

/// The derived bound. `graph` and `axes` are the model's, extended: node ids of the model stay valid. The `model` here has
/// the free factors that an automatic guide gives in its guide, and their params.
#[derive(Debug, Clone, PartialEq)]
pub struct Elbo {
    pub model: Model,
    pub graph: Graph,
    pub axes: Arena<Axis>,
    /// One a latent site, in the order of `Model::sites`.
    pub sites: Vec<SiteView>,
    /// What is maximized: the sum of the terms, unless something else was asked for.
    pub objective: Objective,
    /// The bound with closed forms: the printed text, and what the stochastic path differentiates.
    pub terms: Vec<Term>,
    /// log p of everything with nothing replaced by a closed form (summed-out sites summed out), for weights and k-hat.
    pub log_p: Vec<Term>,
    /// log q of every factor at its own draw; for an automatic Gaussian guide the plan knows the density of the
    /// unconstrained draw, and only minus the log-determinant of the map is here.
    pub log_q: Vec<Term>,
}

/// How a latent site is treated.
#[derive(Debug, Clone, PartialEq)]
pub struct SiteView {
    pub site: SiteId,
    pub treatment: Treatment,
    /// What `Op::Site` stands for: `forward(Free)`, a draw of the written factor, or `Row(states)`.
    pub value: NodeId,
    pub choice: Choice,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Treatment {
    /// Drawn from the automatic guide's joint or independent Gaussian, through the bijector of its support.
    Auto,
    /// Drawn from the factor at this place in `Guide::factors`.
    Written(usize),
    /// Summed out of the model over this axis of states.
    SummedOut(AxisId),
    /// The expectation under its written factor (the place in `Guide::factors`) is summed over this axis of states in
    /// `terms`; `value`, a draw of the factor by inversion, serves `log_p` and `log_q`.
    Enumerated(usize, AxisId),
    /// Nothing observed depends on it: integrates to one. `value` is a draw from the model.
    Leaf,
    /// A unit of an energy, drawn from its conditional; `value` is the site.
    Gibbs,
}

/// An estimator and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    pub estimator: Estimator,
    pub because: String,
}

/// How a site's share of the gradient, or the value of a term, is found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Estimator {
    IntegratesToOne,
    SummedOut,
    Enumerate,
    /// The factor that is best given the rest, in closed form.
    Conjugate,
    /// Expectation in closed form.
    Analytic,
    Pathwise,
    /// The cost, less a baseline, times the gradient of log q (Williams 1992).
    Score {
        baseline: Baseline,
    },
    /// Score function with the log weights of the other draws as baseline (Mnih & Rezende 2016): of weighted bounds.
    Vimco,
    Disarm,
    Rebar,
    Relax,
    /// With its temperature.
    Concrete(f64),
    StraightThrough,
    /// Drawn from its conditional given the other units of an energy, in turn with them.
    Gibbs,
}

impl Estimator {
    /// Whether the site's draw is held fixed, and its cost weighs the gradient of log q.
    pub fn is_score(self) -> bool {
        use Estimator::*;
        matches!(self, Score { .. } | Vimco | Disarm | Rebar | Relax)
    }

    /// Whether the gradient is that of another function.
    pub fn is_biased(self) -> bool {
        self.request().is_some_and(|request| menu::row(request).biased)
    }

    /// What a guide writes to have it, where it can.
    pub fn request(self) -> Option<Request> {
        Some(match self {
            Estimator::Enumerate => Request::Enumerate,
            Estimator::Pathwise => Request::Pathwise,
            Estimator::Score { baseline } => Request::Score(Some(baseline)),
            Estimator::Vimco => Request::Score(None),
            Estimator::Disarm => Request::Disarm,
            Estimator::Rebar => Request::Rebar,
            Estimator::Relax => Request::Relax,
            Estimator::Concrete(temperature) => Request::Concrete(temperature),
            Estimator::StraightThrough => Request::StraightThrough,
            _ => return None,
        })
    }
}

/// Whether the objective is made of draws and their weights, so that no expectation in it is taken in closed form.
pub fn weighted(model: &Model) -> bool {
    use model::Objective::*;
    match model.fit.objective {
        Some(Renyi { order, .. }) => order != 1.0,
        Some(Iwae(_) | ForwardKl(_) | WakeSleep | Rws { .. }) => true,
        _ => false,
    }
}

/// One line of the objective.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    pub kind: TermKind,
    /// Added (log densities, entropies) or subtracted (KL).
    pub sign: f64,
    /// A number in `plates` (and the axis of draws).
    pub value: NodeId,
    /// Summed over these; a plate the value does not vary over multiplies. Outermost first.
    pub plates: Vec<AxisId>,
    pub choice: Choice,
    /// The other estimators of a term that feels draws of several kinds.
    pub also: Vec<Choice>,
}

impl Term {
    /// Whether beta of `elbo(beta: ...)` multiplies it: what is not about data or factors alone.
    pub fn is_latent(&self) -> bool {
        !matches!(self.kind, TermKind::Observed(_) | TermKind::Factor(_))
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum TermKind {
    /// E_q log p of an observation (place in `Model::statements`), or of a `factor`.
    Observed(usize),
    Factor(usize),
    /// E_q log p of a site that has no closed form.
    Prior(SiteId),
    Kl(SiteId),
    /// Entropy of a written factor.
    Entropy(SiteId),
    /// Entropy of the automatic guide's Gaussian over these sites, on the unconstrained scale: the logarithms of
    /// `Op::AutoScale` summed, and a constant.
    AutoEntropy(Vec<SiteId>),
    /// log-determinant of the map of an automatic factor.
    LogDet(SiteId),
    /// log of the sum over the states of these sites of the product of these statements.
    SummedOut {
        sites: Vec<SiteId>,
        statements: Vec<usize>,
    },
    /// log q of a written factor at its draw.
    LogQ(SiteId),
    /// log density of a standard Normal at the coordinates that an automatic factor of missing entries has where entries
    /// are there.
    Spare(SiteId),
}

/// Values by site, for printers and tests.
pub type BySite<T> = BTreeMap<SiteId, T>;
