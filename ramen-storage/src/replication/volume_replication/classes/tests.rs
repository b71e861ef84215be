use super::{
    super::samples::{PROVISIONER, class, peer, protection, storage_class, volume},
    *,
};
use ramen_core::protection::VolumeUse;

const IDS: [(&str, &str); 2] = [(STORAGE_ID, "s1"), (REPLICATION_ID, "r1")];

fn free() -> VolumeFacts {
    volume(false, VolumeUse::Free)
}

/// A volume claimed wrongly is replicated twice or not at all.
#[test]
fn which_volumes_are_replicated_one_by_one() {
    let with = |change: &dyn Fn(&mut VolumeFacts, &mut ProtectionFacts)| {
        let (mut volume, mut protection) = (free(), protection());
        change(&mut volume, &mut protection);
        replicates(&volume, &protection)
    };
    assert_eq!(with(&|_, _| {}), Ok(()));
    assert_eq!(with(&|_, p| p.peer_classes.clear()), Ok(()), "as before peer classes: by the provisioner");
    type Change<'a> = &'a dyn Fn(&mut VolumeFacts, &mut ProtectionFacts);
    let refused: [(&str, Change<'_>); 13] = [
        ("synchronously", &|_, p| p.scheduling_interval = None),
        ("asks for VolSync", &|_, p| p.annotations = map(&[(USE_VOLSYNC, "true")])),
        ("not named", &|v, _| v.storage_class = None),
        ("provisioner", &|_, p| {
            p.peer_classes.clear();
            p.classes.clear();
        }),
        ("no label", &|v, _| v.storage_class = Some(storage_class(&[]))),
        ("no peer class", &|v, _| v.storage_class = Some(storage_class(&[(STORAGE_ID, "s3")]))),
        ("no peer class", &|_, p| p.peer_classes[0].storage_class_name = "silver".into()),
        ("means of its own", &|_, p| p.peer_classes[0].offloaded = true),
        ("means of its own", &|v, _| v.storage_class = Some(storage_class(&[(STORAGE_ID, "s1"), (OFFLOADED, "")]))),
        ("consistency groups", &|_, p| p.peer_classes[0].grouping = true),
        ("no replication id in common", &|_, p| p.peer_classes[0].replication_id.clear()),
        ("no selected", &|_, p| p.peer_classes[0].replication_id = "r9".into()),
        ("no selected", &|_, p| p.classes[0].kind = "VolumeGroupReplicationClass".into()),
    ];
    for (why, change) in refused {
        let error = with(change).unwrap_err();
        assert!(error.contains(why), "{why}: {error}");
    }
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    super::super::samples::map(pairs)
}

/// A wrong class replicates to the wrong place, or at the wrong interval, and can never be changed.
#[test]
fn which_class_replicates_a_volume() {
    let choose_of = |classes: Vec<ClassFacts>| choose(&free(), &ProtectionFacts { classes, ..protection() });
    let default = |mut one: ClassFacts| {
        one.annotations = map(&[(DEFAULT_CLASS, "true")]);
        one
    };
    let (a, b) = (|| class("a", &IDS), || class("b", &IDS));
    assert_eq!(choose_of(vec![a()]), Ok("a".into()));
    assert_eq!(choose_of(vec![a(), default(b())]), Ok("b".into()));
    for ambiguous in [vec![a(), b()], vec![default(a()), default(b())]] {
        let error = choose_of(ambiguous).unwrap_err();
        assert!(error.contains("VolumeReplicationClass a, VolumeReplicationClass b"), "{error}");
    }
    let hourly = ClassFacts { parameters: map(&[(PARAMETER_SCHEDULING_INTERVAL, "1h")]), ..a() };
    let foreign = ClassFacts { provisioner: "other".into(), ..a() };
    let elsewhere = class("c", &[(STORAGE_ID, "s1"), (REPLICATION_ID, "r2")]);
    let unlabelled = class("c", &[]);
    for unfit in [hourly, foreign, elsewhere, unlabelled.clone()] {
        let error = choose_of(vec![unfit]).unwrap_err();
        assert!(error.contains("match provisioner and schedule") && error.contains(PROVISIONER), "{error}");
    }
    let mut labelled = free();
    labelled.storage_class = Some(storage_class(&[(STORAGE_ID, "s1"), (REPLICATION_ID, "r2")]));
    let both = ProtectionFacts {
        classes: vec![a(), class("two", &[(STORAGE_ID, "s1"), (REPLICATION_ID, "r2")])],
        ..protection()
    };
    assert_eq!(choose(&labelled, &both), Ok("two".into()), "the label of the StorageClass decides");
    let before_peers = ProtectionFacts { classes: vec![unlabelled], peer_classes: Vec::new(), ..protection() };
    assert_eq!(choose(&free(), &before_peers), Ok("c".into()));
}

/// A wrong pair promises protection that no cluster can give.
#[test]
fn which_classes_of_two_clusters_are_peers() {
    let side = |cluster: &str, storage: &str| ClusterClasses {
        cluster_id: cluster.into(),
        storage_class: storage_class(&[(STORAGE_ID, storage)]),
        classes: vec![
            class("x", &[(STORAGE_ID, storage)]),
            class("y", &[(STORAGE_ID, storage), (REPLICATION_ID, "r1")]),
        ],
        scheduling_interval: Some("5m".into()),
    };
    let expected = PeerClass { cluster_ids: vec!["c1".into(), "c2".into()], ..peer() };
    assert_eq!(peers(&side("c1", "s1"), &side("c2", "s2")), Ok(expected.clone()));
    type Change<'a> = &'a dyn Fn(&mut ClusterClasses, &mut ClusterClasses);
    let group = |labels: &[(&str, &str)]| ClassFacts { kind: GROUP_CLASS.into(), ..class("g", labels) };
    let grouped: Change<'_> = &|a, b| {
        a.classes.push(group(&[(STORAGE_ID, "s1"), (GROUP_REPLICATION_ID, "g1")]));
        b.classes.push(group(&[(STORAGE_ID, "s2"), (GROUP_REPLICATION_ID, "g1")]));
    };
    let refused: [(&str, Change<'_>); 11] = [
        ("no scheduling interval", &|a, b| (a.scheduling_interval, b.scheduling_interval) = (None, None)),
        ("differ in name", &|_, b| b.storage_class.name = "silver".into()),
        ("lacks the label", &|a, _| a.storage_class.labels.clear()),
        ("same storage", &|_, b| b.storage_class = storage_class(&[(STORAGE_ID, "s1")])),
        ("means of its own", &|_, b| drop(b.storage_class.labels.insert(OFFLOADED.into(), String::new()))),
        ("same ramendr.openshift.io/replicationid", &|_, b| b.classes.clear()),
        ("replicationid on both", &|a, _| a.classes[1].labels = map(&[(STORAGE_ID, "s1"), (REPLICATION_ID, "")])),
        ("replicationid on both", &|_, b| b.classes[1].labels = map(&[(STORAGE_ID, "s9"), (REPLICATION_ID, "r1")])),
        ("replicationid on both", &|_, b| b.classes[1].parameters.clear()),
        ("replicationid on both", &|a, _| a.classes[1].provisioner = "other".into()),
        ("in groups, as g1", grouped),
    ];
    for (why, change) in refused {
        let (mut a, mut b) = (side("c1", "s1"), side("c2", "s2"));
        change(&mut a, &mut b);
        let error = peers(&a, &b).unwrap_err();
        assert!(error.contains(why), "{why}: {error}");
    }
    let (mut a, mut b) = (side("c1", "s1"), side("c2", "s2"));
    grouped(&mut a, &mut b);
    a.storage_class.labels.insert(GROUP_REPLICATION_ID.into(), "g2".into());
    assert_eq!(peers(&a, &b), Ok(expected), "the group of another pool");
}
