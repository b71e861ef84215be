//! No action asked for: the first deployment, and the upkeep of an application at rest.
//!
//! | preferred cluster H | primary | decision | |
//! |---|---|---|---|
//! | none | - | - | refused |
//! | H | another cluster | - | nothing is moved; the other cluster is looked after; said |
//! | H | H | H | upkeep |
//! | H | H or none | none or H | deploy |
//! | H | none | another cluster | refused: the application runs there |
//!
//! A first primary is made only if no other can exist: each cluster has answered that it has none, or, for one that does not
//! answer, every store has answered that nobody ever was primary. Unreachable is not absent.

use super::{
    completion,
    conditions::FALSE,
    epoch,
    member::Member,
    observation::{Need, NeedKey},
    pass::{Flow, Pass},
};
use crate::{
    api::{
        DRState, PlacementDecision, ProgressionStatus,
        names::{conditions::drpc as names, events},
    },
    decision::Age,
    intercluster::ClusterName,
};

pub(super) fn run(pass: &mut Pass) -> Flow {
    let home = ClusterName::new(pass.drpc().spec.preferred_cluster.clone());
    if home.as_str().is_empty() {
        let message = "PreferredCluster not set: spec.preferredCluster is empty";
        return Err(pass.refuse(events::DRPC_DEPLOY_FAILED, message, "set it to a cluster of the policy"));
    }
    let primary = pass.primary()?;
    let live = pass.live()?;
    match (primary, live) {
        (Some(primary), _) if primary.cluster != home => elsewhere(pass, &primary.cluster, &home),
        (Some(_), Some(live)) if live == home => settle(pass, &home),
        (_, Some(live)) if live != home => Err(pass.refuse(
            events::DRPC_DEPLOY_FAILED,
            format!("the application is placed on cluster {live} and spec.preferredCluster is {home}"),
            format!("set spec.preferredCluster to {live}; it can be relocated once it is protected"),
        )),
        _ => start(pass, &home),
    }
}

/// The application runs on another cluster than the preferred one: it stays there and is looked after.
fn elsewhere(pass: &mut Pass, runs_on: &ClusterName, home: &ClusterName) -> Flow {
    let message =
        format!("the application runs on cluster {runs_on} and spec.preferredCluster is {home}: nothing is moved");
    let remedy = format!("set spec.preferredCluster to {runs_on}, or spec.action to Relocate to move it to {home}");
    let completed = completion::run(pass, runs_on);
    if matches!(completed, Err(super::pass::Stop::Needs)) {
        return completed;
    }
    Err(pass.refuse(events::DRPC_DEPLOY_FAILED, message, remedy))
}

/// Deploys for the first time, or goes on with that.
fn start(pass: &mut Pass, home: &ClusterName) -> Flow {
    let member = pass.member(home)?;
    if let Some(wanted) = member.wanted.as_ref().filter(|_| !member.is_wanted_primary()) {
        let role = wanted.vrg.spec.replication_state.as_str().to_owned();
        return Err(pass.refuse(
            events::DRPC_DEPLOY_FAILED,
            format!(
                "ManifestWork for VolumeReplicationGroup resource exists with mismatching state ({role}) on cluster {home}"
            ),
            "set spec.preferredCluster to the cluster on which the application runs, or ask for a failover",
        ));
    }
    if member.wanted.is_none() {
        nobody_else_is_primary(pass, home)?;
    }
    pass.begin();
    pass.enter(DRState::Deploying, format!("Deploying the application on cluster {home}"));
    pass.available("Starting the first deployment");
    pass.progress(ProgressionStatus::CreatingMW);
    pass.persist("the deployment is on record before it begins");
    let source = pass.must_source()?;
    pass.put_namespace(home, &source.namespace)?;
    let member = pass.member(home)?;
    if member.wanted.is_none() {
        let epoch = epoch::next(pass.epoch()?);
        let vrg = source.primary(home, epoch);
        pass.put_vrg(&member, vrg, format!("no other cluster is or can become primary; {epoch}"));
    }
    pass.place(home, "the volumes are protected from the moment they are created")?;
    pass.status.preferred_decision =
        PlacementDecision { cluster_name: home.to_string(), cluster_namespace: home.to_string() };
    settle(pass, home)
}

/// The application is where it is preferred to be, and no action is asked for.
fn settle(pass: &mut Pass, home: &ClusterName) -> Flow {
    pass.enter(DRState::Deployed, format!("The application is deployed on cluster {home}"));
    pass.available("Initial deployment completed");
    if pass.status.preferred_decision.cluster_name.is_empty() {
        pass.status.preferred_decision =
            PlacementDecision { cluster_name: home.to_string(), cluster_namespace: home.to_string() };
    }
    completion::run(pass, home)
}

/// Stops the pass unless it is proven that no cluster is primary, nor will be by what is on record.
fn nobody_else_is_primary(pass: &mut Pass, home: &ClusterName) -> Flow {
    let clusters = pass.clusters();
    pass.need(clusters.iter().map(|c| Need { key: NeedKey::Vrg(c.clone()), greatest_age: Age::Live }))?;
    // The stores know of an earlier life of the application, whose epoch the new one must be above.
    pass.need([Need { key: NeedKey::Stored, greatest_age: Age::Fresh }])?;
    let members = pass.members()?;
    if let Some(member) = members.iter().find(|m| &m.cluster == home && !m.is_absent()) {
        return Err(wait_for(pass, member));
    }
    for member in members.iter().filter(|m| &m.cluster != home && !m.is_out_of_the_way()) {
        if member.is_answered() || member.is_wanted_primary() {
            return Err(wait_for(pass, member));
        }
        stores_know_of_none(pass, member)?;
    }
    pass.because(format!("no cluster is primary: {}", completion::describe(&members)));
    Ok(())
}

fn wait_for(pass: &mut Pass, member: &Member) -> super::pass::Stop {
    let what = format!(
        "cluster {} to answer whether it has the application already: the VolumeReplicationGroup {}",
        member.cluster,
        member.describe()
    );
    pass.condition(names::AVAILABLE, FALSE, names::REASON_PROGRESSING, format!("Waiting for {what}"));
    pass.wait(what, member.remedy())
}

/// A cluster that does not answer might be primary unless every store says that nobody ever was.
fn stores_know_of_none(pass: &mut Pass, silent: &Member) -> Flow {
    let stored = pass.seen.stored.read().cloned().unwrap_or_default();
    let all_answered = !stored.is_empty() && stored.iter().all(|s| s.content.is_ok());
    let anything = stored.iter().any(|s| s.content.as_ref().is_ok_and(|group| group.vrg.is_some()));
    if all_answered && !anything {
        pass.because(format!(
            "cluster {} does not answer, and every store says that the application never had a primary",
            silent.cluster
        ));
        return Ok(());
    }
    Err(wait_for(pass, silent))
}

#[cfg(test)]
mod tests;
