use ramen_core::{
    api::names::annotations::TEST_FAILOVER_DRY_RUN,
    intercluster::{Failure, FailureClass},
    protection::{
        VolumeId, VolumeUse,
        replication::{OwnedVolume, Role},
    },
};
use serde_json::json;

use super::{
    super::{
        observed::{Update, expect},
        samples::{PROMOTED, RESYNCING, replication, request, volume},
    },
    *,
};

fn id() -> VolumeId {
    VolumeId::new("app", "data")
}

fn observed(sight: Sight<VolumeReplication>, handed_over: bool) -> DriverObservation {
    let mut observed = Observed::default();
    observed.replications.insert(id(), sight);
    if handed_over {
        observed.handed_over.insert(id());
    }
    DriverObservation::of(&observed).unwrap()
}

fn actions(decision: &DriverDecision) -> Vec<Action> {
    decision.commands.iter().map(|one| serde_json::from_value::<Command>(one.body.clone()).unwrap().action).collect()
}

/// What is done, in short.
fn steps(decision: &DriverDecision) -> String {
    let short = |action: Action| match action {
        Action::Create(new) => format!("create {}", new.spec.replication_state.unwrap()),
        Action::Update(Update { state, auto_resync, .. }) => format!("{state} {auto_resync}"),
        Action::Delete { uid, version } => format!("delete {uid} {}", version.unwrap()),
        Action::HandOver { replication, .. } => format!("hand over {replication}"),
        Action::TakeBack { .. } => "take back".to_owned(),
    };
    actions(decision).into_iter().map(short).collect::<Vec<_>>().join(", ")
}

fn verdict(decision: &DriverDecision) -> (DataReady, bool) {
    let verdict = &decision.volumes[&id()];
    (verdict.data_ready.state, verdict.released)
}

fn failed() -> Sight<VolumeReplication> {
    Sight::Failed(Failure::new(FailureClass::TimedOut, "no answer"))
}

fn found(wish: &str, auto: bool, state: &str, conditions: &[&str]) -> Sight<VolumeReplication> {
    Sight::Found(replication(wish, auto, state, 2, conditions))
}

fn deleting(sight: Sight<VolumeReplication>) -> Sight<VolumeReplication> {
    sight.map(|mut one| {
        one.metadata.deletion_timestamp = serde_json::from_value(json!("2026-01-01T00:00:00Z")).unwrap();
        one
    })
}

fn of_another(sight: Sight<VolumeReplication>) -> Sight<VolumeReplication> {
    sight.map(|mut one| {
        one.metadata.labels.as_mut().unwrap().insert("ramendr.openshift.io/owner-name".into(), "other".into());
        one
    })
}

/// A wrong row leaves an application without replication, or takes its replication away while it is protected.
#[test]
fn what_is_done_for_a_primary_volume() {
    use DataReady::{Error, Progressing, Ready, Unknown};
    let primary = || found("primary", false, "Primary", &PROMOTED);
    let refused = || found("primary", false, "Unknown", &["Validated=False@2", "Completed=False@2"]);
    for (what, seen, leaving, steps_expected, expected) in [
        ("none", Sight::Absent, false, "create primary", (Progressing, false)),
        ("none, leaving", Sight::Absent, true, "", (Ready, true)),
        ("no csi-addons", Sight::KindAbsent, false, "", (Error, false)),
        ("no csi-addons, leaving", Sight::KindAbsent, true, "", (Ready, true)),
        ("not read", Sight::Pending, false, "", (Unknown, false)),
        ("not read, leaving", Sight::Pending, true, "", (Unknown, false)),
        ("unreachable, leaving", failed(), true, "", (Unknown, false)),
        ("stale, leaving", Sight::Stale(None), true, "", (Unknown, false)),
        ("steady", primary(), false, "", (Ready, false)),
        ("leaving", primary(), true, "delete vr-1 7", (Ready, false)),
        ("being deleted", deleting(primary()), false, "", (Progressing, false)),
        ("being deleted, leaving", deleting(primary()), true, "", (Progressing, false)),
        ("of another group", of_another(primary()), true, "", (Error, false)),
        (
            "was secondary",
            found("secondary", false, "Secondary", &PROMOTED),
            false,
            "primary false",
            (Progressing, false),
        ),
        (
            "was secondary, leaving",
            found("secondary", true, "Secondary", &PROMOTED),
            true,
            "primary false",
            (Progressing, false),
        ),
        (
            "was to resync by itself",
            found("primary", true, "Primary", &PROMOTED),
            false,
            "primary false",
            (Progressing, false),
        ),
        ("refused", refused(), false, "", (Error, false)),
        ("refused, leaving", refused(), true, "delete vr-1 7", (Error, false)),
        (
            "promotion failed, leaving",
            found("primary", false, "Unknown", &["Completed=False@2"]),
            true,
            "",
            (Error, false),
        ),
    ] {
        for group_goes in [true, false] {
            let mut request = request(Role::Primary, None, volume(false, VolumeUse::Pods(vec!["p".into()])));
            match (leaving, group_goes) {
                (false, _) => {}
                (true, true) => request.deleting = true,
                (true, false) => request.release = std::mem::take(&mut request.volumes),
            }
            let decision = decide(&request, &observed(seen.clone(), false));
            assert_eq!((steps(&decision).as_str(), verdict(&decision)), (steps_expected, expected), "{what}");
            assert_eq!(decision.look_again.is_some(), !decision.waits.is_empty(), "{what}");
            let settled = expected == (Ready, false) && !leaving || expected.1;
            assert_eq!(decision.waits.is_empty(), settled, "{what}: {:?}", decision.waits);
        }
    }
}

#[test]
fn nothing_is_created_for_a_claim_that_goes_or_is_not_bound_or_has_no_class() {
    let absent = observed(Sight::Absent, false);
    let refuse = |change: &dyn Fn(&mut ReplicationRequest)| {
        let mut request = request(Role::Primary, None, volume(false, VolumeUse::Free));
        change(&mut request);
        let decision = decide(&request, &absent);
        assert_eq!(steps(&decision), "");
        decision.volumes[&id()].data_ready.clone()
    };
    assert_eq!(refuse(&|r| r.volumes[0].volume.deleting = true).state, DataReady::Progressing);
    assert_eq!(refuse(&|r| r.volumes[0].volume.bound = false).state, DataReady::Progressing);
    let no_class = refuse(&|r| r.protection.classes.clear());
    assert_eq!(no_class.state, DataReady::Error);
    assert!(no_class.message.contains("match provisioner and schedule"), "{}", no_class.message);
}

/// The heart of a relocate and of a failover: a wrong row demotes a volume in use, or loses writes, or never ends.
#[test]
fn what_is_done_for_a_secondary_volume() {
    use DataReady::{Error, Progressing, Replicated, Replicating, Unknown};
    let (free, pods) = (|| VolumeUse::Free, || VolumeUse::Pods(vec!["p".into()]));
    let unsure = || VolumeUse::Unknown(Failure::new(FailureClass::TimedOut, "attachments"));
    let (relocate, failover, none) = (Some(DRAction::Relocate), Some(DRAction::Failover), None);
    let primary = || found("primary", false, "Primary", &PROMOTED);
    let secondary = |auto, conditions| found("secondary", auto, "Secondary", conditions);
    let demoted = ["Completed=True@2", "Degraded=True@2", "Resyncing=False@2"];
    for (what, action, claim_goes, in_use, seen, marked, steps_expected, expected) in [
        ("claim stays", &relocate, false, free(), primary(), false, "", (Progressing, false)),
        ("in use", &relocate, true, pods(), primary(), false, "", (Progressing, false)),
        ("perhaps in use", &relocate, true, unsure(), primary(), false, "", (Progressing, false)),
        ("free", &relocate, true, free(), primary(), false, "secondary false", (Progressing, false)),
        ("demoted", &relocate, true, free(), secondary(false, &demoted), false, "", (Error, false)),
        ("resyncing", &relocate, true, free(), secondary(false, &RESYNCING), false, "", (Replicating, false)),
        (
            "in sync",
            &relocate,
            true,
            free(),
            secondary(false, &PROMOTED),
            false,
            "hand over vr-1, delete vr-1 7",
            (Replicated, false),
        ),
        ("marked", &relocate, true, free(), secondary(false, &PROMOTED), true, "delete vr-1 7", (Replicated, false)),
        ("in sync, used again", &relocate, true, pods(), secondary(false, &PROMOTED), false, "", (Progressing, false)),
        ("going", &relocate, true, free(), deleting(secondary(false, &PROMOTED)), true, "", (Progressing, false)),
        ("gone", &relocate, true, free(), Sight::Absent, true, "", (Replicated, true)),
        ("gone, and csi-addons too", &relocate, true, free(), Sight::KindAbsent, true, "", (Replicated, true)),
        ("taken away by another", &relocate, true, free(), Sight::Absent, false, "", (Error, false)),
        ("no answer", &relocate, true, free(), failed(), true, "", (Unknown, false)),
        ("of another group", &relocate, true, free(), of_another(primary()), false, "", (Error, false)),
        ("failover, free", &failover, false, free(), primary(), false, "secondary true", (Progressing, false)),
        ("failover, in use", &failover, false, pods(), primary(), false, "", (Progressing, false)),
        (
            "failover, resyncing",
            &failover,
            false,
            free(),
            secondary(true, &RESYNCING),
            false,
            "delete vr-1 7",
            (Replicating, false),
        ),
        (
            "failover, in sync",
            &failover,
            false,
            free(),
            secondary(true, &PROMOTED),
            false,
            "delete vr-1 7",
            (Replicated, false),
        ),
        ("failover, demoted", &failover, false, free(), secondary(true, &demoted), false, "", (Error, false)),
        ("failover, gone", &failover, false, free(), Sight::Absent, false, "", (Replicating, true)),
        ("failover, no answer", &failover, false, free(), Sight::Pending, false, "", (Unknown, false)),
        ("no action", &none, true, free(), secondary(false, &RESYNCING), false, "", (Replicating, false)),
    ] {
        let request = request(Role::Secondary, *action, volume(claim_goes, in_use));
        let decision = decide(&request, &observed(seen, marked));
        assert_eq!((steps(&decision).as_str(), verdict(&decision)), (steps_expected, expected), "{what}");
        assert_eq!(decision.waits.is_empty(), expected.1, "{what}: {:?}", decision.waits);
    }
}

/// Removing a group must end, and must not lose a write of a relocate that is under way.
#[test]
fn a_secondary_that_is_removed_ends_its_replication() {
    let resyncing = observed(found("secondary", false, "Secondary", &RESYNCING), false);
    for (action, steps_expected) in [(None, "delete vr-1 7"), (Some(DRAction::Relocate), "")] {
        let mut request = request(Role::Secondary, action, volume(true, VolumeUse::Free));
        request.deleting = true;
        assert_eq!(steps(&decide(&request, &resyncing)), steps_expected, "{action:?}");
        assert!(verdict(&decide(&request, &observed(Sight::Absent, false))).1, "{action:?}");
        assert!(!verdict(&decide(&request, &observed(failed(), false))).1, "{action:?}");
    }
}

/// An old mark would let the next relocate go on although its VolumeReplication was taken away too early.
#[test]
fn the_mark_of_a_hand_over_goes_before_the_volume_is_written_again() {
    for (seen, expected) in [
        (Sight::Absent, "take back, create primary"),
        (found("secondary", false, "Secondary", &PROMOTED), "take back, primary false"),
        (found("primary", false, "Primary", &PROMOTED), "take back"),
    ] {
        let request = request(Role::Primary, None, volume(false, VolumeUse::Free));
        assert_eq!(steps(&decide(&request, &observed(seen, true))), expected);
    }
}

#[test]
fn what_a_new_volume_replication_says() {
    let mut request = request(Role::Primary, None, volume(false, VolumeUse::Free));
    let created = |request: &ReplicationRequest| {
        let Some(Action::Create(new)) = actions(&decide(request, &observed(Sight::Absent, false))).pop() else {
            panic!("nothing is created")
        };
        serde_json::to_value(new).unwrap()
    };
    let like = replication("primary", false, "", 2, &[]);
    let new = created(&request);
    assert_eq!(new["spec"], serde_json::to_value(&like.spec).unwrap());
    assert_eq!(new["metadata"]["labels"], json!(like.metadata.labels));
    assert_eq!(new["metadata"]["ownerReferences"], json!(like.metadata.owner_references));
    request.group.may_own = false;
    assert_eq!(created(&request)["metadata"]["ownerReferences"], json!(null));
    request.group.may_own = true;
    request.group.namespace = "ops".into();
    assert_eq!(created(&request)["metadata"]["ownerReferences"], json!(null), "not across namespaces");
}

#[test]
fn a_volume_replication_without_our_labels_is_adopted_and_keeps_other_owners() {
    let mut bare = replication("primary", false, "Primary", 2, &PROMOTED);
    bare.metadata.labels = None;
    bare.metadata.owner_references = serde_json::from_value(json!([
        { "apiVersion": "v1", "kind": "ConfigMap", "name": "c", "uid": "c" },
        { "apiVersion": "ramendr.openshift.io/v1alpha1", "kind": "VolumeReplicationGroup", "name": "vrg", "uid": "past", "controller": true },
    ]))
    .unwrap();
    let request = request(Role::Primary, None, volume(false, VolumeUse::Free));
    let decision = decide(&request, &observed(Sight::Found(bare), false));
    assert_eq!(verdict(&decision), (DataReady::Ready, false));
    let [Action::Update(update)] = &actions(&decision)[..] else { panic!("{decision:?}") };
    let uids: Vec<_> = update.owners.iter().flatten().map(|one| one.uid.as_str()).collect();
    assert_eq!(uids, ["c", "g"]);
    assert_eq!(update.labels.len(), 3);

    let mut elsewhere = replication("primary", false, "Primary", 2, &PROMOTED);
    elsewhere.spec.data_source.name = "other".into();
    let decision = decide(&request, &observed(Sight::Found(elsewhere), false));
    assert_eq!((steps(&decision).as_str(), verdict(&decision)), ("", (DataReady::Error, false)));
}

#[test]
fn a_demoted_volume_gives_up_its_own_writes_only_on_a_failover_or_during_a_test() {
    let seen = observed(found("primary", false, "Primary", &PROMOTED), false);
    for (action, test, expected) in [
        (DRAction::Failover, false, "secondary true"),
        (DRAction::Relocate, false, "secondary false"),
        (DRAction::Relocate, true, "secondary true"),
    ] {
        let mut request = request(Role::Secondary, Some(action), volume(true, VolumeUse::Free));
        request.protection.annotations.insert(TEST_FAILOVER_DRY_RUN.into(), test.to_string());
        assert_eq!(steps(&decide(&request, &seen)), expected);
    }
}

/// A plan that does not end, or ends elsewhere, would show the operator something else than what will happen.
#[test]
fn the_expected_effects_lead_from_creation_to_release() {
    let plan = |request: &ReplicationRequest, mut seen: DriverObservation| {
        let mut story = Vec::new();
        for _ in 0..10 {
            let decision = decide(request, &seen);
            if decision.commands.is_empty() {
                return (seen, story.join(", "), verdict(&decision));
            }
            story.push(steps(&decision).replace(" 7", "").replace("uid-of-app/data", "vr"));
            seen = decision.commands.iter().fold(seen, |seen, command| expect(&seen, command));
        }
        panic!("no end: {story:?}")
    };
    let mut observation = Observed::default();
    observation.replications.insert(id(), Sight::Absent);
    let primary = request(Role::Primary, None, volume(false, VolumeUse::Free));
    let (seen, story, end) = plan(&primary, DriverObservation::of(&observation).unwrap());
    assert_eq!((story.as_str(), end), ("create primary", (DataReady::Ready, false)));
    let mut seen: Observed = seen.read().unwrap();
    if let Some(Sight::Found(found)) = seen.replications.get_mut(&id()) {
        found.metadata.resource_version = Some("7".into());
    }
    let relocate = request(Role::Secondary, Some(DRAction::Relocate), volume(true, VolumeUse::Free));
    let (_, story, end) = plan(&relocate, DriverObservation::of(&seen).unwrap());
    assert_eq!(story, "secondary false, hand over vr, delete vr");
    assert_eq!(end, (DataReady::Replicated, true));
}

#[test]
fn an_observation_that_cannot_be_read_and_a_test_have_answers_too() {
    let owned = |request: &mut ReplicationRequest| {
        request.release = vec![OwnedVolume { volume: volume(false, VolumeUse::Free), consistency_group: None }];
    };
    for (role, expected) in
        [(Role::Primary, DataReady::Unknown), (Role::Secondary, DataReady::Progressing), (Role::Test, DataReady::Error)]
    {
        for seen in [DriverObservation::default(), DriverObservation(json!({ "replications": 7 }))] {
            let mut request = request(role, None, volume(false, VolumeUse::Free));
            owned(&mut request);
            let decision = decide(&request, &seen);
            assert!(decision.commands.is_empty() && decision.final_sync.complete);
            let expected = if role == Role::Secondary { DataReady::Unknown } else { expected };
            assert_eq!(verdict(&decision), (expected, false), "{role}");
        }
    }
}
