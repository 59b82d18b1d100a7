//! `Flat()`: density 1 with respect to length on the declared support.

use super::{Args, Draw, Kind, Row};
use crate::math::{Graph, NodeId, Support};

pub const ROW: Row = Row {
    kind: Kind::Flat,
    name: "Flat",
    params: &[],
    support: |_, _, _| Support::Real,
    log_prob,
    canonical: |_, _| Args::new(),
    draw: Draw::None,
    noises: 0,
    mean: None,
    entropy: None,
    expect: |_, _, _| None,
};

fn log_prob(g: &mut Graph, value: NodeId, _: &Args) -> NodeId {
    let zero = g.number(0.0);
    g.fill(zero, g.event(value).to_vec())
}
