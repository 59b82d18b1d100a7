//! `StudentT(df, loc, scale)`.

use std::f64::consts::PI;

use super::{Args, Draw, Kind, Param, Row, Want, noise_at, only};
use crate::math::{Binary, Graph, NodeId, Noise, Op, Support};

pub const ROW: Row = Row {
    kind: Kind::StudentT,
    name: "StudentT",
    params: &[
        Param::number("df", Want::Positive, 0),
        Param::number("loc", Want::Real, 1),
        Param::number("scale", Want::Positive, 2),
    ],
    support: |_, _, _| Support::Real,
    log_prob,
    canonical: |_, args| only(args, &["df", "loc", "scale"]),
    draw: Draw::Implicit(Noise::Uniform, draw),
    noises: 2,
    // The mean exists only where df > 1.
    mean: None,
    entropy: Some(entropy),
    expect: |_, _, _| None,
};

fn log_prob(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let distance = g.sub(value, args["loc"]);
    let z = g.div(distance, args["scale"]);
    let square = g.square(z);
    let share = g.div(square, args["df"]);
    let tail = g.log1p(share);
    let power = half_more(g, args["df"]);
    let tail = g.mul(power, tail);
    let norm = log_norm(g, args);
    let all = g.add(tail, norm);
    g.neg(all)
}

/// (df + 1) / 2
fn half_more(g: &mut Graph, df: NodeId) -> NodeId {
    let more = g.shift(df, 1.0);
    g.scale(more, 0.5)
}

/// lgamma(df/2) - lgamma((df + 1)/2) + log(pi df)/2 + log(scale)
fn log_norm(g: &mut Graph, args: &Args) -> NodeId {
    let (half, more) = (g.scale(args["df"], 0.5), half_more(g, args["df"]));
    let (half, more) = (g.lgamma(half), g.lgamma(more));
    let ratio = g.sub(half, more);
    let log_df = g.log(args["df"]);
    let log_df = g.scale(log_df, 0.5);
    let log_scale = g.log(args["scale"]);
    let norm = g.sum_of(&[ratio, log_df, log_scale]);
    g.shift(norm, 0.5 * PI.ln())
}

/// A standard Normal is sign sqrt(2 g1) with g1 ~ Gamma(1/2), and t = z sqrt(df / (2 g2)) with g2 ~ Gamma(df/2): so
/// t = sign sqrt(df g1 / g2). One uniform number gives both the sign and, folded, g1.
fn draw(g: &mut Graph, noise: NodeId, args: &Args) -> NodeId {
    let (first, second) = (noise_at(g, noise, 0), noise_at(g, noise, 1));
    let middle = g.number(0.5);
    let left = g.less(first, middle);
    let left = g.scale(left, -2.0);
    let sign = g.shift(left, 1.0);
    let folded = g.scale(first, 2.0);
    let folded = g.shift(folded, -1.0);
    let folded = g.abs(folded);
    let above = g.simple(Op::Binary(Binary::GammaLogQuantile, middle, folded));
    let half = g.scale(args["df"], 0.5);
    let below = g.simple(Op::Binary(Binary::GammaLogQuantile, half, second));
    let ratio = g.sub(above, below);
    let log_df = g.log(args["df"]);
    let log_square = g.add(log_df, ratio);
    let log_size = g.scale(log_square, 0.5);
    let size = g.exp(log_size);
    let t = g.mul(sign, size);
    let spread = g.mul(args["scale"], t);
    g.add(args["loc"], spread)
}

/// (df + 1)/2 (digamma((df + 1)/2) - digamma(df/2)) + the log norm
fn entropy(g: &mut Graph, args: &Args) -> NodeId {
    let (half, more) = (g.scale(args["df"], 0.5), half_more(g, args["df"]));
    let (low, high) = (g.digamma(half), g.digamma(more));
    let gap = g.sub(high, low);
    let tail = g.mul(more, gap);
    let norm = log_norm(g, args);
    g.add(tail, norm)
}
