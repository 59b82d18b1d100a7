//! Maps onto supports: inverse, log-determinant by finite differences, both forms the same, images in the support.

use std::collections::BTreeMap;

use super::{assert_close, values};
use crate::dist::Bijector;
use crate::math::support::Bound;
use crate::math::{Graph, SiteId, Support};
use crate::shape::{Shape, Size};

/// Supports with the shape of one value.
fn supports() -> Vec<(Support, Vec<usize>)> {
    let n = |n: usize| Size::fixed(n);
    let half = |lo: f64, hi: f64| Support::Interval(Bound::Number(lo), Bound::Number(hi));
    vec![
        (Support::Real, vec![2]),
        (Support::Positive, vec![]),
        (Support::Positive, vec![2]),
        (Support::Unit, vec![2]),
        (half(-1.5, 4.0), vec![]),
        (half(2.0, f64::INFINITY), vec![2]),
        (half(f64::NEG_INFINITY, -3.0), vec![]),
        (half(f64::NEG_INFINITY, f64::INFINITY), vec![]),
        (Support::Ordered(n(3)), vec![3]),
        (Support::PositiveOrdered(n(4)), vec![4]),
        (Support::Simplex(n(4)), vec![4]),
        (Support::Simplex(n(2)), vec![2]),
        (Support::Cholesky(n(3)), vec![3, 3]),
        (Support::Cov(n(3)), vec![3, 3]),
        (Support::Cov(n(1)), vec![1, 1]),
        (Support::CholeskyCorr(n(4)), vec![4, 4]),
    ]
}

fn points(n: usize) -> Vec<Vec<f64>> {
    let point = |shift: f64| (0..n).map(|k| ((k as f64 + shift) * 2.7).sin() * 1.8).collect();
    [0.3, 1.1, 5.2].map(point).to_vec()
}

#[test]
fn the_inverse_in_math_is_that_of_numbers() {
    let mut seen = 0;
    for (support, event) in supports() {
        let map = Bijector::of(&support).unwrap();
        let event: Vec<Size> = event.iter().map(|n| Size::fixed(*n)).collect();
        let mut g = Graph::default();
        let free = g.free(SiteId(0), Shape::event(map.free_event(&event)));
        let value = map.forward(&mut g, free, &event);
        let Some(back) = map.inverse(&mut g, value) else { continue };
        let n = event.iter().map(|n| n.known().unwrap()).product::<i64>() as usize;
        for u in points(n) {
            let found = values(&g, &[back], &BTreeMap::new(), &u);
            found[0].iter().zip(&u).for_each(|(found, u)| assert_close(*found, *u, 1e-9, "an inverse"));
        }
        seen += 1;
    }
    assert_eq!(seen, 8);
}

/// Value and log-determinant of the math form.
fn in_math(map: &Bijector, event: &[usize], u: &[f64]) -> (Vec<f64>, f64) {
    let mut g = Graph::default();
    let event: Vec<Size> = event.iter().map(|n| Size::fixed(*n)).collect();
    let free = g.free(SiteId(0), Shape::event(map.free_event(&event)));
    let (value, log_det) = (map.forward(&mut g, free, &event), map.log_det(&mut g, free, &event));
    assert_eq!(g.event(value), event);
    crate::math::verify::verify(&g).unwrap();
    let found = values(&g, &[value, log_det], &BTreeMap::new(), u);
    (found[0].clone(), found[1][0])
}

#[test]
fn both_forms_agree_and_invert() {
    for (support, event) in supports() {
        let map = Bijector::of(&support).unwrap();
        let free: i64 = map
            .free_event(&event.iter().map(|n| Size::fixed(*n)).collect::<Vec<_>>())
            .iter()
            .map(|n| n.known().unwrap())
            .product();
        for u in points(free as usize) {
            let value = map.forward_f64(&u);
            for (a, b) in value.iter().zip(in_math(&map, &event, &u).0) {
                assert_close(*a, b, 1e-13, &format!("{support:?} at {u:?}"));
            }
            for (a, b) in map.inverse_f64(&value).iter().zip(&u) {
                assert_close(*a, *b, 1e-10, &format!("inverse of {support:?} at {u:?}"));
            }
            assert_in(&support, &value);
        }
    }
}

fn assert_in(support: &Support, value: &[f64]) {
    let range = support.range();
    assert!(value.iter().all(|x| range.lo <= *x && *x <= range.hi), "{value:?} in {support:?}");
    match support {
        Support::Simplex(_) => assert_close(value.iter().sum(), 1.0, 1e-14, "sum of a simplex"),
        Support::CholeskyCorr(_) => {
            let n = value.len().isqrt();
            value.chunks(n).for_each(|row| assert_close(row.iter().map(|x| x * x).sum(), 1.0, 1e-14, "a row"));
        }
        Support::Ordered(_) | Support::PositiveOrdered(_) => assert!(value.is_sorted(), "{value:?}"),
        _ => {}
    }
}

#[test]
fn log_determinants_are_those_of_finite_differences() {
    for (support, event) in supports() {
        let map = Bijector::of(&support).unwrap();
        let n = map.inverse_f64(&map.forward_f64(&vec![0.0; free_len(&map, &event)])).len();
        for u in points(n) {
            let mut jacobian = nalgebra::DMatrix::zeros(n, n);
            for j in 0..n {
                let moved = |by: f64| {
                    let mut u = u.clone();
                    u[j] += by;
                    map.forward_f64(&u)
                };
                let (up, down) = (moved(1e-5), moved(-1e-5));
                let entries = coordinates(&support);
                (0..n).for_each(|i| jacobian[(i, j)] = (up[entries(i)] - down[entries(i)]) / 2e-5);
            }
            let expected = jacobian.determinant().abs().ln();
            assert_close(in_math(&map, &event, &u).1, expected, 1e-7, &format!("{support:?} at {u:?}"));
        }
    }
}

/// The entries that a density is with respect to: of a simplex the first K - 1, of matrices those on or below the
/// diagonal that are free.
fn coordinates(support: &Support) -> Box<dyn Fn(usize) -> usize> {
    let lower = |n: &Size, diagonal: bool| {
        let n = n.known().unwrap() as usize;
        let entries: Vec<usize> = (0..n * n).filter(|at| at % n < at / n || diagonal && at % n == at / n).collect();
        Box::new(move |i: usize| entries[i])
    };
    match support {
        Support::Cholesky(n) | Support::Cov(n) => lower(n, true),
        Support::CholeskyCorr(n) => lower(n, false),
        _ => Box::new(|i| i),
    }
}

fn free_len(map: &Bijector, event: &[usize]) -> usize {
    let event: Vec<Size> = event.iter().map(|n| Size::fixed(*n)).collect();
    map.free_event(&event).iter().map(|n| n.known().unwrap() as usize).product()
}

#[test]
fn zero_is_the_uniform_point_of_a_simplex() {
    for x in Bijector::Simplex.forward_f64(&[0.0; 4]) {
        assert_close(x, 0.2, 1e-14, "uniform");
    }
}

#[test]
fn far_out_the_log_of_a_value_is_finite() {
    for (support, n) in [(Support::Positive, 1), (Support::Unit, 1), (Support::Simplex(Size::fixed(3)), 2)] {
        let map = Bijector::of(&support).unwrap();
        let mut g = Graph::default();
        let event = if n == 1 { vec![] } else { vec![Size::fixed(3)] };
        let u = g.free(SiteId(0), Shape::event(map.free_event(&event)));
        let (value, log_det) = (map.forward(&mut g, u, &event), map.log_det(&mut g, u, &event));
        let log = g.log(value);
        for at in [-800.0, 800.0] {
            let found = values(&g, &[log, log_det], &BTreeMap::new(), &vec![at; n]).concat();
            assert!(found.iter().all(|x| x.is_finite()), "{support:?} at {at}: {found:?}");
        }
    }
}

#[test]
fn bounds_may_be_values() {
    let mut g = Graph::default();
    let hi = g.data(crate::math::DataId(0), Shape::scalar(), Support::Real);
    let map = Bijector::of(&Support::Interval(Bound::Number(1.0), Bound::Value(hi))).unwrap();
    let u = g.free(SiteId(0), Shape::scalar());
    let node = map.forward(&mut g, u, &[]);
    let data = BTreeMap::from([(0, vec![7.0])]);
    assert_close(values(&g, &[node], &data, &[0.0])[0][0], 4.0, 1e-14, "the middle");
    assert!(map.forward_f64(&[0.0])[0].is_nan());
    assert_close(map.with_bounds(&|_| 7.0).forward_f64(&[0.0])[0], 4.0, 1e-14, "the middle");
}

#[test]
fn discrete_supports_have_no_map() {
    for support in [Support::Binary, Support::Count(None), Support::Category(2.into()), Support::OneHot(2.into())] {
        assert_eq!(Bijector::of(&support), None);
    }
}
