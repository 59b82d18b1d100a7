//! Observations whose entries may be missing (LANGUAGE.md 1.3). What nothing else reads drops out of the density, exactly.
//! What is read elsewhere is a latent of its row: its density is the observation's at the completed value, and its entropy
//! counts where it is missing.

use crate::dist::{self, mv_normal};
use crate::elbo::derive::Draft;
use crate::elbo::problems::{ElboProblem, Limitation};
use crate::elbo::{Choice, Estimator, Term, TermKind, Treatment, closed};
use crate::math::support::Bound;
use crate::math::{Binary, Graph, NodeId, Op, SiteId, Support};
use crate::model::{Model, Objective, Observation, Origin, Statement};

/// What cannot be derived yet: several vectors at once, and entries that are latent in a tempered bound.
pub fn check(model: &Model, y: &Observation) -> Result<(), ElboProblem> {
    let data = &model.data[y.data.index()];
    if !data.missing {
        return Ok(());
    }
    let components = dist::component_axes(&y.dist, &data.event).len();
    let whole = components < data.event.len();
    // The log-determinant of a map of several entries at once is not known entry by entry.
    let written = |site: &SiteId| model.guide.factors.iter().any(|factor| factor.site == *site);
    let discrete = y.missing.is_some() && data.support.is_discrete();
    let mapped = data.support != Support::Real && !data.event.is_empty();
    if y.missing.is_some_and(|site| !written(&site)) && mapped && !discrete && !whole {
        let what = Limitation::MissingMap { data: data.name.clone() };
        return Err(ElboProblem::Limitation { what, span: y.span });
    }
    // Entries that are there are observations, the others latents, which a tempered bound weighs otherwise.
    let tempered = matches!(model.fit.objective, Some(Objective::Elbo(Some(_))));
    let weighed = tempered && y.missing.is_some();
    if weighed || (whole && y.missing.is_none() && components > 0) {
        let what = Limitation::MissingValues { data: data.name.clone(), weighed };
        return Err(ElboProblem::Limitation { what, span: y.span });
    }
    Ok(())
}

/// Whether entries drop out of the density of an observation: they may be missing, and nothing else reads them.
pub fn drops(model: &Model, y: &Observation) -> bool {
    model.data[y.data.index()].missing && y.missing.is_none()
}

/// log p of an observation.
pub fn log_density(graph: &mut Graph, model: &Model, y: &Observation) -> NodeId {
    let data = &model.data[y.data.index()];
    if !drops(model, y) {
        let log = closed::log_density(graph, &y.dist, y.value);
        let written = |site: &SiteId| model.guide.factors.iter().any(|factor| factor.site == *site);
        let summed = y.missing.filter(|site| data.support.is_discrete() && !written(site));
        return match summed.and_then(|site| elsewhere(graph, model, site)) {
            Some(elsewhere) => graph.add(log, elsewhere),
            None => log,
        };
    }
    let filled = filled(graph, model, y);
    if dist::value_rank(&y.dist) > 0 {
        let there = graph.op(Op::Present(y.value));
        return mv_normal::log_prob_there(graph, &y.dist.args, filled, there);
    }
    let each = dist::log_prob(graph, &y.dist, filled);
    kept(graph, y, each)
}

/// The data with any number of the support where entries are missing.
pub fn filled(graph: &mut Graph, model: &Model, y: &Observation) -> NodeId {
    let with = stand_in(graph, &model.data[y.data.index()].support);
    graph.op(Op::Complete { data: y.value, with })
}

/// The sum of what is known entry by entry, over those that are there.
pub fn kept(graph: &mut Graph, y: &Observation, each: NodeId) -> NodeId {
    let there = graph.op(Op::Present(y.value));
    let kept = graph.mul(there, each);
    graph.sum_event(kept)
}

/// A logarithm so low that its exponential is 0 beside any other, and still a number in single precision.
const NEVER: f64 = -1e30;

/// The log probability that a summed-out entry is in a state where the data say another: without it an entry that is
/// there would be counted once a state.
fn elsewhere(graph: &mut Graph, model: &Model, site: SiteId) -> Option<NodeId> {
    let (_, data) = observation(model, site)?;
    let with = match model.graph.nodes[observed_value(model, site)?].op {
        Op::Complete { with, .. } => with,
        _ => return None,
    };
    let zero = graph.number(0.0);
    let filled = graph.op(Op::Complete { data, with: zero });
    let there = graph.op(Op::Present(data));
    let differs = graph.op(Op::Binary(Binary::NotEqual, filled, with));
    let wrong = graph.mul(there, differs);
    let never = graph.scale(wrong, NEVER);
    Some(graph.sum_event(never))
}

fn observed_value(model: &Model, site: SiteId) -> Option<NodeId> {
    model.statements.iter().find_map(|statement| match statement {
        Statement::Observe(y) if y.missing == Some(site) => Some(y.value),
        _ => None,
    })
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
