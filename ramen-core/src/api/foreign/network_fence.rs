//! NetworkFence and its class: cutting a cluster's nodes off their storage, by csi-addons.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{OtherFields, crd, kind::foreign_kind};
use crate::api::{
    schema::{self, structural},
    wire::{null_as_default, open_enum},
};

foreign_kind! {
    /// Fence of the addresses of one cluster, on its peer. Deleting it does not unfence.
    NetworkFence ("csiaddons.openshift.io", "v1alpha1", "networkfences", ClusterResourceScope)
    spec: NetworkFenceSpec;
    status: NetworkFenceStatus;
    short_names: &["nf"];
    columns: &[
        ("FenceState", "string", ".spec.fenceState"),
        ("Result", "string", ".status.result"),
        ("Message", "string", ".status.message"),
        crd::AGE,
    ];
}

foreign_kind! {
    /// How a provisioner fences; its annotation lists the storage instances it fences.
    NetworkFenceClass ("csiaddons.openshift.io", "v1alpha1", "networkfenceclasses", ClusterResourceScope)
    spec: NetworkFenceClassSpec;
    short_names: &["nfc"];
    columns: &[("Provisioner", "string", ".spec.provisioner"), crd::AGE];
}

open_enum! {
    /// Whether the addresses are to be cut off.
    FenceState {
        /// Cut off; what an absent value means.
        Fenced = "Fenced",
        /// Let back.
        Unfenced = "Unfenced",
    }
}

open_enum! {
    /// How the last operation ended. The kind does not say which: compare the message with the state asked for.
    FencingResult {
        /// Done.
        Succeeded = "Succeeded",
        /// Not done.
        Failed = "Failed",
    }
}

/// What a NetworkFence asks for: by class, or by driver, Secret and parameters.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
#[schemars(extend("required" = ["cidrs"]))]
pub struct NetworkFenceSpec {
    /// Class to fence by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_fence_class_name: Option<String>,
    /// CSI driver, without a class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver: Option<String>,
    /// State asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fence_state: Option<FenceState>,
    /// Addresses to cut off.
    #[serde(default, deserialize_with = "null_as_default")]
    pub cidrs: Vec<String>,
    /// Secret of the driver, without a class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretSpec>,
    /// Parameters of the driver, without a class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<BTreeMap<String, String>>,
    /// Fields of the spec that are not typed here.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// Reference to a Secret.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
pub struct SecretSpec {
    /// Name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Fields of the reference that are not typed here.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// What csi-addons says of a NetworkFence. It bears no generation: after a change of state the last result may still
/// stand.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
pub struct NetworkFenceStatus {
    /// How the last operation ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<FencingResult>,
    /// Which operation that was, or why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Conditions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Option<Vec<Condition>>,
    /// Fields of the status that are not typed here.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// What a NetworkFenceClass says; it never changes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
#[schemars(extend("required" = ["provisioner"]))]
pub struct NetworkFenceClassSpec {
    /// CSI driver.
    #[serde(default)]
    pub provisioner: String,
    /// Parameters of the driver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<BTreeMap<String, String>>,
    /// Fields of the spec that are not typed here.
    #[serde(flatten)]
    pub other: OtherFields,
}
