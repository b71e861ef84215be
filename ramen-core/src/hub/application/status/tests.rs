use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::{
    api::{DRAction, Duration, ProtectedPVC},
    hub::application::bed::{Bed, DR1, DR2, writes},
};

#[test]
fn a_new_sync_time_is_shown_by_one_write_and_nothing_else_is_done() {
    let mut bed = Bed::deployed();
    let time = Time(jiff::Timestamp::from_second(1_000_300).unwrap());
    let status = bed.vrg(DR1).status.as_mut().unwrap();
    status.last_group_sync_time = Some(time.clone());
    status.last_group_sync_duration = Some(Duration::from_secs(3));
    status.last_group_sync_bytes = Some(0);
    assert_eq!(writes(&bed.run()), ["status Deployed/Completed"]);
    let status = bed.status();
    assert_eq!(status.last_group_sync_time, Some(time));
    assert_eq!(status.last_group_sync_duration, Some(Duration::from_secs(3)));
    assert_eq!(status.last_group_sync_bytes, Some(0), "zero bytes is a transfer of nothing, not an unknown one");
}

#[test]
fn the_last_sync_of_a_primary_that_stops_reporting_during_a_relocation_still_holds() {
    let mut bed = Bed::failed_over();
    let before = bed.status().last_group_sync_time;
    assert!(before.is_some());
    bed.ask(Some(DRAction::Relocate), DR1);
    bed.vrg(DR2).status.as_mut().unwrap().last_group_sync_time = None;
    bed.stay();
    assert_eq!(bed.status().last_group_sync_time, before);
}

#[test]
fn a_conflict_on_the_peer_is_a_conflict_of_the_application_and_does_not_flap() {
    let mut bed = Bed::deployed();
    bed.condition(DR2, "NoClusterDataConflict", "False", "ClusterDataConflictSecondary");
    bed.stay();
    assert!(bed.summary().ends_with("Protected=False"), "{}", bed.summary());
    assert!(bed.message("Protected").contains("conflicting workload data"));
    assert_eq!(bed.stay().steps, []);
}

#[test]
fn the_volumes_of_the_running_primary_are_listed() {
    let mut bed = Bed::deployed();
    bed.vrg(DR1).status.as_mut().unwrap().protected_pvcs =
        vec![ProtectedPVC { name: "data".into(), ..ProtectedPVC::default() }];
    bed.run();
    let shown = bed.status().resource_conditions.resource_meta;
    assert_eq!((shown.kind.as_str(), shown.name.as_str()), ("VolumeReplicationGroup", "busybox"));
    assert_eq!(shown.protected_pvcs, ["data"]);
}

#[test]
fn times_of_an_action_are_those_of_its_start_and_its_end() {
    let mut bed = Bed::deployed();
    let start = bed.now.now;
    bed.ask(Some(DRAction::Failover), DR2);
    bed.step();
    assert_eq!(bed.status().action_start_time, Some(Time(start)));
    assert_eq!(bed.status().action_duration, None);
    bed.comply();
    bed.now.now = start + jiff::SignedDuration::from_secs(90);
    bed.run();
    assert_eq!(bed.status().action_start_time, Some(Time(start)));
    assert_eq!(bed.status().action_duration, Some(Duration::from_secs(90)));
    bed.now.now = start + jiff::SignedDuration::from_secs(900);
    assert_eq!(bed.run().steps, [], "fixed once");
}
