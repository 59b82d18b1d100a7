//! Where every unconstrained coordinate lives: latent sites of the automatic guide first, point parameters after them.

use super::{Trouble, limitation, size_of};
use crate::data::Bound;
use crate::dist::bijector::Bijector;
use crate::elbo::{Elbo, Treatment};
use crate::math::{ParamId, SiteId, Support};
use crate::model::Auto;
use crate::shape::Size;

/// A run of coordinates.
#[derive(Debug, Clone, PartialEq)]
pub struct Coordinates<T> {
    pub of: T,
    pub name: String,
    pub offset: usize,
    /// Rows (plates), then the unconstrained axes of one value.
    pub shape: Vec<usize>,
}

impl<T> Coordinates<T> {
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
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
    pub fn new(elbo: &Elbo, data: &Bound) -> Result<Layout, Trouble> {
        let model = &elbo.model;
        let mut layout = Layout::default();
        for view in elbo.sites.iter().filter(|view| view.treatment == Treatment::Auto) {
            let site = &model.sites[view.site.index()];
            let rows: Vec<Size> = site.plates.iter().map(|axis| elbo.axes[*axis].size.clone()).collect();
            let free = bijector(&site.support, &site.name)?.free_event(&site.event);
            let shape = sizes(&[rows, free].concat(), data)?;
            let offset = layout.latents;
            layout.latents += shape.iter().product::<usize>();
            layout.sites.push(Coordinates { of: view.site, name: site.name.clone(), offset, shape });
        }
        for (i, param) in model.params.iter().enumerate() {
            let free = bijector(&param.support, &param.name)?.free_event(&param.event);
            let shape = sizes(&[param.rows.clone(), free].concat(), data)?;
            let offset = layout.param_count;
            layout.param_count += shape.iter().product::<usize>();
            layout.params.push(Coordinates { of: ParamId(i as u32), name: param.name.clone(), offset, shape });
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

/// The map onto a support, or why there is none.
pub(super) fn bijector(support: &Support, name: &str) -> Result<Bijector, Trouble> {
    match Bijector::of(support) {
        Some(bijector) => Ok(bijector),
        None => limitation(format!("the support of `{name}`")),
    }
}
