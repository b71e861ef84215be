//! Failover: run on `spec.failoverCluster` from the replica there, whether or not the present cluster can be reached.
//!
//! When may we fail over to a cluster? First match:
//!
//! | the copy on the target | |
//! |---|---|
//! | primary, and the application was at rest there | refused: it runs there |
//! | primary by the last word from the hub | switched: completion, once it is ready |
//! | asked to be primary | wait for it |
//! | settled secondary, seen just now | prerequisites, then switch |
//! | anything else: changing, absent, not answering | refused, with what is seen and the remedy |
//!
//! The old primary is not touched before the target is ready. Two copies are then asked to be primary; what keeps that safe is
//! the fence (synchronous), the promotion of the replica (asynchronous), the epoch, and that the old one's record turns
//! secondary while its cluster is still down.

use super::{
    completion,
    conditions::{FALSE, TRUE},
    epoch,
    member::Member,
    pass::{Flow, Pass, Stop},
    prerequisites,
};
use crate::{
    api::{
        DRState, ProgressionStatus, ReplicationState,
        names::{conditions::drpc as names, events},
    },
    intercluster::{ClusterName, Decision},
};

pub(super) fn run(pass: &mut Pass) -> Flow {
    let target = ClusterName::new(pass.drpc().spec.failover_cluster.clone());
    pass.need_live(&target)?;
    let member = pass.member(&target)?;
    let at_rest = matches!(pass.status.phase, Some(DRState::Deployed | DRState::Relocated));
    if at_rest && member.is_seen_primary() && pass.live()?.as_ref() == Some(&target) {
        return runs_there(pass, &target);
    }
    if member.is_seen_primary() && member.is_wanted_primary() {
        return switched(pass, &member);
    }
    if member.is_wanted_primary() {
        return Err(restoring(pass, &member));
    }
    if !member.is_settled_secondary() {
        let message = format!(
            "unable to start failover, spec.FailoverCluster ({target}) is not a valid Secondary target: the \
             VolumeReplicationGroup there {}",
            member.describe()
        );
        return Err(pass.refuse(events::DRPC_CLUSTER_SWITCH_FAILED, message, member.remedy()));
    }
    switch(pass, &member)
}

/// The application runs on the target already, and not for a failover: nothing to do but to look after it, and to say so.
fn runs_there(pass: &mut Pass, target: &ClusterName) -> Flow {
    if let Err(Stop::Needs) = completion::run(pass, target) {
        return Err(Stop::Needs);
    }
    let message = format!("failover to cluster {target} has nothing to do: the application runs there");
    Err(pass.refuse(
        events::DRPC_CLUSTER_SWITCH_FAILED,
        message,
        "set spec.failoverCluster to the other cluster of the policy, or remove spec.action",
    ))
}

/// The target has taken the role: the application starts there once its volumes are ready.
fn switched(pass: &mut Pass, member: &Member) -> Flow {
    let target = &member.cluster;
    pass.enter(DRState::FailedOver, format!("Failed over to cluster {target}"));
    // Once placed, a moment in which it is not ready is no longer a failover that is under way.
    if pass.live()?.as_ref() != Some(target) && !member.is_ready_primary() {
        pass.progress(ProgressionStatus::WaitForReadiness);
        let message = format!("Waiting for the volumes on cluster {target}: {}", member.not_ready());
        pass.condition(names::AVAILABLE, FALSE, DRState::FailedOver.as_str(), &message);
        let what = format!("the application's volumes on cluster {target} to be ready: {}", member.not_ready());
        return Err(pass.wait(what, member.remedy()));
    }
    pass.condition(names::AVAILABLE, TRUE, DRState::FailedOver.as_str(), "Completed");
    completion::run(pass, target)
}

/// The target has been told; its volumes' metadata are being restored.
fn restoring(pass: &mut Pass, member: &Member) -> Stop {
    pass.enter(DRState::FailingOver, format!("Failing over to cluster {}", member.cluster));
    pass.progress(ProgressionStatus::WaitingForResourceRestore);
    pass.available("Waiting for App resources to be restored");
    let what = format!(
        "the VolumeReplicationGroup of cluster {} to take over as primary: it {}",
        member.cluster,
        member.describe()
    );
    pass.wait(what, member.remedy())
}

fn switch(pass: &mut Pass, member: &Member) -> Flow {
    let target = &member.cluster;
    let Some(wanted) = &member.wanted else {
        return Err(pass.wait(format!("the copy on cluster {target} to be on record"), "none needed"));
    };
    pass.begin();
    pass.enter(DRState::FailingOver, format!("Failing over to cluster {target}"));
    pass.available("Starting failover");
    let message = format!("Started failover to cluster \"{target}\"");
    pass.condition(names::PEER_READY, FALSE, names::REASON_NOT_STARTED, message);
    pass.progress(ProgressionStatus::CheckingFailoverPrerequisites);
    let old_home = old_home(pass, target)?;
    prerequisites::check(pass, target, &old_home)?;
    pass.progress(ProgressionStatus::FailingOverToCluster);
    // Other controllers act on Available False at this generation, and the action must be on record before two primaries are.
    pass.persist("the failover is on record before a second copy is asked to be primary");
    pass.retain(&old_home)?;
    let source = pass.must_source()?;
    let epoch = epoch::next(pass.epoch()?);
    let vrg = source.turned(target, &wanted.vrg, ReplicationState::Primary, epoch);
    pass.put_vrg(member, vrg, format!("the copy on cluster {target} is a settled secondary, seen just now; {epoch}"));
    // What it is waited for is shown once it is found to take its time.
    Err(pass.wait(format!("the VolumeReplicationGroup of cluster {target} to take over as primary"), member.remedy()))
}

/// The cluster that the application leaves: where it is placed, else where it is retained, else the one of its first
/// deployment, else the other one. Never the target.
fn old_home(pass: &mut Pass, target: &ClusterName) -> Flow<ClusterName> {
    let placement = pass.placement()?;
    let first = ClusterName::new(pass.status.preferred_decision.cluster_name.clone());
    let candidates = placement
        .current()
        .cloned()
        .into_iter()
        .chain(placement.decisions.into_iter().filter(Decision::is_retained).map(|d| d.cluster))
        .chain([first])
        .chain(pass.clusters());
    let known = pass.clusters();
    let home = candidates.into_iter().find(|c| c != target && known.contains(c));
    home.ok_or_else(|| {
        pass.refuse(
            events::DRPC_CLUSTER_SWITCH_FAILED,
            "failover requested on invalid state: the policy has no other cluster than the target",
            "correct the policy",
        )
    })
}

#[cfg(test)]
mod tests;
