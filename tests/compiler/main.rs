//! The compiler's own tests: none of them needs burn.

mod diagnostics;
mod golden;
mod interpreter;
mod tidy;
mod truth;
mod world;
