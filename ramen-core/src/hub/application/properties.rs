//! What holds for every decision, whatever is seen: all combinations of what two clusters can show and were asked for, of
//! placements, phases and actions.

use std::collections::BTreeSet;

use super::{
    Command, Observation,
    bed::{self, Bed, DR1, DR2, unreachable},
    decide, epoch, expect,
    member::{Member, is_primary},
    pass::Pass,
    records,
};
use crate::{
    api::{DRAction, DRState, ReplicationState, State, VolumeReplicationGroup},
    decision::{Item, Sight},
    intercluster::{
        ClusterName, Decision, Delivery, Failure, FailureClass, Intent, IntentRecord, OutcomeKind, Revision,
    },
};

/// What a cluster shows, by name.
fn sights(cluster: &str, epoch: u64) -> Vec<(&'static str, Sight<VolumeReplicationGroup>)> {
    let primary = bed::vrg(cluster, ReplicationState::Primary, State::Primary, epoch);
    let mut unready = primary.clone();
    unready.status.as_mut().unwrap().conditions.clear();
    let secondary = bed::vrg(cluster, ReplicationState::Secondary, State::Secondary, epoch);
    let mut unsettled = secondary.clone();
    unsettled.metadata.generation = Some(9);
    vec![
        ("primary", Sight::Found(primary.clone())),
        ("primary, not ready", Sight::Found(unready)),
        ("secondary", Sight::Found(secondary)),
        ("secondary, not settled", Sight::Found(unsettled)),
        ("absent", Sight::Absent),
        ("kind absent", Sight::KindAbsent),
        ("stale", Sight::Stale(Some(primary))),
        ("unreachable", unreachable(cluster)),
    ]
}

/// What a cluster was asked for, by name.
fn intents(cluster: &str, epoch: u64) -> Vec<(&'static str, Option<IntentRecord>)> {
    let drpc = Bed::deployed().now.drpc;
    let record = |role| {
        let mut vrg = bed::vrg(cluster, role, State::Primary, epoch);
        vrg.status = None;
        let intent: Intent = records::vrg(&drpc, &cluster.into(), &vrg).unwrap();
        let revision = Revision { incarnation: "r".into(), number: 1 };
        let delivery = Delivery::Applied { revision: revision.clone(), at: jiff::Timestamp::UNIX_EPOCH };
        Some(IntentRecord { intent, revision, delivery, objects: Vec::new() })
    };
    vec![
        ("nothing", None),
        ("primary", record(ReplicationState::Primary)),
        ("secondary", record(ReplicationState::Secondary)),
    ]
}

/// Observations with all that is needed read, one in `stride` of them, and what each is; answers with how many there are.
fn each(stride: usize, mut check: impl FnMut(&Observation, &str)) -> usize {
    let base = Bed::deployed().now;
    let mut count = 0;
    let of = |cluster, epoch| {
        let intents = intents(cluster, epoch);
        let both = |(shows, sight): (&'static str, Sight<_>)| {
            let with = |(asked, record): &(&str, Option<IntentRecord>)| {
                (format!("{cluster} asked for {asked}, shows {shows}"), record.clone(), sight.clone())
            };
            intents.iter().map(with).collect::<Vec<_>>()
        };
        sights(cluster, epoch).into_iter().flat_map(both).collect::<Vec<_>>()
    };
    let (first, second) = (of(DR1, 1), of(DR2, 2));
    let placements = [vec![], vec![Decision::live(DR1)], vec![Decision::retained(DR1), Decision::live(DR2)]];
    let phases = [
        None,
        Some(DRState::Deployed),
        Some(DRState::FailingOver),
        Some(DRState::Relocating),
        Some(DRState::FailedOver),
    ];
    let asked = [(None, false), (Some(DRAction::Failover), false), (Some(DRAction::Relocate), false), (None, true)];
    for (one, record1, sight1) in &first {
        for (two, record2, sight2) in &second {
            let mut bed = Bed { now: base.clone() };
            bed.facts(DR1).vrg_intent = Item::Read(Ok(record1.clone()));
            bed.facts(DR2).vrg_intent = Item::Read(Ok(record2.clone()));
            bed.sees(DR1, sight1.clone());
            bed.sees(DR2, sight2.clone());
            for placement in &placements {
                bed.placement().decisions.clone_from(placement);
                for phase in &phases {
                    for (action, deleting) in asked {
                        let drpc = &mut bed.now.drpc;
                        drpc.status.as_mut().unwrap().phase.clone_from(phase);
                        drpc.spec.action = action;
                        drpc.spec.failover_cluster = DR2.into();
                        drpc.metadata.deletion_timestamp =
                            deleting.then(|| drpc.metadata.creation_timestamp.clone()).flatten();
                        let what = format!("{one}; {two}; {placement:?}; {phase:?}; {action:?}; deleting {deleting}");
                        if count % stride == 0 {
                            check(&bed.now, &what);
                        }
                        count += 1;
                    }
                }
            }
        }
    }
    count
}

fn members(observation: &Observation) -> Vec<Member> {
    Pass::new(observation).members().unwrap()
}

fn member(observation: &Observation, cluster: &ClusterName) -> Member {
    members(observation).into_iter().find(|m| m.cluster == *cluster).unwrap()
}

/// A cluster is made primary only if no other is or can become it, or by a failover to a settled secondary, seen just now; and
/// always under an epoch above all that is known.
fn check_promotion(before: &Observation, cluster: &ClusterName, vrg: &VolumeReplicationGroup, what: &str) {
    let own = member(before, cluster);
    if !is_primary(vrg) || own.is_wanted_primary() {
        return;
    }
    // A copy that is found and was not on record is taken over in the role it has.
    if own.wanted.is_none() && own.found().is_some() {
        assert_eq!(own.found().map(|found| &found.spec), Some(&vrg.spec), "{what}");
        return;
    }
    let highest = members(before).iter().map(Member::epoch).max().unwrap();
    assert!(epoch::of(vrg) > highest, "{what}: {}", epoch::of(vrg));
    let spec = &before.drpc.spec;
    if spec.action == Some(DRAction::Failover) {
        assert!(*cluster == *spec.failover_cluster.as_str() && own.is_settled_secondary(), "{what}");
        return;
    }
    for other in members(before).iter().filter(|m| m.cluster != *cluster) {
        let silent = !other.is_answered() && !other.is_wanted_primary() && spec.action.is_none();
        assert!(other.is_out_of_the_way() || silent, "{what}: {}", other.describe());
    }
}

/// The application starts somewhere only once its volumes are ready there, the first deployment excepted.
fn check_placement(before: &Observation, decisions: &[Decision], what: &str) {
    let live = |list: &[Decision]| {
        list.iter().filter(|d| !d.is_retained()).map(|d| d.cluster.clone()).collect::<BTreeSet<_>>()
    };
    let Some(Ok(placement)) = before.placement.read() else { panic!("{what}") };
    let (old, new) = (live(&placement.decisions), live(decisions));
    assert!(new.len() <= 1, "{what}: two live decisions");
    for cluster in new.difference(&old) {
        let own = member(before, cluster);
        let first = old.is_empty() && before.drpc.spec.action.is_none() && own.is_wanted_primary();
        assert!(first || own.is_ready_primary(), "{what}: placed on {cluster}, which {}", own.describe());
    }
    // It is stopped without being started elsewhere only by a relocation whose primary says that it is prepared, or kept.
    for cluster in old.difference(&new).filter(|_| new.is_empty()) {
        let kept = decisions.iter().any(|d| d.cluster == *cluster && d.is_retained());
        assert!(kept || before.drpc.spec.action == Some(DRAction::Relocate), "{what}: dropped from {cluster}");
    }
}

fn check(before: &Observation, command: &Command, what: &str) {
    match command {
        Command::PutVrg { cluster, vrg, .. } => check_promotion(before, cluster, vrg, what),
        Command::SetDecisions { decisions, .. } => check_placement(before, decisions, what),
        Command::DeleteVrg { .. } | Command::OrphanNamespace { .. } | Command::ReleasePlacement(_) => {
            assert!(before.drpc.metadata.deletion_timestamp.is_some(), "{what}");
            assert!(members(before).iter().all(|m| m.is_answered() || m.confirms_deletion()), "{what}");
        }
        Command::PersistStatus(status) => {
            let order: Vec<_> = status.conditions.iter().take(3).map(|c| c.type_.as_str()).collect();
            assert_eq!(order, ["Available", "PeerReady", "Protected"], "{what}");
            let generation = before.drpc.metadata.generation;
            assert!(status.conditions.iter().all(|c| c.observed_generation == generation), "{what}");
        }
        _ => {}
    }
}

/// Every combination has an answer that is safe, explained, and comes to rest; looks at one in `stride`.
fn every_combination_is_safe(stride: usize) {
    let count = each(stride, |observation, what| {
        let mut now = observation.clone();
        for _ in 0..6 {
            let decision = decide(&now);
            assert!(decision.needs.is_empty(), "{what}: {:?}", decision.needs);
            if decision.steps.is_empty() {
                let done = now
                    .drpc
                    .status
                    .as_ref()
                    .and_then(|s| s.progression.as_ref())
                    .is_some_and(|p| p.as_str() == "Completed");
                let gone = now.drpc.metadata.finalizers.as_ref().is_none_or(Vec::is_empty);
                assert!(
                    done || gone || !decision.waits.is_empty(),
                    "{what}: it neither acts nor says what it waits for"
                );
                assert!(decision.waits.iter().all(|w| !w.what.is_empty() && !w.remedy.is_empty()), "{what}");
                return;
            }
            for step in &decision.steps {
                check(&now, &step.command, what);
                assert!(!step.guard.is_empty(), "{what}");
                now = expect(now, &step.command);
            }
        }
        panic!("{what}: it goes on writing though nothing changes");
    });
    assert!(count > 30_000, "{count}");
}

#[test]
fn combinations_have_an_answer_that_is_safe_and_comes_to_rest() {
    // Prime to the number of choices at every place, so that each choice meets each other one.
    every_combination_is_safe(17);
}

#[test]
#[ignore = "takes minutes: run it with --ignored after a change of a rule"]
fn every_combination_has_an_answer_that_is_safe_and_comes_to_rest() {
    every_combination_is_safe(1);
}

#[test]
fn every_outcome_of_every_look_has_an_answer() {
    let failed = |class| Sight::Failed(Failure::new(class, "cause").on(DR1));
    let mut seen = BTreeSet::new();
    for class in FailureClass::ALL {
        for cluster in [DR1, DR2] {
            for action in [None, Some(DRAction::Failover), Some(DRAction::Relocate)] {
                let mut bed = Bed::deployed();
                bed.ask(action, if action == Some(DRAction::Failover) { DR2 } else { DR1 });
                bed.sees(cluster, failed(class));
                let plan = bed.stay();
                seen.insert(Sight::<()>::Failed(Failure::new(class, "c")).kind());
                assert!(
                    !bed::writes(&plan).iter().any(|w| w.contains("primary 2")) || cluster == DR1,
                    "{class} {plan}"
                );
                // What cannot be read of the hub itself holds everything back, without a word in the status.
                let facts = bed.facts(cluster);
                facts.vrg_intent = Item::Read(Err(Failure::new(class, "cause")));
                let plan = bed.stay();
                assert_eq!(bed::writes(&plan), Vec::<String>::new(), "{class}");
                assert!(!plan.waits.is_empty(), "{class}");
            }
        }
    }
    assert!(seen.contains(&OutcomeKind::Forbidden) && seen.len() > 5);
}
