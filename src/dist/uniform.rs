//! `Uniform(lo, hi)`: what is observed or drawn lies inside, which the checker sees to.

use super::{Args, Draw, Kind, Param, Row, Statistic, Want, between, only};
use crate::math::{Graph, NodeId, Noise};

pub const ROW: Row = Row {
    kind: Kind::Uniform,
    name: "Uniform",
    params: &[Param::number("lo", Want::Real, 0), Param::number("hi", Want::Real, 1)],
    support: |g, args, _| between(g, args.get("lo"), args.get("hi")),
    log_prob,
    canonical: |_, args| only(args, &["lo", "hi"]),
    draw: Draw::Reparam(Noise::Uniform, draw),
    noises: 1,
    mean: Some(mean),
    entropy: Some(log_width),
    expect,
};

fn width(g: &mut Graph, args: &Args) -> NodeId {
    g.sub(args["hi"], args["lo"])
}

pub fn log_width(g: &mut Graph, args: &Args) -> NodeId {
    let width = width(g, args);
    g.log(width)
}

fn log_prob(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let log = log_width(g, args);
    let minus = g.neg(log);
    if g.shape(minus).is_number() { g.fill(minus, g.event(value).to_vec()) } else { minus }
}

fn draw(g: &mut Graph, noise: NodeId, args: &Args) -> NodeId {
    let width = width(g, args);
    let inside = g.mul(width, noise);
    g.add(args["lo"], inside)
}

fn mean(g: &mut Graph, args: &Args) -> NodeId {
    let sum = g.add(args["lo"], args["hi"]);
    g.scale(sum, 0.5)
}

fn expect(g: &mut Graph, statistic: Statistic, args: &Args) -> Option<NodeId> {
    match statistic {
        Statistic::Value => Some(mean(g, args)),
        Statistic::Variance => {
            let width = width(g, args);
            let square = g.square(width);
            Some(g.scale(square, 1.0 / 12.0))
        }
        _ => None,
    }
}
