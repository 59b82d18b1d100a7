//! What has been drawn so far, and the leaves of expressions: data, point parameters, sites, noise.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use super::recipe::Recipes;
use super::{Drawn, Outcome, Result, Task};
use crate::data::{Array, Bound, BoundArray};
use crate::kernel::noise::{Index, Key, Stream};
use crate::math::eval::{Positions, Values};
use crate::math::{DataId, Noise, Op, SiteId};
use crate::model::{Origin, Owner, Site};
use crate::problem::Bug;
use crate::shape::{AxisId, DimId, Size};

pub struct World<'a> {
    task: &'a Task<'a>,
    recipes: &'a Recipes,
    params: Vec<Option<Drawn>>,
    sites: RefCell<Vec<Drawn>>,
    data: RefCell<Vec<BoundValues>>,
    stream: Stream,
    /// Draws at another step are other draws.
    pub step: Cell<u64>,
}

/// An array of data that may still be filled.
struct BoundValues {
    shape: Vec<usize>,
    values: Values,
}

/// The number behind a size.
pub fn size(size: &Size, dims: &BTreeMap<DimId, usize>) -> std::result::Result<usize, Bug> {
    let known = size.value(&|dim| dims.get(&dim).copied());
    known.and_then(|n| usize::try_from(n).ok()).ok_or_else(|| Bug(format!("the size {size:?} is not known")))
}

impl<'a> World<'a> {
    pub fn new(
        task: &'a Task<'a>,
        recipes: &'a Recipes,
        params: Vec<Option<Drawn>>,
        stream: Stream,
    ) -> Result<World<'a>> {
        let dims = &task.data.dims;
        let mut sites = vec![];
        for site in &task.model.sites {
            let mut shape = vec![];
            for axis in &site.plates {
                shape.push(size(&recipes.axes[*axis].size, dims)?);
            }
            for own in &site.event {
                shape.push(size(own, dims)?);
            }
            let values = vec![f64::NAN; shape.iter().product()];
            sites.push(Drawn { name: site.name.clone(), shape, values });
        }
        let array = |array: &BoundArray| {
            let n = array.shape.iter().product();
            let mut values = vec![f64::NAN; n];
            if array.values.len() == n {
                array.values.copy_to(0, &mut values);
            }
            BoundValues { shape: array.shape.clone(), values }
        };
        let data = task.data.arrays.iter().map(array).collect();
        let (sites, data) = (RefCell::new(sites), RefCell::new(data));
        Ok(World { task, recipes, params, sites, data, stream, step: Cell::new(0) })
    }

    /// How many rows a plate has.
    pub fn extent(&self, axis: AxisId) -> Result<usize> {
        Ok(size(&self.recipes.axes[axis].size, &self.task.data.dims)?)
    }

    /// The first number an axis takes.
    pub fn first(&self, axis: AxisId) -> usize {
        let first = self.recipes.axes.get(axis).map(|axis| size(&axis.first, &self.task.data.dims));
        first.and_then(std::result::Result::ok).unwrap_or(0)
    }

    /// Which row of an array over these plates the positions say.
    pub fn row(&self, plates: &[AxisId], at: &Positions) -> usize {
        let extent = |axis: &AxisId| self.extent(*axis).unwrap_or(1);
        plates.iter().fold(0, |row, axis| row * extent(axis) + at.get(axis).copied().unwrap_or(0))
    }

    pub fn put_site(&self, id: SiteId, at: &Positions, values: &[f64]) -> Result<()> {
        let row = self.row(&self.task.model.sites[id.index()].plates, at);
        put(&mut self.sites.borrow_mut()[id.index()].values, row, values)
    }

    pub fn put_data(&self, id: DataId, rows: &[usize], values: &[f64]) -> Result<()> {
        let array = &mut self.data.borrow_mut()[id.index()];
        let row = rows.iter().zip(&array.shape).fold(0, |row, (i, n)| row * n + i);
        put(&mut array.values, row, values)
    }

    pub fn leaf(&self, op: &Op, at: &Positions) -> Option<Values> {
        match op {
            Op::Data(id) => Some(self.data.borrow()[id.index()].values.clone()),
            Op::Param(id) => Some(self.params[id.index()].as_ref()?.values.clone()),
            Op::Site(id) => {
                let site = &self.task.model.sites[id.index()];
                let sites = self.sites.borrow();
                let values = &sites[id.index()].values;
                let rows: usize = sites[id.index()].shape[..site.plates.len()].iter().product();
                let n = values.len() / rows.max(1);
                Some(values[self.row(&site.plates, at) * n..][..n].to_vec())
            }
            Op::Noise(id, kind) => Some(self.noise(*id, *kind, at)),
            _ => None,
        }
    }

    fn noise(&self, id: SiteId, kind: Noise, at: &Positions) -> Values {
        let source = &self.recipes.sources[&id];
        let event = source.event.iter().map(|own| size(own, &self.task.data.dims).unwrap_or(0));
        let mut out = vec![0.0; event.product()];
        let noise = self.key(id).noise();
        let index = Index { component: 0, ..self.index(id, at) };
        match kind {
            Noise::Normal => noise.fill_normal(index, &mut out),
            Noise::Uniform => noise.fill_uniform(index, &mut out),
        }
        out
    }

    fn key(&self, id: SiteId) -> Key {
        Key { seed: self.task.seed, stream: self.stream, step: self.step.get(), site: id.0 }
    }

    /// A uniform number of a source at these positions.
    pub fn uniform(&self, id: SiteId, branch: u32, component: u32, at: &Positions) -> f64 {
        let noise = self.key(id).noise();
        noise.uniform(Index { branch, component, ..self.index(id, at) })
    }

    /// A row of the plates, and the attempts that are made there.
    fn index(&self, id: SiteId, at: &Positions) -> Index {
        let source = &self.recipes.sources[&id];
        let tries = source.tries.iter().map(|axis| at.get(axis).copied().unwrap_or(0));
        let particle = tries.fold(0u32, |all, attempt| all.wrapping_mul(65_537).wrapping_add(attempt as u32));
        Index { row: self.row(&source.plates, at) as u32, particle, ..Index::default() }
    }

    /// Values by site.
    pub fn into_sites(self) -> Vec<Values> {
        self.sites.into_inner().into_iter().map(|site| site.values).collect()
    }

    pub fn outcome(self, definitions: Vec<Drawn>) -> Outcome {
        let array = |array: BoundValues| BoundArray { shape: array.shape, values: Array::from_reals(array.values) };
        let arrays = self.data.into_inner().into_iter().map(array).collect();
        let drawn = |(_, site): &(Drawn, &Site)| site.origin == Origin::Drawn;
        let params = self.params.into_iter().zip(&self.task.model.params);
        Outcome {
            data: Bound { arrays, dims: self.task.data.dims.clone(), rows: self.task.data.rows, ..Bound::default() },
            // Nothing is missing, so what would be drawn in its place is no site of the truth.
            sites: self.sites.into_inner().into_iter().zip(&self.task.model.sites).filter(drawn).map(|s| s.0).collect(),
            definitions,
            params: params.filter(|(_, param)| param.owner == Owner::Model).filter_map(|(drawn, _)| drawn).collect(),
        }
    }
}

fn put(all: &mut [f64], row: usize, values: &[f64]) -> Result<()> {
    let start = row * values.len();
    match all.get_mut(start..start + values.len()) {
        Some(place) => {
            place.copy_from_slice(values);
            Ok(())
        }
        None => Err(Bug(format!("no row {row} of {} values in an array of {}", values.len(), all.len())).into()),
    }
}
