//! Delivery over the records in memory.

use std::time::Duration;

use async_trait::async_trait;
use futures::{StreamExt, stream::BoxStream};

use super::{Defect, InMemoryTransport, records::Entry, side::fresh};
use crate::{
    intercluster::{
        ApplyStrategy, DeletePolicy, Delivery, DifferingIntents, Failure, FailureClass, Intent, IntentId, IntentRecord,
        IntentSelector, ObjectTransport, Precondition, PutWhileDeleting, Receipt, Revision, TransportCapabilities,
    },
    time::Deadline,
};

const LONGEST_NAME: usize = 189;
const LARGEST_INTENT: usize = 64 * 1024;

#[async_trait]
impl ObjectTransport for InMemoryTransport {
    fn capabilities(&self) -> TransportCapabilities {
        TransportCapabilities {
            name: "in memory".into(),
            repair_within: Duration::from_secs(30),
            prerequisite_within: Duration::from_secs(30),
            catch_up_within: Duration::from_secs(90),
            max_name_length: LONGEST_NAME,
            max_intent_bytes: LARGEST_INTENT,
            bundles: true,
            strategies: vec![
                ApplyStrategy::ServerSideApply,
                ApplyStrategy::ServerSideApplyForced,
                ApplyStrategy::Update,
                ApplyStrategy::CreateOnly,
                ApplyStrategy::ReadOnly,
            ],
            removes_metadata: true,
            confirms_deletion: true,
            differing_intents: DifferingIntents::Conflict,
            put_while_deleting: PutWhileDeleting::OrderedAfter,
            record_loss_grace: None,
        }
    }

    async fn put(&self, intent: &Intent, precondition: &Precondition, _: Deadline) -> Result<Receipt, Failure> {
        let intent = self.admissible(intent)?;
        let id = intent.id.clone();
        let serial = self.side.fleet.records.serial();
        let receipt = {
            let mut durable = self.side.fleet.records.lock();
            let present = durable.entries.get_mut(&id);
            holds(precondition, present.as_deref()).map_err(|f| f.on(id.cluster.clone()).about(&id))?;
            match present {
                None => {
                    let entry = fresh(intent, serial);
                    let receipt = accepted(&entry.record, true);
                    durable.entries.insert(id.clone(), entry);
                    receipt
                }
                Some(entry) => {
                    if entry.record.intent.owner != intent.owner {
                        let cause = format!("the name is held by {}", entry.record.intent.owner);
                        return Err(Failure::new(FailureClass::Conflict, cause).on(id.cluster.clone()).about(&id));
                    }
                    self.revise(entry, intent, serial)
                }
            }
        };
        if receipt.changed {
            self.side.fleet.records.announce(&id);
            if let Some(wake) = self.side.wake.get(&id.cluster) {
                wake.notify_one();
            }
        }
        Ok(receipt)
    }

    async fn get(&self, id: &IntentId, _: Deadline) -> Result<Option<IntentRecord>, Failure> {
        Ok(self.side.fleet.records.lock().entries.get(id).map(shown))
    }

    async fn list(&self, selector: &IntentSelector, _: Deadline) -> Result<Vec<IntentRecord>, Failure> {
        let durable = self.side.fleet.records.lock();
        let wanted = durable.entries.values().filter(|entry| {
            let intent = &entry.record.intent;
            selector.cluster.as_ref().is_none_or(|cluster| *cluster == intent.id.cluster)
                && selector.labels.iter().all(|(key, value)| intent.labels.get(key) == Some(value))
        });
        Ok(wanted.map(shown).collect())
    }

    async fn delete(
        &self,
        id: &IntentId,
        policy: Option<DeletePolicy>,
        precondition: &Precondition,
        _: Deadline,
    ) -> Result<Receipt, Failure> {
        let serial = self.side.fleet.records.serial();
        let mut durable = self.side.fleet.records.lock();
        let present = durable.entries.get_mut(id);
        holds(precondition, present.as_deref()).map_err(|f| f.on(id.cluster.clone()).about(id))?;
        let Some(entry) = present else {
            return Ok(Receipt { id: id.clone(), revision: None, delivery: Delivery::Gone, changed: false });
        };
        let policy = policy.unwrap_or(entry.record.intent.on_delete);
        let changed = entry.next.take().is_some() || entry.ending != Some(policy);
        entry.ending = Some(policy);
        entry.record.delivery = Delivery::Deleting;
        entry.version = serial;
        let revision = Some(entry.record.revision.clone());
        drop(durable);
        self.side.fleet.records.announce(id);
        if let Some(wake) = self.side.wake.get(&id.cluster) {
            wake.notify_one();
        }
        Ok(Receipt { id: id.clone(), revision, delivery: Delivery::Deleting, changed })
    }

    fn changes(&self) -> BoxStream<'static, IntentId> {
        self.side.fleet.records.listen().boxed()
    }
}

impl InMemoryTransport {
    /// The intent in the form in which it is recorded, or why it cannot be.
    fn admissible(&self, intent: &Intent) -> Result<Intent, Failure> {
        let refused =
            |class, cause: String| Err(Failure::new(class, cause).on(intent.id.cluster.clone()).about(&intent.id));
        if !self.side.fleet.is_registered(&intent.id.cluster) {
            return refused(FailureClass::UnknownCluster, "no such cluster is registered".into());
        }
        if intent.id.name.is_empty() || intent.id.name.len() > LONGEST_NAME {
            let length = intent.id.name.len();
            return refused(
                FailureClass::Invalid,
                format!("the name has {length} characters, allowed are 1 to {LONGEST_NAME}"),
            );
        }
        if intent.manifests.is_empty() {
            return refused(FailureClass::Invalid, "it has no manifests".into());
        }
        let intent = intent.cleaned()?;
        let size: usize = intent.manifests.iter().map(|m| m.object.to_string().len()).sum();
        if size > LARGEST_INTENT {
            return refused(
                FailureClass::Invalid,
                format!("its manifests have {size} bytes, allowed are {LARGEST_INTENT}"),
            );
        }
        Ok(intent)
    }

    fn revise(&self, entry: &mut Entry, intent: Intent, serial: u64) -> Receipt {
        if entry.ending.is_some() {
            if self.side.lacks(Defect::ResurrectsDuringDeletion) {
                entry.ending = None;
            } else {
                let changed = entry.next.as_ref() != Some(&intent);
                entry.next = Some(intent);
                entry.version = serial;
                return Receipt { delivery: Delivery::Accepted, ..accepted(&shown(entry), changed) };
            }
        }
        if entry.record.intent == intent {
            return Receipt { delivery: entry.record.delivery.clone(), ..accepted(&entry.record, false) };
        }
        if self.side.lacks(Defect::QueuesEveryChange) {
            entry.queue.push(entry.record.intent.clone());
        }
        let Revision { incarnation, number } = entry.record.revision.clone();
        entry.record = IntentRecord {
            intent,
            revision: Revision { incarnation, number: number + 1 },
            delivery: Delivery::Accepted,
            objects: entry.record.objects.clone(),
        };
        entry.version = serial;
        accepted(&entry.record, true)
    }
}

/// What readers see: what will be, once a deletion is under way and something was put after it.
fn shown(entry: &Entry) -> IntentRecord {
    match &entry.next {
        Some(next) => IntentRecord {
            intent: next.clone(),
            revision: Revision { incarnation: format!("after-{}", entry.record.revision.incarnation), number: 1 },
            delivery: Delivery::Accepted,
            objects: Vec::new(),
        },
        None => entry.record.clone(),
    }
}

fn accepted(record: &IntentRecord, changed: bool) -> Receipt {
    Receipt {
        id: record.intent.id.clone(),
        revision: Some(record.revision.clone()),
        delivery: Delivery::Accepted,
        changed,
    }
}

fn holds(precondition: &Precondition, present: Option<&Entry>) -> Result<(), Failure> {
    let conflict = |cause: &str| Err(Failure::new(FailureClass::Conflict, cause));
    match (precondition, present) {
        (Precondition::None, _) | (Precondition::Absent, None) => Ok(()),
        (Precondition::Absent, Some(_)) => conflict("a record of this name exists"),
        (Precondition::At(_), None) => conflict("the record is gone"),
        (Precondition::At(revision), Some(entry)) if shown(entry).revision == *revision => Ok(()),
        (Precondition::At(_), Some(_)) => conflict("the record is at another revision"),
    }
}
