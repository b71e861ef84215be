//! What would happen, without doing it.

use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use serde::{Deserialize, Serialize};

use super::{
    command::{Command, expect},
    decide,
    member::is_primary,
    observation::{ClusterFacts, Need, Observation},
    records,
};
use crate::{
    api::{State, VolumeReplicationGroup, VolumeReplicationGroupStatus, names::conditions::vrg as names},
    decision::{Age, Item, Seen, Sight, Wait},
    intercluster::{ClusterName, Delivery, IntentRecord, ObjectKey, ObjectResult},
};

/// How many passes a plan is followed for; more than any action takes.
const LONGEST: usize = 64;

/// The whole of an action, as data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// What happens, in this order.
    pub steps: Vec<PlannedStep>,
    /// What is not known and would have to be read before the plan can go on.
    pub needs: Vec<Need>,
    /// What remains to be waited for in the end; empty where all comes to rest.
    pub waits: Vec<Wait>,
    /// Why it ends as it does, sentence by sentence.
    pub explanation: Vec<String>,
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum PlannedStep {
    /// The hub does this; the text is the guard that makes it legal.
    Do(Box<Command>, String),
    /// The clusters are expected to do this, by what was asked of them.
    Await(String),
}

/// The action that an observation leads to: each command with its guard, and each wait, until nothing is left to be done.
///
/// Clusters that answer are taken to do what is asked of them, others to stay as they are; stores, policy and the rest to stay.
#[must_use]
pub fn plan(observation: &Observation) -> Plan {
    follow(observation).0
}

/// The plan, and what is known once it has been carried out.
pub(super) fn follow(observation: &Observation) -> (Plan, Observation) {
    let mut now = observation.clone();
    let mut plan = Plan { steps: Vec::new(), needs: Vec::new(), waits: Vec::new(), explanation: Vec::new() };
    for _ in 0..LONGEST {
        let decision = decide(&now);
        (plan.needs, plan.waits, plan.explanation) = (decision.needs, decision.waits, decision.explanation);
        if !plan.needs.is_empty() {
            return (plan, now);
        }
        for step in decision.steps {
            now = expect(now, &step.command);
            plan.steps.push(PlannedStep::Do(Box::new(step.command), step.guard));
        }
        let after = comply(&now);
        if after == now && decide(&now).steps.is_empty() {
            return (plan, now);
        }
        if after != now {
            plan.steps.extend(plan.waits.iter().map(|wait| PlannedStep::Await(wait.what.clone())));
        }
        now = after;
    }
    plan.explanation.push("the plan does not come to rest; this is a defect".into());
    (plan, now)
}

/// The same with every cluster that answers having done what was asked of it.
///
/// What they do is what the managed cluster's rules make of it where storage and workload follow: it is an expectation, for
/// plans and tests, and no decision rests on it.
#[must_use]
pub fn comply(observation: &Observation) -> Observation {
    let mut after = observation.clone();
    let now = after.now;
    for (cluster, facts) in &mut after.clusters {
        comply_vrg(cluster, facts, now);
        if let Item::Read(Ok(Some(record))) = &facts.namespace_intent {
            facts.namespace_intent = match record.delivery {
                Delivery::Deleting => Item::Read(Ok(None)),
                _ => Item::Read(Ok(Some(applied(record, cluster, None, now)))),
            };
        }
    }
    after
}

fn comply_vrg(cluster: &ClusterName, facts: &mut ClusterFacts, now: jiff::Timestamp) {
    let answers = facts.vrg.read().is_some_and(|seen| seen.sight.is_answered());
    let Item::Read(Ok(Some(record))) = &facts.vrg_intent else { return };
    if !answers {
        return;
    }
    if record.delivery == Delivery::Deleting {
        facts.vrg_intent = Item::Read(Ok(None));
        facts.vrg = Item::Read(Seen { sight: Sight::Absent, age: Age::Live });
        return;
    }
    let Ok(wanted) = records::vrg_of(record) else { return };
    let before = facts.vrg.read().and_then(Seen::found);
    let vrg = obeyed(cluster, before, wanted, now);
    facts.vrg_intent = Item::Read(Ok(Some(applied(record, cluster, Some(&vrg), now))));
    facts.vrg = Item::Read(Seen { sight: Sight::Found(vrg), age: Age::Live });
}

fn applied(
    record: &IntentRecord,
    cluster: &ClusterName,
    object: Option<&VolumeReplicationGroup>,
    now: jiff::Timestamp,
) -> IntentRecord {
    let mut record = record.clone();
    if !record.is_applied() {
        record.delivery = Delivery::Applied { revision: record.revision.clone(), at: now };
    }
    let result = |manifest: &crate::intercluster::Manifest| ObjectResult {
        key: ObjectKey::new(cluster.clone(), manifest.resource.clone(), manifest.namespace(), manifest.name()),
        uid: object.and_then(|vrg| vrg.metadata.uid.clone()),
        generation: object.and_then(|vrg| vrg.metadata.generation),
        failure: None,
    };
    record.objects = record.intent.manifests.iter().map(result).collect();
    record
}

/// The object after its cluster has done what the spec asks.
fn obeyed(
    cluster: &ClusterName,
    before: Option<&VolumeReplicationGroup>,
    wanted: VolumeReplicationGroup,
    now: jiff::Timestamp,
) -> VolumeReplicationGroup {
    let mut vrg = VolumeReplicationGroup { status: before.and_then(|b| b.status.clone()), ..wanted };
    let generation = match before {
        Some(before) if before.spec == vrg.spec => before.metadata.generation,
        Some(before) => before.metadata.generation.map(|g| g + 1),
        None => Some(1),
    };
    vrg.metadata.generation = generation;
    vrg.metadata.uid = before.and_then(|b| b.metadata.uid.clone()).or_else(|| Some(format!("{cluster}-vrg")));
    vrg.metadata.resource_version = before.and_then(|b| b.metadata.resource_version.clone());
    let primary = is_primary(&vrg);
    let (prepare, run) = (vrg.spec.prepare_for_final_sync, vrg.spec.run_final_sync);
    let status = vrg.status.get_or_insert_with(VolumeReplicationGroupStatus::default);
    status.state = Some(if primary { State::Primary } else { State::Secondary });
    status.observed_generation = generation.unwrap_or_default();
    status.prepare_for_final_sync_complete = prepare;
    status.final_sync_complete = run;
    if primary && vrg.spec.async_.is_some() && status.last_group_sync_time.is_none() {
        status.last_group_sync_time = Some(Time(now));
    }
    for (type_, reason) in [
        (names::DATA_READY, names::REASON_READY),
        (names::DATA_PROTECTED, names::REASON_DATA_PROTECTED),
        (names::CLUSTER_DATA_READY, names::REASON_RESTORED),
        (names::CLUSTER_DATA_PROTECTED, names::REASON_UPLOADED),
        (names::NO_CLUSTER_DATA_CONFLICT, names::REASON_NO_CONFLICT_DETECTED),
    ] {
        hold(&mut status.conditions, type_, reason, generation, now);
    }
    vrg
}

fn hold(conditions: &mut Vec<Condition>, type_: &str, reason: &str, generation: Option<i64>, now: jiff::Timestamp) {
    super::conditions::set(conditions, type_, super::conditions::TRUE, reason, "", now);
    for condition in conditions.iter_mut().filter(|c| c.type_ == type_) {
        condition.observed_generation = generation;
    }
}

impl fmt::Display for Plan {
    /// One line a step, numbered; what the hub does with its guard, what it waits for without a number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut number = 0;
        for step in &self.steps {
            match step {
                PlannedStep::Do(command, guard) => {
                    number += 1;
                    writeln!(f, "{number:3}. {command}\n       because {guard}")?;
                }
                PlannedStep::Await(what) => writeln!(f, "     ... {what}")?,
            }
        }
        for need in &self.needs {
            writeln!(f, "     ? not known yet: {:?}", need.key)?;
        }
        for wait in &self.waits {
            writeln!(f, "     still waits for {} (remedy: {})", wait.what, wait.remedy)?;
        }
        Ok(())
    }
}

impl fmt::Display for Command {
    /// The command in a line, without what is secret or long.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PatchMetadata(patch) => {
                let finalizer = match patch.finalizer {
                    Some(true) => Some("with our finalizer"),
                    Some(false) => Some("without our finalizer"),
                    None => None,
                };
                let keys = patch.annotations.keys().chain(patch.labels.keys()).map(String::as_str);
                let parts: Vec<_> = keys.chain(finalizer).collect();
                write!(f, "patch the DRPlacementControl's metadata: {}", parts.join(", "))
            }
            Self::ClaimPlacement(_) => write!(f, "claim the placement"),
            Self::ReleasePlacement(_) => write!(f, "release the placement"),
            Self::SetDecisions { decisions, .. } => {
                let list: Vec<_> = decisions
                    .iter()
                    .map(|d| if d.is_retained() { format!("{} (retained)", d.cluster) } else { d.cluster.to_string() })
                    .collect();
                write!(f, "set the placement's decisions: [{}]", list.join(", "))
            }
            Self::PutVrg { cluster, vrg, .. } => {
                let flags = match (vrg.spec.prepare_for_final_sync, vrg.spec.run_final_sync) {
                    (true, _) => ", preparing its final sync",
                    (_, true) => ", running its final sync",
                    _ => "",
                };
                let (role, epoch) = (&vrg.spec.replication_state, super::epoch::of(vrg));
                write!(f, "ask cluster {cluster} for the VolumeReplicationGroup as {role} ({epoch}){flags}")
            }
            Self::PutNamespace { cluster, namespace, .. } => {
                write!(f, "ask cluster {cluster} for namespace {namespace}")
            }
            Self::DeleteVrg { cluster, .. } => write!(f, "delete the VolumeReplicationGroup of cluster {cluster}"),
            Self::OrphanNamespace { cluster, .. } => {
                write!(f, "let go of the namespace on cluster {cluster}, which stays")
            }
            Self::Unregister(cluster) => write!(f, "stop observing cluster {cluster}"),
            Self::PersistStatus(status) => {
                let phase = status.phase.as_ref().map_or("none", |phase| phase.as_str());
                let progression = status.progression.as_ref().map_or("none", |p| p.as_str());
                write!(f, "write status: phase {phase}, progression {progression}")
            }
            Self::EmitEvent(event) => write!(f, "tell the user: {} ({})", event.message, event.reason),
        }
    }
}

#[cfg(test)]
mod tests;
