//! What is known of a volume on its own cluster, as plain data.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::intercluster::Failure;

/// A volume, by its PersistentVolumeClaim.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct VolumeId {
    /// Namespace of the claim.
    pub namespace: String,
    /// Name of the claim.
    pub name: String,
}

impl VolumeId {
    /// The volume of this claim.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }
}

impl fmt::Display for VolumeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// A claim, its volume and its storage class, as the cluster's API server returned them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VolumeFacts {
    /// Which volume.
    pub id: VolumeId,
    /// `metadata.uid` of the claim.
    pub uid: String,
    /// Whether the claim's phase is `Bound`.
    pub bound: bool,
    /// Whether the claim is being deleted.
    pub deleting: bool,
    /// Labels of the claim.
    pub labels: BTreeMap<String, String>,
    /// Annotations of the claim.
    pub annotations: BTreeMap<String, String>,
    /// Finalizers of the claim.
    pub finalizers: Vec<String>,
    /// Access modes that the claim asks for.
    pub access_modes: Vec<String>,
    /// `Filesystem` or `Block`.
    pub volume_mode: String,
    /// `spec.resources.requests.storage`, as a Kubernetes quantity.
    pub requested: Option<String>,
    /// `status.capacity.storage`, as a Kubernetes quantity.
    pub capacity: Option<String>,
    /// The storage class; `None` if the claim names none or it does not exist.
    pub storage_class: Option<StorageClassFacts>,
    /// The bound PersistentVolume.
    pub volume: Option<PersistentVolumeFacts>,
    /// Whether something uses the volume.
    pub in_use: VolumeUse,
}

/// A StorageClass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorageClassFacts {
    /// Name.
    pub name: String,
    /// Provisioner.
    pub provisioner: String,
    /// Labels; among them the storage, replication and group replication ids.
    pub labels: BTreeMap<String, String>,
    /// Parameters.
    pub parameters: BTreeMap<String, String>,
}

/// A class of any other kind that drivers choose by: VolumeReplicationClass, VolumeGroupReplicationClass,
/// VolumeSnapshotClass, VolumeGroupSnapshotClass, NetworkFenceClass.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ClassFacts {
    /// Kind.
    pub kind: String,
    /// Name.
    pub name: String,
    /// Provisioner or driver.
    pub provisioner: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations; among them the mark of the default class.
    pub annotations: BTreeMap<String, String>,
    /// Parameters.
    pub parameters: BTreeMap<String, String>,
}

/// A PersistentVolume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersistentVolumeFacts {
    /// Name.
    pub name: String,
    /// CSI driver; `None` for other sources.
    pub driver: Option<String>,
    /// CSI volume handle; `None` for other sources.
    pub handle: Option<String>,
    /// `Retain`, `Delete` or `Recycle`.
    pub reclaim_policy: String,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
}

/// Whether something uses a volume. Only [`Free`](Self::Free) is the positive answer that a demotion needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum VolumeUse {
    /// No pod names the claim and no attachment names the volume.
    Free,
    /// These pods, in whatever phase, name the claim.
    Pods(Vec<String>),
    /// No pod names the claim, and the volume is still attached to these nodes.
    Attached(Vec<String>),
    /// It could not be found out. Counts as in use.
    Unknown(Failure),
}
