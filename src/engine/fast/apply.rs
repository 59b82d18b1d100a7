//! One elementwise operation on slices of equal length.

use super::real::Real;
use super::vector::fastest;
use crate::kernel::gamma::{gamma_log_quantile, gamma_log_quantile_slopes};
use crate::kernel::special;
use crate::plan::{Binary, Unary};

pub(super) fn unary<T: Real>(op: Unary, x: &[T], out: &mut [T]) {
    match op {
        Unary::Neg => negate(x, out),
        Unary::Recip => reciprocal(x, out),
        Unary::Square => product(x, x, out),
        Unary::StopGradient => out.copy_from_slice(x),
        Unary::Relu => rectify(x, out),
        Unary::Step => step(x, out),
        Unary::Exp => map(x, out, f64::exp),
        Unary::Log => map(x, out, f64::ln),
        Unary::Log1p => map(x, out, f64::ln_1p),
        Unary::Expm1 => map(x, out, f64::exp_m1),
        Unary::Sqrt => map(x, out, f64::sqrt),
        Unary::Abs => map(x, out, f64::abs),
        Unary::Sign => map(x, out, |x| {
            if x > 0.0 {
                1.0
            } else if x < 0.0 {
                -1.0
            } else {
                0.0
            }
        }),
        Unary::Sin => map(x, out, f64::sin),
        Unary::Cos => map(x, out, f64::cos),
        Unary::Tanh => map(x, out, f64::tanh),
        Unary::Sigmoid => map(x, out, special::sigmoid),
        Unary::LogSigmoid => map(x, out, special::log_sigmoid),
        Unary::Softplus => map(x, out, special::softplus),
        Unary::Erf => map(x, out, special::erf),
        Unary::Lgamma => map(x, out, special::lgamma),
        Unary::Digamma => map(x, out, special::digamma),
        Unary::Trigamma => map(x, out, special::trigamma),
        Unary::Round => map(x, out, f64::round_ties_even),
        Unary::Floor => map(x, out, f64::floor),
    }
}

pub(super) fn binary<T: Real>(op: Binary, a: &[T], b: &[T], out: &mut [T]) {
    match op {
        Binary::Add => add(a, b, out),
        Binary::Sub => subtract(a, b, out),
        Binary::Mul => product(a, b, out),
        Binary::Div => divide(a, b, out),
        Binary::Pow => pairs(a, b, out, f64::powf),
        Binary::Min => pairs(a, b, out, |a, b| if b < a { b } else { a }),
        Binary::Max => pairs(a, b, out, |a, b| if a < b { b } else { a }),
        Binary::Equal => pairs(a, b, out, |a, b| f64::from(u8::from(a == b))),
        Binary::Less => pairs(a, b, out, |a, b| f64::from(u8::from(a < b))),
        Binary::LessEqual => pairs(a, b, out, |a, b| f64::from(u8::from(a <= b))),
        Binary::GammaLogQuantile => pairs(a, b, out, gamma_log_quantile),
        Binary::GammaLogQuantileGrad => pairs(a, b, out, |a, t| gamma_log_quantile_slopes(a, t).0),
    }
}

fn map<T: Real>(x: &[T], out: &mut [T], f: impl Fn(f64) -> f64) {
    out.iter_mut().zip(x).for_each(|(out, x)| *out = T::of(f(x.wide())));
}

fn pairs<T: Real>(a: &[T], b: &[T], out: &mut [T], f: impl Fn(f64, f64) -> f64) {
    out.iter_mut().zip(a.iter().zip(b)).for_each(|(out, (a, b))| *out = T::of(f(a.wide(), b.wide())));
}

fastest! {
    fn negate<T: Real>(x: &[T], out: &mut [T]) {
        out.iter_mut().zip(x).for_each(|(out, x)| *out = T::ZERO - *x);
    }
    fn reciprocal<T: Real>(x: &[T], out: &mut [T]) {
        out.iter_mut().zip(x).for_each(|(out, x)| *out = T::ONE / *x);
    }
    fn rectify<T: Real>(x: &[T], out: &mut [T]) {
        out.iter_mut().zip(x).for_each(|(out, x)| *out = if *x < T::ZERO { T::ZERO } else { *x });
    }
    fn step<T: Real>(x: &[T], out: &mut [T]) {
        out.iter_mut().zip(x).for_each(|(out, x)| *out = if *x > T::ZERO { T::ONE } else { T::ZERO });
    }
    fn add<T: Real>(a: &[T], b: &[T], out: &mut [T]) {
        out.iter_mut().zip(a.iter().zip(b)).for_each(|(out, (a, b))| *out = *a + *b);
    }
    fn subtract<T: Real>(a: &[T], b: &[T], out: &mut [T]) {
        out.iter_mut().zip(a.iter().zip(b)).for_each(|(out, (a, b))| *out = *a - *b);
    }
    fn product<T: Real>(a: &[T], b: &[T], out: &mut [T]) {
        out.iter_mut().zip(a.iter().zip(b)).for_each(|(out, (a, b))| *out = *a * *b);
    }
    fn divide<T: Real>(a: &[T], b: &[T], out: &mut [T]) {
        out.iter_mut().zip(a.iter().zip(b)).for_each(|(out, (a, b))| *out = *a / *b);
    }
    /// `then` where the condition is not 0.
    fn select<T: Real>(condition: &[T], then: &[T], other: &[T], out: &mut [T]) {
        for (i, out) in out.iter_mut().enumerate() {
            *out = if condition[i] == T::ZERO { other[i] } else { then[i] };
        }
    }
}
