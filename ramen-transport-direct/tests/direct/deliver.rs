//! Delivery over simulated clusters.

use crate::bed::{Bed, SECOND, api, settings, soon};
use kube::api::{DeleteParams, Patch, PatchParams};
use ramen_core::intercluster::{
    ApplyStrategy, DeletePolicy, Delivery, ExistingPolicy, FailureClass, ObjectTransport, Precondition,
};
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn an_intent_reaches_its_cluster_and_what_it_drops_goes() {
    let bed = Bed::new(&["dr1"]).await;
    let mut intent = settings("dr1", "one", "a", json!({"x": "1", "y": "1"}));
    let receipt = bed.put(&intent).await;
    assert_eq!(receipt.delivery, Delivery::Accepted);
    bed.applied(&intent.id, SECOND * 5).await;
    assert_eq!(bed.configmap("dr1", "a").unwrap()["data"], json!({"x": "1", "y": "1"}));

    intent.manifests[0].object["data"] = json!({"x": "2"});
    let second = bed.put(&intent).await;
    assert!(second.revision.unwrap().number > receipt.revision.unwrap().number);
    bed.applied(&intent.id, SECOND * 5).await;
    assert_eq!(bed.configmap("dr1", "a").unwrap()["data"], json!({"x": "2"}));
    assert_eq!(bed.record(&intent.id).await.unwrap().intent, intent);
}

#[tokio::test(start_paused = true)]
async fn what_is_as_it_should_be_is_never_written_again() {
    let mut bed = Bed::new(&["dr1"]).await;
    let intent = settings("dr1", "one", "a", json!({"x": "1"}));
    bed.put(&intent).await;
    bed.applied(&intent.id, SECOND * 5).await;
    let before = (bed.configmap("dr1", "a"), bed.hub.revision(), bed.cluster("dr1").revision());
    for _ in 0..10 {
        assert!(!bed.put(&intent).await.changed);
    }
    tokio::time::sleep(SECOND * 1000).await;
    bed.restart().await;
    tokio::time::sleep(SECOND * 1000).await;
    assert_eq!(before, (bed.configmap("dr1", "a"), bed.hub.revision(), bed.cluster("dr1").revision()));
}

#[tokio::test(start_paused = true)]
async fn an_edit_and_a_deletion_on_the_cluster_are_repaired() {
    let bed = Bed::new(&["dr1"]).await;
    let intent = settings("dr1", "one", "a", json!({"x": "1"}));
    bed.put(&intent).await;
    bed.applied(&intent.id, SECOND * 5).await;
    let theirs = api(bed.cluster("dr1"));
    theirs
        .patch("a", &PatchParams::default(), &Patch::Merge(json!({"data": {"x": "edited", "theirs": "1"}})))
        .await
        .unwrap();
    bed.until(SECOND * 10, || async { bed.configmap("dr1", "a").unwrap()["data"] == json!({"x": "1", "theirs": "1"}) })
        .await;
    theirs.delete("a", &DeleteParams::default()).await.unwrap();
    bed.until(SECOND * 10, || async { bed.configmap("dr1", "a").is_some() }).await;
}

#[tokio::test(start_paused = true)]
async fn an_intent_for_a_dead_cluster_is_accepted_and_delivered_when_it_returns() {
    let mut bed = Bed::new(&["dr1", "dr2"]).await;
    bed.cut("dr1", true);
    tokio::time::sleep(SECOND * 60).await;
    let intent = settings("dr1", "one", "a", json!({"x": "1"}));
    assert_eq!(bed.put(&intent).await.delivery, Delivery::Accepted);
    bed.restart().await;
    // The others do not wait.
    let other = settings("dr2", "one", "a", json!({"x": "1"}));
    bed.put(&other).await;
    bed.applied(&other.id, SECOND * 5).await;
    assert_eq!(bed.record(&intent.id).await.unwrap().delivery, Delivery::Accepted);
    bed.cut("dr1", false);
    bed.applied(&intent.id, ObjectTransport::capabilities(&bed.transport).catch_up_within).await;
}

#[tokio::test(start_paused = true)]
async fn a_deletion_is_confirmed_only_when_the_finalizers_are_gone() {
    let bed = Bed::new(&["dr1"]).await;
    let intent = settings("dr1", "one", "a", json!({"x": "1"}));
    bed.put(&intent).await;
    bed.applied(&intent.id, SECOND * 5).await;
    let theirs = api(bed.cluster("dr1"));
    let finalizers = |list| Patch::Merge(json!({"metadata": {"finalizers": list}}));
    theirs.patch("a", &PatchParams::default(), &finalizers(json!(["example.com/keep"]))).await.unwrap();
    let receipt = bed.transport.delete(&intent.id, None, &Precondition::None, soon()).await.unwrap();
    assert_eq!(receipt.delivery, Delivery::Deleting);
    tokio::time::sleep(SECOND * 300).await;
    assert_eq!(bed.record(&intent.id).await.unwrap().delivery, Delivery::Deleting);
    theirs.patch("a", &PatchParams::default(), &finalizers(json!([]))).await.unwrap();
    bed.gone(&intent.id, SECOND * 60).await;
    assert_eq!(bed.configmap("dr1", "a"), None);
    let again = bed.transport.delete(&intent.id, None, &Precondition::None, soon()).await.unwrap();
    assert_eq!(again.delivery, Delivery::Gone);
}

#[tokio::test(start_paused = true)]
async fn an_orphaned_object_stays_and_loses_our_mark() {
    let bed = Bed::new(&["dr1"]).await;
    let intent = settings("dr1", "one", "a", json!({"x": "1"}));
    bed.put(&intent).await;
    bed.applied(&intent.id, SECOND * 5).await;
    bed.transport.delete(&intent.id, Some(DeletePolicy::Orphan), &Precondition::None, soon()).await.unwrap();
    bed.gone(&intent.id, SECOND * 5).await;
    let left = bed.configmap("dr1", "a").unwrap();
    assert_eq!(left["data"], json!({"x": "1"}));
    assert_eq!(left["metadata"].get("labels").and_then(|l| l.as_object()).map_or(0, serde_json::Map::len), 0);
}

#[tokio::test(start_paused = true)]
async fn an_object_that_others_recreated_is_not_deleted() {
    let bed = Bed::new(&["dr1"]).await;
    let intent = settings("dr1", "one", "a", json!({"x": "1"}));
    bed.put(&intent).await;
    bed.applied(&intent.id, SECOND * 5).await;
    bed.cut("dr1", true);
    tokio::time::sleep(SECOND * 60).await;
    bed.transport.delete(&intent.id, None, &Precondition::None, soon()).await.unwrap();
    // Behind the cut: the interceptor is for the network, not for the cluster's own users.
    bed.cut("dr1", false);
    let copy = bed.configmap("dr1", "a").unwrap();
    let theirs = api(bed.cluster("dr1"));
    theirs.delete("a", &DeleteParams::default()).await.unwrap();
    let mut copy: k8s_openapi::api::core::v1::ConfigMap = serde_json::from_value(copy).unwrap();
    copy.metadata.uid = None;
    copy.metadata.resource_version = None;
    copy.metadata.managed_fields = None;
    theirs.create(&kube::api::PostParams::default(), &copy).await.unwrap();
    bed.gone(&intent.id, SECOND * 120).await;
    assert!(bed.configmap("dr1", "a").is_some());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_delivered_is_refused_with_a_typed_failure_and_nothing_is_written() {
    let bed = Bed::new(&["dr1"]).await;
    let before = bed.hub.revision();
    let refused = async |intent: &ramen_core::intercluster::Intent| {
        bed.transport.put(intent, &Precondition::None, soon()).await.unwrap_err().class()
    };
    let long = settings("dr1", &"n".repeat(189), "a", json!({}));
    assert_eq!(refused(&long).await, FailureClass::Invalid);
    let large = settings("dr1", "large", "a", json!({"x": "y".repeat(600_000)}));
    assert_eq!(refused(&large).await, FailureClass::Invalid);
    let nowhere = settings("dr9", "one", "a", json!({}));
    assert_eq!(refused(&nowhere).await, FailureClass::UnknownCluster);
    let mut empty = settings("dr1", "empty", "a", json!({}));
    empty.manifests.clear();
    assert_eq!(refused(&empty).await, FailureClass::Invalid);
    assert_eq!(bed.hub.revision(), before);
}

#[tokio::test(start_paused = true)]
async fn two_intents_for_one_object_conflict_if_they_differ_and_share_it_if_not() {
    let bed = Bed::new(&["dr1"]).await;
    let first = settings("dr1", "first", "a", json!({"x": "1"}));
    bed.put(&first).await;
    bed.applied(&first.id, SECOND * 5).await;
    let mut second = settings("dr1", "second", "a", json!({"x": "2"}));
    bed.put(&second).await;
    let failure = bed.failure(&second.id, SECOND * 5).await;
    assert_eq!(failure.class(), FailureClass::Conflict);
    assert!(failure.to_string().contains("first"), "{failure}");
    assert_eq!(bed.configmap("dr1", "a").unwrap()["data"], json!({"x": "1"}));

    second.manifests = first.manifests.clone();
    bed.put(&second).await;
    bed.applied(&second.id, SECOND * 5).await;
    bed.transport.delete(&first.id, None, &Precondition::None, soon()).await.unwrap();
    bed.gone(&first.id, SECOND * 5).await;
    assert!(bed.configmap("dr1", "a").is_some());
    tokio::time::sleep(SECOND * 10).await;
    bed.transport.delete(&second.id, None, &Precondition::None, soon()).await.unwrap();
    bed.gone(&second.id, SECOND * 5).await;
    assert_eq!(bed.configmap("dr1", "a"), None);
}

#[tokio::test(start_paused = true)]
async fn an_object_of_somebody_else_is_adopted_or_left_alone_as_the_intent_says() {
    let bed = Bed::new(&["dr1"]).await;
    let theirs = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "default"}, "data": {"y": "1"}});
    bed.cluster("dr1").install(&theirs).unwrap();
    let uid = bed.configmap("dr1", "a").unwrap()["metadata"]["uid"].clone();
    let mut intent = settings("dr1", "one", "a", json!({"x": "1"}));
    intent.existing = ExistingPolicy::Refuse;
    bed.put(&intent).await;
    assert_eq!(bed.failure(&intent.id, SECOND * 5).await.class(), FailureClass::Ownership);
    assert_eq!(bed.configmap("dr1", "a").unwrap()["data"], json!({"y": "1"}));
    intent.existing = ExistingPolicy::Adopt;
    bed.put(&intent).await;
    bed.applied(&intent.id, SECOND * 5).await;
    let adopted = bed.configmap("dr1", "a").unwrap();
    assert_eq!((&adopted["metadata"]["uid"], &adopted["data"]), (&uid, &json!({"x": "1", "y": "1"})));
}

#[tokio::test(start_paused = true)]
async fn a_missing_namespace_is_something_to_wait_for() {
    let bed = Bed::new(&["dr1"]).await;
    let mut intent = settings("dr1", "one", "a", json!({"x": "1"}));
    intent.manifests[0].object["metadata"]["namespace"] = "app".into();
    bed.put(&intent).await;
    assert_eq!(bed.failure(&intent.id, SECOND * 5).await.class(), FailureClass::Prerequisite);
    bed.cluster("dr1").install(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "app"}})).unwrap();
    bed.applied(&intent.id, ObjectTransport::capabilities(&bed.transport).prerequisite_within).await;
}

#[tokio::test(start_paused = true)]
async fn overlapping_leaders_never_take_an_object_back_to_an_older_revision() {
    let bed = Bed::new(&["dr1"]).await;
    let (_second, running) = bed.replica().await;
    let mut intent = settings("dr1", "one", "a", json!({"x": "0"}));
    let watch = bed.cluster("dr1").clone();
    let seen = tokio::spawn(async move {
        let mut seen = Vec::new();
        loop {
            if let Some(object) = watch.object("", "configmaps", "default", "a") {
                seen.push(object["data"]["x"].as_str().unwrap().parse::<u32>().unwrap());
            }
            if seen.last() == Some(&15) {
                return seen;
            }
            tokio::task::yield_now().await;
        }
    });
    for x in 1..=15 {
        intent.manifests[0].object["data"]["x"] = x.to_string().into();
        bed.put(&intent).await;
    }
    let seen = seen.await.unwrap();
    assert!(seen.is_sorted(), "{seen:?}");
    bed.applied(&intent.id, SECOND * 5).await;
    running.abort();
}

#[tokio::test(start_paused = true)]
async fn records_older_than_the_cluster_do_not_roll_it_back_until_somebody_puts_again() {
    let mut bed = Bed::new(&["dr1"]).await;
    let mut intent = settings("dr1", "one", "a", json!({"x": "1"}));
    bed.put(&intent).await;
    bed.applied(&intent.id, SECOND * 5).await;
    // The hub comes back from a backup that is older than what the cluster was told since.
    bed.running.abort();
    let newer =
        json!({"metadata": {"annotations": {"intercluster.ramen-rs.io/revision": "7@lost"}}, "data": {"x": "7"}});
    let uid = bed.record(&intent.id).await.unwrap().revision.incarnation;
    let newer = newer.to_string().replace("lost", &uid);
    let newer: serde_json::Value = serde_json::from_str(&newer).unwrap();
    api(bed.cluster("dr1")).patch("a", &PatchParams::default(), &Patch::Merge(newer)).await.unwrap();
    bed.restart().await;
    let failure = bed.failure(&intent.id, SECOND * 60).await;
    assert_eq!(failure.class(), FailureClass::Conflict);
    assert_eq!(bed.configmap("dr1", "a").unwrap()["data"]["x"], "7");
    intent.manifests[0].object["data"]["x"] = "8".into();
    let receipt = bed.put(&intent).await;
    assert_eq!(receipt.revision.unwrap().number, 8);
    bed.applied(&intent.id, SECOND * 5).await;
    assert_eq!(bed.configmap("dr1", "a").unwrap()["data"]["x"], "8");
}

#[tokio::test(start_paused = true)]
async fn a_field_that_another_controller_applies_is_a_conflict_that_names_it() {
    let bed = Bed::new(&["dr1"]).await;
    let intent = settings("dr1", "one", "a", json!({"x": "1"}));
    bed.put(&intent).await;
    bed.applied(&intent.id, SECOND * 5).await;
    let theirs = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"x": "theirs"}});
    api(bed.cluster("dr1")).patch("a", &PatchParams::apply("argo").force(), &Patch::Apply(theirs)).await.unwrap();
    let failure = bed.failure(&intent.id, SECOND * 10).await;
    assert_eq!(failure.class(), FailureClass::Conflict);
    assert!(failure.to_string().contains("argo"), "{failure}");
    assert_eq!(bed.configmap("dr1", "a").unwrap()["data"]["x"], "theirs");
    let mut forced = intent.clone();
    forced.strategy = ApplyStrategy::ServerSideApplyForced;
    bed.put(&forced).await;
    bed.applied(&intent.id, SECOND * 5).await;
    assert_eq!(bed.configmap("dr1", "a").unwrap()["data"]["x"], "1");
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_is_served_in_another_version_only_is_not_taken_for_gone() {
    let bed = Bed::new(&["dr1"]).await;
    bed.cluster("dr1").install_crds(ramen_transport_direct::MANIFEST_WORK_CRD).unwrap();
    let mut intent = settings("dr1", "one", "a", json!({}));
    let resource = ramen_core::intercluster::ResourceType {
        group: "work.open-cluster-management.io".into(),
        version: "v9".into(),
        kind: "ManifestWork".into(),
        plural: "manifestworks".into(),
        namespaced: true,
    };
    let object = json!({"metadata": {"name": "a", "namespace": "default"}});
    intent.manifests = vec![ramen_core::intercluster::Manifest::new(resource, object).unwrap()];
    bed.put(&intent).await;
    let failure = bed.failure(&intent.id, SECOND * 20).await;
    assert_eq!(failure.class(), FailureClass::Prerequisite);
    assert!(failure.to_string().contains("in work.open-cluster-management.io/v1,"), "{failure}");
    // Its objects may well be there: the end is not confirmed for as long as nobody can look.
    bed.transport.delete(&intent.id, None, &Precondition::None, soon()).await.unwrap();
    tokio::time::sleep(SECOND * 300).await;
    assert_eq!(bed.record(&intent.id).await.unwrap().delivery, Delivery::Deleting);
}

#[tokio::test(start_paused = true)]
async fn an_end_is_no_deletion_while_a_record_that_this_process_never_saw_names_the_object() {
    let mut bed = Bed::new(&["dr1"]).await;
    let first = settings("dr1", "first", "a", json!({"x": "1"}));
    bed.put(&first).await;
    bed.applied(&first.id, SECOND * 5).await;
    bed.cut("dr1", true);
    bed.restart().await;
    let second = settings("dr1", "second", "a", json!({"x": "1"}));
    bed.put(&second).await;
    bed.transport.delete(&first.id, None, &Precondition::None, soon()).await.unwrap();
    let uid = bed.configmap("dr1", "a").unwrap()["metadata"]["uid"].clone();
    bed.restart().await;
    bed.cut("dr1", false);
    bed.gone(&first.id, SECOND * 120).await;
    bed.applied(&second.id, SECOND * 120).await;
    assert_eq!(bed.configmap("dr1", "a").unwrap()["metadata"]["uid"], uid);
}

#[tokio::test(start_paused = true)]
async fn a_work_that_an_unmodified_hub_writes_is_delivered_reported_and_confirmed() {
    a_foreign_work("Orphan").await;
}

#[tokio::test(start_paused = true)]
async fn a_work_of_others_that_keeps_some_of_its_objects_loses_none() {
    a_foreign_work("SelectivelyOrphan").await;
}

async fn a_foreign_work(policy: &str) {
    let bed = Bed::new(&["dr1"]).await;
    let work = json!({"apiVersion": "work.open-cluster-management.io/v1", "kind": "ManifestWork",
        "metadata": {"name": "app-ns-mw", "namespace": "dr1", "labels": {"ramendr.openshift.io/created-by-ramen": "true"}},
        "spec": {"workload": {"manifests": [{"apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": "app", "creationTimestamp": null}, "spec": {}, "status": {}}]},
            "deleteOption": {"propagationPolicy": policy}}});
    bed.hub.install(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "dr1"}})).unwrap();
    let works: kube::Api<kube::core::DynamicObject> = kube::Api::namespaced_with(
        bed.hub.client("ramen-hub"),
        "dr1",
        &kube::core::ApiResource::from_gvk(&kube::core::GroupVersionKind::gvk(
            "work.open-cluster-management.io",
            "v1",
            "ManifestWork",
        )),
    );
    works.create(&kube::api::PostParams::default(), &serde_json::from_value(work).unwrap()).await.unwrap();
    bed.until(SECOND * 5, || async { bed.cluster("dr1").exists("", "namespaces", "", "app") }).await;
    tokio::time::sleep(SECOND * 5).await;
    let work = bed.hub.object("work.open-cluster-management.io", "manifestworks", "dr1", "app-ns-mw").unwrap();
    let condition = |kind: &str| {
        let all = work["status"]["conditions"].as_array().unwrap();
        all.iter().find(|c| c["type"] == kind).unwrap().clone()
    };
    assert_eq!(condition("Applied")["reason"], "AppliedManifestWorkComplete");
    assert_eq!(condition("Applied")["observedGeneration"], work["metadata"]["generation"]);
    assert_eq!(condition("Available")["status"], "True");
    assert_eq!(work["metadata"]["finalizers"], json!(["cluster.open-cluster-management.io/manifest-work-cleanup"]));
    works.delete("app-ns-mw", &DeleteParams::default()).await.unwrap();
    bed.until(SECOND * 10, || async {
        !bed.hub.exists("work.open-cluster-management.io", "manifestworks", "dr1", "app-ns-mw")
    })
    .await;
    assert!(bed.cluster("dr1").exists("", "namespaces", "", "app"));
}
