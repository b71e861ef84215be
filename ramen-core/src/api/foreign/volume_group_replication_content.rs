//! VolumeGroupReplicationContent: the group as the storage knows it, by csi-addons.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ObjectReference;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{OtherFields, crd, kind::foreign_kind};
use crate::api::{
    schema::{self, structural},
    wire::null_as_default,
};

foreign_kind! {
    /// A group on the storage, bound to one VolumeGroupReplication.
    VolumeGroupReplicationContent (
        "replication.storage.openshift.io", "v1alpha1", "volumegroupreplicationcontents", ClusterResourceScope
    )
    spec: VolumeGroupReplicationContentSpec;
    status: VolumeGroupReplicationContentStatus;
    short_names: &["vgrcontent"];
    columns: &[
        ("Provisioner", "string", ".spec.provisioner"),
        ("Handle", "string", ".spec.volumeGroupReplicationHandle"),
        ("VolumeGroupReplication", "string", ".spec.volumeGroupReplicationRef.name"),
        crd::AGE,
    ];
}

/// What a content binds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
#[schemars(extend(
    "required" = ["volumeGroupReplicationHandle", "provisioner", "volumeGroupReplicationClassName", "source"]
))]
pub struct VolumeGroupReplicationContentSpec {
    /// The VolumeGroupReplication; a restore leaves it out, and csi-addons binds anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::object_reference")]
    pub volume_group_replication_ref: Option<ObjectReference>,
    /// Identity of the group on its storage; a restore puts the peer's in its place.
    #[serde(default)]
    pub volume_group_replication_handle: String,
    /// CSI driver.
    #[serde(default)]
    pub provisioner: String,
    /// Class of the group.
    #[serde(default)]
    pub volume_group_replication_class_name: String,
    /// What the driver keeps about the group, the storage cluster among it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_group_attributes: Option<BTreeMap<String, String>>,
    /// Volumes of the group.
    #[serde(default)]
    pub source: VolumeGroupReplicationContentSource,
    /// Fields of the spec that are not typed here.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// Volumes of a group, by their handles.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
#[schemars(extend("required" = ["volumeHandles"]))]
pub struct VolumeGroupReplicationContentSource {
    /// Handles; a restore puts the peer's in their place.
    #[serde(default, deserialize_with = "null_as_default")]
    pub volume_handles: Vec<String>,
    /// Fields of the source that are not typed here.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// What csi-addons says of a content.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
pub struct VolumeGroupReplicationContentStatus {
    /// Identities of the volumes here and on the peer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persistent_volume_mapping_list: Option<Vec<PersistentVolumeMapping>>,
    /// Identity of the group on the peer's storage; absent until all of them are known.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "destinationVolumeGroupID")]
    pub destination_volume_group_id: Option<String>,
    /// Fields of the status that are not typed here.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// One volume of a group, here and on the peer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
#[schemars(extend("required" = ["name", "volumeHandle"]))]
pub struct PersistentVolumeMapping {
    /// PersistentVolume.
    #[serde(default)]
    pub name: String,
    /// Its handle here.
    #[serde(default)]
    pub volume_handle: String,
    /// Its handle on the peer; absent while unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_volume_handle: Option<String>,
    /// Fields of the entry that are not typed here.
    #[serde(flatten)]
    pub other: OtherFields,
}
