//! Observation of the clusters in memory.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use futures::{StreamExt, future::join_all, stream::BoxStream};
use jiff::Timestamp;

use super::{
    Defect, InMemoryTransport,
    deliver::{Seen, fetch},
    link::Link,
    records::{Claimed, locked},
    side::Side,
};
use crate::{
    intercluster::{
        ClusterName, ClusterView, Delivery, Failure, FailureClass, Freshness, ObjectKey, Observation, Outcome,
        OutcomeKind, Registration, RemoteObject, Source, ViewCapabilities, ViewChange,
    },
    time::Deadline,
};

const LARGEST_OBJECT: usize = 64 * 1024;
const COLLECT_WITHIN: Duration = Duration::from_secs(600);

/// What was seen of a registered object last.
#[derive(Debug, Clone)]
pub(crate) struct Cached {
    pub(crate) seen: Observation,
    /// What listeners were told last; `None`: to be told again.
    pub(crate) announced: Option<(OutcomeKind, Option<String>)>,
}

#[async_trait]
impl ClusterView for InMemoryTransport {
    fn capabilities(&self) -> ViewCapabilities {
        ViewCapabilities {
            name: "in memory".into(),
            steady_within: Duration::from_secs(30),
            detect_within: Duration::from_secs(60),
            notify_within: Duration::from_secs(30),
            collect_within: COLLECT_WITHIN,
            live_reads: true,
            watches: false,
            max_object_bytes: LARGEST_OBJECT,
        }
    }

    async fn read(&self, key: &ObjectKey, freshness: &Freshness, deadline: Deadline) -> Observation {
        let failed = |class, cause: &str| {
            Observation::failed(key.clone(), Failure::new(class, cause).on(key.cluster.clone()).about(key))
        };
        let Some(link) =
            self.side.fleet.links.get(&key.cluster).filter(|_| self.side.fleet.is_registered(&key.cluster))
        else {
            return failed(FailureClass::UnknownCluster, "no such cluster is registered");
        };
        if key.resource.kind == "Secret" && key.resource.group.is_empty() && !self.side.lacks(Defect::ShowsSecrets) {
            return failed(FailureClass::Unsupported, "Secrets are not viewed");
        }
        match tokio::time::timeout_at(deadline.instant(), self.side.read(link, key, freshness)).await {
            Ok(seen) => seen,
            Err(_) => failed(FailureClass::TimedOut, "no answer by the deadline"),
        }
    }

    async fn register(&self, registration: &Registration, _: Deadline) -> Result<(), Failure> {
        let claimed =
            Claimed { registration: registration.clone(), instance: self.side.instance, claimed_at: self.side.now() };
        let at = (registration.key.clone(), registration.registrant.clone());
        self.side.fleet.records.lock().registrations.insert(at, claimed);
        if let Some(wake) = self.side.wake.get(&registration.key.cluster) {
            wake.notify_one();
        }
        Ok(())
    }

    async fn unregister(&self, key: &ObjectKey, registrant: &str, _: Deadline) -> Result<(), Failure> {
        self.side.fleet.records.lock().registrations.remove(&(key.clone(), registrant.to_owned()));
        if !self.side.registered(&key.cluster).contains(key) {
            locked(&self.side.cache).remove(key);
        }
        Ok(())
    }

    async fn registrations(
        &self,
        labels: &BTreeMap<String, String>,
        _: Deadline,
    ) -> Result<Vec<Registration>, Failure> {
        let durable = self.side.fleet.records.lock();
        let wanted = durable.registrations.values().map(|claimed| &claimed.registration);
        Ok(wanted.filter(|r| labels.iter().all(|(k, v)| r.labels.get(k) == Some(v))).cloned().collect())
    }

    fn changes(&self) -> BoxStream<'static, ViewChange> {
        self.side.listen().boxed()
    }
}

impl Side {
    async fn read(&self, link: &Link, key: &ObjectKey, freshness: &Freshness) -> Observation {
        if let Some((id, revision)) = &freshness.after {
            let record = self.fleet.records.lock().entries.get(id).map(|entry| entry.record.clone());
            let applied = record.filter(|record| record.is_applied() && record.revision.includes(revision));
            let Some(record) = applied else { return self.without_reading(key, Outcome::Pending) };
            let since = match record.delivery {
                Delivery::Applied { at, .. } => at,
                _ => self.now(),
            };
            let seen = self.within(link, key, freshness.max_age).await;
            let seen = match seen.observed_at {
                Some(at) if at >= since => seen,
                _ => self.live(link, key).await,
            };
            let expected = record.objects.iter().find(|o| o.key == *key);
            if let (Some(object), Some(expected)) = (seen.outcome.found(), expected)
                && (object.uid() != expected.uid.as_deref() || object.generation() < expected.generation)
            {
                return self.without_reading(key, Outcome::Pending);
            }
            return seen;
        }
        self.within(link, key, freshness.max_age).await
    }

    async fn within(&self, link: &Link, key: &ObjectKey, max_age: Option<Duration>) -> Observation {
        let cached = locked(&self.cache).get(key).map(|cached| cached.seen.clone());
        if let (None, Some(cached)) = (max_age, &cached) {
            return cached.clone();
        }
        if let Some(failure) = self.health(&key.cluster).lost() {
            let failure = failure.on(key.cluster.clone()).about(key);
            return Observation { outcome: failure.into(), ..cached.unwrap_or_else(|| self.nothing(key)) };
        }
        let fresh = cached.as_ref().filter(|seen| {
            let age = seen.age(self.now());
            max_age.is_some_and(|max| !max.is_zero() && age.is_some_and(|age| age <= max))
        });
        if let Some(fresh) = fresh {
            return fresh.clone();
        }
        self.live(link, key).await
    }

    /// A read that begins now.
    async fn live(&self, link: &Link, key: &ObjectKey) -> Observation {
        let began = if self.lacks(Defect::TrustsClusterClock) { link.own().now() } else { self.now() };
        if !self.connect(&key.cluster, link).await {
            let health = self.health(&key.cluster);
            let failure = match (health.failure, health.elsewhere) {
                (Some(failure), _) => failure,
                (None, found) => {
                    let cause = format!("the endpoint leads to another cluster, of id {}", found.unwrap_or_default());
                    Failure::new(FailureClass::UnknownCluster, cause)
                }
            };
            return Observation::failed(key.clone(), failure.on(key.cluster.clone()).about(key));
        }
        let outcome = match fetch(link, key).await {
            Ok(Seen::Object(object)) => {
                let size = object.to_string().len();
                if size > LARGEST_OBJECT {
                    let cause = format!("the object has {size} bytes, at most {LARGEST_OBJECT} are returned");
                    Failure::new(FailureClass::Malformed, cause).on(key.cluster.clone()).about(key).into()
                } else {
                    Outcome::Found(RemoteObject::new(object))
                }
            }
            Ok(Seen::Absent) => Outcome::Absent,
            Ok(Seen::KindAbsent) => Outcome::KindAbsent,
            Err(failure) => return Observation::failed(key.clone(), failure),
        };
        Observation { key: key.clone(), outcome, observed_at: Some(began), source: Source::Live }
    }

    /// One round over all registered objects of a cluster, and over the claims on them.
    pub(crate) async fn observe(&self, cluster: &ClusterName, link: &Link) {
        self.claim(cluster);
        let keys = self.registered(cluster);
        join_all(keys.into_iter().map(|key| async move {
            let seen = self.live(link, &key).await;
            let kind = seen.outcome.kind();
            let version = seen.outcome.found().and_then(RemoteObject::version).map(ToOwned::to_owned);
            let told = (kind, version.clone());
            let before = {
                let mut cache = locked(&self.cache);
                let before = cache.remove(&key);
                // A failed read does not take the place of what was seen; it is told all the same.
                let kept =
                    if seen.observed_at.is_some() { seen } else { before.as_ref().map_or(seen, |b| b.seen.clone()) };
                cache.insert(key.clone(), Cached { seen: kept, announced: Some(told.clone()) });
                before.and_then(|cached| cached.announced)
            };
            if before != Some(told) {
                self.announce(&ViewChange { key, outcome: kind, version });
            }
        }))
        .await;
    }

    fn claim(&self, cluster: &ClusterName) {
        let now = self.now();
        let mut durable = self.fleet.records.lock();
        let unclaimed = |claimed: &Claimed| {
            let age = Duration::try_from(now.duration_since(claimed.claimed_at)).unwrap_or_default();
            age > COLLECT_WITHIN / 2 && !self.lacks(Defect::KeepsUnclaimed)
        };
        durable.registrations.retain(|(key, _), claimed| key.cluster != *cluster || !unclaimed(claimed));
        for claimed in durable.registrations.values_mut().filter(|c| c.instance == self.instance) {
            claimed.claimed_at = now;
        }
    }

    pub(crate) fn registered(&self, cluster: &ClusterName) -> Vec<ObjectKey> {
        let durable = self.fleet.records.lock();
        let mut keys: Vec<_> =
            durable.registrations.keys().map(|(k, _)| k).filter(|k| k.cluster == *cluster).cloned().collect();
        keys.dedup();
        keys
    }

    fn nothing(&self, key: &ObjectKey) -> Observation {
        self.without_reading(key, Outcome::Pending)
    }

    fn without_reading(&self, key: &ObjectKey, outcome: Outcome) -> Observation {
        Observation { key: key.clone(), outcome, observed_at: None::<Timestamp>, source: Source::Path }
    }
}
