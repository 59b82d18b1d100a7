//! `AR(coefficients, scale)` over `real[T]`: x_t = sum_i c_i x_t-i + scale e_t; what is before the first is 0.

use super::gaussian_random_walk::lagged;
use super::{Args, Draw, Kind, Param, ParamAxes, Row, Want, normal, only};
use crate::math::{Graph, NodeId, Noise, Pick, Support};
use crate::shape::Size;

pub const ROW: Row = Row {
    kind: Kind::AR,
    name: "AR",
    params: &[Param::new("coefficients", Want::Real, ParamAxes::Free, 0), Param::number("scale", Want::Positive, 1)],
    support: |_, _, _| Support::Real,
    log_prob,
    canonical: |_, args| only(args, &["coefficients", "scale"]),
    draw: Draw::Reparam(Noise::Normal, draw),
    noises: 1,
    mean: None,
    entropy: None,
    expect: |_, _, _| None,
};

/// Every coefficient with its lag. The checker has seen to it that their number is known.
fn coefficients(g: &mut Graph, args: &Args) -> Vec<(usize, NodeId)> {
    let all = args["coefficients"];
    let count = g.event(all)[0].known().unwrap_or(0) as usize;
    let mut at = |i: usize| {
        let place = g.number(i as f64);
        (i + 1, g.index(all, vec![Pick::At(place)]))
    };
    (0..count).map(&mut at).collect()
}

fn log_prob(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let mut residual = value;
    for (lag, coefficient) in coefficients(g, args) {
        let before = lagged(g, value, lag);
        let part = g.mul(coefficient, before);
        residual = g.sub(residual, part);
    }
    let zero = g.number(0.0);
    let each = (normal::ROW.log_prob)(g, residual, &Args::from([("loc", zero), ("scale", args["scale"])]));
    g.sum_last(each)
}

/// Solves (I - sum_i c_i S_i) x = scale e, with S_i the matrix that moves entries i places on.
fn draw(g: &mut Graph, noise: NodeId, args: &Args) -> NodeId {
    let event = g.event(noise).to_vec();
    let n = event.last().cloned().unwrap_or_default();
    let unit = g.eye(n);
    let mut system = unit;
    for (lag, coefficient) in coefficients(g, args) {
        let upper = lagged(g, unit, lag);
        let lower = g.transpose(upper);
        let part = g.mul(coefficient, lower);
        system = g.sub(system, part);
    }
    let shocks = g.mul(args["scale"], noise);
    if event.len() == 1 {
        return g.solve_triangular(system, shocks);
    }
    let rows = crate::math::shape_rules::product(&event[..event.len() - 1]);
    let flat = g.reshape(shocks, vec![rows, Size::clone(&event[event.len() - 1])]);
    let columns = g.transpose(flat);
    let solved = g.solve_triangular(system, columns);
    let solved = g.transpose(solved);
    g.reshape(solved, event)
}
