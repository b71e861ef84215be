//! The kit for stores of cluster data against two real S3 servers.

#![allow(clippy::unwrap_used)] // helpers of tests

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use k8s_openapi::ByteString;
use ramen_core::{api::S3StoreProfile, testing::conformance::cluster_data, time::SystemClock};
use ramen_storage::cluster_data::{
    Breaker, ObjectStoreClusterData,
    s3::{self, S3Credentials},
};
use ramen_tests::{
    kits::{Backend, FaultyObjects, ObjectStoreBed},
    real::{Bed, StoreAccess},
};

fn profile(name: &str, access: &StoreAccess) -> (S3StoreProfile, S3Credentials) {
    let profile = S3StoreProfile {
        s3_profile_name: name.to_owned(),
        s3_bucket: "ramen".into(),
        s3_region: access.region.clone(),
        s3_compatible_endpoint: access.endpoint.clone(),
        ..S3StoreProfile::default()
    };
    let data = [("AWS_ACCESS_KEY_ID", &access.access_key), ("AWS_SECRET_ACCESS_KEY", &access.secret_key)]
        .map(|(key, value)| (key.to_owned(), ByteString(value.clone().into_bytes())));
    (profile, S3Credentials::from_secret("ops/s3", &BTreeMap::from(data)).unwrap())
}

/// The store is cut off and held by a proxy in front of the server; single keys are by a front of the client.
fn backend(real: &Arc<Bed>, name: &'static str) -> Backend {
    let store = real.store(name).unwrap();
    let (direct, direct_credentials) = profile(name, &store.access());
    let (linked, credentials) = profile(name, &store.linked_access());
    let direct = s3::connect(&direct, &direct_credentials).unwrap();
    let reached = FaultyObjects::new(s3::connect(&linked, &credentials).unwrap(), true);
    let real = real.clone();
    Backend::new(direct, reached, move |objects, writer| {
        // As `s3::open` does, with the front in between.
        let store = ObjectStoreClusterData::new(name, Arc::new(objects), writer, Arc::new(SystemClock));
        Ok(Arc::new(Breaker::new(Arc::new(store))))
    })
    .with_line(move |link| real.store(name).unwrap().link().set(link))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_s3_store_keeps_every_promise() {
    let real = Arc::new(Bed::builder().store("west", ["ramen"]).store("east", ["ramen"]).start().await.unwrap());
    let secrets = ["west", "east"].map(|name| real.store(name).unwrap().access());
    let bed = ObjectStoreBed {
        name: "ObjectStoreClusterData over S3 (versitygw)".into(),
        backends: vec![backend(&real, "west"), backend(&real, "east")],
        conditional: true,
        slack: Duration::from_secs(3),
        credentials: secrets.into_iter().map(|access| access.secret_key).collect(),
    };
    let report = cluster_data::run(&bed).await;
    println!("{report}\n\n{}", report.markdown());
    assert!(report.is_green(), "{:#?}", report.broken());
}
