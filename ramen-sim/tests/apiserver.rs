//! The API server as controllers meet it: through kube's client, its watcher, in virtual time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, PersistentVolumeClaim, Secret};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::runtime::watcher;
use kube::{Api, Resource, ResourceExt};
use ramen_sim::apiserver::ApiServer;
use serde_json::json;

const WIDGETS: &str = include_str!("data/widgets.yaml");

fn server() -> ApiServer {
    ApiServer::builder("east").seed(1).build()
}

fn config_map(name: &str, value: &str) -> ConfigMap {
    serde_json::from_value(json!({ "metadata": { "name": name, "labels": { "app": value } }, "data": { "k": value } }))
        .unwrap()
}

fn widgets(client: kube::Client) -> Api<DynamicObject> {
    let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("example.com", "v1", "Widget"));
    Api::namespaced_with(client, "default", &kind)
}

fn widget(name: &str, spec: &serde_json::Value) -> DynamicObject {
    let object =
        json!({ "apiVersion": "example.com/v1", "kind": "Widget", "metadata": { "name": name }, "spec": spec });
    serde_json::from_value(object).unwrap()
}

fn refused(error: kube::Error) -> kube::core::Status {
    match error {
        kube::Error::Api(status) => *status,
        other => panic!("expected a Status, got {other}"),
    }
}

#[tokio::test(start_paused = true)]
async fn an_object_lives_through_create_update_patch_and_delete() {
    let server = server();
    let maps: Api<ConfigMap> = Api::namespaced(server.client("t"), "default");
    let created = maps.create(&PostParams::default(), &config_map("a", "1")).await.unwrap();
    assert!(created.uid().is_some() && created.creation_timestamp().is_some());

    let mut changed = created.clone();
    changed.data.as_mut().unwrap().insert("k".into(), "2".into());
    let updated = maps.replace("a", &PostParams::default(), &changed).await.unwrap();
    assert_ne!(updated.resource_version(), created.resource_version());
    let again = maps.replace("a", &PostParams::default(), &updated).await.unwrap();
    assert_eq!(again.resource_version(), updated.resource_version(), "an update that changes nothing is no revision");

    let stale = refused(maps.replace("a", &PostParams::default(), &created).await.unwrap_err());
    assert_eq!((stale.code, stale.reason.as_str()), (409, "Conflict"));

    let patch = Patch::Merge(json!({ "data": { "k": null, "n": "3" } }));
    let patched = maps.patch("a", &PatchParams::default(), &patch).await.unwrap();
    assert_eq!(patched.data.unwrap(), [("n".to_string(), "3".to_string())].into());

    // The client says it in the body of the request.
    let rehearsal = DeleteParams { dry_run: true, ..DeleteParams::default() };
    maps.delete("a", &rehearsal).await.unwrap();
    assert!(maps.get("a").await.is_ok(), "a deletion that is only tried out deletes nothing");
    maps.delete("a", &DeleteParams::default()).await.unwrap();
    assert_eq!(refused(maps.get("a").await.unwrap_err()).reason, "NotFound");
}

#[tokio::test(start_paused = true)]
async fn a_watch_sees_what_enters_changes_in_and_leaves_its_selector() {
    let server = server();
    let maps: Api<ConfigMap> = Api::namespaced(server.client("t"), "default");
    let start = server.revision().to_string();
    maps.create(&PostParams::default(), &config_map("a", "x")).await.unwrap();
    maps.create(&PostParams::default(), &config_map("b", "y")).await.unwrap();
    for label in ["y", "y", "x"] {
        let patch = json!({ "metadata": { "labels": { "app": label } }, "data": { "now": label } });
        maps.patch("a", &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    }
    maps.delete("a", &DeleteParams::default()).await.unwrap();
    let params = WatchParams::default().labels("app=x").timeout(5);
    let events: Vec<WatchEvent<ConfigMap>> = maps.watch(&params, &start).await.unwrap().try_collect().await.unwrap();
    let seen: Vec<&str> = events
        .iter()
        .filter_map(|event| match event {
            WatchEvent::Added(_) => Some("ADDED"),
            WatchEvent::Modified(_) => Some("MODIFIED"),
            WatchEvent::Deleted(_) => Some("DELETED"),
            WatchEvent::Bookmark(_) => None,
            WatchEvent::Error(status) => panic!("{status:?}"),
        })
        .collect();
    assert_eq!(seen, ["ADDED", "DELETED", "ADDED", "DELETED"]);
}

#[tokio::test(start_paused = true)]
async fn a_watch_from_before_a_compaction_is_told_so() {
    let server = server();
    let maps: Api<ConfigMap> = Api::namespaced(server.client("t"), "default");
    let start = server.revision().to_string();
    maps.create(&PostParams::default(), &config_map("a", "x")).await.unwrap();
    server.compact(server.revision());
    let stream = maps.watch(&WatchParams::default(), &start).await.unwrap();
    let first = std::pin::pin!(stream).next().await.unwrap();
    match first {
        Ok(WatchEvent::Error(status)) => assert_eq!((status.code, status.reason.as_str()), (410, "Expired")),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn kubes_watcher_follows_with_streaming_lists() {
    let server = server();
    let maps: Api<ConfigMap> = Api::namespaced(server.client("t"), "default");
    maps.create(&PostParams::default(), &config_map("before", "x")).await.unwrap();
    let mut events = watcher(maps.clone(), watcher::Config::default().streaming_lists()).boxed();
    let mut seen = Vec::new();
    while let Some(event) = events.next().await {
        match event.unwrap() {
            watcher::Event::InitApply(object) => seen.push(format!("init {}", object.name_any())),
            watcher::Event::InitDone => {
                seen.push("done".into());
                maps.create(&PostParams::default(), &config_map("after", "x")).await.unwrap();
                maps.delete("before", &DeleteParams::default()).await.unwrap();
            }
            watcher::Event::Apply(object) => seen.push(format!("apply {}", object.name_any())),
            watcher::Event::Delete(object) => {
                seen.push(format!("delete {}", object.name_any()));
                break;
            }
            watcher::Event::Init => {}
        }
    }
    assert_eq!(seen, ["init before", "done", "apply after", "delete before"]);
}

#[tokio::test(start_paused = true)]
async fn a_custom_kind_is_pruned_defaulted_and_validated() {
    let server = server();
    server.install_crds(WIDGETS).unwrap();
    let api = widgets(server.client("t"));
    let created = api.create(&PostParams::default(), &widget("a", &json!({ "size": 5, "unknown": 1 }))).await.unwrap();
    assert_eq!(created.data["spec"], json!({ "size": 5, "mode": "A" }));
    assert_eq!(created.metadata.generation, Some(1));

    let bad = json!({ "size": 0, "mode": "C", "pat": "bbbbbbb", "list": [{ "k": "a" }, { "k": "a" }] });
    let status = refused(api.create(&PostParams::default(), &widget("b", &bad)).await.unwrap_err());
    assert_eq!((status.code, status.reason.as_str()), (422, "Invalid"));
    let mut causes: Vec<(String, String)> =
        status.details.unwrap().causes.into_iter().map(|cause| (cause.field, cause.reason)).collect();
    causes.sort();
    let expected = [
        ("<nil>", "FieldValueInvalid"),
        ("spec.list[1]", "FieldValueDuplicate"),
        ("spec.mode", "FieldValueNotSupported"),
        ("spec.pat", "FieldValueTooLong"),
        ("spec.size", "FieldValueInvalid"),
    ];
    let found: Vec<(&str, &str)> = causes.iter().map(|(field, reason)| (field.as_str(), reason.as_str())).collect();
    assert_eq!(found, expected);
}

#[tokio::test(start_paused = true)]
async fn rules_hold_for_new_objects_and_transitions() {
    let server = server();
    server.install_crds(WIDGETS).unwrap();
    let api = widgets(server.client("t"));
    let status = refused(api.create(&PostParams::default(), &widget("a", &json!({ "size": 60 }))).await.unwrap_err());
    assert!(status.message.ends_with("spec: Invalid value: too big"), "{}", status.message);
    api.create(&PostParams::default(), &widget("a", &json!({ "size": 6 }))).await.unwrap();
    let patch = Patch::Merge(json!({ "spec": { "mode": "B" } }));
    let status = refused(api.patch("a", &PatchParams::default(), &patch).await.unwrap_err());
    assert_eq!(status.details.unwrap().causes[0].field, "spec.mode");
}

#[tokio::test(start_paused = true)]
async fn the_status_is_written_apart_and_the_generation_counts_the_spec() {
    let server = server();
    server.install_crds(WIDGETS).unwrap();
    let api = widgets(server.client("t"));
    api.create(&PostParams::default(), &widget("a", &json!({ "size": 6 }))).await.unwrap();
    let both = Patch::Merge(json!({ "spec": { "size": 7 }, "status": { "ready": true } }));
    let after_status = api.patch_status("a", &PatchParams::default(), &both).await.unwrap();
    assert_eq!(after_status.data["spec"]["size"], 6);
    assert_eq!(after_status.data["status"]["ready"], true);
    assert_eq!(after_status.metadata.generation, Some(1));
    let wipe = Patch::Merge(json!({ "spec": { "size": 8 }, "status": null }));
    let after_spec = api.patch("a", &PatchParams::default(), &wipe).await.unwrap();
    assert_eq!(after_spec.data["status"]["ready"], true);
    assert_eq!(after_spec.metadata.generation, Some(2));
}

#[tokio::test(start_paused = true)]
async fn finalizers_hold_an_object_until_the_last_is_gone() {
    let server = server();
    server.install_crds(WIDGETS).unwrap();
    let api = widgets(server.client("t"));
    let mut object = widget("a", &json!({ "size": 6 }));
    object.metadata.finalizers = Some(vec!["example.com/hold".into()]);
    api.create(&PostParams::default(), &object).await.unwrap();
    let pending = api.delete("a", &DeleteParams::default()).await.unwrap().left().unwrap();
    assert!(pending.metadata.deletion_timestamp.is_some());
    let add = Patch::Merge(json!({ "metadata": { "finalizers": ["example.com/hold", "example.com/more"] } }));
    assert_eq!(refused(api.patch("a", &PatchParams::default(), &add).await.unwrap_err()).code, 422);
    let release = Patch::Merge(json!({ "metadata": { "finalizers": null } }));
    api.patch("a", &PatchParams::default(), &release).await.unwrap();
    assert!(!server.exists("example.com", "widgets", "default", "a"));
}

#[tokio::test(start_paused = true)]
async fn pages_of_a_list_show_one_revision() {
    let server = server();
    let maps: Api<ConfigMap> = Api::namespaced(server.client("t"), "default");
    for name in ["a", "b", "c", "d"] {
        maps.create(&PostParams::default(), &config_map(name, "x")).await.unwrap();
    }
    let first = maps.list(&ListParams::default().limit(2)).await.unwrap();
    assert_eq!(first.metadata.remaining_item_count, Some(2));
    maps.delete("c", &DeleteParams::default()).await.unwrap();
    let token = first.metadata.continue_.clone().unwrap();
    let second = maps.list(&ListParams::default().limit(2).continue_token(&token)).await.unwrap();
    let names: Vec<String> = second.iter().map(ResourceExt::name_any).collect();
    assert_eq!(names, ["c", "d"], "the second page is of the revision of the first");
    assert_eq!(second.metadata.resource_version, first.metadata.resource_version);

    server.compact(server.revision());
    let status = refused(maps.list(&ListParams::default().limit(2).continue_token(&token)).await.unwrap_err());
    assert_eq!((status.code, status.reason.as_str()), (410, "Expired"));
}

#[tokio::test(start_paused = true)]
async fn a_terminating_namespace_takes_no_new_objects() {
    let server = server();
    let namespaces: Api<Namespace> = Api::all(server.client("t"));
    let app = serde_json::from_value(json!({ "metadata": { "name": "app" } })).unwrap();
    namespaces.create(&PostParams::default(), &app).await.unwrap();
    namespaces.delete("app", &DeleteParams::default()).await.unwrap();
    let maps: Api<ConfigMap> = Api::namespaced(server.client("t"), "app");
    let status = refused(maps.create(&PostParams::default(), &config_map("a", "x")).await.unwrap_err());
    assert_eq!((status.code, status.reason.as_str()), (403, "Forbidden"));
    assert_eq!(status.details.unwrap().causes[0].reason, "NamespaceTerminating");
}

#[tokio::test(start_paused = true)]
async fn core_kinds_get_the_defaults_that_recovery_relies_on() {
    let server = server();
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(server.client("t"), "default");
    let claim = json!({ "metadata": { "name": "data" }, "spec": {
        "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } } } });
    let claim = serde_json::from_value(claim).unwrap();
    let created = claims.create(&PostParams::default(), &claim).await.unwrap();
    assert_eq!(created.finalizers(), ["kubernetes.io/pvc-protection"]);
    assert_eq!(created.spec.unwrap().volume_mode.as_deref(), Some("Filesystem"));
    assert_eq!(created.status.unwrap().phase.as_deref(), Some("Pending"));

    let secrets: Api<Secret> = Api::namespaced(server.client("t"), "default");
    let secret = serde_json::from_value(json!({ "metadata": { "name": "s" }, "stringData": { "k": "v" } })).unwrap();
    let created = secrets.create(&PostParams::default(), &secret).await.unwrap();
    assert_eq!(created.type_.as_deref(), Some("Opaque"));
    assert_eq!(created.data.unwrap()["k"].0, b"v");
}

#[tokio::test(start_paused = true)]
async fn applies_share_an_object_and_conflict_over_fields() {
    let server = server();
    let maps: Api<ConfigMap> = Api::namespaced(server.client("t"), "default");
    let apply = |value: &str| json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "a" }, "data": { "k": value } });
    maps.patch("a", &PatchParams::apply("one"), &Patch::Apply(apply("1"))).await.unwrap();
    let status = refused(maps.patch("a", &PatchParams::apply("two"), &Patch::Apply(apply("2"))).await.unwrap_err());
    assert_eq!((status.code, status.reason.as_str()), (409, "Conflict"));
    assert_eq!(status.details.unwrap().causes[0].field, ".data.k");
    let forced = maps.patch("a", &PatchParams::apply("two").force(), &Patch::Apply(apply("2"))).await.unwrap();
    assert_eq!(forced.meta().managed_fields.as_ref().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn kubes_finalizer_helper_runs_its_cleanup() {
    use kube::runtime::controller::Action;
    use kube::runtime::finalizer::{Event, finalizer};
    let server = server();
    let maps: Api<ConfigMap> = Api::namespaced(server.client("t"), "default");
    maps.create(&PostParams::default(), &config_map("a", "x")).await.unwrap();
    let cleaned = std::sync::atomic::AtomicBool::new(false);
    let pass = async || {
        let object = maps.get("a").await.unwrap();
        finalizer(&maps, "example.com/clean", object.into(), async |event| {
            cleaned.store(matches!(event, Event::Cleanup(_)), std::sync::atomic::Ordering::Relaxed);
            Ok::<_, std::io::Error>(Action::await_change())
        })
        .await
        .unwrap()
    };
    pass().await;
    assert_eq!(maps.get("a").await.unwrap().finalizers(), ["example.com/clean"]);
    maps.delete("a", &DeleteParams::default()).await.unwrap();
    pass().await;
    assert!(cleaned.into_inner() && !server.exists("", "configmaps", "default", "a"));
}

#[tokio::test(start_paused = true)]
async fn a_lease_has_one_holder_at_a_time() {
    use k8s_openapi::api::coordination::v1::Lease;
    let server = server();
    let take = |holder: &'static str| {
        let leases: Api<Lease> = Api::namespaced(server.client(holder), "default");
        async move {
            let spec = json!({ "holderIdentity": holder, "leaseDurationSeconds": 15, "renewTime": "2030-01-01T00:00:00.000000Z" });
            let Some(mut lease) = leases.get_opt("leader").await.unwrap() else {
                let new = serde_json::from_value(json!({ "metadata": { "name": "leader" }, "spec": spec })).unwrap();
                return leases.create(&PostParams::default(), &new).await.is_ok();
            };
            // Both look before either writes.
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            lease.spec = serde_json::from_value(spec).unwrap();
            leases.replace("leader", &PostParams::default(), &lease).await.is_ok()
        }
    };
    assert!(take("first").await);
    let (a, b) = tokio::join!(take("second"), take("third"));
    assert!(a ^ b, "exactly one of two that saw the same Lease takes it over");
}

#[tokio::test(start_paused = true)]
async fn rights_come_from_roles_and_can_be_taken_away() {
    let server = server();
    server.grant_token("secret", "operator", &["dr"]);
    let maps: Api<ConfigMap> = Api::namespaced(server.client_with_token("t", "secret"), "default");
    let status = refused(maps.list(&ListParams::default()).await.unwrap_err());
    assert_eq!((status.code, status.reason.as_str()), (403, "Forbidden"));
    let expected = "configmaps is forbidden: User \"operator\" cannot list resource \"configmaps\" in API group \"\" in \
        the namespace \"default\"";
    assert_eq!(status.message, expected);

    let group = "rbac.authorization.k8s.io";
    let role = json!({ "apiVersion": format!("{group}/v1"), "kind": "Role", "metadata": { "name": "read", "namespace": "default" },
        "rules": [{ "apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"] }] });
    let binding = json!({ "apiVersion": format!("{group}/v1"), "kind": "RoleBinding",
        "metadata": { "name": "read", "namespace": "default" },
        "roleRef": { "apiGroup": group, "kind": "Role", "name": "read" },
        "subjects": [{ "apiGroup": group, "kind": "Group", "name": "dr" }] });
    server.install(&role).unwrap();
    server.install(&binding).unwrap();
    maps.list(&ListParams::default()).await.unwrap();
    assert_eq!(refused(maps.get("a").await.unwrap_err()).code, 403, "only what the role says");
    server.revoke_token("secret");
    assert_eq!(refused(maps.list(&ListParams::default()).await.unwrap_err()).code, 401);
}

#[tokio::test(start_paused = true)]
async fn bad_requests_get_the_status_of_kubernetes() {
    let server = server();
    server.install_crds(WIDGETS).unwrap();
    let client = server.client("t");
    let widgets = "/apis/example.com/v1/namespaces/default/widgets";
    let maps = "/api/v1/namespaces/default/configmaps";
    let big = format!(r#"{{"metadata":{{"name":"{}"}}}}"#, "x".repeat(4 << 20));
    let json_type = "application/json";
    let cases = [
        ("POST", maps, json_type, "{bad", 400, "BadRequest"),
        (
            "POST",
            maps,
            json_type,
            r#"{"apiVersion":"v9","kind":"ConfigMap","metadata":{"name":"a"}}"#,
            400,
            "BadRequest",
        ),
        ("POST", maps, json_type, r#"{"kind":"Secret","metadata":{"name":"a"}}"#, 400, "BadRequest"),
        ("POST", maps, json_type, r#"{"metadata":{"name":"a"},"data":{"k":1}}"#, 400, "BadRequest"),
        ("POST", maps, json_type, r#"{"metadata":{"name":"a","namespace":"other"}}"#, 400, "BadRequest"),
        ("POST", maps, json_type, r#"{"metadata":{"name":"A_"}}"#, 422, "Invalid"),
        ("POST", maps, json_type, big.as_str(), 413, "RequestEntityTooLarge"),
        ("POST", maps, "text/plain", "{}", 415, "UnsupportedMediaType"),
        ("POST", "/api/v1/namespaces/absent/configmaps", json_type, r#"{"metadata":{"name":"a"}}"#, 404, "NotFound"),
        (
            "POST",
            widgets,
            json_type,
            r#"{"apiVersion":"example.com/v2","kind":"Widget","metadata":{"name":"a"}}"#,
            400,
            "BadRequest",
        ),
        (
            "POST",
            widgets,
            json_type,
            r#"{"apiVersion":"example.com/v1","kind":"Other","metadata":{"name":"a"},"spec":{"size":1}}"#,
            422,
            "Invalid",
        ),
        ("PUT", maps, json_type, "{}", 405, "MethodNotAllowed"),
        ("PATCH", "/api/v1/namespaces/default/configmaps/a", "application/merge-patch+json", "{", 404, "NotFound"),
        ("PATCH", &format!("{widgets}/a"), "application/strategic-merge-patch+json", "{}", 415, "UnsupportedMediaType"),
        ("GET", "/api/v1/nothings", "", "", 404, "NotFound"),
        ("GET", &format!("{maps}?labelSelector=a%3D%3D%3Db"), "", "", 400, "BadRequest"),
        ("GET", &format!("{maps}?fieldSelector=spec.x%3Db"), "", "", 400, "BadRequest"),
        ("GET", &format!("{maps}?continue=abc"), "", "", 400, "BadRequest"),
        ("GET", &format!("{maps}?resourceVersion=99999&resourceVersionMatch=Exact"), "", "", 504, "Timeout"),
        ("DELETE", &format!("{maps}/absent"), "", "", 404, "NotFound"),
    ];
    for (method, path, content_type, body, code, reason) in cases {
        let mut request = http::Request::builder().method(method).uri(path);
        if !content_type.is_empty() {
            request = request.header("content-type", content_type);
        }
        let request = request.body(body.as_bytes().to_vec()).unwrap();
        let status = refused(client.request::<serde_json::Value>(request).await.unwrap_err());
        assert_eq!((status.code, status.reason.as_str()), (code, reason), "{method} {path} {body:.60}");
    }
}

#[tokio::test(start_paused = true)]
async fn deleting_a_definition_takes_its_objects_along() {
    let server = server();
    server.install_crds(WIDGETS).unwrap();
    let api = widgets(server.client("t"));
    let mut held = widget("held", &json!({ "size": 6 }));
    held.metadata.finalizers = Some(vec!["example.com/hold".into()]);
    api.create(&PostParams::default(), &held).await.unwrap();
    api.create(&PostParams::default(), &widget("free", &json!({ "size": 6 }))).await.unwrap();
    let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("apiextensions.k8s.io", "v1", "CustomResourceDefinition"));
    let definitions: Api<DynamicObject> = Api::all_with(server.client("t"), &kind);
    definitions.delete("widgets.example.com", &DeleteParams::default()).await.unwrap();
    assert!(!server.exists("example.com", "widgets", "default", "free"));
    assert!(server.exists("apiextensions.k8s.io", "customresourcedefinitions", "", "widgets.example.com"));
    let release = Patch::Merge(json!({ "metadata": { "finalizers": null } }));
    api.patch("held", &PatchParams::default(), &release).await.unwrap();
    assert!(!server.exists("apiextensions.k8s.io", "customresourcedefinitions", "", "widgets.example.com"));
    assert!(api.get("held").await.is_err());
}

#[tokio::test(start_paused = true)]
async fn thousands_of_objects_are_listed_and_watched() {
    let server = server();
    for number in 0..5_000 {
        let object = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": format!("m-{number}"), "namespace": "default" } });
        server.install(&object).unwrap();
    }
    let maps: Api<ConfigMap> = Api::namespaced(server.client("t"), "default");
    assert_eq!(maps.list(&ListParams::default()).await.unwrap().items.len(), 5_000);
    let params = WatchParams::default().timeout(1);
    let stream = maps.watch(&params, "0").await.unwrap();
    assert_eq!(stream.try_fold(0, |count, _| async move { Ok(count + 1) }).await.unwrap(), 5_000);
}
