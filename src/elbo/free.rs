//! Free factors (LANGUAGE.md 1.8): where the table of a finite site is too large, an automatic guide does not sum the site
//! out but gives it a factor of its own kind, with logits of its own at every row. It is then treated as a written one.

use crate::dist::{Args, Dist, Kind};
use crate::elbo::cost::{self, Facts};
use crate::elbo::enumerate::{joint_states, power};
use crate::elbo::problems::{TABLE, thousands};
use crate::elbo::{because, chain, estimator};
use crate::math::{NodeId, ParamId, Pick, SiteId, Support};
use crate::model::{Auto, Factor, Model, Origin, Owner, Param, Start};
use crate::shape::{Shape, Size};

/// What a site of a chain takes, which meets itself at earlier rows.
const STEPS: &str = "steps between its states";

/// The model with factors for the sites whose own joint states are too many.
pub fn completed(model: &Model) -> Model {
    let (mut completed, facts) = (model.clone(), Facts::new(model));
    for id in cost::sites(model).filter(|id| may_have(&facts, *id)) {
        let Some(states) = table(&facts, id) else { continue };
        let what = if states > TABLE {
            format!("its {} {}", power(&facts, id), because::joint(&facts, id))
        } else if states.saturating_pow(2 * chain::furthest(model, id) as u32) > TABLE {
            STEPS.into()
        } else {
            continue;
        };
        give(&mut completed, id, format!("{what} are more than the {} of a table", thousands(TABLE)));
    }
    completed
}

/// Of sites that need too large a table together, the largest that has no factor gets one. `None` where none may.
pub fn split(model: &Model, names: &[String]) -> Option<Model> {
    let facts = Facts::new(model);
    let named = |id: &SiteId| names.contains(&model.sites[id.index()].name);
    let sites: Vec<SiteId> = cost::sites(model).filter(named).collect();
    let id = sites.iter().copied().filter(|id| may_have(&facts, *id)).max_by_key(|id| table(&facts, *id))?;
    let others = sites.iter().filter(|other| **other != id);
    let others: Vec<String> = others.map(|other| because::name(model, *other)).collect();
    let what = match others.len() {
        0 => STEPS.into(),
        _ => format!("together with {} its states", because::list(&others)),
    };
    let mut more = model.clone();
    give(&mut more, id, format!("{what} are more than the {} of a table", thousands(TABLE)));
    Some(more)
}

fn give(model: &mut Model, id: SiteId, because: String) {
    let (kind, args) = own_kind(model, id);
    let site = &model.sites[id.index()];
    let (plates, span) = (site.plates.clone(), site.span);
    let factor =
        Factor { site: id, dist: Dist { kind, args }, flow: None, plates, by: None, free: Some(because), span };
    // Factors that the user wrote are drawn after all automatic ones.
    let place = model.guide.factors.iter().take_while(|factor| factor.free.is_some()).count();
    model.guide.factors.insert(place, factor);
}

/// Whether the automatic guide gives the site a free factor where it cannot be summed out. `map` and `laplace` are about
/// the mode of what is left of the model, and `exact` takes no draws: they have no use for one.
fn may_have(facts: &Facts, id: SiteId) -> bool {
    let site = &facts.model.sites[id.index()];
    let drawn =
        matches!(facts.model.guide.auto, Some(Auto::MeanField | Auto::FullRank | Auto::LowRank(_) | Auto::Flow(_)));
    drawn
        && site.origin == Origin::Drawn
        && site.support.is_discrete()
        && estimator::finite(facts, id).is_some()
        && !facts.factor.contains_key(&id)
        && !facts.leaves.contains(&id)
}

/// The number of joint states, where it is known.
fn table(facts: &Facts, id: SiteId) -> Option<i64> {
    joint_states(facts, &facts.model.sites[id.index()], &estimator::finite(facts, id)?)?.known()
}

/// The family of all distributions over independent components of these states, and a param for its logits. Counts that
/// add up are no independent components: they keep their number of tries.
fn own_kind(model: &mut Model, id: SiteId) -> (Kind, Args) {
    let site = &model.sites[id.index()];
    let (event, tries) = (site.event.clone(), site.dist.args.get("n").copied());
    match (site.dist.kind, &site.support) {
        (Kind::Multinomial | Kind::DirichletMultinomial, _) => {
            let logits = logits(model, id, event);
            let n = tries.map(|n| ("n", n));
            (Kind::Multinomial, n.into_iter().chain([("logits", logits)]).collect())
        }
        (_, Support::Binary) => (Kind::Bernoulli, [("logits", logits(model, id, event))].into()),
        (_, Support::OneHot(_)) => (Kind::OneHot, [("logits", logits(model, id, event))].into()),
        (_, support) => {
            let states = support.states().unwrap_or_default();
            let table = [event, vec![states]].concat();
            (Kind::Categorical, [("logits", logits(model, id, table))].into())
        }
    }
}

/// A real array at every row of the site.
fn logits(model: &mut Model, id: SiteId, event: Vec<Size>) -> NodeId {
    let site = &model.sites[id.index()];
    let (name, plates, span) = (format!("{}.logits", site.name), site.plates.clone(), site.span);
    let rows: Vec<Size> = plates.iter().map(|axis| model.axes[*axis].size.clone()).collect();
    let shape = Shape::event(rows.iter().chain(&event).map(|size| cost::resolved(model, size)).collect::<Vec<_>>());
    let param = ParamId(model.params.len() as u32);
    model.params.push(Param {
        name,
        rows,
        event,
        support: Support::Real,
        start: Start::Auto,
        owner: Owner::Guide,
        net: None,
        plates: plates.clone(),
        span,
    });
    let all = model.graph.param(param, shape, Support::Real);
    match plates.is_empty() {
        true => all,
        false => model.graph.index(all, plates.into_iter().map(Pick::Row).collect()),
    }
}
