//! Numerical kernels on slices: noise, special functions, elementwise loops.

pub mod gamma;
pub mod nest;
pub mod noise;
pub mod special;
