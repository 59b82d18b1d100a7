//! `Delta(value)`: all mass at a point. As a guide's factor it makes the site that value, without entropy.

use super::{Args, Draw, Kind, Param, Row, Statistic, Want, only};
use crate::math::{Graph, NodeId, Noise, Support};

pub const ROW: Row = Row {
    kind: Kind::Delta,
    name: "Delta",
    params: &[Param::number("value", Want::Any, 0)],
    support: |g, args, _| args.get("value").map_or(Support::Real, |value| g.support(*value).clone()),
    log_prob,
    canonical: |_, args| only(args, &["value"]),
    draw: Draw::Reparam(Noise::Uniform, draw),
    noises: 1,
    mean: Some(|_, args| args["value"]),
    entropy: Some(|g, _| g.number(0.0)),
    expect,
};

/// The logarithm of 1 at the point, of 0 elsewhere.
fn log_prob(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let at = g.equal(value, args["value"]);
    g.log(at)
}

/// The value, whatever the noise.
fn draw(g: &mut Graph, noise: NodeId, args: &Args) -> NodeId {
    let event = g.event(noise).to_vec();
    if g.shape(args["value"]).is_number() { g.fill(args["value"], event) } else { args["value"] }
}

fn expect(g: &mut Graph, statistic: Statistic, args: &Args) -> Option<NodeId> {
    let value = args["value"];
    Some(match statistic {
        Statistic::Value => value,
        Statistic::Variance => g.number(0.0),
        Statistic::Square => g.square(value),
        Statistic::Log => g.log(value),
        Statistic::Log1m => {
            let rest = g.complement(value);
            g.log(rest)
        }
        Statistic::Recip => g.recip(value),
    })
}
