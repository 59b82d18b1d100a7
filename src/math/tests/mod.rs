//! Laws of expressions: building, simplifying, printing and inferring, over generated expressions where it can be.

use crate::math::eval::{Env, Eval, Positions};
use crate::math::{DataId, Graph, NodeId, Op, Support};
use crate::shape::{AxisId, Shape, Size};

mod build;
mod layers;
mod print;
mod simplify;
mod values;

/// Data leaves by place: their event shape, support and entries.
pub type Leaves = Vec<(Vec<usize>, Support, Vec<f64>)>;

pub fn leaf(g: &mut Graph, leaves: &mut Leaves, event: &[usize], support: Support, values: &[f64]) -> NodeId {
    let id = DataId(leaves.len() as u32);
    leaves.push((event.to_vec(), support.clone(), values.to_vec()));
    let event: Vec<Size> = event.iter().map(|n| Size::fixed(*n)).collect();
    g.data(id, Shape::event(event), support)
}

/// The entries of a node without plates.
pub fn value(g: &Graph, leaves: &Leaves, id: NodeId) -> Option<Vec<f64>> {
    let leaf = |_: &Eval, op: &Op, _: &Positions| match op {
        Op::Data(id) => Some(leaves[id.index()].2.clone()),
        _ => None,
    };
    let first = |_: AxisId| 0;
    Eval::new(g, Env { leaf: &leaf, dim: &|_| None, first: &first }).at(id, &Positions::new()).ok()
}
