//! Observations whose entries may be missing (LANGUAGE.md 1.3). What nothing else reads drops out of the density, exactly.
//! What is read elsewhere is a latent of its row: its density is the observation's at the completed value, and its entropy
//! counts where it is missing.

use crate::dist;
use crate::elbo::derive::Draft;
use crate::elbo::problems::{ElboProblem, Limitation};
use crate::elbo::{Choice, Estimator, Term, TermKind, Treatment, closed};
use crate::math::support::Bound;
use crate::math::{Graph, NodeId, Op, SiteId, Support};
use crate::model::{Model, Observation, Origin, Statement};

/// What cannot be derived yet: distributions of whole vectors, and entries that would have to be summed over.
pub fn check(model: &Model, y: &Observation) -> Result<(), ElboProblem> {
    let data = &model.data[y.data.index()];
    if !data.missing {
        return Ok(());
    }
    let whole = dist::component_axes(&y.dist, &data.event).len() < data.event.len();
    let discrete = y.missing.is_some() && data.support.is_discrete();
    // The log-determinant of a map of several entries at once is not known entry by entry.
    let written = |site: &SiteId| model.guide.factors.iter().any(|factor| factor.site == *site);
    let mapped = data.support != Support::Real && !data.event.is_empty();
    if y.missing.is_some_and(|site| !written(&site)) && mapped && !discrete && !whole {
        let what = Limitation::MissingMap { data: data.name.clone() };
        return Err(ElboProblem::Limitation { what, span: y.span });
    }
    if whole || discrete {
        let what = Limitation::MissingValues { data: data.name.clone(), discrete: discrete && !whole };
        return Err(ElboProblem::Limitation { what, span: y.span });
    }
    Ok(())
}

/// log p of an observation.
pub fn log_density(graph: &mut Graph, model: &Model, y: &Observation) -> NodeId {
    let data = &model.data[y.data.index()];
    if !data.missing || y.missing.is_some() {
        return closed::log_density(graph, &y.dist, y.value);
    }
    // Any number of the support stands in: the mask takes its density out again.
    let with = stand_in(graph, &data.support);
    let filled = graph.op(Op::Complete { data: y.value, with });
    let each = dist::log_prob(graph, &y.dist, filled);
    let there = graph.op(Op::Present(y.value));
    let kept = graph.mul(there, each);
    graph.sum_event(kept)
}

/// A number inside a support.
fn stand_in(graph: &mut Graph, support: &Support) -> NodeId {
    match support {
        Support::Positive => graph.number(1.0),
        Support::Unit => graph.number(0.5),
        Support::Interval(Bound::Number(lo), Bound::Number(hi)) if lo.is_finite() && hi.is_finite() => {
            graph.number(0.5 * (lo + hi))
        }
        Support::Interval(Bound::Number(lo), _) if lo.is_finite() => graph.number(lo + 1.0),
        Support::Interval(_, Bound::Number(hi)) if hi.is_finite() => graph.number(hi - 1.0),
        _ => graph.number(0.0),
    }
}

/// The observation whose missing entries a site is, and its data in its plates.
pub fn observation(model: &Model, site: SiteId) -> Option<(&Observation, NodeId)> {
    model.statements.iter().find_map(|statement| match statement {
        Statement::Observe(y) if y.missing == Some(site) => match model.graph.nodes[y.value].op {
            Op::Complete { data, .. } => Some((y, data)),
            _ => None,
        },
        _ => None,
    })
}

/// The value of a site: its entries of data where they are there.
pub fn completed(graph: &mut Graph, model: &Model, site: SiteId, draw: NodeId) -> NodeId {
    match observation(model, site) {
        Some((_, data)) => {
            let value = graph.op(Op::Complete { data, with: draw });
            let (op, shape) = (graph.nodes[value].op.clone(), graph.shape(value).clone());
            graph.node(op, shape, model.sites[site.index()].support.clone())
        }
        None => draw,
    }
}

/// Per-component values of a site where its entries are missing; of other sites all of them.
pub fn where_missing(graph: &mut Graph, model: &Model, site: SiteId, each: NodeId) -> NodeId {
    let Some((_, data)) = observation(model, site) else { return each };
    let there = graph.op(Op::Present(data));
    let missing = graph.complement(there);
    graph.mul(missing, each)
}

/// Where entries are there, the coordinates that an automatic factor has for them are kept at a standard Normal: what
/// this costs is the divergence from it, which is 0 where it is largest, so that nothing else feels them.
pub fn spare(draft: &mut Draft, id: SiteId) -> Option<Term> {
    let model = draft.facts.model;
    let (_, data) = observation(model, id)?;
    if draft.guided.views[id.index()].treatment != Treatment::Auto {
        return None;
    }
    let shape = draft.free_shape(id);
    let g = &mut draft.guided.graph;
    let free = g.free(id, shape);
    let square = g.square(free);
    let half = g.scale(square, -0.5);
    let each = g.shift(half, -0.5 * (2.0 * std::f64::consts::PI).ln());
    let there = g.op(Op::Present(data));
    let kept = g.mul(there, each);
    let value = g.sum_event(kept);
    let because = "coordinates of entries that are there: 0 with their entropy, at the optimum".into();
    let choice = Choice { estimator: Estimator::Pathwise, because };
    let plates = model.sites[id.index()].plates.clone();
    Some(Term { kind: TermKind::Spare(id), sign: 1.0, value, plates, choice, also: vec![] })
}

pub fn is_missing(model: &Model, site: SiteId) -> bool {
    matches!(model.sites[site.index()].origin, Origin::Missing(_))
}
