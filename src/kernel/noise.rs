//! Counter-based noise: every draw is a pure function of its name, so it is the same for any order and thread count.
//!
//! Philox4x32-10 (Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011). What names a
//! draw is longer than one Philox counter, so one application turns (seed; stream, site, step) into the key under which
//! (row, particle, branch, component) is the counter.

use super::special::normal_quantile;

/// What the draws are for: different streams never share a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stream {
    Train,
    Evaluate,
    Dream,
    Start,
    /// Rows of a batch, and columns drawn anew each epoch.
    Data,
    Simulate,
}

/// Names a family of draws: those of one site at one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub seed: u64,
    pub stream: Stream,
    pub step: u64,
    pub site: u32,
}

/// Which draw of the family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Index {
    pub row: u32,
    pub particle: u32,
    /// The enumeration branch, where sites sampled later are drawn once per state.
    pub branch: u32,
    pub component: u32,
}

/// The draws of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Noise {
    key: [u32; 2],
}

impl Key {
    pub fn noise(self) -> Noise {
        let counter = [self.step as u32, (self.step >> 32) as u32, self.site, self.stream as u32];
        let block = philox(counter, [self.seed as u32, (self.seed >> 32) as u32]);
        Noise { key: [block[0], block[1]] }
    }
}

impl Noise {
    /// 64 random bits.
    pub fn bits(&self, at: Index) -> u64 {
        self.pair(at)[(at.component % 2) as usize]
    }

    /// Uniform on (0, 1), open at both ends.
    pub fn uniform(&self, at: Index) -> f64 {
        unit(self.bits(at))
    }

    /// Standard normal, by the inverse of its distribution function: `1 - u` in place of `u` is the antithetic draw.
    pub fn normal(&self, at: Index) -> f64 {
        normal_quantile(self.uniform(at))
    }

    /// Consecutive components from `at` on.
    pub fn fill_uniform(&self, at: Index, out: &mut [f64]) {
        self.fill(at, out, unit);
    }

    /// Consecutive components from `at` on.
    pub fn fill_normal(&self, at: Index, out: &mut [f64]) {
        self.fill(at, out, |bits| normal_quantile(unit(bits)));
    }

    fn fill(&self, at: Index, out: &mut [f64], make: impl Fn(u64) -> f64) {
        let mut at = at;
        let odd = out.len().min((at.component % 2) as usize);
        let (first, rest) = out.split_at_mut(odd);
        for value in first {
            *value = make(self.bits(at));
            at.component = at.component.wrapping_add(1);
        }
        for pair in rest.chunks_mut(2) {
            for (value, bits) in pair.iter_mut().zip(self.pair(at)) {
                *value = make(bits);
            }
            at.component = at.component.wrapping_add(2);
        }
    }

    /// One Philox block holds two draws: the even component and the odd one after it.
    fn pair(&self, at: Index) -> [u64; 2] {
        let block = philox([at.component / 2, at.row, at.particle, at.branch], self.key);
        let join = |low: u32, high: u32| (u64::from(high) << 32) | u64::from(low);
        [join(block[0], block[1]), join(block[2], block[3])]
    }
}

/// Odd multiples of 2^-53: exact in f64, symmetric about one half, and never 0 or 1.
fn unit(bits: u64) -> f64 {
    ((bits >> 12) as f64 + 0.5) * (1.0 / (1u64 << 52) as f64)
}

/// Ten rounds of Philox4x32.
fn philox(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
    const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
    let ([mut c0, mut c1, mut c2, mut c3], [mut k0, mut k1]) = (counter, key);
    let mut round = 0;
    while round < 10 {
        round += 1;
        let first = MULTIPLIERS[0] as u64 * c0 as u64;
        let second = MULTIPLIERS[1] as u64 * c2 as u64;
        (c0, c1, c2, c3) =
            ((second >> 32) as u32 ^ c1 ^ k0, second as u32, (first >> 32) as u32 ^ c3 ^ k1, first as u32);
        k0 = k0.wrapping_add(WEYL[0]);
        k1 = k1.wrapping_add(WEYL[1]);
    }
    [c0, c1, c2, c3]
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key = Key { seed: 7, stream: Stream::Train, step: 3, site: 2 };

    #[test]
    fn philox_gives_the_known_answers_of_random123() {
        let rows = [
            ([0; 4], [0; 2], [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]),
            ([u32::MAX; 4], [u32::MAX; 2], [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]),
            (
                [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
                [0xa4093822, 0x299f31d0],
                [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
            ),
        ];
        for (counter, key, answer) in rows {
            assert_eq!(philox(counter, key), answer);
        }
    }

    #[test]
    fn a_draw_depends_on_its_name_alone() {
        let noise = KEY.noise();
        let mut all = [0.0; 33];
        noise.fill_normal(Index { row: 5, ..Index::default() }, &mut all);
        let mut tail = [0.0; 26];
        noise.fill_normal(Index { row: 5, component: 7, ..Index::default() }, &mut tail);
        assert_eq!(all[7..], tail);
        for (component, value) in all.iter().enumerate().rev() {
            let at = Index { row: 5, component: component as u32, ..Index::default() };
            assert_eq!(noise.normal(at), *value);
        }
    }

    #[test]
    fn every_part_of_the_name_matters() {
        let at = Index::default();
        let keys = [
            KEY,
            Key { seed: 8, ..KEY },
            Key { seed: 7 << 32, ..KEY },
            Key { stream: Stream::Evaluate, ..KEY },
            Key { step: 4, ..KEY },
            Key { step: 3 << 32, ..KEY },
            Key { site: 3, ..KEY },
        ];
        let indices = [
            Index { row: 1, ..at },
            Index { particle: 1, ..at },
            Index { branch: 1, ..at },
            Index { component: 1, ..at },
            Index { component: 2, ..at },
        ];
        let mut bits: Vec<u64> = keys.iter().map(|key| key.noise().bits(at)).collect();
        bits.extend(indices.iter().map(|index| KEY.noise().bits(*index)));
        bits.sort();
        bits.dedup();
        assert_eq!(bits.len(), keys.len() + indices.len());
    }

    #[test]
    fn uniforms_are_open_at_both_ends() {
        assert!(unit(0) > 0.0);
        assert!(unit(u64::MAX) < 1.0);
        assert_eq!(unit(0), 1.0 - unit(u64::MAX));
    }

    /// Each moment of 400,000 draws within 4.5 standard errors.
    #[test]
    fn normals_have_the_right_moments() {
        let noise = KEY.noise();
        let n = 400_000;
        let mut z = vec![0.0; n];
        for (row, chunk) in z.chunks_mut(4).enumerate() {
            noise.fill_normal(Index { row: row as u32, ..Index::default() }, chunk);
        }
        let moment = |k: i32| z.iter().map(|z| z.powi(k)).sum::<f64>() / n as f64;
        // E z^k and E z^2k.
        for (k, mean, square) in [(1, 0.0, 1.0), (2, 1.0, 3.0), (3, 0.0, 15.0), (4, 3.0, 105.0)] {
            let se = ((square - mean * mean) / n as f64).sqrt();
            assert!((moment(k) - mean).abs() < 4.5 * se, "moment {k} is {}", moment(k));
        }
        let lag = z.windows(2).map(|w| w[0] * w[1]).sum::<f64>() / n as f64;
        assert!(lag.abs() < 4.5 / (n as f64).sqrt(), "neighbours are correlated: {lag}");
    }
}
