//! Log densities as numbers, and what is known of them in closed form: KL, entropy, expectation.

use std::collections::{BTreeMap, BTreeSet};

use crate::dist::{self, Dist, Statistic, expect::VALUE};
use crate::elbo::derive::Draft;
use crate::elbo::moments::Moments;
use crate::elbo::rewrite::sites_read;
use crate::elbo::{TermKind, missing};
use crate::math::{Graph, NodeId, SiteId};
use crate::model::Statement;
use crate::shape::Size;

/// Summed over all components of `value`.
pub fn log_density(graph: &mut Graph, dist: &Dist, value: NodeId) -> NodeId {
    let each = dist::log_prob(graph, dist, value);
    let event = graph.event(value).to_vec();
    dist::total(graph, each, dist::component_axes(dist, &event))
}

/// KL( q || p ) of a site with these event axes.
pub fn kl(graph: &mut Graph, q: &Dist, p: &Dist, event: &[Size]) -> Option<NodeId> {
    let each = dist::kl(graph, q, p)?;
    // Of independent numbers and one vector, the divergence is one number for the vector.
    let wider = if dist::value_rank(p) > dist::value_rank(q) { p } else { q };
    Some(dist::total(graph, each, dist::component_axes(wider, event)))
}

pub fn entropy(graph: &mut Graph, q: &Dist, event: &[Size]) -> Option<NodeId> {
    let each = dist::entropy(graph, q)?;
    Some(dist::total(graph, each, dist::component_axes(q, event)))
}

/// The expected log density of a statement over all drawn sites that it reads, where it is linear in statistics of
/// one argument, and these are closed.
pub fn expected(draft: &mut Draft, kind: &TermKind, drawn: &BTreeSet<SiteId>) -> Option<NodeId> {
    // A factor that reads another draw would leave that draw in the result.
    let own = |id: &SiteId| draft.facts.guide_parents[id.index()].is_empty() && draft.guided.factors.contains_key(id);
    if !drawn.iter().all(own) {
        return None;
    }
    let model = draft.facts.model;
    let mut drops = None;
    let (child, value) = match kind {
        TermKind::Prior(id) => (&model.sites[id.index()].dist, draft.site(*id)),
        TermKind::Observed(at) => match &model.statements[*at] {
            Statement::Observe(y) if missing::drops(model, y) => {
                drops = Some(y);
                (&y.dist, missing::filled(&mut draft.guided.graph, model, y))
            }
            Statement::Observe(y) => (&y.dist, y.value),
            _ => return None,
        },
        _ => return None,
    };
    let g = &mut draft.guided.graph;
    let parts = child.args.iter().map(|(name, arg)| (*name, *arg)).chain([(VALUE, value)]);
    let mut random = parts.filter(|(_, node)| !sites_read(g, &[*node]).is_disjoint(drawn));
    let (Some((name, node)), None) = (random.next(), random.next()) else { return None };
    drop(random);
    let mut moments = Moments { graph: g, factors: &draft.guided.factors, random: drawn };
    let known: BTreeMap<Statistic, NodeId> =
        dist::STATISTICS.into_iter().filter_map(|statistic| Some((statistic, moments.of(node, statistic)?))).collect();
    if drops.is_some() && dist::value_rank(child) > 0 {
        return None;
    }
    let each = dist::expected_log_prob(g, child, value, name, &|statistic| known.get(&statistic).copied())?;
    if let Some(y) = drops {
        return Some(missing::kept(g, y, each));
    }
    let event = g.event(value).to_vec();
    Some(dist::total(g, each, dist::component_axes(child, &event)))
}
