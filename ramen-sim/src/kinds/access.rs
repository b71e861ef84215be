//! ServiceAccount and the RBAC kinds.

use serde_json::{Value, json};

use super::{AGE, CoreKind, NAME, age, at, column, immutable, name, text};
use crate::apiserver::meta::NameRule;
use crate::apiserver::status::FieldError;

const GROUP: &str = "rbac.authorization.k8s.io";

const fn rbac(kind: &'static str, plural: &'static str, namespaced: bool) -> CoreKind {
    let plain = CoreKind::plain(GROUP, "v1", kind, plural);
    CoreKind { namespaced, name_rule: NameRule::PathSegment, create_on_update: true, ..plain }
}

pub(super) static KINDS: &[CoreKind] = &[
    CoreKind {
        short_names: &["sa"],
        returns_deleted: true,
        ..CoreKind::plain("", "v1", "ServiceAccount", "serviceaccounts")
    },
    CoreKind {
        columns: &[NAME, column("Created At", "date")],
        cells: |role, _| vec![name(role), at(role, "metadata.creationTimestamp").clone()],
        default: default_rules,
        ..rbac("Role", "roles", true)
    },
    CoreKind {
        columns: &[NAME, column("Created At", "date")],
        cells: |role, _| vec![name(role), at(role, "metadata.creationTimestamp").clone()],
        default: default_rules,
        ..rbac("ClusterRole", "clusterroles", false)
    },
    CoreKind {
        columns: &[NAME, column("Role", "string"), AGE],
        cells: |binding, now| vec![name(binding), role(binding).into(), age(binding, now)],
        default: default_binding,
        validate: validate_binding,
        ..rbac("RoleBinding", "rolebindings", true)
    },
    CoreKind {
        columns: &[NAME, column("Role", "string"), AGE],
        cells: |binding, now| vec![name(binding), role(binding).into(), age(binding, now)],
        default: default_binding,
        validate: validate_binding,
        ..rbac("ClusterRoleBinding", "clusterrolebindings", false)
    },
];

/// The typed form always writes `rules`.
fn default_rules(role: &mut Value) {
    if role.get("rules").is_none() {
        role["rules"] = Value::Null;
    }
}

fn role(binding: &Value) -> String {
    format!("{}/{}", text(binding, "roleRef.kind"), text(binding, "roleRef.name"))
}

fn default_binding(binding: &mut Value) {
    if binding["roleRef"].is_object() && text(binding, "roleRef.apiGroup").is_empty() {
        binding["roleRef"]["apiGroup"] = json!(GROUP);
    }
    for subject in binding.get_mut("subjects").and_then(Value::as_array_mut).into_iter().flatten() {
        let group = if matches!(subject["kind"].as_str(), Some("User" | "Group")) { GROUP } else { continue };
        if subject["apiGroup"].as_str().unwrap_or_default().is_empty() {
            subject["apiGroup"] = json!(group);
        }
    }
}

fn validate_binding(new: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let kind = at(new, "roleRef.kind");
    if !matches!(kind.as_str(), Some("Role" | "ClusterRole")) {
        let allowed = [json!("ClusterRole"), json!("Role")];
        errors.push(FieldError::not_supported("roleRef.kind", &json!(kind.as_str().unwrap_or_default()), &allowed));
    }
    if text(new, "roleRef.name").is_empty() {
        errors.push(FieldError::required("roleRef.name", ""));
    }
    if let Some(old) = old {
        errors.extend(immutable(new, old, &["roleRef"], "cannot change roleRef"));
    }
    errors
}
