//! Reductions and running sums by burn. A kernel of a device may go along an axis in one loop, which is slow where the axis is long, and
//! wrong where a driver ends the loop (Mesa's lavapipe does after 65,535 rounds): a long axis is cut into shorter ones.

use burn::backend::Dispatch;
use burn::backend::ops::FloatTensorOps;

use super::compose::{concat, slice};
use super::device::Place;
use super::tensor::Tensor;
use crate::plan::Reduce;

/// The longest axis that is reduced at once, and the pieces of a longer one.
pub(super) const LONG: usize = 1 << 14;
const PIECE: usize = 1 << 10;

/// The axes stay, with length one.
pub(super) fn along(op: Reduce, x: Tensor, axes: &[usize], place: &Place) -> Tensor {
    match op {
        Reduce::Sum => sum(x, axes),
        Reduce::Max => one_by_one(x, axes, Dispatch::float_max_dim),
        Reduce::Prod => one_by_one(x, axes, Dispatch::float_prod_dim),
        Reduce::LogSumExp => {
            let top = one_by_one(x.clone(), axes, Dispatch::float_max_dim);
            // An infinite maximum is left out of the difference, which would not be a number.
            let endless = top.clone().abs().is(f64::INFINITY, place);
            let top = top.fill(endless, 0.0);
            let full = x.shape();
            let rest = x.sub(top.clone().expand(&full)).exp();
            sum(rest, axes).ln().add(top)
        }
    }
}

type Along = fn(burn::backend::DispatchTensor, usize) -> burn::backend::DispatchTensor;

fn sum(x: Tensor, axes: &[usize]) -> Tensor {
    let shape = x.shape();
    match axes.iter().map(|axis| shape[*axis]).product::<usize>() > LONG {
        true => one_by_one(x, axes, Dispatch::float_sum_dim),
        false => Tensor(Dispatch::float_sum_dims(x.0, axes)),
    }
}

fn one_by_one(x: Tensor, axes: &[usize], by: Along) -> Tensor {
    axes.iter().fold(x, |x, axis| one(x, *axis, by))
}

fn one(x: Tensor, axis: usize, by: Along) -> Tensor {
    let shape = x.shape();
    let n = shape[axis];
    if n <= LONG {
        return Tensor(by(x.0, axis));
    }
    let (outer, inner) = (shape[..axis].iter().product(), shape[axis + 1..].iter().product());
    let whole = n / PIECE * PIECE;
    let x = x.reshape(&[outer, n, inner]);
    let pieces = slice(x.clone(), 1, 0, whole).reshape(&[outer, whole / PIECE, PIECE, inner]);
    let mut parts = vec![Tensor(by(pieces.0, 2)).reshape(&[outer, whole / PIECE, inner])];
    if whole < n {
        parts.push(Tensor(by(slice(x, 1, whole, n).0, 1)));
    }
    let kept: Vec<usize> = shape.iter().enumerate().map(|(at, n)| if at == axis { 1 } else { *n }).collect();
    one(concat(parts, 1), 1, by).reshape(&kept)
}

/// Running sums along an axis. A device may add up all that is before each entry anew, so a long axis is cut into pieces
/// here too: running sums in each, and those of the pieces' totals before them.
pub(super) fn running(x: Tensor, axis: usize, reverse: bool) -> Tensor {
    let shape = x.shape();
    let (outer, n, inner) = (shape[..axis].iter().product(), shape[axis], shape[axis + 1..].iter().product());
    let turn = |x: Tensor| if reverse { x.flip(1) } else { x };
    turn(forwards(turn(x.reshape(&[outer, n, inner])))).reshape(&shape)
}

/// Along the middle one of three axes.
fn forwards(x: Tensor) -> Tensor {
    let shape = x.shape();
    let (outer, n, inner) = (shape[0], shape[1], shape[2]);
    if n <= PIECE {
        return Tensor(Dispatch::float_cumsum(x.0, 1));
    }
    let pieces = n / PIECE;
    let whole = pieces * PIECE;
    let cut = slice(x.clone(), 1, 0, whole).reshape(&[outer, pieces, PIECE, inner]);
    let inside = Tensor(Dispatch::float_cumsum(cut.0, 2));
    let totals = slice(inside.clone(), 2, PIECE - 1, PIECE).reshape(&[outer, pieces, inner]);
    let sums = forwards(totals.clone());
    let before = sums.clone().sub(totals).reshape(&[outer, pieces, 1, inner]).expand(&[outer, pieces, PIECE, inner]);
    let mut parts = vec![inside.add(before).reshape(&[outer, whole, inner])];
    if whole < n {
        let all = slice(sums, 1, pieces - 1, pieces).expand(&[outer, n - whole, inner]);
        parts.push(Tensor(Dispatch::float_cumsum(slice(x, 1, whole, n).0, 1)).add(all));
    }
    concat(parts, 1)
}
