//! Named arrays in a safetensors file that carries its own checksum: a byte that changed is seen before anything is used.

use std::borrow::Cow;
use std::collections::HashMap;

use safetensors::{Dtype, SafeTensors, View};
use serde_json::{Map, Value};

use crate::fit::state::Buffer;
use crate::problem::Bug;
use crate::run::{FORMAT, hash};

/// What is said of the arrays, besides them: `format` and `checksum` are added to it.
pub type About = Map<String, Value>;

/// Why a file is not what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Damage {
    /// It is whole, and of another format.
    Format(u64),
    Broken(String),
}

/// The one entry of the file's own metadata: several would come in any order, and equal runs in other bytes.
const ENTRY: &str = "ppl";

/// The bytes of a file that holds these arrays.
pub fn seal(mut about: About, buffers: &[Buffer]) -> Result<Vec<u8>, Bug> {
    about.insert("format".into(), FORMAT.into());
    about.insert(
        "checksum".into(),
        checksum(&about, buffers.iter().map(|b| (b.name.as_str(), b.values.as_slice()))).into(),
    );
    let flat = |buffer: &Buffer| Flat { shape: [buffer.values.len()], values: buffer.values.clone() };
    let views: Vec<(String, Flat)> = buffers.iter().map(|buffer| (buffer.name.clone(), flat(buffer))).collect();
    let entry = HashMap::from([(ENTRY.to_string(), Value::Object(about).to_string())]);
    safetensors::serialize(views, Some(entry)).map_err(|error| Bug(format!("safetensors: {error}")))
}

/// What a file holds, if it is whole and of our format.
pub fn unseal(bytes: &[u8]) -> Result<(About, Vec<Buffer>), Damage> {
    let broken = |why: &dyn std::fmt::Display| Damage::Broken(why.to_string());
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| broken(&error))?;
    let entry = header.metadata().as_ref().and_then(|entries| entries.get(ENTRY));
    let entry = entry.ok_or_else(|| broken(&"it does not say what it is"))?;
    let Ok(Value::Object(mut about)) = serde_json::from_str(entry) else {
        return Err(broken(&"what it says of itself cannot be read"));
    };
    match about.get("format").and_then(Value::as_u64) {
        Some(FORMAT) => {}
        Some(other) => return Err(Damage::Format(other)),
        None => return Err(broken(&"it does not say its format")),
    }
    let tensors = SafeTensors::deserialize(bytes).map_err(|error| broken(&error))?;
    let mut buffers = vec![];
    for (name, view) in tensors.tensors() {
        if view.dtype() != Dtype::F64 {
            return Err(broken(&format!("`{name}` does not hold numbers of 64 bits")));
        }
        let values = view.data().as_chunks::<8>().0.iter().map(|word| f64::from_le_bytes(*word)).collect();
        buffers.push(Buffer { name, values });
    }
    // The crate tells them in no order of its own.
    buffers.sort_by(|a, b| a.name.cmp(&b.name));
    let told = about.remove("checksum");
    let found = checksum(&about, buffers.iter().map(|b| (b.name.as_str(), b.values.as_slice())));
    match told.as_ref().and_then(Value::as_str) == Some(&found) {
        true => Ok((about, buffers)),
        false => Err(broken(&"its checksum does not agree with what it holds")),
    }
}

/// Of everything but the order in which arrays are stored.
fn checksum<'a>(about: &About, arrays: impl Iterator<Item = (&'a str, &'a [f64])>) -> String {
    let mut arrays: Vec<(&str, &[f64])> = arrays.collect();
    arrays.sort_by_key(|(name, _)| *name);
    let mut bytes = Value::Object(about.clone()).to_string().into_bytes();
    for (name, values) in arrays {
        bytes.extend(format!("\n{name} {}\n", values.len()).bytes());
        bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    }
    hash(&bytes)
}

struct Flat {
    shape: [usize; 1],
    values: Vec<f64>,
}

impl View for Flat {
    fn dtype(&self) -> Dtype {
        Dtype::F64
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        self.values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>().into()
    }

    fn data_len(&self) -> usize {
        self.values.len() * 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed() -> Vec<u8> {
        let about = About::from_iter([("model".to_string(), Value::from("m"))]);
        let buffers = [("b", vec![1.0, f64::NAN, -0.0]), ("a", vec![]), ("c", vec![2.5])];
        let buffers = buffers.map(|(name, values)| Buffer { name: name.into(), values });
        seal(about, &buffers).unwrap()
    }

    #[test]
    fn what_is_sealed_is_read_again() {
        assert_eq!(sealed(), sealed(), "the same bytes each time");
        let (about, buffers) = unseal(&sealed()).unwrap();
        assert_eq!(about["model"], "m");
        let b = buffers.iter().find(|buffer| buffer.name == "b").unwrap();
        assert_eq!((b.values[0], b.values[1].is_nan(), b.values[2].to_bits()), (1.0, true, (-0.0f64).to_bits()));
    }

    #[test]
    fn every_flipped_bit_and_every_missing_end_is_seen() {
        let whole = sealed();
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(unseal(&bytes).is_err(), "bit {bit} of {}", whole.len() * 8);
        }
        for end in 0..whole.len() {
            assert!(unseal(&whole[..end]).is_err(), "{end} bytes");
        }
    }

    #[test]
    fn another_format_is_no_damage() {
        let whole = String::from_utf8_lossy(&sealed()).into_owned().into_bytes();
        assert!(whole.len() > 100);
        let mut bytes = sealed();
        let at = bytes.windows(10).position(|part| part == br#"format\":1"#).unwrap() + 9;
        bytes[at] = b'7';
        assert_eq!(unseal(&bytes), Err(Damage::Format(7)));
    }
}
