use std::collections::BTreeMap;

use ramen_core::{
    api::DRAction,
    intercluster::FailureClass,
    protection::{
        StorageClassFacts, VolumeId, VolumeUse,
        replication::{FinalSync, GroupRef},
    },
};
use serde_json::Value;

use super::*;

fn class(name: &str, storage_id: Option<&str>) -> StorageClassFacts {
    let labels = storage_id.map(|id| (STORAGE_ID.to_owned(), id.to_owned())).into_iter().collect();
    StorageClassFacts { name: name.into(), provisioner: "san.csi".into(), labels, parameters: BTreeMap::new() }
}

fn volume(deleting: bool, in_use: VolumeUse) -> VolumeFacts {
    VolumeFacts {
        id: VolumeId::new("app", "data"),
        uid: "u".into(),
        bound: true,
        deleting,
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
        finalizers: Vec::new(),
        access_modes: vec!["ReadWriteOnce".into()],
        volume_mode: "Filesystem".into(),
        requested: Some("1Gi".into()),
        capacity: Some("1Gi".into()),
        storage_class: Some(class("gold", Some("s1"))),
        volume: None,
        in_use,
    }
}

fn protection(interval: Option<&str>, peers: Vec<PeerClass>) -> ProtectionFacts {
    ProtectionFacts {
        scheduling_interval: interval.map(Into::into),
        classes: Vec::new(),
        peer_classes: peers,
        annotations: BTreeMap::new(),
    }
}

fn request(role: Role, action: Option<DRAction>, volume: VolumeFacts) -> ReplicationRequest {
    ReplicationRequest {
        group: GroupRef { namespace: "app".into(), name: "vrg".into(), uid: "g".into(), generation: 1, may_own: true },
        epoch: 1,
        role,
        action,
        final_sync: FinalSync::No,
        protection: protection(None, Vec::new()),
        volumes: vec![OwnedVolume { volume, consistency_group: None }],
        release: Vec::new(),
        deleting: false,
        peer_input: Value::Null,
        restore: Vec::new(),
    }
}

fn decide(role: Role, action: Option<DRAction>, volume: VolumeFacts) -> VolumeVerdict {
    let decision = NoReplication.decide(&request(role, action, volume), &DriverObservation::default());
    decision.volumes.into_values().next().unwrap()
}

/// A wrong row lets two clusters write one shared volume, or never lets a relocate finish.
#[test]
fn when_a_shared_volume_is_given_up_by_its_cluster() {
    let unknown = || VolumeUse::Unknown(Failure::new(FailureClass::TimedOut, "list of attachments"));
    let (relocate, failover) = (Some(DRAction::Relocate), Some(DRAction::Failover));
    for (role, action, deleting, in_use, state, released) in [
        (Role::Primary, None, false, VolumeUse::Pods(vec!["a".into()]), DataReady::Ready, false),
        (Role::Secondary, relocate, false, VolumeUse::Free, DataReady::Progressing, false),
        (Role::Secondary, relocate, true, VolumeUse::Free, DataReady::Replicated, true),
        (Role::Secondary, relocate, true, VolumeUse::Pods(vec!["a".into()]), DataReady::Progressing, false),
        (Role::Secondary, relocate, true, VolumeUse::Attached(vec!["n".into()]), DataReady::Progressing, false),
        (Role::Secondary, relocate, true, unknown(), DataReady::Progressing, false),
        (Role::Secondary, failover, false, VolumeUse::Free, DataReady::Replicated, true),
        (Role::Secondary, failover, false, VolumeUse::Attached(vec!["n".into()]), DataReady::Progressing, false),
        (Role::Secondary, failover, false, unknown(), DataReady::Progressing, false),
        (Role::Secondary, None, false, VolumeUse::Free, DataReady::Progressing, false),
        (Role::Test, failover, false, VolumeUse::Free, DataReady::Error, false),
    ] {
        let verdict = decide(role, action, volume(deleting, in_use.clone()));
        let row = format!("{role} {action:?} deleting {deleting} {in_use:?}");
        assert_eq!((verdict.data_ready.state, verdict.released), (state, released), "{row}");
        assert_eq!(verdict.data_protected.state == DataProtected::Protected, released, "{row}");
    }
}

#[test]
fn only_volumes_of_storage_that_both_clusters_share_are_owned() {
    let peer = |name: &str, id: &str| PeerClass {
        storage_class_name: name.into(),
        storage_id: vec![id.into()],
        ..PeerClass::default()
    };
    let free = volume(false, VolumeUse::Free);
    let mine = Claim::Own { group: None };
    assert_eq!(NoReplication.claims(&free, &protection(None, vec![])), mine);
    assert_eq!(NoReplication.claims(&free, &protection(None, vec![peer("gold", "s1")])), mine);
    for other in [
        protection(Some("5m"), vec![]),
        protection(None, vec![peer("gold", "s2")]),
        protection(None, vec![peer("silver", "s1")]),
        // The last entry of a name counts.
        protection(None, vec![peer("gold", "s1"), peer("gold", "s2")]),
    ] {
        let Claim::NotMine(why) = NoReplication.claims(&free, &other) else { panic!("owned with {other:?}") };
        assert!(why.contains("app/data"), "{why}");
    }
}

#[test]
fn classes_match_when_name_and_storage_are_the_same() {
    let on = |cluster: &str, class: StorageClassFacts| ClusterClasses {
        cluster_id: cluster.into(),
        storage_class: class,
        classes: Vec::new(),
        scheduling_interval: None,
    };
    let here = on("c1", class("gold", Some("s1")));
    let PeerMatch::Peers(peer) = NoReplication.peer_class(&here, &on("c2", class("gold", Some("s1")))) else {
        panic!("no match")
    };
    assert_eq!((peer.storage_id, peer.cluster_ids), (vec!["s1".to_owned()], vec!["c1".to_owned(), "c2".to_owned()]));
    for other in [class("gold", Some("s2")), class("silver", Some("s1")), class("gold", None), class("gold", Some(""))]
    {
        assert!(matches!(NoReplication.peer_class(&here, &on("c2", other.clone())), PeerMatch::No(_)), "{other:?}");
    }
}
