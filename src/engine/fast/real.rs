//! The two precisions that slots come in, and their way into and out of burn's tensors.

use std::ops::{Add, Div, Mul, Sub};

use burn::backend::flex::FlexTensor;
use burn::tensor::TensorData;

/// `f32` or `f64`.
pub trait Real:
    Copy
    + PartialOrd
    + Send
    + Sync
    + 'static
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
{
    const ZERO: Self;
    const ONE: Self;
    fn of(value: f64) -> Self;
    fn wide(self) -> f64;
    /// A tensor of one axis that holds these numbers.
    fn tensor(values: Vec<Self>) -> FlexTensor;
    /// The tensor's own numbers, if nothing else holds it.
    fn slice_mut(tensor: &mut FlexTensor) -> &mut [Self];
}

macro_rules! real {
    ($($type:ident),*) => {$(
        impl Real for $type {
            const ZERO: $type = 0.0;
            const ONE: $type = 1.0;
            fn of(value: f64) -> $type {
                value as $type
            }
            fn wide(self) -> f64 {
                f64::from(self)
            }
            fn tensor(values: Vec<$type>) -> FlexTensor {
                let count = values.len();
                FlexTensor::from_data(TensorData::new(values, [count]))
            }
            fn slice_mut(tensor: &mut FlexTensor) -> &mut [$type] {
                tensor.storage_mut::<$type>()
            }
        }
    )*};
}

real!(f32, f64);
