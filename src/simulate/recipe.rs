//! How a statement is drawn. Every random number comes from a source of its own, named by seed, source, row and
//! component, so that the same seed draws the same.

use std::collections::{BTreeMap, BTreeSet};

use super::problems::SimulateProblem;
use super::world::size;
use super::{Failure, Result};
use crate::arena::Arena;
use crate::dist::sampler::VectorSampler;
use crate::dist::{self, Dist, Draw, Kind, ParamAxes, Sampler};
use crate::math::{DataId, Graph, NodeId, Op, SiteId, Support};
use crate::model::{Model, Statement};
use crate::shape::{Axis, AxisId, AxisKind, DimId, Size};
use crate::source::Span;

/// How often a draw that fell outside its bounds is tried again.
pub const TRIES: usize = 100_000;

/// One way to draw a value; every node is evaluated at the row that is drawn.
pub enum Recipe {
    /// A map of standard noise.
    Map { value: NodeId, entries: Vec<Size> },
    /// The state at which the cumulative sum of probabilities passes a uniform number, component by component.
    States { log_prob: NodeId, state: AxisId, source: SiteId, components: Vec<Size>, one_hot: bool },
    /// One component after the other, from its arguments.
    Each { sampler: Sampler, args: Vec<(&'static str, NodeId)>, source: SiteId, components: Vec<Size> },
    /// One vector after the other; whether an argument is a vector of its own for each.
    Vectors { sampler: VectorSampler, args: Vec<(&'static str, NodeId, bool)>, source: SiteId, event: Vec<Size> },
    /// A label from the weights, then a draw of that component.
    Mixture { weights: NodeId, parts: Vec<Recipe>, along: Option<AxisId>, source: SiteId, components: Vec<Size> },
    /// Draws between the bounds alone: those outside are tried again.
    Between { of: Box<Recipe>, attempt: AxisId, lo: Option<NodeId>, hi: Option<NodeId>, name: String, span: Span },
    /// What is beyond a bound is at the bound.
    Clamped { of: Box<Recipe>, lo: Option<NodeId>, hi: Option<NodeId> },
}

/// Where random numbers come from: the plates whose rows they differ over, the attempts, and their shape there.
pub struct Source {
    pub plates: Vec<AxisId>,
    pub tries: Vec<AxisId>,
    pub event: Vec<Size>,
}

/// The model's graph, extended by what is evaluated, and one recipe a statement that is drawn.
pub struct Recipes {
    pub graph: Graph,
    pub axes: Arena<Axis>,
    pub of: Vec<Option<Recipe>>,
    pub sources: BTreeMap<SiteId, Source>,
    /// Nodes that change when a row of observed data is drawn, where something else reads them.
    pub read_again: BTreeMap<DataId, BTreeSet<NodeId>>,
}

impl Recipes {
    fn empty(model: &Model) -> Recipes {
        Recipes {
            graph: model.graph.clone(),
            axes: model.axes.clone(),
            of: vec![],
            sources: BTreeMap::new(),
            read_again: BTreeMap::new(),
        }
    }

    pub fn of(model: &Model, dims: &BTreeMap<DimId, usize>) -> Result<Recipes> {
        let mut recipes = Recipes::empty(model);
        for statement in &model.statements {
            let recipe = recipes.statement(model, statement, dims)?;
            recipes.of.push(recipe);
        }
        recipes.find_read_again(model);
        Ok(recipes)
    }

    /// Of the latents that can be drawn, and of nothing else.
    pub fn of_latents(model: &Model, dims: &BTreeMap<DimId, usize>) -> Result<Recipes> {
        let mut recipes = Recipes::empty(model);
        for statement in &model.statements {
            let recipe = match statement {
                Statement::Latent(_) => recipes.statement(model, statement, dims),
                _ => Ok(None),
            };
            recipes.of.push(match recipe {
                // What cannot be drawn starts where it would without a prior.
                Err(Failure::Problems(_)) => None,
                recipe => recipe?,
            });
        }
        Ok(recipes)
    }

    fn statement(
        &mut self,
        model: &Model,
        statement: &Statement,
        dims: &BTreeMap<DimId, usize>,
    ) -> Result<Option<Recipe>> {
        Ok(match statement {
            Statement::Latent(id) => {
                let site = &model.sites[id.index()];
                let place = Place { plates: &site.plates, tries: vec![], event: &site.event, span: site.span, dims };
                Some(self.recipe(&site.dist, &place)?)
            }
            Statement::Observe(seen) => {
                let event = model.data[seen.data.index()].event.clone();
                let place = Place { plates: &seen.plates, tries: vec![], event: &event, span: seen.span, dims };
                Some(self.recipe(&seen.dist, &place)?)
            }
            Statement::Define(_) | Statement::Factor { .. } | Statement::Boltzmann(_) => None,
        })
    }

    /// Observed data that something else reads, as a chain does.
    fn find_read_again(&mut self, model: &Model) {
        let observed = model.statements.iter().filter_map(|statement| match statement {
            Statement::Observe(seen) => Some(seen.data),
            _ => None,
        });
        for data in observed {
            let mut changed = BTreeSet::new();
            for (id, node) in self.graph.nodes.iter() {
                let is = matches!(node.op, Op::Data(found) if found == data);
                if is || node.op.children().iter().any(|child| changed.contains(child)) {
                    changed.insert(id);
                }
            }
            let reads = |dist: &Dist| dist.args.values().any(|arg| changed.contains(arg));
            let again = model.statements.iter().any(|statement| match statement {
                Statement::Latent(id) => reads(&model.sites[id.index()].dist),
                Statement::Observe(seen) => reads(&seen.dist),
                Statement::Define(id) => changed.contains(&model.definitions[id.index()].value),
                Statement::Factor { value, .. } => changed.contains(value),
                Statement::Boltzmann(of) => changed.contains(&of.value),
            });
            if again {
                self.read_again.insert(data, changed);
            }
        }
    }
}

/// Where a value is drawn.
struct Place<'a> {
    plates: &'a [AxisId],
    tries: Vec<AxisId>,
    event: &'a [Size],
    span: Span,
    dims: &'a BTreeMap<DimId, usize>,
}

impl Recipes {
    fn recipe(&mut self, dist: &Dist, place: &Place) -> Result<Recipe> {
        let row = dist::row(dist.kind);
        match row.draw {
            Draw::Reparam(..) | Draw::Implicit(..) => self.map(dist, place),
            Draw::Enumerable => self.states(dist, place),
            Draw::SampleOnly(sampler) => {
                let args = (row.canonical)(&mut self.graph, &dist.args);
                let args = args.iter().map(|(name, id)| (*name, *id)).collect();
                let components = dist::component_axes(dist, place.event).to_vec();
                if components.len() != place.event.len() {
                    return Err(refused(dist, place));
                }
                Ok(Recipe::Each { sampler, args, source: self.source(place, vec![]), components })
            }
            Draw::SampleVector(sampler) => {
                let args = (row.canonical)(&mut self.graph, &dist.args);
                let number =
                    |name: &str| row.params.iter().any(|param| param.name == name && param.axes == ParamAxes::Number);
                let args = args.iter().map(|(name, id)| (*name, *id, !number(name))).collect();
                Ok(Recipe::Vectors { sampler, args, source: self.source(place, vec![]), event: place.event.to_vec() })
            }
            Draw::Composed => self.composed(dist, place),
            Draw::None => Err(refused(dist, place)),
        }
    }

    /// A new source of random numbers.
    fn source(&mut self, place: &Place, event: Vec<Size>) -> SiteId {
        // Sites of the model have no noise of their own here.
        let id = SiteId(self.sources.len() as u32);
        let source = Source { plates: place.plates.to_vec(), tries: place.tries.clone(), event };
        self.sources.insert(id, source);
        id
    }

    fn axis(&mut self, name: &str, size: Size, span: Span) -> AxisId {
        let kind = AxisKind::States;
        let axis = self.axes.add(Axis { name: name.into(), size: size.clone(), first: Size::fixed(0), kind, span });
        self.graph.declare_axis(axis, size);
        axis
    }

    fn map(&mut self, dist: &Dist, place: &Place) -> Result<Recipe> {
        let source = self.source(place, vec![]);
        let plates: Vec<AxisId> = place.plates.iter().chain(&place.tries).copied().collect();
        let Some(value) = dist::draw(&mut self.graph, dist, source, &plates, place.event) else {
            return Err(refused(dist, place));
        };
        let noise = self
            .graph
            .reachable(&[value])
            .into_iter()
            .find(|id| matches!(self.graph.nodes[*id].op, Op::Noise(of, _) if of == source));
        if let (Some(noise), Some(source)) = (noise, self.sources.get_mut(&source)) {
            source.event = self.graph.event(noise).to_vec();
        }
        Ok(Recipe::Map { value, entries: place.event.to_vec() })
    }

    /// The log density over an axis of its own states.
    fn states(&mut self, dist: &Dist, place: &Place) -> Result<Recipe> {
        let support = dist::support(&self.graph, dist, place.event);
        let one_hot = matches!(support, Support::OneHot(_));
        let components = dist::component_axes(dist, place.event).to_vec();
        let Some(states) = support.states().and_then(|states| size(&states, place.dims).ok()) else {
            return Err(refused(dist, place));
        };
        let state = self.axis("state", Size::fixed(states), place.span);
        let row = self.graph.row(state, Support::Count(None));
        let value = match (&support, components.is_empty()) {
            (Support::OneHot(k), _) => self.graph.one_hot(row, k.clone()),
            (_, true) => row,
            (_, false) => self.graph.fill(row, components.clone()),
        };
        let log_prob = dist::log_prob(&mut self.graph, dist, value);
        Ok(Recipe::States { log_prob, state, source: self.source(place, vec![]), components, one_hot })
    }

    fn composed(&mut self, dist: &Dist, place: &Place) -> Result<Recipe> {
        let bound = |name: &str| dist.args.get(name).copied();
        match (dist.kind, dist.args.of.as_slice()) {
            (Kind::Mixture, parts @ [first, ..]) => {
                let components = dist::component_axes(first, place.event).to_vec();
                let parts = parts.iter().map(|part| self.recipe(part, place)).collect::<Result<Vec<_>>>()?;
                let along = if parts.len() == 1 { dist.args.components } else { None };
                let source = self.source(place, vec![]);
                Ok(Recipe::Mixture { weights: dist.args["weights"], parts, along, source, components })
            }
            (Kind::Truncated, [of]) => {
                let attempt = self.axis("attempt", Size::fixed(TRIES), place.span);
                let tries = [place.tries.as_slice(), &[attempt]].concat();
                let inside =
                    Place { tries, event: place.event, plates: place.plates, span: place.span, dims: place.dims };
                let of = Box::new(self.recipe(of, &inside)?);
                let (lo, hi, name) = (bound("lo"), bound("hi"), dist::row(dist.args.of[0].kind).name.to_string());
                Ok(Recipe::Between { of, attempt, lo, hi, name, span: place.span })
            }
            (Kind::Censored, [of]) => {
                let of = Box::new(self.recipe(of, place)?);
                Ok(Recipe::Clamped { of, lo: bound("lo"), hi: bound("hi") })
            }
            _ => Err(refused(dist, place)),
        }
    }
}

fn refused(dist: &Dist, place: &Place) -> Failure {
    SimulateProblem::NoDraw { dist: dist::row(dist.kind).name.into(), span: place.span }.into()
}
