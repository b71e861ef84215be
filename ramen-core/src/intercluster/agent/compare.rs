//! Whether an object is as an intent says.

use serde_json::Value;

/// What of `desired` an object lacks.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Divergence {
    /// Fields that the object does not have at all. After an apply that succeeded, these are fields that the cluster's
    /// definition of the kind does not know.
    pub(crate) missing: Vec<String>,
    /// Fields of another value.
    pub(crate) different: Vec<String>,
}

impl Divergence {
    /// Compares what `desired` names; whatever else `live` has is not looked at.
    ///
    /// Values that a server writes in another way (quantities, times) count as different: the cost of that is an apply that
    /// changes nothing.
    pub(crate) fn between(desired: &Value, live: &Value) -> Self {
        let mut found = Self::default();
        found.walk(desired, live, "");
        found
    }

    /// Whether there is none.
    pub(crate) fn is_none(&self) -> bool {
        self.missing.is_empty() && self.different.is_empty()
    }

    fn walk(&mut self, desired: &Value, live: &Value, path: &str) {
        match (desired, live) {
            (Value::Object(desired), Value::Object(live)) => {
                for (field, value) in desired {
                    let path = format!("{path}.{field}");
                    match live.get(field) {
                        Some(other) => self.walk(value, other, &path),
                        None if is_empty(value) => {}
                        None => self.missing.push(path),
                    }
                }
            }
            (Value::Array(desired), Value::Array(live)) if desired.len() == live.len() => {
                for (index, (value, other)) in desired.iter().zip(live).enumerate() {
                    self.walk(value, other, &format!("{path}[{index}]"));
                }
            }
            _ if desired == live || is_empty(desired) && is_empty(live) => {}
            _ => self.different.push(path.to_owned()),
        }
    }
}

/// Servers leave out what is empty.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.values().all(is_empty),
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_others_added_is_no_divergence() {
        let desired = json!({"spec": {"a": 1, "list": [{"name": "x"}], "empty": {}}});
        let live = json!({"spec": {"a": 1, "b": 2, "list": [{"name": "x", "defaulted": true}]}, "status": {}});
        assert!(Divergence::between(&desired, &live).is_none());
    }

    #[test]
    fn a_changed_field_and_a_field_that_is_not_there_are_told_apart() {
        let desired = json!({"spec": {"a": 1, "new": {"x": 1}, "list": [1, 2]}});
        let live = json!({"spec": {"a": 2, "list": [1]}});
        assert_eq!(
            Divergence::between(&desired, &live),
            Divergence { missing: vec![".spec.new".into()], different: vec![".spec.a".into(), ".spec.list".into()] }
        );
    }
}
