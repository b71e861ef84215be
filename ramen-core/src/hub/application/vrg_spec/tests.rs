use super::*;
use crate::{
    api::{ProtectedPVC, names::labels},
    hub::application::bed::{Bed, DR1, DR2},
};

fn class(storage: &str, replication: &str) -> PeerClass {
    PeerClass {
        storage_class_name: storage.into(),
        replication_id: replication.into(),
        cluster_ids: vec!["a".into(), "b".into()],
        ..PeerClass::default()
    }
}

#[test]
fn how_a_volume_is_protected_never_changes_by_what_the_storage_learns_later() {
    let reordered = PeerClass { cluster_ids: vec!["b".into(), "a".into()], ..class("block", "r2") };
    for (have, found, used, expected) in [
        (vec![], vec![], vec!["block"], vec![]),
        (vec![], vec![class("block", "r1")], vec!["block"], vec![class("block", "r1")]),
        (vec![], vec![class("block", "r1")], vec!["file"], vec![]),
        (vec![class("block", "r1")], vec![], vec!["block"], vec![class("block", "r1")]),
        (vec![class("block", "r1")], vec![reordered.clone()], vec!["block"], vec![reordered]),
        // From copying to replicating, or back: never.
        (vec![class("block", "")], vec![class("block", "r1")], vec!["block"], vec![class("block", "")]),
        (vec![class("block", "r1")], vec![class("block", "")], vec!["block"], vec![class("block", "r1")]),
        (
            vec![class("block", "r1")],
            vec![PeerClass { offloaded: true, ..class("block", "r1") }],
            vec!["block"],
            vec![class("block", "r1")],
        ),
        (
            vec![class("block", "r1")],
            vec![class("file", "r3"), class("block", "r1")],
            vec!["file", "block", "file"],
            vec![class("block", "r1"), class("file", "r3")],
        ),
    ] {
        let mut merged = have.clone();
        merge(&mut merged, &found, &used.iter().map(ToString::to_string).collect::<Vec<_>>(), false);
        assert_eq!(merged, expected, "{have:?} {found:?} {used:?}");
    }
}

#[test]
fn consistency_groups_that_are_asked_for_are_kept_when_a_class_is_renewed() {
    let mut merged = vec![PeerClass { grouping: true, ..class("block", "r1") }];
    merge(&mut merged, &[class("block", "r2")], &["block".into()], true);
    assert_eq!(merged, [PeerClass { grouping: true, ..class("block", "r2") }]);
}

#[test]
fn the_secondary_is_protected_by_the_same_means_as_the_primary() {
    let mut bed = Bed::deployed();
    bed.policy().status.as_mut().unwrap().async_.peer_classes.push(class("file", "r3"));
    let pvc = ProtectedPVC { name: "data".into(), storage_class_name: Some("file".into()), ..ProtectedPVC::default() };
    bed.vrg(DR1).status.as_mut().unwrap().protected_pvcs.push(pvc);
    bed.run();
    let classes = |vrg: &VolumeReplicationGroup| vrg.spec.async_.clone().unwrap().peer_classes;
    assert_eq!(classes(bed.vrg(DR1)).len(), 2);
    assert_eq!(classes(bed.vrg(DR1)), classes(bed.vrg(DR2)));
}

#[test]
fn the_object_says_whose_it_is_where_it_belongs_and_of_which_promotion() {
    let mut bed = Bed::deployed();
    for (cluster, role) in [(DR1, ReplicationState::Primary), (DR2, ReplicationState::Secondary)] {
        let vrg = bed.vrg(cluster).clone();
        assert_eq!(vrg.spec.replication_state, role);
        assert_eq!(vrg.spec.s3_profiles, ["s3-dr1", "s3-dr2"]);
        assert_eq!(vrg.spec.action, None);
        assert!(vrg.spec.sync.is_none() && vrg.spec.async_.is_some());
        assert_eq!(vrg.labels().get(labels::CREATED_BY_RAMEN).map(String::as_str), Some("true"));
        let expected = [
            (annotations::DESTINATION_CLUSTER, cluster),
            (annotations::DRPC_UID, "drpc-uid"),
            (annotations::EPOCH, "1"),
            (annotations::IS_CG_ENABLED, ""),
            (annotations::IS_SUBMARINER_ENABLED, ""),
            (annotations::USE_VOLSYNC, ""),
            (annotations::ENABLE_DIFF, ""),
        ];
        let expected: BTreeMap<String, String> = expected.map(|(k, v)| (k.into(), v.into())).into();
        assert_eq!(vrg.annotations(), &expected);
    }
}

#[test]
fn the_store_of_a_cluster_that_is_to_go_is_no_longer_written() {
    let mut bed = Bed::deployed();
    let now = bed.now.drpc.metadata.creation_timestamp.clone();
    if let crate::decision::Item::Read(crate::decision::Sight::Found(cluster)) = &mut bed.facts(DR2).drcluster {
        cluster.metadata.deletion_timestamp = now;
    }
    bed.run();
    assert_eq!(bed.vrg(DR1).spec.s3_profiles, ["s3-dr1"]);
}

#[test]
fn an_action_sticks_to_the_copies_until_another_one_is_asked_for() {
    let mut bed = Bed::failed_over();
    bed.ask(None, DR2);
    bed.run();
    assert_eq!(bed.vrg(DR2).spec.action, Some(DRAction::Failover));
    assert_eq!(bed.vrg(DR1).spec.action, Some(DRAction::Failover));
}
