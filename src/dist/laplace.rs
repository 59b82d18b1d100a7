//! `Laplace(loc, scale)`: log density -|x - loc| / scale - log(2 scale).

use super::{Args, Draw, Kind, Param, Row, Statistic, Want, only, standardized};
use crate::math::{Graph, NodeId, Noise, Support};

pub const ROW: Row = Row {
    kind: Kind::Laplace,
    name: "Laplace",
    params: &[Param::number("loc", Want::Real, 0), Param::number("scale", Want::Positive, 1)],
    support: |_, _, _| Support::Real,
    log_prob,
    canonical: |_, args| only(args, &["loc", "scale"]),
    draw: Draw::Reparam(Noise::Uniform, draw),
    noises: 1,
    mean: Some(|_, args| args["loc"]),
    entropy: Some(|g, args| {
        let log = g.log(args["scale"]);
        g.shift(log, 1.0 + 2f64.ln())
    }),
    expect: |g, statistic, args| match statistic {
        Statistic::Value => Some(args["loc"]),
        Statistic::Variance => {
            let square = g.square(args["scale"]);
            Some(g.scale(square, 2.0))
        }
        _ => None,
    },
};

fn log_prob(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let (z, log_scale) = standardized(g, value, args);
    let size = g.abs(z);
    let both = g.add(size, log_scale);
    let constant = g.number(-(2f64.ln()));
    g.sub(constant, both)
}

/// loc +- scale (-log of twice the smaller of u and 1 - u), minus where u is the smaller.
fn draw(g: &mut Graph, noise: NodeId, args: &Args) -> NodeId {
    let rest = g.complement(noise);
    let (left, tail) = (g.less(noise, rest), g.min(noise, rest));
    let tail = g.scale(tail, 2.0);
    let log = g.log(tail);
    let left = g.scale(left, 2.0);
    let sign = g.shift(left, -1.0);
    let spread = g.mul(sign, log);
    let spread = g.mul(args["scale"], spread);
    g.add(args["loc"], spread)
}
