//! What a node refers to, and the same node over other operands.

use std::hash::{Hash, Hasher};
use std::mem::discriminant;

use crate::math::{Graph, Label, NodeId, Op, Pick};

impl Op {
    /// The operands, in the order written. Arguments kept for printing (`Label::Call`) are not operands.
    pub fn children(&self) -> Vec<NodeId> {
        let mut list = vec![];
        self.map_children(&mut |id| {
            list.push(id);
            id
        });
        list
    }

    /// The same operation over other operands.
    pub fn map_children(&self, f: &mut dyn FnMut(NodeId) -> NodeId) -> Op {
        use Op::*;
        match self {
            Number(_)
            | Size(_)
            | Row(_)
            | Data(_)
            | Param(_)
            | Site(_)
            | Free(_)
            | AutoLoc(_)
            | AutoScale(_)
            | AutoNoise(_)
            | Noise(..)
            | Earlier { .. }
            | Eye(_) => self.clone(),
            Unary(op, a) => Unary(*op, f(*a)),
            Binary(op, a, b) => Binary(*op, f(*a), f(*b)),
            If(c, a, b) => If(f(*c), f(*a), f(*b)),
            Reduce(op, a, over) => Reduce(*op, f(*a), over.clone()),
            Dot(a, b) => Dot(f(*a), f(*b)),
            MatMul(a, b) => MatMul(f(*a), f(*b)),
            Dense { input, weight, bias } => Dense { input: f(*input), weight: f(*weight), bias: bias.map(&mut *f) },
            Layer { layer, input, weights } => {
                Layer { layer: *layer, input: f(*input), weights: weights.iter().map(|w| f(*w)).collect() }
            }
            Sample { kind, args, noise } => {
                Sample { kind, args: args.iter().map(|(name, arg)| (*name, f(*arg))).collect(), noise: f(*noise) }
            }
            Forward { factor, chain, from, to } => {
                Forward { factor: f(*factor), chain: *chain, from: from.clone(), to: to.clone() }
            }
            Scan { own, body, chain } => Scan { own: f(*own), body: f(*body), chain: *chain },
            Index(a, picks) => Index(f(*a), picks.iter().map(|pick| map_pick(pick, f)).collect()),
            Lift(a, axes) => Lift(f(*a), axes.clone()),
            Take { table, index } => Take { table: f(*table), index: f(*index) },
            Stack(list) => Stack(list.iter().map(|a| f(*a)).collect()),
            Concat(list) => Concat(list.iter().map(|a| f(*a)).collect()),
            Reshape(a, sizes) => Reshape(f(*a), sizes.clone()),
            Transpose(a) => Transpose(f(*a)),
            Fill(a, sizes) => Fill(f(*a), sizes.clone()),
            Softmax(a) => Softmax(f(*a)),
            LogSoftmax(a) => LogSoftmax(f(*a)),
            Cumsum(a) => Cumsum(f(*a)),
            Outer(a, b) => Outer(f(*a), f(*b)),
            Diag(a) => Diag(f(*a)),
            Triangle(a, n) => Triangle(f(*a), n.clone()),
            Trace(a) => Trace(f(*a)),
            OneHot(a, size) => OneHot(f(*a), size.clone()),
            Cholesky(a) => Cholesky(f(*a)),
            Solve(a, b) => Solve(f(*a), f(*b)),
            SolveTriangular(a, b) => SolveTriangular(f(*a), f(*b)),
            LogDet(a) => LogDet(f(*a)),
            Complete { data, with } => Complete { data: f(*data), with: f(*with) },
            Present(a) => Present(f(*a)),
            Named(label, a) => Named(label.clone(), f(*a)),
        }
    }
}

fn map_pick(pick: &Pick, f: &mut dyn FnMut(NodeId) -> NodeId) -> Pick {
    match pick {
        Pick::At(id) => Pick::At(f(*id)),
        other => other.clone(),
    }
}

// Numbers are told apart by their bits, so that 0 and -0 are two nodes.
impl Hash for Op {
    fn hash<H: Hasher>(&self, state: &mut H) {
        discriminant(self).hash(state);
        self.children().hash(state);
        match self {
            Op::Number(x) => x.to_bits().hash(state),
            Op::Size(size) | Op::Eye(size) | Op::OneHot(_, size) | Op::Triangle(_, size) => size.hash(state),
            Op::Row(axis) => axis.hash(state),
            Op::Data(id) => id.hash(state),
            Op::Param(id) => id.hash(state),
            Op::Site(id) | Op::Free(id) | Op::AutoLoc(id) | Op::AutoScale(id) | Op::AutoNoise(id) => id.hash(state),
            Op::Noise(id, kind) => (id, kind).hash(state),
            Op::Unary(op, _) => op.hash(state),
            Op::Binary(op, ..) => op.hash(state),
            Op::Reduce(op, ..) => op.hash(state),
            Op::Sample { kind, args, .. } => (kind, args).hash(state),
            Op::Forward { chain, from, to, .. } => (chain, from, to).hash(state),
            Op::Scan { chain, .. } => chain.hash(state),
            Op::Earlier { of, copy } => (of, copy).hash(state),
            Op::Lift(_, axes) => axes.hash(state),
            Op::Named(Label::Definition(id), _) => id.hash(state),
            Op::Named(Label::Call { name, output, .. }, _) => (name, output).hash(state),
            _ => {}
        }
    }
}

impl Graph {
    /// The matrix that this one is the transpose of, where it is written so.
    pub fn transposed(&self, id: NodeId) -> Option<NodeId> {
        match self.nodes[self.unnamed(id)].op {
            Op::Transpose(a) => Some(a),
            _ => None,
        }
    }

    /// The value whose earlier rows this leaf stands for.
    pub fn scan_of(&self, own: NodeId) -> Option<NodeId> {
        let makes = |op: &Op| matches!(op, Op::Scan { own: of, .. } if *of == own);
        self.nodes.iter().find(|(_, node)| makes(&node.op)).map(|(id, _)| id)
    }

    /// The node under its names.
    pub fn unnamed(&self, id: NodeId) -> NodeId {
        match &self.nodes[id].op {
            Op::Named(_, inner) => self.unnamed(*inner),
            _ => id,
        }
    }

    /// Everything that these nodes are made of, themselves included, in order (operands first).
    pub fn reachable(&self, roots: &[NodeId]) -> Vec<NodeId> {
        let mut seen = vec![false; self.nodes.len()];
        let mut stack = roots.to_vec();
        // Sorted at the end: most values are made of few of the graph's nodes.
        let mut found = vec![];
        while let Some(id) = stack.pop() {
            if !std::mem::replace(&mut seen[id.index()], true) {
                stack.extend(self.nodes[id].op.children());
                found.push(id);
            }
        }
        found.sort_unstable();
        found
    }

    /// Whether the value is made, among others, of an operation that `is` says yes to.
    pub fn mentions(&self, root: NodeId, is: impl Fn(&Op) -> bool) -> bool {
        self.reachable(&[root]).iter().any(|id| is(&self.nodes[*id].op))
    }
}
