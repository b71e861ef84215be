//! Delivery: which record is looked at when.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    sync::Arc,
    time::Duration,
};

use futures::{StreamExt, stream::FuturesUnordered};
use jiff::Timestamp;
use serde_json::Value;
use tokio::task::JoinSet;

use super::{
    access::{ClusterAccess, LinkState},
    deliver::{Next, Shared},
    marks::{HubId, OWNERSHIP_LABEL},
    queue::Queue,
    remote::{Remote, Trouble},
    settings::AgentSettings,
    store::RecordStore,
    sync::lock,
    watch::{Follow, Sink},
};
use crate::{
    intercluster::{ClusterName, IntentId, IntentSelector, ObjectKey, ResourceType, Retry},
    time::{Clock, Deadline},
};

/// Delivers the records of a store to the clusters of an access, for as long as it [runs](Self::run).
///
/// # Guarantees
/// As of [`ObjectTransport`](crate::intercluster::ObjectTransport); it holds nothing that is lost with it: whoever runs next finds
/// everything in the records and on the objects. Each cluster has a queue and bounds of its own, so that a dead one delays no
/// other.
///
/// # Assumptions
/// Usually one runs at a time (a leader). Two that overlap do no harm.
#[derive(Debug)]
pub struct Agent {
    shared: Arc<Shared>,
}

impl Agent {
    /// An agent that delivers on behalf of the hub of this id.
    pub fn new(
        store: Arc<dyn RecordStore>,
        access: Arc<dyn ClusterAccess>,
        clock: Arc<dyn Clock>,
        hub: HubId,
        settings: AgentSettings,
    ) -> Self {
        Self { shared: Arc::new(Shared::new(store, access, clock, hub, settings)) }
    }

    /// Delivers until `shutdown` completes. Dropping the future stops everything at once; no step is lost by that.
    pub async fn run(&self, shutdown: impl Future<Output = ()> + Send) {
        let mut workers = Workers { shared: self.shared.clone(), queues: BTreeMap::new(), tasks: JoinSet::new() };
        let deliver = async {
            // Subscribed before the list, so that nothing falls between.
            let mut changes = self.shared.store.watch_content();
            let mut links = self.shared.access.changes();
            for id in self.all_records().await {
                workers.queue(&id.cluster).push(&id.name);
            }
            loop {
                tokio::select! {
                    biased;
                    Some(id) = changes.next() => workers.queue(&id.cluster).push(&id.name),
                    Some(cluster) = links.next() => workers.link_changed(&cluster),
                    else => std::future::pending().await,
                }
            }
        };
        tokio::select! {
            () = deliver => {}
            () = shutdown => {}
        }
    }

    /// The ids of all records, asked for until the store answers.
    async fn all_records(&self) -> Vec<IntentId> {
        let settings = &self.shared.settings;
        let mut delay = settings.retry_first;
        loop {
            let deadline = Deadline::after(settings.request_timeout * 2);
            match self.shared.store.list(&IntentSelector::default(), deadline).await {
                Ok(records) => {
                    let mut index = lock(&self.shared.index);
                    for record in &records {
                        index.set(&record.intent.id, &record.keys().into_iter().collect());
                    }
                    return records.into_iter().map(|r| r.intent.id).collect();
                }
                Err(failure) => tracing::warn!(%failure, "the records cannot be listed"),
            }
            tokio::time::sleep(delay).await;
            delay = (delay * 2).min(settings.retry_most);
        }
    }
}

/// One worker a cluster, begun when the cluster's first record is seen.
struct Workers {
    shared: Arc<Shared>,
    queues: BTreeMap<ClusterName, Arc<Queue>>,
    tasks: JoinSet<()>,
}

impl Workers {
    fn queue(&mut self, cluster: &ClusterName) -> &Arc<Queue> {
        self.queues.entry(cluster.clone()).or_insert_with(|| {
            let queue = Arc::new(Queue::default());
            let worker = Worker {
                shared: self.shared.clone(),
                cluster: cluster.clone(),
                queue: queue.clone(),
                watches: BTreeMap::new(),
            };
            self.tasks.spawn(worker.run());
            queue
        })
    }

    fn link_changed(&mut self, cluster: &ClusterName) {
        let up = self.shared.access.state(cluster) == LinkState::Up;
        // A path that is down for a reason that an operator mends is told to every record, too.
        let told = self.shared.access.state(cluster).failure().is_some_and(|f| !f.class().is_transport());
        if let Some(queue) = self.queues.get(cluster)
            && (up || told)
        {
            queue.wake_all();
        }
    }
}

struct Worker {
    shared: Arc<Shared>,
    cluster: ClusterName,
    queue: Arc<Queue>,
    /// Watches for drift, one a kind; dropping one ends it.
    watches: BTreeMap<ResourceType, JoinSet<()>>,
}

impl Worker {
    async fn run(mut self) {
        let mut passes = FuturesUnordered::new();
        let most = self.shared.settings.per_cluster;
        loop {
            while passes.len() < most
                && let Some(name) = self.queue.take()
            {
                let (shared, id) = (self.shared.clone(), IntentId::new(self.cluster.clone(), name));
                passes.push(async move { (shared.pass(&id).await, id.name) });
            }
            let full = passes.len() >= most;
            tokio::select! {
                biased;
                Some(((next, others), name)) = passes.next() => self.finished(&name, next, &others),
                () = self.queue.wait(), if !full => {}
            }
        }
    }

    fn finished(&mut self, name: &str, next: Next, others: &BTreeSet<String>) {
        let settings = &self.shared.settings;
        match next {
            Next::Forget => self.queue.forget(name),
            Next::Settled | Next::Retry(Retry::OnChange | Retry::Never) => self.queue.settle(name, settings.recheck),
            // Reconnection wakes it; the time is for the case that nobody notices.
            Next::Reconnected => self.queue.settle(name, settings.retry_most),
            Next::Retry(Retry::Backoff | Retry::AfterReread) => {
                self.queue.retry(name, settings.retry_first, settings.retry_most);
            }
            Next::Retry(Retry::Slow) => self.queue.settle(name, settings.retry_slow),
        }
        for other in others {
            self.queue.push(other);
        }
        self.watch_for_drift();
    }

    /// One watch a kind of delivered objects.
    fn watch_for_drift(&mut self) {
        let kinds = lock(&self.shared.index).kinds(&self.cluster);
        self.watches.retain(|kind, _| kinds.binary_search(kind).is_ok());
        let Ok(client) = self.shared.access.client(&self.cluster) else { return };
        let settings = &self.shared.settings;
        for kind in kinds {
            self.watches.entry(kind.clone()).or_insert_with(|| {
                let follow = Follow {
                    remote: Remote {
                        cluster: self.cluster.clone(),
                        client: client.clone(),
                        timeout: settings.request_timeout,
                    },
                    resource: kind.clone(),
                    selector: Some(format!("{OWNERSHIP_LABEL}={}", self.shared.hub)),
                    clock: self.shared.clock.clone(),
                    silence: settings.watch_silence,
                    retry_most: settings.retry_slow.max(Duration::from_secs(1)),
                };
                let (shared, queue, cluster) = (self.shared.clone(), self.queue.clone(), self.cluster.clone());
                let mut watch = JoinSet::new();
                watch.spawn(async move { follow.run(&mut Drift { shared, queue, cluster, resource: kind }).await });
                watch
            });
        }
    }
}

/// Turns news of delivered objects into work.
struct Drift {
    shared: Arc<Shared>,
    queue: Arc<Queue>,
    cluster: ClusterName,
    resource: ResourceType,
}

impl Drift {
    fn key(&self, object: &Value) -> ObjectKey {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        let name = text("/metadata/name").unwrap_or_default();
        ObjectKey::new(self.cluster.clone(), self.resource.clone(), text("/metadata/namespace"), name)
    }

    fn look_at(&self, key: &ObjectKey) {
        for name in lock(&self.shared.index).names(key) {
            self.queue.push(&name);
        }
    }

    fn is_our_write(&self, key: &ObjectKey, object: &Value) -> bool {
        let version = object.pointer("/metadata/resourceVersion").and_then(Value::as_str);
        self.shared.is_our_write(key, version)
    }
}

impl Sink for Drift {
    fn reset(&mut self, objects: Vec<Value>, _: Timestamp) {
        let present: BTreeMap<_, _> = objects.into_iter().map(|object| (self.key(&object), object)).collect();
        let expected = lock(&self.shared.index).of_kind(&self.cluster, &self.resource);
        for key in expected {
            if !present.get(&key).is_some_and(|object| self.is_our_write(&key, object)) {
                self.look_at(&key);
            }
        }
    }

    fn changed(&mut self, object: Value, _: Timestamp) {
        let key = self.key(&object);
        if !self.is_our_write(&key, &object) {
            self.look_at(&key);
        }
    }

    fn deleted(&mut self, object: Value, _: Timestamp) {
        self.look_at(&self.key(&object));
    }

    fn current(&mut self, _: Timestamp) {}

    fn lost(&mut self, trouble: &Trouble) {
        tracing::debug!(cluster = %self.cluster, kind = %self.resource.kind, ?trouble, "the watch for drift was lost");
    }
}
