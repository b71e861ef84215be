//! Formulas against the examples of RamenDR's own tests and of its documentation; the registry against the source.

use std::{fs, path::Path};

use serde_json::json;

use super::{
    all, annotations, hashes,
    object_names::{hub, transport, velero, volrep, volsync},
    s3_keys,
};

/// A user would lose the golden list's promise: a topic that is not listed could change unseen.
#[test]
fn every_file_that_declares_names_is_a_topic() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/api/names");
    let mut declared = Vec::new();
    for folder in [root.clone(), root.join("conditions"), root.join("object_names")] {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let declares = path.extension().is_some_and(|extension| extension == "rs")
                && fs::read_to_string(&path).unwrap().contains("names! {");
            if declares {
                let relative = path.strip_prefix(&root).unwrap().with_extension("");
                declared.push(relative.to_str().unwrap().replace('/', "::"));
            }
        }
    }
    declared.retain(|topic| topic != "tests");
    declared.sort();
    let mut listed: Vec<_> = super::TOPICS.iter().map(|(topic, _)| (*topic).to_owned()).collect();
    listed.sort();
    assert_eq!(declared, listed);
}

/// A user would find an object under two constants that drift apart, or a name with a stray blank.
#[test]
fn names_are_unique_within_a_topic_and_clean() {
    let names: Vec<_> = all().collect();
    for (at, name) in names.iter().enumerate() {
        assert_eq!(name.value.trim(), name.value, "{name:?}");
        assert!(!name.value.is_empty(), "{name:?}");
        let twin = names[..at].iter().find(|other| other.topic == name.topic && other.constant == name.constant);
        assert_eq!(twin, None, "declared twice");
    }
}

/// Keys must be valid qualified names, or the API server refuses the object that carries them.
#[test]
fn label_and_annotation_keys_fit_the_api() {
    for name in all().filter(|name| matches!(name.topic, "labels" | "annotations") && name.value.contains('/')) {
        let (prefix, key) = name.value.split_once('/').unwrap();
        assert!(prefix.len() <= 253 && !key.is_empty() && key.len() <= 63 && !key.contains('/'), "{name:?}");
    }
}

#[test]
fn hashes_are_the_published_ones() {
    assert_eq!(hashes::crc32_hex("123456789"), "cbf43926");
    assert_eq!(hashes::crc32_hex(""), "00000000");
    assert_eq!(hashes::md5_hex("message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
    assert_eq!(hashes::sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/// Groups found by the value RamenDR computed would be lost, and replication would start anew.
#[test]
fn consistency_group_is_ramens() {
    let storage_id = "496eec7b8b195d78d2265f7550fba723";
    for (namespace, expected) in [
        ("busybox-box-appT", "busybox-box-appT-496eec7b8b195d78d2265f7550fba723"),
        ("busybox-box-appppppppXppppT", "busybox-box-appppppppXppppT-496eec7b8b195d78d2265f7550fba723"),
        ("busybox-box-appppppppXppppddffghT", "10011fcc-496eec7b8b195d78d2265f7550fba723"),
        (
            "busybox-box-appppppppXppppppppppppppppppppppppppppppppppppppppppppppppT",
            "ce2e9aed-496eec7b8b195d78d2265f7550fba723",
        ),
    ] {
        assert_eq!(volsync::consistency_group(namespace, storage_id), expected);
    }
    let long_id = "111111111111111111111111111111111111111496eec7b8b195d78d2265f7550fba723";
    let long_namespace = "busybox-box-appppppppXppppppppppppppppppppppppppppppppppppppppppppppppT";
    assert_eq!(volsync::consistency_group(long_namespace, long_id), "ce2e9aed-5b7c8892");
}

#[test]
fn consistency_group_changes_form_at_63_and_62_bytes() {
    assert_eq!(volsync::consistency_group("ns", &"s".repeat(60)).len(), 63);
    assert_eq!(
        volsync::consistency_group("ns", &"s".repeat(61)),
        format!("{}-{}", hashes::crc32_hex("ns"), "s".repeat(61))
    );
    let both = format!("{}-{}", hashes::crc32_hex("ns"), hashes::crc32_hex(&"s".repeat(62)));
    assert_eq!(volsync::consistency_group("ns", &"s".repeat(62)), both);
}

/// The address that a ReplicationSource dials would not exist.
#[test]
fn services_and_jobs_are_shortened_as_volsync_does() {
    let long = "long-pvc-name-50-chars-00000000000000000000000000000000000000";
    assert_eq!(volsync::destination_service(long), "volsync-rsync-tls-dst-6e0c095d");
    assert_eq!(volsync::destination_service("normal-pvc-name"), "volsync-rsync-tls-dst-normal-pvc-name");
    assert_eq!(volsync::diff_destination_service(long), "ceph-volsync-dst-6e0c095d");
    assert_eq!(volsync::mount_job(long), "volsync-pvc-mount-6e0c095d");
    assert_eq!(volsync::source_mover_job("a"), "volsync-rsync-tls-src-a");
    let at_limit = "p".repeat(63 - "volsync-rsync-tls-dst-".len());
    assert_eq!(volsync::destination_service(&at_limit).len(), 63);
    assert_eq!(
        volsync::clusterset_address(&volsync::destination_service("data"), "app"),
        "volsync-rsync-tls-dst-data.app.svc.clusterset.local"
    );
}

#[test]
fn group_names_are_lower_case_cut_at_63_and_never_end_in_a_separator() {
    assert_eq!(volrep::volume_group_replication("GRP-1", "My-App"), "vgr-grp-1-my-app");
    assert_eq!(volrep::global_volume_group_replication("GID"), "global-gid");
    let long = "54a5f0ff705e7f7d94338c65839890abapp-busybox-rbd-1-cg-placement---------------..--";
    assert_eq!(hashes::trim_to_label_length(long), "54a5f0ff705e7f7d94338c65839890abapp-busybox-rbd-1-cg-placement");
    assert_eq!(hashes::trim_to_label_length("short-."), "short-.", "only what was cut is trimmed");
    assert_eq!(hashes::trim_to_label_length(&"-".repeat(70)), "");
    assert_eq!(hashes::trim_to_label_length(&"é".repeat(40)).len(), 62, "a character is never split");
}

/// The hub would deliver the pre-shared key twice, or not find it again.
#[test]
fn psk_policy_is_hashed_only_when_it_must_be() {
    let fits = "d".repeat(62 - "ns".len() - "-vs-secret".len());
    assert_eq!(hub::psk_propagation(&fits, "ns"), format!("{fits}-vs-secret"));
    let over = format!("{fits}d");
    let hashed = format!("vs-secret-{}", hashes::md5_hex(&format!("{over}-vs-secret")));
    assert_eq!(hub::psk_propagation(&over, "ns"), hashed);
    assert_eq!(
        hub::propagation_policy_cut(&"x".repeat(40), 20),
        format!("vs-secret-{}", &hashes::md5_hex(&"x".repeat(40))[..10])
    );
    assert_eq!(
        hub::propagation_policy_cut(&"x".repeat(40), 13),
        "x".repeat(40),
        "too short a limit leaves the name alone"
    );
    assert_eq!(hub::psk_propagation("app", &"n".repeat(63)), "app-vs-secret");
}

#[test]
fn s3_secret_limit_counts_the_point_and_the_v() {
    assert!(!hub::s3_secret_name_too_long(&"s".repeat(51), &"n".repeat(10)));
    assert!(hub::s3_secret_name_too_long(&"s".repeat(52), &"n".repeat(10)));
}

/// Two applications fight over one object unless its owner is looked at: the formulas cannot tell them apart, and must
/// not.
#[test]
fn joined_names_are_ambiguous_on_purpose() {
    assert_eq!(transport::vrg_work("a-b", "c"), transport::vrg_work("a", "b-c"));
    assert_eq!(velero::capture("a--b", "c", 0, "g", "p"), velero::capture("a", "b--c", 0, "g", "p"));
}

#[test]
fn views_give_their_object_back() {
    use transport::ViewKind;
    assert_eq!(transport::view("demo", Some("ramen"), ViewKind::Vrg), "demo-ramen-vrg-mcv");
    for kind in ViewKind::ALL {
        assert_eq!(transport::viewed_name(&transport::view("rook-ceph-block", None, kind)), Some("rook-ceph-block"));
    }
    assert_eq!(transport::viewed_name("-sc-mcv"), None);
    assert_eq!(transport::viewed_name("mcv"), None);
}

#[test]
fn fences_are_named_with_and_without_a_class() {
    assert_eq!(transport::network_fence("dr1", None), "network-fence-dr1");
    assert_eq!(transport::network_fence("dr1", Some("ceph")), "network-fence-ceph-dr1");
    assert_eq!(transport::network_fence_work("dr1", None, "dr2"), "dr1-dr2-nf-mw");
    assert_eq!(transport::network_fence_work("dr1", Some("ceph"), "dr2"), "dr1-ceph-dr2-nf-mw");
}

/// Metadata stored by RamenDR would not be found at a failover.
#[test]
fn s3_keys_are_ramens() {
    assert_eq!(s3_keys::pv("ns", "vrg", "pv1"), "ns/vrg/v1.PersistentVolume/pv1");
    assert_eq!(s3_keys::pvc("ns", "vrg", "app", "data"), "ns/vrg/v1.PersistentVolumeClaim/app/data");
    assert_eq!(s3_keys::legacy_pvc("ns", "vrg", "data"), "ns/vrg/v1.PersistentVolumeClaim/data");
    assert_eq!(s3_keys::vrg("ns", "vrg"), "ns/vrg/v1alpha1.VolumeReplicationGroup/a");
    assert_eq!(s3_keys::vgr("ns", "vrg", "app", "vgr-1"), "ns/vrg/v1alpha1.VolumeGroupReplication/app/vgr-1");
    assert_eq!(s3_keys::vgr_content("ns", "vrg", "c"), "ns/vrg/v1alpha1.VolumeGroupReplicationContent/c");
    assert_eq!(s3_keys::velero_prefix("ns", "vrg", 1), "ns/vrg/kube-objects/1/velero/");
    assert_eq!(s3_keys::velero_backup("ns", "vrg", 0, "b"), "ns/vrg/kube-objects/0/velero/backups/b/");
}

#[test]
fn type_prefixes_do_not_overlap() {
    let volumes = s3_keys::type_prefix("ns", "vrg", s3_keys::TYPE_PV);
    assert!(!s3_keys::pvc("ns", "vrg", "app", "data").starts_with(&volumes));
    let groups = s3_keys::type_prefix("ns", "vrg", s3_keys::TYPE_VGR);
    assert!(!s3_keys::vgr_content("ns", "vrg", "c").starts_with(&groups));
}

/// A namespace that contains the VRG's name is taken apart by segments, not by search.
#[test]
fn a_key_gives_its_vrg_back() {
    assert_eq!(s3_keys::vrg_of(&s3_keys::vrg("app-app", "app")), Some(("app-app", "app")));
    assert_eq!(s3_keys::vrg_of("ns/vrg/"), Some(("ns", "vrg")));
    for bad in ["", "ns", "ns/vrg", "/drcluster", "//x", "ns//x"] {
        assert_eq!(s3_keys::vrg_of(bad), None, "{bad:?}");
    }
}

/// Every PVC would be uploaded anew on each pass if the mark depended on the order of keys.
#[test]
fn archive_marks_do_not_depend_on_the_order_of_keys() {
    let spec = json!({ "volumeName": "pv", "accessModes": ["ReadWriteOnce"], "note": "<a&b>" });
    let turned = json!({ "note": "<a&b>", "accessModes": ["ReadWriteOnce"], "volumeName": "pv" });
    let text = r#"{"spec":{"accessModes":["ReadWriteOnce"],"note":"\u003ca\u0026b\u003e","volumeName":"pv"}}"#;
    assert_eq!(annotations::archived_pvc(&spec), hashes::sha256_hex(text));
    assert_eq!(annotations::archived_pvc(&spec), annotations::archived_pvc(&turned));
    assert_eq!(annotations::archived_generation(3), "archiveV1-3");
}
