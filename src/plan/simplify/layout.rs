//! Laws of the operations that move, repeat and look up elements.

use crate::plan::build::Builder;
use crate::plan::infer::{count, with_axis};
use crate::plan::{NodeId, Op};

pub(super) fn layout(b: &mut Builder, op: &Op, shape: &[usize]) -> Option<NodeId> {
    // Moving one number about gives that number; zeros stay zeros under what else is linear.
    if let [only] = op.operands()[..]
        && let Some(value) = b.as_literal(only)
    {
        let moves = matches!(op, Op::Reshape(_) | Op::Permute(..) | Op::Expand(_) | Op::Slice { .. });
        let linear = matches!(op, Op::Pad { .. } | Op::Cumsum { .. });
        if moves || (linear && value == 0.0) {
            return Some(b.literal(value, shape));
        }
    }
    match op {
        Op::Reshape(x) => reshape(b, *x, shape),
        Op::Permute(x, axes) => permute(b, *x, axes, shape),
        Op::Expand(x) => expand(b, *x, shape),
        Op::Slice { of, axis, start, end } => slice(b, *of, *axis, *start..*end, shape),
        Op::Pad { of, axis, before, after } => pad(b, *of, *axis, *before, *after),
        Op::Concat(parts, axis) => concat(b, parts, *axis, shape),
        Op::Cumsum { of, axis, .. } => (shape[*axis] == 1).then_some(*of),
        Op::Gather { table, index } => gather(b, *table, *index, shape),
        Op::ScatterAdd { values, index, rows } => scatter_add(b, *values, *index, *rows, shape),
        Op::SolveTriangular { right, .. } => (b.as_literal(*right) == Some(0.0)).then_some(*right),
        _ => None,
    }
}

fn reshape(b: &mut Builder, x: NodeId, shape: &[usize]) -> Option<NodeId> {
    if b.shape(x) == shape {
        return Some(x);
    }
    match *b.op(x) {
        Op::Reshape(y) => Some(b.reshape(y, shape)),
        Op::Expand(y) => {
            // Only axes of 1 come or go: what was repeated can be repeated afterwards.
            let kept = |shape: &[usize]| -> Vec<usize> { (0..shape.len()).filter(|i| shape[*i] != 1).collect() };
            let (from, to) = (kept(b.shape(x)), kept(shape));
            let alike = from.len() == to.len() && from.iter().zip(&to).all(|(i, j)| b.shape(x)[*i] == shape[*j]);
            if !alike {
                return None;
            }
            let mut small = vec![1; shape.len()];
            for (i, j) in from.iter().zip(&to) {
                small[*j] = b.shape(y)[*i];
            }
            let moved = b.reshape(y, &small);
            Some(b.expand(moved, shape))
        }
        _ => None,
    }
}

fn permute(b: &mut Builder, x: NodeId, axes: &[usize], shape: &[usize]) -> Option<NodeId> {
    let long: Vec<usize> = axes.iter().copied().filter(|axis| b.shape(x)[*axis] != 1).collect();
    if axes.is_sorted() {
        return Some(x);
    }
    if long.is_sorted() {
        // Moving axes of 1 moves no element.
        return Some(b.reshape(x, shape));
    }
    match b.op(x).clone() {
        Op::Permute(y, first) => {
            let both: Vec<usize> = axes.iter().map(|axis| first[*axis]).collect();
            Some(b.permute(y, &both))
        }
        Op::Expand(y) => {
            let moved = b.permute(y, axes);
            Some(b.expand(moved, shape))
        }
        _ => None,
    }
}

fn expand(b: &mut Builder, x: NodeId, shape: &[usize]) -> Option<NodeId> {
    if b.shape(x) == shape {
        return Some(x);
    }
    match *b.op(x) {
        Op::Expand(y) => Some(b.expand(y, shape)),
        _ => None,
    }
}

fn slice(b: &mut Builder, of: NodeId, axis: usize, range: std::ops::Range<usize>, shape: &[usize]) -> Option<NodeId> {
    if b.shape(of) == shape {
        return Some(of);
    }
    match b.op(of).clone() {
        Op::Slice { of: y, axis: same, start, .. } if same == axis => {
            Some(b.slice(y, axis, start + range.start, start + range.end))
        }
        Op::Expand(y) => {
            let part = if b.shape(y)[axis] == 1 { y } else { b.slice(y, axis, range.start, range.end) };
            Some(b.expand(part, shape))
        }
        Op::Concat(parts, same) if same == axis => {
            let mut first = 0;
            for part in parts {
                let end = first + b.shape(part)[axis];
                if first <= range.start && range.end <= end && !range.is_empty() {
                    return Some(b.slice(part, axis, range.start - first, range.end - first));
                }
                first = end;
            }
            None
        }
        _ => None,
    }
}

fn pad(b: &mut Builder, of: NodeId, axis: usize, before: usize, after: usize) -> Option<NodeId> {
    if before == 0 && after == 0 {
        return Some(of);
    }
    match *b.op(of) {
        Op::Pad { of: y, axis: same, before: first, after: last } if same == axis => {
            Some(b.pad(y, axis, before + first, after + last))
        }
        _ => None,
    }
}

fn concat(b: &mut Builder, parts: &[NodeId], axis: usize, shape: &[usize]) -> Option<NodeId> {
    let mut flat: Vec<NodeId> = Vec::new();
    for part in parts {
        match b.op(*part).clone() {
            Op::Concat(inner, same) if same == axis => inner.into_iter().for_each(|x| join(b, &mut flat, x, axis)),
            _ => join(b, &mut flat, *part, axis),
        }
    }
    match flat[..] {
        [] => parts.first().copied(),
        [only] => Some(only),
        _ if flat == parts => None,
        _ => {
            let joined = b.concat(&flat, axis);
            debug_assert_eq!(b.shape(joined), shape);
            Some(joined)
        }
    }
}

/// Puts `next` at the end of the parts: nothing where it is empty, one with the last part where both are the same
/// number or neighbouring slices of one array.
fn join(b: &mut Builder, parts: &mut Vec<NodeId>, next: NodeId, axis: usize) {
    if b.shape(next)[axis] == 0 {
        return;
    }
    let one = parts.last().and_then(|last| match (b.op(*last).clone(), b.op(next).clone()) {
        (Op::Literal(c), Op::Literal(d)) if c.to_bits() == d.to_bits() => {
            let length = b.shape(*last)[axis] + b.shape(next)[axis];
            let shape = with_axis(b.shape(next), axis, length);
            Some(b.literal(c, &shape))
        }
        (Op::Slice { of: x, axis: i, start, end: middle }, Op::Slice { of: y, axis: j, start: second, end }) => {
            let meet = x == y && i == axis && j == axis && middle == second;
            meet.then(|| b.slice(x, axis, start, end))
        }
        _ => None,
    });
    match (one, parts.last_mut()) {
        (Some(one), Some(last)) => *last = one,
        _ => parts.push(next),
    }
}

fn gather(b: &mut Builder, table: NodeId, index: NodeId, shape: &[usize]) -> Option<NodeId> {
    if let Some(value) = b.as_literal(table) {
        return Some(b.literal(value, shape));
    }
    let rows = b.shape(table)[0];
    match *b.op(index) {
        Op::Iota if b.shape(index)[0] == rows => Some(table),
        Op::Literal(row) if row >= 0.0 && row.fract() == 0.0 && (row as usize) < rows => {
            let one = b.slice(table, 0, row as usize, row as usize + 1);
            let ones = [vec![1; b.rank(index)], b.shape(one)[1..].to_vec()].concat();
            let one = b.reshape(one, &ones);
            Some(b.expand(one, shape))
        }
        Op::Reshape(flat) => {
            let looked_up = b.gather(table, flat);
            Some(b.reshape(looked_up, shape))
        }
        _ => None,
    }
}

fn scatter_add(b: &mut Builder, values: NodeId, index: NodeId, rows: usize, shape: &[usize]) -> Option<NodeId> {
    if b.as_literal(values) == Some(0.0) || count(b.shape(index)) == 0 {
        return Some(b.literal(0.0, shape));
    }
    match *b.op(index) {
        Op::Iota if b.shape(index)[0] == rows => Some(values),
        Op::Reshape(flat) => {
            let rest = &b.shape(values)[b.rank(index)..];
            let moved = [b.shape(flat), rest].concat();
            let values = b.reshape(values, &moved);
            Some(b.scatter_add(values, flat, rows))
        }
        _ => None,
    }
}
