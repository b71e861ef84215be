//! Kinds, named without their Rust types.

use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject, TypeMeta},
};
use serde_json::Value;

/// A kind and how it is reached. Ordered by group and plural name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    /// API group; empty for core.
    pub group: String,
    /// Plural name.
    pub plural: String,
    /// Version.
    pub version: String,
    /// Name of the kind.
    pub kind: String,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
}

impl Kind {
    /// A kind whose objects live in namespaces.
    pub fn namespaced(group: &str, version: &str, kind: &str, plural: &str) -> Self {
        Self {
            group: group.into(),
            plural: plural.into(),
            version: version.into(),
            kind: kind.into(),
            namespaced: true,
        }
    }

    /// A kind whose objects belong to the cluster.
    pub fn cluster(group: &str, version: &str, kind: &str, plural: &str) -> Self {
        Self { namespaced: false, ..Self::namespaced(group, version, kind, plural) }
    }

    /// PersistentVolumeClaim.
    pub fn claim() -> Self {
        Self::namespaced("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims")
    }

    /// PersistentVolume.
    pub fn volume() -> Self {
        Self::cluster("", "v1", "PersistentVolume", "persistentvolumes")
    }

    /// Pod.
    pub fn pod() -> Self {
        Self::namespaced("", "v1", "Pod", "pods")
    }

    /// Namespace.
    pub fn namespace() -> Self {
        Self::cluster("", "v1", "Namespace", "namespaces")
    }

    /// StorageClass.
    pub fn storage_class() -> Self {
        Self::cluster("storage.k8s.io", "v1", "StorageClass", "storageclasses")
    }

    /// VolumeAttachment.
    pub fn attachment() -> Self {
        Self::cluster("storage.k8s.io", "v1", "VolumeAttachment", "volumeattachments")
    }

    /// CustomResourceDefinition.
    pub fn definition() -> Self {
        Self::cluster("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions")
    }

    /// `v1`, or `group/version`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// The kind as kube knows it.
    pub fn resource(&self) -> ApiResource {
        ApiResource {
            group: self.group.clone(),
            version: self.version.clone(),
            api_version: self.api_version(),
            kind: self.kind.clone(),
            plural: self.plural.clone(),
        }
    }

    /// Access to the objects of a namespace; for objects of the cluster, or to list all namespaces, the name is empty.
    pub fn api(&self, client: Client, namespace: &str) -> Api<DynamicObject> {
        if self.namespaced && !namespace.is_empty() {
            Api::namespaced_with(client, namespace, &self.resource())
        } else {
            Api::all_with(client, &self.resource())
        }
    }

    /// A new object of this kind with the given content beside its metadata.
    pub fn object(&self, namespace: &str, name: &str, data: Value) -> DynamicObject {
        let mut object = DynamicObject::new(name, &self.resource());
        object.types = Some(TypeMeta { api_version: self.api_version(), kind: self.kind.clone() });
        object.metadata.namespace = (self.namespaced && !namespace.is_empty()).then(|| namespace.to_owned());
        object.data = data;
        object
    }
}
