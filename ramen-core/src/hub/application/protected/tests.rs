use super::*;
use crate::{
    api::ReplicationState,
    hub::application::{
        bed::{self, Bed, DR1},
        conditions,
    },
};

fn primary() -> VolumeReplicationGroup {
    bed::vrg(DR1, ReplicationState::Primary, State::Primary, 1)
}

fn with(mut vrg: VolumeReplicationGroup, type_: &str, status: &str, reason: &str) -> VolumeReplicationGroup {
    let generation = vrg.metadata.generation;
    let list = &mut vrg.status.as_mut().unwrap().conditions;
    conditions::set(list, type_, status, reason, "as it is", jiff::Timestamp::UNIX_EPOCH);
    list.iter_mut().filter(|c| c.type_ == type_).for_each(|c| c.observed_generation = generation);
    vrg
}

fn without(mut vrg: VolumeReplicationGroup, type_: &str) -> VolumeReplicationGroup {
    vrg.status.as_mut().unwrap().conditions.retain(|c| c.type_ != type_);
    vrg
}

fn of(vrg: &VolumeReplicationGroup) -> (&'static str, &'static str) {
    let verdict = verdict(vrg, &DR1.into(), None, true);
    (verdict.status, verdict.reason)
}

#[test]
fn a_primary_is_protected_only_if_nothing_objects() {
    let (yes, unknown) = (("True", "Protected"), ("Unknown", "Unknown"));
    let (error, progress) = (("False", "Error"), ("False", "Progressing"));
    let mut unsynced = primary();
    unsynced.status.as_mut().unwrap().last_group_sync_time = None;
    let mut other_state = primary();
    other_state.status.as_mut().unwrap().state = Some(State::Secondary);
    for (what, vrg, expected) in [
        ("all is well", primary(), yes),
        ("a hook failed", with(primary(), vrg::HOOKS_READY, "False", vrg::REASON_HOOK_FAILED), error),
        ("a hook runs", with(primary(), vrg::HOOKS_READY, "False", "Running"), yes),
        ("restoring", with(primary(), vrg::CLUSTER_DATA_READY, "False", vrg::REASON_PROGRESSING), progress),
        ("restore failed", with(primary(), vrg::CLUSTER_DATA_READY, "False", vrg::REASON_ERROR), error),
        ("not reported", without(primary(), vrg::DATA_READY), unknown),
        ("unknown", with(primary(), vrg::DATA_READY, "Unknown", "x"), unknown),
        ("replicating", with(primary(), vrg::DATA_PROTECTED, "False", vrg::REASON_REPLICATING), yes),
        ("not replicating", with(primary(), vrg::DATA_PROTECTED, "False", vrg::REASON_PROGRESSING), progress),
        ("no destination", with(primary(), vrg::DESTINATION_INFO_AVAILABLE, "False", "x"), progress),
        ("conflict not reported", without(primary(), vrg::NO_CLUSTER_DATA_CONFLICT), unknown),
        (
            "conflict",
            with(primary(), vrg::NO_CLUSTER_DATA_CONFLICT, "False", vrg::REASON_CLUSTER_DATA_CONFLICT_PRIMARY),
            error,
        ),
        ("another state", other_state, progress),
        ("never synced", unsynced, progress),
        ("uploading", with(primary(), vrg::CLUSTER_DATA_PROTECTED, "False", vrg::REASON_UPLOADING), progress),
        ("upload failed", with(primary(), vrg::CLUSTER_DATA_PROTECTED, "False", vrg::REASON_UPLOAD_ERROR), error),
    ] {
        assert_eq!(of(&vrg), expected, "{what}");
    }
}

#[test]
fn what_is_about_an_older_spec_protects_nothing() {
    let mut stale = primary();
    stale.metadata.generation = Some(9);
    assert_eq!(of(&stale), ("Unknown", "Unknown"));
}

#[test]
fn the_real_cause_is_named_before_metadata_that_are_not_in_every_store() {
    let vrg = with(primary(), vrg::CLUSTER_DATA_PROTECTED, "False", vrg::REASON_UPLOAD_ERROR);
    let vrg = with(vrg, vrg::DATA_READY, "False", vrg::REASON_PROGRESSING);
    let message = verdict(&vrg, &DR1.into(), None, true).message;
    assert_eq!(
        message,
        "VolumeReplicationGroup (app/busybox) on cluster dr1 is progressing on readying workload data (as it is), retrying \
         till DataReady condition is met"
    );
}

#[test]
fn a_secondary_after_a_failover_may_still_be_resynchronizing() {
    let secondary = bed::vrg(DR1, ReplicationState::Secondary, State::Secondary, 1);
    let vrg = with(secondary, vrg::DATA_READY, "False", vrg::REASON_REPLICATING);
    assert_eq!(of(&vrg), ("False", "Progressing"));
    assert_eq!(verdict(&vrg, &DR1.into(), Some(DRAction::Failover), true).status, "True");
    assert_eq!(verdict(&vrg, &DR1.into(), Some(DRAction::Failover), false).status, "False");
}

#[test]
fn an_application_whose_cluster_does_not_answer_is_not_called_protected() {
    let mut bed = Bed::deployed();
    bed.cut(DR1);
    bed.run();
    assert_eq!(bed.summary(), "Deployed/Completed Available=True PeerReady=True Protected=Unknown");
    assert!(bed.message("Protected").starts_with("Missing VolumeReplicationGroup status from cluster dr1"));
}
