//! The fixed draws of the sample average.

use nalgebra::{Cholesky, DMatrix};

use super::linear::invert_lower;
use crate::kernel::noise::{Index, Noise};
use crate::problem::Bug;

/// Standard normal draws in antithetic pairs, of which one half is held, one a column: the other half is its negative.
/// Their mean is 0 and their second moments are exactly the identity, so that the average of a quadratic is exact.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Draws {
    pub half: DMatrix<f64>,
}

impl Draws {
    /// Draws are multiplied by the inverse Cholesky factor of their second moments; that needs `pairs >= width`.
    pub fn matched(noise: Noise, width: usize, pairs: usize) -> Result<Draws, Bug> {
        let mut half = independent(noise, width, 0, pairs);
        if width > 0 {
            let moments = &half * half.transpose() / pairs as f64;
            let singular = || Bug(format!("{pairs} pairs of {width} draws have singular moments"));
            let factor = Cholesky::new(moments).ok_or_else(singular)?;
            // The inverse factor times all draws at once is a product, and several times faster than solving for each.
            half = invert_lower(&factor.l()) * half;
        }
        Ok(Draws { half })
    }

    pub fn pairs(&self) -> usize {
        self.half.ncols()
    }
}

/// `count` independent draws from number `first` on, one a column: each depends on its number alone.
pub(crate) fn independent(noise: Noise, width: usize, first: usize, count: usize) -> DMatrix<f64> {
    let mut draws = DMatrix::zeros(width, count);
    if width > 0 {
        for (k, column) in draws.as_mut_slice().chunks_mut(width).enumerate() {
            noise.fill_normal(Index { particle: (first + k) as u32, ..Index::default() }, column);
        }
    }
    draws
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::noise::{Key, Stream};

    #[test]
    fn second_moments_are_exactly_the_identity() {
        let noise = Key { seed: 1, stream: Stream::Train, step: 0, site: 0 }.noise();
        for (width, pairs) in [(1, 16), (7, 16), (40, 80), (40, 41)] {
            let draws = Draws::matched(noise, width, pairs).unwrap();
            let moments = &draws.half * draws.half.transpose() / pairs as f64;
            assert!((moments - DMatrix::identity(width, width)).amax() < 1e-9, "{width} {pairs}");
        }
        assert!(Draws::matched(noise, 5, 4).is_err());
        assert_eq!(Draws::matched(noise, 0, 4).unwrap().pairs(), 4);
    }

    #[test]
    fn a_draw_depends_on_its_number_alone() {
        let noise = Key { seed: 1, stream: Stream::Train, step: 0, site: 0 }.noise();
        let all = independent(noise, 3, 0, 10);
        assert_eq!(all.columns(4, 6), independent(noise, 3, 4, 6));
    }
}
