//! Arguments to `cli::run` to exit code.

fn main() {}
