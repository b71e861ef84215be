//! C8, C9 and C11: what is passed on untouched, what is said of failures, and what is declared.

use std::time::Duration;

use serde_json::json;

use crate::{
    intercluster::{Delivery, Failure, FailureClass, ObjectTransportExt, OutcomeKind},
    testing::conformance::{
        Case, CaseOutcome, Fault, Lab, Unmet,
        lab::{CALL, broken, ensure},
        list_cases, sample,
    },
    time::Deadline,
};

pub(in super::super) const CASES: &[Case] = list_cases![
    "C8": "fields that nobody here knows survive a read-modify-write; one that a cluster's older definition drops is reported, not looped on",
        "a newer component's fields vanish, or two versions write against each other for ever", unknown_fields;
    "C9": "a failure names cluster, object, class and cause, and never credentials",
        "an operator cannot tell what to do, or reads a token in a condition", failures_in_words;
    "C11": "capabilities are declared, plausible and constant",
        "callers wait for bounds that nobody keeps", declared;
];

async fn unknown_fields(lab: &Lab<'_>) -> CaseOutcome {
    let a = lab.a();
    let mut intent = lab.intent(&a, "app", &json!({"text": "a", "free": {"unknown": {"deep": [1, {"x": "y"}]}}}))?;
    intent.manifests[0].object["extra"] = json!({"unheard": {"of": true}});
    lab.put_applied(&intent).await?;
    let edited = lab
        .transport()
        .modify(&intent.id, Deadline::after(CALL), |record| {
            let mut intent = record.map(|r| r.intent.clone());
            if let Some(intent) = &mut intent {
                intent.manifests[0].object["spec"]["text"] = "b".into();
            }
            Ok(intent)
        })
        .await?;
    ensure(edited.is_some_and(|receipt| receipt.changed), "the edit found nothing to write")?;
    lab.applied(&intent.id, lab.caps().catch_up_within).await?;
    let remote = lab.must_be_there(&a, "app").await?;
    let kept = remote["extra"] == json!({"unheard": {"of": true}}) && remote["spec"]["text"] == "b";
    ensure(
        kept && remote["spec"]["free"] == intent.manifests[0].object["spec"]["free"],
        format_args!("the cluster has {remote}"),
    )?;

    let pruned = lab.intent(&a, "pruned", &json!({"text": "a", "fromTheFuture": 1}))?;
    lab.put(&pruned).await?;
    let said = lab
        .until("the dropped field is reported", lab.caps().catch_up_within, async || {
            let record = lab.must_be_recorded(&pruned.id).await?;
            let by_object = record.objects.iter().find_map(|o| o.failure.clone());
            let failure = match record.delivery {
                Delivery::Failed(failure) => Some(failure),
                _ => by_object,
            };
            Ok(failure.map(|f| f.to_string()).filter(|text| text.contains("fromTheFuture")))
        })
        .await?;
    let before = lab.must_be_there(&a, "pruned").await?["metadata"]["resourceVersion"].clone();
    lab.bed.wait(lab.caps().repair_within * 2).await;
    let after = lab.must_be_there(&a, "pruned").await?["metadata"]["resourceVersion"].clone();
    ensure(before == after, "it goes on writing the field that is dropped")?;
    Ok(format!("unknown fields kept; {said}"))
}

/// A failure that an operator can act on and that gives nothing away.
fn well_said(failure: &Failure, lab: &Lab<'_>, object: &str) -> Result<(), Unmet> {
    let text = failure.to_string();
    ensure(failure.cluster() == Some(&lab.a()), format_args!("it names no cluster, or another: {text}"))?;
    ensure(failure.object().is_some_and(|o| o.contains(object)), format_args!("it does not name {object}: {text}"))?;
    ensure(
        !failure.cause().is_empty() && !failure.what_helps().is_empty(),
        format_args!("no cause or remedy: {text}"),
    )?;
    let stored = serde_json::to_string(failure).unwrap_or_default();
    let leaked = lab.bed.credentials().iter().any(|secret| text.contains(secret) || stored.contains(secret));
    ensure(!leaked, "it shows credentials")
}

async fn failures_in_words(lab: &Lab<'_>) -> CaseOutcome {
    let a = lab.a();
    let key = lab.key(&a, "app");
    lab.create(&a, "app", &json!({})).await?;
    let mut classes = Vec::new();
    for (fault, wanted) in [
        (Fault::CredentialsRevoked, OutcomeKind::Unauthenticated),
        (Fault::Stopped, OutcomeKind::Unreachable),
        (Fault::ForeignNotFound, OutcomeKind::Malformed),
    ] {
        match lab.inflict(&a, fault).await {
            Err(Unmet::NotTried(_)) => continue,
            other => other?,
        }
        let soon = crate::intercluster::Freshness::within(Duration::from_secs(1));
        let outcome = lab
            .until(&format!("a read says {wanted}"), lab.view_caps().detect_within, async || {
                let outcome = lab.read(&key, &soon).await.outcome;
                if let Some(failure) = outcome.failure() {
                    well_said(failure, lab, "app")?;
                }
                Ok((outcome.kind() == wanted || outcome.kind() == OutcomeKind::Unreachable).then_some(outcome))
            })
            .await?;
        classes.push(outcome.kind().to_string());
        lab.heal(&a).await?;
    }
    let nowhere = crate::intercluster::Intent::new(
        lab.intent_id(&a, "nowhere"),
        lab.owner(),
        crate::intercluster::Manifest::new(sample::sample(), sample::object("kit-missing", "nowhere", &json!({})))?,
    );
    lab.put(&nowhere).await?;
    let failure = lab
        .until("the delivery fails", lab.caps().catch_up_within, async || {
            match lab.must_be_recorded(&nowhere.id).await?.delivery {
                Delivery::Failed(failure) if failure.class() == FailureClass::Prerequisite => Ok(Some(failure)),
                Delivery::Applied { .. } => broken("it counts as applied"),
                _ => Ok(None),
            }
        })
        .await?;
    well_said(&failure, lab, "nowhere")?;
    classes.push(failure.class().to_string());
    Ok(classes.join(", "))
}

async fn declared(lab: &Lab<'_>) -> CaseOutcome {
    let (caps, view) = (lab.caps(), lab.view_caps());
    let bounds = [
        ("repair_within", caps.repair_within),
        ("prerequisite_within", caps.prerequisite_within),
        ("catch_up_within", caps.catch_up_within),
        ("steady_within", view.steady_within),
        ("detect_within", view.detect_within),
        ("notify_within", view.notify_within),
    ];
    for (name, bound) in bounds {
        let plausible = !bound.is_zero() && bound <= Duration::from_secs(24 * 3600);
        ensure(plausible, format_args!("{name} is {bound:?}: a bound lies between zero and a day"))?;
    }
    // Zero: registrations end with the hub side that made them.
    ensure(view.collect_within <= Duration::from_secs(24 * 3600), "collect_within is more than a day")?;
    ensure(!caps.name.is_empty() && !view.name.is_empty(), "there is no name under which results can be published")?;
    ensure(!caps.strategies.is_empty(), "no strategy is offered")?;
    ensure(caps.max_name_length > 0 && caps.max_intent_bytes > 0 && view.max_object_bytes > 0, "a limit is zero")?;
    lab.put_applied(&lab.saying(&lab.a(), "app", "a")?).await?;
    ensure(lab.caps() == caps && lab.view_caps() == view, "they changed")?;
    if lab.kill_hub().await.is_ok() {
        ensure(lab.caps() == caps && lab.view_caps() == view, "they changed with the next hub side")?;
    }
    Ok("plausible, and the same throughout".into())
}
