//! The contract of keeping cluster data: the metadata of volumes, and the group's own object, outside the clusters.

mod replicas;

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use futures::stream::BoxStream;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use replicas::{Belief, Replica, StoreSet, Survey, WriteOutcome};

use crate::{intercluster::Failure, time::Deadline};

/// One store of cluster data (for Ramen: a bucket), in which every group of volumes has a prefix.
///
/// # Flow
/// 1. The hub raises the group's epoch before a promotion; the new primary calls [`raise_epoch`](Self::raise_epoch) and from
///    then on writes under that epoch.
/// 2. [`put`](Self::put) stores objects, each with the epoch.
/// 3. Once everything the group has is stored, [`seal`](Self::seal) says so: from then on entries of older epochs are superseded.
/// 4. A later primary reads with [`StoreSet::survey`], which asks all stores and leaves out what is superseded.
/// 5. [`clear`](Self::clear) removes the group and leaves a tombstone of its epoch.
///
/// # Guarantees
/// - *Fenced by epoch*: a writer of an older epoch than the recorded one is refused with [`StoreError::Superseded`], for keys that
///   exist and for new ones, and a tombstone fences like a record. With
///   [conditional writes](StoreCapabilities::conditional_writes) the record moves by compare-and-swap.
/// - *No half object*: an entry is stored whole or not at all.
/// - *Compatible*: keys are byte-equal to Ramen's, bodies equal once decoded; entries that another writer stored without an
///   epoch are read as of [`Epoch::NONE`].
/// - *Absent is proven*: `Ok(None)` and an empty list mean that the store answered so.
///
/// # Assumptions
/// The store keeps what it acknowledged, and a read that begins after an acknowledged write sees it.
///
/// # Caveats
/// The epoch is checked before and after each batch, not inside the store's own write: a PUT that was sent before the epoch was
/// raised may still land after it. Readers ignore entries below the sealed epoch, so that such an entry under a new key shadows
/// nothing; under a key of the new primary's it is a conditional write that fails, where the store has
/// [them](StoreCapabilities::conditional_writes). A writer that knows no epochs (upstream's) is not fenced, and its entries
/// cannot be told from current ones.
///
/// # Errors
/// See [`StoreError`].
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ClusterDataStore: fmt::Debug + Send + Sync + 'static {
    /// Name of the profile that the store was opened for.
    fn profile(&self) -> &str;

    /// What the store offers. Known after the first successful [`probe`](Self::probe); pessimistic before.
    fn capabilities(&self) -> StoreCapabilities;

    /// Whether the store can be reached, with these credentials, for reading and writing; finds out its capabilities.
    async fn probe(&self, deadline: Deadline) -> Result<StoreCapabilities, StoreError>;

    /// Records that `holder` writes under this epoch from now on. Doing it again changes nothing; another holder of the same
    /// epoch, or a lower epoch, is `Superseded`.
    async fn raise_epoch(
        &self,
        group: &GroupPrefix,
        epoch: Epoch,
        holder: &str,
        deadline: Deadline,
    ) -> Result<EpochRecord, StoreError>;

    /// The recorded epoch of the group, `None` if none was ever recorded.
    async fn epoch(&self, group: &GroupPrefix, deadline: Deadline) -> Result<Option<EpochRecord>, StoreError>;

    /// Stores entries under the epoch, which must have been raised. `Ok` only if the epoch still held after the last of them.
    async fn put(
        &self,
        group: &GroupPrefix,
        epoch: Epoch,
        entries: &[Entry],
        deadline: Deadline,
    ) -> Result<(), StoreError>;

    /// Declares that the group is stored whole under this epoch. Doing it again changes nothing.
    async fn seal(&self, group: &GroupPrefix, epoch: Epoch, deadline: Deadline) -> Result<(), StoreError>;

    /// Keys of the group whose path begins with these segments (relative to the group's prefix; whole segments), ordered.
    /// Empty path: all. The epoch record is not among them.
    async fn list(&self, group: &GroupPrefix, path: &str, deadline: Deadline) -> Result<Vec<String>, StoreError>;

    /// One entry by its path relative to the group's prefix.
    async fn get(&self, group: &GroupPrefix, path: &str, deadline: Deadline)
    -> Result<Option<StoredEntry>, StoreError>;

    /// Deletes entries by path under the epoch. Deleting what is not there succeeds.
    async fn delete(
        &self,
        group: &GroupPrefix,
        epoch: Epoch,
        paths: &[String],
        deadline: Deadline,
    ) -> Result<(), StoreError>;

    /// Deletes all entries of the group under the epoch and leaves a tombstone: a writer of an older epoch stays refused.
    async fn clear(&self, group: &GroupPrefix, epoch: Epoch, deadline: Deadline) -> Result<(), StoreError>;

    /// The groups that have entries in the store, ordered.
    async fn groups(&self, deadline: Deadline) -> Result<Vec<GroupPrefix>, StoreError>;
}

/// Opens the stores that profiles name.
///
/// # Guarantees
/// A change of the profile's configuration or of its Secret is seen by the next [`resolve`](Self::resolve), and
/// [`changes`](Self::changes) names the profile.
///
/// # Errors
/// `Failed` with `Prerequisite` for a profile or Secret that does not exist, `Invalid` for one that cannot be used; the object and
/// field are named.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait StoreResolver: fmt::Debug + Send + Sync + 'static {
    /// The store of this profile. Does not contact it.
    async fn resolve(&self, profile: &str, deadline: Deadline) -> Result<Arc<dyn ClusterDataStore>, StoreError>;

    /// Names of profiles that changed, from now on; may coalesce. Ends only with the resolver.
    fn changes(&self) -> BoxStream<'static, String>;
}

/// The name that stands for "no store at all" in a group's list of profiles: nothing is stored and nothing can be restored.
pub const NO_STORE: &str = "NoS3";

/// A group's prefix in a store: `<namespace>/<name>/` of its VolumeReplicationGroup.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct GroupPrefix {
    /// Namespace of the VolumeReplicationGroup.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl GroupPrefix {
    /// The prefix of this VolumeReplicationGroup.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }
}

impl fmt::Display for GroupPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/", self.namespace, self.name)
    }
}

/// Counts the promotions of a group, as the hub orders them. A writer of a lower epoch has lost its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub u64);

impl Epoch {
    /// What entries without an epoch have: those of writers that know none.
    pub const NONE: Self = Self(0);
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "epoch {}", self.0)
    }
}

/// Who may write a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// The epoch.
    pub epoch: Epoch,
    /// Who raised it: the cluster's name.
    pub holder: String,
    /// When, by the holder's clock; for people only.
    pub raised_at: Option<Timestamp>,
    /// The newest epoch under which the group was stored whole: entries of older epochs are superseded. Lower than
    /// [`epoch`](Self::epoch) while a new primary has not stored everything yet: until then what its predecessor stored still
    /// counts. A group that is protected again after its removal starts sealed above the tombstone: nothing older counts.
    pub sealed: Epoch,
    /// The group was removed under this epoch.
    pub tombstone: bool,
}

/// An object to store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its path relative to the group's prefix, for example `v1.PersistentVolume/pvc-1`.
    pub path: String,
    /// The whole object.
    pub object: Value,
}

/// An object that was stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredEntry {
    /// The whole object.
    pub object: Value,
    /// The epoch under which it was stored.
    pub epoch: Epoch,
}

/// What a store offers, as data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StoreCapabilities {
    /// A write can be made to depend on what is stored (`If-Match`, `If-None-Match`). Without it two writers that race for an
    /// epoch may both win for a moment.
    pub conditional_writes: bool,
}

/// Why a store did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another writer has the group: stop writing. A retry cannot help before the hub raises the caller's epoch.
    #[error(
        "profile {profile}, group {group}: {ours} was superseded by {} of {} (remedy: none on this cluster; it is no longer the \
         primary)", current.epoch, current.holder
    )]
    Superseded {
        /// The profile.
        profile: String,
        /// The group.
        group: GroupPrefix,
        /// The epoch that the caller wrote under.
        ours: Epoch,
        /// What is recorded.
        current: Box<EpochRecord>,
    },
    /// The call failed; the store may or may not have done it. `Malformed` for an entry that cannot be decoded, naming its key.
    #[error(transparent)]
    Failed(#[from] Failure),
}
