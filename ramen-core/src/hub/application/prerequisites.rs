//! What must hold before a failover may make the target primary.
//!
//! | replication | |
//! |---|---|
//! | synchronous | the cluster that the application leaves is fenced off the shared storage, as of its DRCluster's generation |
//! | asynchronous | each storage that asks to be told has confirmed its maintenance mode on the target |
//!
//! Which storages ask to be told is known from the volumes that the last primary reported: seen on another cluster, however
//! long ago, or else in a store. If neither could be asked, it is not known that none asks, and the failover waits.

use std::collections::BTreeSet;

use super::{
    conditions,
    member::{self, is_primary},
    observation::{Need, NeedKey},
    pass::{Flow, Pass, Stop},
    topology::{Replication, replication},
};
use crate::{
    api::{
        DRCluster, MMode, ProgressionStatus, VolumeReplicationGroup,
        names::conditions::{drcluster, maintenance_mode},
    },
    decision::{Age, Sight},
    intercluster::ClusterName,
};

pub(super) fn check(pass: &mut Pass, target: &ClusterName, old_home: &ClusterName) -> Flow {
    match pass.policy().map(replication) {
        Some(Ok(Replication::Sync)) => fenced(pass, old_home),
        _ => storage_told(pass, target),
    }
}

fn fenced(pass: &mut Pass, old_home: &ClusterName) -> Flow {
    if pass.drcluster(old_home).is_some_and(is_fenced) {
        return Ok(());
    }
    pass.progress(ProgressionStatus::WaitForFencing);
    pass.available("Waiting for spec.failoverCluster to meet failover prerequisites");
    let message = format!("current home cluster {old_home} is not fenced");
    let remedy = format!(
        "set spec.clusterFence of DRCluster {old_home} to Fenced, or to ManuallyFenced once it cannot reach the storage"
    );
    Err(pass.wait(message, remedy))
}

/// Whether the cluster is cut off, as its DRCluster says of its present spec.
pub(super) fn is_fenced(cluster: &DRCluster) -> bool {
    let generation = cluster.metadata.generation.unwrap_or_default();
    cluster.status.as_ref().is_some_and(|s| conditions::is_true_at(&s.conditions, drcluster::FENCED, generation))
}

fn storage_told(pass: &mut Pass, target: &ClusterName) -> Flow {
    let Some(primary) = last_primary(pass, target)? else {
        pass.because("no primary was ever stored or seen: no storage is known that asks to be told of a failover");
        return Ok(());
    };
    let asked = asking(&primary);
    let told = pass.drcluster(target).map(activated).unwrap_or_default();
    let open: Vec<_> = asked.difference(&told).map(|(provisioner, id)| format!("{provisioner} ({id})")).collect();
    if open.is_empty() {
        return Ok(());
    }
    pass.progress(ProgressionStatus::WaitForStorageMaintenanceActivation);
    pass.available("Waiting for spec.failoverCluster to meet failover prerequisites");
    let what = format!("the storage on cluster {target} to confirm its maintenance mode: {}", open.join(", "));
    Err(pass.wait(what, format!("see status.maintenanceModes of DRCluster {target}")))
}

/// The last primary that anybody knows of, the target's own copy left out.
fn last_primary(pass: &mut Pass, target: &ClusterName) -> Flow<Option<VolumeReplicationGroup>> {
    let seen = pass.members()?.into_iter().filter(|m| &m.cluster != target).find_map(|m| match m.seen.sight {
        // What volumes a primary had does not change by its cluster being gone.
        Sight::Found(vrg) | Sight::Stale(Some(vrg)) => is_primary(&vrg).then_some(vrg),
        _ => None,
    });
    if seen.is_some() {
        return Ok(seen);
    }
    pass.need([Need { key: NeedKey::Stored, greatest_age: Age::Fresh }])?;
    let stored = pass.seen.stored.read().cloned().unwrap_or_default();
    let silent: Vec<_> = stored.iter().filter(|s| s.content.is_err()).map(|s| s.profile.clone()).collect();
    let newest = stored.into_iter().filter_map(|s| s.content.ok()?.vrg).filter(is_primary).max_by_key(newness);
    match newest {
        None if !silent.is_empty() => Err(unknown_storage(pass, &silent)),
        newest => Ok(newest),
    }
}

fn newness(vrg: &VolumeReplicationGroup) -> (u64, Option<jiff::Timestamp>) {
    let updated = vrg.status.as_ref().and_then(|s| s.last_update_time.as_ref()).map(|time| time.0);
    (super::epoch::of(vrg).0, updated)
}

fn unknown_storage(pass: &mut Pass, silent: &[String]) -> Stop {
    pass.available("Waiting for spec.failoverCluster to meet failover prerequisites");
    pass.wait(
        format!(
            "the present primary, or a store that has its VolumeReplicationGroup, to answer: which storage must be told of \
             the failover is not known (profiles that did not answer: {})",
            silent.join(", ")
        ),
        "bring one of the stores back, or the cluster",
    )
}

/// Storages that ask to be told of a failover, as (provisioner, replication id).
fn asking(primary: &VolumeReplicationGroup) -> BTreeSet<(String, String)> {
    let pvcs = primary.status.iter().flat_map(|status| &status.protected_pvcs);
    pvcs.filter(|pvc| pvc.replication_id.modes.contains(&MMode::Failover))
        .map(|pvc| (pvc.storage_provisioner.clone(), pvc.replication_id.id.clone()))
        .collect()
}

/// Storages of a cluster that have been told, as (provisioner, target id).
fn activated(cluster: &DRCluster) -> BTreeSet<(String, String)> {
    let modes = cluster.status.iter().flat_map(|status| &status.maintenance_modes);
    modes
        .filter(|mode| {
            conditions::get(&mode.conditions, maintenance_mode::FAILOVER_ACTIVATED)
                .is_some_and(|c| c.status == conditions::TRUE)
        })
        .map(|mode| (mode.storage_provisioner.clone(), mode.target_id.clone()))
        .collect()
}

/// Whether nothing keeps a primary on this cluster from handing its volumes over: its cluster may write the shared storage.
pub(super) fn may_write_shared_storage(pass: &Pass, cluster: &ClusterName) -> bool {
    match pass.policy().map(replication) {
        Some(Ok(Replication::Sync)) => pass.drcluster(cluster).is_some_and(|c| !is_fenced(c)),
        _ => true,
    }
}

/// Volumes that a primary reports and that this release does not move.
pub(super) fn by_volsync(member: &member::Member) -> Vec<String> {
    let status = member.found().and_then(|vrg| vrg.status.as_ref());
    let pvcs = status.map(|s| s.protected_pvcs.as_slice()).unwrap_or_default();
    pvcs.iter().filter(|pvc| pvc.protected_by_vol_sync).map(|pvc| format!("{}/{}", pvc.namespace, pvc.name)).collect()
}

#[cfg(test)]
mod tests;
