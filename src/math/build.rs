//! Adding nodes: shape and support are inferred, and equal expressions are one node (spans aside).
//!
//! Legality is the caller's duty: `try_op` says what is wrong with operands; the other methods give a node whose shape
//! `verify` rejects.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::math::shape_rules::{self, Mismatch};
use crate::math::{
    Binary, DataId, Graph, Label, Node, NodeId, Noise, Op, Over, ParamId, Pick, Reduce, SiteId, Support, Unary, infer,
};
use crate::shape::{AxisId, Shape, Size};
use crate::source::Span;

impl Graph {
    /// The node, with shape and support as they are given.
    pub fn node(&mut self, op: Op, shape: Shape, support: Support) -> NodeId {
        let mut hasher = DefaultHasher::new();
        op.hash(&mut hasher);
        let same = self.index.entry(hasher.finish()).or_default();
        let known = same.iter().copied().find(|id| {
            let node = &self.nodes[*id];
            node.op == op && node.shape == shape && node.support == support
        });
        known.unwrap_or_else(|| {
            let id = self.nodes.add(Node { op, shape, support, span: None });
            same.push(id);
            id
        })
    }

    /// The node of an operation that is not a leaf, or what is wrong with its operands.
    pub fn try_op(&mut self, op: Op) -> Result<NodeId, Mismatch> {
        let first = op.children().first().map(|id| self.nodes[*id].shape.clone());
        let shape = shape_rules::infer(self, &op)?.or(first).unwrap_or_default();
        let support = infer::support(self, &op, &shape);
        Ok(self.node(op, shape, support))
    }

    /// Like `try_op`, of operands that go together.
    pub fn op(&mut self, op: Op) -> NodeId {
        let shapes = op.children().iter().map(|id| self.nodes[*id].shape.clone()).max_by_key(|shape| shape.event.len());
        self.try_op(op.clone()).unwrap_or_else(|_| self.node(op, shapes.unwrap_or_default(), Support::Real))
    }

    /// Says where a node was written, unless it is known.
    pub fn mark(&mut self, id: NodeId, span: Span) -> NodeId {
        self.nodes[id].span.get_or_insert(span);
        id
    }

    /// The size of a plate or comprehension axis, which `lift` needs.
    pub fn declare_axis(&mut self, axis: AxisId, size: Size) {
        self.axes.insert(axis, size);
    }

    pub fn shape(&self, id: NodeId) -> &Shape {
        &self.nodes[id].shape
    }

    pub fn event(&self, id: NodeId) -> &[Size] {
        &self.nodes[id].shape.event
    }

    pub fn support(&self, id: NodeId) -> &Support {
        &self.nodes[id].support
    }

    pub fn number(&mut self, x: f64) -> NodeId {
        self.op(Op::Number(x))
    }

    pub fn size(&mut self, size: impl Into<Size>) -> NodeId {
        self.op(Op::Size(size.into()))
    }

    /// A plate or comprehension variable as a number, with the support it has where it is written.
    pub fn row(&mut self, axis: AxisId, support: Support) -> NodeId {
        self.node(Op::Row(axis), Shape::new([axis], []), support)
    }

    pub fn data(&mut self, id: DataId, shape: Shape, support: Support) -> NodeId {
        self.node(Op::Data(id), shape, support)
    }

    pub fn param(&mut self, id: ParamId, shape: Shape, support: Support) -> NodeId {
        self.node(Op::Param(id), shape, support)
    }

    pub fn site(&mut self, id: SiteId, shape: Shape, support: Support) -> NodeId {
        self.node(Op::Site(id), shape, support)
    }

    pub fn free(&mut self, id: SiteId, shape: Shape) -> NodeId {
        self.node(Op::Free(id), shape, Support::Real)
    }

    pub fn auto_loc(&mut self, id: SiteId, shape: Shape) -> NodeId {
        self.node(Op::AutoLoc(id), shape, Support::Real)
    }

    pub fn auto_scale(&mut self, id: SiteId, shape: Shape) -> NodeId {
        self.node(Op::AutoScale(id), shape, Support::Positive)
    }

    pub fn auto_noise(&mut self, id: SiteId, shape: Shape) -> NodeId {
        self.node(Op::AutoNoise(id), shape, Support::Real)
    }

    pub fn noise(&mut self, id: SiteId, kind: Noise, shape: Shape) -> NodeId {
        let support = match kind {
            Noise::Normal => Support::Real,
            Noise::Uniform => Support::Unit,
        };
        self.node(Op::Noise(id, kind), shape, support)
    }

    pub fn unary(&mut self, op: Unary, a: NodeId) -> NodeId {
        self.op(Op::Unary(op, a))
    }

    pub fn binary(&mut self, op: Binary, a: NodeId, b: NodeId) -> NodeId {
        self.op(Op::Binary(op, a, b))
    }

    /// `if c then a else b`
    pub fn choose(&mut self, c: NodeId, a: NodeId, b: NodeId) -> NodeId {
        self.op(Op::If(c, a, b))
    }

    pub fn reduce(&mut self, op: Reduce, a: NodeId, over: Over) -> NodeId {
        self.op(Op::Reduce(op, a, over))
    }

    pub fn dot(&mut self, a: NodeId, b: NodeId) -> NodeId {
        self.op(Op::Dot(a, b))
    }

    pub fn matmul(&mut self, a: NodeId, b: NodeId) -> NodeId {
        self.op(Op::MatMul(a, b))
    }

    pub fn dense(&mut self, input: NodeId, weight: NodeId, bias: Option<NodeId>) -> NodeId {
        self.op(Op::Dense { input, weight, bias })
    }

    pub fn index(&mut self, a: NodeId, picks: Vec<Pick>) -> NodeId {
        if picks.is_empty() { a } else { self.op(Op::Index(a, picks)) }
    }

    pub fn lift(&mut self, a: NodeId, axes: Vec<AxisId>) -> NodeId {
        if axes.is_empty() { a } else { self.op(Op::Lift(a, axes)) }
    }

    pub fn take(&mut self, table: NodeId, index: NodeId) -> NodeId {
        self.op(Op::Take { table, index })
    }

    pub fn stack(&mut self, list: Vec<NodeId>) -> NodeId {
        self.op(Op::Stack(list))
    }

    pub fn concat(&mut self, list: Vec<NodeId>) -> NodeId {
        self.op(Op::Concat(list))
    }

    pub fn reshape(&mut self, a: NodeId, sizes: Vec<Size>) -> NodeId {
        self.op(Op::Reshape(a, sizes))
    }

    pub fn transpose(&mut self, a: NodeId) -> NodeId {
        self.op(Op::Transpose(a))
    }

    pub fn fill(&mut self, a: NodeId, sizes: Vec<Size>) -> NodeId {
        if sizes.is_empty() { a } else { self.op(Op::Fill(a, sizes)) }
    }

    pub fn softmax(&mut self, a: NodeId) -> NodeId {
        self.op(Op::Softmax(a))
    }

    pub fn log_softmax(&mut self, a: NodeId) -> NodeId {
        self.op(Op::LogSoftmax(a))
    }

    pub fn cumsum(&mut self, a: NodeId) -> NodeId {
        self.op(Op::Cumsum(a))
    }

    pub fn outer(&mut self, a: NodeId, b: NodeId) -> NodeId {
        self.op(Op::Outer(a, b))
    }

    pub fn diag(&mut self, a: NodeId) -> NodeId {
        self.op(Op::Diag(a))
    }

    pub fn trace(&mut self, a: NodeId) -> NodeId {
        self.op(Op::Trace(a))
    }

    pub fn eye(&mut self, n: impl Into<Size>) -> NodeId {
        self.op(Op::Eye(n.into()))
    }

    pub fn triangle(&mut self, a: NodeId, n: impl Into<Size>) -> NodeId {
        self.op(Op::Triangle(a, n.into()))
    }

    pub fn one_hot(&mut self, a: NodeId, n: impl Into<Size>) -> NodeId {
        self.op(Op::OneHot(a, n.into()))
    }

    pub fn cholesky(&mut self, a: NodeId) -> NodeId {
        self.op(Op::Cholesky(a))
    }

    pub fn solve(&mut self, a: NodeId, b: NodeId) -> NodeId {
        self.op(Op::Solve(a, b))
    }

    pub fn solve_triangular(&mut self, a: NodeId, b: NodeId) -> NodeId {
        self.op(Op::SolveTriangular(a, b))
    }

    pub fn logdet(&mut self, a: NodeId) -> NodeId {
        self.op(Op::LogDet(a))
    }

    pub fn named(&mut self, label: Label, a: NodeId) -> NodeId {
        self.op(Op::Named(label, a))
    }
}
