//! A covariance that is a diagonal and a product of few columns, D + F F', and never a whole matrix: determinant and
//! inverse are those of the small matrix M = I + F' D^-1 F (the lemmas of Sylvester and of Woodbury).

use nalgebra::{Cholesky, DMatrix, DMatrixView, DVector, Dyn, SymmetricEigen};

use super::chart::unit_scale;

#[derive(Debug, Clone, PartialEq)]
pub struct LowRank {
    /// The square root of D.
    pub sd: DVector<f64>,
    /// F, coordinates x rank.
    pub columns: DMatrix<f64>,
}

/// Entries of F further than this from where a stage began, in units of sd, are out of bounds.
const FARTHEST: f64 = 1e8;
/// The columns may explain nearly all of a coordinate, but beyond this its sd is lost among theirs to rounding.
const OWN: f64 = 1e-4;
/// The least variance that a column starts with, in units of D: at F = 0 no gradient leads away; nor does it begin with
/// more than D's.
const LEAST: f64 = 0.01;

impl LowRank {
    /// Along the directions in which the inverse of the curvature exceeds its own diagonal's inverse the most.
    pub fn along(curvature: &DMatrix<f64>, rank: usize) -> LowRank {
        let size = curvature.nrows();
        let sd = DVector::from_iterator(size, curvature.diagonal().iter().map(|c| 1.0 / unit_scale(*c)));
        let scaled = DMatrix::from_fn(size, size, |i, j| 0.5 * (curvature[(i, j)] + curvature[(j, i)]) * sd[i] * sd[j]);
        let eigen = SymmetricEigen::new(scaled);
        let mut order: Vec<usize> = (0..size).collect();
        order.sort_by(|a, b| eigen.eigenvalues[*a].abs().total_cmp(&eigen.eigenvalues[*b].abs()));
        let columns = DMatrix::from_fn(size, rank.min(size), |i, k| {
            let beyond = (1.0 / eigen.eigenvalues[order[k]].abs() - 1.0).clamp(LEAST, 1.0);
            sd[i] * beyond.sqrt() * eigen.eigenvectors[(i, order[k])]
        });
        LowRank { sd, columns }
    }

    pub fn rank(&self) -> usize {
        self.columns.ncols()
    }

    /// Standard normals behind a draw: one a coordinate, then one a column.
    pub fn width(&self) -> usize {
        self.sd.len() + self.rank()
    }

    /// D^-1 F
    fn relative(&self) -> DMatrix<f64> {
        DMatrix::from_fn(self.sd.len(), self.rank(), |i, k| self.columns[(i, k)] / (self.sd[i] * self.sd[i]))
    }

    /// The Cholesky factor of M, whose eigenvalues are 1 and more.
    fn inner(&self) -> Option<Cholesky<f64, Dyn>> {
        Cholesky::new(DMatrix::identity(self.rank(), self.rank()) + self.columns.tr_mul(&self.relative()))
    }

    /// Half the logarithm of the determinant.
    pub fn log_volume(&self) -> f64 {
        let half = self.inner().map_or(f64::NAN, |inner| inner.l_dirty().diagonal().iter().map(|d| d.ln()).sum());
        half + self.sd.iter().map(|sd| sd.ln()).sum::<f64>()
    }

    /// Standard deviation of every coordinate.
    pub fn sds(&self) -> DVector<f64> {
        let rows = self.sd.iter().zip(self.columns.row_iter());
        DVector::from_iterator(self.sd.len(), rows.map(|(sd, row)| (sd * sd + row.norm_squared()).sqrt()))
    }

    /// Draws less the mean, from standard normals, a column a draw.
    pub fn offsets(&self, noise: &DMatrixView<f64>) -> DMatrix<f64> {
        let size = self.sd.len();
        let mut offsets = &self.columns * noise.rows(size, self.rank());
        for (mut to, from) in offsets.column_iter_mut().zip(noise.column_iter()) {
            to.iter_mut().zip(from.iter().zip(self.sd.iter())).for_each(|(to, (e, sd))| *to += sd * e);
        }
        offsets
    }

    /// Of the map (D^1/2 F) from standard normals to draws, the transpose times a matrix.
    pub fn tr_mul(&self, matrix: &DMatrix<f64>) -> DMatrix<f64> {
        let size = self.sd.len();
        let below = self.columns.tr_mul(matrix);
        DMatrix::from_fn(self.width(), matrix.ncols(), |i, j| match i < size {
            true => self.sd[i] * matrix[(i, j)],
            false => below[(i - size, j)],
        })
    }

    /// The squared length of an offset in units of the covariance.
    pub fn square(&self, offset: &[f64]) -> f64 {
        let scaled = DVector::from_fn(self.sd.len(), |i, _| offset[i] / self.sd[i]);
        let seen = self.relative().tr_mul(&DVector::from_column_slice(offset));
        self.inner().map_or(f64::NAN, |inner| scaled.norm_squared() - seen.dot(&inner.solve(&seen)))
    }

    /// With `log sd` moved by the first entries of a vector and F by the rest, row by row, in units of the sd.
    pub fn moved(&self, by: &[f64], most: f64) -> Option<LowRank> {
        let (logs, entries) = by.split_at(self.sd.len());
        let bounded = logs.iter().all(|s| s.abs() <= most) && entries.iter().all(|e| e.abs() <= FARTHEST);
        let rank = self.rank();
        let moved = bounded.then(|| LowRank {
            sd: DVector::from_fn(self.sd.len(), |i, _| self.sd[i] * logs[i].exp()),
            columns: DMatrix::from_fn(self.sd.len(), rank, |i, k| {
                self.columns[(i, k)] + self.sd[i] * entries[i * rank + k]
            }),
        })?;
        let own = moved.sd.iter().zip(moved.columns.row_iter()).all(|(sd, row)| *sd >= OWN * row.norm());
        own.then_some(moved)
    }

    /// Adds the gradient of (average + entropy) where `self` was `moved` to `now`: `diagonal` and `cross` are those of
    /// the average there.
    pub fn pull(&self, now: &LowRank, diagonal: &DVector<f64>, cross: &DMatrix<f64>, gradient: &mut Vec<f64>) {
        let (size, rank) = (self.sd.len(), self.rank());
        let relative = now.relative();
        // D^-1 F M^-1, which is also the inverse of the covariance times F: the slope of the entropy in F.
        let solved = now.inner().map_or_else(
            || DMatrix::from_element(size, rank, f64::NAN),
            |inner| inner.solve(&relative.transpose()).transpose(),
        );
        gradient.extend((0..size).map(|i| {
            let explained = now.sd[i] * now.sd[i] * relative.row(i).dot(&solved.row(i));
            diagonal[i] * now.sd[i] + 1.0 - explained
        }));
        for i in 0..size {
            gradient.extend((0..rank).map(|k| self.sd[i] * (cross[(i, size + k)] + solved[(i, k)])));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> LowRank {
        LowRank {
            sd: DVector::from_vec(vec![0.5, 2.0, 1.0, 0.1]),
            columns: DMatrix::from_row_slice(4, 2, &[1.0, 0.2, -0.5, 3.0, 0.0, 0.4, 0.3, -0.1]),
        }
    }

    #[test]
    fn determinant_and_inverse_are_those_of_the_whole_matrix() {
        let it = example();
        let whole = DMatrix::from_diagonal(&it.sd.component_mul(&it.sd)) + &it.columns * it.columns.transpose();
        assert!((it.log_volume() - 0.5 * whole.determinant().ln()).abs() < 1e-12);
        let offset = DVector::from_vec(vec![1.0, -2.0, 0.3, 0.05]);
        let square = (offset.transpose() * whole.clone().try_inverse().unwrap() * &offset)[0];
        assert!((it.square(offset.as_slice()) - square).abs() < 1e-9, "{square}");
        assert!(it.sds().iter().zip(whole.diagonal().iter()).all(|(sd, v)| (sd * sd - v).abs() < 1e-12));
        // The map from noise and its transpose make the covariance.
        let map = it.offsets(&DMatrix::identity(6, 6).as_view());
        assert!((&map * map.transpose() - &whole).amax() < 1e-12);
        assert!((it.tr_mul(&DMatrix::identity(4, 4)) - map.transpose()).amax() < 1e-12);
    }

    /// Without an average what is left is the entropy.
    #[test]
    fn the_slope_of_the_entropy_is_its_difference() {
        let (it, zero) = (example(), DVector::zeros(4));
        let at: Vec<f64> = (0..12).map(|i| 0.1 * f64::from(i) - 0.4).collect();
        let mut gradient = vec![];
        it.pull(&it.moved(&at, 30.0).unwrap(), &zero, &DMatrix::zeros(4, 6), &mut gradient);
        for i in 0..at.len() {
            let value = |step: f64| {
                let mut at = at.clone();
                at[i] += step;
                it.moved(&at, 30.0).unwrap().log_volume()
            };
            let slope = (value(1e-5) - value(-1e-5)) / 2e-5;
            assert!((gradient[i] - slope).abs() < 1e-7, "{i}: {} is not {slope}", gradient[i]);
        }
    }
}
