//! `Normal(loc, scale | var | prec)`: log density -(x - loc)^2 / (2 scale^2) - log(scale) - log(2 pi) / 2.

use std::f64::consts::{E, PI};

use super::{Args, Draw, Kind, Param, Row, Statistic, Want, ln};
use crate::math::{Graph, NodeId, Noise, Support};

pub const ROW: Row = Row {
    kind: Kind::Normal,
    name: "Normal",
    params: &[
        Param::number("loc", Want::Real, 0),
        Param::number("scale", Want::Positive, 1),
        Param::number("var", Want::Positive, 1),
        Param::number("prec", Want::Positive, 1),
    ],
    support: |_, _, _| Support::Real,
    log_prob,
    canonical,
    draw: Draw::Reparam(Noise::Normal, draw),
    noises: 1,
    mean: Some(|_, args| args["loc"]),
    entropy: Some(entropy),
    expect,
};

fn canonical(g: &mut Graph, args: &Args) -> Args {
    let scale = match (args.get("var"), args.get("prec")) {
        (Some(var), _) => g.sqrt(*var),
        (_, Some(prec)) => {
            let var = g.recip(*prec);
            g.sqrt(var)
        }
        _ => args["scale"],
    };
    Args::from([("loc", args["loc"]), ("scale", scale)])
}

fn log_prob(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let distance = g.sub(value, args["loc"]);
    let z = g.div(distance, args["scale"]);
    let square = g.square(z);
    let kernel = g.scale(square, -0.5);
    let log_scale = g.log(args["scale"]);
    let kernel = g.sub(kernel, log_scale);
    g.shift(kernel, -0.5 * (2.0 * PI).ln())
}

fn draw(g: &mut Graph, noise: NodeId, args: &Args) -> NodeId {
    let spread = g.mul(args["scale"], noise);
    g.add(args["loc"], spread)
}

/// log(scale) + log(2 pi e) / 2
pub fn entropy(g: &mut Graph, args: &Args) -> NodeId {
    let log_scale = g.log(args["scale"]);
    let half = ln(g, (2.0 * PI * E).sqrt());
    g.add(log_scale, half)
}

fn expect(g: &mut Graph, statistic: Statistic, args: &Args) -> Option<NodeId> {
    match statistic {
        Statistic::Value => Some(args["loc"]),
        Statistic::Variance => Some(g.square(args["scale"])),
        _ => None,
    }
}
