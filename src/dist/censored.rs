//! `Censored(D, lo, hi)`: a value at a bound stands for everything beyond it.

use super::{Args, Draw, Kind, Row, cdf, states, truncated};
use crate::math::{Graph, NodeId, Support};

pub const ROW: Row = Row {
    kind: Kind::Censored,
    name: "Censored",
    params: &truncated::PARAMS,
    // A value beyond a bound counts as one at it.
    support: |g, args, event| args.of.first().map_or(Support::Real, |of| super::support(g, of, event)),
    log_prob,
    canonical: |_, args| args.clone(),
    draw: Draw::Composed,
    noises: 1,
    mean: None,
    entropy: None,
    expect: |_, _, _| None,
};

fn log_prob(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let of = args.of[0].clone();
    let mut log = super::log_prob(g, &of, value);
    for (name, below) in [("lo", true), ("hi", false)] {
        let Some(bound) = args.get(name).copied() else { continue };
        let beyond = if below { g.less_equal(value, bound) } else { g.less_equal(bound, value) };
        // A bound may be infinite where nothing is censored: there the tail is not looked at. States are summed up to a
        // number.
        let at = if states::is_summed(of.kind) { bound } else { g.either(beyond, bound, value) };
        // Of counts the bound itself is among those that it stands for.
        let at = if below { at } else { cdf::below(g, &of, at) };
        let Some((left, right)) = cdf::tails(g, &of, at) else { continue };
        log = g.either(beyond, if below { left } else { right }, log);
    }
    log
}
