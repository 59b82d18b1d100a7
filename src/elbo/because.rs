//! The reasons, in words: one sentence a choice, true of this model.

use std::collections::BTreeSet;

use crate::dist::{self, Bijector, Kind};
use crate::elbo::cost::{self, Facts};
use crate::elbo::guide::Guided;
use crate::elbo::problems::thousands;
use crate::math::{Graph, Label, NodeId, Op, SiteId, Support};
use crate::model::{Auto, Model};
use crate::shape::{AxisId, Size};

/// What makes draws of a family differentiable in its parameters.
const FAMILIES: &[(Kind, &str)] = &[
    (Kind::Normal, "is a location-scale family"),
    (Kind::StudentT, "is a location-scale family"),
    (Kind::LogNormal, "is exp of a location-scale family"),
    (Kind::HalfNormal, "is a scale family"),
    (Kind::HalfCauchy, "is a scale family"),
    (Kind::Exponential, "is a scale family"),
    (Kind::Gamma, "has a quantile that is differentiable in its parameters"),
    (Kind::Beta, "is a ratio of Gammas, whose quantile is differentiable"),
    (Kind::Dirichlet, "is a ratio of Gammas, whose quantile is differentiable"),
    (Kind::Truncated, "of a Normal has a quantile that is differentiable in its parameters"),
    (Kind::MvNormal, "is a location-scale family"),
    (Kind::LogisticNormal, "is softmax of a location-scale family"),
    (Kind::Concrete, "is softmax of Gumbel noise that is shifted and scaled"),
    (Kind::GaussianRandomWalk, "is a sum of Normal steps"),
    (Kind::AR, "is linear in Normal noise"),
    (Kind::LKJCholesky, "is made of ratios of Gammas, whose quantile is differentiable"),
    (Kind::Cauchy, "is a location-scale family"),
    (Kind::Laplace, "is a location-scale family"),
    (Kind::Logistic, "is a location-scale family"),
    (Kind::Gumbel, "is a location-scale family"),
    (Kind::Uniform, "is a location-scale family"),
    (Kind::Weibull, "is exp of a location-scale family"),
    (Kind::Pareto, "is exp of a location-scale family"),
    (Kind::Kumaraswamy, "has a quantile that is differentiable in its parameters"),
    (Kind::TruncatedNormal, "has a quantile that is differentiable in its parameters"),
    (Kind::VonMises, "has a quantile that is differentiable in its parameters"),
    (Kind::Erlang, "has a quantile that is differentiable in its parameters"),
    (Kind::ChiSquared, "has a quantile that is differentiable in its parameters"),
    (Kind::InverseGamma, "is the reciprocal of a Gamma, whose quantile is differentiable"),
    (Kind::RelaxedBernoulli, "is sigmoid of a location-scale family"),
    (Kind::Delta, "is a point"),
];

/// Why a site is drawn and differentiated through: its family, and what follows it.
pub fn drawn(facts: &Facts, site: SiteId) -> String {
    let roots: Vec<NodeId> = facts.model.statements.iter().flat_map(|s| cost::roots(facts.model, s)).collect();
    let calls = calls_between(&facts.model.graph, &roots, site);
    let what = if calls.is_empty() { "what follows".into() } else { list(&calls) };
    let verb = if calls.len() > 1 { "are" } else { "is" };
    format!("{} and {what} {verb} differentiable in {}", family(facts, site), bare(facts.model, site))
}

/// Why the expectation of a term over these sites is pathwise.
pub fn pathwise(facts: &Facts, sites: &BTreeSet<SiteId>, roots: &[NodeId], graph: &Graph) -> String {
    let mut families: Vec<String> = vec![];
    let mut calls: Vec<String> = vec![];
    for site in sites {
        let family = family(facts, *site);
        if !families.contains(&family) {
            families.push(family);
        }
        let between = calls_between(graph, roots, *site);
        calls.extend(between.into_iter().filter(|call| !calls.contains(call)).collect::<Vec<_>>());
    }
    let names: Vec<String> = sites.iter().map(|site| bare(facts.model, *site)).collect();
    let what = if calls.is_empty() { "the log density".into() } else { list(&calls) };
    let verb = if calls.len() > 1 { "are" } else { "is" };
    format!("{} and {what} {verb} differentiable in {}", list(&families), list(&names))
}

/// Whose states an expectation is summed over, and what is drawn once for each.
pub fn states_of(facts: &Facts, enumerated: &BTreeSet<SiteId>, drawn: &BTreeSet<SiteId>) -> String {
    let names: Vec<String> = enumerated.iter().map(|id| name(facts.model, *id)).collect();
    let after: BTreeSet<SiteId> = enumerated.iter().flat_map(|id| facts.sampled_after(*id)).collect();
    let once: Vec<String> = drawn.intersection(&after).map(|id| name(facts.model, *id)).collect();
    let text = format!("summed over the states of {}", list(&names));
    match once.len() {
        0 => text,
        1 => format!("{text}; {} is drawn once for each", once[0]),
        _ => format!("{text}; {} are drawn once for each", list(&once)),
    }
}

/// Why a mean over draws of these sites is not closed, where a factor follows draws of others.
pub fn not_alone(facts: &Facts, read: &BTreeSet<SiteId>) -> Option<String> {
    let follows = |id: &&SiteId| !facts.guide_parents[id.index()].is_empty();
    let site = read.iter().find(follows)?;
    let parent = |id: &SiteId| if id == site { "its earlier rows".into() } else { name(facts.model, *id) };
    let others: Vec<String> = facts.guide_parents[site.index()].iter().map(parent).collect();
    Some(format!("not closed over {}, whose factor follows {}", name(facts.model, *site), list(&others)))
}

/// Why the log-determinant of an automatic factor's map is pathwise.
pub fn mapped(facts: &Facts, site: SiteId) -> String {
    format!("{} and the map to {} is differentiable", family(facts, site), name(facts.model, site))
}

/// Why the expectation of a log density is closed.
pub fn linear(facts: &Facts, guided: &Guided, sites: &BTreeSet<SiteId>) -> String {
    let names: Vec<String> = sites.iter().map(|site| bare(facts.model, *site)).collect();
    let kinds: BTreeSet<&str> =
        sites.iter().filter_map(|id| Some(dist::row(guided.factors.get(id)?.kind).name)).collect();
    let factors = match (kinds.first(), kinds.len()) {
        (Some(kind), 1) => kind.to_string(),
        _ => "their factors".into(),
    };
    format!("linear in statistics of {} whose means under {factors} are closed", list(&names))
}

/// What an automatic factor is called where it is compared with a prior.
pub fn mapped_normal(map: &Bijector) -> &'static str {
    match map {
        Bijector::Identity => "Normal",
        Bijector::Exp => "LogNormal",
        Bijector::Between(..) => "scaled sigmoid(Normal)",
        Bijector::Above(_) | Bijector::Below(_) => "shifted exp(Normal)",
        Bijector::Ordered => "ordered(Normal)",
        Bijector::PositiveOrdered => "positive_ordered(Normal)",
        Bijector::Simplex => "stick_breaking(Normal)",
        Bijector::Cholesky => "cholesky(Normal)",
        Bijector::Cov => "cov(Normal)",
        Bijector::CholeskyCorr => "cholesky_corr(Normal)",
    }
}

fn family(facts: &Facts, site: SiteId) -> String {
    let Some(at) = facts.factor.get(&site) else {
        return match facts.model.guide.auto {
            Some(auto) if auto.is_joint() => "the joint Normal of the guide is a location-scale family".into(),
            Some(Auto::Map) => "the guide is a point".into(),
            _ => "Normal is a location-scale family".into(),
        };
    };
    let kind = facts.model.guide.factors[*at].dist.kind;
    let why = FAMILIES.iter().find(|(k, _)| *k == kind).map_or("is reparameterized", |(_, why)| why);
    format!("{} {why}", dist::row(kind).name)
}

/// The outermost calls of nets and funs that stand between a site and what is computed.
fn calls_between(graph: &Graph, roots: &[NodeId], site: SiteId) -> Vec<String> {
    let mut names: Vec<String> = vec![];
    let mut stack: Vec<NodeId> = roots.to_vec();
    let mut seen = BTreeSet::new();
    while let Some(id) = stack.pop() {
        if !seen.insert(id) || !crate::elbo::rewrite::sites_read(graph, &[id]).contains(&site) {
            continue;
        }
        match &graph.nodes[id].op {
            Op::Named(Label::Call { name, .. }, _) if !names.contains(name) => names.push(name.clone()),
            Op::Named(Label::Call { .. }, _) => {}
            op => stack.extend(op.children()),
        }
    }
    names
}

/// `z[n]`
pub fn name(model: &Model, site: SiteId) -> String {
    let site = &model.sites[site.index()];
    let plates: Vec<&str> = site.plates.iter().map(|axis| model.axes[*axis].name.as_str()).collect();
    if plates.is_empty() { site.name.clone() } else { format!("{}[{}]", site.name, plates.join(", ")) }
}

/// `z`
fn bare(model: &Model, site: SiteId) -> String {
    model.sites[site.index()].name.clone()
}

/// What the states of a site with several components are.
pub fn joint(facts: &Facts, site: SiteId) -> &'static str {
    let site = &facts.model.sites[site.index()];
    if site.event.len() > site.support.event_rank() { "joint states" } else { "states" }
}

/// How many joint states a site has: `K = 3`, `K` or `4`.
pub fn states(facts: &Facts, site: SiteId, joint: &Size) -> String {
    let model = facts.model;
    let declared = match &model.sites[site.index()].support {
        Support::Category(size) => size.print(&model.dims),
        _ => String::new(),
    };
    match joint.known() {
        Some(n) if declared.is_empty() || declared == n.to_string() => thousands(n),
        Some(n) => format!("{declared} = {n}"),
        None => joint.print(&model.dims),
    }
}

/// The forward recursions in a sum: the chain of each, and how many steps it takes.
pub fn recursions(graph: &Graph, model: &Model, value: NodeId) -> Vec<(AxisId, String)> {
    let size = |axis: &AxisId| graph.axes.get(axis).cloned().unwrap_or_default();
    let steps = |id: NodeId| match &graph.nodes[id].op {
        Op::Forward { chain, to, .. } => {
            let states: Vec<String> = to.iter().map(|axis| size(axis).print(&model.dims)).collect();
            let states = if states.len() > 1 { format!("({})", states.join(" * ")) } else { states.concat() };
            let rows = model.axes[*chain].size.print(&model.dims);
            Some((
                *chain,
                format!("the forward recursion along {}: {rows} * {states}^2 steps", model.axes[*chain].name),
            ))
        }
        _ => None,
    };
    graph.reachable(&[value]).into_iter().filter_map(steps).collect()
}

/// `a`, `a and b`, `a, b and c`
pub fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [init @ .., last] => format!("{} and {last}", init.join(", ")),
    }
}
