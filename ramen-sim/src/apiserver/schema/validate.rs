//! Types, bounds, enums, patterns, formats, uniqueness. What did not change since the live object is not held against
//! an update (ratcheting).

use serde_json::{Value, json};

use super::{Limits, ListType, Schema, formats, join};
use crate::apiserver::status::FieldError;

/// What the walk has found wrong so far.
struct Walk {
    errors: Vec<FieldError>,
}

impl Schema {
    /// Everything that is wrong with an object under this schema, rules (CEL) excepted.
    pub(crate) fn validate(&self, value: &Value, old: Option<&Value>) -> Vec<FieldError> {
        let mut walk = Walk { errors: Vec::new() };
        self.check(value, old, "", &mut walk);
        walk.errors
    }

    fn accepts(&self, value: &Value) -> bool {
        self.validate(value, None).is_empty()
    }

    fn check(&self, value: &Value, old: Option<&Value>, path: &str, walk: &mut Walk) {
        if old == Some(value) || (value.is_null() && self.nullable) {
            return;
        }
        if !self.check_type(value, path, walk) {
            return;
        }
        self.limits.check(value, path, walk);
        match value {
            Value::Object(map) => {
                for name in self.required.iter().filter(|name| !map.contains_key(*name)) {
                    walk.errors.push(FieldError::required(join(path, name), ""));
                }
                for (name, value) in map {
                    if let Some(schema) = self.field(name) {
                        schema.check(value, old.and_then(|old| old.get(name)), &join(path, name), walk);
                    }
                }
                if self.embedded {
                    check_embedded(value, path, walk);
                }
            }
            Value::Array(list) => self.check_list(list, old, path, walk),
            _ => {}
        }
        self.check_combinations(value, path, walk);
    }

    fn check_list(&self, list: &[Value], old: Option<&Value>, path: &str, walk: &mut Walk) {
        if let Some(items) = &self.items {
            for (index, item) in list.iter().enumerate() {
                items.check(item, self.correlated(item, old), &format!("{path}[{index}]"), walk);
            }
        }
        let identity = |item: &Value| match &self.list_type {
            ListType::Atomic => None,
            ListType::Set => Some(item.clone()),
            ListType::Map(keys) => {
                Some(keys.iter().filter_map(|key| Some((key.clone(), item.get(key)?.clone()))).collect())
            }
        };
        let mut seen: Vec<Value> = Vec::new();
        for (index, item) in list.iter().enumerate() {
            let Some(identity) = identity(item) else { return };
            if seen.contains(&identity) {
                walk.errors.push(FieldError::duplicate(format!("{path}[{index}]"), &identity));
            }
            seen.push(identity);
        }
    }

    fn check_type(&self, value: &Value, path: &str, walk: &mut Walk) -> bool {
        let found = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(number) if number.is_f64() && number.as_f64().is_none_or(|number| number.fract() != 0.0) => {
                "number"
            }
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let wanted = match self.kind.as_str() {
            _ if self.int_or_string => "integer,string",
            "" => return true,
            wanted => wanted,
        };
        let fits = wanted.split(',').any(|wanted| wanted == found || (wanted == "number" && found == "integer"));
        if !fits {
            let name = if path.is_empty() { "" } else { path };
            let detail = format!("{name} in body must be of type {wanted}: {found:?}");
            walk.errors.push(FieldError::type_invalid(path, &json!(found), &detail));
        }
        fits
    }

    fn check_combinations(&self, value: &Value, path: &str, walk: &mut Walk) {
        for schema in &self.all_of {
            schema.check(value, None, path, walk);
        }
        let mut complain = |problem: &str| {
            let detail = format!("{path:?} {problem}");
            walk.errors.push(FieldError::invalid(path, value, &detail));
        };
        if !self.any_of.is_empty() && !self.any_of.iter().any(|schema| schema.accepts(value)) {
            complain("must validate at least one schema (anyOf)");
        }
        if !self.one_of.is_empty() {
            let fitting = self.one_of.iter().filter(|schema| schema.accepts(value)).count();
            if fitting != 1 {
                let found = if fitting == 0 { "none valid".to_string() } else { format!("{fitting} valid") };
                complain(&format!("must validate one and only one schema (oneOf). Found {found} alternatives"));
            }
        }
        if self.not.as_ref().is_some_and(|schema| schema.accepts(value)) {
            complain("must not validate the schema (not)");
        }
    }
}

fn check_embedded(value: &Value, path: &str, walk: &mut Walk) {
    for field in ["apiVersion", "kind"] {
        if value.get(field).and_then(Value::as_str).unwrap_or_default().is_empty() {
            walk.errors.push(FieldError::required(join(path, field), "must not be empty"));
        }
    }
}

impl Limits {
    fn check(&self, value: &Value, path: &str, walk: &mut Walk) {
        let errors = &mut walk.errors;
        if !self.allowed.is_empty() && !self.allowed.contains(value) {
            errors.push(FieldError::not_supported(path, value, &self.allowed));
        }
        match value {
            Value::Number(_) => self.check_number(value, path, errors),
            Value::String(text) => self.check_text(text, path, errors),
            Value::Array(list) => self.check_count(list, path, errors),
            Value::Object(map) => {
                let count = map.len() as u64;
                if self.min_properties.is_some_and(|least| count < least) {
                    let least = self.min_properties.unwrap_or_default();
                    let detail = format!("{path} in body should have at least {least} properties");
                    errors.push(FieldError::invalid(path, &json!(count), &detail));
                }
                if let Some(most) = self.max_properties.filter(|most| count > *most) {
                    errors.push(FieldError::too_many(path, map.len(), most));
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn check_number(&self, value: &Value, path: &str, errors: &mut Vec<FieldError>) {
        let number = value.as_f64().unwrap_or_default();
        let mut complain = |problem: String| {
            errors.push(FieldError::invalid(path, value, &format!("{path} in body should be {problem}")));
        };
        if let Some(least) = self.minimum {
            if self.exclusive_minimum && number <= least {
                complain(format!("greater than {least}"));
            } else if !self.exclusive_minimum && number < least {
                complain(format!("greater than or equal to {least}"));
            }
        }
        if let Some(most) = self.maximum {
            if self.exclusive_maximum && number >= most {
                complain(format!("less than {most}"));
            } else if !self.exclusive_maximum && number > most {
                complain(format!("less than or equal to {most}"));
            }
        }
        if let Some(step) = self.multiple_of.filter(|step| *step != 0.0 && (number / step).fract() != 0.0) {
            complain(format!("a multiple of {step}"));
        }
        let fits = match (self.format.as_str(), value.as_i64()) {
            ("int32", Some(number)) => i32::try_from(number).is_ok(),
            ("int32" | "int64", None) => false,
            _ => true,
        };
        if !fits {
            let detail = format!("{path} in body must be of type {}: {:?}", self.format, value.to_string());
            errors.push(FieldError::invalid(path, value, &detail));
        }
    }

    /// Length and pattern: only the first that fails is told. The format is a matter of its own.
    fn check_text(&self, text: &str, path: &str, errors: &mut Vec<FieldError>) {
        let value = json!(text);
        let length = text.chars().count() as u64;
        let too_short = self.min_length.filter(|least| length < *least);
        let mismatch = self.pattern.as_ref().filter(|pattern| !pattern.is_match(text));
        if let Some(most) = self.max_length.filter(|most| length > *most) {
            errors.push(FieldError::too_long(path, most));
        } else if let Some(least) = too_short {
            let detail = format!("{path} in body should be at least {least} chars long");
            errors.push(FieldError::invalid(path, &value, &detail));
        } else if let Some(pattern) = mismatch {
            let detail = format!("{path} in body should match '{}'", pattern.as_str());
            errors.push(FieldError::invalid(path, &value, &detail));
        }
        if !formats::matches(&self.format, text) {
            let detail = format!("{path} in body must be of type {}: {text:?}", self.format);
            errors.push(FieldError::type_invalid(path, &value, &detail));
        }
    }

    fn check_count(&self, list: &[Value], path: &str, errors: &mut Vec<FieldError>) {
        let count = list.len() as u64;
        if let Some(most) = self.max_items.filter(|most| count > *most) {
            errors.push(FieldError::too_many(path, list.len(), most));
        }
        if let Some(least) = self.min_items.filter(|least| count < *least) {
            let detail = format!("{path} in body should have at least {least} items");
            errors.push(FieldError::invalid(path, &json!(count), &detail));
        }
        let repeats = || list.iter().enumerate().any(|(index, item)| list[..index].contains(item));
        if self.unique_items && repeats() {
            errors.push(FieldError::invalid(
                path,
                &json!(list),
                &format!("{path} in body shouldn't contain duplicates"),
            ));
        }
    }
}
