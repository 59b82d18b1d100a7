//! How good the answer is.
