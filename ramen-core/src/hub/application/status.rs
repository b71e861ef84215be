//! What of the primary's copy is shown in the application's status.
//!
//! Which copy: the one where the application is placed; while it is placed nowhere, the one where it last was. During a
//! failover, while the old cluster is only retained, what was shown last stays.

use super::{
    conditions::{self, UNKNOWN},
    member::Member,
    pass::{Flow, Pass},
    protected,
    topology::{Replication, replication},
};
use crate::{
    api::{
        DRAction, VRGConditions, VRGResourceMeta, VolumeReplicationGroup,
        names::{
            annotations,
            conditions::{drpc as names, vrg},
        },
    },
    intercluster::ClusterName,
};

/// Brings the status up to what is seen.
pub(super) fn report(pass: &mut Pass) -> Flow {
    if !pass.writes_status || pass.seen.clusters.is_empty() || pass.drpc().metadata.deletion_timestamp.is_some() {
        return Ok(());
    }
    let Some(cluster) = reported(pass) else { return Ok(()) };
    let member = pass.member(&cluster)?;
    match member.found() {
        Some(vrg) => {
            let members = pass.members()?;
            let vrg = with_conflict_of_any(vrg, &member, &members);
            copy(pass, &vrg);
            let is_async = pass.policy().is_some_and(|p| replication(p) == Ok(Replication::Async));
            let verdict = protected::verdict(&vrg, &cluster, pass.drpc().spec.action, is_async);
            pass.condition(names::PROTECTED, verdict.status, verdict.reason, verdict.message);
        }
        None => {
            let message =
                format!("Missing VolumeReplicationGroup status from cluster {cluster}: it {}", member.describe());
            pass.condition(names::PROTECTED, UNKNOWN, names::REASON_UNKNOWN, message);
        }
    }
    Ok(())
}

fn reported(pass: &Pass) -> Option<ClusterName> {
    let known = pass.clusters();
    // A placement that cannot be used has been said to be so.
    let Some(Ok(placement)) = pass.seen.placement.read() else { return None };
    let live = placement.current().cloned();
    if live.is_none() && pass.drpc().spec.action == Some(DRAction::Failover) {
        return None;
    }
    let last = pass.annotation(annotations::LAST_APP_DEPLOYMENT_CLUSTER).map(ClusterName::new);
    let preferred = ClusterName::new(pass.drpc().spec.preferred_cluster.clone());
    live.or(last).or(Some(preferred)).filter(|c| known.contains(c))
}

/// The copy, with a conflict that any copy reports: volumes that should not be there are a matter of the whole application.
/// The time of the condition is that of whoever reports it, so that it does not change from pass to pass.
fn with_conflict_of_any(vrg: &VolumeReplicationGroup, own: &Member, all: &[Member]) -> VolumeReplicationGroup {
    let mut vrg = vrg.clone();
    let conflict = |m: &Member| {
        let status = m.found()?.status.as_ref()?;
        conditions::get(&status.conditions, vrg::NO_CLUSTER_DATA_CONFLICT)
            .filter(|c| c.status == conditions::FALSE)
            .cloned()
    };
    if conflict(own).is_some() {
        return vrg;
    }
    let Some(mut found) = all.iter().find_map(conflict) else { return vrg };
    if let Some(status) = vrg.status.as_mut() {
        found.observed_generation = vrg.metadata.generation;
        match status.conditions.iter_mut().find(|c| c.type_ == found.type_) {
            Some(condition) => *condition = found,
            None => status.conditions.push(found),
        }
    }
    vrg
}

fn copy(pass: &mut Pass, vrg: &VolumeReplicationGroup) {
    let status = vrg.status.clone().unwrap_or_default();
    pass.status.resource_conditions = VRGConditions {
        resource_meta: VRGResourceMeta {
            kind: "VolumeReplicationGroup".into(),
            name: vrg.metadata.name.clone().unwrap_or_default(),
            namespace: vrg.metadata.namespace.clone().unwrap_or_default(),
            generation: vrg.metadata.generation.unwrap_or_default(),
            protected_pvcs: status.protected_pvcs.iter().map(|pvc| pvc.name.clone()).collect(),
            pvc_groups: status.pvc_groups,
            resource_version: vrg.metadata.resource_version.clone().unwrap_or_default(),
            protected_static_ip_vms: Vec::new(),
        },
        conditions: status.conditions,
    };
    // The source stops reporting in the middle of a relocation; what it reported last still holds.
    let relocating = pass.drpc().spec.action == Some(DRAction::Relocate);
    if status.last_group_sync_time.is_some() || !relocating {
        pass.status.last_group_sync_time = status.last_group_sync_time;
        pass.status.last_group_sync_duration = status.last_group_sync_duration;
        pass.status.last_group_sync_bytes = status.last_group_sync_bytes;
    }
    if let Some(capture) = status.kube_object_protection.capture_to_recover_from {
        pass.status.last_kube_object_protection_time = capture.end_time.or(capture.start_time);
    }
}

#[cfg(test)]
mod tests;
