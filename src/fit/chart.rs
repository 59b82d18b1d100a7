//! Whitened coordinates: the guide as a vector in which the bound is nearly a sphere.

use nalgebra::{DMatrix, DVector, SymmetricEigen};

use super::gaussian::{Average, Guide, Scale};
use super::linear::invert_lower;

/// Coordinates of a guide. The first block `m` moves mean and parameters by `root m`; the second is, for a diagonal
/// scale, log sd relative to `guide`'s, of low rank with its columns in units of those sds after them; for a factor, a lower-triangular matrix (log diagonal) that multiplies it from
/// the right. The zero vector is `guide` itself.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Chart {
    pub guide: Guide,
    /// Lower triangular, `root root'` = the inverse of the curvature.
    pub root: DMatrix<f64>,
}

/// A log scale further than this from where a stage began is out of bounds: e^30 is no posterior's.
const FARTHEST: f64 = 30.0;

impl Chart {
    /// `curvature` is minus the Hessian of the expected log joint in means and parameters.
    pub fn new(guide: Guide, curvature: &DMatrix<f64>) -> Chart {
        Chart { root: inverse_root(curvature), guide }
    }

    /// How long the vector is.
    pub fn len(&self) -> usize {
        let latents = self.guide.mean.len();
        let scale = match &self.guide.scale {
            Scale::Diagonal(_) => latents,
            Scale::Factor(_) => latents * (latents + 1) / 2,
            Scale::LowRank(scale) => latents * (1 + scale.rank()),
        };
        self.root.nrows() + scale
    }

    /// The guide at a vector; `None` where it is out of bounds.
    pub fn place(&self, vector: &[f64]) -> Option<Guide> {
        let (shift, rest) = vector.split_at(self.root.nrows());
        let latents = self.guide.mean.len();
        let moved = &self.root * DVector::from_column_slice(shift);
        let scale = match &self.guide.scale {
            Scale::Diagonal(sd) => {
                let bounded = rest.iter().all(|s| s.abs() <= FARTHEST);
                bounded.then(|| Scale::Diagonal(DVector::from_fn(latents, |i, _| sd[i] * rest[i].exp())))?
            }
            Scale::Factor(factor) => Scale::Factor(factor * triangle(latents, rest)?),
            Scale::LowRank(scale) => Scale::LowRank(scale.moved(rest, FARTHEST)?),
        };
        Some(Guide {
            mean: &self.guide.mean + moved.rows(0, latents),
            scale,
            params: &self.guide.params + moved.rows(latents, self.guide.params.len()),
        })
    }

    /// The gradient of (average + entropy) in the vector.
    pub fn pull(&self, vector: &[f64], average: &Average) -> Vec<f64> {
        let latents = self.guide.mean.len();
        let mut gradient: Vec<f64> = self.root.tr_mul(&average.mean).iter().copied().collect();
        match &self.guide.scale {
            Scale::Diagonal(sd) => {
                let log_scale = &vector[self.root.nrows()..];
                gradient.extend((0..latents).map(|i| 1.0 + average.diagonal[i] * sd[i] * log_scale[i].exp()));
            }
            Scale::Factor(factor) => {
                let inner = factor.tr_mul(&average.cross.rows(0, latents));
                let entries = &vector[self.root.nrows()..];
                for i in 0..latents {
                    gradient.extend((0..i).map(|j| inner[(i, j)]));
                    gradient.push(1.0 + inner[(i, i)] * entries[i * (i + 1) / 2 + i].exp());
                }
            }
            Scale::LowRank(scale) => {
                // Every point that was averaged over is in bounds.
                if let Some(now) = scale.moved(&vector[self.root.nrows()..], FARTHEST) {
                    scale.pull(&now, &average.diagonal, &average.cross, &mut gradient);
                }
            }
        }
        gradient
    }
}

/// A lower-triangular matrix from its rows, with the logarithm of the diagonal.
fn triangle(size: usize, entries: &[f64]) -> Option<DMatrix<f64>> {
    let mut matrix = DMatrix::zeros(size, size);
    for i in 0..size {
        let row = &entries[i * (i + 1) / 2..][..=i];
        if row[i].abs() > FARTHEST {
            return None;
        }
        (0..i).for_each(|j| matrix[(i, j)] = row[j]);
        matrix[(i, i)] = row[i].exp();
    }
    Some(matrix)
}

/// A lower-triangular `R` with `R R'` = the inverse of the symmetric `curvature`, its eigenvalues replaced by their
/// absolute values after scaling to a unit diagonal: coordinates may differ in scale by any factor.
pub(crate) fn inverse_root(curvature: &DMatrix<f64>) -> DMatrix<f64> {
    let size = curvature.nrows();
    let scale = DVector::from_fn(size, |i, _| unit_scale(curvature[(i, i)]));
    let mut scaled =
        DMatrix::from_fn(size, size, |i, j| 0.5 * (curvature[(i, j)] + curvature[(j, i)]) / scale[i] / scale[j]);
    for i in 0..size {
        // A coordinate without curvature of its own moves in its own unit.
        if scaled[(i, i)].abs() < 0.5 {
            scaled[(i, i)] = 1.0;
        }
    }
    let mut root = if size == 0 || !scaled.iter().all(|c| c.is_finite()) {
        DMatrix::identity(size, size)
    } else {
        definite_root(&scaled).unwrap_or_else(|| indefinite_root(scaled))
    };
    root.row_iter_mut().zip(scale.iter()).for_each(|(mut row, scale)| row /= *scale);
    root
}

/// Eigenvalues below this share of a unit diagonal say nothing any more.
const SMALLEST: f64 = 1e-10;

/// Where all eigenvalues are positive, a Cholesky decomposition is enough: with the order of coordinates reversed it is
/// that of an upper factor U, and the root is the inverse of U'.
fn definite_root(matrix: &DMatrix<f64>) -> Option<DMatrix<f64>> {
    let last = matrix.nrows() - 1;
    let factor = DMatrix::from_fn(last + 1, last + 1, |i, j| matrix[(last - i, last - j)]).cholesky()?.unpack();
    if factor.diagonal().iter().any(|d| d * d < SMALLEST) {
        return None;
    }
    let inverse = invert_lower(&factor);
    Some(DMatrix::from_fn(last + 1, last + 1, |i, j| inverse[(last - j, last - i)]))
}

/// Any root B'B of the inverse will do; a QR decomposition makes it triangular.
fn indefinite_root(matrix: DMatrix<f64>) -> DMatrix<f64> {
    let eigen = SymmetricEigen::new(matrix);
    let mut root = eigen.eigenvectors.transpose();
    for (mut row, value) in root.row_iter_mut().zip(eigen.eigenvalues.iter()) {
        row /= value.abs().max(SMALLEST).sqrt();
    }
    let mut lower = root.qr().unpack_r().transpose();
    for (j, mut column) in lower.column_iter_mut().enumerate() {
        if column[j] < 0.0 {
            column.neg_mut();
        }
    }
    lower
}

/// The square root of a curvature's size; 1 where there is none to go by.
pub(crate) fn unit_scale(curvature: f64) -> f64 {
    let size = curvature.abs().sqrt();
    if size.is_finite() && size > 1e-12 { size } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_inverts_badly_scaled_and_indefinite_curvature() {
        // Eigenvalues 3 and -1 after scaling by 1e6 and 1e-4.
        let scale = [1e6, 1e-4];
        let entries = [[1.0, 2.0], [2.0, 1.0]];
        let curvature = DMatrix::from_fn(2, 2, |i, j| entries[i][j] * scale[i] * scale[j]);
        let root = inverse_root(&curvature);
        assert_eq!(root[(0, 1)], 0.0);
        assert!(root[(0, 0)] > 0.0 && root[(1, 1)] > 0.0);
        // |C| has the same eigenvectors with eigenvalues 3 and 1, so its inverse is [[2, -1], [-1, 2]] / 3.
        let inverse = &root * root.transpose();
        let expected = [[2.0 / 3.0, -1.0 / 3.0], [-1.0 / 3.0, 2.0 / 3.0]];
        for (i, j) in [(0, 0), (0, 1), (1, 1)] {
            let scaled = inverse[(i, j)] * scale[i] * scale[j];
            assert!((scaled - expected[i][j]).abs() < 1e-12, "{i} {j}: {scaled}");
        }
        assert_eq!(inverse_root(&DMatrix::zeros(0, 0)).len(), 0);
        // Both ways to a root are one where there is nothing to mend.
        let definite = DMatrix::from_row_slice(3, 3, &[1.0, 0.6, 0.2, 0.6, 1.0, -0.3, 0.2, -0.3, 1.0]);
        let (direct, general) = (definite_root(&definite).unwrap(), indefinite_root(definite.clone()));
        assert!((&direct - general).amax() < 1e-12);
        assert!((&direct * direct.transpose() * definite - DMatrix::identity(3, 3)).amax() < 1e-12);
        assert_eq!(inverse_root(&DMatrix::zeros(2, 2)), DMatrix::identity(2, 2));
    }
}
