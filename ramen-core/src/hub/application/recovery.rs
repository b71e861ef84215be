//! Finding out where an application stands when its status says nothing: a new application, or a hub that was rebuilt.
//!
//! Nothing may be moved before it is known where the application runs. First match; *there* is the cluster that the action
//! aims at:
//!
//! | clusters that answered | copies | | |
//! |---|---|---|---|
//! | none | | | ask again |
//! | both | none | | go on: first deployment |
//! | any | any | a user who was asked has asked for a failover to a cluster that answers | go on |
//! | one | none | no store has a primary, the silent cluster is not *there* | go on |
//! | one | none | no store has a primary, the silent cluster is *there* | stop |
//! | one | none | stored primary: same action, was *there*, *there* answers | go on |
//! | one | none | stored primary otherwise | failover allowed |
//! | one | one | primary *there*, same action | go on |
//! | one | one | primary *there*, another action | stop |
//! | one | one | otherwise | failover allowed |
//! | both | both secondary | both handed over by the relocation that is asked for | go on |
//! | both | both secondary | otherwise | failover allowed |
//! | both | some | the primary (else any) is *there*, same action | go on |
//! | both | some | otherwise | failover allowed |
//!
//! *Failover allowed* asks the user: the phase is `WaitForUser` until an action is set. Upstream stops for good where both are
//! secondary; here the user may fail over to either, and an interrupted relocation goes on by itself.

use super::{
    conditions::{FALSE, TRUE},
    member::{Member, is_primary, state},
    observation::{Need, NeedKey},
    pass::{Flow, Pass, Stop},
};
use crate::{
    api::{
        DRAction, DRState, ProgressionStatus, State, VolumeReplicationGroup,
        names::{annotations, conditions::drpc as names},
    },
    decision::Age,
    intercluster::ClusterName,
};

/// What is known, reduced to what the table asks.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Question {
    /// The copies of the clusters that answered, `None` where there is none.
    pub(super) answered: Vec<(ClusterName, Option<VolumeReplicationGroup>)>,
    /// Clusters that did not.
    pub(super) silent: Vec<ClusterName>,
    /// The newest primary of the stores that answered; `Unread` as `None` where the table does not ask for it.
    pub(super) stored: Option<VolumeReplicationGroup>,
    /// The action that is asked for.
    pub(super) action: Option<DRAction>,
    /// The cluster that it aims at.
    pub(super) there: ClusterName,
    /// Whether the user has been asked already.
    pub(super) asked_user: bool,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The action goes on.
    Continue,
    /// Nothing is done until what is seen changes; why.
    Stop(String),
    /// The user decides; why.
    AllowFailover(String),
    /// No cluster answers.
    AskAgain,
}

/// Runs the table; `Ok` if the action may go on.
pub(super) fn run(pass: &mut Pass) -> Flow {
    if !matches!(pass.status.phase, None | Some(DRState::WaitForUser)) {
        return Ok(());
    }
    let clusters = pass.clusters();
    pass.need(clusters.iter().map(|c| Need { key: NeedKey::Vrg(c.clone()), greatest_age: Age::Live }))?;
    let members = pass.members()?;
    let question = ask(pass, &members)?;
    match outcome(&question) {
        Outcome::Continue => Ok(()),
        Outcome::Stop(why) => Err(stopped(pass, &members, &why)),
        Outcome::AllowFailover(why) => Err(allowed(pass, &why)),
        Outcome::AskAgain => Err(nobody_answers(pass, &members)),
    }
}

fn ask(pass: &mut Pass, members: &[Member]) -> Flow<Question> {
    let answered: Vec<_> =
        members.iter().filter(|m| m.is_answered()).map(|m| (m.cluster.clone(), m.found().cloned())).collect();
    let silent: Vec<_> = members.iter().filter(|m| !m.is_answered()).map(|m| m.cluster.clone()).collect();
    let mut stored = None;
    // Only where the clusters that answered know of nothing do the stores have to be asked.
    if !silent.is_empty() && !answered.is_empty() && answered.iter().all(|(_, vrg)| vrg.is_none()) {
        pass.need([Need { key: NeedKey::Stored, greatest_age: Age::Fresh }])?;
        let groups = pass.seen.stored.read().into_iter().flatten().filter_map(|s| s.content.as_ref().ok());
        let primaries = groups.filter_map(|group| group.vrg.clone()).filter(is_primary);
        stored = primaries.max_by_key(|vrg| {
            let updated = vrg.status.as_ref().and_then(|s| s.last_update_time.as_ref()).map(|time| time.0);
            (super::epoch::of(vrg), updated)
        });
    }
    let spec = &pass.drpc().spec;
    let there = if spec.action == Some(DRAction::Failover) { &spec.failover_cluster } else { &spec.preferred_cluster };
    Ok(Question {
        answered,
        silent,
        stored,
        action: spec.action,
        there: ClusterName::new(there.clone()),
        asked_user: pass.status.phase == Some(DRState::WaitForUser),
    })
}

/// The table.
pub(super) fn outcome(q: &Question) -> Outcome {
    let copies: Vec<_> = q.answered.iter().filter_map(|(c, vrg)| Some((c, vrg.as_ref()?))).collect();
    match (q.answered.len(), copies.as_slice()) {
        (0, _) => return Outcome::AskAgain,
        (_, []) if q.silent.is_empty() => return Outcome::Continue,
        _ => {}
    }
    if q.asked_user && q.action == Some(DRAction::Failover) && q.answered.iter().any(|(c, _)| *c == q.there) {
        return Outcome::Continue;
    }
    match (copies.as_slice(), q.silent.first()) {
        ([], Some(silent)) => only_the_store(q, silent),
        ([(cluster, vrg), ..], Some(_)) => one_of_two(q, cluster, vrg),
        (copies, None) => both(q, copies),
    }
}

fn only_the_store(q: &Question, silent: &ClusterName) -> Outcome {
    let d = action(q.action);
    let Some(vrg) = &q.stored else {
        return if *silent == q.there {
            Outcome::Stop(format!(
                "Unable to query all clusters and failed to get VRG from s3 store. Failed to query {silent}"
            ))
        } else {
            Outcome::Continue
        };
    };
    let v = action(vrg.spec.action);
    if vrg.spec.action != q.action {
        return Outcome::AllowFailover(format!(
            "Two different actions - drpcAction is '{d}' and vrgAction from s3 is '{v}'"
        ));
    }
    let was = destination(vrg);
    if was == q.there.as_str() && q.there != *silent {
        return Outcome::Continue;
    }
    Outcome::AllowFailover(compared(q, vrg))
}

fn one_of_two(q: &Question, cluster: &ClusterName, vrg: &VolumeReplicationGroup) -> Outcome {
    let there = *cluster == q.there;
    if there && is_primary(vrg) {
        if vrg.spec.action == q.action {
            return Outcome::Continue;
        }
        return Outcome::Stop(format!(
            "Stop - Two different actions for the same cluster - drpcAction:'{}'. vrgAction:'{}'",
            action(q.action),
            action(vrg.spec.action)
        ));
    }
    if !is_primary(vrg) && !there {
        return Outcome::AllowFailover("Primary is assumed to be on the failed cluster".into());
    }
    Outcome::AllowFailover(format!("{} ReplicationState: '{}'.", compared(q, vrg), vrg.spec.replication_state))
}

fn both(q: &Question, copies: &[(&ClusterName, &VolumeReplicationGroup)]) -> Outcome {
    let secondary = |vrg: &VolumeReplicationGroup| !is_primary(vrg) && state(vrg) == Some(&State::Secondary);
    if copies.len() == 2 && copies.iter().all(|(_, vrg)| secondary(vrg)) {
        let relocating = Some(DRAction::Relocate);
        if q.action == relocating && copies.iter().all(|(_, vrg)| vrg.spec.action == relocating) {
            return Outcome::Continue;
        }
        return Outcome::AllowFailover("Both VRGs have the same secondary state".into());
    }
    let chosen = copies.iter().find(|(_, vrg)| is_primary(vrg)).or(copies.first());
    let Some((cluster, vrg)) = chosen else {
        return Outcome::AllowFailover("User intervention is required".into());
    };
    if vrg.spec.action == q.action && **cluster == q.there {
        return Outcome::Continue;
    }
    Outcome::AllowFailover(format!(
        "VRGs count:'{}'. drpcAction:'{}'. vrgAction:'{}'. DstCluster:'{}'. vrgOnCluster '{cluster}'",
        copies.len(),
        action(q.action),
        action(vrg.spec.action),
        q.there
    ))
}

fn compared(q: &Question, vrg: &VolumeReplicationGroup) -> String {
    format!(
        "drpcAction:'{}'. vrgAction:'{}'. DRPCDstClstr:'{}'. vrgDstClstr:'{}'.",
        action(q.action),
        action(vrg.spec.action),
        q.there,
        destination(vrg)
    )
}

fn action(action: Option<DRAction>) -> &'static str {
    action.map(DRAction::as_str).unwrap_or_default()
}

fn destination(vrg: &VolumeReplicationGroup) -> &str {
    let keys = vrg.metadata.annotations.as_ref();
    keys.and_then(|keys| keys.get(annotations::DESTINATION_CLUSTER)).map(String::as_str).unwrap_or_default()
}

fn stopped(pass: &mut Pass, members: &[Member], why: &str) -> Stop {
    pass.status.phase = None;
    pass.status.progression = None;
    let message = format!("Operation Paused - User Intervention Required. {why}");
    pass.condition(names::AVAILABLE, FALSE, names::REASON_PAUSED, &message);
    pass.condition(names::PEER_READY, FALSE, names::REASON_PAUSED, "User Intervention Required");
    pass.because(format!("{why}: {}", super::completion::describe(members)));
    pass.wait(
        format!("what is seen of the application to change: {why}"),
        "bring the clusters back, or correct spec.action",
    )
}

fn allowed(pass: &mut Pass, why: &str) -> Stop {
    pass.enter(DRState::WaitForUser, "");
    pass.status.observed_generation = pass.generation();
    pass.progress(ProgressionStatus::Paused);
    let message = format!("Failover is allowed - {why}");
    pass.condition(names::AVAILABLE, TRUE, names::REASON_SUCCESS, &message);
    pass.condition(names::PEER_READY, TRUE, names::REASON_SUCCESS, "Failover allowed");
    pass.because(&message);
    pass.wait(
        format!("a user to set spec.action: {why}"),
        "set spec.action to Failover and spec.failoverCluster to a cluster that can be reached",
    )
}

fn nobody_answers(pass: &mut Pass, members: &[Member]) -> Stop {
    let described = super::completion::describe(members);
    let what = format!("failed to retrieve VRGs from clusters: {described}");
    pass.condition(names::AVAILABLE, FALSE, names::REASON_ERROR, &what);
    let remedy = members.first().map(Member::remedy).unwrap_or_default();
    pass.wait(format!("one of the clusters to answer: {described}"), remedy)
}

#[cfg(test)]
mod tests;
