//! Server-side apply on custom resources against what a kube-apiserver v1.36.3 answered.
//!
//! `data/apply-custom.json` holds, for each rule, the requests that were sent and the objects or refusals that came back. Each
//! request is replayed on the object that the real server held at that moment, so that one difference does not hide the next.
#![allow(clippy::unwrap_used, clippy::panic)]

use ramen_sim::apply::{ApplyError, TypedSchema, Writer, apply, keep_times, track_update};
use serde_json::{Map, Value, json};

const DATA: &str = include_str!("data/apply-custom.json");

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

/// What the server answers: the object, or the refusal in the terms of a Status.
#[derive(Debug, PartialEq)]
enum Answer {
    Object(Value),
    Refused { code: i64, reason: String, message: String, causes: Value },
}

/// What a server does around the functions under test: defaults of the schema, and fields that the endpoint resets.
fn store(live: Option<&Value>, mut new: Value, kind: &str, subresource: Option<&str>) -> Value {
    for port in new.pointer_mut("/spec/ports").and_then(Value::as_array_mut).into_iter().flatten() {
        port.as_object_mut().unwrap().entry("protocol").or_insert(json!("TCP"));
    }
    if kind == "Thing" {
        let managed = new.pointer("/metadata/managedFields").cloned();
        let status = if subresource.is_some() { new.get("status") } else { live.and_then(|live| live.get("status")) };
        let status = status.cloned();
        if subresource.is_some() {
            new = live.unwrap().clone();
            new["metadata"]["managedFields"] = managed.unwrap();
        }
        let new = new.as_object_mut().unwrap();
        new.remove("status");
        new.extend(status.map(|status| ("status".to_owned(), status)));
    }
    if let Some(live) = live {
        keep_times(live, &mut new);
    }
    new
}

fn default_protocol(mut object: Value) -> Value {
    for port in object.pointer_mut("/spec/ports").and_then(Value::as_array_mut).into_iter().flatten() {
        port.as_object_mut().unwrap().entry("protocol").or_insert(json!("TCP"));
    }
    object
}

fn refusal(error: &ApplyError) -> Answer {
    let (code, reason, causes) = match error {
        ApplyError::Conflicts(conflicts) => {
            let cause = |conflict: &ramen_sim::apply::Conflict| json!({ "reason": "FieldManagerConflict", "message": conflict.message(), "field": conflict.field });
            (409, "Conflict", conflicts.iter().map(cause).collect())
        }
        ApplyError::BadRequest(_) => (400, "BadRequest", json!([])),
        ApplyError::Invalid(_) => (500, "", json!([])),
    };
    Answer::Refused { code, reason: reason.to_owned(), message: error.to_string(), causes }
}

fn replay(schema: &TypedSchema, live: Option<&Value>, kind: &str, api_version: &str, step: &Value) -> Answer {
    let now = step["at"].as_str().unwrap_or("2026-01-01T00:00:00Z").parse().unwrap();
    let subresource = step["subresource"].as_str();
    let writer = Writer { manager: text(step, "manager"), subresource, api_version, now };
    let body = &step["body"];
    let mut new = match text(step, "verb") {
        "apply" => match apply(schema, live, body, &writer, step["force"] == json!(true)) {
            Ok(object) => return Answer::Object(store(live, object, kind, subresource)),
            Err(error) => return refusal(&error),
        },
        "merge" => {
            let mut new = live.unwrap().clone();
            json_patch::merge(&mut new, body);
            new
        }
        "create" | "update" => body.clone(),
        other => panic!("no such verb: {other}"),
    };
    new = default_protocol(new);
    track_update(schema, live, &mut new, &writer);
    Answer::Object(store(live, new, kind, subresource))
}

fn recorded(step: &Value) -> Answer {
    if let Some(object) = step.get("object") {
        return Answer::Object(object.clone());
    }
    let message = text(step, "message").to_owned();
    Answer::Refused {
        code: step["code"].as_i64().unwrap(),
        reason: text(step, "reason").to_owned(),
        message,
        causes: step["causes"].clone(),
    }
}

/// Error texts that print a Go value cannot be compared; that there is an error of this kind can.
fn comparable(answer: Answer) -> Answer {
    match answer {
        Answer::Refused { code: 500, .. } => {
            Answer::Refused { code: 500, reason: String::new(), message: String::new(), causes: json!([]) }
        }
        // Go goes through its maps in random order.
        Answer::Refused { code, reason, message, causes } => {
            let mut lines: Vec<&str> = message.lines().collect();
            lines.sort_unstable();
            let message = lines.join("\n");
            let mut causes = causes.as_array().cloned().unwrap_or_default();
            causes.sort_by_key(Value::to_string);
            Answer::Refused { code, reason, message, causes: causes.into() }
        }
        Answer::Object(object) => Answer::Object(object),
    }
}

#[test]
fn every_rule_holds_as_on_the_real_server() {
    let data: Value = serde_json::from_str(DATA).unwrap();
    let (thing, plain) =
        (TypedSchema::from_crd_schema(&data["schema"], true), TypedSchema::from_crd_schema(&data["schema"], false));
    let mut failures = Vec::new();
    let mut steps = 0;
    for scenario in data["scenarios"].as_array().unwrap() {
        let kind = text(scenario, "kind");
        let schema = if kind == "Thing" { &thing } else { &plain };
        let mut live: Option<Value> = None;
        for (index, step) in scenario["steps"].as_array().unwrap().iter().enumerate() {
            // What the structural schema refuses after the merge is not apply's business.
            if step["code"] == json!(422) {
                continue;
            }
            steps += 1;
            let expected = comparable(recorded(step));
            let found = comparable(replay(schema, live.as_ref(), kind, text(scenario, "apiVersion"), step));
            if expected != found {
                failures.push(format!(
                    "{} (step {index}):\n  real  {expected:?}\n  found {found:?}",
                    text(scenario, "rule")
                ));
            }
            if let Answer::Object(object) = recorded(step) {
                live = Some(object);
            }
        }
    }
    assert!(steps > 150, "the recording is too short: {steps} steps");
    assert!(failures.is_empty(), "{} of {steps} steps differ\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn a_wrong_answer_would_be_noticed() {
    let data: Value = serde_json::from_str(DATA).unwrap();
    let schema = TypedSchema::from_crd_schema(&data["schema"], true);
    let step = &data["scenarios"][0]["steps"][0];
    let mut wrong = step.clone();
    wrong["object"]["metadata"]["managedFields"][0]["fieldsV1"] = Value::Object(Map::new());
    let found = replay(&schema, None, "Thing", "golden.ramen.test/v1", step);
    assert_eq!(recorded(step), found);
    assert_ne!(recorded(&wrong), found);
}
