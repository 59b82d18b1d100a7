//! What the latent sites add to the bound: a KL in closed form where five conditions hold, else entropy and expected
//! log prior, each closed where it can be.

use crate::dist::{Bijector, Dist, Kind, catalogue};
use crate::elbo::derive::{Density, Draft};
use crate::elbo::guide::free_shape;
use crate::elbo::problems::ElboProblem;
use crate::elbo::{Choice, Estimator, Term, TermKind, Treatment, because, closed, cost, missing, sum_out};
use crate::math::{NodeId, SiteId};
use crate::model::Auto;
use crate::shape::{AxisId, Size};

/// Terms of all sites with a factor, in their order, then the entropy of the automatic guide.
pub fn terms(draft: &mut Draft, kept: &[Density]) -> Result<Vec<Term>, ElboProblem> {
    let mut terms = vec![];
    let mut gaussian: Vec<SiteId> = vec![];
    for density in kept {
        let TermKind::Prior(id) = density.kind else { continue };
        match kl(draft, id) {
            Ok(term) => terms.extend(instead(draft, density, &term)?.unwrap_or(vec![term])),
            Err(why) => {
                terms.push(prior(draft, density, &why)?);
                match draft.guided.views[id.index()].treatment {
                    Treatment::Auto => terms.extend(automatic(draft, id, &mut gaussian)),
                    _ => terms.push(entropy(draft, id)?),
                }
            }
        }
    }
    // A site whose prior was summed out with its discrete parents still has an entropy.
    for id in cost::sites(draft.facts.model) {
        let without = !kept.iter().any(|d| matches!(d.kind, TermKind::Prior(p) if p == id));
        match draft.guided.views[id.index()].treatment {
            Treatment::Auto if without => terms.extend(automatic(draft, id, &mut gaussian)),
            Treatment::Written(_) | Treatment::Enumerated(..) if without => terms.push(entropy(draft, id)?),
            _ => {}
        }
    }
    for id in cost::sites(draft.facts.model) {
        terms.extend(missing::spare(draft, id));
    }
    terms.extend(auto_entropy(draft, &gaussian));
    Ok(terms)
}

/// The KL of a site in closed form, or the condition that fails.
fn kl(draft: &mut Draft, id: SiteId) -> Result<Term, String> {
    let model = draft.facts.model;
    let (site, name) = (&model.sites[id.index()], because::name(model, id));
    if model.fit.sampled_kl {
        return Err("`kl: sampled` asks for no closed forms".into());
    }
    if !draft.closed {
        return Err("closed forms belong to the objective elbo".into());
    }
    let Some(q) = draft.guided.factors.get(&id).cloned() else {
        return Err(match (model.guide.auto, draft.map(id)) {
            (Some(auto), _) if auto.is_joint() => format!("the factor of {name} is part of a joint guide"),
            (_, None) => format!("the factor of {name} is part of a joint guide"),
            (_, Some(map)) => {
                let (q, p) = (because::mapped_normal(&map), catalogue::row(site.dist.kind).name);
                format!("{q} || {p} has no closed form")
            }
        });
    };
    let after = draft.facts.sampled_after(id);
    if let Some(parent) = draft.facts.parents[id.index()].iter().find(|p| **p != id && after.contains(p)) {
        return Err(format!("{}, a parent of {name}, is sampled by the guide after it", because::name(model, *parent)));
    }
    // Parents that are summed out have put this prior into their own term already.
    let pair = format!("{} || {}", catalogue::row(q.kind).name, catalogue::row(site.dist.kind).name);
    let value = closed::kl(&mut draft.guided.graph, &q, &site.dist, &site.event);
    let value = value.ok_or_else(|| format!("{pair} has no closed form"))?;
    let (value, states) =
        draft.over_states(value, &site.plates).map_err(|_| format!("{pair} is not summed over states"))?;
    let names = |ids: &mut dyn Iterator<Item = SiteId>| ids.map(|id| because::name(model, id)).collect::<Vec<_>>();
    let drawn = names(&mut draft.drawn(value).into_iter().filter(|id| draft.is_pathwise(*id)));
    // Parents that the factor follows were drawn before it, which is what a closed form needs of them.
    let before = draft.facts.with_guide_ancestors([id].into());
    let followed =
        names(&mut draft.facts.parents[id.index()].iter().copied().filter(|p| *p != id && before.contains(p)));
    let mut because = match followed.len() {
        0 => format!("{pair}, and no parent of {name} is sampled by the guide after it"),
        1 => format!("{pair}, and {}, a parent of {name}, is sampled by the guide before it", followed[0]),
        _ => format!("{pair}, and {}, parents of {name}, are sampled by the guide before it", because::list(&followed)),
    };
    if !states.is_empty() {
        because.push_str(&format!("; summed over the states of {}", because::list(&names(&mut states.into_iter()))));
    }
    if !drawn.is_empty() {
        because.push_str(&format!("; pathwise in {}", because::list(&drawn)));
    }
    let choice = Choice { estimator: Estimator::Analytic, because };
    Ok(Term { kind: TermKind::Kl(id), sign: -1.0, value, plates: site.plates.clone(), choice, also: vec![] })
}

/// A KL that still feels draws of the parents gives way to prior and entropy where these feel none.
fn instead(draft: &mut Draft, density: &Density, kl: &Term) -> Result<Option<Vec<Term>>, ElboProblem> {
    let TermKind::Prior(id) = density.kind else { return Ok(None) };
    let written = !matches!(draft.guided.views[id.index()].treatment, Treatment::Auto);
    if draft.drawn(kl.value).is_empty() || !written {
        return Ok(None);
    }
    let terms = vec![prior(draft, density, "")?, entropy(draft, id)?];
    let exact = terms.iter().all(|term| draft.drawn(term.value).is_empty());
    Ok(exact.then_some(terms))
}

/// The expected log prior of a site without a closed KL.
fn prior(draft: &mut Draft, density: &Density, why: &str) -> Result<Term, ElboProblem> {
    let TermKind::Prior(id) = density.kind else {
        return draft.expectation(density.kind.clone(), density.value, &density.plates);
    };
    let facts = draft.facts;
    if facts.model.sites[id.index()].dist.kind == Kind::Flat {
        let choice = Choice { estimator: Estimator::Analytic, because: "the density of Flat is 1".into() };
        let plates = density.plates.clone();
        return Ok(Term { kind: density.kind.clone(), sign: 1.0, value: density.value, plates, choice, also: vec![] });
    }
    let term = draft.expectation(density.kind.clone(), density.value, &density.plates)?;
    let because = match why.is_empty() {
        true => term.choice.because,
        false => format!("{why}; {}", term.choice.because),
    };
    Ok(Term { choice: Choice { because, ..term.choice }, ..term })
}

/// The closed entropy of a factor; of missing entries, where they are missing.
fn entropy_of(draft: &mut Draft, id: SiteId, q: &Dist, event: &[Size]) -> Option<NodeId> {
    let g = &mut draft.guided.graph;
    if !missing::is_missing(draft.facts.model, id) {
        return closed::entropy(g, q, event);
    }
    let each = crate::dist::entropy(g, q)?;
    let each = missing::where_missing(g, draft.facts.model, id, each);
    Some(g.sum_event(each))
}

/// The entropy of a written factor: closed where it is known, else minus log q at its draw.
fn entropy(draft: &mut Draft, id: SiteId) -> Result<Term, ElboProblem> {
    let site = &draft.facts.model.sites[id.index()];
    if draft.closed
        && let Some(q) = draft.guided.factors.get(&id).cloned()
        && let Some(value) = entropy_of(draft, id, &q, &site.event)
    {
        let because = format!("the entropy of {} is closed", catalogue::row(q.kind).name);
        let choice = Choice { estimator: Estimator::Analytic, because };
        let (value, _) = draft.over_states(value, &site.plates)?;
        return Ok(Term {
            kind: TermKind::Entropy(id),
            sign: 1.0,
            value,
            plates: site.plates.clone(),
            choice,
            also: vec![],
        });
    }
    let value = draft.log_factor(id);
    let term = draft.expectation(TermKind::LogQ(id), value, &site.plates)?;
    Ok(Term { sign: -1.0, ..term })
}

/// The log-determinant of the map of an automatic factor; its Gaussian joins the others unless KL is to be sampled.
fn automatic(draft: &mut Draft, id: SiteId, gaussian: &mut Vec<SiteId>) -> Vec<Term> {
    let mut terms = vec![];
    if draft.facts.model.fit.sampled_kl {
        terms.push(sampled_gaussian(draft, id));
    } else {
        gaussian.push(id);
    }
    terms.extend(log_det(draft, id));
    terms
}

fn log_det(draft: &mut Draft, id: SiteId) -> Option<Term> {
    let site = &draft.facts.model.sites[id.index()];
    let map = draft.map(id).filter(|map| *map != Bijector::Identity)?;
    let shape = free_shape(site, &map);
    let linear = matches!(map, Bijector::Exp | Bijector::Above(_) | Bijector::Below(_));
    let g = &mut draft.guided.graph;
    let (value, estimator, because) = if linear && draft.closed {
        let loc = g.auto_loc(id, shape);
        (g.sum_event(loc), Estimator::Analytic, "the logarithm of exp(u) is u, whose mean is loc".to_string())
    } else {
        let free = g.free(id, shape);
        let because = because::mapped(draft.facts, id);
        (map.log_det(g, free, &site.event), Estimator::Pathwise, because)
    };
    let value = missing::where_missing(&mut draft.guided.graph, draft.facts.model, id, value);
    let choice = Choice { estimator, because };
    Some(Term { kind: TermKind::LogDet(id), sign: 1.0, value, plates: site.plates.clone(), choice, also: vec![] })
}

/// Minus log q of an automatic factor, on the unconstrained scale.
fn sampled_gaussian(draft: &mut Draft, id: SiteId) -> Term {
    let site = &draft.facts.model.sites[id.index()];
    let shape = draft.free_shape(id);
    let g = &mut draft.guided.graph;
    // Of a joint factor, too: the log density of L e is that of the noise e less the logarithms of the diagonal of L.
    let (noise, scale) = (g.auto_noise(id, shape.clone()), g.auto_scale(id, shape));
    let (square, log) = (g.square(noise), g.log(scale));
    let half = g.scale(square, -0.5);
    let each = g.sub(half, log);
    let each = g.shift(each, -0.5 * (2.0 * std::f64::consts::PI).ln());
    let value = g.sum_event(each);
    let because = "`kl: sampled` asks for no closed forms".into();
    let choice = Choice { estimator: Estimator::Pathwise, because };
    Term { kind: TermKind::LogQ(id), sign: -1.0, value, plates: site.plates.clone(), choice, also: vec![] }
}

/// One term for all sites outside minibatched plates, and one for each place inside them, which carries its scale.
fn auto_entropy(draft: &mut Draft, gaussian: &[SiteId]) -> Vec<Term> {
    let model = draft.facts.model;
    let mut groups: Vec<(Vec<AxisId>, Vec<SiteId>)> = vec![];
    for id in gaussian {
        let plates = &model.sites[id.index()].plates;
        let batched = plates.iter().any(|axis| cost::batched_dim(model, *axis).is_some());
        let plates = if batched { plates.clone() } else { vec![] };
        match groups.iter_mut().find(|(p, _)| *p == plates) {
            Some((_, sites)) => sites.push(*id),
            None => groups.push((plates, vec![*id])),
        }
    }
    groups.into_iter().map(|(plates, sites)| gaussian_entropy(draft, plates, sites)).collect()
}

pub fn gaussian_entropy(draft: &mut Draft, plates: Vec<AxisId>, sites: Vec<SiteId>) -> Term {
    let model = draft.facts.model;
    let shapes: Vec<_> = sites.iter().map(|id| draft.free_shape(*id)).collect();
    let g = &mut draft.guided.graph;
    let parts: Vec<NodeId> = sites
        .iter()
        .zip(shapes)
        .map(|(id, shape)| {
            let site = &model.sites[id.index()];
            let scale = g.auto_scale(*id, shape);
            let log = g.log(scale);
            let each = g.shift(log, 0.5 * (2.0 * std::f64::consts::PI * std::f64::consts::E).ln());
            let total = g.sum_event(each);
            sum_out::sum_over(g, total, site.plates.iter().copied().filter(|axis| !plates.contains(axis)).collect())
        })
        .collect();
    let value = g.sum_of(&parts);
    let because = "the entropy of a Normal guide is closed".into();
    let choice = Choice { estimator: Estimator::Analytic, because };
    Term { kind: TermKind::AutoEntropy(sites), sign: 1.0, value, plates, choice, also: vec![] }
}

/// log q at the draws: of written factors themselves, of automatic ones minus the log-determinant of the map.
pub fn log_q(draft: &mut Draft) -> Vec<Term> {
    let mut terms = vec![];
    for id in cost::sites(draft.facts.model) {
        let site = &draft.facts.model.sites[id.index()];
        let (kind, sign, value) = match draft.guided.views[id.index()].treatment {
            Treatment::Written(_) | Treatment::Enumerated(..) => (TermKind::LogQ(id), 1.0, draft.log_factor(id)),
            // A point has no density on any scale.
            Treatment::Auto if draft.facts.model.guide.auto == Some(Auto::Map) => continue,
            Treatment::Auto => {
                let Some(map) = draft.map(id).filter(|map| *map != Bijector::Identity) else { continue };
                let g = &mut draft.guided.graph;
                let free = g.free(id, free_shape(site, &map));
                let log_det = map.log_det(g, free, &site.event);
                (TermKind::LogDet(id), -1.0, missing::where_missing(g, draft.facts.model, id, log_det))
            }
            _ => continue,
        };
        let because = "a weight needs the log density at the draw itself".into();
        let choice = Choice { estimator: Estimator::Pathwise, because };
        terms.push(Term { kind, sign, value, plates: site.plates.clone(), choice, also: vec![] });
    }
    terms
}

/// The log joint at a point: as a density of the constrained values for `guide map`, else of the unconstrained ones.
pub fn log_joint(draft: &mut Draft, log_p: &[Term]) -> Vec<Term> {
    let mut terms = log_p.to_vec();
    if draft.facts.model.guide.auto != Some(Auto::Map) {
        terms.extend(log_q(draft).into_iter().map(|term| Term { sign: -term.sign, ..term }));
    }
    terms
}

/// log q of a site that the guide draws: what is added to `log q`, on its own scale.
pub fn log_q_of(draft: &mut Draft, id: SiteId) -> Vec<Term> {
    let because = || "the log density at the draw itself".to_string();
    let choice = Choice { estimator: Estimator::Pathwise, because: because() };
    let site = &draft.facts.model.sites[id.index()];
    if draft.map(id).is_none() {
        let (value, plates) = (draft.log_factor(id), site.plates.clone());
        return vec![Term { kind: TermKind::LogQ(id), sign: 1.0, value, plates, choice, also: vec![] }];
    }
    let own = Term { sign: 1.0, choice: choice.clone(), ..sampled_gaussian(draft, id) };
    let map = draft.map(id).filter(|map| *map != Bijector::Identity);
    let log_det = map.map(|map| {
        let g = &mut draft.guided.graph;
        let free = g.free(id, free_shape(site, &map));
        let log_det = map.log_det(g, free, &site.event);
        let value = missing::where_missing(g, draft.facts.model, id, log_det);
        let plates = site.plates.clone();
        Term { kind: TermKind::LogDet(id), sign: -1.0, value, plates, choice, also: vec![] }
    });
    [own].into_iter().chain(log_det).collect()
}

impl Draft<'_, '_> {
    /// log q of a site with a factor of the catalogue, at its draw.
    pub fn log_factor(&mut self, id: SiteId) -> NodeId {
        let value = self.site(id);
        match self.guided.factors.get(&id).cloned() {
            Some(dist) if missing::is_missing(self.facts.model, id) => {
                let g = &mut self.guided.graph;
                let each = crate::dist::log_prob(g, &dist, value);
                let each = missing::where_missing(g, self.facts.model, id, each);
                g.sum_event(each)
            }
            _ => self.log_weight(id),
        }
    }

    /// The log probability of a state under a factor. Of entries that may be missing it is that of all, also of those that
    /// are there: the value is then the same in every state, and the weights add up to one.
    pub fn log_weight(&mut self, id: SiteId) -> NodeId {
        let value = self.site(id);
        match self.guided.factors.get(&id).cloned() {
            Some(dist) => closed::log_density(&mut self.guided.graph, &dist, value),
            None => self.guided.graph.number(0.0),
        }
    }
}
