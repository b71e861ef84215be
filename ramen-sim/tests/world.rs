//! The world around the API server: what its controllers, its storage and its GitOps agent do, alone and together, with
//! and without faults.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "world/bed.rs"]
mod bed;
#[path = "world/cluster.rs"]
mod cluster;
#[path = "world/csiaddons.rs"]
mod csiaddons;
#[path = "world/gitops.rs"]
mod gitops;
#[path = "world/repeat.rs"]
mod repeat;
