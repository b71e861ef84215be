//! The seam for whoever can keep records.

use std::fmt::Debug;

use async_trait::async_trait;
use futures::stream::BoxStream;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    intercluster::{
        DeletePolicy, Delivery, Failure, Intent, IntentId, IntentRecord, IntentSelector, ObjectKey, ObjectResult,
        Revision,
    },
    time::Deadline,
};

/// Keeps intents and what became of them, durably.
///
/// # Guarantees
/// - A write is whole or not at all, and durable when the call returns.
/// - Every write that takes a `current` record succeeds only if the record is still at that [version](StoredRecord::version), else it
///   fails with `Conflict` and changes nothing.
/// - `revision.number` grows with every change of the intent within one incarnation, and does not move otherwise; a record
///   created anew is another incarnation.
/// - A record that is ended stays readable until it is [finished](Self::finish).
///
/// # Assumptions
/// Names and sizes were checked against [`limits`](Self::limits) by the caller.
///
/// # Errors
/// `Conflict` as above; what keeps the store from answering by its class.
#[async_trait]
pub trait RecordStore: Debug + Send + Sync + 'static {
    /// The bounds of the store.
    fn limits(&self) -> StoreLimits;

    /// The record, read now; `None` if there is none.
    async fn get(&self, id: &IntentId, deadline: Deadline) -> Result<Option<StoredRecord>, Failure>;

    /// The records that the selector takes, ordered by id.
    async fn list(&self, selector: &IntentSelector, deadline: Deadline) -> Result<Vec<StoredRecord>, Failure>;

    /// Writes the intent over `current`, or creates its record if that is `None`. The new number is greater than that of
    /// `current` and than `above`.
    async fn put(
        &self,
        intent: &Intent,
        current: Option<&StoredRecord>,
        above: u64,
        deadline: Deadline,
    ) -> Result<StoredRecord, Failure>;

    /// Records that the intent ends, and how. No crash leaves it ended with another policy.
    async fn end(&self, current: &StoredRecord, policy: DeletePolicy, deadline: Deadline) -> Result<(), Failure>;

    /// Makes sure that the record stays until it is finished, also if somebody else removes it. Called before anything is
    /// delivered for a record that says that it is not [held](StoredRecord::held).
    async fn hold(&self, current: &StoredRecord, deadline: Deadline) -> Result<StoredRecord, Failure>;

    /// Records what became of the objects, for the revision that the report names.
    async fn report(&self, current: &StoredRecord, report: &Report, deadline: Deadline) -> Result<(), Failure>;

    /// Removes an ended record: nothing of it is left on the cluster.
    async fn finish(&self, current: &StoredRecord, deadline: Deadline) -> Result<(), Failure>;

    /// Ids of records that changed, appeared or went, from now on; may coalesce. After a gap every id is named.
    fn watch(&self) -> BoxStream<'static, IntentId>;

    /// As [`watch`](Self::watch), but changes of the report alone may be left out: the engine, which made them, asks for nothing
    /// else. Leaving them out saves it a look at every record that it has just delivered.
    fn watch_content(&self) -> BoxStream<'static, IntentId> {
        self.watch()
    }
}

/// Bounds of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreLimits {
    /// Longest name of a record.
    pub max_name_length: usize,
    /// Largest sum of the manifests' JSON, in bytes.
    pub max_intent_bytes: usize,
}

/// A record as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredRecord {
    /// What was asked for.
    pub intent: Intent,
    /// Its revision.
    pub revision: Revision,
    /// The state of the record, content and report; opaque, the precondition of writes.
    pub version: String,
    /// What the store itself wants to find again when it writes this record; opaque to others.
    pub backing: Value,
    /// Whether the record cannot vanish without being finished.
    pub held: bool,
    /// Whether other software wrote the record; its owner is then empty.
    pub foreign: bool,
    /// Set once the record is ended.
    pub ending: Option<DeletePolicy>,
    /// The last report.
    pub report: Option<Report>,
}

/// What became of the objects of one revision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The revision that the pass worked on.
    pub revision: Revision,
    /// Hub time at which the last object was confirmed.
    pub at: Timestamp,
    /// One result a manifest, in their order; after them objects of earlier revisions that are not gone yet.
    pub objects: Vec<ObjectResult>,
    /// The greatest number of this intent seen on the cluster: greater than the revision's own if the records are older than
    /// the cluster.
    pub seen: u64,
}

impl StoredRecord {
    /// How far the present revision has come.
    pub fn delivery(&self) -> Delivery {
        if self.ending.is_some() {
            return Delivery::Deleting;
        }
        let Some(report) = self.report.as_ref().filter(|r| r.revision == self.revision) else {
            return Delivery::Accepted;
        };
        let own = report.objects.iter().take(self.intent.manifests.len());
        match own.filter_map(|o| o.failure.as_ref()).next() {
            Some(failure) => Delivery::Failed(failure.clone()),
            None => Delivery::Applied { revision: report.revision.clone(), at: report.at },
        }
    }

    /// The record as callers of the transport see it.
    pub fn to_record(&self) -> IntentRecord {
        let count = self.intent.manifests.len();
        let objects = self.report.iter().flat_map(|r| r.objects.iter().take(count).cloned()).collect();
        IntentRecord {
            intent: self.intent.clone(),
            revision: self.revision.clone(),
            delivery: self.delivery(),
            objects,
        }
    }

    /// The keys of its manifests, in their order.
    pub(crate) fn keys(&self) -> Vec<ObjectKey> {
        self.intent.manifests.iter().map(|m| m.key(&self.intent.id.cluster)).collect()
    }

    /// What the last report says of an object.
    pub(crate) fn last(&self, key: &ObjectKey) -> Option<&ObjectResult> {
        self.report.as_ref()?.objects.iter().find(|o| o.key == *key)
    }
}
