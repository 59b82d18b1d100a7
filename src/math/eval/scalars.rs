//! Operations of one number and of two, for the interpreter and for what is constant.

use crate::kernel::{gamma, special, student, von_mises};
use crate::math::{Binary, Unary};

pub fn unary(op: Unary, x: f64) -> f64 {
    match op {
        Unary::Neg => -x,
        Unary::Exp => x.exp(),
        Unary::Log => x.ln(),
        Unary::Log1p => x.ln_1p(),
        Unary::Expm1 => x.exp_m1(),
        Unary::Sqrt => x.sqrt(),
        Unary::Abs => x.abs(),
        Unary::Sin => x.sin(),
        Unary::Cos => x.cos(),
        Unary::Tanh => x.tanh(),
        Unary::Sigmoid => special::sigmoid(x),
        Unary::LogSigmoid => special::log_sigmoid(x),
        Unary::Softplus => special::softplus(x),
        Unary::Relu => x.max(0.0),
        Unary::Elu => {
            if x > 0.0 {
                x
            } else {
                x.exp_m1()
            }
        }
        Unary::Gelu => x * special::normal_cdf(x),
        Unary::Erf => special::erf(x),
        Unary::Lgamma => special::lgamma(x),
        Unary::Digamma => special::digamma(x),
        Unary::LogNormalCdf => special::log_normal_cdf(x),
        Unary::NormalLogQuantile => special::normal_log_quantile(x),
        Unary::LogBesselI0e => von_mises::log_bessel_i0e(x),
        Unary::BesselRatio => von_mises::bessel_ratio(x),
        Unary::LogCauchyCdf => special::log_cauchy_cdf(x),
        Unary::Logit => (x / (1.0 - x)).ln(),
        Unary::Round => x.round_ties_even(),
        Unary::Floor => x.floor(),
        Unary::Not => f64::from(x == 0.0),
        Unary::StopGradient => x,
    }
}

pub fn binary(op: Binary, x: f64, y: f64) -> f64 {
    match op {
        Binary::Add => x + y,
        Binary::Sub => x - y,
        Binary::Mul => x * y,
        Binary::Div => x / y,
        Binary::Pow => x.powf(y),
        Binary::Min => x.min(y),
        Binary::Max => x.max(y),
        Binary::Equal => f64::from(x == y),
        Binary::NotEqual => f64::from(x != y),
        Binary::Less => f64::from(x < y),
        Binary::LessEqual => f64::from(x <= y),
        Binary::Greater => f64::from(x > y),
        Binary::GreaterEqual => f64::from(x >= y),
        Binary::And => f64::from(x != 0.0 && y != 0.0),
        Binary::Or => f64::from(x != 0.0 || y != 0.0),
        Binary::GammaLogQuantile => gamma::gamma_log_quantile(x, y),
        Binary::VonMisesQuantile => von_mises::von_mises_quantile(x, y),
        Binary::LogBeta => special::log_beta(x, y),
        Binary::LogGammaLower => gamma::log_gamma_lower(x, y),
        Binary::LogGammaUpper => gamma::log_gamma_upper(x, y),
        Binary::LogStudentCdf => student::log_student_cdf(x, y),
    }
}
