//! The same expression elsewhere: axes renamed, sites replaced by other values. What does not change stays the same node.

use std::collections::{BTreeMap, BTreeSet};

use crate::math::{Graph, NodeId, Op, Over, Pick, SiteId};
use crate::shape::{AxisId, Shape, Size};

/// What is put in the place of what. One rewrite may serve many roots: shared parts are rewritten once.
#[derive(Debug, Clone, Default)]
pub struct Rewrite {
    pub axes: BTreeMap<AxisId, AxisId>,
    pub sites: BTreeMap<SiteId, NodeId>,
    /// Other values that were put in.
    put: Vec<NodeId>,
    done: BTreeMap<NodeId, NodeId>,
}

impl Rewrite {
    /// The guide's own axes become those of the site, so that factor and prior vary over the same names.
    pub fn rename(from: &[AxisId], to: &[AxisId]) -> Rewrite {
        let axes = from.iter().copied().zip(to.iter().copied()).filter(|(a, b)| a != b).collect();
        Rewrite { axes, ..Rewrite::default() }
    }

    pub fn replace(sites: BTreeMap<SiteId, NodeId>) -> Rewrite {
        Rewrite { sites, ..Rewrite::default() }
    }

    /// Some nodes are replaced as wholes.
    pub fn put(&mut self, nodes: &BTreeMap<NodeId, NodeId>) {
        self.done.extend(nodes);
        self.put.extend(nodes.values());
    }

    pub fn node(&mut self, graph: &mut Graph, root: NodeId) -> NodeId {
        for id in graph.reachable(&[root]) {
            if !self.done.contains_key(&id) {
                let new = self.one(graph, id);
                self.done.insert(id, new);
            }
        }
        self.done[&root]
    }

    // Operands are done before what is made of them.
    fn one(&self, graph: &mut Graph, id: NodeId) -> NodeId {
        let node = graph.nodes[id].clone();
        if let Op::Site(site) = node.op
            && let Some(value) = self.sites.get(&site)
        {
            return *value;
        }
        if let Op::Earlier { of, .. } = node.op {
            return self.earlier(graph, id, of);
        }
        let op = self.renamed(&node.op).map_children(&mut |child| self.done[&child]);
        let op = self.simpler(graph, op);
        let plates: Vec<AxisId> = node.shape.plates.iter().map(|axis| self.axis(*axis)).collect();
        if op == node.op && plates == node.shape.plates {
            return id;
        }
        let new = match op.children().is_empty() && !matches!(op, Op::Eye(_)) {
            true => graph.node(op, Shape::new(plates, node.shape.event), node.support),
            false => graph.op(op),
        };
        match node.span {
            Some(span) => graph.mark(new, span),
            None => new,
        }
    }

    /// Earlier rows of a value whose body becomes another: they are rows of a value of its own, over what that varies over.
    fn earlier(&self, graph: &mut Graph, id: NodeId, of: crate::math::DefId) -> NodeId {
        let Some(scan) = graph.scan_of(id) else { return id };
        let node = graph.nodes[id].clone();
        let mut plates: Vec<AxisId> = node.shape.plates.iter().map(|axis| self.axis(*axis)).collect();
        let mut changed = plates != node.shape.plates;
        for inside in graph.reachable(&[scan]) {
            let value = match graph.nodes[inside].op {
                Op::Site(site) => self.sites.get(&site).or(self.done.get(&inside)),
                _ => self.done.get(&inside),
            };
            let varies = graph.nodes[inside].shape.plates.iter().any(|axis| self.axes.contains_key(axis));
            if let Some(value) = value.filter(|value| **value != inside) {
                plates.extend(&graph.shape(*value).plates);
                changed = true;
            }
            changed |= varies;
        }
        if !changed {
            return id;
        }
        let copy = graph.nodes.len() as u32;
        graph.node(Op::Earlier { of, copy }, Shape::new(plates, node.shape.event), node.support)
    }

    fn renamed(&self, op: &Op) -> Op {
        match op.clone() {
            Op::Row(axis) => Op::Row(self.axis(axis)),
            Op::Lift(a, axes) => Op::Lift(a, self.all(&axes)),
            Op::Reduce(op, a, Over::Axes(axes)) => Op::Reduce(op, a, Over::Axes(self.all(&axes))),
            Op::Index(a, picks) => Op::Index(a, picks.into_iter().map(|pick| self.pick(pick)).collect()),
            Op::Scan { own, body, chain } => Op::Scan { own, body, chain: self.axis(chain) },
            other => other,
        }
    }

    fn pick(&self, pick: Pick) -> Pick {
        match pick {
            Pick::Row(axis) => Pick::Row(self.axis(axis)),
            Pick::Lag(axis, lag) => Pick::Lag(self.axis(axis), lag),
            other => other,
        }
    }

    fn axis(&self, axis: AxisId) -> AxisId {
        *self.axes.get(&axis).unwrap_or(&axis)
    }

    fn all(&self, axes: &[AxisId]) -> Vec<AxisId> {
        axes.iter().map(|axis| self.axis(*axis)).collect()
    }

    /// An index by the state of an axis as long as what it indexes is that axis: no gather, only another name.
    fn simpler(&self, graph: &mut Graph, op: Op) -> Op {
        match op {
            Op::Index(a, picks) => {
                let sizes = graph.event(a).to_vec();
                let named = |(i, pick): (usize, Pick)| match pick {
                    Pick::At(at) => self.states(graph, at, sizes.get(i)).map_or(Pick::At(at), Pick::Row),
                    other => other,
                };
                let picks = picks.into_iter().enumerate().map(named).collect();
                own_rows(graph, a, picks)
            }
            Op::Take { table, index } if graph.event(table).len() == 1 && graph.event(index).is_empty() => {
                match self.states(graph, index, graph.event(table).first()) {
                    Some(axis) => Op::Index(table, vec![Pick::Row(axis)]),
                    None => Op::Take { table, index },
                }
            }
            other => other,
        }
    }

    /// The axis whose state a value is, where that axis has this size. Only values that were put in count: the
    /// variable of a comprehension may not start at 0.
    fn states(&self, graph: &Graph, at: NodeId, size: Option<&Size>) -> Option<AxisId> {
        let at = graph.unnamed(at);
        match graph.nodes[at].op {
            Op::Row(axis)
                if self.sites.values().chain(&self.put).any(|v| *v == at) && graph.axes.get(&axis) == size =>
            {
                Some(axis)
            }
            _ => None,
        }
    }
}

/// An array of rows picked at the variable of those rows is the row itself.
fn own_rows(graph: &mut Graph, array: NodeId, picks: Vec<Pick>) -> Op {
    let Op::Lift(inside, axes) = graph.nodes[graph.unnamed(array)].op.clone() else { return Op::Index(array, picks) };
    let own = |i: usize| picks.get(i) == Some(&Pick::Row(axes[i]));
    if picks.len() < axes.len() || !(0..axes.len()).any(own) {
        return Op::Index(array, picks);
    }
    let lifted: Vec<AxisId> = (0..axes.len()).filter(|i| !own(*i)).map(|i| axes[i]).collect();
    let rest: Vec<Pick> =
        picks.iter().enumerate().filter(|(i, _)| *i >= axes.len() || !own(*i)).map(|(_, pick)| pick.clone()).collect();
    let array = graph.lift(inside, lifted);
    if rest.is_empty() { graph.nodes[array].op.clone() } else { Op::Index(array, rest) }
}

/// The sites that an expression reads.
pub fn sites_read(graph: &Graph, roots: &[NodeId]) -> BTreeSet<SiteId> {
    let site = |id: &NodeId| match graph.nodes[*id].op {
        Op::Site(site) => Some(site),
        _ => None,
    };
    graph.reachable(roots).iter().filter_map(site).collect()
}

/// Whether rows of the site are read as an array: from outside its plates, or over all of them.
/// Earlier rows of a chain (`s[t-1]`) are inside.
pub fn leaves_its_plates(graph: &Graph, roots: &[NodeId], site: SiteId, plates: &[AxisId]) -> bool {
    let lifts = |id: NodeId| match &graph.nodes[graph.unnamed(id)].op {
        Op::Lift(inside, axes) if sites_read(graph, &[*inside]).contains(&site) => axes.as_slice(),
        _ => &[],
    };
    let leaves = |axes: &[AxisId], picks: &[Pick]| {
        let lagged = |i: usize, axis: &AxisId| matches!(picks.get(i), Some(Pick::Lag(of, _)) if of == axis);
        axes.iter().enumerate().any(|(i, axis)| plates.contains(axis) && !lagged(i, axis))
    };
    let reads = |id: NodeId| match &graph.nodes[id].op {
        // A name stands for what it names: who reads that is asked.
        Op::Named(..) => false,
        Op::Index(base, picks) => {
            let picked = picks.iter().filter_map(|pick| if let Pick::At(at) = pick { Some(*at) } else { None });
            leaves(lifts(*base), picks) || picked.into_iter().any(|at| leaves(lifts(at), &[]))
        }
        op => op.children().into_iter().any(|child| leaves(lifts(child), &[])),
    };
    graph.reachable(roots).into_iter().any(reads) || roots.iter().any(|root| leaves(lifts(*root), &[]))
}
