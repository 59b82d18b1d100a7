//! `digits`: 28 x 28 handwritten-looking digits drawn from strokes with a seed, in the shape of MNIST, so that every
//! example runs without a network.

use std::num::NonZero;

use crate::data::named::Split;
use crate::data::{Column, Table, Values};
use crate::kernel::noise::{Key, Stream};

mod pen;
mod strokes;

use pen::{Hand, SIDE};
use strokes::{WAYS, Way};

/// Of what is drawn: another number where the digits would be others, so that no cache keeps the old ones.
pub const VERSION: u32 = 1;

const SEED: u64 = 0x6469_6769_7473;

/// Rows of a split.
pub fn rows(split: Split) -> usize {
    match split {
        Split::Train => 60_000,
        Split::Test => 10_000,
    }
}

/// The columns `images` and `labels`. The same bytes for any number of threads.
pub fn table(split: Split) -> Table {
    let (images, labels) = draw(split, rows(split), std::thread::available_parallelism().map_or(1, NonZero::get));
    let rows = labels.len();
    let column =
        |name: &str, shape: Vec<usize>, bytes| Column { name: Some(name.into()), shape, values: Values::Bytes(bytes) };
    let columns = vec![column("images", vec![rows, SIDE, SIDE], images), column("labels", vec![rows], labels)];
    Table { name: "digits".into(), alias: None, columns, lines: None }
}

/// The first rows of a split: pixels and labels.
fn draw(split: Split, rows: usize, threads: usize) -> (Vec<u8>, Vec<u8>) {
    let (mut images, mut labels) = (vec![0; rows * SIDE * SIDE], vec![0; rows]);
    let share = rows.div_ceil(threads.max(1)).max(1);
    std::thread::scope(|scope| {
        let parts = images.chunks_mut(share * SIDE * SIDE).zip(labels.chunks_mut(share));
        for (part, (images, labels)) in parts.enumerate() {
            scope.spawn(move || {
                for (i, (image, label)) in images.chunks_mut(SIDE * SIDE).zip(labels).enumerate() {
                    *label = one(split, (part * share + i) as u32, image);
                }
            });
        }
    });
    (images, labels)
}

/// Draws one digit and returns which it is.
fn one(split: Split, row: u32, image: &mut [u8]) -> u8 {
    let noise = Key { seed: SEED, stream: Stream::Data, step: u64::from(VERSION), site: split as u32 }.noise();
    let mut hand = Hand::new(noise, row);
    let label = (10.0 * hand.uniform()).min(9.0) as u8;
    let ways = WAYS[usize::from(label)];
    let mut rest = hand.uniform() * ways.iter().map(|way| way.weight).sum::<f32>();
    let chosen = ways.iter().find(|way: &&Way| {
        rest -= way.weight;
        rest < 0.0
    });
    pen::draw(chosen.unwrap_or(&ways[0]).strokes, &mut hand, image);
    label
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_the_same_for_any_number_of_threads() {
        let one = draw(Split::Train, 300, 1);
        assert_eq!(one, draw(Split::Train, 300, 3));
        assert_eq!(one.1[..100], draw(Split::Train, 100, 7).1);
        assert_ne!(one.0, draw(Split::Test, 300, 1).0);
    }

    /// `cargo test --release digits -- --nocapture` says how long all 70,000 take.
    #[test]
    fn digits_have_the_look_of_mnist() {
        let rows = if cfg!(debug_assertions) { 1_000 } else { 70_000 };
        let start = std::time::Instant::now();
        let (images, labels) = draw(Split::Train, rows, std::thread::available_parallelism().map_or(1, NonZero::get));
        println!("{rows} digits in {:?}", start.elapsed());
        for digit in 0..10 {
            let count = labels.iter().filter(|label| **label == digit).count() as f64;
            // Five sds of a count of tenths.
            assert!((count - rows as f64 / 10.0).abs() < 5.0 * (0.09 * rows as f64).sqrt(), "{count} of {digit}");
        }
        // MNIST: mean 33.3 of 255, about .19 of the pixels touched, nothing at the border.
        let mean = images.iter().map(|v| f64::from(*v)).sum::<f64>() / images.len() as f64;
        let touched = images.iter().filter(|v| **v > 0).count() as f64 / images.len() as f64;
        assert!((28.0..40.0).contains(&mean) && (0.15..0.23).contains(&touched), "{mean} {touched}");
        let border = |i: usize| i.is_multiple_of(SIDE) || i % SIDE == SIDE - 1 || i % (SIDE * SIDE) < SIDE;
        let dark = (0..images.len()).filter(|i| border(*i) && images[*i] > 0).count() as f64;
        assert!(dark / (images.len() as f64) < 1e-3, "{dark} pixels of the border");
    }
}
