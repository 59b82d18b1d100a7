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

pub(super) fn unary(op: Unary, x: Operand, out: &mut [f64]) {
    match op {
        Unary::Neg => map(x, out, |x| -x),
        Unary::Sqrt => map(x, out, f64::sqrt),
        Unary::Recip => map(x, out, f64::recip),
        Unary::Square => map(x, out, |x| x * x),
        Unary::Abs => map(x, out, f64::abs),
        Unary::Relu => map(x, out, relu),
        Unary::Step => map(x, out, step),
        Unary::Exp => map(x, out, f64::exp),
        Unary::StopGradient => map(x, out, |x| x),
        other => map(x, out, other.row().scalar),
    }
}

fn map(x: Operand, out: &mut [f64], f: impl Fn(f64) -> f64) {
    let n = out.len();
    match x {
        Operand::Out => each!(i < n, out[i] = f(out[i])),
        Operand::At(x, _) => {
            let x = &x[..n];
            each!(i < n, out[i] = f(x[i]));
        }
    }
}

pub(super) fn binary(op: Binary, a: Operand, b: Operand, shape: &[usize], out: &mut [f64]) {
    match op {
        Binary::Add => map2(a, b, shape, out, |x, y| x + y),
        Binary::Sub => map2(a, b, shape, out, |x, y| x - y),
        Binary::Mul => map2(a, b, shape, out, |x, y| x * y),
        Binary::Div => map2(a, b, shape, out, |x, y| x / y),
        Binary::Min => map2(a, b, shape, out, minimum),
        Binary::Max => map2(a, b, shape, out, maximum),
        Binary::Equal => map2(a, b, shape, out, |x, y| f64::from(x == y)),
        Binary::Less => map2(a, b, shape, out, |x, y| f64::from(x < y)),
        other => map2(a, b, shape, out, other.row().scalar),
    }
}

fn map2<'a>(a: Operand<'a>, b: Operand<'a>, shape: &[usize], out: &mut [f64], f: impl Fn(f64, f64) -> f64) {
    let own = strides(shape);
    let along = |x: Operand| match x {
        Operand::Out => own.clone(),
        Operand::At(_, from) => repeating_strides(from, shape),
    };
    let nest = Nest::new(shape, [&own, &along(a), &along(b)]);
    // The innermost step of an operand is 1, or 0 where it is repeated.
    let [_, one, two] = nest.inner().map(|step| step == 0);
    nest.runs(|[o, i, j], n| {
        let out = &mut out[o..o + n];
        let many = |x: Operand<'a>, start: usize, one: bool| match x {
            Operand::At(x, _) if !one => &x[start..start + n],
            Operand::At(x, _) => &x[start..start + 1],
            Operand::Out => &[],
        };
        let (x, y) = (many(a, i, one), many(b, j, two));
        match (a, b) {
            (Operand::Out, Operand::Out) => each!(t < n, out[t] = f(out[t], out[t])),
            (Operand::Out, _) if two => each!(t < n, out[t] = f(out[t], y[0])),
            (Operand::Out, _) => each!(t < n, out[t] = f(out[t], y[t])),
            (_, Operand::Out) if one => each!(t < n, out[t] = f(x[0], out[t])),
            (_, Operand::Out) => each!(t < n, out[t] = f(x[t], out[t])),
            _ => match (one, two) {
                (true, true) => out.fill(f(x[0], y[0])),
                (true, false) => each!(t < n, out[t] = f(x[0], y[t])),
                (false, true) => each!(t < n, out[t] = f(x[t], y[0])),
                (false, false) => each!(t < n, out[t] = f(x[t], y[t])),
            },
        }
    });
}

pub(super) fn select(operands: [Operand; 3], shape: &[usize], out: &mut [f64]) {
    let own = strides(shape);
    let along = |x: Operand| match x {
        Operand::Out => own.clone(),
        Operand::At(_, from) => repeating_strides(from, shape),
    };
    let steps = operands.map(along);
    let nest = Nest::new(shape, [&own, &steps[0], &steps[1], &steps[2]]);
    let inner = nest.inner();
    nest.runs(|start, n| {
        let at = |k: usize, i: usize, out: &[f64]| match operands[k] {
            Operand::Out => out[start[0] + i],
            Operand::At(x, _) => x[start[k + 1] + i * inner[k + 1]],
        };
        each!(i < n, {
            let taken = if at(0, i, out) != 0.0 { 1 } else { 2 };
            out[start[0] + i] = at(taken, i, out);
        });
    });
}
