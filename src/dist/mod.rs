//! The catalogue of distributions: one file each, one row each in `catalogue`.

use crate::math::{Graph, NodeId, Noise, Op, SiteId, Support};
use crate::shape::{AxisId, Shape, Size};

pub mod args;
pub mod catalogue;
pub mod bijector;
pub mod cdf;
pub mod kl;
pub mod expect;
pub mod sampler;
mod scalar_kl;
mod shared;
pub mod print;
#[cfg(test)]
mod tests;

mod ar;
mod bernoulli;
mod beta;
mod beta_binomial;
mod binomial;
mod categorical;
mod cauchy;
mod censored;
mod chi_squared;
mod concrete;
mod delta;
mod dirichlet;
mod dirichlet_multinomial;
mod discrete_uniform;
mod discretized_logistic;
mod erlang;
mod exponential;
mod flat;
mod gamma;
mod gaussian_random_walk;
mod geometric;
mod gumbel;
mod half_cauchy;
mod half_normal;
mod inverse_gamma;
mod kumaraswamy;
mod laplace;
mod lkj_cholesky;
mod log_normal;
mod logistic;
mod logistic_normal;
mod matrices;
mod mixture;
mod multinomial;
pub mod mv_normal;
mod negative_binomial;
mod normal;
mod one_hot;
mod ordered_logistic;
mod pareto;
mod poisson;
mod relaxed_bernoulli;
pub mod states;
mod student_t;
mod truncated;
mod truncated_normal;
mod uniform;
mod von_mises;
mod weibull;
mod zero_inflated_poisson;

pub use args::Args;
pub use bijector::Bijector;
pub use catalogue::{by_name, row};
pub use expect::expected_log_prob;
pub use kl::kl;
pub use sampler::{Sampler, VectorSampler};

use cdf::log1mexp;
use shared::{EULER_GAMMA, beside, between, end_of, ln, noise_at, only, standardized};

/// A distribution with its arguments, as written: of alternatives (`scale | var | prec`) the one that was given.
#[derive(Debug, Clone, PartialEq)]
pub struct Dist {
    pub kind: Kind,
    pub args: Args,
}

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
    Mixture,
    Truncated,
    Censored,
    MvNormal,
    LogisticNormal,
    LKJCholesky,
    OneHot,
    Multinomial,
    DirichletMultinomial,
    Concrete,
    GaussianRandomWalk,
    AR,
    Cauchy,
    Laplace,
    Logistic,
    Gumbel,
    Uniform,
    Weibull,
    Pareto,
    Erlang,
    InverseGamma,
    ChiSquared,
    Kumaraswamy,
    TruncatedNormal,
    VonMises,
    BetaBinomial,
    NegativeBinomial,
    ZeroInflatedPoisson,
    Geometric,
    DiscreteUniform,
    RelaxedBernoulli,
    DiscretizedLogistic,
    OrderedLogistic,
    Delta,
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
    /// Arguments as written to the canonical ones (`scale` from `var`), which `log_prob`, `draw`, KL rows and
    /// statistics take.
    pub canonical: fn(&mut Graph, &Args) -> Args,
    pub draw: Draw,
    /// How many standard noises one component of a draw takes; above 1 they are a leading axis of the noise.
    pub noises: usize,
    /// Mean and entropy of every component, where closed.
    pub mean: Option<fn(&mut Graph, &Args) -> NodeId>,
    /// May have fewer axes than the components (arguments are numbers): `total` repeats it.
    pub entropy: Option<fn(&mut Graph, &Args) -> NodeId>,
    /// What is closed of the expected value, variance, E log value, E log(1 - value) and E 1/value. `Square` is made of
    /// the first two by `dist::expect`.
    pub expect: fn(&mut Graph, Statistic, &Args) -> Option<NodeId>,
}

/// A parameter: its name, the set its values lie in, its own axes, and which parameters exclude it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Param {
    pub name: &'static str,
    pub want: Want,
    /// The axes of one value of it.
    pub axes: ParamAxes,
    /// Parameters with the same number are alternatives (`p | logits`); exactly one of them is given.
    pub group: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamAxes {
    Number,
    /// The last event axis of the site: `Dirichlet(concentration[K])`. A number is repeated.
    Event,
    /// One less than the last event axis: `LogisticNormal(loc[K-1], scale[K-1])`. A number is repeated.
    Less,
    /// The last event axis twice: `MvNormal(loc, cov[K, K])`.
    Square,
    /// The categories: `Categorical(p[K])`; the support's size is taken from it.
    Categories,
    /// What lies between the categories, one less: `OrderedLogistic(eta, cutpoints[K-1])`.
    Cutpoints,
    /// An axis of its own of any length: `AR(coefficients, scale)`.
    Free,
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
    /// Rising along the parameter's own axis.
    Ordered,
    /// Whatever the site holds: `Delta(value)`.
    Any,
    /// A covariance or precision matrix.
    Cov,
    /// A lower triangular matrix with a positive diagonal.
    Cholesky,
    /// The end of an interval: a real number or an infinite one. It may be left out.
    Bound,
    /// A distribution: `Truncated(D, lo, hi)`.
    Distribution,
    /// A distribution whose parameters have the components as an extra first axis, or a list of distributions.
    Components,
}

/// How a draw is made.
pub enum Draw {
    /// A differentiable map of the arguments and standard noise of the site's shape.
    Reparam(Noise, fn(&mut Graph, NodeId, &Args) -> NodeId),
    /// Like `Reparam`, by implicit differentiation of the distribution function.
    Implicit(Noise, fn(&mut Graph, NodeId, &Args) -> NodeId),
    /// Finitely many states 0..n a component; drawn by inverting the cumulative sum at a uniform number.
    Enumerable,
    /// Drawn one component at a time, exactly; not differentiated.
    SampleOnly(Sampler),
    /// Likewise, one vector at a time.
    SampleVector(VectorSampler),
    /// By the distributions it is made of.
    Composed,
    /// No density to draw from: `Flat`.
    None,
}

/// A function of a value whose expectation may be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Statistic {
    Value,
    /// The variance plus the square of the mean.
    Square,
    Variance,
    Log,
    /// log(1 - value)
    Log1m,
    /// 1 / value
    Recip,
}

pub const STATISTICS: [Statistic; 6] = {
    use Statistic::*;
    [Value, Square, Variance, Log, Log1m, Recip]
};

// What other layers ask of a `Dist`; arguments are as written.

/// The log density of every component of `value`.
pub fn log_prob(graph: &mut Graph, dist: &Dist, value: NodeId) -> NodeId {
    let row = row(dist.kind);
    let args = (row.canonical)(graph, &dist.args);
    (row.log_prob)(graph, value, &args)
}

/// The mean of every component, where it is closed.
pub fn mean(graph: &mut Graph, dist: &Dist) -> Option<NodeId> {
    let row = row(dist.kind);
    let args = (row.canonical)(graph, &dist.args);
    row.mean.map(|mean| mean(graph, &args))
}

/// The entropy of every component, where it is closed.
pub fn entropy(graph: &mut Graph, dist: &Dist) -> Option<NodeId> {
    let row = row(dist.kind);
    let args = (row.canonical)(graph, &dist.args);
    row.entropy.map(|entropy| entropy(graph, &args))
}

/// The expectation of a statistic of the value, where it is closed.
pub fn expect(graph: &mut Graph, dist: &Dist, statistic: Statistic) -> Option<NodeId> {
    let row = row(dist.kind);
    let args = (row.canonical)(graph, &dist.args);
    if statistic != Statistic::Square {
        return (row.expect)(graph, statistic, &args);
    }
    let variance = (row.expect)(graph, Statistic::Variance, &args)?;
    let mean = (row.expect)(graph, Statistic::Value, &args)?;
    let square = graph.square(mean);
    Some(graph.add(square, variance))
}

/// How draws of a distribution are made: of one that is made of another, as of the kind that it comes to.
pub fn drawing(dist: &Dist) -> &'static Draw {
    &row(truncated::simpler_kind(dist).unwrap_or(dist.kind)).draw
}

/// A differentiable draw in these plates, with the noise leaf it takes; `None` where there is none.
pub fn draw(graph: &mut Graph, dist: &Dist, site: SiteId, plates: &[AxisId], event: &[Size]) -> Option<NodeId> {
    let simple = truncated::simpler(graph, dist);
    let dist = simple.as_ref().unwrap_or(dist);
    let row = row(dist.kind);
    let (Draw::Reparam(noise, map) | Draw::Implicit(noise, map)) = row.draw else { return None };
    let leading = (row.noises > 1).then(|| Size::fixed(row.noises));
    let shape =
        Shape::new(plates.iter().copied(), leading.into_iter().chain(event.iter().cloned()).collect::<Vec<_>>());
    let noise = graph.noise(site, noise, shape);
    let args = (row.canonical)(graph, &dist.args);
    Some(map(graph, noise, &args))
}

/// The support of a site or observation of this distribution with these event axes.
pub fn support(graph: &Graph, dist: &Dist, event: &[Size]) -> Support {
    (row(dist.kind).support)(graph, &dist.args, event)
}

/// How many event axes one value of the distribution has: 0 where components are independent numbers.
pub fn value_rank(dist: &Dist) -> usize {
    let own = catalogue::value_type(dist.kind).map(|ty| if ty.contains("cholesky") { 2 } else { 1 });
    own.or(dist.args.of.first().map(value_rank)).unwrap_or(0)
}

/// The axes of independent components: all event axes but those of one value of the distribution.
pub fn component_axes<'s>(dist: &Dist, event: &'s [Size]) -> &'s [Size] {
    &event[..event.len().saturating_sub(value_rank(dist))]
}

/// The sum over components of a value per component: a number given for all of them counts once for each.
pub fn total(graph: &mut Graph, per_component: NodeId, components: &[Size]) -> NodeId {
    if graph.shape(per_component).is_number() {
        let count = graph.size(crate::math::shape_rules::product(components));
        return graph.mul(count, per_component);
    }
    graph.sum_event(per_component)
}

/// Repeats numbers that are given for a vector parameter: `Dirichlet(0.5)` over `simplex[K]`; puts the last bin of the
/// declared type beside the arguments of `DiscretizedLogistic`. The checker calls it, so that means and entropies know K.
pub fn complete(graph: &mut Graph, dist: &mut Dist, event: &[Size], declared: Option<&Support>) {
    if dist.kind == Kind::DiscretizedLogistic
        && let Some((name, last)) = declared.and_then(discretized_logistic::last_bin)
    {
        dist.args.insert(name, graph.node(Op::Size(last), Shape::scalar(), Support::Count(None)));
    }
    let Some(last) = event.last() else { return };
    for param in row(dist.kind).params {
        let length = match param.axes {
            ParamAxes::Event => last.clone(),
            ParamAxes::Less => last.minus(&Size::fixed(1)),
            _ => continue,
        };
        if let Some(arg) = dist.args.get_mut(param.name)
            && graph.shape(*arg).is_number()
        {
            *arg = graph.fill(*arg, vec![length]);
        }
    }
}

impl Param {
    const fn number(name: &'static str, want: Want, group: u8) -> Param {
        Param::new(name, want, ParamAxes::Number, group)
    }

    const fn new(name: &'static str, want: Want, axes: ParamAxes, group: u8) -> Param {
        Param { name, want, axes, group }
    }

    /// Whether it is given by distributions and not by a value.
    pub fn takes_distributions(&self) -> bool {
        matches!(self.want, Want::Distribution | Want::Components)
    }

    /// A number given for it serves all its entries.
    pub fn repeats_numbers(&self) -> bool {
        !matches!(self.axes, ParamAxes::Square | ParamAxes::Cutpoints | ParamAxes::Free)
    }

    pub fn may_be_left_out(&self) -> bool {
        self.want == Want::Bound
    }
}
