//! Draws of latents and data from the model: every statement in its order, every plate row by row.
//!
//! `recipe` turns distributions into ways to draw, `draw` draws, `world` holds what has been drawn, `params` gives point parameters
//! their values. Expressions are evaluated by the direct interpreter of `math::eval`: a chain may read the row before,
//! and nothing has to be lowered.

use std::collections::BTreeMap;

use crate::data::Bound;
use crate::kernel::noise::Stream;
use crate::math::eval::{Env, Eval, Positions, Values};
use crate::math::{NodeId, Op, Pick};
use crate::model::{Model, Owner, Statement};
use crate::problem::{Bug, Problem, Problems};
use crate::shape::AxisId;

mod check;
mod draw;
mod params;
mod prior;
mod problems;
mod recipe;
mod world;

pub use check::{observed, refusals};
pub use params::Given;
pub use prior::prior;

use problems::SimulateProblem;
use recipe::{Recipe, Recipes};
use world::World;

/// What to simulate. The arrays of observed data in `data` have their shape and no values.
pub struct Task<'a> {
    pub model: &'a Model,
    pub data: &'a Bound,
    /// Values of point parameters by name; the others are where they start.
    pub params: &'a Given,
    pub seed: u64,
}

/// An array with its name: rows, then the axes of one value.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    pub name: String,
    pub shape: Vec<usize>,
    pub values: Vec<f64>,
}

/// What was drawn, and what it was drawn from.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The data with what was simulated put in.
    pub data: Bound,
    pub sites: Vec<Drawn>,
    /// Definitions of the model.
    pub definitions: Vec<Drawn>,
    /// Point parameters of the model.
    pub params: Vec<Drawn>,
}

/// Why there is nothing to show.
#[derive(Debug, Clone, PartialEq)]
pub enum Failure {
    Problems(Problems),
    Bug(Bug),
}

impl From<Bug> for Failure {
    fn from(bug: Bug) -> Failure {
        Failure::Bug(bug)
    }
}

impl From<SimulateProblem> for Failure {
    fn from(problem: SimulateProblem) -> Failure {
        let mut problems = Problems::default();
        problems.push(Problem::from(problem));
        Failure::Problems(problems)
    }
}

type Result<T> = std::result::Result<T, Failure>;

/// Draws everything once. The caller has asked `refusals` before.
pub fn simulate(task: &Task) -> Result<Outcome> {
    let recipes = Recipes::of(task.model, &task.data.dims)?;
    let params = params::values(task)?;
    let world = World::new(task, &recipes, params, Stream::Simulate)?;
    let leaf = |_: &Eval, op: &Op, at: &Positions| world.leaf(op, at);
    let env = Env { leaf: &leaf, dim: &|dim| task.data.dims.get(&dim).copied(), first: &|axis| world.first(axis) };
    let run = Run { task, recipes: &recipes, world: &world, eval: Eval::new(&recipes.graph, env), drawn: Drawing::All };
    let all: Vec<usize> = (0..task.model.statements.len()).collect();
    run.block(&all, &mut Positions::new(), 0)?;
    let definitions = run.definitions()?;
    run.check_provisos()?;
    drop(run);
    let outcome = world.outcome(definitions);
    check::simulated_data(task.model, &outcome.data)?;
    Ok(outcome)
}

/// One simulation under way.
struct Run<'a> {
    task: &'a Task<'a>,
    recipes: &'a Recipes,
    world: &'a World<'a>,
    eval: Eval<'a>,
    drawn: Drawing,
}

/// Which statements are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Drawing {
    All,
    /// Latents, beside data that are given.
    Latents,
}

impl Run<'_> {
    /// Statements that share the plates of `at`: runs of them that share one more are drawn row by row.
    fn block(&self, statements: &[usize], at: &mut Positions, depth: usize) -> Result<()> {
        let model = self.task.model;
        let mut rest = statements;
        while let [first, ..] = rest {
            let Some(axis) = plates(model, *first).get(depth).copied() else {
                self.statement(*first, at)?;
                rest = &rest[1..];
                continue;
            };
            let same = rest.iter().take_while(|at| plates(model, **at).get(depth) == Some(&axis)).count();
            let (inside, after) = rest.split_at(same);
            for row in 0..self.world.extent(axis)? {
                at.insert(axis, row);
                self.block(inside, at, depth + 1)?;
                if depth == 0 {
                    // What was computed of one row is of no use to the next.
                    self.eval.forget(&|_, everywhere| !everywhere);
                }
            }
            at.remove(&axis);
            rest = after;
        }
        Ok(())
    }

    fn statement(&self, place: usize, at: &Positions) -> Result<()> {
        let model = self.task.model;
        match (&model.statements[place], &self.recipes.of[place]) {
            (Statement::Latent(id), recipe) if self.drawn == Drawing::Latents => {
                self.draw_latent(*id, recipe.as_ref(), at)
            }
            _ if self.drawn == Drawing::Latents => Ok(()),
            (Statement::Latent(id), Some(recipe)) => {
                let site = &model.sites[id.index()];
                let values = self.draw(recipe, at)?;
                self.finite(&values, &site.name, site.span, plates(model, place), at)?;
                self.world.put_site(*id, at, &values)
            }
            (Statement::Observe(seen), Some(recipe)) => {
                let data = &model.data[seen.data.index()];
                let values = self.draw(recipe, at)?;
                self.finite(&values, &data.name, seen.span, &seen.plates, at)?;
                self.world.put_data(seen.data, &self.rows(seen.value, at), &values)?;
                if self.recipes.read_again.contains_key(&seen.data) {
                    // An earlier row may be read later: what was computed of the whole array is out of date.
                    self.eval.forget(&|id, _| self.recipes.read_again[&seen.data].contains(&id));
                }
                Ok(())
            }
            (Statement::Define(_), _) => Ok(()),
            _ => Err(Bug("a statement without a way to draw it".into()).into()),
        }
    }

    /// The rows of an observation, as its plates choose them.
    fn rows(&self, value: NodeId, at: &Positions) -> Vec<usize> {
        let value = match self.recipes.graph.nodes[value].op {
            // What is drawn is there, also where entries may be missing.
            Op::Complete { data, .. } => data,
            _ => value,
        };
        let Op::Index(_, picks) = &self.recipes.graph.nodes[value].op else { return vec![] };
        let row = |pick: &Pick| match pick {
            Pick::Row(axis) => Some(self.world.first(*axis) + at[axis]),
            _ => None,
        };
        picks.iter().filter_map(row).collect()
    }

    fn draw(&self, recipe: &Recipe, at: &Positions) -> Result<Values> {
        draw::draw(recipe, &self.eval, self.world, at)
    }

    fn finite(
        &self,
        values: &[f64],
        name: &str,
        span: crate::source::Span,
        plates: &[AxisId],
        at: &Positions,
    ) -> Result<()> {
        if values.iter().all(|x| !x.is_nan()) {
            return Ok(());
        }
        let rows = plates.iter().map(|axis| at[axis]).collect();
        Err(SimulateProblem::NotANumber { name: name.into(), rows, span }.into())
    }

    /// Definitions of the model at every row.
    fn definitions(&self) -> Result<Vec<Drawn>> {
        let model = self.task.model;
        let own = model.definitions.iter().filter(|definition| definition.owner == Owner::Model);
        own.map(|definition| {
            let mut shape: Vec<usize> = vec![];
            for axis in &definition.plates {
                shape.push(self.world.extent(*axis)?);
            }
            for size in self.recipes.graph.event(definition.value) {
                shape.push(self.eval.size(size)?);
            }
            let mut values = vec![];
            self.each(&definition.plates, &mut Positions::new(), &mut |at| {
                values.extend(self.eval.at(definition.value, at)?);
                Ok(())
            })?;
            Ok(Drawn { name: definition.name.clone(), shape, values })
        })
        .collect()
    }

    /// Calls `f` at every position of these plates.
    fn each(&self, plates: &[AxisId], at: &mut Positions, f: &mut dyn FnMut(&Positions) -> Result<()>) -> Result<()> {
        let [first, rest @ ..] = plates else { return f(at) };
        let outermost = at.is_empty();
        for row in 0..self.world.extent(*first)? {
            at.insert(*first, row);
            self.each(rest, at, f)?;
            if outermost {
                self.eval.forget(&|_, everywhere| !everywhere);
            }
        }
        at.remove(first);
        Ok(())
    }

    /// Values whose support could not be proven from the text, now that they are known.
    fn check_provisos(&self) -> Result<()> {
        for proviso in check::provisos(self.task.model) {
            let plates = self.recipes.graph.shape(proviso.value).plates.clone();
            self.each(&plates, &mut Positions::new(), &mut |at| {
                let range = proviso.support.range();
                let outside = |x: &f64| !(range.lo <= *x && *x <= range.hi) || range.whole && x.fract() != 0.0;
                match self.eval.at(proviso.value, at)?.into_iter().find(outside) {
                    None => Ok(()),
                    Some(value) => {
                        let rows = plates.iter().map(|axis| at[axis]).collect();
                        Err(proviso.broken(self.task.model, value, rows).into())
                    }
                }
            })?;
        }
        Ok(())
    }
}

fn plates(model: &Model, place: usize) -> &[AxisId] {
    match &model.statements[place] {
        Statement::Latent(id) => &model.sites[id.index()].plates,
        Statement::Define(id) => &model.definitions[id.index()].plates,
        Statement::Observe(seen) => &seen.plates,
        Statement::Factor { plates, .. } => plates,
        Statement::Boltzmann(of) => &of.plates,
    }
}

/// Arrays by name, for what is given and what is told.
pub type ByName = BTreeMap<String, Vec<f64>>;
