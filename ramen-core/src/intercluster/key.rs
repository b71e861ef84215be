//! What identifies an object on a cluster.

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
};

use serde::{Deserialize, Serialize};

/// The name of a managed cluster, as the hub knows it (the name of its ManagedCluster, DRCluster or kubeconfig Secret).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClusterName(String);

impl ClusterName {
    /// The name, taken as it is; whether such a cluster exists is the [registry's](super::ClusterRegistry) to say.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name as a string.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClusterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for ClusterName {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl From<String> for ClusterName {
    fn from(name: String) -> Self {
        Self(name)
    }
}

impl PartialEq<str> for ClusterName {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

/// A kind of object and how to reach it over the API: group, version, kind, plural name and scope.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ResourceType {
    /// API group; empty for the core group.
    pub group: String,
    /// Version of the group in which objects are encoded.
    pub version: String,
    /// Kind, in singular and camel case.
    pub kind: String,
    /// Name in request paths, in plural and lower case.
    pub plural: String,
    /// Whether objects of the kind live in a namespace.
    pub namespaced: bool,
}

impl ResourceType {
    /// The type of a statically known kind.
    pub fn of<K>() -> Self
    where
        K: kube::Resource<DynamicType = ()>,
        K::Scope: ScopeOf,
    {
        Self {
            group: K::group(&()).into_owned(),
            version: K::version(&()).into_owned(),
            kind: K::kind(&()).into_owned(),
            plural: K::plural(&()).into_owned(),
            namespaced: <K::Scope as ScopeOf>::NAMESPACED,
        }
    }

    /// The `apiVersion` that objects of this type carry.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// The same type in the form that kube's dynamic API takes.
    pub fn api_resource(&self) -> kube::api::ApiResource {
        kube::api::ApiResource {
            group: self.group.clone(),
            version: self.version.clone(),
            api_version: self.api_version(),
            kind: self.kind.clone(),
            plural: self.plural.clone(),
        }
    }
}

/// Tells the scope of a statically known kind; implemented for kube's two scope markers.
pub trait ScopeOf {
    /// Whether objects of the scope live in a namespace.
    const NAMESPACED: bool;
}

impl ScopeOf for k8s_openapi::NamespaceResourceScope {
    const NAMESPACED: bool = true;
}

impl ScopeOf for k8s_openapi::ClusterResourceScope {
    const NAMESPACED: bool = false;
}

/// One object on one cluster.
///
/// Two keys are equal when cluster, group, kind, namespace and name are: the version of the API is an encoding, not part of
/// the identity.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ObjectKey {
    /// The cluster on which the object lives.
    pub cluster: ClusterName,
    /// What kind of object it is.
    pub resource: ResourceType,
    /// Its namespace; `None` for kinds of cluster scope.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

impl ObjectKey {
    /// The key of an object of a statically known kind. `namespace` is ignored for kinds of cluster scope.
    pub fn of<K>(cluster: impl Into<ClusterName>, namespace: Option<&str>, name: impl Into<String>) -> Self
    where
        K: kube::Resource<DynamicType = ()>,
        K::Scope: ScopeOf,
    {
        Self::new(cluster, ResourceType::of::<K>(), namespace, name)
    }

    /// The key of an object of any kind. `namespace` is ignored for kinds of cluster scope.
    pub fn new(
        cluster: impl Into<ClusterName>,
        resource: ResourceType,
        namespace: Option<&str>,
        name: impl Into<String>,
    ) -> Self {
        let namespace = namespace.filter(|_| resource.namespaced).map(ToOwned::to_owned);
        Self { cluster: cluster.into(), resource, namespace, name: name.into() }
    }

    fn identity(&self) -> (&ClusterName, &str, &str, Option<&str>, &str) {
        (&self.cluster, &self.resource.group, &self.resource.kind, self.namespace.as_deref(), &self.name)
    }
}

impl PartialEq for ObjectKey {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for ObjectKey {}

impl PartialOrd for ObjectKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ObjectKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.identity().cmp(&other.identity())
    }
}

impl Hash for ObjectKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

impl fmt::Display for ObjectKey {
    /// `VolumeReplicationGroup busybox/app on cluster dr1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.resource.kind)?;
        if let Some(namespace) = &self.namespace {
            write!(f, "{namespace}/")?;
        }
        write!(f, "{} on cluster {}", self.name, self.cluster)
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::{Namespace, PersistentVolumeClaim};

    use super::*;

    #[test]
    fn the_version_of_the_api_is_not_part_of_an_objects_identity() {
        let v1 = ObjectKey::of::<PersistentVolumeClaim>("dr1", Some("app"), "data");
        let mut v2 = v1.clone();
        v2.resource.version = "v2".into();
        assert_eq!(v1, v2);
        assert_eq!(v1.cmp(&v2), Ordering::Equal);
    }

    #[test]
    fn a_namespace_given_for_a_kind_of_cluster_scope_does_not_make_another_object() {
        let key = ObjectKey::of::<Namespace>("dr1", Some("default"), "app");
        assert_eq!(key.namespace, None);
        assert_eq!(key.to_string(), "Namespace app on cluster dr1");
    }

    #[test]
    fn the_same_name_on_another_cluster_is_another_object() {
        assert_ne!(ObjectKey::of::<Namespace>("dr1", None, "app"), ObjectKey::of::<Namespace>("dr2", None, "app"));
    }
}
