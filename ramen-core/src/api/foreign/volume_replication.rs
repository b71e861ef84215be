//! VolumeReplication and its class: native replication of one volume, by csi-addons.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::TypedLocalObjectReference,
    apimachinery::pkg::apis::meta::v1::{Condition, Time},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{OtherFields, crd, kind::foreign_kind};
use crate::api::{
    schema::{self, structural},
    wire::open_enum,
};

foreign_kind! {
    /// Replication of one PVC, or of a group; named as the PVC.
    VolumeReplication ("replication.storage.openshift.io", "v1alpha1", "volumereplications", NamespaceResourceScope)
    spec: VolumeReplicationSpec;
    status: VolumeReplicationStatus;
    short_names: &["vr"];
    columns: &[
        ("VolumeReplicationClass", "string", ".spec.volumeReplicationClass"),
        ("Source", "string", ".spec.dataSource.name"),
        ("DesiredState", "string", ".spec.replicationState"),
        ("CurrentState", "string", ".status.state"),
        crd::AGE,
    ];
}

foreign_kind! {
    /// How a provisioner replicates; its labels say with which peer.
    VolumeReplicationClass (
        "replication.storage.openshift.io", "v1alpha1", "volumereplicationclasses", ClusterResourceScope
    )
    spec: VolumeReplicationClassSpec;
    short_names: &["vrc"];
    columns: &[("Provisioner", "string", ".spec.provisioner"), crd::AGE];
}

open_enum! {
    /// State a volume or group is asked to be in.
    VolumeReplicationState {
        /// It may be written, and its writes go to the peer.
        Primary = "primary",
        /// It may not be written.
        Secondary = "secondary",
        /// As secondary, and what it has of its own is given up for the peer's.
        Resync = "resync",
    }
}

open_enum! {
    /// State that was last reached. It keeps its value when an operation fails: never decide by it alone.
    ReportedState {
        /// Promoted.
        Primary = "Primary",
        /// Demoted, and after a resync in step with the peer.
        Secondary = "Secondary",
        /// Neither yet.
        Unknown = "Unknown",
    }
}

/// What a VolumeReplication asks for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
#[schemars(extend("required" = ["volumeReplicationClass", "dataSource"]))]
pub struct VolumeReplicationSpec {
    /// Class to replicate by; never changes.
    #[serde(default)]
    pub volume_replication_class: String,
    /// State asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replication_state: Option<VolumeReplicationState>,
    /// The PVC, or the VolumeGroupReplication; never changes.
    #[serde(default)]
    pub data_source: TypedLocalObjectReference,
    /// Whether a secondary may give up what it has of its own without being asked each time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_resync: Option<bool>,
    /// An existing replication to take over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replication_handle: Option<String>,
    /// Fields of the spec that are not typed here.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// What csi-addons says of a VolumeReplication, and of the one inside a VolumeGroupReplication.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
pub struct VolumeReplicationStatus {
    /// State last reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<ReportedState>,
    /// Conditions; see [`csi_addons`](crate::api::names::csi_addons) for their types and reasons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Option<Vec<Condition>>,
    /// Generation of the spec that was last looked at, whether or not its state was reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// End of the last sync.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crd::time")]
    pub last_sync_time: Option<Time>,
    /// Bytes of the last sync.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_sync_bytes: Option<i64>,
    /// Length of the last sync, as Go writes durations: `1m2s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_sync_duration: Option<String>,
    /// Identity of the volume on the peer's storage; absent where the driver does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "destinationVolumeID")]
    pub destination_volume_id: Option<String>,
    /// Fields of the status that are not typed here.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// What a VolumeReplicationClass says; it never changes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
#[schemars(extend("required" = ["provisioner"]))]
pub struct VolumeReplicationClassSpec {
    /// CSI driver.
    #[serde(default)]
    pub provisioner: String,
    /// Parameters; `schedulingInterval` is the one we read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<BTreeMap<String, String>>,
    /// Fields of the spec that are not typed here.
    #[serde(flatten)]
    pub other: OtherFields,
}
