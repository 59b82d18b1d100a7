//! Finding the guide that makes the bound largest; sees evaluators only, prints nothing.
