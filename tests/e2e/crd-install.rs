//! Our CRDs on a real API server: it takes them, and takes whole what an upstream hub writes of Open Cluster
//! Management's kinds.
#![allow(clippy::unwrap_used, clippy::panic)]

use k8s_openapi::{
    api::core::v1::Namespace, apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{
    Client,
    api::{Api, DynamicObject, ObjectMeta, PostParams},
    core::ApiResource,
    runtime::wait::{await_condition, conditions},
};
use ramen_core::api;
use ramen_tests::{crd, real::Bed};
use serde_json::Value;

/// Installs CRDs and waits until the API server serves them.
async fn install(client: &Client, definitions: &[CustomResourceDefinition]) {
    let crds = Api::<CustomResourceDefinition>::all(client.clone());
    for definition in definitions {
        crds.create(&PostParams::default(), definition).await.unwrap();
    }
    for definition in definitions {
        let name = definition.metadata.name.as_deref().unwrap();
        await_condition(crds.clone(), name, conditions::is_crd_established()).await.unwrap();
    }
}

/// The kinds of the definitions, and whether they have namespaces.
fn resource(definitions: &[CustomResourceDefinition], object: &Value) -> (ApiResource, bool) {
    let kind = object["kind"].as_str().unwrap();
    let definition = definitions.iter().find(|definition| definition.spec.names.kind == kind).unwrap();
    let group = definition.spec.group.clone();
    let version = definition.spec.versions[0].name.clone();
    let resource = ApiResource {
        api_version: format!("{group}/{version}"),
        group,
        version,
        kind: kind.to_owned(),
        plural: definition.spec.names.plural.clone(),
    };
    (resource, definition.spec.scope == "Namespaced")
}

/// Takes out what Go writes for a time that is not set: an API server drops it from embedded objects, whoever's CRD it
/// is.
fn drop_null_creation(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, value| !(name == "creationTimestamp" && value.is_null()));
            fields.values_mut().for_each(drop_null_creation);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_null_creation),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_hub_writes_is_stored_whole() {
    let bed = Bed::builder().cluster("hub").start().await.unwrap();
    let client = bed.cluster("hub").unwrap().client("crd-install").await.unwrap();
    let definitions = api::foreign::compatible_crds();
    install(&client, &definitions).await;
    for name in ["app", "dr1", "dr2"] {
        let metadata = ObjectMeta { name: Some(name.to_owned()), ..Default::default() };
        let namespace = Namespace { metadata, ..Default::default() };
        Api::all(client.clone()).create(&PostParams::default(), &namespace).await.unwrap();
    }
    for object in crd::ocm_objects().unwrap() {
        let wanted: DynamicObject = serde_json::from_value(object.clone()).unwrap();
        let (resource, namespaced) = resource(&definitions, &object);
        let objects = match wanted.metadata.namespace.as_deref().filter(|_| namespaced) {
            Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
            None => Api::<DynamicObject>::all_with(client.clone(), &resource),
        };
        let name = wanted.metadata.name.clone().unwrap();
        let mut created =
            objects.create(&PostParams::default(), &wanted).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        if let Some(status) = wanted.data.get("status") {
            created.data["status"] = status.clone();
            created = objects
                .replace_status(&name, &PostParams::default(), &created)
                .await
                .unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        // Metadata is the API server's own business.
        let mut whole = wanted.data;
        drop_null_creation(&mut whole);
        assert_eq!(created.data, whole, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_crd_of_ours_is_established() {
    let bed = Bed::builder().cluster("dr1").start().await.unwrap();
    let client = bed.cluster("dr1").unwrap().client("crd-install").await.unwrap();
    install(&client, &api::crds()).await;
}
