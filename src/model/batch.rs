//! Which dims can be batched (LANGUAGE.md 1.4, "Batches"): asked of the `fit` block and of `--batch`.

use std::collections::BTreeSet;

use crate::math::{Graph, NodeId, Op, Pick};
use crate::model::problems::Batches;
use crate::model::{Model, Statement};
use crate::problem::Problems;
use crate::shape::{Axis, AxisId, AxisKind, DimId, Size};
use crate::source::Span;

/// What is wrong with drawing some rows of these dims a step.
pub fn check_batch(model: &Model, batched: &[(DimId, Option<Span>)]) -> Problems {
    let places: Vec<Place> = places(model);
    let mut problems = Problems::default();
    for (dim, span) in batched {
        let name = model.dims[*dim].name.clone();
        let over = |axis: &AxisId| model.axes[*axis].size == Size::dim(*dim);
        if !places.iter().any(|place| place.plates.iter().any(over)) {
            problems.push(Batches::NoPlate { name, span: *span });
            continue;
        }
        for place in &places {
            let own: Vec<&AxisId> = place.plates.iter().filter(|axis| over(axis)).collect();
            if own.len() > 1 {
                problems.push(Batches::Nested { name: name.clone(), span: *span, place: place.span });
                break;
            }
            if own.iter().any(|axis| model.axes[**axis].kind == AxisKind::Chain) {
                problems.push(Batches::Chain { name: name.clone(), span: *span, place: place.span });
                break;
            }
            let foreign = own.is_empty().then(|| place.reads_rows_of(model, *dim)).flatten();
            if let Some(Foreign::Otherwise(node)) = foreign {
                let read = model.graph.nodes[node].span.unwrap_or(place.span);
                problems.push(Batches::ReadOutside { name: name.clone(), span: *span, read });
                break;
            }
            if own.is_empty() && place.pointers(model, *dim).len() > 1 {
                problems.push(Batches::TwoRows { name: name.clone(), span: *span, place: place.span });
                break;
            }
            // Rows that follow a batch are those that point into it: of two batches hardly any point into both.
            let other = batched.iter().find(|(other, _)| {
                let over = place.plates.iter().any(|axis| model.axes[*axis].size == Size::dim(*other));
                other != dim && (over || matches!(place.reads_rows_of(model, *other), Some(Foreign::ThroughData)))
            });
            if let (Some(Foreign::ThroughData), Some((other, _))) = (foreign, other) {
                // Of two that meet through data it is said once.
                let first = batched.iter().find(|(id, _)| id == dim || id == other).is_some_and(|(id, _)| id == dim);
                let alone = !matches!(place.reads_rows_of(model, *other), Some(Foreign::ThroughData));
                let other = model.dims[*other].name.clone();
                if !first && !alone {
                    break;
                }
                problems.push(Batches::Meet { name: name.clone(), other, span: *span, place: place.span });
                break;
            }
        }
    }
    problems
}

/// Where rows of a dim are read through data by a plate that follows its batches.
pub fn followed(model: &Model, dim: DimId) -> Option<Span> {
    let over = |axis: &AxisId| model.axes[*axis].size == Size::dim(dim);
    let places = places(model).into_iter().filter(|place| !place.plates.iter().any(over));
    places.filter(|place| matches!(place.reads_rows_of(model, dim), Some(Foreign::ThroughData))).map(|p| p.span).next()
}

/// A statement: its plates and the expressions in it.
struct Place {
    plates: Vec<AxisId>,
    roots: Vec<NodeId>,
    span: Span,
}

/// How a statement outside a plate reads the plate's rows.
#[derive(Clone, Copy)]
enum Foreign {
    /// `theta[doc[t]]`: its rows follow the batch.
    ThroughData,
    Otherwise(NodeId),
}

fn places(model: &Model) -> Vec<Place> {
    let args = |dist: &crate::dist::Dist| dist.args.values().copied().collect::<Vec<_>>();
    let mut places: Vec<Place> = model
        .statements
        .iter()
        .map(|statement| match statement {
            Statement::Latent(id) => {
                let site = &model.sites[id.index()];
                Place { plates: site.plates.clone(), roots: args(&site.dist), span: site.span }
            }
            Statement::Define(id) => {
                let def = &model.definitions[id.index()];
                Place { plates: def.plates.clone(), roots: vec![def.value], span: def.span }
            }
            Statement::Observe(seen) => Place { plates: seen.plates.clone(), roots: args(&seen.dist), span: seen.span },
            Statement::Factor { value, plates, span } => {
                Place { plates: plates.clone(), roots: vec![*value], span: *span }
            }
            Statement::Boltzmann(of) => Place { plates: of.plates.clone(), roots: vec![of.value], span: of.span },
        })
        .collect();
    places.extend(model.guide.factors.iter().map(|factor| Place {
        plates: factor.plates.clone(),
        roots: args(&factor.dist),
        span: factor.span,
    }));
    places
}

impl Place {
    fn reads_rows_of(&self, model: &Model, dim: DimId) -> Option<Foreign> {
        let mut found = None;
        for id in within(&model.graph, &self.roots) {
            let Op::Index(base, picks) = &model.graph.nodes[id].op else { continue };
            for (pick, row) in picks.iter().zip(row_dims(model, *base)) {
                if row != Some(dim) {
                    continue;
                }
                let through_data = match pick {
                    Pick::At(at) => {
                        let data = model.graph.mentions(*at, |op| matches!(op, Op::Data(_)));
                        data && !model.graph.mentions(*at, |op| matches!(op, Op::Site(_)))
                    }
                    Pick::Row(axis) => self.plates.contains(axis),
                    Pick::Lag(..) | Pick::Slice(..) => false,
                };
                if !through_data {
                    return Some(Foreign::Otherwise(id));
                }
                found = Some(Foreign::ThroughData);
            }
        }
        found
    }
}

impl Place {
    /// The labels by which a statement reads rows of a dim that it is in no plate of, its definitions' among them.
    fn pointers(&self, model: &Model, dim: DimId) -> BTreeSet<NodeId> {
        let mut found = BTreeSet::new();
        for id in model.graph.reachable(&self.roots) {
            let Op::Index(base, picks) = &model.graph.nodes[id].op else { continue };
            let rows = row_dims(model, *base).into_iter();
            found.extend(picks.iter().zip(rows).filter(|(_, row)| *row == Some(dim)).filter_map(
                |(pick, _)| match pick {
                    Pick::At(at) => Some(*at),
                    _ => None,
                },
            ));
        }
        found
    }
}

/// The nodes of these expressions, definitions not entered: they are statements of their own.
fn within(graph: &Graph, roots: &[NodeId]) -> BTreeSet<NodeId> {
    let mut reached: BTreeSet<NodeId> = BTreeSet::new();
    let mut open = roots.to_vec();
    while let Some(id) = open.pop() {
        if reached.insert(id) {
            let named = matches!(graph.nodes[id].op, Op::Named(crate::math::Label::Definition(_), _));
            open.extend(graph.nodes[id].op.children().into_iter().filter(|_| !named));
        }
    }
    reached
}

/// The dim that each leading axis of an array counts the rows of.
fn row_dims(model: &Model, base: NodeId) -> Vec<Option<DimId>> {
    let axis_dim = |axis: &Axis| axis.size.as_dim();
    match &model.graph.nodes[model.graph.unnamed(base)].op {
        Op::Complete { data, .. } => row_dims(model, *data),
        Op::Data(id) => model.data[id.index()].rows.iter().map(|dim| Some(*dim)).collect(),
        Op::Param(id) => model.params[id.index()].rows.iter().map(Size::as_dim).collect(),
        Op::Lift(_, axes) => axes.iter().map(|axis| axis_dim(&model.axes[*axis])).collect(),
        _ => vec![],
    }
}
