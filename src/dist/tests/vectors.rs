//! Vectors and matrices: densities sum or integrate to one, closed forms agree with sums over all states or with
//! matrices worked out by another library.

use std::collections::BTreeMap;
use std::f64::consts::PI;

use nalgebra::{DMatrix, DVector};

use super::{assert_close, values};
use crate::dist::expect::{VALUE, expected_log_prob};
use crate::dist::kl::kl;
use crate::dist::{Bijector, Dist, Kind, Statistic, draw, entropy, expect, log_prob, mean, support};
use crate::math::{DataId, Graph, NodeId, SiteId, Support};
use crate::shape::{Shape, Size};

pub type Leaves = BTreeMap<u32, Vec<f64>>;

/// An argument as a leaf: its axes and its numbers.
pub type Given<'a> = (&'static str, &'a [usize], &'a [f64]);

pub fn sizes(axes: &[usize]) -> Vec<Size> {
    axes.iter().map(|n| Size::fixed(*n)).collect()
}

/// A distribution over leaves numbered from `from`.
pub fn dist(g: &mut Graph, kind: Kind, args: &[Given], from: u32) -> (Dist, Leaves) {
    let mut leaves = Leaves::new();
    let mut own = crate::dist::Args::new();
    for (place, (name, axes, numbers)) in args.iter().enumerate() {
        let id = from + place as u32;
        own.insert(name, g.data(DataId(id), Shape::event(sizes(axes)), Support::Real));
        leaves.insert(id, numbers.to_vec());
    }
    (Dist { kind, args: own }, leaves)
}

pub fn log_prob_at(kind: Kind, args: &[Given], event: &[usize], value: &[f64]) -> Vec<f64> {
    let mut g = Graph::default();
    let (dist, leaves) = dist(&mut g, kind, args, 0);
    let leaf = g.site(SiteId(0), Shape::event(sizes(event)), support(&g, &dist, &sizes(event)));
    let log = log_prob(&mut g, &dist, leaf);
    crate::math::verify::verify(&g).unwrap();
    values(&g, &[log], &leaves, value)[0].clone()
}

/// What a closed form gives.
fn closed(kind: Kind, args: &[Given], f: &dyn Fn(&mut Graph, &Dist) -> Option<NodeId>) -> Vec<f64> {
    let mut g = Graph::default();
    let (dist, leaves) = dist(&mut g, kind, args, 0);
    let node = f(&mut g, &dist).unwrap();
    crate::math::verify::verify(&g).unwrap();
    values(&g, &[node], &leaves, &[])[0].clone()
}

const COV: [f64; 4] = [2.0, 0.6, 0.6, 0.5];

/// An argument that is worked out: its axes and its numbers.
type Made = (&'static str, Vec<usize>, Vec<f64>);

/// A mean and a covariance.
type Moments<'a> = (&'a [f64], &'a DMatrix<f64>);

/// The ways to write one Gaussian vector.
fn gaussians() -> Vec<[Made; 2]> {
    let cov = DMatrix::from_row_slice(2, 2, &COV);
    let chol = cov.clone().cholesky().unwrap().l();
    let prec = cov.clone().try_inverse().unwrap();
    let rows = |m: &DMatrix<f64>| m.transpose().as_slice().to_vec();
    [("cov", cov), ("chol", chol), ("prec", prec)]
        .map(|(name, m)| [("loc", vec![2], vec![0.3, -1.0]), (name, vec![2, 2], rows(&m))])
        .to_vec()
}

fn given(args: &[Made]) -> Vec<Given<'_>> {
    args.iter().map(|(name, axes, numbers)| (*name, axes.as_slice(), numbers.as_slice())).collect()
}

fn gaussian_log_density(x: &[f64], loc: &[f64], cov: &DMatrix<f64>) -> f64 {
    let d = DVector::from_row_slice(x) - DVector::from_row_slice(loc);
    let quadratic = (d.transpose() * cov.clone().try_inverse().unwrap() * &d)[0];
    -0.5 * (quadratic + cov.determinant().ln() + x.len() as f64 * (2.0 * PI).ln())
}

#[test]
fn gaussian_vectors_have_their_density_however_they_are_written() {
    let cov = DMatrix::from_row_slice(2, 2, &COV);
    for args in gaussians() {
        let x = [1.0, 0.4, -0.2, -3.0];
        let each = log_prob_at(Kind::MvNormal, &given(&args), &[2, 2], &x);
        for (row, found) in x.chunks(2).zip(each) {
            assert_close(found, gaussian_log_density(row, &[0.3, -1.0], &cov), 1e-12, args[1].0);
        }
        let one = log_prob_at(Kind::MvNormal, &given(&args), &[2], &x[..2]);
        assert_close(one[0], gaussian_log_density(&x[..2], &[0.3, -1.0], &cov), 1e-12, args[1].0);
        let found = closed(Kind::MvNormal, &given(&args), &|g, dist| entropy(g, dist));
        assert_close(found[0], 0.5 * cov.determinant().ln() + (2.0 * PI).ln() + 1.0, 1e-12, "entropy");
        let found = closed(Kind::MvNormal, &given(&args), &|g, dist| expect(g, dist, Statistic::Variance));
        found.iter().zip([COV[0], COV[3]]).for_each(|(a, b)| assert_close(*a, b, 1e-12, "variance"));
        let found = closed(Kind::MvNormal, &given(&args), &|g, dist| mean(g, dist));
        assert_eq!(found, [0.3, -1.0]);
    }
}

/// A draw as a map of standard noise: its Jacobian, and the density that it gives to its value.
fn drawn(kind: Kind, args: &[Given], event: &[usize], noise: &[f64]) -> (Vec<f64>, DMatrix<f64>) {
    let mut g = Graph::default();
    let (dist, leaves) = dist(&mut g, kind, args, 0);
    let node = draw(&mut g, &dist, SiteId(0), &[], &sizes(event)).unwrap();
    crate::math::verify::verify(&g).unwrap();
    let at = |noise: &[f64]| values(&g, &[node], &leaves, noise)[0].clone();
    let value = at(noise);
    let jacobian = DMatrix::from_fn(value.len(), noise.len(), |i, j| {
        let moved = |by: f64| {
            at(&noise.iter().enumerate().map(|(k, x)| if k == j { x + by } else { *x }).collect::<Vec<_>>())[i]
        };
        (moved(1e-5) - moved(-1e-5)) / 2e-5
    });
    (value, jacobian)
}

/// The density of the draw's value is that of the noise over the volume that the map makes of it.
#[test]
fn draws_of_linear_maps_have_the_density() {
    let noise = [0.4, -1.2, 0.9, 0.1];
    let standard = |n: usize| noise[..n].iter().map(|e| -0.5 * (e * e + (2.0 * PI).ln())).sum::<f64>();
    for args in gaussians() {
        let (value, jacobian) = drawn(Kind::MvNormal, &given(&args), &[2], &noise[..2]);
        let found = log_prob_at(Kind::MvNormal, &given(&args), &[2], &value)[0];
        assert_close(found, standard(2) - jacobian.determinant().abs().ln(), 1e-8, args[1].0);
        let spread = &jacobian * jacobian.transpose();
        spread.iter().zip(COV).for_each(|(a, b)| assert_close(*a, b, 1e-8, "covariance of draws"));
        let (rows, _) = drawn(Kind::MvNormal, &given(&args), &[2, 2], &noise);
        rows[..2].iter().zip(&value).for_each(|(a, b)| assert_close(*a, *b, 1e-13, "the first of two vectors"));
    }
    let walk: &[Given] = &[("scale", &[], &[0.7])];
    let ar: &[Given] = &[("coefficients", &[2], &[0.6, -0.3]), ("scale", &[], &[0.7])];
    for (kind, args) in [(Kind::GaussianRandomWalk, walk), (Kind::AR, ar)] {
        let (value, jacobian) = drawn(kind, args, &[4], &noise);
        let found = log_prob_at(kind, args, &[4], &value)[0];
        assert_close(found, standard(4) - jacobian.determinant().abs().ln(), 1e-8, "a series");
        let (rows, _) = drawn(kind, args, &[2, 2], &noise);
        let each = log_prob_at(kind, args, &[2, 2], &rows);
        assert_close(each.iter().sum(), standard(4) - 4.0 * 0.7f64.ln(), 1e-8, "two series");
    }
}

#[test]
fn series_follow_their_equations() {
    let e = [0.4, -1.2, 0.9, 0.1];
    let (walk, _) = drawn(Kind::GaussianRandomWalk, &[("scale", &[], &[2.0])], &[4], &e);
    let mut x = 0.0;
    for (found, e) in walk.iter().zip(e) {
        x += 2.0 * e;
        assert_close(*found, x, 1e-13, "walk");
    }
    let args: &[Given] = &[("coefficients", &[2], &[0.6, -0.3]), ("scale", &[], &[2.0])];
    let (series, _) = drawn(Kind::AR, args, &[4], &e);
    for t in 0..4 {
        let before = |lag: usize| if t >= lag { series[t - lag] } else { 0.0 };
        assert_close(series[t], 0.6 * before(1) - 0.3 * before(2) + 2.0 * e[t], 1e-13, "series");
    }
}

/// The logarithm of the integral of a density over its support, by the trapezoidal rule on unconstrained coordinates.
fn mass(kind: Kind, args: &[Given], event: &[usize], reach: f64, step: f64) -> f64 {
    let mut g = Graph::default();
    let (dist, leaves) = dist(&mut g, kind, args, 0);
    let event = sizes(event);
    let map = Bijector::of(&support(&g, &dist, &event)).unwrap();
    let free = map.free_event(&event);
    let n = free.iter().map(|n| n.known().unwrap() as u32).product();
    let u = g.free(SiteId(0), Shape::event(free));
    let (value, log_det) = (map.forward(&mut g, u, &event), map.log_det(&mut g, u, &event));
    let log = log_prob(&mut g, &dist, value);
    let log = g.add(log, log_det);
    let line: Vec<f64> = (0..=(2.0 * reach / step) as usize).map(|i| i as f64 * step - reach).collect();
    let place = |at: usize| (0..n).map(|axis| line[at / line.len().pow(axis) % line.len()]).collect::<Vec<_>>();
    (0..line.len().pow(n)).map(|at| values(&g, &[log], &leaves, &place(at))[0][0].exp()).sum::<f64>()
        * step.powi(n as i32)
}

#[test]
fn densities_of_vectors_and_matrices_integrate_to_one() {
    let logistic: &[Given] = &[("loc", &[2], &[0.3, -0.5]), ("scale", &[2], &[0.6, 0.9])];
    assert_close(mass(Kind::LogisticNormal, logistic, &[3], 9.0, 0.25), 1.0, 1e-8, "LogisticNormal");
    let concrete: &[Given] = &[("temperature", &[], &[0.7]), ("logits", &[3], &[0.4, -1.0, 0.2])];
    assert_close(mass(Kind::Concrete, concrete, &[3], 20.0, 0.5), 1.0, 1e-5, "Concrete");
    for c in [1.0, 2.3] {
        let lkj: &[Given] = &[("concentration", &[], &[c])];
        assert_close(mass(Kind::LKJCholesky, lkj, &[2, 2], 12.0, 0.25), 1.0, 1e-8, "LKJCholesky of 2");
    }
    let lkj: &[Given] = &[("concentration", &[], &[1.7])];
    assert_close(mass(Kind::LKJCholesky, lkj, &[3, 3], 5.5, 0.55), 1.0, 1e-4, "LKJCholesky of 3");
    assert_close(
        log_prob_at(Kind::LKJCholesky, &[("concentration", &[], &[2.0])], &[1, 1], &[1.0])[0],
        0.0,
        1e-14,
        "1",
    );
}

/// All ways in which n tries fall on 3 outcomes.
fn counts(n: usize) -> Vec<Vec<f64>> {
    (0..=n).flat_map(|a| (0..=n - a).map(move |b| vec![a as f64, b as f64, (n - a - b) as f64])).collect()
}

pub fn states(kind: Kind) -> Vec<Vec<f64>> {
    if kind == Kind::OneHot { counts(1) } else { counts(4) }
}

/// Counts and labels, each in two ways.
pub fn counted() -> Vec<(Kind, Vec<Given<'static>>)> {
    vec![
        (Kind::OneHot, vec![("p", &[3], &[0.2, 0.5, 0.3])]),
        (Kind::OneHot, vec![("logits", &[3], &[0.4, -1.0, 2.0])]),
        (Kind::Multinomial, vec![("n", &[], &[4.0]), ("p", &[3], &[0.2, 0.5, 0.3])]),
        (Kind::Multinomial, vec![("n", &[], &[4.0]), ("logits", &[3], &[0.4, -1.0, 2.0])]),
        (Kind::DirichletMultinomial, vec![("n", &[], &[4.0]), ("concentration", &[3], &[0.5, 1.7, 3.0])]),
    ]
}

#[test]
fn probabilities_of_counts_sum_to_one_and_give_the_closed_forms() {
    for (kind, args) in counted() {
        let states = states(kind);
        let logs: Vec<f64> = states.iter().map(|x| log_prob_at(kind, &args, &[3], x)[0]).collect();
        let expectation = |f: &dyn Fn(usize) -> f64| (0..logs.len()).map(|i| logs[i].exp() * f(i)).sum::<f64>();
        assert_close(expectation(&|_| 1.0), 1.0, 1e-12, "mass");
        let means: Vec<f64> = (0..3).map(|k| expectation(&|i| states[i][k])).collect();
        let found = closed(kind, &args, &|g, dist| mean(g, dist));
        found.iter().zip(&means).for_each(|(a, b)| assert_close(*a, *b, 1e-12, "mean"));
        if kind != Kind::DirichletMultinomial {
            let found = closed(kind, &args, &|g, dist| expect(g, dist, Statistic::Variance));
            for k in 0..3 {
                assert_close(found[k], expectation(&|i| (states[i][k] - means[k]).powi(2)), 1e-12, "variance");
            }
        }
        if kind == Kind::OneHot {
            let found = closed(kind, &args, &|g, dist| entropy(g, dist));
            assert_close(found[0], -expectation(&|i| logs[i]), 1e-12, "entropy");
        }
        if kind != Kind::OneHot {
            assert_eq!(log_prob_at(kind, &args, &[3], &[1.0, 1.0, 1.0]), [f64::NEG_INFINITY], "counts of 3 tries");
        }
        // Two rows of counts are two values.
        let two = [states[0].clone(), states[1].clone()].concat();
        let found = log_prob_at(kind, &args, &[2, 3], &two);
        assert_eq!(found, logs[..2]);
    }
}

/// KL of two distributions over leaves; `n` of both is one leaf.
fn divergence(q: (Kind, &[Given]), p: (Kind, &[Given])) -> f64 {
    let mut g = Graph::default();
    let (q, mut leaves) = dist(&mut g, q.0, q.1, 0);
    let (mut p, more) = dist(&mut g, p.0, p.1, 10);
    leaves.extend(more);
    if let (Some(own), Some(other)) = (q.args.get("n"), p.args.get_mut("n")) {
        *other = *own;
    }
    let node = kl(&mut g, &q, &p).unwrap();
    crate::math::verify::verify(&g).unwrap();
    values(&g, &[node], &leaves, &[])[0][0]
}

#[test]
fn divergences_of_gaussian_vectors_are_those_of_their_matrices() {
    let by_hand = |(m1, s1): (&[f64], &DMatrix<f64>), (m2, s2): (&[f64], &DMatrix<f64>)| {
        let inverse = s2.clone().try_inverse().unwrap();
        let d = DVector::from_row_slice(m2) - DVector::from_row_slice(m1);
        let trace = (&inverse * s1).trace();
        0.5 * (trace + (d.transpose() * &inverse * &d)[0] - 2.0 + (s2.determinant() / s1.determinant()).ln())
    };
    let cov = DMatrix::from_row_slice(2, 2, &COV);
    let other = DMatrix::from_row_slice(2, 2, &[1.5, -0.3, -0.3, 0.8]);
    let other_rows = other.as_slice().to_vec();
    let scales = DMatrix::from_diagonal(&DVector::from_row_slice(&[0.49, 2.25]));
    let second: &[Given] = &[("loc", &[2], &[1.0, 0.2]), ("cov", &[2, 2], &other_rows)];
    let normal: &[Given] = &[("loc", &[2], &[-0.4, 0.6]), ("scale", &[2], &[0.7, 1.5])];
    let number: &[Given] = &[("loc", &[], &[0.4]), ("scale", &[], &[0.7])];
    let even = DMatrix::from_diagonal(&DVector::from_row_slice(&[0.49, 0.49]));
    for args in gaussians() {
        let args = given(&args);
        let first: (&[f64], _) = (&[0.3, -1.0], &cov);
        let mv = (Kind::MvNormal, args.as_slice());
        let pairs: [(f64, Moments, Moments); 5] = [
            (divergence(mv, (Kind::MvNormal, second)), first, (&[1.0, 0.2], &other)),
            (divergence((Kind::MvNormal, second), mv), (&[1.0, 0.2], &other), first),
            (divergence(mv, (Kind::Normal, normal)), first, (&[-0.4, 0.6], &scales)),
            (divergence((Kind::Normal, normal), mv), (&[-0.4, 0.6], &scales), first),
            (divergence((Kind::Normal, number), mv), (&[0.4, 0.4], &even), first),
        ];
        for (found, q, p) in pairs {
            assert_close(found, by_hand(q, p), 1e-11, args[1].0);
        }
    }
}

#[test]
fn divergences_of_counts_and_labels_are_sums() {
    for (kind, prefix) in [(Kind::OneHot, &[][..]), (Kind::Multinomial, &[("n", &[][..], &[4.0][..])])] {
        let q: Vec<Given> = [prefix, &[("p", &[3], &[0.2, 0.5, 0.3])]].concat();
        let p: Vec<Given> = [prefix, &[("logits", &[3], &[0.4, -1.0, 2.0])]].concat();
        let terms = states(kind).into_iter().map(|x| {
            let (own, other) = (log_prob_at(kind, &q, &[3], &x)[0], log_prob_at(kind, &p, &[3], &x)[0]);
            own.exp() * (own - other)
        });
        assert_close(divergence((kind, &q), (kind, &p)), terms.sum(), 1e-12, "KL");
    }
    // The softmax is one to one: the divergence is that of the Normals before it.
    let q: &[Given] = &[("loc", &[2], &[0.3, -0.5]), ("scale", &[2], &[0.6, 0.9])];
    let p: &[Given] = &[("loc", &[2], &[0.0, 1.0]), ("scale", &[2], &[1.0, 2.0])];
    let one = |m: f64, s: f64, n: f64, t: f64| (t / s).ln() + (s * s + (m - n) * (m - n)) / (2.0 * t * t) - 0.5;
    let expected = one(0.3, 0.6, 0.0, 1.0) + one(-0.5, 0.9, 1.0, 2.0);
    assert_close(divergence((Kind::LogisticNormal, q), (Kind::LogisticNormal, p)), expected, 1e-12, "KL");
}

/// Densities that are linear in log p, or in the value, at the logarithms or at the mean.
#[test]
fn expected_densities_of_counts_and_labels() {
    let logs = [-1.7, -0.6, -2.2];
    let log = |kind, args: &[Given], x: &[f64]| log_prob_at(kind, args, &[3], x)[0];
    // Where p were exp(logs), which is no simplex: the density is the same linear form of log p.
    let p: Vec<f64> = logs.iter().map(|l: &f64| l.exp()).collect();
    for (kind, prefix, x) in
        [(Kind::OneHot, &[][..], [0.0, 1.0, 0.0]), (Kind::Multinomial, &[("n", &[][..], &[4.0][..])], [1.0, 0.0, 3.0])]
    {
        let args: Vec<Given> = [prefix, &[("p", &[3], &p)]].concat();
        let mut g = Graph::default();
        let (child, mut leaves) = dist(&mut g, kind, &args, 0);
        let value = g.data(DataId(20), Shape::event(sizes(&[3])), Support::Count(None));
        let stat = g.data(DataId(21), Shape::event(sizes(&[3])), Support::Real);
        leaves.extend([(20, x.to_vec()), (21, logs.to_vec())]);
        let node = expected_log_prob(&mut g, &child, value, "p", &|s| (s == Statistic::Log).then_some(stat)).unwrap();
        assert_close(values(&g, &[node], &leaves, &[])[0][0], log(kind, &args, &x), 1e-12, "in p");
    }
    let args: &[Given] = &[("logits", &[3], &[0.4, -1.0, 2.0])];
    let mut g = Graph::default();
    let (child, mut leaves) = dist(&mut g, Kind::OneHot, args, 0);
    let value = g.site(SiteId(0), Shape::event(sizes(&[3])), Support::OneHot(3.into()));
    let stat = g.data(DataId(21), Shape::event(sizes(&[3])), Support::Real);
    leaves.insert(21, vec![0.2, 0.5, 0.3]);
    let node = expected_log_prob(&mut g, &child, value, VALUE, &|s| (s == Statistic::Value).then_some(stat)).unwrap();
    let unit = |k: usize| (0..3).map(|i| f64::from(i == k)).collect::<Vec<_>>();
    let expected: f64 = [0.2, 0.5, 0.3].iter().enumerate().map(|(k, w)| w * log(Kind::OneHot, args, &unit(k))).sum();
    assert_close(values(&g, &[node], &leaves, &[])[0][0], expected, 1e-12, "in the value");
}
