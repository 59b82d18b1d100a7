//! `Logistic(loc, scale)`: log density log sigmoid(z) + log sigmoid(-z) - log(scale), z = (x - loc) / scale.

use std::f64::consts::PI;

use super::{Args, Draw, Kind, Param, Row, Statistic, Want, only, standardized};
use crate::math::{Graph, NodeId, Noise, Support};

pub const ROW: Row = Row {
    kind: Kind::Logistic,
    name: "Logistic",
    params: &[Param::number("loc", Want::Real, 0), Param::number("scale", Want::Positive, 1)],
    support: |_, _, _| Support::Real,
    log_prob,
    canonical: |_, args| only(args, &["loc", "scale"]),
    draw: Draw::Reparam(Noise::Uniform, draw),
    noises: 1,
    mean: Some(|_, args| args["loc"]),
    entropy: Some(|g, args| {
        let log = g.log(args["scale"]);
        g.shift(log, 2.0)
    }),
    expect: |g, statistic, args| match statistic {
        Statistic::Value => Some(args["loc"]),
        Statistic::Variance => {
            let square = g.square(args["scale"]);
            Some(g.scale(square, PI * PI / 3.0))
        }
        _ => None,
    },
};

fn log_prob(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let (z, log_scale) = standardized(g, value, args);
    let both = log_both(g, z);
    g.sub(both, log_scale)
}

/// log sigmoid(z) + log sigmoid(-z)
pub fn log_both(g: &mut Graph, z: NodeId) -> NodeId {
    let minus = g.neg(z);
    let (yes, no) = (g.log_sigmoid(z), g.log_sigmoid(minus));
    g.add(yes, no)
}

/// loc + scale logit(u)
fn draw(g: &mut Graph, noise: NodeId, args: &Args) -> NodeId {
    let logit = logit(g, noise);
    let spread = g.mul(args["scale"], logit);
    g.add(args["loc"], spread)
}

/// log(u) - log(1 - u)
pub fn logit(g: &mut Graph, u: NodeId) -> NodeId {
    let rest = g.complement(u);
    let (yes, no) = (g.log(u), g.log(rest));
    g.sub(yes, no)
}
