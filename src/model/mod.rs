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
mod fit_block;
pub mod follow;
mod guide;
mod problems;
pub mod dot;
pub mod json;
pub mod print;
pub mod verify;

pub use batch::check_batch;
pub use check::{check, compile_model};
pub use fit_block::{Draws, FitBlock, Init, Objective, Optimizer, OptimizerRule, Phase, Rate};
pub use guide::{Auto, Baseline, Factor, Flow, Guide, Request};

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
    pub origin: Origin,
    /// Outermost first.
    pub plates: Vec<AxisId>,
    pub event: Vec<Size>,
    /// As declared, or that of its distribution.
    pub support: Support,
    /// Of missing entries that of their observation; of a unit of an energy `Flat`, its density is the energy's.
    /// In a chain it may read earlier rows of the site itself (`Pick::Lag`).
    pub dist: Dist,
    /// The declared support is narrower than the distribution's: the density is restricted, not renormalized.
    pub restricted: bool,
    pub span: Span,
}

/// What makes a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// `z ~ Dist(...)`: a `Statement::Latent`.
    Drawn,
    /// The missing entries of data that something besides its observation reads. Its density is part of the
    /// observation's; entries that are there belong to no factor (`Op::Present` is 1 at them).
    Missing(DataId),
    /// `(x[n], h: binary[H]) ~ Boltzmann(e)`
    Boltzmann,
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
    Boltzmann(Boltzmann),
}

/// `y[n] ~ Dist(...)`
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    pub data: DataId,
    /// The data in its plates: `Index(Data, [Row n])`. Where missing entries are a site, `Op::Complete` of that and it.
    pub value: NodeId,
    /// The site of the missing entries. Data that may be missing and have none drop out of the density where they are.
    pub missing: Option<SiteId>,
    pub dist: Dist,
    pub plates: Vec<AxisId>,
    pub span: Span,
}

/// `(x[n], h: binary[H]) ~ Boltzmann(e)`: their joint density is exp(-energy) / Z.
#[derive(Debug, Clone, PartialEq)]
pub struct Boltzmann {
    pub energy: String,
    /// The energy of these units: a number in the plates.
    pub value: NodeId,
    /// In the order of the energy's arguments.
    pub units: Vec<Unit>,
    pub plates: Vec<AxisId>,
    pub span: Span,
}

/// What a `Boltzmann` statement is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// The data, and the node by which the energy reads its row: it reads it nowhere else.
    Observed(DataId, NodeId),
    Latent(SiteId),
}

/// What the command line gives before checking: `--set`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Settings {
    pub set: BTreeMap<String, f64>,
}
