//! One pass over one record.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use serde_json::Value;

use super::{
    access::{ClusterAccess, LinkState},
    compare::Divergence,
    index::Index,
    marks::{HubId, Mark},
    rank::rank,
    release::Released,
    remote::Remote,
    settings::AgentSettings,
    store::{RecordStore, Report, StoredRecord},
    sync::lock,
};
use crate::{
    intercluster::{Failure, IntentId, IntentSelector, Manifest, ObjectKey, ObjectResult, RemoteObject, Retry},
    time::{Clock, Deadline},
};

/// What all passes share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) store: Arc<dyn RecordStore>,
    pub(super) access: Arc<dyn ClusterAccess>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) hub: HubId,
    pub(super) settings: AgentSettings,
    /// Which records name which objects.
    pub(super) index: Mutex<Index>,
    /// What was last written or found to be right.
    known: Mutex<BTreeMap<ObjectKey, Known>>,
}

/// An object after our last write.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) uid: Option<String>,
    pub(super) version: Option<String>,
    pub(super) generation: Option<i64>,
    /// Fields that the cluster dropped.
    pub(super) pruned: Vec<String>,
}

/// When to look at a record again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Never: it is gone.
    Forget,
    /// All is as it should be: after the regular time.
    Settled,
    /// Once the cluster answers.
    Reconnected,
    /// As the failure says.
    Retry(Retry),
}

impl Shared {
    pub(super) fn new(
        store: Arc<dyn RecordStore>,
        access: Arc<dyn ClusterAccess>,
        clock: Arc<dyn Clock>,
        hub: HubId,
        settings: AgentSettings,
    ) -> Self {
        Self { store, access, clock, hub, settings, index: Mutex::default(), known: Mutex::default() }
    }

    pub(super) fn remember(&self, key: &ObjectKey, known: Known) {
        lock(&self.known).insert(key.clone(), known);
    }

    /// The fields that the cluster dropped from the object at the last write, in words.
    pub(super) fn pruned(&self, key: &ObjectKey) -> Option<String> {
        let fields = lock(&self.known).get(key)?.pruned.join(", ");
        (!fields.is_empty()).then_some(fields)
    }

    /// Whether the version of the object is the one that our last write left.
    pub(super) fn is_our_write(&self, key: &ObjectKey, version: Option<&str>) -> bool {
        version.is_some() && lock(&self.known).get(key).is_some_and(|k| k.version.as_deref() == version)
    }

    /// Whether an object at our revision is still as the manifest says.
    pub(super) fn is_converged(&self, key: &ObjectKey, manifest: &Manifest, live: &Value) -> bool {
        let object = RemoteObject::new(live.clone());
        let known = lock(&self.known).get(key).cloned().filter(|k| k.uid.as_deref() == object.uid());
        if known.as_ref().is_some_and(|k| k.version.as_deref() == object.version()) {
            return true;
        }
        // The server raises the generation with every change of the content: only the metadata is left to compare.
        let same_content =
            known.as_ref().is_some_and(|k| k.generation.is_some() && k.generation == object.generation());
        if same_content {
            let metadata = |object: &Value| object.get("metadata").cloned().unwrap_or_default();
            return Divergence::between(&metadata(&manifest.object), &metadata(live)).is_none();
        }
        let divergence = Divergence::between(&manifest.object, live);
        let pruned = known.map(|k| k.pruned).unwrap_or_default();
        divergence.different.is_empty() && divergence.missing.iter().all(|field| pruned.contains(field))
    }

    /// The record that holds an object, if it still does.
    pub(super) async fn live_holder(
        &self,
        key: &ObjectKey,
        name: &str,
        deadline: Deadline,
    ) -> Result<Option<StoredRecord>, Failure> {
        let holder = self.store.get(&IntentId::new(key.cluster.clone(), name), deadline).await?;
        Ok(holder.filter(|r| r.ending.is_none() && r.keys().contains(key)))
    }

    /// Whether another record, not ended, names the object, as the store says now: the index knows only the records that this
    /// process looked at. It counts for records that the store cannot list because they cannot be read.
    pub(super) async fn is_wanted_by_another(
        &self,
        key: &ObjectKey,
        record: &StoredRecord,
        deadline: Deadline,
    ) -> Result<bool, Failure> {
        let selector = IntentSelector { cluster: Some(key.cluster.clone()), ..IntentSelector::default() };
        let listed = self.store.list(&selector, deadline).await?;
        let wants = |r: &StoredRecord| r.intent.id != record.intent.id && r.ending.is_none() && r.keys().contains(key);
        if listed.iter().any(wants) {
            return Ok(true);
        }
        let names = lock(&self.index).names(key);
        for name in names.into_iter().filter(|name| *name != record.intent.id.name) {
            if self.live_holder(key, &name, deadline).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn forget(&self, id: &IntentId) {
        let unnamed = lock(&self.index).set(id, &BTreeSet::new());
        let mut known = lock(&self.known);
        for key in unnamed {
            known.remove(&key);
        }
    }

    /// Looks at a record and does what it asks for. The names are those of other records to look at because of it.
    pub(super) async fn pass(&self, id: &IntentId) -> (Next, BTreeSet<String>) {
        let deadline = Deadline::after(self.settings.request_timeout * 4);
        let record = match self.store.get(id, deadline).await {
            Ok(Some(record)) => record,
            Ok(None) => {
                self.forget(id);
                return (Next::Forget, BTreeSet::new());
            }
            Err(failure) => {
                tracing::warn!(%id, %failure, "the record cannot be read");
                return (Next::Retry(failure.retry()), BTreeSet::new());
            }
        };
        let mut keys: BTreeSet<_> = record.keys().into_iter().collect();
        keys.extend(record.report.iter().flat_map(|r| r.objects.iter().map(|o| o.key.clone())));
        lock(&self.index).set(id, &keys);
        let next = self.deliver(record, deadline).await.unwrap_or_else(|failure| {
            tracing::warn!(%id, %failure, "the delivery could not be recorded");
            Next::Retry(failure.retry())
        });
        if next != Next::Forget {
            return (next, BTreeSet::new());
        }
        self.forget(id);
        let index = lock(&self.index);
        (next, keys.iter().flat_map(|key| index.names(key)).collect())
    }

    async fn deliver(&self, mut record: StoredRecord, deadline: Deadline) -> Result<Next, Failure> {
        let cluster = record.intent.id.cluster.clone();
        let client = match (self.access.client(&cluster), self.access.state(&cluster)) {
            (Err(failure), _) | (_, LinkState::Down(failure)) => Err(failure),
            (Ok(_), LinkState::Connecting) => return Ok(Next::Reconnected),
            (Ok(client), LinkState::Up) => Ok(client),
        };
        let client = match client {
            Ok(client) => client,
            // What was accepted stays so while the cluster is away; what an operator has to mend is said.
            Err(failure) if failure.class().is_transport() => return Ok(Next::Reconnected),
            Err(failure) => return self.report_all(&record, &failure, deadline).await.map(|()| Next::Reconnected),
        };
        if !record.held && record.ending.is_none() {
            record = self.store.hold(&record, deadline).await?;
        }
        let remote = Remote { cluster, client, timeout: self.settings.request_timeout };
        let mark = Mark::of(&record, &self.hub);
        let seen = record.report.as_ref().map_or(0, |r| r.seen);
        Pass { shared: self, remote, mark, deadline, seen, record, just_read: true }.run().await
    }

    /// Reports one failure for all objects.
    async fn report_all(&self, record: &StoredRecord, failure: &Failure, deadline: Deadline) -> Result<(), Failure> {
        if record.ending.is_some() {
            return Ok(());
        }
        let result = |key: ObjectKey| {
            let last = record.last(&key).cloned();
            let (uid, generation) = last.map_or((None, None), |l| (l.uid, l.generation));
            ObjectResult { key, uid, generation, failure: Some(failure.clone()) }
        };
        let keys = record.keys();
        // Objects that earlier revisions named stay on record until they are gone.
        let earlier = record.report.iter().flat_map(|r| &r.objects).filter(|o| !keys.contains(&o.key)).cloned();
        let objects = keys.iter().cloned().map(result).chain(earlier).collect();
        let seen = record.report.as_ref().map_or(0, |r| r.seen);
        self.report(record, objects, seen, deadline).await
    }

    /// Records what became of the objects, if it is not on record already.
    async fn report(
        &self,
        record: &StoredRecord,
        objects: Vec<ObjectResult>,
        seen: u64,
        deadline: Deadline,
    ) -> Result<(), Failure> {
        let revision = record.revision.clone();
        if let Some(last) = &record.report
            && last.revision == revision
            && last.objects == objects
            && last.seen == seen
        {
            return Ok(());
        }
        let report = Report { revision, at: self.clock.now(), objects, seen };
        self.store.report(record, &report, deadline).await
    }
}

/// A pass over one record on one cluster.
pub(super) struct Pass<'a> {
    pub(super) shared: &'a Shared,
    pub(super) remote: Remote,
    pub(super) mark: Mark,
    pub(super) deadline: Deadline,
    /// Greatest number of this intent seen on the cluster.
    pub(super) seen: u64,
    pub(super) record: StoredRecord,
    /// Nothing was asked of the cluster since the record was read.
    pub(super) just_read: bool,
}

impl Pass<'_> {
    async fn run(self) -> Result<Next, Failure> {
        if self.record.ending.is_some() { self.run_ending().await } else { self.run_delivery().await }
    }

    async fn run_delivery(mut self) -> Result<Next, Failure> {
        let manifests = self.record.intent.manifests.clone();
        let mut order: Vec<_> = manifests.iter().enumerate().collect();
        order.sort_by_key(|(index, manifest)| (rank(&manifest.resource), *index));
        let mut results = BTreeMap::new();
        for (index, manifest) in order {
            results.insert(index, self.apply(manifest).await);
        }
        let mut objects: Vec<_> = results.into_values().collect();
        let retry = soonest(objects.iter().filter_map(|o| o.failure.as_ref()));
        let dropped = self.release_dropped().await;
        let waiting = !dropped.is_empty();
        objects.extend(dropped);
        // A path that broke in the middle of the pass says nothing about the intent.
        if let LinkState::Down(failure) = self.shared.access.state(&self.remote.cluster)
            && failure.class().is_transport()
        {
            return Ok(Next::Reconnected);
        }
        self.shared.report(&self.record, objects, self.seen, self.deadline).await?;
        Ok(match retry {
            Some(retry) => Next::Retry(retry),
            None if waiting => Next::Retry(Retry::Backoff),
            None => Next::Settled,
        })
    }

    /// Lets go of objects that earlier revisions named and this one does not. Answers with those that are not gone yet.
    async fn release_dropped(&self) -> Vec<ObjectResult> {
        let keys = self.record.keys();
        let last = self.record.report.iter().flat_map(|r| &r.objects);
        let mut left = Vec::new();
        for object in last.filter(|o| !keys.contains(&o.key)) {
            let failure = match self.release(&object.key, object.uid.as_deref(), self.record.intent.on_delete).await {
                Ok(Released::Done) => continue,
                Ok(Released::Waiting) => None,
                Err(failure) => Some(failure),
            };
            left.push(ObjectResult { failure, ..object.clone() });
        }
        left
    }

    async fn run_ending(self) -> Result<Next, Failure> {
        let policy = self.record.ending.unwrap_or_default();
        let mut keys = self.record.keys();
        let earlier = self.record.report.iter().flat_map(|r| r.objects.iter().map(|o| o.key.clone()));
        for key in earlier {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        // What needs others goes before them.
        keys.sort_by_key(|key| std::cmp::Reverse(rank(&key.resource)));
        let (mut results, mut waiting) = (Vec::new(), false);
        for key in keys {
            let last = self.record.last(&key).cloned();
            let uid = last.as_ref().and_then(|l| l.uid.clone());
            let failure = match self.release(&key, uid.as_deref(), policy).await {
                Ok(Released::Done) => continue,
                Ok(Released::Waiting) => None,
                Err(failure) => Some(failure),
            };
            waiting = true;
            let generation = last.and_then(|l| l.generation);
            results.push(ObjectResult { key, uid, generation, failure });
        }
        if !waiting {
            self.shared.store.finish(&self.record, self.deadline).await?;
            return Ok(Next::Forget);
        }
        let retry = soonest(results.iter().filter_map(|o| o.failure.as_ref())).unwrap_or(Retry::Backoff);
        Ok(Next::Retry(retry))
    }
}

/// The soonest of the retries that the failures call for.
fn soonest<'a>(failures: impl Iterator<Item = &'a Failure>) -> Option<Retry> {
    failures.map(Failure::retry).min_by_key(|retry| match retry {
        Retry::AfterReread => 0,
        Retry::Backoff => 1,
        Retry::Slow => 2,
        Retry::OnChange => 3,
        Retry::Never => 4,
    })
}
