//! Test beds for the conformance kits.

mod cluster_data;
mod objects;

pub use cluster_data::{Backend, ObjectStoreBed};
pub use objects::FaultyObjects;
