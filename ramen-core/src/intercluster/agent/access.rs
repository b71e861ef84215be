//! Where the engine gets its connections from.

use std::fmt::Debug;

use async_trait::async_trait;
use futures::stream::BoxStream;

use crate::intercluster::{ClusterName, Failure};

/// Hands out clients to clusters, and knows which of them answer.
///
/// # Guarantees
/// - A client leads to the cluster whose identity was verified; if the endpoint turns out to lead elsewhere, its requests fail
///   with a [`Failure`] of class `UnknownCluster`.
/// - Requests on a connection that is known to be dead fail at once: waiting for a dead cluster costs nothing.
///
/// # Assumptions
/// Errors that the access itself raises reach the caller as `kube::Error::Service` around a [`Failure`].
#[async_trait]
pub trait ClusterAccess: Debug + Send + Sync + 'static {
    /// The clusters that are known now, ordered by name.
    fn clusters(&self) -> Vec<ClusterName>;

    /// A client for the cluster; it stays valid across reconnections and rotations of credentials. `UnknownCluster` if there is
    /// no such cluster.
    fn client(&self, cluster: &ClusterName) -> Result<kube::Client, Failure>;

    /// What is known of the path to the cluster at this moment.
    fn state(&self, cluster: &ClusterName) -> LinkState;

    /// Finds out at once whether the cluster answers, instead of waiting for the next regular probe.
    async fn probe(&self, cluster: &ClusterName) -> LinkState;

    /// Clusters of which the state changed, from now on; may coalesce.
    fn changes(&self) -> BoxStream<'static, ClusterName>;
}

/// What is known of the path to a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkState {
    /// No connection was made yet.
    Connecting,
    /// It answers.
    Up,
    /// It does not answer, or may not be used; the failure says why.
    Down(Failure),
}

impl LinkState {
    /// The failure that a request made now would meet.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Down(failure) => Some(failure),
            Self::Connecting | Self::Up => None,
        }
    }
}
