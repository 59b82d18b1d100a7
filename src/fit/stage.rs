//! One stage of the deterministic path: the bound over its own fixed draws, and how fair that was.

use nalgebra::DMatrix;

use super::chart::Chart;
use super::draws::Draws;
use super::gaussian::{Average, Cross, Guide, Scale};
use super::lbfgs::{Advance, Lbfgs};
use super::lowrank::LowRank;
use super::target::Target;
use super::{Estimate, Failure};
use crate::diagnose::convergence::mean_and_variance;
use crate::kernel::noise::{Key, Stream};

/// The whitened gradient at which a stage ends.
const GRADIENT: f64 = 1e-4;
/// Where rounding ends a stage early, a gradient below this still counts as reached.
const GRADIENT_STUCK: f64 = 1e-2;
const MOST_ITERATIONS: usize = 1000;
pub(crate) const MOST_STAGES: usize = 8;
/// Nats: the bound on fresh draws settles within this, and fixed draws flatter by less than that.
const CHANGE: f64 = 0.01;
const OPTIMISM: f64 = 0.05;
/// The sd of a parameter, by its curvature, relative to its size.
const PINNED: f64 = 1e-10;
/// Batches of fresh draws behind a check, from the fewest that give a standard error to the most that are paid for.
const BATCHES: std::ops::RangeInclusive<usize> = 4..=64;

/// L-BFGS on the bound over fixed draws, between two iterations.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stage {
    pub number: usize,
    pub chart: Chart,
    pub draws: Draws,
    pub lbfgs: Lbfgs,
    pub iterations: usize,
}

/// Pairs of the first stage's draws: at least 32 draws, and 4 a standard normal behind one.
pub(crate) fn pairs(width: usize) -> usize {
    (2 * width).max(16)
}

/// The fixed draws of a stage: twice as many as in the one before.
pub(crate) fn draws(width: usize, number: usize, seed: u64) -> Result<Draws, Failure> {
    let noise = Key { seed, stream: Stream::Train, step: number as u64, site: 0 }.noise();
    Ok(Draws::matched(noise, width, pairs(width) << number)?)
}

impl Stage {
    pub fn new(number: usize, chart: Chart, target: &mut Target, seed: u64) -> Result<Stage, Failure> {
        let draws = draws(chart.guide.noise_width(), number, seed)?;
        let lbfgs = Lbfgs::new(vec![0.0; chart.len()], &mut |v, g| minus_bound(&chart, &draws, target, v, g))?;
        Ok(Stage { number, chart, draws, lbfgs, iterations: 0 })
    }

    /// One iteration, unless the gradient is small already.
    pub fn advance(&mut self, target: &mut Target) -> Result<Advance, Failure> {
        if self.iterations == MOST_ITERATIONS || self.lbfgs.gradient_norm() < GRADIENT {
            return Ok(Advance::Stuck);
        }
        self.iterations += 1;
        let (chart, draws) = (&self.chart, &self.draws);
        self.lbfgs.advance(&mut |v, g| minus_bound(chart, draws, target, v, g))
    }

    /// The bound over the fixed draws.
    pub fn value(&self) -> f64 {
        -self.lbfgs.value
    }

    pub fn guide(&self) -> Guide {
        // Every accepted point was in bounds, or its value would have been infinite.
        self.chart.place(&self.lbfgs.point).unwrap_or_else(|| self.chart.guide.clone())
    }

    /// How far every log sd moved in this stage.
    pub fn growth(&self, guide: &Guide) -> Vec<f64> {
        guide.sd().iter().zip(self.chart.guide.sd().iter()).map(|(now, before)| (now / before).ln()).collect()
    }

    /// Whether the objective still rises by a nat or more for each unit of whitened distance.
    pub fn steep(&self) -> bool {
        self.lbfgs.gradient_norm() >= 1.0
    }

    /// Whether a parameter is known to more digits than any data could tell: the likelihood has no bound there.
    pub fn pinned(&self) -> bool {
        let params = self.chart.guide.params.iter().enumerate();
        params
            .map(|(i, x)| (self.chart.root.row(self.chart.guide.mean.len() + i).norm(), x))
            .any(|(sd, x)| sd < PINNED * x.abs() || sd < PINNED.powi(3))
    }

    /// Whether the search ended, on draws that were fair to it, where the stage before did.
    pub fn settled(&self, guide: &Guide, target: &mut Target, seed: u64) -> Result<bool, Failure> {
        if self.lbfgs.gradient_norm() >= GRADIENT_STUCK || self.pinned() {
            return Ok(false);
        }
        // Without latents there is nothing to draw: the first stage is exact.
        if target.latents == 0 {
            return Ok(true);
        }
        // Nothing to compare the first stage with.
        if self.number == 0 {
            return Ok(false);
        }
        let (bound, change) = self.compare(guide, target, seed)?;
        Ok(self.value() - bound.mean < OPTIMISM && change.mean.abs() < CHANGE)
    }

    /// The bound of the guide on fresh draws, and how it differs there from that of the guide the stage began with.
    fn compare(&self, guide: &Guide, target: &mut Target, seed: u64) -> Result<(Estimate, Estimate), Failure> {
        let (mut bounds, mut changes) = (vec![], vec![]);
        loop {
            let site = bounds.len() as u32;
            let noise = Key { seed, stream: Stream::Evaluate, step: self.number as u64, site }.noise();
            let fresh = Draws::matched(noise, guide.noise_width(), self.draws.pairs())?;
            let now = Average::over(&fresh, guide, target, Cross::Diagonal)?.value + guide.entropy();
            let before = &self.chart.guide;
            let earlier = Average::over(&fresh, before, target, Cross::Diagonal)?.value + before.entropy();
            bounds.push(now);
            changes.push(now - earlier);
            let (bound, change) = (estimate(&bounds), estimate(&changes));
            // Known well enough to be judged by, or hopeless.
            let known = bound.se < 0.3 * OPTIMISM && change.se < 0.3 * CHANGE;
            let enough = bounds.len() >= *BATCHES.start() && (known || !change.mean.is_finite());
            if enough || bounds.len() == *BATCHES.end() {
                return Ok((bound, change));
            }
        }
    }

    /// See `curvature`.
    pub fn curvature(&self, guide: &Guide, target: &mut Target) -> Result<DMatrix<f64>, Failure> {
        let sds: Vec<f64> = self.chart.root.diagonal().iter().copied().collect();
        curvature(&self.draws, &sds, guide, target)
    }
}

/// Minus the Hessian of the expected log joint in means and parameters, averaged over draws. With latents it costs no
/// differences: E g e' = E[Hessian] L (Price 1958), exactly so for a quadratic. `sds` are of every coordinate, about.
pub(crate) fn curvature(
    draws: &Draws,
    sds: &[f64],
    guide: &Guide,
    target: &mut Target,
) -> Result<DMatrix<f64>, Failure> {
    let cross = Average::over(draws, guide, target, Cross::Full)?.cross;
    let columns = match &guide.scale {
        Scale::Diagonal(sd) | Scale::LowRank(LowRank { sd, .. }) => {
            DMatrix::from_fn(cross.nrows(), sd.len(), |i, j| cross[(i, j)] / sd[j])
        }
        Scale::Factor(factor) => {
            let singular = || crate::problem::Bug("the factor of a guide is singular".into());
            factor.tr_solve_lower_triangular(&cross.transpose()).ok_or_else(singular)?.transpose()
        }
    };
    let (width, latents) = (target.width(), target.latents);
    let mut curvature = DMatrix::zeros(width, width);
    curvature.view_mut((0, 0), (width, latents)).copy_from(&-&columns);
    let below = -columns.rows(latents, width - latents).transpose();
    curvature.view_mut((0, latents), (latents, width - latents)).copy_from(&below);
    if width > latents {
        add_params(draws, sds, guide, target, &mut curvature)?;
    }
    Ok(curvature)
}

/// The parameters' own block, by differences at a few draws.
fn add_params(
    draws: &Draws,
    sds: &[f64],
    guide: &Guide,
    target: &mut Target,
    curvature: &mut DMatrix<f64>,
) -> Result<(), Failure> {
    let (width, latents) = (target.width(), target.latents);
    let count = if latents == 0 { 1 } else { draws.pairs().min(8) };
    let points = guide.points(&guide.offsets(&draws.half.columns(0, count)));
    for point in points.column_iter() {
        let size = |(i, x): (usize, &f64)| (1e-3 * sds[i]).max(1e-9 * x.abs());
        let sizes: Vec<f64> = point.iter().enumerate().map(size).collect();
        let rows = target.hessian(point.clone_owned().as_slice(), latents..width, &sizes)?;
        let mut block = curvature.view_mut((latents, latents), (width - latents, width - latents));
        block -= rows.rows(latents, width - latents) / count as f64;
    }
    Ok(())
}

fn estimate(values: &[f64]) -> Estimate {
    let (mean, variance) = mean_and_variance(values);
    Estimate { mean, se: (variance / values.len() as f64).sqrt() }
}

/// Minus the bound over fixed draws, at a vector of the chart.
fn minus_bound(
    chart: &Chart,
    draws: &Draws,
    target: &mut Target,
    vector: &[f64],
    gradient: &mut [f64],
) -> Result<f64, Failure> {
    let Some(guide) = chart.place(vector) else {
        return Ok(f64::INFINITY);
    };
    let want = if matches!(guide.scale, Scale::Diagonal(_)) { Cross::Diagonal } else { Cross::Full };
    let average = Average::over(draws, &guide, target, want)?;
    if !average.value.is_finite() {
        return Ok(f64::INFINITY);
    }
    gradient.iter_mut().zip(chart.pull(vector, &average)).for_each(|(to, from)| *to = -from);
    Ok(-average.value - guide.entropy())
}
