//! The builder of plans: one method an operation. It computes shapes, checks operands, applies the cheap laws of
//! `simplify`, and makes every expression once.
//!
//! Methods return a node, never an error: the first broken invariant is kept, stands in as NaN, and is what `finish`
//! returns. So lowering and differentiation read as mathematics.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::infer;
use super::spelling::spelling;
use super::{Array, Binary, Contraction, Input, Node, NodeId, Op, Output, Plan, Reduce, Unary, simplify};
use crate::problem::Bug;

mod tables;

pub use super::infer::broadcast_shapes;
pub use tables::WHOLE_IN_F32;

/// A plan that is being written.
#[derive(Debug, Clone, Default)]
pub struct Builder {
    plan: Plan,
    /// What an operation and its shape are spelled as, to the node that is it.
    made: BTreeMap<Vec<u64>, NodeId>,
    origin: Option<Arc<str>>,
    bug: Option<Bug>,
}

impl Builder {
    pub fn new() -> Builder {
        Builder::default()
    }

    /// Goes on writing a plan; its nodes keep their ids.
    pub fn resume(plan: Plan) -> Builder {
        let mut builder = Builder { plan, ..Builder::default() };
        for id in builder.plan.nodes.ids() {
            let Node { op, shape, .. } = &builder.plan.nodes[id];
            let key = spelling(&builder.plan, op, shape);
            builder.made.entry(key).or_insert(id);
        }
        builder
    }

    /// The plan, or the first invariant that was broken while writing it.
    pub fn finish(self) -> Result<Plan, Bug> {
        match self.bug {
            None => Ok(self.plan),
            Some(bug) => Err(bug),
        }
    }

    /// The site or term that the nodes made from now on come from; returns what it was before.
    pub fn set_origin(&mut self, origin: Option<Arc<str>>) -> Option<Arc<str>> {
        std::mem::replace(&mut self.origin, origin)
    }

    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    pub fn op(&self, id: NodeId) -> &Op {
        &self.plan.nodes[id].op
    }

    pub fn shape(&self, id: NodeId) -> &[usize] {
        &self.plan.nodes[id].shape
    }

    pub fn rank(&self, id: NodeId) -> usize {
        self.shape(id).len()
    }

    /// The number, where the node is one number repeated.
    pub fn as_literal(&self, id: NodeId) -> Option<f64> {
        match self.op(id) {
            Op::Literal(value) => Some(*value),
            _ => None,
        }
    }

    /// Notes that the caller broke an invariant. The first one is what `finish` returns.
    pub fn fail(&mut self, bug: Bug) {
        self.bug.get_or_insert(bug);
    }

    /// Any operation, simplified and shared. `claimed` is the shape, for the operations that say their own.
    pub fn add(&mut self, op: Op, claimed: &[usize]) -> NodeId {
        match infer::infer(&self.plan, &op, claimed) {
            Ok(shape) => match simplify::simplify(self, &op, &shape) {
                Some(same) => same,
                None => self.intern(op, shape),
            },
            Err(bug) => {
                self.fail(bug);
                self.intern(Op::Literal(f64::NAN), claimed.to_vec())
            }
        }
    }

    /// The node that is exactly this, made if it is not there yet.
    pub(crate) fn intern(&mut self, op: Op, shape: Vec<usize>) -> NodeId {
        let key = spelling(&self.plan, &op, &shape);
        if let Some(id) = self.made.get(&key) {
            return *id;
        }
        let id = self.plan.nodes.add(Node { op, shape, origin: self.origin.clone() });
        self.made.insert(key, id);
        id
    }

    /// A new input; what it is called is not checked to be new.
    pub fn input(&mut self, name: impl Into<String>, shape: &[usize]) -> NodeId {
        self.plan.inputs.push(Input { name: name.into(), shape: shape.to_vec() });
        self.add(Op::Input(self.plan.inputs.len() - 1), shape)
    }

    pub fn output(&mut self, name: impl Into<String>, node: NodeId) {
        self.plan.outputs.push(Output { name: name.into(), node });
    }
}

/// Leaves.
impl Builder {
    /// The same number at every place.
    pub fn literal(&mut self, value: f64, shape: &[usize]) -> NodeId {
        self.add(Op::Literal(value), shape)
    }

    /// An array of rank 0.
    pub fn number(&mut self, value: f64) -> NodeId {
        self.literal(value, &[])
    }

    /// A number of the rank of `x`, to go with it in an elementwise operation.
    pub fn number_like(&mut self, value: f64, x: NodeId) -> NodeId {
        let ones = vec![1; self.rank(x)];
        self.literal(value, &ones)
    }

    pub fn constant(&mut self, array: Array, shape: &[usize]) -> NodeId {
        self.add(Op::Constant(array), shape)
    }

    pub fn iota(&mut self, length: usize) -> NodeId {
        self.add(Op::Iota, &[length])
    }
}

/// Elementwise operations, on operands of equal rank.
impl Builder {
    pub fn unary(&mut self, op: Unary, x: NodeId) -> NodeId {
        self.add(Op::Unary(op, x), &[])
    }

    pub fn binary(&mut self, op: Binary, a: NodeId, b: NodeId) -> NodeId {
        self.add(Op::Binary(op, a, b), &[])
    }

    /// Where `condition` is not 0, `then`, else `other`.
    pub fn select(&mut self, condition: NodeId, then: NodeId, other: NodeId) -> NodeId {
        self.add(Op::Select(condition, then, other), &[])
    }

    pub fn plus(&mut self, a: NodeId, b: NodeId) -> NodeId {
        self.binary(Binary::Add, a, b)
    }

    pub fn minus(&mut self, a: NodeId, b: NodeId) -> NodeId {
        self.binary(Binary::Sub, a, b)
    }

    pub fn times(&mut self, a: NodeId, b: NodeId) -> NodeId {
        self.binary(Binary::Mul, a, b)
    }

    pub fn over(&mut self, a: NodeId, b: NodeId) -> NodeId {
        self.binary(Binary::Div, a, b)
    }

    pub fn neg(&mut self, x: NodeId) -> NodeId {
        self.unary(Unary::Neg, x)
    }

    pub fn exp(&mut self, x: NodeId) -> NodeId {
        self.unary(Unary::Exp, x)
    }

    pub fn log(&mut self, x: NodeId) -> NodeId {
        self.unary(Unary::Log, x)
    }

    pub fn square(&mut self, x: NodeId) -> NodeId {
        self.unary(Unary::Square, x)
    }

    pub fn stop_gradient(&mut self, x: NodeId) -> NodeId {
        self.unary(Unary::StopGradient, x)
    }

    /// `factor * x`
    pub fn scale(&mut self, x: NodeId, factor: f64) -> NodeId {
        let factor = self.number_like(factor, x);
        self.times(x, factor)
    }

    /// `x + by`
    pub fn shift(&mut self, x: NodeId, by: f64) -> NodeId {
        let by = self.number_like(by, x);
        self.plus(x, by)
    }
}

/// Operations that move elements.
impl Builder {
    pub fn reshape(&mut self, x: NodeId, shape: &[usize]) -> NodeId {
        self.add(Op::Reshape(x), shape)
    }

    /// Axis `i` of the result is axis `axes[i]` of `x`.
    pub fn permute(&mut self, x: NodeId, axes: &[usize]) -> NodeId {
        self.add(Op::Permute(x, axes.to_vec()), &[])
    }

    /// Swaps the last two axes.
    pub fn transpose(&mut self, x: NodeId) -> NodeId {
        let rank = self.rank(x);
        let mut axes: Vec<usize> = (0..rank).collect();
        match rank {
            0 | 1 => self.fail(Bug(format!("transpose of an array of rank {rank}"))),
            _ => axes.swap(rank - 1, rank - 2),
        }
        self.permute(x, &axes)
    }

    pub fn expand(&mut self, x: NodeId, shape: &[usize]) -> NodeId {
        self.add(Op::Expand(x), shape)
    }

    /// A new axis of extent 1 before the axis that is `at` now.
    pub fn insert_axis(&mut self, x: NodeId, at: usize) -> NodeId {
        let mut shape = self.shape(x).to_vec();
        if at > shape.len() {
            self.fail(Bug(format!("insert axis {at} into {shape:?}")));
        }
        shape.insert(at.min(shape.len()), 1);
        self.reshape(x, &shape)
    }

    pub fn slice(&mut self, of: NodeId, axis: usize, start: usize, end: usize) -> NodeId {
        self.add(Op::Slice { of, axis, start, end }, &[])
    }

    pub fn pad(&mut self, of: NodeId, axis: usize, before: usize, after: usize) -> NodeId {
        self.add(Op::Pad { of, axis, before, after }, &[])
    }

    pub fn concat(&mut self, parts: &[NodeId], axis: usize) -> NodeId {
        self.add(Op::Concat(parts.to_vec(), axis), &[])
    }

    /// Arrays of one shape along a new axis.
    pub fn stack(&mut self, parts: &[NodeId], axis: usize) -> NodeId {
        let parts: Vec<NodeId> = parts.iter().map(|x| self.insert_axis(*x, axis)).collect();
        self.concat(&parts, axis)
    }

    pub fn gather(&mut self, table: NodeId, index: NodeId) -> NodeId {
        self.add(Op::Gather { table, index }, &[])
    }

    pub fn scatter_add(&mut self, values: NodeId, index: NodeId, rows: usize) -> NodeId {
        self.add(Op::ScatterAdd { values, index, rows }, &[])
    }
}

/// Reductions, products and linear algebra.
impl Builder {
    /// Over `axes`, in any order; over none of them it is the array itself.
    pub fn reduce(&mut self, op: Reduce, x: NodeId, axes: &[usize]) -> NodeId {
        let mut axes = axes.to_vec();
        axes.sort_unstable();
        if axes.is_empty() { x } else { self.add(Op::Reduce(op, x, axes), &[]) }
    }

    pub fn sum(&mut self, x: NodeId, axes: &[usize]) -> NodeId {
        self.reduce(Reduce::Sum, x, axes)
    }

    /// The sum of all elements, an array of rank 0.
    pub fn sum_all(&mut self, x: NodeId) -> NodeId {
        let axes: Vec<usize> = (0..self.rank(x)).collect();
        self.sum(x, &axes)
    }

    /// As `sum`, with the axes kept at extent 1.
    pub fn sum_keeping(&mut self, x: NodeId, axes: &[usize]) -> NodeId {
        let kept = axes.iter().fold(self.shape(x).to_vec(), |shape, axis| infer::with_axis(&shape, *axis, 1));
        let sum = self.sum(x, axes);
        self.reshape(sum, &kept)
    }

    /// Sums `x` down to `shape`: over the axes that `shape` has at extent 1 and `x` has not. The transpose of `expand`.
    pub fn sum_to(&mut self, x: NodeId, shape: &[usize]) -> NodeId {
        let from = self.shape(x).to_vec();
        if broadcast_shapes(&from, shape).is_ok_and(|both| both == from) {
            let axes: Vec<usize> = (0..from.len()).filter(|i| from[*i] != shape[*i]).collect();
            return self.sum_keeping(x, &axes);
        }
        self.fail(Bug(format!("sum {from:?} to {shape:?}")));
        self.literal(f64::NAN, shape)
    }

    pub fn cumsum(&mut self, of: NodeId, axis: usize, reverse: bool) -> NodeId {
        self.add(Op::Cumsum { of, axis, reverse }, &[])
    }

    /// The sum over all names that are not in `out` of the product. A name that is in one operand alone and not in
    /// `out` is summed over first, so this is a full two-operand Einstein sum over distinct names.
    pub fn contract(&mut self, left: NodeId, right: NodeId, axes: Contraction) -> NodeId {
        let (left, left_names) = self.sum_private(left, &axes.left, &axes.right, &axes.out);
        let (right, right_names) = self.sum_private(right, &axes.right, &axes.left, &axes.out);
        let axes = Contraction { left: left_names, right: right_names, out: axes.out };
        self.add(Op::Contract { left, right, axes }, &[])
    }

    /// `[.., n, k]` by `[.., k, m]`, with equal leading axes.
    pub fn matmul(&mut self, left: NodeId, right: NodeId) -> NodeId {
        let rank = self.rank(left);
        if !(2..=100).contains(&rank) || rank != self.rank(right) {
            self.fail(Bug(format!("matmul of {:?} and {:?}", self.shape(left), self.shape(right))));
            return left;
        }
        let batch: Vec<u8> = (0..rank as u8 - 2).collect();
        let with = |names: [u8; 2]| [batch.as_slice(), &names].concat();
        self.contract(
            left,
            right,
            Contraction { left: with([200, 202]), right: with([202, 201]), out: with([200, 201]) },
        )
    }

    pub fn cholesky(&mut self, x: NodeId) -> NodeId {
        self.add(Op::Cholesky(x), &[])
    }

    pub fn solve_triangular(&mut self, lower: NodeId, right: NodeId, transposed: bool) -> NodeId {
        self.add(Op::SolveTriangular { lower, right, transposed }, &[])
    }

    fn sum_private(&mut self, x: NodeId, names: &[u8], other: &[u8], out: &[u8]) -> (NodeId, Vec<u8>) {
        let kept = |name: &u8| other.contains(name) || out.contains(name);
        let axes: Vec<usize> = (0..names.len()).filter(|i| !kept(&names[*i])).collect();
        // A wrong rank is for the checks of `add` to say.
        if names.len() != self.rank(x) {
            return (x, names.to_vec());
        }
        (self.sum(x, &axes), names.iter().copied().filter(kept).collect())
    }
}

#[cfg(test)]
mod tests;
