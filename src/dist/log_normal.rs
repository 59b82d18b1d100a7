//! `LogNormal(loc, scale)`: the exponential of a Normal.

use super::{Args, Draw, Kind, Param, Row, Statistic, Want, normal, only};
use crate::math::{Graph, NodeId, Noise, Op, Support, Unary};

pub const ROW: Row = Row {
    kind: Kind::LogNormal,
    name: "LogNormal",
    params: &[Param::number("loc", Want::Real, 0), Param::number("scale", Want::Positive, 1)],
    support: |_, _, _| Support::Positive,
    log_prob,
    canonical: |_, args| only(args, &["loc", "scale"]),
    draw: Draw::Reparam(Noise::Normal, draw),
    noises: 1,
    mean: Some(|g, args| power(g, args, 1.0)),
    entropy: Some(entropy),
    expect,
};

/// The Normal's at log(value), less log(value).
fn log_prob(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let log = g.log(value);
    let normal = (normal::ROW.log_prob)(g, log, args);
    g.sub(normal, log)
}

fn draw(g: &mut Graph, noise: NodeId, args: &Args) -> NodeId {
    let spread = g.mul(args["scale"], noise);
    let log = g.add(args["loc"], spread);
    g.exp(log)
}

/// The expectation of value^n: exp(n loc + n^2 scale^2 / 2).
fn power(g: &mut Graph, args: &Args, n: f64) -> NodeId {
    let loc = g.scale(args["loc"], n);
    let var = g.square(args["scale"]);
    let var = g.scale(var, n * n / 2.0);
    let log = g.add(loc, var);
    g.exp(log)
}

fn entropy(g: &mut Graph, args: &Args) -> NodeId {
    let normal = normal::entropy(g, args);
    g.add(args["loc"], normal)
}

fn expect(g: &mut Graph, statistic: Statistic, args: &Args) -> Option<NodeId> {
    match statistic {
        Statistic::Value => Some(power(g, args, 1.0)),
        // (exp(scale^2) - 1) mean^2
        Statistic::Variance => {
            let (mean, var) = (power(g, args, 1.0), g.square(args["scale"]));
            let (square, share) = (g.square(mean), g.simple(Op::Unary(Unary::Expm1, var)));
            Some(g.mul(share, square))
        }
        Statistic::Log => Some(args["loc"]),
        Statistic::Recip => Some(power(g, args, -1.0)),
        Statistic::Square | Statistic::Log1m => None,
    }
}
