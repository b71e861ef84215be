//! ManifestWork: objects that are wanted on one managed cluster, kept on the hub in the cluster's namespace.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ManifestWorkStatus, OtherFields, crd, kind::foreign_kind};
use crate::api::{schema::structural, wire::open_enum};

foreign_kind! {
    /// Objects that are wanted on the cluster whose namespace the work is in.
    ///
    /// It is the database of what is wanted there: readable and writable while the cluster is down.
    ManifestWork ("work.open-cluster-management.io", "v1", "manifestworks", NamespaceResourceScope)
    spec: ManifestWorkSpec;
    status: ManifestWorkStatus;
    short_names: &[];
    columns: &[
        ("Applied", "string", r#".status.conditions[?(@.type=="Applied")].status"#),
        ("Available", "string", r#".status.conditions[?(@.type=="Available")].status"#),
        ("Delete", "string", ".spec.deleteOption.propagationPolicy"),
        crd::AGE,
    ];
}

open_enum! {
    /// What the deletion of a work does with its objects.
    DeletePropagation {
        /// They are deleted; what an absent value means.
        Foreground = "Foreground",
        /// They stay. Takes effect when it is *applied*: the work may be deleted only then.
        Orphan = "Orphan",
        /// Those listed stay.
        SelectivelyOrphan = "SelectivelyOrphan",
    }
}

open_enum! {
    /// How an object is brought to what is wanted.
    UpdateStrategyType {
        /// Replaced where it differs, metadata merged; what an absent value means.
        Update = "Update",
        /// Created, then left alone.
        CreateOnly = "CreateOnly",
        /// Applied on the server's side.
        ServerSideApply = "ServerSideApply",
        /// Only looked at.
        ReadOnly = "ReadOnly",
    }
}

/// What a work wants.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
#[schemars(extend("required" = ["workload"]))]
pub struct ManifestWorkSpec {
    /// The objects.
    #[serde(default)]
    pub workload: ManifestsTemplate,
    /// What a deletion does; absent deletes the objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_option: Option<DeleteOption>,
    /// How single objects are applied and watched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest_configs: Option<Vec<ManifestConfigOption>>,
    /// Fields of the spec that are not typed here, the executor among them.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// The objects of a work.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
pub struct ManifestsTemplate {
    /// Whole objects, as raw JSON: compare them parsed, since the API server reorders keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crd::embedded_resources")]
    pub manifests: Option<Vec<Value>>,
    /// Fields of the template that are not typed here.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// What a deletion does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
pub struct DeleteOption {
    /// What becomes of the objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["Foreground", "Orphan", "SelectivelyOrphan"]))]
    pub propagation_policy: Option<DeletePropagation>,
    /// Fields of the option that are not typed here: the list of orphans, the time to live.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// How one object of a work is applied and watched.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
#[schemars(extend("required" = ["resourceIdentifier"]))]
pub struct ManifestConfigOption {
    /// The object.
    #[serde(default)]
    pub resource_identifier: ResourceIdentifier,
    /// Which of its fields come back with the work's status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feedback_rules: Option<Vec<FeedbackRule>>,
    /// How it is applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update_strategy: Option<UpdateStrategy>,
    /// Fields of the option that are not typed here.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// One object of a work, by resource.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
#[schemars(extend("required" = ["resource", "name"]))]
pub struct ResourceIdentifier {
    /// API group; absent or empty for the core group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Plural name of the kind, lower case.
    #[serde(default)]
    pub resource: String,
    /// Name.
    #[serde(default)]
    pub name: String,
    /// Namespace; absent or empty for a cluster-scoped object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Fields of the identifier that are not typed here.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// Which fields of an object come back with the work's status.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
#[schemars(extend("required" = ["type"]))]
pub struct FeedbackRule {
    /// `WellKnownStatus`, or `JSONPaths` for the paths below.
    #[serde(default, rename = "type")]
    #[schemars(extend("enum" = ["WellKnownStatus", "JSONPaths"]))]
    pub type_: String,
    /// Paths to fields that are scalars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json_paths: Option<Vec<JsonPath>>,
    /// Fields of the rule that are not typed here.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// A path to a scalar field of an object.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
#[schemars(extend("required" = ["name", "path"]))]
pub struct JsonPath {
    /// Name under which the value comes back.
    #[serde(default)]
    pub name: String,
    /// API version to read it in; absent for the preferred one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The path, such as `.metadata.generation`.
    #[serde(default)]
    pub path: String,
    /// Fields of the path that are not typed here.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// How an object is applied.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
pub struct UpdateStrategy {
    /// Strategy.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["Update", "CreateOnly", "ServerSideApply", "ReadOnly"]))]
    pub type_: Option<UpdateStrategyType>,
    /// Settings of server-side apply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_side_apply: Option<ServerSideApplyConfig>,
    /// Fields of the strategy that are not typed here.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// Settings of server-side apply.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
pub struct ServerSideApplyConfig {
    /// Whether fields of other managers are taken over; otherwise they are a conflict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub force: Option<bool>,
    /// Field manager; absent for the work agent's, with which every other must begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = "^work-agent"))]
    pub field_manager: Option<String>,
    /// Fields of the settings that are not typed here.
    #[serde(flatten)]
    pub other: OtherFields,
}

impl ManifestWork {
    /// The objects that the work wants.
    #[must_use]
    pub fn manifests(&self) -> &[Value] {
        self.spec.workload.manifests.as_deref().unwrap_or_default()
    }

    /// What a deletion of the work does with them.
    #[must_use]
    pub fn delete_propagation(&self) -> DeletePropagation {
        let option = self.spec.delete_option.as_ref();
        option.and_then(|option| option.propagation_policy.clone()).unwrap_or(DeletePropagation::Foreground)
    }
}
