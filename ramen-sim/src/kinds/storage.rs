//! PersistentVolume, PersistentVolumeClaim, StorageClass, VolumeAttachment.
//!
//! Disaster recovery leans on what may change here and what may not: a volume's source never does, a claim is bound to
//! a volume once, `claimRef` is free to be edited, and a claim of a bound volume grows but does not otherwise change.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{AGE, Column, CoreKind, NAME, age, at, column, default_to, immutable, name, text, wide};
use crate::apiserver::meta::time_text;
use crate::apiserver::quantity;
use crate::apiserver::status::FieldError;

const STORAGE: &str = "storage.k8s.io";

pub(super) static KINDS: &[CoreKind] = &[
    CoreKind {
        short_names: &["pv"],
        namespaced: false,
        has_status: true,
        returns_deleted: true,
        columns: VOLUME_COLUMNS,
        cells: volume_cells,
        default: |volume| {
            default_to(volume, "status", "phase", json!("Pending"));
            default_to(volume, "spec", "persistentVolumeReclaimPolicy", json!("Retain"));
            default_to(volume, "spec", "volumeMode", json!("Filesystem"));
        },
        prepare_create: |volume, now| {
            volume["status"] = json!({ "phase": "Pending", "lastPhaseTransitionTime": time_text(now, 0) });
            protect(volume, "kubernetes.io/pv-protection");
        },
        prepare_status: |new, old, now| {
            let unset = at(new, "status.lastPhaseTransitionTime") == at(old, "status.lastPhaseTransitionTime");
            if unset && at(new, "status.phase") != at(old, "status.phase") {
                new["status"]["lastPhaseTransitionTime"] = time_text(now, 0).into();
            }
        },
        validate: validate_volume,
        ..CoreKind::plain("", "v1", "PersistentVolume", "persistentvolumes")
    },
    CoreKind {
        short_names: &["pvc"],
        has_status: true,
        returns_deleted: true,
        columns: CLAIM_COLUMNS,
        cells: claim_cells,
        default: |claim| {
            default_to(claim, "status", "phase", json!("Pending"));
            default_to(claim, "spec", "volumeMode", json!("Filesystem"));
            mirror_data_source(claim);
        },
        prepare_create: |claim, _| {
            claim["status"] = json!({ "phase": "Pending" });
            protect(claim, "kubernetes.io/pvc-protection");
        },
        validate: validate_claim,
        ..CoreKind::plain("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims")
    },
    CoreKind {
        short_names: &["sc"],
        namespaced: false,
        returns_deleted: true,
        columns: &[
            NAME,
            column("Provisioner", "string"),
            column("ReclaimPolicy", "string"),
            column("VolumeBindingMode", "string"),
            column("AllowVolumeExpansion", "string"),
            AGE,
        ],
        cells: class_cells,
        default: |class| {
            for (field, value) in [("reclaimPolicy", "Delete"), ("volumeBindingMode", "Immediate")] {
                if class[field].is_null() {
                    class[field] = value.into();
                }
            }
        },
        validate: validate_class,
        ..CoreKind::plain(STORAGE, "v1", "StorageClass", "storageclasses")
    },
    CoreKind {
        namespaced: false,
        has_status: true,
        unconditional_update: false,
        returns_deleted: true,
        columns: &[
            NAME,
            column("Attacher", "string"),
            column("PV", "string"),
            column("Node", "string"),
            column("Attached", "boolean"),
            AGE,
        ],
        cells: |attachment, now| {
            let cell = |path: &str| Value::from(text(attachment, path));
            let attached = at(attachment, "status.attached") == &json!(true);
            vec![
                name(attachment),
                cell("spec.attacher"),
                cell("spec.source.persistentVolumeName"),
                cell("spec.nodeName"),
                attached.into(),
                age(attachment, now),
            ]
        },
        default: |attachment| default_to(attachment, "status", "attached", json!(false)),
        prepare_create: |attachment, _| attachment["status"] = json!({ "attached": false }),
        validate: validate_attachment,
        ..CoreKind::plain(STORAGE, "v1", "VolumeAttachment", "volumeattachments")
    },
];

const VOLUME_COLUMNS: &[Column] = &[
    NAME,
    column("Capacity", "string"),
    column("Access Modes", "string"),
    column("Reclaim Policy", "string"),
    column("Status", "string"),
    column("Claim", "string"),
    column("StorageClass", "string"),
    column("VolumeAttributesClass", "string"),
    column("Reason", "string"),
    AGE,
    wide("VolumeMode", "string"),
];

const CLAIM_COLUMNS: &[Column] = &[
    NAME,
    column("Status", "string"),
    column("Volume", "string"),
    column("Capacity", "string"),
    column("Access Modes", "string"),
    column("StorageClass", "string"),
    column("VolumeAttributesClass", "string"),
    AGE,
    wide("VolumeMode", "string"),
];

/// Admission puts the protection finalizer on every claim and volume; controllers take it off once nothing uses it.
fn protect(object: &mut Value, finalizer: &str) {
    let mut list = at(object, "metadata.finalizers").as_array().cloned().unwrap_or_default();
    if !list.contains(&json!(finalizer)) {
        list.push(finalizer.into());
        object["metadata"]["finalizers"] = list.into();
    }
}

/// `dataSource` and `dataSourceRef` say the same thing; each fills in the other.
fn mirror_data_source(claim: &mut Value) {
    let (source, reference) = (at(claim, "spec.dataSource").clone(), at(claim, "spec.dataSourceRef").clone());
    match (source.is_object(), reference.is_object()) {
        (true, false) => claim["spec"]["dataSourceRef"] = source,
        (false, true) if reference["namespace"].as_str().unwrap_or_default().is_empty() => {
            claim["spec"]["dataSource"] = reference;
        }
        _ => {}
    }
}

fn modes(object: &Value, path: &str) -> String {
    let short = |mode: &Value| match mode.as_str() {
        Some("ReadWriteOnce") => "RWO",
        Some("ReadOnlyMany") => "ROX",
        Some("ReadWriteMany") => "RWX",
        Some("ReadWriteOncePod") => "RWOP",
        _ => "",
    };
    at(object, path).as_array().into_iter().flatten().map(short).collect::<Vec<_>>().join(",")
}

fn phase(object: &Value) -> Value {
    let deleting = !text(object, "metadata.deletionTimestamp").is_empty();
    if deleting { "Terminating".into() } else { text(object, "status.phase").into() }
}

fn or_unset(object: &Value, path: &str) -> Value {
    at(object, path).as_str().unwrap_or("<unset>").into()
}

fn volume_cells(volume: &Value, now: Timestamp) -> Vec<Value> {
    let claim = match at(volume, "spec.claimRef") {
        Value::Object(_) => {
            format!("{}/{}", text(volume, "spec.claimRef.namespace"), text(volume, "spec.claimRef.name"))
        }
        _ => String::new(),
    };
    vec![
        name(volume),
        text(volume, "spec.capacity.storage").into(),
        modes(volume, "spec.accessModes").into(),
        text(volume, "spec.persistentVolumeReclaimPolicy").into(),
        phase(volume),
        claim.into(),
        text(volume, "spec.storageClassName").into(),
        or_unset(volume, "spec.volumeAttributesClassName"),
        text(volume, "status.reason").into(),
        age(volume, now),
        or_unset(volume, "spec.volumeMode"),
    ]
}

fn claim_cells(claim: &Value, now: Timestamp) -> Vec<Value> {
    let bound = !text(claim, "spec.volumeName").is_empty();
    let when_bound = |text: String| Value::from(if bound { text } else { String::new() });
    vec![
        name(claim),
        phase(claim),
        text(claim, "spec.volumeName").into(),
        when_bound(at(claim, "status.capacity.storage").as_str().unwrap_or("0").to_string()),
        when_bound(modes(claim, "status.accessModes")),
        text(claim, "spec.storageClassName").into(),
        or_unset(claim, "spec.volumeAttributesClassName"),
        age(claim, now),
        or_unset(claim, "spec.volumeMode"),
    ]
}

fn class_cells(class: &Value, now: Timestamp) -> Vec<Value> {
    let annotation = &class["metadata"]["annotations"]["storageclass.kubernetes.io/is-default-class"];
    let default = if annotation == "true" { " (default)" } else { "" };
    vec![
        format!("{}{default}", text(class, "metadata.name")).into(),
        text(class, "provisioner").into(),
        text(class, "reclaimPolicy").into(),
        text(class, "volumeBindingMode").into(),
        (at(class, "allowVolumeExpansion") == &json!(true)).into(),
        age(class, now),
    ]
}

/// Fields of a volume's spec that are not its source.
const NOT_SOURCE: &[&str] = &[
    "capacity",
    "accessModes",
    "claimRef",
    "persistentVolumeReclaimPolicy",
    "storageClassName",
    "mountOptions",
    "volumeMode",
    "nodeAffinity",
    "volumeAttributesClassName",
];

/// In which order Kubernetes looks at the kinds of source; all but the first that it finds are too many.
const SOURCE_ORDER: &[&str] = &[
    "hostPath",
    "nfs",
    "rbd",
    "cephfs",
    "iscsi",
    "cinder",
    "fc",
    "azureFile",
    "vsphereVolume",
    "azureDisk",
    "local",
    "csi",
];

fn source(volume: &Value) -> serde_json::Map<String, Value> {
    let mut spec = at(volume, "spec").as_object().cloned().unwrap_or_default();
    spec.retain(|field, value| !NOT_SOURCE.contains(&field.as_str()) && !value.is_null());
    spec
}

fn validate_modes(object: &Value, errors: &mut Vec<FieldError>) {
    let allowed = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"].map(Value::from);
    let modes = at(object, "spec.accessModes").as_array().map(Vec::as_slice).unwrap_or_default();
    if modes.is_empty() {
        errors.push(FieldError::required("spec.accessModes", "at least 1 access mode is required"));
    }
    for mode in modes.iter().filter(|mode| !allowed.contains(mode)) {
        errors.push(FieldError::not_supported("spec.accessModes", mode, &allowed));
    }
    let mode = at(object, "spec.volumeMode");
    if !matches!(mode.as_str(), Some("Block" | "Filesystem")) {
        errors.push(FieldError::not_supported("spec.volumeMode", mode, &[json!("Block"), json!("Filesystem")]));
    }
}

fn validate_volume(new: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    validate_modes(new, &mut errors);
    if at(new, "spec.capacity.storage").is_null() {
        errors.push(FieldError::required("spec.capacity", ""));
        let capacity = at(new, "spec.capacity");
        errors.push(FieldError::not_supported("spec.capacity", capacity, &[json!("storage")]));
    }
    let policy = at(new, "spec.persistentVolumeReclaimPolicy");
    if !matches!(policy.as_str(), Some("Delete" | "Recycle" | "Retain")) {
        let allowed = ["Delete", "Recycle", "Retain"].map(Value::from);
        errors.push(FieldError::not_supported("spec.persistentVolumeReclaimPolicy", policy, &allowed));
    }
    match source(new).len() {
        0 => errors.push(FieldError::required("spec", "must specify a volume type")),
        1 => {}
        _ => {
            let rank = |name: &str| SOURCE_ORDER.iter().position(|known| *known == name).unwrap_or_default();
            let mut names: Vec<String> = source(new).into_iter().map(|(name, _)| name).collect();
            names.sort_by_key(|name| rank(name));
            for name in names.iter().skip(1) {
                let detail = "may not specify more than 1 volume type";
                errors.push(FieldError::forbidden(format!("spec.{name}"), detail));
            }
        }
    }
    if let Some(csi) = at(new, "spec.csi").as_object() {
        for field in ["driver", "volumeHandle"] {
            if csi.get(field).and_then(Value::as_str).unwrap_or_default().is_empty() {
                errors.push(FieldError::required(format!("spec.csi.{field}"), ""));
            }
        }
    }
    let Some(old) = old else { return errors };
    if source(new) != source(old) {
        let detail = "spec.persistentvolumesource is immutable after creation";
        errors.push(FieldError::forbidden("spec.persistentvolumesource", detail));
    }
    if at(new, "spec.volumeMode") != at(old, "spec.volumeMode") {
        errors.push(FieldError::invalid("volumeMode", at(new, "spec.volumeMode"), "field is immutable"));
    }
    if !at(old, "spec.nodeAffinity").is_null() {
        errors.extend(
            immutable(new, old, &["spec.nodeAffinity"], "field is immutable")
                .into_iter()
                .map(|error| FieldError { field: "nodeAffinity".into(), ..error }),
        );
    }
    errors
}

fn validate_claim(new: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    validate_modes(new, &mut errors);
    let request = at(new, "spec.resources.requests.storage");
    match quantity::parse(request) {
        _ if request.is_null() => errors.push(FieldError::required("spec.resources[storage]", "")),
        Some(size) if size <= 0 => {
            errors.push(FieldError::invalid("spec.resources[storage]", request, "must be greater than zero"));
        }
        _ => {}
    }
    if let Some(old) = old {
        validate_claim_update(new, old, &mut errors);
    }
    errors
}

fn validate_claim_update(new: &Value, old: &Value, errors: &mut Vec<FieldError>) {
    let mut allowed = at(new, "spec").clone();
    if text(old, "spec.volumeName").is_empty() {
        copy(&mut allowed, old, &["volumeName"]);
    }
    if at(old, "spec.storageClassName").is_null() {
        // A claim without a class takes the default class when one appears.
        copy(&mut allowed, old, &["storageClassName"]);
    }
    if text(old, "status.phase") == "Bound" {
        copy(&mut allowed, old, &["volumeAttributesClassName"]);
        let size = at(old, "spec.resources.requests.storage");
        if allowed["resources"]["requests"].is_object() {
            allowed["resources"]["requests"]["storage"] = size.clone();
        }
    }
    if allowed != *at(old, "spec") {
        let detail = "spec is immutable after creation except resources.requests and volumeAttributesClassName for \
            bound claims";
        errors.push(FieldError::forbidden("spec", detail));
    }
    let size = |object: &Value, path: &str| quantity::parse(at(object, path)).unwrap_or_default();
    let wanted = size(new, "spec.resources.requests.storage");
    if wanted < size(old, "spec.resources.requests.storage") && wanted <= size(old, "status.capacity.storage") {
        let detail = "field can not be less than status.capacity";
        errors.push(FieldError::forbidden("spec.resources.requests.storage", detail));
    }
    if at(new, "spec.volumeMode") != at(old, "spec.volumeMode") {
        errors.push(FieldError::invalid("volumeMode", at(new, "spec.volumeMode"), "field is immutable"));
    }
}

/// Why a claim may not ask for more than it did, if it does: only a bound one may, of a class that lets its volumes grow.
pub(crate) fn refuse_growth(
    new: &Value,
    old: &Value,
    class_named: impl FnOnce(&str) -> Option<Value>,
) -> Option<&'static str> {
    let size = |claim: &Value| quantity::parse(at(claim, "spec.resources.requests.storage")).unwrap_or_default();
    if size(new) <= size(old) {
        return None;
    }
    if text(old, "status.phase") != "Bound" {
        return Some("Only bound persistent volume claims can be expanded");
    }
    let (class, before) = (class_of(new), class_of(old));
    let allows = |class: Value| class["allowVolumeExpansion"] == true;
    let grows = !class.is_empty() && class == before && class_named(class).is_some_and(allows);
    (!grows).then_some(
        "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize",
    )
}

/// The class of a claim: an annotation of old says it before the spec does.
fn class_of(claim: &Value) -> &str {
    let annotation = &claim["metadata"]["annotations"]["volume.beta.kubernetes.io/storage-class"];
    annotation.as_str().unwrap_or_else(|| text(claim, "spec.storageClassName"))
}

fn copy(spec: &mut Value, old: &Value, fields: &[&str]) {
    for field in fields {
        match old["spec"].get(*field) {
            Some(value) => spec[*field] = value.clone(),
            None => {
                if let Some(map) = spec.as_object_mut() {
                    map.remove(*field);
                }
            }
        }
    }
}

fn validate_class(new: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if text(new, "provisioner").is_empty() {
        errors.push(FieldError::required("provisioner", ""));
    }
    let Some(old) = old else { return errors };
    for field in ["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"] {
        if at(new, field) == at(old, field) {
            continue;
        }
        errors.push(FieldError::invalid(field, at(new, field), "field is immutable"));
    }
    errors
}

fn validate_attachment(new: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for field in ["spec.attacher", "spec.nodeName"] {
        if text(new, field).is_empty() {
            errors.push(FieldError::required(field, ""));
        }
    }
    if at(new, "spec.source").as_object().is_none_or(serde_json::Map::is_empty) {
        errors.push(FieldError::required(
            "spec.source",
            "must specify exactly one of inlineVolumeSpec and \
            persistentVolumeName",
        ));
    }
    if let Some(old) = old {
        errors.extend(immutable(new, old, &["spec"], "field is immutable"));
    }
    errors
}
