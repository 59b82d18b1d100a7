//! Values of a chain that read their own earlier rows, and draws that do: made row after row, as many times over as the
//! chain has rows.
//!
//! What follows no earlier row is lowered once for all rows, and cut. The rest is lowered once a row: a lag then is the
//! value that was made so many rows before, and an `if` on the row itself is decided, so that no row before the first is read.

use std::collections::{BTreeMap, BTreeSet};

use super::value::{Label, union};
use super::{Lowerer, Trouble, Value, bug, limitation};
use crate::elbo::chain;
use crate::elbo::rewrite::sites_read;
use crate::math::{self, Binary, NodeId, Op, Pick, SiteId, Unary};
use crate::shape::AxisId;

/// How many nodes the rows of one chain may take in a plan.
const NODES: usize = 20_000;

type Memo = BTreeMap<NodeId, Value>;

/// Where a chain is that is made row after row.
pub(super) struct Rows {
    chain: AxisId,
    row: usize,
    /// What follows earlier rows.
    recursive: BTreeSet<NodeId>,
    /// What each of the values is made of at a row, by the leaf that stands for it.
    bodies: BTreeMap<NodeId, NodeId>,
    /// What was lowered for all rows at once.
    whole: Memo,
    /// What was lowered of each row.
    made: Vec<Memo>,
}

impl Lowerer<'_> {
    /// The values of these leaves at every row, in the order of `bodies`.
    pub(super) fn row_by_row(
        &mut self,
        bodies: BTreeMap<NodeId, NodeId>,
        chain: AxisId,
    ) -> Result<BTreeMap<NodeId, Value>, Trouble> {
        let recursive = self.recursive(&bodies);
        let n = self.extent(chain)?;
        if n.saturating_mul(recursive.len()) > NODES {
            return limitation(format!(
                "a chain of {n} rows that are each made of the one before, by {} operations,",
                recursive.len()
            ));
        }
        if self.rows.is_some() {
            return limitation("a value that reads its own earlier rows, inside of another");
        }
        let whole = std::mem::take(&mut self.memo);
        self.rows = Some(Rows { chain, row: 0, recursive, bodies: bodies.clone(), whole, made: vec![] });
        let mut all: BTreeMap<NodeId, Vec<Value>> = BTreeMap::new();
        for row in 0..n {
            if let Some(rows) = &mut self.rows {
                rows.row = row;
            }
            for (leaf, body) in &bodies {
                let value = self.made(*leaf, *body)?;
                self.memo.insert(*leaf, value.clone());
                all.entry(*leaf).or_default().push(value);
            }
            let memo = std::mem::take(&mut self.memo);
            if let Some(rows) = &mut self.rows {
                rows.made.push(memo);
            }
        }
        if let Some(rows) = self.rows.take() {
            self.memo = rows.whole;
        }
        all.into_iter().map(|(leaf, rows)| Ok((leaf, self.along(&rows, chain)?))).collect()
    }

    /// What stands for a leaf at the row that is being made.
    fn made(&mut self, leaf: NodeId, body: NodeId) -> Result<Value, Trouble> {
        let value = self.lower(body)?;
        match self.graph.nodes[leaf].op {
            Op::Site(site) => self.held(site, value),
            _ => Ok(value),
        }
    }

    /// The draws of a site whose factor reads earlier rows of the guide, itself among them; nothing for any other site.
    pub(super) fn drawn_in_turn(&mut self, site: SiteId) -> Result<Option<Value>, Trouble> {
        let cycle = self.cycle(site);
        let Some(chain) = chain::of(&self.elbo.model, site).filter(|_| !cycle.is_empty()) else { return Ok(None) };
        let sites = &self.elbo.sites;
        let body = |(id, node): (NodeId, &math::Node)| match node.op {
            Op::Site(of) if cycle.contains(&of) => Some((id, sites[of.index()].value)),
            _ => None,
        };
        let bodies: BTreeMap<NodeId, NodeId> = self.graph.nodes.iter().filter_map(body).collect();
        let own = |id: &NodeId| self.graph.nodes[*id].op == Op::Site(site);
        let Some(leaf) = bodies.keys().copied().find(own) else { return bug("a draw that nothing reads reads itself") };
        if !self.memo.contains_key(&leaf) {
            let made = self.row_by_row(bodies, chain)?;
            self.memo.extend(made);
        }
        Ok(self.memo.get(&leaf).cloned())
    }

    /// The sites whose draws read, directly or through others, draws of this one, and are read by them.
    fn cycle(&self, site: SiteId) -> BTreeSet<SiteId> {
        let after = |site: SiteId| {
            let (mut all, mut next) = (BTreeSet::new(), vec![site]);
            while let Some(site) = next.pop() {
                let read = sites_read(&self.graph, &[self.elbo.sites[site.index()].value]);
                next.extend(read.into_iter().filter(|read| all.insert(*read)));
            }
            all
        };
        let read = after(site);
        match read.contains(&site) {
            true => read.into_iter().filter(|other| after(*other).contains(&site)).collect(),
            false => BTreeSet::new(),
        }
    }

    fn recursive(&self, bodies: &BTreeMap<NodeId, NodeId>) -> BTreeSet<NodeId> {
        let roots: Vec<NodeId> = bodies.iter().flat_map(|(leaf, body)| [*leaf, *body]).collect();
        let mut recursive: BTreeSet<NodeId> = bodies.keys().copied().collect();
        for id in self.graph.reachable(&roots) {
            if self.graph.nodes[id].op.children().iter().any(|child| recursive.contains(child)) {
                recursive.insert(id);
            }
        }
        recursive
    }

    /// Values of one row each along the axis of the rows.
    fn along(&mut self, rows: &[Value], chain: AxisId) -> Result<Value, Trouble> {
        let labels = union(rows);
        let mut with = labels.clone();
        with.push(Label::Axis(chain));
        with.sort();
        let position = with.iter().position(|label| *label == Label::Axis(chain)).unwrap_or(0);
        let event = rows.iter().map(|row| row.event).max().unwrap_or(0);
        let mut parts = vec![];
        for row in rows {
            let row = self.expanded(row, &labels)?;
            let mut shape = self.shape(&row);
            shape.insert(position, 1);
            parts.push(self.b.reshape(row.id, &shape));
        }
        Ok(Value { id: self.b.concat(&parts, position), labels: with, event })
    }

    /// A node at the row that is being made, where that differs from what `operation` makes of it.
    pub(super) fn in_row(&mut self, id: NodeId, node: &math::Node) -> Result<Option<Value>, Trouble> {
        let Some(rows) = &self.rows else {
            // Read outside of what makes it, by what looks at a part of its body.
            let scan = if matches!(node.op, Op::Earlier { .. }) { self.graph.scan_of(id) } else { None };
            return scan.map(|scan| self.lower(scan)).transpose();
        };
        let (chain, row) = (rows.chain, rows.row);
        if !rows.recursive.contains(&id) {
            let value = self.for_all_rows(id)?;
            return self.cut(&value, chain, row).map(Some);
        }
        if let Some(body) = rows.bodies.get(&id).copied() {
            return self.made(id, body).map(Some);
        }
        match &node.op {
            Op::If(condition, a, b) => match self.decided(*condition) {
                Some(holds) => self.lower(if holds != 0.0 { *a } else { *b }).map(Some),
                None => Ok(None),
            },
            Op::Index(base, picks) => {
                let lag = picks.iter().enumerate().find_map(|(place, pick)| match pick {
                    Pick::Lag(axis, lag) if *axis == chain => Some((place, *lag)),
                    _ => None,
                });
                let Op::Lift(inside, axes) = self.graph.nodes[self.graph.unnamed(*base)].op.clone() else {
                    return Ok(None);
                };
                match lag.filter(|(place, _)| axes.get(*place) == Some(&chain)) {
                    Some((place, lag)) => self.earlier_row(inside, &axes, picks, place, lag).map(Some),
                    None => Ok(None),
                }
            }
            Op::Scan { .. } => limitation("a value that reads its own earlier rows, inside of another"),
            _ => Ok(None),
        }
    }

    /// `h[t-1]`: what was made of `inside` so many rows before, its other rows picked as written.
    fn earlier_row(
        &mut self,
        inside: NodeId,
        axes: &[AxisId],
        picks: &[Pick],
        place: usize,
        lag: usize,
    ) -> Result<Value, Trouble> {
        let row = self.rows.as_ref().map_or(0, |rows| rows.row);
        let value = match row.checked_sub(lag) {
            Some(row) => self.at_row(inside, row)?,
            // Where the condition cannot be decided by the row alone, a branch that is not taken reads rows that are
            // not there: any number will do.
            None => {
                let sizes: Vec<usize> =
                    self.graph.event(inside).to_vec().iter().map(|n| self.size(n)).collect::<Result<_, _>>()?;
                Value::plain(self.b.literal(0.0, &sizes), sizes.len())
            }
        };
        let others = |i: &usize| *i != place;
        let axes: Vec<AxisId> = (0..axes.len()).filter(others).map(|i| axes[i]).collect();
        let picks: Vec<Pick> = (0..picks.len()).filter(others).map(|i| picks[i].clone()).collect();
        let value = if axes.is_empty() { value } else { self.lift(&value, &axes)? };
        self.picked(&value, &picks)
    }

    /// A node at an earlier row.
    fn at_row(&mut self, id: NodeId, row: usize) -> Result<Value, Trouble> {
        let Some(rows) = &mut self.rows else { return bug("no rows are made") };
        let now = std::mem::replace(&mut rows.row, row);
        let earlier = std::mem::take(&mut rows.made[row]);
        let memo = std::mem::replace(&mut self.memo, earlier);
        let value = self.lower(id);
        let earlier = std::mem::replace(&mut self.memo, memo);
        if let Some(rows) = &mut self.rows {
            rows.made[row] = earlier;
            rows.row = now;
        }
        value
    }

    fn for_all_rows(&mut self, id: NodeId) -> Result<Value, Trouble> {
        let Some(mut rows) = self.rows.take() else { return bug("no rows are made") };
        std::mem::swap(&mut self.memo, &mut rows.whole);
        let value = self.lower(id);
        std::mem::swap(&mut self.memo, &mut rows.whole);
        self.rows = Some(rows);
        value
    }

    /// One row of a value that varies over the chain.
    fn cut(&mut self, value: &Value, chain: AxisId, row: usize) -> Result<Value, Trouble> {
        let Some(position) = value.labels.iter().position(|label| *label == Label::Axis(chain)) else {
            return Ok(value.clone());
        };
        let id = self.b.slice(value.id, position, row, row + 1);
        let mut shape = self.b.shape(id).to_vec();
        shape.remove(position);
        let mut labels = value.labels.clone();
        labels.remove(position);
        Ok(Value { id: self.b.reshape(id, &shape), labels, event: value.event })
    }

    /// The place of the row that is being made, where this is its chain.
    pub(super) fn row_of(&self, chain: AxisId) -> Option<usize> {
        self.rows.as_ref().filter(|rows| rows.chain == chain).map(|rows| rows.row)
    }

    /// What is known of a value by the row alone.
    fn decided(&self, id: NodeId) -> Option<f64> {
        let truth = |holds: bool| Some(f64::from(holds));
        match &self.graph.nodes[id].op {
            Op::Number(x) => Some(*x),
            Op::Size(size) => self.size(size).ok().map(|n| n as f64),
            Op::Row(axis) => self.row_of(*axis).map(|row| row as f64),
            Op::Named(_, a) => self.decided(*a),
            Op::Unary(Unary::Not, a) => self.decided(*a).and_then(|a| truth(a == 0.0)),
            Op::Binary(op, a, b) => match (op, self.decided(*a), self.decided(*b)) {
                (Binary::And, Some(0.0), _) | (Binary::And, _, Some(0.0)) => truth(false),
                (Binary::Or, Some(a), _) | (Binary::Or, _, Some(a)) if a != 0.0 => truth(true),
                (op, Some(a), Some(b)) => match op {
                    Binary::And => truth(a != 0.0 && b != 0.0),
                    Binary::Or => truth(a != 0.0 || b != 0.0),
                    Binary::Add => Some(a + b),
                    Binary::Sub => Some(a - b),
                    Binary::Equal => truth(a == b),
                    Binary::NotEqual => truth(a != b),
                    Binary::Less => truth(a < b),
                    Binary::LessEqual => truth(a <= b),
                    Binary::Greater => truth(a > b),
                    Binary::GreaterEqual => truth(a >= b),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        }
    }
}
