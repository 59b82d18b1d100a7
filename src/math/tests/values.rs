//! The interpreter on values worked out by hand.

use super::{Leaves, leaf, value};
use crate::arena::Id;
use crate::math::eval::{Env, Eval, Positions};
use crate::math::{Graph, NodeId, Op, Over, Pick, Reduce, SiteId, Support};
use crate::shape::{AxisId, Shape};

fn assert_value(g: &Graph, known: &Leaves, id: NodeId, expected: &[f64]) {
    let found = value(g, known, id).unwrap();
    assert_eq!(found.len(), expected.len(), "{:?}", g.nodes[id].op);
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() < 1e-12, "{:?}: {found:?} is not {expected:?}", g.nodes[id].op);
    }
}

#[test]
fn matrices() {
    let (mut g, mut known) = (Graph::default(), Leaves::new());
    let a = leaf(&mut g, &mut known, &[2, 2], Support::Real, &[4.0, 2.0, 2.0, 5.0]);
    let m = leaf(&mut g, &mut known, &[2, 3], Support::Real, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let v = leaf(&mut g, &mut known, &[2], Support::Real, &[2.0, -1.0]);
    let rows: Vec<(NodeId, Vec<f64>)> = vec![
        (g.matmul(a, m), vec![12.0, 18.0, 24.0, 22.0, 29.0, 36.0]),
        (g.matmul(a, v), vec![6.0, -1.0]),
        (g.matmul(v, m), vec![-2.0, -1.0, 0.0]),
        (g.transpose(m), vec![1.0, 4.0, 2.0, 5.0, 3.0, 6.0]),
        (g.cholesky(a), vec![2.0, 0.0, 1.0, 2.0]),
        (g.logdet(a), vec![16f64.ln()]),
        (g.solve(a, v), vec![0.75, -0.5]),
        (g.trace(a), vec![9.0]),
        (g.diag(a), vec![4.0, 5.0]),
        (g.diag(v), vec![2.0, 0.0, 0.0, -1.0]),
        (g.outer(v, v), vec![4.0, -2.0, -2.0, 1.0]),
        (g.dot(v, v), vec![5.0]),
        (g.cumsum(m), vec![1.0, 3.0, 6.0, 4.0, 9.0, 15.0]),
        (g.dense(v, a, Some(v)), vec![8.0, -2.0]),
        (g.reduce(Reduce::Max, m, Over::Last), vec![3.0, 6.0]),
        (g.reduce(Reduce::Sd, v, Over::Event), vec![1.5]),
        (g.index(m, vec![Pick::Slice(0.into(), 2.into()), Pick::Slice(1.into(), 3.into())]), vec![2.0, 3.0, 5.0, 6.0]),
    ];
    for (id, expected) in rows {
        assert_value(&g, &known, id, &expected);
    }
    let lower = g.cholesky(a);
    let solved = g.solve_triangular(lower, v);
    assert_value(&g, &known, solved, &[1.0, -1.0]);
    crate::math::verify::verify(&g).unwrap();
}

#[test]
fn plates_chains_and_repeats() {
    let mut g = Graph::default();
    let t: AxisId = Id::new(0);
    g.declare_axis(t, 3.into());
    let z = g.site(SiteId(0), Shape::new([t], []), Support::Real);
    let row = g.row(t, Support::Count(None));
    let zero = g.number(0.0);
    let start = g.equal(row, zero);
    let all = g.lift(z, vec![t]);
    let before = g.index(all, vec![Pick::Lag(t, 1)]);
    let chosen = g.choose(start, zero, before);
    let list = g.lift(chosen, vec![t]);
    let two = g.number(2.0);
    // A body that does not vary over the axis is repeated.
    let repeated = g.reduce(Reduce::Sum, two, Over::Axes(vec![t]));
    let leaf = |_: &Eval, op: &Op, at: &Positions| match op {
        Op::Site(_) => Some(vec![10.0 + at[&t] as f64]),
        _ => None,
    };
    let eval = Eval::new(&g, Env { leaf: &leaf, dim: &|_| None, first: &|_| 0 });
    assert_eq!(eval.at(list, &Positions::new()).unwrap(), [0.0, 10.0, 11.0]);
    assert_eq!(eval.at(repeated, &Positions::new()).unwrap(), [6.0]);
    assert_eq!(eval.at(z, &Positions::from_iter([(t, 2)])).unwrap(), [12.0]);
    assert!(eval.at(before, &Positions::from_iter([(t, 0)])).unwrap_err().0.contains("outside"));
    assert!(eval.at(z, &Positions::new()).is_err());
}
