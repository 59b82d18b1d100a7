//! The reference evaluator: any plan in f64, one plain loop an operation. Slow and obviously right: the oracle of tests.
//!
//! Constants are made once; every other array returns to a pool after its last use, so runs after the first allocate nothing.

use super::{Backend, Evaluate, Failure, Node, NodeId, Op, Plan, Precision};
use crate::problem::Bug;

mod arrays;
mod contract;
mod linear;
mod scalar;

/// Evaluates in f64 whatever the precision asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reference;

impl Backend for Reference {
    fn name(&self) -> &'static str {
        "reference"
    }

    fn prepare(&self, plan: &Plan, _: Precision) -> Result<Box<dyn Evaluate>, Failure> {
        Ok(Box::new(Evaluator::new(plan)))
    }
}

/// Runs a plan once.
pub fn evaluate_once(plan: &Plan, inputs: &[&[f64]]) -> Result<Vec<Vec<f64>>, Failure> {
    Evaluator::new(plan).run(inputs)
}

struct Evaluator {
    plan: Plan,
    values: Vec<Option<Vec<f64>>>,
    /// Nodes read for the last time by a node, by that node.
    freed: Vec<Vec<NodeId>>,
    /// Made once.
    fixed: Vec<bool>,
    /// Nodes that an output depends on.
    live: Vec<bool>,
    pool: Vec<Vec<f64>>,
}

impl Evaluator {
    fn new(plan: &Plan) -> Evaluator {
        let n = plan.nodes.len();
        let mut live = vec![false; n];
        plan.outputs.iter().for_each(|output| live[output.node.index()] = true);
        for id in plan.nodes.ids().rev().filter(|id| live[id.index()]).collect::<Vec<_>>() {
            mark(plan, id, &mut live);
        }
        let mut last: Vec<Option<usize>> = vec![None; n];
        for (id, node) in plan.nodes.iter().filter(|(id, _)| live[id.index()]) {
            node.op.operands().iter().for_each(|operand| last[operand.index()] = Some(id.index()));
        }
        plan.outputs.iter().for_each(|output| last[output.node.index()] = None);
        let fixed: Vec<bool> = plan.nodes.iter().map(|(_, node)| node.op.is_constant_leaf()).collect();
        let mut freed = vec![vec![]; n];
        for (index, at) in last.iter().enumerate() {
            if let Some(at) = at.filter(|_| !fixed[index]) {
                freed[at].push(NodeId::new(index));
            }
        }
        Evaluator { plan: plan.clone(), values: vec![None; n], freed, fixed, live, pool: vec![] }
    }

    fn node(&mut self, id: NodeId, inputs: &[&[f64]]) -> Result<(), Failure> {
        let plan = std::mem::take(&mut self.plan);
        let node = &plan.nodes[id];
        let mut out = self.pool.pop().unwrap_or_default();
        out.clear();
        let result = self.compute(&plan, node, inputs, &mut out);
        self.plan = plan;
        result?;
        self.values[id.index()] = Some(out);
        for gone in std::mem::take(&mut self.freed[id.index()]).iter() {
            self.pool.extend(self.values[gone.index()].take());
            self.freed[id.index()].push(*gone);
        }
        Ok(())
    }

    fn compute(&self, plan: &Plan, node: &Node, inputs: &[&[f64]], out: &mut Vec<f64>) -> Result<(), Failure> {
        let value = |id: NodeId| match &self.values[id.index()] {
            Some(values) => Ok((values.as_slice(), plan.nodes[id].shape.as_slice())),
            None => Err(Failure::Bug(Bug(format!("{id:?} was read before it was made, or after its last use")))),
        };
        let count: usize = node.shape.iter().product();
        match &node.op {
            Op::Literal(x) => out.resize(count, *x),
            Op::Constant(array) => out.extend((0..count).map(|i| array.get(i))),
            Op::Iota => out.extend((0..count).map(|i| i as f64)),
            Op::Input(place) => match inputs.get(*place) {
                Some(input) if input.len() == count => out.extend_from_slice(input),
                _ => return Err(Failure::Bug(Bug(format!("input {place} is not of shape {:?}", node.shape)))),
            },
            Op::Unary(op, x) => scalar::unary(*op, value(*x)?.0, out),
            Op::Binary(op, a, b) => scalar::binary(*op, value(*a)?, value(*b)?, &node.shape, out),
            Op::Select(c, a, b) => scalar::select(value(*c)?, value(*a)?, value(*b)?, &node.shape, out),
            Op::Reshape(x) => out.extend_from_slice(value(*x)?.0),
            Op::Permute(x, axes) => arrays::permute(value(*x)?, axes, out),
            Op::Expand(x) => arrays::expand(value(*x)?, &node.shape, out),
            Op::Slice { of, axis, start, end } => arrays::slice(value(*of)?, *axis, *start, *end, out),
            Op::Pad { of, axis, before, after } => arrays::pad(value(*of)?, *axis, *before, *after, out),
            Op::Concat(parts, axis) => {
                let parts = parts.iter().map(|id| value(*id)).collect::<Result<Vec<_>, _>>()?;
                arrays::concat(&parts, *axis, out);
            }
            Op::Reduce(op, x, axes) => arrays::reduce(*op, value(*x)?, axes, out),
            Op::Cumsum { of, axis, reverse } => arrays::cumsum(value(*of)?, *axis, *reverse, out),
            Op::Contract { left, right, axes } => contract::contract(value(*left)?, value(*right)?, axes, out),
            Op::Gather { table, index } => arrays::gather(value(*table)?, value(*index)?.0, out)?,
            Op::ScatterAdd { values, index, rows } => {
                arrays::scatter_add(value(*values)?.0, value(*index)?.0, *rows, count, out)?;
            }
            Op::Cholesky(x) => linear::cholesky(value(*x)?, out),
            Op::SolveTriangular { lower, right, transposed } => {
                linear::solve_triangular(value(*lower)?, value(*right)?, *transposed, out);
            }
        }
        Ok(())
    }
}

impl Evaluate for Evaluator {
    fn run(&mut self, inputs: &[&[f64]]) -> Result<Vec<Vec<f64>>, Failure> {
        for index in 0..self.plan.nodes.len() {
            let made = self.fixed[index] && self.values[index].is_some();
            if self.live[index] && !made {
                if let Some(old) = self.values[index].take() {
                    self.pool.push(old);
                }
                self.node(NodeId::new(index), inputs)?;
            }
        }
        let output = |output: &super::Output| self.values[output.node.index()].clone().unwrap_or_default();
        Ok(self.plan.outputs.iter().map(output).collect())
    }
}

fn mark(plan: &Plan, id: NodeId, live: &mut [bool]) {
    let mut open = vec![id];
    while let Some(id) = open.pop() {
        for operand in plan.nodes[id].op.operands() {
            if !std::mem::replace(&mut live[operand.index()], true) {
                open.push(operand);
            }
        }
    }
}
