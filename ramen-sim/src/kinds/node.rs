//! Node and Service: what workloads are placed on and reached by, as far as tests look at them.

use serde_json::{Value, json};

use super::{AGE, CoreKind, NAME, age, at, column, default_to, name, text};

pub(super) static KINDS: &[CoreKind] = &[
    CoreKind {
        short_names: &["no"],
        namespaced: false,
        has_status: true,
        fields: &["spec.unschedulable"],
        columns: &[NAME, column("Status", "string"), column("Roles", "string"), AGE, column("Version", "string")],
        cells: |node, now| {
            let version = text(node, "status.nodeInfo.kubeletVersion");
            vec![name(node), readiness(node).into(), roles(node).into(), age(node, now), version.into()]
        },
        default: |node| default_empty(node, "spec"),
        ..CoreKind::plain("", "v1", "Node", "nodes")
    },
    CoreKind {
        short_names: &["svc"],
        categories: &["all"],
        has_status: true,
        create_on_update: true,
        returns_deleted: true,
        fields: &["spec.clusterIP", "spec.type"],
        columns: &[NAME, column("Type", "string"), column("Cluster-IP", "string"), column("Port(s)", "string"), AGE],
        cells: |service, now| {
            let (kind, ip) = (text(service, "spec.type"), text(service, "spec.clusterIP"));
            vec![name(service), kind.into(), ip.into(), ports(service).into(), age(service, now)]
        },
        default: |service| {
            default_to(service, "spec", "type", json!("ClusterIP"));
            default_to(service, "spec", "sessionAffinity", json!("None"));
        },
        ..CoreKind::plain("", "v1", "Service", "services")
    },
];

fn default_empty(object: &mut Value, field: &str) {
    if object[field].is_null() {
        object[field] = json!({});
    }
}

fn readiness(node: &Value) -> String {
    let conditions = at(node, "status.conditions").as_array();
    let ready = conditions.into_iter().flatten().find(|condition| condition["type"] == "Ready");
    let mut status = match ready.map(|condition| condition["status"] == "True") {
        Some(true) => "Ready".to_string(),
        Some(false) => "NotReady".to_string(),
        None => "Unknown".to_string(),
    };
    if at(node, "spec.unschedulable") == &json!(true) {
        status.push_str(",SchedulingDisabled");
    }
    status
}

fn roles(node: &Value) -> String {
    let labels = at(node, "metadata.labels").as_object();
    let roles = labels.into_iter().flatten().filter_map(|(key, _)| key.strip_prefix("node-role.kubernetes.io/"));
    let list: Vec<&str> = roles.collect();
    if list.is_empty() { "<none>".into() } else { list.join(",") }
}

fn ports(service: &Value) -> String {
    let ports = at(service, "spec.ports").as_array();
    let texts = ports.into_iter().flatten().map(|port| {
        let protocol = port["protocol"].as_str().unwrap_or("TCP");
        format!("{}/{protocol}", port["port"])
    });
    let list: Vec<String> = texts.collect();
    if list.is_empty() { "<none>".into() } else { list.join(",") }
}
