//! Where a fit starts: the point on the way to a mode whose local Gaussian has the best bound.
//!
//! Not the mode itself: a centred hierarchy has no joint mode, and the log joint rises without end where the posterior
//! has no mass. The idea is that of Pathfinder (Zhang, Carpenter, Gelman & Vehtari, JMLR 23, 2022). Coordinates are
//! scaled by the curvature at the first point, so that units do not matter.

use nalgebra::{DMatrix, DVector};

use super::Failure;
use super::chart::unit_scale;
use super::draws::Draws;
use super::gaussian::{Average, Cross, Guide, Scale};
use super::lbfgs::{Advance, Lbfgs};
use super::target::Target;
use crate::kernel::noise::{Index, Key, Stream};

/// How many random points are tried where the given one has no finite value.
pub(crate) const TRIES: usize = 20;
/// The search ends after this many iterations, or this many without a better bound.
const MOST_ITERATIONS: usize = 300;
const PATIENCE: usize = 25;

/// Up to this many coordinates every iterate is judged, which takes a Hessian; beyond, one in proportion.
const JUDGED: usize = 200;
/// The longest unit that a lack of curvature can give a coordinate.
const LONGEST_UNIT: f64 = 100.0;

/// A search for a start, between two iterations.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Start {
    /// In units of the coordinates.
    pub lbfgs: Lbfgs,
    pub units: Vec<f64>,
    pub iterations: usize,
    pub since_best: usize,
    /// An sd of each coordinate by its curvature where that was taken last.
    pub sds: Vec<f64>,
    pub draws: Draws,
    pub best: Best,
}

/// The best local Gaussian so far.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Best {
    pub guide: Guide,
    /// Minus the Hessian at its mean.
    pub curvature: DMatrix<f64>,
    pub bound: f64,
}

impl Start {
    /// At the given point, or at a random one with the latents uniform on (-2, 2) where that is not finite.
    pub fn new(target: &mut Target, given: &[f64], seed: u64) -> Result<Start, Failure> {
        let draws = draws(target.latents, seed)?;
        let point = finite(target, given, seed)?;
        Start::at(target, point, draws)
    }

    fn at(target: &mut Target, point: Vec<f64>, draws: Draws) -> Result<Start, Failure> {
        // Twice: the first Hessian serves to choose the widths of its own differences.
        let rough: Vec<f64> = point.iter().map(|x| 0.1 * x.abs().max(1.0)).collect();
        let sds = sds(&curvature(target, &point, &rough)?);
        let curvature = curvature(target, &point, &sds)?;
        let sds = self::sds(&curvature);
        let units: Vec<f64> = sds.iter().map(|sd| sd.min(LONGEST_UNIT)).collect();
        let scaled = point.iter().zip(&units).map(|(x, unit)| x / unit).collect();
        let lbfgs = Lbfgs::new(scaled, &mut |x, g| minus(target, &units, x, g))?;
        let guide = guide(target, &point, &sds);
        let bound = Average::over(&draws, &guide, target, Cross::Diagonal)?.value + guide.entropy();
        let best = Best { guide, curvature, bound };
        Ok(Start { lbfgs, units, iterations: 0, since_best: 0, sds, draws, best })
    }

    /// One iteration, unless there is nothing more to find.
    pub fn advance(&mut self, target: &mut Target) -> Result<Advance, Failure> {
        let every = target.width().div_ceil(JUDGED).max(1);
        let units = &self.units;
        let exhausted = self.iterations >= MOST_ITERATIONS || self.since_best >= PATIENCE || self.remaining() < 1e-6;
        if exhausted || self.lbfgs.advance(&mut |x, g| minus(target, units, x, g))? == Advance::Stuck {
            // The last iterate was not judged if it came between two that are.
            if !self.iterations.is_multiple_of(every) {
                self.judge(target)?;
            }
            return Ok(Advance::Stuck);
        }
        self.iterations += 1;
        self.since_best += 1;
        if self.iterations.is_multiple_of(every) {
            self.judge(target)?;
        }
        Ok(Advance::Moved)
    }

    /// What Newton steps along each axis would still gain.
    fn remaining(&self) -> f64 {
        let scaled = self.lbfgs.gradient.iter().zip(&self.units).zip(&self.sds);
        scaled.map(|((g, unit), sd)| (g / unit * sd).powi(2)).sum()
    }

    /// Takes the bound of the Gaussian at this iterate, and keeps it if it is the best.
    fn judge(&mut self, target: &mut Target) -> Result<(), Failure> {
        let point: Vec<f64> = self.lbfgs.point.iter().zip(&self.units).map(|(x, unit)| x * unit).collect();
        let curvature = curvature(target, &point, &self.sds)?;
        self.sds = sds(&curvature);
        let guide = guide(target, &point, &self.sds);
        let bound = Average::over(&self.draws, &guide, target, Cross::Diagonal)?.value + guide.entropy();
        if bound > self.best.bound + 0.01 {
            self.since_best = 0;
        }
        if bound > self.best.bound {
            self.best = Best { guide, curvature, bound };
        }
        Ok(())
    }
}

/// The given point, or a random one with the latents uniform on (-2, 2) where that has no finite value and gradient.
pub(crate) fn finite(target: &mut Target, given: &[f64], seed: u64) -> Result<Vec<f64>, Failure> {
    for attempt in 0..=TRIES {
        let mut point = given.to_vec();
        if attempt > 0 {
            let noise = Key { seed, stream: Stream::Start, step: attempt as u64, site: 0 }.noise();
            noise.fill_uniform(Index::default(), &mut point[..target.latents]);
            point[..target.latents].iter_mut().for_each(|x| *x = 4.0 * *x - 2.0);
        }
        let mut gradient = vec![0.0; point.len()];
        let value = minus(target, &vec![1.0; point.len()], &point, &mut gradient)?;
        if value.is_finite() && gradient.iter().all(|g| g.is_finite()) {
            return Ok(point);
        }
    }
    Err(Failure::NoStart { tries: TRIES })
}

/// The draws on which every iterate is judged.
pub(crate) fn draws(latents: usize, seed: u64) -> Result<Draws, Failure> {
    let noise = Key { seed, stream: Stream::Start, step: 0, site: 0 }.noise();
    // Enough pairs for the second moments to be matched, and for a bound to mean something in few dimensions.
    Ok(Draws::matched(noise, latents, (latents + 1).max(8))?)
}

/// Minus the Hessian at a point, by differences over a thousandth of these sds: far below where the curvature changes,
/// far above rounding.
pub(crate) fn curvature(target: &mut Target, point: &[f64], sds: &[f64]) -> Result<DMatrix<f64>, Failure> {
    let widths: Vec<f64> = sds.iter().zip(point).map(|(sd, x)| (1e-3 * sd).max(1e-9 * x.abs())).collect();
    Ok(-target.hessian(point, 0..target.width(), &widths)?)
}

fn sds(curvature: &DMatrix<f64>) -> Vec<f64> {
    curvature.diagonal().iter().map(|c| 1.0 / unit_scale(*c)).collect()
}

/// The Gaussian at a point with these sds.
fn guide(target: &Target, point: &[f64], sds: &[f64]) -> Guide {
    Guide {
        mean: DVector::from_column_slice(&point[..target.latents]),
        scale: Scale::Diagonal(DVector::from_column_slice(&sds[..target.latents])),
        params: DVector::from_column_slice(&point[target.latents..]),
    }
}

/// Minus the log joint at one point, given in units of its coordinates.
fn minus(target: &mut Target, units: &[f64], scaled: &[f64], gradient: &mut [f64]) -> Result<f64, Failure> {
    let point = DMatrix::from_iterator(scaled.len(), 1, scaled.iter().zip(units).map(|(x, unit)| x * unit));
    let mut slope = DMatrix::zeros(scaled.len(), 1);
    let value = target.eval(&point, &mut slope)?;
    gradient.iter_mut().zip(slope.iter().zip(units)).for_each(|(g, (s, unit))| *g = -s * unit);
    Ok(-value[0])
}
