//! AppliedManifestWork: what the work agent keeps on the managed cluster about one ManifestWork.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{OtherFields, crd, kind::foreign_kind};
use crate::api::schema::structural;

foreign_kind! {
    /// Owner, on the managed cluster, of what one ManifestWork applied there.
    AppliedManifestWork ("work.open-cluster-management.io", "v1", "appliedmanifestworks", ClusterResourceScope)
    spec: AppliedManifestWorkSpec;
    status: AppliedManifestWorkStatus;
    short_names: &[];
    columns: &[
        ("ManifestWork", "string", ".spec.manifestWorkName"),
        ("Eviction", "date", ".status.evictionStartTime"),
        crd::AGE,
    ];
}

/// Which ManifestWork, of which hub.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
#[schemars(extend("required" = ["hubHash", "manifestWorkName"]))]
pub struct AppliedManifestWorkSpec {
    /// Hash of the hub's host; under another one the objects are evicted.
    #[serde(default)]
    pub hub_hash: String,
    /// Agent that applied it; others leave it alone.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "agentID")]
    pub agent_id: Option<String>,
    /// Name of the ManifestWork.
    #[serde(default)]
    pub manifest_work_name: String,
    /// Fields of the spec that are not typed here.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// What was applied.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
pub struct AppliedManifestWorkStatus {
    /// The objects; one that leaves the work is deleted by its entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied_resources: Option<Vec<AppliedManifestResource>>,
    /// When the ManifestWork was first missed; the objects are deleted a grace period later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crd::time")]
    pub eviction_start_time: Option<Time>,
    /// Fields of the status that are not typed here.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// An object that was applied.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
#[schemars(extend("required" = ["resource", "name"]))]
pub struct AppliedManifestResource {
    /// API group; empty for the core group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// API version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Plural name of the kind.
    #[serde(default)]
    pub resource: String,
    /// Name.
    #[serde(default)]
    pub name: String,
    /// Namespace; empty for a cluster-scoped object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// UID; only the object that bears it is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// Fields of the entry that are not typed here.
    #[serde(flatten)]
    pub other: OtherFields,
}
