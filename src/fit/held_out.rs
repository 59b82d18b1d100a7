//! The bound of rows that a fit has not seen, row by row: E_q[ log p(row, its latents | what is shared) - log q(its
//! latents) ], with what all rows share drawn from the fitted guide; or the importance-weighted bound of the same weights
//! (Burda, Grosse & Salakhutdinov, ICLR 2016).

use std::collections::BTreeMap;

use super::feed::{Draws, Feed, Rows};
use super::{Estimate, Failure};
use crate::data::Bound;
use crate::elbo::{Elbo, Estimator, SiteView, Treatment};
use crate::kernel::noise::Stream;
use crate::math::Op;
use crate::model::Draws::Independent;
use crate::model::Statement;
use crate::plan::lower::{self, Batch, Program};
use crate::plan::{Backend, Evaluate, Precision};
use crate::problem::Problem;
use crate::shape::{AxisId, DimId};

/// Working memory of a block of draws and rows, in numbers.
const MEMORY: usize = 1 << 20;

/// Which bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Elbo,
    /// The logarithm of the mean weight of a row's draws.
    Iwae,
}

/// Rows that a guide with these parameters is held against.
pub struct Task<'a> {
    pub elbo: &'a Elbo,
    pub data: &'a Bound,
    pub backend: &'a dyn Backend,
    pub precision: Precision,
    /// See `plan::lower::Layout`.
    pub params: &'a [f64],
    pub kind: Kind,
    pub draws: usize,
    pub seed: u64,
}

/// What the rows' bounds are.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldOut {
    /// One a row.
    pub rows: Vec<Estimate>,
    /// Of the mean over the rows. What is shared is drawn once for all rows, so their errors are not independent.
    pub mean: Estimate,
}

/// The rows one by one.
pub fn held_out(task: &Task) -> Result<HeldOut, Failure> {
    let (plate, dim) = plate(task.elbo).map_err(limitation)?;
    let rows = task.data.dims.get(&dim).copied().unwrap_or(0);
    let batched = !crate::model::check_batch(&task.elbo.model, &[(dim, None)]).has_errors();
    let mut evaluator = Evaluator { task, plate, dim, batched, ready: BTreeMap::new() };
    let one = evaluator.program(1, if batched { 1 } else { rows })?;
    let largest = one.plan.nodes.iter().map(|(_, node)| node.shape.iter().product()).max().unwrap_or(1usize).max(1);
    let draws = (MEMORY / largest).clamp(1, task.draws);
    // All draws of a block of rows are held.
    let size = match batched {
        true => (MEMORY / (largest * draws).max(task.draws)).clamp(1, rows.max(1)),
        false => rows,
    };
    let mut sums = Sums { rows: vec![], influence: vec![0.0; task.draws] };
    for first in (0..rows).step_by(size.max(1)) {
        let ids: Vec<u32> = (first as u32..(first + size).min(rows) as u32).collect();
        let weights = evaluator.weights(draws, &Rows::alone(dim, ids))?;
        sums.add(task.kind, &weights);
    }
    Ok(sums.finish())
}

struct Evaluator<'t, 'a> {
    task: &'t Task<'a>,
    plate: AxisId,
    dim: DimId,
    /// Whether rows can be taken alone.
    batched: bool,
    /// By the number of rows.
    ready: BTreeMap<usize, (Box<dyn Evaluate>, Feed<'a>)>,
}

impl Evaluator<'_, '_> {
    fn program(&self, draws: usize, rows: usize) -> Result<Program, Failure> {
        let rows = if self.batched { BTreeMap::from([(self.dim, rows)]) } else { BTreeMap::new() };
        Ok(lower::row_weights(self.task.elbo, self.task.data, &Batch { draws, rows }, self.plate)?)
    }

    /// log p - log q of every draw of every row: rows x draws.
    fn weights(&mut self, block: usize, rows: &Rows) -> Result<Vec<Vec<f64>>, Failure> {
        let size = rows.ids.len();
        let (mut evaluator, mut feed) = match self.ready.remove(&size) {
            Some(ready) => ready,
            None => {
                let program = self.program(block, size)?;
                let evaluator = self.task.backend.prepare(&program.plan, self.task.precision)?;
                (evaluator, Feed::new(&program, self.task.elbo, self.task.data)?)
            }
        };
        let mut weights = vec![Vec::with_capacity(self.task.draws); size];
        let batch = self.batched.then_some(rows);
        for first in (0..self.task.draws).step_by(block) {
            feed.give(self.task.params, None);
            feed.noise(
                Draws { seed: self.task.seed, stream: Stream::Evaluate, step: 3, first, paired: Independent },
                batch,
            );
            if let Some(rows) = batch {
                feed.rows(rows);
            }
            let outputs = evaluator.run(&feed.slices(self.task.params))?;
            for draw in 0..block.min(self.task.draws - first) {
                for (row, weights) in weights.iter_mut().enumerate() {
                    weights.push(outputs[0][draw * size + row] - outputs[1][draw * size + row]);
                }
            }
        }
        self.ready.insert(size, (evaluator, feed));
        Ok(weights)
    }
}

/// Rows so far, and how much each draw moved the sum of them, to first order.
struct Sums {
    rows: Vec<Estimate>,
    influence: Vec<f64>,
}

impl Sums {
    fn add(&mut self, kind: Kind, weights: &[Vec<f64>]) {
        for weights in weights {
            let count = weights.len() as f64;
            let most = weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let (mean, moves): (f64, Vec<f64>) = match kind {
                Kind::Elbo => {
                    let mean = weights.iter().sum::<f64>() / count;
                    (mean, weights.iter().map(|weight| weight - mean).collect())
                }
                Kind::Iwae => {
                    let scaled: Vec<f64> = weights.iter().map(|weight| (weight - most).exp()).collect();
                    let mean = scaled.iter().sum::<f64>() / count;
                    (most + mean.ln(), scaled.iter().map(|weight| weight / mean - 1.0).collect())
                }
            };
            self.rows.push(Estimate { mean, se: spread(&moves) });
            self.influence.iter_mut().zip(&moves).for_each(|(sum, part)| *sum += part);
        }
    }

    fn finish(mut self) -> HeldOut {
        let rows = self.rows.len() as f64;
        self.influence.iter_mut().for_each(|part| *part /= rows);
        let mean = self.rows.iter().map(|row| row.mean).sum::<f64>() / rows;
        HeldOut { mean: Estimate { mean, se: spread(&self.influence) }, rows: self.rows }
    }
}

/// The standard error of a mean of draws whose deviations from it are these.
fn spread(moves: &[f64]) -> f64 {
    let count = moves.len() as f64;
    (moves.iter().map(|part| part * part).sum::<f64>() / ((count - 1.0).max(1.0) * count)).sqrt()
}

/// The plate whose rows are observed, if each row's terms can be told apart and belong to new rows as well.
fn plate(elbo: &Elbo) -> Result<(AxisId, DimId), String> {
    let mut found: Option<AxisId> = None;
    for statement in &elbo.model.statements {
        let Statement::Observe(observation) = statement else { continue };
        match (observation.plates.first(), found) {
            (None, _) => return Err("data that are observed as a whole have no rows".into()),
            (Some(axis), Some(other)) if *axis != other => {
                return Err("data are observed in several plates, whose rows are not the same".into());
            }
            (Some(axis), _) => found = Some(*axis),
        }
    }
    let plate = found.ok_or("nothing is observed")?;
    let dim = elbo.axes[plate].size.as_dim().ok_or("the plate has no dim")?;
    for view in &elbo.sites {
        let site = &elbo.model.sites[view.site.index()];
        let drawn = !matches!(view.treatment, Treatment::SummedOut(_) | Treatment::Leaf)
            && view.choice.estimator != Estimator::IntegratesToOne;
        match site.plates.first() {
            Some(axis) if drawn && *axis == plate && view.treatment == Treatment::Auto => {
                return Err(format!(
                    "`{}` has a factor of its own for every row of the fit, and none for others",
                    site.name
                ));
            }
            Some(axis) if drawn && elbo.axes[*axis].size.as_dim() == Some(dim) && *axis != plate => {
                return Err(format!("`{}` belongs to another plate over the same rows", site.name));
            }
            // What is found of new rows of another plate has a cost that belongs to none of the rows that are observed.
            Some(axis) if drawn && *axis != plate && reads_data(elbo, view) => {
                return Err(format!("`{}` is told from data of rows of another plate than is observed", site.name));
            }
            _ => {}
        }
    }
    let own = elbo.model.params.iter().find(|param| param.rows.iter().any(|size| size.as_dim() == Some(dim)));
    match own {
        Some(param) => Err(format!("`{}` has a value for every row of the fit, and none for others", param.name)),
        None => Ok((plate, dim)),
    }
}

/// Whether the guide's factor is made of data.
fn reads_data(elbo: &Elbo, view: &SiteView) -> bool {
    let (Treatment::Written(at) | Treatment::Enumerated(at, _)) = view.treatment else { return false };
    let mut args = elbo.model.guide.factors[at].dist.args.values();
    args.any(|arg| elbo.graph.mentions(*arg, |op| matches!(op, Op::Data(_))))
}

fn limitation(because: String) -> Failure {
    Failure::from(
        Problem::error("ppl::limitation::held_out", format!("the held-out bound is not told row by row: {because}"))
            .help("rows need observations in one plate, and latents that an amortized guide or a sum can follow"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_the_mean_of_its_weights_or_its_logarithm() {
        let weights = vec![vec![0.0, 3f64.ln()], vec![1.0, 1.0]];
        let told = |kind| {
            let mut sums = Sums { rows: vec![], influence: vec![0.0; 2] };
            sums.add(kind, &weights);
            sums.finish()
        };
        let elbo = told(Kind::Elbo);
        assert!((elbo.rows[0].mean - 0.5 * 3f64.ln()).abs() < 1e-15 && elbo.rows[1] == Estimate { mean: 1.0, se: 0.0 });
        // Two draws a and b have the standard error |a - b| / 2 of their mean.
        assert!((elbo.rows[0].se - 0.5 * 3f64.ln()).abs() < 1e-15);
        assert!((elbo.mean.se - 0.25 * 3f64.ln()).abs() < 1e-15);
        let iwae = told(Kind::Iwae);
        assert!((iwae.rows[0].mean - 2f64.ln()).abs() < 1e-15 && (iwae.rows[0].se - 0.5).abs() < 1e-15);
    }
}
