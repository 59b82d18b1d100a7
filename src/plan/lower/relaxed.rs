//! Binary draws as numbers between 0 and 1: relaxed in place of the draw, which is biased, or beside it as a control
//! variate.

use super::surrogate::Told;
use super::{Lowerer, OutputKind, Trouble, Value, bug};
use crate::dist;
use crate::elbo::rewrite::Rewrite;
use crate::elbo::{Estimator, Term, Treatment};
use crate::math::{self, Noise, SiteId};
use crate::plan::{Binary, NodeId, Reduce, Unary, grad};
use crate::shape::Shape;

/// Hidden units of the control variate's network.
const UNITS: usize = 50;
/// Marks the second noise of a relaxed draw among that of dreams.
const GIVEN: u32 = 1 << 28;
/// Of the control variate of `rebar`: as in its paper's tables with both fixed.
const TEMPERATURE: f64 = 0.5;

/// A relaxed draw, and the derivative of the terms in it.
struct Relaxed {
    z: Value,
    slope: Value,
}

/// A site at its draw and at relaxed ones.
struct Relaxations {
    cost: Value,
    /// The cost at the relaxed draw given the draw.
    control: Value,
    free: Relaxed,
    given: Relaxed,
    /// The derivatives in the logit of log q, and of the relaxed draw that is given the draw.
    score: Value,
    moves: Value,
}

impl Lowerer<'_> {
    /// What stands for the draw in the steps of a fit, where that is no draw.
    pub(super) fn relaxed_draw(&mut self, site: SiteId) -> Result<Option<Value>, Trouble> {
        let view = &self.elbo.sites[site.index()];
        match view.choice.estimator {
            // Maddison, Mnih & Teh 2017; Jang, Gu & Poole 2017.
            Estimator::Concrete(temperature) if self.fitting => {
                let logit = self.logit_of(site)?;
                let uniform = self.uniform_of(site);
                let noisy = self.noisy(logit, uniform);
                let relaxed = self.cooled(noisy, temperature);
                self.lower(relaxed).map(Some)
            }
            // Bengio, Leonard & Courville 2013.
            Estimator::StraightThrough if self.fitting => {
                let draw = self.lower(view.value)?;
                let logit = self.logit_of(site)?;
                let mean = self.graph.sigmoid(logit);
                let mean = self.lower(mean)?;
                let held = self.unary(Unary::StopGradient, &mean)?;
                let slope = self.binary(Binary::Sub, &mean, &held)?;
                self.binary(Binary::Add, &draw, &slope).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// REBAR (Tucker, Mnih, Maddison, Lawson & Sohl-Dickstein 2017): with c the cost at a relaxed draw z, and at one
    /// that is drawn given b, `(cost - c(z|b)) d log q + d c(z) - d c(z|b)`.
    pub(super) fn rebar(&mut self, site: SiteId, terms: &[&Term]) -> Result<NodeId, Trouble> {
        let at = self.relaxed_at(site, terms)?;
        let signal = self.binary(Binary::Sub, &at.cost, &at.control)?;
        let (free, given) = (at.free.slope.clone(), at.given.slope.clone());
        self.controlled(site, &at, &signal, &free, &given)
    }

    /// RELAX (Grathwohl, Choi, Wu, Roeder & Duvenaud 2018): REBAR with `(1 + s) c + r` in place of c, where s is a number
    /// and r a network over z, which begin at 0. Both follow the derivative of the squared gradient in the logits, which
    /// is that of its variance: its mean does not depend on them.
    pub(super) fn relax(&mut self, site: SiteId, terms: &[&Term], told: &mut Told) -> Result<NodeId, Trouble> {
        let at = self.relaxed_at(site, terms)?;
        let (free, given) = (self.flat(&at.free.z), self.flat(&at.given.z));
        let fan_in = self.event_shape(&free)[0];
        let net = self.network(site, UNITS, fan_in, 1)?;
        let one = self.literal(1.0)?;
        let share = self.reduce_event(Reduce::Sum, &net.spare, &[0])?;
        let share = self.binary(Binary::Add, &share, &one)?;
        let (hidden_free, hidden_given) = (self.hidden(&net, &free)?, self.hidden(&net, &given)?);
        let more = self.said(&net, &hidden_given)?;
        let control = self.binary(Binary::Mul, &share, &at.control)?;
        let control = self.binary(Binary::Add, &control, &more)?;
        let signal = self.binary(Binary::Sub, &at.cost, &control)?;
        let mut slopes = vec![];
        for (relaxed, hidden) in [(&at.free, &hidden_free), (&at.given, &hidden_given)] {
            let own = self.flat(&relaxed.slope);
            let own = self.binary(Binary::Mul, &share, &own)?;
            let more = self.slope(&net, hidden)?;
            slopes.push(self.binary(Binary::Add, &own, &more)?);
        }
        // The gradient in the logits: of the score, of z alone, and of z given b.
        let (score, moves) = (self.flat(&at.score), self.flat(&at.moves));
        let scored = self.binary(Binary::Mul, &signal, &score)?;
        let given = self.binary(Binary::Mul, &slopes[1], &moves)?;
        let rest = self.binary(Binary::Sub, &slopes[0], &given)?;
        let gradient = self.binary(Binary::Add, &scored, &rest)?;
        let square = self.unary(Unary::Square, &gradient)?;
        let square = self.reduce_event(Reduce::Sum, &square, &[0])?;
        let mean = self.over_rows(&square, &[])?;
        let slope = grad::gradient(&mut self.b, mean, &[net.input])?[0];
        told.push((OutputKind::BaselineSlope(site), slope));
        let [free, given] = [0, 1].map(|k| {
            let z = if k == 0 { &at.free.z } else { &at.given.z };
            let shape = self.shape(z);
            Value { id: self.b.reshape(slopes[k].id, &shape), ..z.clone() }
        });
        self.controlled(site, &at, &signal, &free, &given)
    }

    /// `stop(signal) log q + stop(slope) z - stop(slope given b) (z given b)`, averaged over draws.
    fn controlled(
        &mut self,
        site: SiteId,
        at: &Relaxations,
        signal: &Value,
        free: &Value,
        given: &Value,
    ) -> Result<NodeId, Trouble> {
        let log_q = self.log_q_at(site)?;
        let signal = self.unary(Unary::StopGradient, signal)?;
        let product = self.binary(Binary::Mul, &signal, &log_q)?;
        let scored = self.mean_of_rows(&product, self.batch.draws)?;
        let mut along = |slope: &Value, z: &Value| {
            let slope = self.b.unary(Unary::StopGradient, slope.id);
            let product = self.b.binary(Binary::Mul, slope, z.id);
            self.b.sum_all(product)
        };
        let (free, given) = (along(free, &at.free.z), along(given, &at.given.z));
        let rest = self.b.minus(free, given);
        let rest = self.scaled(&Value::plain(rest, 0), 1.0 / self.batch.draws as f64)?.id;
        Ok(self.b.plus(scored, rest))
    }

    /// The cost at the draw, and at relaxed ones.
    fn relaxed_at(&mut self, site: SiteId, terms: &[&Term]) -> Result<Relaxations, Trouble> {
        let of = &self.elbo.model.sites[site.index()];
        let shape = Shape::new(of.plates.clone(), of.event.clone());
        let (logit, first) = (self.logit_of(site)?, self.uniform_of(site));
        let second = self.graph.noise(SiteId(super::dream::DREAM | GIVEN | site.0), Noise::Uniform, shape.clone());
        let draw = self.graph.site(site, shape, of.support.clone());
        let (noisy, given) = (self.noisy(logit, first), self.noisy_given(logit, second, draw));
        let cost = self.cost(site, terms)?;
        let (free, _) = self.relaxed_terms(site, terms, noisy)?;
        let (given, moved) = self.relaxed_terms(site, terms, given)?;
        let control = self.cost(site, &moved.iter().collect::<Vec<_>>())?;
        let mean = self.graph.sigmoid(logit);
        let score = self.graph.sub(draw, mean);
        let moves = self.moves_given(logit, second, draw);
        let (score, moves) = (self.lower(score)?, self.lower(moves)?);
        Ok(Relaxations { cost, control, free, given, score, moves })
    }

    /// The relaxed draw, the derivative of what all terms are there, and the terms.
    fn relaxed_terms(
        &mut self,
        site: SiteId,
        terms: &[&Term],
        noisy: math::NodeId,
    ) -> Result<(Relaxed, Vec<Term>), Trouble> {
        let relaxed = self.cooled(noisy, TEMPERATURE);
        let mut replaced = Rewrite::replace([(site, relaxed)].into());
        let moved = |term: &&Term| Term { value: replaced.node(&mut self.graph, term.value), ..(*term).clone() };
        let moved: Vec<Term> = terms.iter().map(moved).collect();
        let z = self.lower(noisy)?;
        let total = self.total(&moved)?;
        let total = self.b.sum_all(total.id);
        let slope = grad::gradient(&mut self.b, total, &[z.id])?[0];
        Ok((Relaxed { slope: Value { id: slope, ..z.clone() }, z }, moved))
    }

    /// With the axes of one draw as one.
    fn flat(&mut self, value: &Value) -> Value {
        let shape = self.shape(value);
        let (outer, inner) = shape.split_at(value.labels.len());
        let flat = [outer, &[inner.iter().product()]].concat();
        Value { id: self.b.reshape(value.id, &flat), labels: value.labels.clone(), event: 1 }
    }

    /// The logit of a Bernoulli factor, over the plates of its site.
    fn logit_of(&mut self, site: SiteId) -> Result<math::NodeId, Trouble> {
        let Treatment::Written(at) = self.elbo.sites[site.index()].treatment else {
            return bug("a relaxed draw of no factor");
        };
        let factor = &self.elbo.model.guide.factors[at];
        let mut rename = Rewrite::rename(&factor.plates, &self.elbo.model.sites[site.index()].plates);
        let args = factor.dist.args.map(&mut |arg| rename.node(&mut self.graph, arg));
        let args = (dist::row(factor.dist.kind).canonical)(&mut self.graph, &args);
        let of = &self.elbo.model.sites[site.index()];
        let logit = match args.get("logits") {
            Some(logits) => *logits,
            None => self.graph.unary(math::Unary::Logit, args["p"]),
        };
        Ok(if self.graph.event(logit).len() < of.event.len() {
            self.graph.fill(logit, of.event.clone())
        } else {
            logit
        })
    }

    /// The noise that the draw itself is made of: 1 where it lies above the probability of 0.
    fn uniform_of(&mut self, site: SiteId) -> math::NodeId {
        let of = &self.elbo.model.sites[site.index()];
        let shape = Shape::new(of.plates.clone(), of.event.clone());
        self.graph.noise(site, Noise::Uniform, shape)
    }

    /// `l + log(u / (1 - u))`, above 0 exactly where the draw is 1.
    fn noisy(&mut self, logit: math::NodeId, uniform: math::NodeId) -> math::NodeId {
        let noise = self.graph.unary(math::Unary::Logit, uniform);
        self.graph.add(logit, noise)
    }

    /// The same given the draw, with v uniform: `softplus(logit v + softplus l)` where it is 1, and else
    /// `-softplus(logit v + softplus(-l))`, since 1 / (1 - p) is `exp softplus l`.
    fn noisy_given(&mut self, logit: math::NodeId, uniform: math::NodeId, draw: math::NodeId) -> math::NodeId {
        let g = &mut self.graph;
        let noise = g.unary(math::Unary::Logit, uniform);
        let minus = g.neg(logit);
        let (up, down) = (g.softplus(logit), g.softplus(minus));
        let (up, down) = (g.add(noise, up), g.add(noise, down));
        let (up, down) = (g.softplus(up), g.softplus(down));
        let down = g.neg(down);
        let no = g.complement(draw);
        let (up, down) = (g.mul(draw, up), g.mul(no, down));
        g.add(up, down)
    }

    /// The derivative of the same in the logit: `sigmoid(logit v + softplus l) sigmoid(l)` where the draw is 1, and else
    /// `sigmoid(logit v + softplus(-l)) sigmoid(-l)`.
    fn moves_given(&mut self, logit: math::NodeId, uniform: math::NodeId, draw: math::NodeId) -> math::NodeId {
        let g = &mut self.graph;
        let noise = g.unary(math::Unary::Logit, uniform);
        let minus = g.neg(logit);
        let mut side = |logit: math::NodeId| {
            let up = g.softplus(logit);
            let up = g.add(noise, up);
            let (inner, outer) = (g.sigmoid(up), g.sigmoid(logit));
            g.mul(inner, outer)
        };
        let (up, down) = (side(logit), side(minus));
        let no = g.complement(draw);
        let (up, down) = (g.mul(draw, up), g.mul(no, down));
        g.add(up, down)
    }

    fn cooled(&mut self, noisy: math::NodeId, temperature: f64) -> math::NodeId {
        let colder = self.graph.scale(noisy, 1.0 / temperature);
        self.graph.sigmoid(colder)
    }
}
