//! CustomResourceDefinition: defaults and the rules a definition must follow before its kind is served.

use serde_json::{Value, json};

use super::{CoreKind, NAME, at, column, immutable, name, text};
use crate::apiserver::schema;
use crate::apiserver::status::FieldError;

pub(super) static KINDS: &[CoreKind] = &[CoreKind {
    short_names: &["crd", "crds"],
    categories: &["api-extensions"],
    namespaced: false,
    has_status: true,
    generation: true,
    unconditional_update: false,
    columns: &[NAME, column("Created At", "date")],
    cells: |definition, _| vec![name(definition), at(definition, "metadata.creationTimestamp").clone()],
    default: default_definition,
    prepare_create: |definition, _| {
        let versions = at(definition, "spec.versions").as_array();
        let stored = versions.into_iter().flatten().filter(|version| version["storage"] == true);
        let stored: Vec<Value> = stored.map(|version| version["name"].clone()).collect();
        definition["status"] = json!({ "conditions": null, "acceptedNames": { "plural": "", "kind": "" } });
        definition["status"]["storedVersions"] = stored.into();
    },
    validate,
    names_finalizers: false,
    ..CoreKind::plain("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions")
}];

fn default_definition(definition: &mut Value) {
    let kind = text(definition, "spec.names.kind").to_string();
    let Some(spec) = definition.get_mut("spec").filter(|spec| spec.is_object()) else { return };
    let default = |map: &mut Value, field: &str, value: Value| {
        if map[field].is_null() || map[field].as_str() == Some("") {
            map[field] = value;
        }
    };
    if spec["names"].is_object() && !kind.is_empty() {
        default(&mut spec["names"], "singular", kind.to_lowercase().into());
        default(&mut spec["names"], "listKind", format!("{kind}List").into());
    }
    default(spec, "conversion", json!({ "strategy": "None" }));
}

fn validate(new: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let (group, plural) = (text(new, "spec.group"), text(new, "spec.names.plural"));
    for field in ["spec.group", "spec.scope", "spec.names.plural", "spec.names.kind"] {
        if text(new, field).is_empty() {
            errors.push(FieldError::required(field, ""));
        }
    }
    if text(new, "metadata.name") != format!("{plural}.{group}") {
        let detail = "must be spec.names.plural+\".\"+spec.group";
        errors.push(FieldError::invalid("metadata.name", at(new, "metadata.name"), detail));
    }
    let scope = at(new, "spec.scope");
    if !matches!(scope.as_str(), None | Some("" | "Cluster" | "Namespaced")) {
        errors.push(FieldError::not_supported("spec.scope", scope, &[json!("Cluster"), json!("Namespaced")]));
    }
    if text(new, "spec.conversion.strategy") != "None" {
        let detail = "this server converts nothing: use None";
        errors.push(FieldError::invalid("spec.conversion.strategy", at(new, "spec.conversion.strategy"), detail));
    }
    let versions = at(new, "spec.versions").as_array().map(Vec::as_slice).unwrap_or_default();
    let stored = versions.iter().filter(|version| version["storage"] == true).count();
    if stored != 1 {
        let detail = "must have exactly one version marked as storage version";
        errors.push(FieldError::invalid("spec.versions", at(new, "spec.versions"), detail));
    }
    for (index, version) in versions.iter().enumerate() {
        let path = format!("spec.versions[{index}].schema.openAPIV3Schema");
        match version.pointer("/schema/openAPIV3Schema") {
            Some(root) => errors.extend(schema::check_structural(root, &path)),
            None => errors.push(FieldError::required(path, "schemas are required")),
        }
    }
    if let Some(old) = old
        && at(old, "status.conditions").as_array().is_some_and(|conditions| !conditions.is_empty())
    {
        let fixed = ["spec.group", "spec.scope", "spec.names.kind", "spec.names.plural"];
        errors.extend(immutable(new, old, &fixed, "field is immutable"));
    }
    errors
}
