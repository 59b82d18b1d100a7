//! Where a fit starts: the point on the way to a mode whose local Gaussian has the best bound.
//!
//! Not the mode itself: a centred hierarchy has no joint mode, and the log joint rises without end where the posterior
//! has no mass. The idea is that of Pathfinder (Zhang, Carpenter, Gelman & Vehtari, JMLR 23, 2022).

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

/// A search for a start, between two iterations.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Start {
    pub lbfgs: Lbfgs,
    pub iterations: usize,
    since_best: usize,
    /// What a Newton step along each axis would still gain.
    remaining: f64,
    /// Half-widths of the differences, fitted to the curvature of the iterate before.
    widths: Vec<f64>,
    draws: Draws,
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
        let noise = Key { seed, stream: Stream::Start, step: 0, site: 0 }.noise();
        // Enough pairs for the second moments to be matched, and for a bound to mean something in few dimensions.
        let draws = Draws::matched(noise, target.latents, (target.latents + 1).max(8))?;
        for attempt in 0..=TRIES {
            let mut point = given.to_vec();
            if attempt > 0 {
                let noise = Key { seed, stream: Stream::Start, step: attempt as u64, site: 0 }.noise();
                noise.fill_uniform(Index::default(), &mut point[..target.latents]);
                point[..target.latents].iter_mut().for_each(|x| *x = 4.0 * *x - 2.0);
            }
            let lbfgs = Lbfgs::new(point, &mut |x, g| minus(target, x, g))?;
            if lbfgs.is_finite() {
                let widths = lbfgs.point.iter().map(|x| 1e-4 * x.abs().max(1.0)).collect();
                let best = Best {
                    guide: guide(target, &lbfgs.point, &[]),
                    curvature: DMatrix::zeros(0, 0),
                    bound: f64::NEG_INFINITY,
                };
                let mut start =
                    Start { lbfgs, iterations: 0, since_best: 0, remaining: f64::INFINITY, widths, draws, best };
                // Twice: the first Hessian serves to choose the widths of its own differences.
                start.judge(target)?;
                start.judge(target)?;
                return Ok(start);
            }
        }
        Err(Failure::NoStart { tries: TRIES })
    }

    /// One iteration, unless there is nothing more to find.
    pub fn advance(&mut self, target: &mut Target) -> Result<Advance, Failure> {
        let over = self.iterations >= MOST_ITERATIONS || self.since_best >= PATIENCE || self.remaining < 1e-6;
        if over || self.lbfgs.advance(&mut |x, g| minus(target, x, g))? == Advance::Stuck {
            return Ok(Advance::Stuck);
        }
        self.iterations += 1;
        self.judge(target)?;
        Ok(Advance::Moved)
    }

    /// Takes the bound of the Gaussian at this iterate, and keeps it if it is the best.
    fn judge(&mut self, target: &mut Target) -> Result<(), Failure> {
        let point = &self.lbfgs.point;
        let curvature = -target.hessian(point, 0..target.width(), &self.widths)?;
        let scale: Vec<f64> = curvature.diagonal().iter().map(|c| unit_scale(*c)).collect();
        // A thousandth of an sd: far below where the curvature changes, far above rounding.
        self.widths = scale.iter().zip(point).map(|(s, x)| (1e-3 / s).max(1e-9 * x.abs())).collect();
        let guide = guide(target, point, &scale);
        let bound = Average::over(&self.draws, &guide, target, Cross::Diagonal)?.value + guide.entropy();
        self.since_best += 1;
        if bound > self.best.bound || self.best.curvature.is_empty() {
            if bound > self.best.bound + 0.01 {
                self.since_best = 0;
            }
            self.best = Best { guide, curvature, bound };
        }
        self.remaining = self.lbfgs.gradient.iter().zip(&scale).map(|(g, s)| (g / s).powi(2)).sum();
        Ok(())
    }
}

/// The Gaussian at a point with these inverse sds, 1 where there are none.
fn guide(target: &Target, point: &[f64], scale: &[f64]) -> Guide {
    let sd = |i: usize| scale.get(i).map_or(1.0, |s| 1.0 / s);
    Guide {
        mean: DVector::from_column_slice(&point[..target.latents]),
        scale: Scale::Diagonal(DVector::from_fn(target.latents, |i, _| sd(i))),
        params: DVector::from_column_slice(&point[target.latents..]),
    }
}

/// Minus the log joint at one point.
fn minus(target: &mut Target, point: &[f64], gradient: &mut [f64]) -> Result<f64, Failure> {
    let mut slope = DMatrix::zeros(point.len(), 1);
    let value = target.eval(&DMatrix::from_column_slice(point.len(), 1, point), &mut slope)?;
    gradient.iter_mut().zip(slope.iter()).for_each(|(g, s)| *g = -s);
    Ok(-value[0])
}
