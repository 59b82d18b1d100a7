//! Where every unconstrained coordinate lives: latent sites of the automatic guide first, point parameters after them.

use std::collections::BTreeMap;

use super::{Trouble, limitation, size_of};
use crate::data::Bound;
use crate::dist::bijector::Bijector;
use crate::elbo::{Elbo, Treatment};
use crate::math::{ParamId, SiteId, Support};
use crate::model::Auto;
use crate::shape::{DimId, Size};

/// A run of coordinates.
#[derive(Debug, Clone, PartialEq)]
pub struct Coordinates<T> {
    pub of: T,
    pub name: String,
    pub offset: usize,
    /// Rows (plates), then the unconstrained axes of one value.
    pub shape: Vec<usize>,
    /// The dims of the rows.
    pub dims: Vec<Option<DimId>>,
}

impl<T> Coordinates<T> {
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether its rows are of one of these dims.
    pub fn is_of(&self, dims: &BTreeMap<DimId, usize>) -> bool {
        self.dims.iter().flatten().any(|dim| dims.contains_key(dim))
    }

    /// Those of some rows of some dims: see `runs`.
    pub fn runs(&self, rows: &BTreeMap<DimId, &[u32]>) -> (Vec<usize>, usize) {
        runs(&self.shape, &self.dims, rows)
    }

    /// 1 for each coordinate, 0 for those of rows beyond so many of a dim.
    pub fn mask(&self, there: &BTreeMap<DimId, usize>) -> Vec<f64> {
        let mut mask = vec![1.0];
        for (axis, size) in self.shape.iter().enumerate() {
            let dim = self.dims.get(axis).copied().flatten();
            let there = dim.and_then(|dim| there.get(&dim).copied()).unwrap_or(*size);
            let each = |outer: &f64| [vec![*outer; there], vec![0.0; size - there]].concat();
            mask = mask.iter().flat_map(each).collect();
        }
        mask
    }
}

/// The coordinates of a model with bound data. A *point* of the log joint is `latents`, then `params`; the parameters of
/// the guide's plan are the locations of the latents, their scales, then `params`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Layout {
    pub sites: Vec<Coordinates<SiteId>>,
    pub latents: usize,
    pub params: Vec<Coordinates<ParamId>>,
    /// How many coordinates the params have.
    pub param_count: usize,
    /// How many numbers the scale of the automatic guide takes.
    pub scale_count: usize,
}

impl Layout {
    /// Of all rows.
    pub fn new(elbo: &Elbo, data: &Bound) -> Result<Layout, Trouble> {
        Layout::of_rows(elbo, data, &BTreeMap::new())
    }

    /// Of so many rows of some dims: what one batch moves.
    pub fn of_rows(elbo: &Elbo, data: &Bound, batch: &BTreeMap<DimId, usize>) -> Result<Layout, Trouble> {
        let model = &elbo.model;
        let mut layout = Layout::default();
        let shaped = |rows: &[Size], event: Vec<Size>| -> Result<(Vec<usize>, Vec<Option<DimId>>), Trouble> {
            let dims: Vec<Option<DimId>> = rows.iter().map(Size::as_dim).collect();
            let mut shape = sizes(&[rows.to_vec(), event].concat(), data)?;
            for (size, dim) in shape.iter_mut().zip(&dims) {
                *size = dim.and_then(|dim| batch.get(&dim).copied()).unwrap_or(*size);
            }
            Ok((shape, dims))
        };
        for view in elbo.sites.iter().filter(|view| view.treatment == Treatment::Auto) {
            let site = &model.sites[view.site.index()];
            let rows: Vec<Size> = site.plates.iter().map(|axis| elbo.axes[*axis].size.clone()).collect();
            let free = bijector(&site.support, &site.name)?.free_event(&site.event);
            let (shape, dims) = shaped(&rows, free)?;
            let offset = layout.latents;
            layout.latents += shape.iter().product::<usize>();
            layout.sites.push(Coordinates { of: view.site, name: site.name.clone(), offset, shape, dims });
        }
        for (i, param) in model.params.iter().enumerate() {
            let free = bijector(&param.support, &param.name)?.free_event(&param.event);
            let (shape, dims) = shaped(&param.rows, free)?;
            let offset = layout.param_count;
            layout.param_count += shape.iter().product::<usize>();
            layout.params.push(Coordinates { of: ParamId(i as u32), name: param.name.clone(), offset, shape, dims });
        }
        let d = layout.latents;
        layout.scale_count = match model.guide.auto {
            Some(Auto::FullRank) => d * (d + 1) / 2,
            // The diagonal, then the columns row by row.
            Some(Auto::LowRank(rank)) => d * (1 + rank.min(d)),
            // A point has no scale.
            Some(Auto::Map) => 0,
            _ => d,
        };
        Ok(layout)
    }

    /// Whether some coordinates belong to rows of one of these dims.
    pub fn has_rows(&self, dims: &BTreeMap<DimId, usize>) -> bool {
        self.sites.iter().any(|block| block.is_of(dims)) || self.params.iter().any(|block| block.is_of(dims))
    }

    /// Where the parameters of the guide for these rows of some dims stand among those of all rows, in their order.
    pub fn places(&self, rows: &BTreeMap<DimId, &[u32]>) -> Vec<usize> {
        let mut places = vec![];
        let dims = rows.keys().map(|dim| (*dim, 0)).collect();
        let mut add = |at: usize, (starts, width): (Vec<usize>, usize)| {
            places.extend(starts.into_iter().flat_map(|start| at + start * width..at + (start + 1) * width));
        };
        for block in &self.sites {
            add(block.offset, block.runs(rows));
        }
        match (self.scale_count, self.sites.iter().any(|block| block.is_of(&dims))) {
            // A point has no scales.
            (0, _) => {}
            // Independent factors, a scale each.
            (_, true) => self.sites.iter().for_each(|block| add(self.latents + block.offset, block.runs(rows))),
            (_, false) => add(self.latents, (vec![0], self.scale_count)),
        }
        for block in &self.params {
            add(self.params_at() + block.offset, block.runs(rows));
        }
        places
    }

    /// Coordinates of one point of the log joint.
    pub fn point(&self) -> usize {
        self.latents + self.param_count
    }

    /// Parameters of the guide's plan.
    pub fn guide(&self) -> usize {
        self.latents + self.scale_count + self.param_count
    }

    /// Where the point parameters start among the guide's parameters.
    pub fn params_at(&self) -> usize {
        self.latents + self.scale_count
    }
}

/// The entries of some rows of an array, in order, as runs: which of all runs of that length each is, and the length. The
/// `dims` count its leading axes; where no rows of them are chosen, there is one run of everything.
pub fn runs(shape: &[usize], dims: &[Option<DimId>], rows: &BTreeMap<DimId, &[u32]>) -> (Vec<usize>, usize) {
    let chosen = |dim: &Option<DimId>| dim.and_then(|dim| rows.get(&dim));
    let Some(last) = dims.iter().rposition(|dim| chosen(dim).is_some()) else {
        return (vec![0], shape.iter().product());
    };
    let mut starts = vec![0];
    for (size, dim) in shape[..=last].iter().zip(dims) {
        let own: Vec<usize> = match chosen(dim) {
            Some(ids) => ids.iter().map(|id| *id as usize).collect(),
            None => (0..*size).collect(),
        };
        starts = starts.iter().flat_map(|start| own.iter().map(move |id| start * size + id)).collect();
    }
    (starts, shape[last + 1..].iter().product())
}

/// The numbers behind sizes.
pub fn sizes(sizes: &[Size], data: &Bound) -> Result<Vec<usize>, Trouble> {
    sizes.iter().map(|size| size_of(size, &data.dims)).collect()
}

/// Dimensions of what a guide draws: the unconstrained ones of a site, entries where it is discrete.
pub fn drawn(elbo: &Elbo, data: &Bound) -> Result<usize, Trouble> {
    let is_drawn = |treatment| matches!(treatment, Treatment::Auto | Treatment::Written(_) | Treatment::Enumerated(..));
    let mut count = 0;
    for view in elbo.sites.iter().filter(|view| is_drawn(view.treatment.clone())) {
        let site = &elbo.model.sites[view.site.index()];
        let event = Bijector::of(&site.support).map_or(site.event.clone(), |bijector| bijector.free_event(&site.event));
        let rows = site.plates.iter().map(|axis| elbo.axes[*axis].size.clone());
        count += sizes(&rows.chain(event).collect::<Vec<Size>>(), data)?.iter().product::<usize>();
    }
    Ok(count)
}

/// The map onto a support, or why there is none.
pub(super) fn bijector(support: &Support, name: &str) -> Result<Bijector, Trouble> {
    match Bijector::of(support) {
        Some(bijector) => Ok(bijector),
        None => limitation(format!("the support of `{name}`")),
    }
}
