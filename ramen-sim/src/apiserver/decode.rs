//! Bodies of requests: JSON or YAML, with the complaints that field validation asks for.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value, json};

use super::request::{Query, RequestInfo};
use super::resource::{Resource, Rules};
use super::state::Call;
use super::status::{Failure, FieldError, Named};

/// What happens to fields that are unknown or given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldValidation {
    Ignore,
    Warn,
    Strict,
}

impl FieldValidation {
    /// Reads the options that writes have in common; reads ignore them. Those of a deletion come from its body, if it has
    /// one, and not from the query.
    pub(crate) fn parse(info: &RequestInfo, query: &Query, body: &[u8]) -> Result<Self, Failure> {
        let options = match info.verb.as_str() {
            "create" => "CreateOptions",
            "update" => "UpdateOptions",
            "patch" => "PatchOptions",
            "delete" | "deletecollection" if body.trim_ascii().is_empty() => "DeleteOptions",
            _ => return Ok(Self::Warn),
        };
        let mut errors = Vec::new();
        if !matches!(query.get("dryRun"), "" | "All") {
            let value = json!([query.get("dryRun")]);
            errors.push(FieldError::not_supported("dryRun", &value, &[json!("All")]));
        }
        let validation = match query.get("fieldValidation") {
            _ if options == "DeleteOptions" => Self::Warn,
            "" | "Warn" => Self::Warn,
            "Ignore" => Self::Ignore,
            "Strict" => Self::Strict,
            other => {
                let allowed = ["", "Ignore", "Strict", "Warn"].map(Value::from);
                errors.push(FieldError::not_supported("fieldValidation", &json!(other), &allowed));
                Self::Warn
            }
        };
        if errors.is_empty() {
            return Ok(validation);
        }
        Err(Failure::invalid(Named { group: "meta.k8s.io", kind: options, name: "" }, &errors))
    }
}

/// Reads a JSON or YAML body. Returns the paths of fields that were given twice (the last one counts).
pub(crate) fn parse(body: &[u8], content_type: &str) -> Result<(Value, Vec<String>), String> {
    let mut duplicates = Vec::new();
    let yaml = content_type.contains("yaml");
    let value = if yaml && !body.trim_ascii_start().starts_with(b"{") {
        serde_yaml::from_slice::<Value>(body).map_err(|problem| problem.to_string())?
    } else {
        let mut json = serde_json::Deserializer::from_slice(body);
        let node = Node { path: String::new(), duplicates: &mut duplicates };
        let value = node.deserialize(&mut json).map_err(|problem| problem.to_string())?;
        json.end().map_err(|problem| problem.to_string())?;
        value
    };
    Ok((value, duplicates))
}

/// A decoded object of a resource, with what was remarkable about its fields.
#[derive(Debug)]
struct Decoded {
    object: Value,
    duplicates: Vec<String>,
}

/// Reads the object of a create or update and checks that it is of the kind that the URL names.
fn object(resource: &Resource, body: &[u8], content_type: &str) -> Result<Decoded, Failure> {
    let kind = &resource.kind;
    let excerpt = || {
        let text = String::from_utf8_lossy(body);
        let short: String = text.chars().take(23).collect();
        if text.chars().count() > 30 { format!("{short} ...") } else { text.into_owned() }
    };
    let unrecognized = |problem: &str| {
        let message =
            format!("the object provided is unrecognized (must be of type {kind}): {problem} ({})", excerpt());
        Failure::bad_request(message)
    };
    let (mut object, duplicates) =
        parse(body, content_type).map_err(|problem| unrecognized(&format!("couldn't get version/kind; {problem}")))?;
    let Value::Object(map) = &mut object else {
        return Err(unrecognized("couldn't get version/kind; the body is not an object"));
    };
    identify(resource, map).map_err(|failure| failure.unwrap_or_else(|| unrecognized("Object 'Kind' is missing")))?;
    check(resource, &object)?;
    Ok(Decoded { object, duplicates })
}

/// The object of a create or update in the form that is stored. What field validation has to say about it is said here,
/// before the server looks at any other object.
pub(crate) fn written(call: &Call<'_>) -> Result<Value, Failure> {
    let Decoded { mut object, duplicates } = object(&call.resource, &call.body, call.content_type)?;
    let unknown = call.resource.normalize(&mut object, false);
    judge(call, &duplicates, &unknown)?;
    Ok(object)
}

/// Whether a patched object of a built-in kind still claims to be of it: else no type is known to read it into.
pub(crate) fn check_kind(resource: &Resource, object: &Value) -> Result<(), Failure> {
    let Value::Object(map) = object else { return Ok(()) };
    if matches!(resource.rules, Rules::Custom(_)) {
        return Ok(());
    }
    let none = || Failure::bad_request("Object 'Kind' is missing");
    identify(resource, &mut map.clone()).map_err(|failure| failure.unwrap_or_else(none))
}

/// 422: what a patch made cannot be read as an object of the kind.
pub(crate) fn unfit_patch(problem: &str) -> Failure {
    let error = FieldError::invalid("patch", &Value::Null, problem);
    Failure::invalid(Named { group: "", kind: "", name: "" }, &[error])
}

/// Fills in or checks apiVersion and kind. `Err(None)` when they are missing where they are required.
fn identify(resource: &Resource, map: &mut Map<String, Value>) -> Result<(), Option<Failure>> {
    let wanted = resource.api_version();
    let part =
        |map: &Map<String, Value>, field: &str| map.get(field).and_then(Value::as_str).unwrap_or_default().to_string();
    let (version, kind) = (part(map, "apiVersion"), part(map, "kind"));
    match &resource.rules {
        Rules::Core(_) => {
            let known_version = version.is_empty() || version == wanted;
            if !known_version || !(kind.is_empty() || kind == resource.kind) {
                let (name, short) = (&resource.kind, version.rsplit('/').next().unwrap_or_default());
                let shown = if kind.is_empty() { name } else { &kind };
                let message = format!(
                    "{shown} in version {short:?} cannot be handled as a {name}: no kind {shown:?} is registered for \
                     version {version:?}"
                );
                return Err(Some(Failure::bad_request(message)));
            }
            map.insert("apiVersion".into(), wanted.into());
            map.insert("kind".into(), resource.kind.clone().into());
        }
        Rules::Custom(_) => {
            if kind.is_empty() || version.is_empty() {
                return Err(None);
            }
            if version != wanted {
                let message = format!(
                    "the API version in the data ({version}) does not match the expected API version ({wanted})"
                );
                return Err(Some(Failure::bad_request(message)));
            }
        }
    }
    Ok(())
}

/// The type errors that Kubernetes finds while decoding.
pub(crate) fn check(resource: &Resource, object: &Value) -> Result<(), Failure> {
    let complain = |problem: String| {
        let (kind, version) = (&resource.kind, &resource.version);
        let message = format!("{kind} in version {version:?} cannot be handled as a {kind}: {problem}");
        Failure::bad_request(message)
    };
    super::meta::check_types(object).map_err(complain)?;
    if let Rules::Core(kind) = &resource.rules {
        super::fields::check_types(kind, object).map_err(complain)?;
    }
    Ok(())
}

/// Refuses, or turns into warnings, what field validation complains about.
pub(crate) fn judge(call: &Call<'_>, duplicates: &[String], unknown: &[String]) -> Result<(), Failure> {
    let duplicates = duplicates.iter().map(|path| format!("duplicate field {path:?}"));
    let complaints: Vec<String> =
        duplicates.chain(unknown.iter().map(|path| format!("unknown field {path:?}"))).collect();
    match call.validation {
        FieldValidation::Strict if !complaints.is_empty() => {
            let problem = format!("strict decoding error: {}", complaints.join(", "));
            if call.info.verb == "patch" {
                return Err(unfit_patch(&problem));
            }
            let (kind, version) = (&call.resource.kind, &call.resource.version);
            let message = format!("{kind} in version {version:?} cannot be handled as a {kind}: {problem}");
            Err(Failure::bad_request(message))
        }
        FieldValidation::Warn => {
            call.warnings.borrow_mut().extend(complaints);
            Ok(())
        }
        FieldValidation::Ignore | FieldValidation::Strict => Ok(()),
    }
}

/// Builds a value while it takes note of keys that appear twice in one map.
struct Node<'a> {
    path: String,
    duplicates: &'a mut Vec<String>,
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        loop {
            let path = format!("{}[{}]", self.path, list.len());
            match items.next_element_seed(Node { path, duplicates: &mut *self.duplicates })? {
                Some(item) => list.push(item),
                None => return Ok(Value::Array(list)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let path = if self.path.is_empty() { key.clone() } else { format!("{}.{key}", self.path) };
            if map.contains_key(&key) {
                self.duplicates.push(path.clone());
            }
            let value = entries.next_value_seed(Node { path, duplicates: &mut *self.duplicates })?;
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}
