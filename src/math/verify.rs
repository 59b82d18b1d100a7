//! The invariants of a graph: a node refers only to earlier ones, and its shape is what its operands give.

use crate::math::{Graph, Label, NodeId, Op, shape_rules};
use crate::problem::Bug;

pub fn verify(graph: &Graph) -> Result<(), Bug> {
    for (id, node) in graph.nodes.iter() {
        let mut referred = node.op.children();
        if let Op::Named(Label::Call { args, .. }, _) = &node.op {
            referred.extend(args);
        }
        if let Some(later) = referred.iter().find(|child| **child >= id) {
            return Err(Bug(format!("expression {id:?} refers to {later:?}, which does not precede it")));
        }
        verify_shape(graph, id)?;
        let rank = node.support.event_rank();
        let own = node.support.own_axes();
        if node.shape.event.len() < rank || node.shape.event[node.shape.event.len() - rank..] != own {
            return Err(Bug(format!("expression {id:?} of shape {:?} has support {:?}", node.shape, node.support)));
        }
    }
    Ok(())
}

fn verify_shape(graph: &Graph, id: NodeId) -> Result<(), Bug> {
    let node = &graph.nodes[id];
    match shape_rules::infer(graph, &node.op) {
        Ok(None) => Ok(()),
        Ok(Some(shape)) if shape == node.shape => Ok(()),
        Ok(Some(shape)) => Err(Bug(format!("expression {id:?} has shape {:?}, not {shape:?}", node.shape))),
        Err(mismatch) => Err(Bug(format!("operands of expression {id:?} do not go together: {mismatch:?}"))),
    }
}
