//! ProtectedVolumeReplicationGroupList: a look into an S3 store.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{VolumeReplicationGroup, schema};

/// Which store to look into.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::structural)]
#[kube(
    group = "ramendr.openshift.io",
    version = "v1alpha1",
    kind = "ProtectedVolumeReplicationGroupList",
    plural = "protectedvolumereplicationgrouplists",
    status = "ProtectedVolumeReplicationGroupListStatus",
    derive = "PartialEq",
    derive = "Default",
    schema = "manual",
    doc = "Asks a cluster to list the VolumeReplicationGroups that an S3 store holds. On the managed cluster, cluster-scoped.\n\nAnswered once: to look \
           again, delete it and make a new one."
)]
pub struct ProtectedVolumeReplicationGroupListSpec {
    /// Name of the RamenConfig S3 profile. One that is unknown or cannot be used leaves the status absent.
    pub s3_profile_name: String,
}

schema::root_schema!(
    ProtectedVolumeReplicationGroupList,
    ProtectedVolumeReplicationGroupListSpec,
    ProtectedVolumeReplicationGroupListStatus,
    "Asks a cluster to list the VolumeReplicationGroups that an S3 store holds."
);

/// What the store held.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(transform = schema::structural)]
pub struct ProtectedVolumeReplicationGroupListStatus {
    /// When the store was read, by the clock of the operator's node. Absent: not read.
    pub sample_time: Option<Time>,

    /// The VolumeReplicationGroups, each as it was last saved; of their metadata only name, namespace, labels,
    /// annotations and finalizers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "items")]
    pub items: Vec<VolumeReplicationGroup>,
}

fn items(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"type": "array", "items": schema::embedded::<VolumeReplicationGroup>(generator)})
}
