//! VolumeGroupReplication and its class: native replication of several volumes at one point in time, by csi-addons.

use std::collections::BTreeMap;

use k8s_openapi::{api::core::v1::LocalObjectReference, apimachinery::pkg::apis::meta::v1::LabelSelector};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{OtherFields, VolumeReplicationState, VolumeReplicationStatus, crd, kind::foreign_kind};
use crate::api::schema::structural;

foreign_kind! {
    /// Replication of all PVCs of its namespace that a selector finds.
    VolumeGroupReplication (
        "replication.storage.openshift.io", "v1alpha1", "volumegroupreplications", NamespaceResourceScope
    )
    spec: VolumeGroupReplicationSpec;
    status: VolumeGroupReplicationStatus;
    short_names: &["vgr"];
    columns: &[
        ("VolumeGroupReplicationClass", "string", ".spec.volumeGroupReplicationClassName"),
        ("DesiredState", "string", ".spec.replicationState"),
        ("CurrentState", "string", ".status.state"),
        crd::AGE,
    ];
}

foreign_kind! {
    /// How a provisioner replicates groups; its labels say with which peer.
    VolumeGroupReplicationClass (
        "replication.storage.openshift.io", "v1alpha1", "volumegroupreplicationclasses", ClusterResourceScope
    )
    spec: VolumeGroupReplicationClassSpec;
    short_names: &["vgrc"];
    columns: &[("Provisioner", "string", ".spec.provisioner"), crd::AGE];
}

/// What a VolumeGroupReplication asks for. All but state and resync never change.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
#[schemars(extend("required" = ["volumeGroupReplicationClassName", "volumeReplicationClassName", "source"]))]
pub struct VolumeGroupReplicationSpec {
    /// Class of the group.
    #[serde(default)]
    pub volume_group_replication_class_name: String,
    /// Class of the VolumeReplication that csi-addons makes for the group; empty where the storage replicates by
    /// itself.
    #[serde(default)]
    pub volume_replication_class_name: String,
    /// That VolumeReplication, once csi-addons has made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_replication_name: Option<String>,
    /// The group's content, once csi-addons has made it, or restored beforehand: it then waits for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_group_replication_content_name: Option<String>,
    /// Which PVCs.
    #[serde(default)]
    pub source: VolumeGroupReplicationSource,
    /// State asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replication_state: Option<VolumeReplicationState>,
    /// Whether a secondary may give up what it has of its own without being asked each time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_resync: Option<bool>,
    /// Whether the storage's own controller acts on the group instead of csi-addons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<bool>,
    /// Fields of the spec that are not typed here.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// Which PVCs belong to a group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
pub struct VolumeGroupReplicationSource {
    /// Selector of PVCs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::api::schema::label_selector")]
    pub selector: Option<LabelSelector>,
    /// Fields of the source that are not typed here.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// What csi-addons says of a VolumeGroupReplication.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
pub struct VolumeGroupReplicationStatus {
    /// PVCs that are in the group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persistent_volume_claims_ref_list: Option<Vec<LocalObjectReference>>,
    /// What the VolumeReplication inside says, and the fields that are not typed here.
    ///
    /// Every condition bears the *group's* generation, even before the VolumeReplication has acted on it.
    #[serde(flatten)]
    pub replication: VolumeReplicationStatus,
}

/// What a VolumeGroupReplicationClass says; it never changes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
#[schemars(extend("required" = ["provisioner"]))]
pub struct VolumeGroupReplicationClassSpec {
    /// CSI driver.
    #[serde(default)]
    pub provisioner: String,
    /// Parameters; `schedulingInterval` and the storage cluster are what we read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<BTreeMap<String, String>>,
    /// Fields of the spec that are not typed here.
    #[serde(flatten)]
    pub other: OtherFields,
}
