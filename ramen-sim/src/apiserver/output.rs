//! In which form objects go out: as they are, as metadata only, or as a table.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::resource::{Resource, Rules};
use super::status::Failure;
use super::store::Stored;
use super::table;

/// The form that the Accept header asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    Object,
    Metadata,
    /// With how much of the object in each row.
    Table(Include),
}

/// How much of each object the rows of a table carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Include {
    None,
    Metadata,
    Object,
}

impl Output {
    /// Takes the first acceptable form of the Accept header.
    pub(crate) fn negotiate(accept: &str, include: &str) -> Result<Self, Failure> {
        if accept.trim().is_empty() {
            return Ok(Self::Object);
        }
        for range in accept.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default();
            if !matches!(media, "application/json" | "application/*" | "*/*") {
                continue;
            }
            let form = parts.find_map(|part| part.strip_prefix("as="));
            match form {
                None => return Ok(Self::Object),
                Some("Table") => {
                    return Ok(Self::Table(match include {
                        "None" => Include::None,
                        "Object" => Include::Object,
                        _ => Include::Metadata,
                    }));
                }
                Some("PartialObjectMetadata" | "PartialObjectMetadataList") => return Ok(Self::Metadata),
                Some(_) => {}
            }
        }
        Err(Failure::not_acceptable(&["application/json", "application/yaml"]))
    }

    /// One object in this form, within a watch or a get.
    pub(crate) fn render(self, resource: &Resource, stored: &Stored, now: Timestamp, headed: bool) -> Bytes {
        match self {
            Self::Object => versioned(resource, stored),
            Self::Metadata => Bytes::from(partial(&stored.value()).to_string()),
            Self::Table(include) => {
                let value = versioned_value(resource, stored);
                let revision = stored.revision.to_string();
                let rows = [table::row(resource, &value, include, now)];
                Bytes::from(table::table(resource, &rows, &json!({ "resourceVersion": revision }), headed).to_string())
            }
        }
    }

    /// A list in this form.
    pub(crate) fn render_list(
        self,
        resource: &Resource,
        items: &[Arc<Stored>],
        metadata: &Value,
        now: Timestamp,
    ) -> Bytes {
        let mut metadata = metadata.clone();
        if self != Self::Object && metadata["continue"] == "" {
            // Only a list of whole custom objects says so when there is nothing to continue.
            metadata.as_object_mut().map(|metadata| metadata.remove("continue"));
        }
        let metadata = &metadata;
        match self {
            Self::Object => {
                let items = items.iter().map(|stored| item(resource, stored));
                list(&resource.list_kind, &resource.api_version(), metadata, items)
            }
            Self::Metadata if items.is_empty() => {
                let list = json!({
                    "kind": "PartialObjectMetadataList",
                    "apiVersion": "meta.k8s.io/v1",
                    "metadata": metadata,
                    "items": null,
                });
                Bytes::from(list.to_string())
            }
            Self::Metadata => {
                let items = items.iter().map(|stored| Bytes::from(partial(&stored.value()).to_string()));
                list("PartialObjectMetadataList", "meta.k8s.io/v1", metadata, items)
            }
            Self::Table(include) => {
                let row = |stored: &Arc<Stored>| table::row(resource, &versioned_value(resource, stored), include, now);
                let rows: Vec<Value> = items.iter().map(row).collect();
                Bytes::from(table::table(resource, &rows, metadata, true).to_string())
            }
        }
    }
}

fn list(kind: &str, api_version: &str, metadata: &Value, items: impl Iterator<Item = Bytes>) -> Bytes {
    let head = json!({ "kind": kind, "apiVersion": api_version, "metadata": metadata }).to_string();
    // Everything up to the closing brace; the items, already serialized, follow.
    let mut text = Vec::from(head.strip_suffix('}').unwrap_or(&head).as_bytes());
    text.extend_from_slice(b",\"items\":[");
    for (index, item) in items.enumerate() {
        if index > 0 {
            text.push(b',');
        }
        text.extend_from_slice(&item);
    }
    text.extend_from_slice(b"]}");
    Bytes::from(text)
}

/// The stored JSON under the version asked for: conversion changes nothing but `apiVersion`.
fn versioned(resource: &Resource, stored: &Stored) -> Bytes {
    let head = json!({ "apiVersion": resource.api_version(), "kind": resource.kind }).to_string();
    let mut text = Vec::with_capacity(head.len() + stored.json.len());
    text.extend_from_slice(head.strip_suffix('}').unwrap_or(&head).as_bytes());
    // A stored object is never empty: it has metadata.
    text.push(b',');
    text.extend_from_slice(stored.json.get(1..).unwrap_or_default());
    Bytes::from(text)
}

/// An object as an item of a list: built-in kinds leave out what the list says of all of them.
fn item(resource: &Resource, stored: &Stored) -> Bytes {
    match resource.rules {
        Rules::Core(_) => stored.json.clone(),
        Rules::Custom(_) => versioned(resource, stored),
    }
}

pub(crate) fn versioned_value(resource: &Resource, stored: &Stored) -> Value {
    let mut value = stored.value();
    value["apiVersion"] = resource.api_version().into();
    value["kind"] = resource.kind.clone().into();
    value
}

/// Type and metadata of an object.
pub(crate) fn partial(object: &Value) -> Value {
    json!({
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": object.get("metadata").cloned().unwrap_or_else(|| json!({})),
    })
}
