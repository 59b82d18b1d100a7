//! Ast to `Model`: names resolved, sizes, shapes, supports and plates proven. What is here is legal.

use std::collections::BTreeMap;

use crate::arena::Arena;
use crate::dist::Dist;
use crate::math::{DataId, DefId, Graph, NodeId, SiteId, Support};
use crate::shape::{Axis, AxisId, Dim, DimId, Size};
use crate::source::{Source, Span};
use crate::syntax::Expr;

pub mod batch;
pub mod check;
mod problems;
pub mod dot;
pub mod json;
pub mod print;
pub mod verify;

pub use batch::check_batch;
pub use check::{check, compile_model};

/// A checked model. `graph` holds every expression of model and guide; nets and funs are inlined into it
/// (`Op::Named` keeps how they were called).
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    pub name: String,
    pub source: Source,
    pub dims: Arena<Dim>,
    pub axes: Arena<Axis>,
    pub graph: Graph,
    pub constants: Vec<Constant>,
    pub data: Vec<Data>,
    pub params: Vec<Param>,
    pub sites: Vec<Site>,
    pub definitions: Vec<Definition>,
    /// The statements of the model, in order, plates flattened: each knows its plates.
    pub statements: Vec<Statement>,
    pub guide: Guide,
    pub fit: FitBlock,
    /// What bound data or computed values still have to show.
    pub provisos: Vec<Proviso>,
}

/// What could not be proven from the text.
#[derive(Debug, Clone, PartialEq)]
pub enum Proviso {
    /// The value lies in the support, at every row and step. `what` names it in messages: "`rate` of Poisson".
    Fits { value: NodeId, support: Support, what: String, span: Span },
    /// The size is not negative: an index or a slice lies in its axis.
    Size { size: Size, span: Span },
}

/// `const a = EXPR`: a number or an array of numbers, evaluated.
#[derive(Debug, Clone, PartialEq)]
pub struct Constant {
    pub name: String,
    pub shape: Vec<usize>,
    pub values: Vec<f64>,
    pub span: Span,
}

/// `data x[N]: TYPE = EXPR`
#[derive(Debug, Clone, PartialEq)]
pub struct Data {
    pub name: String,
    pub rows: Vec<DimId>,
    /// The axes of one value.
    pub event: Vec<Size>,
    pub support: Support,
    pub missing: bool,
    /// How a row is made from source columns (LANGUAGE.md 1.6), names checked when bound.
    pub value: Option<Expr>,
    pub span: Span,
}

/// A point parameter: `param`, or a weight of a net.
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    /// `mu`, or `encoder.dense1.weight`
    pub name: String,
    pub rows: Vec<Size>,
    pub event: Vec<Size>,
    pub support: Support,
    pub start: Start,
    pub owner: Owner,
    /// The net it is a weight of.
    pub net: Option<String>,
    /// Guide plates it is declared in (outermost first); their sizes are the leading `rows`.
    pub plates: Vec<AxisId>,
    pub span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    Model,
    Guide,
}

/// Where a parameter starts.
#[derive(Debug, Clone, PartialEq)]
pub enum Start {
    /// Unconstrained coordinates are normal(0, 0.1) draws.
    Auto,
    /// Of constants, dims and statistics of data; a number fills every entry.
    Value(NodeId),
    Normal(NodeId, NodeId),
    Uniform(NodeId, NodeId),
    /// U(-1/sqrt(fan_in), 1/sqrt(fan_in))
    Layer {
        fan_in: Size,
    },
}

/// A latent site.
#[derive(Debug, Clone, PartialEq)]
pub struct Site {
    pub name: String,
    /// Outermost first.
    pub plates: Vec<AxisId>,
    pub event: Vec<Size>,
    /// As declared, or that of its distribution.
    pub support: Support,
    pub dist: Dist,
    /// The declared support is narrower than the distribution's: the density is restricted, not renormalized.
    pub restricted: bool,
    pub span: Span,
}

/// `h = EXPR`
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    pub name: String,
    pub plates: Vec<AxisId>,
    pub value: NodeId,
    pub owner: Owner,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Statement {
    Latent(SiteId),
    Define(DefId),
    Observe(Observation),
    Factor { value: NodeId, plates: Vec<AxisId>, span: Span },
}

/// `y[n] ~ Dist(...)`
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    pub data: DataId,
    /// The data in its plates: `Index(Data, [Row n])`.
    pub value: NodeId,
    pub dist: Dist,
    pub plates: Vec<AxisId>,
    pub span: Span,
}

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
    LowRank(usize),
    Map,
    Laplace,
    Exact,
}

/// `z ~ Dist(...) by ESTIMATOR` in the guide.
#[derive(Debug, Clone, PartialEq)]
pub struct Factor {
    pub site: SiteId,
    pub dist: Dist,
    /// The guide's own axes, in the order of the site's plates.
    pub plates: Vec<AxisId>,
    pub by: Option<crate::source::Spanned<Request>>,
    pub span: Span,
}

/// The estimator that `by` asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Request {
    Pathwise,
    Enumerate,
    /// With the baseline, where one is named.
    Score(Option<Baseline>),
    Disarm,
    Rebar,
    Relax,
    /// With its temperature.
    Concrete(f64),
    StraightThrough,
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

/// The `fit` block; flags of the command replace entries one by one. `None` is "not written".
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FitBlock {
    pub objective: Option<Objective>,
    pub optimizer: Option<Optimizer>,
    pub batch: BTreeMap<DimId, usize>,
    pub epochs: Option<usize>,
    pub steps: Option<usize>,
    pub particles: Option<usize>,
    pub sampled_kl: bool,
    pub starts: Option<usize>,
    pub clip: Option<f64>,
    pub init: Option<Init>,
    pub phases: Vec<Phase>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Phase {
    pub of: Owner,
    pub block: FitBlock,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Objective {
    /// beta, where it is not 1
    Elbo(Option<Rate>),
    /// Named, with its numbers; not yet fitted.
    Other(String, Vec<f64>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Optimizer {
    pub name: String,
    pub lr: Option<Rate>,
}

/// A number or a schedule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rate {
    Constant(f64),
    Cosine { from: f64, warmup: usize },
    Linear { from: f64, to: f64, steps: usize },
}

#[derive(Debug, Clone, PartialEq)]
pub enum Init {
    Auto,
    Zero,
    Prior,
    Uniform(f64),
    /// On the constrained scale, by site or param name.
    Values(BTreeMap<String, Vec<f64>>),
}

/// What the command line gives before checking: `--set`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Settings {
    pub set: BTreeMap<String, f64>,
}
