//! The joint Gaussian guide, and averages of the log joint over its draws.

use std::cmp::Ordering;

use nalgebra::{DMatrix, DMatrixView, DVector};

use super::Failure;
use super::draws::Draws;
use super::lowrank::LowRank;
use super::target::Target;
use crate::kernel::special::LN_SQRT_2PI;
use crate::model::Auto;
use crate::plan::lower::Layout;

/// How a draw is made from standard normals.
#[derive(Debug, Clone, PartialEq)]
pub enum Scale {
    /// Standard deviations.
    Diagonal(DVector<f64>),
    /// The lower Cholesky factor of the covariance, with a positive diagonal.
    Factor(DMatrix<f64>),
    LowRank(LowRank),
}

/// A Gaussian on the unconstrained scale, with the point parameters found beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Guide {
    pub mean: DVector<f64>,
    pub scale: Scale,
    pub params: DVector<f64>,
}

impl Guide {
    /// From the parameters of an automatic guide's plan, in the order of `Layout`.
    pub(crate) fn of_params(layout: &Layout, auto: Option<Auto>, params: &[f64]) -> Guide {
        let (d, at) = (layout.latents, layout.params_at());
        let scales = &params[d..at];
        let scale = match auto {
            Some(Auto::FullRank) => Scale::Factor(DMatrix::from_fn(d, d, |i, j| match j.cmp(&i) {
                Ordering::Less => scales[i * (i + 1) / 2 + j],
                Ordering::Equal => scales[i * (i + 1) / 2 + i].exp(),
                Ordering::Greater => 0.0,
            })),
            Some(Auto::LowRank(_)) => Scale::LowRank(LowRank {
                sd: DVector::from_iterator(d, scales[..d].iter().map(|log| log.exp())),
                columns: DMatrix::from_row_slice(d, (at - 2 * d) / d.max(1), &scales[d..]),
            }),
            _ => Scale::Diagonal(DVector::from_iterator(d, scales.iter().map(|log| log.exp()))),
        };
        Guide {
            mean: DVector::from_column_slice(&params[..d]),
            scale,
            params: DVector::from_column_slice(&params[at..]),
        }
    }

    /// Standard normals behind a draw.
    pub fn noise_width(&self) -> usize {
        match &self.scale {
            Scale::Diagonal(_) | Scale::Factor(_) => self.mean.len(),
            Scale::LowRank(scale) => scale.width(),
        }
    }

    /// Half the logarithm of the determinant of the covariance.
    fn log_volume(&self) -> f64 {
        match &self.scale {
            Scale::Diagonal(sd) => sd.iter().map(|d| d.ln()).sum(),
            Scale::Factor(factor) => factor.diagonal().iter().map(|d| d.ln()).sum(),
            Scale::LowRank(scale) => scale.log_volume(),
        }
    }

    /// Standard deviation of every coordinate.
    pub fn sd(&self) -> DVector<f64> {
        match &self.scale {
            Scale::Diagonal(sd) => sd.clone(),
            Scale::Factor(factor) => DVector::from_iterator(factor.nrows(), factor.row_iter().map(|row| row.norm())),
            Scale::LowRank(scale) => scale.sds(),
        }
    }

    pub fn entropy(&self) -> f64 {
        self.log_volume() + self.mean.len() as f64 * (0.5 + LN_SQRT_2PI)
    }

    /// ln q of the draws with these offsets, made from these standard normals.
    pub fn log_density(&self, noise: &DMatrix<f64>, offsets: &DMatrix<f64>) -> Vec<f64> {
        let constant = self.log_volume() + self.mean.len() as f64 * LN_SQRT_2PI;
        let square = |k: usize| match &self.scale {
            Scale::Diagonal(_) | Scale::Factor(_) => noise.column(k).norm_squared(),
            Scale::LowRank(scale) => scale.square(offsets.column(k).as_slice()),
        };
        (0..noise.ncols()).map(|k| -0.5 * square(k) - constant).collect()
    }

    /// Of the map from standard normals to offsets, the transpose times a matrix.
    pub(crate) fn tr_mul(&self, matrix: &DMatrix<f64>) -> DMatrix<f64> {
        match &self.scale {
            Scale::Diagonal(sd) => DMatrix::from_diagonal(sd) * matrix,
            Scale::Factor(factor) => factor.tr_mul(matrix),
            Scale::LowRank(scale) => scale.tr_mul(matrix),
        }
    }

    /// The offsets from the mean of draws made from the columns of `noise`.
    pub(crate) fn offsets(&self, noise: &DMatrixView<f64>) -> DMatrix<f64> {
        match &self.scale {
            Scale::Diagonal(sd) => {
                let mut offsets = noise.clone_owned();
                offsets.column_iter_mut().for_each(|mut column| column.component_mul_assign(sd));
                offsets
            }
            Scale::Factor(factor) => factor * noise,
            Scale::LowRank(scale) => scale.offsets(noise),
        }
    }

    /// Points of the log joint: mean plus offset, then the parameters, a column a draw.
    pub(crate) fn points(&self, offsets: &DMatrix<f64>) -> DMatrix<f64> {
        let latents = self.mean.len();
        DMatrix::from_fn(latents + self.params.len(), offsets.ncols(), |i, k| {
            if i < latents { self.mean[i] + offsets[(i, k)] } else { self.params[i - latents] }
        })
    }
}

/// Which products of gradient and noise are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cross {
    Diagonal,
    Full,
}

/// The log joint averaged over fixed draws of a guide. With `z = mean + L e`, all derivatives of the average come from
/// the gradient `g` of the log joint: in the mean, `E g`; in `L`, `E g e'`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Average {
    /// Minus infinity if any draw's is not finite.
    pub value: f64,
    /// E g
    pub mean: DVector<f64>,
    /// The diagonal of E g e' over the latents.
    pub diagonal: DVector<f64>,
    /// E g e', coordinates x standard normals; empty unless asked for.
    pub cross: DMatrix<f64>,
}

impl Average {
    pub fn over(draws: &Draws, guide: &Guide, target: &mut Target, want: Cross) -> Result<Average, Failure> {
        let (width, latents) = (target.width(), target.latents);
        let columns = if want == Cross::Full { guide.noise_width() } else { 0 };
        let mut sum = Average {
            value: 0.0,
            mean: DVector::zeros(width),
            diagonal: DVector::zeros(latents),
            cross: DMatrix::zeros(width, columns),
        };
        // Without latents all draws are one point.
        let pairs = if latents == 0 { 1 } else { draws.pairs() };
        let block = (target.block() / 2).max(1);
        for first in (0..pairs).step_by(block) {
            let count = block.min(pairs - first);
            sum.add(&draws.half.columns(first, count).clone_owned(), guide, target)?;
            if !sum.value.is_finite() {
                sum.value = f64::NEG_INFINITY;
                return Ok(sum);
            }
        }
        let share = 1.0 / (2 * pairs) as f64;
        sum.value *= share;
        sum.mean *= share;
        sum.cross *= share;
        sum.diagonal *= share;
        Ok(sum)
    }

    /// Adds both halves of a block of pairs.
    fn add(&mut self, noise: &DMatrix<f64>, guide: &Guide, target: &mut Target) -> Result<(), Failure> {
        let offsets = guide.offsets(&noise.as_view());
        let mut gradient = DMatrix::zeros(target.width(), noise.ncols());
        let mut opposite = DMatrix::zeros(target.width(), noise.ncols());
        let value = target.eval(&guide.points(&offsets), &mut gradient)?;
        let value = value + target.eval(&guide.points(&-offsets), &mut opposite)?;
        self.value += value.sum();
        self.mean += gradient.column_sum() + opposite.column_sum();
        gradient -= opposite;
        for (e, g) in noise.column_iter().zip(gradient.column_iter()) {
            self.diagonal.iter_mut().zip(e.iter().zip(g.iter())).for_each(|(sum, (e, g))| *sum += e * g);
        }
        if !self.cross.is_empty() {
            self.cross.gemm(1.0, &gradient, &noise.transpose(), 1.0);
        }
        Ok(())
    }
}
