use super::{
    super::bed::{Bed, DR1, DR2, events, writes},
    *,
};
use crate::api::DRAction;

#[test]
fn a_first_deployment_protects_before_it_places_and_ends_with_a_peer_that_is_ready() {
    let mut bed = Bed::new();
    let plan = bed.run();
    assert_eq!(
        writes(&plan),
        [
            "patch",
            "claim",
            "patch",
            "status Deploying/CreatingMW",
            "ns dr1",
            "vrg dr1 primary 1",
            "decisions [dr1]",
            "ns dr2",
            "vrg dr2 secondary 1",
            "patch",
            "status Deployed/Completed",
            "status Deployed/Completed",
        ],
        "{plan}"
    );
    assert_eq!(events(&plan), ["DRPCDeploying", "DRPCDeploySuccess"]);
    assert_eq!(bed.summary(), "Deployed/Completed Available=True PeerReady=True Protected=True");
    assert_eq!(plan.waits, []);
}

#[test]
fn a_failover_retains_the_old_cluster_until_it_is_secondary_and_places_only_what_is_ready() {
    let mut bed = Bed::deployed();
    bed.ask(Some(DRAction::Failover), DR2);
    let plan = bed.run();
    assert_eq!(
        writes(&plan),
        [
            "patch",
            "status FailingOver/FailingOverToCluster",
            "decisions [(dr1)]",
            "vrg dr2 primary 2",
            "decisions [(dr1) dr2]",
            "vrg dr1 secondary 2",
            "patch",
            "status FailedOver/Cleaning Up",
            "decisions [dr2]",
            "status FailedOver/Completed",
        ],
        "{plan}"
    );
    assert_eq!(events(&plan), ["DRPCFailingOver", "DRPCFailoverSuccess"]);
    assert_eq!(bed.summary(), "FailedOver/Completed Available=True PeerReady=True Protected=True");
}

#[test]
fn a_relocation_stops_the_application_before_the_last_writes_are_sent_and_demotes_before_it_promotes() {
    let mut bed = Bed::failed_over();
    bed.ask(Some(DRAction::Relocate), DR1);
    let plan = bed.run();
    assert_eq!(
        writes(&plan),
        [
            "vrg dr2 primary 2 prepare",
            "status Initiating/PreparingFinalSync",
            "patch",
            "status Relocating/ClearingPlacement",
            "decisions []",
            "vrg dr2 primary 2 run",
            "status Relocating/RunningFinalSync",
            "vrg dr2 secondary 2",
            "status Relocating/EnsuringVolumesAreSecondary",
            "vrg dr1 primary 3",
            "status Relocating/EnsuringVolumesAreSecondary",
            "decisions [dr1]",
            "patch",
            "status Relocated/Completed",
        ],
        "{plan}"
    );
    assert_eq!(events(&plan), ["DRPCRelocating", "DRPCRelocationSuccess"]);
    assert_eq!(bed.summary(), "Relocated/Completed Available=True PeerReady=True Protected=True");
}

#[test]
fn a_removal_takes_the_secondary_first_and_leaves_placement_and_namespaces() {
    let mut bed = Bed::deployed();
    bed.now.drpc.metadata.deletion_timestamp = Some(Time(bed.now.now));
    let plan = bed.run();
    assert_eq!(
        writes(&plan),
        [
            "status Deleting/Deleting",
            "delete vrg dr2",
            "delete vrg dr1",
            "orphan ns dr1",
            "orphan ns dr2",
            "release",
            "patch"
        ],
        "{plan}"
    );
    assert_eq!(bed.decisions(), "dr1");
    assert_eq!(bed.now.drpc.metadata.finalizers, Some(vec![]));
}

#[test]
fn an_application_at_rest_has_nothing_done_to_it() {
    for mut bed in [Bed::deployed(), Bed::failed_over()] {
        let before = bed.now.clone();
        let plan = bed.run();
        assert_eq!(plan.steps, []);
        assert_eq!(bed.now, before);
    }
}

#[test]
fn a_plan_reads_as_what_is_done_and_what_is_waited_for() {
    let mut bed = Bed::deployed();
    bed.cut(DR1);
    bed.ask(Some(DRAction::Failover), DR2);
    let text = plan(&bed.now).to_string();
    for part in [
        "ask cluster dr2 for the VolumeReplicationGroup as primary (epoch 2)",
        "because the copy on cluster dr2 is a settled secondary, seen just now",
        "... the VolumeReplicationGroup of cluster dr2 to take over as primary",
        "still waits for the VolumeReplicationGroup of cluster dr1 to be secondary: it is not known: the cluster cannot be reached",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

#[test]
fn an_observation_and_its_decision_survive_being_recorded() {
    let mut bed = Bed::deployed();
    bed.ask(Some(DRAction::Failover), DR2);
    let text = serde_json::to_string(&bed.now).unwrap();
    let again: Observation = serde_json::from_str(&text).unwrap();
    assert_eq!(decide(&again), decide(&bed.now));
    let text = serde_json::to_string(&plan(&bed.now)).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan(&bed.now));
}
