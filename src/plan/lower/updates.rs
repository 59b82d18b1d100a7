//! Objectives in which the parameters of model and guide follow different expectations, with the draws held fixed.

use super::surrogate::{Told, automatic};
use super::{Lowerer, OutputKind, Trouble, Value};
use crate::elbo::objective::{Under, Update, Weight};
use crate::elbo::{SiteView, Term, TermKind, Treatment};
use crate::math::SiteId;
use crate::model::Owner;
use crate::plan::{Array, Binary, NodeId, Reduce, Unary, grad};

impl Lowerer<'_> {
    /// The bound at draws of the guide, which is what is traced, and the gradients of all updates, each in the
    /// parameters that follow it; with weights, how many draws they are worth.
    pub(super) fn updates(&mut self, updates: &[Update], params: NodeId) -> Result<(NodeId, NodeId, Told), Trouble> {
        let elbo = self.elbo;
        let value = self.traced()?;
        let drawn = |view: &&SiteView| matches!(view.treatment, Treatment::Written(_) | Treatment::Auto);
        let sites: Vec<SiteId> = elbo.sites.iter().filter(drawn).map(|view| view.site).collect();
        let mut held = self.draws_of(&sites)?;
        if self.layout.latents > 0 {
            held.push(self.gaussian()?.draws);
        }
        self.b.set_origin(Some("gradient".into()));
        let mut gradient = self.b.literal(0.0, &[self.layout.guide()]);
        let mut told = vec![];
        for update in updates {
            let raised = match &update.under {
                Under::Guide => self.average(&update.terms)?,
                Under::Model => self.at_dreams(&update.terms)?,
                Under::Weights(draws, weight) => self.under_weights(&update.terms, *draws, weight, &mut told)?,
            };
            let slope = grad::gradient_holding(&mut self.b, raised, &[params], &held)?[0];
            let own = self.owned(update);
            let part = self.b.binary(Binary::Mul, slope, own);
            gradient = self.b.plus(gradient, part);
        }
        Ok((value, gradient, told))
    }

    /// E_q[ log p - log q ]
    pub(super) fn traced(&mut self) -> Result<NodeId, Trouble> {
        let (log_p, log_q) = self.densities()?;
        let gap = self.binary(Binary::Sub, &log_p, &log_q)?;
        let draws = if gap.labels.is_empty() { 1 } else { self.batch.draws };
        let sum = self.b.sum_all(gap.id);
        Ok(self.scaled(&Value::plain(sum, 0), 1.0 / draws as f64)?.id)
    }

    /// The share of the step where a parameter is one of those that follow the update, else 0.
    fn owned(&mut self, update: &Update) -> NodeId {
        let of = |owner: Owner| if owner == update.of { update.share } else { 0.0 };
        let mut own = vec![of(Owner::Guide); self.layout.params_at()];
        for block in &self.layout.params {
            own.extend(std::iter::repeat_n(of(self.elbo.model.params[block.of.index()].owner), block.len()));
        }
        let count = own.len();
        self.b.constant(Array::from_reals(own), &[count])
    }

    /// How many draws of equal weight these are worth, the mean over rows: 1 / sum of squares (Kong, Liu & Wong 1994,
    /// "Sequential imputations and Bayesian missing data problems").
    fn effective(&mut self, shares: &Value, draws: usize) -> NodeId {
        let shape = self.shape(shares);
        let apart = [&[shape[0] / draws, draws], &shape[1..]].concat();
        let groups = self.b.reshape(shares.id, &apart);
        let square = self.b.unary(Unary::Square, groups);
        let sum = self.b.reduce(Reduce::Sum, square, &[1]);
        let worth = self.b.unary(Unary::Recip, sum);
        let count = self.b.shape(worth).iter().product::<usize>();
        let total = self.b.sum_all(worth);
        let by = self.b.number_like(1.0 / count as f64, total);
        self.b.binary(Binary::Mul, total, by)
    }

    /// Every term weighed by the shares of the draws in the weights of its row; what is in no row counts as it is.
    fn under_weights(
        &mut self,
        terms: &[Term],
        draws: usize,
        weight: &Weight,
        told: &mut Told,
    ) -> Result<NodeId, Trouble> {
        let shares = self.weight_shares(draws, weight)?;
        let shares = self.unary(Unary::StopGradient, &shares)?;
        // Both updates of a step share their weights.
        if told.is_empty() {
            told.push((OutputKind::EffectiveDraws, self.effective(&shares, draws)));
        }
        let joint = self.elbo.model.guide.auto.is_some_and(|auto| auto.is_joint());
        let groups = self.batch.draws / draws;
        let (mut sum, mut apart, mut whole) = (self.literal(0.0)?, vec![], false);
        for term in terms {
            let auto = match term.kind {
                TermKind::LogQ(site) => Some(site).filter(|s| self.elbo.sites[s.index()].treatment == Treatment::Auto),
                _ => None,
            };
            if weight.plate.is_some_and(|plate| !term.plates.contains(&plate)) {
                apart.push(term.clone());
                continue;
            }
            let part = match auto {
                Some(_) if joint && whole => continue,
                Some(_) if joint => {
                    whole = true;
                    self.gaussian_log_q_of_draws()?
                }
                Some(site) => {
                    let value = automatic(&mut self.graph, self.elbo, site)?;
                    self.in_rows(value, &term.plates, weight.plate)?
                }
                None => self.in_rows(term.value, &term.plates, weight.plate)?,
            };
            let part = self.scaled(&part, term.sign)?;
            sum = self.binary(Binary::Add, &sum, &part)?;
        }
        let product = self.binary(Binary::Mul, &shares, &sum)?;
        let plates: Vec<_> = weight.plate.into_iter().collect();
        let total = self.b.sum_all(product.id);
        let inside = self.scaled(&Value::plain(total, 0), self.scale(&plates) / groups as f64)?.id;
        let outside = self.average(&apart)?;
        Ok(self.b.plus(inside, outside))
    }
}
