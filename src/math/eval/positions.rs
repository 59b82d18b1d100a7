//! Where plate axes stand: a short list, looked through from its start, which costs less than a tree.

use std::ops::Index;

use crate::shape::AxisId;

/// Where each plate axis stands, counted from 0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Positions(Vec<(AxisId, usize)>);

impl Positions {
    pub fn new() -> Positions {
        Positions::default()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn get(&self, axis: &AxisId) -> Option<&usize> {
        let mut i = 0;
        while i < self.0.len() {
            if self.0.as_slice()[i].0 == *axis {
                return Some(&self.0.as_slice()[i].1);
            }
            i += 1;
        }
        None
    }

    pub fn insert(&mut self, axis: AxisId, at: usize) {
        match self.0.iter_mut().find(|place| place.0 == axis) {
            Some(place) => place.1 = at,
            None => self.0.push((axis, at)),
        }
    }

    pub fn remove(&mut self, axis: &AxisId) {
        self.0.retain(|place| place.0 != *axis);
    }
}

impl Index<&AxisId> for Positions {
    type Output = usize;

    fn index(&self, axis: &AxisId) -> &usize {
        match self.get(axis) {
            Some(at) => at,
            None => panic!("no position of axis {axis:?}"),
        }
    }
}

impl Extend<(AxisId, usize)> for Positions {
    fn extend<T: IntoIterator<Item = (AxisId, usize)>>(&mut self, places: T) {
        places.into_iter().for_each(|(axis, at)| self.insert(axis, at));
    }
}

impl FromIterator<(AxisId, usize)> for Positions {
    fn from_iter<T: IntoIterator<Item = (AxisId, usize)>>(places: T) -> Positions {
        let mut all = Positions::new();
        all.extend(places);
        all
    }
}
