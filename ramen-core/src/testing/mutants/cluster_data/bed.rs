//! The bed that puts a broken store in the place of a good one.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use serde_json::Value;

use super::{BentStore, Memory, StoreBend};
use crate::{
    protection::cluster_data::ClusterDataStore,
    testing::conformance::{
        BedError,
        cluster_data::{ClusterDataBed, StoreFault},
    },
};

/// A bed whose stores break a promise.
#[derive(Debug)]
pub struct MutantStoreBed {
    inner: Arc<dyn ClusterDataBed>,
    bend: StoreBend,
    memory: Arc<Memory>,
}

impl MutantStoreBed {
    /// The bed with a wrapper around each store that it opens.
    pub fn new(inner: Arc<dyn ClusterDataBed>, bend: StoreBend) -> Self {
        Self { inner, bend, memory: Arc::default() }
    }
}

#[async_trait]
impl ClusterDataBed for MutantStoreBed {
    fn name(&self) -> String {
        format!("{} with {:?}", self.inner.name(), self.bend)
    }

    fn stores(&self) -> usize {
        self.inner.stores()
    }

    fn conditional_writes(&self) -> bool {
        self.inner.conditional_writes()
    }

    async fn open(&self, store: usize, writer: &str) -> Result<Arc<dyn ClusterDataStore>, BedError> {
        let inner = self.inner.open(store, writer).await?;
        Ok(Arc::new(BentStore { inner, bend: self.bend, memory: self.memory.clone() }))
    }

    async fn inflict(&self, store: usize, fault: StoreFault) -> Result<(), BedError> {
        self.inner.inflict(store, fault).await
    }

    async fn heal(&self, store: usize) -> Result<(), BedError> {
        self.inner.heal(store).await
    }

    async fn held(&self, store: usize) -> Result<usize, BedError> {
        self.inner.held(store).await
    }

    async fn write_as_ramen(&self, store: usize, key: &str, object: &Value) -> Result<(), BedError> {
        self.inner.write_as_ramen(store, key, object).await
    }

    async fn read_as_ramen(&self, store: usize, key: &str) -> Result<Option<Value>, BedError> {
        self.inner.read_as_ramen(store, key).await
    }

    async fn damage(&self, store: usize, key: &str) -> Result<(), BedError> {
        self.inner.damage(store, key).await
    }

    async fn wait(&self, time: Duration) {
        self.inner.wait(time).await;
    }

    fn slack(&self) -> Duration {
        self.inner.slack()
    }

    fn credentials(&self) -> Vec<String> {
        self.inner.credentials()
    }
}
