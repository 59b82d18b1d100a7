//! How many copies of the objective a step draws, and which sites draw them in antithetic pairs.

use crate::elbo::cost::Facts;
use crate::elbo::{Elbo, Estimator, Objective, weighted};
use crate::math::SiteId;
use crate::model::{self, Baseline};

/// Copies a step where the fit block gives no number: two where a draw is not differentiated through, so that one
/// serves the other as its baseline.
pub fn count(elbo: &Elbo) -> usize {
    let scored = elbo.sites.iter().any(|view| view.choice.estimator.is_score());
    let bound = matches!(elbo.objective, Objective::Elbo { .. }) && !weighted(&elbo.model);
    elbo.model.fit.particles.unwrap_or(if scored && bound { 2 } else { 1 })
}

/// Draws that one copy is made of: those inside a logarithm, or that share weights.
pub fn inside(elbo: &Elbo) -> usize {
    match &elbo.objective {
        Objective::Weighted(weighted) => weighted.draws,
        Objective::Updates(_) => match elbo.model.fit.objective {
            Some(model::Objective::ForwardKl(draws) | model::Objective::Rws { draws, .. }) => draws,
            _ => 1,
        },
        _ => 1,
    }
}

/// All draws of a step.
pub fn draws(elbo: &Elbo) -> usize {
    count(elbo) * inside(elbo)
}

/// Whether the particles of a step themselves are the antithetic pairs of the site: the pair has to share what its
/// factor reads, so the guide draws nothing before it. Otherwise each particle has a partner of its own.
pub fn paired(elbo: &Elbo, site: SiteId) -> bool {
    let estimator = elbo.sites[site.index()].choice.estimator;
    estimator == Estimator::Disarm && Facts::new(&elbo.model).guide_parents[site.index()].is_empty()
}

/// Why an estimator cannot do with so many particles.
pub fn too_few(elbo: &Elbo, particles: usize) -> Option<String> {
    let name = |site: SiteId| elbo.model.sites[site.index()].name.clone();
    elbo.sites.iter().find_map(|view| match view.choice.estimator {
        Estimator::Score { baseline: Baseline::LeaveOneOut } if particles < 2 => {
            Some(format!("leave-one-out for `{}` with one particle", name(view.site)))
        }
        Estimator::Disarm if particles % 2 == 1 && paired(elbo, view.site) => {
            Some(format!("antithetic pairs of `{}` with an odd number of particles", name(view.site)))
        }
        _ => None,
    })
}
