//! Which plates follow a batch: those whose rows read, through data, rows of the batched dim (`theta[doc[t]]`: the tokens
//! of the documents of a batch). A step sees the rows that point into the batch, and no others.

use std::collections::BTreeSet;

use crate::dist::Dist;
use crate::math::{Graph, Label, NodeId, Op, Pick};
use crate::model::{Definition, Model, Owner, Statement};
use crate::shape::{Axis, AxisId, AxisKind, DimId, Size};
use crate::source::Span;

/// A dim whose rows are in a step where the row that they point at is.
#[derive(Debug, Clone, PartialEq)]
pub struct Follower {
    pub dim: DimId,
    /// The dim it points into: the batched one, or another that follows.
    pub leader: DimId,
    /// The label by which a row points, over one plate of this dim.
    pub pointer: NodeId,
    pub axis: AxisId,
    /// The statement that reads so.
    pub span: Span,
}

/// The dims that follow batches of a dim, each after the one it points into.
pub fn followers(model: &Model, leader: DimId) -> Vec<Follower> {
    let places = places(model);
    let mut found: Vec<Follower> = vec![];
    let mut at = leader;
    for next in 0.. {
        for place in &places {
            for read in place.reads(model, at) {
                let Read::Points { pointer, axis } = read else { continue };
                let Some(dim) = model.axes[axis].size.as_dim() else { continue };
                if dim != leader && found.iter().all(|other| other.dim != dim) {
                    found.push(Follower { dim, leader: at, pointer, axis, span: place.span });
                }
            }
        }
        match found.get(next) {
            Some(follower) => at = follower.dim,
            None => break,
        }
    }
    found
}

/// A statement: its plates and the expressions in it.
pub(super) struct Place {
    pub plates: Vec<AxisId>,
    pub roots: Vec<NodeId>,
    pub span: Span,
}

/// How a statement reads the rows of a dim.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Read {
    /// Those of its own plate.
    Own,
    /// `theta[doc[t]]`: the row that a row of another plate points at.
    Points {
        pointer: NodeId,
        axis: AxisId,
    },
    /// `theta[doc[s, t]]`: the row that rows of several plates together point at.
    Pairs(NodeId),
    Otherwise(NodeId),
}

/// All that reads rows, in the model and in its guide.
pub(super) fn places(model: &Model) -> Vec<Place> {
    let args = |dist: &Dist| dist.args.values().copied().collect::<Vec<_>>();
    let definition = |of: &Definition| Place { plates: of.plates.clone(), roots: vec![of.value], span: of.span };
    let mut places: Vec<Place> = model
        .statements
        .iter()
        .map(|statement| match statement {
            Statement::Latent(id) => {
                let site = &model.sites[id.index()];
                Place { plates: site.plates.clone(), roots: args(&site.dist), span: site.span }
            }
            Statement::Define(id) => definition(&model.definitions[id.index()]),
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
    places.extend(model.definitions.iter().filter(|of| of.owner == Owner::Guide).map(definition));
    places
}

impl Place {
    /// Its plates over a dim.
    pub fn over<'p>(&'p self, model: &'p Model, dim: DimId) -> impl Iterator<Item = AxisId> + 'p {
        self.plates.iter().copied().filter(move |axis| model.axes[*axis].size == Size::dim(dim))
    }

    /// How it reads the rows of a dim; its definitions are statements of their own.
    pub fn reads(&self, model: &Model, dim: DimId) -> Vec<Read> {
        let picks = within(&model.graph, &self.roots).into_iter().flat_map(|id| picks(model, id, dim));
        picks.map(|(id, pick)| self.read(model, dim, id, pick)).collect()
    }

    /// The labels by which it points at rows of a dim, its definitions' among them; alike ones are one.
    pub fn pointers(&self, model: &Model, dim: DimId) -> Vec<NodeId> {
        let mut found: Vec<NodeId> = vec![];
        for (_, pick) in model.graph.reachable(&self.roots).into_iter().flat_map(|id| picks(model, id, dim)) {
            if let Pick::At(at) = pick
                && found.iter().all(|other| !Pointer::new(*other).is_like(&model.graph, &Pointer::new(*at)))
            {
                found.push(*at);
            }
        }
        found
    }

    fn read(&self, model: &Model, dim: DimId, id: NodeId, pick: &Pick) -> Read {
        let graph = &model.graph;
        let at = match pick {
            Pick::Row(axis) if self.plates.contains(axis) => return Read::Own,
            Pick::At(at) => *at,
            Pick::Row(_) | Pick::Lag(..) | Pick::Slice(..) => return Read::Otherwise(id),
        };
        if matches!(graph.nodes[graph.unnamed(at)].op, Op::Row(axis) if self.over(model, dim).any(|own| own == axis)) {
            return Read::Own;
        }
        let fixed = graph.mentions(at, |op| matches!(op, Op::Data(_)))
            && !graph.mentions(at, |op| matches!(op, Op::Site(_) | Op::Param(_)));
        let axes = &graph.shape(at).plates;
        let plates = axes.iter().all(|axis| self.plates.contains(axis));
        // A row of the dim itself has no other row in its step.
        let foreign = self.over(model, dim).next().is_none();
        match axes.as_slice() {
            [axis] if fixed && plates && foreign => Read::Points { pointer: at, axis: *axis },
            [_, _, ..] if fixed && plates && foreign => Read::Pairs(id),
            _ => Read::Otherwise(id),
        }
    }
}

/// A label of the rows of a plate; with `row`, of the row that another label names.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pointer {
    node: NodeId,
    row: Option<Box<Pointer>>,
}

impl Pointer {
    pub fn new(node: NodeId) -> Pointer {
        Pointer { node, row: None }
    }

    /// Where a label of rows of a dim leads in the batched dim, through those that follow it.
    pub fn end(self, followers: &[Follower], dim: DimId) -> Pointer {
        match followers.iter().find(|follower| follower.dim == dim) {
            Some(via) => Pointer { node: via.pointer, row: Some(Box::new(self)) }.end(followers, via.leader),
            None => self,
        }
    }

    /// Whether both name the same row for every row, each over a plate of its own.
    pub fn is_like(&self, graph: &Graph, other: &Pointer) -> bool {
        let (a, b) = (graph.unnamed(self.node), graph.unnamed(other.node));
        match (&graph.nodes[a].op, &graph.nodes[b].op) {
            (Op::Row(_), _) if self.row.is_some() => self.row.as_ref().is_some_and(|row| row.is_like(graph, other)),
            (_, Op::Row(_)) if other.row.is_some() => other.row.as_ref().is_some_and(|row| self.is_like(graph, row)),
            (Op::Row(_), Op::Row(_)) => true,
            (Op::Index(x, picks), Op::Index(y, others)) => {
                let alike = |(p, q): (&Pick, &Pick)| match (self.pick(p), other.pick(q)) {
                    (Some(p), Some(q)) => p.is_like(graph, &q),
                    (None, None) => matches!((p, q), (Pick::Row(_), Pick::Row(_))) || p == q,
                    _ => false,
                };
                self.of(*x).is_like(graph, &other.of(*y))
                    && picks.len() == others.len()
                    && picks.iter().zip(others).all(alike)
            }
            (x, y) => {
                let bare = |op: &Op| op.map_children(&mut |_| a);
                let (left, right) = (x.children(), y.children());
                let alike = |(l, r): (NodeId, NodeId)| self.of(l).is_like(graph, &other.of(r));
                bare(x) == bare(y) && left.len() == right.len() && left.into_iter().zip(right).all(alike)
            }
        }
    }

    /// A part of it.
    fn of(&self, node: NodeId) -> Pointer {
        Pointer { node, row: self.row.clone() }
    }

    /// The label that a pick is; none where it is the row itself, or no label.
    fn pick(&self, pick: &Pick) -> Option<Pointer> {
        match pick {
            Pick::At(node) => Some(self.of(*node)),
            Pick::Row(_) => self.row.as_deref().cloned(),
            Pick::Lag(..) | Pick::Slice(..) => None,
        }
    }
}

/// The picks of an index that choose rows of a dim.
fn picks(model: &Model, id: NodeId, dim: DimId) -> Vec<(NodeId, &Pick)> {
    let Op::Index(base, picks) = &model.graph.nodes[id].op else { return vec![] };
    let rows = row_dims(model, &model.graph, &|axis| model.axes[axis].size.as_dim(), *base);
    picks.iter().zip(rows).filter(|(_, row)| *row == Some(dim)).map(|(pick, _)| (id, pick)).collect()
}

/// The nodes of these expressions, definitions not entered: they are statements of their own.
fn within(graph: &Graph, roots: &[NodeId]) -> BTreeSet<NodeId> {
    let mut reached: BTreeSet<NodeId> = BTreeSet::new();
    let mut open = roots.to_vec();
    while let Some(id) = open.pop() {
        if reached.insert(id) {
            let named = matches!(graph.nodes[id].op, Op::Named(Label::Definition(_), _));
            open.extend(graph.nodes[id].op.children().into_iter().filter(|_| !named));
        }
    }
    reached
}

/// The dim that each leading axis of an array counts the rows of.
pub fn row_dims(
    model: &Model,
    graph: &Graph,
    axis_dim: &dyn Fn(AxisId) -> Option<DimId>,
    base: NodeId,
) -> Vec<Option<DimId>> {
    match &graph.nodes[graph.unnamed(base)].op {
        Op::Complete { data, .. } => row_dims(model, graph, axis_dim, *data),
        Op::Data(id) => model.data[id.index()].rows.iter().map(|dim| Some(*dim)).collect(),
        Op::Param(id) => model.params[id.index()].rows.iter().map(Size::as_dim).collect(),
        Op::Lift(_, axes) => axes.iter().map(|axis| axis_dim(*axis)).collect(),
        // What leaves entries in their places counts the same rows.
        Op::Unary(_, of) | Op::Softmax(of) | Op::LogSoftmax(of) => row_dims(model, graph, axis_dim, *of),
        Op::Binary(_, a, b) => {
            let (a, b) = (row_dims(model, graph, axis_dim, *a), row_dims(model, graph, axis_dim, *b));
            if a.is_empty() { b } else { a }
        }
        _ => vec![],
    }
}

/// Whether a plate's rows read earlier ones.
pub(super) fn is_chain(axis: &Axis) -> bool {
    axis.kind == AxisKind::Chain
}
