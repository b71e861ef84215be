//! Labels: who sets them on what, and who selects by them.
//!
//! Label keys are case-sensitive; all of Ramen's are lower case, also where its documentation shows them otherwise.

super::names! {
    /// On every object Ramen creates, with value [`TRUE`]; hides such PVCs from protection. Not on VolSync's
    /// destination PVC, which is to be protected later.
    CREATED_BY_RAMEN = "ramendr.openshift.io/created-by-ramen";
    /// Value of the switches among Ramen's labels and annotations.
    TRUE = "true";
    /// Value of [`CREATED_BY_RAMEN`] on what VolSync derives from Ramen's objects: the Service, Endpoints and
    /// EndpointSlices of a mover.
    CREATED_BY_RAMEN_TRANSITIVE = "transitive";
    /// Namespace of the VRG that owns a PVC, VolumeReplication, group, Velero object or ConfigMap; set by the VRG
    /// controller, because an owner reference cannot cross namespaces.
    OWNER_NAMESPACE_NAME = "ramendr.openshift.io/owner-namespace-name";
    /// Name of the VRG that owns the object; always beside [`OWNER_NAMESPACE_NAME`].
    OWNER_NAME = "ramendr.openshift.io/owner-name";
    /// Name of the VRG that owns a VolSync object, a replication group or a protected snapshot; the deletion of VolSync
    /// objects goes by this pair.
    VRG_OWNER = "volumereplicationgroups-owner";
    /// Namespace of the VRG named by [`VRG_OWNER`].
    VRG_OWNER_NAMESPACE = "volumereplicationgroups-owner-namespace";
    /// Group of a PVC, set by the VRG controller; an empty value marks a PVC that is leaving its group. An annotation
    /// of the same key replaces it during a final sync.
    CONSISTENCY_GROUP = "ramendr.openshift.io/consistency-group";
    /// Name of the VolumeGroupReplication that replicates a PVC, set by the VRG controller before it creates the group
    /// and never removed.
    VOLUME_GROUP_REPLICATION_OWNER = "volumegroupreplication-owner";
    /// Name of the shared VolumeGroupReplication: set by a VRG on itself, copied by the hub to the DRPC and to the
    /// peer's VRG; all that carry one value act together.
    GLOBAL_VGR = "ramendr.openshift.io/global-vgr";
    /// Storage instance of a StorageClass, snapshot class or replication class, set by the storage vendor. On a
    /// NetworkFenceClass it is an *annotation* holding a comma-separated list.
    STORAGE_ID = "ramendr.openshift.io/storageid";
    /// Replication pair of a VolumeReplicationClass, set by the storage vendor on both clusters.
    REPLICATION_ID = "ramendr.openshift.io/replicationid";
    /// Group replication pair of a VolumeGroupReplicationClass, set by the storage vendor; on a StorageClass it tells
    /// pools of one storage instance apart.
    GROUP_REPLICATION_ID = "ramendr.openshift.io/groupreplicationid";
    /// On a StorageClass whose replication the storage does by itself; only the presence of the key counts.
    OFFLOADED = "ramendr.openshift.io/offloaded";
    /// On a VolumeGroupReplicationClass whose group spans applications; the value must be exactly [`TRUE`].
    GLOBAL = "ramendr.openshift.io/global";
    /// On a replication class or StorageClass: comma-separated maintenance modes the storage needs before a failover.
    /// With an empty value it marks MaintenanceMode works and views of the hub.
    MAINTENANCE_MODES = "ramendr.openshift.io/maintenancemodes";
    /// On a NetworkAttachmentDefinition that takes part in network mapping, set by the user; the value must be exactly
    /// [`TRUE`].
    DR_NETWORK = "ramendr.openshift.io/dr-network";
    /// On views of a StorageClass, with an empty value, so that the hub lists and prunes them.
    VIEW_STORAGE_CLASS = "ramendr.openshift.io/storageclass";
    /// On views of a NetworkFenceClass, with an empty value.
    VIEW_NETWORK_FENCE_CLASS = "ramendr.openshift.io/networkfenceclass";
    /// On views of a VolumeSnapshotClass, with an empty value.
    VIEW_VOLUME_SNAPSHOT_CLASS = "ramendr.openshift.io/volumesnapshotclass";
    /// On views of a VolumeGroupSnapshotClass, with an empty value.
    VIEW_VOLUME_GROUP_SNAPSHOT_CLASS = "ramendr.openshift.io/volumegroupsnapshotclass";
    /// On views of a VolumeReplicationClass, with an empty value.
    VIEW_VOLUME_REPLICATION_CLASS = "ramendr.openshift.io/volumereplicationclass";
    /// On views of a VolumeGroupReplicationClass, with an empty value.
    VIEW_VOLUME_GROUP_REPLICATION_CLASS = "ramendr.openshift.io/volumegroupreplicationclass";
    /// Name of the ReplicationGroupDestination, on its ReplicationDestinations and on the snapshots it protects.
    REPLICATION_GROUP_DESTINATION = "ramendr.openshift.io/rgd";
    /// Name of the ReplicationGroupSource, on its ReplicationSources, group snapshots and restored PVCs.
    REPLICATION_GROUP_SOURCE = "ramendr.openshift.io/rgs";
    /// Rotation of group snapshots when only differences are sent; the group is `ramen.`, not `ramendr.`.
    VGS_STATUS = "ramen.openshift.io/vgs-status";
    /// Value of [`VGS_STATUS`] on the snapshot of the running cycle.
    VGS_STATUS_CURRENT = "current";
    /// Value of [`VGS_STATUS`] on the snapshot that the next cycle compares with.
    VGS_STATUS_PREVIOUS = "previous";
    /// On snapshots of a test failover, with value [`TRUE`], so that ending the test finds them.
    DRY_RUN_SNAPSHOT = "ramendr.openshift.io/dry-run-snapshot";
    /// Name of the VRG that took a snapshot for a test failover.
    DRY_RUN_VRG = "ramendr.openshift.io/dry-run-vrg";
    /// On the ConfigMap of Velero resource modifiers for static IP addresses, with value [`TRUE`]; checked before the
    /// ConfigMap is deleted.
    RESOURCE_MODIFIER = "ramendr.openshift.io/resource-modifier";
    /// On resources of a protected virtual machine; the built-in VM recipe selects by it.
    K8S_RESOURCE_SELECTOR = "ramendr.openshift.io/k8s-resource-selector";
    /// Name of the hook that started a Job, set when a job hook creates it.
    HOOK_NAME = "ramendr.openshift.io/hook-name";
    /// Name of the recipe's job template a Job was made from; beside [`HOOK_NAME`].
    JOB_NAME = "ramendr.openshift.io/job-name";
    /// On ClusterClaims by which a cluster once published its classes; today's controller only deletes what carries it.
    CLUSTER_CLAIM_OWNER = "drclusterconfigs.ramendr.openshift.io/owner";
    /// Value of [`CLUSTER_CLAIM_OWNER`].
    CLUSTER_CLAIM_OWNER_RAMEN = "ramen";
    /// On the ManifestWork of a Recipe: the name of the recipe.
    RECIPE = "recipe";
    /// On the ManifestWork of a NetworkFence, with value [`APP_NETWORK_FENCE`].
    APP = "app";
    /// Value of [`APP`] on NetworkFence works.
    APP_NETWORK_FENCE = "NF";
    /// On what VolSync creates, with value [`CREATED_BY_VOLSYNC`]; PVCs that carry it are never protected.
    CREATED_BY = "app.kubernetes.io/created-by";
    /// Value of [`CREATED_BY`] on VolSync's objects.
    CREATED_BY_VOLSYNC = "volsync";
    /// On the ConfigMap of excluded resources, set by the cluster operator: [`EXCLUDED_RESOURCES_OPERATOR`].
    APP_NAME = "app.kubernetes.io/name";
    /// On the ConfigMap of excluded resources, set by the cluster operator: [`EXCLUDED_RESOURCES_OPERATOR`].
    APP_MANAGED_BY = "app.kubernetes.io/managed-by";
    /// On the ConfigMap of excluded resources, set by the cluster operator: [`EXCLUDED_RESOURCES_COMPONENT`].
    APP_COMPONENT = "app.kubernetes.io/component";
    /// Value of [`APP_NAME`] and [`APP_MANAGED_BY`].
    EXCLUDED_RESOURCES_OPERATOR = "ramen-dr-cluster-operator";
    /// Value of [`APP_COMPONENT`].
    EXCLUDED_RESOURCES_COMPONENT = "kubeobjects-protection";
}
