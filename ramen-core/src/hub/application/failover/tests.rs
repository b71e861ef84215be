use crate::{
    api::{DRAction, ReplicationState, State},
    decision::{Item, Sight},
    hub::application::{
        bed::{self, Bed, DR1, DR2, events, unreachable, writes},
        decide, expect,
        planning::comply,
    },
    intercluster::{Failure, FailureClass, OutcomeKind},
};

fn asked() -> Bed {
    let mut bed = Bed::deployed();
    bed.ask(Some(DRAction::Failover), DR2);
    bed
}

#[test]
fn a_target_must_be_a_settled_secondary_that_was_seen_just_now() {
    let settled = || bed::vrg(DR2, ReplicationState::Secondary, State::Secondary, 1);
    let mut unsettled = settled();
    unsettled.metadata.generation = Some(9);
    let unknown = bed::vrg(DR2, ReplicationState::Secondary, State::Unknown, 1);
    let failed = |class| Sight::Failed(Failure::new(class, "cause").on(DR2));
    for (sight, starts) in [
        (Sight::Found(settled()), true),
        (Sight::Found(unsettled), false),
        (Sight::Found(unknown), false),
        (Sight::Absent, false),
        (Sight::KindAbsent, false),
        (Sight::Pending, false),
        (Sight::Stale(Some(settled())), false),
        (Sight::Stale(None), false),
        (failed(FailureClass::Unreachable), false),
        (failed(FailureClass::TimedOut), false),
        (failed(FailureClass::Forbidden), false),
        (failed(FailureClass::Unauthenticated), false),
        (failed(FailureClass::Throttled), false),
        (failed(FailureClass::Malformed), false),
        (failed(FailureClass::UnknownCluster), false),
        (failed(FailureClass::Cancelled), false),
    ] {
        let mut bed = asked();
        let kind = sight.kind();
        bed.sees(DR2, sight);
        let plan = bed.stay();
        let promoted = writes(&plan).contains(&"vrg dr2 primary 2".to_owned());
        assert_eq!(promoted, starts, "{kind}\n{plan}");
        if !starts {
            assert_eq!(events(&plan), ["DRPCClusterSwitchFailed"], "{kind}: told once");
            assert!(bed.message("Available").contains("is not a valid Secondary target"), "{kind}");
            assert!(bed.message("Available").contains("remedy"), "{kind}");
            assert!(bed.summary().starts_with("Deployed/Completed Available=True"), "{kind}: nothing has changed");
            assert_eq!(bed.stay().steps, [], "{kind}: no flapping");
        }
    }
}

#[test]
fn a_dead_primary_does_not_hold_a_failover_back_and_is_demoted_the_moment_it_returns() {
    for kind in [OutcomeKind::Unreachable, OutcomeKind::Stale, OutcomeKind::Pending] {
        let mut bed = asked();
        let old = bed.vrg(DR1).clone();
        bed.sees(
            DR1,
            match kind {
                OutcomeKind::Stale => Sight::Stale(Some(old.clone())),
                OutcomeKind::Pending => Sight::Pending,
                _ => unreachable(DR1),
            },
        );
        let plan = bed.run();
        assert!(writes(&plan).contains(&"vrg dr1 secondary 2".to_owned()), "{plan}");
        assert_eq!(bed.decisions(), "(dr1) dr2", "the old cluster stays listed");
        assert_eq!(bed.summary(), "FailedOver/Cleaning Up Available=True PeerReady=False Protected=True");
        bed.sees(DR1, Sight::Found(old));
        bed.run();
        assert_eq!(bed.decisions(), "dr2");
        assert_eq!(bed.summary(), "FailedOver/Completed Available=True PeerReady=True Protected=True");
    }
}

#[test]
fn the_application_starts_only_once_its_volumes_are_restored() {
    for (type_, status) in [("DataReady", "False"), ("ClusterDataReady", "False"), ("ClusterDataReady", "Unknown")] {
        let mut bed = asked();
        bed.step();
        bed.comply();
        bed.condition(DR2, type_, status, "Progressing");
        let decision = bed.step();
        assert_eq!(bed.decisions(), "(dr1)", "{decision:?}");
        assert!(bed.summary().starts_with("FailedOver/WaitForReadiness Available=False"), "{}", bed.summary());
        assert!(decision.waits[0].what.contains(type_), "{:?}", decision.waits);
        bed.condition(DR2, type_, "True", "Ready");
        bed.step();
        assert_eq!(bed.decisions(), "(dr1) dr2");
    }
}

#[test]
fn a_promotion_that_is_not_applied_is_not_taken_for_done() {
    let mut bed = asked();
    bed.step();
    let waiting = bed.step();
    assert!(!waiting.steps.iter().any(|s| bed::short(&s.command).is_some_and(|c| c.starts_with("vrg"))), "asked once");
    assert!(bed.summary().starts_with("FailingOver/WaitingForResourceRestore"), "{}", bed.summary());
    assert_eq!(bed.step().steps, []);
}

#[test]
fn a_failover_to_where_the_application_runs_is_refused_and_changes_nothing() {
    let mut bed = Bed::deployed();
    bed.ask(Some(DRAction::Failover), DR1);
    let plan = bed.run();
    assert!(
        !writes(&plan).iter().any(|line| line.contains("decisions") || line.starts_with("vrg dr2 primary")),
        "{plan}"
    );
    assert_eq!(events(&plan), ["DRPCClusterSwitchFailed"]);
    assert!(bed.summary().starts_with("Deployed/Completed Available=True"), "{}", bed.summary());
    assert!(bed.message("Available").contains("the application runs there"));
    assert_eq!(bed.run().steps, []);
}

#[test]
fn a_failover_taken_up_after_a_crash_at_any_command_ends_alike_and_promotes_once() {
    let mut whole = asked();
    let plan = whole.run();
    for crash in 0..plan.steps.len() {
        let mut bed = asked();
        let mut done = 0;
        // Carries out as many commands as were done before the crash, over as many passes as it takes.
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
        assert_eq!(bed.decisions(), "dr2");
        let count =
            &bed.now.drpc.metadata.annotations.as_ref().unwrap()[crate::api::names::annotations::DR_ACTION_COUNT];
        assert!(count.contains(r#""failover":1"#), "after {crash} commands: {count}");
        assert_eq!(crate::hub::application::epoch::of(bed.vrg(DR2)).0, 2, "after {crash} commands");
    }
}

#[test]
fn a_placement_rule_retains_nothing() {
    let mut bed = asked();
    bed.placement().can_retain = false;
    let plan = bed.run();
    assert_eq!(writes(&plan).iter().filter(|w| w.contains("decisions")).collect::<Vec<_>>(), ["decisions [dr2]"]);
    assert_eq!(bed.decisions(), "dr2");
}

#[test]
fn a_failover_back_to_the_old_cluster_waits_until_it_has_been_cleaned_up() {
    let mut bed = asked();
    let old = bed.vrg(DR1).clone();
    bed.cut(DR1);
    bed.run();
    bed.ask(Some(DRAction::Failover), DR1);
    bed.run();
    assert_eq!(bed.decisions(), "(dr1) dr2", "refused while it does not answer");
    bed.sees(DR1, Sight::Found(old));
    bed.run();
    assert_eq!(bed.summary(), "FailedOver/Completed Available=True PeerReady=True Protected=True");
    assert_eq!(bed.decisions(), "dr1");
    assert_eq!(bed.facts(DR1).vrg_intent.read().is_some(), !matches!(bed.facts(DR1).vrg_intent, Item::Unread));
}
