//! What storage and backup vendors plug in: replication of volumes, fencing of clusters, stores of cluster data.
//!
//! A plug-in has the same shape as the rest of the library: it observes, decides in a pure function and executes one command at
//! a time, so that its decisions are planned, explained, crash-tested and replayed like ours.

pub mod cluster_data;
pub mod fencing;
pub mod replication;
mod volume;

pub use volume::{ClassFacts, PersistentVolumeFacts, StorageClassFacts, VolumeFacts, VolumeId, VolumeUse};

#[cfg(feature = "mock")]
pub use mocks::*;

#[cfg(feature = "mock")]
mod mocks {
    pub use super::{
        cluster_data::{MockClusterDataStore, MockStoreResolver},
        fencing::MockFenceProvider,
        replication::MockReplicationDriver,
    };
}
