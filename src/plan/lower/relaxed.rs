//! Binary draws as numbers between 0 and 1: relaxed in place of the draw, which is biased, or beside it as a control
//! variate.

use super::{Lowerer, Trouble, Value, bug};
use crate::dist;
use crate::elbo::rewrite::Rewrite;
use crate::elbo::{Estimator, Term, Treatment};
use crate::math::{self, Noise, SiteId};
use crate::plan::{Binary, NodeId, Unary, grad};
use crate::shape::Shape;

/// Marks the second noise of a relaxed draw among that of dreams.
const GIVEN: u32 = 1 << 28;
/// Of the control variate of `rebar`: as in its paper's tables with both fixed.
const TEMPERATURE: f64 = 0.5;

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
        let of = &self.elbo.model.sites[site.index()];
        let shape = Shape::new(of.plates.clone(), of.event.clone());
        let (logit, first) = (self.logit_of(site)?, self.uniform_of(site));
        let second = self.graph.noise(SiteId(super::dream::DREAM | GIVEN | site.0), Noise::Uniform, shape.clone());
        let draw = self.graph.site(site, shape, of.support.clone());
        let (free, given) = (self.noisy(logit, first), self.noisy_given(logit, second, draw));
        let cost = self.cost(site, terms)?;
        let log_q = self.log_q_at(site)?;
        let (at_free, _) = self.relaxed_terms(site, terms, free)?;
        let (at_given, moved) = self.relaxed_terms(site, terms, given)?;
        let control = self.cost(site, &moved.iter().collect::<Vec<_>>())?;
        let signal = self.binary(Binary::Sub, &cost, &control)?;
        let signal = self.unary(Unary::StopGradient, &signal)?;
        let product = self.binary(Binary::Mul, &signal, &log_q)?;
        let scored = self.mean_of_rows(&product, self.batch.draws)?;
        let rest = self.b.minus(at_free, at_given);
        let rest = self.scaled(&Value::plain(rest, 0), 1.0 / self.batch.draws as f64)?.id;
        Ok(self.b.plus(scored, rest))
    }

    /// `stop(d c / d z) * z`, summed over draws, and the terms at the relaxed draw.
    fn relaxed_terms(
        &mut self,
        site: SiteId,
        terms: &[&Term],
        noisy: math::NodeId,
    ) -> Result<(NodeId, Vec<Term>), Trouble> {
        let relaxed = self.cooled(noisy, TEMPERATURE);
        let mut replaced = Rewrite::replace([(site, relaxed)].into());
        let moved = |term: &&Term| Term { value: replaced.node(&mut self.graph, term.value), ..(*term).clone() };
        let moved: Vec<Term> = terms.iter().map(moved).collect();
        let z = self.lower(noisy)?;
        let total = self.total(&moved)?;
        let total = self.b.sum_all(total.id);
        let slope = grad::gradient(&mut self.b, total, &[z.id])?[0];
        let slope = self.b.unary(Unary::StopGradient, slope);
        let product = self.b.binary(Binary::Mul, slope, z.id);
        Ok((self.b.sum_all(product), moved))
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

    fn cooled(&mut self, noisy: math::NodeId, temperature: f64) -> math::NodeId {
        let colder = self.graph.scale(noisy, 1.0 / temperature);
        self.graph.sigmoid(colder)
    }
}
