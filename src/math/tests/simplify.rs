//! Every law keeps the value and the event shape of every small expression it applies to, and every law applies to
//! some. On the way: every value lies in the support that was inferred for it.

use std::collections::BTreeMap;

use super::{Leaves, leaf, value};
use crate::math::rules::{Form, RULES};
use crate::math::simplify::{LAWS, simplify};
use crate::math::{Binary, Graph, NodeId, Op, Over, Pick, Reduce, Support, Unary};

const BINARY: [Binary; 11] = [
    Binary::Add,
    Binary::Sub,
    Binary::Mul,
    Binary::Div,
    Binary::Pow,
    Binary::Min,
    Binary::Max,
    Binary::Less,
    Binary::Equal,
    Binary::And,
    Binary::Or,
];

/// All functions of one number or array.
fn unary(a: NodeId) -> Vec<Op> {
    let named = RULES.iter().filter_map(|rule| match rule.form {
        Form::Nodes(1, make) => Some(make(&[a])),
        _ => None,
    });
    let elementwise = named.filter(|op| matches!(op, Op::Unary(..) | Op::Softmax(_) | Op::LogSoftmax(_)));
    elementwise.chain([Op::Unary(Unary::Neg, a), Op::Reduce(Reduce::Sum, a, Over::Event)]).collect()
}

/// Small expressions of these nodes.
fn grow(g: &mut Graph, nodes: &[NodeId], beside: &[NodeId]) -> Vec<NodeId> {
    let mut ops: Vec<Op> = nodes.iter().flat_map(|a| unary(*a)).collect();
    for op in BINARY {
        for a in nodes {
            ops.push(Op::Binary(op, *a, *a));
            ops.extend(beside.iter().flat_map(|b| [Op::Binary(op, *a, *b), Op::Binary(op, *b, *a)]));
        }
    }
    let mut made: Vec<NodeId> = ops.into_iter().filter_map(|op| g.try_op(op).ok()).collect();
    made.sort();
    made.dedup();
    made
}

fn leaves(g: &mut Graph, leaves: &mut Leaves) -> Vec<NodeId> {
    let mut nodes = vec![
        leaf(g, leaves, &[], Support::Positive, &[1.7]),
        leaf(g, leaves, &[], Support::Unit, &[0.3]),
        leaf(g, leaves, &[], Support::Real, &[-0.8]),
        leaf(g, leaves, &[2], Support::Positive, &[0.4, 2.5]),
    ];
    nodes.extend([0.0, 1.0, -1.0, 0.5, 2.0].map(|x| g.number(x)));
    nodes
}

/// Operations that do not grow from functions and operators.
fn structures(g: &mut Graph, small: &[NodeId]) -> Vec<Op> {
    let (zero, one) = (g.number(0.0), g.number(1.0));
    let mut ops = vec![Op::If(one, small[0], small[1]), Op::If(zero, small[0], small[1])];
    let list = g.stack(vec![small[0], small[1]]);
    ops.push(Op::Index(list, vec![Pick::At(one)]));
    let exponentials = g.unary(Unary::Exp, small[3]);
    let chosen = g.index(exponentials, vec![Pick::At(one)]);
    ops.push(Op::Unary(Unary::Log, chosen));
    let softmax = g.softmax(small[3]);
    let taken = g.take(softmax, one);
    ops.push(Op::Unary(Unary::Log, taken));
    let axis = crate::arena::Id::new(0);
    g.declare_axis(axis, 2.into());
    let row = g.index(small[3], vec![Pick::Row(axis)]);
    let lifted = g.lift(row, vec![axis]);
    ops.push(Op::Index(lifted, vec![Pick::Row(axis)]));
    ops
}

fn check(g: &Graph, known: &Leaves, old: NodeId, new: NodeId, law: &str) {
    let what = || format!("`{law}`: {:?} to {:?}", g.nodes[old].op, g.nodes[new].op);
    assert_eq!(g.event(old), g.event(new), "{}", what());
    let (Some(a), Some(b)) = (value(g, known, old), value(g, known, new)) else { return };
    for (a, b) in a.iter().zip(&b) {
        let close = (a - b).abs() <= 1e-11 * (1.0 + a.abs());
        assert!(close || !a.is_finite(), "{}: {a} to {b}", what());
    }
}

#[test]
fn laws_keep_the_value_and_all_of_them_apply() {
    let (mut g, mut known) = (Graph::default(), Leaves::new());
    let small = leaves(&mut g, &mut known);
    let middle = grow(&mut g, &small, &small);
    let negated: Vec<NodeId> = middle.iter().map(|a| g.unary(Unary::Neg, *a)).collect();
    let mut ops: Vec<Op> = small.iter().chain(&middle).chain(&negated).flat_map(|a| unary(*a)).collect();
    for op in [Binary::Add, Binary::Sub, Binary::Mul, Binary::Div, Binary::Pow] {
        for a in small.iter().chain(&middle) {
            ops.push(Op::Binary(op, *a, *a));
            ops.extend(small.iter().flat_map(|b| [Op::Binary(op, *a, *b), Op::Binary(op, *b, *a)]));
        }
    }
    ops.extend(structures(&mut g, &small));
    let mut applied: BTreeMap<&str, usize> = LAWS.iter().map(|law| (law.name, 0)).collect();
    for op in ops {
        if g.try_op(op.clone()).is_err() {
            continue;
        }
        for law in LAWS {
            if let Some(new) = (law.apply)(&mut g, &op) {
                let old = g.op(op.clone());
                check(&g, &known, old, new, law.name);
                *applied.entry(law.name).or_default() += 1;
            }
        }
    }
    let idle: Vec<_> = applied.iter().filter(|(_, count)| **count == 0).collect();
    assert!(idle.is_empty(), "no example of {idle:?}");
}

#[test]
fn whole_expressions_keep_their_value_and_values_lie_in_their_supports() {
    let (mut g, mut known) = (Graph::default(), Leaves::new());
    let small = leaves(&mut g, &mut known);
    let middle = grow(&mut g, &small, &small);
    let some: Vec<NodeId> = middle.iter().copied().step_by(7).collect();
    let large = grow(&mut g, &some, &small[..4]);
    for old in small.into_iter().chain(middle).chain(large.into_iter().step_by(5)) {
        let new = simplify(&mut g, old);
        check(&g, &known, old, new, "simplify");
        let range = g.support(old).range();
        for x in value(&g, &known, old).into_iter().flatten().filter(|x| x.is_finite()) {
            let slack = 1e-12 * (1.0 + x.abs());
            let node = &g.nodes[old];
            assert!(range.lo - slack <= x && x <= range.hi + slack, "{x} of {:?} in {:?}", node.op, node.support);
        }
    }
    crate::math::verify::verify(&g).unwrap();
}
