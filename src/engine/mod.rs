//! The only module that says burn: evaluates plans on a device.
