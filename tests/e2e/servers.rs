//! The launcher against the real servers: what every other end-to-end test leans on.

#![allow(clippy::unwrap_used)] // helpers of tests

use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, DeleteParams, ListParams, ObjectMeta, PostParams};
use object_store::aws::AmazonS3Builder;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, RetryConfig};
use ramen_tests::real::{Bed, Link, StoreAccess};

fn config_map(name: &str) -> ConfigMap {
    ConfigMap { metadata: ObjectMeta { name: Some(name.to_owned()), ..Default::default() }, ..Default::default() }
}

fn bucket(access: &StoreAccess) -> impl ObjectStore {
    AmazonS3Builder::new()
        .with_endpoint(&access.endpoint)
        .with_allow_http(true)
        .with_region(&access.region)
        .with_bucket_name("backups")
        .with_access_key_id(&access.access_key)
        .with_secret_access_key(&access.secret_key)
        .with_retry(RetryConfig { max_retries: 0, ..Default::default() })
        .build()
        .unwrap()
}

/// Everything a scenario does to a cluster, once: users and rights, counting, network faults, death and return.
#[tokio::test(flavor = "multi_thread")]
async fn clusters_can_be_used_counted_cut_killed_and_restarted() {
    let bed = Bed::builder().cluster("dr1").cluster("dr2").start().await.unwrap();
    let (dr1, dr2) = (bed.cluster("dr1").unwrap(), bed.cluster("dr2").unwrap());
    let maps = |client: kube::Client| Api::<ConfigMap>::namespaced(client, "default");

    let writer = maps(dr1.client("scenario").await.unwrap());
    writer.create(&PostParams::default(), &config_map("first")).await.unwrap();
    writer.create(&PostParams::default(), &config_map("first")).await.unwrap_err();
    writer.delete("first", &DeleteParams::default()).await.unwrap();
    writer.get_opt("first").await.unwrap();
    writer.create(&PostParams::default(), &config_map("kept")).await.unwrap();
    let counts = dr1.audit().unwrap();
    assert_eq!(counts.writes("scenario"), 4, "{counts:?}");
    assert_eq!(counts.sum(|key| key.user_agent == "scenario" && key.verb == "create" && key.code == 409), 1);
    assert_eq!(dr2.audit().unwrap().writes("scenario"), 0);

    let limited = maps(dr1.client_for("limited", "limited").await.unwrap());
    let refused = limited.list(&ListParams::default()).await.unwrap_err();
    assert!(matches!(&refused, kube::Error::Api(status) if status.is_forbidden()), "{refused}");

    let linked = maps(dr1.linked_client("linked").await.unwrap());
    linked.get("kept").await.unwrap();
    dr1.link().set(Link::Cut);
    linked.get("kept").await.unwrap_err();
    dr1.link().set(Link::Open);
    linked.get("kept").await.unwrap();
    // The write takes place, and its writer cannot know.
    dr1.link().set(Link::HalfOpen);
    let (parameters, map) = (PostParams::default(), config_map("half-open"));
    let request = linked.create(&parameters, &map);
    assert!(tokio::time::timeout(Duration::from_secs(3), request).await.is_err());
    assert!(writer.get_opt("half-open").await.unwrap().is_some());
    dr1.link().set(Link::Open);

    dr1.pause().await.unwrap();
    assert!(tokio::time::timeout(Duration::from_secs(1), writer.get("kept")).await.is_err());
    dr1.resume().await.unwrap();
    writer.get("kept").await.unwrap();

    dr1.kill().await;
    writer.get("kept").await.unwrap_err();
    maps(dr2.client("scenario").await.unwrap()).list(&ListParams::default()).await.unwrap();
    dr1.start().await.unwrap();
    writer.get("kept").await.unwrap();
    dr1.stop().await.unwrap();
    writer.get("kept").await.unwrap_err();
}

/// The conditional writes on which fencing of stored metadata rests, and a store that is down or answers 503.
#[tokio::test(flavor = "multi_thread")]
async fn stores_keep_conditions_and_objects() {
    let bed = Bed::builder().store("east", ["backups"]).store("west", ["backups"]).start().await.unwrap();
    let east = bed.store("east").unwrap();
    let (direct, linked) = (bucket(&east.access()), bucket(&east.linked_access()));
    let (key, mode) = (Path::from("app/vrg.json"), |mode: PutMode| PutOptions { mode, ..Default::default() });
    let first = direct.put_opts(&key, PutPayload::from("1"), mode(PutMode::Create)).await.unwrap();
    let again = direct.put_opts(&key, PutPayload::from("2"), mode(PutMode::Create)).await.unwrap_err();
    assert!(matches!(again, object_store::Error::AlreadyExists { .. }), "{again}");
    direct.put_opts(&key, PutPayload::from("3"), mode(PutMode::Update(first.clone().into()))).await.unwrap();
    let stale = direct.put_opts(&key, PutPayload::from("4"), mode(PutMode::Update(first.into()))).await.unwrap_err();
    assert!(matches!(stale, object_store::Error::Precondition { .. }), "{stale}");
    let west = bucket(&bed.store("west").unwrap().access()).get(&key).await.unwrap_err();
    assert!(matches!(west, object_store::Error::NotFound { .. }), "{west}");

    assert_eq!(linked.get(&key).await.unwrap().bytes().await.unwrap(), "3");
    east.link().set(Link::Answer(503));
    // A new client: the old one may send its next request on a connection that is just being closed.
    let linked = bucket(&east.linked_access());
    let unavailable = linked.get(&key).await.unwrap_err().to_string();
    assert!(unavailable.contains("503"), "{unavailable}");
    east.link().set(Link::Open);
    linked.get(&key).await.unwrap();

    east.kill().await;
    direct.get(&key).await.unwrap_err();
    east.start().await.unwrap();
    assert_eq!(direct.get(&key).await.unwrap().bytes().await.unwrap(), "3");
}
