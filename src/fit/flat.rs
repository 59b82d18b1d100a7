//! Directions in which the log joint is flat wherever the guide draws: there the posterior is improper, though independent
//! factors each find a scale of their own.

use nalgebra::{DMatrix, DVector};

use super::chart::unit_scale;
use super::gaussian::{Average, Guide, Scale};

/// A share of a unit diagonal that says nothing any more: rounding.
const NOTHING: f64 = 1e-10;
/// Coordinates with this share of a direction's largest belong to it.
const PART: f64 = 0.1;
/// Beyond so many latents a decomposition costs more than it tells.
const MOST: usize = 500;

/// Latents along a direction in which the expected curvature vanishes. `average` is over draws of the guide, with all cross
/// products: E g e' = E[Hessian] L (Price 1958), and where a direction is flat no gradient has a part along it, whatever
/// the draws. A factor over all latents finds such a direction by itself: its scale grows without end.
pub(super) fn flat(guide: &Guide, average: &Average) -> Vec<usize> {
    let Scale::Diagonal(sd) = &guide.scale else { return vec![] };
    let size = sd.len();
    if size == 0 || size > MOST || !average.value.is_finite() {
        return vec![];
    }
    let hessian = DMatrix::from_fn(size, size, |i, j| average.cross[(i, j)] / sd[j]);
    let unit = DVector::from_fn(size, |i, _| unit_scale(hessian[(i, i)]));
    // Gradients are combinations of the rows; along a flat direction their sum, in its own units, is nothing.
    let scaled = DMatrix::from_fn(size, size, |i, j| hessian[(i, j)] / unit[i] / unit[j]);
    let decomposition = scaled.transpose().svd(false, true);
    let largest = decomposition.singular_values.iter().copied().fold(0.0, f64::max);
    let Some(directions) = decomposition.v_t else { return vec![] };
    let mut along: Vec<usize> = vec![];
    for (k, value) in decomposition.singular_values.iter().enumerate() {
        if *value <= NOTHING * largest.max(1.0) {
            let most = directions.row(k).amax();
            along.extend((0..size).filter(|i| directions[(k, *i)].abs() > PART * most));
        }
    }
    along.sort_unstable();
    along.dedup();
    along
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(hessian: DMatrix<f64>) -> Vec<usize> {
        let size = hessian.nrows();
        let sd = DVector::from_fn(size, |i, _| 0.5 + i as f64);
        let cross = DMatrix::from_fn(size, size, |i, j| hessian[(i, j)] * sd[j]);
        let guide = Guide { mean: DVector::zeros(size), scale: Scale::Diagonal(sd), params: DVector::zeros(0) };
        let average = Average { value: 0.0, mean: DVector::zeros(size), diagonal: DVector::zeros(size), cross };
        flat(&guide, &average)
    }

    #[test]
    fn a_sum_of_two_says_nothing_of_their_difference() {
        // -(a + 1e3 b)^2 / 2 - c^2 / 2, with differences in the columns as few draws leave them.
        let (a, b) = ([-1.0, -1.1e3, 0.01], [-1e3, -1.1e6, 10.0]);
        let rows = [a[0], a[1], a[2], b[0], b[1], b[2], 0.02, 3.0, -1.0];
        assert_eq!(found(DMatrix::from_row_slice(3, 3, &rows)), [0, 1]);
        // Nearly collinear is another thing.
        let near = [-1.0, -0.999_999, 0.0, -0.999_999, -1.0, 0.0, 0.0, 0.0, -1.0];
        assert_eq!(found(DMatrix::from_row_slice(3, 3, &near)), Vec::<usize>::new());
    }
}
