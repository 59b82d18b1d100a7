//! Tables from files, and the data of a model bound to them: every value proven to lie in its declared support.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::shape::DimId;

pub mod problems;
pub mod read;
pub mod named;
pub mod digits;
pub mod columns;
pub mod lookup;
pub mod cells;
pub mod statistics;
pub mod kept;
pub mod redraw;
pub mod sizes;
pub mod support;
pub mod limits;
pub mod bind;

pub use bind::bind;
pub use kept::Kept;

/// Columns of one source. `name` is the file or named set, for messages; `alias` is `users` in `--data users=...`.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    pub name: String,
    pub alias: Option<String>,
    pub columns: Vec<Column>,
    /// Where its rows stand in a text file, for messages.
    pub lines: Option<Lines>,
}

/// The lines of rows, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lines {
    /// One line a row, from this one on (2 after a header).
    From(usize),
    /// Rows between blank lines, or with cells of several lines.
    Each(Vec<usize>),
}

impl Lines {
    pub fn of(&self, row: usize) -> usize {
        match self {
            Lines::From(first) => first + row,
            Lines::Each(list) => list[row],
        }
    }

    /// Those of the rows from `rows` on.
    pub fn skip(&self, rows: usize) -> Lines {
        match self {
            Lines::From(first) => Lines::From(first + rows),
            Lines::Each(list) => Lines::Each(list[rows..].to_vec()),
        }
    }
}

/// A column: `shape[0]` rows of entries of shape `shape[1..]`; a scalar (JSON number) has shape `[]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Columns of a file without a header have positions only.
    pub name: Option<String>,
    pub shape: Vec<usize>,
    pub values: Values,
}

/// Missing numbers are NaN.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    Bytes(Vec<u8>),
    Reals(Vec<f64>),
    /// Text cells, for `levels` and comparisons; an empty cell is missing.
    Text(Vec<String>),
}

/// A model's data, bound: sizes known, values checked.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bound {
    /// One a `Model::data` item, in its order.
    pub arrays: Vec<BoundArray>,
    /// Every dim of the model.
    pub dims: BTreeMap<DimId, usize>,
    /// Rows of the data, for the summary.
    pub rows: usize,
    /// What later verbs reuse of it.
    pub kept: Kept,
    /// What is drawn anew each epoch; `arrays` hold one draw of it.
    pub redraws: redraw::Redraws,
}

#[derive(Debug, Clone, PartialEq)]
pub struct BoundArray {
    /// Rows, then the axes of one value.
    pub shape: Vec<usize>,
    pub values: Array,
}

/// An array known when a plan is made: data, or a folded value.
#[derive(Debug, Clone, PartialEq)]
pub enum Array {
    /// Whole numbers 0..=255, kept as bytes.
    Bytes(Arc<[u8]>),
    Reals(Arc<[f64]>),
}

impl Array {
    pub fn len(&self) -> usize {
        match self {
            Array::Bytes(b) => b.len(),
            Array::Reals(r) => r.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn get(&self, index: usize) -> f64 {
        match self {
            Array::Bytes(b) => f64::from(b[index]),
            Array::Reals(r) => r[index],
        }
    }

    /// Copies the entries from `start` on, widened.
    pub fn copy_to(&self, start: usize, out: &mut [f64]) {
        match self {
            Array::Bytes(bytes) => out.iter_mut().zip(&bytes[start..]).for_each(|(o, b)| *o = f64::from(*b)),
            Array::Reals(reals) => out.copy_from_slice(&reals[start..start + out.len()]),
        }
    }

    /// Bytes where every value is a whole number 0..=255, which is what images, counts and labels are.
    pub fn from_reals(values: Vec<f64>) -> Array {
        match values.iter().map(|v| (v.fract() == 0.0 && (0.0..=255.0).contains(v)).then_some(*v as u8)).collect() {
            Some(bytes) => Array::Bytes(Vec::into(bytes)),
            None => Array::Reals(values.into()),
        }
    }
}

#[cfg(test)]
mod tests;
