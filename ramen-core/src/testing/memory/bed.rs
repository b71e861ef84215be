//! The test bed of the conformance kit over clusters in memory.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::{StreamExt, stream::BoxStream};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Defect, InMemoryFleet, InMemoryTransport,
    cluster::{ApiError, Cluster, Expect},
    records::locked,
};
use crate::{
    intercluster::{ClusterName, Intent, IntentId, Manifest, ObjectKey, ResourceType},
    testing::conformance::{Admin, BedError, Fault, HubSide, RecordsEvent, TransportBed},
};

/// An administrator's access to a cluster in memory.
#[derive(Debug, Clone)]
pub struct InMemoryAdmin(Arc<Cluster>);

impl InMemoryAdmin {
    pub(super) fn new(cluster: Arc<Cluster>) -> Self {
        Self(cluster)
    }
}

fn failed(error: &ApiError) -> BedError {
    BedError::failed(format_args!("{error:?}"))
}

#[async_trait]
impl Admin for InMemoryAdmin {
    async fn get(&self, key: &ObjectKey) -> Result<Option<Value>, BedError> {
        match self.0.get(key) {
            Ok(object) => Ok(Some(object)),
            Err(ApiError::NotFound { .. } | ApiError::UnknownResource) => Ok(None),
            Err(error) => Err(failed(&error)),
        }
    }

    async fn create(&self, resource: &ResourceType, object: Value) -> Result<Value, BedError> {
        self.0.apply(resource, &object, "admin", false, &Expect::Absent).map_err(|error| failed(&error))
    }

    async fn edit(&self, key: &ObjectKey, patch: Value) -> Result<Value, BedError> {
        self.0.merge(key, &patch, false).map_err(|error| failed(&error))
    }

    async fn edit_status(&self, key: &ObjectKey, patch: Value) -> Result<Value, BedError> {
        self.0.merge(key, &patch, true).map_err(|error| failed(&error))
    }

    async fn apply(&self, resource: &ResourceType, object: Value, manager: &str) -> Result<Value, BedError> {
        self.0.apply(resource, &object, manager, false, &Expect::Any).map_err(|error| failed(&error))
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), BedError> {
        match self.0.delete(key, None) {
            Err(ApiError::NotFound { .. } | ApiError::UnknownResource) => Ok(()),
            other => other.map_err(|error| failed(&error)),
        }
    }

    async fn watch(&self, key: &ObjectKey) -> Result<BoxStream<'static, Value>, BedError> {
        Ok(self.0.watch(key).boxed())
    }
}

/// A [`TransportBed`] of ten clusters in memory.
#[derive(Debug)]
pub struct InMemoryBed {
    defect: Option<Defect>,
    present: Mutex<Present>,
}

#[derive(Debug)]
struct Present {
    fleet: InMemoryFleet,
    hubs: Vec<InMemoryTransport>,
}

impl InMemoryBed {
    /// A bed whose hub side keeps its promises.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[expect(clippy::new_without_default, reason = "it needs a runtime, which a default should not")]
    pub fn new() -> Self {
        Self::with(None)
    }

    /// A bed whose hub side has one defect.
    pub fn defective(defect: Defect) -> Self {
        Self::with(Some(defect))
    }

    fn with(defect: Option<Defect>) -> Self {
        Self { defect, present: Mutex::new(Present::new(defect)) }
    }

    fn fleet(&self) -> InMemoryFleet {
        locked(&self.present).fleet.clone()
    }
}

impl Present {
    fn new(defect: Option<Defect>) -> Self {
        let names = (1..=10).map(|n| format!("dr{n}"));
        let fleet = InMemoryFleet::with_defect(names, defect);
        let hubs = vec![fleet.start()];
        Self { fleet, hubs }
    }
}

fn side(transport: &InMemoryTransport) -> HubSide {
    let shared = Arc::new(transport.clone());
    HubSide { transport: shared.clone(), view: shared.clone(), registry: Some(shared) }
}

#[async_trait]
impl TransportBed for InMemoryBed {
    fn clusters(&self) -> Vec<ClusterName> {
        self.fleet().0.links.keys().cloned().collect()
    }

    async fn reset(&self) -> Result<(), BedError> {
        let mut present = locked(&self.present);
        for hub in &present.hubs {
            hub.kill();
        }
        *present = Present::new(self.defect);
        Ok(())
    }

    async fn hub(&self) -> Result<HubSide, BedError> {
        let present = locked(&self.present);
        present.hubs.first().map(side).ok_or_else(|| BedError::failed("no hub side runs"))
    }

    fn admin(&self, cluster: &ClusterName) -> Result<Arc<dyn Admin>, BedError> {
        let admin = self.fleet().admin(cluster).ok_or_else(|| BedError::failed("no such cluster"))?;
        Ok(Arc::new(admin))
    }

    async fn inflict(&self, cluster: &ClusterName, fault: Fault) -> Result<(), BedError> {
        self.fleet().inflict(cluster, fault);
        Ok(())
    }

    async fn heal(&self, cluster: &ClusterName) -> Result<(), BedError> {
        self.fleet().heal(cluster);
        Ok(())
    }

    fn now(&self) -> Timestamp {
        self.fleet().0.clock.now()
    }

    async fn kill_hub(&self) -> Result<HubSide, BedError> {
        let mut present = locked(&self.present);
        for hub in present.hubs.drain(..) {
            hub.kill();
        }
        if self.defect == Some(Defect::VolatileRecords) {
            present.fleet.0.records.lock().entries.retain(|_, entry| entry.record.is_applied());
        }
        let hub = present.fleet.start();
        let started = side(&hub);
        present.hubs.push(hub);
        Ok(started)
    }

    async fn second_hub(&self) -> Result<HubSide, BedError> {
        let mut present = locked(&self.present);
        let hub = present.fleet.start();
        let started = side(&hub);
        present.hubs.push(hub);
        Ok(started)
    }

    async fn records(&self, event: RecordsEvent) -> Result<(), BedError> {
        let fleet = self.fleet();
        match event {
            RecordsEvent::Lost => fleet.0.records.lose(),
            RecordsEvent::BackedUp => fleet.0.records.back_up(),
            RecordsEvent::Restored => fleet.0.records.restore(),
        }
        Ok(())
    }

    async fn unregister(&self, cluster: &ClusterName) -> Result<(), BedError> {
        let fleet = self.fleet();
        locked(&fleet.0.unregistered).insert(cluster.clone());
        if let (Some(Defect::DeletesOnUnregister), Some(link)) = (self.defect, fleet.0.links.get(cluster)) {
            for object in link.own().list(|object| !super::mark::Mark::of(object).is_empty()) {
                if let Some(key) = super::key_of(cluster, &object) {
                    link.own().delete(&key, None).map_err(|error| failed(&error))?;
                }
            }
        }
        Ok(())
    }

    async fn attempts(&self, cluster: &ClusterName) -> Result<Vec<Timestamp>, BedError> {
        let fleet = self.fleet();
        let link = fleet.0.links.get(cluster).ok_or_else(|| BedError::failed("no such cluster"))?;
        Ok(link.attempts())
    }

    async fn record_version(&self, id: &IntentId) -> Result<Option<String>, BedError> {
        Ok(self.fleet().0.records.lock().entries.get(id).map(|entry| entry.version.to_string()))
    }

    fn rights(&self, cluster: &ClusterName) -> Option<Intent> {
        let resource = ResourceType::of::<k8s_openapi::api::rbac::v1::ClusterRole>();
        let role = json!({"metadata": {"name": super::link::RIGHTS}, "rules": []});
        let manifest = Manifest::new(resource, role).ok()?;
        Some(Intent::new(IntentId::new(cluster.clone(), "rights"), "kit/rights", manifest))
    }
}
