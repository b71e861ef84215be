//! MaintenanceMode: what a storage is asked to get ready for.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    schema,
    wire::{closed_enum, is_zero},
};

closed_enum! {
    /// A mode that a storage can be asked to take.
    MMode {
        /// Volumes are about to be promoted without their old primary's consent.
        Failover,
    }
}

closed_enum! {
    /// How far a storage has got with the modes asked of it.
    #[derive(Default)]
    MModeState {
        /// Nothing can be said.
        #[default]
        Unknown,
        /// The storage failed to take a mode; its conditions say why.
        Error,
        /// The storage is taking the modes.
        Progressing,
        /// The storage has taken the modes.
        Completed,
    }
}

/// What is asked of a storage.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::structural)]
#[kube(
    group = "ramendr.openshift.io",
    version = "v1alpha1",
    kind = "MaintenanceMode",
    plural = "maintenancemodes",
    status = "MaintenanceModeStatus",
    derive = "PartialEq",
    derive = "Default",
    schema = "manual",
    doc = "Asks the storage of a cluster to get ready for a DR action, and carries its answer. On the managed cluster, cluster-scoped, named after the \
           replication instance.\n\nThe hub makes it while an application whose classes carry `ramendr.openshift.io/maintenancemodes` fails over to the \
           cluster, and removes it afterwards; the storage vendor's controller writes the status."
)]
pub struct MaintenanceModeSpec {
    /// CSI driver it is asked of. Controllers of other drivers ignore the object.
    pub storage_provisioner: String,

    /// Storage or replication instance it is asked of, for a vendor that runs several. Absent: the driver's only one.
    #[serde(default, rename = "targetID", skip_serializing_if = "String::is_empty")]
    pub target_id: String,

    /// Modes that are to be taken. Absent: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modes: Vec<MMode>,
}

schema::root_schema!(
    MaintenanceMode,
    MaintenanceModeSpec,
    MaintenanceModeStatus,
    "Asks the storage of a cluster to get ready for a DR action, and carries its answer."
);

/// What the storage answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(transform = schema::structural)]
pub struct MaintenanceModeStatus {
    /// How far it has got. Absent: it has not answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<MModeState>,

    /// Generation of the spec that `state` is about. Absent is 0.
    #[serde(skip_serializing_if = "is_zero")]
    pub observed_generation: i64,

    /// One condition for each mode; `FailoverActivated` True lets a failover start.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,
}
