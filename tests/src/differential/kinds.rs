//! The kinds that the generator works on.

use serde_json::Value;

/// What the generator must know about a kind to write requests for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// API group; empty for the core group.
    pub group: &'static str,
    /// Version.
    pub version: &'static str,
    /// Kind.
    pub kind: &'static str,
    /// Plural, as it stands in paths.
    pub plural: &'static str,
    /// Whether objects live in namespaces.
    pub namespaced: bool,
    /// Whether it has a status subresource.
    pub status: bool,
    /// Whether the server knows strategic merge patch for it (custom resources do not).
    pub strategic: bool,
    /// How often it is chosen, relative to the others.
    pub weight: usize,
}

impl Kind {
    /// `v1` or `group/version`.
    #[must_use]
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) }
    }

    /// The path of its collection.
    #[must_use]
    pub fn path(&self, namespace: Option<&str>) -> String {
        let root = if self.group.is_empty() { "/api".to_owned() } else { format!("/apis/{}", self.group) };
        let namespace = namespace.map(|n| format!("/namespaces/{n}")).unwrap_or_default();
        format!("{root}/{}{namespace}/{}", self.version, self.plural)
    }
}

const fn core(
    group: &'static str,
    kind: &'static str,
    plural: &'static str,
    namespaced: bool,
    status: bool,
    weight: usize,
) -> Kind {
    Kind { group, version: "v1", kind, plural, namespaced, status, strategic: true, weight }
}

const fn custom(kind: &'static str, plural: &'static str, namespaced: bool, status: bool, weight: usize) -> Kind {
    Kind {
        group: "differential.example.com",
        version: "v1",
        kind,
        plural,
        namespaced,
        status,
        strategic: false,
        weight,
    }
}

/// Every kind, custom ones first.
pub const KINDS: &[Kind] = &[
    custom("Widget", "widgets", true, true, 40),
    custom("Gadget", "gadgets", false, false, 8),
    core("", "ConfigMap", "configmaps", true, false, 14),
    core("", "Secret", "secrets", true, false, 8),
    core("", "PersistentVolumeClaim", "persistentvolumeclaims", true, true, 10),
    core("", "PersistentVolume", "persistentvolumes", false, true, 8),
    core("", "Namespace", "namespaces", false, true, 5),
    core("", "ServiceAccount", "serviceaccounts", true, false, 3),
    core("storage.k8s.io", "StorageClass", "storageclasses", false, false, 4),
    core("coordination.k8s.io", "Lease", "leases", true, false, 4),
];

/// The CustomResourceDefinitions to install before a run.
///
#[must_use]
pub fn definitions() -> Vec<Value> {
    parse(include_str!("../../data/differential-crds.yaml")).unwrap_or_default()
}

fn parse(text: &str) -> Result<Vec<Value>, serde_yaml::Error> {
    use serde::Deserialize;
    serde_yaml::Deserializer::from_str(text).map(Value::deserialize).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without definitions every request on a custom resource would agree on 404, and the test would pass for nothing.
    #[test]
    fn every_custom_kind_has_its_definition() {
        let definitions = parse(include_str!("../../data/differential-crds.yaml")).unwrap();
        for kind in KINDS.iter().filter(|kind| !kind.strategic) {
            assert!(definitions.iter().any(|d| d["spec"]["names"]["kind"] == kind.kind), "{}", kind.kind);
        }
    }
}
