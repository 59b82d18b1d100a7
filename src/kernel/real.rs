//! The two precisions, and what the vectorized functions need to know of them: bits and polynomials.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// `f32` or `f64`.
pub trait Real:
    Copy
    + PartialOrd
    + Send
    + Sync
    + std::fmt::Debug
    + 'static
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    const ZERO: Self;
    const ONE: Self;
    const HALF: Self;
    const INFINITY: Self;
    const NAN: Self;
    const LOG2_E: Self;
    /// ln 2 in two parts: the first has so few digits that its product with an exponent is exact.
    const LN_2: [Self; 2];
    /// Below the first e^x is 0, above the second infinite.
    const EXP_RANGE: [Self; 2];
    /// 1/2!, 1/3!, ...: for |r| <= ln 2 / 2 the next term is below half a unit in the last place.
    const EXP: &'static [Self];
    /// 2/3, 2/5, ...: of 2 artanh(s) / s - 2 in s^2, for s^2 <= 0.0295; cut off likewise.
    const LOG: &'static [Self];

    fn of(value: f64) -> Self;
    fn wide(self) -> f64;
    fn sqrt(self) -> Self;
    fn is_nan(self) -> bool;
    fn abs(self) -> Self;
    fn floor(self) -> Self;
    fn round_ties_even(self) -> Self;
    fn copysign(self, sign: Self) -> Self;
    /// The nearest whole number, of numbers up to a few thousand: without a branch or a conversion.
    fn whole(self) -> Self;
    /// 2^n for a whole n whose power is a normal number.
    fn two_to(n: Self) -> Self;
    /// `(m, k)` with x = m 2^k and m in [sqrt(1/2), sqrt(2)), for positive x, also subnormal; anything for others.
    fn split(self) -> (Self, Self);
}

macro_rules! real {
    ($type:ident, $bits:ident, mantissa $mantissa:expr, bias $bias:expr, ln2 $ln2:expr, exp $exp:expr, log $log:expr,
     range $range:expr) => {
        impl Real for $type {
            const ZERO: $type = 0.0;
            const ONE: $type = 1.0;
            const HALF: $type = 0.5;
            const INFINITY: $type = $type::INFINITY;
            const NAN: $type = $type::NAN;
            const LOG2_E: $type = std::$type::consts::LOG2_E;
            const LN_2: [$type; 2] = $ln2;
            const EXP_RANGE: [$type; 2] = $range;
            const EXP: &'static [$type] = &$exp;
            const LOG: &'static [$type] = &$log;

            #[inline(always)]
            fn of(value: f64) -> $type {
                value as $type
            }
            #[inline(always)]
            fn wide(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            fn sqrt(self) -> $type {
                self.sqrt()
            }
            #[inline(always)]
            fn is_nan(self) -> bool {
                self.is_nan()
            }
            #[inline(always)]
            fn abs(self) -> $type {
                self.abs()
            }
            #[inline(always)]
            fn floor(self) -> $type {
                self.floor()
            }
            #[inline(always)]
            fn round_ties_even(self) -> $type {
                self.round_ties_even()
            }
            #[inline(always)]
            fn copysign(self, sign: $type) -> $type {
                self.copysign(sign)
            }
            #[inline(always)]
            fn whole(self) -> $type {
                (self + Self::SHIFT) - Self::SHIFT
            }
            #[inline(always)]
            fn two_to(n: $type) -> $type {
                $type::from_bits((n + Self::SHIFT).to_bits().wrapping_add($bias) << $mantissa)
            }
            #[inline(always)]
            fn split(self) -> ($type, $type) {
                // Subnormal numbers are made normal first.
                let small = self < $type::MIN_POSITIVE;
                let up = ((1 as $bits) << ($mantissa + 2)) as $type;
                let scaled = self * up;
                let x = if small { scaled } else { self };
                let low = std::$type::consts::FRAC_1_SQRT_2.to_bits();
                let moved = x.to_bits().wrapping_add((1.0 as $type).to_bits() - low);
                let m = $type::from_bits((moved & ((1 << $mantissa) - 1)).wrapping_add(low));
                let shifted = $type::from_bits(Self::SHIFT.to_bits() | (moved >> $mantissa));
                let k = shifted - (Self::SHIFT + $bias as $type);
                let lower = k - ($mantissa + 2) as $type;
                (m, if small { lower } else { k })
            }
        }

        impl Shift for $type {
            const SHIFT: $type = 1.5 * ((1 as $bits) << $mantissa) as $type;
        }
    };
}

/// A number so large that adding it rounds to whole numbers, which then are its lowest bits.
trait Shift {
    const SHIFT: Self;
}

real!(
    f64, u64, mantissa 52, bias 1023,
    ln2 [0.693_147_180_369_123_8, 1.908_214_929_270_587_7e-10],
    exp [
        1. / 2., 1. / 6., 1. / 24., 1. / 120., 1. / 720., 1. / 5_040., 1. / 40_320., 1. / 362_880., 1. / 3_628_800.,
        1. / 39_916_800., 1. / 479_001_600., 1. / 6_227_020_800.
    ],
    log [2. / 3., 2. / 5., 2. / 7., 2. / 9., 2. / 11., 2. / 13., 2. / 15., 2. / 17., 2. / 19., 2. / 21.],
    range [-746.0, 710.0]
);
real!(
    f32, u32, mantissa 23, bias 127,
    ln2 [0.693_359_4, -2.121_944_4e-4],
    exp [1. / 2., 1. / 6., 1. / 24., 1. / 120., 1. / 720., 1. / 5_040.],
    log [2. / 3., 2. / 5., 2. / 7., 2. / 9.],
    range [-104.0, 89.0]
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_two_are_exact() {
        for n in -1022..=1023 {
            assert_eq!(f64::two_to(f64::from(n)), 2f64.powi(n));
        }
        for n in -126..=127 {
            assert_eq!(f32::two_to(n as f32), 2f32.powi(n));
        }
    }

    #[test]
    fn numbers_are_split_into_mantissa_and_exponent() {
        for x in [1.0, 0.75, 1.5, std::f64::consts::SQRT_2, 1e-300, 3e307, f64::MIN_POSITIVE, 5e-324, 1e-310] {
            let (m, k) = x.split();
            assert!((0.707..1.415).contains(&m), "{x}: {m}");
            assert_eq!(m * 2f64.powi(k as i32 / 2) * 2f64.powi(k as i32 - k as i32 / 2), x);
        }
        for x in [1.0f32, 0.75, 1.5, 1e-37, 3e38, f32::MIN_POSITIVE, 1e-45, 3e-40] {
            let (m, k) = x.split();
            assert!((0.707..1.415).contains(&m), "{x}: {m}");
            assert_eq!(f64::from(m) * 2f64.powi(k as i32), f64::from(x));
        }
    }
}
