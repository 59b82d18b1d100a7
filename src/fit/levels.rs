//! When an ascent along noisy gradients has arrived, where the cost of an error is known in nats.
//!
//! Level after level of constant rate: until the path is stationary (split R-hat), then until its average is known well
//! enough, then again at half the rate from there. It ends where two levels agree (Welandawe, Andersen, Vehtari &
//! Huggins, "A framework for improving the reliability of black-box variational inference", JMLR 25, 2024).

use super::blocks::Blocks;
use super::state::Buffer;

/// Steps between two looks, and behind the shortest block.
const LOOK: usize = 400;
const BLOCK: usize = 10;
/// Blocks that are held, and the numbers in them.
const BLOCKS: std::ops::RangeInclusive<usize> = 40..=400;
const MEMORY: usize = 1 << 22;
/// A path that has not settled in so many steps is taken up from its average in coordinates of its own.
const RESTLESS: usize = 10 * LOOK;
/// Below this, two halves of a path agree.
const STATIONARY: f64 = 1.1;
/// Nats that the error of an average may cost.
const ERROR: f64 = 0.01;
/// The symmetrized divergence of the guides of two levels that agree.
const AGREE: f64 = 0.02;
/// A log scale that has moved this far found none.
pub(super) const RUNAWAY: f64 = 20.0;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Levels {
    /// What the square of an error of each coordinate costs.
    weights: Vec<f64>,
    /// Whether it ends where levels agree, or goes on to the last step.
    ends: bool,
    blocks: Blocks,
    level: u32,
    /// How often the coordinates were made anew within the first level.
    renewed: u32,
    /// Within the level.
    steps: usize,
    /// The average of the level before, and what its error costs.
    before: Option<(Vec<f64>, f64)>,
    pub ended: bool,
}

impl Levels {
    pub fn new(weights: Vec<f64>, ends: bool) -> Levels {
        let most = (MEMORY / weights.len().max(1)).clamp(*BLOCKS.start(), *BLOCKS.end());
        // Pairs of them become one.
        let blocks = Blocks::new(most / 2 * 2, BLOCK, weights.len());
        Levels { weights, ends, blocks, level: 0, renewed: 0, steps: 0, before: None, ended: false }
    }

    /// What the rate is multiplied by.
    pub fn rate(&self) -> f64 {
        0.5f64.powi(self.level as i32)
    }

    /// After a step to `vector`, which is moved to the average where a new level begins, or where the coordinates are to be
    /// made anew: then true.
    pub fn after(&mut self, vector: &mut [f64]) -> bool {
        self.blocks.push(vector);
        self.steps += 1;
        if !self.steps.is_multiple_of(LOOK) {
            return false;
        }
        let Some(from) = self.settled() else { return self.restless(vector) };
        let errors = self.blocks.errors(from);
        let error: f64 = errors.iter().zip(&self.weights).map(|(e, w)| e * w).sum();
        if error < ERROR {
            self.next(vector, from, error);
            return !self.ended;
        }
        self.restless(vector)
    }

    /// Within the first level, where nothing is compared yet; each time is twice as far off.
    fn restless(&mut self, vector: &mut [f64]) -> bool {
        let due = self.before.is_none() && self.steps >= RESTLESS << self.renewed.min(16);
        let blocks = self.blocks.len();
        let Some(average) = self.blocks.mean(blocks / 2..blocks).filter(|_| due) else { return false };
        vector.copy_from_slice(&average);
        self.renewed += 1;
        self.steps = 0;
        self.blocks.clear(BLOCK);
        true
    }

    /// The vector is now 0, in other coordinates.
    pub fn moved(&mut self) {
        if let Some((average, _)) = &mut self.before {
            average.fill(0.0);
        }
    }

    /// The first block of the longest end of this level that is stationary.
    fn settled(&self) -> Option<usize> {
        let blocks = self.blocks.len();
        [0, blocks / 4, blocks / 2].into_iter().find(|from| self.blocks.stationary(*from, STATIONARY))
    }

    fn next(&mut self, vector: &mut [f64], from: usize, error: f64) {
        let Some(average) = self.blocks.mean(from..self.blocks.len()) else { return };
        if let Some((before, earlier)) = &self.before {
            let apart =
                before.iter().zip(&average).zip(&self.weights).map(|((a, b), w)| w * (a - b).powi(2)).sum::<f64>();
            // Averages that are the same but for their errors are this far apart, and seldom further: a sum of as many
            // squares as there are coordinates, two of its sds up.
            let by_chance = (error + earlier) * (1.0 + 2.0 * (2.0 / average.len() as f64).sqrt());
            self.ended = self.ends && 2.0 * (apart - by_chance) < AGREE;
        }
        vector.copy_from_slice(&average);
        self.before = Some((average, error));
        if !self.ended {
            self.level += 1;
            self.steps = 0;
            self.blocks.clear(BLOCK);
        }
    }

    /// The last average, or the end of a path that is too short for one.
    pub fn answer(&self, vector: &[f64]) -> Vec<f64> {
        let blocks = self.blocks.len();
        match &self.before {
            Some((average, _)) if self.ended || self.steps < LOOK => average.clone(),
            _ => self.blocks.mean(blocks / 2..blocks).unwrap_or_else(|| vector.to_vec()),
        }
    }

    pub fn buffers(&self) -> Vec<Buffer> {
        let counts = [f64::from(self.level), f64::from(self.renewed), self.steps as f64, f64::from(self.ended)];
        let mut buffers = vec![Buffer { name: "level".into(), values: counts.to_vec() }];
        if let Some((average, error)) = &self.before {
            buffers.push(Buffer { name: "average".into(), values: average.clone() });
            buffers.push(Buffer { name: "error".into(), values: vec![*error] });
        }
        buffers.extend(self.blocks.buffers());
        buffers
    }

    /// False where the buffers are of another ascent.
    pub fn restore(&mut self, buffers: &[Buffer]) -> bool {
        let find =
            |name: &str| buffers.iter().find(|buffer| buffer.name == name).map(|buffer| buffer.values.as_slice());
        let Some([level, renewed, steps, ended]) = find("level") else { return false };
        if !self.blocks.restore(buffers) {
            return false;
        }
        (self.level, self.renewed) = (*level as u32, *renewed as u32);
        (self.steps, self.ended) = (*steps as usize, *ended != 0.0);
        self.before = find("average").zip(find("error")).map(|(average, error)| (average.to_vec(), error[0]));
        self.before.as_ref().is_none_or(|(average, _)| average.len() == self.weights.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::noise::{Index, Key, Stream};

    /// Steps against the noisy gradient of x^2/2 - 3x, biased in proportion to the rate as real ones are.
    fn ascend(levels: &mut Levels, vector: &mut [f64], steps: usize, bias: f64) -> usize {
        let noise = Key { seed: 2, stream: Stream::Train, step: 0, site: 0 }.noise();
        for step in 0..steps {
            let rate = 0.1 * levels.rate();
            for (i, x) in vector.iter_mut().enumerate() {
                let e = noise.normal(Index { row: step as u32, component: i as u32, ..Index::default() });
                *x -= rate * (*x - 3.0 - bias * rate + e);
            }
            levels.after(vector);
            if levels.ended {
                return step + 1;
            }
        }
        steps
    }

    #[test]
    fn it_ends_near_the_optimum_and_not_before() {
        let mut levels = Levels::new(vec![0.5; 4], true);
        let mut vector = vec![-10.0; 4];
        let steps = ascend(&mut levels, &mut vector, 100_000, 4.0);
        assert!(levels.ended && levels.level >= 2, "{steps} steps, level {}", levels.level);
        let cost: f64 = levels.answer(&vector).iter().map(|x| 0.5 * (x - 3.0).powi(2)).sum();
        assert!(cost < 0.04, "{cost} nats after {steps} steps");
    }

    #[test]
    fn a_path_that_never_settles_does_not_end() {
        let mut levels = Levels::new(vec![0.5], true);
        let mut vector = [0.0];
        for _ in 0..20_000 {
            vector[0] += 0.01;
            levels.after(&mut vector);
        }
        assert!(!levels.ended && levels.level == 0);
    }

    #[test]
    fn it_goes_on_from_its_buffers() {
        let mut whole = Levels::new(vec![0.5; 2], true);
        let mut vector = vec![0.0; 2];
        ascend(&mut whole, &mut vector, 3_333, 0.0);
        let mut restored = Levels::new(vec![0.5; 2], true);
        assert!(restored.restore(&whole.buffers()));
        assert_eq!(restored, whole);
        assert!(!Levels::new(vec![0.5; 3], true).restore(&whole.buffers()));
    }
}
