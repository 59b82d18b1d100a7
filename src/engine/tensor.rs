//! Burn tensors whose rank is not in their type, with the operations that formulas are written in.

use std::cell::Cell;

use burn::backend::ops::{BoolTensorOps, FloatTensorOps};
use burn::backend::{Dispatch, DispatchTensor, TensorMetadata};
use burn::tensor::{DType, FloatDType, Scalar, Shape, TensorData};

use super::device::Place;
use crate::plan::Failure;

type Floats = Dispatch;

/// A tensor of numbers on a device. A number is held as one axis of length one: burn has no rank 0.
#[derive(Clone)]
pub(super) struct Tensor(pub DispatchTensor);

/// A tensor of truth values.
#[derive(Clone)]
pub(super) struct Mask(pub DispatchTensor);

thread_local! {
    static READBACKS: Cell<usize> = const { Cell::new(0) };
}

/// How often this thread has read a tensor back.
pub(super) fn readbacks() -> usize {
    READBACKS.get()
}

/// The axes burn is given for a shape of ours.
pub(super) fn dims(shape: &[usize]) -> Vec<usize> {
    if shape.is_empty() { vec![1] } else { shape.to_vec() }
}

fn shape(shape: &[usize]) -> Shape {
    Shape::from(dims(shape))
}

macro_rules! unary {
    ($($name:ident = $op:ident),* $(,)?) => {$(
        pub fn $name(self) -> Tensor {
            Tensor(Floats::$op(self.0))
        }
    )*};
}

macro_rules! binary {
    ($($name:ident = $op:ident),* $(,)?) => {$(
        pub fn $name(self, other: Tensor) -> Tensor {
            Tensor(Floats::$op(self.0, other.0))
        }
    )*};
}

macro_rules! scalar {
    ($($name:ident = $op:ident),* $(,)?) => {$(
        pub fn $name(self, by: f64) -> Tensor {
            Tensor(Floats::$op(self.0, Scalar::Float(by)))
        }
    )*};
}

macro_rules! compare {
    ($($name:ident = $op:ident),* $(,)?) => {$(
        pub fn $name(self, other: Tensor, place: &Place) -> Mask {
            Mask(Floats::$op(self.0, other.0, place.bool))
        }
    )*};
}

macro_rules! compare_scalar {
    ($($name:ident = $op:ident),* $(,)?) => {$(
        pub fn $name(self, by: f64, place: &Place) -> Mask {
            Mask(Floats::$op(self.0, Scalar::Float(by), place.bool))
        }
    )*};
}

// The operations of the device take their operands, also those that read `is`.
#[allow(clippy::wrong_self_convention)]
impl Tensor {
    unary!(
        neg = float_neg,
        exp = float_exp,
        ln = float_log,
        ln_1p = float_log1p,
        sqrt = float_sqrt,
        recip = float_recip,
        abs = float_abs,
        sign = float_sign,
        sin = float_sin,
        cos = float_cos,
        tanh = float_tanh,
        erf = float_erf,
        round = float_round,
        floor = float_floor,
    );
    binary!(
        add = float_add,
        sub = float_sub,
        mul = float_mul,
        div = float_div,
        pow = float_powf,
        matmul = float_matmul,
    );
    scalar!(plus = float_add_scalar, minus = float_sub_scalar, times = float_mul_scalar);
    compare!(equal = float_equal, less = float_lower, less_equal = float_lower_equal);
    compare_scalar!(
        is = float_equal_elem,
        is_not = float_not_equal_elem,
        below = float_lower_elem,
        above = float_greater_elem,
    );

    /// From our numbers, rounded to the device's precision.
    pub fn from_values(values: impl Iterator<Item = f64>, axes: &[usize], place: &Place) -> Tensor {
        let data = match place.float {
            FloatDType::F64 => TensorData::new(values.collect::<Vec<f64>>(), shape(axes)),
            _ => TensorData::new(values.map(|value| value as f32).collect::<Vec<f32>>(), shape(axes)),
        };
        Tensor(Floats::float_from_data(data, place.device.as_dispatch()))
    }

    /// The same number everywhere.
    pub fn full(value: f64, axes: &[usize], place: &Place) -> Tensor {
        Tensor(Floats::float_full(shape(axes), Scalar::Float(value), place.device.as_dispatch(), place.float))
    }

    /// Back to our numbers, row-major. Waits for the device.
    pub fn into_values(self) -> Result<Vec<f64>, Failure> {
        READBACKS.set(READBACKS.get() + 1);
        let data = burn::tensor::read_sync(Floats::float_into_data(self.0));
        let data = data.map_err(|error| Failure::Device(format!("a value could not be read back: {error}")))?;
        match data.dtype() {
            DType::F64 => data.try_to_vec::<f64>().map_err(unreadable),
            _ => data.try_to_vec::<f32>().map_err(unreadable).map(|v| v.into_iter().map(f64::from).collect()),
        }
    }

    pub fn shape(&self) -> Vec<usize> {
        self.0.shape().to_vec()
    }

    pub fn reshape(self, axes: &[usize]) -> Tensor {
        Tensor(Floats::float_reshape(self.0, shape(axes)))
    }

    pub fn expand(self, axes: &[usize]) -> Tensor {
        Tensor(Floats::float_expand(self.0, shape(axes)))
    }

    pub fn permute(self, axes: &[usize]) -> Tensor {
        if axes.is_empty() { self } else { Tensor(Floats::float_permute(self.0, axes)) }
    }

    pub fn flip(self, axis: usize) -> Tensor {
        Tensor(Floats::float_flip(self.0, &[axis]))
    }

    /// Of equal axes: `other` where the mask holds.
    pub fn or(self, mask: Mask, other: Tensor) -> Tensor {
        Tensor(Floats::float_mask_where(self.0, mask.0, other.0))
    }

    /// `value` where the mask holds.
    pub fn fill(self, mask: Mask, value: f64) -> Tensor {
        Tensor(Floats::float_mask_fill(self.0, mask.0, Scalar::Float(value)))
    }
}

impl Mask {
    /// 1 where it holds, else 0.
    pub fn number(self, place: &Place) -> Tensor {
        Tensor(Floats::bool_into_float(self.0, place.float))
    }
}

fn unreadable(error: impl std::fmt::Debug) -> Failure {
    Failure::Device(format!("a value came back in another form: {error:?}"))
}
