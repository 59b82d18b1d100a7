//! The reference: evaluates any plan in f64, one operation at a time, with no burn. With finite differences it is the
//! oracle of the tests, and it folds what is constant. It keeps its buffers between runs and reads operands where they
//! are, so it is fast enough for small models.

use std::borrow::Cow;
use std::sync::Arc;

use super::infer::count;
use super::slots::{self, Home, Slots, is_view};
use super::{Array, Backend, Evaluate, Failure, Node, NodeId, Op, Plan, Precision};
use crate::problem::Bug;

/// A loop that calls nothing: tests run the reference in builds without optimization, where an iterator costs several
/// calls an element.
macro_rules! each {
    ($i:ident < $n:expr, $body:expr) => {{
        let n = $n;
        let mut $i = 0;
        while $i < n {
            $body;
            $i += 1;
        }
    }};
}

mod contract;
mod elementwise;
mod layout;
mod linalg;
mod reduce;

/// Makes evaluators in f64, whatever precision is asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reference;

impl Backend for Reference {
    fn name(&self) -> &'static str {
        "reference"
    }

    fn prepare(&self, plan: &Plan, _precision: Precision) -> Result<Box<dyn Evaluate>, Failure> {
        Ok(Box::new(Prepared::new(plan)?))
    }
}

/// The outputs of one run.
pub fn evaluate_once(plan: &Plan, inputs: &[&[f64]]) -> Result<Vec<Vec<f64>>, Failure> {
    Prepared::new(plan)?.run(inputs)
}

struct Prepared {
    plan: Plan,
    slots: Slots,
    /// The last views of owners are resolved once: whose buffer each node reads.
    constants: Vec<Constant>,
    buffers: Vec<Vec<f64>>,
}

/// What a node that is known holds.
enum Constant {
    None,
    Reals(Arc<[f64]>),
    /// Only looked up in by `Gather`, which widens the rows it takes.
    Bytes(Arc<[u8]>),
}

impl Prepared {
    fn new(plan: &Plan) -> Result<Prepared, Failure> {
        super::verify::verify(plan).map_err(Failure::Bug)?;
        let slots = slots::assign(plan);
        slots::check_room(slots.total(), size_of::<f64>())?;
        let buffers = slots.sizes.iter().map(|size| vec![0.0; *size]).collect();
        let constants = constants(plan, &slots);
        Ok(Prepared { plan: plan.clone(), slots, constants, buffers })
    }

    fn step(&mut self, id: NodeId, inputs: &[&[f64]]) -> Result<(), Bug> {
        let node = &self.plan.nodes[id];
        let Home::Slot(slot) = self.slots.homes[id.index()] else { return Ok(()) };
        if is_view(&node.op) {
            return Ok(());
        }
        let mut buffer = std::mem::take(&mut self.buffers[slot]);
        let run = Run { plan: &self.plan, prepared: self, inputs, out_slot: slot };
        let done = run.operation(node, &mut buffer[..count(&node.shape)]);
        self.buffers[slot] = buffer;
        done.map_err(|bug| Bug(format!("plan node {id:?}: {}", bug.0)))
    }

    fn check(&self, inputs: &[&[f64]]) -> Result<(), Bug> {
        if inputs.len() != self.plan.inputs.len() {
            return Err(Bug(format!("a plan of {} inputs was given {}", self.plan.inputs.len(), inputs.len())));
        }
        for (input, given) in self.plan.inputs.iter().zip(inputs) {
            if given.len() != count(&input.shape) {
                return Err(Bug(format!("input {} {:?} was given {} numbers", input.name, input.shape, given.len())));
            }
        }
        Ok(())
    }
}

impl Evaluate for Prepared {
    fn run(&mut self, inputs: &[&[f64]]) -> Result<Vec<Vec<f64>>, Failure> {
        self.check(inputs).map_err(Failure::Bug)?;
        for id in self.plan.nodes.ids() {
            self.step(id, inputs).map_err(Failure::Bug)?;
        }
        let run = Run { plan: &self.plan, prepared: self, inputs, out_slot: usize::MAX };
        Ok(self.plan.outputs.iter().map(|output| run.reals(output.node).into_owned()).collect())
    }
}

/// A constant leaf's numbers; for a view of one, those of the leaf.
fn constants(plan: &Plan, slots: &Slots) -> Vec<Constant> {
    let mut list: Vec<Constant> = Vec::with_capacity(plan.nodes.len());
    for (id, node) in plan.nodes.iter() {
        let known = match (&node.op, slots.homes[id.index()]) {
            (Op::Literal(value), Home::Constant) => Constant::Reals(vec![*value; count(&node.shape)].into()),
            (Op::Iota, Home::Constant) => Constant::Reals((0..node.shape[0]).map(|i| i as f64).collect()),
            (Op::Constant(Array::Reals(reals)), Home::Constant) => Constant::Reals(reals.clone()),
            (Op::Constant(Array::Bytes(bytes)), Home::Constant) if only_looked_up(plan, id) => {
                Constant::Bytes(bytes.clone())
            }
            (Op::Constant(Array::Bytes(bytes)), Home::Constant) => {
                Constant::Reals(bytes.iter().map(|byte| f64::from(*byte)).collect())
            }
            (op, Home::Constant) => match &list[op.operands()[0].index()] {
                Constant::Reals(reals) => Constant::Reals(reals.clone()),
                Constant::Bytes(_) | Constant::None => Constant::None,
            },
            _ => Constant::None,
        };
        list.push(known);
    }
    list
}

fn only_looked_up(plan: &Plan, id: NodeId) -> bool {
    let looked_up = |op: &Op| match op {
        Op::Gather { table, index } => *table == id && *index != id,
        op => !op.operands().contains(&id),
    };
    plan.nodes.iter().all(|(_, node)| looked_up(&node.op)) && plan.outputs.iter().all(|output| output.node != id)
}

/// One run, while one operation reads and writes.
struct Run<'a> {
    plan: &'a Plan,
    prepared: &'a Prepared,
    inputs: &'a [&'a [f64]],
    /// The slot that is being written: an operand that lives there is read from the result's own buffer.
    out_slot: usize,
}

impl<'a> Run<'a> {
    /// The numbers of a node. An operand in the slot that is being written has none here: see `in_place`.
    fn reals(&self, id: NodeId) -> Cow<'a, [f64]> {
        match (self.prepared.slots.homes[id.index()], &self.prepared.constants[id.index()]) {
            (Home::Input(place), _) => Cow::Borrowed(self.inputs[place]),
            (Home::Slot(slot), _) => {
                let length = count(&self.plan.nodes[id].shape);
                Cow::Borrowed(self.prepared.buffers[slot].get(..length).unwrap_or(&[]))
            }
            (_, Constant::Reals(reals)) => Cow::Borrowed(reals),
            (_, Constant::Bytes(bytes)) => Cow::Owned(bytes.iter().map(|byte| f64::from(*byte)).collect()),
            (_, Constant::None) => Cow::Borrowed(&[]),
        }
    }

    fn in_place(&self, id: NodeId) -> bool {
        self.prepared.slots.homes[id.index()] == Home::Slot(self.out_slot)
    }

    fn shape(&self, id: NodeId) -> &'a [usize] {
        &self.plan.nodes[id].shape
    }

    fn operation(&self, node: &Node, out: &mut [f64]) -> Result<(), Bug> {
        let shape = &node.shape;
        match &node.op {
            Op::Unary(..) | Op::Binary(..) | Op::Select(..) => self.elementwise(node, out),
            Op::Permute(x, axes) => layout::permute(&self.reals(*x), self.shape(*x), axes, out),
            Op::Expand(x) => layout::expand(&self.reals(*x), self.shape(*x), shape, out),
            Op::Slice { of, axis, start, .. } => {
                layout::slice(&self.reals(*of), self.shape(*of), *axis, *start, shape, out);
            }
            Op::Pad { of, axis, before, .. } => {
                out.fill(0.0);
                layout::place(&self.reals(*of), self.shape(*of), *axis, *before, shape, out);
            }
            Op::Concat(parts, axis) => {
                let mut start = 0;
                for part in parts {
                    layout::place(&self.reals(*part), self.shape(*part), *axis, start, shape, out);
                    start += self.shape(*part)[*axis];
                }
            }
            Op::Reduce(op, x, axes) => reduce::reduce(*op, &self.reals(*x), self.shape(*x), axes, out),
            Op::Cumsum { of, axis, reverse } => reduce::cumsum(&self.reals(*of), shape, *axis, *reverse, out),
            Op::Contract { left, right, axes } => {
                let operand = |id: &NodeId, names: &[u8]| contract::operand(self.shape(*id), names);
                let (l, r) = (operand(left, &axes.left), operand(right, &axes.right));
                contract::contract((&self.reals(*left), &l), (&self.reals(*right), &r), &axes.out, out);
            }
            Op::Gather { table, index } => {
                let rows = self.shape(*table)[0];
                let index = self.reals(*index);
                return match &self.prepared.constants[table.index()] {
                    Constant::Bytes(bytes) => layout::gather(bytes, rows, &index, |byte| f64::from(*byte), out),
                    _ => layout::gather(&self.reals(*table), rows, &index, |x| *x, out),
                };
            }
            Op::ScatterAdd { values, index, rows } => {
                return layout::scatter_add(&self.reals(*values), &self.reals(*index), *rows, out);
            }
            Op::Cholesky(x) => linalg::cholesky(&self.reals(*x), shape[shape.len() - 1], out),
            Op::SolveTriangular { lower, right, transposed } => {
                out.copy_from_slice(&self.reals(*right));
                let extents = (shape[shape.len() - 2], shape[shape.len() - 1]);
                linalg::solve(&self.reals(*lower), extents, *transposed, out);
            }
            Op::Literal(_) | Op::Constant(_) | Op::Input(_) | Op::Iota | Op::Reshape(_) => {}
        }
        Ok(())
    }

    fn elementwise(&self, node: &Node, out: &mut [f64]) {
        let operands = node.op.operands();
        let values: Vec<Cow<[f64]>> = operands.iter().map(|id| self.reals(*id)).collect();
        let of = |i: usize| match self.in_place(operands[i]) {
            true => elementwise::Operand::Out,
            false => elementwise::Operand::At(&values[i], self.shape(operands[i])),
        };
        match &node.op {
            Op::Unary(op, _) => elementwise::unary(*op, of(0), out),
            Op::Binary(op, ..) => elementwise::binary(*op, of(0), of(1), &node.shape, out),
            _ => elementwise::select([of(0), of(1), of(2)], &node.shape, out),
        }
    }
}

#[cfg(test)]
mod tests;
