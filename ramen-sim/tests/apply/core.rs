//! Core kinds, with the fields that their Go types always write and the defaults that matter to ownership.

use ramen_sim::apply::{TypedSchema, normalize_core};
use serde_json::{Map, Value, json};

use crate::replay::{Scenario, Server};

const DATA: &str = include_str!("../data/apply-core.json");

/// Fields that the server sets on create after the owners are recorded: by admission, or by the strategy of the kind.
const SET_LATER: &[(&str, &[&str])] = &[
    ("Namespace", &["/spec/finalizers", "/status/phase"]),
    ("PersistentVolumeClaim", &["/metadata/finalizers", "/status/phase"]),
    ("PersistentVolume", &["/metadata/finalizers", "/status/phase"]),
    ("Pod", &["/spec/priority", "/spec/preemptionPolicy", "/spec/tolerations", "/status/phase", "/status/qosClass"]),
    ("Service", &["/spec/clusterIP", "/spec/clusterIPs", "/spec/ipFamilies", "/spec/ipFamilyPolicy"]),
    ("Node", &["/spec/taints"]),
];

struct Core<'d> {
    schema: &'static TypedSchema,
    scenario: Scenario<'d>,
}

impl Core<'_> {
    fn normalize(&self, object: &mut Value) {
        let (group, version) = self.scenario.api_version().split_once('/').unwrap_or(("", self.scenario.api_version()));
        normalize_core(group, version, self.scenario.kind(), object);
    }
}

fn remove(object: &mut Value, pointer: &str) {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    if let Some(parent) = object.pointer_mut(parent).and_then(Value::as_object_mut) {
        parent.remove(name);
    }
}

fn contains(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            part.iter().all(|(name, part)| whole.get(name).is_some_and(|whole| contains(whole, part)))
        }
        (Value::Array(whole), Value::Array(part)) => {
            whole.len() == part.len() && whole.iter().zip(part).all(|(whole, part)| contains(whole, part))
        }
        _ => whole == part,
    }
}

fn default_items(object: &mut Value, list: &str, defaults: fn(&Map<String, Value>) -> Value) {
    for item in object.pointer_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
        let item = item.as_object_mut().unwrap();
        if let Value::Object(defaults) = defaults(item) {
            for (name, value) in defaults {
                if item.get(&name).is_none_or(|found| *found == json!(0)) {
                    item.insert(name, value);
                }
            }
        }
    }
}

impl Server for Core<'_> {
    fn schema(&self) -> &TypedSchema {
        self.schema
    }

    /// A created object is taken as the server defaulted it; later ones get the defaults of new list items only.
    fn decode(&self, step: &Value, mut object: Value) -> Value {
        self.normalize(&mut object);
        if step["verb"] == json!("create") {
            object = step["object"].clone();
            remove(&mut object, "/metadata/managedFields");
            for (kind, pointers) in SET_LATER {
                if *kind == self.scenario.kind() {
                    pointers.iter().for_each(|pointer| remove(&mut object, pointer));
                }
            }
        }
        if self.scenario.kind() == "Service" {
            default_items(&mut object, "/spec/ports", |port| json!({ "protocol": "TCP", "targetPort": port["port"] }));
        }
        if matches!(self.scenario.kind(), "Deployment" | "StatefulSet") {
            object["spec"].as_object_mut().unwrap().entry("replicas").or_insert(json!(1));
        }
        default_items(&mut object, "/spec/template/spec/containers", |_| {
            json!({
                "imagePullPolicy": "Always",
                "terminationMessagePath": "/dev/termination-log",
                "terminationMessagePolicy": "File",
            })
        });
        object
    }

    fn reset(&self, step: &Value, live: Option<&Value>, mut new: Value) -> Value {
        let Some(live) = live else {
            // What a creation defaults is not in question here; that nothing of the request is lost is.
            let managed = new.pointer("/metadata/managedFields").cloned();
            remove(&mut new, "/metadata/managedFields");
            let mut stored = step["object"].clone();
            if contains(&stored, &new) {
                remove(&mut stored, "/metadata/managedFields");
                let metadata = stored["metadata"].as_object_mut().unwrap();
                metadata.extend(managed.map(|managed| ("managedFields".to_owned(), managed)));
                return stored;
            }
            return new;
        };
        let kept = if step.get("subresource").is_some() { "spec" } else { "status" };
        if let Some(kept_value) = live.get(kept) {
            new[kept] = kept_value.clone();
        }
        new
    }
}

#[test]
fn every_rule_holds_as_on_the_real_server() {
    let data: Value = serde_json::from_str(DATA).unwrap();
    let mut differences = Vec::new();
    let mut steps = 0;
    for scenario in data["scenarios"].as_array().unwrap() {
        let scenario = Scenario(scenario);
        let (group, version) = scenario.api_version().split_once('/').unwrap_or(("", scenario.api_version()));
        let schema = TypedSchema::core(group, version, scenario.kind()).unwrap();
        let server = Core { schema, scenario: Scenario(scenario.0) };
        steps += scenario.replay(&server, &mut differences);
    }
    assert!(steps > 100, "the recording is too short: {steps} steps");
    assert!(differences.is_empty(), "{} of {steps} steps differ\n{}", differences.len(), differences.join("\n"));
}
