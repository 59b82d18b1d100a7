//! The path of an ascent as means of blocks of steps: what says whether it has settled, at a bounded cost.

use super::state::Buffer;
use crate::diagnose::convergence::{batch_means_mcse, split_rhat};

/// Means of equally long runs of steps, the oldest first. Where there are too many, pairs become one.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Blocks {
    most: usize,
    /// Steps behind one mean.
    length: usize,
    means: Vec<Vec<f64>>,
    /// Of the block that is not full yet.
    sum: Vec<f64>,
    count: usize,
}

impl Blocks {
    pub fn new(most: usize, length: usize, width: usize) -> Blocks {
        Blocks { most, length, means: vec![], sum: vec![0.0; width], count: 0 }
    }

    /// Takes the vector after a step; true where a block was filled.
    pub fn push(&mut self, vector: &[f64]) -> bool {
        self.sum.iter_mut().zip(vector).for_each(|(sum, x)| *sum += x);
        self.count += 1;
        if self.count < self.length {
            return false;
        }
        let count = self.count as f64;
        self.means.push(self.sum.iter().map(|sum| sum / count).collect());
        self.sum.fill(0.0);
        self.count = 0;
        if self.means.len() == self.most {
            let halves = self.means.chunks_exact(2);
            self.means = halves.map(|two| two[0].iter().zip(&two[1]).map(|(a, b)| 0.5 * (a + b)).collect()).collect();
            self.length *= 2;
        }
        true
    }

    pub fn clear(&mut self, length: usize) {
        self.means.clear();
        self.sum.fill(0.0);
        (self.count, self.length) = (0, length);
    }

    pub fn len(&self) -> usize {
        self.means.len()
    }

    /// The mean over some blocks.
    pub fn mean(&self, range: std::ops::Range<usize>) -> Option<Vec<f64>> {
        let blocks = self.means.get(range).filter(|blocks| !blocks.is_empty())?;
        let mut mean = vec![0.0; self.sum.len()];
        for block in blocks {
            mean.iter_mut().zip(block).for_each(|(sum, x)| *sum += x);
        }
        mean.iter_mut().for_each(|sum| *sum /= blocks.len() as f64);
        Some(mean)
    }

    /// Whether every coordinate is stationary from this block on: its two halves agree.
    pub fn stationary(&self, from: usize, most: f64) -> bool {
        (0..self.sum.len()).all(|i| split_rhat(&self.series(from, i)) < most)
    }

    /// The variance of the mean of every coordinate from this block on.
    pub fn errors(&self, from: usize) -> Vec<f64> {
        (0..self.sum.len()).map(|i| batch_means_mcse(&self.series(from, i)).powi(2)).collect()
    }

    fn series(&self, from: usize, coordinate: usize) -> Vec<f64> {
        self.means[from..].iter().map(|block| block[coordinate]).collect()
    }

    pub fn buffers(&self) -> Vec<Buffer> {
        let buffer = |name: &str, values: Vec<f64>| Buffer { name: name.into(), values };
        let counts = [self.length, self.means.len(), self.count].map(|n| n as f64);
        vec![buffer("blocks", counts.to_vec()), buffer("means", self.means.concat()), buffer("sum", self.sum.clone())]
    }

    /// False, and nothing changed, where the buffers are of another width.
    pub fn restore(&mut self, buffers: &[Buffer]) -> bool {
        let find =
            |name: &str| buffers.iter().find(|buffer| buffer.name == name).map(|buffer| buffer.values.as_slice());
        let (Some([length, blocks, count]), Some(means), Some(sum)) = (find("blocks"), find("means"), find("sum"))
        else {
            return false;
        };
        let width = self.sum.len();
        if sum.len() != width || means.len() != *blocks as usize * width || *length < 1.0 {
            return false;
        }
        (self.length, self.count) = (*length as usize, *count as usize);
        self.sum.copy_from_slice(sum);
        self.means = means.chunks(width.max(1)).map(<[f64]>::to_vec).collect();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_become_one_and_means_stay() {
        let mut blocks = Blocks::new(4, 2, 1);
        let filled: Vec<bool> = (0..9).map(|i| blocks.push(&[f64::from(i)])).collect();
        assert_eq!(filled, [false, true, false, true, false, true, false, true, false]);
        // Eight steps in two blocks of four, and one step beside them.
        assert_eq!((blocks.len(), blocks.length, blocks.count), (2, 4, 1));
        assert_eq!((blocks.mean(0..1), blocks.mean(0..2), blocks.mean(2..2)), (Some(vec![1.5]), Some(vec![3.5]), None));
        let mut other = Blocks::new(4, 2, 1);
        assert!(other.restore(&blocks.buffers()));
        assert_eq!(other, blocks);
        assert!(!Blocks::new(4, 2, 3).restore(&blocks.buffers()));
    }
}
