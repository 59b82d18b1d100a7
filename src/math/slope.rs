//! Slopes of sums of products: what a number gains when an entry of a vector grows by one, as an expression.
//!
//! Backwards through the operations of which such expressions are made, each with the rule of its product; numbers in
//! front are kept apart, so that what comes out reads as it would be written: of `dot(x, W @ h)` in `h` it is
//! `transpose(W) @ x`. Other operations have no rule, and are told.

use std::collections::{BTreeMap, BTreeSet};

use crate::math::{Binary, Graph, NodeId, Op, Over, Pick, Reduce, Unary};
use crate::shape::AxisId;

/// The operation that has no rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoRule(pub NodeId);

type Result<T> = std::result::Result<T, NoRule>;

/// `by * value`, summed over the axes of comprehensions that are gone through: what the whole gains when every entry of
/// a node grows by the entry of `value`; without one, by 1.
#[derive(Debug, Clone, PartialEq)]
struct Part {
    by: f64,
    value: Option<NodeId>,
    open: Vec<AxisId>,
}

/// The slope of `root`, a number, in these nodes, each shaped as the node. What it does not read has slope `None`.
pub fn slopes(g: &mut Graph, root: NodeId, of: &[NodeId]) -> Result<Vec<Option<NodeId>>> {
    let mut touched: BTreeSet<NodeId> = of.iter().copied().collect();
    // Operands precede what is made of them.
    for id in g.reachable(&[root]) {
        if g.nodes[id].op.children().iter().any(|child| touched.contains(child)) {
            touched.insert(id);
        }
    }
    let mut parts: BTreeMap<NodeId, Vec<Part>> = BTreeMap::new();
    parts.insert(root, vec![Part { by: 1.0, value: None, open: vec![] }]);
    for id in g.reachable(&[root]).into_iter().rev().filter(|id| touched.contains(id) && !of.contains(id)) {
        for part in parts.remove(&id).unwrap_or_default() {
            for (child, part) in back(g, id, part, &touched)? {
                add(parts.entry(child).or_default(), part);
            }
        }
    }
    // Met from the end: in the order written.
    let list = of.iter().map(|id| {
        let list: Vec<Part> = parts.remove(id).unwrap_or_default().into_iter().rev().collect();
        total(g, *id, &list)
    });
    Ok(list.collect())
}

fn add(list: &mut Vec<Part>, part: Part) {
    match list.iter_mut().find(|other| other.value == part.value && other.open == part.open) {
        Some(same) => same.by += part.by,
        None => list.push(part),
    }
}

/// The sum of the parts, shaped as the node.
fn total(g: &mut Graph, of: NodeId, parts: &[Part]) -> Option<NodeId> {
    let mut sum = None;
    for part in parts.iter().filter(|part| part.by != 0.0) {
        let value = part.value.unwrap_or_else(|| g.number(1.0));
        let value =
            if part.open.is_empty() { value } else { g.reduce(Reduce::Sum, value, Over::Axes(part.open.clone())) };
        let positive = g.scale(value, part.by.abs());
        sum = Some(match (sum, part.by > 0.0) {
            (None, true) => positive,
            (None, false) => g.neg(positive),
            (Some(sum), true) => g.add(sum, positive),
            (Some(sum), false) => g.sub(sum, positive),
        });
    }
    sum.map(|sum| shaped(g, sum, of))
}

/// A number is repeated to the shape of a node.
fn shaped(g: &mut Graph, value: NodeId, like: NodeId) -> NodeId {
    let event = g.event(like).to_vec();
    if g.shape(value).is_number() { g.fill(value, event) } else { value }
}

/// What a part of a node is to its operands.
fn back(g: &mut Graph, id: NodeId, part: Part, touched: &BTreeSet<NodeId>) -> Result<Vec<(NodeId, Part)>> {
    let minus = |part: &Part| Part { by: -part.by, ..part.clone() };
    let list = match g.nodes[id].op.clone() {
        Op::Named(_, a) => vec![(a, part)],
        Op::Unary(Unary::Neg, a) => vec![(a, minus(&part))],
        Op::Binary(Binary::Add, a, b) => vec![narrowed(g, id, a, part.clone()), narrowed(g, id, b, part)],
        Op::Binary(Binary::Sub, a, b) => vec![narrowed(g, id, a, part.clone()), narrowed(g, id, b, minus(&part))],
        Op::Binary(Binary::Mul, a, b) => vec![times(g, id, a, b, &part), times(g, id, b, a, &part)],
        Op::Binary(Binary::Div, a, b) if !touched.contains(&b) => match number(g, b) {
            Some(x) => vec![(a, Part { by: part.by / x, ..part })],
            None => {
                let over = g.recip(b);
                vec![times(g, id, a, over, &part)]
            }
        },
        Op::Binary(Binary::Pow, a, b) if number(g, b) == Some(2.0) => {
            let twice = Part { by: 2.0 * part.by, ..part };
            vec![times(g, id, a, a, &twice)]
        }
        Op::Reduce(Reduce::Sum, a, over) => match over {
            Over::Axes(axes) => vec![(a, opened(g, id, part, axes)?)],
            Over::Last if g.event(a).len() > 1 => return Err(NoRule(id)),
            Over::Event | Over::Last => vec![(a, part)],
        },
        Op::Dot(a, b) => vec![times(g, id, a, b, &part), times(g, id, b, a, &part)],
        Op::Index(a, picks) => vec![(a, indexed(g, id, a, &picks, part)?)],
        Op::Lift(a, axes) => match part.value {
            Some(value) if !g.shape(value).is_number() => {
                let open = opened(g, id, part, axes.clone())?;
                let value = g.simple(Op::Index(value, axes.into_iter().map(Pick::Row).collect()));
                vec![(a, Part { value: Some(value), ..open })]
            }
            _ => vec![(a, opened(g, id, part, axes)?)],
        },
        _ => return matrices(g, id, part, touched),
    };
    Ok(list.into_iter().filter(|(child, _)| touched.contains(child)).collect())
}

/// Products of vectors and matrices: the other operand turned round.
fn matrices(g: &mut Graph, id: NodeId, part: Part, touched: &BTreeSet<NodeId>) -> Result<Vec<(NodeId, Part)>> {
    let one = g.number(1.0);
    let value = shaped(g, part.value.unwrap_or(one), id);
    let (op, mut list) = (g.nodes[id].op.clone(), vec![]);
    let mut give = |child: NodeId, value: NodeId| list.push((child, Part { value: Some(value), ..part.clone() }));
    match op {
        Op::MatMul(a, b) => {
            if touched.contains(&a) {
                let slope = match (g.event(a).len(), g.event(b).len()) {
                    (2, 1) => g.outer(value, b),
                    (1, 2) => g.matmul(b, value),
                    _ => {
                        let b = turned(g, b);
                        g.matmul(value, b)
                    }
                };
                give(a, slope);
            }
            if touched.contains(&b) {
                let slope = match (g.event(a).len(), g.event(b).len()) {
                    (1, 2) => g.outer(a, value),
                    _ => {
                        let a = turned(g, a);
                        g.matmul(a, value)
                    }
                };
                give(b, slope);
            }
        }
        Op::Outer(a, b) => {
            if touched.contains(&a) {
                give(a, g.matmul(value, b));
            }
            if touched.contains(&b) {
                let value = turned(g, value);
                give(b, g.matmul(value, a));
            }
        }
        Op::Transpose(a) => give(a, turned(g, value)),
        _ => return Err(NoRule(id)),
    }
    Ok(list)
}

fn turned(g: &mut Graph, a: NodeId) -> NodeId {
    g.transposed(a).unwrap_or_else(|| g.transpose(a))
}

/// Of a product: the part times the other factor. A number beside an array gathers its entries.
fn times(g: &mut Graph, id: NodeId, child: NodeId, other: NodeId, part: &Part) -> (NodeId, Part) {
    let part = match (number(g, other), part.value) {
        (Some(x), _) => Part { by: part.by * x, ..part.clone() },
        (None, None) => Part { value: Some(other), ..part.clone() },
        (None, Some(value)) => Part { value: Some(g.mul(value, other)), ..part.clone() },
    };
    // A dot product is a number of vectors: nothing is gathered.
    match g.nodes[id].op {
        Op::Dot(..) => (child, part),
        _ => narrowed(g, id, child, part),
    }
}

/// An operand that is a number, repeated beside an array, gathers what the entries gain.
fn narrowed(g: &mut Graph, id: NodeId, child: NodeId, part: Part) -> (NodeId, Part) {
    if g.shape(id).is_number() || !g.shape(child).is_number() {
        return (child, part);
    }
    let one = g.number(1.0);
    let value = shaped(g, part.value.unwrap_or(one), id);
    (child, Part { value: Some(g.sum_event(value)), ..part })
}

/// Inside a comprehension over these axes.
fn opened(g: &Graph, id: NodeId, part: Part, axes: Vec<AxisId>) -> Result<Part> {
    let varies = |axis: &AxisId| part.value.is_some_and(|value| g.shape(value).plates.contains(axis));
    if axes.iter().any(|axis| part.open.contains(axis) || varies(axis)) {
        return Err(NoRule(id));
    }
    Ok(Part { open: part.open.iter().copied().chain(axes).collect(), ..part })
}

/// Of one entry, or of a row that a comprehension goes through.
fn indexed(g: &mut Graph, id: NodeId, a: NodeId, picks: &[Pick], part: Part) -> Result<Part> {
    let one = g.number(1.0);
    let value = part.value.unwrap_or(one);
    if let ([Pick::At(at)], [n]) = (picks, g.event(a)) {
        let n = n.clone();
        if number(g, *at).is_none() {
            return Err(NoRule(id));
        }
        let entry = g.one_hot(*at, n);
        return Ok(Part { value: Some(g.mul(value, entry)), ..part });
    }
    let mut rows = vec![];
    for pick in picks {
        match pick {
            Pick::Row(axis) if part.open.contains(axis) && !rows.contains(axis) => rows.push(*axis),
            _ => return Err(NoRule(id)),
        }
    }
    // An axis from 2 on is no whole axis of the array.
    let sizes = g.event(a).iter().take(rows.len()).cloned().collect::<Vec<_>>();
    if rows.iter().zip(sizes).any(|(axis, size)| g.axes.get(axis) != Some(&size)) {
        return Err(NoRule(id));
    }
    let (others, open): (Vec<AxisId>, Vec<AxisId>) = part
        .open
        .iter()
        .copied()
        .filter(|axis| !rows.contains(axis))
        .partition(|axis| !g.shape(a).plates.contains(axis));
    let value = if others.is_empty() { value } else { g.reduce(Reduce::Sum, value, Over::Axes(others)) };
    let rest = g.event(a)[rows.len()..].to_vec();
    let value = if g.shape(value).is_number() { g.fill(value, rest) } else { value };
    Ok(Part { value: Some(lifted(g, value, rows)), open, ..part })
}

/// `[a[i] for i in D]` is `a`.
fn lifted(g: &mut Graph, value: NodeId, rows: Vec<AxisId>) -> NodeId {
    let picked: Vec<Pick> = rows.iter().copied().map(Pick::Row).collect();
    match &g.nodes[value].op {
        Op::Index(a, picks) if *picks == picked && rows.iter().all(|row| !g.shape(*a).plates.contains(row)) => *a,
        _ => g.lift(value, rows),
    }
}

/// What each entry of `value`, shaped as the vector `of`, gains when the same entry of `of` grows by one.
pub fn own_slope(g: &mut Graph, value: NodeId, of: NodeId) -> Result<Option<NodeId>> {
    if value == of {
        return Ok(Some(g.number(1.0)));
    }
    if !g.reachable(&[value]).contains(&of) {
        return Ok(None);
    }
    if g.shape(value).is_number() {
        return Ok(slopes(g, value, &[of])?.remove(0));
    }
    match g.nodes[value].op.clone() {
        Op::Named(_, a) => own_slope(g, a, of),
        Op::Fill(a, _) => own_slope(g, a, of),
        Op::Unary(Unary::Neg, a) => Ok(own_slope(g, a, of)?.map(|a| g.neg(a))),
        Op::Binary(op @ (Binary::Add | Binary::Sub), a, b) => {
            let (a, b) = (own_slope(g, a, of)?, own_slope(g, b, of)?);
            Ok(match (a, b) {
                (Some(a), Some(b)) if a == b && op == Binary::Add => Some(g.scale(a, 2.0)),
                (Some(a), Some(b)) => Some(g.simple(Op::Binary(op, a, b))),
                (None, Some(b)) if op == Binary::Sub => Some(g.neg(b)),
                (a, b) => a.or(b),
            })
        }
        Op::Binary(Binary::Mul, a, b) => {
            let left = own_slope(g, a, of)?.filter(|slope| !apart(g, *slope, b)).map(|slope| g.mul(slope, b));
            let right = own_slope(g, b, of)?.filter(|slope| !apart(g, a, *slope)).map(|slope| g.mul(a, slope));
            Ok(match (left, right) {
                (Some(left), Some(right)) => Some(g.add(left, right)),
                (left, right) => left.or(right),
            })
        }
        Op::MatMul(a, b) if g.unnamed(b) == of && !g.reachable(&[a]).contains(&of) => Ok(Some(diagonal(g, a))),
        Op::MatMul(a, b) if g.unnamed(a) == of && !g.reachable(&[b]).contains(&of) => Ok(Some(diagonal(g, b))),
        Op::Lift(body, axes) if axes.len() == 1 => match slopes(g, body, &[of])?.remove(0) {
            Some(slope) => {
                let entry = g.index(slope, vec![Pick::Row(axes[0])]);
                Ok(Some(g.lift(entry, axes)))
            }
            None => Ok(None),
        },
        _ => Err(NoRule(value)),
    }
}

/// Whether these are different entries alone, so that their product is 0.
fn apart(g: &Graph, a: NodeId, b: NodeId) -> bool {
    match (&g.nodes[a].op, &g.nodes[b].op) {
        (Op::OneHot(a, _), Op::OneHot(b, _)) => matches!((number(g, *a), number(g, *b)), (Some(a), Some(b)) if a != b),
        _ => false,
    }
}

fn diagonal(g: &mut Graph, matrix: NodeId) -> NodeId {
    let matrix = g.transposed(matrix).unwrap_or(matrix);
    g.diag(matrix)
}

fn number(g: &Graph, id: NodeId) -> Option<f64> {
    match g.nodes[g.unnamed(id)].op {
        Op::Number(x) => Some(x),
        _ => None,
    }
}
