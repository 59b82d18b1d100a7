//! `DiscreteUniform(lo, hi)`, both included. Its states are those of `count(hi)`, of which the ones below `lo` have
//! probability 0.

use super::{Args, Draw, Kind, Param, Row, Statistic, Want, binomial, only};
use crate::math::{Binary, Graph, NodeId, Support};

pub const ROW: Row = Row {
    kind: Kind::DiscreteUniform,
    name: "DiscreteUniform",
    params: &[Param::number("lo", Want::Count, 0), Param::number("hi", Want::Count, 1)],
    support: |g, args, _| Support::Count(args.get("hi").and_then(|hi| binomial::size(g, *hi))),
    log_prob,
    canonical: |_, args| only(args, &["lo", "hi"]),
    draw: Draw::SampleOnly(|uniform, arg| {
        let (lo, hi) = (arg("lo").unwrap_or(f64::NAN), arg("hi").unwrap_or(f64::NAN));
        (lo + (uniform() * (hi - lo + 1.0)).floor()).min(hi)
    }),
    noises: 1,
    mean: Some(mean),
    entropy: Some(|g, args| {
        let count = count(g, args);
        g.log(count)
    }),
    expect: |g, statistic, args| match statistic {
        Statistic::Value => Some(mean(g, args)),
        // (count^2 - 1) / 12
        Statistic::Variance => {
            let count = count(g, args);
            let square = g.square(count);
            let less = g.shift(square, -1.0);
            Some(g.scale(less, 1.0 / 12.0))
        }
        _ => None,
    },
};

/// hi - lo + 1
pub fn count(g: &mut Graph, args: &Args) -> NodeId {
    let width = g.sub(args["hi"], args["lo"]);
    g.shift(width, 1.0)
}

fn log_prob(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let above = g.binary(Binary::LessEqual, args["lo"], value);
    let below = g.binary(Binary::LessEqual, value, args["hi"]);
    let inside = g.mul(above, below);
    let (inside, count) = (g.log(inside), count(g, args));
    let log = g.log(count);
    g.sub(inside, log)
}

fn mean(g: &mut Graph, args: &Args) -> NodeId {
    let sum = g.add(args["lo"], args["hi"]);
    g.scale(sum, 0.5)
}
