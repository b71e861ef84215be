//! The example transport, whose records are files, over simulated API servers.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use folder_transport::{Clusters, FolderTransport};
use jiff::Timestamp;
use ramen_core::{
    intercluster::{ClusterName, IntentId},
    testing::conformance::{Admin, BedError, Fault, HubSide, RecordsEvent, TransportBed},
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::task::AbortHandle;

use super::sim::{HubClock, SimBed};

/// The clusters of [`SimBed`], and a folder in place of its hub.
#[derive(Debug)]
pub struct FolderBed {
    clusters: SimBed,
    place: TempDir,
    sides: Mutex<Vec<Side>>,
}

#[derive(Debug)]
struct Side {
    running: HubSide,
    alive: Arc<AtomicBool>,
    task: AbortHandle,
}

impl FolderBed {
    /// Fresh clusters, an empty folder, and a hub side on it.
    ///
    /// # Errors
    /// If no folder can be made, or as [`SimBed::new`].
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn new() -> Result<Self, BedError> {
        let clusters = SimBed::without_hub_side().await?;
        let place = tempfile::tempdir().map_err(BedError::failed)?;
        let bed = Self { clusters, place, sides: Mutex::default() };
        bed.empty()?;
        bed.start()?;
        Ok(bed)
    }

    fn sides(&self) -> MutexGuard<'_, Vec<Side>> {
        self.sides.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn records(&self) -> PathBuf {
        self.place.path().join("records")
    }

    fn backup(&self) -> PathBuf {
        self.place.path().join("backup")
    }

    fn empty(&self) -> Result<(), BedError> {
        let records = self.records();
        if records.exists() {
            fs::remove_dir_all(&records).map_err(BedError::failed)?;
        }
        fs::create_dir(records).map_err(BedError::failed)
    }

    fn start(&self) -> Result<HubSide, BedError> {
        let alive = Arc::new(AtomicBool::new(true));
        let client = |name: ClusterName| (name.clone(), self.clusters.client(&name, alive.clone()));
        let clusters = Arc::new(Clusters::new(self.clusters.clusters().into_iter().map(client).collect()));
        let clock = Arc::new(HubClock(self.clusters.clock()));
        let folder =
            Arc::new(FolderTransport::open(&self.records(), "folder-hub", clusters, clock).map_err(BedError::failed)?);
        let running = HubSide { transport: folder.transport.clone(), view: folder.view.clone(), registry: None };
        let task = tokio::spawn(async move { folder.run(std::future::pending()).await }).abort_handle();
        self.sides().push(Side { running: running.clone(), alive, task });
        Ok(running)
    }

    fn kill(&self) {
        for side in self.sides().drain(..) {
            side.alive.store(false, Ordering::Relaxed);
            side.task.abort();
        }
    }
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let (from, to) = (entry?.path(), to.to_owned());
        let Some(name) = from.file_name() else { continue };
        if from.is_dir() { copy(&from, &to.join(name))? } else { fs::copy(&from, to.join(name)).map(drop)? }
    }
    Ok(())
}

#[async_trait]
impl TransportBed for FolderBed {
    fn clusters(&self) -> Vec<ClusterName> {
        self.clusters.clusters()
    }

    async fn reset(&self) -> Result<(), BedError> {
        self.kill();
        self.clusters.reset_clusters().await?;
        self.empty()?;
        self.start().map(drop)
    }

    async fn hub(&self) -> Result<HubSide, BedError> {
        self.sides().first().map(|side| side.running.clone()).ok_or_else(|| BedError::failed("no hub side runs"))
    }

    fn admin(&self, cluster: &ClusterName) -> Result<Arc<dyn Admin>, BedError> {
        self.clusters.admin(cluster)
    }

    async fn inflict(&self, cluster: &ClusterName, fault: Fault) -> Result<(), BedError> {
        if matches!(fault, Fault::LeadsTo(_)) {
            return Err(BedError::unable("lead a client elsewhere: this transport is given its clients once"));
        }
        self.clusters.inflict(cluster, fault).await
    }

    async fn heal(&self, cluster: &ClusterName) -> Result<(), BedError> {
        self.clusters.heal(cluster).await
    }

    fn now(&self) -> Timestamp {
        self.clusters.now()
    }

    fn credentials(&self) -> Vec<String> {
        self.clusters.credentials()
    }

    async fn kill_hub(&self) -> Result<HubSide, BedError> {
        self.kill();
        self.start()
    }

    async fn second_hub(&self) -> Result<HubSide, BedError> {
        self.start()
    }

    async fn records(&self, event: RecordsEvent) -> Result<(), BedError> {
        if event == RecordsEvent::BackedUp {
            return copy(&self.records(), &self.backup()).map_err(BedError::failed);
        }
        self.kill();
        self.empty()?;
        if event == RecordsEvent::Restored {
            copy(&self.backup(), &self.records()).map_err(BedError::failed)?;
        }
        self.start().map(drop)
    }

    async fn attempts(&self, cluster: &ClusterName) -> Result<Vec<Timestamp>, BedError> {
        self.clusters.attempts(cluster).await
    }

    async fn record_version(&self, id: &IntentId) -> Result<Option<String>, BedError> {
        let path = self.records().join(id.cluster.as_str()).join(format!("{}.json", id.name));
        let Ok(text) = fs::read(path) else { return Ok(None) };
        let record: Value = serde_json::from_slice(&text).map_err(BedError::failed)?;
        Ok(record["version"].as_str().map(ToOwned::to_owned))
    }
}
