//! Broken observation.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use futures::{StreamExt, stream::BoxStream};
use serde_json::json;

use super::{Bend, Bent};
use crate::{
    intercluster::{
        ClusterView, Failure, Freshness, ObjectKey, Observation, Outcome, OutcomeKind, Registration, RemoteObject,
        ViewCapabilities, ViewChange,
    },
    testing::memory::locked,
    time::Deadline,
};

#[async_trait]
impl ClusterView for Bent {
    fn capabilities(&self) -> ViewCapabilities {
        self.hub.view.capabilities()
    }

    async fn read(&self, key: &ObjectKey, freshness: &Freshness, deadline: Deadline) -> Observation {
        let mut asked = freshness.clone();
        match self.bend {
            Bend::IgnoresAge => asked.max_age = None,
            Bend::IgnoresRevision => asked.after = None,
            _ => {}
        }
        let _turn = match self.bend {
            Bend::OneAtATime => Some(self.memory.one.lock().await),
            _ => None,
        };
        let mut seen = self.hub.view.read(key, &asked, deadline).await;
        while self.bend == Bend::OneAtATime && !seen.outcome.is_answered() && !deadline.has_passed() {
            tokio::time::sleep(Duration::from_secs(1)).await;
            seen = self.hub.view.read(key, &asked, deadline).await;
        }
        if self.bend == Bend::OutstaysDeadlines && !seen.outcome.is_answered() {
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
        if self.bend == Bend::MixesReads {
            tokio::time::sleep(Duration::from_millis(250)).await;
            let later = self.hub.view.read(key, &Freshness::live(), deadline).await;
            if let (Some(first), Some(second)) = (seen.outcome.found(), later.outcome.found()) {
                let mut mixed = first.json().clone();
                mixed["status"] = second.json()["status"].clone();
                seen.outcome = Outcome::Found(RemoteObject::new(mixed));
            }
        }
        self.bend_observation(seen, freshness)
    }

    async fn register(&self, registration: &Registration, deadline: Deadline) -> Result<(), Failure> {
        self.hub.view.register(registration, deadline).await
    }

    async fn unregister(&self, key: &ObjectKey, registrant: &str, deadline: Deadline) -> Result<(), Failure> {
        if self.bend == Bend::ForgetsOtherRegistrants {
            let all = self.hub.view.registrations(&BTreeMap::new(), deadline).await?;
            for other in all.into_iter().filter(|r| r.key == *key) {
                self.hub.view.unregister(key, &other.registrant, deadline).await?;
            }
        }
        self.hub.view.unregister(key, registrant, deadline).await
    }

    async fn registrations(
        &self,
        labels: &BTreeMap<String, String>,
        deadline: Deadline,
    ) -> Result<Vec<Registration>, Failure> {
        self.hub.view.registrations(labels, deadline).await
    }

    fn changes(&self) -> BoxStream<'static, ViewChange> {
        let (bend, memory) = (self.bend, self.memory.clone());
        let mut first = BTreeMap::new();
        let told = move |change: &ViewChange| match bend {
            Bend::DropsChanges => change.outcome != OutcomeKind::Found,
            Bend::TellsOnlyTheFirst => first.insert(change.key.clone(), ()).is_none(),
            Bend::TellsOnlyDifferences => {
                let found = locked(&memory.found);
                let known =
                    found.get(&change.key).and_then(|seen| seen.outcome.found().and_then(RemoteObject::version));
                change.version.is_none() || known != change.version.as_deref()
            }
            Bend::HidesLoss => change.outcome == OutcomeKind::Found,
            _ => true,
        };
        let mut told = told;
        self.hub.view.changes().filter(move |change| futures::future::ready(told(change))).boxed()
    }
}

impl Bent {
    fn bend_observation(&self, mut seen: Observation, freshness: &Freshness) -> Observation {
        let found = match &seen.outcome {
            Outcome::Found(object) => Some(object.json().clone()),
            _ => None,
        };
        let key = seen.key.clone();
        let before = locked(&self.memory.found).get(&key).cloned();
        match (self.bend, found, seen.outcome.kind()) {
            (Bend::DropsStatus, Some(mut object), _) => {
                object.as_object_mut().map(|o| o.remove("status"));
                seen.outcome = Outcome::Found(RemoteObject::new(object));
            }
            (Bend::DatedByAnswer, Some(_), _) => seen.observed_at = Some(self.bed.now()),
            (Bend::ForbiddenIsAbsent, _, OutcomeKind::Forbidden)
            | (Bend::UnreachableIsAbsent, _, OutcomeKind::Unreachable | OutcomeKind::TimedOut)
            | (Bend::AnyNotFoundIsAbsent, _, OutcomeKind::Malformed) => seen.outcome = Outcome::Absent,
            (Bend::BelievesTheDead, None, OutcomeKind::Unreachable) => {
                let old = before.filter(|_| freshness.max_age.is_some_and(|max| max > Duration::from_secs(600)));
                seen = old.unwrap_or(seen);
            }
            (Bend::HidesFailures, None, kind) if kind != OutcomeKind::Absent => seen = before.unwrap_or(seen),
            (Bend::AnswersAboutAnother, _, _) => {
                let mut last = locked(&self.memory.last);
                if let Some(last) = &*last {
                    seen.outcome = last.outcome.clone();
                }
                *last = seen.outcome.found().is_some().then(|| seen.clone());
            }
            (Bend::CutsLargeObjects, None, OutcomeKind::Malformed) => {
                let cut = json!({"metadata": {"name": key.name, "namespace": key.namespace}});
                seen.outcome = Outcome::Found(RemoteObject::new(cut));
            }
            (Bend::KeepsFirstUid, Some(mut object), _) => {
                let mut uids = locked(&self.memory.uids);
                let uid = object["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
                object["metadata"]["uid"] = uids.entry(key.clone()).or_insert(uid).clone().into();
                seen.outcome = Outcome::Found(RemoteObject::new(object));
            }
            (Bend::NamelessFailures, None, _) => {
                if let Some(failure) = seen.outcome.failure() {
                    seen.outcome = Failure::new(failure.class(), failure.cause()).into();
                }
            }
            _ => {}
        }
        if seen.outcome.found().is_some() {
            locked(&self.memory.found).insert(key, seen.clone());
        }
        seen
    }
}
