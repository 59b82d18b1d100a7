//! Codes of this layer.

use super::Explained;

pub const ROWS: &[Explained] = &[];
