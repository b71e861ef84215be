//! Finalizers: who holds what back, and until when.

super::names! {
    /// Held by the hub on a DRPC *and* on the user's Placement or PlacementRule, until the DRPC's objects on all
    /// clusters are gone.
    DRPC = "drpc.ramendr.openshift.io/finalizer";
    /// Held by the hub on a DRPolicy, until no DRPC refers to it and its secrets are withdrawn.
    DRPOLICY = "drpolicies.ramendr.openshift.io/ramen";
    /// Held by the hub on a DRCluster, until no DRPolicy refers to it and its works are withdrawn.
    DRCLUSTER = "drclusters.ramendr.openshift.io/ramen";
    /// Held by the cluster operator on its DRClusterConfig, until it has cleaned up.
    DRCLUSTERCONFIG = "drclusterconfigs.ramendr.openshift.io/finalizer";
    /// Held by the hub on an S3 Secret that it distributes, while any policy needs it.
    SECRET_POLICY = "drpolicies.ramendr.openshift.io/policy-protection";
    /// As [`SECRET_POLICY`], for the copy in Velero's format.
    SECRET_POLICY_VELERO = "drpolicies.ramendr.openshift.io/policy-protection-velero";
    /// Held by the VRG controller on its VRG, until replication and stored metadata are undone.
    VRG = "volumereplicationgroups.ramendr.openshift.io/vrg-protection";
    /// Held by the VRG controller on a PVC under volume replication, until its VolumeReplication is gone.
    PVC_VR = "volumereplicationgroups.ramendr.openshift.io/pvc-vr-protection";
    /// Held by the VRG controller on a PVC that VolSync protects, until its PV is handled.
    PVC_VOLSYNC = "volumereplicationgroups.ramendr.openshift.io/pvc-volsync-protection";
}
