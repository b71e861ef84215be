//! Test beds on which the conformance kits run.

pub mod sim;
mod wire;
