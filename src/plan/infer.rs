//! The shape an operation gives, from its operands: one function for the builder and the verifier.

use super::{Contraction, Node, NodeId, Op, Plan};
use crate::problem::Bug;

/// The shape of `op` over nodes of `plan`. Literal, Constant, Iota, Reshape and Expand say their shape themselves:
/// for them `claimed` is checked and returned.
pub fn infer(plan: &Plan, op: &Op, claimed: &[usize]) -> Result<Vec<usize>, Bug> {
    let shape = |id: &NodeId| operand(plan, *id).map(|node| node.shape.as_slice());
    match op {
        Op::Literal(_) => Ok(claimed.to_vec()),
        Op::Constant(array) => need(array.len() == count(claimed), claimed.to_vec(), || {
            format!("a constant of {} numbers has shape {claimed:?}", array.len())
        }),
        Op::Iota => need(claimed.len() == 1, claimed.to_vec(), || format!("iota has shape {claimed:?}")),
        Op::Input(place) => match plan.inputs.get(*place) {
            Some(input) => Ok(input.shape.clone()),
            None => Err(Bug(format!("there is no input {place}"))),
        },
        Op::Unary(_, x) => Ok(shape(x)?.to_vec()),
        Op::Binary(_, a, b) => broadcast_shapes(shape(a)?, shape(b)?),
        Op::Select(c, a, b) => broadcast_shapes(&broadcast_shapes(shape(c)?, shape(a)?)?, shape(b)?),
        Op::Reshape(x) => {
            let from = shape(x)?;
            need(count(from) == count(claimed), claimed.to_vec(), || format!("reshape {from:?} to {claimed:?}"))
        }
        Op::Expand(x) => {
            let from = shape(x)?;
            let fits = broadcast_shapes(from, claimed).is_ok_and(|s| s == claimed);
            need(fits, claimed.to_vec(), || format!("expand {from:?} to {claimed:?}"))
        }
        Op::Permute(x, axes) => permuted(shape(x)?, axes),
        Op::Slice { of, axis, start, end } => {
            let from = shape(of)?;
            let fits = *axis < from.len() && start <= end && *end <= from[*axis];
            need(fits, (), || format!("slice {start}..{end} of axis {axis} of {from:?}"))?;
            Ok(with_axis(from, *axis, end - start))
        }
        Op::Pad { of, axis, before, after } => {
            let from = shape(of)?;
            need(*axis < from.len(), (), || format!("pad axis {axis} of {from:?}"))?;
            Ok(with_axis(from, *axis, from[*axis] + before + after))
        }
        Op::Concat(parts, axis) => concatenated(plan, parts, *axis),
        Op::Reduce(_, x, axes) => reduced(shape(x)?, axes),
        Op::Cumsum { of, axis, .. } => {
            let from = shape(of)?;
            need(*axis < from.len(), from.to_vec(), || format!("cumsum along axis {axis} of {from:?}"))
        }
        Op::Contract { left, right, axes } => contracted(shape(left)?, shape(right)?, axes),
        Op::Gather { table, index } => {
            let table = shape(table)?;
            need(!table.is_empty(), (), || "gather from a number".into())?;
            Ok([shape(index)?, &table[1..]].concat())
        }
        Op::ScatterAdd { values, index, rows } => {
            let (values, index) = (shape(values)?, shape(index)?);
            need(values.starts_with(index), (), || format!("scatter {values:?} by an index {index:?}"))?;
            Ok([&[*rows], &values[index.len()..]].concat())
        }
        Op::Cholesky(x) => {
            let from = shape(x)?;
            need(is_square(from), from.to_vec(), || format!("cholesky of {from:?}"))
        }
        Op::SolveTriangular { lower, right, .. } => {
            let (lower, right) = (shape(lower)?, shape(right)?);
            let rank = lower.len();
            let fits = is_square(lower) && right.len() == rank && right[..rank - 1] == lower[..rank - 1];
            need(fits, right.to_vec(), || format!("triangular solve of {right:?} by {lower:?}"))
        }
    }
}

/// The common shape of two operands of equal rank: axes are equal, or one of them is 1.
pub fn broadcast_shapes(a: &[usize], b: &[usize]) -> Result<Vec<usize>, Bug> {
    let fits = a.len() == b.len() && a.iter().zip(b).all(|(m, n)| m == n || *m == 1 || *n == 1);
    need(fits, (), || format!("shapes {a:?} and {b:?} do not go together"))?;
    Ok(a.iter().zip(b).map(|(m, n)| if *m == 1 { *n } else { *m }).collect())
}

/// How many numbers an array of this shape holds.
pub fn count(shape: &[usize]) -> usize {
    shape.iter().product()
}

/// `shape` without `axes`.
pub(crate) fn without(shape: &[usize], axes: &[usize]) -> Vec<usize> {
    shape.iter().enumerate().filter(|(i, _)| !axes.contains(i)).map(|(_, n)| *n).collect()
}

/// `shape` with another extent at one axis.
pub(crate) fn with_axis(shape: &[usize], axis: usize, extent: usize) -> Vec<usize> {
    let mut shape = shape.to_vec();
    shape[axis] = extent;
    shape
}

fn operand(plan: &Plan, id: NodeId) -> Result<&Node, Bug> {
    plan.nodes.get(id).ok_or_else(|| Bug(format!("there is no node {id:?}")))
}

fn need<T>(holds: bool, value: T, otherwise: impl FnOnce() -> String) -> Result<T, Bug> {
    if holds { Ok(value) } else { Err(Bug(otherwise())) }
}

fn is_square(shape: &[usize]) -> bool {
    shape.len() >= 2 && shape[shape.len() - 1] == shape[shape.len() - 2]
}

fn permuted(from: &[usize], axes: &[usize]) -> Result<Vec<usize>, Bug> {
    let mut sorted = axes.to_vec();
    sorted.sort_unstable();
    let fits = sorted.iter().copied().eq(0..from.len());
    need(fits, (), || format!("permute {from:?} by {axes:?}"))?;
    Ok(axes.iter().map(|axis| from[*axis]).collect())
}

fn reduced(from: &[usize], axes: &[usize]) -> Result<Vec<usize>, Bug> {
    let sorted = axes.windows(2).all(|pair| pair[0] < pair[1]);
    let fits = sorted && axes.last().is_some_and(|last| *last < from.len());
    need(fits, (), || format!("reduce {from:?} over axes {axes:?}"))?;
    Ok(without(from, axes))
}

fn concatenated(plan: &Plan, parts: &[NodeId], axis: usize) -> Result<Vec<usize>, Bug> {
    let shapes = parts.iter().map(|id| Ok(operand(plan, *id)?.shape.clone())).collect::<Result<Vec<_>, Bug>>()?;
    let Some(first) = shapes.first() else {
        return Err(Bug("concat of nothing".into()));
    };
    let alike = |s: &Vec<usize>| s.len() == first.len() && with_axis(s, axis, 0) == with_axis(first, axis, 0);
    let fits = axis < first.len() && shapes.iter().all(alike);
    need(fits, (), || format!("concat of {shapes:?} along axis {axis}"))?;
    Ok(with_axis(first, axis, shapes.iter().map(|s| s[axis]).sum()))
}

fn contracted(left: &[usize], right: &[usize], axes: &Contraction) -> Result<Vec<usize>, Bug> {
    let wrong = || Bug(format!("contract {left:?} with {right:?} by {axes:?}"));
    let distinct = |names: &[u8]| (1..names.len()).all(|i| !names[..i].contains(&names[i]));
    let ranks = axes.left.len() == left.len() && axes.right.len() == right.len();
    if !ranks || ![&axes.left, &axes.right, &axes.out].into_iter().all(|names| distinct(names)) {
        return Err(wrong());
    }
    let known = |name: &u8, others: &[u8]| others.contains(name) || axes.out.contains(name);
    if !axes.left.iter().all(|n| known(n, &axes.right)) || !axes.right.iter().all(|n| known(n, &axes.left)) {
        return Err(wrong());
    }
    let extent = |name: u8, names: &[u8], shape: &[usize]| names.iter().position(|n| *n == name).map(|i| shape[i]);
    let agree = |(i, name): (usize, &u8)| extent(*name, &axes.right, right).is_none_or(|n| n == left[i]);
    if !axes.left.iter().enumerate().all(agree) {
        return Err(wrong());
    }
    let out = |name: &u8| extent(*name, &axes.left, left).or(extent(*name, &axes.right, right)).ok_or_else(wrong);
    axes.out.iter().map(out).collect()
}
