//! A storage system that spans clusters: arrays, volumes with content, replication with lag, promotion and demotion,
//! fencing.
//!
//! [`StorageSystem`] is pure: no async, no clock, no randomness. Time is the `now` given to [`StorageSystem::advance`].
//! [`Driver`] is the shell around it that controllers and nodes of a simulated world use; it takes its time from the
//! world and injects faults.
//!
//! | Room | Rule it holds |
//! |---|---|
//! | `journal` | every write that was ever acknowledged, as a tree, so that content can be compared and lost writes listed |
//! | `system` | clusters, arrays, volumes: create, clone, delete |
//! | `access` | which cluster may write where: attachment, role, fences; a write |
//! | `mirror` | enable, promote, demote, resync, disable: what an answer to each may be |
//! | `group` | volumes whose copies are cut at one moment |
//! | `replication` | copying with lag, one consistent cut for each unit |
//! | `oracle` | evidence for the checks of a scenario: lost writes, writers on two clusters, destroyed content |
//!
//! What a *unit* is: the volumes replicated by one cut, either one volume or a consistency group.
//!
//! How it differs from a real array: content is a list of writes instead of bytes; a replica moves from cut to cut and
//! is never seen half applied, but for a first copy or a full resync, before which it has no usable content at all.

mod access;
mod driver;
mod error;
mod group;
mod journal;
mod mirror;
mod oracle;
mod replication;
mod system;

pub use driver::{Behaviour, Driver, Operation};
pub use error::{Code, DriverError, IoError};
pub use journal::Write;
pub use mirror::{Health, MirrorInfo, Role, Source};
pub use oracle::{Destroyed, DualWriters};
pub use replication::{LinkConfig, SyncRecord};
pub use system::{ArrayConfig, Lineage, StorageEvent, StorageSystem, VolumeKey, VolumeView};

#[cfg(test)]
mod tests;
