//! Elbo and data to straight-line tensor code with concrete shapes.
