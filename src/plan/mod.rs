//! Elbo and data to straight-line tensor code: concrete shapes, dynamic rank, a node refers only to earlier nodes.
//!
//! A `Plan` is a pure function from its inputs to its outputs. Elementwise operations take operands of equal rank whose
//! axes are equal or 1 (an axis of 1 is repeated); nothing else is stretched, so `lower` inserts the reshapes.
//! A number is an array of rank 0.

use std::sync::Arc;

use crate::arena::{Arena, Id};
pub use crate::data::Array;
pub use crate::kernel::op::{Binary, Unary};

pub mod build;
pub mod grad;
pub mod infer;
pub mod lower;
pub mod ops;
pub mod optimize;
pub mod print;
pub mod reference;
pub mod slots;
pub mod verify;
mod simplify;
mod spelling;
mod walk;
#[cfg(test)]
pub(crate) mod random;

pub use build::{Builder, WHOLE_IN_F32, broadcast_shapes};
pub use print::print;
pub use reference::evaluate_once;
pub use verify::verify;

pub type NodeId = Id<Node>;

#[derive(Debug, Clone, Default)]
pub struct Plan {
    pub inputs: Vec<Input>,
    pub nodes: Arena<Node>,
    pub outputs: Vec<Output>,
}

/// What the caller gives at each run, in the order of `Plan::inputs`.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    pub name: String,
    pub shape: Vec<usize>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    pub name: String,
    pub node: NodeId,
}

#[derive(Debug, Clone)]
pub struct Node {
    pub op: Op,
    pub shape: Vec<usize>,
    /// The site or term it was lowered from, for messages about values that are not finite.
    pub origin: Option<Arc<str>>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// The same number at every place of the node's shape.
    Literal(f64),
    Constant(Array),
    /// The place in `Plan::inputs`.
    Input(usize),
    /// 0, 1, 2, ... along the one axis.
    Iota,

    Unary(Unary, NodeId),
    Binary(Binary, NodeId, NodeId),
    /// Where the condition is not 0, the second, else the third.
    Select(NodeId, NodeId, NodeId),

    /// Row-major; the same elements.
    Reshape(NodeId),
    /// Axis `i` of the result is axis `axes[i]` of the operand.
    Permute(NodeId, Vec<usize>),
    /// Equal rank; axes of 1 are repeated to the node's shape.
    Expand(NodeId),
    Slice {
        of: NodeId,
        axis: usize,
        start: usize,
        end: usize,
    },
    /// Zeros around the operand along one axis: the transpose of `Slice`.
    Pad {
        of: NodeId,
        axis: usize,
        before: usize,
        after: usize,
    },
    Concat(Vec<NodeId>, usize),

    /// Reductions drop the axes they run over (sorted, at least one).
    Reduce(Reduce, NodeId, Vec<usize>),
    /// Running sum along an axis, from the end where `reverse`.
    Cumsum {
        of: NodeId,
        axis: usize,
        reverse: bool,
    },
    Contract {
        left: NodeId,
        right: NodeId,
        axes: Contraction,
    },

    /// `table [R, rest..]`, `index [I..]` (whole numbers as floats) give `[I.., rest..]`.
    Gather {
        table: NodeId,
        index: NodeId,
    },
    /// The transpose of `Gather`: `values [I.., rest..]` summed into `[rows, rest..]` in index order.
    ScatterAdd {
        values: NodeId,
        index: NodeId,
        rows: usize,
    },

    /// Of square matrices on the last two axes.
    Cholesky(NodeId),
    /// `lower [.., n, n]` and `right [.., n, k]`; with `transposed`, solves with the transpose of `lower`.
    SolveTriangular {
        lower: NodeId,
        right: NodeId,
        transposed: bool,
    },
}

/// A product of two arrays, summed over the axes that are named in both and not in the result. Every name of the
/// result is in one of the operands, and every name of an operand is in the other or in the result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contraction {
    /// One name (a small number) an axis.
    pub left: Vec<u8>,
    pub right: Vec<u8>,
    pub out: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reduce {
    Sum,
    Max,
    LogSumExp,
    Prod,
}

/// Why a plan could not be run to its end: the machine's fault, or a value that is not finite is the caller's to judge.
#[derive(Debug, Clone, PartialEq)]
pub enum Failure {
    /// The device is gone, out of memory, or a plan did not fit it.
    Device(String),
    Bug(crate::problem::Bug),
}

/// Runs a plan. Values cross this border as f64; inside, an evaluator works in its own precision.
pub trait Evaluate {
    /// `inputs` as `Plan::inputs`, row-major; one array an output.
    fn run(&mut self, inputs: &[&[f64]]) -> Result<Vec<Vec<f64>>, Failure>;
}

/// Makes evaluators: the reference here, burn devices in `engine`.
pub trait Backend {
    fn name(&self) -> &'static str;
    fn prepare(&self, plan: &Plan, precision: Precision) -> Result<Box<dyn Evaluate>, Failure>;

    /// Does so many pieces of work that are apart from one another, on as many threads as it has.
    fn each(&self, pieces: usize, work: &(dyn Fn(usize) + Sync)) {
        (0..pieces).for_each(work);
    }

    /// What its own device computes in at most; beyond that a plan is run on the processor.
    fn widest(&self) -> Precision {
        Precision::F64
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    F32,
    F64,
}
