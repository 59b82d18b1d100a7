//! What a node reads: the operands of an operation, and the same operation over other operands.

use super::{NodeId, Op};

impl Op {
    /// The nodes it reads, in the order they are written.
    pub fn operands(&self) -> Vec<NodeId> {
        let mut list = Vec::new();
        // Walking is mapping with nothing changed; one match serves both.
        self.map_operands(|id| {
            list.push(id);
            id
        });
        list
    }

    /// The same operation over other nodes.
    pub fn map_operands(&self, mut to: impl FnMut(NodeId) -> NodeId) -> Op {
        match self {
            Op::Literal(_) | Op::Constant(_) | Op::Input(_) | Op::Iota => self.clone(),
            Op::Unary(op, x) => Op::Unary(*op, to(*x)),
            Op::Binary(op, a, b) => Op::Binary(*op, to(*a), to(*b)),
            Op::Select(c, a, b) => Op::Select(to(*c), to(*a), to(*b)),
            Op::Reshape(x) => Op::Reshape(to(*x)),
            Op::Permute(x, axes) => Op::Permute(to(*x), axes.clone()),
            Op::Expand(x) => Op::Expand(to(*x)),
            Op::Slice { of, axis, start, end } => Op::Slice { of: to(*of), axis: *axis, start: *start, end: *end },
            Op::Pad { of, axis, before, after } => Op::Pad { of: to(*of), axis: *axis, before: *before, after: *after },
            Op::Concat(parts, axis) => Op::Concat(parts.iter().map(|x| to(*x)).collect(), *axis),
            Op::Reduce(op, x, axes) => Op::Reduce(*op, to(*x), axes.clone()),
            Op::Cumsum { of, axis, reverse } => Op::Cumsum { of: to(*of), axis: *axis, reverse: *reverse },
            Op::Contract { left, right, axes } => {
                Op::Contract { left: to(*left), right: to(*right), axes: axes.clone() }
            }
            Op::Gather { table, index } => Op::Gather { table: to(*table), index: to(*index) },
            Op::ScatterAdd { values, index, rows } => {
                Op::ScatterAdd { values: to(*values), index: to(*index), rows: *rows }
            }
            Op::Cholesky(x) => Op::Cholesky(to(*x)),
            Op::SolveTriangular { lower, right, transposed } => {
                Op::SolveTriangular { lower: to(*lower), right: to(*right), transposed: *transposed }
            }
        }
    }

    /// No operands, and the same value at every run.
    pub fn is_constant_leaf(&self) -> bool {
        matches!(self, Op::Literal(_) | Op::Constant(_) | Op::Iota)
    }
}
