//! T10-T17: what an apply does to the object on the cluster.

use serde_json::{Value, json};

use crate::{
    intercluster::{ApplyStrategy, Delivery, Failure, FailureClass, Intent, IntentId, Manifest, ResourceType},
    testing::conformance::{
        Case, CaseOutcome, Lab, Unmet,
        lab::{broken, ensure, not_applicable},
        list_cases, sample,
    },
};

pub(in super::super) const CASES: &[Case] = list_cases![
    "T10": "status, finalizers and foreign ownerReferences survive an apply",
        "an apply resets the status from which the hub decides, or frees an object that somebody holds", foreign_parts_survive;
    "T11": "fields that an intent drops disappear from the object",
        "an old instruction goes on being followed", dropped_fields_go;
    "T12": "changed labels and annotations arrive, dropped ones go (or that is declared), foreign ones stay",
        "annotations that drive a test failover cannot be taken back", labels_and_annotations;
    "T13": "a remote edit of an intended field, or a deletion, is repaired within the declared bound",
        "an edit by mistake changes the role of a volume for good", repaired;
    "T14": "a bundle is applied in the order of its kinds, one failure does not hold back the rest, results are by object",
        "an object fails because its namespace comes later, or because of its neighbour", bundles;
    "T15": "a missing namespace or kind is Failed(Prerequisite), and applied within the declared bound of its arrival",
        "an operator installs what was missing and nothing happens", prerequisites;
    "T16": "ten applies of the same leave generation and version of the object as they are",
        "the cluster's controllers are kept busy for nothing, and generations never settle", no_op;
    "T17": "each strategy that is offered behaves as it is named",
        "an object that should only be created or watched is overwritten", strategies;
];

async fn foreign_parts_survive(lab: &Lab<'_>) -> CaseOutcome {
    let a = lab.a();
    lab.put_applied(&lab.saying(&a, "app", "first")?).await?;
    lab.admin(&a)?
        .edit_status(&lab.key(&a, "app"), json!({"status": {"state": "Secondary", "observedGeneration": 1}}))
        .await?;
    let owner = lab.create(&a, "owner", &json!({})).await?;
    let reference = json!({"apiVersion": sample::sample().api_version(), "kind": "Sample", "name": "owner",
        "uid": owner["metadata"]["uid"]});
    let foreign = json!({"metadata": {"finalizers": ["kit.example/hold"], "ownerReferences": [reference],
        "labels": {"theirs": "yes"}}});
    lab.edit(&a, "app", foreign).await?;
    lab.put_applied(&lab.saying(&a, "app", "second")?).await?;
    let remote = lab.must_be_there(&a, "app").await?;
    let metadata = &remote["metadata"];
    let finalizers = metadata["finalizers"].clone();
    lab.edit(&a, "app", json!({"metadata": {"finalizers": null}})).await?;
    ensure(remote["spec"]["text"] == "second", "the second apply did not arrive")?;
    ensure(remote["status"]["state"] == "Secondary", format_args!("the status became {}", remote["status"]))?;
    ensure(finalizers == json!(["kit.example/hold"]), format_args!("the finalizers became {finalizers}"))?;
    let owners = metadata["ownerReferences"].as_array().is_some_and(|o| o.iter().any(|o| o["uid"] == reference["uid"]));
    ensure(owners, format_args!("the ownerReferences became {}", metadata["ownerReferences"]))?;
    ensure(metadata["labels"]["theirs"] == "yes", "a foreign label went")?;
    Ok("all of them were there after the second apply".into())
}

async fn dropped_fields_go(lab: &Lab<'_>) -> CaseOutcome {
    let a = lab.a();
    lab.put_applied(&lab.intent(&a, "app", &json!({"text": "a", "other": "b", "free": {"x": 1, "y": 2}}))?).await?;
    lab.put_applied(&lab.intent(&a, "app", &json!({"text": "a", "free": {"x": 1}}))?).await?;
    let spec = &lab.must_be_there(&a, "app").await?["spec"];
    ensure(*spec == json!({"text": "a", "free": {"x": 1}}), format_args!("the cluster has {spec}"))?;
    Ok("two dropped fields went, the others stayed".into())
}

async fn labels_and_annotations(lab: &Lab<'_>) -> CaseOutcome {
    let a = lab.a();
    let with = |labels: Value, annotations: Value| -> Result<Intent, Unmet> {
        let mut intent = lab.saying(&a, "app", "a")?;
        intent.manifests[0].object["metadata"]["labels"] = labels;
        intent.manifests[0].object["metadata"]["annotations"] = annotations;
        Ok(intent)
    };
    lab.put_applied(&with(json!({"l1": "1", "l2": "2"}), json!({"a1": "1", "a2": "2"}))?).await?;
    lab.edit(&a, "app", json!({"metadata": {"labels": {"theirs": "l"}, "annotations": {"theirs": "a"}}})).await?;
    lab.put_applied(&with(json!({"l1": "changed"}), json!({"a1": "changed"}))?).await?;
    let remote = lab.must_be_there(&a, "app").await?;
    for (field, first) in [("labels", "1"), ("annotations", "1")] {
        let map = &remote["metadata"][field];
        let (kept, dropped) = (format!("{}{first}", &field[..1]), format!("{}2", &field[..1]));
        ensure(map[&kept] == "changed", format_args!("{field}: a change did not arrive: {map}"))?;
        ensure(map["theirs"].is_string(), format_args!("{field}: a foreign one went: {map}"))?;
        if lab.caps().removes_metadata {
            ensure(map.get(&dropped).is_none(), format_args!("{field}: a dropped one stayed: {map}"))?;
        }
    }
    let removal = if lab.caps().removes_metadata { "dropped ones went" } else { "dropped ones stay, as declared" };
    Ok(format!("changes arrived, {removal}, foreign ones stayed"))
}

async fn repaired(lab: &Lab<'_>) -> CaseOutcome {
    let a = lab.a();
    lab.put_applied(&lab.saying(&a, "app", "right")?).await?;
    let within = lab.caps().repair_within;
    lab.edit(&a, "app", json!({"spec": {"text": "wrong"}})).await?;
    lab.until("the edited field is as intended again", within, async || {
        Ok((lab.must_be_there(&a, "app").await?["spec"]["text"] == "right").then_some(()))
    })
    .await?;
    let uid = lab.must_be_there(&a, "app").await?["metadata"]["uid"].clone();
    lab.admin(&a)?.delete(&lab.key(&a, "app")).await?;
    lab.until("the deleted object is back", within, async || {
        Ok(lab.remote(&a, "app").await?.filter(|o| o["metadata"]["uid"] != uid))
    })
    .await?;
    Ok(format!("an edit and a deletion were repaired within {within:?}"))
}

async fn bundles(lab: &Lab<'_>) -> CaseOutcome {
    if !lab.caps().bundles {
        return not_applicable("it declares one manifest for each intent");
    }
    let a = lab.a();
    let inner = format!("{}-inner", lab.namespace());
    let maps = ResourceType::of::<k8s_openapi::api::core::v1::ConfigMap>();
    let spaces = ResourceType::of::<k8s_openapi::api::core::v1::Namespace>();
    let mut intent = lab.saying(&a, "app", "a")?;
    let missing = sample::object("kit-missing", "lost", &json!({}));
    intent.manifests = vec![
        Manifest::new(sample::sample(), sample::object(&inner, "app", &json!({"text": "a"})))?,
        Manifest::new(sample::sample(), missing)?,
        Manifest::new(maps, json!({"metadata": {"namespace": inner, "name": "map"}, "data": {"k": "v"}}))?,
        Manifest::new(spaces, json!({"metadata": {"name": inner}}))?,
    ];
    lab.put(&intent).await?;
    let record = lab
        .until("each object was tried", lab.caps().catch_up_within, async || {
            let record = lab.must_be_recorded(&intent.id).await?;
            Ok((record.objects.len() == 4 && record.delivery != Delivery::Accepted).then_some(record))
        })
        .await?;
    let failed: Vec<_> = record.objects.iter().map(|o| o.failure.as_ref().map(Failure::class)).collect();
    let lost = Some(FailureClass::Prerequisite);
    ensure(failed == [None, lost, None, None], format_args!("the first attempt ended in {failed:?}"))?;
    let keys: Vec<_> = intent.manifests.iter().map(|m| m.key(&a)).collect();
    ensure(record.objects.iter().map(|o| &o.key).eq(&keys), "the results are not in the order of the manifests")?;
    let mut versions = Vec::new();
    for at in [3, 2, 0] {
        let object = lab.admin(&a)?.get(&keys[at]).await?;
        let version = object.as_ref().and_then(|o| o["metadata"]["resourceVersion"].as_str());
        versions.push(version.and_then(|v| v.parse::<u64>().ok()));
    }
    ensure(versions.is_sorted() && versions[0].is_some(), format_args!("written at versions {versions:?}"))?;
    ensure(!record.is_applied(), "the bundle counts as applied")?;
    Ok("the namespace came first, the one failure stayed alone and is named".into())
}

async fn failed_prerequisite(lab: &Lab<'_>, id: &IntentId) -> Result<(), Unmet> {
    lab.until("the delivery fails for the prerequisite", lab.caps().catch_up_within, async || {
        match lab.must_be_recorded(id).await?.delivery {
            Delivery::Failed(failure) if failure.class() == FailureClass::Prerequisite => Ok(Some(())),
            Delivery::Failed(failure) => broken(format_args!("it failed as {}: {failure}", failure.class())),
            Delivery::Applied { .. } => broken("it counts as applied"),
            _ => Ok(None),
        }
    })
    .await
}

async fn prerequisites(lab: &Lab<'_>) -> CaseOutcome {
    let a = lab.a();
    let later = format!("{}-later", lab.namespace());
    let late = sample::late_sample();
    lab.uninstall(&a, &late).await?;
    let nowhere = Intent::new(
        lab.intent_id(&a, "nowhere"),
        lab.owner(),
        Manifest::new(sample::sample(), sample::object(&later, "nowhere", &json!({"text": "a"})))?,
    );
    let object = json!({"metadata": {"namespace": lab.namespace(), "name": "unknown"}, "spec": {"text": "a"}});
    let unknown = Intent::new(lab.intent_id(&a, "unknown"), lab.owner(), Manifest::new(late.clone(), object)?);
    for intent in [&nowhere, &unknown] {
        lab.put(intent).await?;
        failed_prerequisite(lab, &intent.id).await?;
    }
    let within = lab.caps().prerequisite_within;
    lab.create_namespace(&a, &later).await?;
    lab.applied(&nowhere.id, within).await?;
    lab.install(&a, &late).await?;
    lab.applied(&unknown.id, within).await?;
    Ok(format!("both failed for the prerequisite and were applied within {within:?} of its arrival"))
}

async fn no_op(lab: &Lab<'_>) -> CaseOutcome {
    let a = lab.a();
    let intent = lab.saying(&a, "app", "a")?;
    lab.put_applied(&intent).await?;
    let before = lab.must_be_there(&a, "app").await?;
    for _ in 0..10 {
        lab.put(&intent).await?;
        lab.bed.wait(lab.caps().repair_within / 10).await;
    }
    let killed = lab.kill_hub().await.is_ok();
    lab.bed.wait(lab.caps().repair_within).await;
    let after = lab.must_be_there(&a, "app").await?;
    for field in ["generation", "resourceVersion"] {
        let (was, is) = (&before["metadata"][field], &after["metadata"][field]);
        ensure(was == is, format_args!("metadata.{field} went from {was} to {is}"))?;
    }
    Ok(format!("unchanged after ten applies{}", if killed { " and a new hub side" } else { "" }))
}

async fn strategies(lab: &Lab<'_>) -> CaseOutcome {
    let a = lab.a();
    let offered = lab.caps().strategies;
    let mut tried = Vec::new();
    for strategy in &offered {
        let name = format!("{strategy:?}").to_lowercase();
        lab.create(&a, &name, &json!({"text": "theirs", "other": "theirs"})).await?;
        lab.edit(&a, &name, json!({"metadata": {"labels": {"theirs": "yes"}}})).await?;
        let mut intent = lab.saying(&a, &name, "ours")?;
        intent.strategy = *strategy;
        lab.put(&intent).await?;
        let conflicting = *strategy == ApplyStrategy::ServerSideApply;
        if conflicting {
            lab.bed.wait(lab.caps().repair_within).await;
        } else {
            lab.applied(&intent.id, lab.caps().catch_up_within).await?;
        }
        let remote = lab.must_be_there(&a, &name).await?;
        let expected = match strategy {
            // The field has another manager (T20).
            ApplyStrategy::ServerSideApply | ApplyStrategy::CreateOnly | ApplyStrategy::ReadOnly => {
                json!({"text": "theirs", "other": "theirs"})
            }
            ApplyStrategy::ServerSideApplyForced => json!({"text": "ours", "other": "theirs"}),
            ApplyStrategy::Update => json!({"text": "ours"}),
        };
        ensure(remote["spec"] == expected, format_args!("{strategy:?}: {} instead of {expected}", remote["spec"]))?;
        ensure(remote["metadata"]["labels"]["theirs"] == "yes", format_args!("{strategy:?}: a foreign label went"))?;
        let absent = format!("{name}-absent");
        let mut create = lab.saying(&a, &absent, "ours")?;
        create.strategy = *strategy;
        lab.put_applied(&create).await?;
        let created = lab.remote(&a, &absent).await?.is_some();
        ensure(created == (*strategy != ApplyStrategy::ReadOnly), format_args!("{strategy:?}: created is {created}"))?;
        tried.push(format!("{strategy:?}"));
    }
    Ok(tried.join(", "))
}
