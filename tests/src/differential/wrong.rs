//! Requests that no server should accept: each must be refused with the same `Status`.

use serde_json::json;

use super::bodies;
use super::dice::Dice;
use super::operation::{Action, Step};

const JSON: &str = "application/json";
const MERGE: &str = "application/merge-patch+json";

/// Stands for a string larger than a request may be.
pub const OVERSIZE: &str = "{oversize}";

/// Makes the step a wrong request.
pub fn request(dice: &mut Dice, step: &mut Step) {
    let kind = step.kind;
    let right = bodies::object(dice, &kind, step.name);
    let name = right["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let item = format!("/{name}");
    let with = |pointer: &str, value: serde_json::Value| {
        let mut body = right.clone();
        if let Some(field) = body.pointer_mut(pointer) {
            *field = value;
        }
        body.to_string()
    };
    let named = |value: &str| with("/metadata/name", json!(value));
    let requests: Vec<(&'static str, String, &'static str, String)> = vec![
        ("POST", String::new(), JSON, "{\"apiVersion\": ".into()),
        ("POST", String::new(), JSON, String::new()),
        ("POST", String::new(), JSON, "[]".into()),
        ("POST", String::new(), JSON, "\"text\"".into()),
        ("POST", String::new(), JSON, named("Bad_Name")),
        ("POST", String::new(), JSON, named("")),
        ("POST", String::new(), JSON, named(&"n".repeat(254))),
        ("POST", String::new(), JSON, named("a/b")),
        ("POST", String::new(), JSON, with("/kind", json!("Other"))),
        ("POST", String::new(), JSON, with("/kind", json!(""))),
        ("POST", String::new(), JSON, with("/apiVersion", json!("other.example.com/v1"))),
        ("POST", String::new(), JSON, with("/apiVersion", json!(""))),
        ("POST", String::new(), JSON, with("/metadata", json!("text"))),
        ("POST", String::new(), JSON, with("/metadata", json!({"name": name, "namespace": "elsewhere"}))),
        ("POST", String::new(), JSON, with("/metadata", json!({"name": name, "resourceVersion": "5"}))),
        ("POST", String::new(), "text/plain", right.to_string()),
        ("POST", String::new(), JSON, with("/metadata/name", json!(OVERSIZE))),
        ("POST", item.clone(), JSON, right.to_string()),
        ("PUT", String::new(), JSON, right.to_string()),
        ("PUT", item.clone(), JSON, named("another")),
        ("PUT", item.clone(), JSON, "{".into()),
        ("PUT", item.clone(), JSON, with("/kind", json!("Other"))),
        ("PATCH", item.clone(), JSON, "{}".into()),
        ("PATCH", item.clone(), "text/plain", "{}".into()),
        ("PATCH", item.clone(), MERGE, "{".into()),
        ("PATCH", item.clone(), MERGE, "[]".into()),
        ("PATCH", item.clone(), MERGE, "{\"metadata\":{\"name\":\"another\"}}".into()),
        ("PATCH", item.clone(), MERGE, "{\"kind\":\"Other\"}".into()),
        ("PATCH", item.clone(), MERGE, "{\"metadata\":5}".into()),
        ("PATCH", item.clone(), "application/json-patch+json", "{}".into()),
        ("PATCH", item.clone(), "application/json-patch+json", "[{\"op\":\"fly\",\"path\":\"/x\"}]".into()),
        ("PATCH", format!("{item}?fieldManager=m1"), "application/apply-patch+yaml", ": : :".into()),
        ("PATCH", format!("{item}?fieldManager=m1"), "application/apply-patch+yaml", "metadata: {name: x}".into()),
        ("PATCH", item.clone(), "application/apply-patch+yaml", right.to_string()),
        ("PATCH", String::new(), MERGE, "{}".into()),
        ("GET", format!("{item}/nothing"), JSON, String::new()),
        ("GET", format!("{item}/scale"), JSON, String::new()),
        ("GET", "?limit=many".into(), JSON, String::new()),
        ("GET", "?watch=true&resourceVersion=odd".into(), JSON, String::new()),
        ("GET", "?resourceVersion=odd".into(), JSON, String::new()),
        ("GET", "?resourceVersionMatch=Exact".into(), JSON, String::new()),
        ("GET", "?continue=nonsense".into(), JSON, String::new()),
        ("GET", "!/apis/differential.example.com/v2/widgets".into(), JSON, String::new()),
        ("GET", "!/apis/differential.example.com/v1/nothings".into(), JSON, String::new()),
        ("GET", "!/apis/absent.example.com/v1/things".into(), JSON, String::new()),
        ("GET", "!/api/v1/nothings".into(), JSON, String::new()),
        ("GET", "!/nothing".into(), JSON, String::new()),
        ("DELETE", item.clone(), JSON, "{".into()),
        ("DELETE", item.clone(), JSON, "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\"}".into()),
        ("DELETE", "/absent-object".into(), JSON, String::new()),
        ("POST", String::new(), JSON, right.to_string().replacen("{", "{\"apiVersion\":\"v1\",", 1)),
    ];
    let (method, path, content_type, body) = dice.pick(&requests);
    step.action = Action::Raw(method, path, content_type, body);
}
