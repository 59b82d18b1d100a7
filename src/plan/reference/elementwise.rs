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
    match x {
        Operand::Out => out.iter_mut().for_each(|y| *y = f(*y)),
        Operand::At(x, _) => out.iter_mut().zip(x).for_each(|(y, x)| *y = f(*x)),
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

fn map2(a: Operand, b: Operand, shape: &[usize], out: &mut [f64], f: impl Fn(f64, f64) -> f64) {
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
        match (a, b) {
            (Operand::Out, Operand::Out) => out.iter_mut().for_each(|y| *y = f(*y, *y)),
            (Operand::Out, Operand::At(b, _)) if two => out.iter_mut().for_each(|y| *y = f(*y, b[j])),
            (Operand::Out, Operand::At(b, _)) => out.iter_mut().zip(&b[j..]).for_each(|(y, b)| *y = f(*y, *b)),
            (Operand::At(a, _), Operand::Out) if one => out.iter_mut().for_each(|y| *y = f(a[i], *y)),
            (Operand::At(a, _), Operand::Out) => out.iter_mut().zip(&a[i..]).for_each(|(y, a)| *y = f(*a, *y)),
            (Operand::At(a, _), Operand::At(b, _)) => match (one, two) {
                (true, true) => out.fill(f(a[i], b[j])),
                (true, false) => out.iter_mut().zip(&b[j..]).for_each(|(y, b)| *y = f(a[i], *b)),
                (false, true) => out.iter_mut().zip(&a[i..]).for_each(|(y, a)| *y = f(*a, b[j])),
                (false, false) => {
                    out.iter_mut().zip(&a[i..]).zip(&b[j..]).for_each(|((y, a), b)| *y = f(*a, *b));
                }
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
        for i in 0..n {
            let at = |k: usize, out: &[f64]| match operands[k] {
                Operand::Out => out[start[0] + i],
                Operand::At(x, _) => x[start[k + 1] + i * inner[k + 1]],
            };
            let taken = if at(0, out) != 0.0 { at(1, out) } else { at(2, out) };
            out[start[0] + i] = taken;
        }
    });
}
