//! How large the tables of states are that a bound goes through: what a value that varies over them holds at one row.

use std::collections::BTreeSet;

use crate::arena::Arena;
use crate::elbo::Elbo;
use crate::elbo::problems::{ElboProblem, TABLE};
use crate::math::{Graph, NodeId};
use crate::problem::Problem;
use crate::shape::{Axis, AxisId, AxisKind, Size};

/// The axes of states of a value that is made on the way to this one, where they hold more entries than a table may.
pub fn too_large(
    graph: &Graph,
    axes: &Arena<Axis>,
    root: NodeId,
    known: &dyn Fn(&Size) -> Option<i64>,
) -> Option<(Vec<AxisId>, i64)> {
    let of = |id: NodeId| -> (Vec<AxisId>, i64) {
        let plates = graph.nodes[id].shape.plates.iter().copied();
        let states: Vec<AxisId> = plates.filter(|axis| axes[*axis].kind == AxisKind::States).collect();
        let entries = states.iter().filter_map(|axis| known(&axes[*axis].size)).fold(1i64, i64::saturating_mul);
        (states, entries)
    };
    let largest = graph.reachable(&[root]).into_iter().map(of).max_by_key(|(_, entries)| *entries);
    largest.filter(|(_, entries)| *entries > TABLE)
}

/// The problem of a table over these axes.
pub fn problem(axes: &Arena<Axis>, states: &[AxisId], entries: i64, bound: bool) -> ElboProblem {
    let names: BTreeSet<&str> = states.iter().map(|axis| axes[*axis].name.as_str()).collect();
    let sites = names.into_iter().map(String::from).collect();
    let span = states.last().map(|axis| axes[*axis].span).unwrap_or_default();
    ElboProblem::TableTooLarge { sites, states: entries, bound, span }
}

/// Where sizes were not known when the bound was derived, summing out was assumed: with data bound they are.
pub fn check_bound(elbo: &Elbo, size: &dyn Fn(&Size) -> Option<i64>) -> Result<(), Problem> {
    for term in elbo.terms.iter().chain(&elbo.log_p) {
        if let Some((states, entries)) = too_large(&elbo.graph, &elbo.axes, term.value, size) {
            return Err(problem(&elbo.axes, &states, entries, true).into());
        }
    }
    Ok(())
}
