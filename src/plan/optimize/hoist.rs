//! What depends on data alone is computed once, when the plan is made.

use super::{known, rebuild, sweep};
use crate::plan::infer::count;
use crate::plan::slots::used;
use crate::plan::{Array, Failure, NodeId, Op, Output, Plan, evaluate_once};
use crate::problem::Bug;

/// Up to so many numbers a known value is kept however small what it was made from is.
const SMALL: usize = 1 << 16;

pub(super) fn hoist(plan: &Plan) -> Result<Plan, Bug> {
    let frontier = frontier(plan);
    let mut values = vec![None; plan.nodes.len()];
    let known = frontier.iter().map(|id| Output { name: format!("{id:?}"), node: *id }).collect();
    // Without inputs, so that what is evaluated can depend on none.
    let part = Plan { inputs: vec![], ..sweep(&Plan { outputs: known, ..plan.clone() }) };
    let results = evaluate_once(&part, &[]).map_err(|failure| match failure {
        Failure::Bug(bug) => bug,
        Failure::Device(what) => Bug(what),
    })?;
    frontier.iter().zip(results).for_each(|(id, value)| values[id.index()] = Some(value));
    rebuild(plan, |b, id, _| {
        let value = values[id.index()].take()?;
        Some(b.constant(Array::from_reals(value), &plan.nodes[id].shape))
    })
}

/// The last known nodes before what is not known: those worth keeping that something else, or an output, reads.
fn frontier(plan: &Plan) -> Vec<NodeId> {
    let (used, known) = (used(plan), known(plan));
    let folds: Vec<bool> = plan.nodes.ids().map(|id| known[id.index()] && is_worth_keeping(plan, id)).collect();
    let mut read = vec![false; plan.nodes.len()];
    for (id, node) in plan.nodes.iter().filter(|(id, _)| used[id.index()] && !folds[id.index()]) {
        debug_assert!(used[id.index()]);
        node.op.operands().iter().for_each(|operand| read[operand.index()] = true);
    }
    plan.outputs.iter().for_each(|output| read[output.node.index()] = true);
    plan.nodes.ids().filter(|id| folds[id.index()] && read[id.index()]).collect()
}

/// Repeating and reshaping cost nothing, so their result is not kept; nor is an array much larger than what it is made
/// from, which would trade memory for a product.
fn is_worth_keeping(plan: &Plan, id: NodeId) -> bool {
    let node = &plan.nodes[id];
    if node.op.is_constant_leaf() || matches!(node.op, Op::Expand(_) | Op::Reshape(_)) {
        return false;
    }
    let largest = node.op.operands().iter().map(|operand| count(&plan.nodes[*operand].shape)).max();
    count(&node.shape) <= SMALL.max(4 * largest.unwrap_or(0))
}
