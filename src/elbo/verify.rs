//! What holds of every bound: terms are numbers in their plates, and nothing that was summed out is left in them.

use crate::elbo::{Elbo, Objective, Term, TermKind, Treatment, energy};
use crate::math::{Op, SiteId};
use crate::model::Auto;
use crate::problem::Bug;

pub fn verify(elbo: &Elbo) -> Result<(), Bug> {
    if elbo.sites.len() != elbo.model.sites.len() {
        return bug("a site without a view");
    }
    for (i, view) in elbo.sites.iter().enumerate() {
        if view.site != SiteId(i as u32) {
            return bug("views are not in the order of the sites");
        }
        if elbo.graph.nodes.get(view.value).is_none() {
            return bug("the value of a site is not in the graph");
        }
    }
    for (list, terms) in [("terms", &elbo.terms), ("log_p", &elbo.log_p), ("log_q", &elbo.log_q)] {
        for term in terms {
            verify_term(elbo, list, term)?;
        }
    }
    let gibbs = elbo.sites.iter().any(|view| view.treatment == Treatment::Gibbs);
    match &elbo.objective {
        Objective::Contrast(contrast) => energy::verify(elbo, contrast).or_else(bug)?,
        _ if gibbs => return bug("a unit of an energy under another objective"),
        _ => {}
    }
    each_site_once(elbo)
}

fn verify_term(elbo: &Elbo, list: &str, term: &Term) -> Result<(), Bug> {
    let say = |what: &str| bug(format!("{list}, {:?}: {what}", term.kind));
    let Some(node) = elbo.graph.nodes.get(term.value) else { return say("not in the graph") };
    if !node.shape.event.is_empty() {
        return say("not a number");
    }
    if let Some(axis) = node.shape.plates.iter().find(|axis| !term.plates.contains(axis)) {
        return say(&format!("varies over `{}`, which is none of its plates", elbo.axes[*axis].name));
    }
    for id in elbo.graph.reachable(&[term.value]) {
        if let Op::Site(site) = elbo.graph.nodes[id].op {
            match elbo.sites[site.index()].treatment {
                Treatment::SummedOut(_) => return say("reads a site that is summed out"),
                Treatment::Enumerated(..) if list == "terms" => return say("reads a site that is enumerated"),
                _ => {}
            }
        }
    }
    if term.sign.abs() == 1.0 { Ok(()) } else { say("its sign is neither 1 nor -1") }
}

/// A site has a KL, or a prior and an entropy, or is summed out, or integrates to one.
fn each_site_once(elbo: &Elbo) -> Result<(), Bug> {
    for view in &elbo.sites {
        let id = view.site;
        let priors = elbo.terms.iter().filter(|term| accounts_for_prior(elbo, &term.kind, id)).count();
        let entropies = elbo.terms.iter().filter(|term| match &term.kind {
            TermKind::Kl(site) | TermKind::Entropy(site) | TermKind::LogQ(site) => *site == id,
            TermKind::AutoEntropy(sites) => sites.contains(&id),
            _ => false,
        });
        let expected = match view.treatment {
            Treatment::Leaf | Treatment::Gibbs => (0, 0),
            Treatment::SummedOut(_) => (1, 0),
            Treatment::Auto if elbo.model.guide.auto == Some(Auto::Map) => (1, 0),
            Treatment::Auto | Treatment::Written(_) | Treatment::Enumerated(..) => (1, 1),
        };
        if (priors, entropies.count()) != expected {
            return bug(format!("the prior or the entropy of `{}` is not in the bound once", site_name(elbo, id)));
        }
    }
    Ok(())
}

fn accounts_for_prior(elbo: &Elbo, kind: &TermKind, id: SiteId) -> bool {
    let is = |at: &usize| matches!(elbo.model.statements.get(*at), Some(crate::model::Statement::Latent(site)) if *site == id);
    // Missing entries have the density of their observation.
    let completes = |at: &usize| matches!(elbo.model.statements.get(*at), Some(crate::model::Statement::Observe(y)) if y.missing == Some(id));
    match kind {
        TermKind::Kl(site) | TermKind::Prior(site) => *site == id,
        TermKind::SummedOut { statements, .. } => statements.iter().any(|at| is(at) || completes(at)),
        TermKind::Observed(at) => completes(at),
        _ => false,
    }
}

fn site_name(elbo: &Elbo, id: SiteId) -> &str {
    &elbo.model.sites[id.index()].name
}

fn bug<T>(what: impl Into<String>) -> Result<T, Bug> {
    Err(Bug(format!("elbo: {}", what.into())))
}
