//! Pruning and defaulting.

use serde_json::{Map, Value};

use super::{Additional, Schema, join};
use crate::apiserver::fields;

impl Schema {
    /// Drops nulls where they are not allowed, fills in defaults, and drops fields that the schema does not know.
    /// Returns the paths of unknown fields that were dropped. `root` objects keep their type and metadata.
    ///
    /// Nulls are dropped where a request is decoded. What an apply comes to is not decoded again: of its nulls only those
    /// go for which there is a default, and validation refuses the others.
    pub(crate) fn normalize(&self, object: &mut Value, applied: bool) -> Vec<String> {
        let mut dropped = Vec::new();
        self.fill(object, applied);
        self.prune(object, "", true, &mut dropped);
        dropped
    }

    fn fill(&self, value: &mut Value, applied: bool) {
        match value {
            Value::Object(map) => {
                self.fill_nulls(map, applied);
                for (name, schema) in &self.properties {
                    if let Some(default) = &schema.default
                        && !map.contains_key(name)
                    {
                        map.insert(name.clone(), default.clone());
                    }
                }
                for (name, value) in map.iter_mut() {
                    if let Some(schema) = self.field(name) {
                        schema.fill(value, applied);
                    }
                }
            }
            Value::Array(list) => {
                if let Some(items) = &self.items {
                    for item in list {
                        items.fill(item, applied);
                    }
                }
            }
            _ => {}
        }
    }

    /// A null where the schema does not allow one counts as absent.
    fn fill_nulls(&self, map: &mut Map<String, Value>, applied: bool) {
        let stays = |schema: &Self| schema.nullable || schema.kind.is_empty() || (applied && schema.default.is_none());
        map.retain(|name, value| !value.is_null() || self.field(name).is_none_or(stays));
    }

    fn prune(&self, value: &mut Value, path: &str, resource: bool, dropped: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                let resource = resource || self.embedded;
                let keeps_all = self.preserve_unknown || matches!(self.additional, Additional::Anything);
                if let Some(metadata) = map.get_mut("metadata").filter(|_| resource) {
                    dropped.extend(fields::prune_metadata(metadata, &join(path, "metadata")));
                }
                map.retain(|name, value| {
                    if resource && matches!(name.as_str(), "apiVersion" | "kind" | "metadata") {
                        return true;
                    }
                    match self.field(name) {
                        Some(schema) => {
                            schema.prune(value, &join(path, name), false, dropped);
                            true
                        }
                        None if keeps_all => true,
                        None => {
                            dropped.push(join(path, name));
                            false
                        }
                    }
                });
            }
            Value::Array(list) => {
                let Some(items) = &self.items else { return };
                for (index, item) in list.iter_mut().enumerate() {
                    items.prune(item, &format!("{path}[{index}]"), false, dropped);
                }
            }
            _ => {}
        }
    }
}
