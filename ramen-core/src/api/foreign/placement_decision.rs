//! PlacementDecision: the clusters a Placement has come down to. GitOps controllers deploy to each, and delete from
//! each that leaves.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{OtherFields, crd, kind::foreign_kind};
use crate::api::{schema::structural, wire::null_as_default};

foreign_kind! {
    /// Clusters that the Placement in its label has come down to. It has no spec: the decision is its status.
    PlacementDecision ("cluster.open-cluster-management.io", "v1beta1", "placementdecisions", NamespaceResourceScope)
    status: PlacementDecisionStatus;
    short_names: &[];
    columns: &[("Clusters", "string", ".status.decisions[*].clusterName"), crd::AGE];
}

/// The decision.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
#[schemars(extend("required" = ["decisions"]))]
pub struct PlacementDecisionStatus {
    /// Clusters, those too that an application is retained on while it fails over.
    #[serde(default, deserialize_with = "null_as_default")]
    pub decisions: Vec<ClusterDecision>,
    /// Fields of the status that are not typed here.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// One cluster of a decision.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
#[schemars(extend("required" = ["clusterName", "reason"]))]
pub struct ClusterDecision {
    /// Cluster.
    #[serde(default)]
    pub cluster_name: String,
    /// Why; `RetainedForFailover` is ours, and such a cluster is not where the application lives.
    #[serde(default)]
    pub reason: String,
    /// Fields of the entry that are not typed here.
    #[serde(flatten)]
    pub other: OtherFields,
}
