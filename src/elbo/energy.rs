//! Energy models: the gradient of the log likelihood as a difference of two expectations, each unit's conditional derived
//! from the energy, and the blocks of units that are proven independent given the rest (LANGUAGE.md 1.10).
//!
//! With p(x, h) = exp(-energy) / Z, d log p(x) = -E[ d energy | x ] + E[ d energy ] (Hinton 2002): the logarithm of Z has
//! the second one as its gradient. A unit is 0 or 1, and the logit of its being 1 is the energy where it is 0, less the
//! energy where it is 1. Where the energy is a sum of products with at most one entry of a vector in each, that is minus
//! its slope in the entry. The other entries of the vector are not in the slope, so they are independent given the rest.

use crate::elbo::cost::Facts;
use crate::elbo::problems::{ElboProblem, EnergyTrouble, Limitation};
use crate::elbo::{Choice, Elbo, Estimator, Objective, SiteView, Treatment};
use crate::math::slope::{NoRule, own_slope, slopes};
use crate::math::{Graph, NodeId, Op, Pick};
use crate::model::{self, Boltzmann, Model, Statement, Unit};
use crate::shape::Shape;
use crate::source::Span;

/// Contrastive divergence, of one `Boltzmann` statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Contrast {
    /// The place in `Model::statements`.
    pub statement: usize,
    /// k: sweeps of block Gibbs in a step.
    pub sweeps: usize,
    /// Chains go on from step to step (`pcd`), or start at the data (`cd`).
    pub persistent: bool,
    /// In the order of the energy's arguments.
    pub conditionals: Vec<Conditional>,
    /// Places in `conditionals`, in the order of a sweep: those of one block are drawn at once.
    pub blocks: Vec<Vec<usize>>,
}

/// p(unit = 1 | all others), of every entry of one vector of units.
#[derive(Debug, Clone, PartialEq)]
pub struct Conditional {
    pub unit: Unit,
    /// What the energy reads it by.
    pub value: NodeId,
    /// Shaped as the units, in the plates of the statement.
    pub logit: NodeId,
    /// Whether the logit of an entry reads no other entry of the vector; otherwise they are drawn one after the other.
    pub independent: bool,
}

impl Contrast {
    /// The blocks of what is latent: drawn with the data held.
    pub fn latent_blocks(&self) -> Vec<Vec<usize>> {
        let latent = |at: &usize| matches!(self.conditionals[*at].unit, Unit::Latent(_));
        let blocks = self.blocks.iter().map(|block| block.iter().copied().filter(latent).collect::<Vec<_>>());
        blocks.filter(|block| !block.is_empty()).collect()
    }

    /// Whether the latents given the data are drawn exactly, at once.
    pub fn is_exact_given_data(&self) -> bool {
        let latent = self.latent_blocks();
        latent.len() < 2 && latent.iter().flatten().all(|at| self.conditionals[*at].independent)
    }
}

/// The `Boltzmann` statement: all that is said in its model.
pub fn statement(model: &Model) -> Option<(usize, &Boltzmann)> {
    model.statements.iter().enumerate().find_map(|(at, statement)| match statement {
        Statement::Boltzmann(of) => Some((at, of)),
        _ => None,
    })
}

pub fn derive(facts: &Facts, at: usize, of: &Boltzmann) -> Result<Elbo, ElboProblem> {
    let model = facts.model;
    let mut graph = model.graph.clone();
    let values: Vec<NodeId> = of.units.iter().map(|unit| unit_value(&mut graph, model, *unit)).collect();
    let conditionals = match conditionals(&mut graph, of, &values) {
        Ok(list) => list,
        Err(Trouble::Part(NoRule(node))) => {
            let span = graph.nodes[node].span.unwrap_or(of.span);
            return Err(limited(of, EnergyTrouble::NoSumOfProducts, span));
        }
        Err(Trouble::Degree(unit)) => {
            return Err(limited(of, EnergyTrouble::Degree(unit_name(model, unit)), of.span));
        }
    };
    let blocks = blocks(&graph, &conditionals);
    let (sweeps, persistent) = match model.fit.objective {
        Some(model::Objective::Pcd(k)) => (k, true),
        Some(model::Objective::Cd(k)) => (k, false),
        _ => (1, false),
    };
    let choice = Choice { estimator: Estimator::Gibbs, because: "its conditional is derived from the energy".into() };
    let views = of.units.iter().zip(&values).filter_map(|(unit, value)| match unit {
        Unit::Latent(site) => {
            Some(SiteView { site: *site, treatment: Treatment::Gibbs, value: *value, choice: choice.clone() })
        }
        Unit::Observed(..) => None,
    });
    let mut sites: Vec<SiteView> = views.collect();
    sites.sort_by_key(|view| view.site);
    let contrast = Contrast { statement: at, sweeps, persistent, conditionals, blocks };
    Ok(Elbo {
        model: model.clone(),
        axes: model.axes.clone(),
        graph,
        sites,
        objective: Objective::Contrast(contrast),
        terms: vec![],
        log_p: vec![],
        log_q: vec![],
    })
}

/// Why there are no conditionals.
enum Trouble {
    Part(NoRule),
    /// Not of degree 2, or not seen to be, in this vector.
    Degree(Unit),
}

impl From<NoRule> for Trouble {
    fn from(part: NoRule) -> Trouble {
        Trouble::Part(part)
    }
}

fn limited(of: &Boltzmann, trouble: EnergyTrouble, span: Span) -> ElboProblem {
    ElboProblem::Limitation { what: Limitation::Energy { name: of.energy.clone(), trouble }, span }
}

fn unit_name(model: &Model, unit: Unit) -> String {
    match unit {
        Unit::Observed(id, _) => model.data[id.index()].name.clone(),
        Unit::Latent(id) => model.sites[id.index()].name.clone(),
    }
}

fn unit_value(g: &mut Graph, model: &Model, unit: Unit) -> NodeId {
    match unit {
        Unit::Observed(_, value) => value,
        Unit::Latent(id) => {
            let site = &model.sites[id.index()];
            g.site(id, Shape::new(site.plates.iter().copied(), site.event.clone()), site.support.clone())
        }
    }
}

/// The energy with every entry of data read as one of its unit: `x[n, i]` as `x[n][i]`.
fn through_units(g: &mut Graph, of: &Boltzmann) -> Result<NodeId, NoRule> {
    let rows: Vec<(NodeId, NodeId, Vec<Pick>)> = (of.units.iter())
        .filter_map(|unit| match unit {
            Unit::Observed(_, value) => match &g.nodes[*value].op {
                Op::Index(data, picks) => Some((*value, *data, picks.clone())),
                _ => None,
            },
            Unit::Latent(_) => None,
        })
        .collect();
    let whole = |data: NodeId| rows.iter().find(|row| row.1 == data);
    let energy = g.substitute(of.value, &mut |g, id| {
        let Op::Index(base, picks) = g.nodes[id].op.clone() else { return None };
        let (value, _, prefix) = whole(base)?;
        let rest = picks.strip_prefix(prefix.as_slice()).filter(|rest| !rest.is_empty())?;
        Some(g.index(*value, rest.to_vec()))
    });
    let apart = |id: &NodeId| {
        let unit = rows.iter().any(|row| row.0 == *id);
        !unit && g.nodes[*id].op.children().into_iter().any(|child| whole(child).is_some())
    };
    match g.reachable(&[energy]).into_iter().find(apart) {
        Some(other) => Err(NoRule(other)),
        None => Ok(energy),
    }
}

fn conditionals(g: &mut Graph, of: &Boltzmann, values: &[NodeId]) -> Result<Vec<Conditional>, Trouble> {
    let energy = through_units(g, of)?;
    let minus = g.neg(energy);
    let found = slopes(g, minus, values)?;
    let mut list = vec![];
    for ((unit, value), slope) in of.units.iter().zip(values).zip(found) {
        let slope = slope.unwrap_or_else(|| {
            let zero = g.number(0.0);
            let event = g.event(*value).to_vec();
            g.fill(zero, event)
        });
        let independent = !reads(g, slope, *value);
        let logit = match independent {
            true => slope,
            false => at_the_middle(g, slope, *value).ok_or(Trouble::Degree(*unit))?,
        };
        list.push(Conditional { unit: *unit, value: *value, logit, independent });
    }
    Ok(list)
}

/// The difference between 0 and 1 of what is of degree 2 in an entry is its slope halfway between: the slope, moved there
/// along the entry.
fn at_the_middle(g: &mut Graph, slope: NodeId, value: NodeId) -> Option<NodeId> {
    let Some(own) = own_slope(g, slope, value).ok()? else { return Some(slope) };
    if reads(g, own, value) {
        return None;
    }
    let half = g.number(0.5);
    let way = g.sub(half, value);
    let moved = g.mul(own, way);
    Some(g.add(slope, moved))
}

fn reads(g: &Graph, of: NodeId, value: NodeId) -> bool {
    g.reachable(&[of]).contains(&value)
}

/// Units that share no term of the energy are independent given the rest: none is in the logit of the other. Each vector
/// joins the first block that it can.
fn blocks(g: &Graph, conditionals: &[Conditional]) -> Vec<Vec<usize>> {
    let tied = |a: &Conditional, b: &Conditional| reads(g, a.logit, b.value) || reads(g, b.logit, a.value);
    let mut blocks: Vec<Vec<usize>> = vec![];
    for (at, own) in conditionals.iter().enumerate() {
        match blocks.iter_mut().find(|block| block.iter().all(|other| !tied(own, &conditionals[*other]))) {
            Some(block) => block.push(at),
            None => blocks.push(vec![at]),
        }
    }
    blocks
}

/// What holds of every conditional and block.
pub fn verify(elbo: &Elbo, contrast: &Contrast) -> Result<(), String> {
    let Some(Statement::Boltzmann(of)) = elbo.model.statements.get(contrast.statement) else {
        return Err("contrastive divergence of what is no energy".into());
    };
    if contrast.conditionals.iter().map(|own| own.unit).ne(of.units.iter().copied()) {
        return Err("not one conditional a unit of the energy".into());
    }
    for own in &contrast.conditionals {
        let (logit, value) = (elbo.graph.shape(own.logit), elbo.graph.shape(own.value));
        if logit.event != value.event || logit.plates.iter().any(|axis| !of.plates.contains(axis)) {
            return Err("a logit is not shaped as its units".into());
        }
        if own.independent && reads(&elbo.graph, own.logit, own.value) {
            return Err("independent units are in their own logit".into());
        }
    }
    let mut all: Vec<usize> = contrast.blocks.iter().flatten().copied().collect();
    all.sort_unstable();
    if all.into_iter().ne(0..of.units.len()) {
        return Err("a unit is not in one block".into());
    }
    for block in &contrast.blocks {
        let pairs = block.iter().flat_map(|a| block.iter().map(move |b| (a, b))).filter(|(a, b)| a != b);
        for (a, b) in pairs {
            if reads(&elbo.graph, contrast.conditionals[*a].logit, contrast.conditionals[*b].value) {
                return Err("units of one block are in each other's logits".into());
            }
        }
    }
    Ok(())
}
