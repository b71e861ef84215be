//! Random parts of objects: mostly right, now and then wrong.

use serde_json::{Map, Value, json};

use super::dice::Dice;
use super::kinds::Kind;
use super::operation::placeholder;

mod core;

/// Names of objects: few, so that requests meet.
pub const NAMES: &[&str] = &["alpha", "beta", "gamma"];

/// A whole object.
pub fn object(dice: &mut Dice, kind: &Kind, name: &str) -> Value {
    let mut object =
        json!({"apiVersion": kind.api_version(), "kind": kind.kind, "metadata": metadata(dice, kind, name)});
    merge(&mut object, content(dice, kind, true));
    object
}

/// Name and some metadata. Names of objects outside namespaces carry the sequence's prefix.
fn metadata(dice: &mut Dice, kind: &Kind, name: &str) -> Value {
    let name = if kind.namespaced { name.to_owned() } else { format!("{}-{name}", placeholder::PREFIX) };
    let mut metadata = some_metadata(dice);
    metadata["name"] = json!(name);
    metadata
}

/// Labels, annotations, finalizers and owners; any of them may be absent.
pub fn some_metadata(dice: &mut Dice) -> Value {
    let mut metadata = json!({});
    if dice.percent(50) {
        metadata["labels"] = labels(dice);
    }
    if dice.percent(25) {
        metadata["annotations"] = json!({ dice.pick(&["note", "example.com/owner"]): dice.pick(&["x", "", "y y"]) });
    }
    if dice.percent(15) {
        metadata["finalizers"] = finalizers(dice);
    }
    if dice.percent(8) {
        metadata["ownerReferences"] = owners(dice);
    }
    if dice.percent(3) {
        let (key, value) = dice.pick(&[
            ("labels", json!({"bad key!": "x"})),
            ("labels", json!({"tier": "not a value!"})),
            ("annotations", json!({"/": "x"})),
            ("finalizers", json!(["bad finalizer"])),
            ("labels", json!({"tier": 5})),
            ("unknownMeta", json!("x")),
            ("generation", json!(77)),
            ("uid", json!("11111111-2222-3333-4444-555555555555")),
            ("deletionTimestamp", json!("2020-01-01T00:00:00Z")),
            ("creationTimestamp", json!("2020-01-01T00:00:00Z")),
        ]);
        metadata[key] = value;
    }
    metadata
}

/// Labels of which selectors know.
pub fn labels(dice: &mut Dice) -> Value {
    let mut labels = json!({"tier": dice.pick(&["gold", "iron"])});
    if dice.percent(40) {
        labels["app"] = json!(dice.pick(&["web", "db", ""]));
    }
    labels
}

/// Finalizers that nobody but the generator removes; sometimes those of garbage collection.
pub fn finalizers(dice: &mut Dice) -> Value {
    dice.weighted(&[
        (6, json!(["example.com/hold"])),
        (3, json!(["example.com/hold", "example.com/second"])),
        (2, json!([])),
        (1, json!(["foregroundDeletion"])),
        (1, json!(["orphan", "example.com/hold"])),
    ])
}

fn owners(dice: &mut Dice) -> Value {
    let owner = |uid: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid});
    let mut owners = vec![owner("00000000-0000-0000-0000-000000000001")];
    if dice.percent(30) {
        owners.push(owner("00000000-0000-0000-0000-000000000002"));
    }
    if dice.percent(20) {
        owners[0]["controller"] = json!(true);
        owners[0]["blockOwnerDeletion"] = json!(dice.percent(50));
    }
    if dice.percent(8) {
        owners[0]["uid"] = json!("");
    }
    json!(owners)
}

/// What a kind has besides metadata; `whole` asks for an object that could be created, otherwise for a fragment.
pub fn content(dice: &mut Dice, kind: &Kind, whole: bool) -> Value {
    match kind.kind {
        "Widget" => json!({"spec": widget_spec(dice, whole)}),
        "Gadget" => json!({"spec": gadget_spec(dice)}),
        "ConfigMap" => core::config_map(dice),
        "Secret" => core::secret(dice),
        "PersistentVolumeClaim" => json!({"spec": core::claim_spec(dice, whole)}),
        "PersistentVolume" => json!({"spec": core::volume_spec(dice, whole)}),
        "ServiceAccount" => json!({"automountServiceAccountToken": dice.percent(50)}),
        "StorageClass" => core::storage_class(dice, whole),
        "Lease" => json!({"spec": core::lease_spec(dice)}),
        _ => json!({}),
    }
}

/// A status for kinds that have one.
pub fn status(dice: &mut Dice, kind: &Kind) -> Value {
    match kind.kind {
        "Widget" => {
            let mut status = json!({});
            choose(
                dice,
                &mut status,
                50,
                &[
                    ("phase", &[json!("Pending"), json!("Ready"), json!("Lost")]),
                    ("observedGeneration", &[json!(1), json!(2), json!("1")]),
                    (
                        "conditions",
                        &[
                            json!([{"type": "Ready", "status": "True", "reason": "Done"}]),
                            json!([{"type": "Ready", "status": "False"}, {"type": "Synced", "status": "Unknown"}]),
                            json!([{"type": "Ready", "status": "True"}, {"type": "Ready", "status": "False"}]),
                            json!([{"type": "Synced"}]),
                        ],
                    ),
                    ("surprise", &[json!(1)]),
                ],
            );
            json!({"status": status})
        }
        "PersistentVolume" => json!({"status": {"phase": dice.pick(&["Available", "Bound", "Released"])}}),
        "PersistentVolumeClaim" => json!({"status": dice.pick(&[
            json!({"phase": "Bound"}),
            json!({"phase": "Pending"}),
            json!({"phase": "Bound", "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"]}),
        ])}),
        _ => json!({"status": {"phase": "Active"}}),
    }
}

/// Takes each field with this probability, one of its values.
fn choose(dice: &mut Dice, into: &mut Value, percent: usize, fields: &[(&str, &[Value])]) {
    for (field, values) in fields {
        if dice.percent(percent) {
            into[*field] = dice.pick(values);
        }
    }
}

fn widget_spec(dice: &mut Dice, whole: bool) -> Value {
    let mut spec = json!({});
    if whole || dice.percent(15) {
        spec["id"] = json!(dice.weighted(&[(14, "w-1"), (3, "w-2"), (1, "Bad Id")]));
    }
    choose(
        dice,
        &mut spec,
        22,
        &[
            ("replicas", &[json!(0), json!(1), json!(3), json!(2)]),
            ("mode", &[json!("async"), json!("sync")]),
            ("low", &[json!(1), json!(5)]),
            ("high", &[json!(9), json!(3)]),
            ("ratio", &[json!(0.5), json!(2)]),
            ("window", &[json!("5m"), json!("1h")]),
            ("notBefore", &[json!("2026-01-02T03:04:05Z")]),
            ("paused", &[json!(true), json!(false)]),
            ("note", &[json!("hello"), Value::Null, json!("two words")]),
            ("size", &[json!(5), json!("10Gi")]),
            ("nested", &[json!({}), json!({"enabled": false}), json!({"level": 10})]),
            ("defaulted", &[json!({}), json!({"interval": "1m"})]),
            (
                "ports",
                &[
                    json!([{"name": "a", "port": 1}]),
                    json!([{"name": "a", "protocol": "UDP", "port": 2}, {"name": "b", "options": ["x", "y"]}]),
                    json!([{"name": "b", "options": ["z"]}, {"name": "a", "port": 3}]),
                    json!([]),
                ],
            ),
            ("tags", &[json!(["x"]), json!(["y", "x"]), json!(["z", "x"]), json!([])]),
            ("steps", &[json!([{"do": "a"}, {"do": "b"}]), json!([{"do": "a"}]), json!([{}])]),
            ("plain", &[json!(["p"]), json!(["p", "p"])]),
            ("labels", &[json!({"k1": "v1"}), json!({"k2": "v2", "k1": "other"}), json!({})]),
            ("settings", &[json!({"s1": "v1"}), json!({"s2": "v2"})]),
            ("raw", &[json!({"any": {"thing": [1, "two", null]}}), json!({"any": {"other": 1}})]),
            (
                "template",
                &[
                    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": {"a": 1}}),
                    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x", "labels": {"l": "m"}}}),
                    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x", "odd": 1}}),
                ],
            ),
        ],
    );
    if dice.percent(7) {
        let (field, value) = dice.pick(&[
            ("replicas", json!(11)),
            ("replicas", json!(-1)),
            ("replicas", json!("3")),
            ("replicas", json!(1.5)),
            ("replicas", Value::Null),
            ("mode", json!("other")),
            ("mode", Value::Null),
            ("ratio", json!(0)),
            ("window", json!("soon")),
            ("notBefore", json!("yesterday")),
            ("paused", json!("yes")),
            ("note", json!("x")),
            ("size", json!("lots")),
            ("size", json!(true)),
            ("nested", json!({"level": 7})),
            ("nested", json!([])),
            ("ports", json!([{"name": "a"}, {"name": "a", "protocol": "TCP"}])),
            ("ports", json!([{"port": 1}])),
            ("ports", json!([{"name": "a"}, {"name": "b"}, {"name": "c"}, {"name": "d"}, {"name": "e"}])),
            ("tags", json!(["x", "x"])),
            ("tags", json!([1])),
            ("plain", json!([])),
            ("labels", json!({"k1": 5})),
            ("template", json!({"metadata": {"name": "x"}})),
            ("unknown", json!({"a": 1})),
            ("id", json!("")),
            ("id", json!("this-is-much-too-long-for-an-id")),
        ]);
        spec[field] = value;
    }
    spec
}

fn gadget_spec(dice: &mut Dice) -> Value {
    let mut spec = json!({});
    choose(
        dice,
        &mut spec,
        40,
        &[
            ("color", &[json!("red"), json!("blue"), json!(5)]),
            ("free", &[json!({"a": {"b": 1}}), json!({"a": {"c": [1, 2]}}), json!("text"), json!(["l", "m"])]),
            ("list", &[json!([{"name": "a"}]), json!([])]),
        ],
    );
    spec
}

/// Adds the fields of one object to another.
pub fn merge(into: &mut Value, fields: Value) {
    if let (Value::Object(into), Value::Object(fields)) = (into, fields) {
        for (key, value) in fields {
            into.insert(key, value);
        }
    }
}

/// A merge patch that sets some of an object's top-level parts to null: those a patch would remove.
pub fn removal(dice: &mut Dice, kind: &Kind) -> Value {
    let paths: &[&[&str]] = match kind.kind {
        "Widget" => &[
            &["spec", "replicas"],
            &["spec", "labels", "k1"],
            &["spec", "window"],
            &["spec", "ports"],
            &["spec", "raw", "any"],
            &["spec", "id"],
            &["metadata", "labels"],
            &["metadata", "finalizers"],
        ],
        "PersistentVolume" => &[&["spec", "claimRef"], &["metadata", "finalizers"], &["spec", "csi"]],
        "PersistentVolumeClaim" => &[&["metadata", "finalizers"], &["spec", "storageClassName"]],
        "ConfigMap" | "Secret" => {
            &[&["data"], &["data", "a"], &["metadata", "finalizers"], &["metadata", "labels", "tier"]]
        }
        _ => &[&["metadata", "finalizers"], &["metadata", "labels"], &["metadata", "annotations"]],
    };
    let mut patch = Value::Null;
    for key in dice.pick(paths).iter().rev() {
        patch = Value::Object(Map::from_iter([((*key).to_owned(), patch)]));
    }
    patch
}
