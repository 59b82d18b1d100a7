//! The one expression language of every later layer. A `Graph` is an arena of nodes; each knows its shape and support.
//!
//! *Axes.* A node varies over plate axes by name and over event axes by position. `Op::Index` with `Pick::Row(n)` turns
//! the leading event axis into the plate axis `n`; `Op::Lift` turns plate axes back into leading event axes. A
//! comprehension is a body that varies over its variable's axis, then `Lift` (an array) or `Reduce` (a sum).
//! So `x[n]` is `Index(Data x, [Row n])`, `theta[doc[t]]` is `Index(Lift(Site theta, [d]), [At(doc[t])])`, and
//! `sum(w[k] for k in K)` is `Reduce(Sum, Index(w, [Row k]), Axes [k])`.
//!
//! *Elementwise* operations take equal event shapes, or a number (event shape `[]`) beside any shape; plates unite.
//! `Reduce` and `Lift` over an axis that the value does not vary over repeat it along that axis.

use std::collections::BTreeMap;

use crate::arena::{Arena, Id};
use crate::shape::{AxisId, Shape, Size};
use crate::source::Span;

pub mod walk;
pub mod shape_rules;
pub mod support;
pub mod vectors;
pub mod infer;
pub mod build;
pub mod shorthand;
pub mod simplify;
pub mod continuity;
pub mod rules;
pub mod print;
pub mod verify;
pub mod eval;
mod linear;
pub mod paths;
pub mod slope;
mod eval_layers;
#[cfg(test)]
mod tests;

pub use support::Support;

pub type NodeId = Id<Node>;

/// A graph of expressions; what a node refers to precedes it. Nodes are added by the methods of `build`, which infer
/// shape and support and make equal expressions one node.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    pub nodes: Arena<Node>,
    /// The sizes of plate axes, which `Op::Lift` needs: `declare_axis`.
    pub axes: BTreeMap<AxisId, Size>,
    /// Hash of the operation to the nodes that have it.
    index: BTreeMap<u64, Vec<NodeId>>,
}

// The index says nothing that the nodes do not.
impl PartialEq for Graph {
    fn eq(&self, other: &Graph) -> bool {
        self.nodes == other.nodes && self.axes == other.axes
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub op: Op,
    pub shape: Shape,
    pub support: Support,
    /// Where it was written; `None` for what the compiler made.
    pub span: Option<Span>,
}

// What leaves refer to is declared by later layers; here they are only numbers.
macro_rules! leaf_id {
    ($($(#[$doc:meta])* $name:ident),*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);
        impl $name {
            pub fn index(self) -> usize { self.0 as usize }
        }
    )*};
}
leaf_id!(
    /// A `data` item: the place in `model::Model::data`.
    DataId,
    /// A `param`, or a weight of a net: the place in `model::Model::params`.
    ParamId,
    /// A latent site: the place in `model::Model::sites`.
    SiteId,
    /// A definition `h = EXPR`: the place in `model::Model::definitions`.
    DefId
);

#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    Number(f64),
    /// A whole-number expression of dims used as a number.
    Size(Size),
    /// A plate or comprehension variable as a number: its row. For an axis of kind `States`, the state.
    Row(AxisId),
    /// The whole array: event shape is rows, then the value's axes.
    Data(DataId),
    /// The whole array on the constrained scale: event shape is rows, then the value's axes.
    Param(ParamId),
    /// The value of a latent site in its plates: shape is the site's plates and event.
    Site(SiteId),
    /// Unconstrained coordinates of a site under an automatic guide (its plates; the event of its bijector's domain).
    Free(SiteId),
    /// Location and scale of an automatic factor, on the unconstrained scale: shaped as `Free`. Under `fullrank` the
    /// scale is the diagonal of the joint Cholesky factor at these coordinates: all that its entropy needs.
    AutoLoc(SiteId),
    AutoScale(SiteId),
    /// The standard noise that `Free` is made of, shaped like it: minus half its square, less the logarithm of
    /// `AutoScale`, is the log density of the automatic factors, also of a joint one, summed over all sites.
    AutoNoise(SiteId),
    /// Standard noise of a written factor: shape is the factor's plates and event (`dist::draw` makes it). Many draws
    /// are an axis the plan adds.
    Noise(SiteId, Noise),

    Unary(Unary, NodeId),
    Binary(Binary, NodeId, NodeId),
    /// condition, then, else. The condition is a number, and the branch not taken is not evaluated where that could
    /// fail; or it is shaped as the branches, entry by entry, and both are evaluated (only the catalogue writes that).
    If(NodeId, NodeId, NodeId),
    Reduce(Reduce, NodeId, Over),
    /// Of two vectors: the sum of the products.
    Dot(NodeId, NodeId),
    /// Matrix by matrix, matrix by vector, or (row) vector by matrix.
    MatMul(NodeId, NodeId),
    /// `input [..., D]`, `weight [n, D]`, `bias [n]` to `[..., n]`.
    Dense {
        input: NodeId,
        weight: NodeId,
        bias: Option<NodeId>,
    },
    /// A layer that no other operations make, with its weights.
    Layer {
        layer: Layer,
        input: NodeId,
        weights: Vec<NodeId>,
    },

    /// An exact draw of the distribution of this name, component by component, made of uniform noise. Nothing is
    /// differentiated through it.
    Sample {
        kind: &'static str,
        args: Vec<(&'static str, NodeId)>,
        noise: NodeId,
    },

    /// The logarithm of the sum over all paths of states along a chain, by the forward recursion: `factor`, a number, is
    /// the log weight of stepping from the states `from` (of the row before) to the states `to`. The first row has no
    /// row before it: there `factor` is read at the first states of `from`.
    Forward {
        factor: NodeId,
        chain: AxisId,
        from: Vec<AxisId>,
        to: Vec<AxisId>,
    },

    /// A value of a chain that reads earlier rows of itself: `body` at every row, where `own`, an `Earlier`, stands for the
    /// value at the rows before.
    Scan {
        own: NodeId,
        body: NodeId,
        chain: AxisId,
    },
    /// In the body of a `Scan` its own value, read at a lag alone. Copies are about the same definition over other values.
    Earlier {
        of: DefId,
        copy: u32,
    },

    /// Picks consume the leading event axes, in order; the rest stay.
    Index(NodeId, Vec<Pick>),
    /// These plate axes become the leading event axes, in this order.
    Lift(NodeId, Vec<AxisId>),
    /// `table [components.., K]` (or `[K]`) and `index [components..]` give `[components..]`: one entry of the last
    /// axis each.
    Take {
        table: NodeId,
        index: NodeId,
    },
    /// Values of one shape along a new first axis: `[a, b, c]`.
    Stack(Vec<NodeId>),
    /// Along the first axis.
    Concat(Vec<NodeId>),
    /// Row-major.
    Reshape(NodeId, Vec<Size>),
    Transpose(NodeId),
    /// A number repeated.
    Fill(NodeId, Vec<Size>),
    Softmax(NodeId),
    LogSoftmax(NodeId),
    Cumsum(NodeId),
    Outer(NodeId, NodeId),
    /// A vector to a diagonal matrix, a matrix to its diagonal.
    Diag(NodeId),
    Trace(NodeId),
    /// The identity matrix.
    Eye(Size),
    /// A vector of n (n - 1) / 2 entries, row by row below the diagonal of a square matrix that is 0 elsewhere. Only
    /// maps onto matrices write it.
    Triangle(NodeId, Size),
    OneHot(NodeId, Size),
    Cholesky(NodeId),
    Solve(NodeId, NodeId),
    /// The left operand is lower triangular, or the `Transpose` of one.
    SolveTriangular(NodeId, NodeId),
    LogDet(NodeId),

    /// The entries of data where they are there, elsewhere those of another value of that shape, or a number.
    Complete {
        data: NodeId,
        with: NodeId,
    },
    /// 1 where an entry of data is there, 0 where it is missing.
    Present(NodeId),

    /// The same value under a name, for printing: a definition, a call of a net or fun, an output of a net.
    Named(Label, NodeId),
}

/// A layer of a net; its sizes are those of its weights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Layer {
    /// `input [C, H, W]`, weights `[c, C, k, k]` and, with a bias, `[c]`.
    Conv2d { stride: usize, padding: usize },
    /// `input [C, H, W]`, weights `[C, c, k, k]` and, with a bias, `[c]`.
    ConvTranspose2d { stride: usize, padding: usize, output_padding: usize },
    /// Along the last axis: mean 0 and variance 1, then weights `[D]`, a gain and a bias (Ba et al. 2016).
    LayerNorm,
    /// While fitting each entry is 0 with this probability, and the others grow so that the mean stays; elsewhere the
    /// input itself. Each place in the text has zeros of its own.
    Dropout { rate: f64, place: usize },
    /// `input [T, D]` to the states `[T, n]`, from a state of zeros; weights `[3n, D]`, `[3n, n]`, `[3n]` and `[3n]`: rows
    /// of the reset gate, the update gate and the new state (Cho et al. 2014).
    Gru,
}

impl Layer {
    pub fn name(self) -> &'static str {
        match self {
            Layer::Conv2d { .. } => "conv2d",
            Layer::ConvTranspose2d { .. } => "conv_transpose2d",
            Layer::LayerNorm => "layer_norm",
            Layer::Dropout { .. } => "dropout",
            Layer::Gru => "gru",
        }
    }
}

/// How a value was written, where printing it in full would hide the model.
#[derive(Debug, Clone, PartialEq)]
pub enum Label {
    Definition(DefId),
    /// `decoder(z)`, and for a named output `encoder(x[n]).loc`.
    Call {
        name: String,
        args: Vec<NodeId>,
        output: Option<String>,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub enum Pick {
    /// The plate or comprehension variable itself: the axis becomes that plate axis.
    Row(AxisId),
    /// An earlier row of a chain: `s[t-1]`.
    Lag(AxisId, usize),
    /// A whole-number value, data or latent.
    At(NodeId),
    /// `v[2..5]`, end excluded.
    Slice(Size, Size),
}

/// Standard noise that a factor turns into a draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Noise {
    Normal,
    /// Open at both ends.
    Uniform,
}

/// What a reduction runs over.
#[derive(Debug, Clone, PartialEq)]
pub enum Over {
    /// All event axes: the result is a number.
    Event,
    /// The last event axis.
    Last,
    /// These plate axes.
    Axes(Vec<AxisId>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unary {
    Neg,
    Exp,
    Log,
    Log1p,
    Expm1,
    Sqrt,
    Abs,
    Sin,
    Cos,
    Tanh,
    Sigmoid,
    LogSigmoid,
    Softplus,
    Relu,
    Elu,
    Gelu,
    Erf,
    Lgamma,
    Digamma,
    /// `log` of the standard normal distribution function, and its inverse: `NormalLogQuantile(log(u))` is a draw.
    LogNormalCdf,
    NormalLogQuantile,
    /// `log(I_0(x) exp(-|x|))`, and I_1 / I_0, of the modified Bessel functions.
    LogBesselI0e,
    BesselRatio,
    /// `log` of the standard Cauchy distribution function.
    LogCauchyCdf,
    Logit,
    Round,
    Floor,
    Not,
    /// The value, with derivative zero. Only the estimators write it.
    StopGradient,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Binary {
    Add,
    Sub,
    Mul,
    Div,
    Pow,
    Min,
    Max,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    And,
    Or,
    /// `log` of the quantile of `Gamma(a, 1)` at a uniform `u`: an explicit, differentiable draw.
    GammaLogQuantile,
    /// The quantile of a von Mises distribution around 0 of this concentration at a uniform `u`: likewise.
    VonMisesQuantile,
    /// `log B(a, b)`, without the cancellation of three `lgamma`.
    LogBeta,
    /// `log` of the probability that `Gamma(a, 1)` is below `exp(t)`, and above it.
    LogGammaLower,
    LogGammaUpper,
    /// `log` of the distribution function of Student's t of these degrees of freedom.
    LogStudentCdf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reduce {
    Sum,
    Mean,
    Sd,
    Max,
    Min,
    Prod,
    LogSumExp,
    Norm,
}
