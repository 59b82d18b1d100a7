//! Expressions: operators, `if`, arrays and comprehensions, with the elementwise shape rule.

use super::Checker;
use crate::math::{Binary, NodeId, Op, Support, Unary};
use crate::model::problems::{Expressions, Shapes};
use crate::shape::Size;
use crate::source::Span;
use crate::syntax::{BinaryOp, Expr, ExprKind, Name, UnaryOp};

/// What an expression stands for.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Node(NodeId),
    /// A call of a net with named outputs.
    Outputs(Vec<(String, NodeId)>),
}

/// Where an expression stands: it decides which names and functions may be read there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Model,
    Guide,
    /// `param ... = EXPR`
    Start,
    /// The end of an interval of a type.
    Bound,
    /// `const ... = EXPR`
    Const,
}

/// Nesting of expressions through inlined funs and nets; the parser bounds it within one expression.
const DEEPEST: usize = 200;
/// Operations that one file may inline to.
const LARGEST: usize = 50_000;

impl<'a> Checker<'a> {
    /// Checks with another place in force.
    pub(super) fn at_place<T>(&mut self, place: Place, check: impl FnOnce(&mut Checker<'a>) -> T) -> T {
        let before = std::mem::replace(&mut self.place, place);
        let result = check(self);
        self.place = before;
        result
    }

    pub(super) fn in_guide(&self) -> bool {
        self.place == Place::Guide || self.guide_block
    }

    /// An expression that is one value; `None` has been reported.
    pub(super) fn check_node(&mut self, expr: &'a Expr) -> Option<NodeId> {
        match self.check_value(expr)? {
            Value::Node(node) => Some(node),
            Value::Outputs(outputs) => {
                let outputs = outputs.into_iter().map(|(name, _)| name).collect();
                self.report(Expressions::NamedOutputs { outputs, span: expr.span });
                None
            }
        }
    }

    /// An expression that is one number.
    pub(super) fn check_number(&mut self, expr: &'a Expr, what: &'static str) -> Option<NodeId> {
        let node = self.check_node(expr)?;
        if !self.is_number(node) {
            let shape = self.print_shape(node);
            self.report(Shapes::NotANumber { what, shape, span: expr.span });
            return None;
        }
        Some(node)
    }

    pub(super) fn check_value(&mut self, expr: &'a Expr) -> Option<Value> {
        if self.depth >= DEEPEST || self.work >= LARGEST {
            // Said once: everything around it is too deep as well.
            if !std::mem::replace(&mut self.too_large, true) {
                self.report(Expressions::TooLarge { span: expr.span });
            }
            return None;
        }
        self.depth += 1;
        self.work += 1;
        let value = self.check_kind(expr);
        self.depth -= 1;
        value
    }

    fn check_kind(&mut self, expr: &'a Expr) -> Option<Value> {
        let span = expr.span;
        let node = match &expr.kind {
            ExprKind::Paren(inner) => return self.check_value(inner),
            ExprKind::Name(_) | ExprKind::Index { .. } => return self.check_read(expr),
            ExprKind::Field { base, name } => return self.check_field(base, name, span),
            ExprKind::Call(call) => return self.check_call(call, None, span),
            ExprKind::Binary { op: BinaryOp::Pipe, left, right, .. } => return self.check_pipe(left, right, span),
            ExprKind::Number { value, .. } => self.number(*value, Some(span)),
            ExprKind::Unary { op, of } => self.check_unary(*op, of, span)?,
            ExprKind::Binary { .. } => self.check_binary(expr)?,
            ExprKind::If { condition, then, otherwise } => self.check_if(condition, then, otherwise, span)?,
            ExprKind::Array(items) => self.check_array(items, span)?,
            ExprKind::ArrayFor { body, each } => self.check_array_for(body, each, span)?,
            ExprKind::Range { .. } => {
                self.report(Expressions::Range { span });
                return None;
            }
            // The parser says that text and `{ }` have no place here.
            ExprKind::Text(_) | ExprKind::Record(_) => return None,
        };
        Some(Value::Node(node))
    }

    fn check_unary(&mut self, op: UnaryOp, of: &'a Expr, span: Span) -> Option<NodeId> {
        let node = self.check_node(of)?;
        match op {
            UnaryOp::Negate => {
                self.check_arithmetic(node, of.span, "-")?;
                Some(self.unary(Unary::Neg, node, span))
            }
            UnaryOp::Not => {
                self.check_truth(node, of.span, "not")?;
                Some(self.unary(Unary::Not, node, span))
            }
        }
    }

    /// Long sums lean to the left: the spine is walked, not called down.
    fn check_binary(&mut self, expr: &'a Expr) -> Option<NodeId> {
        let mut spine = vec![];
        let mut first = expr;
        while let ExprKind::Binary { op, left, right, op_span } = &first.kind {
            if *op == BinaryOp::Pipe {
                break;
            }
            spine.push((*op, &**right, *op_span));
            first = left;
        }
        let mut left = self.check_node(first);
        let mut left_span = first.span;
        while let Some((op, right_expr, op_span)) = spine.pop() {
            // The right side is checked even where the left is wrong, so that every mistake is said at once.
            let right = self.check_node(right_expr);
            left = match (left, right) {
                (Some(a), Some(b)) => self.apply_binary(op, (a, left_span), (b, right_expr.span), op_span),
                _ => None,
            };
            left_span = left_span.to(right_expr.span);
        }
        left
    }

    fn apply_binary(
        &mut self,
        op: BinaryOp,
        (a, a_span): (NodeId, Span),
        (b, b_span): (NodeId, Span),
        op_span: Span,
    ) -> Option<NodeId> {
        let span = a_span.to(b_span);
        let Some((written, binary)) = elementwise(op) else {
            return self.check_matmul((a, a_span), (b, b_span), span);
        };
        let checked = match binary {
            Binary::And | Binary::Or => {
                let left = self.check_truth(a, a_span, written);
                left.and(self.check_truth(b, b_span, written))
            }
            _ if is_comparison(binary) => Some(()),
            _ => {
                let left = self.check_arithmetic(a, a_span, written);
                left.and(self.check_arithmetic(b, b_span, written))
            }
        };
        checked?;
        self.check_same_shape(written, (a, a_span), (b, b_span), op_span)?;
        Some(self.binary(binary, a, b, span))
    }

    /// Equal shapes, or a number beside any shape; there is no other broadcasting.
    pub(super) fn check_same_shape(
        &mut self,
        op: &str,
        (a, a_span): (NodeId, Span),
        (b, b_span): (NodeId, Span),
        op_span: Span,
    ) -> Option<()> {
        if self.is_number(a) || self.is_number(b) || self.event(a) == self.event(b) {
            return Some(());
        }
        let (left, right) = (self.print_shape(a), self.print_shape(b));
        let (left_axes, right_axes) = (self.event(a).len(), self.event(b).len());
        self.report(Shapes::Elementwise {
            op: op.into(),
            op_span,
            left,
            left_axes,
            left_span: a_span,
            left_text: self.text(a_span),
            right,
            right_axes,
            right_span: b_span,
            right_text: self.text(b_span),
        });
        None
    }

    fn check_matmul(&mut self, (a, a_span): (NodeId, Span), (b, b_span): (NodeId, Span), span: Span) -> Option<NodeId> {
        self.check_arithmetic(a, a_span, "@").and(self.check_arithmetic(b, b_span, "@"))?;
        let fits = match (self.event(a), self.event(b)) {
            ([_, k], [l, _]) | ([_, k], [l]) | ([k], [l, _]) => k == l,
            _ => false,
        };
        if !fits {
            let vectors = self.event(a).len() == 1 && self.event(b).len() == 1;
            let (left, right) = (self.print_shape(a), self.print_shape(b));
            let (left_text, right_text) = (self.text(a_span), self.text(b_span));
            let spans = (a_span, b_span);
            let turned = match (self.event(a), self.event(b)) {
                ([k, _], [l]) | ([k, _], [l, _]) if k == l => Some(format!("transpose({left_text}) @ {right_text}")),
                ([_, k], [_, l]) if k == l => Some(format!("{left_text} @ transpose({right_text})")),
                _ => None,
            };
            self.report(Shapes::MatMul { left, right, left_text, right_text, spans, vectors, turned });
            return None;
        }
        Some(self.matmul(a, b, span))
    }

    /// A label takes no part in arithmetic.
    pub(super) fn check_arithmetic(&mut self, node: NodeId, span: Span, op: &str) -> Option<()> {
        if let Support::Category(size) = self.support(node) {
            let size = self.print_size(&size.clone());
            self.report(Expressions::CategoryArithmetic { op: op.into(), size, text: self.text(span), span });
            return None;
        }
        Some(())
    }

    fn check_truth(&mut self, node: NodeId, span: Span, op: &str) -> Option<()> {
        if self.proves(node, &Support::Binary) {
            return Some(());
        }
        let support = self.print_support(node);
        self.report(Expressions::NotBinary { op: op.into(), support, text: self.text(span), span });
        None
    }

    fn check_if(&mut self, condition: &'a Expr, then: &'a Expr, otherwise: &'a Expr, span: Span) -> Option<NodeId> {
        let test = self.check_node(condition).and_then(|test| {
            self.check_truth(test, condition.span, "if")?;
            if !self.is_number(test) {
                let shape = self.print_shape(test);
                self.report(Shapes::NotANumber { what: "the condition of an `if`", shape, span: condition.span });
                return None;
            }
            Some(test)
        });
        let (in_then, in_else) = self.lags_kept(condition);
        let a = self.with_guards(in_then, |checker| checker.check_node(then));
        let b = self.with_guards(in_else, |checker| checker.check_node(otherwise));
        if let (true, Some(_), Some(one), None) | (true, Some(_), None, Some(one)) = (self.guessing, test, a, b) {
            return Some(one);
        }
        let (test, a, b) = (test?, a?, b?);
        if self.event(a) != self.event(b) {
            let (left, right) = (self.print_shape(a), self.print_shape(b));
            self.report(Shapes::Branches { left, left_span: then.span, right, right_span: otherwise.span });
            return None;
        }
        Some(self.select(test, a, b, span))
    }

    /// `[a, b, c]`: values of one shape along a new first axis.
    pub(super) fn check_array(&mut self, items: &'a [Expr], span: Span) -> Option<NodeId> {
        if items.is_empty() {
            self.report(Expressions::EmptyArray { span });
            return None;
        }
        let nodes: Vec<Option<NodeId>> = items.iter().map(|item| self.check_node(item)).collect();
        let nodes: Vec<NodeId> = nodes.into_iter().collect::<Option<_>>()?;
        for (node, item) in nodes.iter().zip(items).skip(1) {
            if self.event(*node) != self.event(nodes[0]) {
                let (first, other) = (self.print_shape(nodes[0]), self.print_shape(*node));
                self.report(Shapes::Entries { first, first_span: items[0].span, other, other_span: item.span });
                return None;
            }
        }
        Some(self.stack(nodes, span))
    }

    fn check_pipe(&mut self, left: &'a Expr, right: &'a Expr, span: Span) -> Option<Value> {
        match &right.kind {
            ExprKind::Call(call) => self.check_call(call, Some(left), span),
            ExprKind::Paren(inner) => self.check_pipe(left, inner, span),
            ExprKind::Name(name) => self.check_named_call(name, right.span, vec![left], span),
            _ => {
                self.report(Expressions::PipeInto { span: right.span });
                None
            }
        }
    }

    fn check_field(&mut self, base: &'a Expr, name: &'a Name, span: Span) -> Option<Value> {
        match self.check_value(base)? {
            Value::Outputs(outputs) => match outputs.iter().find(|(output, _)| *output == name.node) {
                Some((_, node)) => Some(Value::Node(*node)),
                None => {
                    let outputs = outputs.into_iter().map(|(output, _)| output).collect();
                    self.report(Expressions::NoOutput { name: name.node.clone(), outputs, span: name.span });
                    None
                }
            },
            Value::Node(_) => {
                self.report(Expressions::NoFields { text: self.text(base.span), name: name.node.clone(), span });
                None
            }
        }
    }

    /// The text that a span covers, for messages; long ones are cut.
    pub(super) fn text(&self, span: Span) -> String {
        let text = self.ast.source.slice(span);
        let line = text.lines().next().unwrap_or("").trim_end();
        if line.chars().count() > 40 || line.len() < text.len() {
            let short: String = line.chars().take(40).collect();
            return format!("{short}...");
        }
        line.into()
    }

    pub(super) fn is_number(&self, node: NodeId) -> bool {
        self.graph.nodes[node].shape.is_number()
    }

    pub(super) fn event(&self, node: NodeId) -> &[Size] {
        &self.graph.nodes[node].shape.event
    }

    pub(super) fn support(&self, node: NodeId) -> &Support {
        &self.graph.nodes[node].support
    }

    /// The node below the names it was given.
    pub(super) fn unnamed(&self, mut node: NodeId) -> NodeId {
        while let Op::Named(_, inner) = &self.graph.nodes[node].op {
            node = *inner;
        }
        node
    }
}

fn is_comparison(op: Binary) -> bool {
    use Binary::*;
    matches!(op, Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual)
}

/// How an elementwise operator is written, and what it is; `@` is none.
fn elementwise(op: BinaryOp) -> Option<(&'static str, Binary)> {
    Some(match op {
        BinaryOp::Or => ("or", Binary::Or),
        BinaryOp::And => ("and", Binary::And),
        BinaryOp::Equal => ("==", Binary::Equal),
        BinaryOp::NotEqual => ("!=", Binary::NotEqual),
        BinaryOp::Less => ("<", Binary::Less),
        BinaryOp::LessEqual => ("<=", Binary::LessEqual),
        BinaryOp::Greater => (">", Binary::Greater),
        BinaryOp::GreaterEqual => (">=", Binary::GreaterEqual),
        BinaryOp::Add => ("+", Binary::Add),
        BinaryOp::Subtract => ("-", Binary::Sub),
        BinaryOp::Multiply => ("*", Binary::Mul),
        BinaryOp::Divide => ("/", Binary::Div),
        BinaryOp::Power => ("^", Binary::Pow),
        BinaryOp::MatMul | BinaryOp::Pipe => return None,
    })
}
