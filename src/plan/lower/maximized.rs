//! What a fit maximizes: the terms of the bound with what multiplies them, which may change from step to step.

use std::collections::BTreeSet;

use super::surrogate::automatic;
use super::{InputKind, Lowerer, Trouble, Value, limitation};
use crate::elbo::cost::Facts;
use crate::elbo::{Elbo, Estimator, Objective, Term, TermKind, Treatment};
use crate::math::SiteId;
use crate::model::Rate;
use crate::plan::{Binary, NodeId, grad};
use crate::shape::AxisKind;

/// The terms with what multiplies them at every step.
pub(super) fn terms(elbo: &Elbo) -> Result<Vec<Term>, Trouble> {
    let beta = match &elbo.objective {
        Objective::Elbo { beta: Some(Rate::Constant(beta)) } => *beta,
        Objective::Elbo { .. } => 1.0,
        Objective::Mode(terms) => return Ok(terms.clone()),
        // `fit::limits` says so before.
        _ => return limitation("this objective"),
    };
    let weighted =
        |term: &Term| Term { sign: if term.is_latent() { beta * term.sign } else { term.sign }, ..term.clone() };
    Ok(elbo.terms.iter().map(weighted).collect())
}

impl Lowerer<'_> {
    /// The sum of the terms, averaged over draws.
    pub(super) fn maximized(&mut self) -> Result<NodeId, Trouble> {
        let terms = terms(self.elbo)?;
        let total = match &self.elbo.objective {
            Objective::Elbo { beta: Some(Rate::Cosine { .. } | Rate::Linear { .. }) } => {
                let (latent, rest): (Vec<Term>, Vec<Term>) = terms.into_iter().partition(Term::is_latent);
                let beta = Value::plain(self.input(InputKind::Beta, "beta".into(), vec![])?, 0);
                let (latent, rest) = (self.total(&latent)?, self.total(&rest)?);
                let weighted = self.binary(Binary::Mul, &latent, &beta)?;
                self.binary(Binary::Add, &rest, &weighted)?
            }
            _ => self.total(&terms)?,
        };
        self.over_draws(&total)
    }

    /// The gradient without what log q adds by its parameters alone where draws are differentiated through: at every draw
    /// that is a score, whose mean is 0, and what is left is 0 at every draw where the guide is the posterior (Roeder, Wu
    /// & Duvenaud 2017, "Sticking the landing: simple, lower-variance gradient estimators for variational inference").
    pub(super) fn landed(&mut self, gradient: NodeId, params: NodeId) -> Result<NodeId, Trouble> {
        let (terms, sites) = self.scores_alone()?;
        if terms.is_empty() {
            return Ok(gradient);
        }
        let total = self.total(&terms)?;
        let mean = self.over_draws(&total)?;
        let held = self.draws_of(&sites)?;
        let score = grad::gradient_holding(&mut self.b, mean, &[params], &held)?[0];
        Ok(self.b.minus(gradient, score))
    }

    /// The terms of log q at draws that are differentiated through, and their sites. A draw that is made for each state of
    /// an enumerated site, one of a chain and one of a joint factor are left as they are, and so is a beta that moves.
    fn scores_alone(&mut self) -> Result<(Vec<Term>, Vec<SiteId>), Trouble> {
        let elbo = self.elbo;
        let still =
            !matches!(elbo.objective, Objective::Elbo { beta: Some(Rate::Cosine { .. } | Rate::Linear { .. }) });
        let (mut found, mut sites) = (vec![], vec![]);
        if !elbo.model.fit.sampled_kl || !still || elbo.model.guide.auto.is_some_and(|auto| auto.is_joint()) {
            return Ok((found, sites));
        }
        let facts = Facts::new(&elbo.model);
        let summed = |id: &SiteId| matches!(elbo.sites[id.index()].treatment, Treatment::Enumerated(..));
        for term in terms(elbo)? {
            let TermKind::LogQ(site) = term.kind else { continue };
            let view = &elbo.sites[site.index()];
            let before = facts.with_guide_ancestors(BTreeSet::from([site]));
            let chained = term.plates.iter().any(|axis| self.axes[*axis].kind == AxisKind::Chain);
            if view.choice.estimator != Estimator::Pathwise || chained || before.iter().any(summed) {
                continue;
            }
            let value = match view.treatment {
                Treatment::Auto => automatic(&mut self.graph, elbo, site)?,
                _ => term.value,
            };
            found.push(Term { value, ..term });
            sites.push(site);
        }
        Ok((found, sites))
    }
}
