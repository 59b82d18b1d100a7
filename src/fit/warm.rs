//! Where an ascent along noisy gradients begins, and in which coordinates: at the best Gaussian on the way to a mode,
//! whitened by its curvature, where the model allows it; and whitened again by what the guide has become.

use super::chart::inverse_root;
use super::coordinates::Whitened;
use super::drive::{self, Task};
use super::gaussian::{Guide, Scale};
use super::joint::PlanJoint;
use super::lbfgs::Advance;
use super::lowrank::LowRank;
use super::stage::{curvature, draws};
use super::start::Start;
use super::target::Target;
use super::{Failure, LogJoint};
use crate::model::Auto;
use crate::plan::lower::Layout;

/// Beyond so many coordinates a Hessian costs more than it saves.
const MOST_COORDINATES: usize = 1_000;
/// A factor over more latents costs more at every step than it saves.
const MOST_FACTOR: usize = 200;
/// Numbers that one Hessian may take.
const MOST_WORK: usize = 200_000_000;
/// Iterations that look for a start; stepping does the rest.
const MOST_ITERATIONS: usize = 100;

/// Whitens the coordinates of one ascent.
pub(super) struct Whitening<'a> {
    joint: PlanJoint<'a>,
    layout: Layout,
    auto: Option<Auto>,
    seed: u64,
    /// Rows step by themselves.
    apart: bool,
}

impl<'a> Whitening<'a> {
    /// None where the guide is not automatic throughout, where there is a net, or where a Hessian over all rows would cost
    /// too much.
    pub fn new(task: &Task<'a>, layout: &Layout, apart: bool) -> Result<Option<Whitening<'a>>, Failure> {
        if drive::written(task.elbo).is_some() || layout.point() > MOST_COORDINATES || layout.point() == 0 {
            return Ok(None);
        }
        if task.elbo.model.guide.auto == Some(Auto::FullRank) && layout.latents > MOST_FACTOR {
            return Ok(None);
        }
        let joint = PlanJoint::new(task.elbo, task.data, task.backend)?;
        let (auto, seed) = (task.elbo.model.guide.auto, task.seed);
        let cheap = joint.work().saturating_mul(2 * layout.point()) <= MOST_WORK;
        Ok(cheap.then(|| Whitening { joint, layout: layout.clone(), auto, seed, apart }))
    }

    /// About a start near this point, in which 0 is the start.
    pub fn begin(&mut self, point: &[f64]) -> Result<Option<Whitened>, Failure> {
        let mut target = Target::new(&mut self.joint);
        let mut start = match Start::new(&mut target, point, self.seed) {
            Err(Failure::NoStart { .. }) => return Ok(None),
            start => start?,
        };
        for _ in 0..MOST_ITERATIONS {
            if start.advance(&mut target)? == Advance::Stuck {
                break;
            }
        }
        if !start.best.bound.is_finite() {
            return Ok(None);
        }
        let (mut guide, d) = (start.best.guide, self.layout.latents);
        let of_latents = start.best.curvature.view((0, 0), (d, d)).clone_owned();
        match self.auto {
            Some(Auto::FullRank) => guide.scale = Scale::Factor(inverse_root(&of_latents)),
            Some(Auto::LowRank(rank)) => guide.scale = Scale::LowRank(LowRank::along(&of_latents, rank)),
            _ => {}
        }
        Ok(Some(Whitened::about(&guide, self.auto, &start.best.curvature, self.apart)))
    }

    /// About the guide with these parameters, by its own curvature; `number` names the draws that tell it. None where that is
    /// not finite.
    pub fn again(&mut self, params: &[f64], number: usize) -> Result<Option<Whitened>, Failure> {
        let guide = Guide::of_params(&self.layout, self.auto, params);
        let mut target = Target::new(&mut self.joint);
        let draws = draws(guide.noise_width(), number % 2, self.seed)?;
        // Parameters have no sd to go by; their differences are over a share of their size.
        let sds: Vec<f64> =
            guide.sd().iter().copied().chain(guide.params.iter().map(|x| 0.1 * x.abs().max(1.0))).collect();
        let curvature = curvature(&draws, &sds, &guide, &mut target)?;
        let known = curvature.iter().all(|c| c.is_finite());
        Ok(known.then(|| Whitened::about(&guide, self.auto, &curvature, self.apart)))
    }
}
