//! The bed for stores of cluster data over any object store.

use std::{fmt, io::Read as _, io::Write as _, sync::Arc, time::Duration};

use async_trait::async_trait;
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use object_store::{ObjectStore, ObjectStoreExt, PutPayload, path::Path};
use ramen_core::{
    protection::cluster_data::ClusterDataStore,
    testing::conformance::{
        BedError,
        cluster_data::{ClusterDataBed, StoreFault},
    },
};

use super::FaultyObjects;
use crate::real::Link;

/// How a writer opens a store, through the object store that it is given.
type Opener = dyn Fn(FaultyObjects, &str) -> anyhow::Result<Arc<dyn ClusterDataStore>> + Send + Sync;

/// One store of a bed.
pub struct Backend {
    /// The store itself, without faults.
    direct: Arc<dyn ObjectStore>,
    /// What writers go through.
    faulty: FaultyObjects,
    opener: Box<Opener>,
    /// The line to the store, where there is one.
    line: Option<Box<dyn Fn(Link) + Send + Sync>>,
}

impl Backend {
    /// A store whose objects the bed itself reaches by `direct`, and writers by `reached`.
    pub fn new(
        direct: Arc<dyn ObjectStore>,
        reached: FaultyObjects,
        opener: impl Fn(FaultyObjects, &str) -> anyhow::Result<Arc<dyn ClusterDataStore>> + Send + Sync + 'static,
    ) -> Self {
        Self { direct, faulty: reached, opener: Box::new(opener), line: None }
    }

    /// Lets the store be cut off by its line.
    #[must_use]
    pub fn with_line(self, line: impl Fn(Link) + Send + Sync + 'static) -> Self {
        Self { line: Some(Box::new(line)), ..self }
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.faulty.fmt(f)
    }
}

/// Stores of cluster data over object stores that things happen to.
pub struct ObjectStoreBed {
    /// Heads the report.
    pub name: String,
    /// The stores.
    pub backends: Vec<Backend>,
    /// Whether their writes can be conditional.
    pub conditional: bool,
    /// What a deadline may be exceeded by.
    pub slack: Duration,
    /// What must appear in no message.
    pub credentials: Vec<String>,
}

impl fmt::Debug for ObjectStoreBed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectStoreBed").field("name", &self.name).finish_non_exhaustive()
    }
}

impl ObjectStoreBed {
    fn backend(&self, store: usize) -> Result<&Backend, BedError> {
        self.backends.get(store).ok_or_else(|| BedError::unable(format_args!("use store {store}")))
    }

    async fn write(&self, store: usize, key: &str, body: Vec<u8>) -> Result<(), BedError> {
        let location = Path::parse(key).map_err(BedError::failed)?;
        let put = self.backend(store)?.direct.put(&location, PutPayload::from(body));
        put.await.map(drop).map_err(BedError::failed)
    }
}

#[async_trait]
impl ClusterDataBed for ObjectStoreBed {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn stores(&self) -> usize {
        self.backends.len()
    }

    fn conditional_writes(&self) -> bool {
        self.conditional
    }

    async fn open(&self, store: usize, writer: &str) -> Result<Arc<dyn ClusterDataStore>, BedError> {
        let backend = self.backend(store)?;
        (backend.opener)(backend.faulty.clone(), writer).map_err(|e| BedError::failed(format_args!("{e:#}")))
    }

    async fn inflict(&self, store: usize, fault: StoreFault) -> Result<(), BedError> {
        let backend = self.backend(store)?;
        match (&fault, &backend.line) {
            (StoreFault::Dead, Some(line)) => line(Link::Cut),
            (StoreFault::Silent, Some(line)) => line(Link::Held),
            _ => backend.faulty.inflict(fault),
        }
        Ok(())
    }

    async fn heal(&self, store: usize) -> Result<(), BedError> {
        let backend = self.backend(store)?;
        backend.faulty.heal();
        if let Some(line) = &backend.line {
            line(Link::Open);
        }
        Ok(())
    }

    async fn held(&self, store: usize) -> Result<usize, BedError> {
        Ok(self.backend(store)?.faulty.held())
    }

    /// As Go's `json.Encoder` into a `gzip.Writer`: a document, a newline, no comment in the header.
    async fn write_as_ramen(&self, store: usize, key: &str, object: &serde_json::Value) -> Result<(), BedError> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        let body = writeln!(encoder, "{object}").and_then(|()| encoder.finish()).map_err(BedError::failed)?;
        self.write(store, key, body).await
    }

    async fn read_as_ramen(&self, store: usize, key: &str) -> Result<Option<serde_json::Value>, BedError> {
        let location = Path::parse(key).map_err(BedError::failed)?;
        let body = match self.backend(store)?.direct.get(&location).await {
            Ok(found) => found.bytes().await.map_err(BedError::failed)?,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(fault) => return Err(BedError::failed(fault)),
        };
        let mut text = String::new();
        GzDecoder::new(&body[..]).read_to_string(&mut text).map_err(BedError::failed)?;
        serde_json::from_str(&text).map(Some).map_err(BedError::failed)
    }

    async fn damage(&self, store: usize, key: &str) -> Result<(), BedError> {
        self.write(store, key, b"no gzip".to_vec()).await
    }

    fn slack(&self) -> Duration {
        self.slack
    }

    fn credentials(&self) -> Vec<String> {
        self.credentials.clone()
    }
}
