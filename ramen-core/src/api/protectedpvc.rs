//! What is known of one protected PVC.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::VolumeResourceRequirements,
    apimachinery::pkg::apis::meta::v1::{Condition, Time},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Duration, MMode, schema};

/// A storage or replication instance, and what it wants to be told before a failover.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::structural)]
pub struct Identifier {
    /// The instance, unique over all clusters. Empty when the class names none: the key is written even then, because
    /// the CRD requires it.
    pub id: String,

    /// Maintenance modes that this instance must confirm before Ramen acts on it, from the comma-separated label
    /// `ramendr.openshift.io/maintenancemodes` of the class. Modes this version does not know are left out. Absent:
    /// none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modes: Vec<MMode>,
}

/// One PVC of an application: what the other cluster needs to set up its counterpart, and how its protection stands.
///
/// Written by the primary into the status of its VolumeReplicationGroup; for VolSync the hub hands the entry to the
/// secondary.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(transform = schema::structural)]
pub struct ProtectedPVC {
    /// Namespace of the PVC. Releases that protected a single namespace left it empty: then it is that of the
    /// VolumeReplicationGroup.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,

    /// Name of the PVC, and of the VolumeReplication or VolSync objects made for it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,

    /// Whether VolSync copies the data; otherwise the storage replicates it. A VolumeReplicationGroup that is being
    /// deleted goes by this value alone. Absent is false.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub protected_by_vol_sync: bool,

    /// CSI driver that provisioned the volume, from the StorageClass.
    #[serde(rename = "csiProvisioner", skip_serializing_if = "String::is_empty")]
    pub storage_provisioner: String,

    /// Storage instance that holds the volume: label `ramendr.openshift.io/storageid` of the StorageClass.
    #[serde(rename = "storageID")]
    pub storage_id: Identifier,

    /// Replication instance of the volume: label `ramendr.openshift.io/replicationid` of the VolumeReplicationClass.
    /// Its `modes` gate a failover.
    #[serde(rename = "replicationID")]
    pub replication_id: Identifier,

    /// StorageClass the claim asks for. Absent: the claim names none; empty: the claim asks for a volume without class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_class_name: Option<String>,

    /// Annotations that the counterpart on the other cluster gets.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,

    /// Labels that the counterpart on the other cluster gets.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,

    /// Access modes of the claim, such as `ReadWriteOnce`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub access_modes: Vec<String>,

    /// Size that the claim asks for: quantities by resource name, of which `requests.storage` is used.
    #[schemars(schema_with = "schema::volume_resource_requirements")]
    pub resources: VolumeResourceRequirements,

    /// How the protection of this PVC stands: `DataReady`, `DataProtected`, `ClusterDataProtected`, and for VolSync its
    /// own types.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,

    /// When the data of this PVC last reached the other cluster. Absent: never, or the DR is synchronous.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_sync_time: Option<Time>,

    /// How long that transfer took. Absent: not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_sync_duration: Option<Duration>,

    /// Bytes that transfer moved; zero is a transfer of nothing. Absent: not known, as with VolSync.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_sync_bytes: Option<i64>,

    /// `Block` or `Filesystem`. Absent: the claim does not say, which is `Filesystem`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume_mode: Option<String>,
}
