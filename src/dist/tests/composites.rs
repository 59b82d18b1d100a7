//! Mixtures, truncation and censoring: densities by hand, masses by quadrature.

use std::collections::BTreeMap;

use super::{assert_close, case, values};
use crate::arena::Id;
use crate::dist::{Args, Dist, Kind, log_prob, support};
use crate::math::support::Bound;
use crate::math::{DataId, Graph, NodeId, Pick, SiteId, Support};
use crate::shape::{Shape, Size};

/// `Mixture(weights, Exponential(rates))`, with the rates as an array whose rows are the components.
fn mixture(g: &mut Graph) -> (Dist, BTreeMap<u32, Vec<f64>>) {
    let axis = Id::new(0);
    g.declare_axis(axis, 2.into());
    let weights = g.data(DataId(0), Shape::event([Size::fixed(2)]), Support::Simplex(2.into()));
    let rates = g.data(DataId(1), Shape::event([Size::fixed(2)]), Support::Positive);
    let rate = g.index(rates, vec![Pick::Row(axis)]);
    let mut args = Args::from([("weights", weights)]);
    args.of = vec![Dist { kind: Kind::Exponential, args: [("rate", rate)].into() }];
    args.components = Some(axis);
    (Dist { kind: Kind::Mixture, args }, [(0, vec![0.3, 0.7]), (1, vec![0.5, 4.0])].into())
}

fn by_hand(x: f64) -> f64 {
    (0.3 * 0.5 * (-0.5 * x).exp() + 0.7 * 4.0 * (-4.0 * x).exp()).ln()
}

#[test]
fn a_mixture_is_the_weighted_sum_of_its_components() {
    let mut g = Graph::default();
    let (dist, data) = mixture(&mut g);
    assert_eq!(support(&g, &dist, &[]), Support::Positive);
    let value = g.site(SiteId(0), Shape::scalar(), Support::Positive);
    let log = log_prob(&mut g, &dist, value);
    for x in [0.01, 0.7, 30.0] {
        assert_close(values(&g, &[log], &data, &[x])[0][0], by_hand(x), 1e-13, "mixture");
    }
    crate::math::verify::verify(&g).unwrap();
}

#[test]
fn a_list_is_a_mixture_and_entries_are_mixed_one_by_one() {
    let mut g = Graph::default();
    let (mut dist, mut data) = mixture(&mut g);
    let rates = [2, 3].map(|id| g.data(DataId(id), Shape::scalar(), Support::Positive));
    dist.args.of = rates.map(|rate| Dist { kind: Kind::Exponential, args: [("rate", rate)].into() }).to_vec();
    let each = g.data(DataId(4), Shape::event([Size::fixed(3), Size::fixed(2)]), Support::Simplex(2.into()));
    let own = dist.clone();
    dist.args.insert("weights", each);
    data.extend([(2, vec![0.5]), (3, vec![4.0]), (4, vec![0.3, 0.7, 0.3, 0.7, 1.0, 0.0])]);
    let value = g.site(SiteId(0), Shape::event([Size::fixed(3)]), Support::Positive);
    let (shared, own) = (log_prob(&mut g, &own, value), log_prob(&mut g, &dist, value));
    let at = [0.2, 1.5, 2.0];
    let found = values(&g, &[shared, own], &data, &at);
    for (i, x) in at.into_iter().enumerate() {
        assert_close(found[0][i], by_hand(x), 1e-13, "weights for all");
        let expected = if i == 2 { 0.5f64.ln() - 0.5 * x } else { by_hand(x) };
        assert_close(found[1][i], expected, 1e-13, "weights an entry");
    }
    crate::math::verify::verify(&g).unwrap();
}

/// A distribution cut off at these bounds, of numbers.
fn cut(g: &mut Graph, kind: Kind, of: &super::Case, lo: Option<f64>, hi: Option<f64>) -> Dist {
    let mut args = Args::new();
    for (name, bound) in [("lo", lo), ("hi", hi)] {
        if let Some(bound) = bound {
            args.insert(name, g.number(bound));
        }
    }
    args.of = vec![of.dist(g, 0)];
    Dist { kind, args }
}

/// Bounds inside, in both tails, and left out.
const BOUNDS: [(Option<f64>, Option<f64>); 5] =
    [(Some(0.2), Some(1.5)), (Some(30.0), Some(31.0)), (Some(1e-9), Some(2e-9)), (None, Some(0.7)), (Some(2.5), None)];

fn cut_cases() -> Vec<super::Case> {
    let known = |kind| crate::dist::cdf::of(kind).is_some() || crate::dist::states::is_summed(kind);
    super::cases().into_iter().filter(|case| known(case.kind)).collect()
}

fn of_counts(case: &super::Case) -> bool {
    let mut g = Graph::default();
    let dist = case.dist(&mut g, 0);
    support(&g, &dist, &[]).is_discrete()
}

/// The largest count that is looked at.
fn last(of: &super::Case) -> f64 {
    of.args.iter().find(|(name, _)| *name == "n").map_or(200.0, |(_, n)| n[0])
}

/// Bounds that cut something off.
fn bounds(of: &super::Case) -> Vec<(Option<f64>, Option<f64>)> {
    let arg = |name: &str| of.args.iter().find(|(own, _)| *own == name).map_or(f64::NAN, |(_, values)| values[0]);
    match of.kind {
        Kind::Uniform => vec![(Some(arg("lo") + 0.3), Some(arg("hi") - 0.2)), (None, Some(arg("hi") - 0.4))],
        Kind::Kumaraswamy => vec![(Some(0.2), Some(0.7)), (None, Some(0.4)), (Some(0.8), None)],
        Kind::Pareto => vec![(Some(0.6), Some(2.0)), (Some(3.0), None)],
        // So far below its mode a density is too steep for the quadrature.
        Kind::InverseGamma => BOUNDS.into_iter().filter(|(lo, _)| *lo != Some(1e-9)).collect(),
        _ => BOUNDS.to_vec(),
    }
}

#[test]
fn tails_are_those_of_another_library() {
    for of in cut_cases().iter().filter(|of| !of_counts(of)) {
        let oracle = super::draws::cdf(of);
        let mut g = Graph::default();
        let dist = of.dist(&mut g, 0);
        let value = g.site(SiteId(0), Shape::scalar(), Support::Real);
        let (below, above) = crate::dist::cdf::tails(&mut g, &dist, value).unwrap();
        let range = support(&g, &dist, &[]).range();
        for x in [-7.0, -1.5, 1e-3, 0.2, 0.6, 0.9, 1.7, 2.2, 6.0, 40.0] {
            let expected = oracle(x);
            if !(range.lo < x && x < range.hi && 0.0 < expected && expected < 1.0) {
                continue;
            }
            let what = format!("{:?} {:?} at {x}", of.kind, of.args);
            let found = values(&g, &[below, above], &of.leaves(0), &[x]);
            assert_close(found[0][0].exp(), expected, 1e-9, &what);
            assert_close(found[1][0].exp(), 1.0 - expected, 1e-9, &what);
        }
    }
}

#[test]
fn truncated_and_censored_counts_sum_to_one() {
    for of in cut_cases().iter().filter(|of| of_counts(of)) {
        for (lo, hi) in [(Some(1.0), Some(4.0)), (Some(1.5), Some(4.5)), (None, Some(3.0)), (Some(2.0), None)] {
            for kind in [Kind::Truncated, Kind::Censored] {
                let mut g = Graph::default();
                let dist = cut(&mut g, kind, of, lo, hi);
                let value = g.site(SiteId(0), Shape::scalar(), Support::Count(None));
                let log = log_prob(&mut g, &dist, value);
                let (from, to) = match kind {
                    Kind::Censored => (lo.unwrap_or(0.0).floor(), hi.map_or(last(of), f64::ceil)),
                    _ => (0.0, last(of)),
                };
                let counts = (from as u32..=to as u32).map(f64::from);
                let mass: f64 = counts.map(|k| values(&g, &[log], &of.leaves(0), &[k])[0][0].exp()).sum();
                assert_close(mass, 1.0, 1e-9, &format!("{kind:?} {:?} {:?} in {lo:?}, {hi:?}", of.kind, of.args));
            }
        }
    }
}

#[test]
fn truncated_densities_integrate_to_one() {
    for of in cut_cases().into_iter().filter(|of| !of_counts(of)) {
        for (lo, hi) in bounds(&of) {
            let mut g = Graph::default();
            let dist = cut(&mut g, Kind::Truncated, &of, lo, hi);
            let value = g.site(SiteId(0), Shape::scalar(), Support::Real);
            let log = log_prob(&mut g, &dist, value);
            let mass = integral(&g, log, &of, lo, hi, &support(&g, &dist, &[]));
            // Quadrature is only this good across the kink of a Laplace density.
            let tolerance = if of.kind == Kind::Laplace { 1e-3 } else { 1e-6 };
            assert_close(mass, 1.0, tolerance, &format!("{:?} {:?} in {lo:?}, {hi:?}", of.kind, of.args));
        }
    }
}

/// Where both ends are known, or else on exp(t) from the end that is.
fn integral(g: &Graph, log: NodeId, of: &super::Case, lo: Option<f64>, hi: Option<f64>, support: &Support) -> f64 {
    let range = support.range();
    let leaf = |end: &Bound| match end {
        Bound::Number(x) => *x,
        Bound::Value(id) => values(g, &[*id], &of.leaves(0), &[])[0][0],
    };
    let end = |bound: Option<f64>, end: &Bound| bound.or(Some(leaf(end)).filter(|end| end.is_finite()));
    let ends = support.ends();
    let (lo, hi) = (end(lo, &ends.0), end(hi, &ends.1));
    let density = |x: f64| values(g, &[log], &of.leaves(0), &[x])[0][0].exp();
    if let (Some(lo), Some(hi)) = (lo, hi) {
        // On lo + (hi - lo) sigmoid(t), by the trapezoidal rule: ends at which a density is steep or infinite do no harm.
        let share = |t: f64| 1.0 / (1.0 + (-t).exp());
        let steps = (-200..=200).map(|i| f64::from(i) * 0.2);
        let places = steps.map(|t| (lo + (hi - lo) * share(t), (hi - lo) * share(t) * share(-t)));
        return places.filter(|(x, _)| lo < *x && *x < hi).map(|(x, slope)| 0.2 * slope * density(x)).sum();
    }
    let (from, sign) = match (lo, hi) {
        (Some(lo), _) => (lo, 1.0),
        (_, hi) => (hi.unwrap(), -1.0),
    };
    let inside = |x: f64| range.lo < x && x < range.hi;
    let steps = (-600..=600).map(|i| f64::from(i) * 0.1);
    let places = steps.map(|t| (from + sign * t.exp(), t.exp())).filter(|(x, _)| inside(*x));
    places.map(|(x, slope)| 0.1 * slope * density(x)).sum()
}

#[test]
fn what_is_censored_has_the_mass_beyond_the_bound() {
    let mut g = Graph::default();
    let of = case(Kind::Exponential, &[("rate", &[1.5])]);
    let dist = cut(&mut g, Kind::Censored, &of, Some(0.2), Some(2.0));
    let value = g.site(SiteId(0), Shape::event([Size::fixed(3)]), Support::Positive);
    let log = log_prob(&mut g, &dist, value);
    let found = values(&g, &[log], &of.leaves(0), &[0.2, 1.0, 2.0])[0].clone();
    let expected = [(-(-0.3f64).exp_m1()).ln(), 1.5f64.ln() - 1.5, -3.0];
    found.iter().zip(expected).for_each(|(a, b)| assert_close(*a, b, 1e-13, "censored"));
}

#[test]
fn an_infinite_bound_censors_nothing() {
    let mut g = Graph::default();
    let of = case(Kind::Exponential, &[("rate", &[1.5])]);
    let dist = cut(&mut g, Kind::Censored, &of, None, Some(f64::INFINITY));
    let value = g.site(SiteId(0), Shape::scalar(), Support::Positive);
    let log = log_prob(&mut g, &dist, value);
    assert_close(values(&g, &[log], &of.leaves(0), &[7.0])[0][0], 1.5f64.ln() - 10.5, 1e-13, "not censored");
}

/// States are summed one by one for each component, in the far tail too, where 1 less what lies below is rounding.
#[test]
fn summed_states_keep_the_far_tail() {
    let mut g = Graph::default();
    let args = [("mean", [2.0, 0.4, 9.0]), ("dispersion", [3.0, 8.0, 0.7])];
    let of = case(Kind::NegativeBinomial, &[(args[0].0, &args[0].1), (args[1].0, &args[1].1)]);
    let dist = of.dist(&mut g, 0);
    for last in [-1.0, 0.0, 4.0, 60.0, 200.0] {
        let at = g.number(last);
        let (below, above) = crate::dist::cdf::tails(&mut g, &dist, at).unwrap();
        let found = values(&g, &[below, above], &of.leaves(0), &[]);
        for i in 0..3 {
            let mut one = Graph::default();
            let single =
                case(Kind::NegativeBinomial, &[(args[0].0, &args[0].1[i..=i]), (args[1].0, &args[1].1[i..=i])]);
            let (dist, value) = (single.dist(&mut one, 0), one.site(SiteId(0), Shape::scalar(), Support::Count(None)));
            let log = log_prob(&mut one, &dist, value);
            let p = |k: f64| values(&one, &[log], &single.leaves(0), &[k])[0][0].exp();
            let count = (last + 1.0) as u32;
            let expected = [(0..count).map(|k| p(f64::from(k))).sum(), (count..4000).map(|k| p(f64::from(k))).sum()];
            for (side, expected) in expected.into_iter().enumerate() {
                let found = if found[side].len() == 1 { found[side][0] } else { found[side][i] };
                // What is neither tiny nor nearly 1 has the rounding of the other side.
                let tolerance = if f64::ln(expected) < -34.0 { 1e-9 } else { 2e-13 / expected };
                assert_close(
                    found.exp() / expected.max(1e-300),
                    f64::from(u8::from(expected > 0.0)),
                    tolerance.max(1e-12),
                    &format!("{last} {i}"),
                );
            }
        }
    }
}

#[test]
fn summed_states_end_at_the_number_of_tries() {
    let mut g = Graph::default();
    let (n, p) = (g.number(9.0), g.data(DataId(0), Shape::scalar(), Support::Unit));
    let dist = Dist { kind: Kind::Binomial, args: [("n", n), ("p", p)].into() };
    let ends = [4.0, 8.0, 9.0, 20.0].map(|k| {
        let at = g.number(k);
        crate::dist::cdf::tails(&mut g, &dist, at).unwrap()
    });
    let nodes: Vec<NodeId> = ends.iter().flat_map(|(below, above)| [*below, *above]).collect();
    let found = values(&g, &nodes, &[(0, vec![1e-5])].into(), &[]);
    for (pair, expected) in found.chunks(2).zip([1.259_958_000_539_997_8e-23, 1e-45, 0.0, 0.0]) {
        assert_close(pair[0][0].exp(), 1.0, 1e-12, "below");
        let ratio = if expected > 0.0 { pair[1][0].exp() / expected } else { 1.0 + pair[1][0].exp() };
        assert_close(ratio, 1.0, 1e-5, "above");
    }
    crate::math::verify::verify(&g).unwrap();
}
