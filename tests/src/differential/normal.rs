//! Answers in a form in which two servers can be equal.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// How generated names begin.
pub const GENERATED: &str = "generated-";

/// What one server's answers have shown so far: uids and resourceVersions get numbers in the order in which they appear, so
/// that identity and change can be compared although the values differ.
#[derive(Debug, Default)]
pub struct Normal {
    prefix: String,
    uids: Vec<String>,
    versions: BTreeMap<String, Vec<String>>,
    /// Versions that count as the one they name.
    settled: BTreeMap<String, String>,
}

impl Normal {
    /// For a sequence with this prefix.
    #[must_use]
    pub fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned(), ..Self::default() }
    }

    /// From now on the later of two versions of an object counts as the earlier one.
    pub fn settle(&mut self, earlier: &str, later: &str) {
        if earlier != later {
            self.settled.insert(later.to_owned(), earlier.to_owned());
        }
    }

    /// The normal form of an object, a list, a `Status`, a table or an event.
    #[must_use]
    pub fn value(&mut self, mut value: Value) -> Value {
        self.walk(&mut value);
        value
    }

    fn walk(&mut self, value: &mut Value) {
        match value {
            Value::Object(map) if map.get("kind").is_some_and(|k| k == "Status") && map.contains_key("status") => {
                self.status(map);
            }
            Value::Object(map) => {
                if map.get("kind").is_some_and(|k| k == "Table") {
                    table(map);
                }
                if let Some(time) = map.get_mut("lastPhaseTransitionTime") {
                    whole_second(time);
                }
                if let Some(Value::Object(metadata)) = map.get_mut("metadata") {
                    self.metadata(metadata);
                }
                for inner in map.values_mut() {
                    self.walk(inner);
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.walk(item)),
            Value::String(text) => {
                // What follows is the server's random suffix.
                if let Some(at) = text.find(GENERATED) {
                    text.truncate(at + GENERATED.len());
                }
                if let Some(known) = self.uids.iter().position(|uid| uid == text) {
                    *text = format!("<uid {known}>");
                } else if !self.prefix.is_empty() && text.contains(&self.prefix) {
                    *text = text.replace(&self.prefix, "{p}");
                }
            }
            _ => {}
        }
    }

    fn metadata(&mut self, metadata: &mut Map<String, Value>) {
        let uid = metadata.get("uid").and_then(Value::as_str).map(str::to_owned);
        if let Some(uid) = &uid
            && !self.uids.contains(uid)
        {
            self.uids.push(uid.clone());
        }
        if let Some(Value::String(version)) = metadata.get_mut("resourceVersion")
            && !version.is_empty()
        {
            if let Some(earlier) = self.settled.get(version) {
                version.clone_from(earlier);
            }
            *version = match uid {
                Some(uid) => {
                    let seen = self.versions.entry(uid).or_default();
                    let number = seen.iter().position(|v| v == version).unwrap_or_else(|| {
                        seen.push(version.clone());
                        seen.len() - 1
                    });
                    format!("<version {number}>")
                }
                None => "<version>".to_owned(),
            };
        }
        for field in ["creationTimestamp", "deletionTimestamp"] {
            if let Some(time) = metadata.get_mut(field) {
                whole_second(time);
            }
        }
        if let Some(Value::String(token)) = metadata.get_mut("continue")
            && !token.is_empty()
        {
            *token = "<continue>".to_owned();
        }
        if let Some(Value::Array(managers)) = metadata.get_mut("managedFields") {
            for manager in managers.iter_mut() {
                whole_second(&mut manager["time"]);
            }
            // Kubernetes orders them by time, in whole seconds: the order would depend on when a second began.
            managers.sort_by_cached_key(|m| {
                ["operation", "manager", "subresource", "apiVersion"].map(|k| m[k].to_string())
            });
        }
    }

    /// Keeps what programs read; drops the message.
    fn status(&mut self, status: &mut Map<String, Value>) {
        status.remove("message");
        if let Some(Value::Object(details)) = status.get_mut("details")
            && let Some(Value::Array(causes)) = details.get_mut("causes")
        {
            for cause in causes.iter_mut() {
                *cause = json!({"reason": cause["reason"], "field": cause["field"]});
            }
            causes.sort_by_key(Value::to_string);
            // A name that breaks several rules has a cause for each, which differ in prose alone.
            causes.dedup();
        }
        for inner in status.values_mut() {
            self.walk(inner);
        }
    }
}

/// A time as Kubernetes writes it becomes a mark; anything else stays and shows.
fn whole_second(time: &mut Value) {
    let shape = |text: &str| text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect::<String>();
    if time.as_str().is_some_and(|text| shape(text) == "0000-00-00T00:00:00Z") {
        *time = json!("<time>");
    }
}

/// Descriptions of columns are prose, and ages pass.
fn table(table: &mut Map<String, Value>) {
    let mut ages = Vec::new();
    if let Some(Value::Array(columns)) = table.get_mut("columnDefinitions") {
        for (index, column) in columns.iter_mut().enumerate() {
            if let Some(column) = column.as_object_mut() {
                column.remove("description");
                if column.get("name").is_some_and(|name| name == "Age") {
                    ages.push(index);
                }
            }
        }
    }
    for row in table.get_mut("rows").and_then(Value::as_array_mut).into_iter().flatten() {
        for &index in &ages {
            let age = &mut row["cells"][index];
            if age.as_str().is_some_and(|text| text.ends_with('s') || text.ends_with('m')) {
                *age = json!("<age>");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(uid: &str, version: &str) -> Value {
        json!({"kind": "ConfigMap", "metadata": {"name": "p1-x", "uid": uid, "resourceVersion": version}})
    }

    /// Servers that number differently are equal; a server that changes an object although nothing changed is not.
    #[test]
    fn values_go_and_identity_and_change_stay() {
        let (mut left, mut right) = (Normal::new("p1"), Normal::new("p1"));
        assert_eq!(left.value(object("a", "7")), right.value(object("b", "100")));
        assert_eq!(left.value(object("a", "9")), right.value(object("b", "103")));
        assert_ne!(left.value(object("a", "9")), right.value(object("b", "104")));
        assert_ne!(left.value(object("a", "9")), right.value(object("new", "1")));
    }

    /// A difference in reason, code, field or detail must survive; one in prose must not.
    #[test]
    fn a_status_keeps_all_but_its_prose() {
        let status = |message: &str, field: &str| {
            let causes = json!([{"reason": "FieldValueInvalid", "message": message, "field": field}]);
            json!({"kind": "Status", "status": "Failure", "message": message, "details": {"causes": causes}})
        };
        let mut normal = Normal::default();
        assert_eq!(normal.value(status("a", "spec.x")), normal.value(status("b", "spec.x")));
        assert_ne!(normal.value(status("a", "spec.x")), normal.value(status("a", "spec.y")));
    }

    /// Fractions of seconds in a timestamp break clients: they must not be normalised away.
    #[test]
    fn only_times_of_the_right_form_are_left_out() {
        let time = |time: &str| Normal::default().value(json!({"metadata": {"creationTimestamp": time}}));
        assert_eq!(time("2026-01-02T03:04:05Z"), time("2027-11-12T13:14:15Z"));
        assert_ne!(time("2026-01-02T03:04:05Z"), time("2026-01-02T03:04:05.1Z"));
    }
}
