//! Numerical kernels on slices: noise, special functions, elementwise loops.

pub mod elementwise;
pub mod function;
pub mod gamma;
pub mod nest;
pub mod noise;
pub mod op;
pub mod real;
pub mod special;
pub mod student;
pub mod von_mises;
