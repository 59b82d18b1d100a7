//! Columns that are drawn anew each epoch: recipes that need no source any more.

use std::sync::Arc;

use crate::data::Array;
use crate::data::cells::{Cell, Epoch};

/// Every data item that is drawn, and how.
#[derive(Debug, Clone, Default)]
pub struct Redraws {
    recipes: Vec<(usize, Arc<Cell<'static>>)>,
}

impl Redraws {
    pub(super) fn push(&mut self, item: usize, cell: &Cell) {
        self.recipes.push((item, Arc::new(cell.detached())));
    }

    pub fn is_empty(&self) -> bool {
        self.recipes.is_empty()
    }

    /// Whether this data item is drawn.
    pub fn has(&self, item: usize) -> bool {
        self.recipes.iter().any(|(drawn, _)| *drawn == item)
    }

    /// The items as they are in an epoch: the same for the same seed and epoch.
    pub fn at(&self, seed: u64, epoch: u64) -> Vec<(usize, Array)> {
        let when = Epoch { seed, epoch };
        self.recipes.iter().map(|(item, cell)| (*item, cell.at_epoch(when).array())).collect()
    }
}

impl PartialEq for Redraws {
    fn eq(&self, other: &Redraws) -> bool {
        self.at(0, 0) == other.at(0, 0)
    }
}
