//! Elementary functions without a branch, in plain additions and multiplications, so that a loop over them is
//! vectorized and gives the same bits on every vector unit. Exponentials and logarithms reduce their argument by powers of two
//! (Cody & Waite 1980), then take a series; what overflows, vanishes or is no number comes out as in the standard
//! library. The relative errors, in units of the last place, are those of `ERRORS` in the tests.

use super::real::Real;

/// c0 + c1 x + c2 x^2 + ...
#[inline(always)]
fn series<T: Real>(coefficients: &[T], x: T) -> T {
    let mut sum = T::ZERO;
    for c in coefficients.iter().rev() {
        sum = sum * x + *c;
    }
    sum
}

/// One of two numbers that are both there already: not a branch, which would keep a loop from being vectorized.
#[inline(always)]
fn pick<T>(first: bool, x: T, y: T) -> T {
    if first { x } else { y }
}

#[inline(always)]
fn clamped<T: Real>(x: T, low: T, high: T) -> T {
    // Written so that NaN stays.
    let x = pick(x < low, low, x);
    pick(x > high, high, x)
}

/// `(r, n)` with x = r + n ln 2 and |r| <= ln 2 / 2.
#[inline(always)]
fn reduced<T: Real>(x: T) -> (T, T) {
    let n = (x * T::LOG2_E).whole();
    ((x - n * T::LN_2[0]) - n * T::LN_2[1], n)
}

#[inline(always)]
pub fn exp<T: Real>(x: T) -> T {
    let (r, n) = reduced(clamped(x, T::EXP_RANGE[0], T::EXP_RANGE[1]));
    let p = T::ONE + (r + r * r * series(T::EXP, r));
    // In two steps: the power itself may be too small or too large where the product is not.
    let half = (n * T::HALF).whole();
    p * T::two_to(half) * T::two_to(n - half)
}

#[inline(always)]
pub fn expm1<T: Real>(x: T) -> T {
    // From -60 on it is -1.
    let (r, n) = reduced(clamped(x, T::of(-60.0), T::EXP_RANGE[1]));
    let p = r + r * r * series(T::EXP, r);
    let half = T::two_to(n - T::ONE);
    let y = half * p + (half - T::HALF);
    let y = y + y;
    // Keeps the sign of zero.
    pick(x == T::ZERO, x, y)
}

/// ln(1 + f) + k ln 2 + c, for f in [sqrt(1/2) - 1, sqrt(2) - 1]: with s = f / (2 + f), ln(1 + f) is 2 artanh(s), and
/// f - (f^2/2 - s (f^2/2 + R(s^2))) loses the fewest digits of f.
#[inline(always)]
fn log_from<T: Real>(f: T, k: T, c: T) -> T {
    let s = f / (T::ONE + T::ONE + f);
    let z = s * s;
    let square = T::HALF * f * f;
    let rest = s * (square + z * series(T::LOG, z));
    k * T::LN_2[0] - ((square - (rest + (k * T::LN_2[1] + c))) - f)
}

/// The logarithm where it is finite, and what it is elsewhere.
#[inline(always)]
fn or_special<T: Real>(log: T, x: T) -> T {
    let log = pick(x == T::ZERO, -T::INFINITY, log);
    let log = pick(x < T::ZERO, T::NAN, log);
    // Infinity, and NaN.
    pick(x < T::INFINITY, log, x)
}

#[inline(always)]
pub fn log<T: Real>(x: T) -> T {
    let (m, k) = x.split();
    or_special(log_from(m - T::ONE, k, T::ZERO), x)
}

#[inline(always)]
pub fn log1p<T: Real>(x: T) -> T {
    let u = T::ONE + x;
    let (m, k) = u.split();
    // Near 0 the argument itself is the better f: 1 + x has lost its digits. Elsewhere the correction is what rounding
    // took from 1 + x.
    let near = k == T::ZERO;
    let lost = pick(k > T::ONE, T::ONE - (u - x), x - (u - T::ONE));
    let lost = pick(near, T::ZERO, lost);
    let f = pick(near, x, m - T::ONE);
    let y = or_special(log_from(f, k, lost / u), u);
    pick(x == T::ZERO, x, y)
}

/// With E = e^(2|x|) - 1: E / (E + 2).
#[inline(always)]
pub fn tanh<T: Real>(x: T) -> T {
    // From 22 on it is 1.
    let twice = clamped(x.abs() + x.abs(), T::ZERO, T::of(44.0));
    let e = expm1(twice);
    (e / (e + T::ONE + T::ONE)).copysign(x)
}

#[inline(always)]
pub fn sigmoid<T: Real>(x: T) -> T {
    let e = exp(-x.abs());
    let top = pick(x < T::ZERO, e, T::ONE);
    top / (T::ONE + e)
}

/// ln(1 + e) for e in [0, 1], where the power of two is 1 or 2: above sqrt(2) - 1, f is (1 + e) / 2 - 1, in which no digit
/// that counts is lost.
#[inline(always)]
fn log1p_of_part<T: Real>(e: T) -> T {
    let upper = e > T::of(std::f64::consts::SQRT_2 - 1.0);
    let f = pick(upper, (e - T::ONE) * T::HALF, e);
    log_from(f, pick(upper, T::ONE, T::ZERO), T::ZERO)
}

/// ln(1 + e^x) = max(x, 0) + ln(1 + e^-|x|)
#[inline(always)]
pub fn softplus<T: Real>(x: T) -> T {
    let top = pick(x < T::ZERO, T::ZERO, x);
    top + log1p_of_part(exp(-x.abs()))
}

/// -softplus(-x)
#[inline(always)]
pub fn log_sigmoid<T: Real>(x: T) -> T {
    -softplus(-x)
}

#[inline(always)]
pub fn sign<T: Real>(x: T) -> T {
    // Zero, and NaN, are their own sign.
    pick(x == T::ZERO || x.is_nan(), x, T::ONE.copysign(x))
}

/// NaN stays.
#[inline(always)]
pub fn relu<T: Real>(x: T) -> T {
    pick(x < T::ZERO, T::ZERO, x)
}

#[inline(always)]
pub fn step<T: Real>(x: T) -> T {
    pick(x > T::ZERO, T::ONE, T::ZERO)
}

/// The left one at a tie; NaN where either is.
#[inline(always)]
pub fn minimum<T: Real>(x: T, y: T) -> T {
    pick(x <= y || x.is_nan(), x, y)
}

/// The left one at a tie; NaN where either is.
#[inline(always)]
pub fn maximum<T: Real>(x: T, y: T) -> T {
    pick(x >= y || x.is_nan(), x, y)
}

#[inline(always)]
pub fn truth<T: Real>(holds: bool) -> T {
    pick(holds, T::ONE, T::ZERO)
}
