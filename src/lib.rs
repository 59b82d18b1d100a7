//! `ppl`: a declarative probabilistic programming language for variational inference.

pub mod source;
pub mod problem;
pub mod arena;
pub mod shape;
pub mod syntax;
pub mod kernel;
pub mod math;
pub mod dist;
pub mod model;
pub mod elbo;
pub mod data;
pub mod plan;
pub mod diagnose;
pub mod fit;
#[cfg(feature = "cpu")]
pub mod engine;
pub mod run;
pub mod report;
pub mod cli;
