//! API groups, and the CustomResourceDefinitions whose presence decisions hang on.

super::names! {
    /// RamenDR's group.
    GROUP_RAMEN = "ramendr.openshift.io";
    /// csi-addons' replication.
    GROUP_REPLICATION_STORAGE = "replication.storage.openshift.io";
    /// csi-addons' fencing.
    GROUP_CSI_ADDONS = "csiaddons.openshift.io";
    /// OCM's works.
    GROUP_OCM_WORK = "work.open-cluster-management.io";
    /// OCM's views.
    GROUP_OCM_VIEW = "view.open-cluster-management.io";
    /// OCM's clusters and placements.
    GROUP_OCM_CLUSTER = "cluster.open-cluster-management.io";
    /// OCM's PlacementRules.
    GROUP_OCM_APPS = "apps.open-cluster-management.io";
    /// OCM's policies.
    GROUP_OCM_POLICY = "policy.open-cluster-management.io";
    /// OCM's add-ons.
    GROUP_OCM_ADDON = "addon.open-cluster-management.io";
    /// VolSync.
    GROUP_VOLSYNC = "volsync.backube";
    /// Velero.
    GROUP_VELERO = "velero.io";
    /// ServiceExports.
    GROUP_MULTICLUSTER = "multicluster.x-k8s.io";
    /// NetworkAttachmentDefinitions.
    GROUP_CNI = "k8s.cni.cncf.io";
    /// ApplicationSets.
    GROUP_ARGOPROJ = "argoproj.io";
    /// OLM.
    GROUP_OLM = "operators.coreos.com";

    /// Group snapshots, Kubernetes' API; preferred.
    CRD_VOLUME_GROUP_SNAPSHOTS = "volumegroupsnapshots.groupsnapshot.storage.k8s.io";
    /// Group snapshots, OpenShift's API; used where the preferred one is missing.
    CRD_VOLUME_GROUP_SNAPSHOTS_OPENSHIFT = "volumegroupsnapshots.groupsnapshot.storage.openshift.io";
    /// Group replication; without it PVCs are replicated one by one.
    CRD_VOLUME_GROUP_REPLICATIONS = "volumegroupreplications.replication.storage.openshift.io";
    /// Velero; the three that follow are needed for workloads of several namespaces.
    CRD_VELERO_BACKUPS = "backups.velero.io";
    /// See [`CRD_VELERO_BACKUPS`].
    CRD_VELERO_BACKUP_STORAGE_LOCATIONS = "backupstoragelocations.velero.io";
    /// See [`CRD_VELERO_BACKUPS`].
    CRD_VELERO_RESTORES = "restores.velero.io";

    /// Excluded from captures by default: Ramen makes them; a list without it gets a warning.
    EXCLUDED_VOLUME_REPLICATIONS = "volumereplications.replication.storage.openshift.io";
    /// As [`EXCLUDED_VOLUME_REPLICATIONS`].
    EXCLUDED_VOLUME_GROUP_REPLICATIONS = "volumegroupreplications.replication.storage.openshift.io";
    /// As [`EXCLUDED_VOLUME_REPLICATIONS`].
    EXCLUDED_REPLICATION_SOURCES = "replicationsources.volsync.backube";
    /// As [`EXCLUDED_VOLUME_REPLICATIONS`].
    EXCLUDED_REPLICATION_DESTINATIONS = "replicationdestinations.volsync.backube";
    /// Excluded from captures by default: restored by the VRG.
    EXCLUDED_PERSISTENT_VOLUME_CLAIMS = "persistentvolumeclaims";
    /// Excluded from captures by default: restored by the VRG.
    EXCLUDED_PERSISTENT_VOLUMES = "persistentvolumes";
    /// Excluded from captures by default: Kubernetes makes them, and Submariner's must not travel.
    EXCLUDED_ENDPOINT_SLICES = "endpointslices.discovery.k8s.io";
    /// As [`EXCLUDED_ENDPOINT_SLICES`].
    EXCLUDED_ENDPOINTS = "endpoints";
    /// Excluded from captures by default: images belong to their cluster.
    EXCLUDED_VOLUME_SNAPSHOTS = "volumesnapshots.snapshot.storage.k8s.io";
    /// As [`EXCLUDED_VOLUME_SNAPSHOTS`].
    EXCLUDED_VOLUME_GROUP_SNAPSHOTS = "volumegroupsnapshots.groupsnapshot.storage.k8s.io";
}
