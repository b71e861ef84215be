//! The golden list: every name and every formula that other software depends on. A difference is a change of
//! compatibility.
//!
//! After a change that is meant, `BLESS=1 cargo test -p ramen-tests --test names` rewrites the list; the difference
//! then goes through review.
#![allow(clippy::unwrap_used)]

use std::{collections::BTreeSet, env, fmt::Write as _, fs, path::PathBuf};

use ramen_core::api::names::{
    self, annotations,
    object_names::{
        hub,
        transport::{self, ViewKind},
        velero, volrep, volsync,
    },
    s3_keys,
};

/// Evaluates formulas on samples, each beside its own text.
macro_rules! formulas {
    ($($formula:expr),+ $(,)?) => {
        vec![$((stringify!($formula).split_whitespace().collect::<Vec<_>>().join(" "), $formula.to_string())),+]
    };
}

/// Namespaces, names and identifiers longer than a label, so that cuts and hashes are pinned too.
const LONG: &str = "a-name-that-is-longer-than-any-label-may-be-and-then-goes-on-for-a-while";

fn formulas() -> Vec<(String, String)> {
    let mut pinned = formulas![
        annotations::archived_generation(0),
        annotations::archived_pvc(&serde_json::json!({"volumeName": "pv", "accessModes": ["ReadWriteOnce"]})),
        hub::cloned_placement_rule("busybox", "app"),
        hub::placement_decision("busybox-placement", 1),
        hub::psk_secret_hub("busybox"),
        hub::psk_secret("busybox"),
        hub::psk_propagation("busybox", "app"),
        hub::psk_propagation(LONG, "app"),
        hub::propagation_policy_cut(LONG, 20),
        hub::psk_configuration_policy("app", "busybox-vs-secret"),
        hub::velero_secret("s3-secret"),
        hub::s3_placement_binding("s3-secret"),
        hub::s3_placement_rule("s3-secret"),
        hub::s3_configuration_policy("s3-secret"),
        hub::s3_secret_name_too_long("s3-secret", "ramen-system"),
        transport::vrg_work("busybox", "app"),
        transport::namespace_work("busybox", "app"),
        transport::recipe_work("busybox", "app"),
        transport::network_fence_work("dr1", None, "dr2"),
        transport::network_fence_work("dr1", Some("ceph-nfc"), "dr2"),
        transport::maintenance_mode_work("replication-id"),
        transport::network_fence("dr1", None),
        transport::network_fence("dr1", Some("ceph-nfc")),
        transport::viewed_name("rook-ceph-block-sc-mcv").unwrap_or("none"),
        transport::applied_manifest_work("https://hub.example.com:6443", "busybox-app-vrg-mw"),
        transport::work_agent_role(names::ocm::WORK_AGENT_ROLE_VRG),
        transport::cluster_api_kubeconfig_secret("dr1"),
        volrep::volume_group_replication("Group-1", "busybox"),
        volrep::volume_group_replication(LONG, "busybox"),
        volrep::global_volume_group_replication("Group-1"),
        volrep::volume_group_replication_content("uid"),
        volrep::group_volume_replication("uid"),
        volrep::dry_run_snapshot("data"),
        volrep::resource_modifier("busybox"),
        velero::capture("app", "busybox", 1, "group", "s3-dr1"),
        velero::capture("app", "busybox", 0, "", "s3-dr1"),
        velero::restore("app", "busybox", 2),
        volsync::consistency_group("app", "storage-id"),
        volsync::consistency_group(LONG, "storage-id"),
        volsync::consistency_group(LONG, LONG),
        volsync::local("data"),
        volsync::diff_group_snapshot("app-storage-id", 1_767_225_600),
        volsync::restored_pvc("data"),
        volsync::final_sync_pvc("data"),
        volsync::current_state_snapshot("data"),
        volsync::mount_job("data"),
        volsync::mount_job(LONG),
        volsync::source_mover_job("data"),
        volsync::source_mover_job(LONG),
        volsync::destination_service("data"),
        volsync::destination_service(LONG),
        volsync::diff_destination_service("data"),
        volsync::diff_destination_service(LONG),
        volsync::clusterset_address("volsync-rsync-tls-dst-data", "app"),
        s3_keys::vrg_prefix("app", "busybox"),
        s3_keys::type_prefix("app", "busybox", s3_keys::TYPE_PV),
        s3_keys::vrg("app", "busybox"),
        s3_keys::pv("app", "busybox", "pv-1"),
        s3_keys::pvc("app", "busybox", "app", "data"),
        s3_keys::legacy_pvc("app", "busybox", "data"),
        s3_keys::vgr("app", "busybox", "app", "vgr-1"),
        s3_keys::vgr_content("app", "busybox", "vgrcontent-1"),
        s3_keys::capture("app", "busybox", 0),
        s3_keys::velero_prefix("app", "busybox", 0),
        s3_keys::velero_backups("app", "busybox", 0),
        s3_keys::velero_backup("app", "busybox", 0, "backup"),
        s3_keys::drcluster_probe("dr1"),
        s3_keys::vrg_of("app/busybox/kube-objects/0/").unwrap().1,
    ];
    for kind in ViewKind::ALL {
        let text = format!("transport::view(\"object\", _, ViewKind::{kind:?})");
        let views = [transport::view("object", None, kind), transport::view("object", Some("app"), kind)];
        pinned.push((text, views.join(" | ")));
    }
    pinned
}

fn rendered() -> String {
    let mut list = String::from("# Constants: topic::CONSTANT = value\n");
    for name in names::all() {
        writeln!(list, "{}::{} = {}", name.topic, name.constant, name.value).unwrap();
    }
    list.push_str("\n# Formulas, on samples\n");
    for (formula, value) in formulas() {
        writeln!(list, "{formula} = {value}").unwrap();
    }
    list
}

#[test]
fn names_are_as_pinned() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/names.golden");
    let actual = rendered();
    if env::var_os("BLESS").is_some() {
        fs::write(&path, &actual).unwrap();
    }
    let pinned = fs::read_to_string(&path).unwrap_or_default();
    let (pinned, actual): (BTreeSet<_>, BTreeSet<_>) = (pinned.lines().collect(), actual.lines().collect());
    let lost: Vec<_> = pinned.difference(&actual).collect();
    let found: Vec<_> = actual.difference(&pinned).collect();
    assert!(
        lost.is_empty() && found.is_empty(),
        "names differ from tests/data/names.golden\npinned: {lost:#?}\nfound: {found:#?}"
    );
}

/// A formula without a sample could change unseen.
#[test]
fn every_formula_is_pinned() {
    let names = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../ramen-core/src/api/names");
    let mut files = vec![names.join("annotations.rs"), names.join("s3_keys.rs")];
    files.extend(fs::read_dir(names.join("object_names")).unwrap().map(|entry| entry.unwrap().path()));
    let pinned: Vec<_> = formulas().into_iter().map(|(formula, _)| formula).collect();
    for file in files {
        let source = fs::read_to_string(&file).unwrap();
        let module = file.file_stem().unwrap().to_str().unwrap();
        for line in source.lines().filter_map(|line| line.strip_prefix("pub fn ")) {
            let call = format!("{module}::{}(", line.split('(').next().unwrap());
            assert!(pinned.iter().any(|formula| formula.starts_with(&call)), "no sample of {call}...) in {}", file!());
        }
    }
}
