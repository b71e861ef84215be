//! What an implementor supplies to have a driver tested.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{
    protection::{
        VolumeFacts, VolumeId,
        replication::{ClusterClasses, ProtectionFacts, ReplicationDriver},
    },
    testing::conformance::BedError,
};

/// One of the two clusters of a bed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// Where the application runs when a case begins.
    First,
    /// Its peer.
    Second,
}

/// Something that goes wrong on one side until [`ReplicationBed::heal`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DriverFault {
    /// The whole cluster with its storage is gone: nothing reaches it, and nothing leaves it.
    Lost,
    /// What the driver talks to on its own cluster does not answer.
    Silent,
    /// What the driver talks to on its own cluster refuses every call, as out of reach.
    Refuses,
}

/// Two clusters with volumes, and everything that can happen to them.
#[async_trait]
pub trait ReplicationBed: fmt::Debug + Send + Sync {
    /// What is tested: heads the report.
    fn name(&self) -> String;

    /// Makes two healthy clusters with two or more new volumes on the first that nobody uses or replicates yet. What earlier cases
    /// left is gone.
    async fn reset(&self) -> Result<(), BedError>;

    /// The driver as a program that has just started on this cluster has it: it shares no memory with earlier ones.
    fn driver(&self, side: Side) -> Result<Arc<dyn ReplicationDriver>, BedError>;

    /// The volumes as this cluster has them, or will have them once their metadata is restored there: bound, in use by nobody and
    /// not being deleted. The same ids on both sides.
    fn volumes(&self, side: Side) -> Vec<VolumeFacts>;

    /// How the volumes are protected.
    fn protection(&self) -> ProtectionFacts;

    /// Volumes, and protections of them, that the driver must not own.
    fn not_owned(&self) -> Vec<(VolumeFacts, ProtectionFacts)>;

    /// Classes of a cluster: those of the two sides match.
    fn classes(&self, side: Side) -> ClusterClasses;

    /// Classes that match neither side's.
    fn unmatched_classes(&self) -> Vec<ClusterClasses>;

    /// An application on this cluster writes to a volume. `false`: the storage refused.
    async fn write(&self, side: Side, volume: &VolumeId) -> Result<bool, BedError>;

    /// A digest of what a volume holds on this cluster: two are equal if and only if the contents are. `None`: there is no volume.
    async fn digest(&self, side: Side, volume: &VolumeId) -> Result<Option<String>, BedError>;

    /// Lets this much time pass for the storage and whatever controllers the driver depends on.
    async fn wait(&self, time: Duration);

    /// Within this time after a command, or after a write to a volume that is replicated, the storage has done its part.
    fn settles_within(&self) -> Duration;

    /// Makes something go wrong.
    async fn inflict(&self, side: Side, fault: DriverFault) -> Result<(), BedError> {
        Err(BedError::unable(format_args!("bring about {fault:?} on the {side:?} side")))
    }

    /// Ends everything that is wrong on a side.
    async fn heal(&self, side: Side) -> Result<(), BedError> {
        let _ = side;
        Ok(())
    }

    /// How many calls to the API server and to the storage of this side were made by drivers, of either side, since the reset.
    async fn calls(&self, side: Side) -> Result<u64, BedError> {
        Err(BedError::unable(format_args!("count calls to the {side:?} side")))
    }

    /// What a deadline may be exceeded by because the machine is busy; zero in virtual time.
    fn slack(&self) -> Duration {
        Duration::ZERO
    }
}
