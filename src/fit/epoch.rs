//! Means over an interval of steps.

/// Of the bound, and of how many draws those that are weighed are worth: at least 1, and 0 where none are.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Epoch {
    pub sum: f64,
    pub weight: f64,
    pub worth: f64,
}

impl Epoch {
    pub fn add(&mut self, bound: f64, worth: f64, weight: f64) {
        self.sum += weight * bound;
        self.worth += weight * worth;
        self.weight += weight;
    }

    pub fn mean(&self) -> f64 {
        self.sum / self.weight
    }

    pub fn ess(&self) -> Option<f64> {
        Some(self.worth / self.weight).filter(|worth| *worth > 0.0)
    }
}
