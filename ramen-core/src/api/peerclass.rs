//! Storage that two clusters of a policy share or replicate, as the hub found it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::schema;

/// One StorageClass that two clusters have in common, and how volumes of it get from one to the other.
///
/// The hub computes these from the classes that each cluster reports and publishes them in the DRPolicy's status; it
/// copies the ones an application needs into its VolumeReplicationGroup, where they decide how each PVC is protected. A
/// PVC whose class is in none of them cannot be protected once the list is not empty; an empty list means "decide by
/// provisioner", as releases before peer classes did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(transform = schema::structural)]
pub struct PeerClass {
    /// Value of the label `ramendr.openshift.io/replicationid` that the VolumeReplicationClasses of both clusters
    /// carry. Empty when volumes are not replicated one by one by the storage itself: then VolSync copies them, or a
    /// group does (`groupreplicationID`).
    #[serde(rename = "replicationID", skip_serializing_if = "String::is_empty")]
    pub replication_id: String,

    /// Value of the label `ramendr.openshift.io/groupreplicationid` that the VolumeGroupReplicationClasses of both
    /// clusters carry. Empty when volumes are not replicated in groups by the storage.
    #[serde(rename = "groupreplicationID", skip_serializing_if = "String::is_empty")]
    pub group_replication_id: String,

    /// Values of the label `ramendr.openshift.io/storageid` on the StorageClass of each cluster. One value: both
    /// clusters reach the same storage instance (synchronous DR). Two values: two instances, between which data is
    /// replicated (asynchronous DR).
    #[serde(rename = "storageID", skip_serializing_if = "Vec::is_empty")]
    pub storage_id: Vec<String>,

    /// Name of the StorageClass, the same on both clusters.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub storage_class_name: String,

    /// The two clusters, by the UID of their `kube-system` namespace (not by their name on the hub).
    #[serde(rename = "clusterIDs", skip_serializing_if = "Vec::is_empty")]
    pub cluster_ids: Vec<String>,

    /// Whether PVCs of this class can be replicated together at one point in time: through VolumeGroupSnapshots where
    /// `replicationID` is empty, through VolumeGroupReplication otherwise. Absent is false.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub grouping: bool,

    /// Whether the storage replicates these volumes by means of its own (the StorageClass carries the label
    /// `ramendr.openshift.io/offloaded` on both clusters): Ramen then protects the metadata and leaves the data to it.
    /// Absent is false.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub offloaded: bool,

    /// Whether one VolumeGroupReplication is shared by every application on this storage (offloaded, and the
    /// VolumeGroupReplicationClass carries `ramendr.openshift.io/global: "true"` on both clusters): all of them can
    /// then only fail over or relocate together. Absent is false.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub global: bool,
}
