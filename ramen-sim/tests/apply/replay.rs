//! Replaying what was recorded.

use ramen_sim::apply::{
    ApplyError, Conflict, PatchError, TypedSchema, Writer, apply, keep_times, strategic_merge, track_update,
};
use serde_json::{Value, json};

/// What the server answers: the object, or the refusal in the terms of a Status.
#[derive(Debug, PartialEq)]
pub(crate) enum Answer {
    Object(Value),
    Refused { code: i64, reason: String, message: String, causes: Vec<Value> },
}

/// What the server does around the functions under test.
pub(crate) trait Server {
    /// The types of the kind.
    fn schema(&self) -> &TypedSchema;
    /// Decoding and defaulting.
    fn decode(&self, step: &Value, object: Value) -> Value;
    /// What the endpoint's strategy resets.
    fn reset(&self, step: &Value, live: Option<&Value>, new: Value) -> Value;
}

/// One recorded scenario.
pub(crate) struct Scenario<'d>(pub(crate) &'d Value);

impl Scenario<'_> {
    pub(crate) fn kind(&self) -> &str {
        text(self.0, "kind")
    }

    pub(crate) fn api_version(&self) -> &str {
        text(self.0, "apiVersion")
    }

    /// Replays all steps, and describes each whose answer differs.
    pub(crate) fn replay(&self, server: &impl Server, differences: &mut Vec<String>) -> usize {
        let mut live: Option<Value> = None;
        let steps = self.0["steps"].as_array().unwrap();
        for (index, step) in steps.iter().enumerate() {
            let answer = answer(server, live.as_ref(), self, step);
            if let Some(difference) = difference(step, answer) {
                differences.push(format!("{}, step {index}:\n{difference}", text(self.0, "rule")));
            }
            live = step.get("object").cloned().or(live);
        }
        steps.len()
    }
}

pub(crate) fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

pub(crate) fn recorded(step: &Value) -> Answer {
    match step.get("object") {
        Some(object) => Answer::Object(object.clone()),
        None => Answer::Refused {
            code: step["code"].as_i64().unwrap(),
            reason: text(step, "reason").to_owned(),
            message: text(step, "message").to_owned(),
            causes: step["causes"].as_array().unwrap().clone(),
        },
    }
}

pub(crate) fn answer(server: &impl Server, live: Option<&Value>, scenario: &Scenario<'_>, step: &Value) -> Answer {
    let now = step["at"].as_str().unwrap_or("2026-01-01T00:00:00Z").parse().unwrap();
    let subresource = step["subresource"].as_str();
    let writer = Writer { manager: text(step, "manager"), subresource, api_version: scenario.api_version(), now };
    let body = &step["body"];
    let object = match text(step, "verb") {
        "apply" => match apply(server.schema(), live, body, &writer, step["force"] == json!(true)) {
            Ok(object) => server.decode(step, object),
            Err(error) => return refused(&error),
        },
        verb => {
            let new = match verb {
                "merge" => {
                    let mut new = live.unwrap().clone();
                    json_patch::merge(&mut new, body);
                    new
                }
                "strategic" => match strategic_merge(server.schema(), live.unwrap(), body) {
                    Ok(new) => new,
                    Err(error) => return patch_refused(&error),
                },
                "create" | "update" => body.clone(),
                other => panic!("no such verb: {other}"),
            };
            let mut new = server.decode(step, new);
            track_update(server.schema(), live, &mut new, &writer);
            new
        }
    };
    let mut object = server.reset(step, live, object);
    if let Some(live) = live {
        keep_times(live, &mut object);
    }
    Answer::Object(object)
}

pub(crate) fn difference(step: &Value, found: Answer) -> Option<String> {
    if !matches!(step["code"].as_i64(), Some(403 | 422)) {
        let (real, found) = (comparable(recorded(step)), comparable(found));
        return (real != found).then(|| describe(&real, &found));
    }
    // What is refused after merging, by the validation of the kind, is not the business of these functions; but a null that
    // the server complains about must be there.
    let Answer::Object(found) = found else { return None };
    let nulls =
        step["causes"].as_array().into_iter().flatten().filter(|cause| text(cause, "message").contains("\"null\""));
    let missing = nulls.map(|cause| format!("/{}", text(cause, "field").replace(['.', '['], "/").replace(']', "")));
    let missing: Vec<String> = missing.filter(|field| !found.pointer(field).is_some_and(Value::is_null)).collect();
    (!missing.is_empty()).then(|| format!("  should be null: {missing:?}"))
}

fn describe(real: &Answer, found: &Answer) -> String {
    let (Answer::Object(real), Answer::Object(found)) = (real, found) else {
        return format!("  real  {real:?}\n  found {found:?}");
    };
    let mut lines = Vec::new();
    describe_values("", real, found, &mut lines);
    lines.join("\n")
}

fn describe_values(path: &str, real: &Value, found: &Value, lines: &mut Vec<String>) {
    match (real, found) {
        (Value::Object(a), Value::Object(b)) => {
            for name in a.keys().chain(b.keys().filter(|name| !a.contains_key(*name))) {
                describe_values(&format!("{path}/{name}"), &real[name], &found[name], lines);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                describe_values(&format!("{path}/{index}"), a, b, lines);
            }
        }
        _ if real == found => {}
        _ => lines.push(format!("  {path}: real {real}, found {found}")),
    }
}

fn refused(error: &ApplyError) -> Answer {
    let (code, reason, causes) = match error {
        ApplyError::Conflicts(conflicts) => (409, "Conflict", conflicts.iter().map(cause).collect()),
        ApplyError::BadRequest(_) => (400, "BadRequest", Vec::new()),
        ApplyError::Invalid(_) => (500, "", Vec::new()),
    };
    Answer::Refused { code, reason: reason.to_owned(), message: error.to_string(), causes }
}

fn cause(conflict: &Conflict) -> Value {
    json!({ "reason": "FieldManagerConflict", "message": conflict.message(), "field": conflict.field })
}

fn patch_refused(error: &PatchError) -> Answer {
    let (code, reason) = match error {
        PatchError::BadRequest(_) => (400, "BadRequest"),
        PatchError::Unprocessable(_) => (422, ""),
        PatchError::Internal(_) => (500, ""),
    };
    Answer::Refused { code, reason: reason.to_owned(), message: error.to_string(), causes: Vec::new() }
}

/// Error texts that print a Go value cannot be compared; that there is an error of this kind can. Conflicts come in random
/// order, as Go goes through its maps.
fn comparable(answer: Answer) -> Answer {
    match answer {
        Answer::Refused { code: 500, .. } => {
            Answer::Refused { code: 500, reason: String::new(), message: String::new(), causes: Vec::new() }
        }
        Answer::Refused { code, reason, message, mut causes } => {
            let mut lines: Vec<&str> = message.lines().collect();
            lines.sort_unstable();
            causes.sort_by_key(Value::to_string);
            Answer::Refused { code, reason, message: lines.join("\n"), causes }
        }
        Answer::Object(object) => Answer::Object(object),
    }
}
