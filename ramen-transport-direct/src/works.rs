//! Intents kept as ManifestWork objects on the hub, in the namespace of their cluster.
//!
//! Only the CustomResourceDefinition of ManifestWork is needed, nothing of Open Cluster Management runs. Works that other software
//! wrote (an unmodified Ramen hub) are records like our own; finalizer, conditions and reasons are those of OCM's work agent.

mod decode;
mod encode;
mod status;

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use futures::{StreamExt, stream::BoxStream};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Namespace;
use ramen_core::{
    intercluster::{
        ClusterName, DeletePolicy, Failure, FailureClass, Intent, IntentId, IntentSelector, ObjectKey, ResourceType,
        agent::{Follow, RecordStore, Remote, Report, Signals, Sink, StoreLimits, StoredRecord, Trouble},
    },
    time::{Clock, Deadline},
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// Finalizer of OCM's work agent on a ManifestWork.
pub(crate) const FINALIZER: &str = "cluster.open-cluster-management.io/manifest-work-cleanup";
/// Field manager of what is written on the hub.
const MANAGER: &str = "ramen-transport-direct";
/// The name of an AppliedManifestWork is a digest of 64 characters, a dash and the name of the work: with longer names OCM, which
/// must be able to take the records over, could not apply them.
const MAX_NAME: usize = 188;
/// OCM's webhook refuses more.
const MAX_BYTES: usize = 500 * 1024;
/// Reports that meet a changed record are tried again this often.
const REPORT_ATTEMPTS: usize = 3;

/// The store.
#[derive(Debug)]
pub(crate) struct Works {
    hub: Remote,
    clock: Arc<dyn Clock>,
    changed: Arc<Signals<IntentId, ()>>,
    content: Arc<Signals<IntentId, ()>>,
    _watch: JoinSet<()>,
}

/// The kind.
pub(crate) fn manifest_work() -> ResourceType {
    ResourceType {
        group: "work.open-cluster-management.io".into(),
        version: "v1".into(),
        kind: "ManifestWork".into(),
        plural: "manifestworks".into(),
        namespaced: true,
    }
}

impl Works {
    pub(crate) fn new(hub: Remote, clock: Arc<dyn Clock>) -> Self {
        let (changed, content) = (Arc::new(Signals::default()), Arc::new(Signals::default()));
        let follow = Follow {
            remote: hub.clone(),
            resource: manifest_work(),
            selector: None,
            clock: clock.clone(),
            silence: Duration::from_secs(150),
            retry_most: Duration::from_secs(10),
        };
        let mut bell = Bell { known: BTreeMap::new(), changed: changed.clone(), content: content.clone() };
        let mut watch = JoinSet::new();
        watch.spawn(async move { follow.run(&mut bell).await });
        Self { hub, clock, changed, content, _watch: watch }
    }

    fn key(&self, id: &IntentId) -> ObjectKey {
        ObjectKey::new(self.hub.cluster.clone(), manifest_work(), Some(id.cluster.as_str()), &*id.name)
    }

    fn failure(trouble: Trouble, key: &ObjectKey) -> Failure {
        match trouble {
            // The record moved on between read and write.
            Trouble::Changed | Trouble::Absent | Trouble::Exists => {
                Failure::new(FailureClass::Conflict, "the record was changed by another writer").about(key)
            }
            other => other.into_failure(key),
        }
    }

    async fn create(&self, intent: &Intent, deadline: Deadline) -> Result<Value, Failure> {
        let key = self.key(&intent.id);
        let work = encode::created(intent);
        match self.hub.create(&key, &work, MANAGER, deadline).await {
            Err(Trouble::NamespaceAbsent) => {
                self.create_namespace(&intent.id.cluster, deadline).await?;
                self.hub.create(&key, &work, MANAGER, deadline).await
            }
            other => other,
        }
        .map_err(|trouble| Self::failure(trouble, &key))
    }

    /// The namespace of a cluster on the hub, which registration creates where OCM runs.
    async fn create_namespace(&self, cluster: &ClusterName, deadline: Deadline) -> Result<(), Failure> {
        let key = ObjectKey::of::<Namespace>(self.hub.cluster.clone(), None, cluster.as_str());
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": cluster}});
        match self.hub.create(&key, &namespace, MANAGER, deadline).await {
            Ok(_) | Err(Trouble::Exists) => Ok(()),
            Err(trouble) => Err(trouble.into_failure(&key)),
        }
    }

    async fn replace(&self, id: &IntentId, work: &Value, deadline: Deadline) -> Result<Value, Failure> {
        let key = self.key(id);
        self.hub.replace(&key, work, MANAGER, deadline).await.map_err(|trouble| Self::failure(trouble, &key))
    }
}

#[async_trait]
impl RecordStore for Works {
    fn limits(&self) -> StoreLimits {
        StoreLimits { max_name_length: MAX_NAME, max_intent_bytes: MAX_BYTES }
    }

    async fn get(&self, id: &IntentId, deadline: Deadline) -> Result<Option<StoredRecord>, Failure> {
        let key = self.key(id);
        let work = self.hub.get(&key, deadline).await.map_err(|t| t.into_failure(&key))?;
        work.map(decode::record).transpose()
    }

    async fn list(&self, selector: &IntentSelector, deadline: Deadline) -> Result<Vec<StoredRecord>, Failure> {
        let namespace = selector.cluster.as_ref().map(ClusterName::as_str);
        let labels: Vec<_> = selector.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let labels = (!labels.is_empty()).then(|| labels.join(","));
        let listed = self.hub.list(&manifest_work(), namespace, labels.as_deref(), deadline).await;
        let here = ObjectKey::new(self.hub.cluster.clone(), manifest_work(), namespace, "");
        let works = listed.map_err(|t| t.into_failure(&here))?;
        let mut records = Vec::with_capacity(works.len());
        for work in works {
            match decode::record(decode::typed(work)) {
                Ok(record) => records.push(record),
                // One that cannot be understood must not hide the others.
                Err(failure) => tracing::warn!(%failure, "a record is left out"),
            }
        }
        records.sort_by(|a, b| a.intent.id.cmp(&b.intent.id));
        Ok(records)
    }

    async fn put(
        &self,
        intent: &Intent,
        current: Option<&StoredRecord>,
        above: u64,
        deadline: Deadline,
    ) -> Result<StoredRecord, Failure> {
        let work = match current {
            None => self.create(intent, deadline).await?,
            Some(current) => {
                let next = encode::updated(current, intent, above);
                self.replace(&intent.id, &next, deadline).await?
            }
        };
        decode::record(work)
    }

    async fn end(&self, current: &StoredRecord, policy: DeletePolicy, deadline: Deadline) -> Result<(), Failure> {
        let id = &current.intent.id;
        let mut work = current.backing.clone();
        // The policy is durable before the deletion begins.
        let changed = [encode::set_policy(&mut work, policy), encode::hold(&mut work)];
        if changed.contains(&true) {
            work = self.replace(id, &work, deadline).await?;
        }
        if current.ending.is_some() {
            return Ok(());
        }
        let text = |pointer: &str| work.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let (uid, version) = (text("/metadata/uid"), text("/metadata/resourceVersion"));
        let key = self.key(id);
        match self.hub.delete(&key, uid, Some(version), deadline).await {
            Ok(()) => Ok(()),
            Err(trouble) => Err(Self::failure(trouble, &key)),
        }
    }

    async fn hold(&self, current: &StoredRecord, deadline: Deadline) -> Result<StoredRecord, Failure> {
        let mut work = current.backing.clone();
        encode::hold(&mut work);
        decode::record(self.replace(&current.intent.id, &work, deadline).await?)
    }

    async fn report(&self, current: &StoredRecord, report: &Report, deadline: Deadline) -> Result<(), Failure> {
        let id = &current.intent.id;
        let key = self.key(id);
        let mut record = current.clone();
        for _ in 0..REPORT_ATTEMPTS {
            let work = status::reported(&record, report, self.clock.now());
            match self.hub.replace_status(&key, &work, deadline).await {
                Ok(_) | Err(Trouble::Absent) => return Ok(()),
                Err(Trouble::Changed) => match self.get(id, deadline).await? {
                    // What is reported is no longer the question: the next pass reports.
                    Some(now) if now.revision == record.revision && now.ending.is_none() => record = now,
                    _ => return Ok(()),
                },
                Err(trouble) => return Err(trouble.into_failure(&key)),
            }
        }
        Err(Failure::new(FailureClass::Conflict, "its status keeps being changed").about(&key))
    }

    async fn finish(&self, current: &StoredRecord, deadline: Deadline) -> Result<(), Failure> {
        let id = &current.intent.id;
        let mut work = current.backing.clone();
        encode::release(&mut work);
        match self.replace(id, &work, deadline).await {
            Ok(_) => Ok(()),
            Err(failure) if failure.class() == FailureClass::Conflict && self.get(id, deadline).await?.is_none() => {
                Ok(())
            }
            Err(failure) => Err(failure),
        }
    }

    fn watch(&self) -> BoxStream<'static, IntentId> {
        self.changed.subscribe().map(|(id, ())| id).boxed()
    }

    fn watch_content(&self) -> BoxStream<'static, IntentId> {
        self.content.subscribe().map(|(id, ())| id).boxed()
    }
}

/// Rings for every work that changes.
struct Bell {
    /// A digest of what of a work is not status.
    known: BTreeMap<IntentId, u64>,
    changed: Arc<Signals<IntentId, ()>>,
    content: Arc<Signals<IntentId, ()>>,
}

impl Bell {
    fn ring(&self, id: &IntentId) {
        self.changed.notify(id, &());
        self.content.notify(id, &());
    }
}

/// The generation stands for the spec.
fn content(work: &Value) -> u64 {
    let metadata = &work["metadata"];
    let mut hasher = DefaultHasher::new();
    for field in ["uid", "generation", "deletionTimestamp", "finalizers", "labels", "annotations"] {
        metadata[field].to_string().hash(&mut hasher);
    }
    hasher.finish()
}

fn id(work: &Value) -> IntentId {
    let text = |field: &str| work["metadata"][field].as_str().unwrap_or_default();
    IntentId::new(text("namespace"), text("name"))
}

impl Sink for Bell {
    fn reset(&mut self, works: Vec<Value>, _: Timestamp) {
        let present: BTreeMap<_, _> = works.iter().map(|work| (id(work), content(work))).collect();
        let gone = self.known.keys().filter(|id| !present.contains_key(*id));
        for id in gone.chain(present.keys()) {
            self.ring(id);
        }
        self.known = present;
    }

    fn changed(&mut self, work: Value, _: Timestamp) {
        let (id, now) = (id(&work), content(&work));
        self.changed.notify(&id, &());
        if self.known.get(&id) != Some(&now) {
            self.content.notify(&id, &());
            self.known.insert(id, now);
        }
    }

    fn deleted(&mut self, work: Value, _: Timestamp) {
        let id = id(&work);
        self.ring(&id);
        self.known.remove(&id);
    }

    fn current(&mut self, _: Timestamp) {}

    fn lost(&mut self, trouble: &Trouble) {
        tracing::warn!(?trouble, "the ManifestWorks cannot be watched");
    }
}
