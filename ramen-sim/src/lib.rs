//! A Kubernetes API in process, simulated storage and GitOps, virtual time and seeded faults, for tests of disaster recovery.

pub mod apiserver;
pub mod apply;
pub mod clock;
pub mod controllers;
pub mod definitions;
pub mod entropy;
pub mod fault;
pub mod gitops;
mod kinds;
pub mod net;
pub mod node;
pub mod process;
mod shared;
pub mod storage;
pub mod trace;
pub mod world;
