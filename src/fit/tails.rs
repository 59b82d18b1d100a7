//! k-hat row by row, where every latent belongs to one row: each row has weights of its own.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::Failure;
use super::batches::Batches;
use super::feed::{Draws, Feed, Rows};
use super::posterior::Fitted;
use crate::diagnose::psis::{Importance, KHAT_FLAGGED};
use crate::elbo::{Elbo, Estimator, Treatment, cost};
use crate::kernel::noise::Stream;
use crate::model::Draws::Independent;
use crate::plan::lower::{self, Batch};
use crate::shape::AxisId;

/// Draws of each row, and the most rows: enough for a tail and for a share.
const DRAWS: usize = 1_000;
const ROWS: usize = 1_000;
/// Where the fit was short, at least so many.
const FEWEST: usize = 100;
/// Working memory, in numbers.
const MEMORY: usize = 1 << 20;

/// What the rows' k-hats are like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RowTails {
    pub rows: usize,
    pub median: f64,
    /// The share of rows above .7.
    pub above: f64,
}

/// The tails of random rows at these parameters of the guide, or why there are none.
pub fn tails(fitted: &Fitted, params: &[f64]) -> Result<Result<RowTails, String>, Failure> {
    let plate = match plate(fitted.elbo) {
        Ok(plate) => plate,
        Err(because) => return Ok(Err(because)),
    };
    let Some(dim) = fitted.elbo.axes[plate].size.as_dim() else { return Ok(Err("the plate has no dim".into())) };
    let rows = fitted.data.dims.get(&dim).copied().unwrap_or(0);
    if crate::model::check_batch(&fitted.elbo.model, &[(dim, None)]).has_errors() {
        return Ok(Err("its rows cannot be taken alone".into()));
    }
    // As many as cost no more than the fit did, counted, so that no clock decides.
    let count = (fitted.evaluations / DRAWS).clamp(FEWEST, ROWS).min(rows);
    let order = Batches::new(dim, rows, rows.max(1)).order(fitted.seed, u64::MAX);
    let mut ids = order[..count].to_vec();
    ids.sort_unstable();

    let program = |size: usize| {
        let batch = Batch { draws: DRAWS, rows: BTreeMap::from([(dim, size)]) };
        lower::row_weights(fitted.elbo, fitted.data, &batch, plate)
    };
    let one = program(1)?;
    let largest = one.plan.nodes.iter().map(|(_, node)| node.shape.iter().product()).max().unwrap_or(1usize);
    let size = (MEMORY / largest.max(1)).clamp(1, count.max(1));
    let mut ready = BTreeMap::new();
    let mut khats = vec![];
    for ids in ids.chunks(size) {
        let (evaluator, feed) = match ready.entry(ids.len()) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let program = program(ids.len())?;
                let evaluator = fitted.backend.prepare(&program.plan, fitted.precision)?;
                entry.insert((evaluator, Feed::new(&program, fitted.elbo, fitted.data)?))
            }
        };
        let rows = Rows::alone(dim, ids.to_vec());
        feed.give(params, Some(&rows));
        feed.noise(
            Draws { seed: fitted.seed, stream: Stream::Evaluate, step: 1, first: 0, paired: Independent },
            Some(&rows),
        );
        feed.rows(&rows);
        let outputs = evaluator.run(&feed.slices(params))?;
        khats.extend((0..ids.len()).map(|row| khat(&outputs, row, ids.len())));
    }
    Ok(Ok(RowTails::of(khats)))
}

fn khat(outputs: &[Vec<f64>], row: usize, rows: usize) -> f64 {
    let weight = |draw: usize| outputs[0][draw * rows + row] - outputs[1][draw * rows + row];
    Importance::from_log_weights(&(0..DRAWS).map(weight).collect::<Vec<f64>>()).khat
}

impl RowTails {
    fn of(mut khats: Vec<f64>) -> RowTails {
        khats.sort_by(f64::total_cmp);
        let above = khats.iter().filter(|khat| **khat > KHAT_FLAGGED).count();
        let rows = khats.len();
        let median = khats.get(rows / 2).copied().unwrap_or(f64::NAN);
        RowTails { rows, median, above: above as f64 / rows.max(1) as f64 }
    }
}

/// The plate whose rows hold every latent that is drawn.
fn plate(elbo: &Elbo) -> Result<AxisId, String> {
    let mut found = None;
    for view in &elbo.sites {
        let site = &elbo.model.sites[view.site.index()];
        let outermost = site.plates.first().copied();
        match (&view.treatment, outermost) {
            (Treatment::SummedOut(_), _) | (Treatment::Leaf, _) => continue,
            (Treatment::Auto, _) => return Err(format!("`{}` has an automatic factor", site.name)),
            (_, None) => return Err(format!("`{}` belongs to no row", site.name)),
            _ if view.choice.estimator == Estimator::IntegratesToOne => continue,
            (_, Some(axis)) if *found.get_or_insert(axis) != axis => return Err("latents are in several plates".into()),
            _ => {}
        }
    }
    let plate = found.ok_or("there is no latent site")?;
    let strays =
        |term: &crate::elbo::Term| !term.plates.contains(&plate) && !cost::sampled(elbo, term.value).is_empty();
    match elbo.log_p.iter().chain(&elbo.log_q).any(strays) {
        true => Err("rows are read outside their plate".into()),
        false => Ok(plate),
    }
}
