//! The contract of knowing the clusters.

use std::{collections::BTreeMap, fmt::Debug};

use async_trait::async_trait;
use futures::stream::BoxStream;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ClusterName, Failure};
use crate::time::Deadline;

/// Knows which clusters there are, which cluster each of them really is, and which of them answer.
///
/// # Guarantees
/// - A cluster's identity is verified each time it is connected: an endpoint that leads to another cluster than before is
///   [`Identity::Mismatch`], and nothing is delivered there (R1).
/// - Joined and reachable are two things, and reachable has a time (R2).
/// - Removing a cluster from the registry deletes nothing on it (R3).
///
/// # Caveats
/// `reachable` is what was last known, for people and for the order of work. No decision takes it for an observation of an
/// object: that is the [view](super::ClusterView)'s.
///
/// # Errors
/// `UnknownCluster` for a name that is not registered; failures of the hub's API as their class.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ClusterRegistry: Debug + Send + Sync + 'static {
    /// All clusters, by name.
    async fn clusters(&self, deadline: Deadline) -> Result<Vec<ClusterInfo>, Failure>;

    /// One cluster.
    async fn cluster(&self, name: &ClusterName, deadline: Deadline) -> Result<ClusterInfo, Failure>;

    /// Names of clusters of which something changed, from now on; may coalesce. Ends only with the registry.
    fn changes(&self) -> BoxStream<'static, ClusterName>;
}

/// What is known of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterInfo {
    /// The name.
    pub name: ClusterName,
    /// Which cluster it is.
    pub identity: Identity,
    /// Whether it has been accepted and has connected once.
    pub joined: bool,
    /// Whether it answers.
    pub reachability: Reachability,
    /// Properties that the cluster claims of itself, by name (`id.k8s.io`, ...).
    pub claims: BTreeMap<String, String>,
}

/// Which cluster an endpoint leads to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Identity {
    /// It has never been connected.
    Unverified,
    /// It is the cluster of this id (the uid of its `kube-system` namespace, or its claim `id.k8s.io`).
    Verified(String),
    /// It is another cluster than before.
    Mismatch {
        /// The id that was recorded.
        expected: String,
        /// The id of the cluster that the endpoint leads to.
        found: String,
    },
}

/// Whether a cluster answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reachability {
    /// Nothing is known yet.
    Unknown,
    /// It answers, since then without interruption.
    Reachable {
        /// When the present connection began.
        since: Timestamp,
    },
    /// It does not answer.
    Unreachable {
        /// When it was first missed.
        since: Timestamp,
        /// How that shows.
        failure: Failure,
    },
}
