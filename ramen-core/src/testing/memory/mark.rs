//! The mark on an object of a cluster: which intents hold it, and at which revision each was applied last.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::intercluster::Revision;

const ANNOTATION: &str = "in-memory-transport/held-by";

/// Holders by the name of their intent, with the revision applied last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Mark(BTreeMap<String, Revision>);

impl Mark {
    /// The mark that an object carries.
    pub(crate) fn of(object: &Value) -> Self {
        let text = object["metadata"]["annotations"][ANNOTATION].as_str();
        Self(text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn holds(&self, intent: &str) -> bool {
        self.0.contains_key(intent)
    }

    /// Whether a later revision of the same record was applied already.
    pub(crate) fn is_newer_than(&self, intent: &str, revision: &Revision) -> bool {
        self.0.get(intent).is_some_and(|applied| applied.includes(revision) && applied != revision)
    }

    pub(crate) fn hold(&mut self, intent: &str, revision: &Revision) {
        self.0.insert(intent.into(), revision.clone());
    }

    pub(crate) fn release(&mut self, intent: &str) {
        self.0.remove(intent);
    }

    /// Puts the mark on an object that is to be applied.
    pub(crate) fn write(&self, object: &mut Value) {
        super::fields::merge(object, &self.patch());
    }

    /// The merge patch that makes an object carry this mark, or none.
    pub(crate) fn patch(&self) -> Value {
        let text = if self.is_empty() { Value::Null } else { json!(self.0).to_string().into() };
        json!({"metadata": {"annotations": {ANNOTATION: text}}})
    }
}
