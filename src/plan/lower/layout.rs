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

    /// The coordinates of some rows of a dim, all of them where they have no such rows.
    fn places(&self, dim: DimId, ids: &[u32], start: usize, to: &mut Vec<usize>) {
        let start = start + self.offset;
        let Some(axis) = self.dims.iter().position(|other| *other == Some(dim)) else {
            to.extend(start..start + self.len());
            return;
        };
        let inner: usize = self.shape[axis + 1..].iter().product();
        for outer in 0..self.shape[..axis].iter().product::<usize>() {
            for id in ids {
                let row = start + (outer * self.shape[axis] + *id as usize) * inner;
                to.extend(row..row + inner);
            }
        }
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

    /// Whether some coordinates belong to rows of this dim.
    pub fn has_rows(&self, dim: DimId) -> bool {
        let dims = self.sites.iter().flat_map(|b| &b.dims).chain(self.params.iter().flat_map(|b| &b.dims));
        dims.flatten().any(|other| *other == dim)
    }

    /// Where the parameters of the guide for these rows of a dim stand among those of all rows, in their order.
    pub fn places(&self, dim: DimId, ids: &[u32]) -> Vec<usize> {
        let mut places = vec![];
        for block in &self.sites {
            block.places(dim, ids, 0, &mut places);
        }
        match self.sites.iter().any(|block| block.dims.contains(&Some(dim))) {
            // Independent factors, a scale each.
            true => self.sites.iter().for_each(|block| block.places(dim, ids, self.latents, &mut places)),
            false => places.extend(self.latents..self.params_at()),
        }
        // A point has no scales.
        places.retain(|place| *place < self.params_at());
        for block in &self.params {
            block.places(dim, ids, self.params_at(), &mut places);
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
