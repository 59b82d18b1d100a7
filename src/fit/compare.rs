//! The difference of the bounds of two guides, on the same rows and the same noise.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::Failure;
use super::coordinates::Coordinates;
use super::feed::{Draws, Feed, Rows};
use super::patience::Gain;
use super::stochastic::{Settings, Target};
use crate::diagnose::convergence::mean_and_variance;
use crate::kernel::noise::Stream;
use crate::model;
use crate::plan::Evaluate;
use crate::plan::lower::{self, Batch};
use crate::shape::DimId;

/// Looks of their own noise, of so many draws each.
const LOOKS: usize = 8;
const DRAWS: usize = 4;
/// Up to so many batches, a look is at all rows.
const BATCHES: usize = 4;
/// Clear of the steps of other noise for evaluation.
const STEP: u64 = 1 << 40;

pub(super) struct Comparison<'t, 's> {
    target: &'t Target<'t>,
    settings: &'s Settings,
    /// By the rows of a batch.
    ready: BTreeMap<BTreeMap<DimId, usize>, (Box<dyn Evaluate>, Feed<'t>)>,
    /// The batches of each look.
    looks: Vec<Vec<Option<Rows>>>,
}

impl<'t, 's> Comparison<'t, 's> {
    pub fn new(target: &'t Target<'t>, settings: &'s Settings) -> Comparison<'t, 's> {
        let looks = match &settings.batches {
            None => vec![vec![None]; LOOKS],
            Some(batches) if batches.blocks() <= BATCHES => vec![batches.in_order().map(Some).collect(); LOOKS],
            Some(batches) => {
                let orders = batches.orders_of(settings.seed, STEP);
                (0..LOOKS).map(|look| vec![Some(batches.at(&orders, look))]).collect()
            }
        };
        Comparison { target, settings, ready: BTreeMap::new(), looks }
    }

    /// By how much the bound of the guide at the first vector is above that at the second.
    pub fn gain(
        &mut self,
        coordinates: &Coordinates,
        step: usize,
        now: &[f64],
        before: &[f64],
    ) -> Result<Gain, Failure> {
        let mut gains = vec![];
        let (now, before) = (coordinates.place(now), coordinates.place(before));
        let mut bound = 0.0;
        for (number, rows) in self.looks.clone().iter().enumerate() {
            let (first, second) = (self.bound(step, &now, number, rows)?, self.bound(step, &before, number, rows)?);
            gains.push(first - second);
            bound += first / LOOKS as f64;
        }
        let (mean, variance) = mean_and_variance(&gains);
        Ok(Gain { mean, se: (variance / gains.len() as f64).sqrt(), bound })
    }

    /// The mean over batches by their rows.
    fn bound(&mut self, step: usize, params: &[f64], number: usize, rows: &[Option<Rows>]) -> Result<f64, Failure> {
        let Target { elbo, data, backend, precision } = *self.target;
        let (mut sum, mut seen) = (0.0, 0.0);
        for rows in rows {
            let (evaluator, feed) = match self.ready.entry(rows.as_ref().map(Rows::sizes).unwrap_or_default()) {
                Entry::Occupied(entry) => entry.into_mut(),
                Entry::Vacant(entry) => {
                    let rows = entry.key().clone();
                    let program = lower::bound(elbo, data, &Batch { draws: DRAWS, rows })?;
                    let evaluator = backend.prepare(&program.plan, precision)?;
                    entry.insert((evaluator, Feed::new(&program, elbo, data)?))
                }
            };
            let (seed, stream, paired) = (self.settings.seed, Stream::Evaluate, model::Draws::Antithetic);
            feed.give(params, rows.as_ref());
            feed.beta(self.settings.beta_at(step));
            feed.noise(Draws { seed, stream, step: STEP, first: number * DRAWS, paired }, rows.as_ref());
            if let Some(rows) = rows {
                feed.rows(rows);
            }
            let weight =
                self.settings.batches.as_ref().zip(rows.as_ref()).map_or(1.0, |(batches, rows)| batches.share(rows));
            sum += weight * evaluator.run(&feed.slices(params))?[0][0];
            seen += weight;
        }
        Ok(sum / seen)
    }
}
