//! Where connections to clusters come from.

use std::{collections::BTreeMap, fmt::Debug};

use async_trait::async_trait;
use futures::stream::BoxStream;
use ramen_core::{
    intercluster::{ClusterName, Failure},
    time::Deadline,
};

/// Knows clusters and how to connect to them.
///
/// The transport has one for kubeconfigs in Secrets and one for kubeconfigs in files; a test, or an embedder with an inventory
/// of its own, brings another.
///
/// # Guarantees
/// A cluster whose credentials or address changed has another fingerprint, and [`changes`](Self::changes) says so.
#[async_trait]
pub trait Connector: Debug + Send + Sync + 'static {
    /// The clusters, each with a fingerprint of how it is reached. A cluster whose configuration cannot be used is listed all the
    /// same: [`connect`](Self::connect) says why.
    async fn clusters(&self, deadline: Deadline) -> Result<BTreeMap<ClusterName, String>, Failure>;

    /// A client made of the present configuration. It must not repeat requests by itself, nor keep a connection attempt
    /// waiting for longer than a few seconds.
    async fn connect(&self, cluster: &ClusterName, deadline: Deadline) -> Result<kube::Client, Failure>;

    /// Something changed in what [`clusters`](Self::clusters) answers; may coalesce.
    fn changes(&self) -> BoxStream<'static, ()>;
}
