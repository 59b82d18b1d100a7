//! Who lives in which buffer: liveness, and slots that are taken over when their value is no longer read.

use super::infer::count;
use super::{Failure, NodeId, Op, Plan, Unary};

/// Where the value of a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// What the caller gives, at this place of `Plan::inputs`.
    Input(usize),
    /// Known when the plan is made: a literal, a constant, an iota (or one of these reshaped).
    Constant,
    /// A buffer that is written at each run.
    Slot(usize),
    /// No output depends on it: it is not computed.
    Unused,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Slots {
    /// One a node.
    pub homes: Vec<Home>,
    /// How many numbers each slot has room for.
    pub sizes: Vec<usize>,
    /// For each node, the last node that reads its value, or a reshape of it; `None` where it lives to the end (an
    /// output) or is never read.
    pub last_reader: Vec<Option<NodeId>>,
}

impl Slots {
    /// How many numbers all slots hold together: the working memory of a run.
    pub fn total(&self) -> usize {
        self.sizes.iter().sum()
    }
}

/// Says so where a run's numbers cannot be held: asked before they are allocated, since that ends the process.
pub fn check_room(numbers: usize, bytes_each: usize) -> Result<(), Failure> {
    let bytes = numbers.saturating_mul(bytes_each);
    Vec::<u8>::new().try_reserve_exact(bytes).map_err(|_| {
        let size = bytes as f64 / 1e9;
        Failure::Device(format!("the numbers of one run take {size:.1} GB, and there is not so much memory"))
    })
}

/// Assigns homes in the order of the nodes. A reshape lives where its operand does. An elementwise operation takes the
/// slot of an operand that has its shape, is read for the last time, and shares the slot with no other operand.
pub fn assign(plan: &Plan) -> Slots {
    let owners = owners(plan);
    let used = used(plan);
    let last = last_readers(plan, &owners, &used);
    let mut sizes: Vec<usize> = Vec::new();
    let mut free: Vec<usize> = Vec::new();
    let mut homes: Vec<Home> = Vec::with_capacity(plan.nodes.len());
    for (id, node) in plan.nodes.iter() {
        let home = match &node.op {
            _ if !used[id.index()] => Home::Unused,
            Op::Input(place) => Home::Input(*place),
            op if op.is_constant_leaf() => Home::Constant,
            _ if owners[id.index()] != id => homes[owners[id.index()].index()],
            _ => {
                let dying = dying_slots(plan, id, &owners, &last, &homes);
                let need = count(&node.shape);
                let slot = match in_place(plan, id, &homes, &dying) {
                    Some(slot) => slot,
                    None => take(&mut free, &mut sizes, need),
                };
                free.extend(dying.into_iter().filter(|dead| *dead != slot));
                Home::Slot(slot)
            }
        };
        homes.push(home);
    }
    let reader = |id: NodeId| match last[owners[id.index()].index()] {
        Last::Read(by) => Some(by),
        Last::Never | Last::Output => None,
    };
    Slots { last_reader: plan.nodes.ids().map(reader).collect(), homes, sizes }
}

/// When the value that a node owns is read last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Last {
    Never,
    Read(NodeId),
    Output,
}

/// Operations that change no number: the result is the operand's buffer under another shape.
pub fn is_view(op: &Op) -> bool {
    matches!(op, Op::Reshape(_) | Op::Unary(Unary::StopGradient, _))
}

/// The node whose buffer each node's value is in.
fn owners(plan: &Plan) -> Vec<NodeId> {
    let mut owners: Vec<NodeId> = Vec::with_capacity(plan.nodes.len());
    for (id, node) in plan.nodes.iter() {
        let owner = if is_view(&node.op) { owners[node.op.operands()[0].index()] } else { id };
        owners.push(owner);
    }
    owners
}

/// Which nodes some output depends on.
pub(super) fn used(plan: &Plan) -> Vec<bool> {
    let mut used = vec![false; plan.nodes.len()];
    plan.outputs.iter().for_each(|output| used[output.node.index()] = true);
    for (id, node) in plan.nodes.iter().rev() {
        if used[id.index()] {
            node.op.operands().iter().for_each(|operand| used[operand.index()] = true);
        }
    }
    used
}

fn last_readers(plan: &Plan, owners: &[NodeId], used: &[bool]) -> Vec<Last> {
    let mut last = vec![Last::Never; plan.nodes.len()];
    for (id, node) in plan.nodes.iter().filter(|(id, node)| used[id.index()] && !is_view(&node.op)) {
        node.op.operands().iter().for_each(|operand| last[owners[operand.index()].index()] = Last::Read(id));
    }
    plan.outputs.iter().for_each(|output| last[owners[output.node.index()].index()] = Last::Output);
    last
}

/// The slots whose values `id` reads for the last time, each once.
fn dying_slots(plan: &Plan, id: NodeId, owners: &[NodeId], last: &[Last], homes: &[Home]) -> Vec<usize> {
    let mut dying = Vec::new();
    for operand in plan.nodes[id].op.operands() {
        let owner = owners[operand.index()].index();
        if let Home::Slot(slot) = homes[owner]
            && last[owner] == Last::Read(id)
            && !dying.contains(&slot)
        {
            dying.push(slot);
        }
    }
    dying
}

fn in_place(plan: &Plan, id: NodeId, homes: &[Home], dying: &[usize]) -> Option<usize> {
    let node = &plan.nodes[id];
    if !matches!(node.op, Op::Unary(..) | Op::Binary(..) | Op::Select(..)) {
        return None;
    }
    let operands = node.op.operands();
    let lives = |operand: &NodeId, slot: usize| homes[operand.index()] == Home::Slot(slot);
    dying.iter().copied().find(|slot| {
        let there: Vec<&NodeId> = operands.iter().filter(|operand| lives(operand, *slot)).collect();
        matches!(there[..], [only] if plan.nodes[*only].shape == node.shape)
    })
}

/// The smallest free slot that is large enough; else the largest one, made larger; else a new one.
fn take(free: &mut Vec<usize>, sizes: &mut Vec<usize>, need: usize) -> usize {
    let fitting = (0..free.len()).filter(|i| sizes[free[*i]] >= need).min_by_key(|i| (sizes[free[*i]], free[*i]));
    let place = fitting.or_else(|| (0..free.len()).max_by_key(|i| (sizes[free[*i]], free[*i])));
    match place {
        Some(place) => {
            let slot = free.swap_remove(place);
            sizes[slot] = sizes[slot].max(need);
            slot
        }
        None => {
            sizes.push(need);
            sizes.len() - 1
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Binary, Builder, random};

    /// Goes through the run again and says what each slot holds: an operand must still be there when it is read.
    fn check(plan: &Plan, slots: &Slots) {
        let owners = owners(plan);
        let mut holds: Vec<Option<NodeId>> = vec![None; slots.sizes.len()];
        for (id, node) in plan.nodes.iter() {
            let Home::Slot(slot) = slots.homes[id.index()] else { continue };
            assert!(count(&node.shape) <= slots.sizes[slot]);
            for operand in node.op.operands() {
                if let Home::Slot(place) = slots.homes[operand.index()] {
                    assert_eq!(holds[place], Some(owners[operand.index()]), "{id:?} reads {operand:?}");
                    let elementwise = matches!(node.op, Op::Unary(..) | Op::Binary(..) | Op::Select(..));
                    let over = place == slot && !is_view(&node.op);
                    assert!(!over || (elementwise && plan.nodes[operand].shape == node.shape));
                }
            }
            holds[slot] = Some(owners[id.index()]);
        }
        for output in &plan.outputs {
            if let Home::Slot(slot) = slots.homes[output.node.index()] {
                assert_eq!(holds[slot], Some(owners[output.node.index()]));
            }
        }
    }

    #[test]
    fn slots_never_alias_live_values() {
        for seed in 0..200 {
            let plan = random::plan(seed, 40);
            check(&plan, &assign(&plan));
        }
    }

    #[test]
    fn a_chain_of_elementwise_operations_is_one_slot() {
        let mut b = Builder::new();
        let x = b.input("x", &[100]);
        let y = b.exp(x);
        let z = b.unary(Unary::Tanh, y);
        let w = b.binary(Binary::Max, z, x);
        let dead = b.log(x);
        b.output("w", w);
        let slots = assign(b.plan());
        assert_eq!((slots.sizes.len(), slots.total()), (1, 100));
        assert_eq!(slots.homes[dead.index()], Home::Unused);
        assert_eq!(slots.last_reader[y.index()], Some(z));
    }
}
