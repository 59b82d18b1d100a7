//! Values to bytes: summaries, tables, draws.
