//! Kinds of other projects that we read, or write in part: csi-addons' replication and fencing, and Open Cluster
//! Management's works, views,
//! clusters and placements.
//!
//! A field is typed here if a decision reads it or a write sets it. Everything else is kept as it came, at every level,
//! in a map named `other`
//! that is flattened into the JSON: what a newer version of the owner writes survives us.
//!
//! Reading is lenient, because one odd object must not blind us to a whole list: what its schema requires and an object
//! lacks reads as empty,
//! strings with known values are open, `null` lists read as empty ones. One thing is refused: an object that says it is
//! of another kind or
//! version, since then it answers another question. An object that says neither is accepted; that is how Go stores its
//! own.
//!
//! Objects of others are still never written whole: patch the fields you own, or, where a list has to be replaced, edit
//! the raw JSON under its
//! resource version. Status and spec read here are for deciding.
//!
//! The OCM kinds also generate CRDs of our own ([`compatible_crds`]), for hubs where OCM is not installed.

use std::collections::BTreeMap;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use serde_json::Value;

mod applied_manifest_work;
mod cluster_claim;
mod crd;
mod kind;
mod managed_cluster;
mod managed_cluster_view;
mod manifest_work;
mod manifest_work_status;
mod network_fence;
mod placement;
mod placement_decision;
mod placement_rule;
mod volume_group_replication;
mod volume_group_replication_content;
mod volume_replication;

pub use applied_manifest_work::{
    AppliedManifestResource, AppliedManifestWork, AppliedManifestWorkSpec, AppliedManifestWorkStatus,
};
pub use cluster_claim::{ClusterClaim, ClusterClaimSpec};
pub use managed_cluster::{ManagedCluster, ManagedClusterClaim, ManagedClusterSpec, ManagedClusterStatus, Taint};
pub use managed_cluster_view::{ManagedClusterView, ManagedClusterViewSpec, ManagedClusterViewStatus, ViewScope};
pub use manifest_work::{
    DeleteOption, DeletePropagation, FeedbackRule, JsonPath, ManifestConfigOption, ManifestWork, ManifestWorkSpec,
    ManifestsTemplate, ResourceIdentifier, ServerSideApplyConfig, UpdateStrategy, UpdateStrategyType,
};
pub use manifest_work_status::{
    FeedbackValue, FieldValue, ManifestCondition, ManifestResourceMeta, ManifestResourceStatus, ManifestWorkStatus,
    StatusFeedbackResult,
};
pub use network_fence::{
    FenceState, FencingResult, NetworkFence, NetworkFenceClass, NetworkFenceClassSpec, NetworkFenceSpec,
    NetworkFenceStatus, SecretSpec,
};
pub use placement::{Placement, PlacementSpec, PlacementStatus};
pub use placement_decision::{ClusterDecision, PlacementDecision, PlacementDecisionStatus};
pub use placement_rule::{
    ClusterConditionFilter, ClusterReference, PlacementRule, PlacementRuleDecision, PlacementRuleSpec,
    PlacementRuleStatus,
};
pub use volume_group_replication::{
    VolumeGroupReplication, VolumeGroupReplicationClass, VolumeGroupReplicationClassSpec, VolumeGroupReplicationSource,
    VolumeGroupReplicationSpec, VolumeGroupReplicationStatus,
};
pub use volume_group_replication_content::{
    PersistentVolumeMapping, VolumeGroupReplicationContent, VolumeGroupReplicationContentSource,
    VolumeGroupReplicationContentSpec, VolumeGroupReplicationContentStatus,
};
pub use volume_replication::{
    ReportedState, VolumeReplication, VolumeReplicationClass, VolumeReplicationClassSpec, VolumeReplicationSpec,
    VolumeReplicationState, VolumeReplicationStatus,
};

/// Fields that we do not type, as they came.
pub type OtherFields = BTreeMap<String, Value>;

/// CRDs for the OCM kinds, as `config/crd-compat` holds them, sorted by name: for hubs without OCM, and for tests.
///
/// They admit whatever OCM's own admit of the fields that RamenDR and we write, keep all others, and check what we rely
/// on. Installing them
/// over OCM's would drop what those check beyond that: do not.
#[must_use]
pub fn compatible_crds() -> Vec<CustomResourceDefinition> {
    vec![
        AppliedManifestWork::crd(),
        ClusterClaim::crd(),
        ManagedCluster::crd(),
        ManagedClusterView::crd(),
        ManifestWork::crd(),
        PlacementDecision::crd(),
        PlacementRule::crd(),
        Placement::crd(),
    ]
}

#[cfg(test)]
mod tests;
