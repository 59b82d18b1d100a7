//! Laws of the catalogue, each a loop over it: what a row says in closed form is what quadrature says.

use std::collections::BTreeMap;

use super::{Args, Bijector, Dist, Kind, log_prob, support, total};
use crate::math::eval::{Env, Eval, Positions};
use crate::math::{DataId, Graph, NodeId, Op, SiteId, Support};
use crate::shape::{Shape, Size};

mod bijectors;
mod closed;
mod components;
mod composites;
mod density;
mod scalars;
mod draws;
mod vectors;
mod vectors_drawn;

/// A distribution with the numbers of its arguments.
pub struct Case {
    pub kind: Kind,
    pub args: Vec<(&'static str, Vec<f64>)>,
}

fn case(kind: Kind, args: &[(&'static str, &[f64])]) -> Case {
    Case { kind, args: args.iter().map(|(name, x)| (*name, x.to_vec())).collect() }
}

/// Two or three of each kind, in every way it can be written.
pub fn cases() -> Vec<Case> {
    use Kind::*;
    vec![
        case(Normal, &[("loc", &[1.3]), ("scale", &[0.7])]),
        case(Normal, &[("loc", &[-0.4]), ("var", &[2.0])]),
        case(Normal, &[("loc", &[0.2]), ("prec", &[3.0])]),
        case(LogNormal, &[("loc", &[0.5]), ("scale", &[0.7])]),
        case(LogNormal, &[("loc", &[-0.2]), ("scale", &[0.4])]),
        case(HalfNormal, &[("scale", &[1.7])]),
        case(HalfNormal, &[("scale", &[0.6])]),
        case(HalfCauchy, &[("scale", &[2.5])]),
        case(StudentT, &[("df", &[4.0]), ("loc", &[0.5]), ("scale", &[1.2])]),
        case(Gamma, &[("shape", &[2.3]), ("rate", &[1.4])]),
        case(Gamma, &[("shape", &[0.6]), ("scale", &[2.0])]),
        case(Beta, &[("a", &[0.7]), ("b", &[2.5])]),
        case(Beta, &[("a", &[3.0]), ("b", &[1.6])]),
        case(Dirichlet, &[("concentration", &[0.9, 2.0, 1.5])]),
        case(Dirichlet, &[("concentration", &[1.2, 0.8, 3.0])]),
        case(Exponential, &[("rate", &[1.5])]),
        case(Exponential, &[("scale", &[2.5])]),
        case(Bernoulli, &[("p", &[0.3])]),
        case(Bernoulli, &[("logits", &[1.1])]),
        case(Categorical, &[("p", &[0.2, 0.5, 0.3])]),
        case(Categorical, &[("logits", &[0.4, -1.0, 2.0])]),
        case(Poisson, &[("rate", &[3.7])]),
        case(Poisson, &[("log_rate", &[0.8])]),
        case(Binomial, &[("n", &[9.0]), ("p", &[0.35])]),
        case(Binomial, &[("n", &[9.0]), ("logits", &[-0.8])]),
        case(Cauchy, &[("loc", &[0.7]), ("scale", &[1.3])]),
        case(Cauchy, &[("loc", &[-0.5]), ("scale", &[0.4])]),
        case(Laplace, &[("loc", &[-0.6]), ("scale", &[1.4])]),
        case(Laplace, &[("loc", &[0.5]), ("scale", &[0.8])]),
        case(Logistic, &[("loc", &[1.1]), ("scale", &[0.6])]),
        case(Gumbel, &[("loc", &[0.4]), ("scale", &[1.2])]),
        case(Gumbel, &[("loc", &[-0.3]), ("scale", &[2.0])]),
        case(Uniform, &[("lo", &[-1.0]), ("hi", &[2.5])]),
        case(Uniform, &[("lo", &[-4.0]), ("hi", &[4.0])]),
        case(Weibull, &[("shape", &[1.7]), ("scale", &[2.0])]),
        case(Weibull, &[("shape", &[0.8]), ("scale", &[0.5])]),
        case(Pareto, &[("scale", &[0.5]), ("shape", &[2.5])]),
        case(Pareto, &[("scale", &[0.5]), ("shape", &[1.1])]),
        case(Erlang, &[("k", &[3.0]), ("rate", &[1.2])]),
        case(Erlang, &[("k", &[1.0]), ("rate", &[0.4])]),
        case(InverseGamma, &[("shape", &[2.4]), ("scale", &[1.5])]),
        case(InverseGamma, &[("shape", &[0.8]), ("scale", &[0.6])]),
        case(ChiSquared, &[("df", &[3.0])]),
        case(ChiSquared, &[("df", &[1.5])]),
        case(Kumaraswamy, &[("a", &[2.0]), ("b", &[3.5])]),
        case(Kumaraswamy, &[("a", &[0.7]), ("b", &[0.9])]),
        case(TruncatedNormal, &[("loc", &[0.5]), ("scale", &[1.5]), ("lo", &[-1.0]), ("hi", &[2.0])]),
        case(TruncatedNormal, &[("loc", &[-3.0]), ("scale", &[0.8]), ("lo", &[0.0]), ("hi", &[f64::INFINITY])]),
        case(TruncatedNormal, &[("loc", &[1.0]), ("scale", &[2.0]), ("lo", &[-f64::INFINITY]), ("hi", &[0.3])]),
        case(TruncatedNormal, &[("loc", &[-1.0]), ("scale", &[0.5]), ("lo", &[2.0]), ("hi", &[2.5])]),
        case(VonMises, &[("loc", &[0.6]), ("concentration", &[1.8])]),
        case(VonMises, &[("loc", &[-2.5]), ("concentration", &[0.4])]),
        case(RelaxedBernoulli, &[("temperature", &[0.7]), ("p", &[0.3])]),
        case(RelaxedBernoulli, &[("temperature", &[1.4]), ("logits", &[0.9])]),
        case(BetaBinomial, &[("n", &[9.0]), ("a", &[0.8]), ("b", &[2.5])]),
        case(NegativeBinomial, &[("mean", &[2.7]), ("dispersion", &[3.1])]),
        case(ZeroInflatedPoisson, &[("p", &[0.3]), ("rate", &[2.2])]),
        case(Geometric, &[("p", &[0.4])]),
        case(Geometric, &[("logits", &[0.6])]),
        case(DiscreteUniform, &[("lo", &[2.0]), ("hi", &[7.0])]),
        case(DiscreteUniform, &[("lo", &[2.0]), ("hi", &[11.0])]),
        case(DiscretizedLogistic, &[("loc", &[3.3]), ("scale", &[1.6]), ("count", &[6.0])]),
        case(DiscretizedLogistic, &[("loc", &[-0.4]), ("scale", &[0.7]), ("category", &[3.0])]),
        case(OrderedLogistic, &[("eta", &[0.4]), ("cutpoints", &[-1.1, 0.5, 2.0])]),
        case(OrderedLogistic, &[("eta", &[-0.7]), ("cutpoints", &[-0.2])]),
    ]
}

impl Case {
    /// The event axes of one value.
    pub fn event(&self) -> Vec<Size> {
        if self.kind == Kind::Dirichlet { vec![Size::fixed(3)] } else { vec![] }
    }

    /// The distribution over leaves, so that no law of simplification knows the numbers. `from` is the first leaf.
    pub fn dist(&self, g: &mut Graph, from: u32) -> Dist {
        let mut args = Args::new();
        for (place, (name, values)) in self.args.iter().enumerate() {
            // What is written in the text is no leaf: an infinite end, and the last bin of a type.
            if let [x] = values[..]
                && (x.is_infinite() || ["count", "category"].contains(name))
            {
                let node = if x.is_infinite() { g.number(x) } else { g.size(Size::fixed(x as usize)) };
                args.insert(name, node);
                continue;
            }
            let shape =
                if values.len() == 1 && *name != "cutpoints" { vec![] } else { vec![Size::fixed(values.len())] };
            let positive = values.iter().all(|x| *x > 0.0);
            let support = if positive { Support::Positive } else { Support::Real };
            args.insert(name, g.data(DataId(from + place as u32), Shape::event(shape), support));
        }
        Dist { kind: self.kind, args }
    }

    /// The numbers of those leaves.
    pub fn leaves(&self, from: u32) -> BTreeMap<u32, Vec<f64>> {
        let numbered = self.args.iter().enumerate();
        numbered.map(|(place, (_, values))| (from + place as u32, values.clone())).collect()
    }
}

/// Whether `cases` has it; laws of the other vectors and matrices are in `vectors`.
pub fn has_cases(kind: Kind) -> bool {
    super::catalogue::value_type(kind).is_none() || kind == Kind::Dirichlet
}

/// The values of `nodes`, where data leaves have these numbers and the one random leaf is `u`.
pub fn values(g: &Graph, nodes: &[NodeId], data: &BTreeMap<u32, Vec<f64>>, u: &[f64]) -> Vec<Vec<f64>> {
    let leaf = |_: &Eval, op: &Op, _: &Positions| match op {
        Op::Data(id) => data.get(&id.0).cloned(),
        Op::Free(_) | Op::Site(_) | Op::Noise(..) => Some(u.to_vec()),
        _ => None,
    };
    let eval = Eval::new(g, Env { leaf: &leaf, dim: &|_| None, first: &|_| 0 });
    nodes.iter().map(|node| eval.at(*node, &Positions::new()).unwrap()).collect()
}

/// E f(value), entry by entry, under the case's density: by quadrature on the unconstrained scale, or by the sum over
/// states.
pub fn expectations(
    case: &Case,
    data: &BTreeMap<u32, Vec<f64>>,
    f: &dyn Fn(&mut Graph, NodeId, &Dist) -> NodeId,
) -> Vec<f64> {
    let mut g = Graph::default();
    let dist = case.dist(&mut g, 0);
    let (event, support) = (case.event(), support(&g, &dist, &case.event()));
    // Ends that are arguments stand in the map as leaves.
    let map = Bijector::of(&support);
    let (value, log_det) = match &map {
        Some(map) => {
            let u = g.free(SiteId(0), Shape::event(map.free_event(&event)));
            (map.forward(&mut g, u, &event), map.log_det(&mut g, u, &event))
        }
        None => (g.site(SiteId(0), Shape::event(event.clone()), support.clone()), g.number(0.0)),
    };
    let log_prob = log_prob(&mut g, &dist, value);
    let log_prob = total(&mut g, log_prob, super::component_axes(&dist, &event));
    let log_weight = g.add(log_prob, log_det);
    let f = f(&mut g, value, &dist);
    let mut all = case.leaves(0);
    all.extend(data.clone());
    let mut sum = vec![];
    for (u, weight) in grid(case, map.as_ref(), &support) {
        let at = values(&g, &[log_weight, f], &all, &u);
        // What has no weight may be infinite.
        let weight = weight * at[0][0].exp();
        if weight > 0.0 {
            sum.resize(at[1].len(), 0.0);
            sum.iter_mut().zip(&at[1]).for_each(|(sum, x)| *sum += weight * x);
        }
    }
    sum
}

/// The expectation of a number.
pub fn expectation(
    case: &Case,
    data: &BTreeMap<u32, Vec<f64>>,
    f: &dyn Fn(&mut Graph, NodeId, &Dist) -> NodeId,
) -> f64 {
    expectations(case, data, f)[0]
}

/// Places and weights of the trapezoidal rule, which converges exponentially for densities on the whole line.
fn grid(case: &Case, map: Option<&Bijector>, support: &Support) -> Vec<(Vec<f64>, f64)> {
    let line = |from: f64, to: f64, step: f64| {
        let count = ((to - from) / step) as usize;
        (0..=count).map(move |i| from + step * i as f64)
    };
    match map {
        None => {
            let states = support.states().and_then(|n| n.known()).unwrap_or(80);
            (0..states).map(|k| (vec![k as f64], 1.0)).collect()
        }
        // A kink is no obstacle where the line is stretched so much around it.
        Some(Bijector::Identity) if case.kind == Kind::Laplace => {
            let loc = case.args[0].1[0];
            let (x, slope) = (|t: f64| loc + t.sinh().powi(5), |t: f64| 5.0 * t.sinh().powi(4) * t.cosh());
            line(-2.5, 2.5, 0.01).map(|t| (vec![x(t)], 0.01 * slope(t))).collect()
        }
        // Stretched, for heavy tails.
        Some(Bijector::Identity) => {
            let far = if matches!(case.kind, Kind::Cauchy | Kind::StudentT) { 30.0 } else { 8.0 };
            line(-far, far, 0.1).map(|t| (vec![t.sinh()], 0.1 * t.cosh())).collect()
        }
        Some(Bijector::Simplex) => {
            let pairs = line(-30.0, 30.0, 0.6).flat_map(|a| line(-30.0, 30.0, 0.6).map(move |b| vec![a, b]));
            pairs.map(|u| (u, 0.36)).collect()
        }
        Some(_) => line(-60.0, 60.0, 0.2).map(|u| (vec![u], 0.2)).collect(),
    }
}

pub fn assert_close(found: f64, expected: f64, tolerance: f64, what: &str) {
    let error = (found - expected).abs() / (1.0 + expected.abs());
    assert!(error <= tolerance, "{what}: {found} is not {expected}");
}
