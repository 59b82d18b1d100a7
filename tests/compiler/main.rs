//! The compiler's own tests: none of them needs burn.

mod diagnostics;
