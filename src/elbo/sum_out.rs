//! Summing out discrete sites (row 2): variable elimination over named axes of states, plates included.
//!
//! Every log density that reads a site of the innermost plates is summed over the plates inside that site's own, all
//! are added, and the site's axis is reduced by log-sum-exp; what comes out is a log density over the sites that are
//! left (Obermeyer et al. 2019, "Tensor variable elimination for plated factor graphs"). Sites that a chain reads across its
//! rows are summed together along all paths, by the forward recursion.

use std::collections::{BTreeMap, BTreeSet};

use crate::elbo::chain;
use crate::elbo::problems::{ElboProblem, TABLE};
use crate::math::{Binary, Graph, NodeId, Op, Over, Reduce, SiteId, Support};
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

/// The axes of the states of the sites that are summed out: at their own row; and of those that a chain reads across rows,
/// at the rows before, the nearest first, and those of these rows that it hands on to the next.
pub struct States {
    pub own: BTreeMap<SiteId, AxisId>,
    pub before: BTreeMap<SiteId, Vec<AxisId>>,
    pub handed_on: BTreeMap<SiteId, Vec<AxisId>>,
}

/// The log weight of a step between states that say different things of one row. A finite number: minus infinity less
/// itself, which a step over no path at all would give, is none.
const NEVER: f64 = -1e30;

/// Sums out all sites, and returns one factor a connected group of them.
pub fn eliminate(
    model: &Model,
    graph: &mut Graph,
    states: &States,
    mut factors: Vec<Factor>,
) -> Result<Vec<Factor>, ElboProblem> {
    // Deeper plates first: what is left of them is then one number a row of the plates around. In a plate the sites of
    // one row come first: what is left is a step from row to row.
    let mut order: Vec<SiteId> = states.own.keys().copied().collect();
    let depth = |id: &SiteId| model.sites[id.index()].plates.len();
    order.sort_by_key(|id| (std::cmp::Reverse(depth(id)), states.before.contains_key(id), std::cmp::Reverse(*id)));
    let mut done = BTreeSet::new();
    for site in order {
        if done.contains(&site) {
            continue;
        }
        let group = if states.before.contains_key(&site) { connected(&factors, states, site) } else { [site].into() };
        let (touched, rest): (Vec<Factor>, Vec<Factor>) =
            factors.into_iter().partition(|f| !f.reads.is_disjoint(&group));
        factors = rest;
        factors.push(sum_out(model, graph, states, &group, &touched)?);
        done.extend(group);
    }
    Ok(factors)
}

/// The sites of a chain that have to be summed along paths together: they meet in a factor, directly or through others.
fn connected(factors: &[Factor], states: &States, site: SiteId) -> BTreeSet<SiteId> {
    let mut group: BTreeSet<SiteId> = [site].into();
    loop {
        let touched = factors.iter().filter(|f| !f.reads.is_disjoint(&group));
        let met = touched.flat_map(|f| f.reads.iter().copied()).filter(|id| states.before.contains_key(id));
        let more: BTreeSet<SiteId> = met.chain(group.iter().copied()).collect();
        if more.len() == group.len() {
            return group;
        }
        group = more;
    }
}

fn sum_out(
    model: &Model,
    graph: &mut Graph,
    states: &States,
    group: &BTreeSet<SiteId>,
    touched: &[Factor],
) -> Result<Factor, ElboProblem> {
    let mut plates: Vec<AxisId> =
        group.iter().map(|id| &model.sites[id.index()].plates).min_by_key(|p| p.len()).cloned().unwrap_or_default();
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
    let mut total = total.unwrap_or_else(|| graph.number(0.0));
    let none = vec![];
    let rows = |of: &BTreeMap<SiteId, Vec<AxisId>>, id: &SiteId| of.get(id).unwrap_or(&none).clone();
    let before: Vec<AxisId> = group.iter().flat_map(|id| rows(&states.before, id)).collect();
    let own = group.iter().flat_map(|id| [vec![states.own[id]], rows(&states.handed_on, id)].concat()).collect();
    for id in group {
        // What a row hands on of the rows before it is what it was told of them.
        for (handed, told) in rows(&states.handed_on, id).into_iter().zip(rows(&states.before, id)) {
            let [handed, told] = [handed, told].map(|axis| graph.row(axis, Support::Count(None)));
            let differs = graph.binary(Binary::NotEqual, handed, told);
            let never = graph.scale(differs, NEVER);
            total = graph.add(total, never);
        }
    }
    let chain = group.first().and_then(|id| chain::of(model, *id)).filter(|_| !before.is_empty());
    let value = match chain {
        None => graph.reduce(Reduce::LogSumExp, total, Over::Axes(own)),
        Some(chain) => {
            plates.retain(|axis| *axis != chain);
            graph.op(Op::Forward { factor: total, chain, from: before, to: own })
        }
    };
    reads.retain(|id| !group.contains(id));
    summed.extend(group);
    let statements = touched.iter().flat_map(|f| f.statements.iter().copied()).collect();
    Ok(Factor { value, plates, reads, summed, statements })
}

/// Summed over plate axes, those it does not vary over included.
pub fn sum_over(graph: &mut Graph, value: NodeId, axes: Vec<AxisId>) -> NodeId {
    if axes.is_empty() { value } else { graph.reduce(Reduce::Sum, value, Over::Axes(axes)) }
}

fn check_table(model: &Model, graph: &Graph, states: &States, sites: &BTreeSet<SiteId>) -> Result<(), ElboProblem> {
    let axes = |site: &SiteId| {
        let rows = [&states.before, &states.handed_on].into_iter().filter_map(|of| of.get(site)).flatten();
        states.own.get(site).into_iter().chain(rows).copied().collect::<Vec<_>>()
    };
    let known = |axis: AxisId| graph.axes.get(&axis).and_then(|size| size.known());
    let table = sites.iter().flat_map(axes).filter_map(known).fold(1i64, i64::saturating_mul);
    if table <= TABLE {
        return Ok(());
    }
    let names = sites.iter().map(|id| model.sites[id.index()].name.clone()).collect();
    let span = sites.iter().last().map_or_else(Default::default, |id| model.sites[id.index()].span);
    Err(ElboProblem::TableTooLarge { sites: names, states: table, bound: false, span })
}
