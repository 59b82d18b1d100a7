//! Draws of one step that are not independent of one another: `draws: antithetic` and `draws: stratified`.

use crate::kernel::noise::{Index, Key};
use crate::kernel::special::normal_quantile;
use crate::math::Noise;
use crate::model::Draws;

/// Makes draws of one kind out of independent ones: `buffer` is draws x columns. Every draw by itself keeps its
/// distribution, so what is averaged over the draws keeps its mean.
pub(super) fn arrange(buffer: &mut [f64], draws: usize, kind: Draws, noise: Noise, key: Key) {
    if draws < 2 || buffer.is_empty() {
        return;
    }
    match kind {
        Draws::Independent => {}
        Draws::Antithetic => antithetic(buffer, draws, noise),
        Draws::Stratified => stratified(buffer, draws, noise, key),
    }
}

/// Every second draw is the mirror image of the one before; a last one without a partner stays as it is.
fn antithetic(buffer: &mut [f64], draws: usize, noise: Noise) {
    for pair in buffer.chunks_exact_mut(buffer.len() / draws * 2) {
        let (first, second) = pair.split_at_mut(pair.len() / 2);
        let mirrored = |x: &f64| match noise {
            Noise::Normal => -x,
            Noise::Uniform => 1.0 - x,
        };
        second.iter_mut().zip(first.iter()).for_each(|(to, from)| *to = mirrored(from));
    }
}

/// A Latin hypercube (McKay, Beckman & Conover, Technometrics 21, 1979): in every column each of as many strata of equal
/// probability as there are draws holds one of them. The ranks of independent draws are a random permutation.
fn stratified(buffer: &mut [f64], draws: usize, noise: Noise, key: Key) {
    let (width, source) = (buffer.len() / draws, key.noise());
    let mut inside = vec![0.0; draws];
    let mut order: Vec<usize> = (0..draws).collect();
    for column in 0..width {
        source.fill_uniform(Index { row: column as u32, ..Index::default() }, &mut inside);
        order.sort_by(|a, b| buffer[a * width + column].total_cmp(&buffer[b * width + column]));
        for (stratum, draw) in order.iter().enumerate() {
            let u = (stratum as f64 + inside[*draw]) / draws as f64;
            buffer[draw * width + column] = match noise {
                Noise::Normal => normal_quantile(u),
                Noise::Uniform => u,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::noise::Stream;

    const KEY: Key = Key { seed: 3, stream: Stream::Train, step: 1, site: 9 };

    fn arranged(draws: usize, width: usize, kind: Draws, noise: Noise) -> Vec<f64> {
        let mut buffer = vec![0.0; draws * width];
        let source = Key { site: 0, ..KEY }.noise();
        match noise {
            Noise::Normal => source.fill_normal(Index::default(), &mut buffer),
            Noise::Uniform => source.fill_uniform(Index::default(), &mut buffer),
        }
        arrange(&mut buffer, draws, kind, noise, KEY);
        buffer
    }

    #[test]
    fn antithetic_draws_are_mirror_images() {
        let normal = arranged(5, 3, Draws::Antithetic, Noise::Normal);
        assert!(
            (0..3).all(|i| normal[3 + i] == -normal[i] && normal[9 + i] == -normal[6 + i] && normal[12 + i] != 0.0)
        );
        let uniform = arranged(2, 4, Draws::Antithetic, Noise::Uniform);
        assert!((0..4).all(|i| uniform[4 + i] == 1.0 - uniform[i]));
        assert_eq!(arranged(1, 3, Draws::Antithetic, Noise::Normal), arranged(1, 3, Draws::Independent, Noise::Normal));
    }

    #[test]
    fn every_stratum_holds_one_draw_of_every_column() {
        let (draws, width) = (16, 40);
        let buffer = arranged(draws, width, Draws::Stratified, Noise::Uniform);
        let mut first = vec![0; draws];
        for column in 0..width {
            let mut strata: Vec<usize> =
                (0..draws).map(|d| (buffer[d * width + column] * draws as f64) as usize).collect();
            first[strata[0]] += 1;
            strata.sort_unstable();
            assert_eq!(strata, (0..draws).collect::<Vec<_>>());
        }
        // Which draw is in which stratum is left to chance.
        assert!(first.iter().filter(|count| **count > 0).count() > 8, "{first:?}");
        let normal = arranged(draws, 1, Draws::Stratified, Noise::Normal);
        assert_eq!(normal.iter().filter(|x| **x < 0.0).count(), draws / 2);
    }
}
