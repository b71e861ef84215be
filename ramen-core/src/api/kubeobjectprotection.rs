//! Protection of the Kubernetes resources of an application, beside its volumes.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Duration, schema, wire::is_zero};

/// Asks for the resources of an application to be captured at intervals and recovered on the other cluster.
///
/// For applications whose resources no GitOps controller brings back. The hub copies it word for word from the
/// DRPlacementControl into the VolumeReplicationGroup. Has no effect where RamenConfig's
/// `kubeObjectProtection.disabled` is set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(transform = schema::structural)]
pub struct KubeObjectProtectionSpec {
    /// Time from the start of one capture to the start of the next, as Go writes durations (`5m`, `1h30m`). Absent:
    /// five minutes. A capture that takes longer is followed by the next one at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "duration"))]
    pub capture_interval: Option<Duration>,

    /// Recipe that says what is captured, in which order, with which hooks, and which PVCs belong to the application.
    /// Absent: everything in the protected namespaces that `kubeObjectSelector` selects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipe_ref: Option<RecipeRef>,

    /// Values for the parameters that the recipe names as `$name`. Ignored without a recipe.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub recipe_parameters: BTreeMap<String, Vec<String>>,

    /// Selects the resources by label where no recipe workflow does. Absent: all resources.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::label_selector")]
    pub kube_object_selector: Option<LabelSelector>,
}

/// Names a Recipe.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(transform = schema::structural)]
pub struct RecipeRef {
    /// Namespace of the recipe. Must be given.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,

    /// Name of the recipe. A recipe that does not exist leaves the application unprotected, and says so in condition
    /// `DataReady`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
}

/// What has been captured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(transform = schema::structural)]
pub struct KubeObjectProtectionStatus {
    /// The capture that a recovery would use now. Absent until the first capture has completed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capture_to_recover_from: Option<KubeObjectsCaptureIdentifier>,
}

/// One completed capture.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::structural)]
pub struct KubeObjectsCaptureIdentifier {
    /// Which of the two alternating places in the store holds it: 0 or 1.
    pub number: i64,

    /// When its first request was made. Null: not known.
    #[serde(default)]
    #[schemars(extend("nullable" = true))]
    pub start_time: Option<Time>,

    /// When it was seen to be complete. Null: not known.
    #[serde(default)]
    #[schemars(extend("nullable" = true))]
    pub end_time: Option<Time>,

    /// Generation of the VolumeReplicationGroup that asked for it. Absent is 0: not known.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub start_generation: i64,
}
