//! Sums of products become contractions; what a sum repeats or does not run over moves out of it; known numbers that
//! are added or multiplied one after the other meet.

use super::{known, readers, rebuild};
use crate::plan::build::Builder;
use crate::plan::infer::{broadcast_shapes, count, with_axis, without};
use crate::plan::{Binary, Contraction, NodeId, Op, Plan, Reduce};
use crate::problem::Bug;

/// More factors than this are not taken apart.
const MOST_FACTORS: usize = 6;

pub(super) fn sums(plan: &Plan) -> Result<Plan, Bug> {
    let (readers, known_before) = (readers(plan), known(plan));
    let mut facts = Known::default();
    rebuild(plan, |b, id, op| {
        // What is read elsewhere too is computed anyway: only what this node alone reads may be replaced.
        let old = plan.nodes[id].op.operands();
        let alone = |place: usize| old.get(place).is_some_and(|operand| readers[operand.index()] == 1);
        match op {
            _ if known_before[id.index()] => None,
            Op::Reduce(Reduce::Sum, x, axes) if alone(0) => sum(b, &mut facts, *x, axes),
            Op::Permute(x, axes) if alone(0) => turned(b, *x, axes),
            Op::Binary(op @ (Binary::Add | Binary::Mul), x, y) => meet(b, &mut facts, *op, *x, *y),
            _ => None,
        }
    })
}

/// Which nodes of the new plan depend on no input, as far as it is written.
#[derive(Default)]
struct Known(Vec<bool>);

impl Known {
    fn is(&mut self, b: &Builder, id: NodeId) -> bool {
        let nodes = &b.plan().nodes;
        for next in self.0.len()..=id.index() {
            let op = &nodes[NodeId::new(next)].op;
            let all = op.operands().iter().all(|operand| self.0[operand.index()]);
            self.0.push(all && !matches!(op, Op::Input(_)));
        }
        self.0[id.index()]
    }
}

/// `(x op c) op d` is `x op (c op d)`, and `(x op c) op y` is `(x op y) op c`, for known `c` and `d`.
fn meet(b: &mut Builder, facts: &mut Known, op: Binary, x: NodeId, y: NodeId) -> Option<NodeId> {
    for (d, other) in [(x, y), (y, x)] {
        if !facts.is(b, d) || b.as_literal(d).is_some() {
            continue;
        }
        let &Op::Binary(same, p, q) = b.op(other) else { continue };
        if same != op {
            continue;
        }
        for (c, rest) in [(p, q), (q, p)] {
            if facts.is(b, c) && !facts.is(b, rest) {
                let both = b.binary(op, c, d);
                return Some(b.binary(op, rest, both));
            }
        }
    }
    None
}

/// A contraction gives its axes in any order.
fn turned(b: &mut Builder, x: NodeId, order: &[usize]) -> Option<NodeId> {
    let Op::Contract { left, right, axes } = b.op(x).clone() else { return None };
    let out = order.iter().map(|axis| axes.out[*axis]).collect();
    Some(b.contract(left, right, Contraction { out, ..axes }))
}

/// The laws of a sum, by what is summed.
fn sum(b: &mut Builder, facts: &mut Known, x: NodeId, axes: &[usize]) -> Option<NodeId> {
    match b.op(x).clone() {
        Op::Binary(Binary::Mul, ..) => product(b, x, axes),
        Op::Binary(Binary::Div, y, z) if axes.iter().all(|axis| b.shape(z)[*axis] == 1) => {
            let (shape, z_shape) = (b.shape(x).to_vec(), without(b.shape(z), axes));
            let y = b.expand(y, &shape);
            let (sum, z) = (b.sum(y, axes), b.reshape(z, &z_shape));
            Some(b.over(sum, z))
        }
        Op::Binary(op @ (Binary::Add | Binary::Sub), y, z) => {
            // Apart, each is summed over its own axes alone, and what is known is summed once.
            let small = |b: &Builder, y: NodeId| axes.iter().any(|axis| b.shape(y)[*axis] != b.shape(x)[*axis]);
            let apart = small(b, y) || small(b, z) || facts.is(b, y) || facts.is(b, z);
            apart.then(|| {
                let shape = b.shape(x).to_vec();
                let [y, z] = [y, z].map(|part| {
                    let part = b.expand(part, &shape);
                    sum_now(b, part, axes)
                });
                b.binary(op, y, z)
            })
        }
        Op::Contract { left, right, axes: names } => {
            let out = without(&names.out.iter().map(|n| usize::from(*n)).collect::<Vec<_>>(), axes);
            let out = out.into_iter().map(|n| n as u8).collect();
            Some(b.contract(left, right, Contraction { out, ..names }))
        }
        _ => None,
    }
}

/// A sum of what may be a product itself.
fn sum_now(b: &mut Builder, x: NodeId, axes: &[usize]) -> NodeId {
    match b.op(x) {
        Op::Binary(Binary::Mul, ..) => product(b, x, axes).unwrap_or_else(|| b.sum(x, axes)),
        _ => b.sum(x, axes),
    }
}

/// A sum of a product: factors that do not have the summed axes stand outside; the others are contracted.
fn product(b: &mut Builder, x: NodeId, axes: &[usize]) -> Option<NodeId> {
    let shape = b.shape(x).to_vec();
    let mut inner = factors(b, x)?;
    let mut outer = Vec::new();
    inner.retain(|factor| {
        let inside = axes.iter().any(|axis| b.shape(*factor)[*axis] != 1);
        if !inside {
            outer.push(*factor);
        }
        inside
    });
    while inner.len() > 2 {
        multiply_smallest(b, &mut inner);
    }
    let reduced = match inner[..] {
        [one] if !outer.is_empty() => b.sum(one, axes),
        [left, right] => match contraction(b, left, right, axes) {
            Some(contracted) => contracted,
            None if outer.is_empty() => return None,
            None => {
                let both = b.times(left, right);
                b.sum(both, axes)
            }
        },
        _ => return None,
    };
    // Summed axes that no inner factor has were only repeated.
    let covered = |axis: &&usize| inner.iter().any(|factor| b.shape(*factor)[**axis] != 1);
    let times: usize = axes.iter().filter(|axis| !covered(axis)).map(|axis| shape[*axis]).product();
    let mut result = b.scale(reduced, times as f64);
    for factor in outer {
        let flat = without(b.shape(factor), axes);
        let factor = b.reshape(factor, &flat);
        result = b.times(result, factor);
    }
    Some(b.expand(result, &without(&shape, axes)))
}

/// The factors of a product of products, a few at most.
fn factors(b: &Builder, x: NodeId) -> Option<Vec<NodeId>> {
    let mut list = vec![x];
    while let Some(place) = list.iter().position(|id| matches!(b.op(*id), Op::Binary(Binary::Mul, ..))) {
        if list.len() == MOST_FACTORS {
            break;
        }
        let &Op::Binary(_, left, right) = b.op(list[place]) else { break };
        list.splice(place..=place, [left, right]);
    }
    (list.len() > 1).then_some(list)
}

fn multiply_smallest(b: &mut Builder, list: &mut Vec<NodeId>) {
    let size = |i: usize, j: usize| broadcast_shapes(b.shape(list[i]), b.shape(list[j])).map_or(0, |s| count(&s));
    let pairs = (0..list.len()).flat_map(|j| (0..j).map(move |i| (i, j)));
    if let Some((i, j)) = pairs.min_by_key(|(i, j)| (size(*i, *j), *i, *j)) {
        let right = list.remove(j);
        list[i] = b.times(list[i], right);
    }
}

/// The sum of the product of two as a contraction, with the kept axes, of extent 1 where neither has them. None where
/// all kept axes are in both: a contraction would be a heap of small sums, which a reduction of the product does better.
fn contraction(b: &mut Builder, left: NodeId, right: NodeId, axes: &[usize]) -> Option<NodeId> {
    let rank = u8::try_from(b.rank(left)).ok()?;
    let has = |b: &Builder, x: NodeId, name: u8| b.shape(x)[usize::from(name)] != 1;
    let names = |b: &Builder, x: NodeId| -> Vec<u8> { (0..rank).filter(|name| has(b, x, *name)).collect() };
    let (left_names, right_names) = (names(b, left), names(b, right));
    let out: Vec<u8> = (0..rank)
        .filter(|name| !axes.contains(&usize::from(*name)) && (has(b, left, *name) || has(b, right, *name)))
        .collect();
    let both = |name: &u8| left_names.contains(name) && right_names.contains(name);
    let alike = left_names == right_names;
    if alike && out.iter().all(both) && !out.is_empty() {
        return None;
    }
    let full = broadcast_shapes(b.shape(left), b.shape(right)).ok()?;
    let kept = without(&axes.iter().fold(full, |shape, axis| with_axis(&shape, *axis, 1)), axes);
    let [left, right] = [left, right].map(|x| {
        let long: Vec<usize> = b.shape(x).iter().copied().filter(|n| *n != 1).collect();
        b.reshape(x, &long)
    });
    let product = b.contract(left, right, Contraction { left: left_names, right: right_names, out });
    Some(b.reshape(product, &kept))
}
