//! Placement: which clusters an application may run on.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{OtherFields, crd, kind::foreign_kind};
use crate::api::schema::{self, structural};

foreign_kind! {
    /// Which clusters an application may run on. We decide among them where its annotation turns scheduling off.
    Placement ("cluster.open-cluster-management.io", "v1beta1", "placements", NamespaceResourceScope)
    spec: PlacementSpec;
    status: PlacementStatus;
    short_names: &[];
    columns: &[
        ("Succeeded", "string", r#".status.conditions[?(@.type=="PlacementSatisfied")].status"#),
        ("Reason", "string", r#".status.conditions[?(@.type=="PlacementSatisfied")].reason"#),
        ("SelectedClusters", "integer", ".status.numberOfSelectedClusters"),
        crd::AGE,
    ];
}

/// What a placement asks for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
pub struct PlacementSpec {
    /// How many clusters; one is what a protected application needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number_of_clusters: Option<i32>,
    /// Sets of clusters to choose from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_sets: Option<Vec<String>>,
    /// Fields of the spec that are not typed here: predicates, priorities, tolerations.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// What OCM says of a placement; nothing of it holds while scheduling is off.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
pub struct PlacementStatus {
    /// How many clusters were selected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number_of_selected_clusters: Option<i32>,
    /// Conditions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Option<Vec<Condition>>,
    /// Fields of the status that are not typed here.
    #[serde(flatten)]
    pub other: OtherFields,
}
