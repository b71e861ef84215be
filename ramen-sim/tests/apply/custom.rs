//! Custom resources: a kind with every type of list and map, with and without a status subresource.

use ramen_sim::apply::TypedSchema;
use serde_json::{Value, json};

use crate::replay::{Scenario, Server};

const DATA: &str = include_str!("../data/apply-custom.json");

struct Custom {
    schema: TypedSchema,
    status: bool,
}

impl Server for Custom {
    fn schema(&self) -> &TypedSchema {
        &self.schema
    }

    /// The one default of the schema.
    fn decode(&self, _step: &Value, mut object: Value) -> Value {
        for port in object.pointer_mut("/spec/ports").and_then(Value::as_array_mut).into_iter().flatten() {
            port.as_object_mut().unwrap().entry("protocol").or_insert(json!("TCP"));
        }
        object
    }

    fn reset(&self, step: &Value, live: Option<&Value>, mut new: Value) -> Value {
        let subresource = step.get("subresource");
        if !self.status {
            return new;
        }
        let status = if subresource.is_some() { new.get("status") } else { live.and_then(|live| live.get("status")) };
        let status = status.cloned();
        if subresource.is_some() {
            let managed = new.pointer("/metadata/managedFields").cloned();
            new = live.unwrap().clone();
            let metadata = new["metadata"].as_object_mut().unwrap();
            metadata.remove("managedFields");
            metadata.extend(managed.map(|managed| ("managedFields".to_owned(), managed)));
        }
        let object = new.as_object_mut().unwrap();
        object.remove("status");
        object.extend(status.map(|status| ("status".to_owned(), status)));
        new
    }
}

fn kinds() -> (Value, Custom, Custom) {
    let data: Value = serde_json::from_str(DATA).unwrap();
    let of = |status| Custom { schema: TypedSchema::from_crd_schema(&data["schema"], status), status };
    let (thing, plain) = (of(true), of(false));
    (data, thing, plain)
}

#[test]
fn every_rule_holds_as_on_the_real_server() {
    let (data, thing, plain) = kinds();
    let mut differences = Vec::new();
    let mut steps = 0;
    for scenario in data["scenarios"].as_array().unwrap() {
        let scenario = Scenario(scenario);
        let server = if scenario.kind() == "Thing" { &thing } else { &plain };
        steps += scenario.replay(server, &mut differences);
    }
    assert!(steps > 200, "the recording is too short: {steps} steps");
    assert!(differences.is_empty(), "{} of {steps} steps differ\n{}", differences.len(), differences.join("\n"));
}

#[test]
fn a_wrong_answer_would_be_noticed() {
    let (data, thing, _) = kinds();
    let mut scenario = data["scenarios"][0].clone();
    let mut differences = Vec::new();
    Scenario(&scenario).replay(&thing, &mut differences);
    assert!(differences.is_empty());
    scenario["steps"][0]["object"]["metadata"]["managedFields"][0]["fieldsV1"] = json!({});
    Scenario(&scenario).replay(&thing, &mut differences);
    assert_eq!(differences.len(), 1);
}
