//! Runs a plan by burn's own operations, on any device.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::compose;
use super::device::Place;
use super::tensor::Tensor;
use crate::plan::{Evaluate, Failure, NodeId, Op, Plan};
use crate::problem::Bug;

pub(super) struct Composed {
    plan: Plan,
    place: Place,
    /// A node's operands, and whether each is read here for the last time: then it is moved, and burn may write into it.
    operands: Vec<Vec<(NodeId, bool)>>,
    /// Whether an output needs it.
    live: Vec<bool>,
    /// Values that no input reaches, computed once.
    fixed: Vec<Option<Tensor>>,
}

impl Composed {
    pub fn new(plan: &Plan, place: Place) -> Result<Composed, Failure> {
        let operands = last_uses(plan);
        let mut composed = Composed { plan: plan.clone(), place, operands, live: live(plan), fixed: vec![] };
        composed.fixed = guarded(|| composed.fix())?;
        Ok(composed)
    }

    fn fix(&self) -> Result<Vec<Option<Tensor>>, Failure> {
        let mut fixed: Vec<Option<Tensor>> = Vec::with_capacity(self.plan.nodes.len());
        for (id, node) in self.plan.nodes.iter() {
            let operands = &self.operands[id.index()];
            let known = operands.iter().map(|(of, _)| fixed[of.index()].clone()).collect::<Option<Vec<Tensor>>>();
            fixed.push(match (&node.op, known) {
                (Op::Input(_), _) | (_, None) => None,
                _ if !self.live[id.index()] => None,
                (_, Some(args)) => Some(compose::apply(node, args, &self.place)?),
            });
        }
        Ok(fixed)
    }

    fn execute(&self, inputs: &[&[f64]]) -> Result<Vec<Vec<f64>>, Failure> {
        let mut values: Vec<Option<Tensor>> = vec![None; self.plan.nodes.len()];
        for (id, node) in self.plan.nodes.iter() {
            if self.fixed[id.index()].is_some() || !self.live[id.index()] {
                continue;
            }
            values[id.index()] = Some(match &node.op {
                Op::Input(at) => self.input(inputs, *at)?,
                _ => compose::apply(node, self.arguments(id, &mut values)?, &self.place)?,
            });
        }
        let outputs = self.plan.outputs.iter().map(|output| self.value(&values, output.node)?.into_values());
        outputs.collect()
    }

    fn input(&self, inputs: &[&[f64]], at: usize) -> Result<Tensor, Failure> {
        match (inputs.get(at), self.plan.inputs.get(at)) {
            (Some(values), Some(input)) if values.len() == input.shape.iter().product::<usize>() => {
                Ok(Tensor::from_values(values.iter().copied(), &input.shape, &self.place))
            }
            _ => Err(Failure::Bug(Bug(format!("input {at} of the plan was not given in its shape")))),
        }
    }

    fn arguments(&self, id: NodeId, values: &mut [Option<Tensor>]) -> Result<Vec<Tensor>, Failure> {
        let operands = self.operands[id.index()].iter();
        operands
            .map(|(of, last)| match values[of.index()].take() {
                Some(value) if *last => Ok(value),
                Some(value) => {
                    values[of.index()] = Some(value.clone());
                    Ok(value)
                }
                None => self.value(values, *of),
            })
            .collect()
    }

    fn value(&self, values: &[Option<Tensor>], of: NodeId) -> Result<Tensor, Failure> {
        let value = values[of.index()].clone().or_else(|| self.fixed[of.index()].clone());
        value.ok_or_else(|| Failure::Bug(Bug(format!("node {of:?} is read before it has a value"))))
    }
}

impl Evaluate for Composed {
    fn run(&mut self, inputs: &[&[f64]]) -> Result<Vec<Vec<f64>>, Failure> {
        guarded(|| self.execute(inputs))
    }
}

/// A device that is lost or out of memory panics inside burn; here it becomes a failure of this run alone.
fn guarded<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|cause| {
        let text = cause.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| cause.downcast_ref::<&str>().copied()).unwrap_or("for no stated reason");
        Err(Failure::Device(format!("the device stopped: {text}")))
    })
}

fn last_uses(plan: &Plan) -> Vec<Vec<(NodeId, bool)>> {
    let live = live(plan);
    let mut read = vec![false; plan.nodes.len()];
    for output in &plan.outputs {
        read[output.node.index()] = true;
    }
    let mut uses: Vec<Vec<(NodeId, bool)>> = vec![vec![]; plan.nodes.len()];
    for (id, node) in plan.nodes.iter().rev().filter(|(id, _)| live[id.index()]) {
        let mut row: Vec<(NodeId, bool)> = node.op.operands().into_iter().map(|of| (of, false)).collect();
        for (of, last) in row.iter_mut().rev() {
            *last = !std::mem::replace(&mut read[of.index()], true);
        }
        uses[id.index()] = row;
    }
    uses
}

/// Of each node, whether an output needs it.
pub(super) fn live(plan: &Plan) -> Vec<bool> {
    let mut live = vec![false; plan.nodes.len()];
    plan.outputs.iter().for_each(|output| live[output.node.index()] = true);
    for (id, node) in plan.nodes.iter().rev().filter(|(_, node)| !matches!(node.op, Op::Input(_))) {
        if live[id.index()] {
            node.op.operands().iter().for_each(|of| live[of.index()] = true);
        }
    }
    live
}
