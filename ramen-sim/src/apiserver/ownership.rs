//! Who owns which field: the seam to server-side apply, managed fields and strategic merge.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::resource::{Resource, Rules};
use super::state::Call;
use super::status::Failure;
use crate::apply::{self, ApplyError, Conflict, PatchError, TypedSchema, Writer};

fn schema(resource: &Resource) -> Option<&TypedSchema> {
    match &resource.rules {
        Rules::Core(kind) => TypedSchema::core(kind.group, kind.version, kind.kind),
        Rules::Custom(kind) => Some(&kind.typed),
    }
}

fn with_writer<T>(call: &Call<'_>, now: Timestamp, act: impl FnOnce(&Writer<'_>) -> T) -> T {
    let subresource = Some(call.info.subresource.as_str()).filter(|name| !name.is_empty());
    let (manager, api_version) = (call.manager(), call.resource.api_version());
    act(&Writer { manager: &manager, subresource, api_version: &api_version, now })
}

/// Records who wrote what with a create, update or patch.
pub(crate) fn track(call: &Call<'_>, live: Option<&Value>, new: &mut Value, now: Timestamp) {
    if let Some(schema) = schema(&call.resource) {
        with_writer(call, now, |writer| apply::track_update(schema, live, new, writer));
    }
}

/// Server-side apply.
pub(crate) fn apply(
    call: &Call<'_>,
    live: Option<&Value>,
    applied: &Value,
    force: bool,
    now: Timestamp,
) -> Result<Value, Failure> {
    let Some(schema) = schema(&call.resource) else {
        return Err(Failure::unsupported_media_type(&["application/json-patch+json", "application/merge-patch+json"]));
    };
    with_writer(call, now, |writer| apply::apply(schema, live, applied, writer, force)).map_err(|error| match error {
        ApplyError::Conflicts(ref conflicts) => {
            let causes: Vec<Value> = conflicts.iter().map(cause).collect();
            let mut failure = Failure::new(http::StatusCode::CONFLICT, "Conflict", error.to_string());
            failure.details = Some(json!({ "causes": causes }));
            failure
        }
        ApplyError::BadRequest(message) => Failure::bad_request(message),
        ApplyError::Invalid(message) => Failure::unclassified(message),
    })
}

fn cause(conflict: &Conflict) -> Value {
    json!({ "reason": "FieldManagerConflict", "message": conflict.message(), "field": conflict.field })
}

/// Strategic merge patch, by the merge keys of the kind.
pub(crate) fn strategic_merge(resource: &Resource, live: &Value, patch: &Value) -> Result<Value, Failure> {
    let Some(schema) = schema(resource) else { return Err(Failure::unprocessable_patch()) };
    apply::strategic_merge(schema, live, patch).map_err(|error| match error {
        PatchError::BadRequest(message) => Failure::bad_request(message),
        PatchError::Unprocessable(message) => Failure::new(http::StatusCode::UNPROCESSABLE_ENTITY, "", message),
        PatchError::Internal(message) => Failure::unclassified(message),
    })
}
