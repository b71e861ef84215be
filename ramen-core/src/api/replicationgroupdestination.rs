//! ReplicationGroupDestination: the receiving side of a VolSync consistency group.

// Each printer column has a type of its own; the lint takes equal ones for a repetition.
#![allow(clippy::duplicated_attributes)]

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::{ObjectReference, TypedLocalObjectReference},
    apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector, Time},
};
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Duration, VolSyncReplicationDestinationSpec, schema};

/// What is to be received.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(transform = schema::structural)]
#[kube(
    group = "ramendr.openshift.io",
    version = "v1alpha1",
    kind = "ReplicationGroupDestination",
    plural = "replicationgroupdestinations",
    shortname = "rgd",
    namespaced,
    status = "ReplicationGroupDestinationStatus",
    derive = "PartialEq",
    derive = "Default",
    schema = "manual",
    doc = "Receives the PVCs of a consistency group, and publishes images of them only as a complete set. On the secondary's cluster, namespaced, short \
           name `rgd`; made by a VolumeReplicationGroup, one for each group.",
    printcolumn(json_path = ".status.lastSyncTime", name = "Last sync", type_ = "string", format = "date-time"),
    printcolumn(json_path = ".status.lastSyncDuration", name = "Duration", type_ = "string"),
    printcolumn(
        json_path = ".status.lastSyncStartTime",
        name = "Last sync start",
        type_ = "string",
        format = "date-time"
    )
)]
pub struct ReplicationGroupDestinationSpec {
    /// Selects by label the VolumeSnapshotClasses for the received images. Absent or empty: all.
    #[schemars(schema_with = "schema::label_selector")]
    pub volume_snapshot_class_selector: LabelSelector,

    /// The PVCs of the group, one ReplicationDestination each. All must be in one namespace. Absent: nothing is
    /// received.
    #[serde(rename = "rdSpecs", skip_serializing_if = "Vec::is_empty")]
    pub rd_specs: Vec<VolSyncReplicationDestinationSpec>,

    /// Holds the set of images as it is, so that it neither moves on nor expires while a promotion restores from it.
    /// Absent is false.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
}

schema::root_schema!(
    ReplicationGroupDestination,
    ReplicationGroupDestinationSpec,
    ReplicationGroupDestinationStatus,
    "Receives the PVCs of a consistency group, and publishes images of them only as a complete set."
);

/// What has been received.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(transform = schema::structural)]
pub struct ReplicationGroupDestinationStatus {
    /// When the last complete set was received. Absent: none yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_sync_time: Option<Time>,

    /// When the present round started. Absent: none is under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_sync_start_time: Option<Time>,

    /// How long the last complete round took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_sync_duration: Option<Duration>,

    /// Not used by this side: the sender decides when a round starts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_sync_time: Option<Time>,

    /// `Synchronizing`: how the present round stands.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,

    /// The last complete set: VolumeSnapshots by name of the PVC, replaced as a whole. Absent: none yet. The name in
    /// JSON is singular.
    #[serde(rename = "latestImage", skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::typed_local_object_references")]
    pub latest_images: BTreeMap<String, TypedLocalObjectReference>,

    /// The ReplicationDestinations of the group, one for each PVC.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::object_references")]
    pub replication_destinations: Vec<ObjectReference>,
}
