use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use crate::{
    api::{
        ClusterMaintenanceMode, DRAction, DRClusterStatus, Identifier, MMode, MModeState, PeerClass, ProtectedPVC,
        ReplicationState, State,
    },
    decision::{Item, Sight},
    hub::application::{
        Stored, StoredGroup,
        bed::{self, Bed, DR1, DR2, unreachable, writes},
    },
    intercluster::{Failure, FailureClass},
    protection::cluster_data::Epoch,
};

fn condition(type_: &str, status: &str, generation: i64) -> Condition {
    Condition {
        type_: type_.into(),
        status: status.into(),
        reason: "r".into(),
        message: String::new(),
        observed_generation: Some(generation),
        last_transition_time: Time(jiff::Timestamp::UNIX_EPOCH),
    }
}

fn set_status(bed: &mut Bed, cluster: &str, status: DRClusterStatus) {
    match &mut bed.facts(cluster).drcluster {
        Item::Read(Sight::Found(drcluster)) => drcluster.status = Some(status),
        other => panic!("{other:?}"),
    }
}

fn promotes(bed: &mut Bed) -> bool {
    writes(&bed.run()).iter().any(|line| line.starts_with("vrg dr2 primary 2"))
}

#[test]
fn shared_storage_is_taken_over_only_once_the_old_cluster_is_fenced_by_its_present_spec() {
    for (status, generation, allowed) in
        [(None, 1, false), (Some("False"), 1, false), (Some("True"), 0, false), (Some("True"), 1, true)]
    {
        let mut bed = Bed::new();
        let policy = bed.policy();
        policy.spec.scheduling_interval = String::new();
        let found = policy.status.as_mut().unwrap();
        found.async_.peer_classes.clear();
        found.sync.peer_classes = vec![PeerClass { storage_class_name: "block".into(), ..PeerClass::default() }];
        bed.run();
        assert!(bed.vrg(DR1).spec.sync.is_some() && bed.vrg(DR1).spec.async_.is_none());
        bed.ask(Some(DRAction::Failover), DR2);
        if let Some(status) = status {
            let conditions = vec![condition("Fenced", status, generation)];
            set_status(&mut bed, DR1, DRClusterStatus { conditions, ..DRClusterStatus::default() });
        }
        assert_eq!(promotes(&mut bed), allowed, "{status:?} {generation}");
        if !allowed {
            assert!(bed.summary().starts_with("FailingOver/WaitForFencing Available=False"), "{}", bed.summary());
            assert_eq!(bed.decisions(), DR1, "the application is not touched before");
        }
    }
}

/// A deployed application whose volume's storage wants to be told of a failover.
fn demanding() -> Bed {
    let mut bed = Bed::deployed();
    bed.vrg(DR1).status.as_mut().unwrap().protected_pvcs = vec![ProtectedPVC {
        name: "data".into(),
        storage_provisioner: "csi".into(),
        replication_id: Identifier { id: "r1".into(), modes: vec![MMode::Failover] },
        ..ProtectedPVC::default()
    }];
    bed.ask(Some(DRAction::Failover), DR2);
    bed
}

fn told(bed: &mut Bed, target: &str, status: &str) {
    let mode = ClusterMaintenanceMode {
        storage_provisioner: "csi".into(),
        target_id: target.into(),
        state: MModeState::Completed,
        conditions: vec![condition("FailoverActivated", status, 1)],
    };
    set_status(bed, DR2, DRClusterStatus { maintenance_modes: vec![mode], ..DRClusterStatus::default() });
}

#[test]
fn storage_that_wants_to_be_told_of_a_failover_has_to_confirm_it() {
    for (mode, allowed) in
        [(None, false), (Some(("other", "True")), false), (Some(("r1", "False")), false), (Some(("r1", "True")), true)]
    {
        let mut bed = demanding();
        if let Some((target, status)) = mode {
            told(&mut bed, target, status);
        }
        assert_eq!(promotes(&mut bed), allowed, "{mode:?}");
        if !allowed {
            let summary = bed.summary();
            assert!(
                summary.starts_with("FailingOver/WaitForStorageMaintenanceActivation Available=False"),
                "{summary}"
            );
            told(&mut bed, "r1", "True");
            assert!(promotes(&mut bed), "heals by itself");
        }
    }
}

#[test]
fn what_storage_wants_to_be_told_is_known_from_the_past_or_a_store_or_waited_for() {
    let dead = Err(Failure::new(FailureClass::Unreachable, "no route"));
    let demanded = demanding().vrg(DR1).clone();
    let stored = |epoch, vrg| Ok(StoredGroup { epoch: Epoch(epoch), vrg: Some(vrg) });
    let undemanding = bed::vrg(DR1, ReplicationState::Primary, State::Primary, 0);
    for (what, sight, stores, allowed) in [
        ("seen long ago", Sight::Stale(Some(demanded.clone())), vec![dead.clone()], false),
        ("in a store", unreachable(DR1), vec![dead.clone(), stored(1, demanded.clone())], false),
        ("a newer one in a store", unreachable(DR1), vec![stored(0, undemanding.clone()), stored(1, demanded)], false),
        ("nothing asked for", unreachable(DR1), vec![dead.clone(), stored(1, undemanding)], true),
        ("not known", unreachable(DR1), vec![dead, Ok(StoredGroup::default())], false),
        ("there is none", unreachable(DR1), vec![Ok(StoredGroup::default())], true),
    ] {
        let mut bed = demanding();
        bed.sees(DR1, sight);
        bed.now.stored =
            Item::Read(stores.into_iter().map(|content| Stored { profile: "p".into(), content }).collect());
        assert_eq!(promotes(&mut bed), allowed, "{what}");
    }
}
