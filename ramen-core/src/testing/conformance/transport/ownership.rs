//! T18-T21: whose object it is.

use serde_json::json;

use crate::{
    intercluster::{ApplyStrategy, DeletePolicy, Delivery, DifferingIntents, ExistingPolicy, FailureClass, IntentId},
    testing::conformance::{
        Case, CaseOutcome, Lab, Unmet,
        lab::{broken, ensure, not_applicable},
        list_cases, sample,
    },
};

pub(in super::super) const CASES: &[Case] = list_cases![
    "T18": "an object that exists unmarked is left alone (Refuse: the intent fails) or taken over with its uid (Adopt)",
        "somebody's object is overwritten, or a takeover deletes and creates it anew", existing;
    "T19": "of two equal intents on one object the first to end keeps it, the last deletes it; differing ones do as declared",
        "ending the protection of one application deletes the namespace of another", shared;
    "T20": "a field that another manager holds is a Conflict that names it, unless forced",
        "two controllers overwrite each other's decisions for ever, unnoticed", foreign_manager;
    "T21": "a handover from one intent to the next keeps uid, generation and status",
        "changing the transport deletes VolumeReplicationGroups and with them the replication", handover;
];

/// Waits until the delivery has failed for the present revision.
async fn failed(lab: &Lab<'_>, id: &IntentId) -> Result<crate::intercluster::Failure, Unmet> {
    lab.until("the delivery fails", lab.caps().catch_up_within, async || {
        match lab.must_be_recorded(id).await?.delivery {
            Delivery::Failed(failure) => Ok(Some(failure)),
            Delivery::Applied { .. } => broken("it counts as applied"),
            _ => Ok(None),
        }
    })
    .await
}

async fn existing(lab: &Lab<'_>) -> CaseOutcome {
    let a = lab.a();
    let theirs = lab.create(&a, "app", &json!({"other": "theirs"})).await?;
    let mut intent = lab.saying(&a, "app", "ours")?;
    intent.existing = ExistingPolicy::Refuse;
    lab.put(&intent).await?;
    let failure = failed(lab, &intent.id).await?;
    ensure(failure.class() == FailureClass::Ownership, format_args!("refused as {}: {failure}", failure.class()))?;
    ensure(lab.must_be_there(&a, "app").await? == theirs, "the object was written all the same")?;
    lab.delete(&intent.id, None).await?;
    lab.gone(&intent.id).await?;
    ensure(lab.remote(&a, "app").await?.as_ref() == Some(&theirs), "ending the refused intent touched the object")?;
    intent.existing = ExistingPolicy::Adopt;
    lab.put_applied(&intent).await?;
    let adopted = lab.must_be_there(&a, "app").await?;
    ensure(adopted["metadata"]["uid"] == theirs["metadata"]["uid"], "the adopted object has another uid")?;
    ensure(adopted["spec"]["text"] == "ours", "the adopted object lacks the intent's content")?;
    lab.delete(&intent.id, Some(DeletePolicy::Delete)).await?;
    lab.gone(&intent.id).await?;
    ensure(lab.remote(&a, "app").await?.is_none(), "the adopted object was not ours to delete")?;
    Ok("refused and untouched; adopted with its uid, then owned".into())
}

async fn shared(lab: &Lab<'_>) -> CaseOutcome {
    let a = lab.a();
    let one = lab.saying(&a, "app", "same")?;
    let mut two = one.clone();
    two.id = lab.intent_id(&a, "two");
    two.owner = format!("{}/two", lab.owner());
    lab.put_applied(&one).await?;
    lab.put_applied(&two).await?;
    let mut differing = two.clone();
    differing.manifests = lab.saying(&a, "app", "different")?.manifests;
    lab.put(&differing).await?;
    let declared = lab.caps().differing_intents;
    match declared {
        DifferingIntents::Conflict => {
            let failure = failed(lab, &two.id).await?;
            ensure(failure.class() == FailureClass::Conflict, format_args!("it failed as {}", failure.class()))?;
            let spec = &lab.must_be_there(&a, "app").await?["spec"];
            ensure(spec["text"] == "same", format_args!("the object became {spec}"))?;
        }
        DifferingIntents::LastWins => {
            lab.applied(&two.id, lab.caps().catch_up_within).await?;
        }
    }
    lab.put_applied(&two).await?;
    let uid = lab.must_be_there(&a, "app").await?["metadata"]["uid"].clone();
    lab.delete(&one.id, Some(DeletePolicy::Delete)).await?;
    lab.gone(&one.id).await?;
    lab.bed.wait(lab.caps().repair_within).await;
    let kept = lab.must_be_there(&a, "app").await?;
    ensure(kept["metadata"]["uid"] == uid, "the first release deleted the object, which came back as another")?;
    ensure(kept["metadata"].get("deletionTimestamp").is_none(), "the first release deletes the object")?;
    lab.delete(&two.id, Some(DeletePolicy::Delete)).await?;
    lab.gone(&two.id).await?;
    ensure(lab.remote(&a, "app").await?.is_none(), "the last release left the object")?;
    Ok(format!("kept by the first release, deleted by the last; differing: {declared:?}, as declared"))
}

async fn foreign_manager(lab: &Lab<'_>) -> CaseOutcome {
    let offered = lab.caps().strategies;
    if !offered.contains(&ApplyStrategy::ServerSideApply) {
        return not_applicable("it does not offer server-side apply");
    }
    let a = lab.a();
    let theirs = lab.object("app", &json!({"other": "theirs"}));
    lab.admin(&a)?.apply(&sample::sample(), theirs, "somebody-else").await?;
    let mut intent = lab.intent(&a, "app", &json!({"text": "ours", "other": "ours"}))?;
    lab.put(&intent).await?;
    let failure = failed(lab, &intent.id).await?;
    let text = failure.to_string();
    ensure(failure.class() == FailureClass::Conflict, format_args!("it failed as {}: {text}", failure.class()))?;
    ensure(
        text.contains("other") && text.contains("somebody-else"),
        format_args!("it does not name the field and its holder: {text}"),
    )?;
    let spec = lab.must_be_there(&a, "app").await?["spec"].clone();
    ensure(spec["other"] == "theirs", format_args!("the object became {spec}"))?;
    if offered.contains(&ApplyStrategy::ServerSideApplyForced) {
        intent.strategy = ApplyStrategy::ServerSideApplyForced;
        lab.put_applied(&intent).await?;
        let spec = lab.must_be_there(&a, "app").await?["spec"].clone();
        ensure(spec["other"] == "ours", format_args!("forced, and still {spec}"))?;
    }
    Ok("a Conflict that names field and manager; forced it was taken over".into())
}

async fn handover(lab: &Lab<'_>) -> CaseOutcome {
    let a = lab.a();
    let first = lab.saying(&a, "app", "same")?;
    lab.put_applied(&first).await?;
    lab.admin(&a)?.edit_status(&lab.key(&a, "app"), json!({"status": {"state": "Primary"}})).await?;
    let before = lab.must_be_there(&a, "app").await?;
    lab.delete(&first.id, Some(DeletePolicy::Orphan)).await?;
    lab.gone(&first.id).await?;
    let mut second = first.clone();
    second.id = lab.intent_id(&a, "successor");
    second.owner = format!("{}/successor", lab.owner());
    lab.put_applied(&second).await?;
    let after = lab.must_be_there(&a, "app").await?;
    for path in ["/metadata/uid", "/metadata/generation", "/status", "/spec"] {
        let (was, is) = (before.pointer(path), after.pointer(path));
        ensure(was == is, format_args!("{path} went from {was:?} to {is:?}"))?;
    }
    Ok("uid, generation, specification and status are the same".into())
}
