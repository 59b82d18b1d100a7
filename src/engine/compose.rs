//! Every operation of a plan as burn operations: the table that all devices share.
//!
//! The matches name every operation, so a new one does not compile before it has its row here.

use burn::backend::Dispatch;
use burn::backend::ops::FloatTensorOps;
use burn::tensor::{IndexingUpdateOp, Slice};

use super::contract::{self, Roles};
use super::device::Place;
use super::host;
use super::reduce;
use super::special;
use super::tensor::{Mask, Tensor, dims};
use crate::plan::{Array, Binary, Contraction, Failure, Node, Op, Unary};
use crate::problem::Bug;

/// The value of a node from the values of its operands, in the order of `Op::operands`.
pub(super) fn apply(node: &Node, mut args: Vec<Tensor>, place: &Place) -> Result<Tensor, Failure> {
    let mut next = || if args.is_empty() { Err(missing(node)) } else { Ok(args.remove(0)) };
    Ok(match &node.op {
        Op::Literal(value) => Tensor::full(*value, &node.shape, place),
        Op::Constant(array) => constant(array, &node.shape, place),
        Op::Iota => Tensor::from_values((0..node.shape[0]).map(|i| i as f64), &node.shape, place),
        Op::Input(_) => return Err(Failure::Bug(Bug("an input has no operation".to_string()))),
        Op::Unary(op, _) if host::has(*op) => return on_host(node, args, place),
        Op::Unary(op, _) => unary(*op, next()?, place),
        Op::Binary(
            Binary::GammaLogQuantile
            | Binary::GammaLogQuantileGrad
            | Binary::VonMisesQuantile
            | Binary::VonMisesQuantileGrad
            | Binary::LogBeta
            | Binary::LogGammaLower
            | Binary::LogGammaLowerGrad
            | Binary::LogGammaUpper
            | Binary::LogGammaUpperGrad
            | Binary::LogStudentCdf
            | Binary::LogStudentCdfGrad,
            ..,
        )
        | Op::Cholesky(_)
        | Op::SolveTriangular { .. } => return on_host(node, args, place),
        Op::Binary(op, ..) => binary(*op, next()?, next()?, place),
        Op::Select(..) => {
            let (condition, then, other) = (next()?, next()?, next()?);
            let holds = fit(condition, node).is_not(0.0, place);
            fit(other, node).or(holds, fit(then, node))
        }
        Op::Reshape(_) => next()?.reshape(&node.shape),
        Op::Permute(_, axes) => next()?.permute(axes),
        Op::Expand(_) => next()?.expand(&node.shape),
        Op::Slice { axis, start, end, .. } => slice(next()?, *axis, *start, *end),
        Op::Pad { axis, before, after, .. } => pad(next()?, *axis, *before, *after, place),
        Op::Concat(_, axis) => concat(args, *axis),
        Op::Reduce(op, _, axes) => reduce::along(*op, next()?, axes, place).reshape(&node.shape),
        Op::Cumsum { axis, reverse, .. } => reduce::running(next()?, *axis, *reverse),
        Op::Contract { axes, .. } => contraction(next()?, next()?, axes, &node.shape),
        Op::Gather { .. } => gather(next()?, next()?, &node.shape, place),
        Op::ScatterAdd { rows, .. } => scatter(next()?, next()?, *rows, &node.shape, place),
    })
}

fn missing(node: &Node) -> Failure {
    Failure::Bug(Bug(format!("an operand of {:?} has no value", node.op)))
}

/// Axes of one repeated to the node's shape.
fn fit(value: Tensor, node: &Node) -> Tensor {
    if value.shape() == dims(&node.shape) { value } else { value.expand(&node.shape) }
}

fn constant(array: &Array, shape: &[usize], place: &Place) -> Tensor {
    match array {
        Array::Bytes(bytes) => Tensor::from_values(bytes.iter().map(|b| f64::from(*b)), shape, place),
        Array::Reals(reals) => Tensor::from_values(reals.iter().copied(), shape, place),
    }
}

fn unary(op: Unary, x: Tensor, place: &Place) -> Tensor {
    match op {
        Unary::Neg => x.neg(),
        Unary::Exp => x.exp(),
        Unary::Log => x.ln(),
        Unary::Log1p => special::ln_1p(x, place),
        Unary::Expm1 => special::expm1(x, place),
        Unary::Sqrt => x.sqrt(),
        Unary::Recip => x.recip(),
        Unary::Square => x.clone().mul(x),
        Unary::Abs => x.abs(),
        Unary::Sign => x.sign(),
        Unary::Sin => x.sin(),
        Unary::Cos => x.cos(),
        Unary::Tanh => x.tanh(),
        Unary::Sigmoid => special::sigmoid(x),
        Unary::LogSigmoid => special::softplus(x.neg(), place).neg(),
        Unary::Softplus => special::softplus(x, place),
        Unary::Relu => special::relu(x, place),
        Unary::Step => x.above(0.0, place).number(place),
        Unary::Erf => x.erf(),
        Unary::Lgamma => special::lgamma(x, place),
        Unary::Digamma => special::digamma(x, place),
        Unary::Trigamma => special::trigamma(x, place),
        // These are kernels of ours; `apply` sends them there.
        Unary::LogNormalCdf
        | Unary::NormalLogQuantile
        | Unary::LogBesselI0e
        | Unary::BesselRatio
        | Unary::LogCauchyCdf => x.times(f64::NAN),
        Unary::Round => x.round(),
        Unary::Floor => x.floor(),
        Unary::StopGradient => x,
    }
}

fn binary(op: Binary, a: Tensor, b: Tensor, place: &Place) -> Tensor {
    match op {
        Binary::Add => a.add(b),
        Binary::Sub => a.sub(b),
        Binary::Mul => a.mul(b),
        Binary::Div => a.div(b),
        Binary::Pow => a.pow(b),
        Binary::Min => extreme(a, b, place, |a, b| b.less(a, place)),
        Binary::Max => extreme(a, b, place, |a, b| a.less(b, place)),
        Binary::Equal => a.equal(b, place).number(place),
        Binary::Less => a.less(b, place).number(place),
        Binary::LessEqual => a.less_equal(b, place).number(place),
        // These are kernels of ours; `apply` sends them there.
        Binary::GammaLogQuantile
        | Binary::GammaLogQuantileGrad
        | Binary::VonMisesQuantile
        | Binary::VonMisesQuantileGrad
        | Binary::LogBeta
        | Binary::LogGammaLower
        | Binary::LogGammaLowerGrad
        | Binary::LogGammaUpper
        | Binary::LogGammaUpperGrad
        | Binary::LogStudentCdf
        | Binary::LogStudentCdfGrad => a.mul(b).times(f64::NAN),
    }
}

/// `a`, or `b` where `better` says so or `b` is not a number.
fn extreme(a: Tensor, b: Tensor, place: &Place, better: impl Fn(Tensor, Tensor) -> Mask) -> Tensor {
    let shape: Vec<usize> = a.shape().iter().zip(b.shape()).map(|(a, b)| if *a == 1 { b } else { *a }).collect();
    let (a, b) = (a.expand(&shape), b.expand(&shape));
    // Equality, since what is not a number may also not be unequal: a shader compares what can be ordered.
    let number = b.clone().equal(b.clone(), place);
    let found = a.clone().or(better(a, b.clone()), b.clone());
    b.or(number, found)
}

pub(super) fn slice(x: Tensor, axis: usize, start: usize, end: usize) -> Tensor {
    let whole = |n: usize| Slice::new(0, Some(n as isize), 1);
    let mut parts: Vec<Slice> = x.shape().into_iter().map(whole).collect();
    parts[axis] = Slice::new(start as isize, Some(end as isize), 1);
    Tensor(Dispatch::float_slice(x.0, &parts))
}

fn pad(x: Tensor, axis: usize, before: usize, after: usize, place: &Place) -> Tensor {
    let zeros = |n: usize| {
        let mut shape = x.shape();
        shape[axis] = n;
        (n > 0).then(|| Tensor::full(0.0, &shape, place))
    };
    let (head, tail) = (zeros(before), zeros(after));
    concat(head.into_iter().chain([x]).chain(tail).collect(), axis)
}

pub(super) fn concat(parts: Vec<Tensor>, axis: usize) -> Tensor {
    Tensor(Dispatch::float_cat(parts.into_iter().map(|t| t.0).collect(), axis))
}

/// One matrix product with a batch axis, or an elementwise product where nothing is summed.
fn contraction(left: Tensor, right: Tensor, axes: &Contraction, shape: &[usize]) -> Tensor {
    let roles = Roles::of(axes);
    let (l, r) = (left.shape(), right.shape());
    let sizes = |names: &[u8]| names.iter().map(|n| contract::length(*n, axes, &l, &r)).collect::<Vec<usize>>();
    let count = |names: &[u8]| sizes(names).iter().product::<usize>();
    let (batch, rows, columns) = (count(&roles.batch), count(&roles.rows), count(&roles.columns));
    let summed = count(&roles.summed);
    let side = |x: Tensor, names: &[u8], order: [&[u8]; 3], shape: [usize; 3]| {
        x.permute(&contract::places(names, order.concat().into_iter())).reshape(&shape)
    };
    let left = side(left, &axes.left, [&roles.batch, &roles.rows, &roles.summed], [batch, rows, summed]);
    let right = side(right, &axes.right, [&roles.batch, &roles.summed, &roles.columns], [batch, summed, columns]);
    let product = if roles.summed.is_empty() { left.mul(right) } else { left.matmul(right) };
    let found = [&roles.batch[..], &roles.rows, &roles.columns].concat();
    let product = product.reshape(&sizes(&found));
    product.permute(&contract::places(&found, axes.out.iter().copied())).reshape(shape)
}

fn gather(table: Tensor, index: Tensor, shape: &[usize], place: &Place) -> Tensor {
    let flat = index.shape().iter().product();
    let index = Dispatch::float_into_int(index.reshape(&[flat]).0, place.int);
    Tensor(Dispatch::float_select(table.0, 0, index)).reshape(shape)
}

/// Piece by piece: a device may go through all rows in one loop, as for `reduce`.
fn scatter(values: Tensor, index: Tensor, rows: usize, shape: &[usize], place: &Place) -> Tensor {
    let flat: usize = index.shape().iter().product();
    let index = index.reshape(&[flat]);
    let values = values.reshape(&[&[flat], &shape[1..]].concat());
    let zeros = Tensor::full(0.0, &[&[rows], &shape[1..]].concat(), place);
    let pieces = (0..flat).step_by(reduce::LONG).map(|from| (from, flat.min(from + reduce::LONG)));
    let add = |sums: Tensor, (from, to): (usize, usize)| {
        let at = Dispatch::float_into_int(slice(index.clone(), 0, from, to).0, place.int);
        let more = slice(values.clone(), 0, from, to);
        Tensor(Dispatch::float_select_assign(sums.0, 0, at, more.0, IndexingUpdateOp::Add))
    };
    pieces.fold(zeros, add).reshape(shape)
}

/// Through the processor, in f64, where burn has neither the operation nor the parts to build it from.
fn on_host(node: &Node, args: Vec<Tensor>, place: &Place) -> Result<Tensor, Failure> {
    let shapes: Vec<Vec<usize>> = args.iter().map(Tensor::shape).collect();
    let values = args.into_iter().map(Tensor::into_values).collect::<Result<Vec<_>, _>>()?;
    let operands: Vec<(&[f64], &[usize])> = values.iter().zip(&shapes).map(|(v, s)| (&v[..], &s[..])).collect();
    let found = host::apply(node, &operands)?;
    Ok(Tensor::from_values(found.into_iter(), &node.shape, place))
}
