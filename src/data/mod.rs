//! Tables from files, and the data of a model bound to them.
