//! Whether an object has the shape of its type: the check that an applied configuration must pass before it is merged.

use std::collections::BTreeSet;

use serde_json::Value;

use super::element::{PathElement, path_text};
use super::list::item_element;
use super::schema::{ListType, MapType, Resolved, Scalar, TypeId, Types};

/// Whether repeated items of sets and keyed lists are tolerated. A live object may hold some; a configuration may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Duplicates {
    /// Tolerated.
    Allow,
    /// An error.
    Refuse,
}

/// Checks the value and describes everything that is wrong with it, each with its path.
pub(crate) fn validate(types: &Types, root: TypeId, value: &Value, duplicates: Duplicates) -> Result<(), String> {
    let mut walk = Walk { types, duplicates, path: Vec::new(), errors: Vec::new() };
    walk.value(root, value);
    match walk.errors.as_slice() {
        [] => Ok(()),
        [one] => Err(one.clone()),
        many => Err(format!("errors:\n  {}", many.join("\n  "))),
    }
}

struct Walk<'a> {
    types: &'a Types,
    duplicates: Duplicates,
    path: Vec<PathElement>,
    errors: Vec<String>,
}

impl Walk<'_> {
    fn error(&mut self, message: &str) {
        let path = path_text(&self.path);
        self.errors.push(if path.is_empty() { message.to_owned() } else { format!("{path}: {message}") });
    }

    fn below(&mut self, step: PathElement, ty: TypeId, value: &Value) {
        self.path.push(step);
        self.value(ty, value);
        self.path.pop();
    }

    fn value(&mut self, ty: TypeId, value: &Value) {
        let atom = self.types.get(ty);
        match atom.resolve(atom.shape(Some(value))) {
            Some(Resolved::Map(map)) => self.map(map, value),
            Some(Resolved::Scalar(scalar)) => {
                if let Err(message) = check_scalar(scalar, value) {
                    self.error(&message);
                }
            }
            Some(Resolved::List(list)) => self.list(list, value),
            None => self.error("schema error: invalid atom"),
        }
    }

    fn map(&mut self, map: &MapType, value: &Value) {
        let fields = match value {
            Value::Object(fields) => fields,
            Value::Null => return,
            _ => return self.error(&format!("expected map, got {value}")),
        };
        for (name, value) in fields {
            let step = PathElement::field(name);
            if let Some(ty) = map.type_of(name) {
                self.below(step, ty, value);
            } else {
                self.path.push(step);
                self.error("field not declared in schema");
                self.path.pop();
            }
        }
    }

    fn list(&mut self, list: &ListType, value: &Value) {
        let items = match value {
            Value::Array(items) => items,
            Value::Null => return,
            _ => return self.error(&format!("expected list, got {value}")),
        };
        let mut seen = BTreeSet::new();
        for (index, item) in items.iter().enumerate() {
            let step = if list.associative {
                match item_element(self.types, list, item) {
                    Ok(step) => step,
                    Err(message) => return self.error(&format!("element {index}: {message}")),
                }
            } else {
                PathElement::Index(i64::try_from(index).unwrap_or(i64::MAX))
            };
            if list.associative && !seen.insert(step.clone()) && self.duplicates == Duplicates::Refuse {
                self.error(&format!("duplicate entries for key {step}"));
            }
            self.below(step, list.element, item);
        }
    }
}

fn check_scalar(scalar: Scalar, value: &Value) -> Result<(), String> {
    match (scalar, value) {
        (_, Value::Null)
        | (Scalar::Numeric, Value::Number(_))
        | (Scalar::String, Value::String(_))
        | (Scalar::Boolean, Value::Bool(_))
        | (Scalar::Untyped, Value::Number(_) | Value::String(_) | Value::Bool(_)) => Ok(()),
        (Scalar::Numeric, _) => Err(format!("expected numeric (int or float), got {value}")),
        (Scalar::String, _) => Err(format!("expected string, got {value}")),
        (Scalar::Boolean, _) => Err(format!("expected boolean, got {value}")),
        (Scalar::Untyped, _) => Err(format!("expected any scalar, got {value}")),
    }
}
