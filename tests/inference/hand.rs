//! Plans written node by node, as they stand: nothing simplifies away the operation that a test is about.

use ppl::plan::{Input, Node, NodeId, Op, Output, Plan};

#[derive(Default)]
pub struct Hand {
    plan: Plan,
    values: Vec<Vec<f64>>,
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

    pub fn done(self) -> (Plan, Vec<Vec<f64>>) {
        (self.plan, self.values)
    }
}
