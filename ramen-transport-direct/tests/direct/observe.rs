//! Observation of simulated clusters.

use futures::StreamExt;
use kube::api::{DeleteParams, Patch, PatchParams};
use ramen_core::{
    intercluster::{
        ClusterRegistry, ClusterView, Freshness, Identity, ObjectKey, Outcome, OutcomeKind, Reachability, Registration,
        ResourceType,
    },
    time::Deadline,
};
use ramen_sim::apiserver::ApiServer;
use serde_json::json;

use crate::bed::{Bed, SECOND, api, key, kube_system, settings, soon};

fn registration(key: &ObjectKey, who: &str) -> Registration {
    Registration { key: key.clone(), registrant: who.into(), labels: [("who".to_owned(), who.to_owned())].into() }
}

async fn kind(bed: &Bed, key: &ObjectKey, freshness: &Freshness) -> OutcomeKind {
    bed.transport.read(key, freshness, soon()).await.outcome.kind()
}

#[tokio::test(start_paused = true)]
async fn absent_kind_absent_and_unreachable_are_three_answers() {
    let bed = Bed::new(&["dr1"]).await;
    assert_eq!(kind(&bed, &key("dr1", "a"), &Freshness::live()).await, OutcomeKind::Absent);
    let unknown = ResourceType {
        group: "example.com".into(),
        version: "v1".into(),
        kind: "Widget".into(),
        plural: "widgets".into(),
        namespaced: true,
    };
    let widget = ObjectKey::new("dr1", unknown, Some("default"), "w");
    assert_eq!(kind(&bed, &widget, &Freshness::live()).await, OutcomeKind::KindAbsent);
    assert_eq!(kind(&bed, &key("dr7", "a"), &Freshness::live()).await, OutcomeKind::UnknownCluster);
    bed.cut("dr1", true);
    let before_detection = bed.transport.read(&key("dr1", "a"), &Freshness::live(), Deadline::after(SECOND)).await;
    assert_eq!(before_detection.outcome.kind(), OutcomeKind::TimedOut);
    tokio::time::sleep(ClusterView::capabilities(&bed.transport).detect_within).await;
    assert_eq!(kind(&bed, &key("dr1", "a"), &Freshness::within(SECOND * 3600)).await, OutcomeKind::Unreachable);
}

#[tokio::test(start_paused = true)]
async fn a_registered_object_is_answered_from_the_watch_and_its_changes_notify() {
    let bed = Bed::new(&["dr1"]).await;
    let mut changes = ClusterView::changes(&bed.transport);
    let key = key("dr1", "a");
    bed.transport.register(&registration(&key, "me"), soon()).await.unwrap();
    let first = changes.next().await.unwrap();
    assert_eq!((first.key.clone(), first.outcome), (key.clone(), OutcomeKind::Absent));
    bed.cluster("dr1")
        .install(&json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "a", "namespace": "default"}, "data": {"x": "1"}}))
        .unwrap();
    assert_eq!(changes.next().await.unwrap().outcome, OutcomeKind::Found);
    let requests = bed.cluster("dr1").requests().counts()[&("ramen".to_owned(), "get".to_owned())];
    let seen = bed.transport.read(&key, &Freshness::within(SECOND * 60), soon()).await;
    assert_eq!(seen.outcome.found().unwrap().json()["data"], json!({"x": "1"}));
    assert_eq!(requests, bed.cluster("dr1").requests().counts()[&("ramen".to_owned(), "get".to_owned())]);
    api(bed.cluster("dr1")).delete("a", &DeleteParams::default()).await.unwrap();
    assert_eq!(changes.next().await.unwrap().outcome, OutcomeKind::Absent);

    bed.transport.register(&registration(&key, "you"), soon()).await.unwrap();
    bed.transport.unregister(&key, "me", soon()).await.unwrap();
    let left = bed.transport.registrations(&[("who".to_owned(), "you".to_owned())].into(), soon()).await.unwrap();
    assert_eq!(left, [registration(&key, "you")]);
}

#[tokio::test(start_paused = true)]
async fn losing_a_cluster_and_its_return_notify_each_object() {
    let bed = Bed::new(&["dr1"]).await;
    let key = key("dr1", "a");
    bed.transport.register(&registration(&key, "me"), soon()).await.unwrap();
    tokio::time::sleep(SECOND).await;
    let mut changes = ClusterView::changes(&bed.transport);
    bed.cut("dr1", true);
    assert_eq!(changes.next().await.unwrap().outcome, OutcomeKind::Unreachable);
    bed.cut("dr1", false);
    loop {
        let change = changes.next().await.unwrap();
        if change.outcome == OutcomeKind::Absent {
            break;
        }
        assert_eq!(change.outcome, OutcomeKind::Unreachable);
    }
}

#[tokio::test(start_paused = true)]
async fn a_read_after_a_revision_sees_that_revision() {
    let bed = Bed::new(&["dr1"]).await;
    let intent = settings("dr1", "one", "a", json!({"x": "1"}));
    bed.cut("dr1", true);
    let revision = bed.put(&intent).await.revision.unwrap();
    let after = Freshness::any().after(intent.id.clone(), revision);
    assert_eq!(kind(&bed, &key("dr1", "a"), &after).await, OutcomeKind::Pending);
    bed.cut("dr1", false);
    bed.applied(&intent.id, SECOND * 120).await;
    assert_eq!(kind(&bed, &key("dr1", "a"), &after).await, OutcomeKind::Found);
}

#[tokio::test(start_paused = true)]
async fn secrets_are_not_shown_and_a_large_object_is_reported_not_cut() {
    let bed = Bed::new(&["dr1"]).await;
    let secret = ObjectKey::of::<k8s_openapi::api::core::v1::Secret>("dr1", Some("default"), "s");
    assert_eq!(kind(&bed, &secret, &Freshness::live()).await, OutcomeKind::Malformed);
    assert!(bed.transport.register(&registration(&secret, "me"), soon()).await.is_err());
    bed.cluster("dr1")
        .install(&json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "large", "namespace": "default"}, "data": {"x": "y".repeat(1_000_000)}}))
        .unwrap();
    let seen = bed.transport.read(&key("dr1", "large"), &Freshness::live(), soon()).await;
    assert!(matches!(&seen.outcome, Outcome::Malformed(f) if f.cause().contains("bytes")), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn a_kubeconfig_that_leads_to_another_cluster_is_not_used() {
    let bed = Bed::new(&["dr1"]).await;
    let intent = settings("dr1", "one", "a", json!({"x": "1"}));
    bed.put(&intent).await;
    bed.applied(&intent.id, SECOND * 5).await;
    let other = ApiServer::builder("other").seed(99).build();
    kube_system(&other);
    bed.point("dr1", &other, "");
    tokio::time::sleep(SECOND * 5).await;
    assert_eq!(kind(&bed, &key("dr1", "a"), &Freshness::live()).await, OutcomeKind::UnknownCluster);
    let info = bed.transport.cluster(&"dr1".into(), soon()).await.unwrap();
    assert!(matches!(info.identity, Identity::Mismatch { .. }), "{info:?}");
    assert!(info.joined);
    assert!(matches!(info.reachability, Reachability::Unreachable { .. }));
    tokio::time::sleep(SECOND * 300).await;
    assert_eq!(other.objects("", "configmaps").len(), 0);
    // Once the kubeconfig is right again, all is as before.
    bed.point("dr1", bed.cluster("dr1"), "");
    bed.until(SECOND * 10, || async { kind(&bed, &key("dr1", "a"), &Freshness::live()).await == OutcomeKind::Found })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_revoked_token_is_told_and_a_new_one_is_taken_up_without_a_restart() {
    let bed = Bed::new(&["dr1"]).await;
    let server = bed.cluster("dr1").clone();
    server.grant_token("old", "ramen", &["system:masters"]);
    bed.point("dr1", &server, "old");
    tokio::time::sleep(SECOND * 5).await;
    assert_eq!(kind(&bed, &key("dr1", "a"), &Freshness::live()).await, OutcomeKind::Absent);
    server.revoke_token("old");
    assert_eq!(kind(&bed, &key("dr1", "a"), &Freshness::live()).await, OutcomeKind::Unauthenticated);
    server.grant_token("new", "ramen", &["system:masters"]);
    bed.point("dr1", &server, "new");
    bed.until(SECOND * 10, || async { kind(&bed, &key("dr1", "a"), &Freshness::live()).await == OutcomeKind::Absent })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_read_again_although_nobody_told_of_a_new_one() {
    let bed = Bed::new(&["dr1"]).await;
    let server = bed.cluster("dr1").clone();
    server.grant_token("old", "ramen", &["system:masters"]);
    bed.point("dr1", &server, "old");
    tokio::time::sleep(SECOND * 5).await;
    server.revoke_token("old");
    tokio::time::sleep(SECOND * 60).await;
    server.grant_token("new", "ramen", &["system:masters"]);
    bed.point_unnoticed("dr1", &server, "new");
    bed.until(SECOND * 60, || async { kind(&bed, &key("dr1", "a"), &Freshness::live()).await == OutcomeKind::Absent })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_dead_cluster_does_not_delay_the_answers_of_nine_others() {
    let names: Vec<_> = (0..10).map(|n| format!("dr{n}")).collect();
    let bed = Bed::new(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    bed.cut("dr0", true);
    for name in &names {
        bed.put(&settings(name, "one", "a", json!({"x": "1"}))).await;
    }
    for name in &names[1..] {
        bed.applied(&settings(name, "one", "a", json!({})).id, SECOND * 5).await;
        assert_eq!(kind(&bed, &key(name, "a"), &Freshness::live()).await, OutcomeKind::Found);
    }
}

#[tokio::test(start_paused = true)]
async fn an_edit_by_others_reaches_the_reader_of_a_watched_object() {
    let bed = Bed::new(&["dr1"]).await;
    let intent = settings("dr1", "one", "a", json!({"x": "1"}));
    bed.put(&intent).await;
    bed.applied(&intent.id, SECOND * 5).await;
    let key = key("dr1", "a");
    bed.transport.register(&registration(&key, "me"), soon()).await.unwrap();
    tokio::time::sleep(SECOND).await;
    let mut changes = ClusterView::changes(&bed.transport);
    let patch = Patch::Merge(json!({"metadata": {"labels": {"theirs": "1"}}}));
    api(bed.cluster("dr1")).patch("a", &PatchParams::default(), &patch).await.unwrap();
    assert_eq!(changes.next().await.unwrap().outcome, OutcomeKind::Found);
    let seen = bed.transport.read(&key, &Freshness::any(), soon()).await;
    assert_eq!(seen.outcome.found().unwrap().json()["metadata"]["labels"]["theirs"], "1");
}
