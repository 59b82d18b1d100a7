//! Laws of expressions, one a line: each keeps the value (where it is finite) and the event shape. What the left side
//! computes with cancellation or overflow, the right side computes in log space.

use crate::math::Binary::{self, *};
use crate::math::Unary::{self, *};
use crate::math::{Graph, NodeId, Op, Over, Pick, Reduce};
use crate::shape::Size;

/// Gives the simpler node where the law applies to the operation.
pub struct Law {
    pub name: &'static str,
    pub apply: fn(&mut Graph, &Op) -> Option<NodeId>,
}

macro_rules! laws {
    ($($name:literal: |$g:ident, $op:ident| $apply:expr;)*) => {
        pub const LAWS: &[Law] = &[$(Law { name: $name, apply: |$g, $op| $apply }),*];
    };
}

laws! {
    "a op b, of numbers": |g, op|
        { let (f, a, b) = numbers(g, op)?; let x = f(a, b); x.is_finite().then(|| g.number(x)) };
    "a + 0 = a": |g, op| { let (a, b) = of2(op, Add)?; is(g, b, 0.0).then_some(a) };
    "0 + a = a": |g, op| { let (a, b) = of2(op, Add)?; is(g, a, 0.0).then_some(b) };
    "a + -b = a - b": |g, op| { let (a, b) = of2(op, Add)?; let b = un(g, b, Neg)?; Some(g.sub(a, b)) };
    "-a + b = b - a": |g, op| { let (a, b) = of2(op, Add)?; let a = un(g, a, Neg)?; Some(g.sub(b, a)) };
    "a - 0 = a": |g, op| { let (a, b) = of2(op, Sub)?; is(g, b, 0.0).then_some(a) };
    "a - a = 0": |g, op| { let (a, b) = of2(op, Sub)?; (a == b && g.shape(a).is_number()).then(|| g.number(0.0)) };
    "0 - a = -a": |g, op| { let (a, b) = of2(op, Sub)?; is(g, a, 0.0).then(|| g.neg(b)) };
    "a - -b = a + b": |g, op| { let (a, b) = of2(op, Sub)?; let b = un(g, b, Neg)?; Some(g.add(a, b)) };
    "1 - (1 - a) = a": |g, op| { let a = complement_op(g, op)?; complement(g, a) };
    "1 - sigmoid(a) = sigmoid(-a)": |g, op|
        { let a = complement_op(g, op)?; let a = un(g, a, Sigmoid)?; let a = g.neg(a); Some(g.sigmoid(a)) };
    "a * 1 = a": |g, op| { let (a, b) = of2(op, Mul)?; is(g, b, 1.0).then_some(a) };
    "1 * a = a": |g, op| { let (a, b) = of2(op, Mul)?; is(g, a, 1.0).then_some(b) };
    "a * 0 = 0": |g, op| { let (a, b) = of2(op, Mul)?; (is(g, b, 0.0) && g.shape(a).is_number()).then_some(b) };
    "0 * a = 0": |g, op| { let (a, b) = of2(op, Mul)?; (is(g, a, 0.0) && g.shape(b).is_number()).then_some(a) };
    "a * -1 = -a": |g, op| { let (a, b) = of2(op, Mul)?; is(g, b, -1.0).then(|| g.neg(a)) };
    "-1 * a = -a": |g, op| { let (a, b) = of2(op, Mul)?; is(g, a, -1.0).then(|| g.neg(b)) };
    "c * (d * a) = (c d) * a": |g, op|
        { let (c, b) = of2(op, Mul)?; let (d, a) = bi(g, b, Mul)?; let x = num(g, c)? * num(g, d)?;
        Some(g.scale(a, x)) };
    "sqrt(a) * sqrt(a) = a": |g, op| { let (a, b) = of2(op, Mul)?; if a == b { un(g, a, Sqrt) } else { None } };
    "exp(a) * exp(a) = exp(2 a)": |g, op|
        { let (a, b) = of2(op, Mul)?; let e = un(g, a, Exp)?; (a == b).then(|| { let e = g.scale(e, 2.0); g.exp(e) }) };
    "a / 1 = a": |g, op| { let (a, b) = of2(op, Div)?; is(g, b, 1.0).then_some(a) };
    "1 / exp(a) = exp(-a)": |g, op|
        { let (one, b) = of2(op, Div)?; let a = un(g, b, Exp)?;
        is(g, one, 1.0).then(|| { let a = g.neg(a); g.exp(a) }) };
    "a ^ 1 = a": |g, op| { let (a, b) = of2(op, Pow)?; is(g, b, 1.0).then_some(a) };
    "a ^ 2 = a * a": |g, op| { let (a, b) = of2(op, Pow)?; is(g, b, 2.0).then(|| g.mul(a, a)) };
    "a ^ 0.5 = sqrt(a)": |g, op| { let (a, b) = of2(op, Pow)?; is(g, b, 0.5).then(|| g.sqrt(a)) };
    "--a = a": |g, op| { let a = of1(op, Neg)?; un(g, a, Neg) };
    "-c = the number": |g, op| { let a = of1(op, Neg)?; let x = num(g, a)?; Some(g.number(-x)) };
    "-(a - b) = b - a": |g, op| { let a = of1(op, Neg)?; let (a, b) = bi(g, a, Sub)?; Some(g.sub(b, a)) };
    "-(c * a) = (-c) * a": |g, op|
        { let a = of1(op, Neg)?; let (c, a) = bi(g, a, Mul)?; let c = num(g, c)?; Some(g.scale(a, -c)) };
    "exp(c), the number": |g, op|
        { let a = of1(op, Exp)?; let x = num(g, a)?.exp(); x.is_finite().then(|| g.number(x)) };
    "exp(log(a)) = a": |g, op| { let a = of1(op, Exp)?; un(g, a, Log) };
    "exp(log_sigmoid(a)) = sigmoid(a)": |g, op|
        { let a = of1(op, Exp)?; let a = un(g, a, LogSigmoid)?; Some(g.sigmoid(a)) };
    "exp(log_softmax(a)) = softmax(a)": |g, op|
        { let a = of1(op, Exp)?; match node(g, a) { Op::LogSoftmax(a) => Some(g.softmax(a)), _ => None } };
    "log(a), in log space": |g, op| { let a = of1(op, Log)?; log_space(g, a) };
    "log1p(exp(a)) = softplus(a)": |g, op|
        { let a = of1(op, Log1p)?; let a = un(g, a, Exp)?; Some(g.unary(Softplus, a)) };
    "log1p(-sigmoid(a)) = log_sigmoid(-a)": |g, op|
        { let a = of1(op, Log1p)?; let a = un(g, a, Neg)?; let a = un(g, a, Sigmoid)?; let a = g.neg(a);
        Some(g.log_sigmoid(a)) };
    "log1p(-(1 - a)) = log(a)": |g, op|
        { let a = of1(op, Log1p)?; let (a, one) = bi(g, a, Sub)?; is(g, one, 1.0).then(|| g.log(a)) };
    "sqrt(c), the number": |g, op|
        { let a = of1(op, Sqrt)?; let x = num(g, a)?; (x >= 0.0).then(|| g.number(x.sqrt())) };
    "sqrt(exp(a)) = exp(a / 2)": |g, op|
        { let a = of1(op, Sqrt)?; let a = un(g, a, Exp)?; let a = g.scale(a, 0.5); Some(g.exp(a)) };
    "sqrt(a * a) = a, of positive a": |g, op|
        { let a = of1(op, Sqrt)?; let (a, b) = bi(g, a, Mul)?; (a == b && positive(g, a)).then_some(a) };
    "abs(a) = a, of positive a": |g, op| { let a = of1(op, Abs)?; positive(g, a).then_some(a) };
    "logit(sigmoid(a)) = a": |g, op| { let a = of1(op, Logit)?; un(g, a, Sigmoid) };
    "sigmoid(logit(a)) = a": |g, op| { let a = of1(op, Sigmoid)?; un(g, a, Logit) };
    "if 1 then a else b = a": |g, op|
        match op { Op::If(c, a, _) if num(g, *c).is_some_and(|c| c != 0.0) => Some(*a), _ => None };
    "if 0 then a else b = b": |g, op| match op { Op::If(c, _, b) if num(g, *c) == Some(0.0) => Some(*b), _ => None };
    "sum of one number = it": |g, op|
        match op { Op::Reduce(Reduce::Sum, a, Over::Event) if g.shape(*a).is_number() => Some(*a), _ => None };
    "[a for n][n] = a": |g, op| match op { Op::Index(a, picks) => lifted(g, *a, picks), _ => None };
    "[a, b][0] = a": |g, op| match op { Op::Index(a, picks) => stacked(g, *a, picks), _ => None };
}

impl Graph {
    /// The operation's node, by the first law that applies, else as it is.
    pub fn simple(&mut self, op: Op) -> NodeId {
        self.law(&op).unwrap_or_else(|| self.op(op))
    }

    /// What the first law that applies gives.
    pub fn law(&mut self, op: &Op) -> Option<NodeId> {
        LAWS.iter().find_map(|law| (law.apply)(self, op))
    }
}

/// The same value by the laws, operands first.
pub fn simplify(graph: &mut Graph, root: NodeId) -> NodeId {
    graph.substitute(root, &mut |_, _| None)
}

/// log(a), where it is simpler than `a`.
fn log_space(g: &mut Graph, a: NodeId) -> Option<NodeId> {
    match node(g, a) {
        Op::Number(x) => (x > 0.0).then(|| g.number(x.ln())),
        Op::Unary(Exp, x) => Some(x),
        Op::Unary(Sigmoid, x) => Some(g.log_sigmoid(x)),
        Op::Unary(Sqrt, x) => {
            let x = g.log(x);
            Some(g.scale(x, 0.5))
        }
        Op::Softmax(x) => Some(g.log_softmax(x)),
        Op::Binary(Mul, x, y) if positive(g, x) && positive(g, y) => {
            let (x, y) = either_log(g, x, y)?;
            Some(g.add(x, y))
        }
        Op::Binary(Div, x, y) if positive(g, x) && positive(g, y) => {
            let (x, y) = either_log(g, x, y)?;
            Some(g.sub(x, y))
        }
        Op::Binary(Pow, x, y) if positive(g, x) => {
            let x = g.log(x);
            Some(g.mul(y, x))
        }
        Op::Binary(Sub, one, x) if is(g, one, 1.0) => {
            let x = g.neg(x);
            Some(g.log1p(x))
        }
        // A choice of entries of an array in log space.
        Op::Index(x, picks) => log_space(g, x).map(|x| g.index(x, picks)),
        Op::Lift(x, axes) => log_space(g, x).map(|x| g.lift(x, axes)),
        Op::Take { table, index } => log_space(g, table).map(|table| g.take(table, index)),
        Op::Fill(x, sizes) => log_space(g, x).map(|x| g.fill(x, sizes)),
        _ => None,
    }
}

/// The logarithms of both, where at least one of them is simpler.
fn either_log(g: &mut Graph, x: NodeId, y: NodeId) -> Option<(NodeId, NodeId)> {
    let (a, b) = (log_space(g, x), log_space(g, y));
    if a.is_none() && b.is_none() {
        return None;
    }
    Some((a.unwrap_or_else(|| g.log(x)), b.unwrap_or_else(|| g.log(y))))
}

fn lifted(g: &mut Graph, a: NodeId, picks: &[Pick]) -> Option<NodeId> {
    let Op::Lift(inner, axes) = node(g, a) else { return None };
    let rows: Vec<Pick> = axes.into_iter().map(Pick::Row).collect();
    let rest = picks.strip_prefix(rows.as_slice())?;
    Some(g.index(inner, rest.to_vec()))
}

fn stacked(g: &mut Graph, a: NodeId, picks: &[Pick]) -> Option<NodeId> {
    let Op::Stack(list) = node(g, a) else { return None };
    let [Pick::At(place), rest @ ..] = picks else { return None };
    let place = num(g, *place)?;
    let chosen = *list.get(place as usize)?;
    Some(g.index(chosen, rest.to_vec()))
}

/// The operation under its names.
fn node(g: &Graph, id: NodeId) -> Op {
    g.nodes[g.unnamed(id)].op.clone()
}

fn num(g: &Graph, id: NodeId) -> Option<f64> {
    match &g.nodes[g.unnamed(id)].op {
        Op::Number(x) => Some(*x),
        Op::Size(size) => Size::known(size).map(|n| n as f64),
        _ => None,
    }
}

fn is(g: &Graph, id: NodeId, x: f64) -> bool {
    num(g, id) == Some(x)
}

fn positive(g: &Graph, id: NodeId) -> bool {
    g.support(id).range().lo >= 0.0
}

fn of1(op: &Op, unary: Unary) -> Option<NodeId> {
    match op {
        Op::Unary(found, a) if *found == unary => Some(*a),
        _ => None,
    }
}

fn of2(op: &Op, binary: Binary) -> Option<(NodeId, NodeId)> {
    match op {
        Op::Binary(found, a, b) if *found == binary => Some((*a, *b)),
        _ => None,
    }
}

fn un(g: &Graph, id: NodeId, unary: Unary) -> Option<NodeId> {
    of1(&g.nodes[g.unnamed(id)].op, unary)
}

fn bi(g: &Graph, id: NodeId, binary: Binary) -> Option<(NodeId, NodeId)> {
    of2(&g.nodes[g.unnamed(id)].op, binary)
}

/// The `a` of `1 - a`.
fn complement_op(g: &Graph, op: &Op) -> Option<NodeId> {
    let (one, a) = of2(op, Sub)?;
    is(g, one, 1.0).then_some(a)
}

fn complement(g: &Graph, id: NodeId) -> Option<NodeId> {
    complement_op(g, &g.nodes[g.unnamed(id)].op)
}

type Arithmetic = fn(f64, f64) -> f64;

fn numbers(g: &Graph, op: &Op) -> Option<(Arithmetic, f64, f64)> {
    let Op::Binary(op, a, b) = op else { return None };
    let f: Arithmetic = match op {
        Add => |a, b| a + b,
        Sub => |a, b| a - b,
        Mul => |a, b| a * b,
        Div => |a, b| a / b,
        Pow => f64::powf,
        Min => f64::min,
        Max => f64::max,
        Equal => |a, b| f64::from(a == b),
        NotEqual => |a, b| f64::from(a != b),
        Less => |a, b| f64::from(a < b),
        LessEqual => |a, b| f64::from(a <= b),
        Greater => |a, b| f64::from(a > b),
        GreaterEqual => |a, b| f64::from(a >= b),
        _ => return None,
    };
    Some((f, num(g, *a)?, num(g, *b)?))
}
