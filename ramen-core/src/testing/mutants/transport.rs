//! Broken delivery.

use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;
use serde_json::{Map, Value};

use super::{Bend, Bent};
use crate::{
    intercluster::{
        ApplyStrategy, DeletePolicy, Delivery, ExistingPolicy, Failure, FailureClass, Intent, IntentId, IntentRecord,
        IntentSelector, ObjectTransport, Precondition, Receipt, TransportCapabilities,
    },
    testing::memory::locked,
    time::Deadline,
};

#[async_trait]
impl ObjectTransport for Bent {
    fn capabilities(&self) -> TransportCapabilities {
        let mut caps = self.hub.transport.capabilities();
        if self.bend == Bend::ImplausibleBounds {
            caps.catch_up_within = Duration::MAX;
        }
        caps
    }

    async fn put(&self, intent: &Intent, precondition: &Precondition, deadline: Deadline) -> Result<Receipt, Failure> {
        let _turn = match self.bend {
            Bend::OneAtATime => Some(self.memory.one.lock().await),
            _ => None,
        };
        let mut intent = intent.clone();
        let recorded = self.hub.transport.get(&intent.id, deadline).await?;
        self.bend_intent(&mut intent, recorded.as_ref());
        let precondition = if self.bend == Bend::IgnoresPreconditions { &Precondition::None } else { precondition };
        let receipt = self.hub.transport.put(&intent, precondition, deadline).await?;
        if self.bend == Bend::WaitsForTheCluster {
            while !self.hub.transport.get(&intent.id, deadline).await?.is_some_and(|r| r.is_applied()) {
                if deadline.has_passed() {
                    return Err(Failure::new(FailureClass::TimedOut, "the cluster did not answer"));
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        Ok(receipt)
    }

    async fn get(&self, id: &IntentId, deadline: Deadline) -> Result<Option<IntentRecord>, Failure> {
        let Some(mut record) = self.hub.transport.get(id, deadline).await? else { return Ok(None) };
        match (self.bend, &record.delivery) {
            (Bend::ForgetsAnnotations, _) => {
                for manifest in &mut record.intent.manifests {
                    manifest.object["metadata"].as_object_mut().map(|m| m.remove("annotations"));
                }
            }
            (Bend::CountsOlderSuccess, Delivery::Applied { .. }) => locked(&self.memory.applied).push(id.clone()),
            (Bend::CountsOlderSuccess, _) if locked(&self.memory.applied).contains(id) => {
                record.delivery = Delivery::Applied { revision: record.revision.clone(), at: self.bed.now() };
            }
            (Bend::HidesPrerequisites, Delivery::Failed(f)) if f.class() == FailureClass::Prerequisite => {
                record.delivery = Delivery::Failed(Failure::new(FailureClass::Invalid, f.cause()));
            }
            (Bend::NamelessFailures, Delivery::Failed(f)) => {
                record.delivery = Delivery::Failed(Failure::new(f.class(), f.cause()));
            }
            (Bend::GoneOnRequest, Delivery::Deleting) => return Ok(None),
            _ => {}
        }
        Ok(Some(record))
    }

    async fn list(&self, selector: &IntentSelector, deadline: Deadline) -> Result<Vec<IntentRecord>, Failure> {
        self.hub.transport.list(selector, deadline).await
    }

    async fn delete(
        &self,
        id: &IntentId,
        policy: Option<DeletePolicy>,
        precondition: &Precondition,
        deadline: Deadline,
    ) -> Result<Receipt, Failure> {
        if self.bend == Bend::RefusesAbsent && self.hub.transport.get(id, deadline).await?.is_none() {
            return Err(Failure::new(FailureClass::Conflict, "there is no such record"));
        }
        let policy = policy.filter(|_| self.bend != Bend::DeletesInsteadOfOrphaning);
        let precondition = if self.bend == Bend::IgnoresPreconditions { &Precondition::None } else { precondition };
        self.hub.transport.delete(id, policy, precondition, deadline).await
    }

    fn changes(&self) -> BoxStream<'static, IntentId> {
        self.hub.transport.changes()
    }
}

impl Bent {
    fn bend_intent(&self, intent: &mut Intent, recorded: Option<&IntentRecord>) {
        match self.bend {
            Bend::TouchesRecords => {
                let mut count = locked(&self.memory.count);
                *count += 1;
                intent.annotations.insert("touched".into(), count.to_string());
            }
            Bend::TakesOverNames => {
                if let Some(recorded) = recorded {
                    intent.owner = recorded.intent.owner.clone();
                }
            }
            Bend::TruncatesNames => intent.id.name.truncate(self.capabilities().max_name_length),
            Bend::KeepsDroppedFields => keep_dropped(intent, recorded, "/spec"),
            Bend::KeepsDroppedMetadata => {
                keep_dropped(intent, recorded, "/metadata/labels");
                keep_dropped(intent, recorded, "/metadata/annotations");
            }
            Bend::IgnoresStrategy if intent.strategy == ApplyStrategy::CreateOnly => {
                intent.strategy = ApplyStrategy::ServerSideApplyForced;
            }
            Bend::AlwaysAdopts => intent.existing = ExistingPolicy::Adopt,
            Bend::AlwaysForces if intent.strategy == ApplyStrategy::ServerSideApply => {
                intent.strategy = ApplyStrategy::ServerSideApplyForced;
            }
            Bend::DropsUnknownFields => {
                for manifest in &mut intent.manifests {
                    manifest.object.as_object_mut().map(|object| object.remove("extra"));
                }
            }
            _ => {}
        }
    }
}

/// Carries over what the recorded intent says at `path` and the new one no longer does.
fn keep_dropped(intent: &mut Intent, recorded: Option<&IntentRecord>, path: &str) {
    let old = recorded.and_then(|r| r.intent.manifests.first()).and_then(|m| m.object.pointer(path));
    let Some(old) = old.and_then(Value::as_object) else { return };
    let new = intent.manifests.first_mut().and_then(|m| m.object.pointer_mut(path));
    if let Some(new) = new.and_then(Value::as_object_mut) {
        let mut merged: Map<String, Value> = old.clone();
        merged.extend(std::mem::take(new));
        *new = merged;
    }
}
