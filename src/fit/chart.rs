//! Whitened coordinates: the guide as a vector in which the bound is nearly a sphere.

use nalgebra::{DMatrix, DVector, SymmetricEigen};

use super::gaussian::{Average, Guide, Scale};

/// Coordinates of a guide. The first block `m` moves mean and parameters by `root m`; the second is, for a diagonal
/// scale, log sd relative to `guide`'s; for a factor, a lower-triangular matrix (log diagonal) that multiplies it from
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
        let scale = match self.guide.scale {
            Scale::Diagonal(_) => latents,
            Scale::Factor(_) => latents * (latents + 1) / 2,
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
    const SMALLEST: f64 = 1e-10;
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
    if size == 0 || !scaled.iter().all(|c| c.is_finite()) {
        return DMatrix::from_diagonal(&scale.map(|s| 1.0 / s));
    }
    let eigen = SymmetricEigen::new(scaled);
    let stretch = eigen.eigenvalues.map(|value| 1.0 / value.abs().max(SMALLEST).sqrt());
    // Any root B'B will do; a QR decomposition makes it triangular.
    let root = DMatrix::from_fn(size, size, |i, j| stretch[i] * eigen.eigenvectors[(j, i)] / scale[j]);
    let mut lower = root.qr().unpack_r().transpose();
    for mut column in lower.column_iter_mut().enumerate().filter_map(|(j, c)| (c[j] < 0.0).then_some(c)) {
        column.neg_mut();
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
        assert_eq!(inverse_root(&DMatrix::zeros(2, 2)), DMatrix::identity(2, 2));
    }
}
