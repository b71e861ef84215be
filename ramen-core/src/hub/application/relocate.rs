//! Relocate: move to `spec.preferredCluster` without losing a write. Both clusters must answer, all the way.
//!
//! In this order, each step only after the one before is seen to be done:
//!
//! | | step | seen by |
//! |---|---|---|
//! | 1 | the primary gets ready for its final sync | its status, for the spec that asks |
//! | 2 | the phase `Relocating` is made durable, the placement cleared: the application stops | the placement |
//! | 3 | the primary runs its final sync | its status, for the spec that asks |
//! | 4 | every copy is asked to be secondary | settled by the hub's last word |
//! | 5 | every other copy says that the target has its data | its `DataProtected` at its generation |
//! | 6 | the target is promoted, under a new epoch | as in a failover |
//!
//! An unfinished clean-up of an earlier switch is finished first. It is taken up where it stands after any crash: what has been
//! done is seen.

use super::{
    completion,
    conditions::{FALSE, TRUE, get},
    epoch,
    member::{self, Member},
    pass::{Flow, Pass, Stop},
    prerequisites,
};
use crate::{
    api::{
        DRState, ProgressionStatus, ReplicationState,
        names::conditions::{drpc as names, vrg},
        names::events,
    },
    intercluster::ClusterName,
};

pub(super) fn run(pass: &mut Pass) -> Flow {
    let target = ClusterName::new(pass.drpc().spec.preferred_cluster.clone());
    for cluster in pass.clusters() {
        pass.need_live(&cluster)?;
    }
    let members = pass.members()?;
    if let Some(silent) = members.iter().find(|m| !m.is_answered()) {
        return silent_cluster(pass, silent, &target);
    }
    if members.iter().all(|m| m.found().is_none()) {
        let message = "no VRGs exists. Can't relocate";
        return Err(pass.refuse(
            events::DRPC_CLUSTER_SWITCH_FAILED,
            message,
            "deploy the application first: remove spec.action",
        ));
    }
    let Some(t) = members.iter().find(|m| m.cluster == target) else {
        return Err(pass.refuse(
            events::DRPC_CLUSTER_SWITCH_FAILED,
            "preferred cluster not valid",
            "name one of the policy",
        ));
    };
    if t.is_seen_primary() && t.is_wanted_primary() && is_latest(t, &members) {
        return switched(pass, t);
    }
    if t.is_wanted_primary() && is_latest(t, &members) {
        return Err(restoring(pass, t));
    }
    match member::primary(&members) {
        Some(primary) => leave(pass, primary, &target),
        None => hand_over(pass, &target),
    }
}

/// Whether no other copy was asked to be primary later.
fn is_latest(member: &Member, members: &[Member]) -> bool {
    member::primary(members).is_none_or(|primary| primary.cluster == member.cluster)
}

/// A cluster that does not answer holds everything: what is on it cannot be known to be safe. No condition changes its status.
fn silent_cluster(pass: &mut Pass, silent: &Member, target: &ClusterName) -> Flow {
    let what = format!(
        "cluster {} to answer: relocating to {target} needs both clusters, and the VolumeReplicationGroup there {}",
        silent.cluster,
        silent.describe()
    );
    pass.because("nothing is moved while a cluster does not answer; a failover would not wait for it");
    // Without a phase nothing has been decided about the application since the hub lost its memory.
    if let (Some(_), Some(available)) = (&pass.status.phase, get(&pass.status.conditions, names::AVAILABLE).cloned()) {
        let message = format!("Relocation waits for {what} (remedy: {})", silent.remedy());
        pass.condition(names::AVAILABLE, &available.status, &available.reason, message);
    }
    Err(pass.wait(what, silent.remedy()))
}

/// The target has taken the role: the application starts there once its volumes are ready.
fn switched(pass: &mut Pass, t: &Member) -> Flow {
    let placed = pass.live()?.as_ref() == Some(&t.cluster);
    if !placed && !t.is_ready_primary() {
        pass.enter(DRState::Relocating, format!("Relocating to cluster {}", t.cluster));
        pass.progress(ProgressionStatus::WaitForReadiness);
        pass.available(format!("Waiting for the volumes on cluster {}: {}", t.cluster, t.not_ready()));
        let what = format!("the application's volumes on cluster {} to be ready: {}", t.cluster, t.not_ready());
        return Err(pass.wait(what, t.remedy()));
    }
    pass.enter(DRState::Relocated, format!("Relocated to cluster {}", t.cluster));
    pass.condition(names::AVAILABLE, TRUE, DRState::Relocated.as_str(), "Completed");
    completion::run(pass, &t.cluster)
}

fn restoring(pass: &mut Pass, t: &Member) -> Stop {
    pass.enter(DRState::Relocating, format!("Relocating to cluster {}", t.cluster));
    pass.progress(ProgressionStatus::WaitingForResourceRestore);
    pass.available("Starting relocation");
    let what =
        format!("the VolumeReplicationGroup of cluster {} to take over as primary: it {}", t.cluster, t.describe());
    pass.wait(what, t.remedy())
}

/// Steps 1 to 3, then 4: the present primary hands over.
fn leave(pass: &mut Pass, primary: &Member, target: &ClusterName) -> Flow {
    let under_way = pass.status.phase == Some(DRState::Relocating);
    let peers_ready = get(&pass.status.conditions, names::PEER_READY).is_some_and(|c| c.status == TRUE);
    if !under_way && !peers_ready {
        // Whatever the earlier action was, it ends first; upstream's answer to this is an error for ever.
        pass.because(format!("the earlier switch to cluster {} is finished first", primary.cluster));
        completion::run(pass, &primary.cluster)?;
        let ready = get(&pass.status.conditions, names::PEER_READY).is_some_and(|c| c.status == TRUE);
        if !ready {
            return Err(pass.refuse(
                events::DRPC_CLUSTER_SWITCH_FAILED,
                "clean up secondaries is pending, peer is not ready",
                "see condition PeerReady for what it waits for",
            ));
        }
    }
    let primary = pass.member(&primary.cluster)?;
    target_can_follow(pass, target)?;
    quiesce(pass, &primary)?;
    hand_over(pass, target)
}

/// Before the application is stopped: the target must be able to take it.
fn target_can_follow(pass: &mut Pass, target: &ClusterName) -> Flow {
    let t = pass.member(target)?;
    if t.is_settled_secondary() {
        return Ok(());
    }
    let message =
        format!("cluster {target} cannot take the application over: the VolumeReplicationGroup there {}", t.describe());
    Err(pass.refuse(events::DRPC_CLUSTER_SWITCH_FAILED, message, t.remedy()))
}

fn quiesce(pass: &mut Pass, primary: &Member) -> Flow {
    let cluster = &primary.cluster;
    let status = primary.found().and_then(|vrg| vrg.status.as_ref());
    let (prepared, synced) =
        status.map(|s| (s.prepare_for_final_sync_complete, s.final_sync_complete)).unwrap_or_default();
    let asked =
        primary.found().map(|vrg| (vrg.spec.prepare_for_final_sync, vrg.spec.run_final_sync)).unwrap_or_default();
    // An answer counts only for the spec that asks: one that is left over from an earlier relocation does not.
    let current = primary.is_current();
    if pass.live()?.is_some() {
        if !(current && asked.0 && prepared) {
            may_leave(pass, primary)?;
            pass.begin();
            pass.progress(ProgressionStatus::PreparingFinalSync);
            pass.available("Starting quiescing for relocation");
            ask_final_sync(pass, primary, false)?;
            let what = format!("cluster {cluster} to be prepared for its final sync");
            return Err(pass.wait(what, primary.remedy()));
        }
        pass.begin();
        pass.enter(DRState::Relocating, format!("Relocating from cluster {cluster}"));
        pass.available("Starting quiescing for relocation");
        pass.progress(ProgressionStatus::ClearingPlacement);
        pass.persist("the phase is durable before the application is stopped: from here on it only goes forward");
        pass.clear_placement("the primary is prepared for its final sync")?;
    }
    if !(current && asked.1 && synced) {
        pass.begin();
        pass.enter(DRState::Relocating, format!("Relocating from cluster {cluster}"));
        pass.available("Starting quiescing for relocation");
        pass.progress(ProgressionStatus::RunningFinalSync);
        ask_final_sync(pass, primary, true)?;
        let what = format!("cluster {cluster} to have sent its last writes, after the application has stopped there");
        return Err(pass.wait(what, primary.remedy()));
    }
    pass.progress(ProgressionStatus::FinalSyncComplete);
    Ok(())
}

/// Whether the primary has done all that a relocation relies on: its data are usable and their metadata are in every store.
fn may_leave(pass: &mut Pass, primary: &Member) -> Flow {
    let cluster = &primary.cluster;
    let lacking: Vec<_> = [vrg::DATA_READY, vrg::CLUSTER_DATA_PROTECTED]
        .into_iter()
        .filter(|type_| !primary.holds(type_))
        .map(|type_| format!("condition {type_} is not True for the present generation"))
        .collect();
    if lacking.is_empty() && prerequisites::may_write_shared_storage(pass, cluster) {
        return Ok(());
    }
    // Its generation moves with the flags of the final sync: what is being found out again is no refusal.
    let message = format!("current cluster ({cluster}) has not completed protection actions");
    if primary.found().is_some_and(|vrg| vrg.spec.prepare_for_final_sync) || !primary.is_current() {
        return Err(pass.wait(message, primary.remedy()));
    }
    let why = if lacking.is_empty() { "it is fenced".into() } else { lacking.join(", ") };
    Err(pass.refuse(events::DRPC_CLUSTER_SWITCH_FAILED, format!("{message}: {why}"), primary.remedy()))
}

fn ask_final_sync(pass: &mut Pass, primary: &Member, run: bool) -> Flow {
    let source = pass.must_source()?;
    let Some(wanted) = &primary.wanted else { return Ok(()) };
    let vrg = source.final_sync(&primary.cluster, &wanted.vrg, run);
    let guard =
        if run { "the application is no longer placed anywhere" } else { "the primary's data and metadata are safe" };
    pass.put_vrg(primary, vrg, guard);
    Ok(())
}

/// Steps 4 to 6: everything secondary, then the target primary.
fn hand_over(pass: &mut Pass, target: &ClusterName) -> Flow {
    pass.begin();
    pass.enter(DRState::Relocating, format!("Relocating to cluster {target}"));
    pass.available("Starting relocation");
    let message = format!("Relocation in progress to cluster \"{target}\"");
    pass.condition(names::PEER_READY, FALSE, names::REASON_NOT_STARTED, message);
    demote(pass)?;
    pass.progress(ProgressionStatus::EnsuringVolumesAreSecondary);
    let members = pass.members()?;
    if let Some(slow) = members.iter().find(|m| !m.is_settled_secondary()) {
        let what = format!(
            "every volume to be secondary: the VolumeReplicationGroup of cluster {} {}",
            slow.cluster,
            slow.describe()
        );
        return Err(pass.wait(what, slow.remedy()));
    }
    if let Some(unsafe_) = members.iter().find(|m| &m.cluster != target && !m.holds(vrg::DATA_PROTECTED)) {
        let what =
            format!("cluster {} to say that its last writes have arrived (condition DataProtected)", unsafe_.cluster);
        return Err(pass.wait(what, unsafe_.remedy()));
    }
    let t = pass.member(target)?;
    let source = pass.must_source()?;
    if let Some(wanted) = &t.wanted {
        pass.persist_phase("the relocation is on record before the target is promoted");
        let epoch = epoch::next(pass.epoch()?);
        let vrg = source.turned(target, &wanted.vrg, ReplicationState::Primary, epoch);
        let guard = format!("every copy is a settled secondary, and the last writes have arrived; {epoch}");
        pass.put_vrg(&t, vrg, guard);
    }
    Err(pass.wait(format!("the VolumeReplicationGroup of cluster {target} to take over as primary"), t.remedy()))
}

/// Asks every copy to be secondary that is not asked so already.
fn demote(pass: &mut Pass) -> Flow {
    let source = pass.must_source()?;
    let epoch = pass.epoch()?;
    for member in pass.members()? {
        let Some(wanted) = member.wanted.as_ref().filter(|wanted| !member::is_secondary(&wanted.vrg)) else { continue };
        pass.persist_phase("the relocation is on record before a primary is demoted");
        let vrg = source.turned(&member.cluster, &wanted.vrg, ReplicationState::Secondary, epoch);
        pass.put_vrg(&member, vrg, "the last writes have been sent, and no application runs");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
