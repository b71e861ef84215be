use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::{api::core::v1::LocalObjectReference, apimachinery::pkg::apis::meta::v1::LabelSelector};

use super::overlap;
use crate::{
    api::{DRAction, KubeObjectProtectionSpec, MoverConfig, ProtectedPVC, VolSyncSpec, names::annotations},
    decision::{Item, Sight},
    hub::application::{
        Neighbour,
        bed::{Bed, DR1, DR2, events, writes},
    },
    intercluster::{Failure, FailureClass},
};

type Edit = fn(&mut Bed);

/// Wrong inputs, a part of what is said of each, and how each is mended.
fn wrong() -> Vec<(&'static str, Edit, Edit)> {
    fn annotate(bed: &mut Bed, key: &str, value: Option<&str>) {
        let keys = bed.now.drpc.metadata.annotations.get_or_insert_default();
        match value {
            Some(value) => keys.insert(key.into(), value.into()),
            None => keys.remove(key),
        };
    }
    vec![
        (
            "the configuration cannot be used",
            |b| b.now.config = Item::Read(Err(Failure::new(FailureClass::Invalid, "field x"))),
            |b| b.now.config = Bed::new().now.config,
        ),
        (
            "there is no DRPolicy policy",
            |b| b.now.policy = Item::Read(Sight::Absent),
            |b| b.now.policy = Bed::new().now.policy,
        ),
        (
            "DRPolicy policy is being deleted",
            |b| b.policy().metadata.deletion_timestamp = b.now.drpc.metadata.creation_timestamp.clone(),
            |b| b.policy().metadata.deletion_timestamp = None,
        ),
        (
            "DRPolicy policy is not validated",
            |b| b.policy().status.as_mut().unwrap().conditions[0].status = "False".into(),
            |b| b.policy().status.as_mut().unwrap().conditions[0].status = "True".into(),
        ),
        (
            "there is no Placement or PlacementRule app/busybox-placement",
            |b| b.now.placement = Item::Read(Err(Failure::new(FailureClass::Prerequisite, "none"))),
            |b| b.now.placement = Bed::new().now.placement,
        ),
        (
            "not owned by this DRPC 'app/busybox' but by 'app/other'",
            |b| b.placement().held_by = Some(("app".into(), "other".into())),
            |b| b.placement().held_by = None,
        ),
        (
            "there is no DRCluster dr2",
            |b| b.facts(DR2).drcluster = Item::Read(Sight::Absent),
            |b| b.facts(DR2).drcluster = Bed::new().facts(DR2).drcluster.clone(),
        ),
        (
            "spec.preferredCluster is dr9, which is not a cluster of the policy (dr1, dr2)",
            |b| b.now.drpc.spec.preferred_cluster = "dr9".into(),
            |b| b.now.drpc.spec.preferred_cluster = DR1.into(),
        ),
        (
            "missing value for spec.FailoverCluster",
            |b| b.now.drpc.spec.action = Some(DRAction::Failover),
            |b| b.now.drpc.spec.action = None,
        ),
        (
            "cannot have protected namespaces",
            |b| b.now.drpc.spec.protected_namespaces = Some(vec!["x".into()]),
            |b| b.now.drpc.spec.protected_namespaces = None,
        ),
        (
            "spec.protectedNamespaces",
            |b| b.now.drpc.metadata.namespace = Some("ramen-ops".into()),
            |b| b.now.drpc.metadata.namespace = Some("app".into()),
        ),
        (
            "spec.kubeObjectProtection: capture of Kubernetes resources is not done",
            |b| b.now.drpc.spec.kube_object_protection = Some(KubeObjectProtectionSpec::default()),
            |b| b.now.drpc.spec.kube_object_protection = None,
        ),
        ("spec.dryRun: test failover", |b| b.now.drpc.spec.dry_run = true, |b| b.now.drpc.spec.dry_run = false),
        (
            "annotation test-failover-dryrun",
            |b| annotate(b, annotations::TEST_FAILOVER_DRY_RUN, Some("true")),
            |b| annotate(b, annotations::TEST_FAILOVER_DRY_RUN, None),
        ),
        (
            "annotation is-cg-enabled",
            |b| annotate(b, annotations::IS_CG_ENABLED, Some("true")),
            |b| annotate(b, annotations::IS_CG_ENABLED, None),
        ),
        (
            "annotation use-volsync-for-pvc-protection",
            |b| annotate(b, annotations::USE_VOLSYNC, Some("true")),
            |b| annotate(b, annotations::USE_VOLSYNC, None),
        ),
        (
            "spec.volSyncSpec.moverConfig",
            |b| {
                b.now.drpc.spec.vol_sync_spec =
                    Some(VolSyncSpec { mover_config: vec![MoverConfig::default()], ..VolSyncSpec::default() });
            },
            |b| b.now.drpc.spec.vol_sync_spec = None,
        ),
        (
            "label global-vgr",
            |b| {
                b.now.drpc.metadata.labels =
                    Some(BTreeMap::from([(crate::api::names::labels::GLOBAL_VGR.into(), "g".into())]));
            },
            |b| b.now.drpc.metadata.labels = None,
        ),
        (
            "networkMappingRef",
            |b| b.policy().spec.network_mapping_ref = Some(LocalObjectReference { name: "map".into() }),
            |b| b.policy().spec.network_mapping_ref = None,
        ),
        (
            "global peer class",
            |b| b.policy().status.as_mut().unwrap().async_.peer_classes[0].global = true,
            |b| b.policy().status.as_mut().unwrap().async_.peer_classes[0].global = false,
        ),
        (
            "protect common resources from the same namespace",
            |b| b.now.neighbours = Item::Read(Ok(vec![neighbour(1, &[("app", "busybox")])])),
            |b| b.now.neighbours = Item::Read(Ok(vec![])),
        ),
    ]
}

fn neighbour(created: i64, labels: &[(&str, &str)]) -> Neighbour {
    Neighbour {
        namespace: "app".into(),
        name: "older".into(),
        created_at: Some(Timestamp::from_second(created).unwrap()),
        vrg_namespace: "app".into(),
        pvc_selector: selector(labels),
        placement: "other".into(),
        clusters: vec![DR1.into(), DR2.into()],
    }
}

fn selector(labels: &[(&str, &str)]) -> LabelSelector {
    let labels: BTreeMap<String, String> = labels.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
    LabelSelector { match_labels: (!labels.is_empty()).then_some(labels), match_expressions: None }
}

#[test]
fn a_wrong_input_changes_nothing_is_told_once_and_heals_by_itself() {
    for (said, spoil, mend) in wrong() {
        let mut bed = Bed::new();
        spoil(&mut bed);
        let plan = bed.run();
        let changes = |w: &String| ["vrg", "ns", "decisions"].iter().any(|what| w.starts_with(what));
        assert!(!writes(&plan).iter().any(changes), "{said}\n{plan}");
        assert!(bed.summary().contains("Available=False"), "{said}: {}", bed.summary());
        let message = bed.message("Available");
        assert!(message.contains(said) && message.contains("(remedy: "), "{said}: {message}");
        assert_eq!(events(&plan).len(), 1, "{said}");
        assert_eq!(bed.run().steps, [], "{said}: told once");
        mend(&mut bed);
        bed.run();
        assert_eq!(bed.summary(), "Deployed/Completed Available=True PeerReady=True Protected=True", "{said}");
    }
}

#[test]
fn a_wrong_input_leaves_an_application_that_is_protected_as_it_is() {
    for (said, spoil, _) in wrong() {
        let mut bed = Bed::deployed();
        spoil(&mut bed);
        let plan = bed.run();
        let changes = |w: &String| ["vrg", "ns", "decisions", "delete"].iter().any(|what| w.starts_with(what));
        assert!(!writes(&plan).iter().any(changes), "{said}\n{plan}");
    }
}

#[test]
fn volumes_that_volsync_copies_are_refused_by_name() {
    let mut bed = Bed::deployed();
    bed.vrg(DR1).status.as_mut().unwrap().protected_pvcs = vec![ProtectedPVC {
        namespace: "app".into(),
        name: "data".into(),
        protected_by_vol_sync: true,
        ..ProtectedPVC::default()
    }];
    bed.stay();
    assert!(bed.message("Available").contains("VolSync, which is not done by this release: app/data"));
}

#[test]
fn of_two_applications_with_the_same_volumes_the_older_one_goes_on() {
    let mut bed = Bed::new();
    bed.now.neighbours = Item::Read(Ok(vec![neighbour(9_999_999, &[("app", "busybox")])]));
    bed.run();
    assert!(bed.summary().starts_with("Deployed/Completed"), "{}", bed.summary());
}

#[test]
fn only_selectors_of_which_one_is_within_the_other_surely_overlap() {
    let app = || selector(&[("app", "a")]);
    for (a, b, expected) in [
        (app(), app(), true),
        (app(), selector(&[]), true),
        (selector(&[("app", "a"), ("tier", "x")]), app(), true),
        (app(), selector(&[("app", "b")]), false),
        (app(), selector(&[("tier", "x")]), false),
    ] {
        assert_eq!(overlap(&a, &b), expected, "{a:?} {b:?}");
        assert_eq!(overlap(&b, &a), expected, "{b:?} {a:?}");
    }
}

#[test]
fn a_hub_that_cannot_read_writes_nothing() {
    let mut bed = Bed::deployed();
    bed.now.neighbours = Item::Read(Err(Failure::new(FailureClass::TimedOut, "slow")));
    assert_eq!(bed.stay().steps, []);
    bed.now.neighbours = Item::Read(Ok(vec![]));
    bed.now.policy = Item::Read(Sight::Failed(Failure::new(FailureClass::TimedOut, "slow")));
    assert_eq!(bed.stay().steps, []);
}

#[test]
fn the_namespace_of_the_volumes_is_the_destination_of_the_deployment_and_stays() {
    let mut bed = Bed::new();
    bed.now.destination_namespace = Item::Read(Ok(Some("target".into())));
    bed.run();
    assert_eq!(bed.vrg(DR1).metadata.namespace.as_deref(), Some("target"));
    bed.now.destination_namespace = Item::Read(Ok(Some("elsewhere".into())));
    assert_eq!(bed.run().steps, []);
}
