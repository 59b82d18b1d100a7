//! Who depends on whom: in the model, in the guide, and which terms of the bound feel which site (Rao-Blackwell).
//!
//! A site's cost is every term that depends on it or on a site the guide samples after it (Schulman et al. 2015,
//! "Gradient estimation using stochastic computation graphs").

use std::collections::{BTreeMap, BTreeSet};

use crate::elbo::rewrite::sites_read;
use crate::elbo::{Elbo, SiteView};
use crate::math::{Graph, NodeId, Op, SiteId};
use crate::model::follow::followers;
use crate::model::{Model, Request, Statement};
use crate::shape::{AxisId, DimId, Size};

/// What sites are to have whatever the guide asks for: an estimator, or what the compiler itself would choose.
pub type Asked = BTreeMap<SiteId, Option<Request>>;

/// What the decision table asks of a model, gathered once.
#[derive(Debug)]
pub struct Facts<'m> {
    pub model: &'m Model,
    /// The place in `Guide::factors` of the factor of a site that has one.
    pub factor: BTreeMap<SiteId, usize>,
    /// The sites that the distribution of a site reads.
    pub parents: Vec<BTreeSet<SiteId>>,
    /// The sites that the guide's factor of a site reads; none for automatic factors.
    pub guide_parents: Vec<BTreeSet<SiteId>>,
    /// Sites that nothing observed, no `factor` and no guide expression depends on.
    pub leaves: BTreeSet<SiteId>,
    /// The `if`s whose branches are proven to meet.
    pub meeting: BTreeSet<NodeId>,
    pub asked: Asked,
}

impl<'m> Facts<'m> {
    pub fn new(model: &'m Model) -> Facts<'m> {
        let factor: BTreeMap<SiteId, usize> =
            model.guide.factors.iter().enumerate().map(|(i, factor)| (factor.site, i)).collect();
        let read = |args: &crate::dist::Args| sites_read(&model.graph, &args.values().copied().collect::<Vec<_>>());
        let parents: Vec<_> = model.sites.iter().map(|site| read(&site.dist.args)).collect();
        let guide_parents: Vec<_> = sites(model)
            .map(|id| factor.get(&id).map_or_else(BTreeSet::new, |f| read(&model.guide.factors[*f].dist.args)))
            .collect();
        let leaves = leaves(model, &factor, &parents, &guide_parents);
        let meeting = crate::math::continuity::meeting(&model.graph);
        Facts { model, factor, parents, guide_parents, leaves, meeting, asked: Asked::new() }
    }

    /// The estimator that is asked for at a site, and does not leave it to the table.
    pub fn request(&self, id: SiteId) -> Option<Request> {
        let written = || self.model.guide.factors[*self.factor.get(&id)?].by.as_ref().map(|by| by.node);
        self.asked.get(&id).copied().unwrap_or_else(written)
    }

    /// Why the guide gives the site a free factor, where it does.
    pub fn free(&self, id: SiteId) -> Option<&'m str> {
        self.model.guide.factors[*self.factor.get(&id)?].free.as_deref()
    }

    /// The size with the values of dims put in where they are known.
    pub fn resolved(&self, size: &Size) -> Size {
        resolved(self.model, size)
    }

    /// These sites and all that their guide factors read, directly or through others.
    pub fn with_guide_ancestors(&self, sites: BTreeSet<SiteId>) -> BTreeSet<SiteId> {
        let mut all = BTreeSet::new();
        let mut next: Vec<SiteId> = sites.into_iter().collect();
        while let Some(id) = next.pop() {
            if all.insert(id) {
                next.extend(&self.guide_parents[id.index()]);
            }
        }
        all
    }

    /// The sites whose guide factors read this one, directly or through others.
    pub fn sampled_after(&self, site: SiteId) -> BTreeSet<SiteId> {
        let mut after = BTreeSet::new();
        let mut next = vec![site];
        while let Some(above) = next.pop() {
            for id in sites(self.model) {
                if self.guide_parents[id.index()].contains(&above) && after.insert(id) {
                    next.push(id);
                }
            }
        }
        after
    }
}

pub fn resolved(model: &Model, size: &Size) -> Size {
    let value = |dim| model.dims[dim].value.clone();
    // A dim may be worth an expression of dims above it.
    (0..=model.dims.len()).fold(size.clone(), |size, _| size.substitute(&value))
}

pub fn sites(model: &Model) -> impl Iterator<Item = SiteId> + use<> {
    (0..model.sites.len() as u32).map(SiteId)
}

/// What a statement's log density is made of; nothing for a definition.
pub fn roots(model: &Model, statement: &Statement) -> Vec<NodeId> {
    match statement {
        Statement::Latent(site) => model.sites[site.index()].dist.args.values().copied().collect(),
        Statement::Define(_) => vec![],
        Statement::Observe(y) => y.dist.args.values().copied().chain([y.value]).collect(),
        Statement::Factor { value, .. } => vec![*value],
        Statement::Boltzmann(of) => vec![of.value],
    }
}

/// The sites whose values a statement's log density reads, its own included.
pub fn reads(model: &Model, statement: &Statement) -> BTreeSet<SiteId> {
    let mut read = sites_read(&model.graph, &roots(model, statement));
    if let Statement::Latent(site) = statement {
        read.insert(*site);
    }
    read
}

// With nothing to condition on the model is a target to approximate, and every site keeps its factor.
fn leaves(
    model: &Model,
    factor: &BTreeMap<SiteId, usize>,
    parents: &[BTreeSet<SiteId>],
    guide_parents: &[BTreeSet<SiteId>],
) -> BTreeSet<SiteId> {
    let conditions =
        |s: &&Statement| matches!(s, Statement::Observe(_) | Statement::Factor { .. } | Statement::Boltzmann(_));
    if !model.statements.iter().any(|s| conditions(&s)) {
        return BTreeSet::new();
    }
    let observed = model.statements.iter().filter(conditions).flat_map(|s| reads(model, s));
    let guide = guide_parents.iter().flatten().copied();
    // What does not integrate to one cannot be left out.
    let improper = sites(model).filter(|id| {
        let site = &model.sites[id.index()];
        site.restricted || site.dist.kind == crate::dist::Kind::Flat
    });
    let mut next: Vec<SiteId> = observed.chain(guide).chain(factor.keys().copied()).chain(improper).collect();
    let mut needed = BTreeSet::new();
    while let Some(site) = next.pop() {
        if needed.insert(site) {
            next.extend(&parents[site.index()]);
        }
    }
    sites(model).filter(|site| !needed.contains(site)).collect()
}

/// The dim whose rows are drawn when this plate is minibatched: its own, or that of the rows it reads through data
/// (`theta[doc[t]]`: the tokens of a batch of documents).
pub fn batched_dim(model: &Model, axis: AxisId) -> Option<DimId> {
    let dim = model.axes.get(axis)?.size.as_dim()?;
    let holds =
        |leader: &&DimId| **leader == dim || followers(model, **leader).iter().any(|follower| follower.dim == dim);
    model.fit.batch.keys().find(holds).copied()
}

/// The sites whose draws a value feels, through the draws of other sites too.
pub fn sampled(elbo: &Elbo, value: NodeId) -> BTreeSet<SiteId> {
    felt(&elbo.graph, &elbo.sites, value)
}

/// Like `sampled`, while the bound is made.
pub fn felt(graph: &Graph, views: &[SiteView], value: NodeId) -> BTreeSet<SiteId> {
    let mut felt = BTreeSet::new();
    let mut next = vec![value];
    while let Some(root) = next.pop() {
        for id in graph.reachable(&[root]) {
            match graph.nodes[id].op {
                Op::Free(site) | Op::Noise(site, _) => {
                    felt.insert(site);
                }
                Op::Site(site) if felt.insert(site) => next.push(views[site.index()].value),
                _ => {}
            }
        }
    }
    felt
}

/// For every site the places in `Elbo::terms` of the terms that feel its draw: its cost.
pub fn costs(elbo: &Elbo) -> BTreeMap<SiteId, Vec<usize>> {
    let mut costs: BTreeMap<SiteId, Vec<usize>> = BTreeMap::new();
    for (i, term) in elbo.terms.iter().enumerate() {
        for site in sampled(elbo, term.value) {
            costs.entry(site).or_default().push(i);
        }
    }
    costs
}
