//! Passes over a plan. Each takes a plan and gives an equal one: the same inputs and outputs by name, place and shape,
//! values up to rounding.

use super::build::Builder;
use super::slots::used;
use super::{Node, NodeId, Op, Output, Plan, Unary};
use crate::arena::Arena;
use crate::problem::Bug;

mod hoist;
mod sums;

/// A pass: its name, for messages, and what it does.
type Pass = (&'static str, fn(&Plan) -> Result<Plan, Bug>);

/// In the order in which they run. Building again shares equal expressions and applies the laws of `simplify`, which
/// also sink `Expand` into what reads it.
const PASSES: [Pass; 6] = [
    ("erase stop_gradient", erase_stop_gradient),
    ("sums of products", sums::sums),
    ("sums of products again", sums::sums),
    ("hoist what is known", hoist::hoist),
    ("sums of what is known now", sums::sums),
    ("hoist again", hoist::hoist),
];

/// Runs every pass.
pub fn optimize(plan: Plan) -> Result<Plan, Bug> {
    PASSES.iter().try_fold(plan, |plan, (name, pass)| {
        let after = pass(&plan).map_err(|bug| Bug(format!("in {name}: {}", bug.0)))?;
        if cfg!(debug_assertions) {
            super::verify(&after).map_err(|bug| Bug(format!("after {name}: {}", bug.0)))?;
        }
        Ok(after)
    })
}

/// It says how to differentiate, and that has been done.
fn erase_stop_gradient(plan: &Plan) -> Result<Plan, Bug> {
    rebuild(plan, |_, _, op| match op {
        Op::Unary(Unary::StopGradient, x) => Some(*x),
        _ => None,
    })
}

/// Writes what the outputs depend on again, through the builder. `rule` sees the old node and its operation over the
/// new operands; where it says nothing the operation stays as it is.
fn rebuild(plan: &Plan, mut rule: impl FnMut(&mut Builder, NodeId, &Op) -> Option<NodeId>) -> Result<Plan, Bug> {
    let used = used(plan);
    let mut b = Builder::resume(Plan { inputs: plan.inputs.clone(), ..Plan::default() });
    let mut now: Vec<Option<NodeId>> = vec![None; plan.nodes.len()];
    for (id, node) in plan.nodes.iter().filter(|(id, _)| used[id.index()]) {
        b.set_origin(node.origin.clone());
        // Operands precede their readers, so each has its new place.
        let op = node.op.map_operands(|operand| now[operand.index()].unwrap_or(operand));
        let new = match rule(&mut b, id, &op) {
            Some(new) => new,
            None => b.add(op, &node.shape),
        };
        if b.shape(new) != node.shape {
            return Err(Bug(format!("{id:?} {:?} became {:?}", node.shape, b.shape(new))));
        }
        now[id.index()] = Some(new);
    }
    for output in &plan.outputs {
        b.output(output.name.clone(), now[output.node.index()].unwrap_or(output.node));
    }
    Ok(sweep(&b.finish()?))
}

/// Without the nodes that no output depends on. Inputs stay, used or not: the caller gives them by place.
pub(super) fn sweep(plan: &Plan) -> Plan {
    let used = used(plan);
    let mut nodes: Arena<Node> = Arena::new();
    let mut now: Vec<Option<NodeId>> = vec![None; plan.nodes.len()];
    let at = |now: &[Option<NodeId>], id: NodeId| now[id.index()].unwrap_or(id);
    for (id, node) in plan.nodes.iter().filter(|(id, _)| used[id.index()]) {
        let op = node.op.map_operands(|operand| at(&now, operand));
        now[id.index()] = Some(nodes.add(Node { op, ..node.clone() }));
    }
    let output = |output: &Output| Output { node: at(&now, output.node), ..output.clone() };
    Plan { inputs: plan.inputs.clone(), outputs: plan.outputs.iter().map(output).collect(), nodes }
}

/// How many times each node is read, by nodes that outputs depend on and by outputs.
fn readers(plan: &Plan) -> Vec<usize> {
    let used = used(plan);
    let mut readers = vec![0; plan.nodes.len()];
    for (_, node) in plan.nodes.iter().filter(|(id, _)| used[id.index()]) {
        node.op.operands().iter().for_each(|operand| readers[operand.index()] += 1);
    }
    plan.outputs.iter().for_each(|output| readers[output.node.index()] += 1);
    readers
}

/// Which nodes depend on no input.
fn known(plan: &Plan) -> Vec<bool> {
    let mut known: Vec<bool> = Vec::with_capacity(plan.nodes.len());
    for (_, node) in plan.nodes.iter() {
        let all = node.op.operands().iter().all(|operand| known[operand.index()]);
        known.push(all && !matches!(node.op, Op::Input(_)));
    }
    known
}

#[cfg(test)]
mod tests;
