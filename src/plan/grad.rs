//! Symbolic reverse mode: the gradient of a plan is more plan. One arm an operation; elementwise ones are rows of `ops`.

use super::build::Builder;
use super::ops::{BinaryAt, UnaryAt, Vjp};
use super::{Contraction, NodeId, Op, Reduce, infer};
use crate::problem::Bug;

/// The gradient of the sum of `of` in each of `wrt`, shaped as they are. `StopGradient` and what counts or compares have
/// derivative zero. A node of `wrt` may lie inside the computation: then it is what the gradient is taken in.
pub fn gradient(b: &mut Builder, of: NodeId, wrt: &[NodeId]) -> Result<Vec<NodeId>, Bug> {
    gradient_holding(b, of, wrt, &[])
}

/// The same with some nodes held fixed: nothing flows back through them.
pub fn gradient_holding(b: &mut Builder, of: NodeId, wrt: &[NodeId], held: &[NodeId]) -> Result<Vec<NodeId>, Bug> {
    let active = active(b, of, wrt, held);
    let shape = b.shape(of).to_vec();
    let mut adjoints: Vec<Adjoint> = vec![Adjoint::default(); of.index() + 1];
    adjoints[of.index()].whole = Some(b.literal(1.0, &shape));
    for index in (0..=of.index()).rev().filter(|index| active[*index]) {
        let id = NodeId::new(index);
        let Some(adjoint) = adjoints[index].total(b, id) else { continue };
        if let Op::Slice { of, axis, start, .. } = *b.op(id) {
            adjoints[of.index()].slices.push((axis, start, adjoint));
            continue;
        }
        for (operand, part) in pull(b, id, adjoint, &active) {
            let shape = b.shape(operand).to_vec();
            let part = b.sum_to(part, &shape);
            adjoints[operand.index()].add(b, part);
        }
    }
    let mut gradients = vec![];
    for id in wrt {
        let shape = b.shape(*id).to_vec();
        let found = adjoints.get_mut(id.index()).and_then(|adjoint| adjoint.total(b, *id));
        gradients.push(match found {
            Some(adjoint) => b.expand(adjoint, &shape),
            None => b.literal(0.0, &shape),
        });
    }
    Ok(gradients)
}

/// What has flowed back to a node so far.
#[derive(Debug, Clone, Default)]
struct Adjoint {
    whole: Option<NodeId>,
    /// What flowed back to slices of it: axis, start, value. They wait, so that slices side by side, as those of a
    /// packed vector of parameters are, come together in one `Concat` and not in a sum of padded arrays.
    slices: Vec<(usize, usize, NodeId)>,
}

impl Adjoint {
    fn add(&mut self, b: &mut Builder, part: NodeId) {
        self.whole = Some(match self.whole {
            Some(sum) => b.plus(sum, part),
            None => part,
        });
    }

    /// All of it, as one node shaped as `id`.
    fn total(&mut self, b: &mut Builder, id: NodeId) -> Option<NodeId> {
        let shape = b.shape(id).to_vec();
        let mut waiting = std::mem::take(&mut self.slices);
        waiting.sort_by_key(|(axis, start, _)| (*axis, *start));
        while let Some((axis, ..)) = waiting.first().copied() {
            let row = side_by_side(b, &mut waiting, axis);
            let part = joined(b, &row, axis, &shape);
            self.add(b, part);
        }
        self.whole
    }
}

/// Takes slices along `axis` that do not overlap, first come first served.
fn side_by_side(b: &Builder, waiting: &mut Vec<(usize, usize, NodeId)>, axis: usize) -> Vec<(usize, NodeId)> {
    let (mut row, mut end) = (vec![], 0);
    waiting.retain(|(along, start, value)| {
        let fits = *along == axis && *start >= end;
        if fits {
            end = start + b.shape(*value)[axis];
            row.push((*start, *value));
        }
        !fits
    });
    row
}

/// Parts at their places along `axis` of an array of `shape`, zeros between.
fn joined(b: &mut Builder, row: &[(usize, NodeId)], axis: usize, shape: &[usize]) -> NodeId {
    let (mut parts, mut end) = (vec![], 0);
    for (start, value) in row {
        let gap = b.literal(0.0, &infer::with_axis(shape, axis, start - end));
        parts.extend([gap, *value]);
        end = start + b.shape(*value)[axis];
    }
    let rest = b.literal(0.0, &infer::with_axis(shape, axis, shape[axis] - end));
    parts.push(rest);
    b.concat(&parts, axis)
}

/// Which nodes up to `of` depend on `wrt` through derivatives that are not zero everywhere.
fn active(b: &Builder, of: NodeId, wrt: &[NodeId], held: &[NodeId]) -> Vec<bool> {
    let mut active = vec![false; of.index() + 1];
    for index in 0..=of.index() {
        let id = NodeId::new(index);
        let op = b.op(id);
        let flows = || !is_flat(op) && op.operands().iter().any(|operand| active[operand.index()]);
        active[index] = wrt.contains(&id) || (!held.contains(&id) && flows());
    }
    active
}

/// Whether no gradient passes at all.
fn is_flat(op: &Op) -> bool {
    match op {
        Op::Unary(op, _) => matches!(op.row().vjp, Vjp::Zero),
        Op::Binary(op, ..) => op.row().vjp.iter().all(|vjp| matches!(vjp, Vjp::Zero)),
        _ => false,
    }
}

fn missing(b: &mut Builder, name: &str) -> Vec<(NodeId, NodeId)> {
    b.fail(Bug(format!("the derivative of {name} was asked for")));
    vec![]
}

/// What flows back from `id` to its active operands.
fn pull(b: &mut Builder, id: NodeId, g: NodeId, active: &[bool]) -> Vec<(NodeId, NodeId)> {
    let op = b.op(id).clone();
    let wants = |operand: NodeId| active[operand.index()];
    let one = |operand: NodeId, part: NodeId| vec![(operand, part)];
    match op {
        Op::Unary(op, x) => match op.row().vjp {
            Vjp::By(back) => one(x, back(b, UnaryAt { x, y: id }, g)),
            Vjp::Zero => vec![],
            Vjp::Unknown => missing(b, op.row().name),
        },
        Op::Binary(op, left, right) => {
            let at = BinaryAt { left, right, y: id };
            let mut list = vec![];
            for (operand, vjp) in [left, right].into_iter().zip(op.row().vjp) {
                match vjp {
                    // A derivative that is unknown is no bug where nobody asks for it.
                    _ if !wants(operand) => {}
                    Vjp::By(back) => list.push((operand, back(b, at, g))),
                    Vjp::Zero => {}
                    Vjp::Unknown => list.extend(missing(b, op.row().name)),
                }
            }
            list
        }
        Op::Select(c, x, y) => {
            let zero = b.number_like(0.0, g);
            let (then, other) = (b.select(c, g, zero), b.select(c, zero, g));
            [(x, then), (y, other)].into_iter().filter(|(operand, _)| wants(*operand)).collect()
        }
        Op::Reshape(x) => {
            let shape = b.shape(x).to_vec();
            one(x, b.reshape(g, &shape))
        }
        Op::Expand(x) => one(x, g),
        Op::Permute(x, axes) => {
            let mut back = vec![0; axes.len()];
            axes.iter().enumerate().for_each(|(to, from)| back[*from] = to);
            one(x, b.permute(g, &back))
        }
        Op::Pad { of, axis, before, .. } => {
            let extent = b.shape(of)[axis];
            one(of, b.slice(g, axis, before, before + extent))
        }
        Op::Concat(parts, axis) => concatenated(b, &parts, axis, g),
        Op::Reduce(op, x, axes) => one(x, reduced(b, op, x, &axes, id, g)),
        Op::Cumsum { of, axis, reverse } => one(of, b.cumsum(g, axis, !reverse)),
        Op::Contract { left, right, axes } => contracted(b, left, right, &axes, g, &wants),
        Op::Gather { table, index } => {
            let rows = b.shape(table)[0];
            one(table, b.scatter_add(g, index, rows))
        }
        Op::ScatterAdd { values, index, .. } => one(values, b.gather(g, index)),
        Op::Cholesky(x) => one(x, cholesky(b, id, g)),
        Op::SolveTriangular { lower, right, transposed } => solved(b, lower, right, transposed, id, g, &wants),
        // Slices wait in `Adjoint`.
        Op::Literal(_) | Op::Constant(_) | Op::Input(_) | Op::Iota | Op::Slice { .. } => vec![],
    }
}

fn concatenated(b: &mut Builder, parts: &[NodeId], axis: usize, g: NodeId) -> Vec<(NodeId, NodeId)> {
    let mut start = 0;
    let mut list = vec![];
    for part in parts {
        let extent = b.shape(*part)[axis];
        list.push((*part, b.slice(g, axis, start, start + extent)));
        start += extent;
    }
    list
}

/// A reduced axis comes back as an axis of 1, which elementwise operations repeat.
fn kept(b: &mut Builder, y: NodeId, from: &[usize], axes: &[usize]) -> NodeId {
    let shape = axes.iter().fold(from.to_vec(), |shape, axis| infer::with_axis(&shape, *axis, 1));
    b.reshape(y, &shape)
}

fn reduced(b: &mut Builder, op: Reduce, x: NodeId, axes: &[usize], y: NodeId, g: NodeId) -> NodeId {
    let from = b.shape(x).to_vec();
    let g = kept(b, g, &from, axes);
    let y = kept(b, y, &from, axes);
    match op {
        Reduce::Sum => b.expand(g, &from),
        Reduce::Max => {
            // Equal maxima share it.
            let mask = b.binary(super::Binary::Equal, x, y);
            let count = b.sum_keeping(mask, axes);
            let share = b.over(g, count);
            b.times(mask, share)
        }
        Reduce::LogSumExp => {
            // Where all are minus infinity nothing flows: the floor keeps the difference a number.
            let floor = b.number_like(-1e37, y);
            let y = b.binary(super::Binary::Max, y, floor);
            let gap = b.minus(x, y);
            let share = b.exp(gap);
            b.times(g, share)
        }
        Reduce::Prod => product(b, x, axes, g),
    }
}

/// The product of the others: of all over x where nothing is zero; at a lone zero, the product of the rest.
fn product(b: &mut Builder, x: NodeId, axes: &[usize], g: NodeId) -> NodeId {
    let from = b.shape(x).to_vec();
    let (zero, one) = (b.number_like(0.0, x), b.number_like(1.0, x));
    let is_zero = b.binary(super::Binary::Equal, x, zero);
    let safe = b.select(is_zero, one, x);
    let rest = b.reduce(Reduce::Prod, safe, axes);
    let rest = kept(b, rest, &from, axes);
    let zeros = b.sum_keeping(is_zero, axes);
    let none = b.binary(super::Binary::Equal, zeros, zero);
    let lone = b.binary(super::Binary::Equal, zeros, one);
    let others = b.over(rest, safe);
    let (at_zero, elsewhere) = (b.times(lone, rest), b.times(none, others));
    let slope = b.select(is_zero, at_zero, elsewhere);
    b.times(g, slope)
}

fn contracted(
    b: &mut Builder,
    left: NodeId,
    right: NodeId,
    axes: &Contraction,
    g: NodeId,
    wants: &dyn Fn(NodeId) -> bool,
) -> Vec<(NodeId, NodeId)> {
    let mut list = vec![];
    if wants(left) {
        let back = Contraction { left: axes.out.clone(), right: axes.right.clone(), out: axes.left.clone() };
        list.push((left, b.contract(g, right, back)));
    }
    if wants(right) {
        let back = Contraction { left: axes.left.clone(), right: axes.out.clone(), out: axes.right.clone() };
        list.push((right, b.contract(left, g, back)));
    }
    list
}

/// Names of the axes of square matrices with leading axes: those, then two more.
fn matrix_names(rank: usize) -> (Vec<u8>, u8, u8, u8) {
    ((0..rank as u8 - 2).collect(), 100, 101, 102)
}

fn swapped(b: &mut Builder, x: NodeId) -> NodeId {
    let rank = b.rank(x);
    let axes: Vec<usize> = (0..rank - 2).chain([rank - 1, rank - 2]).collect();
    b.permute(x, &axes)
}

/// 1 below the diagonal, `on` on it, 0 above, with leading axes of 1.
fn lower_mask(b: &mut Builder, rank: usize, n: usize, on: f64) -> NodeId {
    let entry = |at: usize| match (at / n).cmp(&(at % n)) {
        std::cmp::Ordering::Greater => 1.0,
        std::cmp::Ordering::Equal => on,
        std::cmp::Ordering::Less => 0.0,
    };
    let mask = b.constant(super::Array::Reals((0..n * n).map(entry).collect()), &[n, n]);
    let shape = [vec![1; rank - 2], vec![n, n]].concat();
    b.reshape(mask, &shape)
}

/// Murray, "Differentiation of the Cholesky decomposition" (2016), equation 10:
/// `A' = sym(L^-T Phi(L' G) L^-1)` with Phi the lower triangle, its diagonal halved.
fn cholesky(b: &mut Builder, l: NodeId, g: NodeId) -> NodeId {
    let rank = b.rank(l);
    let n = b.shape(l)[rank - 1];
    let (batch, i, j, k) = matrix_names(rank);
    let names = |tail: [u8; 2]| [batch.as_slice(), &tail].concat();
    let product = b.contract(l, g, Contraction { left: names([k, i]), right: names([k, j]), out: names([i, j]) });
    let mask = lower_mask(b, rank, n, 0.5);
    let phi = b.times(product, mask);
    let half = b.solve_triangular(l, phi, true);
    let half = swapped(b, half);
    let whole = b.solve_triangular(l, half, true);
    let turned = swapped(b, whole);
    let sum = b.plus(whole, turned);
    b.scale(sum, 0.5)
}

/// For `Y = L^-1 B`: `B' = L^-T G` and `L' = -tril(B' Y^T)`; transposed, `B' = L^-1 G` and `L' = -tril(Y B'^T)`.
fn solved(
    b: &mut Builder,
    lower: NodeId,
    right: NodeId,
    transposed: bool,
    y: NodeId,
    g: NodeId,
    wants: &dyn Fn(NodeId) -> bool,
) -> Vec<(NodeId, NodeId)> {
    let back = b.solve_triangular(lower, g, !transposed);
    let mut list = vec![];
    if wants(right) {
        list.push((right, back));
    }
    if wants(lower) {
        let rank = b.rank(lower);
        let n = b.shape(lower)[rank - 1];
        let (batch, i, j, k) = matrix_names(rank);
        let names = |tail: [u8; 2]| [batch.as_slice(), &tail].concat();
        let axes = Contraction { left: names([i, k]), right: names([j, k]), out: names([i, j]) };
        let product = if transposed { b.contract(y, back, axes) } else { b.contract(back, y, axes) };
        let mask = lower_mask(b, rank, n, 1.0);
        let product = b.times(product, mask);
        list.push((lower, b.neg(product)));
    }
    list
}

#[cfg(test)]
mod tests;
