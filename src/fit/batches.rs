//! Which rows each step of an epoch sees: a permutation from the seed, cut in order, the last batch ragged.

use std::sync::Arc;

use super::feed::Rows;
use crate::kernel::noise::{Index, Key, Stream};
use crate::plan::lower::Following;
use crate::shape::DimId;

/// How the rows of one dim are cut into batches.
#[derive(Debug, Clone, PartialEq)]
pub struct Batches {
    pub dim: DimId,
    pub rows: usize,
    pub batch: usize,
    /// The dims whose rows come with those that they point at.
    pub following: Arc<[Following]>,
}

impl Batches {
    pub fn per_epoch(&self) -> usize {
        self.rows.div_ceil(self.batch)
    }

    /// The batch of a step, its rows ascending. Every row once an epoch; without replacement within a batch.
    pub fn at(&self, order: &[u32], step: usize) -> Rows {
        let start = (step % self.per_epoch()) * self.batch;
        let mut ids = order[start..(start + self.batch).min(self.rows)].to_vec();
        ids.sort_unstable();
        self.followed(ids)
    }

    /// The order of an epoch: Fisher and Yates' shuffle by counter-based noise.
    pub fn order(&self, seed: u64, epoch: u64) -> Vec<u32> {
        let noise = Key { seed, stream: Stream::Data, step: epoch, site: self.dim.index() as u32 }.noise();
        let mut order: Vec<u32> = (0..self.rows as u32).collect();
        for i in (1..order.len()).rev() {
            let bits = noise.bits(Index { component: i as u32, ..Index::default() });
            // The high half of a product is uniform on 0..=i, to within 2^-32.
            let j = ((u128::from(bits) * (i as u128 + 1)) >> 64) as usize;
            order.swap(i, j);
        }
        order
    }

    /// All rows in their own order, for values over the whole data.
    pub fn in_order(&self) -> impl Iterator<Item = Rows> + '_ {
        (0..self.per_epoch()).map(|step| {
            let start = step * self.batch;
            let end = (start + self.batch).min(self.rows);
            self.followed((start as u32..end as u32).collect())
        })
    }

    /// The first row, which stands for all where nothing is told of them.
    pub fn first(&self) -> Rows {
        self.followed((0..self.rows.min(1) as u32).collect())
    }

    fn followed(&self, ids: Vec<u32>) -> Rows {
        Rows::followed(self.dim, ids, &self.following)
    }

    /// The batched dim and those that follow.
    pub fn has(&self, dim: DimId) -> bool {
        self.dim == dim || self.following.iter().any(|following| following.dim == dim)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arena::Id;

    #[test]
    fn an_epoch_sees_every_row_once_in_another_order_each_time() {
        let batches = Batches { dim: Id::new(0), rows: 10, batch: 4, following: [].into() };
        let first = batches.order(7, 0);
        let seen: Vec<u32> = (0..3).flat_map(|step| batches.at(&first, step).ids).collect();
        let mut sorted = seen.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..10).collect::<Vec<u32>>());
        assert_eq!(batches.at(&first, 2).ids.len(), 2);
        assert!(batches.at(&first, 0).ids.is_sorted());
        assert_ne!(first, batches.order(7, 1));
        assert_ne!(first, batches.order(8, 0));
    }

    #[test]
    fn every_place_is_equally_likely() {
        let batches = Batches { dim: Id::new(0), rows: 4, batch: 1, following: [].into() };
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
