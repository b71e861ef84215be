//! RamenConfig: the configuration file of both operators.

use k8s_openapi::ByteString;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Duration,
    decode::{self, DecodeError},
    names::configuration,
    wire::closed_enum,
};

/// `apiVersion` of the file.
const API_VERSION: &str = "ramendr.openshift.io/v1alpha1";
/// `kind` of the file.
const KIND: &str = "RamenConfig";

/// Which operator a process is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ControllerType {
    /// Not said.
    #[default]
    #[serde(rename = "")]
    Unset,
    /// The hub operator.
    #[serde(rename = "dr-hub")]
    DRHub,
    /// The cluster operator.
    #[serde(rename = "dr-cluster")]
    DRCluster,
}

/// The configuration of an operator: key `ramen_manager_config.yaml` of ConfigMap `ramen-hub-operator-config` or
/// `ramen-dr-cluster-operator-config` in its namespace. Not an API object: it has no CRD and no metadata.
///
/// # Absent fields
///
/// When an operator starts it completes the file ([`completed`](Self::completed)): what is absent gets its default and is
/// written back. While it runs it reads the file as it stands, and there an absent switch is off: a file that RamenDR
/// wrote leaves out a switch that is off, and one a user removed a line from must not change its meaning at the next
/// start. Each field says both. For the same reason we always write the switches that are on by default.
///
/// # Wrong values
///
/// [`from_yaml`](Self::from_yaml) rejects fields it does not know, values of the wrong type and profiles that lack a
/// field, with the path. RamenDR passes over unknown fields, so that a switch with a typing error has no effect there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct RamenConfig {
    /// `ramendr.openshift.io/v1alpha1`. May be absent.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub api_version: String,

    /// `RamenConfig`. May be absent.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,

    /// Leader election. Read at start only. Absent: as [`LeaderElection`] says of each of its fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leader_election: Option<LeaderElection>,

    /// Where metrics are served. Read at start only.
    pub metrics: ControllerMetrics,

    /// Where health probes are answered. Read at start only.
    pub health: ControllerHealth,

    /// Obsolete: the environment variable `RAMEN_CONTROLLER_TYPE` decides. Always written, empty by default.
    pub ramen_controller_type: ControllerType,

    /// S3 stores by profile name. Absent: none, and every DRCluster fails its validation.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub s3_store_profiles: Vec<S3StoreProfile>,

    /// How many objects of one kind are worked on at a time: DRPlacementControls, VolumeReplicationGroups and the two
    /// group kinds; the others one at a time. Read at start only. Absent: completed to 50. Zero is 1.
    #[serde(skip_serializing_if = "is_zero")]
    pub max_concurrent_reconciles: u32,

    /// How the hub brings the cluster operator to the clusters.
    pub dr_cluster_operator: DrClusterOperator,

    /// VolSync.
    pub vol_sync: VolSyncConfig,

    /// Protection of Kubernetes resources.
    pub kube_object_protection: KubeObjectProtectionConfig,

    /// Applications that no GitOps controller deploys, and that may span namespaces.
    pub multi_namespace: MultiNamespaceConfig,

    /// Whether a PVC that is deleted or no longer selected loses its protection while its group stays. Absent:
    /// completed to true; off while running.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume_unprotection_enabled: Option<bool>,

    /// Namespace, on the hub and on every cluster, of the DRPlacementControls and VolumeReplicationGroups that protect
    /// other namespaces. Absent: completed to `ramen-ops`; none while running.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub ramen_ops_namespace: String,

    /// Whether a DRPlacementControl may ask for the annotations of OpenShift's security context constraints to be kept
    /// on the namespaces made on the other cluster. Absent: completed to true; off while running.
    #[serde(rename = "retainNamespaceSCCAcrossPeers", skip_serializing_if = "Option::is_none")]
    pub retain_namespace_scc_across_peers: Option<bool>,
}

/// Leader election through a Lease. RamenDR reads the first two fields only; the others may be in a file it wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct LeaderElection {
    /// Whether only the holder of the Lease works. Absent: completed to true; off in a file that is used as it stands.
    pub leader_elect: Option<bool>,
    /// Name of the Lease, in the operator's namespace. Absent: completed to `hub.ramendr.openshift.io` or
    /// `dr-cluster.ramendr.openshift.io`.
    pub resource_name: String,
    /// Not used.
    pub lease_duration: Duration,
    /// Not used.
    pub renew_deadline: Duration,
    /// Not used.
    pub retry_period: Duration,
    /// Not used.
    pub resource_lock: String,
    /// Not used.
    pub resource_namespace: String,
}

/// Where metrics are served.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct ControllerMetrics {
    /// TCP address; `0` serves none. Absent: completed to `0.0.0.0:9289`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub bind_address: String,
}

/// Where health probes are answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct ControllerHealth {
    /// TCP address; `0` answers none. Absent: completed to `:8081`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub health_probe_bind_address: String,
    /// Not used: probes are answered at `/readyz`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub readiness_endpoint_name: String,
    /// Not used: probes are answered at `/healthz`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub liveness_endpoint_name: String,
}

/// An S3 store. DRClusters and VolumeReplicationGroups name it by its profile name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct S3StoreProfile {
    /// Name of the profile. Of two with the same name the first counts. `NoS3` is reserved for "no store".
    pub s3_profile_name: String,

    /// Bucket. Must exist; two hubs must not share one.
    pub s3_bucket: String,

    /// Endpoint, as a URL. Plain `http` sends credentials' signatures and metadata in the clear.
    pub s3_compatible_endpoint: String,

    /// Region. Must not be empty, even for stores that know no regions.
    pub s3_region: String,

    /// Secret with the keys `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`.
    pub s3_secret_ref: SecretReference,

    /// Key of a Secret in Velero's namespace that holds the same credentials in Velero's format. Absent: the Secret named
    /// `v` and the name of `s3SecretRef`, key `ramengenerated`, which the hub makes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub velero_namespace_secret_key_ref: Option<SecretKeySelector>,

    /// Certificates that the endpoint's may be signed with, PEM in base64. Absent: the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_certificates: Option<ByteString>,
}

/// Names a Secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct SecretReference {
    /// Name of the Secret.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Its namespace. Absent: the operator's.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
}

/// Names a key of a Secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretKeySelector {
    /// Name of the Secret.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Key in it.
    pub key: String,
    /// Not used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optional: Option<bool>,
}

/// How the hub brings the cluster operator to the clusters, through OLM.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct DrClusterOperator {
    /// Whether the hub installs the operator on every DRCluster and removes it again. Absent: completed to true; off
    /// while running.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment_automation_enabled: Option<bool>,

    /// Whether the hub brings the Secrets of the S3 profiles to the clusters. Absent: completed to true; off while
    /// running.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub s3_secret_distribution_enabled: Option<bool>,

    /// OLM channel. Absent: that of the hub's own Subscription, else `alpha`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub channel_name: String,

    /// OLM package. Absent: that of the hub's own Subscription with `hub` for `dr-cluster`, else
    /// `ramen-dr-cluster-operator`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub package_name: String,

    /// Namespace of the operator on the clusters. Absent: that of the hub operator.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace_name: String,

    /// OLM catalog source. Absent: that of the hub's own Subscription, else `ramen-catalog`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub catalog_source_name: String,

    /// Namespace of the catalog source. Absent: that of the hub's own Subscription, else that of the hub operator.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub catalog_source_namespace_name: String,

    /// OLM version to install. Absent: that of the hub's own Subscription, else `ramen-dr-cluster-operator.v0.0.1`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub cluster_service_version_name: String,
}

closed_enum! {
    /// How a received image gets into the application's PVC.
    DestinationCopyMethod {
        /// A promotion makes the application's PVC from the last received image.
        Snapshot,
        /// The receiver writes into the application's PVC; a promotion rolls it back to the last complete image.
        Direct,
    }
}

/// VolSync.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct VolSyncConfig {
    /// Turns VolSync off, and with it the two group kinds; a PVC that only VolSync could copy is then an error. Read at
    /// start for what is watched. Absent is false.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub disabled: bool,

    /// CSI driver whose snapshots are mounted read-only through a StorageClass made for it. Absent:
    /// `openshift-storage.cephfs.csi.ceph.com`.
    #[serde(rename = "cephFSCSIDriverName", skip_serializing_if = "String::is_empty")]
    pub ceph_fs_csi_driver_name: String,

    /// How a received image gets into the application's PVC. Absent: completed to `Direct`; `Snapshot` while running.
    /// Consistency groups need `Direct`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_copy_method: Option<DestinationCopyMethod>,
}

/// Protection of Kubernetes resources.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct KubeObjectProtectionConfig {
    /// Turns it off for all applications. Read at start for what is watched. Absent is false.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub disabled: bool,

    /// Namespace of Velero on the clusters. Absent: completed to `velero`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub velero_namespace_name: String,
}

/// Applications that no GitOps controller deploys, and that may span namespaces.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct MultiNamespaceConfig {
    /// Whether DRPlacementControls may be in `ramenOpsNamespace` and list namespaces. The name in the file starts with
    /// a capital. Absent: completed to true; off while running.
    #[serde(rename = "FeatureEnabled", skip_serializing_if = "Option::is_none")]
    pub feature_enabled: Option<bool>,

    /// Whether VolSync may copy their volumes. Absent: completed to true; off while running.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volsync_supported: Option<bool>,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // the signature is serde's
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl RamenConfig {
    /// Reads a file; `document` stands first in errors, such as `ConfigMap ramen-system/ramen-hub-operator-config`.
    ///
    /// An empty file is a configuration with everything absent; a section without content (`volSync:`) counts as absent.
    ///
    /// # Errors
    ///
    /// When the text is no YAML, has a field that is not known, lacks one that is required or has a value of the wrong
    /// type.
    pub fn from_yaml(document: &str, yaml: &str) -> Result<Self, DecodeError> {
        let mut value = decode::yaml_value(document, yaml)?;
        if value.is_null() {
            return Ok(Self::default());
        }
        drop_nulls(&mut value);
        decode::check_type(document, &value, API_VERSION, KIND)?;
        decode::typed(document, &value)
    }

    /// The file's text, keys sorted as RamenDR writes them. A switch that [`completed`](Self::completed) sets is always
    /// in it.
    ///
    /// # Errors
    ///
    /// Never for a value of this type; the error is the encoder's.
    pub fn to_yaml(&self) -> Result<String, serde_yaml::Error> {
        serde_yaml::to_string(&sorted(&serde_yaml::to_value(self)?))
    }

    /// The file as an operator completes it when it starts: what is absent gets its default.
    #[must_use]
    pub fn completed(mut self, operator: ControllerType) -> Self {
        let lease = match operator {
            ControllerType::DRCluster => configuration::DR_CLUSTER_LEASE,
            ControllerType::DRHub | ControllerType::Unset => configuration::HUB_LEASE,
        };
        default_text(&mut self.api_version, API_VERSION);
        default_text(&mut self.kind, KIND);
        let election = self.leader_election.get_or_insert_default();
        election.leader_elect.get_or_insert(true);
        default_text(&mut election.resource_name, lease);
        default_text(&mut self.metrics.bind_address, "0.0.0.0:9289");
        default_text(&mut self.health.health_probe_bind_address, ":8081");
        if self.max_concurrent_reconciles == 0 {
            self.max_concurrent_reconciles = 50;
        }
        for switch in [
            &mut self.dr_cluster_operator.deployment_automation_enabled,
            &mut self.dr_cluster_operator.s3_secret_distribution_enabled,
            &mut self.multi_namespace.feature_enabled,
            &mut self.multi_namespace.volsync_supported,
            &mut self.volume_unprotection_enabled,
            &mut self.retain_namespace_scc_across_peers,
        ] {
            switch.get_or_insert(true);
        }
        self.vol_sync.destination_copy_method.get_or_insert(DestinationCopyMethod::Direct);
        default_text(&mut self.kube_object_protection.velero_namespace_name, configuration::VELERO_NAMESPACE);
        default_text(&mut self.ramen_ops_namespace, configuration::RAMEN_OPS_NAMESPACE);
        self
    }

    /// The profile of that name: of several, the first.
    #[must_use]
    pub fn s3_store_profile(&self, name: &str) -> Option<&S3StoreProfile> {
        self.s3_store_profiles.iter().find(|profile| profile.s3_profile_name == name)
    }
}

fn default_text(text: &mut String, default: &str) {
    if text.is_empty() {
        default.clone_into(text);
    }
}

/// A section without content is an absent one, as it is to Go's decoder.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

fn sorted(value: &serde_yaml::Value) -> serde_yaml::Value {
    match value {
        serde_yaml::Value::Mapping(members) => {
            let mut members: Vec<_> = members.iter().map(|(key, member)| (key.clone(), sorted(member))).collect();
            members.sort_by(|(a, _), (b, _)| a.as_str().cmp(&b.as_str()));
            members.into_iter().collect::<serde_yaml::Mapping>().into()
        }
        serde_yaml::Value::Sequence(items) => items.iter().map(sorted).collect(),
        leaf => leaf.clone(),
    }
}

#[cfg(test)]
mod tests;
