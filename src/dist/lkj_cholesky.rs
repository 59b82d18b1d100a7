//! `LKJCholesky(concentration)` over `cholesky_corr[K]`: the Cholesky factor of a correlation matrix whose density is
//! det(R)^(concentration - 1) (Lewandowski, Kurowicka and Joe 2009).

use std::f64::consts::PI;

use super::{Args, Draw, Kind, Param, Row, Want, matrices, noise_at, only};
use crate::math::{Binary, Graph, NodeId, Noise, Op, Support};
use crate::shape::Size;

pub const ROW: Row = Row {
    kind: Kind::LKJCholesky,
    name: "LKJCholesky",
    params: &[Param::number("concentration", Want::Positive, 0)],
    support: |_, _, event| Support::CholeskyCorr(event.last().cloned().unwrap_or_default()),
    log_prob,
    canonical: |_, args| only(args, &["concentration"]),
    draw: Draw::Implicit(Noise::Uniform, draw),
    noises: 2,
    mean: None,
    entropy: None,
    expect: |_, _, _| None,
};

/// sum_k (K - k + 2 c - 2) log(L_kk), of the entries below the diagonal, less the log of its integral.
fn log_prob(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let k = g.event(value)[0].clone();
    let diagonal = g.diag(value);
    let logs = g.log(diagonal);
    let place = matrices::places(g, k.clone());
    let twice = g.scale(args["concentration"], 2.0);
    let size = g.size(k.clone());
    let most = g.add(size, twice);
    let most = g.shift(most, -2.0);
    let power = g.sub(most, place);
    let each = g.mul(power, logs);
    let (kernel, norm) = (g.sum_event(each), log_norm(g, args["concentration"], k));
    g.sub(kernel, norm)
}

/// sum_k=1..K-1 [ k log(pi) / 2 + lgamma(c + (K - 1 - k) / 2) - lgamma(c + (K - 1) / 2) ]
fn log_norm(g: &mut Graph, concentration: NodeId, k: Size) -> NodeId {
    let less = k.minus(&Size::fixed(1));
    let most = g.size(less.clone());
    let place = matrices::places(g, less);
    let angles = g.scale(place, 0.5 * PI.ln());
    let rest = g.sub(most, place);
    let (rest, most) = (g.scale(rest, 0.5), g.scale(most, 0.5));
    let (rest, most) = (g.add(concentration, rest), g.add(concentration, most));
    let (rest, most) = (g.lgamma(rest), g.lgamma(most));
    let each = g.add(angles, rest);
    let each = g.sub(each, most);
    g.sum_event(each)
}

/// Partial correlations in column j are 2 Beta(b, b) - 1 with b = c + (K - 1 - j) / 2, independent: the tanh of half the
/// difference of two logarithms of Gammas.
fn draw(g: &mut Graph, noise: NodeId, args: &Args) -> NodeId {
    let k = g.event(noise)[1].clone();
    let (first, second) = (noise_at(g, noise, 0), noise_at(g, noise, 1));
    let one = g.number(1.0);
    let ones = g.fill(one, vec![k.clone()]);
    let place = matrices::places(g, k.clone());
    let less = g.size(k.minus(&Size::fixed(1)));
    let rest = g.sub(less, place);
    let half = g.scale(rest, 0.5);
    let shape = g.add(args["concentration"], half);
    // The last column has no entry below the diagonal: any shape will do there.
    let floor = g.scale(args["concentration"], 0.5);
    let shape = g.max(shape, floor);
    let shapes = g.outer(ones, shape);
    let x = g.simple(Op::Binary(Binary::GammaLogQuantile, shapes, first));
    let y = g.simple(Op::Binary(Binary::GammaLogQuantile, shapes, second));
    let gap = g.sub(x, y);
    let u = g.scale(gap, 0.5);
    matrices::cholesky_corr_of(g, u, k)
}
