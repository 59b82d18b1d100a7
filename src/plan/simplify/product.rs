//! Laws of reductions and of contractions over named axes.

use crate::plan::build::Builder;
use crate::plan::infer::{count, without};
use crate::plan::{Binary, Contraction, NodeId, Op, Reduce, Unary};

pub(super) fn reduce(b: &mut Builder, op: Reduce, x: NodeId, axes: &[usize], shape: &[usize]) -> Option<NodeId> {
    let from = b.shape(x).to_vec();
    let terms: usize = axes.iter().map(|axis| from[*axis]).product();
    if terms == 0 {
        return Some(b.literal(op.row().of_nothing, shape));
    }
    // An axis of 1 is reduced by dropping it.
    let long: Vec<usize> = axes.iter().copied().filter(|axis| from[*axis] != 1).collect();
    if long.len() < axes.len() {
        let kept: Vec<usize> = axes.iter().copied().filter(|axis| from[*axis] == 1).collect();
        let moved = b.reshape(x, &without(&from, &kept));
        let axes: Vec<usize> = long.iter().map(|axis| axis - kept.iter().filter(|k| *k < axis).count()).collect();
        return Some(b.reduce(op, moved, &axes));
    }
    match b.op(x).clone() {
        Op::Literal(value) => Some(b.literal((op.row().repeated)(value, terms), shape)),
        Op::Expand(y) => expanded(b, op, y, axes, terms, shape),
        Op::Reduce(same, y, first) if same == op => {
            let outer = without(&(0..b.rank(y)).collect::<Vec<_>>(), &first);
            let both: Vec<usize> = first.iter().copied().chain(axes.iter().map(|axis| outer[*axis])).collect();
            Some(b.reduce(op, y, &both))
        }
        Op::Permute(y, order) => {
            let mut inner: Vec<usize> = axes.iter().map(|axis| order[*axis]).collect();
            inner.sort_unstable();
            let reduced = b.reduce(op, y, &inner);
            let left = without(&order, axes);
            let rank = |axis: &usize| left.iter().filter(|other| *other < axis).count();
            Some(b.permute(reduced, &left.iter().map(rank).collect::<Vec<_>>()))
        }
        // Not where the operand has axes of 1: dropping those is that very reshape.
        Op::Reshape(y) if axes.len() == from.len() && !b.shape(y).contains(&1) => {
            let all: Vec<usize> = (0..b.rank(y)).collect();
            Some(b.reduce(op, y, &all))
        }
        Op::Unary(Unary::Neg, y) if op == Reduce::Sum => {
            let sum = b.sum(y, axes);
            Some(b.neg(sum))
        }
        Op::Binary(Binary::Mul, y, c) if op == Reduce::Sum => {
            let c = b.as_literal(c)?;
            let sum = b.sum(y, axes);
            Some(b.scale(sum, c))
        }
        _ => None,
    }
}

/// Of an array `y` that was repeated first: the axes it was repeated over multiply.
fn expanded(b: &mut Builder, op: Reduce, y: NodeId, axes: &[usize], terms: usize, shape: &[usize]) -> Option<NodeId> {
    let own: usize = axes.iter().map(|axis| b.shape(y)[*axis]).product();
    let times = terms / own.max(1);
    let reduced = b.reduce(op, y, axes);
    let repeated = match op {
        Reduce::Sum => b.scale(reduced, times as f64),
        Reduce::Max => reduced,
        Reduce::LogSumExp => b.shift(reduced, (times as f64).ln()),
        Reduce::Prod if times == 1 => reduced,
        Reduce::Prod => return None,
    };
    Some(b.expand(repeated, shape))
}

/// An operand of a contraction with the names of its axes.
type Named = (NodeId, Vec<u8>);

pub(super) fn contract(
    b: &mut Builder,
    left: NodeId,
    right: NodeId,
    axes: &Contraction,
    shape: &[usize],
) -> Option<NodeId> {
    let before = [(left, axes.left.clone()), (right, axes.right.clone())];
    let mut names: Vec<u8> = axes.out.clone();
    let first = plain(b, before[0].clone());
    let second = plain(b, before[1].clone());
    // Names that no operand has any more were repeated or of extent 1: they come back at the end.
    names.retain(|name| first.1.contains(name) || second.1.contains(name));
    if [&first, &second] != [&before[0], &before[1]] {
        // A name that was summed over and that both operands were repeated along multiplies.
        let lost = |name: &u8| !axes.out.contains(name) && !first.1.contains(name) && !second.1.contains(name);
        let extents = axes.left.iter().zip(b.shape(left));
        let times: usize = extents.filter(|(name, _)| lost(name)).map(|(_, n)| *n).product();
        let axes_now = Contraction { left: first.1.clone(), right: second.1.clone(), out: names.clone() };
        let product = b.contract(first.0, second.0, axes_now);
        let product = b.scale(product, times as f64);
        let kept: Vec<usize> =
            axes.out.iter().zip(shape).map(|(name, n)| if names.contains(name) { *n } else { 1 }).collect();
        let product = b.reshape(product, &kept);
        return Some(b.expand(product, shape));
    }
    let summed = axes.left.iter().any(|name| !axes.out.contains(name));
    if !summed {
        return Some(outer(b, first, second, &axes.out));
    }
    number_outwards(b, left, right, axes, shape)
}

/// The operand with its permutation read as another order of names, without axes of extent 1 and without axes it was
/// repeated over.
fn plain(b: &mut Builder, (x, names): Named) -> Named {
    match b.op(x).clone() {
        Op::Permute(y, order) => {
            let mut inner = vec![0; names.len()];
            order.iter().zip(&names).for_each(|(axis, name)| inner[*axis] = *name);
            return plain(b, (y, inner));
        }
        Op::Literal(value) => return (b.number(value), vec![]),
        Op::Expand(y) => return plain(b, (y, names)),
        _ => {}
    }
    let shape = b.shape(x).to_vec();
    let kept: Vec<usize> = (0..names.len()).filter(|i| shape[*i] != 1).collect();
    if kept.len() == names.len() {
        return (x, names);
    }
    let small: Vec<usize> = kept.iter().map(|i| shape[*i]).collect();
    (b.reshape(x, &small), kept.iter().map(|i| names[*i]).collect())
}

/// A contraction that sums over nothing is an elementwise product of operands with axes of 1 put in.
fn outer(b: &mut Builder, left: Named, right: Named, out: &[u8]) -> NodeId {
    let [left, right] = [left, right].map(|(x, names)| {
        let order: Vec<usize> = out.iter().filter_map(|name| names.iter().position(|n| n == name)).collect();
        let moved = b.permute(x, &order);
        let mut extents = b.shape(moved).to_vec().into_iter();
        let shape: Vec<usize> =
            out.iter().map(|name| if names.contains(name) { extents.next().unwrap_or(1) } else { 1 }).collect();
        b.reshape(moved, &shape)
    });
    b.times(left, right)
}

/// `contract(c x, y)` is `c contract(x, y)`, where that multiplies no more numbers than before.
fn number_outwards(
    b: &mut Builder,
    left: NodeId,
    right: NodeId,
    axes: &Contraction,
    shape: &[usize],
) -> Option<NodeId> {
    for (this, is_left) in [(left, true), (right, false)] {
        if count(shape) > count(b.shape(this)) {
            continue;
        }
        let (x, factor) = match b.op(this).clone() {
            Op::Unary(Unary::Neg, x) => (x, -1.0),
            Op::Binary(Binary::Mul, x, c) => match b.as_literal(c) {
                Some(c) => (x, c),
                None => continue,
            },
            _ => continue,
        };
        let (left, right) = if is_left { (x, right) } else { (left, x) };
        let product = b.contract(left, right, axes.clone());
        return Some(b.scale(product, factor));
    }
    None
}
