//! The distribution function of Student's t on the log scale, and its derivative in the degrees of freedom.
//!
//! With a = df / 2, x = df / (df + z^2) and y = 1 - x, the mass beyond |z| on one side is I_x(a, 1/2) / 2, a regularized
//! incomplete beta function (DLMF 8.17). Every step carries its derivative in df along, z held fixed.

use std::f64::consts::LN_2;
use std::ops::{Add, Div, Mul, Sub};

use super::special::{log_beta, log_minus_digamma, log_normal_cdf};

/// ln P(T <= z), with a relative error below 2e-13 on both sides.
pub fn log_student_cdf(df: f64, z: f64) -> f64 {
    cdf(df, z).value
}

/// d ln P(T <= z) / d df, with a relative error below 1e-11 or an absolute one below 4e-15 (1 + z^2) / df: far towards
/// the Normal it is a small difference.
pub fn log_student_cdf_slope(df: f64, z: f64) -> f64 {
    cdf(df, z).slope
}

/// A number and its derivative in df.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Slope {
    value: f64,
    slope: f64,
}

fn constant(value: f64) -> Slope {
    Slope { value, slope: 0.0 }
}

impl Add for Slope {
    type Output = Slope;
    fn add(self, other: Slope) -> Slope {
        Slope { value: self.value + other.value, slope: self.slope + other.slope }
    }
}

impl Sub for Slope {
    type Output = Slope;
    fn sub(self, other: Slope) -> Slope {
        Slope { value: self.value - other.value, slope: self.slope - other.slope }
    }
}

impl Mul for Slope {
    type Output = Slope;
    fn mul(self, other: Slope) -> Slope {
        Slope { value: self.value * other.value, slope: self.slope * other.value + self.value * other.slope }
    }
}

impl Div for Slope {
    type Output = Slope;
    fn div(self, other: Slope) -> Slope {
        let value = self.value / other.value;
        Slope { value, slope: (self.slope - value * other.slope) / other.value }
    }
}

fn cdf(df: f64, z: f64) -> Slope {
    if df.is_nan() || z.is_nan() || df <= 0.0 {
        return constant(f64::NAN);
    }
    if z.is_infinite() {
        return constant(if z < 0.0 { f64::NEG_INFINITY } else { 0.0 });
    }
    if z == 0.0 {
        return constant(-LN_2);
    }
    if df.is_infinite() {
        return constant(log_normal_cdf(z));
    }
    let point = Point::of(df, z);
    if z * z <= 3.0 * df / (df + 2.0) {
        let half = point.middle();
        let p = if z < 0.0 { constant(0.5) - half } else { constant(0.5) + half };
        return Slope { value: p.value.ln(), slope: p.slope / p.value };
    }
    let log_tail = point.log_tail();
    if z < 0.0 {
        return log_tail;
    }
    // ln(1 - p)
    let p = log_tail.value.exp();
    Slope { value: (-p).ln_1p(), slope: -log_tail.slope * p / (1.0 - p) }
}

struct Point {
    a: Slope,
    x: Slope,
    y: Slope,
    /// ln [x^a y^(1/2) / B(a, 1/2)]
    log_power: Slope,
}

impl Point {
    fn of(df: f64, z: f64) -> Point {
        let share = z * z / df;
        let (x, y) =
            (1.0 / (1.0 + share), if share > 1.0 { 1.0 / (1.0 + share.recip()) } else { share / (1.0 + share) });
        // ln(1 + z^2 / df), also where the square is beyond what a number holds.
        let log = if share > 1e200 { 2.0 * z.abs().ln() - df.ln() } else { share.ln_1p() };
        let a = 0.5 * df;
        // d ln x / d df = y / df, and d ln y / d df = -x / df.
        let log_x = Slope { value: -log, slope: y / df };
        let log_y = Slope { value: if share > 1.0 { y.ln() } else { share.ln() - log }, slope: -x / df };
        let a = Slope { value: a, slope: 0.5 };
        let log_power = a * log_x + constant(0.5) * log_y - log_beta_half(a);
        Point { a, x: Slope { value: x, slope: x * y / df }, y: Slope { value: y, slope: -x * y / df }, log_power }
    }

    /// P(0 < T < |z|) = y^(1/2) x^a / B(a, 1/2) sum_n (a + 1/2)_n / (3/2)_n y^n (DLMF 8.17.8), whose terms are positive
    /// and fall at least by 0.6 in the end where z^2 <= 3 df / (df + 2).
    fn middle(&self) -> Slope {
        let (mut term, mut sum) = (constant(1.0), constant(1.0));
        for n in 0..1000 {
            let n = f64::from(n);
            term = term * (self.a + constant(0.5 + n)) * self.y / constant(1.5 + n);
            sum = sum + term;
            let small = |term: f64, sum: f64| term.abs() <= 0.1 * f64::EPSILON * sum.abs();
            if small(term.value, sum.value) && (small(term.slope, sum.slope) || term.slope == 0.0) {
                break;
            }
        }
        let power = self.log_power.value.exp();
        Slope { value: power, slope: power * self.log_power.slope } * sum
    }

    /// ln [I_x(a, 1/2) / 2] by the even part of the continued fraction DLMF 8.17.22, whose denominators do not cancel
    /// where a is large (Didonato & Morris, "Algorithm 708", ACM TOMS 18, 1992), by Lentz's method.
    fn log_tail(&self) -> Slope {
        let (a, x, y) = (self.a, self.x, self.y);
        let below = |m: f64| {
            let m_ = constant(m);
            let first = m_ * constant(0.5 - m) * x / (a + constant(2.0 * m - 1.0));
            let lean = a * y - constant(0.5) * x + constant(1.0) + m_ * (constant(1.0) + y);
            m_ + if m > 0.0 { first } else { constant(0.0) } + (a + m_) * lean / (a + constant(2.0 * m + 1.0))
        };
        let above = |m: f64| {
            let odd = a + constant(2.0 * m - 1.0);
            let (before, half) = (a + constant(m - 1.0), a + constant(m - 0.5));
            before / odd * half / odd * constant(m * (0.5 - m)) * x * x
        };
        let mut value = below(0.0);
        let (mut c, mut d) = (value, constant(0.0));
        for m in 1..100_000 {
            let m = f64::from(m);
            let (top, bottom) = (above(m), below(m));
            d = constant(1.0) / (bottom + top * d);
            c = bottom + top / c;
            let change = c * d;
            value = value * change;
            let still = change.slope.abs() <= f64::EPSILON * (value.slope / value.value).abs();
            if (change.value - 1.0).abs() <= f64::EPSILON && (still || change.slope.abs() < 1e-300) {
                break;
            }
        }
        let log = Slope { value: value.value.ln(), slope: value.slope / value.value };
        self.log_power - log - constant(LN_2)
    }
}

/// ln B(a, 1/2); its derivative digamma(a) - digamma(a + 1/2) does not cancel where a is large.
fn log_beta_half(a: Slope) -> Slope {
    let gap = if a.value < 0.1 {
        super::special::digamma(a.value) - super::special::digamma(a.value + 0.5)
    } else {
        log_minus_digamma(a.value + 0.5) - log_minus_digamma(a.value) - (0.5 / a.value).ln_1p()
    };
    Slope { value: log_beta(a.value, 0.5), slope: a.slope * gap }
}

#[cfg(test)]
mod tests {
    use super::*;
    use statrs::distribution::{ContinuousCDF, StudentsT};

    /// Degrees of freedom, place, ln of the distribution function and its derivative in df, in 50-digit arithmetic.
    #[allow(clippy::excessive_precision)]
    const EXACT: [(f64, f64, f64, f64); 25] = [
        (0.01, -3.0, -0.73405259142864985, -3.58676845297337),
        (0.01, -0.001, -0.69324649712391853, -0.00489820393540888),
        (0.5, -40.0, -2.9817327268074684, -3.96485667905956),
        (0.5, 0.5, -0.47587529211217073, 0.133463704125469),
        (1.0, -1.0, -1.3862943611198906, -0.264811921877847),
        (1.0, -1000000.0, -14.960240443814008, -13.6223633774051),
        (2.0, 2.5, -0.067001135001690361, 0.0331066236448221),
        (3.0, -0.01, -0.70052522006601783, -0.000196110505671922),
        (3.0, -1.2, -1.8443311128882727, -0.0817189143463762),
        (3.0, -1.4, -2.0556963875499708, -0.111123834185812),
        (3.0, -100.0, -13.718147068015281, -3.69630813992348),
        (3.0, 4.0, -0.014103212426294771, 0.00880667648037311),
        (7.5, -1e+30, -512.4853862112368, -67.6323616978092),
        (30.0, -1.6, -2.81275703440743, -0.00289429511016881),
        (30.0, -1.8, -3.1950974274996324, -0.00410054084498431),
        (30.0, -8.0, -19.581303156737295, -0.241720732331395),
        (100.0, 0.3, -0.48191418336443761, 5.03457907325873e-6),
        (1000.0, -2.0, -3.7772660345916263, -5.90360175516605e-6),
        (1000.0, -40.0, -481.8866575635933, -0.170370858368091),
        (100000.0, -1.7, -3.11076120868185, -3.48882489312555e-10),
        (100000.0, -5.0, -15.063313056198317, -1.68506184291389e-8),
        (10000000.0, -1.75, -3.2173976130053366, -3.82794864849791e-14),
        (1000000000.0, -3.0, -6.6077261968871098, -2.46232396282388e-17),
        (1000000000.0, -1.0, -1.8410216442466959, -7.62567637117697e-19),
        (1000000000.0, -30.0, -454.3210410067127, -2.02949508797929e-13),
    ];

    #[test]
    fn values_and_slopes_are_exact() {
        for (df, z, value, slope) in EXACT {
            let found = cdf(df, z);
            let near = |a: f64, b: f64, tolerance: f64| (a - b).abs() <= tolerance * b.abs();
            assert!(near(found.value, value, 2e-13), "ln F({z}; {df}) = {}, not {value}", found.value);
            // Far towards the Normal the derivative is a small difference of larger ones.
            let slack = 4e-15 * (1.0 + z * z) / df;
            let close = near(found.slope, slope, 1e-11) || (found.slope - slope).abs() < slack;
            assert!(close, "d ln F({z}; {df}) = {}, not {slope}", found.slope);
        }
    }

    #[test]
    fn another_library_agrees() {
        for df in [0.3, 1.0, 2.0, 3.0, 7.5, 40.0, 300.0] {
            let other = StudentsT::new(0.0, 1.0, df).unwrap();
            for step in -60..=60 {
                let z = f64::from(step) * 0.137;
                let (found, expected) = (log_student_cdf(df, z).exp(), other.cdf(z));
                assert!((found - expected).abs() < 1e-10, "F({z}; {df}) = {found}, not {expected}");
            }
        }
    }

    #[test]
    fn ends_are_limits() {
        let (inf, nan) = (f64::INFINITY, f64::NAN);
        assert_eq!([cdf(3.0, inf).value, cdf(3.0, -inf).value], [0.0, -inf]);
        assert_eq!(log_student_cdf(inf, -2.0), log_normal_cdf(-2.0));
        assert!([(nan, 1.0), (1.0, nan), (0.0, 1.0), (-1.0, 1.0)].iter().all(|(df, z)| cdf(*df, *z).value.is_nan()));
        assert_eq!(cdf(5.0, 0.0), Slope { value: -LN_2, slope: 0.0 });
        assert!(cdf(2.0, -1e200).value.is_finite());
    }
}
