//! Numerical kernels on slices: noise, special functions, elementwise loops.
