//! Plans written node by node, as they stand: nothing simplifies away the operation that a test is about.

use ppl::plan::{Contraction, Input, Node, NodeId, Op, Output, Plan};

/// A plan being written, and the values of its inputs.
#[derive(Default)]
pub struct Hand {
    pub plan: Plan,
    pub values: Vec<Vec<f64>>,
}

impl Hand {
    pub fn add(&mut self, op: Op, shape: &[usize]) -> NodeId {
        self.plan.nodes.add(Node { op, shape: shape.to_vec(), origin: None })
    }

    /// An input, and the value it has in the test.
    pub fn input(&mut self, shape: &[usize], values: Vec<f64>) -> NodeId {
        assert_eq!(values.len(), shape.iter().product::<usize>(), "values of an input of shape {shape:?}");
        let name = format!("in{}", self.values.len());
        self.plan.inputs.push(Input { name, shape: shape.to_vec() });
        self.values.push(values);
        self.add(Op::Input(self.values.len() - 1), shape)
    }

    pub fn output(&mut self, node: NodeId) {
        self.plan.outputs.push(Output { name: format!("out{}", self.plan.outputs.len()), node });
    }

    pub fn shape(&self, of: NodeId) -> Vec<usize> {
        self.plan.nodes[of].shape.clone()
    }

    /// A contraction written as in `ij,kj->ik`.
    pub fn contract(&mut self, left: NodeId, right: NodeId, axes: &str) -> NodeId {
        let (operands, out) = axes.split_once("->").expect("an arrow");
        let (l, r) = operands.split_once(',').expect("a comma");
        let length = |name: u8| {
            let of =
                |names: &str, id: NodeId| names.bytes().position(|n| n == name).map(|i| self.plan.nodes[id].shape[i]);
            of(l, left).or_else(|| of(r, right)).expect("a name of an operand")
        };
        let shape: Vec<usize> = out.bytes().map(length).collect();
        let axes = Contraction { left: l.into(), right: r.into(), out: out.into() };
        self.add(Op::Contract { left, right, axes }, &shape)
    }
}

/// Numbers that look random and are the same at every run.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn unit(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.unit() * n as f64) as usize
    }

    pub fn between(&mut self, low: f64, high: f64, count: usize) -> Vec<f64> {
        (0..count).map(|_| low + (high - low) * self.unit()).collect()
    }
}
