use crate::{
    api::DRAction,
    decision::{Item, Sight},
    hub::application::{
        bed::{Bed, DR1, DR2, events, short, unreachable, writes},
        decide, expect,
        planning::comply,
    },
};

/// Failed over to dr2 and asked to come home.
fn asked() -> Bed {
    let mut bed = Bed::failed_over();
    bed.ask(Some(DRAction::Relocate), DR1);
    bed
}

#[test]
fn nothing_is_moved_while_a_cluster_does_not_answer_and_no_condition_changes() {
    for cluster in [DR1, DR2] {
        for sight in [unreachable(cluster), Sight::Pending, Sight::KindAbsent, Sight::Stale(None)] {
            let mut bed = asked();
            let kind = sight.kind();
            bed.sees(cluster, sight);
            let plan = bed.run();
            assert!(!writes(&plan).iter().any(|w| !w.starts_with("status")), "{cluster} {kind}\n{plan}");
            assert!(
                bed.summary().starts_with("FailedOver/Completed Available=True PeerReady=True"),
                "{}",
                bed.summary()
            );
            assert!(bed.message("Available").contains(&format!("cluster {cluster} to answer")));
            assert_eq!(bed.run().steps, [], "{cluster} {kind}: written once");
        }
    }
}

#[test]
fn a_cluster_that_falls_silent_at_any_step_stops_the_move_there() {
    let mut seen = std::collections::BTreeSet::new();
    for step in 0..8 {
        for cluster in [DR1, DR2] {
            let mut bed = asked();
            for _ in 0..step {
                bed.step();
                bed.comply();
            }
            bed.cut(cluster);
            let before = bed.decisions();
            let plan = bed.run();
            seen.insert(bed.status().progression.map(|p| p.to_string()));
            assert!(!writes(&plan).iter().any(|w| w.contains("primary 3")), "{step} {cluster}\n{plan}");
            assert_eq!(bed.decisions(), before, "{step} {cluster}");
        }
    }
    assert!(seen.len() > 3, "{seen:?}");
}

#[test]
fn a_primary_that_is_not_protected_does_not_start_to_leave() {
    for type_ in ["DataReady", "ClusterDataProtected"] {
        let mut bed = asked();
        bed.condition(DR2, type_, "False", "Progressing");
        let plan = bed.stay();
        assert!(!writes(&plan).iter().any(|w| w.starts_with("vrg") && w.contains("prepare")), "{plan}");
        assert!(bed.message("Available").contains("current cluster (dr2) has not completed protection actions"));
        assert!(bed.summary().starts_with("FailedOver/Completed Available=True"), "{}", bed.summary());
        assert_eq!(bed.decisions(), DR2);
        bed.condition(DR2, type_, "True", "Ready");
        bed.run();
        assert_eq!(bed.summary(), "Relocated/Completed Available=True PeerReady=True Protected=True");
    }
}

#[test]
fn an_answer_left_over_from_an_earlier_final_sync_does_not_count() {
    let mut bed = asked();
    let status = bed.vrg(DR2).status.as_mut().unwrap();
    status.prepare_for_final_sync_complete = true;
    status.final_sync_complete = true;
    let decision = bed.step();
    let done: Vec<_> = decision.steps.iter().filter_map(|s| short(&s.command)).collect();
    assert!(done.contains(&"vrg dr2 primary 2 prepare".to_owned()), "{done:?}");
    assert_eq!(bed.decisions(), DR2, "the application runs until the primary is prepared");
}

#[test]
fn the_target_is_promoted_only_once_the_last_writes_have_arrived() {
    let mut bed = asked();
    for _ in 0..3 {
        bed.step();
        bed.comply();
    }
    assert!(bed.summary().starts_with("Relocating/EnsuringVolumesAreSecondary"), "{}", bed.summary());
    bed.condition(DR2, "DataProtected", "False", "Progressing");
    let plan = bed.stay();
    assert!(!writes(&plan).iter().any(|w| w.contains("primary")), "{plan}");
    assert!(plan.waits[0].what.contains("DataProtected"), "{plan}");
}

#[test]
fn an_unfinished_failover_is_finished_before_a_relocation_begins() {
    let mut bed = Bed::deployed();
    let old = bed.vrg(DR1).clone();
    bed.ask(Some(DRAction::Failover), DR2);
    bed.cut(DR1);
    bed.run();
    bed.ask(Some(DRAction::Relocate), DR1);
    bed.sees(DR1, Sight::Found(old));
    let plan = bed.run();
    assert_eq!(bed.summary(), "Relocated/Completed Available=True PeerReady=True Protected=True", "{plan}");
    assert_eq!(bed.decisions(), DR1);
}

#[test]
fn a_relocation_to_where_the_application_runs_leaves_it_there() {
    let mut bed = Bed::deployed();
    bed.ask(Some(DRAction::Relocate), DR1);
    let plan = bed.run();
    assert!(!writes(&plan).iter().any(|w| w.contains("decisions") || w.contains("secondary 2")), "{plan}");
    assert_eq!(bed.decisions(), DR1);
    assert!(bed.summary().starts_with("Relocated/Completed Available=True PeerReady=True"), "{}", bed.summary());
}

#[test]
fn clearing_the_action_after_a_relocation_leaves_the_application_deployed() {
    let mut bed = asked();
    bed.run();
    bed.ask(None, DR1);
    bed.run();
    assert_eq!(bed.summary(), "Deployed/Completed Available=True PeerReady=True Protected=True");
}

#[test]
fn there_is_nothing_to_relocate_where_nothing_was_deployed() {
    let mut bed = Bed::new();
    bed.ask(Some(DRAction::Relocate), DR1);
    let plan = bed.run();
    assert_eq!(events(&plan), ["DRPCClusterSwitchFailed"], "{plan}");
    assert!(bed.message("Available").contains("no VRGs exists. Can't relocate"));
}

#[test]
fn a_relocation_taken_up_after_a_crash_at_any_command_ends_alike() {
    let mut whole = asked();
    let plan = whole.run();
    for crash in 0..plan.steps.len() {
        let mut bed = asked();
        let mut done = 0;
        'passes: while done < crash {
            let decision = decide(&bed.now);
            for step in &decision.steps {
                bed.now = expect(bed.now, &step.command);
                done += 1;
                if done >= crash {
                    break 'passes;
                }
            }
            let after = comply(&bed.now);
            if decision.steps.is_empty() && after == bed.now {
                break;
            }
            bed.now = after;
        }
        bed.run();
        assert_eq!(bed.summary(), whole.summary(), "after {crash} commands");
        assert_eq!(bed.decisions(), DR1);
        let count =
            &bed.now.drpc.metadata.annotations.as_ref().unwrap()[crate::api::names::annotations::DR_ACTION_COUNT];
        assert!(count.contains(r#""failover":1,"relocate":1"#), "after {crash} commands: {count}");
        assert_eq!(crate::hub::application::epoch::of(bed.vrg(DR1)).0, 3, "after {crash} commands");
        assert!(matches!(bed.facts(DR2).vrg_intent, Item::Read(Ok(Some(_)))));
    }
}
