use crate::{
    api::{DRAction, ReplicationState, State, names::annotations},
    decision::{Age, Item, Sight},
    hub::application::{
        Command, NeedKey, Stored, StoredGroup,
        bed::{self, Bed, DR1, DR2, unreachable, writes},
        decide, plan,
    },
    intercluster::{Decision, Failure, FailureClass},
    protection::cluster_data::Epoch,
};

fn makes_a_primary(bed: &Bed) -> bool {
    writes(&plan(&bed.now)).iter().any(|line| line.contains("primary"))
}

#[test]
fn a_first_primary_is_made_only_if_no_other_can_exist() {
    let nothing = || Ok(StoredGroup::default());
    let a_primary =
        || Ok(StoredGroup { epoch: Epoch(1), vrg: Some(bed::vrg(DR2, ReplicationState::Primary, State::Primary, 1)) });
    let silent = || Err(Failure::new(FailureClass::Unreachable, "no route"));
    let absent = || Sight::Absent;
    for (dr1, dr2, stores, made) in [
        (absent(), absent(), [nothing(), nothing()], true),
        (absent(), absent(), [silent(), silent()], true),
        (absent(), unreachable(DR2), [nothing(), nothing()], true),
        (absent(), unreachable(DR2), [nothing(), silent()], false),
        (absent(), unreachable(DR2), [a_primary(), nothing()], false),
        (absent(), Sight::Stale(None), [nothing(), silent()], false),
        (absent(), Sight::KindAbsent, [nothing(), silent()], false),
        (absent(), Sight::Pending, [silent(), silent()], false),
        (unreachable(DR1), absent(), [nothing(), nothing()], false),
        (Sight::Stale(None), absent(), [nothing(), nothing()], false),
        (Sight::KindAbsent, absent(), [nothing(), nothing()], false),
        (unreachable(DR1), unreachable(DR2), [nothing(), nothing()], false),
    ] {
        let mut bed = Bed::new();
        bed.sees(DR1, dr1.clone());
        bed.sees(DR2, dr2.clone());
        bed.now.stored =
            Item::Read(stores.iter().map(|content| Stored { profile: "p".into(), content: content.clone() }).collect());
        assert_eq!(makes_a_primary(&bed), made, "{dr1:?} {dr2:?} {stores:?}\n{}", plan(&bed.now));
        if !made {
            assert!(!decide(&bed.now).waits.is_empty(), "says what it waits for");
        }
    }
}

#[test]
fn a_first_deployment_looks_anew_before_it_takes_absent_for_an_answer() {
    let mut bed = Bed::new();
    bed.step();
    for cluster in [DR1, DR2] {
        if let Item::Read(seen) = &mut bed.facts(cluster).vrg {
            seen.age = Age::Fresh;
        }
    }
    let mut bed = Bed { now: crate::hub::application::Observation { drpc: Bed::new().now.drpc, ..bed.now } };
    for cluster in [DR1, DR2] {
        bed.facts(cluster).vrg_intent = Item::Read(Ok(None));
    }
    let needs = decide(&bed.now).needs;
    assert!(
        needs.iter().all(|need| need.greatest_age == Age::Live && matches!(need.key, NeedKey::Vrg(_))),
        "{needs:?}"
    );
    assert_eq!(needs.len(), 2);
}

#[test]
fn a_new_life_of_an_application_gets_an_epoch_above_the_tombstone_of_the_old_one() {
    let mut bed = Bed::new();
    bed.now.stored =
        Item::Read(vec![Stored { profile: "p".into(), content: Ok(StoredGroup { epoch: Epoch(7), vrg: None }) }]);
    assert!(writes(&plan(&bed.now)).contains(&"vrg dr1 primary 8".to_owned()));
}

#[test]
fn clearing_the_action_after_a_failover_does_not_make_a_second_primary_on_the_old_home() {
    let mut bed = Bed::failed_over();
    bed.ask(None, DR1);
    let plan = bed.run();
    assert!(!writes(&plan).iter().any(|line| line.starts_with("vrg dr1 primary")), "{plan}");
    assert_eq!(bed.decisions(), DR2);
    assert!(bed.message("Available").contains("set spec.preferredCluster to dr2"), "{}", bed.message("Available"));
    bed.ask(None, DR2);
    bed.run();
    assert_eq!(bed.summary(), "Deployed/Completed Available=True PeerReady=True Protected=True");
}

#[test]
fn a_record_of_another_role_on_the_preferred_cluster_is_not_turned_by_a_deployment() {
    let mut bed = Bed::deployed();
    let record = bed.facts(DR2).vrg_intent.clone();
    let mut bed = Bed::new();
    bed.facts(DR1).vrg_intent = record;
    bed.sees(DR1, Sight::Absent);
    let plan = bed.run();
    assert!(!writes(&plan).iter().any(|line| line.contains("primary")), "{plan}");
    assert!(bed.message("Available").contains("mismatching state (secondary) on cluster dr1"));
}

#[test]
fn an_application_that_runs_elsewhere_is_not_moved_by_protecting_it() {
    let mut bed = Bed::new();
    bed.placement().decisions = vec![Decision::live(DR2)];
    let plan = bed.run();
    assert!(!makes_a_primary(&bed), "{plan}");
    assert_eq!(bed.decisions(), DR2);
    assert!(bed.message("Available").contains("the application is placed on cluster dr2"));
}

#[test]
fn without_a_preferred_cluster_nothing_is_deployed_and_it_is_said_once() {
    let mut bed = Bed::new();
    bed.now.drpc.spec.preferred_cluster = String::new();
    let plan = bed.run();
    assert_eq!(bed::events(&plan), ["DRPCDeployFailed"]);
    assert!(bed.message("Available").starts_with("PreferredCluster not set"));
    assert_eq!(bed.run().steps, [], "told once, written once");
}

#[test]
fn a_deployment_is_complete_without_its_peer_but_does_not_promise_a_failover() {
    let mut bed = Bed::new();
    bed.cut(DR2);
    bed.run();
    assert_eq!(bed.summary(), "Deployed/Completed Available=True PeerReady=False Protected=True");
    assert!(bed.message("PeerReady").contains("cluster dr2"), "{}", bed.message("PeerReady"));
    bed.sees(DR2, Sight::Absent);
    bed.comply();
    bed.run();
    assert_eq!(bed.summary(), "Deployed/Completed Available=True PeerReady=True Protected=True");
}

#[test]
fn a_change_of_the_annotations_reaches_both_clusters() {
    let mut bed = Bed::deployed();
    bed.now.drpc.metadata.annotations.as_mut().unwrap().insert(annotations::ENABLE_DIFF.into(), "true".into());
    assert_eq!(writes(&bed.run()), ["vrg dr1 primary 1", "vrg dr2 secondary 1"]);
    let has = |vrg: &crate::api::VolumeReplicationGroup| {
        vrg.metadata.annotations.as_ref().unwrap()[annotations::ENABLE_DIFF].clone()
    };
    assert_eq!((has(bed.vrg(DR1)), has(bed.vrg(DR2))), ("true".into(), "true".into()));
}

#[test]
fn a_write_of_the_status_that_was_lost_leads_to_the_same_end() {
    let whole = Bed::deployed();
    for kept in 0..12 {
        let mut bed = Bed::new();
        let decision = decide(&bed.now);
        for step in decision.steps.iter().take(kept) {
            bed.now = crate::hub::application::expect(bed.now, &step.command);
        }
        bed.run();
        assert_eq!(bed.summary(), whole.summary(), "after {kept} commands");
        assert_eq!(bed.decisions(), DR1);
    }
    let primaries = |command: &Command| matches!(command, Command::PutVrg { vrg, .. } if vrg.spec.action == Some(DRAction::Failover));
    assert!(!decide(&whole.now).steps.iter().any(|step| primaries(&step.command)));
}
