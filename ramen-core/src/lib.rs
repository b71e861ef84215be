//! Disaster recovery of stateful Kubernetes applications across clusters: what RamenDR does, with the parts that Ramen
//! hard-wires behind traits that an embedder plugs in.

pub mod api;
pub mod decision;
pub mod engine;
pub mod hub;
pub mod intercluster;
pub mod protection;
#[cfg(any(feature = "conformance", feature = "mock"))]
pub mod testing;
pub mod time;
