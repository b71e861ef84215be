//! Reasons of Kubernetes Events. An event equal to the object's last one (type, reason, message) is dropped within ten
//! seconds.

super::names! {
    /// Warning on a VRG whose spec, recipe or PVC selection is not usable.
    VRG_FAILED_VALIDATION = "FailedValidation";
    /// Warning on a VRG whose PVCs could not be listed.
    VRG_PVC_LIST_FAILED = "PVCListFailed";
    /// Warning on a VRG whose VolumeReplication or group could not be created.
    VRG_VR_CREATE_FAILED = "VRCreateFailed";
    /// Warning on a VRG whose VolumeReplication or group could not be updated.
    VRG_VR_UPDATE_FAILED = "VRUpdateFailed";
    /// Warning on a VRG, one of whose PVCs could not be protected.
    VRG_PROTECT_PVC_FAILED = "ProtectPVCFailed";
    /// Warning on a VRG when the metadata of a PV or PVC did not reach an object store.
    VRG_UPLOAD_FAILED = "UploadFailed";
    /// Warning on a VRG when the VRG itself did not reach an object store; lower case `rg`, as RamenDR spells it.
    VRG_OBJECT_UPLOAD_FAILED = "VrgUploadFailed";
    /// Normal, on a VRG: a pass as primary came to its end.
    VRG_PRIMARY_SUCCESS = "PrimaryVRGProcessSuccess";
    /// Normal, on a VRG: a pass as secondary came to its end.
    VRG_SECONDARY_SUCCESS = "SecondaryVRGProcessSuccess";
    /// Normal, on a VRG: its deletion is complete.
    VRG_DELETE_SUCCESS = "VRGDeleteSuccess";
    /// Normal, on a DRPC: the first deployment starts.
    DRPC_DEPLOYING = "DRPCDeploying";
    /// Warning on a DRPC that cannot be deployed.
    DRPC_DEPLOY_FAILED = "DRPCDeployFailed";
    /// Normal, on a DRPC: the application is placed.
    DRPC_DEPLOY_SUCCESS = "DRPCDeploySuccess";
    /// Warning on a DRPC: a failover starts.
    DRPC_FAILING_OVER = "DRPCFailingOver";
    /// Normal, on a DRPC: the target of a failover is primary.
    DRPC_FAILOVER_SUCCESS = "DRPCFailoverSuccess";
    /// Normal, on a DRPC: a relocate starts.
    DRPC_RELOCATING = "DRPCRelocating";
    /// Normal, on a DRPC: the target of a relocate is primary.
    DRPC_RELOCATION_SUCCESS = "DRPCRelocationSuccess";
    /// Warning on a DRPC whose failover did not switch the cluster; a relocate emits none.
    DRPC_CLUSTER_SWITCH_FAILED = "DRPCClusterSwitchFailed";
    /// Warning on a DRPC that enters a phase without an event of its own (`Initiating`); the space is RamenDR's.
    DRPC_UNKNOWN_STATE = "unknown state";
}
