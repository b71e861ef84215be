use super::*;
use crate::hub::application::bed::{self, Bed, DR1, DR2, writes};

/// A copy on a cluster: its role, its state, and the action it got them for.
fn copy(cluster: &str, primary: bool, action: Option<DRAction>) -> (ClusterName, Option<VolumeReplicationGroup>) {
    use crate::api::ReplicationState;
    let (role, state) = if primary {
        (ReplicationState::Primary, State::Primary)
    } else {
        (ReplicationState::Secondary, State::Secondary)
    };
    let mut vrg = bed::vrg(cluster, role, state, 1);
    vrg.spec.action = action;
    (cluster.into(), Some(vrg))
}

fn none(cluster: &str) -> (ClusterName, Option<VolumeReplicationGroup>) {
    (cluster.into(), None)
}

fn question(answered: Vec<(ClusterName, Option<VolumeReplicationGroup>)>) -> Question {
    let silent =
        [DR1, DR2].map(ClusterName::new).into_iter().filter(|c| !answered.iter().any(|(a, _)| a == c)).collect();
    Question { answered, silent, stored: None, action: None, there: DR1.into(), asked_user: false }
}

#[test]
fn nothing_is_moved_before_it_is_known_where_the_application_runs() {
    use DRAction::{Failover, Relocate};
    let stored = |cluster: &str, action| copy(cluster, true, action).1;
    let (f, r) = (Some(Failover), Some(Relocate));
    let (go, stop, ask) = ("go on", "stop", "failover allowed");
    let rows = [
        ("row 1", question(vec![]), "ask again"),
        ("row 3", question(vec![none(DR1), none(DR2)]), go),
        ("row 4", Question { action: f, asked_user: true, ..question(vec![copy(DR1, false, None)]) }, go),
        (
            "row 4, it does not answer",
            Question { action: f, asked_user: true, ..question(vec![copy(DR2, false, None)]) },
            ask,
        ),
        ("row 5", question(vec![none(DR1)]), go),
        ("row 6", question(vec![none(DR2)]), stop),
        ("row 7", Question { stored: stored(DR1, f), ..question(vec![none(DR1)]) }, ask),
        ("row 8", Question { stored: stored(DR1, None), ..question(vec![none(DR1)]) }, go),
        ("row 9, was elsewhere", Question { stored: stored(DR2, None), ..question(vec![none(DR1)]) }, ask),
        ("row 9, it does not answer", Question { stored: stored(DR1, None), ..question(vec![none(DR2)]) }, ask),
        ("row 10", question(vec![copy(DR1, true, None)]), go),
        ("row 11", question(vec![copy(DR1, true, f)]), stop),
        ("row 12", question(vec![copy(DR2, false, None)]), ask),
        ("row 12, secondary there", question(vec![copy(DR1, false, None)]), ask),
        ("row 12, primary elsewhere", question(vec![copy(DR2, true, None)]), ask),
        ("row 13", question(vec![copy(DR1, false, None), copy(DR2, false, None)]), ask),
        (
            "row 13, handed over by the relocation that is asked for",
            Question { action: r, ..question(vec![copy(DR1, false, r), copy(DR2, false, r)]) },
            go,
        ),
        (
            "row 13, handed over by another action",
            Question { action: r, ..question(vec![copy(DR1, false, r), copy(DR2, false, f)]) },
            ask,
        ),
        ("row 14", question(vec![copy(DR1, true, None), copy(DR2, false, None)]), go),
        ("row 14, one of two", question(vec![copy(DR1, true, None), none(DR2)]), go),
        ("row 15, another action", question(vec![copy(DR1, true, f), copy(DR2, false, f)]), ask),
        ("row 15, elsewhere", question(vec![copy(DR1, false, None), copy(DR2, true, None)]), ask),
        ("row 15, one elsewhere", question(vec![none(DR1), copy(DR2, true, None)]), ask),
    ];
    for (row, question, expected) in rows {
        let got = match outcome(&question) {
            Outcome::Continue => go,
            Outcome::Stop(why) if !why.is_empty() => stop,
            Outcome::AllowFailover(why) if !why.is_empty() => ask,
            Outcome::AskAgain => "ask again",
            other => panic!("{row}: says nothing: {other:?}"),
        };
        assert_eq!(got, expected, "{row}");
    }
}

/// A hub that was restored without the status of the application.
fn restored(mut bed: Bed) -> Bed {
    bed.now.drpc.status = None;
    bed
}

#[test]
fn a_restored_hub_whose_primary_is_down_asks_the_user_and_then_fails_over() {
    let mut bed = restored(Bed::deployed());
    bed.cut(DR1);
    let plan = bed.run();
    assert!(!writes(&plan).iter().any(|w| w.starts_with("vrg")), "{plan}");
    assert!(bed.summary().starts_with("WaitForUser/Paused Available=True PeerReady=True"), "{}", bed.summary());
    assert!(
        bed.message("Available").starts_with("Failover is allowed - Primary is assumed to be on the failed cluster")
    );
    assert_eq!(bed.run().steps, [], "written once");
    bed.ask(Some(DRAction::Failover), DR2);
    bed.run();
    assert!(bed.summary().starts_with("FailedOver/Cleaning Up Available=True PeerReady=False"), "{}", bed.summary());
    assert_eq!(bed.decisions(), "(dr1) dr2");
}

#[test]
fn a_restored_hub_finds_its_way_by_itself_where_the_clusters_say_enough() {
    let mut bed = restored(Bed::deployed());
    bed.cut(DR2);
    bed.run();
    assert!(bed.summary().starts_with("Deployed/Completed Available=True"), "{}", bed.summary());

    let mut bed = restored(Bed::failed_over());
    bed.run();
    assert!(bed.summary().starts_with("FailedOver/Completed Available=True PeerReady=True"), "{}", bed.summary());

    // The placement was lost with the status: it is set again where the application was failed over to.
    let mut bed = restored(Bed::failed_over());
    bed.placement().decisions.clear();
    bed.run();
    assert_eq!(bed.decisions(), DR2);
}

#[test]
fn a_relocation_that_a_hub_forgot_goes_on_from_where_both_copies_are_secondary() {
    let mut bed = Bed::failed_over();
    bed.ask(Some(DRAction::Relocate), DR1);
    while bed.status().progression.is_none_or(|p| p != ProgressionStatus::EnsuringVolumesAreSecondary) {
        bed.step();
        bed.comply();
    }
    // The record of a secondary bears the action with which it was turned last.
    bed.vrg(DR1).spec.action = Some(DRAction::Relocate);
    let mut bed = restored(bed);
    bed.run();
    assert_eq!(bed.summary(), "Relocated/Completed Available=True PeerReady=True Protected=True");
}

#[test]
fn where_both_copies_are_secondary_the_user_has_a_way_out() {
    let mut bed = Bed::failed_over();
    bed.ask(Some(DRAction::Relocate), DR1);
    while bed.status().progression.is_none_or(|p| p != ProgressionStatus::EnsuringVolumesAreSecondary) {
        bed.step();
        bed.comply();
    }
    bed.ask(None, DR1);
    let mut bed = restored(bed);
    bed.run();
    assert!(bed.summary().starts_with("WaitForUser/Paused"), "{}", bed.summary());
    bed.ask(Some(DRAction::Failover), DR2);
    bed.run();
    assert!(bed.summary().starts_with("FailedOver/Completed Available=True PeerReady=True"), "{}", bed.summary());
}
