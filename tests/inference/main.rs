//! What needs devices: gradients, posteriors, backends, resume.

mod devices;
mod hand;
