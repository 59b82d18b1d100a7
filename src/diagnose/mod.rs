//! How good the answer is.

pub mod convergence;
pub mod psis;
pub mod summary;
