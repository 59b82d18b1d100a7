//! `OneHot(p[K] | logits[K])` over `onehot[K]`: a label as the vector that is 1 at its place.

use super::{Args, Draw, Kind, Param, ParamAxes, Row, Statistic, Want, beside, categorical};
use crate::math::{Graph, NodeId, Support};

pub const ROW: Row = Row {
    kind: Kind::OneHot,
    name: "OneHot",
    params: &[
        Param::new("p", Want::Simplex, ParamAxes::Event, 0),
        Param::new("logits", Want::Real, ParamAxes::Event, 0),
    ],
    support: |_, _, event| Support::OneHot(event.last().cloned().unwrap_or_default()),
    log_prob: |g, value, args| weighted(g, value, args),
    canonical: categorical::canonical,
    draw: Draw::Enumerable,
    noises: 1,
    mean: Some(categorical::p),
    entropy: Some(categorical::entropy),
    expect: |g, statistic, args| {
        let p = categorical::p(g, args);
        match statistic {
            Statistic::Value => Some(p),
            Statistic::Variance => {
                let rest = g.complement(p);
                Some(g.mul(p, rest))
            }
            _ => None,
        }
    },
};

/// sum_k value_k log(p_k), with terms of value 0 left out.
pub fn weighted(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let event = g.event(value).to_vec();
    let mut args = args.clone();
    for name in ["p", "logits"] {
        if let Some(arg) = args.get_mut(name) {
            *arg = beside(g, *arg, &event);
        }
    }
    categorical::expected_log(g, value, &args)
}
