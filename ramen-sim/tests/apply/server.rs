//! The same recordings through the simulated API server: that it calls apply and its kin at the right moment, with the right
//! objects, and answers with the right Status.

use http::Request;
use http_body_util::BodyExt as _;
use kube::client::Body;
use ramen_sim::apiserver::ApiServer;
use serde_json::{Value, json};

use crate::replay::{Answer, difference, text};

const RECORDINGS: [&str; 2] = [include_str!("../data/apply-custom.json"), include_str!("../data/apply-core.json")];

/// Kinds that the simulator serves without all the defaults and admission of the real server.
const BARE: [&str; 6] = ["Pod", "Deployment", "StatefulSet", "Service", "PersistentVolume", "Node"];

fn definition(kind: &str, schema: &Value, status: bool) -> Value {
    let plural = format!("{}s", kind.to_lowercase());
    let mut version = json!({ "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": schema } });
    if status {
        version["subresources"] = json!({ "status": {} });
    }
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("{plural}.golden.ramen.test") },
        "spec": {
            "group": "golden.ramen.test",
            "scope": "Namespaced",
            "names": { "kind": kind, "plural": plural, "singular": kind.to_lowercase(), "listKind": format!("{kind}List") },
            "versions": [version],
        },
    })
}

/// The path of the object, and of its collection.
fn paths(scenario: &Value, name: &str) -> (String, String) {
    let (api_version, kind) = (text(scenario, "apiVersion"), text(scenario, "kind"));
    let plural = match kind {
        "StorageClass" => "storageclasses".to_owned(),
        _ => format!("{}s", kind.to_lowercase()),
    };
    let cluster_wide =
        ["Namespace", "PersistentVolume", "Node", "StorageClass", "VolumeAttachment", "ClusterRole"].contains(&kind);
    let root = if api_version.contains('/') { "apis" } else { "api" };
    let namespace = if cluster_wide { "" } else { "namespaces/default/" };
    let collection = format!("/{root}/{api_version}/{namespace}{plural}");
    (format!("{collection}/{name}"), collection)
}

async fn send(client: &kube::Client, scenario: &Value, step: &Value, live: Option<&Value>) -> (u16, Value) {
    let name = scenario["steps"][0]["body"]["metadata"]["name"].as_str().unwrap();
    let (object, collection) = paths(scenario, name);
    let (method, path, content) = match text(step, "verb") {
        "create" => ("POST", collection, "application/json"),
        "update" => ("PUT", object, "application/json"),
        "apply" => ("PATCH", object, "application/apply-patch+yaml"),
        "merge" => ("PATCH", object, "application/merge-patch+json"),
        _ => ("PATCH", object, "application/strategic-merge-patch+json"),
    };
    let mut body = step["body"].clone();
    if method == "PUT" {
        body["metadata"]["resourceVersion"] = live.unwrap()["metadata"]["resourceVersion"].clone();
    }
    let subresource = step["subresource"].as_str().map_or_else(String::new, |name| format!("/{name}"));
    let force = if step["force"] == json!(true) { "&force=true" } else { "" };
    let uri = format!("{path}{subresource}?fieldManager={}{force}", text(step, "manager"));
    let request = Request::builder().method(method).uri(uri).header("content-type", content);
    let response = client.send(request.body(Body::from(body.to_string().into_bytes())).unwrap()).await.unwrap();
    let code = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (code, serde_json::from_slice(&body).unwrap())
}

/// Without what differs from server to server and from run to run.
fn stable(mut object: Value) -> Value {
    let metadata = object["metadata"].as_object_mut().unwrap();
    for volatile in ["uid", "resourceVersion", "creationTimestamp", "generation"] {
        metadata.remove(volatile);
    }
    if let Some(entries) = metadata.get_mut("managedFields").and_then(Value::as_array_mut) {
        for entry in entries.iter_mut() {
            entry.as_object_mut().unwrap().remove("time");
        }
        // By time, among updates: what took seconds there takes none here.
        entries.sort_by_key(Value::to_string);
    }
    object
}

#[tokio::test(start_paused = true)]
async fn every_rule_holds_through_the_simulated_server() {
    let mut differences = Vec::new();
    for recording in RECORDINGS {
        let recording: Value = serde_json::from_str(recording).unwrap();
        let server = ApiServer::builder("east").seed(1).build();
        for (kind, status) in [("Thing", true), ("Plain", false)] {
            server.install(&definition(kind, &recording["schema"], status)).unwrap();
        }
        let client = server.client("recorder");
        let scenarios = recording["scenarios"].as_array().unwrap();
        for scenario in scenarios.iter().filter(|scenario| !BARE.contains(&text(scenario, "kind"))) {
            let mut live: Option<Value> = None;
            let steps = scenario["steps"].as_array().unwrap().iter().enumerate();
            // Nor has it the admission that forbids.
            for (index, step) in steps.take_while(|(_, step)| step["code"] != json!(403)) {
                let (code, found) = send(&client, scenario, step, live.as_ref()).await;
                let mut step = step.clone();
                if let Some(object) = step.get("object") {
                    step["object"] = stable(object.clone());
                }
                let answer = if code < 300 {
                    live = Some(found.clone());
                    Answer::Object(stable(found))
                } else {
                    let causes =
                        found.pointer("/details/causes").and_then(Value::as_array).cloned().unwrap_or_default();
                    let (reason, message) = (text(&found, "reason").to_owned(), text(&found, "message").to_owned());
                    Answer::Refused { code: i64::from(code), reason, message, causes }
                };
                let rule = text(scenario, "rule");
                if step["code"] != json!(code) {
                    differences.push(format!("{rule}, step {index}: code {code}, not {}", step["code"]));
                    break;
                }
                if let Some(difference) = difference(&step, answer) {
                    differences.push(format!("{rule}, step {index}:\n{difference}"));
                    break;
                }
            }
        }
    }
    assert!(differences.is_empty(), "{} scenarios differ\n{}", differences.len(), differences.join("\n"));
}
