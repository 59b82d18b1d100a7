//! Contractions as strided products: one matrix product where the axes allow it, and loops around it for the rest.
//! No operand is copied to be transposed. Sums over an axis are never split between threads, so the result does not
//! depend on their number.

use super::real::Real;
use super::vector;
use super::view::{View, walk};
use crate::engine::contract::Roles;
use crate::plan::Contraction;

/// One axis of the loops, with the steps of left, right and result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Loop {
    length: usize,
    steps: [usize; 3],
}

const ONCE: Loop = Loop { length: 1, steps: [0, 0, 0] };

#[derive(Debug, Clone)]
pub(super) struct Product {
    pub left: View,
    pub right: View,
    pub out: View,
    rows: Loop,
    columns: Loop,
    summed: Loop,
    /// Places of the result that each have a product of their own.
    outer: Vec<Loop>,
    /// Summed axes that do not join with `summed`.
    again: Vec<Loop>,
}

/// Below this many multiplications the call of a matrix product costs more than it saves.
const SMALL: usize = 256;
/// From this many on, work is worth sharing between threads.
const SHARED: usize = 1 << 17;

impl Product {
    pub fn new(left: View, right: View, out: View, axes: &Contraction) -> Product {
        let roles = Roles::of(axes);
        let step = |names: &[u8], view: &View, name: u8| {
            names.iter().position(|n| *n == name).map_or((1, 0), |i| (view.axes[i].length, view.axes[i].step))
        };
        let find = |name: &u8| {
            let found =
                [step(&axes.left, &left, *name), step(&axes.right, &right, *name), step(&axes.out, &out, *name)];
            Loop { length: found.iter().map(|f| f.0).max().unwrap_or(1), steps: found.map(|f| f.1) }
        };
        let loops = |names: &[u8], by: usize| joined(names.iter().map(find).filter(|l| l.length != 1).collect(), by);
        let (rows, mut outer) = largest(loops(&roles.rows, 2));
        let (columns, more) = largest(loops(&roles.columns, 2));
        let (mut summed, mut again) = largest(loops(&roles.summed, 0));
        if again.iter().any(|l| l.length == 0) {
            summed.length = 0;
            again.clear();
        }
        outer.extend(more);
        outer.extend(loops(&roles.batch, 2));
        outer.sort_by_key(|l| std::cmp::Reverse(l.steps[2]));
        Product { left, right, out, rows, columns, summed, outer, again }
    }

    /// Multiplications in one run of the inner product.
    fn work(&self) -> usize {
        self.rows.length * self.columns.length * self.summed.length
    }

    /// Writes the whole result.
    pub fn run<T: Real>(&self, left: &[T], right: &[T], out: &mut [T]) {
        let bases = [self.left.offset, self.right.offset, self.out.offset];
        let whole = [left.as_ptr(), right.as_ptr()];
        let places: usize = self.outer.iter().map(|l| l.length).product();
        let inner = Inner { product: self, operands: whole, out: out.as_mut_ptr() };
        // The bounds of every view were fixed when the plan was lowered; this is the proof for the pointers below.
        assert!(reach(&self.left) <= left.len() && reach(&self.right) <= right.len() && reach(&self.out) <= out.len());
        if places > 1 && self.work() * places >= SHARED {
            use rayon::prelude::*;
            let chunk = places.div_ceil(rayon::current_num_threads() * 4).max(1);
            let starts: Vec<usize> = (0..places).step_by(chunk).collect();
            starts.into_par_iter().for_each(|start| {
                // The whole value is shared, not the raw pointers in its fields.
                let inner: Inner<T> = { inner };
                (start..places.min(start + chunk)).for_each(|place| inner.at(self.place(place, bases), false));
            });
        } else {
            (0..places).for_each(|place| inner.at(self.place(place, bases), true));
        }
    }

    /// Offsets of the place with this number in the outer loops.
    fn place(&self, mut place: usize, bases: [usize; 3]) -> [usize; 3] {
        let mut at = bases;
        for l in self.outer.iter().rev() {
            let index = place % l.length;
            place /= l.length;
            at.iter_mut().zip(l.steps).for_each(|(offset, step)| *offset += index * step);
        }
        at
    }
}

/// One past the last element that a view reads.
fn reach(view: &View) -> usize {
    if view.count() == 0 {
        return 0;
    }
    view.offset + 1 + view.axes.iter().map(|axis| (axis.length - 1) * axis.step).sum::<usize>()
}

/// Sorted from the outermost on by the steps of one side; neighbours that every side walks in one stride become one.
fn joined(mut loops: Vec<Loop>, by: usize) -> Vec<Loop> {
    loops.sort_by_key(|l| std::cmp::Reverse((l.steps[by], l.steps)));
    let mut list: Vec<Loop> = vec![];
    for inner in loops {
        match list.last_mut() {
            Some(outer) if outer.steps.iter().zip(inner.steps).all(|(o, i)| *o == i * inner.length) => {
                *outer = Loop { length: outer.length * inner.length, steps: inner.steps };
            }
            _ => list.push(inner),
        }
    }
    list
}

/// The longest loop, which goes into the matrix product, and the others.
fn largest(mut loops: Vec<Loop>) -> (Loop, Vec<Loop>) {
    match (0..loops.len()).max_by_key(|i| loops[*i].length) {
        Some(place) => (loops.remove(place), loops),
        None => (ONCE, loops),
    }
}

struct Inner<'a, T> {
    product: &'a Product,
    operands: [*const T; 2],
    out: *mut T,
}

impl<T> Clone for Inner<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Inner<'_, T> {}
// Safety: `run` gives each place of the result to one thread only, and the operands are only read.
unsafe impl<T: Send + Sync> Send for Inner<'_, T> {}
unsafe impl<T: Send + Sync> Sync for Inner<'_, T> {}

impl<T: Real> Inner<'_, T> {
    /// The products of one place, over the summed axes that are left.
    fn at(self, at: [usize; 3], alone: bool) {
        if self.product.again.is_empty() {
            return self.once(at, false, alone);
        }
        let lengths: Vec<usize> = self.product.again.iter().map(|l| l.length).collect();
        let steps = [0, 1].map(|side| self.product.again.iter().map(|l| l.steps[side]).collect::<Vec<usize>>());
        let mut more = false;
        walk(&lengths, [&steps[0], &steps[1]], [at[0], at[1]], &mut |[left, right]| {
            self.once([left, right, at[2]], more, alone);
            more = true;
        });
    }

    fn once(self, at: [usize; 3], more: bool, alone: bool) {
        let Product { rows, columns, summed, .. } = *self.product;
        // Safety: `run` checked that every view lies inside its slice.
        let (left, right) = unsafe { (self.operands[0].add(at[0]), self.operands[1].add(at[1])) };
        let out = unsafe { self.out.add(at[2]) };
        let [m, n, k] = [rows.length, columns.length, summed.length];
        let by_row = |l: Loop, side: usize| (l.length, l.steps[side], l.steps[2]);
        unsafe {
            if n == 1 && vector::times_matrix(left, by_row(rows, 0), right, (k, summed.steps), out, more, alone) {
                return;
            }
            let turned = (k, [summed.steps[1], summed.steps[0], 0]);
            if m == 1 && vector::times_matrix(right, by_row(columns, 1), left, turned, out, more, alone) {
                return;
            }
            if m * n * k <= SMALL {
                return self.small(left, right, out, more);
            }
            let threads = if alone { gemm::Parallelism::Rayon(0) } else { gemm::Parallelism::None };
            let (rs, cs, ks) = (rows.steps, columns.steps, summed.steps);
            gemm::gemm(
                m,
                n,
                k,
                out,
                cs[2] as isize,
                rs[2] as isize,
                more,
                left,
                ks[0] as isize,
                rs[0] as isize,
                right,
                cs[1] as isize,
                ks[1] as isize,
                T::ONE,
                T::ONE,
                false,
                false,
                false,
                threads,
            );
        }
    }

    /// Safety: as `once`.
    unsafe fn small(self, left: *const T, right: *const T, out: *mut T, more: bool) {
        let Product { rows, columns, summed, .. } = *self.product;
        for i in 0..rows.length {
            for j in 0..columns.length {
                let mut sum = T::ZERO;
                for k in 0..summed.length {
                    let l = unsafe { *left.add(i * rows.steps[0] + k * summed.steps[0]) };
                    let r = unsafe { *right.add(j * columns.steps[1] + k * summed.steps[1]) };
                    sum = sum + l * r;
                }
                let place = unsafe { &mut *out.add(i * rows.steps[2] + j * columns.steps[2]) };
                *place = if more { *place + sum } else { sum };
            }
        }
    }
}
