//! A Kubernetes API in process, simulated storage and GitOps, virtual time and seeded faults, for tests of disaster recovery.

pub mod apiserver;
pub mod apply;
pub mod clock;
pub mod entropy;
pub mod fault;
mod kinds;
pub mod net;
pub mod process;
mod shared;
pub mod storage;
pub mod trace;
pub mod world;
