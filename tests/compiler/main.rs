//! The compiler's own tests: none of them needs burn.

mod answers;
mod ascents;
mod cli;
mod codes;
mod columns;
mod data;
mod data_mutation;
mod diagnostics;
mod energies;
mod formats;
mod free;
mod golden;
mod guides;
mod interpreter;
#[path = "../known/mod.rs"]
mod known;
mod lowering;
mod modes;
mod plans;
mod posteriors;
mod mutation;
mod represented;
mod resume;
mod rules;
mod runs;
mod sampler;
mod scan;
mod sets;
mod simulate;
mod starting;
mod support;
mod tails;
mod tidy;
mod trials;
mod truth;
mod world;
