//! Built-in functions of arrays, each with its own shape rule.

use super::Checker;
use super::calls::Given;
use crate::math::{Binary, NodeId, Op, Support};
use crate::model::problems::Shapes;
use crate::shape::Size;

/// The shape that an argument must have.
enum Wants {
    Vector,
    Matrix,
    Square,
    /// At least one axis.
    Array,
}

impl<'a> Checker<'a> {
    fn wants(&mut self, given: &Given<'a>, at: usize, node: NodeId, wants: Wants) -> Option<NodeId> {
        let (fits, words) = match (wants, self.event(node)) {
            (Wants::Vector, event) => (event.len() == 1, "a vector"),
            (Wants::Matrix, event) => (event.len() == 2, "a matrix"),
            (Wants::Square, [a, b]) => (a == b, "a square matrix"),
            (Wants::Square, _) => (false, "a square matrix"),
            (Wants::Array, event) => (!event.is_empty(), "a vector or a larger array"),
        };
        let span = given.args.get(at).map_or(given.span, |arg| arg.span);
        self.check_arithmetic(node, span, given.name)?;
        if !fits {
            let shape = self.print_shape(node);
            let written = super::calls::written(given.name);
            self.report(Shapes::Argument { name: given.name.into(), wants: words, shape, written, span });
            return None;
        }
        Some(node)
    }

    fn disagree(&mut self, given: &Given<'a>, a: NodeId, b: NodeId) -> Option<NodeId> {
        let (left, right) = (self.print_shape(a), self.print_shape(b));
        let (left_span, right_span) = (given.args[0].span, given.args[1].span);
        let written = super::calls::written(given.name);
        self.report(Shapes::Pair { name: given.name.into(), left, left_span, right, right_span, written });
        None
    }

    fn one_vector_op(&mut self, given: &Given<'a>, wants: Wants, op: fn(NodeId) -> Op) -> Option<NodeId> {
        let [a] = self.check_args(given)?;
        let a = self.wants(given, 0, a, wants)?;
        Some(self.op(op(a), given.span))
    }

    /// `solve(A, b)`: a square matrix, and a vector or matrix of its height.
    fn check_solve(&mut self, given: &Given<'a>, op: fn(NodeId, NodeId) -> Op) -> Option<NodeId> {
        let [a, b] = self.check_args(given)?;
        let a = self.wants(given, 0, a, Wants::Square)?;
        let b = self.wants(given, 1, b, Wants::Array)?;
        if self.event(a)[1] != self.event(b)[0] || self.event(b).len() > 2 {
            return self.disagree(given, a, b);
        }
        Some(self.op(op(a, b), given.span))
    }
}

pub(super) fn clamp<'a>(checker: &mut Checker<'a>, given: &Given<'a>) -> Option<NodeId> {
    let [x, low, high] = checker.check_args(given)?;
    let x_span = given.args[0].span;
    checker.check_arithmetic(x, x_span, given.name)?;
    let mut value = x;
    for (bound, op, open, at) in [(low, Binary::Max, f64::NEG_INFINITY, 1), (high, Binary::Min, f64::INFINITY, 2)] {
        if checker.fold_number(bound) == Some(open) {
            continue;
        }
        let span = given.args[at].span;
        checker.check_arithmetic(bound, span, given.name)?;
        checker.check_same_shape(given.name, (value, x_span), (bound, span), given.name_span)?;
        value = checker.binary(op, value, bound, given.span);
    }
    Some(value)
}

pub(super) fn dot<'a>(checker: &mut Checker<'a>, given: &Given<'a>) -> Option<NodeId> {
    two_vectors(checker, given, true, Op::Dot)
}

pub(super) fn outer<'a>(checker: &mut Checker<'a>, given: &Given<'a>) -> Option<NodeId> {
    two_vectors(checker, given, false, Op::Outer)
}

fn two_vectors<'a>(
    checker: &mut Checker<'a>,
    given: &Given<'a>,
    equal: bool,
    op: fn(NodeId, NodeId) -> Op,
) -> Option<NodeId> {
    let [a, b] = checker.check_args(given)?;
    let (a, b) = (checker.wants(given, 0, a, Wants::Vector), checker.wants(given, 1, b, Wants::Vector));
    let (a, b) = (a?, b?);
    if equal && checker.event(a) != checker.event(b) {
        return checker.disagree(given, a, b);
    }
    Some(checker.op(op(a, b), given.span))
}

pub(super) fn softmax<'a>(checker: &mut Checker<'a>, given: &Given<'a>) -> Option<NodeId> {
    checker.one_vector_op(given, Wants::Array, Op::Softmax)
}

pub(super) fn log_softmax<'a>(checker: &mut Checker<'a>, given: &Given<'a>) -> Option<NodeId> {
    checker.one_vector_op(given, Wants::Array, Op::LogSoftmax)
}

pub(super) fn cumsum<'a>(checker: &mut Checker<'a>, given: &Given<'a>) -> Option<NodeId> {
    checker.one_vector_op(given, Wants::Array, Op::Cumsum)
}

pub(super) fn transpose<'a>(checker: &mut Checker<'a>, given: &Given<'a>) -> Option<NodeId> {
    checker.one_vector_op(given, Wants::Matrix, Op::Transpose)
}

pub(super) fn trace<'a>(checker: &mut Checker<'a>, given: &Given<'a>) -> Option<NodeId> {
    checker.one_vector_op(given, Wants::Square, Op::Trace)
}

pub(super) fn cholesky<'a>(checker: &mut Checker<'a>, given: &Given<'a>) -> Option<NodeId> {
    checker.one_vector_op(given, Wants::Square, Op::Cholesky)
}

pub(super) fn logdet<'a>(checker: &mut Checker<'a>, given: &Given<'a>) -> Option<NodeId> {
    checker.one_vector_op(given, Wants::Square, Op::LogDet)
}

pub(super) fn solve<'a>(checker: &mut Checker<'a>, given: &Given<'a>) -> Option<NodeId> {
    checker.check_solve(given, Op::Solve)
}

pub(super) fn solve_triangular<'a>(checker: &mut Checker<'a>, given: &Given<'a>) -> Option<NodeId> {
    checker.check_solve(given, Op::SolveTriangular)
}

pub(super) fn diag<'a>(checker: &mut Checker<'a>, given: &Given<'a>) -> Option<NodeId> {
    let [a] = checker.check_args(given)?;
    let vector = checker.event(a).len() == 1;
    let a = checker.wants(given, 0, a, if vector { Wants::Vector } else { Wants::Square })?;
    Some(checker.op(Op::Diag(a), given.span))
}

/// Along the first axis; the other axes agree.
pub(super) fn concat<'a>(checker: &mut Checker<'a>, given: &Given<'a>) -> Option<NodeId> {
    let nodes: Vec<Option<NodeId>> = given.args.iter().map(|arg| checker.check_node(arg)).collect();
    let nodes: Vec<NodeId> = nodes.into_iter().collect::<Option<_>>()?;
    let Some(first) = nodes.first().copied() else {
        checker.wrong_count(given);
        return None;
    };
    for (at, node) in nodes.iter().enumerate() {
        checker.wants(given, at, *node, Wants::Array)?;
        if checker.event(*node)[1..] != checker.event(first)[1..] {
            let (left, right) = (checker.print_shape(first), checker.print_shape(*node));
            let (first_span, other_span) = (given.args[0].span, given.args[at].span);
            checker.report(Shapes::Entries { first: left, first_span, other: right, other_span });
            return None;
        }
    }
    Some(checker.op(Op::Concat(nodes), given.span))
}

pub(super) fn stack<'a>(checker: &mut Checker<'a>, given: &Given<'a>) -> Option<NodeId> {
    let nodes: Vec<Option<NodeId>> = given.args.iter().map(|arg| checker.check_node(arg)).collect();
    let nodes: Vec<NodeId> = nodes.into_iter().collect::<Option<_>>()?;
    let Some(first) = nodes.first().copied() else {
        checker.wrong_count(given);
        return None;
    };
    if let Some(at) = (0..nodes.len()).find(|at| checker.event(nodes[*at]) != checker.event(first)) {
        let (left, right) = (checker.print_shape(first), checker.print_shape(nodes[at]));
        let (first_span, other_span) = (given.args[0].span, given.args[at].span);
        checker.report(Shapes::Entries { first: left, first_span, other: right, other_span });
        return None;
    }
    Some(checker.op(Op::Stack(nodes), given.span))
}

/// The sizes after the first argument.
fn sizes<'a>(checker: &mut Checker<'a>, given: &Given<'a>) -> Option<Vec<Size>> {
    let sizes: Vec<Option<Size>> = given.args.iter().skip(1).map(|arg| checker.check_axis_size(arg)).collect();
    if sizes.is_empty() {
        checker.wrong_count(given);
        return None;
    }
    sizes.into_iter().collect()
}

fn product(sizes: &[Size]) -> Size {
    sizes.iter().fold(Size::fixed(1), |product, size| {
        // Sizes of arrays that exist multiply to something a machine can hold; others would overflow here.
        let small =
            product.magnitude().checked_mul(size.magnitude()).is_some() && product.degree() + size.degree() < 16;
        if small { product.times(size) } else { product }
    })
}

pub(super) fn reshape<'a>(checker: &mut Checker<'a>, given: &Given<'a>) -> Option<NodeId> {
    let Some(first) = given.args.first() else {
        checker.wrong_count(given);
        return None;
    };
    let (x, sizes) = (checker.check_node(first), sizes(checker, given));
    let (x, sizes) = (x?, sizes?);
    let (have, want) = (product(checker.event(x)), product(&sizes));
    if have != want {
        let (from, to) = (checker.print_shape(x), checker.print_event(&sizes));
        let (have, want) = (checker.print_size(&have), checker.print_size(&want));
        checker.report(Shapes::Reshape { from, to, have, want, span: given.span });
        return None;
    }
    Some(checker.op(Op::Reshape(x, sizes), given.span))
}

pub(super) fn flatten<'a>(checker: &mut Checker<'a>, given: &Given<'a>) -> Option<NodeId> {
    let [x] = checker.check_args(given)?;
    let all = product(checker.event(x));
    Some(checker.op(Op::Reshape(x, vec![all]), given.span))
}

pub(super) fn eye<'a>(checker: &mut Checker<'a>, given: &Given<'a>) -> Option<NodeId> {
    let [size] = given.args.as_slice() else {
        checker.wrong_count(given);
        return None;
    };
    let size = checker.check_axis_size(size)?;
    Some(checker.op(Op::Eye(size), given.span))
}

pub(super) fn fill<'a>(checker: &mut Checker<'a>, given: &Given<'a>) -> Option<NodeId> {
    let Some(first) = given.args.first() else {
        checker.wrong_count(given);
        return None;
    };
    if let Some(node) = checker.check_fill_missing(first, given) {
        return node;
    }
    let (value, sizes) = (checker.check_number(first, "what `fill` repeats"), sizes(checker, given));
    let (value, sizes) = (value?, sizes?);
    Some(checker.op(Op::Fill(value, sizes), given.span))
}

pub(super) fn one_hot<'a>(checker: &mut Checker<'a>, given: &Given<'a>) -> Option<NodeId> {
    let [label, size] = given.args.as_slice() else {
        checker.wrong_count(given);
        return None;
    };
    let (node, size) = (checker.check_number(label, "a label"), checker.check_axis_size(size));
    let (node, size) = (node?, size?);
    let fits = checker.proves(node, &Support::Category(size.clone()));
    if !fits {
        let (support, size) = (checker.print_support(node), checker.print_size(&size));
        checker.report(Shapes::OneHotLabel { support, size, text: checker.text(label.span), span: label.span });
        return None;
    }
    Some(checker.op(Op::OneHot(node, size), given.span))
}
