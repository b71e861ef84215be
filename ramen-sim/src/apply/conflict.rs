//! What stands in the way of an apply.

use std::collections::BTreeMap;

use super::element::PathElement;

/// A field that the configuration would change and that another manager owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The other manager's name.
    pub manager: String,
    /// How it came to own the field: `Apply` or `Update`.
    pub operation: &'static str,
    /// The version in which it wrote.
    pub api_version: String,
    /// The subresource through which it wrote.
    pub subresource: Option<String>,
    /// The field, as a Status cause names it: `.spec.ports[port=80,protocol="TCP"].name`.
    pub field: String,
    pub(super) described: String,
    pub(super) path: Vec<PathElement>,
}

impl Conflict {
    /// The message of the cause: `conflict with "manager" using v1`. Appliers are named without a version.
    pub fn message(&self) -> String {
        format!("conflict with {}", self.described)
    }
}

/// The message of the whole Status, as Kubernetes words it.
pub(super) fn summary(conflicts: &[Conflict]) -> String {
    if let [one] = conflicts {
        return format!("Apply failed with 1 conflict: {}: {}", one.message(), one.field);
    }
    let mut by_manager: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for conflict in conflicts {
        by_manager.entry(&conflict.described).or_default().push(&conflict.field);
    }
    let mut lines = Vec::new();
    for (manager, fields) in by_manager {
        lines.push(format!("conflicts with {manager}:"));
        lines.extend(fields.iter().map(|field| format!("- {field}")));
    }
    format!("Apply failed with {} conflicts: {}", conflicts.len(), lines.join("\n"))
}
