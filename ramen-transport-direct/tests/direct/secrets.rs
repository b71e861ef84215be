//! Secrets carried to simulated clusters.

use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::api::{DeleteParams, Patch, PatchParams};
use ramen_core::intercluster::{
    Delivery, FailureClass, SecretDelivery, SecretDeliveryName, SecretForm, SecretPropagator, kube::KubeSecrets,
};
use ramen_sim::apiserver::ApiServer;
use serde_json::{Value, json};

use crate::bed::{Bed, SECOND, soon};

fn name() -> SecretDeliveryName {
    SecretDeliveryName { namespace: "default".into(), name: "s3".into() }
}

fn delivery(clusters: &[&str], form: SecretForm) -> SecretDelivery {
    SecretDelivery {
        name: name(),
        source: "s3-secret".into(),
        clusters: clusters.iter().map(|c| (*c).into()).collect(),
        target_namespace: "default".into(),
        target_name: "s3-copy".into(),
        form,
    }
}

fn source(bed: &Bed, id: &str) {
    let text = |value: &str| serde_json::to_value(ByteString(value.as_bytes().to_vec())).unwrap();
    bed.hub
        .install(
            &json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s3-secret", "namespace": "default"},
            "data": {"AWS_ACCESS_KEY_ID": text(id), "AWS_SECRET_ACCESS_KEY": text("pass-phrase")}}),
        )
        .unwrap();
}

fn copy(server: &ApiServer) -> Option<Value> {
    server.object("", "secrets", "default", "s3-copy")
}

fn content(server: &ApiServer, key: &str) -> String {
    let secret: Secret = serde_json::from_value(copy(server).unwrap()).unwrap();
    String::from_utf8(secret.data.unwrap()[key].0.clone()).unwrap()
}

async fn run(bed: &Bed) -> std::sync::Arc<KubeSecrets> {
    let secrets = std::sync::Arc::new(bed.transport.secrets());
    let running = secrets.clone();
    tokio::spawn(async move { running.run(std::future::pending()).await });
    tokio::time::sleep(SECOND).await;
    secrets
}

async fn arrived(secrets: &KubeSecrets, count: usize) -> bool {
    let status = secrets.status(&name(), soon()).await.unwrap();
    status.len() == count && status.iter().all(|(_, d)| matches!(d, Delivery::Applied { .. }))
}

#[tokio::test(start_paused = true)]
async fn a_secret_arrives_follows_its_source_and_leaves_no_trace_in_the_records() {
    let bed = Bed::new(&["dr1", "dr2"]).await;
    let secrets = run(&bed).await;
    let wish = delivery(&["dr1", "dr2"], SecretForm::Same);
    assert_eq!(secrets.propagate(&wish, soon()).await.unwrap_err().class(), FailureClass::Prerequisite);
    source(&bed, "first-id");
    secrets.propagate(&wish, soon()).await.unwrap();
    bed.until(SECOND * 20, || arrived(&secrets, 2)).await;
    assert_eq!(content(bed.cluster("dr2"), "AWS_ACCESS_KEY_ID"), "first-id");

    let theirs: kube::Api<Secret> = kube::Api::namespaced(bed.hub.client("user"), "default");
    let change = Patch::Merge(json!({"stringData": {"AWS_ACCESS_KEY_ID": "second-id"}}));
    theirs.patch("s3-secret", &PatchParams::default(), &change).await.unwrap();
    bed.until(SECOND * 20, || async {
        ["dr1", "dr2"].iter().all(|c| content(bed.cluster(c), "AWS_ACCESS_KEY_ID") == "second-id")
    })
    .await;
    let records = serde_json::to_string(&bed.hub.objects("", "configmaps")).unwrap();
    assert!(records.contains("s3-copy") && !records.contains("second-id") && !records.contains("pass-phrase"));
    assert!(!records.contains(&serde_json::to_string(&ByteString(b"pass-phrase".to_vec())).unwrap()));

    // A missing source removes nothing.
    theirs.delete("s3-secret", &DeleteParams::default()).await.unwrap();
    tokio::time::sleep(SECOND * 300).await;
    assert!(copy(bed.cluster("dr1")).is_some());
    let status = secrets.status(&name(), soon()).await.unwrap();
    assert!(matches!(&status[0].1, Delivery::Failed(f) if f.class() == FailureClass::Prerequisite), "{status:?}");

    secrets.withdraw(&name(), soon()).await.unwrap();
    bed.until(SECOND * 20, || async { secrets.status(&name(), soon()).await.unwrap().is_empty() }).await;
    assert_eq!((copy(bed.cluster("dr1")), copy(bed.cluster("dr2"))), (None, None));
    secrets.withdraw(&name(), soon()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_secret_of_somebody_else_is_neither_overwritten_nor_removed() {
    let bed = Bed::new(&["dr1"]).await;
    let secrets = run(&bed).await;
    source(&bed, "id");
    let theirs = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s3-copy", "namespace": "default"},
        "stringData": {"theirs": "1"}});
    bed.cluster("dr1").install(&theirs).unwrap();
    let before = copy(bed.cluster("dr1"));
    secrets.propagate(&delivery(&["dr1"], SecretForm::Same), soon()).await.unwrap();
    bed.until(SECOND * 20, || async {
        let status = secrets.status(&name(), soon()).await.unwrap();
        matches!(&status[0].1, Delivery::Failed(f) if f.class() == FailureClass::Ownership)
    })
    .await;
    secrets.withdraw(&name(), soon()).await.unwrap();
    bed.until(SECOND * 20, || async { secrets.status(&name(), soon()).await.unwrap().is_empty() }).await;
    assert_eq!(copy(bed.cluster("dr1")), before);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_no_secret_can_have_is_refused_before_it_is_recorded() {
    let bed = Bed::new(&["dr1"]).await;
    let secrets = run(&bed).await;
    source(&bed, "id");
    let before = bed.hub.revision();
    for (namespace, target) in [("default", ""), ("default", "Not_A_Name"), ("", "s3-copy"), ("a.b", "s3-copy")] {
        let mut wish = delivery(&["dr1"], SecretForm::Same);
        (wish.target_namespace, wish.target_name) = (namespace.into(), target.into());
        let refused = secrets.propagate(&wish, soon()).await.unwrap_err();
        assert_eq!(refused.class(), FailureClass::Invalid, "{namespace}/{target}");
    }
    assert_eq!(bed.hub.revision(), before);
}

#[tokio::test(start_paused = true)]
async fn velero_gets_a_credentials_file() {
    let bed = Bed::new(&["dr1"]).await;
    let secrets = run(&bed).await;
    source(&bed, "the-id");
    let form = SecretForm::VeleroCredentials { key: "cloud".into() };
    secrets.propagate(&delivery(&["dr1"], form), soon()).await.unwrap();
    bed.until(SECOND * 20, || arrived(&secrets, 1)).await;
    assert_eq!(
        content(bed.cluster("dr1"), "cloud"),
        "[default]\n  aws_access_key_id = the-id\n  aws_secret_access_key = pass-phrase\n"
    );
}
