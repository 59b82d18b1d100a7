//! Reported values: summaries of sites and definitions over draws, the draws that are kept, and point parameters.

use super::Failure;
use super::feed::Rows;
use super::posterior::{BLOCK, Block, Fitted, Guide, KEPT, LONGEST, PointValue, Quantity, SUMMARIZED, Table, Told};
use crate::diagnose::psis::{Importance, Moments, WeightedMoments};
use crate::diagnose::summary::Summary;
use crate::elbo::Treatment;
use crate::plan::lower::{self, Given, OutputKind};
use crate::shape::AxisId;

/// Draws that long arrays are summarized from at least.
const FEWEST: usize = 200;

/// Reported values, draw by draw.
pub(super) struct Values<'a, 'f> {
    fitted: &'f Fitted<'a>,
    block: Block<'a>,
    /// Outputs that are quantities: (place among the outputs, name, shape without draws).
    quantities: Vec<(usize, Told, String, Vec<usize>)>,
    /// The row that stands for those of a dim whose plates are left out.
    row: Option<Rows>,
}

pub(super) type Summaries = (Vec<Quantity>, Vec<PointValue>, Table);

impl<'a, 'f> Values<'a, 'f> {
    pub fn of(fitted: &'f Fitted<'a>) -> Result<Values<'a, 'f>, Failure> {
        // One row stands for the plates of a batched dim, of which nothing is told, unless points hold all rows.
        let row = fitted.left_out.clone().filter(|_| !matches!(fitted.guide, Guide::Sampler { .. }));
        let dims = row.as_ref().map(Rows::sizes).unwrap_or_default();
        let left_out = fitted.left_out.as_ref().map(Rows::sizes).unwrap_or_default();
        let told = |plates: &[AxisId]| {
            let dim = |axis: &AxisId| fitted.elbo.axes[*axis].size.as_dim();
            plates.iter().all(|axis| dim(axis).is_none_or(|dim| !left_out.contains_key(&dim)))
        };
        let from = given(fitted);
        let block =
            Block::new(fitted, SUMMARIZED, |draws| lower::values(fitted.elbo, fitted.data, draws, from, &dims))?;
        let model = &fitted.elbo.model;
        let mut quantities = vec![];
        for (at, kind) in block.program.outputs.iter().enumerate() {
            let whole = &block.program.plan.nodes[block.program.plan.outputs[at].node].shape;
            let shape = whole.get(1..).unwrap_or(&[]).to_vec();
            match kind {
                OutputKind::Site(site) if told(&model.sites[site.index()].plates) => {
                    let told = match fitted.elbo.sites[site.index()].treatment {
                        Treatment::SummedOut(_) => Told::Probabilities,
                        _ => Told::Values,
                    };
                    quantities.push((at, told, model.sites[site.index()].name.clone(), shape));
                }
                OutputKind::Definition(def) if told(&model.definitions[def.index()].plates) => {
                    quantities.push((at, Told::Values, model.definitions[def.index()].name.clone(), shape));
                }
                _ => {}
            }
        }
        Ok(Values { fitted, block, quantities, row })
    }

    /// `weighed` draws have a density; where nothing is drawn that is one, and one says all.
    pub fn summarize(mut self, importance: Option<&Importance>, weighed: usize) -> Result<Summaries, Failure> {
        let widths: Vec<usize> = self.quantities.iter().map(|(.., shape)| shape.iter().product()).collect();
        let (long, short): (Vec<usize>, Vec<usize>) = widths.iter().partition(|width| **width > LONGEST);
        let (long, short): (usize, usize) = (long.iter().sum(), short.iter().sum());
        let count = match (long + short, weighed) {
            (0, _) | (_, 1) => 1,
            _ => (8 * BLOCK / short.max(1)).clamp(KEPT, SUMMARIZED),
        };
        let of_long = (8 * BLOCK / long.max(1)).clamp(FEWEST, SUMMARIZED).min(count);
        let mut entries: Vec<Vec<Vec<f64>>> = widths.iter().map(|width| vec![vec![]; *width]).collect();
        let mut table = Table { values: vec![vec![]; widths.len()], ..Table::default() };
        let mut first = 0;
        let end = if short == 0 { of_long } else { count };
        while first < end {
            let outputs = self.block.run(self.fitted, first, self.row.as_ref())?;
            let take = self.block.draws.min(end - first);
            for (q, (at, ..)) in self.quantities.iter().enumerate() {
                let is_long = widths[q] > LONGEST;
                let take = if is_long { take.min(of_long.saturating_sub(first)) } else { take };
                for (s, draw) in outputs[*at].chunks(widths[q].max(1)).take(take).enumerate() {
                    if first + s < KEPT.min(weighed) && !is_long {
                        table.values[q].extend(draw);
                    }
                    entries[q].iter_mut().zip(draw).for_each(|(entry, value)| entry.push(*value));
                }
            }
            first += take;
        }
        let mut corrected = match importance {
            Some(importance) => self.corrected(importance, &widths)?.into_iter().map(Some).collect(),
            None => vec![None; widths.len()],
        };
        let mut quantities = vec![];
        for (q, (_, told, name, shape)) in self.quantities.iter().enumerate() {
            let summaries = entries[q].iter_mut().map(|draws| Summary::of(draws)).collect();
            let corrected = corrected[q].take();
            quantities.push(Quantity { name: name.clone(), told: *told, shape: shape.clone(), summaries, corrected });
        }
        Ok((quantities, point_values(self.fitted)?, table))
    }

    /// Again over the draws that were weighed.
    fn corrected(&mut self, importance: &Importance, widths: &[usize]) -> Result<Vec<Vec<Moments>>, Failure> {
        let mut moments: Vec<WeightedMoments> = widths.iter().map(|width| WeightedMoments::new(*width)).collect();
        let mut first = 0;
        while first < importance.weights.len() {
            let outputs = self.block.run(self.fitted, first, self.row.as_ref())?;
            let weights = &importance.weights[first..(first + self.block.draws).min(importance.weights.len())];
            for (q, (at, ..)) in self.quantities.iter().enumerate() {
                for (weight, draw) in weights.iter().zip(outputs[*at].chunks(widths[q].max(1))) {
                    moments[q].push(*weight, draw);
                }
            }
            first += self.block.draws;
        }
        Ok(moments.into_iter().map(WeightedMoments::finish).collect())
    }
}

/// The point parameters, all rows of them.
fn point_values(fitted: &Fitted) -> Result<Vec<PointValue>, Failure> {
    let program = lower::params(fitted.elbo, fitted.data, given(fitted))?;
    let mut block = Block::exactly(fitted, 1, program)?;
    let outputs = block.run(fitted, 0, None)?;
    let plan = &block.program.plan;
    let one = |(at, kind): (usize, &OutputKind)| {
        let OutputKind::Param(param) = kind else { return None };
        let name = fitted.elbo.model.params[*param].name.clone();
        Some(PointValue { name, shape: plan.nodes[plan.outputs[at].node].shape.clone(), value: outputs[at].clone() })
    };
    Ok(block.program.outputs.iter().enumerate().filter_map(one).collect())
}

/// Whether draws are of points or of a guide.
fn given(fitted: &Fitted) -> Given {
    match fitted.guide {
        Guide::Sampler { .. } | Guide::Point(..) => Given::Points,
        Guide::Params(_) => Given::Guide,
    }
}
