//! An application, its policy and its two clusters, for the tests of the rules.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::{
    api::core::v1::ObjectReference,
    apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector, ObjectMeta, Time},
};

use super::{
    Command, Observation, Settings, Stored, StoredGroup, conditions, decide, epoch,
    observation::ClusterFacts,
    planning::{Plan, PlannedStep, comply, follow},
};
use crate::{
    api::{
        DRAction, DRCluster, DRClusterSpec, DRPlacementControl, DRPlacementControlSpec, DRPlacementControlStatus,
        DRPolicy, DRPolicySpec, DRPolicyStatus, PeerClass, PeerClasses, ReplicationState, State,
        VolumeReplicationGroup, names::conditions::drpolicy,
    },
    decision::{Age, Decision, Item, Seen, Sight},
    intercluster::{ClusterName, DecisionsVersion, Failure, FailureClass, PlacementKind, PlacementRef, PlacementState},
    protection::cluster_data::Epoch,
};

pub(super) const DR1: &str = "dr1";
pub(super) const DR2: &str = "dr2";

/// What is known; edited freely by tests.
#[derive(Debug, Clone)]
pub(super) struct Bed {
    pub(super) now: Observation,
}

impl Bed {
    /// A new application that prefers dr1, on two clusters that answer and have nothing, with storage that replicates every
    /// five minutes and two stores that answer and hold nothing.
    pub(super) fn new() -> Self {
        let mut now = Observation::new(Timestamp::from_second(1_000_000).unwrap(), drpc());
        now.config = Item::Read(Ok(Settings { ramen_ops_namespace: "ramen-ops".into() }));
        now.policy = Item::Read(Sight::Found(policy()));
        now.placement = Item::Read(Ok(placement()));
        now.destination_namespace = Item::Read(Ok(None));
        now.neighbours = Item::Read(Ok(Vec::new()));
        now.stored = Item::Read(
            ["s3-dr1", "s3-dr2"].map(|p| Stored { profile: p.into(), content: Ok(StoredGroup::default()) }).into(),
        );
        for cluster in [DR1, DR2] {
            let facts = ClusterFacts {
                drcluster: Item::Read(Sight::Found(drcluster(cluster))),
                vrg: Item::Read(Seen { sight: Sight::Absent, age: Age::Live }),
                vrg_intent: Item::Read(Ok(None)),
                namespace_intent: Item::Read(Ok(None)),
            };
            now.clusters.insert(cluster.into(), facts);
        }
        Self { now }
    }

    /// The application deployed on dr1 and protected.
    pub(super) fn deployed() -> Self {
        let mut bed = Self::new();
        bed.run();
        bed
    }

    /// The application failed over to dr2, everything cleaned up.
    pub(super) fn failed_over() -> Self {
        let mut bed = Self::deployed();
        bed.ask(Some(DRAction::Failover), DR2);
        bed.run();
        bed
    }

    /// Changes the spec as a user does: action and the cluster that it aims at.
    pub(super) fn ask(&mut self, action: Option<DRAction>, cluster: &str) {
        let drpc = &mut self.now.drpc;
        drpc.spec.action = action;
        match action {
            Some(DRAction::Failover) => drpc.spec.failover_cluster = cluster.into(),
            _ => drpc.spec.preferred_cluster = cluster.into(),
        }
        drpc.metadata.generation = drpc.metadata.generation.map(|g| g + 1);
    }

    /// Follows the plan to its end, the clusters doing their part, and makes that what is known.
    pub(super) fn run(&mut self) -> Plan {
        let (plan, after) = follow(&self.now);
        self.now = after;
        plan
    }

    /// One decision, carried out; the clusters do nothing yet.
    pub(super) fn step(&mut self) -> Decision<super::Need, Command> {
        let decision = decide(&self.now);
        for step in &decision.steps {
            self.now = super::expect(self.now.clone(), &step.command);
        }
        decision
    }

    /// Decisions carried out until there is nothing more to do, the clusters staying as they are.
    pub(super) fn stay(&mut self) -> Plan {
        let mut plan = Plan { steps: Vec::new(), needs: Vec::new(), waits: Vec::new(), explanation: Vec::new() };
        for _ in 0..8 {
            let decision = self.step();
            (plan.needs, plan.waits, plan.explanation) = (decision.needs, decision.waits, decision.explanation);
            if decision.steps.is_empty() {
                return plan;
            }
            let done = decision.steps.into_iter().map(|s| PlannedStep::Do(Box::new(s.command), s.guard));
            plan.steps.extend(done);
        }
        panic!("it does not come to rest: {plan}");
    }

    /// The clusters that answer do what they were asked.
    pub(super) fn comply(&mut self) {
        self.now = comply(&self.now);
    }

    pub(super) fn facts(&mut self, cluster: &str) -> &mut ClusterFacts {
        self.now.clusters.get_mut(&ClusterName::new(cluster)).unwrap()
    }

    /// The copy on a cluster.
    pub(super) fn vrg(&mut self, cluster: &str) -> &mut VolumeReplicationGroup {
        match &mut self.facts(cluster).vrg {
            Item::Read(Seen { sight: Sight::Found(vrg), .. }) => vrg,
            other => panic!("{other:?}"),
        }
    }

    /// What is seen of a cluster from now on.
    pub(super) fn sees(&mut self, cluster: &str, sight: Sight<VolumeReplicationGroup>) {
        self.facts(cluster).vrg = Item::Read(Seen { sight, age: Age::Live });
    }

    /// The cluster cannot be reached from now on.
    pub(super) fn cut(&mut self, cluster: &str) {
        self.sees(cluster, unreachable(cluster));
    }

    /// Sets a condition of the copy on a cluster, at its generation.
    pub(super) fn condition(&mut self, cluster: &str, type_: &str, status: &str, reason: &str) {
        let now = self.now.now;
        let vrg = self.vrg(cluster);
        let generation = vrg.metadata.generation;
        let conditions = &mut vrg.status.as_mut().unwrap().conditions;
        conditions::set(conditions, type_, status, reason, "as the cluster says", now);
        conditions.iter_mut().filter(|c| c.type_ == type_).for_each(|c| c.observed_generation = generation);
    }

    pub(super) fn placement(&mut self) -> &mut PlacementState {
        match &mut self.now.placement {
            Item::Read(Ok(state)) => state,
            other => panic!("{other:?}"),
        }
    }

    /// The decisions in short: a retained one in brackets.
    pub(super) fn decisions(&mut self) -> String {
        let show = |d: &crate::intercluster::Decision| {
            if d.is_retained() { format!("({})", d.cluster) } else { d.cluster.to_string() }
        };
        self.placement().decisions.iter().map(show).collect::<Vec<_>>().join(" ")
    }

    pub(super) fn policy(&mut self) -> &mut DRPolicy {
        match &mut self.now.policy {
            Item::Read(Sight::Found(policy)) => policy,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn status(&self) -> DRPlacementControlStatus {
        self.now.drpc.status.clone().unwrap_or_default()
    }

    /// Phase and progression, and the status of the conditions in their order.
    pub(super) fn summary(&self) -> String {
        let status = self.status();
        let phase = status.phase.as_ref().map_or("-", |phase| phase.as_str());
        let progression = status.progression.as_ref().map_or("-", |progression| progression.as_str());
        let conditions: Vec<_> = status.conditions.iter().map(|c| format!("{}={}", c.type_, c.status)).collect();
        format!("{phase}/{progression} {}", conditions.join(" "))
    }

    /// Message of a condition of the application.
    pub(super) fn message(&self, type_: &str) -> String {
        conditions::get(&self.status().conditions, type_).map(|c| c.message.clone()).unwrap_or_default()
    }
}

/// The writes of a plan in short, one a line; what has no bearing on safety is left out.
pub(super) fn writes(plan: &Plan) -> Vec<String> {
    let commands = plan.steps.iter().filter_map(|step| match step {
        PlannedStep::Do(command, _) => Some(&**command),
        PlannedStep::Await(_) => None,
    });
    commands.filter_map(short).collect()
}

/// A command in short.
pub(super) fn short(command: &Command) -> Option<String> {
    Some(match command {
        Command::PutVrg { cluster, vrg, .. } => {
            let flag = match (vrg.spec.prepare_for_final_sync, vrg.spec.run_final_sync) {
                (true, _) => " prepare",
                (_, true) => " run",
                _ => "",
            };
            format!("vrg {cluster} {} {}{flag}", vrg.spec.replication_state, epoch::of(vrg).0)
        }
        Command::PutNamespace { cluster, .. } => format!("ns {cluster}"),
        Command::SetDecisions { decisions, .. } => {
            let list: Vec<_> = decisions
                .iter()
                .map(|d| if d.is_retained() { format!("({})", d.cluster) } else { d.cluster.to_string() })
                .collect();
            format!("decisions [{}]", list.join(" "))
        }
        Command::PersistStatus(status) => {
            let phase = status.phase.as_ref().map_or("-", |phase| phase.as_str());
            format!("status {phase}/{}", status.progression.as_ref().map_or("-", |p| p.as_str()))
        }
        Command::DeleteVrg { cluster, .. } => format!("delete vrg {cluster}"),
        Command::OrphanNamespace { cluster, .. } => format!("orphan ns {cluster}"),
        Command::ClaimPlacement(_) => "claim".into(),
        Command::ReleasePlacement(_) => "release".into(),
        Command::PatchMetadata(_) => "patch".into(),
        Command::Unregister(_) | Command::EmitEvent(_) => return None,
    })
}

/// The reasons of the events that a plan emits.
pub(super) fn events(plan: &Plan) -> Vec<String> {
    let event = |step: &PlannedStep| match step {
        PlannedStep::Do(command, _) => match &**command {
            Command::EmitEvent(event) => Some(event.reason.clone()),
            _ => None,
        },
        PlannedStep::Await(_) => None,
    };
    plan.steps.iter().filter_map(event).collect()
}

pub(super) fn unreachable(cluster: &str) -> Sight<VolumeReplicationGroup> {
    Sight::Failed(Failure::new(FailureClass::Unreachable, "connection refused").on(cluster))
}

/// A copy as its cluster shows it: role, state and epoch, settled.
pub(super) fn vrg(cluster: &str, role: ReplicationState, state: State, epoch: u64) -> VolumeReplicationGroup {
    let mut bed = Bed::deployed();
    let mut vrg = bed.vrg(DR1).clone();
    vrg.metadata.uid = Some(format!("{cluster}-vrg"));
    let keys = vrg.metadata.annotations.as_mut().unwrap();
    keys.insert(crate::api::names::annotations::DESTINATION_CLUSTER.into(), cluster.into());
    epoch::write(keys, Epoch(epoch));
    vrg.spec.replication_state = role;
    vrg.status.as_mut().unwrap().state = Some(state);
    vrg
}

fn drpc() -> DRPlacementControl {
    DRPlacementControl {
        metadata: ObjectMeta {
            name: Some("busybox".into()),
            namespace: Some("app".into()),
            uid: Some("drpc-uid".into()),
            generation: Some(1),
            creation_timestamp: Some(Time(Timestamp::from_second(999_000).unwrap())),
            ..ObjectMeta::default()
        },
        spec: DRPlacementControlSpec {
            placement_ref: ObjectReference { name: Some("busybox-placement".into()), ..ObjectReference::default() },
            dr_policy_ref: ObjectReference { name: Some("policy".into()), ..ObjectReference::default() },
            preferred_cluster: DR1.into(),
            pvc_selector: LabelSelector {
                match_labels: Some(BTreeMap::from([("app".into(), "busybox".into())])),
                match_expressions: None,
            },
            ..DRPlacementControlSpec::default()
        },
        status: None,
    }
}

fn policy() -> DRPolicy {
    let class = PeerClass {
        replication_id: "replication-1".into(),
        storage_id: vec!["storage-1".into(), "storage-2".into()],
        storage_class_name: "block".into(),
        cluster_ids: vec!["uid-dr1".into(), "uid-dr2".into()],
        ..PeerClass::default()
    };
    DRPolicy {
        metadata: ObjectMeta { name: Some("policy".into()), generation: Some(1), ..ObjectMeta::default() },
        spec: DRPolicySpec {
            scheduling_interval: "5m".into(),
            dr_clusters: vec![DR1.into(), DR2.into()],
            ..DRPolicySpec::default()
        },
        status: Some(DRPolicyStatus {
            conditions: vec![Condition {
                type_: drpolicy::VALIDATED.into(),
                status: "True".into(),
                reason: drpolicy::REASON_SUCCEEDED.into(),
                message: "drpolicy validated".into(),
                observed_generation: Some(1),
                last_transition_time: Time(Timestamp::UNIX_EPOCH),
            }],
            async_: PeerClasses { peer_classes: vec![class] },
            ..DRPolicyStatus::default()
        }),
    }
}

fn drcluster(name: &str) -> DRCluster {
    DRCluster {
        metadata: ObjectMeta { name: Some(name.into()), generation: Some(1), ..ObjectMeta::default() },
        spec: DRClusterSpec { s3_profile_name: format!("s3-{name}"), ..DRClusterSpec::default() },
        status: None,
    }
}

fn placement() -> PlacementState {
    PlacementState {
        reference: PlacementRef { namespace: "app".into(), name: "busybox-placement".into() },
        kind: PlacementKind::Placement,
        uid: "placement-uid".into(),
        deleting: false,
        annotations: BTreeMap::new(),
        held_by: None,
        can_retain: true,
        decisions: Vec::new(),
        version: DecisionsVersion("1".into()),
    }
}
