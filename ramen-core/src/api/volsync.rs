//! VolSync's part of an application: what the hub tells each cluster to copy, from where, and how the movers run.

use k8s_openapi::api::core::v1::{LocalObjectReference, PodSecurityContext};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ProtectedPVC, schema};

/// How an application uses VolSync. In a DRPlacementControl only `moverConfig` has an effect; the rest is the hub's
/// word to a VolumeReplicationGroup.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(transform = schema::structural)]
pub struct VolSyncSpec {
    /// PVCs that a secondary receives, one ReplicationDestination each. Stays on a newly promoted primary until the hub
    /// clears it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rd_spec: Vec<VolSyncReplicationDestinationSpec>,

    /// PVCs that a primary sends and where to. Used only where no Submariner connects the clusters; otherwise the
    /// primary finds its peers by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rs_spec: Vec<VolSyncReplicationSourceSpec>,

    /// Turns VolSync off for this application: a PVC that only VolSync could copy is then an error. Absent is false.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub disabled: bool,

    /// How the mover pods of single PVCs run. A PVC that is not listed gets VolSync's defaults.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mover_config: Vec<MoverConfig>,
}

/// One PVC that a secondary is to receive.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(transform = schema::structural)]
pub struct VolSyncReplicationDestinationSpec {
    /// The PVC as the primary reported it: its size, class, labels and annotations make the counterpart.
    #[serde(rename = "protectedPVC")]
    pub protected_pvc: ProtectedPVC,

    /// How its mover pod runs. Absent: VolSync's defaults.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mover_config: Option<MoverConfig>,
}

/// One PVC that a primary is to send.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(transform = schema::structural)]
pub struct VolSyncReplicationSourceSpec {
    /// The PVC to send.
    #[serde(rename = "protectedPVC")]
    pub protected_pvc: ProtectedPVC,

    /// Where the secondary listens. Absent: the address is found through the clusters' shared service network.
    #[serde(rename = "rsyncTLS", skip_serializing_if = "Option::is_none")]
    pub rsync_tls: Option<RsyncTLSConfig>,

    /// How its mover pod runs. Absent: VolSync's defaults.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mover_config: Option<MoverConfig>,
}

/// Where a receiver listens and the key both ends share.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(transform = schema::structural)]
pub struct RsyncTLSConfig {
    /// Host name or IP address of the receiver. Empty until the receiver has one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub address: String,

    /// Secret with the pre-shared key, in the namespace of the PVC. Absent: the one derived from the name of the
    /// VolumeReplicationGroup.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::local_object_reference")]
    pub tls_secret_ref: Option<LocalObjectReference>,
}

/// How the mover pods of one PVC run on both clusters.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::structural)]
pub struct MoverConfig {
    /// Security context of the mover pod. Absent: VolSync's default, which cannot read files that belong to other
    /// users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::pod_security_context")]
    pub mover_security_context: Option<PodSecurityContext>,

    /// ServiceAccount of the mover pod; it must exist in the namespace of the PVC. Absent: the one VolSync makes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mover_service_account: Option<String>,

    /// Name of the PVC this is about. Must not be empty; a name that no protected PVC has is ignored.
    #[schemars(length(min = 1))]
    pub pvc_name: String,

    /// Namespace of that PVC. Must not be empty.
    #[schemars(length(min = 1))]
    pub pvc_namespace: String,
}

/// A receiver that a secondary has set up, reported so that the hub can tell the primary.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(transform = schema::structural)]
pub struct VolSyncReplicationDestinationInfo {
    /// The PVC that is received.
    #[serde(rename = "protectedPVC")]
    pub protected_pvc: ProtectedPVC,

    /// Where it listens. Absent: not needed, the clusters share a service network.
    #[serde(rename = "rsyncTLS", skip_serializing_if = "Option::is_none")]
    pub rsync_tls: Option<RsyncTLSConfig>,
}
