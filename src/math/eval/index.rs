//! One entry or a part of an array.

use std::rc::Rc;

use super::{Eval, Positions, Result, Values};
use crate::math::{NodeId, Op, Pick};
use crate::problem::Bug;

impl Eval<'_> {
    pub(super) fn index(&self, a: NodeId, picks: &[Pick], positions: &Positions) -> Result<Values> {
        let sizes = self.sizes(a)?;
        let mut ranges: Vec<(i64, i64)> = sizes.iter().map(|n| (0, *n as i64)).collect();
        for (range, pick) in ranges.iter_mut().zip(picks) {
            let one = |i: i64| (i, i + 1);
            *range = match pick {
                Pick::Row(axis) => one(((self.env.first)(*axis) + positions[axis]) as i64),
                Pick::Lag(axis, lag) => one(positions[axis] as i64 - *lag as i64),
                Pick::At(id) => one(self.number(*id, positions)? as i64),
                Pick::Slice(from, to) => (self.size(from)? as i64, self.size(to)? as i64),
            };
        }
        if ranges.iter().zip(&sizes).any(|((from, to), size)| *from < 0 || *to > *size as i64) {
            return Err(Bug(format!("an index of {:?} is outside {sizes:?}", self.graph.nodes[a].op)));
        }
        let (values, skip) = self.rows(a, &ranges[..picks.len()], positions)?;
        let mut places = vec![0];
        for ((from, to), size) in ranges.iter().zip(&sizes).skip(skip) {
            places = places.iter().flat_map(|p| (*from..*to).map(move |i| p * size + i as usize)).collect();
        }
        Ok(places.into_iter().map(|p| values[p]).collect())
    }

    /// The array that is indexed, and how many of its axes are taken already. One row of what varies over plates is
    /// computed alone: of a chain, later rows may not be there yet.
    fn rows(&self, a: NodeId, ranges: &[(i64, i64)], positions: &Positions) -> Result<(Rc<Values>, usize)> {
        if let Op::Lift(inside, axes) = &self.graph.nodes[a].op
            && ranges.len() >= axes.len()
            && ranges[..axes.len()].iter().all(|(from, to)| to - from == 1)
        {
            let mut at = positions.clone();
            at.extend(axes.iter().zip(ranges).map(|(axis, (from, _))| (*axis, *from as usize)));
            return Ok((self.shared(*inside, &at)?, axes.len()));
        }
        Ok((self.shared(a, positions)?, 0))
    }

    pub(super) fn take(&self, table: NodeId, index: NodeId, positions: &Positions) -> Result<Values> {
        let (k, shared) = (self.last(table)?, self.graph.event(table).len() == 1);
        let (table, index) = (self.shared(table, positions)?, self.at(index, positions)?);
        let entry = |(i, k_i): (usize, &f64)| {
            let (row, k_i) = (if shared { 0 } else { i }, *k_i as usize);
            if k_i < k { Ok(table[row * k + k_i]) } else { Err(Bug(format!("no entry {k_i} of {k}"))) }
        };
        index.iter().enumerate().map(entry).collect()
    }
}
