//! Conditions of a ManifestWork, as OCM's work agent writes them, and the report that is read back from them.
//!
//! What a report holds and conditions do not (uids, generations, classes of failures) is kept among the status feedback values,
//! which the definition of the kind allows to be named freely.

use jiff::Timestamp;
use ramen_core::intercluster::{
    Failure, Intent, ObjectKey, ObjectResult, ResourceType, Revision,
    agent::{Report, StoredRecord},
};
use serde_json::{Value, json};

const UID: &str = "ramenUid";
const GENERATION: &str = "ramenGeneration";
const FAILURE: &str = "ramenFailure";
const REVISION: &str = "ramenRevision";
const SEEN: &str = "ramenSeen";
const AT: &str = "ramenAppliedAt";

/// The work of the record with the report in its status.
pub(super) fn reported(record: &StoredRecord, report: &Report, now: Timestamp) -> Value {
    let mut work = record.backing.clone();
    let generation = work["metadata"]["generation"].clone();
    let old = work["status"].clone();
    let count = record.intent.manifests.len();
    let own = &report.objects[..count.min(report.objects.len())];
    let failed = own.iter().any(|object| object.failure.is_some());
    let absent = own.iter().filter(|object| object.uid.is_none()).count();
    let moment = |condition: Value, old: &Value, per_generation: bool| timed(condition, old, now, per_generation);
    let applied = match failed {
        false => ("True", "AppliedManifestWorkComplete", "Apply manifest work complete"),
        true => ("False", "AppliedManifestWorkFailed", "Failed to apply manifest work"),
    };
    let unavailable = format!("{absent} of {count} resources are not available");
    let available = match absent {
        0 => ("True", "ResourcesAvailable", "All resources are available"),
        _ => ("False", "ResourcesNotAvailable", &*unavailable),
    };
    let mut conditions: Vec<Value> = old["conditions"].as_array().cloned().unwrap_or_default();
    conditions.retain(|c| c["type"] != "Applied" && c["type"] != "Available");
    for (kind, (status, reason, message)) in [("Applied", applied), ("Available", available)] {
        let condition = json!({"type": kind, "status": status, "reason": reason, "message": message,
                               "observedGeneration": generation});
        conditions.push(moment(condition, &old["conditions"], false));
    }
    let manifests = report.objects.iter().enumerate().map(|(ordinal, object)| {
        let old = find_manifest(&old, &object.key);
        manifest(ordinal, object, report, &generation, |c, per_generation| {
            moment(c, &old["conditions"], per_generation)
        })
    });
    work["status"]["resourceStatus"]["manifests"] = manifests.collect();
    work["status"]["conditions"] = conditions.into();
    work
}

fn manifest(
    ordinal: usize,
    object: &ObjectResult,
    report: &Report,
    generation: &Value,
    timed: impl Fn(Value, bool) -> Value,
) -> Value {
    let ObjectKey { resource, namespace, name, .. } = &object.key;
    let applied = match &object.failure {
        None => json!({"type": "Applied", "status": "True", "reason": "AppliedManifestComplete",
                       "message": "Apply manifest complete", "observedGeneration": generation}),
        Some(failure) => json!({"type": "Applied", "status": "False", "reason": "AppliedManifestFailed",
                                "message": format!("Failed to apply manifest: {failure}"), "observedGeneration": generation}),
    };
    let available = match &object.uid {
        Some(_) => {
            json!({"type": "Available", "status": "True", "reason": "ResourceAvailable", "message": "Resource is available"})
        }
        None => json!({"type": "Available", "status": "False", "reason": "ResourceNotAvailable",
                       "message": "Resource is not available"}),
    };
    let text = |name: &str, value: String| json!({"name": name, "fieldValue": {"type": "String", "string": value}});
    let mut values = vec![
        text(REVISION, report.revision.to_string()),
        text(SEEN, report.seen.to_string()),
        text(AT, report.at.to_string()),
    ];
    values.extend(object.uid.clone().map(|uid| text(UID, uid)));
    values.extend(
        object.generation.map(|g| json!({"name": GENERATION, "fieldValue": {"type": "Integer", "integer": g}})),
    );
    values.extend(object.failure.as_ref().and_then(|f| serde_json::to_string(f).ok()).map(|f| text(FAILURE, f)));
    let mut meta = json!({"ordinal": ordinal, "group": resource.group, "version": resource.version, "kind": resource.kind,
                          "resource": resource.plural, "name": name});
    if let Some(namespace) = namespace {
        meta["namespace"] = namespace.clone().into();
    }
    json!({"resourceMeta": meta, "conditions": [timed(applied, true), timed(available, false)], "statusFeedback": {"values": values}})
}

/// The condition with its time: that of the old condition of its type, unless its status flipped (or its generation moved).
fn timed(mut condition: Value, old: &Value, now: Timestamp, per_generation: bool) -> Value {
    let same = old.as_array().into_iter().flatten().find(|o| {
        o["type"] == condition["type"]
            && o["status"] == condition["status"]
            && (!per_generation || o["observedGeneration"] == condition["observedGeneration"])
    });
    let time = same.map(|o| o["lastTransitionTime"].clone()).filter(Value::is_string);
    condition["lastTransitionTime"] = time.unwrap_or_else(|| now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into());
    condition
}

fn find_manifest<'a>(status: &'a Value, key: &ObjectKey) -> &'a Value {
    let all = status["resourceStatus"]["manifests"].as_array().into_iter().flatten();
    let same = |m: &&Value| {
        let meta = &m["resourceMeta"];
        let namespace = meta["namespace"].as_str().filter(|n| !n.is_empty());
        meta["group"] == key.resource.group
            && meta["kind"] == key.resource.kind
            && meta["name"] == key.name
            && namespace == key.namespace.as_deref()
    };
    all.into_iter().find(same).unwrap_or(&Value::Null)
}

/// The last report in a work's status; `None` if we never wrote one.
pub(super) fn report(work: &Value, intent: &Intent) -> Option<Report> {
    let manifests = work["status"]["resourceStatus"]["manifests"].as_array()?;
    let first = manifests.first()?;
    let (number, incarnation) = feedback(first, REVISION)?.split_once('@')?;
    Some(Report {
        revision: Revision { incarnation: incarnation.into(), number: number.parse().ok()? },
        at: feedback(first, AT)?.parse().ok()?,
        objects: manifests.iter().map(|m| object(m, intent)).collect(),
        seen: feedback(first, SEEN)?.parse().ok()?,
    })
}

fn object(manifest: &Value, intent: &Intent) -> ObjectResult {
    let meta = &manifest["resourceMeta"];
    let text = |field: &str| meta[field].as_str().unwrap_or_default();
    let namespace = meta["namespace"].as_str().filter(|n| !n.is_empty());
    let resource = ResourceType {
        group: text("group").into(),
        version: text("version").into(),
        kind: text("kind").into(),
        plural: text("resource").into(),
        namespaced: namespace.is_some(),
    };
    let generation = value(manifest, GENERATION).and_then(|v| v["integer"].as_i64());
    ObjectResult {
        key: ObjectKey::new(intent.id.cluster.clone(), resource, namespace, text("name")),
        uid: feedback(manifest, UID).map(ToOwned::to_owned),
        generation,
        failure: feedback(manifest, FAILURE).and_then(|f| serde_json::from_str::<Failure>(f).ok()),
    }
}

fn feedback<'a>(manifest: &'a Value, name: &str) -> Option<&'a str> {
    value(manifest, name)?["string"].as_str()
}

fn value<'a>(manifest: &'a Value, name: &str) -> Option<&'a Value> {
    let values = manifest["statusFeedback"]["values"].as_array()?;
    values.iter().find(|v| v["name"] == name).map(|v| &v["fieldValue"])
}
