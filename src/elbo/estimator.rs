//! The decision table: for every latent site the first row that applies, and the reason for it.

use crate::dist::{self, Bijector, Draw, catalogue};
use crate::elbo::cost::{self, Facts};
use crate::elbo::problems::{ElboProblem, Limitation, TABLE};
use crate::elbo::{Choice, Estimator, because};
use crate::math::rules::{Continuity, continuity};
use crate::math::{NodeId, Op, SiteId};
use crate::model::{Auto, Objective, Request, Site, Statement};
use crate::problem::Problems;
use crate::shape::{AxisKind, Size};
use crate::source::Span;

/// What becomes of a site, before any expression is made for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    pub fate: Fate,
    pub choice: Choice,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Leaf,
    SummedOut,
    /// Summed over under the factor at this place in the guide.
    Enumerated(usize),
    /// Drawn from the automatic guide.
    Auto,
    /// Drawn from the factor at this place in the guide.
    Written(usize),
}

/// What a row of the table says of a site.
enum Answer {
    /// The row does not apply: ask the next.
    Next,
    Choose(Fate, Estimator, String),
    Wrong(ElboProblem),
}

/// A row: its number in the design's table and what it asks. Row 4, conjugate updates, belongs to objectives that are
/// not there yet.
type Row = (u8, fn(&Facts, SiteId) -> Answer);

const ROWS: [Row; 6] =
    [(0, integrates_to_one), (1, asked_for), (2, summed_out), (3, enumerated), (5, pathwise), (6, score_function)];

/// A decision a site, in their order, or every reason why there is none.
pub fn decide(facts: &Facts) -> Result<Vec<Decision>, Problems> {
    let mut problems = Problems::default();
    let mut decisions = vec![];
    for site in cost::sites(facts.model) {
        let answer = ROWS.iter().map(|(_, asks)| asks(facts, site)).find(|answer| !matches!(answer, Answer::Next));
        match answer {
            Some(Answer::Choose(fate, estimator, because)) => {
                decisions.push(Decision { fate, choice: Choice { estimator, because } });
            }
            Some(Answer::Wrong(problem)) => problems.push(problem),
            Some(Answer::Next) | None => {}
        }
    }
    if problems.has_errors() { Err(problems) } else { Ok(decisions) }
}

fn integrates_to_one(facts: &Facts, id: SiteId) -> Answer {
    let drawable = matches!(row(facts, id).draw, Draw::Reparam(..) | Draw::Implicit(..)) || finite(facts, id).is_some();
    if !facts.leaves.contains(&id) || !drawable {
        return Answer::Next;
    }
    let because = "nothing observed, no `factor` and no guide expression depends on it";
    Answer::Choose(Fate::Leaf, Estimator::IntegratesToOne, because.into())
}

fn asked_for(facts: &Facts, id: SiteId) -> Answer {
    let Some(&at) = facts.factor.get(&id) else { return Answer::Next };
    let Some(by) = &facts.model.guide.factors[at].by else { return Answer::Next };
    let name = facts.model.sites[id.index()].name.clone();
    let illegal = |asked: &str, why: String, legal: &str| {
        Answer::Wrong(ElboProblem::IllegalEstimator {
            site: name.clone(),
            asked: asked.into(),
            why,
            legal: legal.into(),
            span: by.span,
        })
    };
    match &by.node {
        Request::Pathwise => match not_pathwise(facts, id) {
            None => Answer::Choose(Fate::Written(at), Estimator::Pathwise, because::drawn(facts, id)),
            Some(why) if finite(facts, id).is_some() => {
                illegal("pathwise", why, "write `by enumerate`, or leave `by` out")
            }
            Some(why) => illegal("pathwise", why, "leave `by` out: the compiler then chooses what is legal"),
        },
        Request::Enumerate => match finite(facts, id) {
            Some(_) => enumerate(facts, id, at),
            None => {
                let why = format!("{} does not have finitely many states", kind_name(facts, id));
                illegal("enumerate", why, "leave `by` out, or write `by pathwise` where the factor is reparameterized")
            }
        },
        Request::Score(_) => {
            let why = "the guide asks for it".into();
            limited(Limitation::ScoreFunction { site: name, why, jump: None }, by.span)
        }
        Request::Other(asked) => limited(Limitation::Estimator { site: name, asked: asked.clone() }, by.span),
    }
}

fn limited(what: Limitation, span: Span) -> Answer {
    Answer::Wrong(ElboProblem::Limitation { what, span })
}

fn summed_out(facts: &Facts, id: SiteId) -> Answer {
    let site = &facts.model.sites[id.index()];
    if facts.factor.contains_key(&id) || !site.support.is_discrete() {
        return Answer::Next;
    }
    let (name, span) = (site.name.clone(), site.span);
    // The checker has seen to it that an unbounded site is written.
    let Some(states) = finite(facts, id) else { return Answer::Next };
    if site.plates.iter().any(|axis| facts.model.axes[*axis].kind == AxisKind::Chain) {
        return limited(Limitation::Chain { site: name }, span);
    }
    let Some(joint) = joint_states(facts, site, &states) else {
        return limited(Limitation::DiscreteEvent { site: name }, span);
    };
    if let Some(states) = joint.known().filter(|n| *n > TABLE) {
        return Answer::Wrong(ElboProblem::TableTooLarge { sites: vec![name], states, span });
    }
    if let Some(problem) = misread(facts, id) {
        return Answer::Wrong(problem);
    }
    let because = format!("{} states and no factor in the guide", because::states(facts, id, &joint));
    Answer::Choose(Fate::SummedOut, Estimator::SummedOut, because)
}

/// Everything that reads a site that is summed over does so inside its plate.
fn misread(facts: &Facts, id: SiteId) -> Option<ElboProblem> {
    let model = facts.model;
    let site = &model.sites[id.index()];
    let (name, span) = (site.name.clone(), site.span);
    for statement in model.statements.iter().filter(|s| cost::reads(model, s).contains(&id)) {
        let (plates, reader) = place(model, statement);
        let roots = cost::roots(model, statement);
        let outside = site.plates.iter().any(|axis| !plates.contains(axis));
        if outside || crate::elbo::rewrite::leaves_its_plates(&model.graph, &roots, id, &site.plates) {
            return Some(ElboProblem::LeavesPlate { site: name, reader, span });
        }
        for axis in plates.iter().filter(|axis| !site.plates.contains(axis)) {
            if let Some(dim) = cost::batched_dim(model, *axis) {
                let plate = model.axes[*axis].name.clone();
                return Some(ElboProblem::BatchedInside { site: name, plate, dim: model.dims[dim].name.clone(), span });
            }
        }
    }
    None
}

/// The plates a statement stands in, and where it was written.
pub fn place<'m>(model: &'m crate::model::Model, statement: &'m Statement) -> (&'m [crate::shape::AxisId], Span) {
    match statement {
        Statement::Latent(id) => (&model.sites[id.index()].plates, model.sites[id.index()].span),
        Statement::Define(id) => (&model.definitions[id.index()].plates, model.definitions[id.index()].span),
        Statement::Observe(y) => (&y.plates, y.span),
        Statement::Factor { plates, span, .. } => (plates, *span),
    }
}

/// What is too much to enumerate is left to the rows below, unless the guide asks for it.
fn enumerated(facts: &Facts, id: SiteId) -> Answer {
    let (Some(&at), Some(states)) = (facts.factor.get(&id), finite(facts, id)) else { return Answer::Next };
    let site = &facts.model.sites[id.index()];
    match joint_states(facts, site, &states) {
        Some(joint) if joint.known().is_none_or(|n| n <= TABLE) => enumerate(facts, id, at),
        _ => Answer::Next,
    }
}

fn enumerate(facts: &Facts, id: SiteId, at: usize) -> Answer {
    let Some(states) = finite(facts, id) else { return Answer::Next };
    let site = &facts.model.sites[id.index()];
    let (name, span) = (site.name.clone(), facts.model.guide.factors[at].span);
    let drawn = |s: &&SiteId| finite(facts, **s).is_none();
    if let Some(reader) = facts.sampled_after(id).iter().find(drawn) {
        let reader = facts.model.sites[reader.index()].name.clone();
        return limited(Limitation::EnumerateBeforeDraw { site: name, reader }, span);
    }
    if site.plates.iter().any(|axis| facts.model.axes[*axis].kind == AxisKind::Chain) {
        return limited(Limitation::Chain { site: name }, span);
    }
    let Some(joint) = joint_states(facts, site, &states) else {
        return limited(Limitation::DiscreteEvent { site: name }, span);
    };
    if let Some(states) = joint.known().filter(|n| *n > TABLE) {
        return Answer::Wrong(ElboProblem::TableTooLarge { sites: vec![name], states, span });
    }
    if let Some(problem) = misread(facts, id) {
        return Answer::Wrong(problem);
    }
    let (kind, states) = (kind_name(facts, id), because::states(facts, id, &joint));
    let because = format!("{kind} is finite: its expectation is a sum over {states} states");
    Answer::Choose(Fate::Enumerated(at), Estimator::Enumerate, because)
}

fn pathwise(facts: &Facts, id: SiteId) -> Answer {
    if not_pathwise(facts, id).is_some() {
        return Answer::Next;
    }
    let fate = facts.factor.get(&id).map_or(Fate::Auto, |at| Fate::Written(*at));
    Answer::Choose(fate, Estimator::Pathwise, because::drawn(facts, id))
}

fn score_function(facts: &Facts, id: SiteId) -> Answer {
    let site = &facts.model.sites[id.index()];
    let why = not_pathwise(facts, id).unwrap_or_default();
    let span = facts.factor.get(&id).map_or(site.span, |at| facts.model.guide.factors[*at].span);
    limited(Limitation::ScoreFunction { site: site.name.clone(), why, jump: jump(facts, id) }, span)
}

/// Why the pathwise estimator is not legal for a site, if it is not.
fn not_pathwise(facts: &Facts, id: SiteId) -> Option<String> {
    let model = facts.model;
    let name = &model.sites[id.index()].name;
    if let Some(at) = facts.factor.get(&id) {
        let row = catalogue::row(model.guide.factors[*at].dist.kind);
        if !matches!(row.draw, Draw::Reparam(..) | Draw::Implicit(..)) {
            return Some(format!("{} is not reparameterized", row.name));
        }
    }
    if !facts.factor.contains_key(&id) && Bijector::of(&model.sites[id.index()].support).is_none() {
        return Some(format!("nothing maps reals onto the support of `{name}`"));
    }
    let jump = downstream(facts).into_iter().any(|root| follows(facts, root, id) == Some(Continuity::Discontinuous));
    jump.then(|| format!("what follows is not continuous in `{name}`"))
}

/// What log densities and factors are made of.
fn downstream(facts: &Facts) -> Vec<NodeId> {
    let model = facts.model;
    let factors = model.guide.factors.iter().flat_map(|factor| factor.dist.args.values().copied());
    model.statements.iter().flat_map(|s| cost::roots(model, s)).chain(factors).collect()
}

fn follows(facts: &Facts, root: NodeId, id: SiteId) -> Option<Continuity> {
    continuity(&facts.model.graph, root, &|op: &Op| matches!(op, Op::Site(site) if *site == id))
}

/// Where the first value that jumps as the site moves was written.
fn jump(facts: &Facts, id: SiteId) -> Option<Span> {
    let graph = &facts.model.graph;
    let jumps = |node: &NodeId| follows(facts, *node, id) == Some(Continuity::Discontinuous);
    graph.reachable(&downstream(facts)).into_iter().filter(jumps).find_map(|node| graph.nodes[node].span)
}

/// How many values one component of a site has, where they are finitely many.
pub fn finite(facts: &Facts, id: SiteId) -> Option<Size> {
    facts.model.sites[id.index()].support.states()
}

/// The joint states of all components; `None` where their number is not a size of the model.
pub fn joint_states(facts: &Facts, site: &Site, states: &Size) -> Option<Size> {
    let components = site.event.iter().fold(Size::fixed(1), |product, n| product.times(n));
    match (facts.resolved(&components).known(), facts.resolved(states).known()) {
        (Some(1), _) => Some(facts.resolved(states)),
        (Some(n), Some(m)) => {
            // Beyond the budget the number only has to say so.
            let joint = u32::try_from(n).ok().and_then(|n| m.checked_pow(n)).unwrap_or(i64::MAX >> 1);
            Some(Size::fixed(joint as usize))
        }
        _ => None,
    }
}

fn kind_name(facts: &Facts, id: SiteId) -> &'static str {
    row(facts, id).name
}

/// The distribution that a site is drawn from: its factor's, or its own.
fn row(facts: &Facts, id: SiteId) -> &'static dist::Row {
    let site = &facts.model.sites[id.index()];
    let kind = facts.factor.get(&id).map_or(site.dist.kind, |at| facts.model.guide.factors[*at].dist.kind);
    catalogue::row(kind)
}

/// Guides, objectives and data that are not derived yet.
pub fn check_requests(facts: &Facts, problems: &mut Problems) {
    let model = facts.model;
    let span = model.guide.span.unwrap_or_default();
    let mut limited = |what, span| problems.push(ElboProblem::Limitation { what, span });
    let guide = match model.guide.auto {
        Some(Auto::LowRank(_)) => Some("lowrank"),
        Some(Auto::Map) => Some("map"),
        Some(Auto::Laplace) => Some("laplace"),
        Some(Auto::Exact) => Some("exact"),
        Some(Auto::MeanField | Auto::FullRank) | None => None,
    };
    if let Some(name) = guide {
        limited(Limitation::Guide { name }, span);
    }
    match &model.fit.objective {
        Some(Objective::Other(name, _)) => limited(Limitation::Objective { name: name.clone() }, span),
        Some(Objective::Elbo(Some(_))) => limited(Limitation::Objective { name: "elbo(beta: ...)".into() }, span),
        Some(Objective::Elbo(None)) | None => {}
    }
    for statement in &model.statements {
        if let Statement::Observe(y) = statement
            && model.data[y.data.index()].missing
        {
            limited(Limitation::MissingValues { data: model.data[y.data.index()].name.clone() }, y.span);
        }
    }
}
