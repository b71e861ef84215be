//! What the hub would do for an application, and why, before any write: deploy it, fail it over while its cluster is lost, bring
//! it home, remove its protection. Nothing is contacted: decisions are pure functions over what is known.

use anyhow::{Context, ensure};
use ramen_core::{
    api::{DRAction, DRCluster, DRPlacementControl, DRPolicy},
    decision::{Age, Item, Seen, Sight},
    hub::application::{ClusterFacts, Observation, Settings, Stored, StoredGroup, comply, decide, expect, plan},
    intercluster::{ClusterName, DecisionsVersion, Failure, FailureClass, PlacementKind, PlacementRef, PlacementState},
};
use serde_json::json;

/// No action takes more decisions than this.
const LONGEST: usize = 64;

fn main() -> anyhow::Result<()> {
    let mut world = protected_by_two_clusters()?;
    act(&mut world, "Deploy: protect app/busybox on dr1")?;

    ask(&mut world, DRAction::Failover, "dr2");
    let lost = Failure::new(FailureClass::Unreachable, "connection refused").on("dr1");
    let there = set_view(&mut world, "dr1", Sight::Failed(lost))?;
    act(&mut world, "Fail over to dr2 while dr1 is lost")?;

    set_view(&mut world, "dr1", there)?;
    act(&mut world, "dr1 comes back: it becomes secondary")?;

    ask(&mut world, DRAction::Relocate, "dr1");
    act(&mut world, "Relocate home to dr1")?;

    world.drpc.metadata.deletion_timestamp = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(world.now));
    act(&mut world, "Remove the protection")
}

/// Prints the plan, then carries it out on what is known, so that the next plan starts from there.
fn act(world: &mut Observation, title: &str) -> anyhow::Result<()> {
    println!("\n=== {title}\n{}", plan(world));
    for _ in 0..LONGEST {
        let decision = decide(world);
        ensure!(decision.needs.is_empty(), "the observation lacks {:?}", decision.needs);
        let before = world.clone();
        for step in &decision.steps {
            *world = expect(world.clone(), &step.command);
        }
        *world = comply(world);
        if *world == before {
            return Ok(());
        }
    }
    anyhow::bail!("{title}: it does not come to rest")
}

/// What a user does: `kubectl edit drpc`.
fn ask(world: &mut Observation, action: DRAction, cluster: &str) {
    let (metadata, spec) = (&mut world.drpc.metadata, &mut world.drpc.spec);
    spec.action = Some(action);
    match action {
        DRAction::Failover => spec.failover_cluster = cluster.into(),
        DRAction::Relocate => spec.preferred_cluster = cluster.into(),
    }
    metadata.generation = metadata.generation.map(|g| g + 1);
}

type Vrg = Sight<ramen_core::api::VolumeReplicationGroup>;

/// Replaces what is seen of the application on a cluster; answers with what was seen before.
fn set_view(world: &mut Observation, cluster: &str, sight: Vrg) -> anyhow::Result<Vrg> {
    let facts = world.clusters.get_mut(&ClusterName::new(cluster)).context("no such cluster")?;
    match std::mem::replace(&mut facts.vrg, Item::Read(Seen { sight, age: Age::Live })) {
        Item::Read(seen) => Ok(seen.sight),
        Item::Unread => anyhow::bail!("the application on {cluster} has not been looked at"),
    }
}

/// A new application on two clusters that answer and have nothing of it yet.
fn protected_by_two_clusters() -> anyhow::Result<Observation> {
    let drpc: DRPlacementControl = serde_json::from_value(json!({
        "metadata": {"name": "busybox", "namespace": "app", "uid": "drpc-uid", "generation": 1,
                     "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"placementRef": {"name": "busybox-placement"}, "drPolicyRef": {"name": "policy"},
                 "preferredCluster": "dr1", "pvcSelector": {"matchLabels": {"app": "busybox"}}},
    }))?;
    let policy: DRPolicy = serde_json::from_value(json!({
        "metadata": {"name": "policy", "generation": 1},
        "spec": {"schedulingInterval": "5m", "drClusters": ["dr1", "dr2"]},
        "status": {
            "async": {"peerClasses": [{"replicationID": "replication-1", "storageID": ["storage-1", "storage-2"],
                                       "storageClassName": "block", "clusterIDs": ["uid-dr1", "uid-dr2"]}]},
            "conditions": [{"type": "Validated", "status": "True", "reason": "Succeeded", "message": "drpolicy validated",
                            "observedGeneration": 1, "lastTransitionTime": "2026-01-01T00:00:00Z"}],
        },
    }))?;
    let mut world = Observation::new("2026-01-01T01:00:00Z".parse()?, drpc);
    world.config = Item::Read(Ok(Settings { ramen_ops_namespace: "ramen-ops".into() }));
    world.policy = Item::Read(Sight::Found(policy));
    world.placement = Item::Read(Ok(PlacementState {
        reference: PlacementRef { namespace: "app".into(), name: "busybox-placement".into() },
        kind: PlacementKind::Placement,
        uid: "placement-uid".into(),
        deleting: false,
        annotations: [].into(),
        held_by: None,
        can_retain: true,
        decisions: Vec::new(),
        version: DecisionsVersion("1".into()),
    }));
    world.destination_namespace = Item::Read(Ok(None));
    world.neighbours = Item::Read(Ok(Vec::new()));
    let empty = |profile: &str| Stored { profile: profile.into(), content: Ok(StoredGroup::default()) };
    world.stored = Item::Read(vec![empty("s3-dr1"), empty("s3-dr2")]);
    for name in ["dr1", "dr2"] {
        let drcluster: DRCluster = serde_json::from_value(json!({
            "metadata": {"name": name, "generation": 1}, "spec": {"s3ProfileName": format!("s3-{name}")},
        }))?;
        let facts = ClusterFacts {
            drcluster: Item::Read(Sight::Found(drcluster)),
            vrg: Item::Read(Seen { sight: Sight::Absent, age: Age::Live }),
            vrg_intent: Item::Read(Ok(None)),
            namespace_intent: Item::Read(Ok(None)),
        };
        world.clusters.insert(name.into(), facts);
    }
    Ok(world)
}
