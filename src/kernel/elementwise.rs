//! Loops over slices, an operation each: the functions of `function` where there is one, vectorized for the widest unit
//! this machine has; else the scalar function, in f64.

use super::function as f;
use super::gamma::{self, gamma_log_quantile, gamma_log_quantile_slopes};
use super::op::{Binary, Unary};
use super::real::Real;
use super::special;
use super::student;
use super::von_mises;

/// An operand: as many numbers as the result has, or one that is repeated.
#[derive(Debug, Clone, Copy)]
pub enum Side<'a, T> {
    One(T),
    Many(&'a [T]),
}

/// Compiles a loop for each vector unit and picks at run time. The body is the same, so the bits are.
macro_rules! vectorized {
    ($name:ident($($arg:ident: $type:ty),*) $body:block) => {
        fn $name<T: Real>($($arg: $type),*) {
            #[inline(always)]
            fn plain<T: Real>($($arg: $type),*) $body
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2")]
                fn wide<T: Real>($($arg: $type),*) {
                    plain($($arg),*)
                }
                #[target_feature(enable = "avx2")]
                fn middle<T: Real>($($arg: $type),*) {
                    plain($($arg),*)
                }
                use std::arch::is_x86_feature_detected as has;
                if has!("avx512f") && has!("avx512vl") && has!("avx512dq") && has!("avx512bw") && has!("avx2") {
                    // Safety: all that is enabled has just been found.
                    return unsafe { wide($($arg),*) };
                }
                if has!("avx2") {
                    // Safety: as above.
                    return unsafe { middle($($arg),*) };
                }
            }
            plain($($arg),*)
        }
    };
}

/// Loops over one operand.
macro_rules! maps {
    ($($name:ident: |$x:ident| $value:expr;)*) => {
        $(vectorized! { $name(x: &[T], out: &mut [T]) {
            // Not an iterator's closure, which may be compiled apart, without the vector unit.
            let n = out.len().min(x.len());
            let (x, out) = (&x[..n], &mut out[..n]);
            for i in 0..n {
                let $x = x[i];
                out[i] = $value;
            }
        } })*
    };
}

maps! {
    neg: |x| -x;
    exp: |x| f::exp(x);
    log: |x| f::log(x);
    log1p: |x| f::log1p(x);
    expm1: |x| f::expm1(x);
    sqrt: |x| x.sqrt();
    recip: |x| T::ONE / x;
    square: |x| x * x;
    abs: |x| x.abs();
    sign: |x| f::sign(x);
    tanh: |x| f::tanh(x);
    sigmoid: |x| f::sigmoid(x);
    log_sigmoid: |x| f::log_sigmoid(x);
    softplus: |x| f::softplus(x);
    relu: |x| f::relu(x);
    step: |x| f::step(x);
    round: |x| x.round_ties_even();
    floor: |x| x.floor();
}

/// `out = op(x)`, of slices of one length.
pub fn unary<T: Real>(op: Unary, x: &[T], out: &mut [T]) {
    match op {
        Unary::Neg => neg(x, out),
        Unary::Exp => exp(x, out),
        Unary::Log => log(x, out),
        Unary::Log1p => log1p(x, out),
        Unary::Expm1 => expm1(x, out),
        Unary::Sqrt => sqrt(x, out),
        Unary::Recip => recip(x, out),
        Unary::Square => square(x, out),
        Unary::Abs => abs(x, out),
        Unary::Sign => sign(x, out),
        Unary::Tanh => tanh(x, out),
        Unary::Sigmoid => sigmoid(x, out),
        Unary::LogSigmoid => log_sigmoid(x, out),
        Unary::Softplus => softplus(x, out),
        Unary::Relu => relu(x, out),
        Unary::Step => step(x, out),
        Unary::Round => round(x, out),
        Unary::Floor => floor(x, out),
        Unary::StopGradient => out.copy_from_slice(x),
        Unary::Sin => scalar(x, out, f64::sin),
        Unary::Cos => scalar(x, out, f64::cos),
        Unary::Erf => scalar(x, out, special::erf),
        Unary::Lgamma => scalar(x, out, special::lgamma),
        Unary::Digamma => scalar(x, out, special::digamma),
        Unary::Trigamma => scalar(x, out, special::trigamma),
        Unary::LogNormalCdf => scalar(x, out, special::log_normal_cdf),
        Unary::NormalLogQuantile => scalar(x, out, special::normal_log_quantile),
        Unary::LogBesselI0e => scalar(x, out, von_mises::log_bessel_i0e),
        Unary::BesselRatio => scalar(x, out, von_mises::bessel_ratio),
        Unary::LogCauchyCdf => scalar(x, out, special::log_cauchy_cdf),
    }
}

fn scalar<T: Real>(x: &[T], out: &mut [T], f: impl Fn(f64) -> f64) {
    out.iter_mut().zip(x).for_each(|(out, x)| *out = T::of(f(x.wide())));
}

/// Loops over two operands, of which either may be one number.
macro_rules! zips {
    ($($name:ident: |$x:ident, $y:ident| $value:expr;)*) => {
        $(vectorized! { $name(x: Side<T>, y: Side<T>, out: &mut [T]) {
            zip(x, y, out, #[inline(always)] |$x, $y| $value);
        } })*
    };
}

#[inline(always)]
fn zip<T: Real>(x: Side<T>, y: Side<T>, out: &mut [T], f: impl Fn(T, T) -> T) {
    let n = out.len();
    match (x, y) {
        (Side::Many(x), Side::Many(y)) => {
            let (x, y) = (&x[..n], &y[..n]);
            for i in 0..n {
                out[i] = f(x[i], y[i]);
            }
        }
        (Side::Many(x), Side::One(y)) => {
            let x = &x[..n];
            for i in 0..n {
                out[i] = f(x[i], y);
            }
        }
        (Side::One(x), Side::Many(y)) => {
            let y = &y[..n];
            for i in 0..n {
                out[i] = f(x, y[i]);
            }
        }
        (Side::One(x), Side::One(y)) => out.fill(f(x, y)),
    }
}

zips! {
    add: |x, y| x + y;
    sub: |x, y| x - y;
    mul: |x, y| x * y;
    div: |x, y| x / y;
    min: |x, y| f::minimum(x, y);
    max: |x, y| f::maximum(x, y);
    equal: |x, y| f::truth(x == y);
    less: |x, y| f::truth(x < y);
    less_equal: |x, y| f::truth(x <= y);
}

/// `out = op(x, y)`; slices are as long as the result.
pub fn binary<T: Real>(op: Binary, x: Side<T>, y: Side<T>, out: &mut [T]) {
    let wide = |f: fn(f64, f64) -> f64| move |x: T, y: T| T::of(f(x.wide(), y.wide()));
    match op {
        Binary::Add => add(x, y, out),
        Binary::Sub => sub(x, y, out),
        Binary::Mul => mul(x, y, out),
        Binary::Div => div(x, y, out),
        Binary::Min => min(x, y, out),
        Binary::Max => max(x, y, out),
        Binary::Equal => equal(x, y, out),
        Binary::Less => less(x, y, out),
        Binary::LessEqual => less_equal(x, y, out),
        Binary::Pow => zip(x, y, out, wide(f64::powf)),
        Binary::GammaLogQuantile => zip(x, y, out, wide(gamma_log_quantile)),
        Binary::GammaLogQuantileGrad => zip(x, y, out, wide(|a, t| gamma_log_quantile_slopes(a, t).0)),
        Binary::VonMisesQuantile => zip(x, y, out, wide(von_mises::von_mises_quantile)),
        Binary::VonMisesQuantileGrad => zip(x, y, out, wide(von_mises::von_mises_quantile_slope)),
        Binary::LogBeta => zip(x, y, out, wide(special::log_beta)),
        Binary::LogGammaLower => zip(x, y, out, wide(gamma::log_gamma_lower)),
        Binary::LogGammaLowerGrad => zip(x, y, out, wide(gamma::log_gamma_lower_slope)),
        Binary::LogGammaUpper => zip(x, y, out, wide(gamma::log_gamma_upper)),
        Binary::LogGammaUpperGrad => zip(x, y, out, wide(gamma::log_gamma_upper_slope)),
        Binary::LogStudentCdf => zip(x, y, out, wide(student::log_student_cdf)),
        Binary::LogStudentCdfGrad => zip(x, y, out, wide(student::log_student_cdf_slope)),
    }
}

vectorized! { choose(condition: &[T], then: Side<T>, other: Side<T>, out: &mut [T]) {
    match (then, other) {
        (Side::Many(x), Side::Many(y)) => {
            let pairs = condition.iter().zip(x.iter().zip(y));
            out.iter_mut().zip(pairs).for_each(|(out, (c, (x, y)))| *out = if *c == T::ZERO { *y } else { *x });
        }
        (Side::Many(x), Side::One(y)) => {
            let pairs = condition.iter().zip(x);
            out.iter_mut().zip(pairs).for_each(|(out, (c, x))| *out = if *c == T::ZERO { y } else { *x });
        }
        (Side::One(x), Side::Many(y)) => {
            let pairs = condition.iter().zip(y);
            out.iter_mut().zip(pairs).for_each(|(out, (c, y))| *out = if *c == T::ZERO { *y } else { x });
        }
        (Side::One(x), Side::One(y)) => {
            out.iter_mut().zip(condition).for_each(|(out, c)| *out = if *c == T::ZERO { y } else { x });
        }
    }
} }

/// `then` where the condition is not 0, else `other`.
pub fn select<T: Real>(condition: Side<T>, then: Side<T>, other: Side<T>, out: &mut [T]) {
    match condition {
        Side::Many(condition) => choose(condition, then, other, out),
        Side::One(c) => match if c == T::ZERO { other } else { then } {
            Side::One(x) => out.fill(x),
            Side::Many(x) => out.copy_from_slice(x),
        },
    }
}

#[cfg(test)]
mod tests;
