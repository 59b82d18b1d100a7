//! What a plan is given at each run: parameters, noise by name, and the rows of a batch.

use std::collections::BTreeMap;

use super::baselines::Baselines;
use super::paired;
use crate::data::{Array, Bound};
use crate::elbo::{Elbo, Treatment, particles};
use crate::kernel::noise::{Index, Key, Noise as Source, Stream};
use crate::math::{Noise, SiteId};
use crate::model;
use crate::plan::Failure;
use crate::plan::lower::{self, Following, InputKind, Layout, Program};
use crate::problem::Bug;
use crate::shape::{AxisId, DimId};

/// The noise of the automatic guide's joint draw is not one site's.
const JOINT: u32 = u32::MAX;
/// Nor is that of a layer, which is named by its place in the text.
const LAYERS: u32 = 1 << 31;
/// An automatic factor whose rows are in a batch, beside its site's name.
const AUTO: u32 = 1 << 30;
/// Nor the places of stratified draws in their strata.
const STRATA: u32 = 1 << 29;

/// The number next to 1 in single precision: a uniform draw is below 1 there too, where its logit is taken.
const BELOW_ONE: f64 = 1.0 - 1.0 / (1 << 24) as f64;

/// Names the draws of one run.
#[derive(Debug, Clone, Copy)]
pub struct Draws {
    pub seed: u64,
    pub stream: Stream,
    pub step: u64,
    /// The number of the first draw; a block of draws is the same whatever blocks came before.
    pub first: usize,
    /// How they go together; the noise of layers is always independent.
    pub paired: model::Draws,
}

/// Rows of a batched dim, ascending, and those of other dims: of such as follow, and of such as are batched too.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    pub dim: DimId,
    pub ids: Vec<u32>,
    pub beside: Vec<RowsBeside>,
}

/// Rows that are in a step because they point at one that is, or that were drawn like those; ascending.
#[derive(Debug, Clone, PartialEq)]
pub struct RowsBeside {
    pub dim: DimId,
    /// As many as the plan has room for: the last one is repeated.
    pub ids: Vec<u32>,
    /// How many are there.
    pub there: usize,
}

impl Rows {
    /// Rows that no others follow, or none that a plan is about.
    pub fn alone(dim: DimId, ids: Vec<u32>) -> Rows {
        Rows { dim, ids, beside: vec![] }
    }

    pub fn followed(dim: DimId, ids: Vec<u32>, following: &[Following]) -> Rows {
        let of = |following: &Following| {
            let mut rows = following.of(&ids);
            let there = rows.len();
            rows.resize(following.room(there, ids.len()), rows.last().copied().unwrap_or(0));
            RowsBeside { dim: following.dim, ids: rows, there }
        };
        Rows { beside: following.iter().map(of).collect(), dim, ids }
    }

    /// In the same step.
    pub fn join(&mut self, other: Rows) {
        let Rows { dim, ids, beside } = other;
        self.beside.push(RowsBeside { dim, there: ids.len(), ids });
        self.beside.extend(beside);
    }

    /// The rows of a dim, where not all of them are there.
    pub fn of(&self, dim: DimId) -> Option<&[u32]> {
        let beside = || self.beside.iter().find(|other| other.dim == dim).map(|other| other.ids.as_slice());
        if dim == self.dim { Some(&self.ids) } else { beside() }
    }

    pub fn lists(&self) -> BTreeMap<DimId, &[u32]> {
        let beside = self.beside.iter().map(|other| (other.dim, other.ids.as_slice()));
        beside.chain([(self.dim, self.ids.as_slice())]).collect()
    }

    /// What a plan is made for.
    pub fn sizes(&self) -> BTreeMap<DimId, usize> {
        self.lists().into_iter().map(|(dim, ids)| (dim, ids.len())).collect()
    }

    /// Whether some rows are there more than once.
    fn is_filled_up(&self) -> bool {
        self.beside.iter().any(|other| other.there < other.ids.len())
    }

    /// How many rows are there of each dim.
    fn there(&self) -> BTreeMap<DimId, usize> {
        let beside = self.beside.iter().map(|other| (other.dim, other.there));
        beside.chain([(self.dim, self.ids.len())]).collect()
    }
}

/// The buffers behind a program's inputs, allocated once.
pub struct Feed<'a> {
    elbo: &'a Elbo,
    data: &'a Bound,
    inputs: Vec<InputKind>,
    shapes: Vec<Vec<usize>>,
    buffers: Vec<Vec<f64>>,
    /// Of the program, and of all rows.
    layout: Layout,
    whole: Layout,
    /// Sites whose particles are antithetic pairs in the steps of a fit.
    paired: Vec<SiteId>,
    /// Data items as they are in this epoch.
    arrays: Vec<Array>,
    /// Whether the parameters in the buffers are those of a batch.
    of_rows: bool,
}

impl<'a> Feed<'a> {
    pub fn new(program: &Program, elbo: &'a Elbo, data: &'a Bound) -> Result<Feed<'a>, Failure> {
        let shapes: Vec<Vec<usize>> = program.plan.inputs.iter().map(|input| input.shape.clone()).collect();
        let buffers = shapes.iter().map(|shape| vec![0.0; shape.iter().product()]).collect();
        let arrays = data.arrays.iter().map(|array| array.values.clone()).collect();
        let whole = Layout::new(elbo, data).map_err(|_| Failure::Bug(Bug("a layout that was made once".into())))?;
        let (inputs, layout) = (program.inputs.clone(), program.layout.clone());
        let sites = elbo.sites.iter().map(|view| view.site);
        let paired = sites.filter(|site| particles::paired(elbo, *site)).collect();
        let mut feed = Feed { elbo, data, inputs, shapes, buffers, layout, whole, paired, arrays, of_rows: false };
        feed.redrawn(&[]);
        Ok(feed)
    }

    /// Takes data items that are drawn anew as they are from now on.
    pub fn redrawn(&mut self, fresh: &[(usize, Array)]) {
        for (item, array) in fresh {
            self.arrays[*item] = array.clone();
        }
        for (kind, buffer) in self.inputs.iter().zip(&mut self.buffers) {
            if let InputKind::Whole(item) = kind {
                self.arrays[*item].copy_to(0, buffer);
            }
        }
    }

    /// The arrays, in the order of the plan's inputs. Of all rows, points or parameters are read where they are: nets
    /// have too many to be copied at every step.
    pub fn slices<'s>(&'s self, values: &'s [f64]) -> Vec<&'s [f64]> {
        let one = |(kind, buffer): (&InputKind, &'s Vec<f64>)| match kind {
            InputKind::Points | InputKind::Params if !self.of_rows => values,
            _ => buffer.as_slice(),
        };
        self.inputs.iter().zip(&self.buffers).map(one).collect()
    }

    /// Where the parameters of the guide that the plan takes stand among those of all rows; `None` where it takes all.
    pub fn places(&self, rows: Option<&Rows>) -> Option<Vec<usize>> {
        let rows = rows.filter(|rows| self.whole.has_rows(&rows.sizes()))?;
        Some(self.whole.places(&rows.lists()))
    }

    /// The gradient in the parameters of rows that are there, and where those stand: see `places`.
    pub fn moving(&self, rows: Option<&Rows>, gradient: &mut Vec<f64>) -> Option<Vec<usize>> {
        let mut places = self.places(rows)?;
        let Some(there) = rows.filter(|rows| rows.is_filled_up()).map(Rows::there) else { return Some(places) };
        let sites: Vec<f64> = self.layout.sites.iter().flat_map(|block| block.mask(&there)).collect();
        let params = self.layout.params.iter().flat_map(|block| block.mask(&there));
        let scales =
            if self.layout.scale_count == sites.len() { sites.clone() } else { vec![1.0; self.layout.scale_count] };
        let mask: Vec<f64> = sites.into_iter().chain(scales).chain(params).collect();
        let mut at = mask.iter();
        gradient.retain(|_| at.next() == Some(&1.0));
        let mut at = mask.iter();
        places.retain(|_| at.next() == Some(&1.0));
        Some(places)
    }

    /// The guide's parameters of all rows, of which the plan takes those of the batch.
    pub fn give(&mut self, values: &[f64], rows: Option<&Rows>) {
        let places = self.places(rows);
        self.of_rows = places.is_some();
        let Some(places) = places else { return };
        let inputs = self.inputs.iter().zip(&mut self.buffers);
        for (_, buffer) in inputs.filter(|(kind, _)| **kind == InputKind::Params) {
            buffer.iter_mut().zip(&places).for_each(|(to, from)| *to = values[*from]);
        }
    }

    /// What multiplies the terms of latents from now on, where that is a schedule.
    pub fn beta(&mut self, beta: f64) {
        let inputs = self.inputs.iter().zip(&mut self.buffers);
        inputs.filter(|(kind, _)| **kind == InputKind::Beta).for_each(|(_, buffer)| buffer.fill(beta));
    }

    /// What earlier steps say of the costs of sites.
    pub fn baselines(&mut self, of: &mut Baselines, seed: u64) {
        for (kind, buffer) in self.inputs.iter().zip(&mut self.buffers) {
            of.give(kind, seed, buffer);
        }
    }

    /// Fresh noise under these names; draws of a batched plate are named by their row in the data.
    pub fn noise(&mut self, draws: Draws, rows: Option<&Rows>) {
        for i in 0..self.inputs.len() {
            match self.inputs[i] {
                InputKind::AutoNoise
                    if rows.is_some_and(|rows| self.whole.sites.iter().any(|block| block.is_of(&rows.sizes()))) =>
                {
                    self.row_noise(i, draws, rows);
                }
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
                    if draws.stream == Stream::Train && self.paired.contains(&site) {
                        mirror(&mut self.buffers[i]);
                    }
                }
                InputKind::Dream { place, noise, ref axes } => {
                    let (axes, draws) = (axes.clone(), Draws { stream: Stream::Dream, ..draws });
                    self.plate_noise(i, &axes, place, noise, draws, rows);
                }
                InputKind::Dropout { place, ref axes } => {
                    let axes = axes.clone();
                    self.plate_noise(i, &axes, LAYERS | place as u32, Noise::Uniform, draws, rows);
                }
                _ => {}
            }
            let (noise, name) = match self.inputs[i] {
                InputKind::AutoNoise => (Noise::Normal, AUTO),
                InputKind::Noise { site, noise } => (noise, site.0),
                _ => continue,
            };
            let key = Key { seed: draws.seed, stream: draws.stream, step: draws.step, site: STRATA | name };
            paired::arrange(&mut self.buffers[i], self.shapes[i][0], draws.paired, noise, key);
            if noise == Noise::Uniform {
                keep_below_one(&mut self.buffers[i]);
            }
        }
    }

    /// The noise of independent automatic factors, of which some have rows in a batch: by site and row in the data.
    fn row_noise(&mut self, i: usize, draws: Draws, rows: Option<&Rows>) {
        let (count, width) = (self.shapes[i][0], self.shapes[i][1]);
        let lists = rows.map(Rows::lists).unwrap_or_default();
        for (block, whole) in self.layout.sites.iter().zip(&self.whole.sites) {
            let source =
                Key { seed: draws.seed, stream: draws.stream, step: draws.step, site: AUTO | block.of.0 }.noise();
            let (runs, inner) = whole.runs(&lists);
            for draw in 0..count {
                for (run, row) in runs.iter().enumerate() {
                    let at = draw * width + block.offset + run * inner;
                    let index = Index { particle: (draws.first + draw) as u32, row: *row as u32, ..Index::default() };
                    source.fill_normal(index, &mut self.buffers[i][at..at + inner]);
                }
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
            let drawn = dim.and_then(|dim| rows?.of(dim));
            name += stride * drawn.map_or(position, |ids| ids[position] as usize);
            stride *= dim.and_then(|dim| self.data.dims.get(&dim).copied()).unwrap_or(shape[1 + k]);
        }
        name as u32
    }

    /// The rows of a batch of every data item that is read by rows, and which they are.
    pub fn rows(&mut self, rows: &Rows) {
        let (lists, there) = (rows.lists(), rows.there());
        for (kind, buffer) in self.inputs.iter().zip(&mut self.buffers) {
            match kind {
                InputKind::Rows(item) => {
                    let dims: Vec<Option<DimId>> = self.elbo.model.data[*item].rows.iter().copied().map(Some).collect();
                    let (runs, width) = lower::runs(&self.data.arrays[*item].shape, &dims, &lists);
                    for (out, run) in buffer.chunks_mut(width.max(1)).zip(runs) {
                        self.arrays[*item].copy_to(run * width, out);
                    }
                }
                InputKind::Numbers(dim) => {
                    buffer.iter_mut().zip(lists[dim]).for_each(|(number, row)| *number = f64::from(*row));
                }
                InputKind::Places(dim) => {
                    buffer.fill(0.0);
                    let rows = lists[dim][..there[dim]].iter().enumerate();
                    rows.for_each(|(place, row)| buffer[*row as usize] = place as f64);
                }
                InputKind::Mask(dim) => {
                    buffer.fill(0.0);
                    buffer[..there[dim]].fill(1.0);
                }
                InputKind::LatentMask => {
                    let mask = self.layout.sites.iter().flat_map(|block| block.mask(&there));
                    buffer.iter_mut().zip(mask).for_each(|(to, from)| *to = from);
                }
                _ => {}
            }
        }
    }
}

/// The second half of the particles are the antithetic partners of the first.
fn mirror(uniforms: &mut [f64]) {
    let (first, second) = uniforms.split_at_mut(uniforms.len() / 2);
    second.iter_mut().zip(first).for_each(|(other, u)| *other = 1.0 - *u);
}

fn keep_below_one(uniforms: &mut [f64]) {
    uniforms.iter_mut().for_each(|u| *u = u.min(BELOW_ONE));
}

fn fill(source: &Source, noise: Noise, at: Index, out: &mut [f64]) {
    match noise {
        Noise::Normal => source.fill_normal(at, out),
        Noise::Uniform => {
            source.fill_uniform(at, out);
            keep_below_one(out);
        }
    }
}
