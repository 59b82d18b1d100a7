//! `HalfNormal(scale)`: the absolute value of a Normal around 0.

use std::f64::consts::{E, PI};

use super::{Args, Draw, Kind, Param, Row, Statistic, Want, only};
use crate::math::{Graph, NodeId, Noise, Support};

pub const ROW: Row = Row {
    kind: Kind::HalfNormal,
    name: "HalfNormal",
    params: &[Param::number("scale", Want::Positive, 0)],
    support: |_, _, _| Support::Positive,
    log_prob,
    canonical: |_, args| only(args, &["scale"]),
    draw: Draw::Reparam(Noise::Normal, draw),
    noises: 1,
    mean: Some(mean),
    entropy: Some(|g, args| {
        let log = g.log(args["scale"]);
        g.shift(log, 0.5 * (PI * E / 2.0).ln())
    }),
    expect,
};

fn log_prob(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let z = g.div(value, args["scale"]);
    let square = g.square(z);
    let kernel = g.scale(square, -0.5);
    let log_scale = g.log(args["scale"]);
    let kernel = g.sub(kernel, log_scale);
    g.shift(kernel, 0.5 * (2.0 / PI).ln())
}

fn draw(g: &mut Graph, noise: NodeId, args: &Args) -> NodeId {
    let size = g.abs(noise);
    g.mul(args["scale"], size)
}

fn mean(g: &mut Graph, args: &Args) -> NodeId {
    g.scale(args["scale"], (2.0 / PI).sqrt())
}

fn expect(g: &mut Graph, statistic: Statistic, args: &Args) -> Option<NodeId> {
    match statistic {
        Statistic::Value => Some(mean(g, args)),
        Statistic::Variance => {
            let square = g.square(args["scale"]);
            Some(g.scale(square, 1.0 - 2.0 / PI))
        }
        // E log |z| of a standard Normal is -(gamma + log 2) / 2, by digamma(1/2) = -gamma - 2 log 2.
        Statistic::Log => {
            let log = g.log(args["scale"]);
            Some(g.shift(log, -0.5 * (super::EULER_GAMMA + 2f64.ln())))
        }
        Statistic::Square | Statistic::Log1m | Statistic::Recip => None,
    }
}
