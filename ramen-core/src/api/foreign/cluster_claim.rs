//! ClusterClaim: what a managed cluster says of itself, on the cluster.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{OtherFields, crd, kind::foreign_kind};
use crate::api::schema::structural;

foreign_kind! {
    /// One claim; `id.k8s.io` is the cluster's identity.
    ClusterClaim ("cluster.open-cluster-management.io", "v1alpha1", "clusterclaims", ClusterResourceScope)
    spec: ClusterClaimSpec;
    short_names: &[];
    columns: &[("Value", "string", ".spec.value"), crd::AGE];
}

/// What is claimed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
pub struct ClusterClaimSpec {
    /// Value of the claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub value: Option<String>,
    /// Fields of the spec that are not typed here.
    #[serde(flatten)]
    pub other: OtherFields,
}
