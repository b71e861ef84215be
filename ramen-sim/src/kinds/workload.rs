//! Pod, Deployment and StatefulSet, as far as disaster recovery looks at them.

use serde_json::{Value, json};

use super::{AGE, Column, CoreKind, NAME, age, at, column, default_to, name, text, wide};
use crate::apiserver::status::FieldError;

pub(super) static KINDS: &[CoreKind] = &[
    CoreKind {
        short_names: &["po"],
        categories: &["all"],
        has_status: true,
        generation: true,
        returns_deleted: true,
        fields: &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        ],
        columns: POD_COLUMNS,
        cells: pod_cells,
        default: default_pod,
        prepare_create: |pod, _| default_to(pod, "status", "phase", json!("Pending")),
        validate: validate_pod,
        ..CoreKind::plain("", "v1", "Pod", "pods")
    },
    CoreKind {
        short_names: &["deploy"],
        categories: &["all"],
        has_status: true,
        generation: true,
        columns: &[NAME, column("Ready", "string"), column("Up-to-date", "string"), column("Available", "string"), AGE],
        cells: |deployment, now| {
            let number = |path: &str| at(deployment, path).as_i64().unwrap_or_default();
            let ready = format!("{}/{}", number("status.readyReplicas"), number("spec.replicas"));
            let (updated, available) = (number("status.updatedReplicas"), number("status.availableReplicas"));
            vec![name(deployment), ready.into(), updated.into(), available.into(), age(deployment, now)]
        },
        default: |deployment| default_to(deployment, "spec", "replicas", json!(1)),
        validate: validate_scalable,
        ..CoreKind::plain("apps", "v1", "Deployment", "deployments")
    },
    CoreKind {
        short_names: &["sts"],
        categories: &["all"],
        has_status: true,
        generation: true,
        columns: &[NAME, column("Ready", "string"), AGE],
        cells: |set, now| {
            let number = |path: &str| at(set, path).as_i64().unwrap_or_default();
            let ready = format!("{}/{}", number("status.readyReplicas"), number("spec.replicas"));
            vec![name(set), ready.into(), age(set, now)]
        },
        default: |set| default_to(set, "spec", "replicas", json!(1)),
        validate: validate_scalable,
        ..CoreKind::plain("apps", "v1", "StatefulSet", "statefulsets")
    },
];

const POD_COLUMNS: &[Column] = &[
    NAME,
    column("Ready", "string"),
    column("Status", "string"),
    column("Restarts", "string"),
    AGE,
    wide("IP", "string"),
    wide("Node", "string"),
    wide("Nominated Node", "string"),
    wide("Readiness Gates", "string"),
];

fn pod_cells(pod: &Value, now: jiff::Timestamp) -> Vec<Value> {
    let containers = at(pod, "spec.containers").as_array().map_or(0, Vec::len);
    let statuses: Vec<&Value> = at(pod, "status.containerStatuses").as_array().into_iter().flatten().collect();
    let ready = statuses.iter().filter(|status| status["ready"] == true).count();
    let restarts: i64 = statuses.iter().filter_map(|status| status["restartCount"].as_i64()).sum();
    let phase = match text(pod, "metadata.deletionTimestamp") {
        "" => text(pod, "status.reason"),
        _ => "Terminating",
    };
    let phase = if phase.is_empty() { text(pod, "status.phase") } else { phase };
    let or_none = |path: &str| Value::from(if text(pod, path).is_empty() { "<none>" } else { text(pod, path) });
    vec![
        name(pod),
        format!("{ready}/{containers}").into(),
        phase.into(),
        restarts.to_string().into(),
        age(pod, now),
        or_none("status.podIP"),
        or_none("spec.nodeName"),
        or_none("status.nominatedNodeName"),
        "<none>".into(),
    ]
}

fn default_pod(pod: &mut Value) {
    for (field, value) in [
        ("restartPolicy", json!("Always")),
        ("terminationGracePeriodSeconds", json!(30)),
        ("dnsPolicy", json!("ClusterFirst")),
        ("securityContext", json!({})),
        ("schedulerName", json!("default-scheduler")),
        ("enableServiceLinks", json!(true)),
    ] {
        default_to(pod, "spec", field, value);
    }
    for field in ["containers", "initContainers"] {
        for container in pod["spec"].get_mut(field).and_then(Value::as_array_mut).into_iter().flatten() {
            default_container(container);
        }
    }
}

fn default_container(container: &mut Value) {
    if !container.is_object() {
        return;
    }
    let image = container["image"].as_str().unwrap_or_default();
    let tag = image.rsplit('/').next().unwrap_or_default().split_once(':').map_or("latest", |(_, tag)| tag);
    let pull = if tag == "latest" && !image.contains('@') { "Always" } else { "IfNotPresent" };
    for (field, value) in [
        ("resources", json!({})),
        ("terminationMessagePath", json!("/dev/termination-log")),
        ("terminationMessagePolicy", json!("File")),
        ("imagePullPolicy", json!(pull)),
    ] {
        if container[field].is_null() {
            container[field] = value;
        }
    }
}

/// The parts of a running pod's spec that may change: images, the deadline, tolerations; and the node, once.
fn validate_pod(new: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let Some(old) = old else {
        let none = at(new, "spec.containers").as_array().is_none_or(Vec::is_empty);
        return none.then(|| FieldError::required("spec.containers", "")).into_iter().collect();
    };
    let fixed = |pod: &Value| {
        let mut spec = at(pod, "spec").clone();
        if let Some(map) = spec.as_object_mut() {
            for field in ["activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds"] {
                map.remove(field);
            }
            if text(old, "spec.nodeName").is_empty() {
                map.remove("nodeName");
            }
            for field in ["containers", "initContainers"] {
                for container in map.get_mut(field).and_then(Value::as_array_mut).into_iter().flatten() {
                    container["image"] = Value::Null;
                }
            }
        }
        spec
    };
    if fixed(new) == fixed(old) {
        return Vec::new();
    }
    let detail = "pod updates may not change fields other than `spec.containers[*].image`,\
        `spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing \
        tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";
    vec![FieldError::forbidden("spec", detail)]
}

fn validate_scalable(new: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let replicas = at(new, "spec.replicas");
    if replicas.as_i64().is_some_and(|number| number < 0) {
        errors.push(FieldError::invalid("spec.replicas", replicas, "must be greater than or equal to 0"));
    }
    if at(new, "spec.selector").is_null() {
        errors.push(FieldError::required("spec.selector", ""));
    }
    if let Some(old) = old {
        errors.extend(super::immutable(new, old, &["spec.selector"], "field is immutable"));
    }
    errors
}
