//! Cheap laws, applied to a node as it is built; each sees one operation and the operations it reads.
//!
//! They hold on real numbers. Where an operand is infinite or not a number they may give a finite answer (`0 * x` is 0),
//! and rounding may differ in the last place.

use super::build::Builder;
use super::{Binary, NodeId, Op, Unary};

mod layout;
mod product;

/// The node that has the value of `op`, where a law knows one; `shape` is the shape of `op`.
pub(super) fn simplify(b: &mut Builder, op: &Op, shape: &[usize]) -> Option<NodeId> {
    match op {
        Op::Literal(_) | Op::Input(_) | Op::Iota => None,
        Op::Constant(array) => {
            let first = (!array.is_empty()).then(|| array.get(0))?;
            // Looking at 1,024 numbers finds what is one number repeated; a long array is data.
            let repeated = array.len() <= 1024 && (0..array.len()).all(|i| array.get(i) == first);
            repeated.then(|| b.literal(first, shape))
        }
        Op::Unary(..) | Op::Binary(..) | Op::Select(..) => elementwise(b, op, shape),
        Op::Reduce(op, x, axes) => product::reduce(b, *op, *x, axes, shape),
        Op::Contract { left, right, axes } => product::contract(b, *left, *right, axes, shape),
        _ => layout::layout(b, op, shape),
    }
}

/// Operands are repeated by the operation itself, so what was expanded to fit is read as it was before, and a number
/// is read from one place; the result is expanded where all operands were.
fn elementwise(b: &mut Builder, op: &Op, shape: &[usize]) -> Option<NodeId> {
    let before = op.operands();
    let after: Vec<NodeId> = before.iter().map(|x| stripped(b, *x)).collect();
    if before != after {
        let mut operands = after.into_iter();
        let smaller = op.map_operands(|x| operands.next().unwrap_or(x));
        let result = b.add(smaller, &[]);
        return Some(b.expand(result, shape));
    }
    match *op {
        Op::Unary(op, x) => unary(b, op, x),
        Op::Binary(op, x, y) => binary(b, op, x, y, shape),
        Op::Select(condition, then, other) => select(b, condition, then, other, shape),
        _ => None,
    }
}

/// What the operand was before it was repeated.
fn stripped(b: &mut Builder, x: NodeId) -> NodeId {
    match *b.op(x) {
        Op::Expand(of) => of,
        Op::Literal(value) => b.number_like(value, x),
        _ => x,
    }
}

fn unary(b: &mut Builder, op: Unary, x: NodeId) -> Option<NodeId> {
    use Unary::*;
    Some(match (op, b.op(x).clone()) {
        (StopGradient, Op::Literal(_) | Op::Constant(_) | Op::Iota | Op::Unary(StopGradient, _)) => x,
        (_, Op::Literal(value)) => {
            let shape = b.shape(x).to_vec();
            b.literal((op.row().scalar)(value), &shape)
        }
        (Neg, Op::Unary(Neg, y)) => y,
        (Neg, Op::Binary(Binary::Sub, y, z)) => b.minus(z, y),
        (Neg, Op::Binary(Binary::Mul, y, z)) => {
            let c = b.as_literal(z)?;
            b.scale(y, -c)
        }
        (Neg, Op::Binary(Binary::Add, y, z)) => {
            let c = b.as_literal(z)?;
            let minus = b.neg(y);
            b.shift(minus, -c)
        }
        (Exp, Op::Unary(Log, y)) | (Log, Op::Unary(Exp, y)) | (Recip, Op::Unary(Recip, y)) => y,
        (Expm1, Op::Unary(Log1p, y)) | (Log1p, Op::Unary(Expm1, y)) => y,
        (Exp, Op::Unary(LogSigmoid, y)) => b.unary(Sigmoid, y),
        (Log, Op::Unary(Sigmoid, y)) => b.unary(LogSigmoid, y),
        (Log1p, Op::Unary(Exp, y)) => b.unary(Softplus, y),
        (Recip, Op::Unary(Exp, y)) => {
            let minus = b.neg(y);
            b.exp(minus)
        }
        (Log, Op::Unary(Recip, y)) => {
            let log = b.log(y);
            b.neg(log)
        }
        (Square, Op::Unary(Neg | Abs, y)) => b.square(y),
        (Square, Op::Unary(Sqrt, y)) => y,
        (Sqrt, Op::Unary(Square, y)) => b.unary(Abs, y),
        (Abs, Op::Unary(Neg | Abs, y)) => b.unary(Abs, y),
        (Abs, Op::Unary(Exp | Square | Sigmoid | Softplus | Relu | Sqrt, _)) => x,
        (Neg, Op::Unary(Softplus, y)) => match *b.op(y) {
            Op::Unary(Neg, z) => b.unary(LogSigmoid, z),
            _ => return None,
        },
        _ => return None,
    })
}

fn binary(b: &mut Builder, op: Binary, x: NodeId, y: NodeId, shape: &[usize]) -> Option<NodeId> {
    use Binary::*;
    let (left, right) = (b.as_literal(x), b.as_literal(y));
    if let (Some(c), Some(d)) = (left, right) {
        return Some(b.literal((op.row().scalar)(c, d), shape));
    }
    if matches!(op, Add | Mul | Min | Max | Equal) && (left.is_some() || (right.is_none() && y < x)) {
        // One order for commutative operations: numbers last, else the earlier node first.
        return Some(b.binary(op, y, x));
    }
    match right {
        Some(c) => beside_number(b, op, x, c, shape),
        None => beside_value(b, op, x, y, shape),
    }
}

/// Laws of `x op c`.
fn beside_number(b: &mut Builder, op: Binary, x: NodeId, c: f64, shape: &[usize]) -> Option<NodeId> {
    use Binary::*;
    Some(match (op, c, b.op(x).clone()) {
        (Add | Sub, 0.0, _) | (Mul | Div | Pow, 1.0, _) => x,
        (Sub, c, _) => b.shift(x, -c),
        (Mul, 0.0, _) => b.literal(0.0, shape),
        (Mul | Div, -1.0, _) => b.neg(x),
        (Div, c, _) => b.scale(x, 1.0 / c),
        (Pow, 0.0, _) => b.literal(1.0, shape),
        (Pow, 2.0, _) => b.square(x),
        (Pow, 0.5, _) => b.unary(Unary::Sqrt, x),
        (Pow, -1.0, _) => b.unary(Unary::Recip, x),
        (Max, 0.0, _) => b.unary(Unary::Relu, x),
        (Mul, c, Op::Unary(Unary::Neg, y)) => b.scale(y, -c),
        (Mul, c, Op::Binary(Mul, y, z)) => {
            let d = b.as_literal(z)?;
            b.scale(y, c * d)
        }
        (Add, c, Op::Binary(Add, y, z)) => {
            let d = b.as_literal(z)?;
            b.shift(y, c + d)
        }
        _ => return None,
    })
}

/// Laws where neither operand is a number on the right.
fn beside_value(b: &mut Builder, op: Binary, x: NodeId, y: NodeId, shape: &[usize]) -> Option<NodeId> {
    use Binary::*;
    Some(match (op, b.op(x).clone(), b.op(y).clone()) {
        (Sub, ..) if x == y => b.literal(0.0, shape),
        (Mul, ..) if x == y => b.square(x),
        (Add, ..) if x == y => b.scale(x, 2.0),
        (Min | Max, ..) if x == y => x,
        (Sub, Op::Literal(0.0), _) => b.neg(y),
        (Div, Op::Literal(0.0), _) => b.literal(0.0, shape),
        (Div, Op::Literal(1.0), _) => b.unary(Unary::Recip, y),
        (Pow, Op::Literal(1.0), _) => b.literal(1.0, shape),
        (Add, _, Op::Unary(Unary::Neg, z)) => b.minus(x, z),
        (Add, Op::Unary(Unary::Neg, z), _) => b.minus(y, z),
        (Sub, _, Op::Unary(Unary::Neg, z)) => b.plus(x, z),
        (Mul | Div, Op::Unary(Unary::Neg, u), Op::Unary(Unary::Neg, v)) => b.binary(op, u, v),
        // A sign or a number goes outwards, unless its operand is the smaller one and gets it cheaper.
        (Mul | Div, Op::Unary(Unary::Neg, z), _) if b.shape(x) == shape => {
            let product = b.binary(op, z, y);
            b.neg(product)
        }
        (Mul | Div, _, Op::Unary(Unary::Neg, z)) if b.shape(y) == shape => {
            let product = b.binary(op, x, z);
            b.neg(product)
        }
        (Mul | Div, Op::Binary(Mul, z, c), _) if b.shape(x) == shape => {
            let c = b.as_literal(c)?;
            let product = b.binary(op, z, y);
            b.scale(product, c)
        }
        (Mul, _, Op::Binary(Mul, z, c)) if b.shape(y) == shape => {
            let c = b.as_literal(c)?;
            let product = b.times(x, z);
            b.scale(product, c)
        }
        _ => return None,
    })
}

fn select(b: &mut Builder, condition: NodeId, then: NodeId, other: NodeId, shape: &[usize]) -> Option<NodeId> {
    let taken = match b.as_literal(condition) {
        Some(c) if c != 0.0 => then,
        Some(_) => other,
        None if then == other => then,
        None => return None,
    };
    Some(b.expand(taken, shape))
}
