//! Rows that follow a batch: which rows of other dims point at those of a batched one, and how a plan is told.
//!
//! How many they are differs from batch to batch. So that few plans are made, a plan has room for somewhat more: the last
//! row is repeated, and a mask takes the copies out of every sum.

use std::collections::{BTreeMap, BTreeSet};

use super::value::Label;
use super::{Batch, Given, InputKind, Lowerer, OutputKind, Trouble, Value, bug};
use crate::data::Bound;
use crate::elbo::Elbo;
use crate::model::follow::{Follower, followers};
use crate::plan::{Binary, reference};
use crate::shape::{AxisId, AxisKind, DimId};

/// The rows of a dim by the row of the batched one that they point at, directly or through rows of other dims.
#[derive(Debug, Clone, PartialEq)]
pub struct Following {
    pub dim: DimId,
    /// Where those of each row of the batched dim begin, and where the last ones end.
    starts: Vec<usize>,
    rows: Vec<u32>,
    /// The most that point at so many rows of the batched dim.
    most: Vec<usize>,
}

/// All dims that follow batches of this one.
pub fn following(elbo: &Elbo, data: &Bound, leader: DimId) -> Result<Vec<Following>, Trouble> {
    let count = data.dims.get(&leader).copied().unwrap_or(0);
    let mut ends: BTreeMap<DimId, Vec<u32>> = [(leader, (0..count as u32).collect())].into();
    let mut found = vec![];
    for follower in followers(&elbo.model, leader) {
        let Some(of) = ends.get(&follower.leader) else { return bug("a dim that follows one not yet met") };
        let direct = pointers(elbo, data, &follower)?;
        let Some(end) = direct.iter().map(|row| of.get(*row as usize).copied()).collect::<Option<Vec<u32>>>() else {
            return bug("a row that points beyond the last one");
        };
        found.push(Following::new(follower.dim, count, &end));
        ends.insert(follower.dim, end);
    }
    Ok(found)
}

impl Following {
    /// `end` is the row of the batched dim at which each row points.
    fn new(dim: DimId, leaders: usize, end: &[u32]) -> Following {
        let mut starts = vec![0; leaders + 1];
        end.iter().for_each(|row| starts[*row as usize + 1] += 1);
        let mut counts = starts[1..].to_vec();
        counts.sort_unstable_by(|a, b| b.cmp(a));
        let mut most = vec![0];
        counts.iter().for_each(|count| most.push(most[most.len() - 1] + count));
        (0..leaders).for_each(|row| starts[row + 1] += starts[row]);
        let (mut next, mut rows) = (starts.clone(), vec![0; end.len()]);
        for (row, to) in end.iter().enumerate() {
            rows[next[*to as usize]] = row as u32;
            next[*to as usize] += 1;
        }
        Following { dim, starts, rows, most }
    }

    /// The rows that point at one of these, ascending.
    pub fn of(&self, leaders: &[u32]) -> Vec<u32> {
        let of = |row: &u32| &self.rows[self.starts[*row as usize]..self.starts[*row as usize + 1]];
        let mut rows: Vec<u32> = leaders.iter().flat_map(of).copied().collect();
        rows.sort_unstable();
        rows
    }

    /// How many rows a plan has room for where so many point at so many rows of the batched dim: at most an eighth more,
    /// and never more than can come.
    pub fn room(&self, count: usize, leaders: usize) -> usize {
        let step = (count.next_power_of_two() / 16).max(1);
        count.next_multiple_of(step).min(self.most[leaders])
    }
}

/// The row that each row of a dim points at.
fn pointers(elbo: &Elbo, data: &Bound, follower: &Follower) -> Result<Vec<u32>, Trouble> {
    let batch = Batch::draws(1);
    let mut lowerer = Lowerer::new(elbo, data, &batch, Given::Guide)?;
    let value = lowerer.lower(follower.pointer)?;
    let value = lowerer.expanded(&value, &[Label::Axis(follower.axis)])?;
    let program = lowerer.program([(OutputKind::Bound, value.id)])?;
    match reference::evaluate_once(&program.plan, &[]) {
        Ok(mut outputs) => Ok(outputs.swap_remove(0).into_iter().map(|row| row as u32).collect()),
        Err(failure) => bug(format!("the rows that follow a batch: {failure:?}")),
    }
}

/// Of the dims of a plan, those that follow a batch, each with the batched one.
pub(super) fn led(elbo: &Elbo, batch: &Batch) -> BTreeMap<DimId, DimId> {
    let of = |leader: DimId| followers(&elbo.model, leader).into_iter().map(move |follower| (follower.dim, leader));
    let mut all: Vec<(DimId, DimId)> = batch.rows.keys().copied().flat_map(of).collect();
    // Some of the dims lead others and follow themselves.
    let follow: BTreeSet<DimId> = all.iter().map(|(dim, _)| *dim).collect();
    all.retain(|(dim, leader)| batch.rows.contains_key(dim) && !follow.contains(leader));
    all.into_iter().collect()
}

impl Lowerer<'_> {
    /// The dim of a plate of which a step sees some rows.
    pub(super) fn drawn_dim(&self, axis: AxisId) -> Option<DimId> {
        let axis = &self.axes[axis];
        axis.size.as_dim().filter(|dim| axis.kind == AxisKind::Plate && self.batch.rows.contains_key(dim))
    }

    /// What the rows of a step stand for in plates over these dims.
    pub(super) fn scale_of(&self, dims: impl Iterator<Item = DimId>) -> f64 {
        let drawn = dims.filter(|dim| self.batch.rows.contains_key(dim));
        let leaders: BTreeSet<DimId> = drawn.map(|dim| self.led.get(&dim).copied().unwrap_or(dim)).collect();
        leaders.iter().map(|dim| self.data.dims[dim] as f64 / self.batch.rows[dim] as f64).product()
    }

    /// What the rows of a batch stand for in these plates.
    pub(super) fn scale(&self, plates: &[AxisId]) -> f64 {
        self.scale_of(plates.iter().filter_map(|axis| self.axes[*axis].size.as_dim()))
    }

    /// Nothing points into the batch from these plates.
    pub(super) fn is_empty(&self, plates: &[AxisId]) -> bool {
        plates.iter().filter_map(|axis| self.drawn_dim(*axis)).any(|dim| self.batch.rows[&dim] == 0)
    }

    /// A value in its plates, 0 at rows that only fill up.
    pub(super) fn counted(&mut self, value: &Value, plates: &[AxisId]) -> Result<Value, Trouble> {
        let mut value = value.clone();
        for axis in plates {
            let Some(dim) = self.drawn_dim(*axis).filter(|dim| self.led.contains_key(dim)) else { continue };
            let mask = self.of_rows(InputKind::Mask(dim), "rows", dim, Label::Axis(*axis))?;
            value = self.binary(Binary::Mul, &value, &mask)?;
        }
        Ok(value)
    }

    /// The row of the data at each place of a plate of which a step sees some rows.
    pub(super) fn numbers(&mut self, axis: AxisId, dim: DimId) -> Result<Value, Trouble> {
        self.of_rows(InputKind::Numbers(dim), "numbers", dim, Label::Axis(axis))
    }

    /// Rows of the data to the places at which a step has them.
    pub(super) fn placed(&mut self, row: &Value, dim: DimId) -> Result<Value, Trouble> {
        let drawn = |label: &Label| if let Label::Axis(axis) = label { self.drawn_dim(*axis) } else { None };
        let points = row.labels.iter().any(|label| drawn(label).is_some_and(|from| self.led.contains_key(&from)));
        if !points {
            return bug(format!("rows of {} are read that a step does not hold", self.elbo.model.dims[dim].name));
        }
        let name = format!("places.{}", self.elbo.model.dims[dim].name);
        let table = self.input(InputKind::Places(dim), name, vec![self.data.dims[&dim]])?;
        self.gather(&Value::plain(table, 1), 0, row)
    }

    fn of_rows(&mut self, kind: InputKind, what: &str, dim: DimId, label: Label) -> Result<Value, Trouble> {
        let name = format!("{what}.{}", self.elbo.model.dims[dim].name);
        let id = self.input(kind, name, vec![self.batch.rows[&dim]])?;
        Ok(Value { id, labels: vec![label], event: 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_by_what_they_point_at() {
        let dim = DimId::new(0);
        let following = Following::new(dim, 4, &[2, 0, 2, 3, 2, 0]);
        assert_eq!(following.of(&[0, 2]), [0, 1, 2, 4, 5]);
        assert_eq!(following.of(&[1]), [] as [u32; 0]);
        assert_eq!(following.most, [0, 3, 5, 6, 6]);
        assert_eq!((following.room(5, 2), following.room(0, 1)), (5, 0));
    }

    #[test]
    fn room_is_for_an_eighth_more_at_most() {
        let ends: Vec<u32> = (0..5000).map(|row| row % 2).collect();
        let following = Following::new(DimId::new(0), 2, &ends);
        let mut rooms = BTreeSet::new();
        for count in 1..=5000 {
            let room = following.room(count, 2);
            assert!(room >= count && room as f64 <= 1.125 * count as f64 && room <= 5000, "{count} {room}");
            rooms.insert(room);
        }
        assert!(rooms.len() < 90, "{}", rooms.len());
        // Where all have equally many, nothing is filled up.
        assert_eq!(following.room(2500, 1), 2500);
    }
}
