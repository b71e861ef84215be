//! The contract of fencing a cluster off from storage.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ClassFacts;
use crate::intercluster::{ClusterName, Intent, ObjectKey, Observation};

/// Cuts a cluster off from storage that it shares with a peer, and lets it back.
///
/// Fencing is not replication: it runs on the peer, at the hub's word, and says nothing about volumes. A provider is pure: it
/// says which objects bring a fence about, which objects show it, and what they show.
///
/// # Guarantees
/// - Every function is pure and total.
/// - [`FenceVerdict::Fenced`] and [`FenceVerdict::Unfenced`] are said only of an observation that was made after the present
///   intent was applied: an older success does not count.
///
/// # Assumptions
/// The caller delivers the intents of [`intents`](Self::intents) as they are and in their order, and reads the objects of
/// [`evidence`](Self::evidence) no older than the intents' last revision.
///
/// # Caveats
/// Removing a fence object does not unfence: an unfence is an intent like a fence, and only once it is confirmed are the intents
/// deleted.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait FenceProvider: fmt::Debug + Send + Sync + 'static {
    /// The name under which the provider is configured.
    fn name(&self) -> &str;

    /// The intents that bring the cluster into the state, all on the peer. Empty, with a reason, if the request lacks
    /// something.
    fn intents(&self, request: &FenceRequest) -> Result<Vec<Intent>, String>;

    /// The objects that show whether they took effect.
    fn evidence(&self, request: &FenceRequest) -> Vec<ObjectKey>;

    /// What the objects show.
    fn verdict(&self, request: &FenceRequest, evidence: &[Observation]) -> FenceVerdict;
}

/// A cluster that is to be cut off, or let back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FenceRequest {
    /// The cluster in question.
    pub cluster: ClusterName,
    /// The cluster on which the fence is brought about.
    pub peer: ClusterName,
    /// What is asked for.
    pub desired: FenceState,
    /// Addresses of the cluster's nodes as the storage sees them, in CIDR notation.
    pub cidrs: Vec<String>,
    /// Fence classes of the peer that match the storage.
    pub classes: Vec<ClassFacts>,
}

/// Cut off or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FenceState {
    /// Cut off.
    Fenced,
    /// Not cut off.
    Unfenced,
}

/// What the evidence shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FenceVerdict {
    /// Every one of the cluster's ways to the storage is cut.
    Fenced,
    /// Every one is open.
    Unfenced,
    /// On its way; what is waited for.
    Progressing(String),
    /// The storage refused; why, and what helps.
    Failed(String),
    /// It cannot be told: the evidence is missing or too old. Never taken for fenced.
    Unknown(String),
}
