//! Named arrays as safetensors, in double precision.

use std::borrow::Cow;

use safetensors::{Dtype, View};

use crate::problem::Bug;

/// A named array, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    pub name: String,
    pub shape: Vec<usize>,
    pub values: Vec<f64>,
}

/// The bytes of a safetensors file.
pub fn tensors(list: &[Tensor]) -> Result<Vec<u8>, Bug> {
    let views = list.iter().map(|tensor| (tensor.name.as_str(), tensor));
    safetensors::serialize(views, None).map_err(|error| Bug(format!("safetensors: {error}")))
}

impl View for &Tensor {
    fn dtype(&self) -> Dtype {
        Dtype::F64
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        self.values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>().into()
    }

    fn data_len(&self) -> usize {
        self.values.len() * 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let list = [Tensor { name: "loc".into(), shape: vec![2], values: vec![1.5, -2.0] }];
        let bytes = tensors(&list).unwrap();
        let read = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let view = read.tensor("loc").unwrap();
        assert_eq!((view.dtype(), view.shape()), (Dtype::F64, &[2][..]));
        assert_eq!(view.data(), [1.5f64.to_le_bytes(), (-2.0f64).to_le_bytes()].concat());
    }
}
