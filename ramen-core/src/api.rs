//! What users write and read: Ramen's nine kinds of API group `ramendr.openshift.io/v1alpha1`, one file a kind.
//!
//! | Kind | Where | Written by | Says |
//! |---|---|---|---|
//! | [`DRPolicy`] | hub | administrator | which two clusters protect each other, and how often |
//! | [`DRCluster`] | hub | administrator | a cluster, its store and its fence |
//! | [`DRPlacementControl`] | hub | application owner | one protected application, and what to do with it |
//! | [`VolumeReplicationGroup`] | managed cluster | hub | the application's volumes there, and their role |
//! | [`DRClusterConfig`] | managed cluster | hub | identity and schedules; in the status the storage on offer |
//! | [`MaintenanceMode`] | managed cluster | hub | what a storage is to get ready for; in the status its answer |
//! | [`ReplicationGroupSource`] | managed cluster | VolumeReplicationGroup | sending side of a VolSync consistency group |
//! | [`ReplicationGroupDestination`] | managed cluster | VolumeReplicationGroup | receiving side of a VolSync consistency group |
//! | [`ProtectedVolumeReplicationGroupList`] | managed cluster | administrator | what an S3 store holds |
//!
//! [`RamenConfig`] is no API object but the configuration file of both operators. [`decode`] reads what others wrote, and
//! [`edit`] changes it without losing what a newer release put there. Every name that other software sees is in
//! [`names`], the kinds of other projects that we read or write in part in [`foreign`].
//!
//! The types generate their CRDs ([`crds`]), equal in structure to upstream's. They encode as upstream's encoder does:
//! a field is an `Option` exactly where upstream tells absent from empty.

pub mod decode;
pub mod edit;
pub mod foreign;
pub mod names;

mod drcluster;
mod drclusterconfig;
mod drplacementcontrol;
mod drpolicy;
mod duration;
mod kubeobjectprotection;
mod maintenancemode;
mod peerclass;
mod protectedpvc;
mod protectedvolumereplicationgrouplist;
mod ramenconfig;
mod replicationgroupdestination;
mod replicationgroupsource;
mod schema;
mod staticip;
mod volsync;
mod volumereplicationgroup;
mod wire;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;

pub use drcluster::{
    ClusterFenceState, ClusterMaintenanceMode, DRCluster, DRClusterPhase, DRClusterSpec, DRClusterStatus,
};
pub use drclusterconfig::{
    DRClusterConfig, DRClusterConfigSpec, DRClusterConfigStatus, NetworkAttachment, StorageAccessDetail,
};
pub use drplacementcontrol::{
    DRAction, DRPlacementControl, DRPlacementControlSpec, DRPlacementControlStatus, DRState, PlacementDecision,
    ProgressionStatus, VRGConditions, VRGResourceMeta,
};
pub use drpolicy::{DRPolicy, DRPolicySpec, DRPolicyStatus, NetworkPeer, PeerClasses};
pub use duration::{Duration, NotADuration};
pub use kubeobjectprotection::{
    KubeObjectProtectionSpec, KubeObjectProtectionStatus, KubeObjectsCaptureIdentifier, RecipeRef,
};
pub use maintenancemode::{MMode, MModeState, MaintenanceMode, MaintenanceModeSpec, MaintenanceModeStatus};
pub use peerclass::PeerClass;
pub use protectedpvc::{Identifier, ProtectedPVC};
pub use protectedvolumereplicationgrouplist::{
    ProtectedVolumeReplicationGroupList, ProtectedVolumeReplicationGroupListSpec,
    ProtectedVolumeReplicationGroupListStatus,
};
pub use ramenconfig::{
    ControllerHealth, ControllerMetrics, ControllerType, DestinationCopyMethod, DrClusterOperator,
    KubeObjectProtectionConfig, LeaderElection, MultiNamespaceConfig, RamenConfig, S3StoreProfile, SecretKeySelector,
    SecretReference, VolSyncConfig,
};
pub use replicationgroupdestination::{
    ReplicationGroupDestination, ReplicationGroupDestinationSpec, ReplicationGroupDestinationStatus,
};
pub use replicationgroupsource::{
    ReplicationGroupSource, ReplicationGroupSourceSpec, ReplicationGroupSourceStatus, ReplicationSourceTriggerSpec,
};
pub use staticip::{
    AddressTranslation, DiscoveredNetwork, DiscoveredResource, IPTranslationSpec, NetworkTranslation,
    ResourceReference, StaticIPDiscoveryStatus, StaticIPTranslationSpec,
};
pub use volsync::{
    MoverConfig, RsyncTLSConfig, VolSyncReplicationDestinationInfo, VolSyncReplicationDestinationSpec,
    VolSyncReplicationSourceSpec, VolSyncSpec,
};
pub use volumereplicationgroup::{
    Groups, ReplicationState, State, VRGAsyncSpec, VRGSyncSpec, VolumeReplicationGroup, VolumeReplicationGroupSpec,
    VolumeReplicationGroupStatus,
};

/// The CRDs of all nine kinds, as `config/crd` holds them, sorted by name.
#[must_use]
pub fn crds() -> Vec<CustomResourceDefinition> {
    vec![
        DRClusterConfig::crd(),
        DRCluster::crd(),
        DRPlacementControl::crd(),
        DRPolicy::crd(),
        MaintenanceMode::crd(),
        ProtectedVolumeReplicationGroupList::crd(),
        ReplicationGroupDestination::crd(),
        ReplicationGroupSource::crd(),
        VolumeReplicationGroup::crd(),
    ]
}

#[cfg(test)]
mod roundtrip_tests;
