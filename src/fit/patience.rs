//! When an ascent along noisy gradients has nothing more to gain, where only the bound itself tells: with nets, with
//! written factors, with an optimizer of the user's.
//!
//! The averaged parameters are compared with those a third of the run earlier, on the same rows and the same noise.

use super::Failure;
use super::blocks::Blocks;
use super::state::Buffer;

/// Blocks of steps that are held.
const MOST_BLOCKS: usize = 16;
/// Comparisons without a gain that end it.
pub(super) const PATIENCE: usize = 3;
/// A gain that counts, in nats; of nets relative to the bound.
const GAIN: f64 = 0.01;
const GAIN_OF_NETS: f64 = 1e-4;

/// By how much one bound is above another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Gain {
    pub mean: f64,
    pub se: f64,
    /// The bound itself.
    pub bound: f64,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Patience {
    patience: usize,
    /// With nets a stall ends it; else the rate is halved until that gains nothing either.
    nets: bool,
    /// Steps between two looks.
    look: usize,
    blocks: Blocks,
    level: u32,
    strikes: usize,
    before: Option<Vec<f64>>,
    pub ended: bool,
}

/// Compares two vectors: by how much the bound of the first is larger.
pub(super) type Compare<'a> = dyn FnMut(&[f64], &[f64]) -> Result<Gain, Failure> + 'a;

impl Patience {
    pub fn new(width: usize, look: usize, patience: usize, nets: bool) -> Patience {
        let blocks = Blocks::new(MOST_BLOCKS, look, width);
        Patience { patience, nets, look, blocks, level: 0, strikes: 0, before: None, ended: false }
    }

    /// What the rate is multiplied by.
    pub fn rate(&self) -> f64 {
        0.5f64.powi(self.level as i32)
    }

    /// After a step to `vector`, which a new level moves to the average of the last.
    pub fn after(&mut self, vector: &mut [f64], compare: &mut Compare) -> Result<(), Failure> {
        if !self.blocks.push(vector) {
            return Ok(());
        }
        let blocks = self.blocks.len();
        let third = |k: usize| k * blocks / 3;
        let (Some(now), Some(earlier)) = (self.blocks.mean(third(2)..blocks), self.blocks.mean(third(1)..third(2)))
        else {
            return Ok(());
        };
        self.strikes = if self.gains(compare(&now, &earlier)?) { 0 } else { self.strikes + 1 };
        if self.strikes < self.patience {
            return Ok(());
        }
        let stalled = match &self.before {
            _ if self.nets => true,
            Some(before) => !self.gains(compare(&now, before)?),
            None => false,
        };
        vector.copy_from_slice(&now);
        self.before = Some(now);
        self.ended = stalled;
        if !stalled {
            self.level += 1;
            self.strikes = 0;
            self.blocks.clear(self.look);
        }
        Ok(())
    }

    fn gains(&self, gain: Gain) -> bool {
        let least = if self.nets { GAIN_OF_NETS * gain.bound.abs() } else { GAIN };
        gain.mean > least.max(2.0 * gain.se)
    }

    /// The average over the last third.
    pub fn answer(&self, vector: &[f64]) -> Vec<f64> {
        let blocks = self.blocks.len();
        match &self.before {
            Some(average) if self.ended || blocks < 3 => average.clone(),
            _ => self.blocks.mean(2 * blocks / 3..blocks).unwrap_or_else(|| vector.to_vec()),
        }
    }

    pub fn buffers(&self) -> Vec<Buffer> {
        let counts = [f64::from(self.level), self.strikes as f64, f64::from(self.ended)];
        let mut buffers = vec![Buffer { name: "level".into(), values: counts.to_vec() }];
        buffers.extend(self.before.iter().map(|average| Buffer { name: "average".into(), values: average.clone() }));
        buffers.extend(self.blocks.buffers());
        buffers
    }

    /// False where the buffers are of another ascent.
    pub fn restore(&mut self, buffers: &[Buffer]) -> bool {
        let find =
            |name: &str| buffers.iter().find(|buffer| buffer.name == name).map(|buffer| buffer.values.as_slice());
        let Some([level, strikes, ended]) = find("level") else { return false };
        if !self.blocks.restore(buffers) {
            return false;
        }
        (self.level, self.strikes, self.ended) = (*level as u32, *strikes as usize, *ended != 0.0);
        self.before = find("average").map(<[f64]>::to_vec);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A path that closes in on 1, by halves of what is left every ten steps.
    fn run(nets: bool, most: usize) -> (Patience, usize) {
        let mut patience = Patience::new(1, 10, PATIENCE, nets);
        let mut compare = |now: &[f64], before: &[f64]| -> Result<Gain, Failure> {
            let bound = |x: f64| -100.0 * (x - 1.0).powi(2) - 50.0;
            Ok(Gain { mean: bound(now[0]) - bound(before[0]), se: 0.0, bound: bound(now[0]) })
        };
        let mut vector = [0.0];
        for step in 1..=most {
            vector[0] += (1.0 - vector[0]) * (1.0 - 0.5f64.powf(0.1));
            patience.after(&mut vector, &mut compare).expect("nothing fails");
            if patience.ended {
                return (patience, step);
            }
        }
        (patience, most)
    }

    #[test]
    fn it_ends_after_so_many_looks_without_a_gain() {
        let (patience, steps) = run(true, 10_000);
        assert!(patience.ended && steps < 1_000, "{steps}");
        let cost = 100.0 * (patience.answer(&[0.0])[0] - 1.0).powi(2);
        assert!(cost < 0.02, "{cost} after {steps} steps");
        // A rate that is halved comes first where there are no nets.
        let (patience, longer) = run(false, 10_000);
        assert!(patience.ended && patience.level == 1 && longer > steps);
        let mut restored = Patience::new(1, 10, PATIENCE, false);
        assert!(restored.restore(&patience.buffers()) && restored == patience);
    }
}
