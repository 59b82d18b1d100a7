//! What a plan is given at each run: parameters, noise by name, and the rows of a batch.

use crate::data::Bound;
use crate::elbo::{Elbo, Treatment};
use crate::kernel::noise::{Index, Key, Noise as Source, Stream};
use crate::math::{Noise, SiteId};
use crate::plan::Failure;
use crate::plan::lower::{InputKind, Program};
use crate::problem::Bug;
use crate::shape::{AxisId, DimId};

/// The noise of the automatic guide's joint draw is not one site's.
const JOINT: u32 = u32::MAX;
/// Nor is that of a layer, which is named by its place in the text.
const LAYERS: u32 = 1 << 31;

/// Names the draws of one run.
#[derive(Debug, Clone, Copy)]
pub struct Draws {
    pub seed: u64,
    pub stream: Stream,
    pub step: u64,
    /// The number of the first draw; a block of draws is the same whatever blocks came before.
    pub first: usize,
}

/// Rows of a batched dim, ascending.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    pub dim: DimId,
    pub ids: Vec<u32>,
}

/// The buffers behind a program's inputs, allocated once.
pub struct Feed<'a> {
    elbo: &'a Elbo,
    data: &'a Bound,
    inputs: Vec<InputKind>,
    shapes: Vec<Vec<usize>>,
    buffers: Vec<Vec<f64>>,
}

impl<'a> Feed<'a> {
    pub fn new(program: &Program, elbo: &'a Elbo, data: &'a Bound) -> Feed<'a> {
        let shapes: Vec<Vec<usize>> = program.plan.inputs.iter().map(|input| input.shape.clone()).collect();
        let buffers = shapes.iter().map(|shape| vec![0.0; shape.iter().product()]).collect();
        Feed { elbo, data, inputs: program.inputs.clone(), shapes, buffers }
    }

    /// The arrays, in the order of the plan's inputs.
    pub fn slices(&self) -> Vec<&[f64]> {
        self.buffers.iter().map(Vec::as_slice).collect()
    }

    /// Points or the guide's parameters, whichever the plan takes.
    pub fn give(&mut self, values: &[f64]) {
        for (kind, buffer) in self.inputs.iter().zip(&mut self.buffers) {
            if matches!(kind, InputKind::Points | InputKind::Params) {
                buffer.copy_from_slice(values);
            }
        }
    }

    /// Fresh noise under these names; draws of a batched plate are named by their row in the data.
    pub fn noise(&mut self, draws: Draws, rows: Option<&Rows>) {
        for i in 0..self.inputs.len() {
            match self.inputs[i] {
                InputKind::AutoNoise => {
                    let width = self.shapes[i][1];
                    let noise = Key { seed: draws.seed, stream: draws.stream, step: draws.step, site: JOINT }.noise();
                    for (s, out) in self.buffers[i].chunks_mut(width.max(1)).enumerate() {
                        noise.fill_normal(Index { particle: (draws.first + s) as u32, ..Index::default() }, out);
                    }
                }
                InputKind::Noise { site, noise } => {
                    let plates = self.plates(site);
                    self.plate_noise(i, &plates, site.0, noise, draws, rows);
                }
                InputKind::Dropout { place, ref axes } => {
                    let axes = axes.clone();
                    self.plate_noise(i, &axes, LAYERS | place as u32, Noise::Uniform, draws, rows);
                }
                _ => {}
            }
        }
    }

    /// `name` stands for what draws, among the sites.
    fn plate_noise(&mut self, i: usize, plates: &[AxisId], name: u32, noise: Noise, draws: Draws, rows: Option<&Rows>) {
        let shape = &self.shapes[i];
        let width: usize = shape[1 + plates.len()..].iter().product();
        let count: usize = shape[1..1 + plates.len()].iter().product();
        let names: Vec<u32> = (0..count).map(|at| self.row_name(plates, shape, at, rows)).collect();
        let source = Key { seed: draws.seed, stream: draws.stream, step: draws.step, site: name }.noise();
        for (at, out) in self.buffers[i].chunks_mut(width.max(1)).enumerate() {
            let index =
                Index { particle: (draws.first + at / count) as u32, row: names[at % count], ..Index::default() };
            fill(&source, noise, index, out);
        }
    }

    fn plates(&self, site: SiteId) -> Vec<AxisId> {
        match self.elbo.sites[site.index()].treatment {
            Treatment::Written(at) | Treatment::Enumerated(at, _) => self.elbo.model.guide.factors[at].plates.clone(),
            _ => self.elbo.model.sites[site.index()].plates.clone(),
        }
    }

    /// The row of the whole data that position `at` of the plates stands for, counted over all plates.
    fn row_name(&self, plates: &[AxisId], shape: &[usize], at: usize, rows: Option<&Rows>) -> u32 {
        let mut rest = at;
        let mut name = 0;
        let mut stride = 1;
        for (k, axis) in plates.iter().enumerate().rev() {
            let position = rest % shape[1 + k];
            rest /= shape[1 + k];
            let dim = self.elbo.axes[*axis].size.as_dim();
            let batched = rows.filter(|rows| dim == Some(rows.dim));
            name += stride * batched.map_or(position, |rows| rows.ids[position] as usize);
            stride *= dim.and_then(|dim| self.data.dims.get(&dim).copied()).unwrap_or(shape[1 + k]);
        }
        name as u32
    }

    /// The rows of a batch of every data item that is read by rows.
    pub fn rows(&mut self, rows: &Rows) -> Result<(), Failure> {
        for i in 0..self.inputs.len() {
            let InputKind::Rows(item) = self.inputs[i] else { continue };
            let array = &self.data.arrays[item];
            if self.elbo.model.data[item].rows.first() != Some(&rows.dim) {
                return Err(Failure::Bug(Bug("a batched axis that is not the first of its data".into())));
            }
            let width: usize = array.shape[1..].iter().product();
            for (out, row) in self.buffers[i].chunks_mut(width.max(1)).zip(&rows.ids) {
                array.values.copy_to(*row as usize * width, out);
            }
        }
        Ok(())
    }
}

fn fill(source: &Source, noise: Noise, at: Index, out: &mut [f64]) {
    match noise {
        Noise::Normal => source.fill_normal(at, out),
        Noise::Uniform => source.fill_uniform(at, out),
    }
}
