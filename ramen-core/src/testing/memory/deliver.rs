//! Brings one cluster to what the records say.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Defect,
    cluster::{ApiError, Expect},
    fields,
    link::{Access, CallError, Link},
    mark::Mark,
    records::Entry,
    side::Side,
};
use crate::intercluster::{
    ApplyStrategy, DeletePolicy, Delivery, ExistingPolicy, Failure, FailureClass, Intent, Manifest, ObjectKey,
    ObjectResult,
};

const MANAGER: &str = "in-memory-transport";

/// What a cluster's answer says about an object.
pub(crate) enum Seen {
    Object(Value),
    Absent,
    KindAbsent,
}

/// Reads an object; only an answer about this very object counts.
pub(crate) async fn fetch(link: &Link, key: &ObjectKey) -> Result<Seen, Failure> {
    let asked = key.clone();
    match link.call(Access::Read, &key.resource, move |cluster| cluster.get(&asked)).await {
        Ok(object) => Ok(Seen::Object(object)),
        Err(CallError::Api(ApiError::NotFound { name })) if name == key.name => Ok(Seen::Absent),
        Err(CallError::Api(ApiError::UnknownResource)) => Ok(Seen::KindAbsent),
        Err(error) => Err(failure(error, key)),
    }
}

fn failure(error: CallError, key: &ObjectKey) -> Failure {
    let (class, cause) = match error {
        CallError::Way(failure) => return failure.about(key),
        CallError::Api(ApiError::NotFound { name }) => (FailureClass::Malformed, format!("not found: {name}")),
        CallError::Api(ApiError::UnknownResource) => {
            (FailureClass::Prerequisite, format!("the cluster does not know {}", key.resource.plural))
        }
        CallError::Api(ApiError::NoNamespace { name }) => {
            (FailureClass::Prerequisite, format!("namespaces {name:?} not found"))
        }
        CallError::Api(ApiError::Conflict(cause)) => (FailureClass::Conflict, cause),
        CallError::Api(ApiError::Invalid(cause)) => (FailureClass::Invalid, cause),
    };
    Failure::new(class, cause).on(key.cluster.clone()).about(key)
}

/// Kinds that others live in come first; what is not named keeps its order behind them.
fn rank(manifest: &Manifest) -> usize {
    const FIRST: [&str; 7] = [
        "Namespace",
        "CustomResourceDefinition",
        "ClusterRole",
        "ClusterRoleBinding",
        "ServiceAccount",
        "Secret",
        "ConfigMap",
    ];
    FIRST.iter().position(|kind| *kind == manifest.resource.kind).unwrap_or(FIRST.len())
}

impl Side {
    /// One attempt at one record.
    pub(crate) async fn deliver(&self, link: &Link, entry: Entry) {
        if let Some(policy) = entry.ending {
            return self.end(link, entry, policy).await;
        }
        if self.lacks(Defect::NeverRepairs) && entry.record.is_applied() {
            return;
        }
        if let Some(queued) = entry.queue.first().cloned() {
            let mut old = entry.clone();
            old.record.intent = queued;
            self.bring_all(link, &old).await;
            self.fleet.records.update(&entry.record.intent.id, entry.version, |entry| {
                entry.queue.remove(0);
            });
            return;
        }
        if self.lacks(Defect::Reorders)
            && let Some(previous) = self.previous(&entry.record.intent)
        {
            let mut old = entry.clone();
            old.record.intent = previous;
            self.bring_all(link, &entry).await;
            self.bring_all(link, &old).await;
        }
        let objects = self.bring_all(link, &entry).await;
        let was_applied = entry.record.is_applied();
        let failure = objects.iter().find_map(|o| o.failure.clone());
        let delivery = match failure {
            None if was_applied => entry.record.delivery.clone(),
            None => Delivery::Applied { revision: entry.record.revision.clone(), at: self.now() },
            // What was applied stays so while the cluster cannot be asked.
            Some(failure) if was_applied && failure.class().is_transport() => entry.record.delivery.clone(),
            Some(failure) => Delivery::Failed(failure),
        };
        self.fleet.records.update(&entry.record.intent.id, entry.version, |entry| {
            entry.record.delivery = delivery;
            entry.record.objects = objects;
        });
    }

    async fn bring_all(&self, link: &Link, entry: &Entry) -> Vec<ObjectResult> {
        let manifests = &entry.record.intent.manifests;
        let mut order: Vec<usize> = (0..manifests.len()).collect();
        if !self.lacks(Defect::AppliesInSpecOrder) {
            order.sort_by_key(|i| rank(&manifests[*i]));
        }
        let mut results: Vec<Option<ObjectResult>> = vec![None; manifests.len()];
        for i in order {
            let known = entry.record.objects.get(i).filter(|o| entry.record.is_applied() || o.failure.is_none());
            let brought = self.bring(link, entry, &manifests[i]).await;
            let key = manifests[i].key(&entry.record.intent.id.cluster);
            let known = |failure| ObjectResult {
                key: key.clone(),
                uid: known.and_then(|o| o.uid.clone()),
                generation: known.and_then(|o| o.generation),
                failure: Some(failure),
            };
            results[i] = Some(match brought {
                Ok(object) => ObjectResult {
                    uid: object["metadata"]["uid"].as_str().map(ToOwned::to_owned),
                    generation: object["metadata"]["generation"].as_i64(),
                    failure: None,
                    key,
                },
                Err(failure) => known(failure),
            });
        }
        results.into_iter().flatten().collect()
    }

    async fn bring(&self, link: &Link, entry: &Entry, manifest: &Manifest) -> Result<Value, Failure> {
        let intent = &entry.record.intent;
        let key = manifest.key(&intent.id.cluster);
        let refuse = |class, cause: &str| Err(Failure::new(class, cause).on(key.cluster.clone()).about(&key));
        let live = match fetch(link, &key).await? {
            Seen::Object(object) => Some(object),
            Seen::Absent => None,
            Seen::KindAbsent => return Err(failure(CallError::Api(ApiError::UnknownResource), &key)),
        };
        if intent.strategy == ApplyStrategy::ReadOnly {
            return Ok(live.unwrap_or_default());
        }
        let mut mark = live.as_ref().map(Mark::of).unwrap_or_default();
        let owned = !mark.is_empty();
        if let Some(object) = &live {
            if object["metadata"].get("deletionTimestamp").is_some() {
                return refuse(FailureClass::Conflict, "the object is being deleted");
            }
            if !owned && intent.existing == ExistingPolicy::Refuse {
                return refuse(FailureClass::Ownership, "the object exists and is not ours");
            }
            let trusting = self.lacks(Defect::NoRevisionCheck)
                || self.lacks(Defect::TrustsOldRecords)
                || self.lacks(Defect::Reorders)
                || self.lacks(Defect::QueuesEveryChange);
            if mark.is_newer_than(&intent.id.name, &entry.record.revision) && !trusting {
                return refuse(FailureClass::Conflict, "the cluster has a newer revision than the record");
            }
            if intent.strategy == ApplyStrategy::CreateOnly {
                return Ok(object.clone());
            }
            if self.differs_from_another(intent, manifest, &mark, object) {
                return refuse(FailureClass::Conflict, "another intent names the same object with other content");
            }
            if self.lacks(Defect::RecreatesOnAdoption) && !owned {
                let gone = key.clone();
                let _ = link.call(Access::Delete, &key.resource, move |c| c.delete(&gone, None)).await;
            }
        }
        mark.hold(&intent.id.name, &entry.record.revision);
        self.write(link, intent, manifest, live, &mark, owned, &key).await
    }

    #[expect(clippy::too_many_arguments, reason = "one call with everything that was found out before it")]
    async fn write(
        &self,
        link: &Link,
        intent: &Intent,
        manifest: &Manifest,
        live: Option<Value>,
        mark: &Mark,
        owned: bool,
        key: &ObjectKey,
    ) -> Result<Value, Failure> {
        let mut desired = manifest.object.clone();
        mark.write(&mut desired);
        let version = live.as_ref().and_then(|o| o["metadata"]["resourceVersion"].as_str()).map(ToOwned::to_owned);
        let expect = match &version {
            _ if self.lacks(Defect::NoRevisionCheck)
                || self.lacks(Defect::RecreatesOnAdoption)
                || self.lacks(Defect::Reorders) =>
            {
                Expect::Any
            }
            Some(version) => Expect::Version(version.clone()),
            None => Expect::Absent,
        };
        let (resource, sent) = (manifest.resource.clone(), desired.clone());
        let whole = self.lacks(Defect::ReplacesWhole);
        let result = if let (ApplyStrategy::Update, Some(live), Some(version)) = (intent.strategy, &live, &version) {
            let (merged, version) = (updated(live, &sent), version.clone());
            link.call(Access::Write, key_type(key), move |c| c.replace(&resource, &merged, &version)).await
        } else if let (true, Some(version)) = (whole, version) {
            link.call(Access::Write, key_type(key), move |c| c.replace(&resource, &sent, &version)).await
        } else {
            let force = owned || intent.strategy == ApplyStrategy::ServerSideApplyForced;
            link.call(Access::Write, key_type(key), move |c| c.apply(&resource, &sent, MANAGER, force, &expect)).await
        };
        let stored = result.map_err(|error| failure(error, key))?;
        if self.lacks(Defect::ChurnsGeneration) {
            link.own().churn(key);
        }
        let kept = fields::leaves(&stored);
        match fields::leaves(&desired).into_keys().find(|path| !kept.contains_key(path)) {
            None => Ok(stored),
            Some(path) => {
                let cause = format!("the cluster dropped field {}, which its definition lacks", path.join("."));
                Err(Failure::new(FailureClass::Invalid, cause).on(key.cluster.clone()).about(key))
            }
        }
    }

    /// Whether another intent that holds the object says something else and the object follows that one.
    fn differs_from_another(&self, intent: &Intent, manifest: &Manifest, mark: &Mark, live: &Value) -> bool {
        let live = fields::leaves(live);
        if fields::leaves(&manifest.object).iter().all(|(path, value)| live.get(path) == Some(value)) {
            return false;
        }
        let key = manifest.key(&intent.id.cluster);
        self.fleet.records.lock().entries.values().any(|other| {
            let other = &other.record.intent;
            other.id != intent.id
                && mark.holds(&other.id.name)
                && other.id.cluster == intent.id.cluster
                && other.manifests.iter().any(|m| m.key(&other.id.cluster) == key && m.object != manifest.object)
        })
    }

    async fn end(&self, link: &Link, entry: Entry, policy: DeletePolicy) {
        let intent = &entry.record.intent;
        if rank(&intent.manifests[0]) == 2 && !self.lacks(Defect::RightsFirst) && self.others_need_rights(intent) {
            return;
        }
        let mut done = true;
        for manifest in &intent.manifests {
            done &= matches!(self.take_away(link, &entry, manifest, policy).await, Ok(true));
        }
        if done {
            self.finish(&entry);
        }
    }

    fn others_need_rights(&self, intent: &Intent) -> bool {
        self.fleet.records.lock().entries.values().any(|other| {
            other.record.intent.id.cluster == intent.id.cluster && rank(&other.record.intent.manifests[0]) != 2
        })
    }

    /// Ends our hold on one object; whether there is nothing left to do or to wait for.
    async fn take_away(
        &self,
        link: &Link,
        entry: &Entry,
        manifest: &Manifest,
        policy: DeletePolicy,
    ) -> Result<bool, Failure> {
        let intent = &entry.record.intent;
        let key = manifest.key(&intent.id.cluster);
        let Seen::Object(live) = fetch(link, &key).await? else { return Ok(true) };
        let mut mark = Mark::of(&live);
        let by_name = self.lacks(Defect::DeletesByName);
        if !mark.holds(&intent.id.name) && !by_name {
            return Ok(true);
        }
        mark.release(&intent.id.name);
        let shared = !mark.is_empty() && !self.lacks(Defect::FirstReleaseDeletes);
        if policy == DeletePolicy::Orphan || shared {
            let (patched, patch) = (key.clone(), mark.patch());
            let written = link.call(Access::Write, &key.resource, move |c| c.merge(&patched, &patch, false)).await;
            return written.map(|_| true).map_err(|error| failure(error, &key));
        }
        let uid = live["metadata"]["uid"].as_str().filter(|_| !by_name).map(ToOwned::to_owned);
        let gone = key.clone();
        let deleted = link.call(Access::Delete, &key.resource, move |c| c.delete(&gone, uid.as_deref())).await;
        deleted.map_err(|error| failure(error, &key))?;
        Ok(!matches!(fetch(link, &key).await?, Seen::Object(_)))
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.fleet.clock.now()
    }
}

fn key_type(key: &ObjectKey) -> &crate::intercluster::ResourceType {
    &key.resource
}

/// OCM's `Update`: labels, annotations and ownerReferences merged, finalizers kept, all else replaced.
fn updated(live: &Value, desired: &Value) -> Value {
    let mut next = desired.clone();
    let mut metadata = live["metadata"].clone();
    for field in ["labels", "annotations"] {
        if let Some(wanted) = desired["metadata"].get(field) {
            fields::merge(&mut metadata, &json!({field: wanted}));
        }
    }
    next["metadata"] = metadata;
    next
}
