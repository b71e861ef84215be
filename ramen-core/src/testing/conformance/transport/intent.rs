//! T1-T9: what is recorded on the hub, and in which order it is delivered.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    intercluster::{Delivery, Failure, FailureClass, Intent, IntentId, IntentSelector, Precondition, Receipt},
    testing::conformance::{
        Case, CaseOutcome, Fault, Lab, Unmet,
        lab::{CALL, broken, ensure, ready},
        list_cases,
    },
    time::Deadline,
};

pub(in super::super) const CASES: &[Case] = list_cases![
    "T1": "an intent reads back as it was put, from the hub alone, with its cluster cut off",
        "the VolumeReplicationGroup of a lost cluster can no longer be read or edited", readable;
    "T2": "an intent put while its cluster is cut off is accepted by the deadline and applied unaided after the reconnection",
        "a failover cannot even be asked for while a cluster is down", accepted_while_down;
    "T3": "an accepted intent survives the death of the hub side and is finished by its successor",
        "a crash at the wrong moment loses a step of a failover", survives_a_kill;
    "T4": "putting an equal intent again writes nothing on either side and makes no new revision",
        "a steady state keeps writing to every cluster", idempotent;
    "T5": "put A, then B: it ends in B, and once B was on the cluster A never is again",
        "a cluster that was made secondary becomes primary again", ordered;
    "T6": "a read-modify-write on an outdated revision is a Conflict and writes nothing",
        "one writer's decision silently overwrites another's", optimistic;
    "T7": "two applications whose concatenated names collide stay apart, or the second is refused",
        "one application takes over the other's VolumeReplicationGroup", colliding_names;
    "T8": "names too long and bundles too large are refused when they are put",
        "an intent is accepted that can never be delivered", too_long;
    "T9": "Applied is said of exactly the revision that was applied",
        "a volume counts as demoted because an older apply succeeded", exact;
];

async fn readable(lab: &Lab<'_>) -> CaseOutcome {
    let mut intent = lab.intent(&lab.a(), "app", &json!({"text": "a", "free": {"list": [1, null, {"deep": true}]}}))?;
    intent.labels.insert("kit".into(), "t1".into());
    intent.annotations.insert("kit.example/owner".into(), "ns/app".into());
    intent.manifests[0].object["metadata"]["annotations"] = json!({"kit.example/note": "kept"});
    lab.put_applied(&intent).await?;
    lab.inflict(&lab.a(), Fault::Cut).await?;
    let record = lab.must_be_recorded(&intent.id).await?;
    ensure(record.intent == intent, format_args!("put {intent:?}, read back {:?}", record.intent))?;
    let selector = IntentSelector { cluster: Some(lab.a()), labels: [("kit".into(), "t1".into())].into() };
    let listed = lab.transport().list(&selector, Deadline::after(CALL)).await?;
    ensure(listed.len() == 1 && listed[0].intent == intent, format_args!("the list by label has {}", listed.len()))?;
    let other = IntentSelector { labels: [("kit".into(), "other".into())].into(), ..selector };
    let none = lab.transport().list(&other, Deadline::after(CALL)).await?;
    ensure(none.is_empty(), "a list by another label has it too")?;
    Ok("read back and listed, equal to what was put".into())
}

async fn accepted_while_down(lab: &Lab<'_>) -> CaseOutcome {
    lab.inflict(&lab.a(), Fault::Cut).await?;
    let intent = lab.saying(&lab.a(), "app", "a")?;
    let deadline = Deadline::after(CALL);
    let receipt = lab.transport().put(&intent, &Precondition::None, deadline).await?;
    ensure(!deadline.has_passed(), "the answer came after the deadline")?;
    ensure(receipt.delivery == Delivery::Accepted, format_args!("the receipt says {:?}", receipt.delivery))?;
    lab.heal(&lab.a()).await?;
    lab.applied(&intent.id, lab.caps().catch_up_within).await?;
    let remote = lab.must_be_there(&lab.a(), "app").await?;
    ensure(remote["spec"]["text"] == "a", format_args!("the cluster has {}", remote["spec"]))?;
    Ok("accepted while cut off, applied after the reconnection".into())
}

async fn survives_a_kill(lab: &Lab<'_>) -> CaseOutcome {
    lab.inflict(&lab.a(), Fault::Cut).await?;
    let intent = lab.saying(&lab.a(), "app", "a")?;
    lab.put(&intent).await?;
    lab.kill_hub().await?;
    let record = lab.must_be_recorded(&intent.id).await?;
    ensure(record.intent == intent, "the record changed with the hub side's death")?;
    lab.heal(&lab.a()).await?;
    lab.applied(&intent.id, lab.caps().catch_up_within).await?;
    lab.must_be_there(&lab.a(), "app").await?;
    Ok("recorded after the kill, applied by the successor".into())
}

async fn idempotent(lab: &Lab<'_>) -> CaseOutcome {
    let intent = lab.saying(&lab.a(), "app", "a")?;
    let first = lab.put_applied(&intent).await?;
    let before = lab.must_be_there(&lab.a(), "app").await?;
    let watched = lab.bed.record_version(&intent.id).await;
    let mut equal = intent.clone();
    equal.manifests[0].object["metadata"]["creationTimestamp"] = Value::Null;
    equal.manifests[0].object["status"] = json!({});
    for put in [&intent, &equal] {
        let receipt = lab.put(put).await?;
        ensure(!receipt.changed, "the receipt says that the record changed")?;
        let revision = Lab::revision(&receipt)?;
        ensure(revision == first.revision, format_args!("{} became {revision}", first.revision))?;
    }
    lab.bed.wait(lab.caps().repair_within).await;
    let after = lab.must_be_there(&lab.a(), "app").await?;
    ensure(before == after, format_args!("the object was written: {before} became {after}"))?;
    let Ok(version) = watched else { return Ok("no new revision, object untouched; record not watched".into()) };
    let now = lab.bed.record_version(&intent.id).await?;
    ensure(now == version, "the record was written")?;
    Ok("no new revision; record and object untouched".into())
}

/// A sequence of puts, with everything that appears on the cluster watched. Around every second put something is wrong with the
/// way to the cluster, for a time that grows and sweeps over the moments at which a request can be under way; the put after it
/// finds all well.
pub(in super::super) async fn never_back(
    lab: &Lab<'_>,
    mut put: impl AsyncFnMut(u32, Intent) -> Result<(), Unmet>,
    fault: impl Fn(u32, Duration) -> Fault,
) -> CaseOutcome {
    const LAST: u32 = 29;
    let mut states = lab.admin(&lab.a())?.watch(&lab.key(&lab.a(), "app")).await?;
    for n in 1..=LAST {
        put(n, lab.intent(&lab.a(), "app", &json!({"serial": n}))?).await?;
        if n.is_multiple_of(2) {
            let lasting = Duration::from_millis(350) * n;
            lab.inflict(&lab.a(), fault(n, lasting)).await?;
            lab.bed.wait(lasting).await;
            lab.heal(&lab.a()).await?;
        } else {
            lab.bed.wait(Duration::from_millis(150)).await;
        }
    }
    let id = lab.intent_id(&lab.a(), "app");
    lab.applied(&id, lab.caps().catch_up_within).await?;
    lab.bed.wait(lab.caps().repair_within.max(Duration::from_secs(35))).await;
    let remote = lab.must_be_there(&lab.a(), "app").await?;
    ensure(remote["spec"]["serial"] == LAST, format_args!("it ended in {}", remote["spec"]))?;
    let serials: Vec<u64> = ready(&mut states).iter().filter_map(|state| state["spec"]["serial"].as_u64()).collect();
    ensure(!serials.is_empty(), "the watch of the cluster saw nothing")?;
    ensure(serials.is_sorted(), format_args!("the cluster went through {serials:?}"))?;
    Ok(format!("{LAST} puts; the cluster only went forward and ended in the last"))
}

/// Slow by such a part of the time that lasts, that now the first, now a later one of the requests that a delivery is made of is
/// under way when it ends.
pub(in super::super) fn slow_in_turn(n: u32, lasting: Duration) -> Fault {
    const PARTS: [f64; 7] = [1.2, 2.2, 0.8, 3.2, 1.8, 2.4, 4.3];
    Fault::Slow(lasting.div_f64(PARTS[(n / 2) as usize % PARTS.len()]))
}

async fn ordered(lab: &Lab<'_>) -> CaseOutcome {
    never_back(lab, async |_, intent| lab.put(&intent).await.map(drop), slow_in_turn).await
}

/// The call failed, and with one of these classes.
fn refused(answer: Result<Receipt, Failure>, classes: &[FailureClass]) -> Result<Failure, Unmet> {
    match answer {
        Err(failure) if classes.contains(&failure.class()) => Ok(failure),
        Err(failure) => broken(format_args!("refused as {} instead of {classes:?}: {failure}", failure.class())),
        Ok(receipt) => broken(format_args!("accepted: {:?}", receipt.delivery)),
    }
}

async fn optimistic(lab: &Lab<'_>) -> CaseOutcome {
    let intent = lab.saying(&lab.a(), "app", "first")?;
    let first = Lab::revision(&lab.put(&intent).await?)?;
    lab.put(&lab.saying(&lab.a(), "app", "second")?).await?;
    let before = lab.must_be_recorded(&intent.id).await?;
    let third = lab.saying(&lab.a(), "app", "third")?;
    let deadline = Deadline::after(CALL);
    let transport = lab.transport();
    for precondition in [Precondition::At(first.clone()), Precondition::Absent] {
        refused(transport.put(&third, &precondition, deadline).await, &[FailureClass::Conflict])?;
    }
    refused(transport.delete(&intent.id, None, &Precondition::At(first), deadline).await, &[FailureClass::Conflict])?;
    let after = lab.must_be_recorded(&intent.id).await?;
    ensure(after.intent == before.intent && after.revision == before.revision, "the record was written all the same")?;
    ensure(after.delivery != Delivery::Deleting, "the deletion was accepted all the same")?;
    transport.put(&third, &Precondition::At(after.revision), deadline).await?;
    Ok("three outdated writes refused as Conflict, the current one accepted".into())
}

async fn colliding_names(lab: &Lab<'_>) -> CaseOutcome {
    // Application a-b in namespace c, and application a in namespace b-c: both make the name a-b-c.
    let id = lab.intent_id(&lab.a(), "a-b-c-vrg-mw");
    let one = Intent::new(id.clone(), "drpc/c/a-b", lab.manifest("one", &json!({"text": "one"}))?);
    let two = Intent::new(id.clone(), "drpc/b-c/a", lab.manifest("two", &json!({"text": "two"}))?);
    lab.put_applied(&one).await?;
    let answer = lab.transport().put(&two, &Precondition::None, Deadline::after(CALL)).await;
    refused(answer, &[FailureClass::Conflict, FailureClass::Ownership])?;
    let record = lab.must_be_recorded(&id).await?;
    ensure(record.intent == one, "the first application's record was written")?;
    ensure(lab.remote(&lab.a(), "two").await?.is_none(), "the second application's object was delivered")?;
    Ok("the second was refused, the first untouched".into())
}

async fn too_long(lab: &Lab<'_>) -> CaseOutcome {
    let caps = lab.caps();
    let named = |length: usize| -> Result<Intent, Unmet> {
        let id = IntentId::new(lab.a(), "n".repeat(length));
        Ok(Intent::new(id, lab.owner(), lab.manifest("app", &json!({"text": "a"}))?))
    };
    let deadline = Deadline::after(CALL);
    let transport = lab.transport();
    let long = named(caps.max_name_length + 1)?;
    refused(transport.put(&long, &Precondition::None, deadline).await, &[FailureClass::Invalid])?;
    ensure(lab.record(&long.id).await.ok().flatten().is_none(), "the name too long was recorded")?;
    let large = lab.intent(&lab.a(), "large", &json!({"text": "x".repeat(caps.max_intent_bytes)}))?;
    refused(transport.put(&large, &Precondition::None, deadline).await, &[FailureClass::Invalid])?;
    ensure(lab.record(&large.id).await?.is_none(), "the bundle too large was recorded")?;
    let everything =
        transport.list(&IntentSelector { cluster: Some(lab.a()), ..IntentSelector::default() }, deadline).await?;
    let leftover = everything.iter().any(|r| r.intent.owner == lab.owner());
    ensure(!leftover, "something was recorded under another name")?;
    let longest = named(caps.max_name_length)?;
    lab.put_applied(&longest).await?;
    Ok(format!(
        "{} characters accepted, one more refused; more than {} bytes refused",
        caps.max_name_length, caps.max_intent_bytes
    ))
}

async fn exact(lab: &Lab<'_>) -> CaseOutcome {
    let intent = lab.saying(&lab.a(), "app", "first")?;
    let first = lab.put_applied(&intent).await?;
    lab.inflict(&lab.a(), Fault::Cut).await?;
    let receipt = lab.put(&lab.saying(&lab.a(), "app", "second")?).await?;
    let second = Lab::revision(&receipt)?;
    ensure(second != first.revision && second.includes(&first.revision), "the revision did not grow")?;
    ensure(!matches!(receipt.delivery, Delivery::Applied { .. }), "the receipt says Applied")?;
    lab.always(Duration::from_secs(20), async || {
        let record = lab.must_be_recorded(&intent.id).await?;
        ensure(record.revision == second, "the record is at another revision")?;
        ensure(!record.is_applied(), "the second revision counts as applied while the cluster is cut off")
    })
    .await?;
    lab.heal(&lab.a()).await?;
    let record = lab.applied(&intent.id, lab.caps().catch_up_within).await?;
    let remote = lab.must_be_there(&lab.a(), "app").await?;
    ensure(remote["spec"]["text"] == "second", "Applied was said before the content arrived")?;
    let result = record.objects.first().ok_or_else(|| Unmet::Broken("there are no results by object".into()))?;
    ensure(result.uid.as_deref() == remote["metadata"]["uid"].as_str(), "the result names another uid")?;
    Ok("not applied while cut off, applied with the right content after".into())
}
