//! Means and variances of vectors, one vector at a time (Welford 1962, "Note on a method for calculating corrected sums of
//! squares and products"), and how sure the variances are.

use super::{Block, Gap};
use crate::fit::Estimate;

/// Of gradients so far.
#[derive(Debug, Clone)]
pub struct Moments {
    pub count: f64,
    pub mean: Vec<f64>,
    squares: Vec<f64>,
    spread: Option<Spread>,
}

/// Squared distances from the reference, of all parameters and of each block: their own variance says how sure the
/// variance is.
#[derive(Debug, Clone)]
pub struct Spread {
    about: Vec<f64>,
    ranges: Vec<(usize, usize)>,
    /// Sums of distances and of their squares.
    sums: Vec<[f64; 2]>,
}

impl Spread {
    pub fn about(truth: &Moments, blocks: &[Block]) -> Spread {
        let all = (0, truth.mean.len());
        let ranges: Vec<_> = std::iter::once(all).chain(blocks.iter().map(|b| (b.start, b.start + b.len))).collect();
        Spread { about: truth.mean.clone(), sums: vec![[0.0; 2]; ranges.len()], ranges }
    }

    fn add(&mut self, values: &[f64]) {
        for ((from, to), [sum, square]) in self.ranges.iter().zip(&mut self.sums) {
            let gaps = values[*from..*to].iter().zip(&self.about[*from..*to]);
            let distance: f64 = gaps.map(|(value, about)| (value - about).powi(2)).sum();
            *sum += distance;
            *square += distance * distance;
        }
    }
}

impl Moments {
    pub fn new(len: usize, spread: Option<Spread>) -> Moments {
        Moments { count: 0.0, mean: vec![0.0; len], squares: vec![0.0; len], spread }
    }

    pub fn add(&mut self, values: &[f64]) {
        self.count += 1.0;
        for ((mean, square), value) in self.mean.iter_mut().zip(&mut self.squares).zip(values) {
            let gap = value - *mean;
            *mean += gap / self.count;
            *square += gap * (value - *mean);
        }
        if let Some(spread) = &mut self.spread {
            spread.add(values);
        }
    }

    /// Of one vector; 0 where there is one.
    fn variance(&self, at: usize) -> f64 {
        if self.count > 1.0 { self.squares[at] / (self.count - 1.0) } else { 0.0 }
    }

    /// These against others, over a run of coordinates; the spread of which is at `place`.
    pub fn gap(&self, truth: &Moments, start: usize, len: usize, place: usize) -> Gap {
        let (mut distance, mut error, mut variance, mut furthest) = (0.0, 0.0, 0.0, 0f64);
        for at in start..start + len {
            let own = self.variance(at);
            let squared = own / self.count + truth.variance(at) / truth.count;
            let gap = self.mean[at] - truth.mean[at];
            // Rounding is no bias.
            let rounding = ROUNDING * (self.mean[at].abs() + truth.mean[at].abs());
            distance += gap * gap;
            error += squared;
            variance += own;
            furthest = furthest.max(if gap.abs() <= rounding { 0.0 } else { gap.abs() / squared.sqrt() });
        }
        let of_distances = self.spread.as_ref().map_or(0.0, |spread| {
            let [sum, square] = spread.sums[place];
            (square / self.count - (sum / self.count).powi(2)).max(0.0) / self.count
        });
        Gap {
            bias: Estimate { mean: f64::sqrt(distance), se: f64::sqrt(error) },
            furthest,
            variance: Estimate { mean: variance, se: of_distances.sqrt() },
        }
    }
}

const ROUNDING: f64 = 1e-10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_all_vectors_together() {
        let mut truth = Moments::new(2, None);
        truth.add(&[1.0, 0.0]);
        let blocks = [Block { name: "b".into(), start: 1, len: 1, norm: 0.0 }];
        let mut found = Moments::new(2, Some(Spread::about(&truth, &blocks)));
        for values in [[1.0, 2.0], [3.0, 4.0], [2.0, 0.0]] {
            found.add(&values);
        }
        assert_eq!((found.mean.clone(), found.variance(0), found.variance(1)), (vec![2.0, 2.0], 1.0, 4.0));
        let all = found.gap(&truth, 0, 2, 0);
        assert!((all.bias.mean - 5f64.sqrt()).abs() < 1e-15 && (all.variance.mean - 5.0).abs() < 1e-15, "{all:?}");
        assert!((all.bias.se - (5.0 / 3.0f64).sqrt()).abs() < 1e-15, "{all:?}");
        // A gap of 1 with variance 1, and one of 2 with variance 4.
        assert!((all.furthest - 3f64.sqrt()).abs() < 1e-14, "{all:?}");
        // Squared distances of the block: 4, 16 and 0.
        let block = found.gap(&truth, 1, 1, 1);
        let spread = (16.0 + 256.0) / 3.0 - (20.0 / 3.0f64).powi(2);
        assert!((block.variance.se - (spread / 3.0).sqrt()).abs() < 1e-12, "{block:?}");
        // One vector has no variance.
        assert_eq!(truth.gap(&truth, 0, 2, 0).variance, Estimate { mean: 0.0, se: 0.0 });
    }
}
