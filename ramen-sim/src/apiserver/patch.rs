//! The kinds of patch and what each makes of an object.

use jiff::Timestamp;
use json_patch::PatchOperation;
use serde_json::Value;

use super::resource::{Resource, Rules};
use super::state::Call;
use super::status::Failure;
use super::{decode, ownership};

/// How a PATCH is to be read, from its content type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Json,
    Merge,
    Strategic,
    Apply,
}

const JSON: &str = "application/json-patch+json";
const MERGE: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";
const APPLY: &str = "application/apply-patch+yaml";

impl Kind {
    /// Whether the result is written out and read again, so that it must say of itself what it is.
    pub(crate) fn decodes(self) -> bool {
        matches!(self, Self::Json | Self::Merge)
    }

    pub(crate) fn parse(resource: &Resource, content_type: &str) -> Result<Self, Failure> {
        let custom = matches!(resource.rules, Rules::Custom(_));
        match content_type.split(';').next().unwrap_or_default().trim() {
            JSON => Ok(Self::Json),
            MERGE => Ok(Self::Merge),
            STRATEGIC if !custom => Ok(Self::Strategic),
            APPLY => Ok(Self::Apply),
            _ if custom => Err(Failure::unsupported_media_type(&[JSON, MERGE, APPLY])),
            _ => {
                let mut failure = Failure::unsupported_media_type(&[JSON, MERGE, STRATEGIC, APPLY]);
                failure.details = Some(serde_json::json!({}));
                Err(failure)
            }
        }
    }
}

/// Reads the body of a patch.
pub(crate) fn parse(kind: Kind, call: &Call<'_>) -> Result<Value, Failure> {
    let (value, _) = decode::parse(&call.body, call.content_type)
        .map_err(|problem| Failure::bad_request(format!("error decoding patch: {problem}")))?;
    let fits = if kind == Kind::Json { value.is_array() } else { value.is_object() };
    if fits { Ok(value) } else { Err(Failure::bad_request("error decoding patch: unexpected JSON type")) }
}

/// The object that a patch makes of the live one (none only for an apply that creates).
pub(crate) fn patched(
    kind: Kind,
    call: &Call<'_>,
    live: Option<&Value>,
    patch: &Value,
    force: bool,
    now: Timestamp,
) -> Result<Value, Failure> {
    match (kind, live) {
        (Kind::Apply, _) => ownership::apply(call, live, patch, force, now),
        (_, None) => Err(call.not_found()),
        (Kind::Json, Some(live)) => {
            if patch.as_array().is_some_and(|list| list.iter().any(|operation| !operation.is_object())) {
                return Err(Failure::bad_request("error decoding patch: an operation is not an object"));
            }
            // Operations are looked at when they are carried out: what nobody knows cannot be.
            let operations: json_patch::Patch =
                serde_json::from_value(patch.clone()).map_err(|_| Failure::unprocessable_patch())?;
            apply_json_patch(live, operations).map_err(|_| Failure::unprocessable_patch())
        }
        (Kind::Merge, Some(live)) => {
            let mut object = live.clone();
            json_patch::merge(&mut object, patch);
            Ok(object)
        }
        (Kind::Strategic, Some(live)) => ownership::strategic_merge(&call.resource, live, patch),
    }
}

/// Applies a JSON patch as Kubernetes does: a test for null holds where the path does not exist, too. Clients guard the
/// first write of a field with it.
fn apply_json_patch(live: &Value, patch: json_patch::Patch) -> Result<Value, json_patch::PatchError> {
    let mut object = live.clone();
    for operation in patch.0 {
        let holds = match &operation {
            PatchOperation::Test(test) => test.value.is_null() && object.pointer(test.path.as_str()).is_none(),
            _ => false,
        };
        if !holds {
            json_patch::patch(&mut object, &[operation])?;
        }
    }
    Ok(object)
}
