//! Which dims can be batched (LANGUAGE.md 1.4, "Batches"): asked of the `fit` block and of `--batch`.

use crate::math::NodeId;
use crate::model::Model;
use crate::model::follow::{Follower, Place, Pointer, Read, followers, is_chain, places};
use crate::model::problems::Batches;
use crate::problem::Problems;
use crate::shape::DimId;
use crate::source::Span;

/// What is wrong with drawing some rows of these dims a step.
pub fn check_batch(model: &Model, batched: &[(DimId, Option<Span>)]) -> Problems {
    let places = places(model);
    let families: Vec<Family> = batched.iter().map(|(dim, span)| Family::of(model, *dim, *span)).collect();
    let mut problems = Problems::default();
    for (at, family) in families.iter().enumerate() {
        let (name, span) = (model.dims[family.leader].name.clone(), family.span);
        if !places.iter().any(|place| place.over(model, family.leader).next().is_some()) {
            problems.push(Batches::NoPlate { name, span });
            continue;
        }
        // One is enough: what a dim is wrong for is often said in many places.
        let wrong = |place| family.wrong(place).or_else(|| family.meeting(&families[..at], &families[at + 1..], place));
        if let Some(problem) = places.iter().find_map(wrong) {
            problems.push(problem);
        }
    }
    problems
}

/// A batched dim and the dims whose rows follow its batches.
struct Family<'m> {
    model: &'m Model,
    leader: DimId,
    span: Option<Span>,
    followers: Vec<Follower>,
}

impl<'m> Family<'m> {
    fn of(model: &'m Model, leader: DimId, span: Option<Span>) -> Family<'m> {
        Family { model, leader, span, followers: followers(model, leader) }
    }

    fn dims(&self) -> impl Iterator<Item = DimId> + '_ {
        std::iter::once(self.leader).chain(self.followers.iter().map(|follower| follower.dim))
    }

    fn name(&self, dim: DimId) -> String {
        self.model.dims[dim].name.clone()
    }

    /// What a statement does with rows of the dim, or of one that follows it, that batches do not allow.
    fn wrong(&self, place: &Place) -> Option<Batches> {
        let own: Vec<DimId> = self.dims().filter(|dim| place.over(self.model, *dim).next().is_some()).collect();
        self.dims().find_map(|dim| self.wrong_with(dim, place)).or_else(|| match own.as_slice() {
            [first, second, ..] => Some(Batches::Beside {
                name: self.name(self.leader),
                follower: self.name(*second),
                other: self.name(*first),
                span: self.span,
                place: place.span,
            }),
            _ => None,
        })
    }

    fn wrong_with(&self, dim: DimId, place: &Place) -> Option<Batches> {
        let (name, span, model) = (self.name(self.leader), self.span, self.model);
        let of = (dim != self.leader).then(|| self.name(dim));
        let own: Vec<_> = place.over(model, dim).collect();
        if own.len() > 1 {
            return Some(Batches::Nested { name, of, span, place: place.span });
        }
        if own.iter().any(|axis| is_chain(&model.axes[*axis])) {
            return Some(Batches::Chain { name, of, span, place: place.span });
        }
        let node = |id: NodeId| model.graph.nodes[id].span.unwrap_or(place.span);
        let reads = place.reads(model, dim);
        let outside = reads.iter().find_map(|read| match read {
            Read::Otherwise(id) => {
                Some(Batches::ReadOutside { name: name.clone(), of: of.clone(), span, read: node(*id) })
            }
            Read::Pairs(id) => Some(Batches::Pairs { name: name.clone(), span, read: node(*id) }),
            Read::Own | Read::Points { .. } => None,
        });
        if outside.is_some() {
            return outside;
        }
        if own.is_empty() && place.pointers(model, dim).len() > 1 {
            return Some(Batches::TwoRows { name, span, place: place.span });
        }
        reads.iter().find_map(|read| match read {
            Read::Points { pointer, axis } => self.other_row(dim, *pointer, model.axes[*axis].size.as_dim(), place),
            _ => None,
        })
    }

    /// Rows that are in the step by one label cannot point by another.
    fn other_row(&self, dim: DimId, pointer: NodeId, from: Option<DimId>, place: &Place) -> Option<Batches> {
        let follower = self.followers.iter().find(|follower| Some(follower.dim) == from);
        let end = |dim: DimId, pointer: NodeId| Pointer::new(pointer).end(&self.followers, dim);
        if follower.is_some_and(|f| end(f.leader, f.pointer).is_like(&self.model.graph, &end(dim, pointer))) {
            return None;
        }
        let from = from.map_or(String::new(), |from| self.name(from));
        let first = follower.map(|follower| follower.span);
        Some(Batches::OtherRow { name: self.name(self.leader), from, first, span: self.span, place: place.span })
    }

    /// Rows that follow a batch are those that point into it: of two batches hardly any point into both. Of two dims
    /// that meet it is said once.
    fn meeting(&self, before: &[Family], after: &[Family], place: &Place) -> Option<Batches> {
        let meets = |other: &&Family| {
            let (mine, others) = (self.touches(place), other.touches(place));
            matches!((mine, others), (Some(a), Some(b)) if a || b)
        };
        let said = before.iter().any(|other| meets(&other));
        let other = after.iter().find(meets).filter(|_| !said)?;
        let (name, other) = (self.name(self.leader), self.name(other.leader));
        Some(Batches::Meet { name, other, span: self.span, place: place.span })
    }

    /// Whether a statement reads rows of the batch, and then whether because it follows.
    fn touches(&self, place: &Place) -> Option<bool> {
        let own = |dim: DimId| place.over(self.model, dim).next().is_some();
        let follows = self.followers.iter().any(|follower| own(follower.dim));
        (follows || own(self.leader)).then_some(follows)
    }
}
