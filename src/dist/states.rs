//! The tails of counts whose distribution function is no row of `cdf`, at a bound that is a number: sums of the
//! probabilities of the states, which are finitely many on one side.

use super::{Dist, Kind, cdf, end_of};
use crate::math::{Graph, NodeId};
use crate::shape::Size;

/// The distributions over 0, 1, ... whose states are summed.
pub const SUMMED: [Kind; 3] = [Kind::Binomial, Kind::BetaBinomial, Kind::NegativeBinomial];
/// A bound may have at most so many states below it.
pub const MOST: usize = 256;

pub fn is_summed(kind: Kind) -> bool {
    SUMMED.contains(&kind)
}

/// log P(X <= at), log P(X > at); `None` where the bound is no number, or too many states lie below it.
pub fn tails(g: &mut Graph, dist: &Dist, at: NodeId) -> Option<(NodeId, NodeId)> {
    let last = end_of(g, at).known()?.floor();
    if !is_summed(dist.kind) || last >= MOST as f64 {
        return None;
    }
    if last < 0.0 {
        return Some((g.number(f64::NEG_INFINITY), g.number(0.0)));
    }
    let last = last as usize;
    let below = log_mass(g, dist, 0, last + 1);
    let most = dist.args.get("n").and_then(|n| end_of(g, *n).known()).map(|n| n as usize);
    let above = match most {
        Some(n) if n <= last => g.number(f64::NEG_INFINITY),
        Some(n) if n - last <= MOST => log_mass(g, dist, last + 1, n - last),
        _ => beyond(g, dist, below, last),
    };
    Some((below, above))
}

/// log P(X > last) as log(1 - P(X <= last)). Where that difference is rounding, the sum of the next states is larger,
/// and there it is the tail: it is below 1e-16 only if the states' probabilities fall so fast that the states left out,
/// which are beyond three times the bound, add nothing to it.
fn beyond(g: &mut Graph, dist: &Dist, below: NodeId, last: usize) -> NodeId {
    let next = log_mass(g, dist, last + 1, 2 * (last + 1) + 16);
    // Where nothing is left of the difference it is not looked at; its slope is a number there in single precision too.
    let (rounding, tiny) = (g.number(-1e-15), g.number(-1e-30));
    let (is_rounding, safe) = (g.less(rounding, below), g.min(below, tiny));
    let rest = cdf::log1mexp(g, safe);
    let larger = g.max(rest, next);
    g.either(is_rounding, next, larger)
}

/// The logarithm of the sum of the probabilities of `count` states, for every component of the arguments.
fn log_mass(g: &mut Graph, dist: &Dist, first: usize, count: usize) -> NodeId {
    let event = dist.args.values().map(|arg| g.event(*arg).to_vec()).max_by_key(Vec::len).unwrap_or_default();
    if event.is_empty() {
        let one = g.number(1.0);
        let ones = g.fill(one, vec![Size::fixed(count)]);
        let states = g.cumsum(ones);
        let states = g.shift(states, first as f64 - 1.0);
        let logs = log_prob(g, dist, states);
        return g.logsumexp_last(logs);
    }
    // Rows of states, turned so that the states come last.
    let flat = event.iter().fold(Size::fixed(1), |all, size| all.times(size));
    let rows = (first..first + count).map(|state| {
        let state = g.number(state as f64);
        let each = g.fill(state, event.clone());
        let log = log_prob(g, dist, each);
        g.reshape(log, vec![flat.clone()])
    });
    let rows = rows.collect();
    let rows = g.stack(rows);
    let columns = g.transpose(rows);
    let sums = g.logsumexp_last(columns);
    g.reshape(sums, event)
}

/// States above the number of tries have probability 0.
fn log_prob(g: &mut Graph, dist: &Dist, states: NodeId) -> NodeId {
    let Some(n) = dist.args.get("n").copied() else { return super::log_prob(g, dist, states) };
    let inside = g.less_equal(states, n);
    let safe = g.min(states, n);
    let log = super::log_prob(g, dist, safe);
    let nothing = g.number(f64::NEG_INFINITY);
    g.either(inside, log, nothing)
}
