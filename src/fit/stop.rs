//! What ends an ascent along noisy gradients, and what slows it down on its way there.

use super::levels::Levels;
use super::patience::Patience;
use super::state::Buffer;

/// What ends an ascent before its last step.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Stop {
    Never,
    Levels(Levels),
    Patience(Patience),
}

impl Stop {
    pub fn rate(&self) -> f64 {
        match self {
            Stop::Never => 1.0,
            Stop::Levels(levels) => levels.rate(),
            Stop::Patience(patience) => patience.rate(),
        }
    }

    pub fn has_arrived(&self) -> bool {
        match self {
            Stop::Never => false,
            Stop::Levels(levels) => levels.ended,
            Stop::Patience(patience) => patience.ended,
        }
    }

    pub fn buffers(&self) -> Vec<Buffer> {
        match self {
            Stop::Never => vec![],
            Stop::Levels(levels) => levels.buffers(),
            Stop::Patience(patience) => patience.buffers(),
        }
    }

    pub fn restore(&mut self, buffers: &[Buffer]) -> bool {
        match self {
            Stop::Never => true,
            Stop::Levels(levels) => levels.restore(buffers),
            Stop::Patience(patience) => patience.restore(buffers),
        }
    }
}
