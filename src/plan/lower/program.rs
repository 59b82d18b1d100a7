//! Programs: a plan, what the caller gives it, and what it gives back.

use std::collections::BTreeMap;

use super::{Layout, Side, Trouble, following};
use crate::data::Bound;
use crate::elbo::{Elbo, particles};
use crate::math::{self, DefId, Noise, SiteId};
use crate::plan::Plan;
use crate::shape::{AxisId, DimId};

/// How many draws a run evaluates, and how many rows of which batched dims.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Batch {
    pub draws: usize,
    pub rows: BTreeMap<DimId, usize>,
}

impl Batch {
    pub fn draws(draws: usize) -> Batch {
        Batch { draws, rows: BTreeMap::new() }
    }

    /// What one step of a fit with these entries evaluates.
    pub fn of_step(elbo: &Elbo, data: &Bound) -> Result<Batch, Trouble> {
        let mut rows = BTreeMap::new();
        for (dim, batch) in &elbo.model.fit.batch {
            let Some(all) = data.dims.get(dim) else { continue };
            let first: Vec<u32> = (0..(*batch).clamp(1, (*all).max(1)) as u32).collect();
            let following = following(elbo, data, *dim)?;
            rows.extend(following.iter().map(|of| (of.dim, of.room(of.of(&first).len(), first.len()))));
            rows.insert(*dim, first.len());
        }
        Ok(Batch { draws: particles::draws(elbo), rows })
    }
}

/// What the caller gives for an input of the plan.
#[derive(Debug, Clone, PartialEq)]
pub enum InputKind {
    /// `[draws, latents + params]`
    Points,
    /// The guide's parameters: see `Layout`.
    Params,
    /// Standard normal, `[draws, latents]`.
    AutoNoise,
    /// Standard noise of a written factor.
    Noise { site: SiteId, noise: Noise },
    /// Standard noise of what the model draws by itself: the sites by their place, data after them.
    Dream { place: u32, noise: Noise, axes: Vec<AxisId> },
    /// Uniform on 0 to 1, one number for each entry that the `dropout` at this place of the text may drop:
    /// `[draws, axes.., event..]`.
    Dropout { place: usize, axes: Vec<AxisId> },
    /// The batch's rows of the data item at this place.
    Rows(usize),
    /// The row of the data at each place that a batch, or what follows it, has of the dim.
    Numbers(DimId),
    /// The place of each row of the data; 0 for those that are not there.
    Places(DimId),
    /// 1 at each row of a dim that follows a batch, 0 at those that fill up.
    Mask(DimId),
    /// The same for each coordinate of the automatic guide: `[latents]`.
    LatentMask,
    /// All of the data item at this place, which is drawn anew each epoch.
    Whole(usize),
    /// What multiplies the terms of latents at this step, where that is a schedule: a number.
    Beta,
    /// What earlier steps say of the cost of the site: a number for each row of its plates that are not batched.
    Baseline(SiteId),
    /// The parameters of the network that says more, over so many numbers a row.
    BaselineNet { site: SiteId, fan_in: usize },
}

/// A plan and what its inputs and outputs are.
#[derive(Debug, Clone)]
pub struct Program {
    pub plan: Plan,
    pub inputs: Vec<InputKind>,
    pub layout: Layout,
    pub outputs: Vec<OutputKind>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum OutputKind {
    /// `[draws]`
    LogJoint,
    /// Like its argument: points or params.
    Gradient,
    /// A number.
    Bound,
    LogP,
    LogQ,
    /// What this step says of it: see `InputKind::Baseline`.
    Cost(SiteId),
    /// What it counts; 1 where a step does not say.
    CostWeight(SiteId),
    /// How many draws of equal weight those of a row are worth: a number.
    EffectiveDraws,
    /// The derivative of the loss of `InputKind::BaselineNet`.
    BaselineSlope(SiteId),
    /// `[draws, rows.., event..]`; for a summed-out site its probabilities, `[draws, rows.., states]`.
    Site(SiteId),
    Definition(DefId),
    Param(usize),
    /// Of an expression: `[draws?, axes.., event..]`.
    Value {
        node: math::NodeId,
        draws: bool,
        axes: Vec<AxisId>,
    },
    /// What has to be looked at of a value whose support could not be proven: `[draws?, axes.., event..]`.
    Proviso {
        at: usize,
        side: Side,
        draws: bool,
        axes: Vec<AxisId>,
    },
}

impl OutputKind {
    /// What the output of the plan is called.
    pub(super) fn name(&self, elbo: &Elbo) -> String {
        let model = &elbo.model;
        match self {
            OutputKind::LogJoint => "log_joint".into(),
            OutputKind::Gradient => "gradient".into(),
            OutputKind::Bound => "bound".into(),
            OutputKind::LogP => "log_p".into(),
            OutputKind::CostWeight(id) => format!("cost.{}.weight", model.sites[id.index()].name),
            OutputKind::EffectiveDraws => "effective_draws".into(),
            OutputKind::BaselineSlope(id) => format!("baseline.{}.slope", model.sites[id.index()].name),
            OutputKind::Cost(id) => format!("cost.{}", model.sites[id.index()].name),
            OutputKind::LogQ => "log_q".into(),
            OutputKind::Site(id) => model.sites[id.index()].name.clone(),
            OutputKind::Definition(id) => model.definitions[id.index()].name.clone(),
            OutputKind::Param(place) => model.params[*place].name.clone(),
            OutputKind::Value { node, .. } => format!("value {}", node.index()),
            OutputKind::Proviso { at, side, .. } => match side {
                Side::Value => format!("proviso {at}"),
                Side::AboveLow => format!("proviso {at} above its lower bound"),
                Side::BelowHigh => format!("proviso {at} below its upper bound"),
            },
        }
    }
}
