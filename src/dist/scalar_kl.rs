//! The formulas of closed divergences between scalar families, of canonical arguments.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use super::kl::log_ratio;
use super::{Args, EULER_GAMMA, Kind, Statistic, row, von_mises};
use crate::math::{Graph, NodeId, Op, Unary};

/// log [((s1 + s2)^2 + (m1 - m2)^2) / (4 s1 s2)] (Chyzak & Nielsen 2019)
pub fn cauchy(g: &mut Graph, q: &Args, p: &Args) -> Option<NodeId> {
    let (sum, distance) = (g.add(q["scale"], p["scale"]), g.sub(q["loc"], p["loc"]));
    let (sum, distance) = (g.square(sum), g.square(distance));
    let (above, below) = (g.add(sum, distance), g.mul(q["scale"], p["scale"]));
    let ratio = log_ratio(g, above, below);
    Some(g.shift(ratio, -(4f64.ln())))
}

/// log(s2 / s1) + |d| / s2 + (s1 / s2) exp(-|d| / s1) - 1, d the distance of the locs.
pub fn laplace(g: &mut Graph, q: &Args, p: &Args) -> Option<NodeId> {
    let distance = g.sub(q["loc"], p["loc"]);
    let distance = g.abs(distance);
    let (far, near, ratio) = (g.div(distance, p["scale"]), g.div(distance, q["scale"]), g.div(q["scale"], p["scale"]));
    let near = g.neg(near);
    let near = g.exp(near);
    let near = g.mul(ratio, near);
    let log = log_ratio(g, p["scale"], q["scale"]);
    let sum = g.sum_of(&[log, far, near]);
    Some(g.shift(sum, -1.0))
}

/// log(2 b) + E |x - m| / b - H(q): the mean of a folded Normal is s sqrt(2 / pi) exp(-d^2 / 2 s^2) + d erf(d / s sqrt 2).
pub fn normal_laplace(g: &mut Graph, q: &Args, p: &Args) -> Option<NodeId> {
    let distance = g.sub(q["loc"], p["loc"]);
    let z = g.div(distance, q["scale"]);
    let square = g.square(z);
    let minus = g.scale(square, -0.5);
    let height = g.exp(minus);
    let height = g.scale(height, (2.0 / PI).sqrt());
    let peak = g.mul(q["scale"], height);
    let inner = g.scale(z, FRAC_1_SQRT_2);
    let erf = g.simple(Op::Unary(Unary::Erf, inner));
    let side = g.mul(distance, erf);
    let size = g.add(peak, side);
    let size = g.div(size, p["scale"]);
    let log_scale = g.log(p["scale"]);
    let own = entropy(g, Kind::Normal, q)?;
    let sum = g.add(size, log_scale);
    let sum = g.sub(sum, own);
    Some(g.shift(sum, 2f64.ln()))
}

/// log(s2 / s1) + gamma (s1 / s2 - 1) + d / s2 + exp(-d / s2) Gamma(1 + s1 / s2) - 1, d = m1 - m2.
pub fn gumbel(g: &mut Graph, q: &Args, p: &Args) -> Option<NodeId> {
    let distance = g.sub(q["loc"], p["loc"]);
    let (shift, ratio) = (g.div(distance, p["scale"]), g.div(q["scale"], p["scale"]));
    let more = g.shift(ratio, 1.0);
    let lgamma = g.lgamma(more);
    let rise = g.sub(lgamma, shift);
    let rise = g.exp(rise);
    let log = log_ratio(g, p["scale"], q["scale"]);
    let tilt = g.scale(ratio, EULER_GAMMA);
    let sum = g.sum_of(&[log, tilt, shift, rise]);
    Some(g.shift(sum, -1.0 - EULER_GAMMA))
}

/// log(s2) + d / s2 + exp(-d / s2 + s1^2 / (2 s2^2)) - H(q), d = m1 - m2.
pub fn normal_gumbel(g: &mut Graph, q: &Args, p: &Args) -> Option<NodeId> {
    let distance = g.sub(q["loc"], p["loc"]);
    let (shift, ratio) = (g.div(distance, p["scale"]), g.div(q["scale"], p["scale"]));
    let square = g.square(ratio);
    let half = g.scale(square, 0.5);
    let rise = g.sub(half, shift);
    let rise = g.exp(rise);
    let log_scale = g.log(p["scale"]);
    let own = entropy(g, Kind::Normal, q)?;
    let sum = g.sum_of(&[log_scale, shift, rise]);
    Some(g.sub(sum, own))
}

pub fn weibull(g: &mut Graph, q: &Args, p: &Args) -> Option<NodeId> {
    let ratio = g.div(p["shape"], q["shape"]);
    let more = g.shift(ratio, 1.0);
    let (lgamma, log_scale) = (g.lgamma(more), g.log(q["scale"]));
    let power = g.mul(p["shape"], log_scale);
    let power = g.add(power, lgamma);
    to_weibull(g, Kind::Weibull, q, p, power)
}

pub fn exponential_weibull(g: &mut Graph, q: &Args, p: &Args) -> Option<NodeId> {
    let more = g.shift(p["shape"], 1.0);
    let (lgamma, log_rate) = (g.lgamma(more), g.log(q["rate"]));
    let power = g.mul(p["shape"], log_rate);
    let power = g.sub(lgamma, power);
    to_weibull(g, Kind::Exponential, q, p, power)
}

pub fn gamma_weibull(g: &mut Graph, q: &Args, p: &Args) -> Option<NodeId> {
    let more = g.add(q["shape"], p["shape"]);
    let (above, below, log_rate) = (g.lgamma(more), g.lgamma(q["shape"]), g.log(q["rate"]));
    let power = g.mul(p["shape"], log_rate);
    let ratio = g.sub(above, below);
    let power = g.sub(ratio, power);
    to_weibull(g, Kind::Gamma, q, p, power)
}

pub fn log_normal_weibull(g: &mut Graph, q: &Args, p: &Args) -> Option<NodeId> {
    let (loc, spread) = (g.mul(p["shape"], q["loc"]), g.mul(p["shape"], q["scale"]));
    let square = g.square(spread);
    let half = g.scale(square, 0.5);
    let power = g.add(loc, half);
    to_weibull(g, Kind::LogNormal, q, p, power)
}

/// With k the shape, l the scale of p and `power` = log E_q x^k:
/// -H(q) - log(k) + k log(l) - (k - 1) E_q log x + E_q (x / l)^k.
fn to_weibull(g: &mut Graph, kind: Kind, q: &Args, p: &Args, power: NodeId) -> Option<NodeId> {
    let (own, log) = (entropy(g, kind, q)?, (row(kind).expect)(g, Statistic::Log, q)?);
    let (log_shape, log_scale) = (g.log(p["shape"]), g.log(p["scale"]));
    let scaled = g.mul(p["shape"], log_scale);
    let passed = g.sub(power, scaled);
    let passed = g.exp(passed);
    let less = g.shift(p["shape"], -1.0);
    let less = g.mul(less, log);
    let (above, below) = (g.add(scaled, passed), g.sum_of(&[own, log_shape, less]));
    Some(g.sub(above, below))
}

/// With A = E cos(x - m1): A (k1 - k2 cos(m1 - m2)) - k1 + k2 + log(I_0(k2) e^-k2) - log(I_0(k1) e^-k1).
pub fn von_mises(g: &mut Graph, q: &Args, p: &Args) -> Option<NodeId> {
    let (k1, k2) = (q["concentration"], p["concentration"]);
    let mean = von_mises::resultant(g, q);
    let apart = von_mises::versine(g, q["loc"], p["loc"]);
    // (k2 - k1) (1 - A) + k2 A (1 - cos), where nothing cancels.
    let (gap, rest) = (g.sub(k2, k1), g.complement(mean));
    let (wider, turned) = (g.mul(gap, rest), g.mul(k2, mean));
    let turned = g.mul(turned, apart);
    let (above, below) = (von_mises::log_norm(g, p), von_mises::log_norm(g, q));
    let norms = g.sub(above, below);
    Some(g.sum_of(&[wider, turned, norms]))
}

fn entropy(g: &mut Graph, kind: Kind, args: &Args) -> Option<NodeId> {
    row(kind).entropy.map(|entropy| entropy(g, args))
}
