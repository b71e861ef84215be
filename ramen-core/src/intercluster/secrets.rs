//! The contract of carrying Secrets to clusters.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{ClusterName, Delivery, Failure};
use crate::time::Deadline;

/// Brings a Secret of the hub to managed clusters and keeps it there, equal.
///
/// Secrets travel apart from other objects: their content must not lie in records that others may read, nor come back through
/// a view.
///
/// # Guarantees
/// - The content is neither stored in an intent record nor logged nor returned by any call.
/// - A change of the source is carried on; a missing source is `Prerequisite` and removes nothing.
/// - [`withdraw`](Self::withdraw) removes only what this delivery brought, on the clusters that it brought it to.
///
/// # Errors
/// `Prerequisite` if the source is missing; `Ownership` if the target exists and is somebody else's.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait SecretPropagator: fmt::Debug + Send + Sync + 'static {
    /// Records the delivery. Returns once it is durable; does not wait for the clusters.
    async fn propagate(&self, delivery: &SecretDelivery, deadline: Deadline) -> Result<(), Failure>;

    /// Ends the delivery of this name and removes the targets. Ending what is not there succeeds.
    async fn withdraw(&self, name: &SecretDeliveryName, deadline: Deadline) -> Result<(), Failure>;

    /// How far the delivery has come on each of its clusters, in their order. Empty if there is no such delivery.
    async fn status(
        &self,
        name: &SecretDeliveryName,
        deadline: Deadline,
    ) -> Result<Vec<(ClusterName, Delivery)>, Failure>;
}

/// Names a delivery on the hub.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SecretDeliveryName {
    /// Namespace of the source Secret.
    pub namespace: String,
    /// Name of the delivery.
    pub name: String,
}

impl fmt::Display for SecretDeliveryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "secret delivery {}/{}", self.namespace, self.name)
    }
}

/// A Secret on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretDelivery {
    /// Which delivery.
    pub name: SecretDeliveryName,
    /// Name of the Secret on the hub, in the namespace of the delivery.
    pub source: String,
    /// The clusters.
    pub clusters: Vec<ClusterName>,
    /// Namespace of the Secret on the clusters.
    pub target_namespace: String,
    /// Name of the Secret on the clusters.
    pub target_name: String,
    /// What the Secret holds on the clusters.
    pub form: SecretForm,
}

/// What a Secret holds on the clusters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum SecretForm {
    /// The same keys and values.
    Same,
    /// S3 credentials as Velero reads them: one key that holds an AWS credentials file made of the source's
    /// `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`.
    VeleroCredentials {
        /// The key.
        key: String,
    },
}
