//! Latents drawn from the prior, beside data that are given: a place for a fit to start from.

use super::recipe::{Recipe, Recipes};
use super::world::{World, size};
use super::{Drawing, Result, Run, Task, params};
use crate::dist::Bijector;
use crate::kernel::noise::Stream;
use crate::math::eval::{Env, Eval, Positions, Values};
use crate::math::{Op, SiteId};
use crate::problem::Bug;

/// How often a draw outside of the declared support is tried again.
const TRIES: u64 = 100;
/// Starts are this many steps of noise apart, and clear of those of other starts.
const BETWEEN: u64 = 1 << 40;

/// Values of every site, each parent before its children; `number` names the start. A site whose prior cannot be drawn
/// from, or whose draws stay outside of its declared support, is in the middle of that: 0 on the unconstrained scale.
pub fn prior(task: &Task, number: u64) -> Result<Vec<Values>> {
    let recipes = Recipes::of_latents(task.model, &task.data.dims)?;
    let world = World::new(task, &recipes, params::values(task)?, Stream::Start)?;
    world.step.set(BETWEEN * (number + 1));
    let leaf = |_: &Eval, op: &Op, at: &Positions| world.leaf(op, at);
    let env = Env { leaf: &leaf, dim: &|dim| task.data.dims.get(&dim).copied(), first: &|axis| world.first(axis) };
    let eval = Eval::new(&recipes.graph, env);
    let run = Run { task, recipes: &recipes, world: &world, eval, drawn: Drawing::Latents };
    let all: Vec<usize> = (0..task.model.statements.len()).collect();
    run.block(&all, &mut Positions::new(), 0)?;
    drop(run);
    Ok(world.into_sites())
}

impl Run<'_> {
    pub(super) fn draw_latent(&self, id: SiteId, recipe: Option<&Recipe>, at: &Positions) -> Result<()> {
        let first = self.world.step.get();
        let mut drawn = None;
        for attempt in 0..TRIES {
            let Some(recipe) = recipe else { break };
            if attempt > 0 {
                // What was computed is of the draw before.
                self.world.step.set(first + attempt);
                self.eval.forget(&|_, _| true);
            }
            let values = self.draw(recipe, at)?;
            if self.is_inside(id, &values, at)? {
                drawn = Some(values);
                break;
            }
        }
        if self.world.step.replace(first) != first {
            self.eval.forget(&|_, _| true);
        }
        let values = match drawn {
            Some(values) => values,
            None => self.middle(id, at)?,
        };
        self.world.put_site(id, at, &values)
    }

    /// The map onto the support of a site at a row; none onto discrete ones.
    fn bijector(&self, id: SiteId, at: &Positions) -> Option<Bijector> {
        let bound = |node| self.eval.at(node, at).ok().and_then(|values| values.first().copied()).unwrap_or(f64::NAN);
        Some(Bijector::of(&self.task.model.sites[id.index()].support)?.with_bounds(&bound))
    }

    /// Entries of one value of the support, and of the coordinates behind it.
    fn widths(&self, id: SiteId, bijector: &Bijector) -> Result<(usize, usize)> {
        let own = self.task.model.sites[id.index()].support.own_axes();
        let count = |sizes: &[crate::shape::Size]| -> std::result::Result<usize, Bug> {
            sizes.iter().map(|own| size(own, &self.task.data.dims)).product()
        };
        Ok((count(&own)?.max(1), count(&bijector.free_event(&own))?))
    }

    fn is_inside(&self, id: SiteId, values: &[f64], at: &Positions) -> Result<bool> {
        let Some(bijector) = self.bijector(id, at) else { return Ok(values.iter().all(|x| !x.is_nan())) };
        let (width, _) = self.widths(id, &bijector)?;
        Ok(values.chunks(width).all(|value| bijector.inverse_f64(value).iter().all(|u| u.is_finite())))
    }

    fn middle(&self, id: SiteId, at: &Positions) -> Result<Values> {
        let site = &self.task.model.sites[id.index()];
        let entries: usize = site.event.iter().map(|own| self.eval.size(own)).product::<std::result::Result<_, _>>()?;
        let Some(bijector) = self.bijector(id, at) else { return Ok(vec![0.0; entries]) };
        let (_, free) = self.widths(id, &bijector)?;
        let one = bijector.forward_f64(&vec![0.0; free]);
        Ok(one.iter().copied().cycle().take(entries).collect())
    }
}
