//! The value of what was maximized, where it is not the bound that is reported: on fresh draws, over all rows.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::feed::{Draws, Feed, Rows};
use super::posterior::Fitted;
use super::{Estimate, Failure};
use crate::diagnose::convergence::mean_and_variance;
use crate::elbo::particles;
use crate::kernel::noise::Stream;
use crate::model::Draws::Independent;
use crate::plan::lower::{self, Batch};

/// Fresh draws: as many as tell it well, or a fifth of the fit.
const DRAWS: std::ops::RangeInclusive<usize> = 4..=1_000;

/// The mean over draws of the objective at these parameters.
pub fn value(fitted: &Fitted, params: &[f64]) -> Result<Estimate, Failure> {
    let rows = fitted.batches.as_ref().map_or(1, |batches| batches.rows);
    let inside = particles::inside(fitted.elbo);
    let draws = (fitted.evaluations / (5 * rows * inside)).clamp(*DRAWS.start(), *DRAWS.end());
    // One step of the batches is the whole data.
    let blocks: Vec<Option<Rows>> = match &fitted.batches {
        Some(batches) => batches.in_order().map(Some).collect(),
        None => vec![None],
    };
    let mut ready = BTreeMap::new();
    let mut values = vec![0.0; draws];
    for block in &blocks {
        let (evaluator, feed) = match ready.entry(block.as_ref().map(Rows::sizes).unwrap_or_default()) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let rows = entry.key().clone();
                let program = lower::objective(fitted.elbo, fitted.data, &Batch { draws: inside, rows })?;
                let evaluator = fitted.backend.prepare(&program.plan, fitted.precision)?;
                entry.insert((evaluator, Feed::new(&program, fitted.elbo, fitted.data)?))
            }
        };
        let share = fitted.batches.as_ref().zip(block.as_ref()).map_or(1.0, |(batches, rows)| batches.share(rows));
        feed.give(params, block.as_ref());
        feed.beta(fitted.beta);
        for (first, value) in values.iter_mut().enumerate() {
            let first = first * inside;
            let names = Draws { seed: fitted.seed, stream: Stream::Evaluate, step: 2, first, paired: Independent };
            feed.noise(names, block.as_ref());
            if let Some(rows) = block {
                feed.rows(rows);
            }
            *value += share * evaluator.run(&feed.slices(params))?[0][0];
        }
    }
    let (mean, variance) = mean_and_variance(&values);
    Ok(Estimate { mean, se: (variance / draws as f64).sqrt() })
}
