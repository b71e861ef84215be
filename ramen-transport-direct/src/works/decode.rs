//! Reading a ManifestWork as a record.

use std::collections::BTreeMap;

use kube::core::{ApiResource, GroupVersionKind};
use ramen_core::intercluster::{
    ApplyStrategy, DeletePolicy, ExistingPolicy, Failure, FailureClass, Intent, IntentId, Manifest, ResourceType,
    Revision, agent::StoredRecord,
};
use serde_json::Value;

use super::{
    FINALIZER,
    encode::{BOOKKEEPING, Bookkeeping},
    manifest_work, status,
};

/// Items of a list do not say what they are.
pub(super) fn typed(mut work: Value) -> Value {
    work["apiVersion"] = manifest_work().api_version().into();
    work["kind"] = "ManifestWork".into();
    work
}

/// The record in a work.
///
/// # Errors
/// `Malformed` if a manifest of it cannot be delivered, with its position.
pub(super) fn record(work: Value) -> Result<StoredRecord, Failure> {
    let text = |field: &str| work["metadata"][field].as_str().unwrap_or_default().to_owned();
    let id = IntentId::new(text("namespace"), text("name"));
    let bookkeeping = Bookkeeping::read(&work);
    let foreign = bookkeeping.is_none();
    let intent = intent(&work, id, bookkeeping.as_ref())?;
    let generation = work["metadata"]["generation"].as_u64().unwrap_or_default();
    let number = generation + bookkeeping.as_ref().map_or(0, |b| b.beyond);
    let revision = Revision { incarnation: text("uid"), number };
    let held = work["metadata"]["finalizers"].as_array().is_some_and(|all| all.iter().any(|f| f == FINALIZER));
    let ending = work["metadata"]["deletionTimestamp"].is_string().then_some(intent.on_delete);
    let report = status::report(&work, &intent);
    Ok(StoredRecord {
        intent,
        revision,
        version: text("resourceVersion"),
        held,
        foreign,
        ending,
        report,
        backing: work,
    })
}

fn intent(work: &Value, id: IntentId, bookkeeping: Option<&Bookkeeping>) -> Result<Intent, Failure> {
    let listed = work["spec"]["workload"]["manifests"].as_array();
    let mut manifests = Vec::new();
    for (index, object) in listed.into_iter().flatten().enumerate() {
        let known = bookkeeping.and_then(|b| b.resources.get(index));
        let manifest = Manifest::new(resource(object, known), object.clone());
        manifests.push(manifest.map_err(|failure| {
            Failure::new(FailureClass::Malformed, format!("spec.workload.manifests[{index}]: {}", failure.cause()))
                .about(&id)
        })?);
    }
    // Which objects a selective policy of others keeps is not told apart here: what stays too long can be deleted, what is deleted
    // wrongly cannot be had back.
    let policy = &work["spec"]["deleteOption"]["propagationPolicy"];
    let orphan = policy == "Orphan" || policy == "SelectivelyOrphan";
    let keys = |field: &str, ours: Option<&Vec<String>>| -> BTreeMap<String, String> {
        let all = work["metadata"][field].as_object().into_iter().flatten();
        let wanted = all.filter(|(key, _)| *key != BOOKKEEPING && ours.is_none_or(|ours| ours.contains(key)));
        wanted.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
    };
    Ok(Intent {
        id,
        owner: bookkeeping.map(|b| b.owner.clone()).unwrap_or_default(),
        manifests,
        labels: keys("labels", bookkeeping.map(|b| &b.labels)),
        annotations: keys("annotations", bookkeeping.map(|b| &b.annotations)),
        strategy: bookkeeping.map_or_else(|| strategy(work), |b| b.strategy),
        existing: bookkeeping.map_or(ExistingPolicy::Adopt, |b| b.existing),
        on_delete: if orphan { DeletePolicy::Orphan } else { DeletePolicy::Delete },
    })
}

/// The type of a manifest. What a work of others does not say follows from the conventions of Kubernetes: the plural from the kind,
/// the scope from whether there is a namespace.
fn resource(object: &Value, known: Option<&(String, bool)>) -> ResourceType {
    let text = |field: &str| object[field].as_str().unwrap_or_default();
    let (group, version) = text("apiVersion").split_once('/').unwrap_or(("", text("apiVersion")));
    let kind = text("kind");
    let (plural, namespaced) = known.cloned().unwrap_or_else(|| {
        let guessed = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind)).plural;
        (guessed, object["metadata"]["namespace"].is_string())
    });
    ResourceType { group: group.into(), version: version.into(), kind: kind.into(), plural, namespaced }
}

/// The strategy of a work of others: that of its first configuration that names one, else OCM's default.
fn strategy(work: &Value) -> ApplyStrategy {
    let configs = work["spec"]["manifestConfigs"].as_array().into_iter().flatten();
    let named = configs.filter_map(|config| config.get("updateStrategy")).next();
    match named.and_then(|s| s["type"].as_str()) {
        Some("ServerSideApply") if named.is_some_and(|s| s["serverSideApply"]["force"] == true) => {
            ApplyStrategy::ServerSideApplyForced
        }
        Some("ServerSideApply") => ApplyStrategy::ServerSideApply,
        Some("CreateOnly") => ApplyStrategy::CreateOnly,
        Some("ReadOnly") => ApplyStrategy::ReadOnly,
        _ => ApplyStrategy::Update,
    }
}
