//! The vector-Jacobian products of elementwise operations: a row each, `x` and `y` the operands, `out` the value.

use super::build::Builder;
use super::{Binary, NodeId, Op, Unary};
use crate::problem::Bug;

/// Whether the derivative is zero wherever it exists.
pub fn is_flat(op: &Op) -> bool {
    match op {
        Op::Unary(op, _) => {
            matches!(op, Unary::StopGradient | Unary::Sign | Unary::Step | Unary::Round | Unary::Floor)
        }
        Op::Binary(op, ..) => matches!(op, Binary::Equal | Binary::Less | Binary::LessEqual),
        _ => false,
    }
}

pub fn unary(b: &mut Builder, op: Unary, x: NodeId, out: NodeId, g: NodeId) -> NodeId {
    let slope = match op {
        Unary::Neg => return b.neg(g),
        Unary::Log => return b.over(g, x),
        Unary::Log1p => {
            let below = b.shift(x, 1.0);
            return b.over(g, below);
        }
        Unary::Exp => out,
        Unary::Expm1 => b.shift(out, 1.0),
        Unary::Sqrt => {
            let twice = b.scale(out, 2.0);
            return b.over(g, twice);
        }
        Unary::Recip => {
            let square = b.square(out);
            b.neg(square)
        }
        Unary::Square => b.scale(x, 2.0),
        Unary::Abs => b.unary(Unary::Sign, x),
        Unary::Sin => b.unary(Unary::Cos, x),
        Unary::Cos => {
            let sin = b.unary(Unary::Sin, x);
            b.neg(sin)
        }
        Unary::Tanh => {
            let square = b.square(out);
            let minus = b.neg(square);
            b.shift(minus, 1.0)
        }
        Unary::Sigmoid => {
            let minus = b.neg(out);
            let other = b.shift(minus, 1.0);
            b.times(out, other)
        }
        Unary::LogSigmoid => {
            let minus = b.neg(x);
            b.unary(Unary::Sigmoid, minus)
        }
        Unary::Softplus => b.unary(Unary::Sigmoid, x),
        Unary::Relu => b.unary(Unary::Step, x),
        Unary::Erf => {
            let square = b.square(x);
            let minus = b.neg(square);
            let bell = b.exp(minus);
            b.scale(bell, std::f64::consts::FRAC_2_SQRT_PI)
        }
        Unary::Lgamma => b.unary(Unary::Digamma, x),
        Unary::Digamma => b.unary(Unary::Trigamma, x),
        Unary::Trigamma => return missing(b, "the derivative of trigamma", g),
        Unary::Sign | Unary::Step | Unary::Round | Unary::Floor | Unary::StopGradient => b.number_like(0.0, g),
    };
    b.times(g, slope)
}

/// Only for operands that are wanted: a derivative that does not exist is no bug where nobody asks for it.
pub fn binary(
    b: &mut Builder,
    op: Binary,
    x: NodeId,
    y: NodeId,
    out: NodeId,
    g: NodeId,
    wants: &dyn Fn(NodeId) -> bool,
) -> Vec<(NodeId, NodeId)> {
    let mut list = vec![];
    if wants(x) {
        list.push((x, left(b, op, x, y, out, g)));
    }
    if wants(y) {
        list.push((y, right(b, op, x, y, out, g)));
    }
    list
}

fn left(b: &mut Builder, op: Binary, x: NodeId, y: NodeId, out: NodeId, g: NodeId) -> NodeId {
    match op {
        Binary::Add | Binary::Sub => g,
        Binary::Mul => b.times(g, y),
        Binary::Div => b.over(g, y),
        Binary::Pow => {
            let less = b.shift(y, -1.0);
            let power = b.binary(Binary::Pow, x, less);
            let slope = b.times(y, power);
            b.times(g, slope)
        }
        // At a tie the left one counts.
        Binary::Min => gated(b, Binary::LessEqual, x, y, g),
        Binary::Max => gated(b, Binary::LessEqual, y, x, g),
        Binary::GammaLogQuantile => {
            let slope = b.binary(Binary::GammaLogQuantileGrad, x, out);
            b.times(g, slope)
        }
        Binary::GammaLogQuantileGrad => missing(b, "the second derivative of a Gamma draw", g),
        Binary::Equal | Binary::Less | Binary::LessEqual => b.number_like(0.0, g),
    }
}

fn right(b: &mut Builder, op: Binary, x: NodeId, y: NodeId, out: NodeId, g: NodeId) -> NodeId {
    match op {
        Binary::Add => g,
        Binary::Sub => b.neg(g),
        Binary::Mul => b.times(g, x),
        Binary::Div => {
            let share = b.over(out, y);
            let slope = b.neg(share);
            b.times(g, slope)
        }
        Binary::Pow => {
            // x^y log x, which tends to 0 with x for a positive y.
            let zero = b.number_like(0.0, x);
            let positive = b.binary(Binary::Less, zero, x);
            let one = b.number_like(1.0, x);
            let safe = b.select(positive, x, one);
            let log = b.log(safe);
            let slope = b.times(out, log);
            b.times(g, slope)
        }
        Binary::Min => gated(b, Binary::Less, y, x, g),
        Binary::Max => gated(b, Binary::Less, x, y, g),
        // d ln z / du = 1 / (z p(z)), and ln(z p(z)) = a ln z - z - lgamma(a).
        Binary::GammaLogQuantile => {
            let (z, lgamma) = (b.exp(out), b.unary(Unary::Lgamma, x));
            let linear = b.times(x, out);
            let rest = b.plus(z, lgamma);
            let minus_log = b.minus(rest, linear);
            let slope = b.exp(minus_log);
            b.times(g, slope)
        }
        Binary::GammaLogQuantileGrad => missing(b, "the second derivative of a Gamma draw", g),
        Binary::Equal | Binary::Less | Binary::LessEqual => b.number_like(0.0, g),
    }
}

/// The gradient where `first` compares so with `second`.
fn gated(b: &mut Builder, compare: Binary, first: NodeId, second: NodeId, g: NodeId) -> NodeId {
    let gate = b.binary(compare, first, second);
    b.times(g, gate)
}

fn missing(b: &mut Builder, what: &str, g: NodeId) -> NodeId {
    b.fail(Bug(format!("{what} was asked for")));
    g
}
