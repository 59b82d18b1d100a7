//! Rows of a chain that read earlier rows: what is one row back, and sums over the paths of discrete sites.
//!
//! A site of the row before is another axis of its states. Every log density of the chain's plate is then a factor over
//! pairs of states, and the sum over all paths is the forward recursion (Rabiner 1989).

use std::collections::BTreeMap;

use crate::elbo::rewrite::{Rewrite, sites_read};
use crate::math::{DefId, Graph, NodeId, Op, Pick, SiteId};
use crate::model::Model;
use crate::shape::{AxisId, AxisKind};

/// The chain that a site stands in.
pub fn of(model: &Model, site: SiteId) -> Option<AxisId> {
    model.sites[site.index()].plates.iter().copied().find(|axis| model.axes[*axis].kind == AxisKind::Chain)
}

/// How far back these expressions read a site of a chain; 0 where they read its own row alone.
pub fn lag(graph: &Graph, roots: &[NodeId], site: SiteId, chain: AxisId) -> usize {
    let lagged = |id: &NodeId| match &graph.nodes[*id].op {
        Op::Index(base, picks) if sites_read(graph, &[*base]).contains(&site) => {
            picks.iter().find_map(|pick| match pick {
                Pick::Lag(axis, lag) if *axis == chain => Some(*lag),
                _ => None,
            })
        }
        _ => None,
    };
    graph.reachable(roots).iter().filter_map(lagged).max().unwrap_or(0)
}

/// Whether some statement reads an earlier row of the site.
pub fn is_lagged(model: &Model, site: SiteId) -> bool {
    let Some(chain) = of(model, site) else { return false };
    let roots: Vec<NodeId> = model.statements.iter().flat_map(|s| crate::elbo::cost::roots(model, s)).collect();
    lag(&model.graph, &roots, site, chain) > 0
}

/// The definition that carries a site of a chain from row to row, where one does: its rows then follow the whole path of
/// the site.
pub fn carried(model: &Model, roots: &[NodeId], site: SiteId) -> Option<DefId> {
    let graph = &model.graph;
    graph.reachable(roots).into_iter().find_map(|id| match graph.nodes[id].op {
        Op::Scan { own, chain, .. } if model.sites[site.index()].plates.contains(&chain) => {
            let Op::Earlier { of, .. } = graph.nodes[own].op else { return None };
            sites_read(graph, &[id]).contains(&site).then_some(of)
        }
        _ => None,
    })
}

/// A value of a chain one row back: its states are those of the row before, other rows of it are read at a lag.
/// `None` where that would be two rows back for a site that is summed over.
struct Back<'a> {
    chain: AxisId,
    /// The states of the row before, by site.
    states: &'a BTreeMap<SiteId, NodeId>,
    done: BTreeMap<NodeId, Option<NodeId>>,
}

impl Back<'_> {
    fn node(&mut self, graph: &mut Graph, id: NodeId) -> Option<NodeId> {
        if let Some(done) = self.done.get(&id) {
            return *done;
        }
        let made = self.make(graph, id);
        self.done.insert(id, made);
        made
    }

    fn make(&mut self, graph: &mut Graph, id: NodeId) -> Option<NodeId> {
        let node = graph.nodes[id].clone();
        if !node.shape.plates.contains(&self.chain) {
            return Some(id);
        }
        match &node.op {
            Op::Site(site) => match self.states.get(site) {
                Some(state) => Some(*state),
                None => Some(self.row_before(graph, id)),
            },
            // What is carried from row to row varies over no states of the chain (`carried`).
            Op::Scan { .. } => Some(self.row_before(graph, id)),
            Op::Row(_) => Some(graph.shift(id, -1.0)),
            Op::Free(_) | Op::AutoLoc(_) | Op::AutoScale(_) | Op::AutoNoise(_) | Op::Noise(..) => {
                Some(self.row_before(graph, id))
            }
            Op::Index(base, picks) => {
                let base = self.node(graph, *base)?;
                let summed = sites_read(graph, &[base]).iter().any(|site| self.states.contains_key(site));
                let picks: Option<Vec<Pick>> = picks.iter().map(|pick| self.pick(graph, pick, summed)).collect();
                Some(graph.index(base, picks?))
            }
            op => {
                let children: Option<Vec<NodeId>> =
                    op.children().into_iter().map(|child| self.node(graph, child)).collect();
                let mut children = children?.into_iter();
                let op = op.map_children(&mut |child| children.next().unwrap_or(child));
                Some(match op {
                    Op::Named(_, inner) => inner,
                    op => graph.op(op),
                })
            }
        }
    }

    fn pick(&mut self, graph: &mut Graph, pick: &Pick, summed: bool) -> Option<Pick> {
        Some(match pick {
            Pick::Row(axis) if *axis == self.chain => Pick::Lag(*axis, 1),
            Pick::Lag(axis, _) if *axis == self.chain && summed => return None,
            Pick::Lag(axis, lag) if *axis == self.chain => Pick::Lag(*axis, lag + 1),
            Pick::At(at) => Pick::At(self.node(graph, *at)?),
            other => other.clone(),
        })
    }

    fn row_before(&self, graph: &mut Graph, id: NodeId) -> NodeId {
        let rows = graph.lift(id, vec![self.chain]);
        graph.index(rows, vec![Pick::Lag(self.chain, 1)])
    }
}

/// Puts the values of the row before where an expression reads these sites at a lag; `None` where that is further back.
pub fn read_back(
    graph: &mut Graph,
    rewrite: &mut Rewrite,
    root: NodeId,
    before: &BTreeMap<SiteId, NodeId>,
) -> Option<()> {
    let reads = |graph: &Graph, id: NodeId| sites_read(graph, &[id]).iter().any(|site| before.contains_key(site));
    let mut lags: BTreeMap<NodeId, NodeId> = BTreeMap::new();
    for id in graph.reachable(&[root]) {
        let Op::Index(base, picks) = graph.nodes[id].op.clone() else { continue };
        let lagged = picks.iter().position(|pick| matches!(pick, Pick::Lag(..)));
        let (Some(place), true) = (lagged, reads(graph, base)) else { continue };
        let Pick::Lag(chain, 1) = picks[place] else { return None };
        let Op::Lift(inside, axes) = graph.nodes[graph.unnamed(base)].op.clone() else { return None };
        if axes.get(place) != Some(&chain) {
            return None;
        }
        let value = Back { chain, states: before, done: BTreeMap::new() }.node(graph, inside)?;
        // What is left of the array are its other rows, and of the picks those of them.
        let rest: Vec<AxisId> = axes.iter().copied().filter(|axis| *axis != chain).collect();
        let picks: Vec<Pick> = picks.iter().enumerate().filter(|(i, _)| *i != place).map(|(_, p)| p.clone()).collect();
        let rows = graph.lift(value, rest);
        lags.insert(id, graph.index(rows, picks));
    }
    rewrite.put(&lags);
    Some(())
}
