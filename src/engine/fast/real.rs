//! The two precisions that slots come in, and their way into burn's tensors.

use burn::backend::flex::FlexTensor;
use burn::tensor::TensorData;

use crate::kernel::real;

/// `f32` or `f64`.
pub(super) trait Real: real::Real {
    /// A tensor of one axis that holds these numbers.
    fn tensor(values: Vec<Self>) -> FlexTensor;
    /// The tensor's own numbers, if nothing else holds it.
    fn slice_mut(tensor: &mut FlexTensor) -> &mut [Self];
}

macro_rules! real {
    ($($type:ident),*) => {$(
        impl Real for $type {
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
