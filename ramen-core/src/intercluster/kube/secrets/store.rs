//! Deliveries as records of the engine.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use futures::{StreamExt, stream::BoxStream};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::record::{self, Record};
use crate::{
    intercluster::{
        ClusterName, DeletePolicy, Failure, FailureClass, Intent, IntentId, IntentSelector, ObjectKey, ResourceType,
        SecretDeliveryName,
        agent::{Follow, RecordStore, Remote, Report, Signals, Sink, StoreLimits, StoredRecord, Trouble},
    },
    time::{Clock, Deadline},
};

/// Label of the ConfigMap of a delivery.
const LABEL: &str = "intercluster.ramen-rs.io/secret-delivery";
/// Its name is this and the name of the delivery.
const PREFIX: &str = "ramen-secret-delivery-";
/// Its key.
const KEY: &str = "record";
const MANAGER: &str = "ramen-secrets";
const ATTEMPTS: usize = 8;

/// The deliveries.
#[derive(Debug)]
pub(super) struct Deliveries {
    hub: Remote,
    news: Arc<News>,
    _watches: JoinSet<()>,
}

/// What changed, and which deliveries a source feeds.
#[derive(Debug, Default)]
struct News {
    changed: Signals<IntentId, ()>,
    sources: Mutex<BTreeMap<(String, String), BTreeSet<IntentId>>>,
}

impl News {
    fn sources(&self) -> MutexGuard<'_, BTreeMap<(String, String), BTreeSet<IntentId>>> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of_delivery(&self, map: &Value) {
        let Some((name, record)) = parse(map) else { return };
        for cluster in record.clusters() {
            let id = record::id(&name, &cluster);
            if let Some(delivery) = &record.last {
                let source = (name.namespace.clone(), delivery.source.clone());
                self.sources().entry(source).or_default().insert(id.clone());
            }
            self.changed.notify(&id, &());
        }
    }

    fn of_source(&self, secret: &Value) {
        let text = |field: &str| secret["metadata"][field].as_str().unwrap_or_default().to_owned();
        let fed = self.sources().get(&(text("namespace"), text("name"))).cloned().unwrap_or_default();
        for id in fed {
            self.changed.notify(&id, &());
        }
    }
}

/// Follows one of the two kinds.
struct Ear {
    news: Arc<News>,
    secrets: bool,
}

impl Ear {
    fn hear(&self, object: &Value) {
        if self.secrets { self.news.of_source(object) } else { self.news.of_delivery(object) }
    }
}

impl Sink for Ear {
    fn reset(&mut self, objects: Vec<Value>, _: Timestamp) {
        objects.iter().for_each(|object| self.hear(object));
    }

    fn changed(&mut self, object: Value, _: Timestamp) {
        self.hear(&object);
    }

    fn deleted(&mut self, object: Value, _: Timestamp) {
        self.hear(&object);
    }

    fn current(&mut self, _: Timestamp) {}

    fn lost(&mut self, trouble: &Trouble) {
        tracing::warn!(?trouble, secrets = self.secrets, "deliveries of Secrets cannot be watched");
    }
}

impl Deliveries {
    pub(super) fn new(hub: kube::Client, clock: &Arc<dyn Clock>, timeout: Duration) -> Self {
        let hub = Remote { cluster: ClusterName::new("hub"), client: hub, timeout };
        let news = Arc::new(News::default());
        let mut watches = JoinSet::new();
        for (resource, selector, secrets) in [
            (ResourceType::of::<ConfigMap>(), Some(format!("{LABEL}=true")), false),
            (ResourceType::of::<Secret>(), None, true),
        ] {
            let follow = Follow {
                remote: hub.clone(),
                resource,
                selector,
                clock: clock.clone(),
                silence: Duration::from_secs(150),
                retry_most: Duration::from_secs(30),
            };
            let mut ear = Ear { news: news.clone(), secrets };
            watches.spawn(async move { follow.run(&mut ear).await });
        }
        Self { hub, news, _watches: watches }
    }

    fn key(&self, name: &SecretDeliveryName) -> ObjectKey {
        let map = format!("{PREFIX}{}", name.name);
        ObjectKey::of::<ConfigMap>(self.hub.cluster.clone(), Some(&name.namespace), map)
    }

    /// The source, read now.
    pub(super) async fn source(
        &self,
        namespace: &str,
        name: &str,
        deadline: Deadline,
    ) -> Result<Option<Secret>, Failure> {
        let key = ObjectKey::of::<Secret>(self.hub.cluster.clone(), Some(namespace), name);
        let secret = self.hub.get(&key, deadline).await.map_err(|t| t.into_failure(&key))?;
        let parse = |value| {
            // The error of the parser could quote the content.
            serde_json::from_value(value)
                .map_err(|_| Failure::new(FailureClass::Malformed, "it is no Secret that can be read").about(&key))
        };
        secret.map(parse).transpose()
    }

    /// The ConfigMap of a delivery and what it holds.
    pub(super) async fn read(
        &self,
        name: &SecretDeliveryName,
        deadline: Deadline,
    ) -> Result<Option<(Value, Record)>, Failure> {
        let key = self.key(name);
        let Some(map) = self.hub.get(&key, deadline).await.map_err(|t| t.into_failure(&key))? else { return Ok(None) };
        let Some((_, record)) = parse(&map) else {
            return Err(Failure::new(FailureClass::Malformed, format!("key {KEY} holds no delivery")).about(&key));
        };
        Ok(Some((map, record)))
    }

    /// Edits a delivery under optimistic concurrency; one that is about no cluster any more is removed. With an `incarnation`
    /// (the uid of the ConfigMap) only that one is edited, and one that went or was made anew is left alone.
    pub(super) async fn edit(
        &self,
        name: &SecretDeliveryName,
        incarnation: Option<&str>,
        deadline: Deadline,
        edit: impl Fn(&mut Record) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let key = self.key(name);
        for _ in 0..ATTEMPTS {
            let present = self.read(name, deadline).await?;
            let found = present.as_ref().and_then(|(map, _)| map["metadata"]["uid"].as_str());
            if incarnation.is_some() && incarnation != found {
                return Ok(());
            }
            let mut next = present.as_ref().map(|(_, record)| record.clone()).unwrap_or_default();
            edit(&mut next)?;
            let empty = next.clusters().is_empty();
            let written = match present {
                None if empty => return Ok(()),
                None => {
                    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": key.name,
                        "namespace": name.namespace, "labels": {LABEL: "true"}}, "data": {KEY: to_text(&next)}});
                    self.hub.create(&key, &map, MANAGER, deadline).await.map(drop)
                }
                Some((map, _)) if empty => {
                    let text = |field: &str| map["metadata"][field].as_str().unwrap_or_default();
                    self.hub.delete(&key, text("uid"), Some(text("resourceVersion")), deadline).await
                }
                Some((_, record)) if record == next => return Ok(()),
                Some((mut map, _)) => {
                    map["data"][KEY] = to_text(&next).into();
                    self.hub.replace(&key, &map, MANAGER, deadline).await.map(drop)
                }
            };
            match written {
                Ok(()) => return Ok(()),
                Err(Trouble::Changed | Trouble::Exists | Trouble::Absent) => {}
                Err(trouble) => return Err(trouble.into_failure(&key)),
            }
        }
        Err(Failure::new(FailureClass::Conflict, "other writers keep changing it").about(name))
    }
}

fn to_text(record: &Record) -> String {
    serde_json::to_string(record).unwrap_or_default()
}

fn parse(map: &Value) -> Option<(SecretDeliveryName, Record)> {
    let metadata = &map["metadata"];
    let name = metadata["name"].as_str()?.strip_prefix(PREFIX)?.to_owned();
    let record = serde_json::from_str(map["data"][KEY].as_str()?).ok()?;
    Some((SecretDeliveryName { namespace: metadata["namespace"].as_str()?.to_owned(), name }, record))
}

/// Identity and version of a source.
fn version(secret: &Secret) -> String {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    format!("{}/{}", text(&secret.metadata.uid), text(&secret.metadata.resource_version))
}

fn unsupported(id: &IntentId) -> Failure {
    Failure::new(FailureClass::Unsupported, "deliveries of Secrets are recorded by their own calls").about(id)
}

#[async_trait]
impl RecordStore for Deliveries {
    fn limits(&self) -> StoreLimits {
        StoreLimits { max_name_length: 253 - PREFIX.len(), max_intent_bytes: 1024 * 1024 }
    }

    async fn get(&self, id: &IntentId, deadline: Deadline) -> Result<Option<StoredRecord>, Failure> {
        let Some(name) = record::name(id) else { return Ok(None) };
        let Some((mut map, mut record)) = self.read(&name, deadline).await? else { return Ok(None) };
        let Some(delivery) = record.last.clone() else { return Ok(None) };
        if record.leaving.contains(&id.cluster) {
            return record.of_cluster(&name, &id.cluster, &map, None);
        }
        let source = self.source(&name.namespace, &delivery.source, deadline).await?;
        let Some(source) = source else {
            // Nothing is removed for the lack of a source.
            return Err(super::source_missing(&delivery));
        };
        if record.source != version(&source) {
            let now = version(&source);
            self.edit(&name, None, deadline, |record| {
                if record.source != now {
                    record.source.clone_from(&now);
                    record.number += 1;
                }
                Ok(())
            })
            .await?;
            match self.read(&name, deadline).await? {
                Some(again) => (map, record) = again,
                None => return Ok(None),
            }
            if record.source != now {
                // Its number would stand for a content that is not the one read above.
                let cause = "its source changed while it was read";
                return Err(Failure::new(FailureClass::Conflict, cause).about(&name));
            }
        }
        record.of_cluster(&name, &id.cluster, &map, Some(&source))
    }

    async fn list(&self, _: &IntentSelector, deadline: Deadline) -> Result<Vec<StoredRecord>, Failure> {
        let resource = ResourceType::of::<ConfigMap>();
        let here = ObjectKey::new(self.hub.cluster.clone(), resource.clone(), None, "");
        let maps = self.hub.list(&resource, None, Some(&format!("{LABEL}=true")), deadline).await;
        let mut records = Vec::new();
        for map in maps.map_err(|t| t.into_failure(&here))? {
            let Some((name, record)) = parse(&map) else {
                let named = |field: &str| map["metadata"][field].as_str().unwrap_or_default();
                tracing::warn!(namespace = named("namespace"), name = named("name"), "a ConfigMap holds no delivery");
                continue;
            };
            for cluster in record.clusters() {
                match record.of_cluster(&name, &cluster, &map, None) {
                    Ok(record) => records.extend(record),
                    // One that cannot be understood must not hide the others.
                    Err(failure) => tracing::warn!(%failure, "a delivery is left out"),
                }
            }
        }
        records.sort_by(|a, b| a.intent.id.cmp(&b.intent.id));
        Ok(records)
    }

    async fn put(
        &self,
        intent: &Intent,
        _: Option<&StoredRecord>,
        _: u64,
        _: Deadline,
    ) -> Result<StoredRecord, Failure> {
        Err(unsupported(&intent.id))
    }

    async fn end(&self, current: &StoredRecord, _: DeletePolicy, _: Deadline) -> Result<(), Failure> {
        Err(unsupported(&current.intent.id))
    }

    async fn hold(&self, current: &StoredRecord, _: Deadline) -> Result<StoredRecord, Failure> {
        Ok(current.clone())
    }

    async fn report(&self, current: &StoredRecord, report: &Report, deadline: Deadline) -> Result<(), Failure> {
        let id = &current.intent.id;
        let Some(name) = record::name(id) else { return Ok(()) };
        self.edit(&name, Some(&current.revision.incarnation), deadline, |record| {
            // A report about an older state is of no use to anybody.
            if record.number == report.revision.number && record.clusters().contains(&id.cluster) {
                record.reports.insert(id.cluster.clone(), report.clone());
            }
            Ok(())
        })
        .await
    }

    async fn finish(&self, current: &StoredRecord, deadline: Deadline) -> Result<(), Failure> {
        let id = &current.intent.id;
        let Some(name) = record::name(id) else { return Ok(()) };
        self.edit(&name, Some(&current.revision.incarnation), deadline, |record| {
            if !record.leaving.contains(&id.cluster) || record.number != current.revision.number {
                let cause = "the delivery was changed while its target was removed";
                return Err(Failure::new(FailureClass::Conflict, cause).on(id.cluster.clone()).about(&name));
            }
            record.leaving.remove(&id.cluster);
            record.reports.remove(&id.cluster);
            Ok(())
        })
        .await
    }

    fn watch(&self) -> BoxStream<'static, IntentId> {
        self.news.changed.subscribe().map(|(id, ())| id).boxed()
    }
}
