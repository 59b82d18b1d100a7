//! Summing out discrete sites (row 2): variable elimination over named axes of states, plates included.
//!
//! Every log density that reads a site of the innermost plates is summed over the plates inside that site's own, all
//! are added, and the site's axis is reduced by log-sum-exp; what comes out is a log density over the sites that are
//! left (Obermeyer et al. 2019, "Tensor variable elimination for plated factor graphs").

use std::collections::{BTreeMap, BTreeSet};

use crate::elbo::problems::{ElboProblem, TABLE};
use crate::math::{Binary, Graph, NodeId, Over, Reduce, SiteId};
use crate::model::Model;
use crate::shape::AxisId;

/// A log density over states: a number in `plates` and in the states' axes of `reads`.
#[derive(Debug, Clone)]
pub struct Factor {
    pub value: NodeId,
    /// Outermost first.
    pub plates: Vec<AxisId>,
    /// Sites that are not yet summed out of it.
    pub reads: BTreeSet<SiteId>,
    /// Sites that are.
    pub summed: BTreeSet<SiteId>,
    /// The statements it is made of.
    pub statements: BTreeSet<usize>,
}

/// Sums out the sites whose axes of states are given, and returns one factor a connected group of them.
pub fn eliminate(
    model: &Model,
    graph: &mut Graph,
    states: &BTreeMap<SiteId, AxisId>,
    mut factors: Vec<Factor>,
) -> Result<Vec<Factor>, ElboProblem> {
    let mut order: Vec<SiteId> = states.keys().copied().collect();
    // Deeper plates first: what is left of them is then one number a row of the plates around.
    order.sort_by_key(|id| std::cmp::Reverse((model.sites[id.index()].plates.len(), *id)));
    for site in order {
        let (touched, rest): (Vec<Factor>, Vec<Factor>) = factors.into_iter().partition(|f| f.reads.contains(&site));
        factors = rest;
        factors.push(sum_out(model, graph, states, site, &touched)?);
    }
    Ok(factors)
}

fn sum_out(
    model: &Model,
    graph: &mut Graph,
    states: &BTreeMap<SiteId, AxisId>,
    site: SiteId,
    touched: &[Factor],
) -> Result<Factor, ElboProblem> {
    let plates = model.sites[site.index()].plates.clone();
    let union = |of: fn(&Factor) -> &BTreeSet<SiteId>| touched.iter().flat_map(of).copied().collect::<BTreeSet<_>>();
    let (mut reads, mut summed) = (union(|f| &f.reads), union(|f| &f.summed));
    check_table(model, graph, states, &reads)?;
    let mut total = None;
    for factor in touched {
        let inside: Vec<AxisId> = factor.plates.iter().copied().filter(|axis| !plates.contains(axis)).collect();
        let value = sum_over(graph, factor.value, inside);
        total = Some(total.map_or(value, |sum| graph.binary(Binary::Add, sum, value)));
    }
    // A site's own prior reads it, so there is always a factor.
    let total = total.unwrap_or_else(|| graph.number(0.0));
    let value = graph.reduce(Reduce::LogSumExp, total, Over::Axes(vec![states[&site]]));
    reads.remove(&site);
    summed.insert(site);
    let statements = touched.iter().flat_map(|f| f.statements.iter().copied()).collect();
    Ok(Factor { value, plates, reads, summed, statements })
}

/// Summed over plate axes, those it does not vary over included.
pub fn sum_over(graph: &mut Graph, value: NodeId, axes: Vec<AxisId>) -> NodeId {
    if axes.is_empty() { value } else { graph.reduce(Reduce::Sum, value, Over::Axes(axes)) }
}

fn check_table(
    model: &Model,
    graph: &Graph,
    states: &BTreeMap<SiteId, AxisId>,
    sites: &BTreeSet<SiteId>,
) -> Result<(), ElboProblem> {
    let known = |site: &SiteId| graph.axes.get(&states[site]).and_then(|size| size.known());
    let table = sites.iter().filter_map(known).fold(1i64, i64::saturating_mul);
    if table <= TABLE {
        return Ok(());
    }
    let names = sites.iter().map(|id| model.sites[id.index()].name.clone()).collect();
    let span = sites.iter().last().map_or_else(Default::default, |id| model.sites[id.index()].span);
    Err(ElboProblem::TableTooLarge { sites: names, states: table, span })
}
