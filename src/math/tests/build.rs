//! Equal expressions are one node, shapes follow the rules, and what breaks them is seen.

use crate::arena::Id;
use crate::math::shape_rules::{Mismatch, elementwise, matmul, take};
use crate::math::support::Range;
use crate::math::verify::verify;
use crate::math::{Binary, Graph, Node, Op, Over, Pick, Reduce, SiteId, Support, Unary};
use crate::shape::{AxisId, Shape, Size};
use crate::source::Span;

fn axis(n: usize) -> AxisId {
    Id::new(n)
}

#[test]
fn equal_expressions_are_one_node() {
    let mut g = Graph::default();
    let z = g.site(SiteId(0), Shape::new([axis(0)], []), Support::Real);
    let (a, b) = (g.unary(Unary::Exp, z), g.unary(Unary::Exp, z));
    assert_eq!(a, b);
    g.mark(a, Span { start: 3, end: 5 });
    assert_eq!(g.unary(Unary::Exp, z), a);
    // 0 and -0 are told apart: their reciprocals differ.
    assert_ne!(g.number(0.0), g.number(-0.0));
    let count = g.nodes.len();
    g.site(SiteId(0), Shape::new([axis(0)], []), Support::Real);
    assert_eq!(g.nodes.len(), count);
}

#[test]
fn plates_unite_and_numbers_go_beside_any_shape() {
    let vector = Shape::new([axis(1)], [Size::fixed(3)]);
    let number = Shape::new([axis(0)], []);
    assert_eq!(elementwise(&vector, &number), Ok(Shape::new([axis(0), axis(1)], [Size::fixed(3)])));
    let other = Shape::event([Size::fixed(4)]);
    assert_eq!(elementwise(&vector, &other), Err(Mismatch::Elementwise(vector.clone(), other.clone())));
    assert!(elementwise(&vector, &Shape::event([Size::fixed(1)])).is_err());
}

#[test]
fn products_and_tables() {
    let shape = |sizes: &[usize]| Shape::event(sizes.iter().map(|n| Size::fixed(*n)).collect::<Vec<_>>());
    assert_eq!(matmul(&shape(&[2, 3]), &shape(&[3])), Ok(shape(&[2])));
    assert_eq!(matmul(&shape(&[2]), &shape(&[2, 3])), Ok(shape(&[3])));
    assert!(matches!(matmul(&shape(&[2, 3]), &shape(&[2])), Err(Mismatch::Inner(..))));
    assert!(matches!(matmul(&shape(&[2]), &shape(&[2])), Err(Mismatch::Matrix(_))));
    assert_eq!(take(&shape(&[5, 9]), &shape(&[5])), Ok(shape(&[5])));
    assert_eq!(take(&shape(&[9]), &shape(&[5])), Ok(shape(&[5])));
    assert!(take(&shape(&[4, 9]), &shape(&[5])).is_err());
}

#[test]
fn rows_become_plates_and_back() {
    let mut g = Graph::default();
    let n = Size::dim(Id::new(0));
    g.declare_axis(axis(0), n.clone());
    let x = g.data(crate::math::DataId(0), Shape::event([n.clone(), 4.into()]), Support::Simplex(4.into()));
    let row = g.index(x, vec![Pick::Row(axis(0))]);
    assert_eq!(*g.shape(row), Shape::new([axis(0)], [Size::fixed(4)]));
    assert_eq!(*g.support(row), Support::Simplex(4.into()));
    let first = g.number(0.0);
    let entry = g.index(row, vec![Pick::At(first)]);
    assert_eq!(*g.support(entry), Support::Unit);
    let back = g.lift(row, vec![axis(0)]);
    assert_eq!(g.shape(back), g.shape(x));
    let sum = g.reduce(Reduce::Sum, entry, Over::Axes(vec![axis(0)]));
    assert_eq!(*g.shape(sum), Shape::scalar());
    assert_eq!(g.try_op(Op::Lift(row, vec![axis(7)])), Err(Mismatch::UnknownAxis(axis(7))));
    verify(&g).unwrap();
}

#[test]
fn verify_finds_what_is_broken() {
    let mut g = Graph::default();
    let one = g.number(1.0);
    let node = |op, shape| Node { op, shape, support: Support::Real, span: None };
    let mut later = g.clone();
    later.nodes.add(node(Op::Unary(Unary::Exp, Id::new(5)), Shape::scalar()));
    assert!(verify(&later).unwrap_err().0.contains("does not precede"));
    let mut wide = g.clone();
    wide.nodes.add(node(Op::Unary(Unary::Exp, one), Shape::event([Size::fixed(2)])));
    assert!(verify(&wide).unwrap_err().0.contains("has shape"));
    let (a, b) = (g.eye(2), g.eye(3));
    let sum = g.binary(Binary::Add, a, b);
    assert_eq!(*g.support(sum), Support::Real);
    assert!(verify(&g).unwrap_err().0.contains("do not go together"));
}

#[test]
fn supports_of_arithmetic() {
    let mut g = Graph::default();
    let leaf = |g: &mut Graph, n: u32, support| g.site(SiteId(n), Shape::scalar(), support);
    let (p, q, r) =
        (leaf(&mut g, 0, Support::Positive), leaf(&mut g, 1, Support::Unit), leaf(&mut g, 2, Support::Real));
    let one = g.number(1.0);
    let is = |g: &Graph, id, support: Support| assert_eq!(*g.support(id), support);
    let a = g.binary(Binary::Sub, one, q);
    is(&g, a, Support::Unit);
    let a = g.binary(Binary::Mul, p, q);
    is(&g, a, Support::Positive);
    let a = g.binary(Binary::Div, p, p);
    is(&g, a, Support::between(1.0, 1.0));
    let a = g.binary(Binary::Div, q, p);
    is(&g, a, Support::Positive);
    let a = g.binary(Binary::Mul, r, r);
    is(&g, a, Support::Positive);
    let two = g.number(2.0);
    let a = g.binary(Binary::Pow, r, two);
    is(&g, a, Support::Positive);
    let a = g.binary(Binary::Max, r, one);
    assert_eq!(g.support(a).range(), Range::new(1.0, f64::INFINITY));
    let c = leaf(&mut g, 3, Support::Count(None));
    let a = g.binary(Binary::Add, c, c);
    is(&g, a, Support::Count(None));
    let a = g.unary(Unary::Exp, r);
    is(&g, a, Support::Positive);
    let a = g.unary(Unary::Tanh, r);
    is(&g, a, Support::between(-1.0, 1.0));
    let scaled = g.binary(Binary::Mul, two, q);
    let a = g.binary(Binary::Sub, scaled, one);
    is(&g, a, Support::between(-1.0, 1.0));
    let v = g.site(SiteId(4), Shape::event([Size::fixed(3)]), Support::Real);
    let a = g.softmax(v);
    is(&g, a, Support::Simplex(3.into()));
    let a = g.sum_event(a);
    is(&g, a, Support::between(1.0, 1.0));
}
