use k8s_openapi::api::core::v1::ConfigMap;
use serde_json::{Value, json};

use super::*;

fn key() -> ObjectKey {
    ObjectKey::of::<ConfigMap>("dr1", Some("app"), "settings")
}

fn finding(status: Value) -> Finding {
    classify(&kube::Error::Api(Box::new(serde_json::from_value(status).unwrap())), &key())
}

fn class(status: Value) -> FailureClass {
    match finding(status) {
        Finding::Failed(failure) => failure.class(),
        other => panic!("not a failure: {other:?}"),
    }
}

#[test]
fn only_a_status_that_names_the_object_proves_its_absence() {
    let details = |name: &str, kind: &str, group: &str| {
        json!({"code": 404, "reason": "NotFound", "message": "not found",
               "details": {"name": name, "kind": kind, "group": group}})
    };
    assert!(matches!(finding(details("settings", "configmaps", "")), Finding::Absent));
    assert!(matches!(finding(details("app", "namespaces", "")), Finding::NamespaceAbsent));
    assert_eq!(class(details("settings", "configmaps", "other.io")), FailureClass::Malformed);
    assert_eq!(class(details("another", "configmaps", "")), FailureClass::Malformed);
    assert_eq!(class(details("settings", "services", "")), FailureClass::Malformed);
}

#[test]
fn a_404_without_details_proves_nothing() {
    for status in [
        json!({"code": 404, "reason": "NotFound", "message": "the server could not find the requested resource", "details": {}}),
        json!({"code": 404, "reason": "Failed to parse error data", "message": "404 page not found"}),
        json!({"code": 404, "message": "<html>no such backend</html>"}),
    ] {
        assert!(matches!(finding(status), Finding::UnknownPath(_)));
    }
}

#[test]
fn refusals_are_told_apart_because_their_remedies_differ() {
    for (code, reason, expected) in [
        (400, "BadRequest", FailureClass::Invalid),
        (401, "Unauthorized", FailureClass::Unauthenticated),
        (403, "Forbidden", FailureClass::Forbidden),
        (413, "RequestEntityTooLarge", FailureClass::Invalid),
        (422, "Invalid", FailureClass::Invalid),
        (429, "TooManyRequests", FailureClass::Throttled),
        (500, "InternalError", FailureClass::Unreachable),
        (503, "ServiceUnavailable", FailureClass::Unreachable),
        (504, "Timeout", FailureClass::TimedOut),
    ] {
        assert_eq!(class(json!({"code": code, "reason": reason, "message": "m"})), expected, "{code} {reason}");
    }
}

#[test]
fn a_namespace_that_is_going_is_something_to_wait_for_and_no_lack_of_rights() {
    let status = json!({"code": 403, "reason": "Forbidden", "message": "it is being terminated",
                        "details": {"causes": [{"reason": "NamespaceTerminating", "message": "m", "field": "metadata.namespace"}]}});
    assert_eq!(class(status), FailureClass::Prerequisite);
}

#[test]
fn a_held_field_names_its_manager_and_a_stale_write_does_not() {
    let held = json!({"code": 409, "reason": "Conflict", "message": "m", "details": {"causes": [
        {"reason": "FieldManagerConflict", "message": "conflict with \"kubectl\" using v1 at 2026-01-01T00:00:00Z", "field": ".data.a"},
        {"reason": "FieldManagerConflict", "message": "conflict with \"argo\"", "field": ".data.b"}]}});
    let Finding::Held { managers, fields } = finding(held) else { panic!() };
    assert_eq!((managers, fields), (vec!["argo".into(), "kubectl".into()], vec![".data.a".into(), ".data.b".into()]));
    assert!(matches!(finding(json!({"code": 409, "reason": "Conflict", "message": "modified"})), Finding::Changed));
    assert!(matches!(finding(json!({"code": 409, "reason": "AlreadyExists", "message": "m"})), Finding::Exists));
}

#[test]
fn what_the_access_says_of_a_dead_cluster_arrives_unchanged() {
    let own = Failure::new(FailureClass::UnknownCluster, "leads elsewhere").on("dr1");
    let Finding::Failed(failure) = classify(&kube::Error::Service(Box::new(own.clone())), &key()) else { panic!() };
    assert_eq!(failure, own);
}
