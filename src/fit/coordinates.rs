//! The coordinates in which an ascent along noisy gradients steps: those of the guide, or whitened ones.

use std::borrow::Cow;

use nalgebra::{DMatrix, DVector};

use super::chart::{inverse_root, unit_scale};
use super::gaussian::{Guide, Scale};
use super::state::Buffer;
use crate::model::Auto;

/// How a vector says where the parameters of the guide are (see `plan::lower::Layout`).
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Coordinates {
    /// It holds them.
    Raw,
    /// 0 is where the fit starts; locations and point parameters move by a root of the inverse curvature there, scales
    /// relative to those there.
    Whitened(Whitened),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Whitened {
    auto: Option<Auto>,
    latents: usize,
    scales: usize,
    origin: Vec<f64>,
    root: Root,
    /// What the factor of a full-rank guide multiplies, lower triangular.
    factor: DMatrix<f64>,
    sds: Vec<f64>,
}

#[derive(Debug, Clone, PartialEq)]
enum Root {
    /// Every coordinate by itself: rows of a batch move while the others stand still.
    Diagonal(Vec<f64>),
    /// Over locations, then point parameters.
    Lower(DMatrix<f64>),
}

impl Whitened {
    /// About a Gaussian, by minus the Hessian there. `apart` where rows step by themselves.
    pub fn about(guide: &Guide, auto: Option<Auto>, curvature: &DMatrix<f64>, apart: bool) -> Whitened {
        let root = match apart {
            true => Root::Diagonal(curvature.diagonal().iter().map(|c| 1.0 / unit_scale(*c)).collect()),
            false => Root::Lower(inverse_root(curvature)),
        };
        let latents = guide.mean.len();
        let mut origin: Vec<f64> = guide.mean.iter().copied().collect();
        let (mut factor, mut sds) = (DMatrix::zeros(0, 0), vec![]);
        match &guide.scale {
            _ if auto == Some(Auto::Map) => {}
            Scale::Diagonal(sd) => origin.extend(sd.iter().map(|sd| sd.ln())),
            Scale::Factor(chol) => {
                for i in 0..latents {
                    origin.extend((0..i).map(|j| chol[(i, j)]));
                    origin.push(chol[(i, i)].ln());
                }
                factor = chol.clone();
            }
            Scale::LowRank(scale) => {
                origin.extend(scale.sd.iter().map(|sd| sd.ln()));
                origin.extend(scale.columns.transpose().iter());
                sds = scale.sd.iter().copied().collect();
            }
        }
        let scales = origin.len() - latents;
        origin.extend(guide.params.iter());
        Whitened { auto, latents, scales, origin, root, factor, sds }
    }

    fn params_at(&self) -> usize {
        self.latents + self.scales
    }

    fn place(&self, vector: &[f64]) -> Vec<f64> {
        let (d, at) = (self.latents, self.params_at());
        let mut params = self.origin.clone();
        let moved: Vec<f64> = match &self.root {
            Root::Diagonal(units) => {
                vector[..d].iter().chain(&vector[at..]).zip(units).map(|(x, unit)| x * unit).collect()
            }
            Root::Lower(root) => {
                let shift = DVector::from_iterator(root.nrows(), vector[..d].iter().chain(&vector[at..]).copied());
                (root * shift).iter().copied().collect()
            }
        };
        params[..d].iter_mut().zip(&moved).for_each(|(x, step)| *x += step);
        params[at..].iter_mut().zip(&moved[d..]).for_each(|(x, step)| *x += step);
        let (from, to) = (&vector[d..at], &mut params[d..at]);
        match self.auto {
            Some(Auto::FullRank) => {
                let product = &self.factor * self.triangle(from);
                for i in 0..d {
                    (0..i).for_each(|j| to[place(i, j)] = product[(i, j)]);
                    to[place(i, i)] = product[(i, i)].ln();
                }
            }
            _ => {
                let unit = |k: usize| if k < d { 1.0 } else { self.column_unit(k) };
                to.iter_mut().zip(from).enumerate().for_each(|(k, (to, from))| *to += unit(k) * from);
            }
        }
        params
    }

    /// The sd that an entry of the columns of a low rank is relative to.
    fn column_unit(&self, k: usize) -> f64 {
        let rank = (self.scales - self.latents) / self.latents.max(1);
        self.sds[(k - self.latents) / rank.max(1)]
    }

    fn triangle(&self, entries: &[f64]) -> DMatrix<f64> {
        DMatrix::from_fn(self.latents, self.latents, |i, j| match j.cmp(&i) {
            std::cmp::Ordering::Less => entries[place(i, j)],
            std::cmp::Ordering::Equal => entries[place(i, i)].exp(),
            std::cmp::Ordering::Greater => 0.0,
        })
    }

    fn pull(&self, vector: &[f64], gradient: &mut [f64]) {
        let (d, at) = (self.latents, self.params_at());
        match &self.root {
            Root::Diagonal(units) => {
                let (locations, rest) = gradient.split_at_mut(d);
                let moving = locations.iter_mut().chain(&mut rest[at - d..]);
                moving.zip(units).for_each(|(slope, unit)| *slope *= unit);
            }
            Root::Lower(root) => {
                let slope = DVector::from_iterator(root.nrows(), gradient[..d].iter().chain(&gradient[at..]).copied());
                let pulled = root.tr_mul(&slope);
                gradient[..d].iter_mut().zip(pulled.iter()).for_each(|(to, from)| *to = *from);
                gradient[at..].iter_mut().zip(pulled.iter().skip(d)).for_each(|(to, from)| *to = *from);
            }
        }
        let slopes = &mut gradient[d..at];
        match self.auto {
            Some(Auto::FullRank) => {
                let inner = self.triangle(&vector[d..at]);
                let slope = DMatrix::from_fn(d, d, |i, j| match j.cmp(&i) {
                    std::cmp::Ordering::Less => slopes[place(i, j)],
                    // The plan's is along the logarithm.
                    std::cmp::Ordering::Equal => slopes[place(i, i)] / (self.factor[(i, i)] * inner[(i, i)]),
                    std::cmp::Ordering::Greater => 0.0,
                });
                let pulled = self.factor.tr_mul(&slope);
                for i in 0..d {
                    (0..i).for_each(|j| slopes[place(i, j)] = pulled[(i, j)]);
                    slopes[place(i, i)] = pulled[(i, i)] * inner[(i, i)];
                }
            }
            _ => slopes.iter_mut().enumerate().skip(d).for_each(|(k, slope)| *slope *= self.column_unit(k)),
        }
    }

    fn weights(&self) -> Vec<f64> {
        let mut weights = vec![0.5; self.origin.len()];
        match self.auto {
            Some(Auto::FullRank) => (0..self.latents).for_each(|i| weights[self.latents + place(i, i)] = 1.0),
            _ => weights[self.latents..self.params_at()].iter_mut().take(self.latents).for_each(|w| *w = 1.0),
        }
        weights
    }

    fn buffers(&self) -> Vec<Buffer> {
        let buffer = |name: &str, values: &[f64]| Buffer { name: name.into(), values: values.to_vec() };
        let root = match &self.root {
            Root::Diagonal(units) => units.as_slice(),
            Root::Lower(root) => root.as_slice(),
        };
        let (factor, sds) = (buffer("factor", self.factor.as_slice()), buffer("sds", &self.sds));
        vec![buffer("origin", &self.origin), buffer("root", root), factor, sds]
    }

    fn restore(&mut self, buffers: &[Buffer]) -> bool {
        let find = |name: &str, size: usize| {
            let found = buffers.iter().find(|buffer| buffer.name == name)?;
            (found.values.len() == size).then(|| found.values.clone())
        };
        let root = match &self.root {
            Root::Diagonal(units) => find("root", units.len()).map(Root::Diagonal),
            Root::Lower(root) => {
                let (rows, columns) = root.shape();
                find("root", root.len()).map(|values| Root::Lower(DMatrix::from_vec(rows, columns, values)))
            }
        };
        let (rows, columns) = self.factor.shape();
        let found =
            (find("origin", self.origin.len()), root, find("factor", self.factor.len()), find("sds", self.sds.len()));
        let (Some(origin), Some(root), Some(factor), Some(sds)) = found else { return false };
        (self.origin, self.root, self.sds) = (origin, root, sds);
        self.factor = DMatrix::from_vec(rows, columns, factor);
        true
    }

    /// Where a factor has its log scales.
    fn log_scales(&self) -> Vec<usize> {
        let count = if self.scales == 0 { 0 } else { self.latents };
        let at = |i: usize| if self.auto == Some(Auto::FullRank) { place(i, i) } else { i };
        (0..count).map(|i| self.latents + at(i)).collect()
    }
}

/// Where an entry of a lower triangle stands, packed by rows.
fn place(i: usize, j: usize) -> usize {
    i * (i + 1) / 2 + j
}

impl Coordinates {
    /// The parameters of the guide.
    pub fn place<'v>(&self, vector: &'v [f64]) -> Cow<'v, [f64]> {
        match self {
            Coordinates::Raw => Cow::Borrowed(vector),
            Coordinates::Whitened(whitened) => Cow::Owned(whitened.place(vector)),
        }
    }

    /// From the gradient in the parameters of the guide to the one in the vector; `places` where it has some of them only.
    pub fn pull(&self, vector: &[f64], places: Option<&[usize]>, gradient: &mut [f64]) {
        match (self, places) {
            (Coordinates::Raw, _) => {}
            (Coordinates::Whitened(whitened), None) => whitened.pull(vector, gradient),
            (Coordinates::Whitened(whitened), Some(places)) => {
                let mut whole = vec![0.0; vector.len()];
                places.iter().zip(gradient.iter()).for_each(|(at, slope)| whole[*at] = *slope);
                whitened.pull(vector, &mut whole);
                gradient.iter_mut().zip(places).for_each(|(to, at)| *to = whole[*at]);
            }
        }
    }

    pub fn buffers(&self) -> Vec<Buffer> {
        match self {
            Coordinates::Raw => vec![],
            Coordinates::Whitened(whitened) => whitened.buffers(),
        }
    }

    /// False where the buffers are of other coordinates.
    pub fn restore(&mut self, buffers: &[Buffer]) -> bool {
        match self {
            Coordinates::Raw => true,
            Coordinates::Whitened(whitened) => whitened.restore(buffers),
        }
    }

    /// What the square of a small error of each coordinate costs, in nats, where that is known: of a mean half of it in
    /// units of the posterior's sd, of a log sd all of it.
    pub fn weights(&self) -> Option<Vec<f64>> {
        match self {
            Coordinates::Raw => None,
            Coordinates::Whitened(whitened) => Some(whitened.weights()),
        }
    }

    /// Which coordinates are logarithms of scales relative to where the fit started, latent by latent.
    pub fn log_scales(&self) -> Vec<usize> {
        match self {
            Coordinates::Raw => vec![],
            Coordinates::Whitened(whitened) => whitened.log_scales(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fit::lowrank::LowRank;

    fn whitened(auto: Auto, apart: bool) -> Whitened {
        let curvature = DMatrix::from_row_slice(
            4,
            4,
            &[4.0, 1.0, 0.0, 0.5, 1.0, 9.0, 0.3, 0.0, 0.0, 0.3, 0.25, 0.1, 0.5, 0.0, 0.1, 2.0],
        );
        let sd = DVector::from_vec(vec![0.5, 0.3, 2.0]);
        let scale = match auto {
            Auto::FullRank => {
                Scale::Factor(DMatrix::from_row_slice(3, 3, &[0.5, 0., 0., 0.1, 0.3, 0., -0.4, 0.2, 2.0]))
            }
            Auto::LowRank(rank) => {
                let columns = DMatrix::from_fn(3, rank, |i, k| 0.1 * (1.0 + i as f64 - 2.0 * k as f64));
                Scale::LowRank(LowRank { sd, columns })
            }
            _ => Scale::Diagonal(sd),
        };
        let (mean, params) = (DVector::from_vec(vec![1.0, -2.0, 3.0]), DVector::from_vec(vec![7.0]));
        Whitened::about(&Guide { mean, scale, params }, Some(auto), &curvature, apart)
    }

    /// The gradient of a function of the guide's parameters, by the chain and by differences.
    #[test]
    fn gradients_are_pulled_back_in_every_family() {
        for (auto, scales, apart) in [
            (Auto::MeanField, 3, false),
            (Auto::MeanField, 3, true),
            (Auto::FullRank, 6, false),
            (Auto::LowRank(2), 9, false),
            (Auto::Map, 0, false),
        ] {
            let coordinates = Coordinates::Whitened(whitened(auto, apart));
            let value = |vector: &[f64]| -> f64 {
                coordinates.place(vector).iter().enumerate().map(|(i, x)| (x * (1.0 + 0.1 * i as f64)).sin()).sum()
            };
            let vector: Vec<f64> = (0..4 + scales).map(|i| 0.3 * (i as f64 * 1.3).cos()).collect();
            let params = coordinates.place(&vector);
            let slope = |(i, x): (usize, &f64)| (1.0 + 0.1 * i as f64) * (x * (1.0 + 0.1 * i as f64)).cos();
            let mut gradient: Vec<f64> = params.iter().enumerate().map(slope).collect();
            coordinates.pull(&vector, None, &mut gradient);
            for i in 0..vector.len() {
                let at = |step: f64| {
                    let mut moved = vector.clone();
                    moved[i] += step;
                    value(&moved)
                };
                let known = (at(1e-5) - at(-1e-5)) / 2e-5;
                assert!((gradient[i] - known).abs() < 1e-7, "{auto:?} {i}: {} is not {known}", gradient[i]);
            }
            assert_eq!(coordinates.place(&vec![0.0; vector.len()])[..3], [1.0, -2.0, 3.0]);
            let mut restored = coordinates.clone();
            assert!(restored.restore(&coordinates.buffers()) && restored == coordinates);
            assert_eq!(coordinates.weights().map(|weights| weights.len()), Some(vector.len()));
        }
    }
}
