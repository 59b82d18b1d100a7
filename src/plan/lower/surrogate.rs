//! The surrogate: what stands beside the bound where draws are not differentiated through, so that its derivative is
//! the gradient as printed (Schulman et al. 2015, "Gradient estimation using stochastic computation graphs").
//!
//! Of a site `s` with the cost C, whose expectation is maximized, the derivative of E[C] in the parameters of the factor
//! of `s` is that of `stop(C) log q(s)` on average. The cost of a row is every term that feels its draw, summed over the
//! plates that `s` is not in; what C itself owes to parameters and to draws that are differentiated through is in the
//! bound.

use super::value::Label;
use super::{Lowerer, OutputKind, Trouble, Value, bug, limitation};
use crate::dist;
use crate::elbo::rewrite::Rewrite;
use crate::elbo::{Elbo, Estimator, Term, TermKind, Treatment, cost, missing, particles};
use crate::math::{self, Op, Pick, SiteId};
use crate::model::Baseline;
use crate::plan::{Binary, NodeId, Reduce, Unary};
use crate::shape::{AxisId, AxisKind};

/// What a step says of costs, for those that follow.
pub(super) type Told = Vec<(OutputKind, NodeId)>;

/// What is added before the derivative is taken, and what the step tells of costs.
pub(super) struct Surrogate {
    pub value: NodeId,
    pub costs: Told,
}

impl Lowerer<'_> {
    /// Of all sites whose draws are held fixed; 0 where there are none.
    pub(super) fn surrogate(&mut self, terms: &[Term]) -> Result<Surrogate, Trouble> {
        let elbo = self.elbo;
        let mut surrogate = Surrogate { value: self.b.number(0.0), costs: vec![] };
        if let Some(what) = particles::too_few(elbo, self.batch.draws) {
            return limitation(what);
        }
        let costs = cost::costs(elbo);
        for view in elbo.sites.iter().filter(|view| view.choice.estimator.is_score()) {
            let Some(places) = costs.get(&view.site) else { continue };
            let terms: Vec<&Term> = places.iter().map(|place| &terms[*place]).collect();
            let name = &elbo.model.sites[view.site.index()].name;
            let before = self.b.set_origin(Some(format!("score of {name}").into()));
            let part = match view.choice.estimator {
                Estimator::Score { baseline } => self.scored(view.site, &terms, baseline, &mut surrogate.costs)?,
                Estimator::Disarm if particles::paired(elbo, view.site) => self.halves(view.site, &terms)?,
                Estimator::Disarm => self.partners(view.site, &terms)?,
                Estimator::Rebar => self.rebar(view.site, &terms)?,
                Estimator::Relax => self.relax(view.site, &terms, &mut surrogate.costs)?,
                _ => return limitation(format!("the estimator of `{name}`")),
            };
            surrogate.value = self.b.plus(surrogate.value, part);
            self.b.set_origin(before);
        }
        Ok(surrogate)
    }

    /// `stop(cost - baseline) * log q`
    fn scored(
        &mut self,
        site: SiteId,
        terms: &[&Term],
        baseline: Baseline,
        told: &mut Told,
    ) -> Result<NodeId, Trouble> {
        let cost = self.cost(site, terms)?;
        let signal = match baseline {
            Baseline::None => cost,
            Baseline::LeaveOneOut => self.less_others(&cost)?,
            Baseline::Mean | Baseline::Regression | Baseline::Net(_) => {
                self.less_earlier(site, &cost, baseline, told)?
            }
        };
        let log_q = self.log_q_at(site)?;
        let signal = self.unary(Unary::StopGradient, &signal)?;
        let product = self.binary(Binary::Mul, &signal, &log_q)?;
        self.mean_of_rows(&product, self.batch.draws)
    }

    /// Less the mean cost of the other particles: n/(n-1) of what lies above the mean of all (Kool, van Hoof & Welling
    /// 2019, "Buy 4 REINFORCE samples, get a baseline for free!").
    fn less_others(&mut self, cost: &Value) -> Result<Value, Trouble> {
        let n = self.batch.draws as f64;
        let sum = self.reduce_labels(Reduce::Sum, cost, &[Label::Draws])?;
        let mean = self.scaled(&sum, if cost.labels.contains(&Label::Draws) { 1.0 / n } else { 1.0 })?;
        let above = self.binary(Binary::Sub, cost, &mean)?;
        self.scaled(&above, n / (n - 1.0))
    }

    /// DisARM (Dong, Mnih & Tucker 2020; Yin, Ho, Yan, Qian & Zhou 2020): of antithetic draws b, b' of Bernoullis with
    /// the logits l, `(C(b) - C(b')) / 2 * (b - b') * sigmoid(|l|)` is the derivative in l on average. Here the second
    /// half of the particles are the partners of the first.
    fn halves(&mut self, site: SiteId, terms: &[&Term]) -> Result<NodeId, Trouble> {
        let cost = self.cost(site, terms)?;
        let value = self.leaf(&Op::Site(site))?;
        let [first, second] = self.both_halves(&cost)?;
        let [b, other] = self.both_halves(&value)?;
        let gap = self.binary(Binary::Sub, &first, &second)?;
        let product = self.antithetic(site, &gap, &b, &other)?;
        self.mean_of_rows(&product, self.batch.draws / 2)
    }

    fn both_halves(&mut self, value: &Value) -> Result<[Value; 2], Trouble> {
        let labels: Vec<Label> = [Label::Draws].into_iter().chain(plates_of(value)).collect();
        let value = self.aligned(value, &labels, value.event).map(|id| Value { id, labels, event: value.event })?;
        let n = self.shape(&value)[0];
        let cut = |this: &mut Self, from: usize, to: usize| Value {
            id: this.b.slice(value.id, 0, from, to),
            ..value.clone()
        };
        Ok(match n {
            1 => [value.clone(), value.clone()],
            _ => [cut(self, 0, n / 2), cut(self, n / 2, n)],
        })
    }

    /// As `halves`, where the factor reads what the guide drew: every particle has a partner of its own, at which its
    /// cost is evaluated once more, all else being equal.
    fn partners(&mut self, site: SiteId, terms: &[&Term]) -> Result<NodeId, Trouble> {
        let own = self.elbo.sites[site.index()].value;
        let mut turned = Rewrite::default();
        for id in self.graph.reachable(&[own]) {
            if matches!(self.graph.nodes[id].op, Op::Noise(of, _) if of == site) {
                let other = self.graph.complement(id);
                turned.put(&[(id, other)].into());
            }
        }
        let partner = turned.node(&mut self.graph, own);
        let mut replaced = Rewrite::replace([(site, partner)].into());
        let moved = |term: &&Term| Term { value: replaced.node(&mut self.graph, term.value), ..(*term).clone() };
        let moved: Vec<Term> = terms.iter().map(moved).collect();
        let (b, other) = (self.leaf(&Op::Site(site))?, self.lower(partner)?);
        let (here, there) = (self.cost(site, terms)?, self.cost(site, &moved.iter().collect::<Vec<_>>())?);
        let gap = self.binary(Binary::Sub, &here, &there)?;
        let product = self.antithetic(site, &gap, &b, &other)?;
        self.mean_of_rows(&product, self.batch.draws)
    }

    /// `stop(gap / 2 * (b - b') * sigmoid(|l|)) * l`, in the probability where that is what the factor takes.
    fn antithetic(&mut self, site: SiteId, gap: &Value, b: &Value, other: &Value) -> Result<Value, Trouble> {
        let (argument, slope) = self.argument(site)?;
        let turn = self.binary(Binary::Sub, b, other)?;
        let zero = self.literal(0.0)?;
        // Where both are equal the slope does not count: it may be infinite there.
        let same = self.binary(Binary::Equal, b, other)?;
        let slope = self.select(&same, &zero, &slope)?;
        let weight = self.binary(Binary::Mul, gap, &turn)?;
        let weight = self.binary(Binary::Mul, &weight, &slope)?;
        let weight = self.scaled(&weight, 0.5)?;
        let weight = self.unary(Unary::StopGradient, &weight)?;
        self.binary(Binary::Mul, &weight, &argument)
    }

    /// The argument of a Bernoulli factor, over the plates of its site, and `sigmoid(|l|)` times the derivative of the
    /// logit l in it: `max(p, 1 - p)`, or of a probability `1 / min(p, 1 - p)`.
    fn argument(&mut self, site: SiteId) -> Result<(Value, Value), Trouble> {
        let Treatment::Written(at) = self.elbo.sites[site.index()].treatment else {
            return bug("antithetic draws of no factor");
        };
        let factor = &self.elbo.model.guide.factors[at].dist;
        let args = (dist::row(factor.kind).canonical)(&mut self.graph, &factor.args);
        if let Some(logits) = args.get("logits") {
            let logits = self.lower(*logits)?;
            let logits = self.renamed(&logits, at)?;
            let size = self.unary(Unary::Abs, &logits)?;
            let slope = self.unary(Unary::Sigmoid, &size)?;
            return Ok((logits, slope));
        }
        let p = self.lower(args["p"])?;
        let p = self.renamed(&p, at)?;
        let one = self.literal(1.0)?;
        let q = self.binary(Binary::Sub, &one, &p)?;
        let least = self.binary(Binary::Min, &p, &q)?;
        let slope = self.binary(Binary::Div, &one, &least)?;
        Ok((p, slope))
    }

    /// The cost of every row of the site, with the scales of its terms.
    pub(super) fn cost(&mut self, site: SiteId, terms: &[&Term]) -> Result<Value, Trouble> {
        let own = self.elbo.model.sites[site.index()].plates.clone();
        let mut total = self.literal(0.0)?;
        for term in terms {
            let value = self.lower(term.value)?;
            let outside: Vec<AxisId> = term.plates.iter().copied().filter(|axis| !own.contains(axis)).collect();
            let mut sum = self.sum_plates(&value, &outside)?;
            let allowed = |label: &Label| match label {
                Label::Draws => true,
                Label::Axis(axis) => own.contains(axis),
            };
            if sum.event != 0 || !sum.labels.iter().all(allowed) {
                return bug(format!("the cost {:?} is not a number in its row", term.kind));
            }
            let chains =
                own.iter().filter(|axis| self.axes[**axis].kind == AxisKind::Chain && term.plates.contains(axis));
            for chain in chains.copied().collect::<Vec<_>>() {
                if self.reads_back(term.value, chain) {
                    sum = self.onward(&sum, chain)?;
                }
            }
            let part = self.scaled(&sum, term.sign * self.scale(&term.plates))?;
            total = self.binary(Binary::Add, &total, &part)?;
        }
        Ok(total)
    }

    /// Of a chain whose rows read earlier ones, a draw is felt by its own row and by all that follow.
    fn onward(&mut self, sum: &Value, chain: AxisId) -> Result<Value, Trouble> {
        let mut labels = sum.labels.clone();
        if !labels.contains(&Label::Axis(chain)) {
            labels.push(Label::Axis(chain));
            labels.sort();
        }
        let whole = self.expanded(sum, &labels)?;
        let at = labels.iter().position(|label| *label == Label::Axis(chain)).unwrap_or(0);
        Ok(Value { id: self.b.cumsum(whole.id, at, true), ..whole })
    }

    /// Whether a value reads earlier rows of a chain, through draws of the guide too.
    fn reads_back(&self, value: math::NodeId, chain: AxisId) -> bool {
        let (mut next, mut seen) = (vec![value], std::collections::BTreeSet::new());
        while let Some(root) = next.pop() {
            for id in self.graph.reachable(&[root]) {
                match &self.graph.nodes[id].op {
                    Op::Index(_, picks)
                        if picks.iter().any(|pick| matches!(pick, Pick::Lag(axis, _) if *axis == chain)) =>
                    {
                        return true;
                    }
                    Op::Scan { .. } | Op::Earlier { .. } => return true,
                    Op::Site(site) if seen.insert(*site) => next.push(self.elbo.sites[site.index()].value),
                    _ => {}
                }
            }
        }
        false
    }

    /// log q of a site at its draw, a number in each of its rows.
    pub(super) fn log_q_at(&mut self, site: SiteId) -> Result<Value, Trouble> {
        let own = |term: &&Term| term.kind == TermKind::LogQ(site);
        if self.elbo.sites[site.index()].treatment != Treatment::Auto {
            let Some(term) = self.elbo.log_q.iter().find(own) else { return bug("a draw without a density") };
            return self.lower(term.value);
        }
        // The map of its support moves with the draw alone, which is held fixed.
        let log_q = automatic(&mut self.graph, self.elbo, site)?;
        self.lower(log_q)
    }

    /// The sum over rows and components, averaged over so many draws.
    pub(super) fn mean_of_rows(&mut self, value: &Value, draws: usize) -> Result<NodeId, Trouble> {
        let draws = if value.labels.contains(&Label::Draws) { draws } else { 1 };
        let sum = self.b.sum_all(value.id);
        Ok(self.scaled(&Value::plain(sum, 0), 1.0 / draws as f64)?.id)
    }
}

fn plates_of(value: &Value) -> impl Iterator<Item = Label> + '_ {
    value.labels.iter().copied().filter(|label| *label != Label::Draws)
}

/// The log density of independent Normals at the coordinates of an automatic site.
pub(super) fn automatic(g: &mut math::Graph, elbo: &Elbo, site: SiteId) -> Result<math::NodeId, Trouble> {
    let of = &elbo.model.sites[site.index()];
    let map = super::layout::bijector(&of.support, &of.name)?;
    let free = g.free(site, crate::elbo::guide::free_shape(of, &map));
    automatic_at(g, elbo, site, free)
}

/// The same at other coordinates.
pub(super) fn automatic_at(
    g: &mut math::Graph,
    elbo: &Elbo,
    site: SiteId,
    free: math::NodeId,
) -> Result<math::NodeId, Trouble> {
    let of = &elbo.model.sites[site.index()];
    let map = super::layout::bijector(&of.support, &of.name)?;
    let shape = crate::elbo::guide::free_shape(of, &map);
    let (loc, scale) = (g.auto_loc(site, shape.clone()), g.auto_scale(site, shape));
    let gap = g.sub(free, loc);
    let (noise, log) = (g.div(gap, scale), g.log(scale));
    let square = g.square(noise);
    let half = g.scale(square, -0.5);
    let each = g.sub(half, log);
    let each = missing::where_missing(g, &elbo.model, site, each);
    Ok(g.sum_event(each))
}
