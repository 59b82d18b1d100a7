//! The guide as checked (LANGUAGE.md 1.8): written factors, and the automatic one of sites that are not written.

use std::fmt;

use crate::dist::Dist;
use crate::math::SiteId;
use crate::math::print::print_number;
use crate::shape::AxisId;
use crate::source::{Span, Spanned};

#[derive(Debug, Clone, PartialEq)]
pub struct Guide {
    /// The factor of sites that are not written.
    pub auto: Option<Auto>,
    /// In the order written, which is the order drawn.
    pub factors: Vec<Factor>,
    pub span: Option<Span>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auto {
    MeanField,
    FullRank,
    /// The rank.
    LowRank(usize),
    Map,
    Laplace,
    Exact,
    Flow(Flow),
}

impl Auto {
    /// Whether one Normal is over all its sites together.
    pub fn is_joint(self) -> bool {
        matches!(self, Auto::FullRank | Auto::LowRank(_) | Auto::Laplace)
    }

    /// Whether it is found at a mode, not by a bound.
    pub fn is_mode(self) -> bool {
        matches!(self, Auto::Map | Auto::Laplace)
    }
}

impl fmt::Display for Auto {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Auto::MeanField => write!(f, "meanfield"),
            Auto::FullRank => write!(f, "fullrank"),
            Auto::LowRank(rank) => write!(f, "lowrank({rank})"),
            Auto::Map => write!(f, "map"),
            Auto::Laplace => write!(f, "laplace"),
            Auto::Exact => write!(f, "exact"),
            Auto::Flow(flow) => write!(f, "flow({flow})"),
        }
    }
}

/// The learned maps of a flow, in the order in which a draw goes through them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Rezende & Mohamed 2015.
    Planar(usize),
    Radial(usize),
    /// Dinh et al. 2017.
    Coupling {
        maps: usize,
        hidden: usize,
    },
    /// Kingma et al. 2016.
    Iaf {
        maps: usize,
        hidden: usize,
    },
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Flow::Planar(maps) => write!(f, "planar({maps})"),
            Flow::Radial(maps) => write!(f, "radial({maps})"),
            Flow::Coupling { maps, hidden } => write!(f, "coupling({maps}, {hidden})"),
            Flow::Iaf { maps, hidden } => write!(f, "iaf({maps}, {hidden})"),
        }
    }
}

/// `z ~ Dist(...) by ESTIMATOR` in the guide.
#[derive(Debug, Clone, PartialEq)]
pub struct Factor {
    pub site: SiteId,
    pub dist: Dist,
    /// `Flow(D, planar(8))`: draws of `dist` go through these maps.
    pub flow: Option<Flow>,
    /// The guide's own axes, in the order of the site's plates.
    pub plates: Vec<AxisId>,
    pub by: Option<Spanned<Request>>,
    /// Of a free factor, which nobody wrote: why its site is not summed out.
    pub free: Option<String>,
    pub span: Span,
}

/// The estimator that `by` asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Request {
    Pathwise,
    Enumerate,
    /// With the baseline that was asked for.
    Score(Option<Baseline>),
    Disarm,
    Rebar,
    Relax,
    /// The temperature.
    Concrete(f64),
    StraightThrough,
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Request::Pathwise => write!(f, "pathwise"),
            Request::Enumerate => write!(f, "enumerate"),
            Request::Score(None) => write!(f, "score"),
            Request::Score(Some(baseline)) => write!(f, "score(baseline: {baseline})"),
            Request::Disarm => write!(f, "disarm"),
            Request::Rebar => write!(f, "rebar"),
            Request::Relax => write!(f, "relax"),
            Request::Concrete(temperature) => write!(f, "concrete({})", print_number(*temperature)),
            Request::StraightThrough => write!(f, "straight_through"),
        }
    }
}

/// What is subtracted from the cost of a score-function estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Baseline {
    None,
    /// A running mean of the cost.
    Mean,
    /// The running mean times a coefficient fitted to earlier steps.
    Regression,
    /// The mean cost of the other particles.
    LeaveOneOut,
    /// The running mean plus a network with this many hidden units, over what the site's factor reads.
    Net(usize),
}

impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Baseline::None => write!(f, "none"),
            Baseline::Mean => write!(f, "mean"),
            Baseline::Regression => write!(f, "regression"),
            Baseline::LeaveOneOut => write!(f, "loo"),
            Baseline::Net(hidden) => write!(f, "net({hidden})"),
        }
    }
}
