//! What a delivered object carries: whose it is, and at which revision.

use std::fmt;

use serde_json::{Map, Value, json};

use super::store::StoredRecord;
use crate::intercluster::{Failure, FailureClass, Revision};

/// Label of every delivered object; its value is the id of the hub that delivers it.
pub const OWNERSHIP_LABEL: &str = "intercluster.ramen-rs.io/hub";
/// Annotation: name of the record.
const INTENT: &str = "intercluster.ramen-rs.io/intent";
/// Annotation: holder of the intent.
const OWNER: &str = "intercluster.ramen-rs.io/owner";
/// Annotation: the revision that was applied, `<number>@<incarnation>`.
const REVISION: &str = "intercluster.ramen-rs.io/revision";

/// Field manager of everything that the engine writes.
pub(crate) const FIELD_MANAGER: &str = "ramen-intercluster";

/// The identity of a hub: the uid of its `kube-system` namespace, or another name that is unique among the hubs that a cluster
/// may meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubId(String);

impl HubId {
    /// The id, if it can be the value of a label.
    ///
    /// # Errors
    /// `Invalid` if it is empty, longer than 63 characters or has characters that a label's value may not have.
    pub fn new(id: impl Into<String>) -> Result<Self, Failure> {
        let id = id.into();
        let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        if id.len() <= 63 && id.chars().all(inner) && ends(id.chars().next()) && ends(id.chars().next_back()) {
            return Ok(Self(id));
        }
        Err(Failure::new(FailureClass::Invalid, "it cannot be the value of a label").about(format!("hub id {id}")))
    }

    /// The id as a string.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HubId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The mark on a delivered object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Id of the hub.
    pub hub: String,
    /// Name of the record.
    pub intent: String,
    /// Holder of the intent.
    pub owner: String,
    /// Revision that was applied.
    pub revision: Revision,
}

/// Whose an object is, seen from a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nobody's that we know of.
    Unmarked,
    /// This record's, at a revision.
    Ours(Revision),
    /// Another record's of this hub.
    OtherIntent(Mark),
    /// Another hub's.
    OtherHub(Mark),
}

impl Mark {
    /// The mark that objects of the record get.
    pub(crate) fn of(record: &StoredRecord, hub: &HubId) -> Self {
        Self {
            hub: hub.0.clone(),
            intent: record.intent.id.name.clone(),
            owner: record.intent.owner.clone(),
            revision: record.revision.clone(),
        }
    }

    /// The mark on an object; `None` if it has none, or one that nobody could have written whole.
    pub fn read(object: &Value) -> Option<Self> {
        let text = |pointer: &str, key: &str| object.pointer(pointer)?.get(key)?.as_str().map(ToOwned::to_owned);
        let annotation = |key| text("/metadata/annotations", key);
        let revision = annotation(REVISION)?;
        let (number, incarnation) = revision.split_once('@')?;
        Some(Self {
            hub: text("/metadata/labels", OWNERSHIP_LABEL)?,
            intent: annotation(INTENT)?,
            owner: annotation(OWNER)?,
            revision: Revision { incarnation: incarnation.into(), number: number.parse().ok()? },
        })
    }

    /// Whose the object is, seen from the record that would carry this mark.
    pub(crate) fn standing(&self, object: &Value) -> Standing {
        match Self::read(object) {
            None => Standing::Unmarked,
            Some(other) if other.hub != self.hub => Standing::OtherHub(other),
            Some(other) if other.intent != self.intent || other.owner != self.owner => Standing::OtherIntent(other),
            Some(own) => Standing::Ours(own.revision),
        }
    }

    /// Puts the mark on an object.
    pub(crate) fn write(&self, object: &mut Value) {
        set(object, "labels", OWNERSHIP_LABEL, &self.hub);
        set(object, "annotations", INTENT, &self.intent);
        set(object, "annotations", OWNER, &self.owner);
        set(object, "annotations", REVISION, &self.revision.to_string());
    }

    /// The merge patch that takes any mark off an object that is at this resource version.
    pub(crate) fn removal(version: &str) -> Value {
        json!({"metadata": {
            "resourceVersion": version,
            "labels": {OWNERSHIP_LABEL: null},
            "annotations": {INTENT: null, OWNER: null, REVISION: null},
        }})
    }
}

/// Sets `metadata.<field>.<key>`; `object` is one that [`Manifest`](crate::intercluster::Manifest) accepted, or a server sent.
fn set(object: &mut Value, field: &str, key: &str, value: &str) {
    let entry = &mut object["metadata"][field];
    if !entry.is_object() {
        *entry = Value::Object(Map::new());
    }
    entry[key] = value.into();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(hub: &str, intent: &str, owner: &str) -> Mark {
        let revision = Revision { incarnation: "a-b".into(), number: 3 };
        Mark { hub: hub.into(), intent: intent.into(), owner: owner.into(), revision }
    }

    #[test]
    fn an_object_of_another_hub_or_another_holder_is_told_apart_from_ours() {
        let ours = mark("h1", "app-vrg-mw", "drpc/a/app");
        let standing = |theirs: &Mark| {
            let mut object = json!({"metadata": {"name": "x", "labels": null}});
            theirs.write(&mut object);
            ours.standing(&object)
        };
        assert_eq!(standing(&ours), Standing::Ours(ours.revision.clone()));
        assert!(matches!(standing(&mark("h2", "app-vrg-mw", "drpc/a/app")), Standing::OtherHub(_)));
        assert!(matches!(standing(&mark("h1", "other", "drpc/a/app")), Standing::OtherIntent(_)));
        assert!(matches!(standing(&mark("h1", "app-vrg-mw", "drpc/b/app")), Standing::OtherIntent(_)));
        assert_eq!(ours.standing(&json!({"metadata": {"name": "x"}})), Standing::Unmarked);
    }

    #[test]
    fn a_hub_id_that_no_label_could_carry_is_refused_before_anything_is_delivered() {
        for id in ["", "-a", "a b", &"x".repeat(64)] {
            assert_eq!(HubId::new(id).unwrap_err().class(), FailureClass::Invalid);
        }
        assert_eq!(HubId::new("9f1c-22").unwrap().as_str(), "9f1c-22");
    }
}
