//! Elbo and data to plans: axes become positions, sites become draws, terms become sums with their scales.
//!
//! A lowered `Value` is a plan node whose leading axes are labelled (the axis of draws, then plate axes by id) and whose
//! last axes are the event. Elementwise operations align labels by inserting axes of 1; that is the only stretching.
//! Labels are computed bottom-up from the leaves, not copied from `math::Shape`: a summed-out site's value varies over
//! its axis of states, and a draw over the axis of draws, wherever the site is read.

use std::collections::{BTreeMap, BTreeSet};

use crate::arena::Arena;
use crate::data::Bound;
use crate::elbo::Elbo;
use crate::math::{self, Graph, SiteId};
use crate::plan::NodeId;
use crate::plan::build::Builder;
use crate::problem::{Bug, Problem};
use crate::shape::{Axis, AxisId, AxisKind, DimId, Size};
use crate::source::Span;

mod arrays;
mod baseline;
mod density;
mod dream;
mod expr;
mod follow;
mod guide;
mod index;
mod inspect;
mod layers;
mod layout;
mod maximized;
mod network;
mod objective;
mod paths;
mod program;
mod relaxed;
mod provisos;
mod rows;
mod scan;
mod surrogate;
mod updates;
mod value;
mod weighted;

pub use follow::{Following, following};
pub use guide::Given;
pub use inspect::{inspected, parts};
pub use layout::{Coordinates, Layout, drawn, runs, sizes};
pub use objective::{bound, constant, joint, lowered, objective, params, step, values, weights};
pub use program::{Batch, InputKind, OutputKind, Program};
pub use provisos::{Side, moves, provisos};
pub use rows::row_weights;
use value::{Label, Value};

/// Why a bound cannot become a plan.
#[derive(Debug, Clone, PartialEq)]
pub enum Trouble {
    /// Legal in the language, not yet lowered.
    Limitation {
        what: String,
        span: Option<Span>,
    },
    Bug(Bug),
}

impl From<Bug> for Trouble {
    fn from(bug: Bug) -> Trouble {
        Trouble::Bug(bug)
    }
}

impl From<Trouble> for Problem {
    fn from(trouble: Trouble) -> Problem {
        match trouble {
            Trouble::Limitation { what, span } => {
                let problem = Problem::error("ppl::limitation::lowering", format!("{what} cannot be fitted yet"))
                    .help("the model is checked and its bound is derived; only the fit is missing");
                match span {
                    Some(span) => problem.label(span, "this"),
                    None => problem,
                }
            }
            Trouble::Bug(bug) => Problem::error("ppl::bug", bug.to_string()),
        }
    }
}

fn limitation<T>(what: impl Into<String>) -> Result<T, Trouble> {
    Err(Trouble::Limitation { what: what.into(), span: None })
}

fn bug<T>(what: impl Into<String>) -> Result<T, Trouble> {
    Err(Trouble::Bug(Bug(what.into())))
}

/// The state of one lowering.
struct Lowerer<'a> {
    elbo: &'a Elbo,
    data: &'a Bound,
    batch: &'a Batch,
    /// Dims that follow a batch, and the batched ones.
    led: BTreeMap<DimId, DimId>,
    axes: Arena<Axis>,
    b: Builder,
    /// The graph that `memo` is of: the bound's, or a scratch one for the map of a parameter.
    graph: Graph,
    memo: BTreeMap<math::NodeId, Value>,
    leaves: Leaves,
    /// What a sum over states sums the exponential of, by the axis of states: its gradient is the posterior of the site.
    states: BTreeMap<AxisId, Value>,
    given: Given,
    /// Dropout acts in the steps of a fit only, and so do relaxed draws.
    fitting: bool,
    /// Where draws come in groups inside a logarithm.
    groups: Option<weighted::Groups>,
    /// The rows of a chain that are being made one after the other.
    rows: Option<scan::Rows>,
    layout: Layout,
    gaussian: Option<guide::Gaussian>,
    inputs: Vec<(InputKind, NodeId)>,
}

/// Leaves that are made once.
#[derive(Default)]
struct Leaves {
    /// On the constrained scale: rows and event as event axes.
    params: BTreeMap<usize, Value>,
    /// Sites whose value is being made: one that is read meanwhile reads itself.
    open: BTreeSet<SiteId>,
}

impl<'a> Lowerer<'a> {
    fn new(elbo: &'a Elbo, data: &'a Bound, batch: &'a Batch, given: Given) -> Result<Lowerer<'a>, Trouble> {
        Ok(Lowerer {
            elbo,
            data,
            batch,
            led: follow::led(elbo, batch),
            axes: elbo.axes.clone(),
            b: Builder::new(),
            graph: elbo.graph.clone(),
            memo: BTreeMap::new(),
            leaves: Leaves::default(),
            states: BTreeMap::new(),
            given,
            fitting: false,
            groups: None,
            rows: None,
            layout: Layout::of_rows(elbo, data, &batch.rows)?,
            gaussian: None,
            inputs: Vec::new(),
        })
    }

    /// The number behind a size, now that data is bound.
    fn size(&self, size: &Size) -> Result<usize, Trouble> {
        size_of(size, &self.data.dims)
    }

    /// How many positions an axis has in this plan: a batched plate has those of the batch.
    fn extent(&self, axis: AxisId) -> Result<usize, Trouble> {
        let axis = &self.axes[axis];
        match (axis.kind, axis.size.as_dim()) {
            (AxisKind::Plate | AxisKind::Chain, Some(dim)) => match self.batch.rows.get(&dim) {
                Some(rows) => Ok(*rows),
                None => self.size(&axis.size),
            },
            _ => self.size(&axis.size),
        }
    }

    fn extent_of(&self, label: Label) -> Result<usize, Trouble> {
        match label {
            Label::Draws => Ok(self.batch.draws),
            Label::Axis(axis) => self.extent(axis),
        }
    }
}

fn size_of(size: &Size, dims: &BTreeMap<DimId, usize>) -> Result<usize, Trouble> {
    match size.value(&|dim| dims.get(&dim).copied()) {
        Some(n) if n >= 0 => Ok(n as usize),
        Some(n) => bug(format!("a size of {n} reached the plan")),
        None => bug("a size without a value reached the plan"),
    }
}
