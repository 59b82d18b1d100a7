//! A scalar distribution over a shaped site is independent components: arguments that are numbers serve all of them,
//! and arguments may have the component axes in front.

use std::collections::BTreeMap;

use super::{assert_close, case, cases, values};
use crate::arena::Id;
use crate::dist::{Dist, Kind, component_axes, draw, entropy, kl, log_prob, support, total};
use crate::math::verify::verify;
use crate::math::{DataId, Graph, Op, SiteId, Support};
use crate::shape::{Shape, Size};

const N: usize = 2;

#[test]
fn every_component_has_its_density_and_entropy() {
    for case in cases() {
        if case.kind == Kind::Dirichlet {
            continue;
        }
        let mut g = Graph::default();
        let dist = case.dist(&mut g, 0);
        let event = vec![Size::fixed(N)];
        let support = support(&g, &dist, &event);
        let all = g.site(SiteId(0), Shape::event(event.clone()), support.clone());
        let [first, second] = if support.is_discrete() { [1.0, 0.0] } else { [0.75, 0.25] };
        let each = log_prob(&mut g, &dist, all);
        assert_eq!(g.event(each), event, "{:?}", case.kind);
        let data = case.leaves(0);
        let found = values(&g, &[each], &data, &[first, second])[0].clone();
        let one = g.site(SiteId(1), Shape::scalar(), support.clone());
        let alone = log_prob(&mut g, &dist, one);
        for (k, x) in [first, second].into_iter().enumerate() {
            let alone = values(&g, &[alone], &data, &[x])[0][0];
            assert!(found[k] == alone || (found[k] - alone).abs() < 1e-12, "{:?}", case.kind);
        }
        if let Some(own) = entropy(&mut g, &dist) {
            let sum = total(&mut g, own, component_axes(&dist, &event));
            let found = values(&g, &[own, sum], &data, &[]);
            assert_close(found[1][0], N as f64 * found[0][0], 1e-13, "entropy of all components");
        }
        verify(&g).unwrap();
    }
}

#[test]
fn draws_have_the_shape_of_the_site() {
    let plate = Id::new(0);
    for case in cases() {
        let mut g = Graph::default();
        g.declare_axis(plate, 5.into());
        let dist = case.dist(&mut g, 0);
        let event = if case.kind == Kind::Dirichlet { case.event() } else { vec![Size::fixed(N)] };
        let Some(value) = draw(&mut g, &dist, SiteId(0), &[plate], &event) else { continue };
        assert_eq!(*g.shape(value), Shape::new([plate], event.clone()), "{:?}", case.kind);
        let noises = g.reachable(&[value]).into_iter().filter(|id| matches!(g.nodes[*id].op, Op::Noise(..))).count();
        assert_eq!(noises, 1, "{:?}", case.kind);
        // Two components are two draws: they read different noise.
        let density = log_prob(&mut g, &dist, value);
        let density = total(&mut g, density, component_axes(&dist, &event));
        // The same everywhere, a Uniform density needs no plate.
        let plates = (case.kind != Kind::Uniform).then_some(plate);
        assert_eq!(*g.shape(density), Shape::new(plates, []), "{:?}", case.kind);
        verify(&g).unwrap();
    }
}

#[test]
fn tables_of_probabilities_serve_all_components_or_one_each() {
    let case = case(Kind::Categorical, &[("logits", &[0.0, 1.0, -1.0])]);
    let mut g = Graph::default();
    let shared = case.dist(&mut g, 0);
    let own = g.data(DataId(1), Shape::event([Size::fixed(N), Size::fixed(3)]), Support::Real);
    let own = Dist { kind: Kind::Categorical, args: [("logits", own)].into() };
    assert_eq!(support(&g, &own, &[Size::fixed(N)]), Support::Category(3.into()));
    let value = g.site(SiteId(0), Shape::event([Size::fixed(N)]), Support::Category(3.into()));
    let both = [kl(&mut g, &shared, &own), kl(&mut g, &own, &shared)].map(|kl| kl.expect("a closed form"));
    let (shared, own) = (log_prob(&mut g, &shared, value), log_prob(&mut g, &own, value));
    let mut data = case.leaves(0);
    data.insert(1, vec![0.0, 1.0, -1.0, 0.0, 1.0, -1.0]);
    let found = values(&g, &[shared, own], &data, &[1.0, 2.0]);
    assert_eq!(found[0], found[1]);
    for found in values(&g, &both, &data, &[]) {
        assert!(found.len() == N && found.iter().all(|kl| kl.abs() < 1e-12), "{found:?}");
    }
    verify(&g).unwrap();
}

#[test]
fn a_flat_density_is_zero_everywhere() {
    let mut g = Graph::default();
    let value = g.site(SiteId(0), Shape::event([Size::fixed(N)]), Support::Positive);
    let node = log_prob(&mut g, &Dist { kind: Kind::Flat, args: Default::default() }, value);
    assert_eq!(values(&g, &[node], &BTreeMap::new(), &[3.0, 4.0])[0], [0.0, 0.0]);
}
