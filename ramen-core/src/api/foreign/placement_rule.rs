//! PlacementRule: the older way to say where an application may run, decision included.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{OtherFields, crd, kind::foreign_kind};
use crate::api::schema::structural;

foreign_kind! {
    /// Which clusters an application may run on, and runs on. We decide where its scheduler is ours.
    PlacementRule ("apps.open-cluster-management.io", "v1", "placementrules", NamespaceResourceScope)
    spec: PlacementRuleSpec;
    status: PlacementRuleStatus;
    short_names: &[];
    columns: &[
        ("Replicas", "integer", ".spec.clusterReplicas"),
        ("Clusters", "string", ".status.decisions[*].clusterName"),
        crd::AGE,
    ];
}

/// What a rule asks for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
pub struct PlacementRuleSpec {
    /// Who decides; `ramen` for us, absent for OCM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduler_name: Option<String>,
    /// How many clusters; one is what a protected application needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_replicas: Option<i32>,
    /// Clusters by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clusters: Option<Vec<ClusterReference>>,
    /// Conditions that clusters must meet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_conditions: Option<Vec<ClusterConditionFilter>>,
    /// Fields of the spec that are not typed here: the selector, policies, hints.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// A cluster by name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
#[schemars(extend("required" = ["name"]))]
pub struct ClusterReference {
    /// Name.
    #[serde(default)]
    pub name: String,
    /// Fields of the reference that are not typed here.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// A condition that clusters must meet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
pub struct ClusterConditionFilter {
    /// Type of the condition.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub type_: Option<String>,
    /// Status it must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Fields of the filter that are not typed here.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// The decision.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
pub struct PlacementRuleStatus {
    /// Clusters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decisions: Option<Vec<PlacementRuleDecision>>,
    /// Fields of the status that are not typed here.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// One cluster of a decision.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
pub struct PlacementRuleDecision {
    /// Cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_name: Option<String>,
    /// Its namespace on the hub, which is of the same name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_namespace: Option<String>,
    /// Fields of the entry that are not typed here.
    #[serde(flatten)]
    pub other: OtherFields,
}
