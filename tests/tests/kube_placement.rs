//! Placement by OCM's objects on a simulated hub.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::StreamExt;
use kube::CustomResourceExt;
use ramen_core::{
    api::foreign,
    intercluster::{
        Decision, DecisionsVersion, FailureClass, Placement, PlacementKind, PlacementOwner, PlacementRef,
        kube::KubePlacement,
    },
    time::{Clock, Deadline, SystemClock},
};
use ramen_sim::apiserver::{ApiServer, Before, Interceptor, RequestInfo};
use serde_json::{Value, json};

const GROUP: &str = "cluster.open-cluster-management.io";

fn hub() -> (ApiServer, KubePlacement) {
    let hub = ApiServer::builder("hub").seed(1).build();
    for definition in [foreign::Placement::crd(), foreign::PlacementRule::crd(), foreign::PlacementDecision::crd()] {
        hub.install(&serde_json::to_value(definition).unwrap()).unwrap();
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let placement = KubePlacement::new(hub.client("ramen"), &clock, Duration::from_secs(10));
    (hub, placement)
}

fn install(hub: &ApiServer, annotations: &Value) {
    hub.install(&json!({"apiVersion": format!("{GROUP}/v1beta1"), "kind": "Placement",
        "metadata": {"name": "app", "namespace": "default", "annotations": annotations}, "spec": {}}))
        .unwrap();
}

fn app() -> PlacementRef {
    PlacementRef { namespace: "default".into(), name: "app".into() }
}

fn owner(name: &str) -> PlacementOwner {
    PlacementOwner {
        namespace: "default".into(),
        name: name.into(),
        finalizer: "drpc.ramendr.openshift.io/finalizer".into(),
    }
}

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(10))
}

fn ours() -> Value {
    json!({"cluster.open-cluster-management.io/experimental-scheduling-disable": "true"})
}

#[tokio::test(start_paused = true)]
async fn the_whole_list_changes_in_one_write_and_only_from_the_state_that_was_read() {
    let (hub, placement) = hub();
    install(&hub, &ours());
    let state = placement.resolve(&app(), soon()).await.unwrap();
    assert_eq!((state.kind, state.can_retain, state.decisions.len()), (PlacementKind::Placement, true, 0));
    let first = placement.set(&app(), &[Decision::live("dr1")], &state.version, soon()).await.unwrap();
    assert_eq!(first.current().unwrap().as_str(), "dr1");
    let revision = hub.revision();
    let same = placement.set(&app(), &[Decision::live("dr1")], &first.version, soon()).await.unwrap();
    assert_eq!((hub.revision(), same), (revision, first.clone()));

    let both = [Decision::retained("dr1"), Decision::live("dr2")];
    let second = placement.set(&app(), &both, &first.version, soon()).await.unwrap();
    assert_eq!(second.decisions, both);
    assert_eq!(second.current().unwrap().as_str(), "dr2");
    assert_eq!(hub.revision(), revision + 1);
    let outdated = placement.set(&app(), &[], &first.version, soon()).await.unwrap_err();
    assert_eq!(outdated.class(), FailureClass::Conflict);
    let never = placement.set(&app(), &[], &DecisionsVersion("none".into()), soon()).await.unwrap_err();
    assert_eq!(never.class(), FailureClass::Conflict);

    let decision = hub.object(GROUP, "placementdecisions", "default", "app-decision-1").unwrap();
    assert_eq!(decision["metadata"]["labels"]["velero.io/exclude-from-backup"], "true");
    assert_eq!(decision["metadata"]["ownerReferences"][0]["name"], "app");
}

#[tokio::test(start_paused = true)]
async fn a_placement_that_another_scheduler_drives_is_refused_and_a_missing_one_is_something_to_wait_for() {
    let (hub, placement) = hub();
    assert_eq!(placement.resolve(&app(), soon()).await.unwrap_err().class(), FailureClass::Prerequisite);
    install(&hub, &json!({"cluster.open-cluster-management.io/experimental-scheduling-disable": "false"}));
    assert_eq!(placement.resolve(&app(), soon()).await.unwrap_err().class(), FailureClass::Invalid);
}

#[tokio::test(start_paused = true)]
async fn two_owners_do_not_hold_one_placement_and_a_released_one_can_be_held_again() {
    let (hub, placement) = hub();
    install(&hub, &ours());
    let held = placement.claim(&app(), &owner("one"), soon()).await.unwrap();
    assert_eq!(held.held_by, Some(("default".into(), "one".into())));
    let revision = hub.revision();
    placement.claim(&app(), &owner("one"), soon()).await.unwrap();
    placement.release(&app(), &owner("two"), soon()).await.unwrap();
    assert_eq!(hub.revision(), revision);
    let refused = placement.claim(&app(), &owner("two"), soon()).await.unwrap_err();
    assert_eq!(refused.class(), FailureClass::Ownership);
    placement.release(&app(), &owner("one"), soon()).await.unwrap();
    let held = placement.claim(&app(), &owner("two"), soon()).await.unwrap();
    assert_eq!(held.held_by, Some(("default".into(), "two".into())));
}

#[tokio::test(start_paused = true)]
async fn two_lists_of_decisions_for_one_placement_are_an_error() {
    let (hub, placement) = hub();
    install(&hub, &ours());
    for name in ["x", "y"] {
        hub.install(
            &json!({"apiVersion": format!("{GROUP}/v1beta1"), "kind": "PlacementDecision", "metadata": {"name": name,
            "namespace": "default", "labels": {"cluster.open-cluster-management.io/placement": "app"}}}),
        )
        .unwrap();
    }
    assert_eq!(placement.resolve(&app(), soon()).await.unwrap_err().class(), FailureClass::Invalid);
}

/// Another writer creates the first PlacementDecision, labelled for a Placement, right before ours arrives.
#[derive(Debug)]
struct Faster {
    hub: ApiServer,
    placement: &'static str,
}

#[async_trait]
impl Interceptor for Faster {
    async fn before(&self, request: &RequestInfo) -> Before {
        let first = !self.hub.exists(GROUP, "placementdecisions", "default", "app-decision-1");
        if first && request.verb == "create" && request.resource == "placementdecisions" {
            let labels = json!({"cluster.open-cluster-management.io/placement": self.placement});
            self.hub
                .install(&json!({"apiVersion": format!("{GROUP}/v1beta1"), "kind": "PlacementDecision",
                    "metadata": {"name": "app-decision-1", "namespace": "default", "labels": labels}}))
                .unwrap();
        }
        Before::Continue
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_list_is_never_created_beside_one_that_another_replica_was_faster_to_create() {
    for (placement, lists, made) in [("app", 1, false), ("another", 2, true)] {
        let (hub, placements) = hub();
        install(&hub, &ours());
        hub.intercept(Arc::new(Faster { hub: hub.clone(), placement }));
        let state = placements.resolve(&app(), soon()).await.unwrap();
        let set = placements.set(&app(), &[Decision::live("dr1")], &state.version, soon()).await;
        assert_eq!(
            set.as_ref().err().map(ramen_core::intercluster::Failure::class),
            (!made).then_some(FailureClass::Conflict),
            "{set:?}"
        );
        assert_eq!(hub.objects(GROUP, "placementdecisions").len(), lists);
    }
}

#[tokio::test(start_paused = true)]
async fn a_placement_rule_of_ours_is_decided_in_its_status_and_retains_nothing() {
    let (hub, placement) = hub();
    hub.install(&json!({"apiVersion": "apps.open-cluster-management.io/v1", "kind": "PlacementRule",
        "metadata": {"name": "app", "namespace": "default"}, "spec": {"schedulerName": "ramen"}}))
        .unwrap();
    let state = placement.resolve(&app(), soon()).await.unwrap();
    assert_eq!((state.kind, state.can_retain), (PlacementKind::PlacementRule, false));
    let set = placement.set(&app(), &[Decision::live("dr1")], &state.version, soon()).await.unwrap();
    assert_eq!(set.current().unwrap().as_str(), "dr1");
    let refused = placement.set(&app(), &[Decision::retained("dr1")], &set.version, soon()).await.unwrap_err();
    assert_eq!(refused.class(), FailureClass::Unsupported);
}

#[tokio::test(start_paused = true)]
async fn a_change_of_the_decisions_names_the_placement() {
    let (hub, placement) = hub();
    install(&hub, &ours());
    tokio::time::sleep(Duration::from_secs(60)).await;
    let mut changes = placement.changes();
    let state = placement.resolve(&app(), soon()).await.unwrap();
    placement.set(&app(), &[Decision::live("dr1")], &state.version, soon()).await.unwrap();
    assert_eq!(changes.next().await.unwrap(), app());
}
