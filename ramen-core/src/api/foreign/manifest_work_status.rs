//! Status of a ManifestWork: what the work agent has applied, and what it saw there.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::OtherFields;
use crate::api::schema::{self, structural};

/// What the work agent says of a work.
///
/// Delivered is: `Applied` True at the work's generation, and at the manifest's own entry too. `Available` says that the
/// objects exist, of whatever generation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
pub struct ManifestWorkStatus {
    /// Conditions of the work; their types and reasons are among the names of OCM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Option<Vec<Condition>>,
    /// Its objects, one by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_status: Option<ManifestResourceStatus>,
    /// Fields of the status that are not typed here.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// The objects of a work, one by one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
pub struct ManifestResourceStatus {
    /// An entry for each, as of the last pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifests: Option<Vec<ManifestCondition>>,
    /// Fields of the status that are not typed here.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// One object of a work.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
#[schemars(extend("required" = ["resourceMeta"]))]
pub struct ManifestCondition {
    /// Which.
    #[serde(default)]
    pub resource_meta: ManifestResourceMeta,
    /// Fields that were asked back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_feedback: Option<StatusFeedbackResult>,
    /// Its conditions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Option<Vec<Condition>>,
    /// Fields of the entry that are not typed here.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// Identity of one object of a work.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
pub struct ManifestResourceMeta {
    /// Its place in the spec, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordinal: Option<i32>,
    /// API group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// API version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Plural name of the kind; empty while the kind is not on the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// Name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Fields of the identity that are not typed here.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// Fields that were asked back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
pub struct StatusFeedbackResult {
    /// The values; a field that is not there has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<FeedbackValue>>,
    /// Fields of the result that are not typed here.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// A field that was asked back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
#[schemars(extend("required" = ["name", "fieldValue"]))]
pub struct FeedbackValue {
    /// Name it was asked under.
    #[serde(default)]
    pub name: String,
    /// Its value.
    #[serde(default)]
    pub field_value: FieldValue,
    /// Fields of the entry that are not typed here.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// A scalar; the type says in which field it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
#[schemars(extend("required" = ["type"]))]
pub struct FieldValue {
    /// `Integer`, `String`, `Boolean`, or `JsonRaw` for a structure as text of at most 1024 characters.
    #[serde(default, rename = "type")]
    #[schemars(extend("enum" = ["Integer", "String", "Boolean", "JsonRaw"]))]
    pub type_: String,
    /// An integer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integer: Option<i64>,
    /// A string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub string: Option<String>,
    /// A boolean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boolean: Option<bool>,
    /// A structure, as JSON text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json_raw: Option<String>,
    /// Fields of the value that are not typed here.
    #[serde(flatten)]
    pub other: OtherFields,
}
