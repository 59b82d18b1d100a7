//! Sums of products along a vector, compiled once for each vector unit and chosen when running.

use super::real::Real;

/// Compiles a function for the widest vectors this machine may have, and picks at run time.
macro_rules! fastest {
    ($($(#[$doc:meta])* fn $name:ident<T: Real>($($arg:ident: $type:ty),* $(,)?) $(-> $result:ty)? $body:block)*) => {$(
        $(#[$doc])*
        #[inline]
        pub(super) fn $name<T: Real>($($arg: $type),*) $(-> $result)? {
            #[inline(always)]
            fn plain<T: Real>($($arg: $type),*) $(-> $result)? $body
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
                fn v4<T: Real>($($arg: $type),*) $(-> $result)? {
                    plain($($arg),*)
                }
                #[target_feature(enable = "avx2,fma")]
                fn v3<T: Real>($($arg: $type),*) $(-> $result)? {
                    plain($($arg),*)
                }
                if std::arch::is_x86_feature_detected!("avx512dq") && std::arch::is_x86_feature_detected!("avx512vl") {
                    // Safety: a machine with these has the others.
                    return unsafe { v4($($arg),*) };
                }
                if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
                    // Safety: just checked.
                    return unsafe { v3($($arg),*) };
                }
            }
            plain($($arg),*)
        }
    )*};
}

const LANES: usize = 16;
/// Terms after which a sum in the slots' precision is moved into one in f64.
const BLOCK: usize = 1024;
/// Columns whose sums stay in the first cache.
const TILE: usize = 512;
/// From this many multiplications on, the result is shared between threads.
const SHARED: usize = 1 << 17;

fastest! {
    /// The sum of the products, in blocks whose sums are added in f64.
    fn dot<T: Real>(a: &[T], b: &[T]) -> f64 {
        let mut total = 0.0;
        for (a, b) in a.chunks(BLOCK).zip(b.chunks(BLOCK)) {
            let mut lanes = [T::ZERO; LANES];
            let (whole_a, rest_a) = a.as_chunks::<LANES>();
            let (whole_b, rest_b) = b.as_chunks::<LANES>();
            for (x, y) in whole_a.iter().zip(whole_b) {
                for i in 0..LANES {
                    lanes[i] = lanes[i] + x[i] * y[i];
                }
            }
            for (lane, (x, y)) in lanes.iter_mut().zip(rest_a.iter().zip(rest_b)) {
                *lane = *lane + *x * *y;
            }
            total += halves(lanes).wide();
        }
        total
    }

    /// The sum, in blocks whose sums are added in f64.
    fn sum<T: Real>(a: &[T]) -> f64 {
        let mut total = 0.0;
        for block in a.chunks(BLOCK) {
            let mut lanes = [T::ZERO; LANES];
            let (whole, rest) = block.as_chunks::<LANES>();
            for x in whole {
                for i in 0..LANES {
                    lanes[i] = lanes[i] + x[i];
                }
            }
            for (lane, x) in lanes.iter_mut().zip(rest) {
                *lane = *lane + *x;
            }
            total += halves(lanes).wide();
        }
        total
    }

    /// Adds four rows, each times its number.
    fn add_four<T: Real>(into: &mut [T], rows: [&[T]; 4], by: [T; 4]) {
        let n = into.len();
        let [a, b, c, d] = rows.map(|row| &row[..n]);
        for i in 0..n {
            into[i] = into[i] + ((a[i] * by[0] + b[i] * by[1]) + (c[i] * by[2] + d[i] * by[3]));
        }
    }

    /// Adds a row times a number.
    fn add_scaled<T: Real>(into: &mut [T], row: &[T], by: T) {
        for (sum, x) in into.iter_mut().zip(row) {
            *sum = *sum + *x * by;
        }
    }

    /// Adds a row.
    fn add<T: Real>(into: &mut [T], row: &[T]) {
        for (sum, x) in into.iter_mut().zip(row) {
            *sum = *sum + *x;
        }
    }

    /// The larger of each pair; what is not a number wins.
    fn larger<T: Real>(into: &mut [T], row: &[T]) {
        for (top, x) in into.iter_mut().zip(row) {
            // A top that equals neither itself nor anything else is not a number, and stays.
            let is_number = top.partial_cmp(&top).is_some();
            *top = if *top >= *x || !is_number { *top } else { *x };
        }
    }

    fn multiply<T: Real>(into: &mut [T], row: &[T]) {
        for (product, x) in into.iter_mut().zip(row) {
            *product = *product * *x;
        }
    }

    /// Adds sums in the slots' precision to sums in f64, and starts them anew.
    fn flush<T: Real>(into: &mut [f64], sums: &mut [T]) {
        for (total, sum) in into.iter_mut().zip(sums) {
            *total += sum.wide();
            *sum = T::ZERO;
        }
    }

    /// To the slots' precision.
    fn narrow<T: Real>(into: &mut [T], values: &[f64]) {
        for (slot, value) in into.iter_mut().zip(values) {
            *slot = T::of(*value);
        }
    }
}

#[inline(always)]
fn halves<T: Real>(mut lanes: [T; LANES]) -> T {
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            lanes[i] = lanes[i] + lanes[i + width];
        }
        width /= 2;
    }
    lanes[0]
}

/// A matrix with one axis of step 1, a vector and the place of their product; threads share it, each for rows of its own.
struct MatrixVector<T> {
    matrix: *const T,
    vector: *const T,
    out: *mut T,
    /// The number of rows, and their steps in the matrix and the result.
    rows: (usize, usize, usize),
    /// The number of columns, and their steps in the matrix and the vector.
    summed: (usize, usize, usize),
    /// Adds to what is there.
    more: bool,
}

// Safety: `times_matrix` gives each place of the result to one thread only.
unsafe impl<T: Send + Sync> Sync for MatrixVector<T> {}

/// Matrix times vector where one of the matrix's axes has step 1; otherwise does nothing and says so. `rows` is their
/// number and the steps of matrix and result; `summed` the number of columns and the steps of matrix and vector.
///
/// Safety: every place that these steps reach lies inside the allocations of the pointers, and `out` overlaps nothing.
pub(super) unsafe fn times_matrix<T: Real>(
    matrix: *const T,
    rows: (usize, usize, usize),
    vector: *const T,
    summed: (usize, [usize; 3]),
    out: *mut T,
    more: bool,
    alone: bool,
) -> bool {
    let (length, [step, vector_step, _]) = summed;
    let both = MatrixVector { matrix, vector, out, rows, summed: (length, step, vector_step), more };
    let (count, row_step, _) = rows;
    let shared = alone && count * length >= SHARED;
    // Safety: the caller's word on the steps, and `each` visits every place once.
    if length == 1 || (step == 1 && vector_step == 1) {
        each(count, 64, shared, |i| unsafe { both.row(i) });
    } else if row_step == 1 && count >= 8 {
        each(count.div_ceil(TILE), 1, shared, |i| unsafe { both.tile(i) });
    } else {
        return false;
    }
    true
}

impl<T: Real> MatrixVector<T> {
    /// Safety: `place` is a row, and no other thread has it.
    unsafe fn store(&self, place: usize, value: f64) {
        let place = unsafe { &mut *self.out.add(place * self.rows.2) };
        *place = if self.more { *place + T::of(value) } else { T::of(value) };
    }

    /// The product of a row whose elements are neighbours.
    ///
    /// Safety: as `store`.
    unsafe fn row(&self, i: usize) {
        let length = self.summed.0;
        let a = unsafe { std::slice::from_raw_parts(self.matrix.add(i * self.rows.1), length) };
        let b = unsafe { std::slice::from_raw_parts(self.vector, length) };
        unsafe { self.store(i, dot(a, b)) };
    }

    /// The products of neighbouring rows, whose elements of one column are neighbours.
    ///
    /// Safety: as `store`, for all rows of the tile.
    unsafe fn tile(&self, number: usize) {
        let (length, step, vector_step) = self.summed;
        let from = number * TILE;
        let width = TILE.min(self.rows.0 - from);
        let column = |k: usize| unsafe { std::slice::from_raw_parts(self.matrix.add(k * step + from), width) };
        let by = |k: usize| unsafe { *self.vector.add(k * vector_step) };
        let (mut sums, mut totals) = ([T::ZERO; TILE], [0.0; TILE]);
        let (sums, totals) = (&mut sums[..width], &mut totals[..width]);
        for block in (0..length).step_by(BLOCK / 4) {
            let end = length.min(block + BLOCK / 4);
            let whole = block + (end - block) / 4 * 4;
            for k in (block..whole).step_by(4) {
                let four = [k, k + 1, k + 2, k + 3];
                add_four(sums, four.map(column), four.map(by));
            }
            (whole..end).for_each(|k| add_scaled(sums, column(k), by(k)));
            flush(totals, sums);
        }
        totals.iter().enumerate().for_each(|(i, total)| unsafe { self.store(from + i, *total) });
    }
}

/// Every place once, by several threads where that pays.
fn each(count: usize, least: usize, shared: bool, work: impl Fn(usize) + Send + Sync) {
    use rayon::prelude::*;
    if shared && count > least {
        (0..count).into_par_iter().with_min_len(least).for_each(work);
    } else {
        (0..count).for_each(work);
    }
}
