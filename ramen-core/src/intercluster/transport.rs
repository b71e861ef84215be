//! The contract of delivery.

use std::{fmt::Debug, time::Duration};

use async_trait::async_trait;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};

use super::{DeletePolicy, Failure, FailureClass, Intent, IntentId, IntentRecord, Receipt, Revision};
use crate::time::Deadline;

/// Delivers desired state to managed clusters, durably.
///
/// # Flow
/// 1. [`put`](Self::put) records an intent on the hub and answers `Accepted`, also while the cluster is down.
/// 2. The transport brings the cluster to that state, without being asked again, and keeps it there.
/// 3. [`get`](Self::get) tells what was asked for and how far it has come; [`changes`](Self::changes) tells when to look.
/// 4. [`delete`](Self::delete) records the end; the record disappears when the objects (or our mark on them) have.
///
/// # Guarantees
/// The numbers are those of the cases of the conformance kit.
/// - *Durable*: an accepted intent can be read back from the hub alone (T1), needs no connection to be accepted (T2), and is
///   delivered although the process that accepted it dies (T3).
/// - *Idempotent*: putting what is recorded already writes nothing on either side and makes no new revision (T4, T16).
/// - *Ordered*: once a newer revision was on the cluster, an older one never is again (T5), also with two overlapping leaders
///   on the hub (C10).
/// - *Exact*: `Applied` is said of one revision, never of an older one's success (T9). Other people's fields, finalizers and
///   ownerReferences survive (T10); fields dropped from the intent go (T11).
/// - *Self-healing*: a remote edit of an intended field, or a deletion of the object, is repaired within the
///   [declared bound](TransportCapabilities::repair_within) (T13).
/// - *Deletion is confirmed*: `Gone`, or the absence of the record, only after the objects and their finalizers are gone
///   (T23); an intent put again during a deletion is ordered after it or refused (T24).
/// - *Nothing is lost with the records*: a hub that lost them deletes nothing on the clusters before a declared grace (T27).
///
/// # Assumptions
/// One hub. Records may be lost with it (a restored backup), and are then older than the clusters: objects that carry
/// another owner's mark are not overwritten (C6).
///
/// # Caveats
/// A receipt says what is recorded, not what is observed: whether an object reached a *state* is the
/// [view](super::ClusterView)'s to tell. An intent never carries `status`.
///
/// # Errors
/// `Conflict` for a precondition that does not hold, or a name held by another owner; `Invalid` for a name too long, a bundle
/// too large or a malformed manifest, before anything is written; `UnknownCluster` for a cluster that is not registered;
/// `Unreachable`/`TimedOut` if the *hub's* records cannot be written in time. A call that returns `TimedOut` or `Cancelled`
/// has recorded the whole intent or nothing (C1); putting it again is safe.
///
/// # Example
/// ```
/// # use ramen_core::{intercluster::*, time::Deadline};
/// # use std::time::Duration;
/// # use k8s_openapi::api::core::v1::Namespace;
/// async fn ensure_namespace(transport: &dyn ObjectTransport, cluster: &str, name: &str) -> Result<Receipt, Failure> {
///     let namespace: Namespace = serde_json::from_value(serde_json::json!({"metadata": {"name": name}})).unwrap();
///     let mut intent = Intent::new(IntentId::new(cluster, format!("{name}-ns-mw")), "example", Manifest::of(&namespace)?);
///     intent.on_delete = DeletePolicy::Orphan; // never take a user's namespace away
///     transport.put(&intent, &Precondition::None, Deadline::after(Duration::from_secs(10))).await
/// }
/// ```
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ObjectTransport: Debug + Send + Sync + 'static {
    /// What this transport offers and within which bounds. Constant for the life of the value.
    fn capabilities(&self) -> TransportCapabilities;

    /// Records the intent if the precondition holds. Returns once it is durable; does not wait for the cluster.
    async fn put(&self, intent: &Intent, precondition: &Precondition, deadline: Deadline) -> Result<Receipt, Failure>;

    /// The intent as it is recorded on the hub, `None` if there is none. Never contacts the cluster.
    async fn get(&self, id: &IntentId, deadline: Deadline) -> Result<Option<IntentRecord>, Failure>;

    /// The intents whose record has all of these labels, on one cluster or on all, ordered by id. Never contacts a cluster.
    async fn list(&self, selector: &IntentSelector, deadline: Deadline) -> Result<Vec<IntentRecord>, Failure>;

    /// Ends the intent. Deleting what is not there succeeds with `Gone`. `policy` overrides what the intent says.
    async fn delete(
        &self,
        id: &IntentId,
        policy: Option<DeletePolicy>,
        precondition: &Precondition,
        deadline: Deadline,
    ) -> Result<Receipt, Failure>;

    /// Ids of intents whose record or delivery changed, from now on. At least once each; changes of one intent may coalesce;
    /// after a gap in the transport's own watch every intent is named once. Ends only with the transport.
    fn changes(&self) -> BoxStream<'static, IntentId>;
}

/// What must hold for a write of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Precondition {
    /// Nothing.
    None,
    /// There is no such record.
    Absent,
    /// The record is at exactly this revision.
    At(Revision),
}

/// Which intents to list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct IntentSelector {
    /// Only those for this cluster.
    pub cluster: Option<super::ClusterName>,
    /// Only those whose record has these labels.
    pub labels: std::collections::BTreeMap<String, String>,
}

/// What a transport offers, as data (C11). The conformance kit holds it to what it declares and reports the rest as not
/// applicable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TransportCapabilities {
    /// The name under which results are published.
    pub name: String,
    /// A remote edit or deletion is repaired within this time while the cluster is reachable.
    pub repair_within: Duration,
    /// A missing prerequisite (namespace, CustomResourceDefinition) is noticed within this time of its arrival.
    pub prerequisite_within: Duration,
    /// After a reconnection, what was accepted meanwhile is applied within this time.
    pub catch_up_within: Duration,
    /// Longest name of a record.
    pub max_name_length: usize,
    /// Largest sum of the manifests' JSON, in bytes.
    pub max_intent_bytes: usize,
    /// More than one manifest in an intent.
    pub bundles: bool,
    /// The strategies offered.
    pub strategies: Vec<super::ApplyStrategy>,
    /// Labels and annotations dropped from an intent are removed from the object.
    pub removes_metadata: bool,
    /// The absence of the record proves that the objects are gone.
    pub confirms_deletion: bool,
    /// What two intents on one object do if they differ.
    pub differing_intents: DifferingIntents,
    /// What a `put` during a deletion does.
    pub put_while_deleting: PutWhileDeleting,
    /// How long after all records were lost the objects on the clusters are left alone; `None`: for ever.
    pub record_loss_grace: Option<Duration>,
}

/// What happens if two intents for one object differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DifferingIntents {
    /// The second fails with `Conflict` for as long as they differ.
    Conflict,
    /// The one written last wins.
    LastWins,
}

/// What happens if an intent is put while its predecessor of the same id is being deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PutWhileDeleting {
    /// It is accepted and delivered after the deletion: the object has a new uid.
    OrderedAfter,
    /// It is refused with `Conflict`, whose cause says that a deletion is under way.
    Refused,
}

/// Helpers for callers, on top of any transport.
#[async_trait]
pub trait ObjectTransportExt: ObjectTransport {
    /// Reads, edits and writes an intent under optimistic concurrency, until it sticks or the deadline passes.
    ///
    /// `edit` is called with the recorded intent (`None` if there is none) and answers with what it should be, or `None` to
    /// leave it alone. It may be called several times.
    ///
    /// # Errors
    /// As [`put`](ObjectTransport::put); `Conflict` if other writers won until the deadline.
    async fn modify<F>(&self, id: &IntentId, deadline: Deadline, mut edit: F) -> Result<Option<Receipt>, Failure>
    where
        F: FnMut(Option<&IntentRecord>) -> Result<Option<Intent>, Failure> + Send,
    {
        loop {
            let record = self.get(id, deadline).await?;
            let Some(intent) = edit(record.as_ref())? else { return Ok(None) };
            let precondition = record.map_or(Precondition::Absent, |r| Precondition::At(r.revision));
            match self.put(&intent, &precondition, deadline).await {
                Err(failure) if failure.class() == FailureClass::Conflict && !deadline.has_passed() => {
                    // Lets the other writer finish; with a deletion under way this is the wait for its end.
                    tokio::time::sleep(Duration::from_millis(50).min(deadline.remaining())).await;
                }
                other => return other.map(Some),
            }
        }
    }
}

impl<T: ObjectTransport + ?Sized> ObjectTransportExt for T {}
