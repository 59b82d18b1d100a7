//! Rows of a chain that read earlier rows: what is some rows back, and sums over the paths of discrete sites.
//!
//! A site of an earlier row is another axis of its states. Every log density of the chain's plate is then a factor over
//! the states of a few rows, and the sum over all paths is the forward recursion (Rabiner 1989); where rows further back
//! than the one before are read, over paths of the states of as many rows together.

use std::collections::BTreeMap;

use crate::elbo::rewrite::{Rewrite, sites_read};
use crate::math::{DefId, Graph, NodeId, Op, Pick, SiteId};
use crate::model::Model;
use crate::shape::{AxisId, AxisKind};

/// The chain that a site stands in.
pub fn of(model: &Model, site: SiteId) -> Option<AxisId> {
    model.sites[site.index()].plates.iter().copied().find(|axis| model.axes[*axis].kind == AxisKind::Chain)
}

/// How far back these expressions read a site of a chain; 0 where they read its own row alone. What is read at a lag may
/// itself read at a lag: these add up.
fn lag(graph: &Graph, roots: &[NodeId], site: SiteId, chain: AxisId) -> usize {
    let mut known: BTreeMap<NodeId, usize> = BTreeMap::new();
    for id in graph.reachable(roots) {
        let far = match &graph.nodes[id].op {
            Op::Site(own) => (*own == site).then_some(0),
            Op::Index(base, picks) => {
                let back = lag_pick(picks, chain).map_or(0, |(_, lag)| lag);
                let inside = known.get(base).map(|far| far + back);
                picks.iter().filter_map(|pick| at(pick).and_then(|at| known.get(&at).copied())).chain(inside).max()
            }
            op => op.children().iter().filter_map(|child| known.get(child).copied()).max(),
        };
        known.extend(far.map(|far| (id, far)));
    }
    roots.iter().filter_map(|root| known.get(root).copied()).max().unwrap_or(0)
}

fn at(pick: &Pick) -> Option<NodeId> {
    if let Pick::At(id) = pick { Some(*id) } else { None }
}

/// The pick that is a lag of this chain, and how far back it is.
fn lag_pick(picks: &[Pick], chain: AxisId) -> Option<(usize, usize)> {
    picks.iter().enumerate().find_map(|(place, pick)| match pick {
        Pick::Lag(axis, lag) if *axis == chain => Some((place, *lag)),
        _ => None,
    })
}

/// How many rows back some statement reads the site.
pub fn furthest(model: &Model, site: SiteId) -> usize {
    let Some(chain) = of(model, site) else { return 0 };
    let roots: Vec<NodeId> = model.statements.iter().flat_map(|s| crate::elbo::cost::roots(model, s)).collect();
    lag(&model.graph, &roots, site, chain)
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

/// The states of sites that are summed over, by how many rows back they are.
pub type States = BTreeMap<(SiteId, usize), NodeId>;

/// A value of a chain so many rows back: its states are those of that row, other rows of it are read at a lag.
struct Back<'a> {
    chain: AxisId,
    lag: usize,
    states: &'a States,
    done: BTreeMap<NodeId, NodeId>,
}

impl Back<'_> {
    fn node(&mut self, graph: &mut Graph, id: NodeId) -> NodeId {
        if let Some(done) = self.done.get(&id) {
            return *done;
        }
        let made = self.make(graph, id);
        self.done.insert(id, made);
        made
    }

    fn make(&mut self, graph: &mut Graph, id: NodeId) -> NodeId {
        let node = graph.nodes[id].clone();
        if !node.shape.plates.contains(&self.chain) {
            return id;
        }
        match &node.op {
            Op::Site(site) => match self.states.get(&(*site, self.lag)) {
                Some(state) => *state,
                None => self.earlier_row(graph, id),
            },
            // What is carried from row to row varies over no states of the chain (`carried`).
            Op::Scan { .. } => self.earlier_row(graph, id),
            Op::Row(_) => graph.shift(id, -(self.lag as f64)),
            Op::Free(_) | Op::AutoLoc(_) | Op::AutoScale(_) | Op::AutoNoise(_) | Op::Noise(..) => {
                self.earlier_row(graph, id)
            }
            Op::Index(base, picks) => {
                let inner = Lagged::of(graph, self.states, *base, picks).filter(|lagged| lagged.chain == self.chain);
                let picks: Vec<Pick> = picks.iter().map(|pick| self.pick(graph, pick)).collect();
                match inner {
                    Some(lagged) => lagged.value(graph, self.states, self.lag, &picks),
                    None => {
                        let base = self.node(graph, *base);
                        graph.index(base, picks)
                    }
                }
            }
            op => {
                let children: Vec<NodeId> = op.children().into_iter().map(|child| self.node(graph, child)).collect();
                let mut children = children.into_iter();
                let op = op.map_children(&mut |child| children.next().unwrap_or(child));
                match op {
                    Op::Named(_, inner) => inner,
                    op => graph.op(op),
                }
            }
        }
    }

    fn pick(&mut self, graph: &mut Graph, pick: &Pick) -> Pick {
        match pick {
            Pick::Row(axis) if *axis == self.chain => Pick::Lag(*axis, self.lag),
            Pick::Lag(axis, lag) if *axis == self.chain => Pick::Lag(*axis, self.lag + lag),
            Pick::At(at) => Pick::At(self.node(graph, *at)),
            other => other.clone(),
        }
    }

    fn earlier_row(&self, graph: &mut Graph, id: NodeId) -> NodeId {
        let rows = graph.lift(id, vec![self.chain]);
        graph.index(rows, vec![Pick::Lag(self.chain, self.lag)])
    }
}

/// An earlier row of what reads a site that is summed over: `s[t-2]`.
struct Lagged {
    chain: AxisId,
    lag: usize,
    /// Which of the picks is the lag, and the axes that they are of.
    place: usize,
    axes: Vec<AxisId>,
    inside: NodeId,
}

impl Lagged {
    fn of(graph: &Graph, states: &States, base: NodeId, picks: &[Pick]) -> Option<Lagged> {
        let Op::Lift(inside, axes) = &graph.nodes[graph.unnamed(base)].op else { return None };
        let (place, chain, lag) = picks.iter().enumerate().find_map(|(place, pick)| match pick {
            Pick::Lag(chain, lag) if axes.get(place) == Some(chain) => Some((place, *chain, *lag)),
            _ => None,
        })?;
        let summed = sites_read(graph, &[*inside]).iter().any(|site| states.contains_key(&(*site, 1)));
        summed.then(|| Lagged { chain, lag, place, axes: axes.clone(), inside: *inside })
    }

    /// Its value, seen from so many rows back. What is left of the array are its other rows, and of the picks those of them.
    fn value(&self, graph: &mut Graph, states: &States, from: usize, picks: &[Pick]) -> NodeId {
        let mut back = Back { chain: self.chain, lag: from + self.lag, states, done: BTreeMap::new() };
        let value = back.node(graph, self.inside);
        let rest: Vec<AxisId> = self.axes.iter().copied().filter(|axis| *axis != self.chain).collect();
        let others = picks.iter().enumerate().filter(|(i, _)| *i != self.place);
        let picks: Vec<Pick> = others.map(|(_, pick)| pick.clone()).collect();
        let rows = graph.lift(value, rest);
        graph.index(rows, picks)
    }
}

/// Puts the values of earlier rows where an expression reads these sites at a lag.
pub fn read_back(graph: &mut Graph, rewrite: &mut Rewrite, root: NodeId, states: &States) {
    let mut lags: BTreeMap<NodeId, NodeId> = BTreeMap::new();
    for id in graph.reachable(&[root]) {
        let Op::Index(base, picks) = graph.nodes[id].op.clone() else { continue };
        if let Some(lagged) = Lagged::of(graph, states, base, &picks) {
            lags.insert(id, lagged.value(graph, states, 0, &picks));
        }
    }
    rewrite.put(&lags);
}
