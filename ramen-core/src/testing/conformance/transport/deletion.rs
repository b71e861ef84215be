//! T22-T28: how an intent ends.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    intercluster::{DeletePolicy, Delivery, FailureClass, Precondition, PutWhileDeleting},
    testing::conformance::{
        Case, CaseOutcome, Fault, Lab, RecordsEvent, Unmet, Verb,
        lab::{CALL, broken, ensure, not_applicable},
        list_cases, sample,
    },
    time::Deadline,
};

pub(in super::super) const CASES: &[Case] = list_cases![
    "T22": "deleting what is not there succeeds, and so does deleting twice",
        "the deletion of an application hangs on something that is gone already", absent;
    "T23": "the record goes only after the object and its finalizers have, also if deletes fail meanwhile",
        "the peer is promoted while the old primary's object is still being cleaned up", confirmed;
    "T24": "a delete accepted while cut off completes later; an intent put meanwhile comes after it or is refused",
        "a new object is deleted by an old request", deleted_while_down;
    "T25": "orphaning is one call: no order of events, a kill included, deletes the object",
        "a user's namespace is deleted with everything in it", orphaned;
    "T26": "an object that others created anew under the same name is not deleted",
        "the object of a restored application is deleted by a late request", recreated_by_others;
    "T27": "the loss of all records deletes nothing before the declared grace is over",
        "rebuilding the hub deletes the protection of every application", records_lost;
    "T28": "the rights that a clean-up needs outlive the clean-up",
        "a clean-up stops half-way for ever, for lack of rights that it removed itself", rights_outlive;
];

async fn absent(lab: &Lab<'_>) -> CaseOutcome {
    let a = lab.a();
    let never = lab.intent_id(&a, "never");
    let receipt = lab.delete(&never, None).await?;
    ensure(receipt.delivery == Delivery::Gone, format_args!("deleting the absent says {:?}", receipt.delivery))?;
    ensure(lab.record(&never).await?.is_none(), "deleting the absent made a record")?;
    let intent = lab.saying(&a, "app", "a")?;
    lab.put_applied(&intent).await?;
    lab.delete(&intent.id, None).await?;
    lab.delete(&intent.id, None).await?;
    lab.gone(&intent.id).await?;
    lab.delete(&intent.id, None).await?;
    Ok("all of them succeeded".into())
}

/// For a while the record stays, saying that the deletion is under way.
async fn stays_deleting(lab: &Lab<'_>, intent: &crate::intercluster::Intent, why: &str) -> Result<(), Unmet> {
    lab.always(Duration::from_secs(20), async || match lab.record(&intent.id).await? {
        None => broken(format_args!("the record is gone although {why}")),
        Some(record) if record.delivery == Delivery::Deleting => Ok(()),
        Some(record) => broken(format_args!("the record says {:?} although {why}", record.delivery)),
    })
    .await
}

async fn confirmed(lab: &Lab<'_>) -> CaseOutcome {
    if !lab.caps().confirms_deletion {
        return not_applicable("it declares that it does not confirm deletions");
    }
    let a = lab.a();
    let intent = lab.saying(&a, "app", "a")?;
    lab.put_applied(&intent).await?;
    let hold = |finalizers: Value| json!({"metadata": {"finalizers": finalizers}});
    lab.edit(&a, "app", hold(json!(["kit.example/hold"]))).await?;
    let forbidden = lab.inflict(&a, Fault::Forbidden(Verb::Delete, sample::sample())).await.is_ok();
    let receipt = lab.delete(&intent.id, None).await?;
    ensure(receipt.delivery == Delivery::Deleting, format_args!("the receipt says {:?}", receipt.delivery))?;
    if forbidden {
        stays_deleting(lab, &intent, "deletes are forbidden").await?;
        lab.heal(&a).await?;
    }
    lab.until("the object is being deleted", lab.caps().catch_up_within, async || {
        let object = lab.must_be_there(&a, "app").await?;
        Ok(object["metadata"].get("deletionTimestamp").is_some().then_some(()))
    })
    .await?;
    stays_deleting(lab, &intent, "a finalizer holds the object").await?;
    lab.edit(&a, "app", hold(Value::Null)).await?;
    lab.gone(&intent.id).await?;
    ensure(lab.remote(&a, "app").await?.is_none(), "the record is gone and the object is not")?;
    Ok(format!("held by {}a finalizer, then gone", if forbidden { "missing rights and " } else { "" }))
}

async fn deleted_while_down(lab: &Lab<'_>) -> CaseOutcome {
    let a = lab.a();
    let intent = lab.saying(&a, "app", "a")?;
    lab.put_applied(&intent).await?;
    let old = lab.must_be_there(&a, "app").await?["metadata"]["uid"].clone();
    lab.inflict(&a, Fault::Cut).await?;
    lab.delete(&intent.id, Some(DeletePolicy::Delete)).await?;
    let again = lab.transport().put(&intent, &Precondition::None, Deadline::after(CALL)).await;
    let declared = lab.caps().put_while_deleting;
    match (&again, declared) {
        (Ok(_), PutWhileDeleting::OrderedAfter) => {}
        (Err(failure), PutWhileDeleting::Refused) if failure.class() == FailureClass::Conflict => {
            stays_deleting(lab, &intent, "the cluster is cut off").await?;
        }
        (other, _) => return broken(format_args!("{declared:?} is declared, and the put ended in {other:?}")),
    }
    lab.heal(&a).await?;
    if again.is_ok() {
        lab.applied(&intent.id, lab.caps().catch_up_within).await?;
        let new = lab.must_be_there(&a, "app").await?["metadata"]["uid"].clone();
        ensure(new != old, "the object that was to be deleted is still there")?;
        lab.bed.wait(lab.caps().repair_within).await;
        let still = lab.must_be_there(&a, "app").await?["metadata"]["uid"].clone();
        ensure(still == new, "the late deletion took the new object")?;
    } else {
        lab.gone(&intent.id).await?;
        ensure(lab.remote(&a, "app").await?.is_none(), "the object is still there")?;
    }
    Ok(format!("deleted after the reconnection; put meanwhile: {declared:?}, as declared"))
}

async fn orphaned(lab: &Lab<'_>) -> CaseOutcome {
    let a = lab.a();
    let mut uids = Vec::new();
    let names = ["at-once", "while-cut"];
    for name in names {
        lab.put_applied(&lab.saying(&a, name, "a")?).await?;
        uids.push(lab.must_be_there(&a, name).await?["metadata"]["uid"].clone());
    }
    lab.delete(&lab.intent_id(&a, names[0]), Some(DeletePolicy::Orphan)).await?;
    lab.inflict(&a, Fault::Cut).await?;
    lab.delete(&lab.intent_id(&a, names[1]), Some(DeletePolicy::Orphan)).await?;
    let killed = lab.kill_hub().await.is_ok();
    lab.heal(&a).await?;
    for (name, uid) in names.iter().zip(uids) {
        lab.gone(&lab.intent_id(&a, name)).await?;
        lab.bed.wait(lab.caps().repair_within).await;
        let kept = lab.must_be_there(&a, name).await?;
        ensure(kept["metadata"]["uid"] == uid, format_args!("{name}: the object is another one"))?;
        ensure(kept["metadata"].get("deletionTimestamp").is_none(), format_args!("{name}: it is being deleted"))?;
    }
    Ok(format!("both objects stayed{}", if killed { ", with a kill in between" } else { "" }))
}

async fn recreated_by_others(lab: &Lab<'_>) -> CaseOutcome {
    let a = lab.a();
    let intent = lab.saying(&a, "app", "ours")?;
    lab.put_applied(&intent).await?;
    lab.inflict(&a, Fault::Cut).await?;
    lab.delete(&intent.id, Some(DeletePolicy::Delete)).await?;
    lab.admin(&a)?.delete(&lab.key(&a, "app")).await?;
    lab.until("the object is gone", CALL, async || Ok(lab.remote(&a, "app").await?.is_none().then_some(()))).await?;
    let theirs = lab.create(&a, "app", &json!({"text": "theirs"})).await?;
    lab.heal(&a).await?;
    lab.gone(&intent.id).await?;
    lab.bed.wait(lab.caps().repair_within).await;
    ensure(lab.remote(&a, "app").await?.as_ref() == Some(&theirs), "the object of others was deleted or written")?;
    Ok("the intent ended, the object of others stayed".into())
}

async fn records_lost(lab: &Lab<'_>) -> CaseOutcome {
    let a = lab.a();
    lab.put_applied(&lab.saying(&a, "app", "a")?).await?;
    let before = lab.must_be_there(&a, "app").await?;
    lab.bed.records(RecordsEvent::Lost).await?;
    let caps = lab.caps();
    let (time, declared) = match caps.record_loss_grace {
        Some(grace) => (grace / 2, format!("half of the declared {grace:?}")),
        None => (caps.repair_within.max(Duration::from_secs(10)) * 4, "a while; for ever is declared".to_owned()),
    };
    lab.always(time, async || {
        let now = lab.must_be_there(&a, "app").await?;
        ensure(now["metadata"]["uid"] == before["metadata"]["uid"], "the object is another one")?;
        ensure(now["metadata"].get("deletionTimestamp").is_none(), "the object is being deleted")
    })
    .await?;
    Ok(format!("the object stayed for {declared}"))
}

async fn rights_outlive(lab: &Lab<'_>) -> CaseOutcome {
    let a = lab.a();
    let Some(rights) = lab.bed.rights(&a) else {
        return not_applicable("the transport does not deliver its own rights: they are given to it from outside");
    };
    lab.put_applied(&rights).await?;
    let intent = lab.saying(&a, "app", "a")?;
    lab.put_applied(&intent).await?;
    lab.edit(&a, "app", json!({"metadata": {"finalizers": ["kit.example/hold"]}})).await?;
    lab.delete(&rights.id, Some(DeletePolicy::Delete)).await?;
    lab.delete(&intent.id, Some(DeletePolicy::Delete)).await?;
    let role = rights.manifests[0].key(&a);
    lab.always(Duration::from_secs(20), async || {
        let there = lab.admin(&a)?.get(&role).await?.is_some();
        ensure(there, "the rights were gone before the clean-up was done")
    })
    .await?;
    lab.edit(&a, "app", json!({"metadata": {"finalizers": null}})).await?;
    lab.gone(&intent.id).await?;
    lab.gone(&rights.id).await?;
    Ok("the rights went last".into())
}
