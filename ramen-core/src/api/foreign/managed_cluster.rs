//! ManagedCluster: a cluster that has, or wants to have, a place on the hub.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{OtherFields, crd, kind::foreign_kind};
use crate::api::schema::{self, structural};

foreign_kind! {
    /// A cluster; its name is that of its namespace on the hub, and of its DRCluster.
    ManagedCluster ("cluster.open-cluster-management.io", "v1", "managedclusters", ClusterResourceScope)
    spec: ManagedClusterSpec;
    status: ManagedClusterStatus;
    short_names: &["mcl", "mcls"];
    columns: &[
        ("Accepted", "boolean", ".spec.hubAcceptsClient"),
        ("Joined", "string", r#".status.conditions[?(@.type=="ManagedClusterJoined")].status"#),
        ("Available", "string", r#".status.conditions[?(@.type=="ManagedClusterConditionAvailable")].status"#),
        crd::AGE,
    ];
}

/// What the hub grants a cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
pub struct ManagedClusterSpec {
    /// Whether the hub admits the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hub_accepts_client: Option<bool>,
    /// Seconds between renewals of the cluster's lease; absent for 60. After five the cluster counts as unreachable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_duration_seconds: Option<i32>,
    /// Taints; those of an unreachable or unavailable cluster are set by the hub.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taints: Option<Vec<Taint>>,
    /// Fields of the spec that are not typed here.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// What keeps placements off a cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
#[schemars(extend("required" = ["key", "effect"]))]
pub struct Taint {
    /// Key.
    #[serde(default)]
    pub key: String,
    /// Value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// What it does to placements that do not tolerate it.
    #[serde(default)]
    #[schemars(extend("enum" = ["NoSelect", "PreferNoSelect", "NoSelectIfNew"]))]
    pub effect: String,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crd::nullable_time")]
    pub time_added: Option<Time>,
    /// Fields of the taint that are not typed here.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// What is known of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
pub struct ManagedClusterStatus {
    /// Conditions; their types and reasons are among the names of OCM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Option<Vec<Condition>>,
    /// What the cluster says of itself, its identity among it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_claims: Option<Vec<ManagedClusterClaim>>,
    /// Fields of the status that are not typed here.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// A ClusterClaim, as the hub knows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
#[schemars(extend("required" = ["name", "value"]))]
pub struct ManagedClusterClaim {
    /// Name.
    #[serde(default)]
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Value.
    #[serde(default)]
    #[schemars(length(min = 1, max = 1024))]
    pub value: String,
    /// Fields of the claim that are not typed here.
    #[serde(flatten)]
    pub other: OtherFields,
}

impl ManagedCluster {
    /// Value of a claim that the cluster makes; an empty one is none.
    #[must_use]
    pub fn claim(&self, name: &str) -> Option<&str> {
        let claims = self.status.as_ref()?.cluster_claims.as_ref()?;
        claims
            .iter()
            .find(|claim| claim.name == name)
            .map(|claim| claim.value.as_str())
            .filter(|value| !value.is_empty())
    }
}
