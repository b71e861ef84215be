//! ManifestWorks and ManagedClusterViews, in the hub namespace of their cluster, and what the work agent makes of them.

use super::fixed::{MANIFEST_WORK_SUFFIX, NETWORK_FENCE_PREFIX, VIEW_SUFFIX};
use crate::api::names::hashes;

/// Kind part of a view's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ViewKind {
    /// VolumeReplicationGroup.
    Vrg,
    /// NetworkFence.
    NetworkFence,
    /// MaintenanceMode.
    MaintenanceMode,
    /// DRClusterConfig.
    DrClusterConfig,
    /// StorageClass.
    StorageClass,
    /// NetworkFenceClass.
    NetworkFenceClass,
    /// VolumeSnapshotClass.
    VolumeSnapshotClass,
    /// VolumeGroupSnapshotClass.
    VolumeGroupSnapshotClass,
    /// VolumeReplicationClass.
    VolumeReplicationClass,
    /// VolumeGroupReplicationClass.
    VolumeGroupReplicationClass,
    /// CustomResourceDefinition.
    CustomResourceDefinition,
    /// Namespace.
    Namespace,
    /// Recipe.
    Recipe,
}

impl ViewKind {
    /// All kinds that have views.
    pub const ALL: [Self; 13] = [
        Self::Vrg,
        Self::NetworkFence,
        Self::MaintenanceMode,
        Self::DrClusterConfig,
        Self::StorageClass,
        Self::NetworkFenceClass,
        Self::VolumeSnapshotClass,
        Self::VolumeGroupSnapshotClass,
        Self::VolumeReplicationClass,
        Self::VolumeGroupReplicationClass,
        Self::CustomResourceDefinition,
        Self::Namespace,
        Self::Recipe,
    ];

    /// The part itself.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Vrg => "vrg",
            Self::NetworkFence => "nf",
            Self::MaintenanceMode => "mmode",
            Self::DrClusterConfig => "drcconfig",
            Self::StorageClass => "sc",
            Self::NetworkFenceClass => "nfc",
            Self::VolumeSnapshotClass => "vsc",
            Self::VolumeGroupSnapshotClass => "vgsc",
            Self::VolumeReplicationClass => "vrc",
            Self::VolumeGroupReplicationClass => "vgrc",
            Self::CustomResourceDefinition => "crd",
            Self::Namespace => "ns",
            Self::Recipe => "recipe",
        }
    }
}

/// Work of a VRG.
pub fn vrg_work(drpc: &str, vrg_namespace: &str) -> String {
    work(drpc, vrg_namespace, "vrg")
}

/// Work of a Namespace of an application.
pub fn namespace_work(drpc: &str, namespace: &str) -> String {
    work(drpc, namespace, "ns")
}

/// Work of the Recipe of an application.
pub fn recipe_work(drpc: &str, vrg_namespace: &str) -> String {
    work(drpc, vrg_namespace, "recipe")
}

/// Work of a NetworkFence, in the namespace of the peer that fences; `class` is `None` for a fence without a
/// NetworkFenceClass.
pub fn network_fence_work(fenced: &str, class: Option<&str>, peer: &str) -> String {
    match class {
        Some(class) => work(&format!("{fenced}-{class}"), peer, "nf"),
        None => work(fenced, peer, "nf"),
    }
}

/// Work of a MaintenanceMode. Its provisioner is no part of the name: two with one target meet.
pub fn maintenance_mode_work(target_id: &str) -> String {
    format!("{target_id}-mmode{MANIFEST_WORK_SUFFIX}")
}

fn work(name: &str, namespace: &str, kind: &str) -> String {
    format!("{name}-{namespace}-{kind}{MANIFEST_WORK_SUFFIX}")
}

/// NetworkFence of a cluster; `class` is `None` for a fence without a NetworkFenceClass.
pub fn network_fence(fenced: &str, class: Option<&str>) -> String {
    match class {
        Some(class) => format!("{NETWORK_FENCE_PREFIX}-{class}-{fenced}"),
        None => format!("{NETWORK_FENCE_PREFIX}-{fenced}"),
    }
}

/// View of an object: `<name>-<namespace>-<kind>-mcv`, without the namespace for a cluster-scoped one.
///
/// Views of a Namespace or Recipe are shared by all applications that name it.
pub fn view(name: &str, namespace: Option<&str>, kind: ViewKind) -> String {
    match namespace {
        Some(namespace) => format!("{name}-{namespace}-{}{VIEW_SUFFIX}", kind.as_str()),
        None => format!("{name}-{}{VIEW_SUFFIX}", kind.as_str()),
    }
}

/// Name of the cluster-scoped object behind a view: what is left without the last two `-` parts; `None` if there is
/// nothing left.
pub fn viewed_name(view: &str) -> Option<&str> {
    let (rest, _) = view.rsplit_once('-')?;
    let (name, _) = rest.rsplit_once('-')?;
    (!name.is_empty()).then_some(name)
}

/// AppliedManifestWork of a work: SHA-256 of the hub's host in hex, and the work's name. Names of works beyond 188
/// bytes cannot be applied.
pub fn applied_manifest_work(hub_host: &str, work: &str) -> String {
    format!("{}-{work}", hashes::sha256_hex(hub_host))
}

/// ClusterRole that gives the work agent one right; `suffix` is one of the constants `WORK_AGENT_ROLE_*`.
pub fn work_agent_role(suffix: &str) -> String {
    format!("{}{suffix}", crate::api::names::ocm::WORK_AGENT_ROLE_PREFIX)
}

/// Secret of a cluster's kubeconfig, by the convention of Cluster API.
pub fn cluster_api_kubeconfig_secret(cluster: &str) -> String {
    format!("{cluster}-kubeconfig")
}
