//! A Kubernetes API in process, simulated storage and GitOps, virtual time and seeded faults, for tests of disaster recovery.

pub mod apply;
pub mod clock;
pub mod entropy;
mod shared;
pub mod storage;
pub mod trace;
