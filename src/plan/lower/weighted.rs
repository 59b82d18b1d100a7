//! Bounds that are the logarithm of a mean of weights, and their gradients.
//!
//! With the weights w of k draws and `L = log(mean w^(1-a)) / (1-a)` for every row, the derivative of L in log w_i is the
//! share `v_i` of `w_i^(1-a)` in their sum. Draws that are differentiated through take the doubly reparameterized gradient
//! (Tucker, Lawson, Gu & Maddison 2019, "Doubly reparameterized gradient estimators for Monte Carlo objectives"): what
//! log q owes to the parameters of the guide directly is left out, and what flows through the draw counts
//! `a v_i + (1-a) v_i^2`. Draws that are held fixed weigh `d log q` by L less the bound in which their weight is the
//! geometric mean of the others (Mnih & Rezende 2016, "Variational inference for Monte Carlo objectives").

use super::surrogate::automatic;
use super::value::Label;
use super::{Lowerer, Trouble, Value, bug, limitation};
use crate::elbo::objective::{Weight, Weighted};
use crate::elbo::{Choice, Estimator, SiteView, TermKind, Treatment};
use crate::math::SiteId;
use crate::plan::{Array, Binary, NodeId, Reduce, Unary, grad};
use crate::shape::AxisId;

/// Draws come in groups of this many; sites outside the plate are the same in all of a group.
#[derive(Debug, Clone, Copy)]
pub(super) struct Groups {
    pub size: usize,
    pub plate: Option<AxisId>,
}

/// The logarithm of the weights, `[draws, rows]`, in its parts.
struct Logs {
    /// Everything but log q.
    p: Value,
    /// log q of every site of the guide that is drawn in the weight.
    q: Vec<(SiteId, Value)>,
    all: Value,
}

/// The bound of every group and row, and what its derivative is made of.
struct Bounds {
    /// `[groups, rows]`
    value: NodeId,
    /// (1-a) log w, `[groups, k, rows]`
    powers: NodeId,
    /// `v`, `[draws, rows]`
    shares: Value,
}

impl Lowerer<'_> {
    /// The mean over groups of draws of what is maximized.
    pub(super) fn log_mean_weight(&mut self, of: &Weighted) -> Result<NodeId, Trouble> {
        self.group(of)?;
        let logs = self.logs(&of.weight)?;
        let bounds = self.bounds(of, &logs)?;
        self.told(of, &bounds)
    }

    /// What is maximized, and its gradient.
    pub(super) fn weighted(&mut self, of: &Weighted, params: NodeId) -> Result<(NodeId, NodeId), Trouble> {
        self.group(of)?;
        let logs = self.logs(&of.weight)?;
        let bounds = self.bounds(of, &logs)?;
        let value = self.told(of, &bounds)?;
        self.b.set_origin(Some("gradient".into()));
        let scored: Vec<SiteId> = self.inside(of, |estimator| estimator == Estimator::Vimco);
        let smooth = self.inside(of, |estimator| estimator == Estimator::Pathwise);
        let held = self.draws_of(&smooth)?;
        let score = self.sum_log_q(&logs, &scored)?;
        let signal = if scored.is_empty() { None } else { Some(self.signal(of, &bounds)?) };
        let direct = self.direct(of, &logs, &bounds, &score, &signal)?;
        let mut gradient = grad::gradient_holding(&mut self.b, direct, &[params], &held)?[0];
        let through = self.through(of, &logs, &bounds, &score, &signal)?;
        let slopes = grad::gradient(&mut self.b, through, &held)?;
        for (draw, slope) in held.iter().zip(slopes) {
            let slope = self.b.unary(Unary::StopGradient, slope);
            let product = self.b.binary(Binary::Mul, slope, *draw);
            let sum = self.b.sum_all(product);
            let others: Vec<NodeId> = held.iter().copied().filter(|other| other != draw).collect();
            let part = grad::gradient_holding(&mut self.b, sum, &[params], &others)?[0];
            gradient = self.b.plus(gradient, part);
        }
        Ok((value, gradient))
    }

    fn group(&mut self, of: &Weighted) -> Result<(), Trouble> {
        let groups = Groups { size: of.draws, plate: of.weight.plate };
        if !self.batch.draws.is_multiple_of(groups.size.max(1)) {
            return bug(format!("{} draws in groups of {}", self.batch.draws, groups.size));
        }
        self.groups = Some(groups);
        let elbo = self.elbo;
        let global = |view: &&SiteView| is_drawn(view) && self.is_outside(view.site);
        if let Some(view) = elbo.sites.iter().filter(global).find(|view| view.choice.estimator.is_score()) {
            let name = &elbo.model.sites[view.site.index()].name;
            return limitation(format!("`{name}`, which is not differentiated through and lies outside the weights,"));
        }
        let auto = elbo.model.guide.auto.filter(|auto| auto.is_joint());
        let mixed = |outside: bool| {
            elbo.sites.iter().any(|v| v.treatment == Treatment::Auto && self.is_outside(v.site) == outside)
        };
        match auto {
            Some(auto) if mixed(true) && mixed(false) => {
                limitation(format!("`guide {auto}` over sites inside and outside the weights"))
            }
            _ => Ok(()),
        }
    }

    /// Whether all draws of a group share the draw of a site.
    pub(super) fn is_outside(&self, site: SiteId) -> bool {
        let plate = self.groups.and_then(|groups| groups.plate);
        plate.is_some_and(|plate| !self.elbo.model.sites[site.index()].plates.contains(&plate))
    }

    /// The first draw of every group in place of all of it.
    pub(super) fn shared(&mut self, id: NodeId) -> NodeId {
        let (shape, size) = (self.b.shape(id).to_vec(), self.groups.map_or(1, |groups| groups.size));
        let apart = [&[shape[0] / size, size], &shape[1..]].concat();
        let parts = self.b.reshape(id, &apart);
        let first = self.b.slice(parts, 1, 0, 1);
        let all = self.b.expand(first, &apart);
        self.b.reshape(all, &shape)
    }

    /// The noise of the automatic guide, that of sites outside the weights shared.
    pub(super) fn grouped_noise(&mut self, noise: NodeId) -> Result<NodeId, Trouble> {
        let blocks = self.layout.sites.clone();
        if !blocks.iter().any(|block| self.is_outside(block.of)) {
            return Ok(noise);
        }
        let mut parts = vec![];
        for block in &blocks {
            let part = self.b.slice(noise, 1, block.offset, block.offset + block.len());
            parts.push(if self.is_outside(block.of) { self.shared(part) } else { part });
        }
        Ok(self.b.concat(&parts, 1))
    }

    fn logs(&mut self, weight: &Weight) -> Result<Logs, Trouble> {
        let joint = self.elbo.model.guide.auto.is_some_and(|auto| auto.is_joint());
        let mut logs = Logs { p: self.literal(0.0)?, q: vec![], all: self.literal(0.0)? };
        for term in &weight.log {
            let site = match term.kind {
                TermKind::LogQ(site) => Some(site),
                _ => None,
            };
            let auto = site.filter(|site| self.elbo.sites[site.index()].treatment == Treatment::Auto);
            let value = match auto {
                // In the draw, so that it can be differentiated in it.
                Some(site) if !joint => automatic(&mut self.graph, self.elbo, site)?,
                _ => term.value,
            };
            let part = self.in_rows(value, &term.plates, weight.plate)?;
            match site {
                Some(_) if auto.is_some() && joint => {}
                Some(site) => {
                    let part = self.scaled(&part, -term.sign)?;
                    logs.q.push((site, part));
                }
                None => {
                    let part = self.scaled(&part, term.sign)?;
                    logs.p = self.binary(Binary::Add, &logs.p, &part)?;
                }
            }
        }
        if joint && let Some(view) = self.elbo.sites.iter().find(|view| view.treatment == Treatment::Auto) {
            let (site, log_q) = (view.site, self.gaussian_log_q_of_draws()?);
            logs.q.push((site, log_q));
        }
        let labels: Vec<Label> = [Label::Draws].into_iter().chain(weight.plate.map(Label::Axis)).collect();
        let mut all = logs.p.clone();
        for (_, log_q) in &logs.q {
            all = self.binary(Binary::Sub, &all, log_q)?;
        }
        logs.all = self.expanded(&all, &labels)?;
        Ok(logs)
    }

    /// A value summed over the plates inside those of a weight: a number a draw and row.
    pub(super) fn in_rows(
        &mut self,
        value: crate::math::NodeId,
        plates: &[AxisId],
        plate: Option<AxisId>,
    ) -> Result<Value, Trouble> {
        let value = self.lower(value)?;
        let inner: Vec<AxisId> = plates.iter().copied().filter(|axis| Some(*axis) != plate).collect();
        let sum = self.sum_plates(&value, &inner)?;
        let part = self.scaled(&sum, self.scale(&inner))?;
        let row = |label: &Label| *label == Label::Draws || plate.is_some_and(|plate| *label == Label::Axis(plate));
        match part.event == 0 && part.labels.iter().all(row) {
            true => Ok(part),
            false => bug("a part of a weight is not a number in its row"),
        }
    }

    /// The share of every draw's weight in the sum of its group, `[draws, rows]`.
    pub(super) fn weight_shares(&mut self, draws: usize, weight: &Weight) -> Result<Value, Trouble> {
        let choice = Choice { estimator: Estimator::Pathwise, because: String::new() };
        let of = Weighted { draws, order: 0.0, weight: weight.clone(), outside: vec![], apart: vec![], choice };
        self.group(&of)?;
        let logs = self.logs(weight)?;
        Ok(self.bounds(&of, &logs)?.shares)
    }

    fn bounds(&mut self, of: &Weighted, logs: &Logs) -> Result<Bounds, Trouble> {
        let shape = self.shape(&logs.all);
        let apart = [&[shape[0] / of.draws, of.draws], &shape[1..]].concat();
        let power = 1.0 - of.order;
        let logs_apart = self.b.reshape(logs.all.id, &apart);
        let by = self.b.number_like(power, logs_apart);
        let powers = self.b.binary(Binary::Mul, logs_apart, by);
        let total = self.b.reduce(Reduce::LogSumExp, powers, &[1]);
        let whole = self.b.insert_axis(total, 1);
        let gap = self.b.minus(powers, whole);
        let shares = self.b.unary(Unary::Exp, gap);
        let shares = self.b.reshape(shares, &shape);
        let shares = Value { id: shares, ..logs.all.clone() };
        Ok(Bounds { value: self.log_mean(total, of), powers, shares })
    }

    /// `(total - log k) / (1-a)`
    fn log_mean(&mut self, total: NodeId, of: &Weighted) -> NodeId {
        let count = self.b.number_like((of.draws as f64).ln(), total);
        let mean = self.b.minus(total, count);
        let by = self.b.number_like(1.0 / (1.0 - of.order), mean);
        self.b.binary(Binary::Mul, mean, by)
    }

    /// What rows of a batch stand for, over the groups.
    fn share_of_a_row(&self, of: &Weighted) -> f64 {
        let plates: Vec<AxisId> = of.weight.plate.into_iter().collect();
        self.scale(&plates) * of.draws as f64 / self.batch.draws as f64
    }

    fn told(&mut self, of: &Weighted, bounds: &Bounds) -> Result<NodeId, Trouble> {
        let sum = self.b.sum_all(bounds.value);
        let inside = self.scaled(&Value::plain(sum, 0), self.share_of_a_row(of))?;
        let outside = self.outside(of)?;
        Ok(self.b.plus(inside.id, outside))
    }

    fn outside(&mut self, of: &Weighted) -> Result<NodeId, Trouble> {
        let terms: Vec<_> =
            of.outside.iter().map(|place| self.elbo.terms[*place].clone()).chain(of.apart.clone()).collect();
        self.average(&terms)
    }

    fn inside(&self, of: &Weighted, wanted: impl Fn(Estimator) -> bool) -> Vec<SiteId> {
        let plate = of.weight.plate;
        let inside = |view: &&SiteView| {
            plate.is_none_or(|plate| self.elbo.model.sites[view.site.index()].plates.contains(&plate))
        };
        let views = self.elbo.sites.iter().filter(|view| is_drawn(view) && wanted(view.choice.estimator));
        views.filter(inside).map(|view| view.site).collect()
    }

    /// The nodes of the draws of these sites.
    pub(super) fn draws_of(&mut self, sites: &[SiteId]) -> Result<Vec<NodeId>, Trouble> {
        let joint = self.elbo.model.guide.auto.is_some_and(|auto| auto.is_joint());
        let mut nodes = vec![];
        for site in sites {
            let node = match self.elbo.sites[site.index()].treatment {
                Treatment::Auto if joint => self.gaussian()?.draws,
                Treatment::Auto => {
                    let draws = self.gaussian()?.draws;
                    self.coordinates(*site, draws, true)?.id
                }
                _ => self.leaf(&crate::math::Op::Site(*site))?.id,
            };
            if !nodes.contains(&node) {
                nodes.push(node);
            }
        }
        Ok(nodes)
    }

    fn sum_log_q(&mut self, logs: &Logs, sites: &[SiteId]) -> Result<Option<Value>, Trouble> {
        let mut sum: Option<Value> = None;
        for (site, log_q) in &logs.q {
            if sites.contains(site) {
                sum = Some(match sum {
                    Some(sum) => self.binary(Binary::Add, &sum, log_q)?,
                    None => log_q.clone(),
                });
            }
        }
        Ok(sum)
    }

    /// The bound less the one in which a draw's weight is the geometric mean of the others, `[draws, rows]`; the bound
    /// itself where there are no others.
    fn signal(&mut self, of: &Weighted, bounds: &Bounds) -> Result<Value, Trouble> {
        let (k, shape) = (of.draws, self.b.shape(bounds.powers).to_vec());
        let own = self.b.insert_axis(bounds.value, 1);
        let own = self.b.expand(own, &shape);
        let above = if k == 1 {
            own
        } else {
            let sum = self.b.sum_keeping(bounds.powers, &[1]);
            let rest = self.b.minus(sum, bounds.powers);
            let by = self.b.number_like(1.0 / (k - 1) as f64, rest);
            let others = self.b.binary(Binary::Mul, rest, by);
            // Axis 1 is the draw that is replaced, axis 2 the weights.
            let (each, others) = (self.b.insert_axis(bounds.powers, 1), self.b.insert_axis(others, 2));
            let same: Vec<f64> = (0..k * k).map(|at| f64::from(at / k == at % k)).collect();
            let same_shape = [vec![1, k, k], vec![1; shape.len() - 2]].concat();
            let same = self.b.constant(Array::from_reals(same), &same_shape);
            let replaced = self.b.select(same, others, each);
            let total = self.b.reduce(Reduce::LogSumExp, replaced, &[2]);
            let without = self.log_mean(total, of);
            self.b.minus(own, without)
        };
        let back = self.shape(&bounds.shares);
        Ok(Value { id: self.b.reshape(above, &back), ..bounds.shares.clone() })
    }

    /// What is differentiated with the draws held: `v log p`, and of score functions `(signal - v) log q`; what is outside.
    fn direct(
        &mut self,
        of: &Weighted,
        logs: &Logs,
        bounds: &Bounds,
        score: &Option<Value>,
        signal: &Option<Value>,
    ) -> Result<NodeId, Trouble> {
        let shares = self.unary(Unary::StopGradient, &bounds.shares)?;
        let mut sum = self.binary(Binary::Mul, &shares, &logs.p)?;
        if let (Some(score), Some(signal)) = (score, signal) {
            let part = self.scored_by(signal, &bounds.shares, score)?;
            sum = self.binary(Binary::Add, &sum, &part)?;
        }
        let inside = self.over_groups(of, &sum)?;
        let outside = self.outside(of)?;
        Ok(self.b.plus(inside, outside))
    }

    /// What is differentiated in the draws: `(a v + (1-a) v^2) log w`, and score functions that read them.
    fn through(
        &mut self,
        of: &Weighted,
        logs: &Logs,
        bounds: &Bounds,
        score: &Option<Value>,
        signal: &Option<Value>,
    ) -> Result<NodeId, Trouble> {
        let square = self.unary(Unary::Square, &bounds.shares)?;
        let (once, twice) = (self.scaled(&bounds.shares, of.order)?, self.scaled(&square, 1.0 - of.order)?);
        let by = self.binary(Binary::Add, &once, &twice)?;
        let by = self.unary(Unary::StopGradient, &by)?;
        let mut sum = self.binary(Binary::Mul, &by, &logs.all)?;
        if let (Some(score), Some(signal)) = (score, signal) {
            let part = self.scored_by(signal, &bounds.shares, score)?;
            sum = self.binary(Binary::Add, &sum, &part)?;
        }
        self.over_groups(of, &sum)
    }

    /// `stop(signal - v) * log q`
    fn scored_by(&mut self, signal: &Value, shares: &Value, score: &Value) -> Result<Value, Trouble> {
        let by = self.binary(Binary::Sub, signal, shares)?;
        let by = self.unary(Unary::StopGradient, &by)?;
        self.binary(Binary::Mul, &by, score)
    }

    fn over_groups(&mut self, of: &Weighted, value: &Value) -> Result<NodeId, Trouble> {
        let sum = self.b.sum_all(value.id);
        Ok(self.scaled(&Value::plain(sum, 0), self.share_of_a_row(of))?.id)
    }
}

fn is_drawn(view: &SiteView) -> bool {
    matches!(view.treatment, Treatment::Written(_) | Treatment::Auto)
}
