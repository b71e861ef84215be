//! What crosses crates: scenarios, conformance runs, real servers.

pub mod bench;
pub mod conformance;
pub mod crd;
pub mod differential;
pub mod kits;
pub mod real;
pub mod structural;
