//! The decision table: for every latent site the first row that applies, and the reason for it.

use crate::dist::{self, Bijector, Draw, Kind, catalogue};
use crate::elbo::cost::{self, Facts};
use crate::elbo::enumerate::{self, joint_states};
use crate::elbo::problems::{ElboProblem, Limitation, TABLE};
use crate::elbo::{Choice, Estimator, because, chain, menu, requests, weighted};
use crate::math::continuity::{Continuity, continuity};
use crate::math::{NodeId, Op, SiteId, Support};
use crate::model::{Auto, Baseline, Statement};
use crate::problem::Problems;
use crate::shape::Size;
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
pub enum Answer {
    /// The row does not apply: ask the next.
    Next,
    Choose(Fate, Estimator, String),
    Wrong(ElboProblem),
}

/// A row of the table: what it asks.
type Row = fn(&Facts, SiteId) -> Answer;

/// In the order of the design, from 0.
const ROWS: [Row; 7] =
    [integrates_to_one, requests::asked_for, summed_out, enumerate::enumerated, conjugate, pathwise, score_function];

/// A decision a site, in their order, or every reason why there is none.
pub fn decide(facts: &Facts) -> Result<Vec<Decision>, Problems> {
    let mut problems = Problems::default();
    let mut decisions = vec![];
    for site in cost::sites(facts.model) {
        let answer = ROWS.iter().map(|asks| asks(facts, site)).find(|answer| !matches!(answer, Answer::Next));
        match answer {
            Some(Answer::Choose(fate, estimator, because)) => {
                decisions.push(Decision { fate, choice: Choice { estimator, because } });
            }
            Some(Answer::Wrong(problem)) => problems.push(problem),
            Some(Answer::Next) | None => {}
        }
    }
    if problems.has_errors() {
        return Err(problems);
    }
    match enumerate::share_tables(facts, &mut decisions) {
        Ok(()) => Ok(decisions),
        Err(problem) => {
            problems.push(problem);
            Err(problems)
        }
    }
}

fn integrates_to_one(facts: &Facts, id: SiteId) -> Answer {
    let own = dist::drawing(&facts.model.sites[id.index()].dist);
    let drawable = matches!(own, Draw::Reparam(..) | Draw::Implicit(..)) || finite(facts, id).is_some();
    if !facts.leaves.contains(&id) || !drawable {
        return Answer::Next;
    }
    let because = "nothing observed, no `factor` and no guide expression depends on it";
    Answer::Choose(Fate::Leaf, Estimator::IntegratesToOne, because.into())
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
    let Some(joint) = joint_states(facts, site, &states) else {
        return limited(Limitation::DiscreteEvent { site: name }, span);
    };
    if let Some(states) = joint.known().filter(|n| *n > TABLE) {
        return Answer::Wrong(ElboProblem::TableTooLarge { sites: vec![name], states, bound: false, span });
    }
    if let Some(problem) = misread(facts, id) {
        return Answer::Wrong(problem);
    }
    if let Some(read) = read_by_guide(facts, id) {
        let factor = if site.support == Support::Binary { "Bernoulli" } else { "Categorical" };
        return Answer::Wrong(ElboProblem::SummedOutRead { site: name, read, factor, span });
    }
    let because = format!("{} states and no factor in the guide", because::states(facts, id, &joint));
    Answer::Choose(Fate::SummedOut, Estimator::SummedOut, because)
}

/// Where a factor of the guide reads a site.
fn read_by_guide(facts: &Facts, id: SiteId) -> Option<Span> {
    let model = facts.model;
    model.guide.factors.iter().find_map(|factor| {
        let roots: Vec<NodeId> = factor.dist.args.values().copied().collect();
        let nodes = model.graph.reachable(&roots);
        let read = nodes.into_iter().find(|node| model.graph.nodes[*node].op == Op::Site(id))?;
        Some(model.graph.nodes[read].span.unwrap_or(factor.span))
    })
}

/// Everything that reads a site that is summed over does so inside its plate.
pub fn misread(facts: &Facts, id: SiteId) -> Option<ElboProblem> {
    let model = facts.model;
    let site = &model.sites[id.index()];
    let (name, span) = (site.name.clone(), site.span);
    for statement in model.statements.iter().filter(|s| cost::reads(model, s).contains(&id)) {
        let (plates, reader) = place(model, statement);
        let roots = cost::roots(model, statement);
        if let Some(definition) = chain::carried(model, &roots, id) {
            let definition = &model.definitions[definition.index()];
            let what = Limitation::Carried { site: name, definition: definition.name.clone() };
            return Some(ElboProblem::Limitation { what, span: definition.span });
        }
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
        Statement::Boltzmann(of) => (&of.plates, of.span),
    }
}

/// A closed-form update belongs to `cavi`, `em` and `guide exact`, none of which the checker lets through yet.
fn conjugate(_: &Facts, _: SiteId) -> Answer {
    Answer::Next
}

fn pathwise(facts: &Facts, id: SiteId) -> Answer {
    if not_pathwise(facts, id).is_some() {
        return Answer::Next;
    }
    let fate = facts.factor.get(&id).map_or(Fate::Auto, |at| Fate::Written(*at));
    Answer::Choose(fate, Estimator::Pathwise, because::drawn(facts, id))
}

fn score_function(facts: &Facts, id: SiteId) -> Answer {
    let (model, mut because) = (facts.model, not_pathwise(facts, id).unwrap_or_default());
    let site = &model.sites[id.index()];
    if !facts.factor.contains_key(&id) && !has_own_score(facts, id) {
        let what = Limitation::ScoreFunction { site: site.name.clone(), why: because, jump: jump(facts, id) };
        return limited(what, site.span);
    }
    if let Some(why) = facts.free(id) {
        because = format!("it has a free factor, since {why}; {because}");
    } else if finite(facts, id).is_some()
        && let Some(obstacle) = facts.factor.get(&id).and_then(|_| enumerate::enumerable(facts, id).err())
    {
        because = format!("{because}, and {}", obstacle.why);
    }
    let fate = facts.factor.get(&id).map_or(Fate::Auto, |at| Fate::Written(*at));
    Answer::Choose(fate, scored(facts, id), because)
}

/// Whether an automatic factor has a density of its own, at coordinates of its own.
pub fn has_own_score(facts: &Facts, id: SiteId) -> bool {
    let alone = matches!(facts.model.guide.auto, Some(Auto::MeanField) | None);
    let support = &facts.model.sites[id.index()].support;
    alone && !support.is_discrete() && Bijector::of(support).is_some()
}

/// The score-function estimator of a site where no baseline is asked for: two particles, so that one is the baseline
/// of the other; with one particle what was learned from earlier steps.
pub fn scored(facts: &Facts, id: SiteId) -> Estimator {
    let model = facts.model;
    if weighted(model) {
        return Estimator::Vimco;
    }
    let factor = facts.factor.get(&id).map(|at| &model.guide.factors[*at].dist);
    let together = requests::dependent(model);
    let pairs = model.fit.particles.is_none_or(|n| n % 2 == 0) && !together;
    if pairs && factor.is_some_and(|dist| dist.kind == Kind::Bernoulli) && facts.sampled_after(id).is_empty() {
        return Estimator::Disarm;
    }
    let amortized = || {
        let roots: Vec<NodeId> = factor.iter().flat_map(|dist| dist.args.values().copied()).collect();
        let weight = |op: &Op| matches!(op, Op::Param(param) if model.params[param.index()].net.is_some());
        roots.iter().any(|root| model.graph.mentions(*root, weight))
    };
    let baseline = match model.fit.particles {
        Some(n) if n > 1 && !together => Baseline::LeaveOneOut,
        None if !together => Baseline::LeaveOneOut,
        _ if amortized() => Baseline::Net(menu::UNITS),
        _ => Baseline::Mean,
    };
    Estimator::Score { baseline }
}

/// Why the pathwise estimator is not legal for a site, if it is not.
pub fn not_pathwise(facts: &Facts, id: SiteId) -> Option<String> {
    let model = facts.model;
    let name = &model.sites[id.index()].name;
    if let Some(at) = facts.factor.get(&id) {
        let dist = &model.guide.factors[*at].dist;
        if !matches!(dist::drawing(dist), Draw::Reparam(..) | Draw::Implicit(..)) {
            return Some(format!("{} is not reparameterized", catalogue::row(dist.kind).name));
        }
    }
    if !facts.factor.contains_key(&id) && Bijector::of(&model.sites[id.index()].support).is_none() {
        return Some(format!("nothing maps reals onto the support of `{name}`"));
    }
    jumps(facts, id).then(|| format!("what follows is not continuous in `{name}`"))
}

/// Whether something in model or guide jumps as the site moves.
pub fn jumps(facts: &Facts, id: SiteId) -> bool {
    downstream(facts).into_iter().any(|root| follows(facts, root, id) == Some(Continuity::Discontinuous))
}

/// What log densities and factors are made of.
fn downstream(facts: &Facts) -> Vec<NodeId> {
    let model = facts.model;
    let factors = model.guide.factors.iter().flat_map(|factor| factor.dist.args.values().copied());
    model.statements.iter().flat_map(|s| cost::roots(model, s)).chain(factors).collect()
}

fn follows(facts: &Facts, root: NodeId, id: SiteId) -> Option<Continuity> {
    continuity(&facts.model.graph, root, &|op: &Op| matches!(op, Op::Site(site) if *site == id), &facts.meeting)
}

/// Where the first value that jumps as the site moves was written.
pub fn jump(facts: &Facts, id: SiteId) -> Option<Span> {
    let graph = &facts.model.graph;
    let jumps = |node: &NodeId| follows(facts, *node, id) == Some(Continuity::Discontinuous);
    graph.reachable(&downstream(facts)).into_iter().filter(jumps).find_map(|node| graph.nodes[node].span)
}

/// How many values one component of a site has, where they are finitely many.
pub fn finite(facts: &Facts, id: SiteId) -> Option<Size> {
    facts.model.sites[id.index()].support.states()
}

pub fn kind_name(facts: &Facts, id: SiteId) -> &'static str {
    row(facts, id).name
}

/// The distribution that a site is drawn from: its factor's, or its own.
fn row(facts: &Facts, id: SiteId) -> &'static dist::Row {
    let site = &facts.model.sites[id.index()];
    let kind = facts.factor.get(&id).map_or(site.dist.kind, |at| facts.model.guide.factors[*at].dist.kind);
    catalogue::row(kind)
}
