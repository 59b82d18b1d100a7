//! How smoothly a value follows a leaf: the lattice smooth < continuous < discontinuous of Lee, Rival and Yang (POPL
//! 2023). An `if` jumps unless its branches are proven to meet where its condition changes.

use std::collections::{BTreeMap, BTreeSet};

use crate::math::Binary::{self, *};
use crate::math::Unary::{self, *};
use crate::math::{Graph, NodeId, Op, Pick, Reduce};

/// How a value follows its operands; the worst step of a path decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Continuity {
    Smooth,
    /// Differentiable almost everywhere, without jumps.
    Continuous,
    Discontinuous,
}

use Continuity::{Continuous, Discontinuous, Smooth};

/// How the value of an operation follows this operand.
fn step(op: &Op, operand: NodeId) -> Continuity {
    match op {
        Op::Unary(Round | Floor | Not, _) | Op::OneHot(..) | Op::Sample { .. } => Discontinuous,
        Op::Unary(Abs | Relu | Elu, _) | Op::Binary(Min | Max, ..) => Continuous,
        Op::Binary(Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual | And | Or, ..) => Discontinuous,
        Op::Reduce(Reduce::Max | Reduce::Min | Reduce::Norm, ..) => Continuous,
        Op::If(condition, ..) if *condition == operand => Discontinuous,
        Op::Take { index, .. } if *index == operand => Discontinuous,
        Op::Index(_, picks) if picks.contains(&Pick::At(operand)) => Discontinuous,
        _ => Smooth,
    }
}

/// How `root` follows the nodes that `of` says yes to; `None` where it does not depend on them. `meeting` are the `if`s
/// whose branches meet (`meeting`, below).
pub fn continuity(
    graph: &Graph,
    root: NodeId,
    of: &dyn Fn(&Op) -> bool,
    meeting: &BTreeSet<NodeId>,
) -> Option<Continuity> {
    let order = graph.reachable(&[root]);
    // Earlier rows of a value follow what the value follows: known once its body is, and then everything anew.
    let mut earlier: BTreeMap<NodeId, Continuity> = BTreeMap::new();
    loop {
        let known = follow(graph, &order, of, meeting, &earlier);
        let scans = order.iter().filter_map(|id| match graph.nodes[*id].op {
            Op::Scan { own, body, .. } => Some((own, known[body.index()]?)),
            _ => None,
        });
        let found: BTreeMap<NodeId, Continuity> = scans.collect();
        if found == earlier {
            return known[root.index()];
        }
        earlier = found;
    }
}

fn follow(
    graph: &Graph,
    order: &[NodeId],
    of: &dyn Fn(&Op) -> bool,
    meeting: &BTreeSet<NodeId>,
    earlier: &BTreeMap<NodeId, Continuity>,
) -> Vec<Option<Continuity>> {
    let mut known: Vec<Option<Continuity>> = vec![None; graph.nodes.len()];
    for id in order.iter().copied() {
        let op = &graph.nodes[id].op;
        known[id.index()] = match op {
            op if of(op) => Some(Smooth),
            Op::Earlier { .. } => earlier.get(&id).copied(),
            // The branches meet on the boundary, so only their slopes differ there.
            Op::If(condition, a, b) if meeting.contains(&id) => {
                let turn = known[condition.index()].map(|_| Continuous);
                [turn, known[a.index()], known[b.index()]].into_iter().flatten().max()
            }
            op => {
                let paths = op.children().into_iter();
                paths.filter_map(|child| known[child.index()].map(|path| path.max(step(op, child)))).max()
            }
        };
    }
    known
}

/// The `if`s of a graph whose branches are proven equal wherever one of the comparisons in the condition holds with
/// equality. What is compared must itself follow continuously: an `if` on `floor(z) > 0` is none of them.
pub fn meeting(graph: &Graph) -> BTreeSet<NodeId> {
    let mut scratch = graph.clone();
    let branches = graph.nodes.iter().filter_map(|(id, node)| match node.op {
        Op::If(condition, a, b) => Some((id, condition, a, b)),
        _ => None,
    });
    branches.filter(|(_, condition, a, b)| meet(&mut scratch, *condition, *a, *b)).map(|(id, ..)| id).collect()
}

fn meet(graph: &mut Graph, condition: NodeId, a: NodeId, b: NodeId) -> bool {
    let condition = graph.unnamed(condition);
    match graph.nodes[condition].op {
        Op::Unary(Not, inner) => meet(graph, inner, a, b),
        Op::Binary(And | Or, left, right) => meet(graph, left, a, b) && meet(graph, right, a, b),
        Op::Binary(Less | LessEqual | Greater | GreaterEqual, left, right) => {
            let mut ways = vec![];
            solve(graph, left, right, &mut ways);
            solve(graph, right, left, &mut ways);
            !jumps(graph, left) && !jumps(graph, right) && ways.into_iter().any(|way| equal_under(graph, way, a, b))
        }
        _ => false,
    }
}

/// Whether something in a value jumps, whatever it follows.
fn jumps(graph: &Graph, id: NodeId) -> bool {
    let jump = |op: &Op| op.children().iter().any(|child| step(op, *child) == Discontinuous);
    graph.reachable(&[id]).iter().any(|id| jump(&graph.nodes[*id].op))
}

/// What `left = right` says of the parts of `left`: what may be put in the place of what.
fn solve(graph: &mut Graph, left: NodeId, right: NodeId, ways: &mut Vec<(NodeId, NodeId)>) {
    let left = graph.unnamed(left);
    match graph.nodes[left].op.clone() {
        Op::Number(_) | Op::Size(_) => return,
        Op::Unary(Unary::Neg, x) => {
            let right = graph.neg(right);
            solve(graph, x, right, ways);
        }
        Op::Binary(Binary::Add, x, y) => {
            let (without_y, without_x) = (graph.sub(right, y), graph.sub(right, x));
            solve(graph, x, without_y, ways);
            solve(graph, y, without_x, ways);
        }
        Op::Binary(Binary::Sub, x, y) => {
            let (sum, rest) = (graph.add(right, y), graph.sub(x, right));
            solve(graph, x, sum, ways);
            solve(graph, y, rest, ways);
        }
        Op::Binary(Binary::Mul, c, x) if matches!(graph.nodes[c].op, Op::Number(c) if c != 0.0) => {
            let ratio = graph.div(right, c);
            solve(graph, x, ratio, ways);
        }
        _ => {}
    }
    ways.push((left, right));
}

/// Whether both branches are regular on the boundary, and the same value there.
fn equal_under(graph: &mut Graph, (from, to): (NodeId, NodeId), a: NodeId, b: NodeId) -> bool {
    let mut put = |graph: &mut Graph, id: NodeId| (graph.unnamed(id) == from).then_some(to);
    let mut made = BTreeMap::new();
    let ends = graph.substitute_all(&[a, b], &mut put, &mut made);
    let inside: Vec<NodeId> = graph
        .reachable(&[a, b])
        .into_iter()
        .filter(|id| *id != from && graph.reachable(&[*id]).contains(&from))
        .collect();
    graph.unnamed(ends[0]) == graph.unnamed(ends[1]) && inside.iter().all(|id| regular(graph, *id, &made))
}

/// Whether an operation is continuous at the operands that were put in: no division by 0, no logarithm of it.
fn regular(graph: &Graph, id: NodeId, made: &BTreeMap<NodeId, NodeId>) -> bool {
    let range = |operand: &NodeId| {
        let end = made.get(operand).copied().unwrap_or(*operand);
        match graph.nodes[graph.unnamed(end)].op {
            Op::Number(x) => (x, x),
            // A support is open where it ends.
            _ => {
                let range = graph.support(end).range();
                let ends = if range.whole { (0.0, 0.0) } else { (f64::MIN_POSITIVE, f64::EPSILON) };
                (range.lo + ends.0, range.hi - ends.1)
            }
        }
    };
    let within = |operand: &NodeId, lo: f64, hi: f64| range(operand).0 > lo && range(operand).1 < hi;
    match &graph.nodes[id].op {
        Op::Binary(Div, _, b) => range(b).0 > 0.0 || range(b).1 < 0.0,
        Op::Binary(Pow, a, _) | Op::Unary(Log | Lgamma | Digamma, a) => range(a).0 > 0.0,
        Op::Unary(Log1p, a) => range(a).0 > -1.0,
        Op::Unary(Logit, a) => within(a, 0.0, 1.0),
        Op::Cholesky(_) | Op::Solve(..) | Op::SolveTriangular(..) | Op::LogDet(_) | Op::Layer { .. } => false,
        op => op.children().iter().all(|child| step(op, *child) != Discontinuous),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::{SiteId, Support};
    use crate::shape::Shape;

    fn is_site(op: &Op) -> bool {
        matches!(op, Op::Site(_))
    }

    fn follows(graph: &Graph, root: NodeId) -> Option<Continuity> {
        continuity(graph, root, &is_site, &meeting(graph))
    }

    #[test]
    fn the_worst_step_of_a_path_decides() {
        let mut g = Graph::default();
        let z = g.site(SiteId(0), Shape::scalar(), Support::Real);
        let zero = g.number(0.0);
        let smooth = g.exp(z);
        let relu = g.unary(Relu, smooth);
        let jump = g.less(z, zero);
        let chosen = g.choose(jump, relu, zero);
        assert_eq!(follows(&g, smooth), Some(Smooth));
        assert_eq!(follows(&g, relu), Some(Continuous));
        assert_eq!(follows(&g, chosen), Some(Discontinuous));
        assert_eq!(follows(&g, zero), None);
    }

    /// `if z > at then a else b`, with what is compared and the branches made of z and a number c.
    fn chosen(
        at: impl Fn(&mut Graph, NodeId, NodeId) -> (NodeId, NodeId),
        branches: impl Fn(&mut Graph, NodeId, NodeId) -> (NodeId, NodeId),
    ) -> Option<Continuity> {
        let mut g = Graph::default();
        let z = g.site(SiteId(0), Shape::scalar(), Support::Real);
        let c = g.param(crate::math::ParamId(0), Shape::scalar(), Support::Real);
        let (left, right) = at(&mut g, z, c);
        let condition = g.binary(Greater, left, right);
        let (a, b) = branches(&mut g, z, c);
        let root = g.choose(condition, a, b);
        follows(&g, root)
    }

    #[test]
    fn branches_that_meet_are_continuous() {
        // if z > c then z else c
        assert_eq!(chosen(|_, z, c| (z, c), |_, z, c| (z, c)), Some(Continuous));
        // if z > c then (z - c) * z else 0
        let product = |g: &mut Graph, z, c| {
            let gap = g.sub(z, c);
            (g.mul(gap, z), g.number(0.0))
        };
        assert_eq!(chosen(|_, z, c| (z, c), product), Some(Continuous));
        // if 2 * z - c > 0 then 2 * z else c
        let doubled = |g: &mut Graph, z, c| {
            let two = g.scale(z, 2.0);
            (g.sub(two, c), g.number(0.0))
        };
        assert_eq!(chosen(doubled, |g, z, c| (g.scale(z, 2.0), c)), Some(Continuous));
        // if z > 1 then 3 * z - 3 else 0
        let line = |g: &mut Graph, z, _| {
            let three = g.scale(z, 3.0);
            (g.shift(three, -3.0), g.number(0.0))
        };
        assert_eq!(chosen(|g, z, _| (z, g.number(1.0)), line), Some(Continuous));
    }

    #[test]
    fn branches_that_do_not_meet_jump() {
        assert_eq!(chosen(|_, z, c| (z, c), |g, z, _| (z, g.number(0.0))), Some(Discontinuous));
        assert_eq!(chosen(|g, z, _| (z, g.number(0.0)), |g, z, _| (g.exp(z), z)), Some(Discontinuous));
        // (1 / z) z has no value at 0, and its limit there is not 0.
        let broken = |g: &mut Graph, z, _| {
            let one_over = g.recip(z);
            (g.mul(z, one_over), g.number(0.0))
        };
        assert_eq!(chosen(|g, z, _| (z, g.number(0.0)), broken), Some(Discontinuous));
        // The boundary itself jumps: z is not 1 wherever floor(z) is.
        assert_eq!(
            chosen(|g, z, _| (g.unary(Floor, z), g.number(1.0)), |g, z, _| (g.unary(Floor, z), g.number(1.0))),
            Some(Discontinuous)
        );
    }
}
