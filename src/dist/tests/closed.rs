//! Closed forms (means, entropies, statistics, divergences, expected log densities) are what quadrature gives.

use std::collections::BTreeMap;

use super::{Case, assert_close, case, cases, expectation, expectations, has_cases, values};
use crate::dist::expect::{LINEAR, VALUE, expected_log_prob};
use crate::dist::kl::{BY_STATISTICS, PAIRS, kl};
use crate::dist::{Dist, Kind, STATISTICS, Statistic, component_axes, entropy, expect, log_prob, mean, total};
use crate::math::{DataId, Graph, NodeId, Support};
use crate::shape::Shape;

/// All entries of what a closed form gives for a case.
fn closed(case: &Case, f: &dyn Fn(&mut Graph, &Dist) -> Option<NodeId>) -> Option<Vec<f64>> {
    let mut g = Graph::default();
    let dist = case.dist(&mut g, 0);
    let node = f(&mut g, &dist)?;
    Some(values(&g, &[node], &case.leaves(0), &[])[0].clone())
}

#[test]
fn means_and_statistics() {
    let mut seen = 0;
    for case in cases() {
        let what = |of: &str| format!("{of} of {:?} {:?}", case.kind, case.args);
        let compare = |found: Vec<f64>, expected: Vec<f64>, of: &str| {
            assert_eq!(found.len(), expected.len(), "{}", what(of));
            found.iter().zip(&expected).for_each(|(a, b)| assert_close(*a, *b, 1e-7, &what(of)));
        };
        let all: Vec<(Statistic, Vec<f64>)> = STATISTICS
            .into_iter()
            .filter_map(|statistic| Some((statistic, closed(&case, &|g, dist| expect(g, dist, statistic))?)))
            .collect();
        seen += all.len();
        // The mean first, where it is closed, in one sweep with the others.
        let found = closed(&case, &mean);
        let expected = expectations(&case, &BTreeMap::new(), &|g, value, dist| {
            let centre = mean(g, dist);
            let each = all.iter().map(|(statistic, _)| statistic_of(g, *statistic, value, centre));
            let list = each.collect::<Vec<_>>();
            g.stack([vec![value], list].concat())
        });
        let mut expected = expected.chunks(expected.len() / (all.len() + 1));
        let own = expected.next().unwrap();
        found.iter().for_each(|found| compare(found.clone(), own.to_vec(), "mean"));
        for ((statistic, found), expected) in all.into_iter().zip(expected) {
            compare(found, expected.to_vec(), &format!("{statistic:?}"));
        }
    }
    assert!(seen > 50, "{seen}");
}

fn statistic_of(g: &mut Graph, statistic: Statistic, value: NodeId, mean: Option<NodeId>) -> NodeId {
    match statistic {
        Statistic::Value => value,
        Statistic::Square => g.square(value),
        Statistic::Variance => {
            let distance = g.sub(value, mean.unwrap());
            g.square(distance)
        }
        Statistic::Log => g.log(value),
        Statistic::Log1m => {
            let rest = g.complement(value);
            g.log(rest)
        }
        Statistic::Recip => g.recip(value),
    }
}

#[test]
fn entropies() {
    let mut seen = 0;
    for case in cases() {
        let Some(found) = closed(&case, &entropy) else { continue };
        seen += 1;
        let expected = expectation(&case, &BTreeMap::new(), &|g, value, dist| {
            let log = log_prob(g, dist, value);
            g.neg(log)
        });
        assert_close(found[0], expected, 1e-7, &format!("entropy of {:?} {:?}", case.kind, case.args));
    }
    assert!(seen > 15, "{seen}");
}

#[test]
fn entropies_at_the_edges_are_finite() {
    let zero = |kind, args: &[(&'static str, &[f64])]| {
        let found = closed(&case(kind, args), &entropy).unwrap()[0];
        assert!(found.abs() < 1e-300, "{kind:?} {args:?}: {found}");
    };
    zero(Kind::Bernoulli, &[("p", &[0.0])]);
    zero(Kind::Bernoulli, &[("p", &[1.0])]);
    zero(Kind::Bernoulli, &[("logits", &[800.0])]);
    zero(Kind::Bernoulli, &[("logits", &[-800.0])]);
    zero(Kind::Categorical, &[("p", &[0.0, 1.0, 0.0])]);
    zero(Kind::Categorical, &[("logits", &[0.0, 800.0, -800.0])]);
}

#[test]
fn divergences() {
    let through = BY_STATISTICS.iter().flat_map(|(p, from)| from.iter().map(|q| (*q, *p)));
    for pair in PAIRS.iter().map(|pair| (pair.q, pair.p)).chain(through).filter(|(q, p)| has_cases(*q) && has_cases(*p))
    {
        let of = |kind| cases().into_iter().filter(move |case| case.kind == kind);
        let mut seen = 0;
        let both = of(pair.0).flat_map(|q| of(pair.1).map(move |p| (q.args.clone(), p)));
        let both = both.map(|(args, p)| (Case { kind: pair.0, args }, p)).filter(|(q, p)| inside(q, p));
        for (q, p) in both.take(if cfg!(debug_assertions) { 2 } else { usize::MAX }) {
            let found = closed_pair(&q, &p).unwrap();
            let expected = expectation(&q, &p.leaves(10), &|g, value, dist| {
                let mut other = p.dist(g, 10);
                share_tries(&mut other, dist);
                let (own, other) = (log_prob(g, dist, value), log_prob(g, &other, value));
                g.sub(own, other)
            });
            let what = format!("KL({:?} {:?} || {:?} {:?})", q.kind, q.args, p.kind, p.args);
            // Quadrature is only this good across the kink of a Laplace density.
            let tolerance = if p.kind == Kind::Laplace { 1e-3 } else { 1e-8 };
            assert_close(found, expected, tolerance, &what);
            seen += 1;
        }
        assert!(seen >= 2, "{pair:?}");
    }
}

/// Whether the ends that p has, if it has any, hold those of q.
fn inside(q: &Case, p: &Case) -> bool {
    let end = |case: &Case, name: &str| case.args.iter().find(|(own, _)| *own == name).map(|(_, x)| x[0]);
    let range = match q.kind {
        Kind::Beta | Kind::Kumaraswamy => Some((0.0, 1.0)),
        Kind::VonMises => Some((-std::f64::consts::PI, std::f64::consts::PI)),
        _ => end(q, "lo").zip(end(q, "hi")),
    };
    let (Some((lo, hi)), Some((low, high))) = (range, end(p, "lo").zip(end(p, "hi"))) else { return true };
    low <= lo && hi <= high
}

/// Binomials have a divergence where their numbers of tries are one expression.
fn share_tries(p: &mut Dist, q: &Dist) {
    if let (Some(own), Some(other)) = (p.args.get_mut("n"), q.args.get("n")) {
        *own = *other;
    }
}

fn closed_pair(q: &Case, p: &Case) -> Option<f64> {
    let mut g = Graph::default();
    let (left, mut right) = (q.dist(&mut g, 0), p.dist(&mut g, 10));
    share_tries(&mut right, &left);
    let node = kl(&mut g, &left, &right)?;
    let node = total(&mut g, node, component_axes(&left, &q.event()));
    let mut data = q.leaves(0);
    data.extend(p.leaves(10));
    Some(values(&g, &[node], &data, &[])[0][0])
}

#[test]
fn divergences_of_certain_bernoullis_are_finite() {
    let bernoulli = |p: f64| Case { kind: Kind::Bernoulli, args: vec![("p", vec![p])] };
    assert_close(closed_pair(&bernoulli(0.0), &bernoulli(0.5)).unwrap(), 2f64.ln(), 1e-12, "0 || 0.5");
    assert_close(closed_pair(&bernoulli(1.0), &bernoulli(1.0)).unwrap(), 0.0, 1e-12, "1 || 1");
    assert_eq!(closed_pair(&bernoulli(0.5), &bernoulli(0.0)).unwrap(), f64::INFINITY);
}

/// Two numbers a component count once for each: arguments that are numbers serve all components.
#[test]
fn a_number_counts_for_every_component() {
    let mut g = Graph::default();
    let half = g.number(0.5);
    let sum = total(&mut g, half, &[3.into(), 2.into()]);
    assert_eq!(values(&g, &[sum], &BTreeMap::new(), &[])[0], [3.0]);
}

/// For every row a distribution of what is random, whose statistics are closed.
fn random_for(child: Kind, of: &str) -> Kind {
    match (child, of) {
        (Kind::Normal | Kind::LogNormal, "loc") => Kind::Normal,
        (Kind::Normal | Kind::Flat, VALUE) => Kind::Normal,
        (Kind::Bernoulli | Kind::Binomial, "p") | (Kind::Beta, VALUE) => Kind::Beta,
        (Kind::Categorical, "p") | (Kind::Dirichlet, VALUE) => Kind::Dirichlet,
        (Kind::Geometric, "p") => Kind::Beta,
        (Kind::Bernoulli, VALUE) => Kind::Bernoulli,
        (Kind::Geometric | Kind::Pareto | Kind::Uniform | Kind::InverseGamma, VALUE) => child,
        (Kind::Normal, "var") | (Kind::Exponential, "scale") => Kind::InverseGamma,
        (Kind::HalfNormal, VALUE) => Kind::HalfNormal,
        _ => Kind::Gamma,
    }
}

#[test]
fn expected_log_densities() {
    for row in LINEAR.iter().filter(|row| has_cases(row.child)) {
        let wanted = random_for(row.child, row.of);
        let random = cases().into_iter().find(|case| case.kind == wanted).unwrap();
        let child = cases().into_iter().find(|case| {
            case.kind == row.child && (row.of == VALUE || case.args.iter().any(|(name, _)| *name == row.of))
        });
        let child = child.unwrap_or_else(|| case(row.child, &[]));
        let mut data = child.leaves(10);
        data.insert(30, vec![if row.child == Kind::Binomial { 4.0 } else { 1.0 }]);
        let expected = expectation(&random, &data, &|g, value, _| {
            let (dist, seen) = child_of(g, &child, row.of, value);
            log_prob(g, &dist, seen)
        });
        let mut g = Graph::default();
        let of = random.dist(&mut g, 0);
        let stand_in = g.site(crate::math::SiteId(0), Shape::event(random.event()), Support::Real);
        let (dist, seen) = child_of(&mut g, &child, row.of, stand_in);
        let stats: BTreeMap<Statistic, Option<NodeId>> =
            STATISTICS.into_iter().map(|s| (s, expect(&mut g, &of, s))).collect();
        let found = expected_log_prob(&mut g, &dist, seen, row.of, &|s| stats[&s]).unwrap();
        data.extend(random.leaves(0));
        // The random value itself must not be in it: its leaf has none here that could go unseen.
        let found = values(&g, &[found], &data, &[f64::NAN; 3])[0][0];
        assert_close(found, expected, 1e-7, &format!("{:?} in {}", row.child, row.of));
    }
}

/// The child with what is random put in its place, and the value that it scores.
fn child_of(g: &mut Graph, child: &Case, of: &'static str, random: NodeId) -> (Dist, NodeId) {
    let mut dist = child.dist(g, 10);
    if of == VALUE {
        return (dist, random);
    }
    dist.args.insert(of, random);
    let seen = g.data(DataId(30), Shape::scalar(), Support::Count(None));
    (dist, seen)
}
