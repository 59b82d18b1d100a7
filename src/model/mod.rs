//! Ast to Model: names, shapes, supports and plates, all proven.
