//! The final guide on fresh, independent draws: its bound, k-hat, and answers corrected by weights.

use nalgebra::{DMatrix, DMatrixView};

use super::draws::independent;
use super::gaussian::{Average, Guide};
use super::target::Target;
use super::{Estimate, Failure};
use crate::diagnose::psis::{Importance, Moments, WeightedMoments};
use crate::kernel::noise::{Key, Noise, Stream};

/// The bound is reported at this standard error.
pub const BOUND_SE: f64 = 0.01;
/// No more draws than this are spent on it.
pub const MOST_DRAWS: usize = 2_000_000;
/// Draws behind k-hat: as many as the fit evaluated points, within these limits.
pub const KHAT_DRAWS: std::ops::RangeInclusive<usize> = 10_000..=100_000;

/// Fills derived quantities (draws x width) from points (draws x coordinates).
pub type Derive<'a> = dyn FnMut(&[f64], &mut [f64]) -> Result<(), Failure> + 'a;

/// Draws of a guide by number, the same whenever they are asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampler {
    pub guide: Guide,
    noise: Noise,
}

impl Sampler {
    pub fn new(guide: Guide, seed: u64) -> Sampler {
        // The steps of a fit count from 0: the last number is free for what comes after it.
        Sampler { guide, noise: Key { seed, stream: Stream::Evaluate, step: u64::MAX, site: 0 }.noise() }
    }

    /// Fills `points` (draws x coordinates, row-major) with draws from number `first` on, and `log_density` with ln q.
    pub fn fill(&self, first: usize, points: &mut [f64], log_density: &mut [f64]) {
        let noise = independent(self.noise, self.guide.noise_width(), first, log_density.len());
        let offsets = self.guide.offsets(&noise.as_view());
        points.copy_from_slice(self.guide.points(&offsets).as_slice());
        log_density.copy_from_slice(&self.guide.log_density(&noise, &offsets));
    }

    /// Weighted mean and sd of derived quantities: `derive` fills `out` (draws x `width`) from `points` (draws x
    /// coordinates), a block of draws at a time. The weights are those of the same draws.
    pub fn corrected(
        &self,
        importance: &Importance,
        width: usize,
        derive: &mut Derive,
    ) -> Result<Vec<Moments>, Failure> {
        const BLOCK: usize = 256;
        let coordinates = self.guide.mean.len() + self.guide.params.len();
        let mut moments = WeightedMoments::new(width);
        for (number, weights) in importance.weights.chunks(BLOCK).enumerate() {
            let mut points = vec![0.0; weights.len() * coordinates];
            let mut out = vec![0.0; weights.len() * width];
            self.fill(number * BLOCK, &mut points, &mut vec![0.0; weights.len()]);
            derive(&points, &mut out)?;
            for (k, weight) in weights.iter().enumerate() {
                moments.push(*weight, &out[k * width..][..width]);
            }
        }
        Ok(moments.finish())
    }
}

/// What fresh draws say of a guide. The bound may rest on fewer draws than the weights, or on more.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Weighed {
    pub bound: Estimate,
    pub importance: Importance,
}

/// `average` is that of fixed draws, with all cross products: a control variate is made from it.
/// The first `draws` give the weights; up to `most` are spent on the bound's standard error.
pub(crate) fn weigh(
    target: &mut Target,
    sampler: &Sampler,
    average: &Average,
    draws: usize,
    most: usize,
) -> Result<Weighed, Failure> {
    let mut weighing = Weighing {
        sampler,
        control: Control::new(&sampler.guide, average),
        sums: Sums::default(),
        log_weights: vec![],
    };
    weighing.extend(target, draws)?;
    let mut importance = Importance::from_log_weights(&weighing.log_weights);
    // Nearly constant weights can look heavy-tailed where few draws make the fitted tail reach into their bulk: before
    // such a guide is flagged, the tail is looked at farther out.
    if !importance.usable() && importance.ess > 0.5 * draws as f64 && most > draws {
        weighing.extend(target, *KHAT_DRAWS.end())?;
        importance = Importance::from_log_weights(&weighing.log_weights);
    }
    // The se itself is an estimate: more than once, if it must be.
    while weighing.sums.finish().se > BOUND_SE && weighing.log_weights.len() < most {
        let needed = weighing.sums.needed(weighing.log_weights.len()).min(most);
        weighing.extend(target, needed)?;
    }
    let Estimate { mean, se } = weighing.sums.finish();
    Ok(Weighed { bound: Estimate { mean: mean + sampler.guide.entropy(), se }, importance })
}

struct Weighing<'a> {
    sampler: &'a Sampler,
    control: Control,
    sums: Sums,
    log_weights: Vec<f64>,
}

impl Weighing<'_> {
    /// Up to this many draws in all.
    fn extend(&mut self, target: &mut Target, goal: usize) -> Result<(), Failure> {
        let guide = &self.sampler.guide;
        let block = target.block();
        while self.log_weights.len() < goal {
            let first = self.log_weights.len();
            let noise = independent(self.sampler.noise, guide.noise_width(), first, block.min(goal - first));
            let offsets = guide.offsets(&noise.as_view());
            let values = target.values(&guide.points(&offsets))?;
            // The control costs a product of squares a draw: no more of it than the standard error asks for.
            if first < *KHAT_DRAWS.start() || self.sums.finish().se > BOUND_SE {
                let expected = self.control.values(&noise.as_view());
                values.iter().zip(expected).for_each(|(value, expected)| self.sums.add(*value, expected));
            }
            let log_q = guide.log_density(&noise, &offsets);
            self.log_weights.extend(values.iter().zip(log_q).map(|(value, log_q)| value - log_q));
        }
        Ok(())
    }
}

/// A quadratic in the standard normals with known mean 0 that follows the log joint: with `E g e' = E[Hessian] L`
/// (Price's theorem), `e' A e / 2` with `A = L' E[Hessian] L` is its quadratic part.
struct Control {
    linear: DMatrix<f64>,
    quadratic: DMatrix<f64>,
}

impl Control {
    fn new(guide: &Guide, average: &Average) -> Control {
        let latents = guide.mean.len();
        let slope = DMatrix::from_column_slice(latents, 1, &average.mean.as_slice()[..latents]);
        let cross = average.cross.rows(0, latents).clone_owned();
        let (linear, product) = (guide.tr_mul(&slope), guide.tr_mul(&cross));
        Control { linear, quadratic: 0.5 * (&product + product.transpose()) }
    }

    fn values(&self, noise: &DMatrixView<f64>) -> Vec<f64> {
        let curved = &self.quadratic * noise;
        let trace = self.quadratic.trace();
        let value = |k: usize| {
            let e = noise.column(k);
            e.dot(&self.linear.column(0)) + 0.5 * (e.dot(&curved.column(k)) - trace)
        };
        (0..noise.ncols()).map(value).collect()
    }
}

/// Moments of the values and their controls, about the first value.
#[derive(Debug, Default)]
struct Sums {
    n: f64,
    base: f64,
    y: f64,
    yy: f64,
    c: f64,
    cc: f64,
    yc: f64,
}

impl Sums {
    fn add(&mut self, y: f64, c: f64) {
        if self.n == 0.0 {
            self.base = y;
        }
        let y = y - self.base;
        self.n += 1.0;
        self.y += y;
        self.yy += y * y;
        self.c += c;
        self.cc += c * c;
        self.yc += y * c;
    }

    /// The mean corrected by the regression on the control, whose expectation is 0.
    fn finish(&self) -> Estimate {
        let n = self.n;
        let (y, c) = (self.y / n, self.c / n);
        let (yy, cc, yc) = (self.yy / n - y * y, self.cc / n - c * c, self.yc / n - y * c);
        let slope = if cc > 0.0 { yc / cc } else { 0.0 };
        let variance = (yy - slope * yc).max(0.0);
        let mean = self.base + y - slope * c;
        if mean.is_finite() {
            Estimate { mean, se: (variance / n).sqrt() }
        } else {
            Estimate { mean: f64::NEG_INFINITY, se: f64::NAN }
        }
    }

    /// How many more draws than `made` would give the standard error wanted, with a tenth to spare; the sum.
    fn needed(&self, made: usize) -> usize {
        let ratio = self.finish().se / BOUND_SE;
        made + (self.n * (1.1 * ratio * ratio - 1.0).max(0.05)) as usize
    }
}
