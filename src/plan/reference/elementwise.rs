//! Elementwise operations, operands repeated along axes of 1, possibly writing over one of them. Functions are those
//! of the standard library and `kernel::special`, not the kernels that are tested against them.

use crate::kernel::nest::{Nest, repeating_strides, strides};
use crate::plan::ops::{maximum, minimum, relu, step};
use crate::plan::{Binary, Unary};

/// Where an operand is.
#[derive(Clone, Copy)]
pub(super) enum Operand<'a> {
    /// In the result's own buffer, of its shape.
    Out,
    /// Numbers and their shape.
    At(&'a [f64], &'a [usize]),
}

/// `$body` for every element, written into the loop: a function called for each one would take most of a build without
/// optimization.
macro_rules! map {
    ($x:ident, $out:ident, $v:ident => $body:expr) => {{
        let n = $out.len();
        match $x {
            Operand::Out => each!(i < n, {
                let $v = $out[i];
                $out[i] = $body;
            }),
            Operand::At(x, _) => {
                let x = &x[..n];
                each!(i < n, {
                    let $v = x[i];
                    $out[i] = $body;
                });
            }
        }
    }};
}

pub(super) fn unary(op: Unary, x: Operand, out: &mut [f64]) {
    match op {
        Unary::Neg => map!(x, out, x => -x),
        Unary::Sqrt => map!(x, out, x => x.sqrt()),
        Unary::Recip => map!(x, out, x => 1.0 / x),
        Unary::Square => map!(x, out, x => x * x),
        Unary::Abs => map!(x, out, x => x.abs()),
        Unary::Relu => map!(x, out, x => relu(x)),
        Unary::Step => map!(x, out, x => step(x)),
        Unary::Exp => map!(x, out, x => x.exp()),
        Unary::StopGradient => {
            if let Operand::At(x, _) = x {
                out.copy_from_slice(&x[..out.len()]);
            }
        }
        other => {
            let f = other.row().scalar;
            map!(x, out, x => f(x));
        }
    }
}

/// `$body` for every pair of elements of operands that are repeated along axes of 1.
macro_rules! map2 {
    ($a:ident, $b:ident, $shape:ident, $out:ident, $x:ident, $y:ident => $body:expr) => {{
        let nest = nest($a, $b, $shape);
        let [own, one, two] = nest.inner();
        nest.runs(|[o, i, j], n| match ($a, $b) {
            (Operand::Out, Operand::Out) => each!(t < n, {
                let ($x, $y) = ($out[o + t * own], $out[o + t * own]);
                $out[o + t * own] = $body;
            }),
            (Operand::Out, Operand::At(y, _)) => each!(t < n, {
                let ($x, $y) = ($out[o + t * own], y[j + t * two]);
                $out[o + t * own] = $body;
            }),
            (Operand::At(x, _), Operand::Out) => each!(t < n, {
                let ($x, $y) = (x[i + t * one], $out[o + t * own]);
                $out[o + t * own] = $body;
            }),
            (Operand::At(x, _), Operand::At(y, _)) => each!(t < n, {
                let ($x, $y) = (x[i + t * one], y[j + t * two]);
                $out[o + t * own] = $body;
            }),
        });
    }};
}

pub(super) fn binary(op: Binary, a: Operand, b: Operand, shape: &[usize], out: &mut [f64]) {
    match op {
        Binary::Add => map2!(a, b, shape, out, x, y => x + y),
        Binary::Sub => map2!(a, b, shape, out, x, y => x - y),
        Binary::Mul => map2!(a, b, shape, out, x, y => x * y),
        Binary::Div => map2!(a, b, shape, out, x, y => x / y),
        Binary::Min => map2!(a, b, shape, out, x, y => minimum(x, y)),
        Binary::Max => map2!(a, b, shape, out, x, y => maximum(x, y)),
        Binary::Equal => map2!(a, b, shape, out, x, y => f64::from(x == y)),
        Binary::Less => map2!(a, b, shape, out, x, y => f64::from(x < y)),
        other => {
            let f = other.row().scalar;
            map2!(a, b, shape, out, x, y => f(x, y));
        }
    }
}

/// Over the result and two operands. Elements do not depend on one another, so the longest loop may be inside.
fn nest(a: Operand, b: Operand, shape: &[usize]) -> Nest<3> {
    let own = strides(shape);
    let along = |x: Operand| match x {
        Operand::Out => own.clone(),
        Operand::At(_, from) => repeating_strides(from, shape),
    };
    Nest::new(shape, [&own, &along(a), &along(b)]).longest_inside()
}

pub(super) fn select(operands: [Operand; 3], shape: &[usize], out: &mut [f64]) {
    let own = strides(shape);
    let along = |x: Operand| match x {
        Operand::Out => own.clone(),
        Operand::At(_, from) => repeating_strides(from, shape),
    };
    let steps = operands.map(along);
    let nest = Nest::new(shape, [&own, &steps[0], &steps[1], &steps[2]]).longest_inside();
    let inner = nest.inner();
    nest.runs(|start, n| {
        let at = |k: usize, i: usize, out: &[f64]| match operands[k] {
            Operand::Out => out[start[0] + i * inner[0]],
            Operand::At(x, _) => x[start[k + 1] + i * inner[k + 1]],
        };
        each!(i < n, {
            let taken = if at(0, i, out) != 0.0 { 1 } else { 2 };
            out[start[0] + i * inner[0]] = at(taken, i, out);
        });
    });
}
