//! Answering one read.

use jiff::Timestamp;

use super::{Observer, cache::Cached, refuse_secret};
use crate::{
    intercluster::{
        Failure, FailureClass, Freshness, IntentId, ObjectKey, Observation, Outcome, RemoteObject, Revision, Source,
        agent::{
            LinkState,
            remote::{Remote, Trouble},
            sync::lock,
        },
    },
    time::Deadline,
};

/// What an object must be at least, after a revision of an intent was applied.
struct Floor {
    at: Timestamp,
    uid: Option<String>,
    generation: Option<i64>,
}

impl Floor {
    /// Whether this object, seen at that time, is the one of the revision or a later state of it.
    fn admits(&self, object: &RemoteObject, seen: Timestamp) -> bool {
        let same = self.uid.is_none() || self.uid.as_deref() == object.uid();
        let not_older = self.generation.is_none() || object.generation() >= self.generation;
        same && not_older && seen >= self.at
    }
}

impl Observer {
    pub(super) async fn read_fresh(&self, key: &ObjectKey, freshness: &Freshness, deadline: Deadline) -> Observation {
        let failed = |failure: Failure| Observation::failed(key.clone(), failure.on(key.cluster.clone()).about(key));
        if let Err(failure) = refuse_secret(key) {
            return failed(failure);
        }
        let client = match self.state.access.client(&key.cluster) {
            Ok(client) => client,
            Err(failure) => return failed(failure),
        };
        if deadline.has_passed() {
            return failed(Failure::new(FailureClass::TimedOut, "the deadline had passed before the read began"));
        }
        let floor = match &freshness.after {
            None => None,
            Some((id, revision)) => match self.floor(id, revision, key, deadline).await {
                Ok(Some(floor)) => Some(floor),
                Ok(None) => return self.pending(key, None),
                Err(failure) => return failed(failure),
            },
        };
        // A path that is known to be lost answers no question about the present, however lenient.
        let lost = match self.state.access.state(&key.cluster) {
            LinkState::Down(failure) => Some(failure),
            LinkState::Connecting | LinkState::Up => None,
        };
        if let Some(seen) = self.cached(key, freshness, floor.as_ref(), lost.is_some()) {
            return seen;
        }
        if let Some(failure) = lost {
            return failed(failure);
        }
        let remote = Remote { cluster: key.cluster.clone(), client, timeout: self.state.settings.request_timeout };
        let seen = self.live(&remote, key, deadline).await;
        match (&seen.outcome, floor) {
            (Outcome::Found(object), Some(floor)) if !floor.admits(object, seen.observed_at.unwrap_or(floor.at)) => {
                self.pending(key, seen.observed_at)
            }
            _ => seen,
        }
    }

    fn pending(&self, key: &ObjectKey, observed_at: Option<Timestamp>) -> Observation {
        Observation { key: key.clone(), outcome: Outcome::Pending, observed_at, source: Source::Path }
    }

    /// What the watch knows, if that is fresh enough.
    fn cached(&self, key: &ObjectKey, freshness: &Freshness, floor: Option<&Floor>, lost: bool) -> Option<Observation> {
        let cache = self.cache(key)?;
        let (current, cached) = {
            let cache = lock(&cache);
            (cache.is_current() && !lost, cache.get(key))
        };
        let (outcome, at) = match cached {
            Cached::Found(object, at) => (Outcome::Found(object), at),
            Cached::Absent(at) => (Outcome::Absent, at),
            Cached::Unknown => return None,
        };
        let seen = Observation { key: key.clone(), outcome, observed_at: Some(at), source: Source::Watch };
        if let Some(floor) = floor
            && !seen.outcome.found().is_some_and(|object| floor.admits(object, at))
        {
            return None;
        }
        match freshness.max_age {
            None => Some(seen),
            Some(most) => {
                let fresh = !most.is_zero() && seen.age(self.state.clock.now()).is_some_and(|age| age <= most);
                (current && fresh).then_some(seen)
            }
        }
    }

    /// A read that begins now.
    async fn live(&self, remote: &Remote, key: &ObjectKey, deadline: Deadline) -> Observation {
        let permits = self.state.permits(&key.cluster);
        let Ok(Ok(_permit)) = tokio::time::timeout_at(deadline.instant(), permits.acquire()).await else {
            let cause = format!("{} reads of the cluster are under way", self.state.settings.live_reads);
            let failure = Failure::new(FailureClass::Throttled, cause).on(key.cluster.clone()).about(key);
            return Observation::failed(key.clone(), failure);
        };
        let began = self.state.clock.now();
        let outcome = match remote.get(key, deadline).await {
            Ok(Some(object)) => self.found(key, RemoteObject::new(object)),
            Ok(None) => Outcome::Absent,
            Err(Trouble::KindAbsent) => Outcome::KindAbsent,
            Err(trouble) => self.unanswered(key, trouble.into_failure(key)),
        };
        let observed_at = outcome.failure().is_none().then_some(began);
        Observation { key: key.clone(), outcome, observed_at, source: Source::Live }
    }

    fn found(&self, key: &ObjectKey, object: RemoteObject) -> Outcome {
        let (bytes, most) = (object.json().to_string().len(), self.state.settings.max_object_bytes);
        if bytes > most {
            let cause = format!("the object has {bytes} bytes, {most} can be returned");
            return Outcome::Malformed(Failure::new(FailureClass::Malformed, cause).on(key.cluster.clone()).about(key));
        }
        if self.state.is_registered(key)
            && let Some(cache) = self.cache(key)
        {
            lock(&cache).fill(key, &object);
        }
        Outcome::Found(object)
    }

    /// No answer on a path that is lost by now is the path's failure.
    fn unanswered(&self, key: &ObjectKey, failure: Failure) -> Outcome {
        match self.state.access.state(&key.cluster) {
            LinkState::Down(lost) if failure.class() == FailureClass::TimedOut => {
                Outcome::from(lost.on(key.cluster.clone()).about(key))
            }
            _ => Outcome::from(failure),
        }
    }

    /// What an object must be after this revision was applied; `None` if it is not applied yet.
    async fn floor(
        &self,
        id: &IntentId,
        revision: &Revision,
        key: &ObjectKey,
        deadline: Deadline,
    ) -> Result<Option<Floor>, Failure> {
        let record = self.state.records.get(id, deadline).await?;
        let Some(report) = record.and_then(|r| r.report).filter(|r| r.revision.includes(revision)) else {
            return Ok(None);
        };
        if report.objects.iter().any(|object| object.failure.is_some()) {
            return Ok(None);
        }
        let object = report.objects.iter().find(|object| object.key == *key);
        let (uid, generation) = object.map_or((None, None), |o| (o.uid.clone(), o.generation));
        Ok(Some(Floor { at: report.at, uid, generation }))
    }
}
