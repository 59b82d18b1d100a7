//! `Gumbel(loc, scale)`, of maxima: log density -z - exp(-z) - log(scale), z = (x - loc) / scale.

use std::f64::consts::PI;

use super::{Args, Draw, EULER_GAMMA, Kind, Param, Row, Statistic, Want, only, standardized};
use crate::math::{Graph, NodeId, Noise, Support};

pub const ROW: Row = Row {
    kind: Kind::Gumbel,
    name: "Gumbel",
    params: &[Param::number("loc", Want::Real, 0), Param::number("scale", Want::Positive, 1)],
    support: |_, _, _| Support::Real,
    log_prob,
    canonical: |_, args| only(args, &["loc", "scale"]),
    draw: Draw::Reparam(Noise::Uniform, draw),
    noises: 1,
    mean: Some(mean),
    entropy: Some(|g, args| {
        let log = g.log(args["scale"]);
        g.shift(log, 1.0 + EULER_GAMMA)
    }),
    expect: |g, statistic, args| match statistic {
        Statistic::Value => Some(mean(g, args)),
        Statistic::Variance => {
            let square = g.square(args["scale"]);
            Some(g.scale(square, PI * PI / 6.0))
        }
        _ => None,
    },
};

fn log_prob(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let (z, log_scale) = standardized(g, value, args);
    let minus = g.neg(z);
    let rise = g.exp(minus);
    let all = g.sum_of(&[z, rise, log_scale]);
    g.neg(all)
}

/// loc - scale log(-log u)
fn draw(g: &mut Graph, noise: NodeId, args: &Args) -> NodeId {
    let log = g.log(noise);
    let size = g.neg(log);
    let log = g.log(size);
    let spread = g.mul(args["scale"], log);
    g.sub(args["loc"], spread)
}

fn mean(g: &mut Graph, args: &Args) -> NodeId {
    let shift = g.scale(args["scale"], EULER_GAMMA);
    g.add(args["loc"], shift)
}
