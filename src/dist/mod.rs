//! The catalogue of distributions: one file each, one row each in `catalogue`.

use std::collections::BTreeMap;

use crate::math::{Graph, NodeId, Noise, Support};
use crate::shape::Size;

/// A distribution with its arguments, as written: of alternatives (`scale | var | prec`) the one that was given.
#[derive(Debug, Clone, PartialEq)]
pub struct Dist {
    pub kind: Kind,
    pub args: Args,
}

/// Arguments by parameter name.
pub type Args = BTreeMap<&'static str, NodeId>;

/// Every name of LANGUAGE.md 1.7. Those without a row in the catalogue are a limitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Normal,
    LogNormal,
    HalfNormal,
    HalfCauchy,
    StudentT,
    Gamma,
    Beta,
    Dirichlet,
    Exponential,
    Bernoulli,
    Categorical,
    Poisson,
    Binomial,
    Flat,
}

/// One distribution of the catalogue.
pub struct Row {
    pub kind: Kind,
    pub name: &'static str,
    pub params: &'static [Param],
    /// The support of one value, given its arguments and the event shape of the site (`Dirichlet` takes K from it).
    pub support: fn(&Graph, &Args, &[Size]) -> Support,
    /// The log density of every component of `value`: a node whose event shape is the component axes.
    /// Arguments are canonical (see `canonical`). In log space, without cancellation.
    pub log_prob: fn(&mut Graph, NodeId, &Args) -> NodeId,
    /// Arguments as written to the canonical ones (`scale` from `var`), which `log_prob`, `draw`, KL rows and statistics take.
    pub canonical: fn(&mut Graph, &Args) -> Args,
    pub draw: Draw,
    /// Mean and entropy of every component, where closed.
    pub mean: Option<fn(&mut Graph, &Args) -> NodeId>,
    pub entropy: Option<fn(&mut Graph, &Args) -> NodeId>,
    /// Statistics of the value whose expectation is closed: E value, E log value, E log(1 - value), E value^2.
    pub expect: fn(&mut Graph, Statistic, &Args) -> Option<NodeId>,
}

/// A parameter: its name, the set its values lie in, its own axes, and which parameters exclude it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Param {
    pub name: &'static str,
    pub want: Want,
    /// Whether one value of it is a vector over the last axis of the site (`Dirichlet`), or over the categories.
    pub axes: ParamAxes,
    /// Parameters with the same number are alternatives (`p | logits`); exactly one of them is given.
    pub group: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamAxes {
    Number,
    /// The last event axis of the site: `Dirichlet(concentration[K])`. A number is repeated.
    Event,
    /// The categories: `Categorical(p[K])`; the support's size is taken from it.
    Categories,
}

/// What a parameter must lie in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    Real,
    Positive,
    Unit,
    Count,
    /// A probability vector over the parameter's own axis.
    Simplex,
}

/// How a draw is made.
pub enum Draw {
    /// A differentiable map of the arguments and standard noise of the site's shape.
    Reparam(Noise, fn(&mut Graph, NodeId, &Args) -> NodeId),
    /// Like `Reparam`, by implicit differentiation of the distribution function.
    Implicit(Noise, fn(&mut Graph, NodeId, &Args) -> NodeId),
    /// Finitely many states 0..n a component; drawn by inverting the cumulative sum at a uniform number.
    Enumerable,
    /// Countably many states; drawn, not differentiated.
    SampleOnly,
    /// No density to draw from: `Flat`.
    None,
}

/// A function of a value whose expectation may be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Statistic {
    Value,
    Square,
    Log,
    /// log(1 - value)
    Log1m,
}
