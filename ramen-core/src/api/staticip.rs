//! Virtual machines with addresses of their own, which have to change when the machine moves to a network of another
//! cluster.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::schema;

/// A resource of the application, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::structural)]
pub struct ResourceReference {
    /// API group and version of the resource. Absent: the reader knows.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub api_version: String,

    /// Kind of the resource, `VirtualMachine`. Absent: the reader knows.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub kind: String,

    /// Namespace of the resource.
    pub namespace: String,

    /// Name of the resource.
    pub name: String,
}

/// What the hub tells the cluster that takes over: the addresses each machine is to have there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(transform = schema::structural)]
pub struct StaticIPTranslationSpec {
    /// One entry a machine. A machine that is not listed keeps its addresses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ip_translations: Vec<IPTranslationSpec>,
}

/// The new addresses of one machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::structural)]
pub struct IPTranslationSpec {
    /// The machine.
    pub resource_ref: ResourceReference,

    /// Its networks with new addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<NetworkTranslation>,
}

/// The new addresses of one machine in one network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::structural)]
pub struct NetworkTranslation {
    /// Network as the machine calls it.
    pub network_name: String,

    /// New addresses, in the order of the old ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<AddressTranslation>,
}

/// One new address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::structural)]
pub struct AddressTranslation {
    /// Address on the cluster that takes over, without prefix length.
    #[serde(rename = "targetIP")]
    pub target_ip: String,
}

/// What the primary reports: the machines with addresses of their own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(transform = schema::structural)]
pub struct StaticIPDiscoveryStatus {
    /// One entry a machine.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<DiscoveredResource>,
}

/// One machine with addresses of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::structural)]
pub struct DiscoveredResource {
    /// The machine.
    pub resource_ref: ResourceReference,

    /// Its networks with fixed addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<DiscoveredNetwork>,
}

/// The fixed addresses of one machine in one network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::structural)]
pub struct DiscoveredNetwork {
    /// Network as the machine calls it.
    pub network_name: String,

    /// Fixed addresses, without prefix length.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
}
