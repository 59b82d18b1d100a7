//! Random plans for the laws of the tests: every operation, written down raw, without the builder's simplifications.

use super::infer::{count, infer};
use super::{Array, Binary, Contraction, Input, Node, NodeId, Op, Output, Plan, Reduce, Unary};
use crate::arena::Arena;

/// A small generator of its own (splitmix64), so that the plans of a seed never change.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x2545_f491_4f6c_dd1d).wrapping_add(0x1234_5678))
    }

    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.bits() % n.max(1) as u64) as usize
    }

    /// Uniform between two numbers.
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * ((self.bits() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    pub(crate) fn reals(&mut self, n: usize) -> Vec<f64> {
        (0..n).map(|_| self.between(-1.5, 1.5)).collect()
    }

    pub(crate) fn pick<T: Clone>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())].clone()
    }

    pub(crate) fn shape(&mut self, rank: usize) -> Vec<usize> {
        (0..rank).map(|_| self.pick(&[1, 2, 3, 4])).collect()
    }
}

/// Inputs that fit the plan.
pub(crate) fn inputs(plan: &Plan, seed: u64) -> Vec<Vec<f64>> {
    let mut random = Random::new(seed ^ 0xabcd);
    plan.inputs.iter().map(|input| random.reals(count(&input.shape))).collect()
}

/// A plan of about `length` nodes; three of its last nodes are outputs. Values stay within about 20.
pub(crate) fn plan(seed: u64, length: usize) -> Plan {
    let mut writer = Writer { random: Random::new(seed), plan: Plan::default(), bounds: vec![] };
    writer.leaves();
    while writer.plan.nodes.len() < length {
        writer.step();
    }
    let all: Vec<NodeId> = writer.plan.nodes.ids().collect();
    for (i, id) in all.iter().rev().step_by(3).take(3).enumerate() {
        writer.plan.outputs.push(Output { name: format!("out{i}"), node: *id });
    }
    writer.plan
}

struct Writer {
    random: Random,
    plan: Plan,
    /// How large each node can become.
    bounds: Vec<f64>,
}

impl Writer {
    fn push(&mut self, op: Op, claimed: &[usize], bound: f64) -> NodeId {
        let shape = infer(&self.plan, &op, claimed).expect("the writer's operations are legal");
        let id = self.plan.nodes.add(Node { op, shape, origin: None });
        self.bounds.push(bound);
        if bound > 20.0 { self.push(Op::Unary(Unary::Tanh, id), &[], 1.0) } else { id }
    }

    fn leaves(&mut self) {
        for i in 0..4 {
            let shape = self.random.shape(i % 4);
            self.plan.inputs.push(Input { name: format!("in{i}"), shape: shape.clone() });
            self.push(Op::Input(i), &shape, 1.5);
            let array = Array::from_reals(self.random.reals(count(&shape)));
            self.push(Op::Constant(array), &shape, 1.5);
            let value = self.random.pick(&[0.0, 1.0, -1.0, 2.0, 0.7]);
            self.push(Op::Literal(value), &shape, 2.0);
        }
        self.push(Op::Iota, &[4], 4.0);
    }

    fn any(&mut self) -> NodeId {
        // Later nodes more often, so that plans are deep.
        let n = self.plan.nodes.len();
        NodeId::new(self.random.below(n).max(self.random.below(n)))
    }

    fn shape(&self, id: NodeId) -> Vec<usize> {
        self.plan.nodes[id].shape.clone()
    }

    /// An operand that goes with `x` in an elementwise operation, or `x`.
    fn partner(&mut self, x: NodeId) -> NodeId {
        let shape = self.shape(x);
        let goes = |node: &Node| super::broadcast_shapes(&node.shape, &shape).is_ok();
        let nodes: &Arena<Node> = &self.plan.nodes;
        let fitting: Vec<NodeId> = nodes.iter().filter(|(_, node)| goes(node)).map(|(id, _)| id).collect();
        self.random.pick(&fitting)
    }

    fn step(&mut self) {
        let x = self.any();
        match self.random.below(10) {
            0 | 1 => self.unary(x),
            2..=4 => self.binary(x),
            5 | 6 => self.layout(x),
            7 => self.reduce(x),
            8 => self.contract(x),
            _ => self.look_up(x),
        }
    }

    fn unary(&mut self, x: NodeId) {
        use Unary::*;
        let ops = [Neg, Exp, Expm1, Square, Abs, Sign, Sin, Cos, Tanh, Sigmoid, LogSigmoid, Softplus, Relu, Step, Erf];
        let op = self.random.pick(&[&ops[..], &[StopGradient]].concat());
        let bound = self.bounds[x.index()];
        let bound = match op {
            Exp | Expm1 => bound.exp(),
            Square => bound * bound,
            _ => bound.max(1.0) + 1.0,
        };
        let y = self.push(Op::Unary(op, x), &[], bound);
        if op == Exp {
            let inverse = self.random.pick(&[Log, Log1p, Recip, Sqrt]);
            self.push(Op::Unary(inverse, y), &[], 30.0);
        }
    }

    fn binary(&mut self, x: NodeId) {
        use Binary::*;
        let y = self.partner(x);
        let op = self.random.pick(&[Add, Add, Sub, Sub, Mul, Mul, Mul, Min, Max, Equal, Less, LessEqual]);
        let (a, b) = (self.bounds[x.index()], self.bounds[y.index()]);
        let z = self.push(Op::Binary(op, x, y), &[], if op == Mul { a * b } else { a + b + 1.0 });
        if matches!(op, Less | LessEqual) {
            self.push(Op::Select(z, x, y), &[], a.max(b));
        }
    }

    fn layout(&mut self, x: NodeId) {
        let (shape, bound) = (self.shape(x), self.bounds[x.index()]);
        let axis = self.random.below(shape.len());
        match self.random.below(7) {
            0 => {
                let mut flat = vec![count(&shape)];
                flat.insert(self.random.below(2), 1);
                self.push(Op::Reshape(x), &flat, bound);
            }
            1 => {
                let mut axes: Vec<usize> = (0..shape.len()).collect();
                (0..axes.len()).for_each(|i| axes.swap(i, self.random.below(i + 1)));
                self.push(Op::Permute(x, axes), &[], bound);
            }
            2 => {
                let to: Vec<usize> =
                    shape.iter().map(|n| if *n == 1 { self.random.pick(&[1, 2, 4]) } else { *n }).collect();
                self.push(Op::Expand(x), &to, bound);
            }
            _ if shape.is_empty() => {}
            3 => {
                let start = self.random.below(shape[axis]);
                let end = start + 1 + self.random.below(shape[axis] - start);
                self.push(Op::Slice { of: x, axis, start, end }, &[], bound);
            }
            4 => {
                let (before, after) = (self.random.below(3), self.random.below(2));
                self.push(Op::Pad { of: x, axis, before, after }, &[], bound);
            }
            5 => {
                let parts = [x, self.partner(x), x];
                let same: Vec<NodeId> = parts.into_iter().filter(|y| self.shape(*y) == shape).collect();
                self.push(Op::Concat(same, axis), &[], 20.0);
            }
            _ => {
                let reverse = self.random.below(2) == 0;
                self.push(Op::Cumsum { of: x, axis, reverse }, &[], bound * shape[axis] as f64);
            }
        }
    }

    fn reduce(&mut self, x: NodeId) {
        let shape = self.shape(x);
        let axes: Vec<usize> = (0..shape.len()).filter(|_| self.random.below(2) == 0).collect();
        if !axes.is_empty() {
            let op = self.random.pick(&[Reduce::Sum, Reduce::Sum, Reduce::Max, Reduce::LogSumExp, Reduce::Prod]);
            self.push(Op::Reduce(op, x, axes), &[], 1000.0);
        }
    }

    /// With names for axes of one extent, one of them in the result only now and then.
    fn contract(&mut self, x: NodeId) {
        let y = self.any();
        let (left, right) = (self.shape(x), self.shape(y));
        let left_names: Vec<u8> = (0..left.len() as u8).collect();
        let mut right_names: Vec<u8> = Vec::new();
        for (i, extent) in right.iter().enumerate() {
            let same = (0..left.len()).find(|j| left[*j] == *extent && !right_names.contains(&(*j as u8)));
            let name = same.filter(|_| self.random.below(3) > 0).map_or(50 + i as u8, |j| j as u8);
            right_names.push(name);
        }
        let mut out: Vec<u8> = left_names.iter().chain(&right_names).copied().collect();
        out.sort_unstable();
        out.dedup();
        out.retain(|name| {
            let shared = left_names.contains(name) && right_names.contains(name);
            !shared || self.random.below(3) == 0
        });
        let turn = self.random.below(out.len());
        out.rotate_left(turn);
        if out.len() <= 5 {
            let axes = Contraction { left: left_names, right: right_names, out };
            self.push(Op::Contract { left: x, right: y, axes }, &[], 1000.0);
        }
    }

    fn look_up(&mut self, table: NodeId) {
        let (shape, bound) = (self.shape(table), self.bounds[table.index()]);
        let Some(rows) = shape.first().copied() else { return };
        let index_shape = self.random.pick(&[vec![], vec![3], vec![2, 2]]);
        let picks: Vec<f64> = (0..count(&index_shape)).map(|_| self.random.below(rows) as f64).collect();
        let index = self.push(Op::Constant(Array::from_reals(picks)), &index_shape, 1.0);
        let values = self.push(Op::Gather { table, index }, &[], bound);
        if self.plan.nodes[values].shape.starts_with(&index_shape) && self.random.below(2) == 0 {
            self.push(Op::ScatterAdd { values, index, rows }, &[], bound * 4.0);
        }
    }
}
