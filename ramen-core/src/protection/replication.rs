//! The contract of replicating volumes.

use std::{collections::BTreeMap, fmt, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{ClassFacts, VolumeFacts, VolumeId};
use crate::{
    api::{DRAction, PeerClass},
    intercluster::{Failure, FailureClass, ResourceType},
    time::Deadline,
};

/// Replicates volumes between clusters; plugged in on each managed cluster.
///
/// A driver acts on its own cluster only. It knows its peers through what the VolumeReplicationGroup's spec says about them, and
/// speaks to them through [`peer_info`](DriverDecision::peer_info), which is published in that object's status and mirrored by
/// the hub (R4).
///
/// # Flow
/// For each pass over a group of volumes the engine
/// 1. asks [`claims`](Self::claims) which volumes the driver owns (recorded in an annotation on the claim: a volume does not
///    change its driver while it is protected);
/// 2. calls [`observe`](Self::observe), which reads whatever the driver needs from its cluster or its storage;
/// 3. calls [`decide`](Self::decide), which answers with commands, a verdict for each volume, and what wakes it;
/// 4. calls [`execute`](Self::execute) for one command after the other, and starts over when one fails.
///
/// [`expect`](Self::expect) tells what a command will have changed, so that the whole action can be planned before any write.
///
/// # Guarantees
/// - `claims`, `peer_class`, `decide` and `expect` are pure: the same input gives the same output; no I/O, no clock, no
///   randomness.
/// - `decide` is total: every observation, also an incomplete one, has an answer.
/// - Commands are idempotent: a crash before, during or after any of them converges on the next pass.
/// - A verdict is about the present generation of what was asked: an older success does not count (R5).
/// - A volume is never [`released`](VolumeVerdict::released) for a relocate before its last write has reached the peer.
/// - Roles [`Primary`](Role::Primary), [`Secondary`](Role::Secondary) and [`Test`](Role::Test) never satisfy each other's
///   verdicts.
///
/// # Assumptions
/// The engine calls for one group at a time; two groups may run side by side.
///
/// # Caveats
/// The engine, not the driver, protects and restores PersistentVolumes and claims through the
/// [cluster data store](super::cluster_data::ClusterDataStore); a driver that restores claims itself (from snapshots) says so
/// in its capabilities and reports it in its verdicts.
///
/// # Errors
/// `observe` fails only if nothing could be observed; a part that could not be read is part of the observation. `execute` fails
/// with the class of what happened; `Conflict` makes the engine observe again at once.
///
/// # Example
/// The smallest whole driver is `NoReplication` for storage that every cluster sees at once; docs/write-a-replication-driver.md
/// builds one from nothing.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ReplicationDriver: fmt::Debug + Send + Sync + 'static {
    /// What this driver offers. Constant for the life of the value.
    fn capabilities(&self) -> DriverCapabilities;

    /// Whether the driver replicates this volume, and in which consistency group.
    fn claims(&self, volume: &VolumeFacts, protection: &ProtectionFacts) -> Claim;

    /// Whether volumes of class `a` on one cluster can be replicated to class `b` on another, and why not.
    fn peer_class(&self, a: &ClusterClasses, b: &ClusterClasses) -> PeerMatch;

    /// Reads what [`decide`](Self::decide) needs to know about the volumes of the request.
    async fn observe(&self, request: &ReplicationRequest, deadline: Deadline) -> Result<DriverObservation, Failure>;

    /// What to do now, and how far each volume is.
    fn decide(&self, request: &ReplicationRequest, observed: &DriverObservation) -> DriverDecision;

    /// The observation as it will be once `command` has been executed and the storage has done its part.
    fn expect(&self, observed: &DriverObservation, command: &DriverCommand) -> DriverObservation;

    /// Does one thing. Returns once it is accepted; its effect is for the next observation to tell.
    async fn execute(&self, command: &DriverCommand, deadline: Deadline) -> Result<(), Failure>;
}

/// What a driver offers, as data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DriverCapabilities {
    /// The name: recorded on the volumes that the driver owns, and under which results are published.
    pub name: String,
    /// Consistency groups, with the greatest number of volumes in one.
    pub groups: Option<usize>,
    /// The storage does all by itself; the driver only watches.
    pub offloaded: bool,
    /// A writable copy for a test failover, beside a running replication.
    pub test_clone: bool,
    /// Reports how far a resynchronisation is.
    pub resync_progress: bool,
    /// Reports when the last synchronisation ended ([`LastSync`]).
    pub reports_rpo: bool,
    /// Volumes have another handle on the peer, which must be known before their metadata is stored.
    pub destination_ids: bool,
    /// Restores claims at promotion by itself (from snapshots) instead of from stored metadata.
    pub restores_claims: bool,
    /// Needs a last synchronisation, in two steps, during a relocate.
    pub final_sync: bool,
    /// Largest [`peer_info`](DriverDecision::peer_info), in bytes of JSON; zero: none is published.
    pub max_peer_info_bytes: usize,
    /// Kinds on the own cluster whose changes wake the engine.
    pub watches: Vec<ResourceType>,
    /// A state that lasts longer than this is reported as stuck, with its remedy.
    pub stuck_after: Duration,
}

/// Which side of the replication the volumes of a group are to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Role {
    /// Applications write here.
    Primary,
    /// Receives what the primary writes.
    Secondary,
    /// A writable copy for a test; replication to this cluster goes on beside it.
    Test,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Primary => "primary",
            Self::Secondary => "secondary",
            Self::Test => "test",
        })
    }
}

/// How the group is protected: what the driver's choice of class depends on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProtectionFacts {
    /// Time between synchronisations, as the policy spells it (`5m`, `1h`); `None` for synchronous replication.
    pub scheduling_interval: Option<String>,
    /// Classes of the cluster, of all kinds, already selected by the group's label selectors.
    pub classes: Vec<ClassFacts>,
    /// The classes that the clusters have in common, as the group's spec lists them.
    pub peer_classes: Vec<PeerClass>,
    /// Annotations of the group.
    pub annotations: BTreeMap<String, String>,
}

/// Whether a driver owns a volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Claim {
    /// It does.
    Own {
        /// The consistency group, if the volume is replicated as part of one.
        group: Option<String>,
    },
    /// It does not, and why not, in words for the operator.
    NotMine(String),
}

/// The classes of one cluster that matter to replication.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterClasses {
    /// Id of the cluster.
    pub cluster_id: String,
    /// The storage class.
    pub storage_class: super::StorageClassFacts,
    /// All other classes of the cluster.
    pub classes: Vec<ClassFacts>,
    /// Time between synchronisations, as the policy spells it; `None` for synchronous replication.
    pub scheduling_interval: Option<String>,
}

/// Whether two clusters' classes match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PeerMatch {
    /// They do.
    Peers(PeerClass),
    /// They do not, and why not, in words for the operator.
    No(String),
}

/// What is asked of a driver for one group of volumes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReplicationRequest {
    /// The VolumeReplicationGroup.
    pub group: GroupRef,
    /// The hub's epoch of the group: raised before each promotion.
    pub epoch: u64,
    /// What the volumes are to be.
    pub role: Role,
    /// The action under way, if any.
    pub action: Option<DRAction>,
    /// How far the last synchronisation of a relocate is to go.
    pub final_sync: FinalSync,
    /// How the group is protected.
    pub protection: ProtectionFacts,
    /// The volumes that the driver owns, with their consistency groups.
    pub volumes: Vec<OwnedVolume>,
    /// Volumes that are no longer to be protected: replication ends, the data stays.
    pub release: Vec<OwnedVolume>,
    /// Whether the whole group is being removed.
    pub deleting: bool,
    /// What the peers published for this driver, as mirrored by the hub; `Null` if nothing.
    pub peer_input: Value,
    /// Objects of the driver's that were stored with the cluster data and are to be restored before a promotion.
    pub restore: Vec<StoredObject>,
}

/// The VolumeReplicationGroup that a request is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRef {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Uid.
    pub uid: String,
    /// Generation whose request this is.
    pub generation: i64,
    /// Whether objects of the driver's may carry a controller reference to it (not across namespaces).
    pub may_own: bool,
}

/// A volume and the consistency group that the driver put it in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OwnedVolume {
    /// The volume.
    pub volume: VolumeFacts,
    /// Its consistency group.
    pub consistency_group: Option<String>,
}

/// The two steps of the last synchronisation of a relocate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum FinalSync {
    /// None.
    #[default]
    No,
    /// The application still runs: get ready.
    Prepare,
    /// The application has stopped: bring the rest over.
    Run,
}

/// What a driver has seen. Opaque to the engine, which records and replays it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DriverObservation(pub Value);

impl DriverObservation {
    /// Wraps a driver's own type.
    ///
    /// # Errors
    /// `Malformed` if the value cannot be written as JSON.
    pub fn of<T: Serialize>(observed: &T) -> Result<Self, Failure> {
        serde_json::to_value(observed).map(Self).map_err(|e| Failure::new(FailureClass::Malformed, e))
    }

    /// The driver's own type again.
    ///
    /// # Errors
    /// `Malformed`, naming the field, if it is something else.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_path_to_error::deserialize(&self.0).map_err(|e| {
            Failure::new(FailureClass::Malformed, format!("observation, field {}: {}", e.path(), e.inner()))
        })
    }
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DriverCommand {
    /// What it does, as a short verb phrase: `create VolumeReplication app/data as primary`.
    pub summary: String,
    /// What makes it legal now, in words: shown in plans and timelines.
    pub guard: String,
    /// The volumes that it concerns.
    pub volumes: Vec<VolumeId>,
    /// The driver's own parameters.
    pub body: Value,
}

/// What a driver has decided.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DriverDecision {
    /// What to do, in this order.
    pub commands: Vec<DriverCommand>,
    /// How far each volume of the request is (also those to be released).
    pub volumes: BTreeMap<VolumeId, VolumeVerdict>,
    /// How far the last synchronisation of a relocate is.
    pub final_sync: FinalSyncVerdict,
    /// What the peers need to know; `Null` if nothing.
    pub peer_info: Value,
    /// Objects to be stored with the cluster data, to come back in [`ReplicationRequest::restore`].
    pub store: Vec<StoredObject>,
    /// Look again after this time, if nothing wakes the engine earlier.
    pub look_again: Option<Duration>,
    /// What the driver waits for and what helps, in words; empty if it waits for nothing.
    pub waits: Vec<String>,
}

/// An object of a driver's own that is stored with the cluster data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredObject {
    /// The type part of its key, for example `v1alpha1.VolumeGroupReplication`.
    pub type_name: String,
    /// The rest of its key.
    pub suffix: String,
    /// The whole object.
    pub object: Value,
}

/// How far the last synchronisation of a relocate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FinalSyncVerdict {
    /// [`FinalSync::Prepare`] is done. Drivers without a final sync say so at once.
    pub prepared: bool,
    /// [`FinalSync::Run`] is done.
    pub complete: bool,
}

/// How far a volume is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VolumeVerdict {
    /// Whether the volume is in the role that was asked for, and can be used in it.
    pub data_ready: Verdict<DataReady>,
    /// Whether everything that was written is safe on the peer.
    pub data_protected: Verdict<DataProtected>,
    /// For a driver that restores claims: whether this one is restored. `None`: the engine restores it.
    pub restored: Option<Verdict<Restored>>,
    /// Whether the metadata may be stored: the handle on the peer is known, if there is one.
    pub destination: Destination,
    /// The last synchronisation, on a primary.
    pub last_sync: Option<LastSync>,
    /// Replication objects of this volume are gone: the claim may be let go.
    pub released: bool,
}

/// A state and the sentence that explains it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict<S> {
    /// The state.
    pub state: S,
    /// The explanation; becomes the message of a condition.
    pub message: String,
}

impl<S> Verdict<S> {
    /// A state with its explanation.
    pub fn new(state: S, message: impl Into<String>) -> Self {
        Self { state, message: message.into() }
    }
}

/// Whether a volume is in its role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum DataReady {
    /// Primary: applications can use it.
    Ready,
    /// Secondary: it receives data, and has not received all yet.
    Replicating,
    /// Secondary: it has received all.
    Replicated,
    /// On its way.
    Progressing,
    /// Something is wrong; may heal by itself.
    Error,
    /// It cannot be told.
    Unknown,
}

/// Whether the data of a volume is safe on the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum DataProtected {
    /// All of it.
    Protected,
    /// It is being replicated.
    Replicating,
    /// On its way.
    Progressing,
    /// Something is wrong; may heal by itself.
    Error,
    /// It cannot be told.
    Unknown,
}

/// Whether a claim was restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Restored {
    /// It was, for the present generation.
    Restored,
    /// On its way.
    Progressing,
    /// It could not be.
    Error,
}

/// The handle of a volume on the peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Destination {
    /// The same as here, or none of the engine's business.
    Same,
    /// This one.
    Handle(String),
    /// Not known yet: the metadata must not be stored.
    Pending(String),
}

/// The last synchronisation of a volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastSync {
    /// The moment up to which writes are on the peer.
    pub time: Option<Timestamp>,
    /// How long it took.
    pub duration: Option<Duration>,
    /// How many bytes it moved.
    pub bytes: Option<i64>,
}
