//! Baselines that are learned from step to step: running means, the coefficient that leaves the least variance, and a
//! network over what the factor reads.

use std::collections::BTreeSet;

use super::surrogate::Told;
use super::value::{Label, union};
use super::{InputKind, Lowerer, OutputKind, Trouble, Value, bug, limitation};
use crate::dist::{self, Dist};
use crate::elbo::{Treatment, closed};
use crate::math::{self, Graph, Op, SiteId};
use crate::model::Baseline;
use crate::plan::{Binary, NodeId, Reduce, Unary, grad};
use crate::shape::{AxisId, Shape};

impl Lowerer<'_> {
    /// Less what earlier steps say of it, one number for each row of the plates that are not batched. It is kept of the
    /// cost without the scale of the site's own rows, which is another in a ragged batch.
    pub(super) fn less_earlier(
        &mut self,
        site: SiteId,
        cost: &Value,
        baseline: Baseline,
        told: &mut Told,
    ) -> Result<Value, Trouble> {
        let plates = self.elbo.model.sites[site.index()].plates.clone();
        let scale = self.scale(&plates);
        let kept: Vec<AxisId> = plates.iter().copied().filter(|axis| !self.is_batched(*axis)).collect();
        let shape = kept.iter().map(|axis| self.extent(*axis)).collect::<Result<Vec<_>, _>>()?;
        let name = format!("baseline.{}", self.elbo.model.sites[site.index()].name);
        let id = self.input(InputKind::Baseline(site), name, shape)?;
        let axes: Vec<Option<Label>> = kept.iter().map(|axis| Some(Label::Axis(*axis))).collect();
        let earlier = self.sorted(id, &axes)?;
        let one = self.scaled(cost, 1.0 / scale)?;
        let above = self.binary(Binary::Sub, &one, &earlier)?;
        let above = match baseline {
            Baseline::Regression => {
                // The constant that leaves the least variance is E[cost |d log q|^2] / E[|d log q|^2] (Weaver & Tao
                // 2001, "The optimal reward baseline for gradient-based reinforcement learning").
                let square = self.squared_score(site)?;
                let weighed = self.binary(Binary::Mul, &one, &square)?;
                let (weighed, square) = (self.over_rows(&weighed, &kept)?, self.over_rows(&square, &kept)?);
                told.extend([(OutputKind::Cost(site), weighed), (OutputKind::CostWeight(site), square)]);
                above
            }
            Baseline::Net(units) => {
                let mean = self.over_rows(&one, &kept)?;
                told.push((OutputKind::Cost(site), mean));
                self.less_net(site, &above, units, told)?
            }
            _ => {
                let mean = self.over_rows(&one, &kept)?;
                told.push((OutputKind::Cost(site), mean));
                above
            }
        };
        self.scaled(&above, scale)
    }

    fn is_batched(&self, axis: AxisId) -> bool {
        self.axes[axis].size.as_dim().is_some_and(|dim| self.batch.rows.contains_key(&dim))
    }

    /// The mean over draws and all other axes, in the order of `kept`.
    pub(super) fn over_rows(&mut self, value: &Value, kept: &[AxisId]) -> Result<NodeId, Trouble> {
        let labels: Vec<Label> = kept.iter().map(|axis| Label::Axis(*axis)).collect();
        let over: Vec<Label> = value.labels.iter().copied().filter(|label| !labels.contains(label)).collect();
        let mut count = 1;
        for label in &over {
            count *= self.extent_of(*label)?;
        }
        let sum = self.reduce_labels(Reduce::Sum, value, &over)?;
        let mean = self.scaled(&sum, 1.0 / count as f64)?;
        let mut sorted = labels.clone();
        sorted.sort();
        let mean = self.expanded(&mean, &sorted)?;
        let order: Vec<usize> = labels.iter().filter_map(|l| sorted.iter().position(|s| s == l)).collect();
        Ok(if order.is_sorted() { mean.id } else { self.b.permute(mean.id, &order) })
    }

    /// The squared length of the derivative of log q in the arguments of the factor, a number a draw and row.
    fn squared_score(&mut self, site: SiteId) -> Result<Value, Trouble> {
        let Treatment::Written(at) = self.elbo.sites[site.index()].treatment else {
            return bug("a regression of no factor");
        };
        let factor = self.elbo.model.guide.factors[at].dist.clone();
        let draw = self.leaf(&Op::Site(site))?;
        // Each argument stands for itself at every draw, row and component, so that each has a derivative of its own.
        let mut own = vec![];
        let mut args = (dist::row(factor.kind).canonical)(&mut self.graph, &factor.args);
        for arg in args.values_mut() {
            let value = self.lower(*arg)?;
            let value = self.renamed(&value, at)?;
            let mut full = self.event_shape(if value.event < draw.event { &draw } else { &value });
            let id = self.aligned(&value, &draw.labels, full.len())?;
            let labels = draw.labels.iter().map(|l| self.extent_of(*l)).collect::<Result<Vec<_>, _>>()?;
            let event = full.len();
            full.splice(0..0, labels);
            let id = self.repeated(id, &full);
            let held = self.b.unary(Unary::StopGradient, id);
            let value = Value { id: held, labels: draw.labels.clone(), event };
            *arg = self.stand_in(site, *arg, &value);
            own.push(value);
        }
        let of = &self.elbo.model.sites[site.index()];
        let shape = Shape::new(of.plates.clone(), of.event.clone());
        let value = self.graph.site(site, shape, of.support.clone());
        let log_q = closed::log_density(&mut self.graph, &Dist { kind: factor.kind, args }, value);
        let log_q = self.lower(log_q)?;
        let ids: Vec<NodeId> = own.iter().map(|value| value.id).collect();
        let slopes = grad::gradient(&mut self.b, log_q.id, &ids)?;
        let mut sum = self.literal(0.0)?;
        for (value, slope) in own.iter().zip(slopes) {
            let square = self.unary(Unary::Square, &Value { id: slope, ..value.clone() })?;
            let all: Vec<usize> = (0..square.event).collect();
            let square = self.reduce_event(Reduce::Sum, &square, &all)?;
            sum = self.binary(Binary::Add, &sum, &square)?;
        }
        self.unary(Unary::StopGradient, &sum)
    }

    /// As `expand`, by running sums over zeros: operations on what is expanded are done before it is, and so there would
    /// be no copy for each draw to differentiate in.
    fn repeated(&mut self, id: NodeId, shape: &[usize]) -> NodeId {
        let mut all = id;
        for (axis, n) in shape.iter().enumerate() {
            if self.b.shape(all)[axis] == 1 && *n > 1 {
                let padded = self.b.pad(all, axis, 0, n - 1);
                all = self.b.cumsum(padded, axis, false);
            }
        }
        all
    }

    /// A node of the graph that is this value.
    fn stand_in(&mut self, site: SiteId, arg: math::NodeId, value: &Value) -> math::NodeId {
        let of = &self.elbo.model.sites[site.index()];
        let node = self.graph.nodes[arg].clone();
        let event = if node.shape.event.len() < of.event.len() { of.event.clone() } else { node.shape.event };
        let shape = Shape::new(of.plates.clone(), event);
        let id = self.graph.nodes.add(math::Node { op: Op::Site(site), shape, support: node.support, span: None });
        self.memo.insert(id, value.clone());
        id
    }

    /// Less what a network of one layer says of it, which follows the derivative of its own squared error (Mnih & Gregor
    /// 2014, "Neural variational inference and learning in belief networks").
    fn less_net(&mut self, site: SiteId, above: &Value, units: usize, told: &mut Told) -> Result<Value, Trouble> {
        let seen = self.seen(site)?;
        let fan_in = self.event_shape(&seen)[0];
        let net = self.network(site, units, fan_in, 0)?;
        let hidden = self.hidden(&net, &seen)?;
        let said = self.said(&net, &hidden)?;
        let above = self.unary(Unary::StopGradient, above)?;
        let rest = self.binary(Binary::Sub, &above, &said)?;
        let square = self.unary(Unary::Square, &rest)?;
        let mean = self.over_rows(&square, &[])?;
        let slope = grad::gradient(&mut self.b, mean, &[net.input])?[0];
        told.push((OutputKind::BaselineSlope(site), slope));
        Ok(rest)
    }

    /// What the factor of a site reads besides parameters, one vector a row.
    fn seen(&mut self, site: SiteId) -> Result<Value, Trouble> {
        let Treatment::Written(at) = self.elbo.sites[site.index()].treatment else {
            return bug("a baseline of no factor");
        };
        let args: Vec<math::NodeId> = self.elbo.model.guide.factors[at].dist.args.values().copied().collect();
        let mut parts = vec![];
        for node in read_by(&self.graph, &args) {
            let value = self.lower(node)?;
            let value = self.renamed(&value, at)?;
            let value = self.unary(Unary::StopGradient, &value)?;
            let shape = self.shape(&value);
            let (outer, inner) = shape.split_at(value.labels.len());
            let flat = [outer, &[inner.iter().product()]].concat();
            parts.push(Value { id: self.b.reshape(value.id, &flat), labels: value.labels.clone(), event: 1 });
        }
        let labels = union(&parts);
        let mut ids = vec![];
        for part in &parts {
            ids.push(self.expanded(part, &labels)?.id);
        }
        match ids.is_empty() {
            true => limitation("a network as the baseline of a factor that reads no data"),
            false => Ok(Value { id: self.b.concat(&ids, labels.len()), labels, event: 1 }),
        }
    }
}

/// The largest parts of some expressions that read data or draws, and no parameter.
fn read_by(graph: &Graph, roots: &[math::NodeId]) -> BTreeSet<math::NodeId> {
    let (mut found, mut seen, mut next) = (BTreeSet::new(), BTreeSet::new(), roots.to_vec());
    while let Some(id) = next.pop() {
        if !seen.insert(id) {
            continue;
        }
        let random = |op: &Op| matches!(op, Op::Data(_) | Op::Site(_));
        if graph.mentions(id, |op| matches!(op, Op::Param(_))) {
            next.extend(graph.nodes[id].op.children());
        } else if graph.mentions(id, random) {
            found.insert(id);
        }
    }
    found
}
