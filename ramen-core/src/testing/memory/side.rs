//! A running hub side: one task for each cluster, which connects, delivers and observes.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::{
    channel::mpsc::{UnboundedSender, unbounded},
    future::join_all,
};
use jiff::Timestamp;
use tokio::{sync::Notify, task::AbortHandle};

use super::{
    Defect, Fleet,
    link::{Access, CallError, Link},
    records::{Entry, locked},
    view::Cached,
};
use crate::intercluster::{
    ClusterName, Delivery, Failure, FailureClass, Intent, IntentRecord, ObjectKey, OutcomeKind, ResourceType, Revision,
    ViewChange,
};

const PASS_EVERY: Duration = Duration::from_secs(1);
/// Longest pause between two attempts to connect.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// So many failed attempts in a row make a cluster lost.
const LOST_AFTER: u32 = 3;

/// What is known of the way to a cluster.
#[derive(Debug, Clone, Default)]
pub(crate) struct Health {
    pub(crate) failures: u32,
    pub(crate) failure: Option<Failure>,
    /// When the first of the failures was seen, or when the present connection began.
    pub(crate) since: Option<Timestamp>,
    /// The id of another cluster to which the endpoint leads.
    pub(crate) elsewhere: Option<String>,
}

impl Health {
    /// The failure with which reads are answered without being tried.
    pub(crate) fn lost(&self) -> Option<Failure> {
        let failure = self.failure.as_ref()?;
        (self.failures >= LOST_AFTER && failure.class().is_transport())
            .then(|| Failure::new(FailureClass::Unreachable, failure.cause()))
    }
}

#[derive(Debug)]
pub(crate) struct Side {
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) instance: u64,
    pub(crate) health: Mutex<BTreeMap<ClusterName, Health>>,
    pub(crate) cache: Mutex<BTreeMap<ObjectKey, Cached>>,
    pub(crate) wake: BTreeMap<ClusterName, Notify>,
    listeners: Mutex<Vec<UnboundedSender<ViewChange>>>,
    previous: Mutex<BTreeMap<String, Vec<Intent>>>,
}

/// Ends the tasks of a hub side with its last handle.
#[derive(Debug)]
pub(crate) struct Tasks(pub(crate) Vec<AbortHandle>);

impl Drop for Tasks {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

impl Side {
    pub(crate) fn new(fleet: Arc<Fleet>, instance: u64) -> Self {
        let wake = fleet.links.keys().map(|name| (name.clone(), Notify::new())).collect();
        Self {
            fleet,
            instance,
            wake,
            health: Mutex::default(),
            cache: Mutex::default(),
            listeners: Mutex::default(),
            previous: Mutex::default(),
        }
    }

    pub(crate) fn lacks(&self, defect: Defect) -> bool {
        self.fleet.defect == Some(defect)
    }

    pub(crate) fn health(&self, cluster: &ClusterName) -> Health {
        locked(&self.health).get(cluster).cloned().unwrap_or_default()
    }

    /// Keeps one cluster up to date until the task is ended.
    pub(crate) async fn run(self: Arc<Self>, cluster: ClusterName) {
        let Some(link) = self.fleet.links.get(&cluster).cloned() else { return };
        loop {
            let connected = self.pass(&cluster, &link).await;
            let failures = self.health(&cluster).failures;
            if connected {
                let woken = async {
                    match self.wake.get(&cluster) {
                        Some(wake) => wake.notified().await,
                        None => std::future::pending().await,
                    }
                };
                let _ = tokio::time::timeout(PASS_EVERY, woken).await;
            } else if self.lacks(Defect::Hammers) {
                tokio::time::sleep(Duration::from_millis(100)).await;
            } else {
                tokio::time::sleep(self.pause(&cluster, failures)).await;
            }
        }
    }

    /// Grows with the attempts and differs between clusters, hub sides and attempts, so that they do not return all at once.
    fn pause(&self, cluster: &ClusterName, failures: u32) -> Duration {
        let longest = LONGEST_PAUSE.min(PASS_EVERY.saturating_mul(1 << failures.min(10)));
        let mut hasher = DefaultHasher::new();
        (cluster, self.instance, failures).hash(&mut hasher);
        longest.mul_f64(0.5 + (hasher.finish() % 1000) as f64 / 2000.0)
    }

    async fn pass(&self, cluster: &ClusterName, link: &Link) -> bool {
        if !self.connect(cluster, link).await {
            return false;
        }
        if !self.fleet.is_registered(cluster) {
            return true;
        }
        let entries: Vec<Entry> = {
            let durable = self.fleet.records.lock();
            durable.entries.values().filter(|e| e.record.intent.id.cluster == *cluster).cloned().collect()
        };
        join_all(entries.into_iter().map(|entry| self.deliver(link, entry))).await;
        if self.lacks(Defect::MirrorsLoss) {
            self.delete_without_record(cluster, link).await;
        }
        self.observe(cluster, link).await;
        true
    }

    /// Verifies that the endpoint answers and is the cluster that it was, each time.
    pub(crate) async fn connect(&self, cluster: &ClusterName, link: &Link) -> bool {
        let namespaces = ResourceType::of::<k8s_openapi::api::core::v1::Namespace>();
        let answer = link.call(Access::Read, &namespaces, |cluster| Ok(cluster.uid().to_owned())).await;
        let now = self.now();
        let expected = {
            let mut durable = self.fleet.records.lock();
            match &answer {
                Ok(uid) => Some(durable.identities.entry(cluster.clone()).or_insert_with(|| uid.clone()).clone()),
                Err(_) => None,
            }
        };
        let (lost_now, found_again) = {
            let mut all = locked(&self.health);
            let health = all.entry(cluster.clone()).or_default();
            let was_lost = health.lost().is_some();
            match answer {
                Ok(uid) => {
                    let other = Some(&uid) != expected.as_ref() && !self.lacks(Defect::SkipsIdentity);
                    let since = health.since.filter(|_| health.failure.is_none()).or(Some(now));
                    *health = Health { since, elsewhere: other.then_some(uid), ..Health::default() };
                }
                Err(CallError::Way(failure)) => {
                    let since = health.since.filter(|_| health.failure.is_some()).or(Some(now));
                    health.failures += 1;
                    *health = Health { failure: Some(failure), since, elsewhere: None, failures: health.failures };
                }
                // A refusal about the namespace is an answer all the same, though not one that proves who answered.
                Err(CallError::Api(_)) => health.elsewhere = None,
            }
            (health.lost().is_some() && !was_lost, was_lost && health.failure.is_none())
        };
        if lost_now {
            self.announce_all(cluster, OutcomeKind::Unreachable);
        }
        if found_again {
            // Whoever waits for one of these looks again, whether it changed or not.
            locked(&self.cache).iter_mut().filter(|(k, _)| k.cluster == *cluster).for_each(|(_, c)| c.announced = None);
        }
        let health = self.health(cluster);
        health.failure.is_none() && health.elsewhere.is_none()
    }

    /// Only the defect `MirrorsLoss` does this.
    async fn delete_without_record(&self, cluster: &ClusterName, link: &Link) {
        let known: Vec<String> = {
            let durable = self.fleet.records.lock();
            durable.entries.keys().filter(|id| id.cluster == *cluster).map(|id| id.name.clone()).collect()
        };
        for object in link.own().list(|object| {
            let mark = super::mark::Mark::of(object);
            !mark.is_empty() && !known.iter().any(|name| mark.holds(name))
        }) {
            if let Some(key) = super::key_of(cluster, &object) {
                let _ = link.own().delete(&key, None);
            }
        }
    }

    /// The record of an ended intent goes; what was put meanwhile takes its place.
    pub(crate) fn finish(&self, entry: &Entry) {
        let id = entry.record.intent.id.clone();
        let incarnation = self.fleet.records.serial();
        let mut durable = self.fleet.records.lock();
        if durable.entries.get(&id).is_none_or(|present| present.version != entry.version) {
            return;
        }
        if let Some(next) = durable.entries.remove(&id).and_then(|ended| ended.next) {
            durable.entries.insert(id.clone(), fresh(next, incarnation));
        }
        drop(durable);
        self.fleet.records.announce(&id);
    }

    /// What the record said before; only the defect `Reorders` asks.
    pub(crate) fn previous(&self, intent: &Intent) -> Option<Intent> {
        let mut previous = locked(&self.previous);
        let seen = previous.entry(intent.id.to_string()).or_default();
        if seen.last() != Some(intent) {
            seen.push(intent.clone());
            return seen.len().checked_sub(2).map(|i| seen[i].clone());
        }
        None
    }

    pub(crate) fn listen(&self) -> futures::channel::mpsc::UnboundedReceiver<ViewChange> {
        let (sender, receiver) = unbounded();
        locked(&self.listeners).push(sender);
        receiver
    }

    pub(crate) fn announce(&self, change: &ViewChange) {
        locked(&self.listeners).retain(|l| l.unbounded_send(change.clone()).is_ok());
    }

    fn announce_all(&self, cluster: &ClusterName, outcome: OutcomeKind) {
        for key in self.registered(cluster) {
            self.announce(&ViewChange { key, outcome, version: None });
        }
    }
}

/// The record of an intent that was just accepted.
pub(crate) fn fresh(intent: Intent, incarnation: u64) -> Entry {
    let revision = Revision { incarnation: incarnation.to_string(), number: 1 };
    Entry {
        record: IntentRecord { intent, revision, delivery: Delivery::Accepted, objects: Vec::new() },
        ending: None,
        next: None,
        version: incarnation,
        queue: Vec::new(),
    }
}
