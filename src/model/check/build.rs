//! Adding nodes of the model's graph with the place they were written at; what can be said of a node.

use super::Checker;
use crate::math::support::{Bound, Fit, fits};
use crate::math::{Binary, DataId, NodeId, Op, Over, ParamId, Pick, Reduce, SiteId, Support, Unary};
use crate::shape::{AxisId, Shape, Size};
use crate::source::Span;

impl<'a> Checker<'a> {
    pub(super) fn op(&mut self, op: Op, span: Span) -> NodeId {
        let node = self.graph.op(op);
        self.graph.mark(node, span)
    }

    pub(super) fn number(&mut self, value: f64, span: Option<Span>) -> NodeId {
        let node = self.graph.number(value);
        span.map_or(node, |span| self.graph.mark(node, span))
    }

    pub(super) fn unary(&mut self, op: Unary, a: NodeId, span: Span) -> NodeId {
        self.op(Op::Unary(op, a), span)
    }

    pub(super) fn binary(&mut self, op: Binary, a: NodeId, b: NodeId, span: Span) -> NodeId {
        self.op(Op::Binary(op, a, b), span)
    }

    pub(super) fn matmul(&mut self, a: NodeId, b: NodeId, span: Span) -> NodeId {
        self.op(Op::MatMul(a, b), span)
    }

    pub(super) fn select(&mut self, test: NodeId, a: NodeId, b: NodeId, span: Span) -> NodeId {
        self.op(Op::If(test, a, b), span)
    }

    pub(super) fn stack(&mut self, nodes: Vec<NodeId>, span: Span) -> NodeId {
        self.op(Op::Stack(nodes), span)
    }

    pub(super) fn lift(&mut self, a: NodeId, axes: Vec<AxisId>, span: Span) -> NodeId {
        self.op(Op::Lift(a, axes), span)
    }

    pub(super) fn reduce(&mut self, op: Reduce, a: NodeId, over: Over, span: Span) -> NodeId {
        self.op(Op::Reduce(op, a, over), span)
    }

    /// Picks in order. An axis that the value varies over already is picked by number: `C[i, i]` is one entry a row,
    /// not a value that varies twice over `i`.
    pub(super) fn index(&mut self, a: NodeId, mut picks: Vec<Pick>, span: Span) -> NodeId {
        let mut varies = self.graph.shape(a).plates.clone();
        for pick in &mut picks {
            if let Pick::Row(axis) = *pick {
                if varies.contains(&axis) {
                    *pick = Pick::At(self.row(axis, span));
                }
                varies.push(axis);
            }
        }
        self.op(Op::Index(a, picks), span)
    }

    /// A dim as a number: its value where it has one.
    pub(super) fn size_node(&mut self, size: Size, span: Span) -> NodeId {
        match size.known() {
            Some(n) => self.number(n as f64, Some(span)),
            None => self.op(Op::Size(size), span),
        }
    }

    /// A loop variable as a number.
    pub(super) fn row(&mut self, axis: AxisId, span: Span) -> NodeId {
        let last = self.known_size(&self.axes[axis].first).plus(&self.axis_size(axis)).minus(&Size::fixed(1));
        let node = self.graph.row(axis, Support::Count(Some(last)));
        self.graph.mark(node, span)
    }

    pub(super) fn data_node(&mut self, id: DataId, span: Span) -> NodeId {
        let data = &self.data[id.index()];
        let event: Vec<Size> = data.rows.clone().into_iter().map(Size::dim).chain(data.event.clone()).collect();
        let event: Vec<Size> = event.iter().map(|size| self.known_size(size)).collect();
        let node = self.graph.data(id, Shape::event(event), self.data[id.index()].support.clone());
        self.graph.mark(node, span)
    }

    /// `None` where its declaration was reported.
    pub(super) fn param_node(&mut self, id: ParamId, span: Span) -> Option<NodeId> {
        if self.broken_params.contains(&id) {
            return None;
        }
        let param = &self.params[id.index()];
        let event: Vec<Size> = param.rows.iter().chain(&param.event).map(|size| self.known_size(size)).collect();
        let node = self.graph.param(id, Shape::event(event), self.params[id.index()].support.clone());
        Some(self.graph.mark(node, span))
    }

    /// A value that stands in for one whose making was reported: it has the right type and nothing else.
    pub(super) fn placeholder(&mut self, event: &[Size], support: &Support) -> NodeId {
        self.placeholders += 1;
        let id = ParamId(u32::MAX - self.placeholders);
        self.graph.param(id, Shape::event(event.to_vec()), support.clone())
    }

    pub(super) fn site_node(&mut self, id: SiteId, span: Span) -> NodeId {
        let site = &self.sites[id.index()];
        let shape = Shape::new(site.plates.clone(), site.event.clone());
        let support = site.support.clone();
        let node = self.graph.site(id, shape, support);
        self.graph.mark(node, span)
    }

    pub(super) fn proves(&self, node: NodeId, support: &Support) -> bool {
        fits(self.support(node), support) == Fit::Proven
    }

    /// The number a node is, where that is known now: its interval has one member.
    pub(super) fn fold_number(&self, node: NodeId) -> Option<f64> {
        let node = self.unnamed(node);
        if let Op::Number(value) = self.graph.nodes[node].op {
            return Some(value);
        }
        let range = self.support(node).range();
        (self.is_number(node) && range.lo == range.hi).then_some(range.lo)
    }

    /// `real[3, K]`, as a type is written.
    pub(super) fn print_shape(&self, node: NodeId) -> String {
        self.print_event(self.event(node))
    }

    pub(super) fn print_event(&self, event: &[Size]) -> String {
        if event.is_empty() {
            return "a number".into();
        }
        let sizes: Vec<String> = event.iter().map(|size| self.print_size(size)).collect();
        format!("[{}]", sizes.join(", "))
    }

    pub(super) fn print_support(&self, node: NodeId) -> String {
        self.support_text(self.support(node))
    }

    pub(super) fn support_text(&self, support: &Support) -> String {
        if let Support::Interval(Bound::Number(low), Bound::Number(high)) = support
            && low == high
        {
            return format!("the number {low}");
        }
        support.print(&self.dims, &|node| self.graph.nodes[node].span.map_or("...".into(), |span| self.text(span)))
    }
}
