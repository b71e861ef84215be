//! ManagedClusterView: one object of a managed cluster, as an agent last saw it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{OtherFields, crd, kind::foreign_kind};
use crate::api::schema::{self, structural};

foreign_kind! {
    /// One object of the cluster whose namespace the view is in.
    ///
    /// Its age cannot be told: a dead cluster shows its last result, and after a change of scope the old result stands
    /// until the next read.
    ManagedClusterView ("view.open-cluster-management.io", "v1beta1", "managedclusterviews", NamespaceResourceScope)
    spec: ManagedClusterViewSpec;
    status: ManagedClusterViewStatus;
    short_names: &["mcv"];
    columns: &[
        ("Kind", "string", ".spec.scope.kind"),
        ("Name", "string", ".spec.scope.name"),
        ("Processing", "string", r#".status.conditions[?(@.type=="Processing")].status"#),
        ("Reason", "string", r#".status.conditions[?(@.type=="Processing")].reason"#),
        crd::AGE,
    ];
}

/// What a view looks at.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
#[schemars(extend("required" = ["scope"]))]
pub struct ManagedClusterViewSpec {
    /// The object.
    #[serde(default)]
    pub scope: ViewScope,
    /// Fields of the spec that are not typed here.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// The object a view looks at: by kind, group and version, or by resource.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
pub struct ViewScope {
    /// API group; absent for the core group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_group: Option<String>,
    /// API version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Plural name, instead of kind, group and version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// Name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Namespace; absent for a cluster-scoped object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Seconds between reads; absent for 30.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update_interval_seconds: Option<i32>,
    /// Fields of the scope that are not typed here.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// What an agent saw.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
pub struct ManagedClusterViewStatus {
    /// The one condition, `Processing`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Option<Vec<Condition>>,
    /// The object as raw JSON, or null. It stays when a later read fails: never look at it unless `Processing` is True.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "null_is_something")]
    #[schemars(schema_with = "crd::nullable_embedded_resource")]
    pub result: Option<Value>,
    /// Fields of the status that are not typed here.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// Keeps a null apart from an absent field: serde's own reading makes them one.
fn null_is_something<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some)
}

impl ManagedClusterViewStatus {
    /// The object of the last successful read, if there was one; of whatever age, and perhaps of an older scope.
    #[must_use]
    pub fn last_result(&self) -> Option<&Value> {
        self.result.as_ref().filter(|result| !result.is_null())
    }
}
