//! Row 3 of the decision table: the expectation under the factor of a finite site as a sum over its joint states, where
//! these are few enough, and what is drawn after the site can be drawn once for each.

use crate::elbo::cost::{self, Facts};
use crate::elbo::estimator::{Answer, Decision, Fate, finite, kind_name, misread, not_pathwise, place, scored};
use crate::elbo::problems::{ElboProblem, Limitation, TABLE, thousands};
use crate::elbo::{Choice, Estimator, because, requests, weighted};
use crate::math::{SiteId, shape_rules};
use crate::model::{Request, Site, Statement};
use crate::shape::{AxisKind, Size};

/// Why the states of a site cannot be gone through under its factor; where the guide insists, the problem to report.
pub struct Obstacle {
    pub why: String,
    pub problem: Option<ElboProblem>,
}

impl Obstacle {
    fn because(why: String) -> Obstacle {
        Obstacle { why, problem: None }
    }
}

pub fn enumerated(facts: &Facts, id: SiteId) -> Answer {
    let Some(&at) = facts.factor.get(&id).filter(|_| facts.free(id).is_none()) else { return Answer::Next };
    match enumerable(facts, id) {
        Ok(joint) => Answer::Choose(Fate::Enumerated(at), Estimator::Enumerate, reason(facts, id, &joint)),
        // What cannot be gone through is left to the rows below.
        Err(_) => Answer::Next,
    }
}

/// Why an expectation is such a sum.
pub fn reason(facts: &Facts, id: SiteId, joint: &Size) -> String {
    let (kind, states) = (kind_name(facts, id), because::states(facts, id, joint));
    format!("{kind} is finite: its expectation is a sum over {states} states")
}

/// The joint states of a finite site with a factor, where the expectation under it can be a sum over them.
pub fn enumerable(facts: &Facts, id: SiteId) -> Result<Size, Obstacle> {
    let model = facts.model;
    let site = &model.sites[id.index()];
    let Some(states) = finite(facts, id) else {
        return Err(Obstacle::because(format!("{} is not finite", kind_name(facts, id))));
    };
    if weighted(model) {
        return Err(Obstacle::because("the objective is made of draws".into()));
    }
    if site.plates.iter().any(|axis| model.axes[*axis].kind == AxisKind::Chain) {
        return Err(Obstacle::because(format!(
            "the rows of `{}` are a chain, whose joint states are too many",
            site.name
        )));
    }
    let Some(joint) = joint_states(facts, site, &states) else {
        let problem = Limitation::DiscreteEvent { site: site.name.clone() };
        let why = "the number of its joint states is not known".into();
        return Err(Obstacle { why, problem: Some(ElboProblem::Limitation { what: problem, span: site.span }) });
    };
    if let Some(n) = joint.known().filter(|n| *n > TABLE) {
        let names = vec![site.name.clone()];
        let problem = Some(ElboProblem::TableTooLarge { sites: names, states: n, bound: false, span: site.span });
        let why = format!("its {} joint states are more than the {} of a table", power(facts, id), thousands(TABLE));
        return Err(Obstacle { why, problem });
    }
    if let Some(problem) = misread(facts, id) {
        return Err(Obstacle { why: "its rows are read outside their plate".into(), problem: Some(problem) });
    }
    match facts.sampled_after(id).into_iter().find_map(|after| not_once_a_state(facts, id, after)) {
        Some(why) => Err(Obstacle::because(why)),
        None => Ok(joint),
    }
}

/// Why a site that the guide samples after a finite one cannot be drawn once for each of its states.
fn not_once_a_state(facts: &Facts, id: SiteId, after: SiteId) -> Option<String> {
    let model = facts.model;
    let name = because::name(model, after);
    let asked = facts.request(after);
    if finite(facts, after).is_some() {
        let is = asked.is_none_or(|request| request == Request::Enumerate) && enumerable(facts, after).is_ok();
        return (!is).then(|| format!("{name}, sampled after it, is not enumerated"));
    }
    if not_pathwise(facts, after).is_some() {
        return Some(format!("{name}, sampled after it, is not reparameterized"));
    }
    if asked.is_some_and(|request| request != Request::Pathwise) {
        return Some(format!("{name}, sampled after it, is not differentiated through"));
    }
    let plates = &model.sites[id.index()].plates;
    let outside = |s: &&Statement| {
        let roots = cost::roots(model, s);
        let reads = cost::reads(model, s).contains(&after);
        let misses = plates.iter().any(|axis| !place(model, s).0.contains(axis));
        reads && (misses || crate::elbo::rewrite::leaves_its_plates(&model.graph, &roots, after, plates))
    };
    let found = model.statements.iter().find(outside);
    found.map(|_| format!("{name}, sampled after it, is read outside the plates of `{}`", model.sites[id.index()].name))
}

/// Sites that are enumerated in one term share a table; while one is too large, its largest site is sampled instead.
pub fn share_tables(facts: &Facts, decisions: &mut [Decision]) -> Result<(), ElboProblem> {
    let model = facts.model;
    for statement in &model.statements {
        loop {
            let is = |id: &SiteId| matches!(decisions[id.index()].fate, Fate::Enumerated(_));
            let read = facts.with_guide_ancestors(cost::reads(model, statement));
            let sites: Vec<SiteId> = read.iter().copied().filter(is).collect();
            // What is summed out of the model is in the same table, and stays there.
            let summed = |id: &SiteId| decisions[id.index()].fate == Fate::SummedOut;
            let summed: Vec<SiteId> = read.iter().copied().filter(summed).collect();
            let states = |id: &SiteId| {
                let site = &model.sites[id.index()];
                finite(facts, *id).and_then(|states| joint_states(facts, site, &states)?.known()).unwrap_or(1)
            };
            let table = sites.iter().chain(&summed).map(states).fold(1i64, i64::saturating_mul);
            let free = |id: &&SiteId| facts.factor.contains_key(id) && facts.request(**id).is_none();
            let Some(id) = sites.iter().filter(free).max_by_key(|id| states(id)).filter(|_| table > TABLE) else {
                break;
            };
            let others: Vec<String> =
                sites.iter().chain(&summed).filter(|s| *s != id).map(|s| because::name(model, *s)).collect();
            let because = format!(
                "{}, and together with {} its states are more than the {} of a table",
                not_pathwise(facts, *id).unwrap_or_default(),
                because::list(&others),
                thousands(TABLE)
            );
            decisions[id.index()] = drawn(facts, *id, because);
        }
    }
    draw_before(facts, decisions)
}

fn drawn(facts: &Facts, id: SiteId, because: String) -> Decision {
    let fate = facts.factor.get(&id).map_or(Fate::Auto, |at| Fate::Written(*at));
    Decision { fate, choice: Choice { estimator: scored(facts, id), because } }
}

/// What is drawn by score function is drawn once, not once for each state of what the guide samples before it.
fn draw_before(facts: &Facts, decisions: &mut [Decision]) -> Result<(), ElboProblem> {
    let is = |decision: &Decision| matches!(decision.fate, Fate::Enumerated(_));
    let stuck = |decisions: &[Decision], id: SiteId| {
        let after = facts.sampled_after(id).into_iter();
        let mut once = after.filter(|after| finite(facts, *after).is_some() && !is(&decisions[after.index()]));
        is(&decisions[id.index()]).then(|| once.next()).flatten()
    };
    while let Some((id, after)) = cost::sites(facts.model).find_map(|id| Some((id, stuck(decisions, id)?))) {
        let why = format!("{}, sampled after it, is not enumerated", because::name(facts.model, after));
        if facts.request(id).is_some() {
            return Err(requests::illegal(facts, id, Request::Enumerate, why, "leave `by` out"));
        }
        let because = format!("{}, and {why}", not_pathwise(facts, id).unwrap_or_default());
        decisions[id.index()] = drawn(facts, id, because);
    }
    Ok(())
}

/// `2^200`
pub fn power(facts: &Facts, id: SiteId) -> String {
    let site = &facts.model.sites[id.index()];
    let states = finite(facts, id).map(|size| facts.resolved(&size).print(&facts.model.dims)).unwrap_or_default();
    let components = shape_rules::product(&site.event[..site.event.len() - site.support.event_rank()]);
    match facts.resolved(&components).known() {
        Some(1) => facts.resolved(&finite(facts, id).unwrap_or_default()).known().map_or(states, thousands),
        Some(n) => format!("{states}^{n}"),
        None => format!("{states}^({})", components.print(&facts.model.dims)),
    }
}

/// The joint states of all components; `None` where their number is not a size of the model.
pub fn joint_states(facts: &Facts, site: &Site, states: &Size) -> Option<Size> {
    let components = shape_rules::product(&site.event[..site.event.len() - site.support.event_rank()]);
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
