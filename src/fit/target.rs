//! A log joint with its evaluations counted, in blocks of bounded size, and its Hessian.

use nalgebra::{DMatrix, DVector};

use super::{Failure, LogJoint};

/// Numbers that are made in well under a tenth of a second.
const MOMENT: usize = 1 << 25;

/// What a fit sees of the model: every point evaluated is counted, for budgets that no clock decides.
pub(crate) struct Target<'a> {
    joint: &'a mut dyn LogJoint,
    pub latents: usize,
    pub params: usize,
    pub evaluations: u64,
}

impl<'a> Target<'a> {
    pub fn new(joint: &'a mut dyn LogJoint) -> Target<'a> {
        let (latents, params) = (joint.latents(), joint.params());
        Target { joint, latents, params, evaluations: 0 }
    }

    /// Coordinates of a point.
    pub fn width(&self) -> usize {
        self.latents + self.params
    }

    /// How many points cost no more than a moment, whatever the fit took: counted, so that no clock decides.
    pub fn cheap(&self) -> usize {
        MOMENT / self.joint.work().max(1)
    }

    /// How many points are evaluated at once: what keeps points and gradients within half a mebibyte each.
    pub fn block(&self) -> usize {
        ((1 << 16) / self.width().max(1)).clamp(2, 1024)
    }

    /// Points, and their gradients, are columns.
    pub fn eval(&mut self, points: &DMatrix<f64>, gradient: &mut DMatrix<f64>) -> Result<DVector<f64>, Failure> {
        let mut value = DVector::zeros(points.ncols());
        self.evaluations += points.ncols() as u64;
        self.joint.eval(points.as_slice(), value.as_mut_slice(), gradient.as_mut_slice())?;
        Ok(value)
    }

    pub fn values(&mut self, points: &DMatrix<f64>) -> Result<DVector<f64>, Failure> {
        let mut value = DVector::zeros(points.ncols());
        self.evaluations += points.ncols() as u64;
        self.joint.values(points.as_slice(), value.as_mut_slice())?;
        Ok(value)
    }

    /// Rows `rows` of the Hessian at one point, as columns, by central differences of the exact gradient; `size` holds
    /// the half-width of each coordinate's difference.
    pub fn hessian(&mut self, at: &[f64], rows: std::ops::Range<usize>, size: &[f64]) -> Result<DMatrix<f64>, Failure> {
        let width = self.width();
        let mut hessian = DMatrix::zeros(width, rows.len());
        let block = (self.block() / 2).max(1);
        let list: Vec<usize> = rows.collect();
        for (number, some) in list.chunks(block).enumerate() {
            let mut points = DMatrix::from_fn(width, 2 * some.len(), |i, _| at[i]);
            for (k, i) in some.iter().enumerate() {
                points[(*i, 2 * k)] += size[*i];
                points[(*i, 2 * k + 1)] -= size[*i];
            }
            let mut gradient = DMatrix::zeros(width, 2 * some.len());
            self.eval(&points, &mut gradient)?;
            for (k, i) in some.iter().enumerate() {
                // The distance as it came out after rounding.
                let distance = points[(*i, 2 * k)] - points[(*i, 2 * k + 1)];
                let slope = (gradient.column(2 * k) - gradient.column(2 * k + 1)) / distance;
                hessian.set_column(number * block + k, &slope);
            }
        }
        Ok(hessian)
    }
}
