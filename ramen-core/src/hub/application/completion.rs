//! What is left to do once a cluster is primary, and what every later pass looks after: the application runs there, and the
//! other cluster is its secondary.
//!
//! In this order, each step only after the one before:
//! 1. the primary's record is brought up to date;
//! 2. the application is placed there, once its data and metadata are ready: volumes bind to what was restored;
//! 3. the other cluster's record asks for the secondary role. That is written while the cluster is down, too, so that it is
//!    demoted the moment it returns;
//! 4. once that cluster has turned by the hub's last word, it is no longer retained in the placement, and the workload goes;
//! 5. once its volumes are secondary, it is ready for the next action.
//!
//! `PeerReady` is True only after step 5, also after the first deployment: a failover that would be refused is not promised.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::{
    conditions::{FALSE, TRUE},
    epoch,
    member::{self, Member},
    pass::{Flow, Pass},
};
use crate::{
    api::{DRState, Duration, ProgressionStatus, names::conditions::drpc as names},
    intercluster::ClusterName,
};

/// Brings what belongs to this primary to its end. `Ok` once nothing is left.
pub(super) fn run(pass: &mut Pass, primary: &ClusterName) -> Flow {
    pass.progress(ProgressionStatus::CleaningUp);
    refresh(pass, primary)?;
    place(pass, primary)?;
    let unready = peers(pass, primary)?;
    if unready.is_empty() {
        pass.condition(names::PEER_READY, TRUE, names::REASON_SUCCESS, "Ready");
    } else {
        let message = unready.iter().map(|(what, _)| what.as_str()).collect::<Vec<_>>().join("; ");
        let at_rest = pass.status.phase == Some(DRState::Deployed);
        // A deployment is complete without its peer; a switch is not, as long as the old primary has not been cleaned up.
        let (reason, message) = if at_rest {
            (names::REASON_PROGRESSING, message)
        } else {
            (names::REASON_NOT_STARTED, format!("cleaning up: {message}"))
        };
        pass.condition(names::PEER_READY, FALSE, reason, message);
        for (what, remedy) in unready {
            pass.also_wait(what, remedy);
        }
        if !at_rest {
            return Err(super::pass::Stop::Waits);
        }
    }
    complete(pass);
    Ok(())
}

/// All is done: the duration of the action is fixed, once.
fn complete(pass: &mut Pass) {
    pass.progress(ProgressionStatus::Completed);
    let Some(Time(start)) = pass.status.action_start_time else { return };
    if pass.status.action_duration.is_none() {
        let seconds = pass.seen.now.as_second() - start.as_second();
        pass.status.action_duration = Some(Duration::from_secs(seconds.max(0)));
    }
}

/// Brings the record of a primary up to date. Only of one that was asked to be primary: this never makes one.
fn refresh(pass: &mut Pass, cluster: &ClusterName) -> Flow {
    let member = pass.member(cluster)?;
    let Some(wanted) = member.wanted.as_ref().filter(|_| member.is_wanted_primary()) else {
        return Err(pass.wait(
            format!("the record of the VolumeReplicationGroup for cluster {cluster} to ask for the primary role"),
            "set spec.action and its cluster again",
        ));
    };
    if member.found().is_none() {
        let what = format!("the VolumeReplicationGroup of cluster {cluster}: it {}", member.describe());
        pass.also_wait(what, member.remedy());
        return Ok(());
    }
    let source = pass.must_source()?;
    let vrg = source.refreshed(cluster, &wanted.vrg, member.found());
    pass.put_vrg(&member, vrg, format!("cluster {cluster} is the primary already; its role stays"));
    Ok(())
}

/// Places the application on the primary, where it is not yet: only when its data are ready there.
fn place(pass: &mut Pass, cluster: &ClusterName) -> Flow {
    if pass.live()?.as_ref() != Some(cluster) {
        let member = pass.member(cluster)?;
        if !member.is_ready_primary() {
            pass.progress(ProgressionStatus::WaitForReadiness);
            let what = format!("the application's volumes on cluster {cluster} to be ready: {}", member.not_ready());
            return Err(pass.wait(what, member.remedy()));
        }
    }
    pass.place(cluster, "the volumes and their metadata are ready there at the present generation")
}

/// Makes the other clusters secondaries of this primary. Answers with what is not ready yet, and the remedy.
fn peers(pass: &mut Pass, primary: &ClusterName) -> Flow<Vec<(String, String)>> {
    let mut unready = Vec::new();
    for cluster in pass.clusters().into_iter().filter(|c| c != primary) {
        let news = secondary(pass, &cluster, primary)?;
        // Looked at once for each generation: a peer that goes away later does not take the word back.
        if pass.peers_were_ready && !news {
            continue;
        }
        let member = pass.member(&cluster)?;
        if member.is_current() && member.found().is_some_and(member::is_secondary) {
            pass.drop_retained(&cluster)?;
        }
        if !member.is_settled_secondary() {
            let what =
                format!("the VolumeReplicationGroup of cluster {cluster} to be secondary: it {}", member.describe());
            unready.push((what, member.remedy()));
        }
    }
    Ok(unready)
}

/// Records that a cluster is the secondary of this primary; says whether its role is news.
pub(super) fn secondary(pass: &mut Pass, cluster: &ClusterName, primary: &ClusterName) -> Flow<bool> {
    let source = pass.must_source()?;
    let Some(wanted) = pass.member(primary)?.wanted else { return Ok(false) };
    let member = pass.member(cluster)?;
    let role_is_news = member.wanted.as_ref().is_none_or(|wanted| !member::is_secondary(&wanted.vrg));
    pass.put_namespace(cluster, &source.namespace)?;
    // A copy that is made secondary learns the epoch that ends its own; one that is secondary has no use for another.
    let own = member.wanted.as_ref().filter(|_| !role_is_news).map(|wanted| epoch::of(&wanted.vrg));
    let vrg = source.secondary(cluster, &wanted.vrg, own.unwrap_or_else(|| epoch::of(&wanted.vrg)));
    pass.put_vrg(&member, vrg, format!("cluster {primary} is the primary, with a higher epoch or from the start"));
    Ok(role_is_news)
}

/// What is seen of the members, in a sentence for an explanation.
pub(super) fn describe(members: &[Member]) -> String {
    let one = |m: &Member| format!("the copy on cluster {} {}", m.cluster, m.describe());
    members.iter().map(one).collect::<Vec<_>>().join("; ")
}
