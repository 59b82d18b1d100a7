//! The RUN folder as a value.
