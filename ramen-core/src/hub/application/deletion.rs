//! Taking protection away. The application, its namespaces and volumes stay where it runs.
//!
//! | | step | only once |
//! |---|---|---|
//! | 1 | phase `Deleting` is durable | |
//! | 2 | secondaries' records end, and with them their copies | every cluster has answered, or was declared lost |
//! | 3 | the primary's record ends | the secondaries' are gone, and no cluster shows one |
//! | 4 | namespaces' records end, the namespaces stay | the primary's is gone |
//! | 5 | views end, the placement is let go with its decisions, the finalizer goes | all that |
//!
//! Records are ended by name on every cluster of the policy, whether or not something is seen there. A cluster that does not
//! answer holds everything back: it might be the one on which the application runs. The administrator declares it lost by one
//! annotation on its DRCluster; then its records end, and nothing waits for it.

use kube::ResourceExt;

use super::{
    adoption,
    command::Command,
    member::{Member, is_deleting},
    observation::{Need, NeedKey},
    pass::{Flow, Pass, Stop},
};
use crate::{
    api::{
        DRState, ProgressionStatus,
        names::{annotations, finalizers},
    },
    decision::{Age, Item},
    intercluster::{ClusterName, PlacementOwner, Precondition},
};

/// What condition `Available` says while nothing is in the way.
const REMOVING: &str = "Protection is being taken away; the application stays";

pub(super) fn run(pass: &mut Pass) -> Flow {
    let held = pass.drpc().finalizers().iter().any(|f| f == finalizers::DRPC);
    if !held {
        // Nothing was ever made for it, or all of it is gone.
        pass.writes_status = false;
        return Ok(());
    }
    if pass.status.phase != Some(DRState::Deleting) {
        pass.enter(DRState::Deleting, "");
        pass.restart_clock();
        pass.progress(ProgressionStatus::Deleting);
        pass.available(REMOVING);
        pass.persist("the deletion is on record before anything is removed");
    }
    pass.status.observed_generation = pass.generation();
    let clusters = pass.clusters();
    if clusters.is_empty() {
        let name = pass.drpc().spec.dr_policy_ref.name.clone().unwrap_or_default();
        let what = format!("DRPolicy {name} to be there: it says on which clusters there is something to remove");
        return Err(pass.wait(what, "create it again as it was"));
    }
    everybody_has_answered(pass, &clusters)?;
    pass.available(REMOVING);
    remove_copies(pass)?;
    remove_namespaces(pass, &clusters)?;
    for cluster in clusters {
        pass.act(Command::Unregister(cluster), "its VolumeReplicationGroup is gone");
    }
    release(pass)
}

/// Nothing is removed while a cluster might be the one on which the application runs and cannot say so.
fn everybody_has_answered(pass: &mut Pass, clusters: &[ClusterName]) -> Flow {
    pass.need(clusters.iter().map(|c| Need { key: NeedKey::DRCluster(c.clone()), greatest_age: Age::Fresh }))?;
    let live = |c: &ClusterName| Need { key: NeedKey::Vrg(c.clone()), greatest_age: Age::Live };
    pass.need(clusters.iter().map(live))?;
    let intent = |c: &ClusterName| Need { key: NeedKey::VrgIntent(c.clone()), greatest_age: Age::Fresh };
    pass.need(clusters.iter().map(intent))?;
    for cluster in clusters {
        let member = pass.member(cluster)?;
        if member.is_answered() || member.confirms_deletion() || pass.is_lost(cluster) {
            continue;
        }
        let what = format!("cluster {cluster} to answer: the VolumeReplicationGroup there {}", member.describe());
        let remedy = format!(
            "{}; if the cluster is gone for ever, annotate DRCluster {cluster} with {}=true",
            member.remedy(),
            annotations::DECLARED_LOST
        );
        pass.available(format!("Waiting for {what} (remedy: {remedy})"));
        return Err(pass.wait(what, remedy));
    }
    Ok(())
}

/// Secondaries first, then the primary: a secondary that outlived its primary would lose what tells it what to do.
fn remove_copies(pass: &mut Pass) -> Flow {
    let (primaries, secondaries): (Vec<_>, Vec<_>) =
        pass.members()?.into_iter().partition(|m| m.is_wanted_primary() || m.is_seen_primary());
    for (role, members) in [("secondary", secondaries), ("primary", primaries)] {
        let left: Vec<_> = members.into_iter().filter(|m| !is_gone(pass, m)).collect();
        for member in &left {
            remove(pass, member)?;
        }
        if let Some(member) = left.first() {
            let what = format!(
                "{role} VRG manifestwork deletion in progress: the VolumeReplicationGroup of cluster {} to be gone; it {}",
                member.cluster,
                member.describe()
            );
            return Err(pass.wait(what, member.remedy()));
        }
    }
    Ok(())
}

/// Whether neither a record nor a copy is left. What a lost cluster still has is not waited for, once its record ends.
fn is_gone(pass: &Pass, member: &Member) -> bool {
    if pass.is_lost(&member.cluster) && !member.is_answered() {
        return member.wanted.is_none() || member.is_ending();
    }
    member.wanted.is_none() && member.confirms_deletion()
}

fn remove(pass: &mut Pass, member: &Member) -> Flow {
    if member.is_ending() {
        return Ok(());
    }
    let deleting = member.found().is_some_and(is_deleting);
    if member.wanted.is_none() && !deleting {
        // Nobody's record would delete it: it becomes ours first.
        return adoption::run(pass);
    }
    if member.wanted.is_some() {
        let (cluster, precondition) = (member.cluster.clone(), member.precondition());
        let guard = "every cluster has answered or was declared lost, and what depends on it is gone";
        pass.act(Command::DeleteVrg { cluster, precondition }, guard);
    }
    if pass.is_lost(&member.cluster) { Ok(()) } else { Err(waits_for(pass, member)) }
}

fn waits_for(pass: &mut Pass, member: &Member) -> Stop {
    let what = format!("the VolumeReplicationGroup of cluster {} to be gone; it {}", member.cluster, member.describe());
    pass.wait(what, member.remedy())
}

fn remove_namespaces(pass: &mut Pass, clusters: &[ClusterName]) -> Flow {
    let need = |c: &ClusterName| Need { key: NeedKey::NamespaceIntent(c.clone()), greatest_age: Age::Fresh };
    pass.need(clusters.iter().map(need))?;
    for cluster in clusters {
        let record = pass.seen.clusters.get(cluster).map(|facts| facts.namespace_intent.clone()).unwrap_or_default();
        match record {
            Item::Read(Ok(Some(record))) if record.delivery != crate::intercluster::Delivery::Deleting => {
                let precondition = Precondition::At(record.revision);
                let command = Command::OrphanNamespace { cluster: cluster.clone(), precondition };
                pass.act(command, "no VolumeReplicationGroup is left in it; the namespace itself stays");
            }
            Item::Read(Err(failure)) => return Err(pass.blocked(&failure)),
            Item::Read(Ok(_)) | Item::Unread => {}
        }
    }
    Ok(())
}

fn release(pass: &mut Pass) -> Flow {
    pass.writes_status = false;
    let held = match pass.seen.placement.read() {
        Some(Ok(placement)) => placement.held_by.is_some(),
        _ => false,
    };
    if held {
        let owner = owner(pass);
        pass.act(
            Command::ReleasePlacement(owner),
            "nothing of the application's protection is left; its decisions stay",
        );
    }
    pass.patch().finalizer = Some(false);
    pass.flush();
    Ok(())
}

/// How this application holds its placement.
pub(super) fn owner(pass: &Pass) -> PlacementOwner {
    PlacementOwner {
        namespace: pass.drpc().namespace().unwrap_or_default(),
        name: pass.name(),
        finalizer: finalizers::DRPC.into(),
    }
}

#[cfg(test)]
mod tests;
