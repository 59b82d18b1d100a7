//! What is maximized where it is not the sum of the terms: bounds made of importance weights, and updates that follow
//! different expectations for model and guide (LANGUAGE.md 1.11).
//!
//! A weight is `p / q` at a draw, one for each row of the outermost plate with latent sites: rows are independent given
//! what is outside, so a product of rows may be bounded row by row. What is outside keeps the form of the bound.

use std::collections::BTreeSet;

use crate::dist::Kind;
use crate::elbo::cost;
use crate::elbo::derive::Draft;
use crate::elbo::energy::Contrast;
use crate::elbo::problems::{ElboProblem, Limitation, ObjectiveTrouble};
use crate::elbo::rewrite::leaves_its_plates;
use crate::elbo::{Choice, Estimator, Term, TermKind, because, estimator, sites};
use crate::math::SiteId;
use crate::model::{Model, Owner, Rate, Statement};
use crate::shape::{AxisId, AxisKind};

/// How the terms make up what is maximized.
#[derive(Debug, Clone, PartialEq)]
pub enum Objective {
    /// The sum of the terms; those of latent sites are multiplied by beta, where there is one.
    Elbo { beta: Option<Rate> },
    /// The logarithm of a mean of weights.
    Weighted(Weighted),
    /// Gradients of several expectations, each followed by the parameters of one side.
    Updates(Vec<Update>),
    /// The gradient of the log likelihood of an energy model, by chains.
    Contrast(Contrast),
    /// The log joint at one point, the sum of these terms: `guide map` is its mode as a density of the constrained
    /// values, `guide laplace` starts from that on the unconstrained scale.
    Mode(Vec<Term>),
}

/// E_q log (1/k sum w^(1 - a))^(1 / (1 - a)) for every row, and the terms of what is outside (Burda et al. 2016; Li &
/// Turner 2016).
#[derive(Debug, Clone, PartialEq)]
pub struct Weighted {
    /// k
    pub draws: usize,
    /// a; 0 is the importance-weighted bound.
    pub order: f64,
    pub weight: Weight,
    /// The places in `Elbo::terms` of the terms outside the weights.
    pub outside: Vec<usize>,
    /// Terms outside that `Elbo::terms` has only together with those inside.
    pub apart: Vec<Term>,
    pub choice: Choice,
}

/// The logarithm of a weight: the sum of these terms, each with its sign, at one row.
#[derive(Debug, Clone, PartialEq)]
pub struct Weight {
    /// One weight for each row of this plate; without one, one for everything.
    pub plate: Option<AxisId>,
    pub log: Vec<Term>,
}

/// One expectation whose gradient some parameters follow. Draws are held fixed.
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    /// `wake`, `sleep`; none of a forward KL.
    pub name: &'static str,
    pub of: Owner,
    pub under: Under,
    /// How much of the gradient of these parameters it makes up.
    pub share: f64,
    /// Log densities, added.
    pub terms: Vec<Term>,
    pub because: String,
}

/// Where the draws of an update come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Under {
    Guide,
    /// Latents and data drawn from the model.
    Model,
    /// k draws of the guide, each with its share of the sum of their weights: biased, less so the more there are.
    Weights(usize, Weight),
}

impl Under {
    pub fn is_biased(&self) -> bool {
        matches!(self, Under::Weights(..))
    }
}

/// The objective of a model whose terms are derived.
pub fn objective(draft: &mut Draft, terms: &[Term], log_p: &[Term]) -> Result<Objective, ElboProblem> {
    use crate::model::Objective as Asked;
    let model = draft.facts.model;
    let asked = model.fit.objective.unwrap_or(Asked::Elbo(None));
    if let Some(guide) = model.guide.auto.filter(|auto| auto.is_mode()) {
        return match asked {
            Asked::Elbo(None) => Ok(Objective::Mode(sites::log_joint(draft, log_p))),
            _ => wrong(model, ObjectiveTrouble::Mode { guide: guide.to_string() }),
        };
    }
    match asked {
        Asked::Elbo(beta) => Ok(Objective::Elbo { beta }),
        // The limit of the family is the bound itself.
        Asked::Renyi { order: 1.0, .. } => Ok(Objective::Elbo { beta: None }),
        Asked::Iwae(draws) => weighted(draft, terms, log_p, draws, 0.0).map(Objective::Weighted),
        Asked::Renyi { order, draws } => weighted(draft, terms, log_p, draws, order).map(Objective::Weighted),
        Asked::ForwardKl(draws) => forward_kl(draft, log_p, draws).map(Objective::Updates),
        Asked::WakeSleep => wake_sleep(draft, log_p).map(Objective::Updates),
        Asked::Rws { draws, sleep } => reweighted(draft, log_p, draws, sleep).map(Objective::Updates),
        Asked::Cd(_) | Asked::Pcd(_) | Asked::Em | Asked::Cavi => Ok(Objective::Elbo { beta: None }),
    }
}

/// The beta by which sums over states are tempered, where it is not 1.
pub fn tempered(model: &Model, summed: bool) -> Result<Option<f64>, ElboProblem> {
    match model.fit.objective {
        Some(crate::model::Objective::Elbo(Some(beta))) if summed => match beta {
            Rate::Constant(beta) => Ok(Some(beta)),
            _ => {
                let span = model.fit.spans.get("objective").copied().unwrap_or_default();
                Err(ElboProblem::Limitation { what: Limitation::BetaSchedule, span })
            }
        },
        _ => Ok(None),
    }
}

fn wrong<T>(model: &Model, trouble: ObjectiveTrouble) -> Result<T, ElboProblem> {
    let objective = model.fit.objective.map_or(String::new(), |objective| objective.to_string());
    let span = model.fit.spans.get("objective").copied().unwrap_or_default();
    Err(ElboProblem::Objective { objective, trouble, span })
}

fn weighted(
    draft: &mut Draft,
    terms: &[Term],
    log_p: &[Term],
    draws: usize,
    order: f64,
) -> Result<Weighted, ElboProblem> {
    let plate = weight_plate(draft, false)?;
    let weight = weight(draft, log_p, plate);
    let inside = |term: &Term| plate.is_none() || plate.is_some_and(|plate| term.plates.contains(&plate));
    let mut outside = vec![];
    let mut apart = vec![];
    for (place, term) in terms.iter().enumerate() {
        match &term.kind {
            // The Gaussian of the guide has one entropy: the part of what is outside is taken apart.
            TermKind::AutoEntropy(sites) => {
                let sites = sites.iter().copied().filter(|id| !inside_plate(draft.facts.model, *id, plate));
                let sites: Vec<SiteId> = sites.collect();
                if !sites.is_empty() {
                    apart.push(sites::gaussian_entropy(draft, vec![], sites));
                }
            }
            _ if !inside(term) => outside.push(place),
            _ => {}
        }
    }
    let sampled = sampled_sites(draft);
    let choice = Choice { estimator: Estimator::Pathwise, because: reparameterized(draft, &sampled, plate, order) };
    Ok(Weighted { draws, order, weight, outside, apart, choice })
}

fn reparameterized(draft: &Draft, sampled: &BTreeSet<SiteId>, plate: Option<AxisId>, order: f64) -> String {
    let model = draft.facts.model;
    let smooth = sampled.iter().copied().filter(|id| draft.is_pathwise(*id));
    let (inside, outside): (Vec<SiteId>, Vec<SiteId>) = smooth.partition(|id| inside_plate(model, *id, plate));
    let names = |ids: &[SiteId]| because::list(&ids.iter().map(|id| because::name(model, *id)).collect::<Vec<_>>());
    let mut text = match (inside.is_empty(), outside.is_empty()) {
        (true, true) => "no draw in the weights is differentiated through".to_string(),
        (false, true) => format!("doubly reparameterized in {}, Tucker et al. (2019)", names(&inside)),
        (true, false) => format!("differentiable in {}", names(&outside)),
        (false, false) => {
            let (inside, outside) = (names(&inside), names(&outside));
            format!("doubly reparameterized in {inside}, Tucker et al. (2019), and differentiable in {outside}")
        }
    };
    if order != 0.0 {
        text.push_str("; biased for finitely many draws");
    }
    text
}

fn inside_plate(model: &Model, id: SiteId, plate: Option<AxisId>) -> bool {
    plate.is_none_or(|plate| model.sites[id.index()].plates.contains(&plate))
}

/// The sites that the guide draws: all but those that are summed out or integrate to one.
fn sampled_sites(draft: &Draft) -> BTreeSet<SiteId> {
    cost::sites(draft.facts.model).filter(|id| draft.is_drawn(*id) || draft.is_enumerated(*id)).collect()
}

/// The outermost plate with latent sites, over whose rows there is one weight each. Where everything has to be in one
/// weight (`together`), a global site leaves no plate.
fn weight_plate(draft: &Draft, together: bool) -> Result<Option<AxisId>, ElboProblem> {
    let model = draft.facts.model;
    let sampled = sampled_sites(draft);
    // The rows of a chain are not independent: it is weighted as one.
    let outermost = |id: &SiteId| {
        let first = model.sites[id.index()].plates.first().copied();
        first.filter(|axis| model.axes[*axis].kind != AxisKind::Chain)
    };
    let plates: BTreeSet<AxisId> = sampled.iter().filter_map(outermost).collect();
    let global = sampled.iter().any(|id| outermost(id).is_none());
    let one_for_all = plates.is_empty() || together && global;
    if one_for_all {
        return match model.fit.batch.keys().next() {
            Some(dim) => wrong(model, ObjectiveTrouble::Batch { dim: model.dims[*dim].name.clone() }),
            None => Ok(None),
        };
    }
    let mut plates = plates.into_iter();
    let (Some(plate), None) = (plates.next(), plates.next()) else {
        return wrong(model, ObjectiveTrouble::SeveralPlates);
    };
    // A row of the plate that is read elsewhere ties the rows together.
    for id in sampled.iter().filter(|id| inside_plate(model, **id, Some(plate))) {
        for statement in model.statements.iter().filter(|s| cost::reads(model, s).contains(id)) {
            let (around, span) = estimator::place(model, statement);
            let roots = cost::roots(model, statement);
            if !around.contains(&plate) || leaves_its_plates(&model.graph, &roots, *id, &[plate]) {
                let site = model.sites[id.index()].name.clone();
                return wrong(model, ObjectiveTrouble::RowsReadOutside { site, reader: span });
            }
        }
    }
    Ok(Some(plate))
}

/// log p of the statements at a row, less log q of the sites drawn there.
fn weight(draft: &mut Draft, log_p: &[Term], plate: Option<AxisId>) -> Weight {
    let inside = |term: &&Term| plate.is_none_or(|plate| term.plates.contains(&plate));
    let mut log: Vec<Term> = log_p.iter().filter(inside).cloned().collect();
    for term in log_q(draft, plate) {
        log.push(Term { sign: -term.sign, ..term });
    }
    Weight { plate, log }
}

/// log q of the sites in a plate, each on its own scale; the terms of maps come with the sign of a log density.
fn log_q(draft: &mut Draft, plate: Option<AxisId>) -> Vec<Term> {
    let model = draft.facts.model;
    let own: Vec<SiteId> = sampled_sites(draft).into_iter().filter(|id| inside_plate(model, *id, plate)).collect();
    let mut terms = vec![];
    for id in own {
        terms.extend(sites::log_q_of(draft, id));
    }
    terms
}

/// Draws of the model itself where nothing ties its sites to data; else of the guide, weighted.
fn forward_kl(draft: &mut Draft, log_p: &[Term], draws: usize) -> Result<Vec<Update>, ElboProblem> {
    let model = draft.facts.model;
    if let Some(param) = model.params.iter().find(|param| param.owner == Owner::Model) {
        return wrong(model, ObjectiveTrouble::ModelParam { param: param.name.clone() });
    }
    let exact = !model.statements.iter().any(|s| matches!(s, Statement::Observe(_) | Statement::Factor { .. }))
        && unsimulated(model).is_none();
    let plate = if exact { None } else { weight_plate(draft, true)? };
    let (under, because) = if exact {
        (Under::Model, "nothing is observed, so p itself is drawn from".to_string())
    } else {
        let weight = weight(draft, log_p, plate);
        (
            Under::Weights(draws, weight),
            format!("of {draws} draws of the guide, each divided by their sum: biased for finitely many"),
        )
    };
    let terms = log_q(draft, None);
    Ok(vec![Update { name: "", of: Owner::Guide, under, share: 1.0, terms, because }])
}

/// Why a model cannot be simulated: what has no draws.
fn unsimulated(model: &Model) -> Option<String> {
    let site = model.sites.iter().find_map(|site| match (site.restricted, site.dist.kind) {
        (_, Kind::Flat) => Some(format!("`{}` is Flat, which has no draws", site.name)),
        (true, _) => Some(format!("the density of `{}` is restricted to its support, and not renormalized", site.name)),
        _ => None,
    });
    let factor = model.statements.iter().any(|s| matches!(s, Statement::Factor { .. }));
    site.or_else(|| factor.then(|| "a `factor` is no distribution to draw from".into()))
}

/// Every latent that is drawn is local, and data can be dreamt.
fn check_dreams(draft: &Draft) -> Result<(), ElboProblem> {
    let model = draft.facts.model;
    let global = cost::sites(model).find(|id| model.sites[id.index()].plates.is_empty() && draft.is_drawn(*id));
    if let Some(id) = global {
        return wrong(model, ObjectiveTrouble::GlobalSite { site: model.sites[id.index()].name.clone() });
    }
    match unsimulated(model) {
        Some(why) => wrong(model, ObjectiveTrouble::Unsimulated { why }),
        None => Ok(()),
    }
}

fn sleep(draft: &mut Draft, share: f64) -> Update {
    let because = "as many dreams as rows: latents and data drawn from the model".into();
    let terms = log_q(draft, None);
    Update { name: "sleep", of: Owner::Guide, under: Under::Model, share, terms, because }
}

fn wake_sleep(draft: &mut Draft, log_p: &[Term]) -> Result<Vec<Update>, ElboProblem> {
    check_dreams(draft)?;
    let because = "one draw of the guide a row".into();
    let terms = log_p.to_vec();
    let wake = Update { name: "wake", of: Owner::Model, under: Under::Guide, share: 1.0, terms, because };
    Ok(vec![wake, sleep(draft, 1.0)])
}

/// Both sides by the same weights (Bornschein & Bengio 2015; wake-phi of Le et al. 2019).
fn reweighted(draft: &mut Draft, log_p: &[Term], draws: usize, share: f64) -> Result<Vec<Update>, ElboProblem> {
    if share > 0.0 {
        check_dreams(draft)?;
    }
    let plate = weight_plate(draft, true)?;
    let weight = weight(draft, log_p, plate);
    let because = format!("of {draws} draws of the guide, each divided by their sum: biased for finitely many");
    let update = |name, of, share, terms| Update {
        name,
        of,
        under: Under::Weights(draws, weight.clone()),
        share,
        terms,
        because: because.clone(),
    };
    let mut updates = vec![update("wake", Owner::Model, 1.0, log_p.to_vec())];
    let terms = log_q(draft, None);
    if share < 1.0 {
        updates.push(update("wake-phi", Owner::Guide, 1.0 - share, terms));
    }
    if share > 0.0 {
        updates.push(sleep(draft, share));
    }
    Ok(updates)
}
