//! The bed that puts a broken driver in the place of a good one.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use super::{
    DriverBend,
    driver::{BentDriver, Memory},
};
use crate::{
    protection::{
        VolumeFacts, VolumeId,
        replication::{ClusterClasses, ProtectionFacts, ReplicationDriver},
    },
    testing::conformance::{
        BedError,
        replication::{DriverFault, ReplicationBed, Side},
    },
};

/// A bed whose drivers break a promise.
#[derive(Debug)]
pub struct MutantDriverBed {
    inner: Arc<dyn ReplicationBed>,
    bend: DriverBend,
    memory: Arc<Memory>,
}

impl MutantDriverBed {
    /// The bed with a wrapper around each driver.
    pub fn new(inner: Arc<dyn ReplicationBed>, bend: DriverBend) -> Self {
        Self { inner, bend, memory: Arc::default() }
    }
}

#[async_trait]
impl ReplicationBed for MutantDriverBed {
    fn name(&self) -> String {
        format!("{} with {:?}", self.inner.name(), self.bend)
    }

    async fn reset(&self) -> Result<(), BedError> {
        self.inner.reset().await
    }

    fn driver(&self, side: Side) -> Result<Arc<dyn ReplicationDriver>, BedError> {
        let other = if side == Side::First { Side::Second } else { Side::First };
        Ok(Arc::new(BentDriver {
            inner: self.inner.driver(side)?,
            peer: self.inner.driver(other)?,
            side,
            bend: self.bend,
            memory: self.memory.clone(),
        }))
    }

    fn volumes(&self, side: Side) -> Vec<VolumeFacts> {
        self.inner.volumes(side)
    }

    fn protection(&self) -> ProtectionFacts {
        self.inner.protection()
    }

    fn not_owned(&self) -> Vec<(VolumeFacts, ProtectionFacts)> {
        self.inner.not_owned()
    }

    fn classes(&self, side: Side) -> ClusterClasses {
        self.inner.classes(side)
    }

    fn unmatched_classes(&self) -> Vec<ClusterClasses> {
        self.inner.unmatched_classes()
    }

    async fn write(&self, side: Side, volume: &VolumeId) -> Result<bool, BedError> {
        self.inner.write(side, volume).await
    }

    async fn digest(&self, side: Side, volume: &VolumeId) -> Result<Option<String>, BedError> {
        self.inner.digest(side, volume).await
    }

    async fn wait(&self, time: Duration) {
        self.inner.wait(time).await;
    }

    fn settles_within(&self) -> Duration {
        self.inner.settles_within()
    }

    async fn inflict(&self, side: Side, fault: DriverFault) -> Result<(), BedError> {
        self.inner.inflict(side, fault).await
    }

    async fn heal(&self, side: Side) -> Result<(), BedError> {
        self.inner.heal(side).await
    }

    async fn calls(&self, side: Side) -> Result<u64, BedError> {
        self.inner.calls(side).await
    }

    fn slack(&self) -> Duration {
        self.inner.slack()
    }
}
