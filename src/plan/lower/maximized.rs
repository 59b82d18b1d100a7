//! What a fit maximizes: the terms of the bound with what multiplies them, which may change from step to step.

use super::{InputKind, Lowerer, Trouble, Value, limitation};
use crate::elbo::{Elbo, Objective, Term};
use crate::model::Rate;
use crate::plan::{Binary, NodeId};

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
}
