//! Test beds on which the conformance kits run.

pub mod folder;
pub mod sim;
mod wire;
