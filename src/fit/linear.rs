//! The one piece of linear algebra that the crate in use does too slowly.

use nalgebra::DMatrix;

/// The inverse of a lower-triangular matrix with a nonzero diagonal, by halves, so that nearly all of it are products:
/// the inverse of (A 0; B C) is (A^-1 0; -C^-1 B A^-1 C^-1).
pub(crate) fn invert_lower(lower: &DMatrix<f64>) -> DMatrix<f64> {
    const SMALL: usize = 48;
    let size = lower.nrows();
    let mut inverse = DMatrix::zeros(size, size);
    if size <= SMALL {
        for j in 0..size {
            inverse[(j, j)] = 1.0 / lower[(j, j)];
            for i in j + 1..size {
                let sum: f64 = (j..i).map(|k| lower[(i, k)] * inverse[(k, j)]).sum();
                inverse[(i, j)] = -sum / lower[(i, i)];
            }
        }
        return inverse;
    }
    let half = size / 2;
    let first = invert_lower(&lower.view((0, 0), (half, half)).clone_owned());
    let last = invert_lower(&lower.view((half, half), (size - half, size - half)).clone_owned());
    let between = -(&last * lower.view((half, 0), (size - half, half)) * &first);
    inverse.view_mut((0, 0), (half, half)).copy_from(&first);
    inverse.view_mut((half, half), (size - half, size - half)).copy_from(&last);
    inverse.view_mut((half, 0), (size - half, half)).copy_from(&between);
    inverse
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_product_with_the_inverse_is_the_identity() {
        for size in [0, 1, 5, 48, 49, 131] {
            let lower = DMatrix::from_fn(size, size, |i, j| match i.cmp(&j) {
                std::cmp::Ordering::Less => 0.0,
                std::cmp::Ordering::Equal => 2.0 + (i as f64).sin(),
                std::cmp::Ordering::Greater => ((i * 7 + j * 3) as f64).cos() / 4.0,
            });
            let product = invert_lower(&lower) * &lower;
            assert!((product - DMatrix::identity(size, size)).amax() < 1e-8, "{size}");
        }
    }
}
