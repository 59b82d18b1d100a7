//! `TruncatedNormal(loc, scale, lo, hi)`: a Normal given that it lies between two bounds, of which either may be `inf`.

use super::{Args, Draw, Kind, Param, Row, Statistic, Want, between, end_of, log1mexp, normal, only};
use crate::math::support::Bound;
use crate::math::{Graph, NodeId, Noise, Op, Unary};

pub const ROW: Row = Row {
    kind: Kind::TruncatedNormal,
    name: "TruncatedNormal",
    params: &[
        Param::number("loc", Want::Real, 0),
        Param::number("scale", Want::Positive, 1),
        Param::number("lo", Want::Real, 2),
        Param::number("hi", Want::Real, 3),
    ],
    support: |g, args, _| between(g, args.get("lo"), args.get("hi")),
    log_prob,
    canonical: |_, args| only(args, &["loc", "scale", "lo", "hi"]),
    draw: Draw::Reparam(Noise::Uniform, draw),
    noises: 1,
    mean: Some(mean),
    entropy: None,
    expect: |g, statistic, args| (statistic == Statistic::Value).then(|| mean(g, args)),
};

/// The interval in standard units, turned so that it lies mostly below 0, where the distribution function is accurate.
struct Turned {
    /// 1 where it was turned.
    turn: NodeId,
    /// log Phi at the lower end; `None` of minus infinity.
    low: Option<NodeId>,
    /// log(Phi(high) - Phi(low))
    log_mass: NodeId,
}

/// An end that is written `inf` is left out: its derivatives are no numbers.
fn end(g: &mut Graph, args: &Args, name: &'static str) -> Option<NodeId> {
    if matches!(end_of(g, args[name]), Bound::Number(x) if x.is_infinite()) {
        return None;
    }
    let distance = g.sub(args[name], args["loc"]);
    Some(g.div(distance, args["scale"]))
}

fn turned(g: &mut Graph, args: &Args) -> Turned {
    let cdf = |g: &mut Graph, x: NodeId| g.simple(Op::Unary(Unary::LogNormalCdf, x));
    let zero = g.number(0.0);
    match (end(g, args, "lo"), end(g, args, "hi")) {
        (None, None) => Turned { turn: zero, low: None, log_mass: zero },
        (None, Some(hi)) => {
            let high = cdf(g, hi);
            Turned { turn: zero, low: None, log_mass: high }
        }
        (Some(lo), None) => {
            let minus = g.neg(lo);
            let high = cdf(g, minus);
            Turned { turn: g.number(1.0), low: None, log_mass: high }
        }
        (Some(lo), Some(hi)) => {
            let sum = g.add(lo, hi);
            let turn = g.less(zero, sum);
            // Of the interval and its mirror image the lower one.
            let (up, down) = (g.neg(lo), g.neg(hi));
            let (high, low) = (g.min(hi, up), g.min(lo, down));
            let (high, low) = (cdf(g, high), cdf(g, low));
            let gap = g.sub(low, high);
            let share = log1mexp(g, gap);
            Turned { turn, low: Some(low), log_mass: g.add(high, share) }
        }
    }
}

fn log_prob(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let inside = (normal::ROW.log_prob)(g, value, args);
    let mass = turned(g, args).log_mass;
    g.sub(inside, mass)
}

/// The standard Normal's quantile at Phi(low) + u (Phi(high) - Phi(low)), all as logarithms, turned back.
fn draw(g: &mut Graph, noise: NodeId, args: &Args) -> NodeId {
    let Turned { turn, low, log_mass, .. } = turned(g, args);
    let log = g.log(noise);
    let part = g.add(log, log_mass);
    let place = match low {
        None => part,
        // log(e^low + e^part)
        Some(low) => {
            let gap = g.sub(low, part);
            let more = g.softplus(gap);
            g.add(part, more)
        }
    };
    let z = g.simple(Op::Unary(Unary::NormalLogQuantile, place));
    let turn = g.scale(turn, -2.0);
    let sign = g.shift(turn, 1.0);
    let z = g.mul(sign, z);
    let spread = g.mul(args["scale"], z);
    // Rounding must not leave the bounds.
    let value = g.add(args["loc"], spread);
    let value = if end(g, args, "lo").is_some() { g.max(value, args["lo"]) } else { value };
    if end(g, args, "hi").is_some() { g.min(value, args["hi"]) } else { value }
}

/// loc + scale (phi(lo) - phi(hi)) / mass
fn mean(g: &mut Graph, args: &Args) -> NodeId {
    let log_mass = turned(g, args).log_mass;
    let [lo, hi] = ["lo", "hi"].map(|name| match end(g, args, name) {
        None => g.number(0.0),
        Some(z) => {
            let square = g.square(z);
            let log = g.scale(square, -0.5);
            let log = g.shift(log, -crate::kernel::special::LN_SQRT_2PI);
            let log = g.sub(log, log_mass);
            g.exp(log)
        }
    });
    let gap = g.sub(lo, hi);
    let spread = g.mul(args["scale"], gap);
    g.add(args["loc"], spread)
}
