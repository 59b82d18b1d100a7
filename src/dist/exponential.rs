//! `Exponential(rate | scale)`.

use super::{Args, Draw, EULER_GAMMA, Kind, Param, Row, Statistic, Want, gamma};
use crate::math::{Graph, NodeId, Noise, Support};

pub const ROW: Row = Row {
    kind: Kind::Exponential,
    name: "Exponential",
    params: &[Param::number("rate", Want::Positive, 0), Param::number("scale", Want::Positive, 0)],
    support: |_, _, _| Support::Positive,
    log_prob,
    canonical: |g, args| Args::from([("rate", gamma::rate(g, args))]),
    draw: Draw::Reparam(Noise::Uniform, draw),
    noises: 1,
    mean: Some(|g, args| g.recip(args["rate"])),
    entropy: Some(|g, args| {
        let log_rate = g.log(args["rate"]);
        g.complement(log_rate)
    }),
    expect,
};

fn log_prob(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let log_rate = g.log(args["rate"]);
    let decay = g.mul(args["rate"], value);
    g.sub(log_rate, decay)
}

/// -log(u) / rate
fn draw(g: &mut Graph, noise: NodeId, args: &Args) -> NodeId {
    let log = g.log(noise);
    let size = g.neg(log);
    g.div(size, args["rate"])
}

fn expect(g: &mut Graph, statistic: Statistic, args: &Args) -> Option<NodeId> {
    let mean = g.recip(args["rate"]);
    match statistic {
        Statistic::Value => Some(mean),
        Statistic::Log => {
            let log = g.log(mean);
            Some(g.shift(log, -EULER_GAMMA))
        }
        Statistic::Variance => Some(g.square(mean)),
        Statistic::Square | Statistic::Log1m | Statistic::Recip => None,
    }
}
