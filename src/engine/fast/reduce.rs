//! Reductions over any axes, in an order that depends on the shape alone. Sums are kept in f64.

use super::real::Real;
use super::vector;
use super::view::{Space, View, walk};

/// What is folded. The sum of exponentials is lowered to these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fold {
    Sum,
    Max,
    Prod,
}

#[derive(Debug, Clone)]
pub(super) struct Reduction {
    pub fold: Fold,
    pub of: View,
    /// The buffer of the result, row-major.
    pub out: usize,
    /// Axes that stay, with the steps of the operand.
    kept: Space,
    /// Axes that go.
    gone: Space,
}

/// Columns that are folded together.
const TILE: usize = 256;
/// Terms after which a column's sum is moved into one in f64.
const BLOCK: usize = 256;
/// From this many terms on, the result is shared between threads.
const SHARED: usize = 1 << 17;

impl Reduction {
    pub fn new(fold: Fold, of: View, out: usize, axes: &[usize]) -> Reduction {
        let space = |kept: bool| {
            let places = (0..of.axes.len()).filter(|axis| axes.contains(axis) != kept);
            let part = View { axes: places.map(|axis| of.axes[axis]).collect(), ..of };
            let shape: Vec<usize> = part.axes.iter().map(|axis| axis.length).collect();
            Space::of(&shape, &[&part])
        };
        Reduction { fold, out, kept: space(true), gone: space(false), of }
    }

    pub fn run<T: Real>(&self, values: &[T], out: &mut [T]) {
        let (kept, gone) = (&self.kept.steps[0], &self.gone.steps[0]);
        let columns = match (kept.last(), gone.last()) {
            (Some(_), None) => true,
            (Some(k), Some(g)) => *g != 1 && (*k == 1 || k < g),
            _ => false,
        };
        let width = if columns { self.kept.lengths.last().copied().unwrap_or(1) } else { 1 };
        let chunk = if columns { TILE } else { 64 };
        let one = |(number, part): (usize, &mut [T])| {
            let mut done = 0;
            while done < part.len() {
                let at = number * chunk + done;
                let length = if columns { (width - at % width).min(part.len() - done) } else { 1 };
                let from = self.of.offset + offset(at, &self.kept.lengths, kept);
                let target = &mut part[done..done + length];
                if columns {
                    self.columns(values, from, target)
                } else {
                    target[0] = self.row(values, from)
                }
                done += length;
            }
        };
        if self.of.count() >= SHARED && out.len() > chunk {
            use rayon::prelude::*;
            out.par_chunks_mut(chunk).enumerate().for_each(one);
        } else {
            out.chunks_mut(chunk).enumerate().for_each(one);
        }
    }

    /// One place of the result.
    fn row<T: Real>(&self, values: &[T], from: usize) -> T {
        let (lengths, steps) = (&self.gone.lengths, &self.gone.steps[0]);
        let Some((length, step)) = lengths.last().zip(steps.last()) else { return values[from] };
        let outer = lengths.len() - 1;
        let mut total = match self.fold {
            Fold::Sum => 0.0,
            Fold::Max => f64::NEG_INFINITY,
            Fold::Prod => 1.0,
        };
        walk(&lengths[..outer], [&steps[..outer]], [from], &mut |[start]| {
            total = match (self.fold, *step) {
                (Fold::Sum, 1) => total + vector::sum(&values[start..start + length]),
                (fold, _) => (0..*length).fold(total, |total, i| fold.one(total, values[start + i * step].wide())),
            };
        });
        T::of(total)
    }

    /// Neighbouring places of the result, along the innermost axis that stays.
    fn columns<T: Real>(&self, values: &[T], from: usize, out: &mut [T]) {
        let step = self.kept.steps[0].last().copied().unwrap_or(0);
        let start = match self.fold {
            Fold::Sum => T::ZERO,
            Fold::Max => T::of(f64::NEG_INFINITY),
            Fold::Prod => T::ONE,
        };
        let (mut sums, mut totals, mut row) = ([start; TILE], [0.0; TILE], [T::ZERO; TILE]);
        let (sums, totals) = (&mut sums[..out.len()], &mut totals[..out.len()]);
        let mut terms = 0;
        walk(&self.gone.lengths, [&self.gone.steps[0]], [from], &mut |[at]| {
            let line = if step == 1 {
                &values[at..at + out.len()]
            } else {
                row.iter_mut().zip(0..out.len()).for_each(|(slot, i)| *slot = values[at + i * step]);
                &row[..out.len()]
            };
            match self.fold {
                Fold::Sum => vector::add(sums, line),
                Fold::Max => vector::larger(sums, line),
                Fold::Prod => vector::multiply(sums, line),
            }
            terms += 1;
            if self.fold == Fold::Sum && terms % BLOCK == 0 {
                vector::flush(totals, sums);
            }
        });
        if self.fold == Fold::Sum {
            vector::flush(totals, sums);
            vector::narrow(out, totals);
        } else {
            out.copy_from_slice(sums);
        }
    }
}

impl Fold {
    fn one(self, total: f64, x: f64) -> f64 {
        match self {
            Fold::Sum => total + x,
            Fold::Prod => total * x,
            Fold::Max if total >= x || total.is_nan() => total,
            Fold::Max => x,
        }
    }
}

/// The offset of a place by its number.
pub(super) fn offset(mut at: usize, lengths: &[usize], steps: &[usize]) -> usize {
    let mut sum = 0;
    for (length, step) in lengths.iter().zip(steps).rev() {
        sum += (at % length) * step;
        at /= length;
    }
    sum
}
