//! The catalogue of distributions.
