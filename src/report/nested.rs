//! Arrays as nested lists in row-major order, and maps in the order of the model.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

/// An array that is written as nested lists; a number where the shape is empty. What is not finite is null.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Nested {
    pub shape: Vec<usize>,
    pub values: Vec<f64>,
}

impl Nested {
    pub fn new(shape: &[usize], values: Vec<f64>) -> Nested {
        Nested { shape: shape.to_vec(), values }
    }
}

impl Serialize for Nested {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Part { shape: &self.shape, values: &self.values }.serialize(serializer)
    }
}

struct Part<'a> {
    shape: &'a [usize],
    values: &'a [f64],
}

impl Serialize for Part<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some((first, rest)) = self.shape.split_first() else {
            return self.values.first().copied().serialize(serializer);
        };
        let width: usize = rest.iter().product();
        let mut list = serializer.serialize_seq(Some(*first))?;
        for i in 0..*first {
            let values = self.values.get(i * width..(i + 1) * width).unwrap_or(&[]);
            list.serialize_element(&Part { shape: rest, values })?;
        }
        list.end()
    }
}

/// A map that keeps the order in which it was filled.
#[derive(Debug, Clone, PartialEq)]
pub struct Ordered<T>(pub Vec<(String, T)>);

impl<T> Default for Ordered<T> {
    fn default() -> Ordered<T> {
        Ordered(vec![])
    }
}

impl<T> Ordered<T> {
    pub fn get(&self, name: &str) -> Option<&T> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }
}

impl<T: Serialize> Serialize for Ordered<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_nest_row_by_row() {
        let array = Nested::new(&[2, 2], vec![1.0, 2.5, f64::NAN, 4.0]);
        assert_eq!(serde_json::to_string(&array).unwrap(), "[[1.0,2.5],[null,4.0]]");
        assert_eq!(serde_json::to_string(&Nested::new(&[], vec![3.0])).unwrap(), "3.0");
        assert_eq!(serde_json::to_string(&Nested::new(&[2, 0], vec![])).unwrap(), "[[],[]]");
    }
}
