//! Which elementwise operations run in one pass, and the order of everything that runs.

use std::collections::{BTreeMap, BTreeSet};

use super::tiles;
use crate::plan::{NodeId, Op, Plan, Unary};

/// Operations of one pass: neighbours of one shape that nothing outside has to run between.
pub(super) struct Clusters {
    /// In an order in which each reads only what came before; members by id.
    pub order: Vec<Vec<NodeId>>,
}

/// Most operations of one pass.
const LINES: usize = 64;

impl Clusters {
    /// `fixed` says of each node whether no input reaches it: such nodes run once, so they never mix with others.
    pub fn new(plan: &Plan, fixed: &[bool]) -> Clusters {
        let mut growing = Growing {
            plan,
            operands: plan.nodes.iter().map(|(_, n)| n.op.operands()).collect(),
            of: vec![],
            groups: vec![],
        };
        for (id, node) in plan.nodes.iter() {
            let home = is_elementwise(&node.op).then(|| growing.home(id, fixed)).flatten();
            let group = home.unwrap_or_else(|| {
                growing.groups.push(vec![]);
                growing.groups.len() - 1
            });
            growing.groups[group].push(id);
            growing.of.push(group);
        }
        growing.sorted()
    }
}

/// A stopped gradient is no operation here: it is the value.
pub(super) fn is_elementwise(op: &Op) -> bool {
    matches!(op, Op::Unary(..) | Op::Binary(..) | Op::Select(..)) && !matches!(op, Op::Unary(Unary::StopGradient, _))
}

struct Growing<'a> {
    plan: &'a Plan,
    operands: Vec<Vec<NodeId>>,
    of: Vec<usize>,
    groups: Vec<Vec<NodeId>>,
}

impl Growing<'_> {
    /// A group of an operand that the node may join.
    fn home(&self, id: NodeId, fixed: &[bool]) -> Option<usize> {
        let shape = &self.plan.nodes[id].shape;
        let mut candidates: Vec<usize> = self.operands[id.index()]
            .iter()
            .filter(|of| {
                let node = &self.plan.nodes[**of];
                is_elementwise(&node.op) && node.shape == *shape && fixed[of.index()] == fixed[id.index()]
            })
            .map(|of| self.of[of.index()])
            .collect();
        candidates.sort_unstable();
        candidates.dedup();
        candidates.into_iter().rev().find(|group| self.fits(id, *group) && !self.would_wait(id, *group))
    }

    fn fits(&self, id: NodeId, group: usize) -> bool {
        let members = &self.groups[group];
        let mut loads: BTreeSet<NodeId> = BTreeSet::new();
        for member in members.iter().chain([&id]) {
            loads.extend(self.operands[member.index()].iter().filter(|of| !members.contains(of)));
        }
        members.len() < LINES && loads.len() <= tiles::LOADS
    }

    /// Whether an operand from outside the group needs a result of the group first.
    fn would_wait(&self, id: NodeId, group: usize) -> bool {
        let first = self.groups[group][0];
        let mut seen = BTreeSet::new();
        let outside = |of: &NodeId| self.of[of.index()] != group;
        let mut open: Vec<usize> =
            self.operands[id.index()].iter().filter(|of| outside(of)).map(|of| self.of[of.index()]).collect();
        while let Some(next) = open.pop() {
            if next == group {
                return true;
            }
            // What came entirely before the group's first member cannot depend on it.
            if self.groups[next].last().is_some_and(|last| *last < first) || !seen.insert(next) {
                continue;
            }
            let reads = self.groups[next].iter().flat_map(|member| &self.operands[member.index()]);
            open.extend(reads.map(|of| self.of[of.index()]).filter(|of| *of != next));
        }
        false
    }

    /// Every group after those it reads; among those that are ready, the one that was written first.
    fn sorted(self) -> Clusters {
        let mut waiting: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); self.groups.len()];
        let mut readers: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for (group, members) in self.groups.iter().enumerate() {
            let reads = members.iter().flat_map(|m| &self.operands[m.index()]).map(|of| self.of[of.index()]);
            waiting[group] = reads.filter(|of| *of != group).collect();
            for read in &waiting[group] {
                readers.entry(*read).or_default().insert(group);
            }
        }
        let mut ready: BTreeSet<(NodeId, usize)> = BTreeSet::new();
        let key = |group: usize| (self.groups[group][0], group);
        ready.extend((0..self.groups.len()).filter(|g| waiting[*g].is_empty()).map(key));
        let mut clusters = Clusters { order: vec![] };
        while let Some((_, group)) = ready.pop_first() {
            for reader in readers.remove(&group).unwrap_or_default() {
                waiting[reader].remove(&group);
                if waiting[reader].is_empty() {
                    ready.insert(key(reader));
                }
            }
            clusters.order.push(self.groups[group].clone());
        }
        clusters
    }
}
