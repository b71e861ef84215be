//! Server-side apply, ownership of fields, and strategic merge patch, as a Kubernetes API server does them.
//!
//! Pure functions over JSON: no I/O, no clock, no randomness. An API server calls [`apply`] for an apply patch, [`track_update`]
//! for every other write before it stores the object, and [`keep_times`] last of all, so that a write that changes nothing is
//! not a change.
//!
//! | Step | File |
//! |---|---|
//! | which lists and objects are one value, which are merged | `schema`, built by `openapi` from a CRD (`crd`) or the core table (`core`) |
//! | paths and sets of paths, `fieldsV1` | `element`, `set` |
//! | comparing, merging, taking away | `compare`, `merge`, `remove`, `fieldset`, `validate` |
//! | `metadata.managedFields` | `managers` |
//! | who owns what after a write, conflicts, what an apply takes away | `updater`, `conflict`, `reconcile` |
//! | strategic merge patch | `strategic`, `ordering` |
//! | what `kubectl`'s client-side annotation has to do with it | `last_applied` |
//!
//! One version per kind is assumed: entries that were written in another version are read under the schema at hand, where
//! Kubernetes would convert the object first. It makes a difference only for kinds whose versions have different fields.

mod compare;
mod conflict;
mod core;
mod crd;
mod element;
mod fieldset;
mod last_applied;
mod list;
mod managers;
mod merge;
mod openapi;
mod ordering;
mod reconcile;
mod remove;
mod schema;
mod set;
mod strategic;
mod updater;
mod validate;

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use serde_json::{Map, Value};

pub use self::conflict::Conflict;
pub use self::core::{core_definition, core_openapi, normalize_core};
pub use self::schema::TypedSchema;
pub use self::strategic::{PatchError, strategic_merge};

use self::managers::{Managed, ManagerId, Operation, Owned};
use self::set::FieldSet;
use self::updater::{Applied, Updater};
use self::validate::{Duplicates, validate};

/// Why an apply was refused.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// Others own fields that the configuration would change: Status reason `Conflict`, code 409, one cause of reason
    /// `FieldManagerConflict` for each.
    #[error("{}", conflict::summary(.0))]
    Conflicts(Vec<Conflict>),
    /// The request is wrong whatever the object looks like: Status reason `BadRequest`, code 400.
    #[error("{0}")]
    BadRequest(String),
    /// The configuration, or the live object, does not have the shape of the kind: a Status without reason, code 500.
    #[error("{0}")]
    Invalid(String),
}

/// Who writes, through what, and when: what an entry of `managedFields` records.
#[derive(Clone, Copy, Debug)]
pub struct Writer<'a> {
    /// The field manager: the `fieldManager` parameter, or else the start of the user agent. Empty reads as `unknown`.
    pub manager: &'a str,
    /// The subresource that the request names.
    pub subresource: Option<&'a str>,
    /// The version of the request, as in `apiVersion`.
    pub api_version: &'a str,
    /// The time of the request. Entries hold whole seconds.
    pub now: Timestamp,
}

impl Writer<'_> {
    fn id(&self, operation: Operation) -> ManagerId {
        ManagerId::new(self.manager, operation, self.api_version, self.subresource.unwrap_or_default())
    }

    fn updater<'s>(&'s self, schema: &'s TypedSchema) -> Updater<'s> {
        Updater { schema, api_version: self.api_version, subresource: self.subresource.unwrap_or_default() }
    }
}

/// Applies a configuration, and returns the object to store, `metadata.managedFields` included.
///
/// `live` is the stored object, or `None` if the apply creates it. With `force`, fields that others own are taken from them.
///
/// An apply that changes neither the object nor its owners returns the live object unchanged, its times included. Defaulting,
/// pruning, validation and the fields that the server sets are the caller's part. Objects of core kinds come back in the form
/// of [`normalize_core`] only if the caller brings them into it.
pub fn apply(
    schema: &TypedSchema,
    live: Option<&Value>,
    applied: &Value,
    writer: &Writer<'_>,
    force: bool,
) -> Result<Value, ApplyError> {
    let api_version = writer.api_version;
    let text = |name: &str| applied.get(name).and_then(Value::as_str).unwrap_or_default();
    if text("apiVersion") != api_version {
        let found = text("apiVersion");
        let message = "Incorrect version specified in apply patch. Specified patch version";
        return Err(ApplyError::BadRequest(format!("{message}: {found}, expected: {api_version}")));
    }
    if applied.pointer("/metadata/managedFields").is_some_and(|entries| !entries.is_null()) {
        return Err(ApplyError::BadRequest("metadata.managedFields must be nil".to_owned()));
    }
    let created;
    let live = if let Some(live) = live {
        live
    } else {
        created = empty_object(schema, applied);
        &created
    };
    check(schema, applied, Duplicates::Refuse, "patch", api_version)?;
    check(schema, live, Duplicates::Allow, "live", api_version)?;
    let updater = writer.updater(schema);
    let invalid = |error| ApplyError::Invalid(format!("failed to decode managed fields: {error}"));
    let managed = before_first_apply(&updater, live, Managed::decode(live).map_err(invalid)?, writer);
    let id = writer.id(Operation::Apply);

    let outcome = updater.apply(live, applied, managed.clone(), &id, force).map_err(ApplyError::Invalid)?;
    let outcome = match outcome {
        Err(conflicts) => {
            let left = last_applied::remaining_conflicts(schema, live, writer, conflicts);
            if !left.is_empty() {
                return Err(ApplyError::Conflicts(left));
            }
            let forced = updater.apply(live, applied, managed, &id, true).map_err(ApplyError::Invalid)?;
            forced.map_err(ApplyError::Conflicts)?
        }
        Ok(outcome) => outcome,
    };
    let mut object = finish(outcome, live, &id, writer.now);
    schema.normalize_custom(&mut object);
    last_applied::follow(&mut object, applied, writer.manager);
    Ok(object)
}

fn finish(outcome: Applied, live: &Value, id: &ManagerId, now: Timestamp) -> Value {
    let Applied { object, mut managed } = outcome;
    strip_server_fields(&mut managed, id);
    if object.is_some() {
        managed.times.insert(id.clone(), now);
    }
    let mut object = object.unwrap_or_else(|| live.clone());
    managed.encode_into(&mut object);
    object
}

/// Updates `metadata.managedFields` of an object about to be stored by a create, update or patch.
///
/// `live` is the stored object, or `None` on create; `new` is the object as the writer wants it, before the server resets what
/// this subresource cannot change. Entries that the writer sent count only on the object itself, and only if there are any and
/// they can be read; `managedFields: [{}]` forgets all owners, as does `[]` on a core kind. An object without owners stays without until someone
/// applies.
pub fn track_update(schema: &TypedSchema, live: Option<&Value>, new: &mut Value, writer: &Writer<'_>) {
    schema.normalize_custom(new);
    let mut managed = owners_on_update(live, new, writer.subresource.unwrap_or_default());
    managers::strip(new);
    let created;
    let before = match live {
        Some(_) if managed.owners.is_empty() => return,
        Some(live) => live,
        None => {
            created = empty_object(schema, new);
            &created
        }
    };
    let valid = |object: &Value| validate(&schema.types, schema.root, object, Duplicates::Allow).is_ok();
    if !valid(before) || !valid(new) {
        // Kubernetes would rather forget the owners than refuse the write; validation has its own say.
        return;
    }
    record_update(&writer.updater(schema), before, new, &mut managed, &writer.id(Operation::Update), writer.now);
    managed.encode_into(new);
}

/// Puts the times of `managedFields` back if nothing else distinguishes the object from the live one, so that a write that
/// changes nothing does not count as a change. To be called when the object is otherwise ready to be stored.
pub fn keep_times(live: &Value, new: &mut Value) {
    let (Some(old), Some(entries)) = (managers::entries(live), managers::entries(new)) else { return };
    let timeless = |entry: &Value| {
        let mut entry = entry.clone();
        if let Some(entry) = entry.as_object_mut() {
            entry.remove("time");
        }
        entry
    };
    let same_owners = old.len() == entries.len() && old.iter().zip(entries).all(|(a, b)| timeless(a) == timeless(b));
    if !same_owners || old == entries {
        return;
    }
    let old = old.to_vec();
    let mut restored = new.clone();
    if let Some(entries) = restored.pointer_mut("/metadata/managedFields") {
        *entries = Value::Array(old);
    }
    if restored == *live {
        *new = restored;
    }
}

fn record_update(
    updater: &Updater<'_>,
    live: &Value,
    new: &Value,
    managed: &mut Managed,
    id: &ManagerId,
    now: Timestamp,
) {
    let taken = updater.update(live, new, managed).difference(&server_fields());
    if !taken.is_empty() {
        let owned = managed.owners.entry(id.clone());
        let owned =
            owned.or_insert_with(|| Owned { set: FieldSet::default(), api_version: updater.api_version.to_owned() });
        owned.set = owned.set.union(&taken);
        managed.times.insert(id.clone(), now);
    }
    managed.cap_updates();
}

/// The owners to go by on a write that is no apply.
fn owners_on_update(live: Option<&Value>, new: &Value, subresource: &str) -> Managed {
    let of = |object: Option<&Value>| object.map(Managed::decode).and_then(Result::ok).unwrap_or_default();
    if !subresource.is_empty() {
        return of(live);
    }
    let empty = |entry: &Value| entry.as_object().is_some_and(Map::is_empty);
    match managers::entries(new) {
        Some([]) => Managed::default(),
        Some([one]) if empty(one) => Managed::default(),
        _ => match Managed::decode(new) {
            Ok(managed) if !managed.owners.is_empty() => managed,
            _ => of(live),
        },
    }
}

/// An object that was never tracked gets an owner for all it holds, so that the first apply conflicts with what others set.
fn before_first_apply(updater: &Updater<'_>, live: &Value, mut managed: Managed, writer: &Writer<'_>) -> Managed {
    if managed.owners.is_empty() {
        let empty = empty_object(updater.schema, live);
        let id = Writer { manager: "before-first-apply", ..*writer }.id(Operation::Update);
        record_update(updater, &empty, live, &mut managed, &id, writer.now);
    }
    managed
}

/// A new object of the kind, as the server makes it before it decodes a request into it.
fn empty_object(schema: &TypedSchema, like: &Value) -> Value {
    let mut object = schema.empty.as_object().cloned().unwrap_or_default();
    for name in ["apiVersion", "kind"] {
        if let Some(value) = like.get(name) {
            object.insert(name.to_owned(), value.clone());
        }
    }
    Value::Object(object)
}

/// The fields that nobody owns.
fn server_fields() -> FieldSet {
    FieldSet::of_fields(&[
        &["apiVersion"],
        &["kind"],
        &["metadata"],
        &["metadata", "name"],
        &["metadata", "namespace"],
        &["metadata", "creationTimestamp"],
        &["metadata", "selfLink"],
        &["metadata", "uid"],
        &["metadata", "clusterName"],
        &["metadata", "generation"],
        &["metadata", "managedFields"],
        &["metadata", "resourceVersion"],
    ])
}

fn strip_server_fields(managed: &mut Managed, id: &ManagerId) {
    if let Some(owned) = managed.owners.get_mut(id) {
        owned.set = owned.set.difference(&server_fields());
        if owned.set.is_empty() {
            managed.owners.remove(id);
        }
    }
}

fn check(
    schema: &TypedSchema,
    object: &Value,
    duplicates: Duplicates,
    which: &str,
    version: &str,
) -> Result<(), ApplyError> {
    validate(&schema.types, schema.root, object, duplicates).map_err(|error| {
        let text = |path: &str| object.pointer(path).and_then(Value::as_str).unwrap_or_default();
        let version = if version.contains('/') { version.to_owned() } else { format!("/{version}") };
        let (namespace, name, kind) = (text("/metadata/namespace"), text("/metadata/name"), text("/kind"));
        let object = format!("{namespace}/{name}; {version}, Kind={kind}");
        ApplyError::Invalid(format!("failed to create typed {which} object ({object}): {error}"))
    })
}
