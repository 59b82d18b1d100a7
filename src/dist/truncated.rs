//! `Truncated(D, lo, hi)`: the density of D between the bounds, divided by its mass there.

use super::{Args, Dist, Draw, Kind, Param, ParamAxes, Row, Want, cdf, end_of};
use crate::math::support::Bound;
use crate::math::{Graph, NodeId, Support};
use crate::shape::Size;

pub const ROW: Row = Row {
    kind: Kind::Truncated,
    name: "Truncated",
    params: &PARAMS,
    support,
    log_prob,
    canonical: |_, args| args.clone(),
    draw: Draw::Composed,
    noises: 1,
    mean: None,
    entropy: None,
    expect: |_, _, _| None,
};

pub const PARAMS: [Param; 3] = [
    Param::new("D", Want::Distribution, ParamAxes::Number, 0),
    Param::number("lo", Want::Bound, 1),
    Param::number("hi", Want::Bound, 2),
];

/// What is between the bounds and in the support of D.
fn support(g: &Graph, args: &Args, event: &[Size]) -> Support {
    let inner = args.of.first().map_or(Support::Real, |of| super::support(g, of, event));
    let range = inner.range();
    if inner.is_discrete() {
        // Counts up to the bound; those below the other one have probability 0.
        let hi =
            args.get("hi").and_then(|hi| end_of(g, *hi).known()).filter(|hi| (0.0..1e9).contains(hi) && *hi < range.hi);
        return hi.map_or(inner, |hi| Support::Count(Some(Size::fixed(hi as usize))));
    }
    let known = |id: NodeId| {
        let range = g.support(id).range();
        (range.lo == range.hi).then_some(range.lo)
    };
    let (first, last) = inner.ends();
    let lo = match args.get("lo").map(|id| (*id, known(*id))) {
        None => first,
        Some((_, Some(lo))) => Bound::Number(lo.max(range.lo)),
        Some((id, None)) => Bound::Value(id),
    };
    let hi = match args.get("hi").map(|id| (*id, known(*id))) {
        None => last,
        Some((_, Some(hi))) => Bound::Number(hi.min(range.hi)),
        Some((id, None)) => Bound::Value(id),
    };
    match (lo.known(), hi.known()) {
        (Some(lo), Some(hi)) => Support::between(lo, hi),
        _ => Support::Interval(lo, hi),
    }
}

/// The kind of the catalogue that a truncated distribution comes to, whose draws are differentiable.
pub fn simpler_kind(dist: &Dist) -> Option<Kind> {
    let normal = dist.kind == Kind::Truncated && dist.args.of.first().is_some_and(|of| of.kind == Kind::Normal);
    normal.then_some(Kind::TruncatedNormal)
}

/// The same distribution as that kind.
pub fn simpler(g: &mut Graph, dist: &Dist) -> Option<Dist> {
    let kind = simpler_kind(dist)?;
    let of = dist.args.of.first()?;
    let mut args = (super::row(of.kind).canonical)(g, &of.args);
    for (name, end) in [("lo", f64::NEG_INFINITY), ("hi", f64::INFINITY)] {
        let bound = dist.args.get(name).copied().unwrap_or_else(|| g.number(end));
        args.insert(name, bound);
    }
    Some(Dist { kind, args })
}

fn log_prob(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let of = args.of[0].clone();
    let inner = super::log_prob(g, &of, value);
    let mass = log_mass(g, args);
    let log = g.sub(inner, mass);
    if !cdf::is_discrete(g, &of) {
        return log;
    }
    let nothing = g.number(f64::NEG_INFINITY);
    let outside = [args.get("lo").map(|lo| (value, *lo)), args.get("hi").map(|hi| (*hi, value))];
    outside.into_iter().flatten().fold(log, |log, (a, b)| {
        let beyond = g.less(a, b);
        g.either(beyond, nothing, log)
    })
}

/// log P(lo < X <= hi). Both differences are exact; the one of the tail that the interval lies in does not cancel.
fn log_mass(g: &mut Graph, args: &Args) -> NodeId {
    let of = args.of[0].clone();
    let range = super::support(g, &of, &[]).range();
    // A bound at or beyond the end of the support cuts nothing off, and its slopes may be no numbers there.
    let cuts = |g: &Graph, id: &NodeId| match end_of(g, *id) {
        Bound::Number(x) => range.lo < x && x < range.hi,
        Bound::Value(_) => true,
    };
    let at = |g: &mut Graph, name: &str| {
        let bound = args.get(name).copied().filter(|id| cuts(g, id))?;
        let at = if name == "lo" { cdf::below(g, &of, bound) } else { bound };
        cdf::tails(g, &of, at)
    };
    let (lo, hi) = (at(g, "lo"), at(g, "hi"));
    match (lo, hi) {
        (None, None) => g.number(0.0),
        (Some((_, above)), None) => above,
        (None, Some((below, _))) => below,
        (Some((below_lo, above_lo)), Some((below_hi, above_hi))) => {
            let left = difference(g, below_hi, below_lo);
            let right = difference(g, above_lo, above_hi);
            let median = g.number(0.5f64.ln());
            let is_right = g.less(median, below_lo);
            g.either(is_right, right, left)
        }
    }
}

/// log(exp(a) - exp(b)), a > b
fn difference(g: &mut Graph, a: NodeId, b: NodeId) -> NodeId {
    let gap = g.sub(b, a);
    let rest = cdf::log1mexp(g, gap);
    g.add(a, rest)
}
