//! What must hold on a cluster before one of its volumes may stop being primary, whichever way it is replicated.

use ramen_core::{
    api::DRAction,
    protection::{VolumeFacts, VolumeUse},
};

/// Why the volume cannot become secondary yet; `None` if it can.
///
/// A volume in use would lose what its users write after the demotion. On a failover the application of the lost side may never
/// be removed in order, so its claim need not be deleted; on a relocate it must be, which proves that the GitOps controller (or
/// the operator) has removed the application.
pub(super) fn not_ready_for_secondary(volume: &VolumeFacts, action: Option<&DRAction>) -> Option<String> {
    if action != Some(&DRAction::Failover) && !volume.deleting {
        return Some("unable to transition to Secondary as PVC is not deleted".to_owned());
    }
    match &volume.in_use {
        VolumeUse::Free => None,
        VolumeUse::Pods(pods) => Some(format!(
            "Secondary transition failed as PVC is potentially in use by a pod ({}); remove the application from this cluster",
            pods.join(", ")
        )),
        VolumeUse::Attached(nodes) => Some(format!(
            "Secondary transition failed as PersistentVolume for PVC is still attached to node(s) ({})",
            nodes.join(", ")
        )),
        VolumeUse::Unknown(failure) => {
            Some(format!("Secondary transition failed as it cannot be told whether the PVC is in use: {failure}"))
        }
    }
}
