//! ReplicationGroupSource: the sending side of a VolSync consistency group.

// Each printer column has a type of its own; the lint takes equal ones for a repetition.
#![allow(clippy::duplicated_attributes)]

use k8s_openapi::{
    api::core::v1::ObjectReference,
    apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector, Time},
};
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Duration, VolSyncReplicationSourceSpec, schema};

/// What is to be sent, and when.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::structural)]
#[kube(
    group = "ramendr.openshift.io",
    version = "v1alpha1",
    kind = "ReplicationGroupSource",
    plural = "replicationgroupsources",
    shortname = "rgs",
    namespaced,
    status = "ReplicationGroupSourceStatus",
    derive = "PartialEq",
    derive = "Default",
    schema = "manual",
    doc = "Sends the PVCs of a consistency group from one common snapshot. On the primary's cluster, namespaced, short name `rgs`; made by a \
           VolumeReplicationGroup, one for each group.\n\nEach round takes a VolumeGroupSnapshot, restores it to temporary PVCs, and sends each of those \
           through a ReplicationSource.",
    printcolumn(json_path = ".status.lastSyncTime", name = "Last sync", type_ = "string", format = "date-time"),
    printcolumn(json_path = ".status.lastSyncDuration", name = "Duration", type_ = "string"),
    printcolumn(json_path = ".status.nextSyncTime", name = "Next sync", type_ = "string", format = "date-time"),
    printcolumn(json_path = ".spec.volumeGroupSnapshotSource", name = "Source", type_ = "string"),
    printcolumn(
        json_path = ".status.lastSyncStartTime",
        name = "Last sync start",
        type_ = "string",
        format = "date-time"
    )
)]
pub struct ReplicationGroupSourceSpec {
    /// When to send. Absent: once, and again when a round has failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<ReplicationSourceTriggerSpec>,

    /// VolumeGroupSnapshotClass that takes the snapshots. One that does not exist is reported in the conditions.
    pub volume_group_snapshot_class_name: String,

    /// Selects by label the PVCs of the group, in the namespace of this object.
    #[schemars(schema_with = "schema::label_selector")]
    pub volume_group_snapshot_source: LabelSelector,

    /// Where to send each PVC, and how its mover runs. A PVC that is not listed is sent to where the clusters' shared
    /// service network finds its receiver.
    #[serde(default, rename = "rsSpecs", skip_serializing_if = "Vec::is_empty")]
    pub rs_specs: Vec<VolSyncReplicationSourceSpec>,
}

schema::root_schema!(
    ReplicationGroupSource,
    ReplicationGroupSourceSpec,
    ReplicationGroupSourceStatus,
    "Sends the PVCs of a consistency group from one common snapshot."
);

/// When a group is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(transform = schema::structural)]
pub struct ReplicationSourceTriggerSpec {
    /// Times to send at, as cron writes them (`*/5 * * * *`, `@hourly`), in UTC. Absent: no times.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(
        pattern = r"^(@(annually|yearly|monthly|weekly|daily|hourly))|((((\d+,)*\d+|(\d+(\/|-)\d+)|\*(\/\d+)?)\s?){5})$"
    ))]
    pub schedule: Option<String>,

    /// Asks for one round whenever it changes: `status.lastManualSync` takes the same text once the round is done.
    /// Absent: no round is asked for.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub manual: String,
}

/// What has been sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(transform = schema::structural)]
pub struct ReplicationGroupSourceStatus {
    /// When the last complete round ended. Absent: none yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_sync_time: Option<Time>,

    /// When the present round started. Absent: none is under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_sync_start_time: Option<Time>,

    /// How long the last complete round took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_sync_duration: Option<Duration>,

    /// When the next round is due. Absent without a schedule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_sync_time: Option<Time>,

    /// The `spec.trigger.manual` whose round is done. Absent: none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub last_manual_sync: String,

    /// `Synchronizing`: how the present round stands.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,

    /// The ReplicationSources of the group, one for each PVC.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::object_references")]
    pub replication_sources: Vec<ObjectReference>,
}
