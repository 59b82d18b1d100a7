//! What runs, one after another, each writing into slots that were there before.

use rayon::prelude::*;

use super::product::Product;
use super::real::Real;
use super::reduce::Reduction;
use super::tiles::Tiles;
use super::vector;
use super::view::{Space, View, walk};
use crate::engine::host;
use crate::plan::{Failure, Node};
use crate::problem::Bug;

#[derive(Debug, Clone)]
pub(super) enum Step {
    Tiles(Tiles),
    Product(Product),
    Reduce(Reduction),
    /// The elements of one view into another of the same shape.
    Copy {
        from: View,
        into: View,
    },
    Fill {
        out: usize,
    },
    /// Of a row-major operand: places before the axis, along it, and after it.
    Cumsum {
        of: View,
        out: usize,
        sizes: [usize; 3],
        reverse: bool,
    },
    /// Both row-major, rows of `width` elements.
    Gather {
        table: View,
        index: View,
        out: usize,
        width: usize,
    },
    ScatterAdd {
        values: View,
        index: View,
        out: usize,
        width: usize,
    },
    /// On the processor in f64, for the few operations that have no loop here.
    Host {
        node: Node,
        args: Vec<View>,
        out: usize,
    },
}

impl Step {
    /// The buffers it reads.
    pub fn reads(&self) -> Vec<usize> {
        match self {
            Step::Tiles(tiles) => tiles.reads().collect(),
            Step::Product(product) => vec![product.left.buffer, product.right.buffer],
            Step::Reduce(reduction) => vec![reduction.of.buffer],
            Step::Copy { from, .. } => vec![from.buffer],
            Step::Fill { .. } => vec![],
            Step::Cumsum { of, .. } => vec![of.buffer],
            Step::Gather { table, index, .. } => vec![table.buffer, index.buffer],
            Step::ScatterAdd { values, index, .. } => vec![values.buffer, index.buffer],
            Step::Host { args, .. } => args.iter().map(|view| view.buffer).collect(),
        }
    }

    /// The buffers it writes.
    pub fn writes(&self) -> &[usize] {
        match self {
            Step::Tiles(tiles) => &tiles.outs,
            Step::Product(product) => std::slice::from_ref(&product.out.buffer),
            Step::Reduce(reduction) => std::slice::from_ref(&reduction.out),
            Step::Copy { into, .. } => std::slice::from_ref(&into.buffer),
            Step::Fill { out }
            | Step::Cumsum { out, .. }
            | Step::Gather { out, .. }
            | Step::ScatterAdd { out, .. }
            | Step::Host { out, .. } => std::slice::from_ref(out),
        }
    }

    /// Runs it. `values` gives a buffer's elements; `outs` are those of `writes`.
    pub fn run<'a, T: Real>(
        &self,
        values: impl Fn(usize) -> &'a [T],
        outs: &mut [&mut [T]],
        scratch: &mut Vec<Vec<T>>,
    ) -> Result<(), Failure> {
        if let Step::Tiles(tiles) = self {
            tiles.run(values, outs, scratch);
            return Ok(());
        }
        let [out] = outs else { return Err(Failure::Bug(Bug("a step without its one result".to_string()))) };
        match self {
            Step::Tiles(_) => {}
            Step::Product(product) => product.run(values(product.left.buffer), values(product.right.buffer), out),
            Step::Reduce(reduction) => reduction.run(values(reduction.of.buffer), out),
            Step::Copy { from, into } => copy(values(from.buffer), from, out, into),
            Step::Fill { .. } => out.fill(T::ZERO),
            Step::Cumsum { of, sizes, reverse, .. } => {
                cumsum(&values(of.buffer)[of.offset..], out, *sizes, *reverse);
            }
            Step::Gather { table, index, width, .. } => {
                let table_values = &values(table.buffer)[table.offset..][..table.count()];
                let index = &values(index.buffer)[index.offset..][..index.count()];
                gather(table_values, index, out, *width)?;
            }
            Step::ScatterAdd { values: from, index, width, .. } => {
                let from = &values(from.buffer)[from.offset..][..from.count()];
                let index = &values(index.buffer)[index.offset..][..index.count()];
                scatter(from, index, out, *width)?;
            }
            Step::Host { node, args, .. } => on_host(node, args, values, out)?,
        }
        Ok(())
    }
}

fn copy<T: Real>(values: &[T], from: &View, out: &mut [T], into: &View) {
    let shape: Vec<usize> = from.axes.iter().map(|axis| axis.length).collect();
    let space = Space::of(&shape, &[from, into]);
    let (Some((inner, outer)), [read, write]) = (space.lengths.split_last(), &space.steps[..]) else {
        if from.count() == 1 {
            out[into.offset] = values[from.offset];
        }
        return;
    };
    let n = outer.len();
    walk(outer, [&read[..n], &write[..n]], [from.offset, into.offset], &mut |[r, w]| {
        if read[n] == 1 && write[n] == 1 {
            out[w..w + inner].copy_from_slice(&values[r..r + inner]);
        } else {
            (0..*inner).for_each(|i| out[w + i * write[n]] = values[r + i * read[n]]);
        }
    });
}

fn cumsum<T: Real>(values: &[T], out: &mut [T], [before, along, after]: [usize; 3], reverse: bool) {
    for outer in 0..before {
        for inner in 0..after {
            let mut sum = 0.0;
            for i in 0..along {
                let place = if reverse { along - 1 - i } else { i };
                let at = (outer * along + place) * after + inner;
                sum += values[at].wide();
                out[at] = T::of(sum);
            }
        }
    }
}

/// The rows' places in a table of `rows`.
fn row<T: Real>(index: T, rows: usize) -> Result<usize, Failure> {
    let place = index.wide();
    let found = (place >= 0.0 && place < rows as f64 && place.fract() == 0.0).then_some(place as usize);
    found.ok_or_else(|| Failure::Bug(Bug(format!("row {place} of a table of {rows}"))))
}

fn gather<T: Real>(table: &[T], index: &[T], out: &mut [T], width: usize) -> Result<(), Failure> {
    let rows = table.len().checked_div(width).unwrap_or(0);
    for (target, index) in out.chunks_exact_mut(width.max(1)).zip(index) {
        let from = row(*index, rows)? * width;
        target.copy_from_slice(&table[from..from + width]);
    }
    Ok(())
}

fn scatter<T: Real>(values: &[T], index: &[T], out: &mut [T], width: usize) -> Result<(), Failure> {
    out.fill(T::ZERO);
    let rows = out.len().checked_div(width).unwrap_or(0);
    for (value, index) in values.chunks_exact(width.max(1)).zip(index) {
        let into = row(*index, rows)? * width;
        vector::add(&mut out[into..into + width], value);
    }
    Ok(())
}

fn on_host<'a, T: Real>(
    node: &Node,
    args: &[View],
    values: impl Fn(usize) -> &'a [T],
    out: &mut [T],
) -> Result<(), Failure> {
    let shapes: Vec<Vec<usize>> = args.iter().map(|view| view.axes.iter().map(|axis| axis.length).collect()).collect();
    let wide: Vec<Vec<f64>> = args.iter().map(|view| read(values(view.buffer), view)).collect();
    let operands: Vec<(&[f64], &[usize])> = wide.iter().zip(&shapes).map(|(v, s)| (&v[..], &s[..])).collect();
    vector::narrow(out, &host::apply(node, &operands)?);
    Ok(())
}

/// From this many numbers on, they cross the border in several threads.
const SHARED: usize = 1 << 16;

/// What is given, in the slots' precision.
pub(super) fn take_in<T: Real>(slot: &mut [T], values: &[f64]) {
    if values.len() < SHARED {
        return vector::narrow(slot, values);
    }
    let chunk = SHARED / 4;
    slot.par_chunks_mut(chunk).zip(values.par_chunks(chunk)).for_each(|(slot, values)| vector::narrow(slot, values));
}

/// The elements of a view, row-major.
pub(super) fn read<T: Real>(values: &[T], view: &View) -> Vec<f64> {
    let count = view.count();
    if view.is_row_major() {
        let values = &values[view.offset..view.offset + count];
        return match count < SHARED {
            true => values.iter().map(|value| value.wide()).collect(),
            false => values.par_iter().with_min_len(SHARED / 4).map(|value| value.wide()).collect(),
        };
    }
    let lengths: Vec<usize> = view.axes.iter().map(|axis| axis.length).collect();
    let mut out = Vec::with_capacity(count);
    walk(&lengths, [&view.steps()], [view.offset], &mut |[at]| out.push(values[at].wide()));
    out
}
