//! `MvNormal(loc[K], cov | chol | prec)`: with L the lower factor of the covariance and z = L^-1 (x - loc), log density
//! -|z|^2 / 2 - sum_k log(L_kk) - K log(2 pi) / 2.

use std::f64::consts::{E, PI};

use super::{Args, Draw, Kind, Param, ParamAxes, Row, Statistic, Want, beside};
use crate::math::{Graph, NodeId, Noise, Over, Reduce, Support, shape_rules};

pub const ROW: Row = Row {
    kind: Kind::MvNormal,
    name: "MvNormal",
    params: &[
        Param::new("loc", Want::Real, ParamAxes::Event, 0),
        Param::new("cov", Want::Cov, ParamAxes::Square, 1),
        Param::new("chol", Want::Cholesky, ParamAxes::Square, 1),
        Param::new("prec", Want::Cov, ParamAxes::Square, 1),
    ],
    support: |_, _, _| Support::Real,
    log_prob,
    canonical,
    draw: Draw::Reparam(Noise::Normal, draw),
    noises: 1,
    mean: Some(|_, args| args["loc"]),
    entropy: Some(entropy),
    expect,
};

/// The lower factor of the covariance (`chol`), or of its inverse (`inverse`).
fn canonical(g: &mut Graph, args: &Args) -> Args {
    let factor = match (args.get("cov"), args.get("prec")) {
        (Some(cov), _) => ("chol", g.cholesky(*cov)),
        (_, Some(prec)) => ("inverse", g.cholesky(*prec)),
        _ => ("chol", args["chol"]),
    };
    Args::from([("loc", args["loc"]), factor])
}

fn log_prob(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let event = g.event(value).to_vec();
    let loc = beside(g, args["loc"], &event);
    let distance = g.sub(value, loc);
    let z = whiten(g, args, distance);
    let square = g.square(z);
    let square = g.sum_last(square);
    let kernel = g.scale(square, -0.5);
    let norm = log_norm(g, args);
    g.sub(kernel, norm)
}

/// log p of the entries that are there (1 in `there`, 0 elsewhere), of one vector. With a 1 on the diagonal and 0 beside it
/// for every entry that is not, the covariance splits into theirs and I, and a distance of 0 adds nothing.
pub fn log_prob_there(g: &mut Graph, args: &Args, value: NodeId, there: NodeId) -> NodeId {
    let event = g.event(value).to_vec();
    let loc = beside(g, args["loc"], &event);
    let distance = g.sub(value, loc);
    let distance = g.mul(there, distance);
    let cov = covariance(g, args);
    let both = g.outer(there, there);
    let own = g.mul(both, cov);
    let gone = g.complement(there);
    let unit = g.diag(gone);
    let cov = g.add(own, unit);
    let chol = g.cholesky(cov);
    let z = g.solve_triangular(chol, distance);
    let square = g.square(z);
    let square = g.sum_last(square);
    let kernel = g.scale(square, -0.5);
    let diagonal = g.diag(chol);
    let logs = g.log(diagonal);
    let log_det = g.sum_last(logs);
    let count = g.sum_last(there);
    let constant = g.scale(count, 0.5 * (2.0 * PI).ln());
    let norm = g.add(log_det, constant);
    g.sub(kernel, norm)
}

fn covariance(g: &mut Graph, args: &Args) -> NodeId {
    if let Some(cov) = args.get("cov") {
        return *cov;
    }
    let args = canonical(g, args);
    let factor = factor(g, &args);
    let across = g.transpose(factor);
    g.matmul(factor, across)
}

/// L^-1 x, of a vector or of every vector of an array.
fn whiten(g: &mut Graph, args: &Args, x: NodeId) -> NodeId {
    by_columns(g, x, &|g, columns| match args.get("inverse") {
        // The covariance is (P P')^-1, so P' (x - loc) has covariance I.
        Some(inverse) => {
            let upper = g.transpose(*inverse);
            g.matmul(upper, columns)
        }
        None => g.solve_triangular(args["chol"], columns),
    })
}

/// A linear map of columns, on a vector or on every vector along the last axis.
fn by_columns(g: &mut Graph, x: NodeId, map: &dyn Fn(&mut Graph, NodeId) -> NodeId) -> NodeId {
    let event = g.event(x).to_vec();
    let [components @ .., k] = event.as_slice() else { return x };
    if components.is_empty() {
        return map(g, x);
    }
    let rows = g.reshape(x, vec![shape_rules::product(components), k.clone()]);
    let columns = g.transpose(rows);
    let mapped = map(g, columns);
    let rows = g.transpose(mapped);
    g.reshape(rows, event)
}

/// sum_k log(L_kk) + K log(2 pi) / 2
fn log_norm(g: &mut Graph, args: &Args) -> NodeId {
    let log_det = log_det(g, args);
    let k = g.event(args["loc"]).last().cloned().unwrap_or_default();
    let k = g.size(k);
    let constant = g.scale(k, 0.5 * (2.0 * PI).ln());
    g.add(log_det, constant)
}

/// sum_k log(L_kk)
pub fn log_det(g: &mut Graph, args: &Args) -> NodeId {
    let (factor, sign) = match args.get("inverse") {
        Some(inverse) => (*inverse, -1.0),
        None => (args["chol"], 1.0),
    };
    let diagonal = g.diag(factor);
    let logs = g.log(diagonal);
    let sum = g.sum_last(logs);
    g.scale(sum, sign)
}

fn draw(g: &mut Graph, noise: NodeId, args: &Args) -> NodeId {
    let event = g.event(noise).to_vec();
    let spread = by_columns(g, noise, &|g, columns| match args.get("inverse") {
        Some(inverse) => {
            let upper = g.transpose(*inverse);
            g.solve_triangular(upper, columns)
        }
        None => g.matmul(args["chol"], columns),
    });
    let loc = beside(g, args["loc"], &event);
    g.add(loc, spread)
}

/// sum_k log(L_kk) + K log(2 pi e) / 2
fn entropy(g: &mut Graph, args: &Args) -> NodeId {
    let norm = log_norm(g, args);
    let k = g.event(args["loc"]).last().cloned().unwrap_or_default();
    let k = g.size(k);
    let half = g.scale(k, 0.5 * E.ln());
    g.add(norm, half)
}

/// A factor A of the covariance, A A' (lower or upper triangular).
pub fn factor(g: &mut Graph, args: &Args) -> NodeId {
    let Some(inverse) = args.get("inverse").copied() else { return args["chol"] };
    let (k, upper) = (g.event(inverse)[0].clone(), g.transpose(inverse));
    let unit = g.eye(k);
    g.solve_triangular(upper, unit)
}

fn expect(g: &mut Graph, statistic: Statistic, args: &Args) -> Option<NodeId> {
    match statistic {
        Statistic::Value => Some(args["loc"]),
        Statistic::Variance => {
            let factor = factor(g, args);
            let squares = g.square(factor);
            Some(g.reduce(Reduce::Sum, squares, Over::Last))
        }
        _ => None,
    }
}

/// E |L^-1 (x - loc)|^2 under a Normal with this mean and this factor of its covariance.
pub fn expected_square(g: &mut Graph, args: &Args, mean: NodeId, factor: NodeId) -> NodeId {
    let distance = g.sub(mean, args["loc"]);
    let distance = whiten(g, args, distance);
    let spread = match args.get("inverse") {
        Some(inverse) => {
            let upper = g.transpose(*inverse);
            g.matmul(upper, factor)
        }
        None => g.solve_triangular(args["chol"], factor),
    };
    let (distance, spread) = (g.square(distance), g.square(spread));
    let (distance, spread) = (g.sum_event(distance), g.sum_event(spread));
    g.add(distance, spread)
}
