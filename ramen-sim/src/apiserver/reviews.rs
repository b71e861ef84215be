//! Reviews: requests that create nothing but answer whether something is allowed.

use serde_json::{Value, json};

use super::access::{Identity, allows};
use super::request::RequestInfo;
use super::state::{Answer, State};
use super::status::Failure;
use super::{Inner, decode};

/// Answers `selfsubjectaccessreviews` and `subjectaccessreviews`; every other unknown resource is not found.
pub(super) fn answer(_: &Inner, state: &mut State, info: &RequestInfo, body: &[u8]) -> Result<Answer, Failure> {
    let own = match (info.group.as_str(), info.version.as_str(), info.resource.as_str()) {
        ("authorization.k8s.io", "v1", "selfsubjectaccessreviews") => true,
        ("authorization.k8s.io", "v1", "subjectaccessreviews") => false,
        _ => return Err(Failure::unknown_resource()),
    };
    if info.verb != "create" {
        return Err(Failure::method_not_allowed());
    }
    let (mut review, _) = decode::parse(body, "application/json").map_err(Failure::bad_request)?;
    let text = |value: &Value, field: &str| value[field].as_str().unwrap_or_default().to_string();
    let identity = if own {
        identity_of(info)
    } else {
        let groups = review["spec"]["groups"].as_array().into_iter().flatten();
        let groups = groups.filter_map(|group| group.as_str().map(str::to_string)).collect();
        Identity { name: text(&review["spec"], "user"), groups }
    };
    let asked = &review["spec"]["resourceAttributes"];
    let asked = RequestInfo {
        verb: text(asked, "verb"),
        group: text(asked, "group"),
        version: text(asked, "version"),
        resource: text(asked, "resource"),
        subresource: text(asked, "subresource"),
        namespace: text(asked, "namespace"),
        name: text(asked, "name"),
        ..RequestInfo::default()
    };
    let allowed = allows(state, &identity, &asked);
    review["status"] = json!({ "allowed": allowed });
    Ok(Answer::Json { code: 201, body: review.to_string().into() })
}

fn identity_of(info: &RequestInfo) -> Identity {
    Identity { name: info.user.clone(), groups: info.groups.clone() }
}
