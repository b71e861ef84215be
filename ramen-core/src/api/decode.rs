//! From text that somebody else wrote to a typed value, or to an error that says where it is wrong.

use std::{error::Error, fmt};

use kube::Resource;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// Why a document is not what it should be.
///
/// `Display` reads as a sentence that names the document, the field, what was found there and what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// The document: a file name, a store's key, and the object's kind, namespace and name as far as it gives them.
    pub document: String,
    /// Path of the field, such as `spec.drClusters[1]`. Empty when it is about the text as a whole.
    pub path: String,
    /// What was found there and what was expected.
    pub message: String,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.document)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

impl Error for DecodeError {}

impl DecodeError {
    pub(super) fn new(document: &str, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { document: document.to_owned(), path: path.into(), message: message.into() }
    }
}

/// Reads one object from JSON, as stores and API servers hold it.
///
/// `apiVersion` and `kind` may be absent, as they are in bodies that RamenDR writes to stores; where they are given they
/// must be `K`'s. Unknown fields are passed over: a newer writer may have put them there. See [`edit`](super::edit) for
/// changing such an object without losing them.
///
/// # Errors
///
/// When the bytes are no JSON, or the object is not a `K`: `document` stands first in the error.
pub fn object_from_json<K>(document: &str, json: &[u8]) -> Result<K, DecodeError>
where
    K: Resource<DynamicType = ()> + DeserializeOwned + Serialize,
{
    let value = serde_json::from_slice(json).map_err(|error| unreadable(document, "JSON", &error))?;
    object(document, &value)
}

/// Reads one object from YAML, as people write it. Otherwise as [`object_from_json`].
///
/// # Errors
///
/// When the text is no YAML, or the object is not a `K`.
pub fn object_from_yaml<K>(document: &str, yaml: &str) -> Result<K, DecodeError>
where
    K: Resource<DynamicType = ()> + DeserializeOwned + Serialize,
{
    object(document, &yaml_value(document, yaml)?)
}

/// Reads one object from a JSON value. Otherwise as [`object_from_json`].
///
/// # Errors
///
/// When the object is not a `K`.
pub fn object<K>(document: &str, value: &Value) -> Result<K, DecodeError>
where
    K: Resource<DynamicType = ()> + DeserializeOwned + Serialize,
{
    let (api_version, kind) = (K::api_version(&()), K::kind(&()));
    let document = described(document, &kind, value);
    check_type(&document, value, &api_version, &kind)?;
    typed(&document, value)
}

/// Reports a document that is no object, or whose `apiVersion` or `kind` is another's: what followed would be errors
/// about fields.
pub(super) fn check_type(document: &str, value: &Value, api_version: &str, kind: &str) -> Result<(), DecodeError> {
    if !value.is_object() {
        return Err(DecodeError::new(document, "", format!("found {value}, expected an object of kind `{kind}`")));
    }
    for (field, expected) in [("apiVersion", api_version), ("kind", kind)] {
        match value.get(field) {
            None | Some(Value::Null) => {}
            Some(found) if found == expected => {}
            Some(found) => {
                let message = format!("found {found}, expected `{expected}`");
                return Err(DecodeError::new(document, field, message));
            }
        }
    }
    Ok(())
}

/// The document's name with what the object says of itself.
fn described(document: &str, kind: &str, value: &Value) -> String {
    let metadata = |field: &str| value.pointer(&format!("/metadata/{field}")).and_then(Value::as_str);
    match (metadata("namespace"), metadata("name")) {
        (Some(namespace), Some(name)) => format!("{document}: {kind} {namespace}/{name}"),
        (None, Some(name)) => format!("{document}: {kind} {name}"),
        _ => format!("{document}: {kind}"),
    }
}

/// YAML as the JSON value it stands for.
pub(super) fn yaml_value(document: &str, yaml: &str) -> Result<Value, DecodeError> {
    serde_yaml::from_str(yaml).map_err(|error| unreadable(document, "YAML", &error))
}

fn unreadable(document: &str, format: &str, error: &dyn fmt::Display) -> DecodeError {
    DecodeError::new(document, "", format!("cannot be read as {format}: {error}"))
}

/// A typed value from a JSON value, with the path of what is wrong.
pub(super) fn typed<T: DeserializeOwned + Serialize>(document: &str, value: &Value) -> Result<T, DecodeError> {
    let typed: T = serde_path_to_error::deserialize(value).map_err(|error| located(document, error))?;
    // serde reads a list as an object by position, which nobody who writes a list in its place means.
    match serde_json::to_value(&typed).ok().and_then(|read| list_for_object(value, &read, "")) {
        Some(path) => Err(DecodeError::new(document, path, "found a list, expected an object")),
        None => Ok(typed),
    }
}

fn located(document: &str, error: serde_path_to_error::Error<serde_json::Error>) -> DecodeError {
    let path = match error.path().to_string() {
        root if root == "." => String::new(),
        path => path,
    };
    let message = error.into_inner().to_string();
    match quoted_after(&message, "missing field ") {
        // serde reports the object that lacks the field: name the field itself.
        Some(field) => {
            let message = "found nothing, expected a value: the field is required";
            DecodeError::new(document, joined(&path, field), message)
        }
        None => DecodeError::new(document, path, message),
    }
}

/// The first place where the text has a list and what was read from it is an object.
fn list_for_object(text: &Value, read: &Value, path: &str) -> Option<String> {
    match (text, read) {
        (Value::Array(_), Value::Object(_)) => Some(path.to_owned()),
        (Value::Object(text), Value::Object(read)) => text
            .iter()
            .find_map(|(key, value)| read.get(key).and_then(|read| list_for_object(value, read, &joined(path, key)))),
        (Value::Array(text), Value::Array(read)) => {
            let mut items = text.iter().zip(read).enumerate();
            items.find_map(|(index, (text, read))| list_for_object(text, read, &format!("{path}[{index}]")))
        }
        _ => None,
    }
}

fn joined(path: &str, field: &str) -> String {
    if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") }
}

fn quoted_after<'a>(message: &'a str, start: &str) -> Option<&'a str> {
    message.strip_prefix(start)?.strip_prefix('`')?.split('`').next()
}

#[cfg(test)]
mod tests;
