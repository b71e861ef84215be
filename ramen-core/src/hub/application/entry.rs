//! The order in which a pass looks at an application: what ends it early comes first.

use super::{
    adoption, deletion, deploy, failover, input,
    member::Member,
    observation::{Need, NeedKey},
    pass::{Flow, Pass, Stop},
    recovery, relocate, status,
};
use crate::{
    api::{DRAction, names::events},
    decision::Age,
    intercluster::FailureClass,
};

/// Runs the rules in their order, and reports.
pub(super) fn run(pass: &mut Pass) -> Flow {
    let flow = decide(pass);
    if !matches!(flow, Err(Stop::Needs)) {
        status::report(pass)?;
    }
    flow
}

fn decide(pass: &mut Pass) -> Flow {
    let hub = [NeedKey::Config, NeedKey::Policy, NeedKey::Placement];
    pass.need(hub.map(|key| Need { key, greatest_age: Age::Fresh }))?;
    if is_ending(pass) {
        return deletion::run(pass);
    }
    input::configuration(pass)?;
    input::placement(pass)?;
    input::features(pass)?;
    input::policy(pass)?;
    input::clusters_of_spec(pass)?;
    input::hold(pass)?;
    input::neighbours(pass)?;
    read_clusters(pass)?;
    input::volumes(pass)?;
    adoption::run(pass)?;
    recovery::run(pass)?;
    let action = pass.drpc().spec.action;
    if action != Some(DRAction::Failover) {
        one_primary(pass)?;
    }
    match action {
        None => deploy::run(pass),
        Some(DRAction::Failover) => failover::run(pass),
        Some(DRAction::Relocate) => relocate::run(pass),
    }
}

/// Whether protection is to be taken away: the application, or its placement, is being deleted.
fn is_ending(pass: &Pass) -> bool {
    let placement = match pass.seen.placement.read() {
        Some(Ok(placement)) => placement.deleting,
        _ => false,
    };
    placement || pass.drpc().metadata.deletion_timestamp.is_some()
}

/// What every action needs to know of the clusters: all of it in one go.
fn read_clusters(pass: &mut Pass) -> Flow {
    let keys = [NeedKey::DRCluster, NeedKey::Vrg, NeedKey::VrgIntent, NeedKey::NamespaceIntent];
    let clusters = pass.clusters();
    let needs = clusters.iter().flat_map(|c| keys.map(|key| Need { key: key(c.clone()), greatest_age: Age::Fresh }));
    pass.need(needs.collect::<Vec<_>>())?;
    for cluster in clusters {
        input::drcluster(pass, &cluster)?;
    }
    Ok(())
}

/// Of two copies that were asked to be primary, it must be known which was asked later. Only records that know no epochs can
/// leave that open; then only the user can say.
fn one_primary(pass: &mut Pass) -> Flow {
    let primaries: Vec<_> = pass.members()?.into_iter().filter(|m| m.is_wanted_primary() && !m.is_ending()).collect();
    let [first, second] = primaries.as_slice() else { return Ok(()) };
    if first.epoch() != second.epoch() || wanted_epoch(first) != wanted_epoch(second) {
        return Ok(());
    }
    let message = format!(
        "multiple primaries in transition detected: the records for cluster {} and cluster {} both ask for it",
        first.cluster, second.cluster
    );
    let remedy = "set spec.action to Failover and spec.failoverCluster to the cluster on which the application runs";
    Err(pass.refuse(events::DRPC_CLUSTER_SWITCH_FAILED, message, remedy))
}

fn wanted_epoch(member: &Member) -> Option<crate::protection::cluster_data::Epoch> {
    member.wanted.as_ref().map(|wanted| super::epoch::of(&wanted.vrg))
}

/// Whether a failure to resolve the placement says that there is none.
pub(super) fn is_missing(class: FailureClass) -> bool {
    class == FailureClass::Prerequisite
}
