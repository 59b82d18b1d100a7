//! How nodes are told apart: an operation and its shape as whole numbers.

use std::sync::Arc;

use super::{Array, Node, Op, Plan};

/// An operation and its shape as whole numbers, one spelling for each: equal nodes, and only those, are spelled alike.
/// Constants are the same where they are one array in memory, or equal: a later one is spelled as the first.
pub(super) fn spelling(plan: &Plan, op: &Op, shape: &[usize]) -> Vec<u64> {
    let mut key = Vec::with_capacity(8 + shape.len());
    key.push(shape.len() as u64);
    key.extend(shape.iter().map(|n| *n as u64));
    match op {
        Op::Literal(value) => key.extend([0, value.to_bits()]),
        Op::Constant(array) => key.extend([1, first_equal(plan, array, shape) as u64]),
        Op::Input(place) => key.extend([2, *place as u64]),
        Op::Iota => key.push(3),
        Op::Unary(op, _) => key.extend([4, *op as u64]),
        Op::Binary(op, ..) => key.extend([5, *op as u64]),
        Op::Select(..) => key.push(6),
        Op::Reshape(_) => key.push(7),
        Op::Permute(_, axes) => spell_list(&mut key, 8, axes),
        Op::Expand(_) => key.push(9),
        Op::Slice { axis, start, end, .. } => key.extend([10, *axis as u64, *start as u64, *end as u64]),
        Op::Pad { axis, before, after, .. } => key.extend([11, *axis as u64, *before as u64, *after as u64]),
        Op::Concat(_, axis) => key.extend([12, *axis as u64]),
        Op::Reduce(op, _, axes) => spell_list(&mut key, 20 + *op as u64, axes),
        Op::Cumsum { axis, reverse, .. } => key.extend([14, *axis as u64, u64::from(*reverse)]),
        Op::Contract { axes, .. } => {
            for names in [&axes.left, &axes.right, &axes.out] {
                spell_list(&mut key, 15, &names.iter().map(|n| usize::from(*n)).collect::<Vec<_>>());
            }
        }
        Op::Gather { .. } => key.push(16),
        Op::ScatterAdd { rows, .. } => key.extend([17, *rows as u64]),
        Op::Cholesky(_) => key.push(18),
        Op::SolveTriangular { transposed, .. } => key.extend([19, u64::from(*transposed)]),
    }
    key.extend(op.operands().iter().map(|id| id.index() as u64));
    key
}

fn spell_list(key: &mut Vec<u64>, tag: u64, list: &[usize]) {
    key.extend([tag, list.len() as u64]);
    key.extend(list.iter().map(|n| *n as u64));
}

/// The place of the first constant that is the same array; where there is none, the place the new node will have.
fn first_equal(plan: &Plan, array: &Array, shape: &[usize]) -> usize {
    let equal = |node: &Node| matches!(&node.op, Op::Constant(known) if node.shape == shape && same(known, array));
    plan.nodes.iter().find(|(_, node)| equal(node)).map_or(plan.nodes.len(), |(id, _)| id.index())
}

/// Bit for bit, so that NaN is NaN and -0 is not 0.
fn same(a: &Array, b: &Array) -> bool {
    match (a, b) {
        (Array::Bytes(a), Array::Bytes(b)) => Arc::ptr_eq(a, b) || a == b,
        (Array::Reals(a), Array::Reals(b)) => {
            Arc::ptr_eq(a, b) || a.iter().map(|x| x.to_bits()).eq(b.iter().map(|x| x.to_bits()))
        }
        _ => false,
    }
}
