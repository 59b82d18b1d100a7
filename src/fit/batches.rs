//! Which rows each step of an epoch sees: a permutation from the seed, cut in order, the last batch ragged.

use std::sync::Arc;

use super::feed::Rows;
use crate::kernel::noise::{Index, Key, Stream};
use crate::plan::lower::Following;
use crate::shape::DimId;

/// How the rows of a dim are cut into batches, and those of other dims beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Batches {
    pub dim: DimId,
    pub rows: usize,
    pub batch: usize,
    /// The dims whose rows come with those that they point at.
    pub following: Arc<[Following]>,
    /// Other dims that are batched: each is gone through by itself.
    pub beside: Vec<Batches>,
}

impl Batches {
    pub fn new(dim: DimId, rows: usize, batch: usize) -> Batches {
        Batches { dim, rows, batch, following: [].into(), beside: vec![] }
    }

    /// Steps until every row of every dim was seen.
    pub fn per_epoch(&self) -> usize {
        self.cuts().map(Batches::per_pass).max().unwrap_or(1)
    }

    /// The dims one by one.
    fn cuts(&self) -> impl Iterator<Item = &Batches> {
        std::iter::once(self).chain(&self.beside)
    }

    fn per_pass(&self) -> usize {
        self.rows.div_ceil(self.batch)
    }

    /// Whether a step is the first in which some rows are in another order.
    pub fn turns_at(&self, step: usize) -> bool {
        self.cuts().any(|cut| step.is_multiple_of(cut.per_pass()))
    }

    /// The order of every dim in the pass that a step is in.
    pub fn orders(&self, seed: u64, step: usize) -> Vec<Vec<u32>> {
        self.cuts().map(|cut| cut.order(seed, (step / cut.per_pass()) as u64)).collect()
    }

    /// The order of every dim in a pass of this number.
    pub fn orders_of(&self, seed: u64, pass: u64) -> Vec<Vec<u32>> {
        self.cuts().map(|cut| cut.order(seed, pass)).collect()
    }

    /// The batch of a step, its rows ascending. Every row once a pass; without replacement within a batch.
    pub fn at(&self, orders: &[Vec<u32>], step: usize) -> Rows {
        let own = |(cut, order): (&Batches, &Vec<u32>)| {
            let start = (step % cut.per_pass()) * cut.batch;
            let mut ids = order[start..(start + cut.batch).min(cut.rows)].to_vec();
            ids.sort_unstable();
            cut.with_followers(ids)
        };
        together(self.cuts().zip(orders).map(own))
    }

    /// The order of one pass of this dim: Fisher and Yates' shuffle by counter-based noise.
    pub fn order(&self, seed: u64, pass: u64) -> Vec<u32> {
        let noise = Key { seed, stream: Stream::Data, step: pass, site: self.dim.index() as u32 }.noise();
        let mut order: Vec<u32> = (0..self.rows as u32).collect();
        for i in (1..order.len()).rev() {
            let bits = noise.bits(Index { component: i as u32, ..Index::default() });
            // The high half of a product is uniform on 0..=i, to within 2^-32.
            let j = ((u128::from(bits) * (i as u128 + 1)) >> 64) as usize;
            order.swap(i, j);
        }
        order
    }

    /// All rows in their own order, for values over the whole data: of several dims every batch of one with every batch of
    /// the others. Weighted by their shares they are the whole.
    pub fn in_order(&self) -> impl Iterator<Item = Rows> + '_ {
        (0..self.blocks()).map(|block| {
            let mut rest = block;
            let mut own = |cut: &Batches| {
                let start = (rest % cut.per_pass()) * cut.batch;
                rest /= cut.per_pass();
                cut.with_followers((start as u32..(start + cut.batch).min(cut.rows) as u32).collect())
            };
            together(self.cuts().map(&mut own).collect::<Vec<_>>())
        })
    }

    /// How many those are.
    pub fn blocks(&self) -> usize {
        self.cuts().map(Batches::per_pass).product()
    }

    /// The share of the whole data that a batch is.
    pub fn share(&self, rows: &Rows) -> f64 {
        self.cuts().map(|cut| rows.of(cut.dim).map_or(1.0, |ids| ids.len() as f64 / cut.rows as f64)).product()
    }

    /// The first rows, which stand for all where nothing is told of them.
    pub fn first(&self) -> Rows {
        together(self.cuts().map(|cut| cut.with_followers((0..cut.rows.min(1) as u32).collect())))
    }

    /// The batched dims and those that follow.
    pub fn has(&self, dim: DimId) -> bool {
        self.cuts().any(|cut| cut.dim == dim || cut.following.iter().any(|following| following.dim == dim))
    }

    fn with_followers(&self, ids: Vec<u32>) -> Rows {
        Rows::followed(self.dim, ids, &self.following)
    }
}

/// The rows of several dims in one step.
fn together(parts: impl IntoIterator<Item = Rows>) -> Rows {
    let mut parts = parts.into_iter();
    let mut rows = parts.next().unwrap_or_else(|| Rows::alone(DimId::new(0), vec![]));
    parts.for_each(|other| rows.join(other));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arena::Id;

    #[test]
    fn an_epoch_sees_every_row_once_in_another_order_each_time() {
        let batches = Batches::new(Id::new(0), 10, 4);
        let first = batches.orders(7, 0);
        let seen: Vec<u32> = (0..3).flat_map(|step| batches.at(&first, step).ids).collect();
        let mut sorted = seen.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..10).collect::<Vec<u32>>());
        assert_eq!(batches.at(&first, 2).ids.len(), 2);
        assert!(batches.at(&first, 0).ids.is_sorted());
        assert_ne!(first, batches.orders(7, 3));
        assert_ne!(first, batches.orders(8, 0));
    }

    /// The longer one sets the length of an epoch; the other goes on with another order.
    #[test]
    fn two_dims_are_gone_through_side_by_side() {
        let batches = Batches { beside: vec![Batches::new(Id::new(1), 5, 3)], ..Batches::new(Id::new(0), 10, 4) };
        assert_eq!((batches.per_epoch(), batches.turns_at(2), batches.turns_at(1)), (3, true, false));
        let rows = batches.at(&batches.orders(7, 1), 1);
        assert_eq!((rows.ids.len(), rows.of(Id::new(1)).map(<[u32]>::len)), (4, Some(2)));
        assert!((batches.share(&rows) - 0.4 * 0.4).abs() < 1e-15);
        let (mut shares, mut seen) = (0.0, vec![]);
        for rows in batches.in_order() {
            shares += batches.share(&rows);
            let other = rows.of(Id::new(1)).expect("rows").to_vec();
            seen.extend(rows.ids.iter().flat_map(|a| other.iter().map(move |b| (*a, *b))));
        }
        seen.sort_unstable();
        seen.dedup();
        assert!((shares - 1.0).abs() < 1e-12 && seen.len() == 50, "{shares} {}", seen.len());
    }

    #[test]
    fn every_place_is_equally_likely() {
        let batches = Batches::new(Id::new(0), 4, 1);
        let mut counts = [[0u32; 4]; 4];
        for epoch in 0..4000 {
            for (place, row) in batches.order(1, epoch).into_iter().enumerate() {
                counts[place][row as usize] += 1;
            }
        }
        // A binomial count of 4,000 at a quarter has sd 27; five of them.
        assert!(counts.iter().flatten().all(|n| n.abs_diff(1000) < 137), "{counts:?}");
    }
}
