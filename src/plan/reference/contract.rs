//! Contractions: both operands are laid out as (shared, own, summed), multiplied, and put in the order of the result.

use super::super::Contraction;
use super::arrays::permute;

type View<'a> = (&'a [f64], &'a [usize]);

pub fn contract(left: View, right: View, axes: &Contraction, out: &mut Vec<f64>) {
    let shared: Vec<u8> =
        axes.left.iter().copied().filter(|n| axes.right.contains(n) && axes.out.contains(n)).collect();
    let own =
        |names: &[u8], other: &[u8]| -> Vec<u8> { names.iter().copied().filter(|n| !other.contains(n)).collect() };
    let (rows, columns) = (own(&axes.left, &axes.right), own(&axes.right, &axes.left));
    let summed: Vec<u8> =
        axes.left.iter().copied().filter(|n| axes.right.contains(n) && !axes.out.contains(n)).collect();
    let extent = |name: &u8| match axes.left.iter().position(|n| n == name) {
        Some(at) => left.1[at],
        None => axes.right.iter().position(|n| n == name).map_or(1, |at| right.1[at]),
    };
    let size = |names: &[u8]| names.iter().map(extent).product::<usize>();
    let (b, m, n, k) = (size(&shared), size(&rows), size(&columns), size(&summed));
    let a = arranged(left, &axes.left, &[shared.as_slice(), &rows, &summed].concat());
    // Few columns: dot products along rows of both; many: rows of the right, scaled and added.
    let order = if n < 8 { [shared.as_slice(), &columns, &summed] } else { [shared.as_slice(), &summed, &columns] };
    let c = arranged(right, &axes.right, &order.concat());
    let mut product = vec![0.0; b * m * n];
    for i in 0..b {
        let (a, c) = (&a[i * m * k..(i + 1) * m * k], &c[i * n * k..(i + 1) * n * k]);
        let out = &mut product[i * m * n..(i + 1) * m * n];
        if n < 8 { dots(a, c, [m, n, k], out) } else { axpys(a, c, [m, n, k], out) }
    }
    let have = [shared, rows, columns].concat();
    let shape: Vec<usize> = have.iter().map(extent).collect();
    out.extend(arranged((&product, &shape), &have, &axes.out));
}

/// The array with its axes in another order of names.
fn arranged((x, shape): View, names: &[u8], order: &[u8]) -> Vec<f64> {
    let mut out = Vec::with_capacity(x.len());
    if names == order {
        out.extend_from_slice(x);
        return out;
    }
    let axes: Vec<usize> = order.iter().filter_map(|name| names.iter().position(|n| n == name)).collect();
    permute((x, shape), &axes, &mut out);
    out
}

fn dots(a: &[f64], c: &[f64], [m, n, k]: [usize; 3], out: &mut [f64]) {
    for i in 0..m {
        for j in 0..n {
            out[i * n + j] = dot(&a[i * k..(i + 1) * k], &c[j * k..(j + 1) * k]);
        }
    }
}

/// Four partial sums, in a fixed order.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    let (a4, b4) = (a.chunks_exact(4), b.chunks_exact(4));
    let rest: f64 = a4.remainder().iter().zip(b4.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a4.zip(b4) {
        (0..4).for_each(|t| sums[t] += x[t] * y[t]);
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}

fn axpys(a: &[f64], c: &[f64], [m, n, k]: [usize; 3], out: &mut [f64]) {
    for i in 0..m {
        let row = &mut out[i * n..(i + 1) * n];
        for t in 0..k {
            let factor = a[i * k + t];
            row.iter_mut().zip(&c[t * n..(t + 1) * n]).for_each(|(sum, x)| *sum += factor * x);
        }
    }
}
