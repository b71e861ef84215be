//! C5, C6, C7 and C10: what must not depend on order, repetition, clocks or the number of leaders.

use std::time::Duration;

use serde_json::json;

use crate::{
    intercluster::{Delivery, FailureClass, Freshness, Intent, Precondition},
    testing::conformance::{
        Case, CaseOutcome, Fault, Lab, RecordsEvent,
        lab::{CALL, broken, ensure},
        list_cases,
        transport::intent::{never_back, slow_in_turn},
    },
    time::Deadline,
};

pub(in super::super) const CASES: &[Case] = list_cases![
    "C5": "deliveries that arrive twice, or late, change nothing",
        "a request that the network held back undoes a failover", repeated;
    "C6": "a hub restored from an older backup does not roll objects back: it reports them for adoption",
        "restoring the hub turns a secondary back into a primary", older_backup;
    "C7": "a cluster's clock that is five minutes off changes no result",
        "a wrong clock makes an old answer look fresh, or a fresh one stale", clock_off;
    "C10": "two overlapping leaders of the hub never interleave revisions of one object",
        "a leader that lost its lease a moment ago undoes what the new one did", two_leaders;
];

async fn repeated(lab: &Lab<'_>) -> CaseOutcome {
    never_back(lab, async |_, intent| lab.put(&intent).await.map(drop), |_, _| Fault::RepeatsWrites).await
}

async fn two_leaders(lab: &Lab<'_>) -> CaseOutcome {
    let second = lab.bed.second_hub().await?;
    let first = lab.transport();
    let put = async |n: u32, intent: Intent| {
        let leader = if n.is_multiple_of(2) { &first } else { &second.transport };
        leader.put(&intent, &Precondition::None, Deadline::after(CALL)).await?;
        Ok(())
    };
    never_back(lab, put, slow_in_turn).await
}

async fn older_backup(lab: &Lab<'_>) -> CaseOutcome {
    let a = lab.a();
    let intent = lab.saying(&a, "app", "older")?;
    lab.put_applied(&intent).await?;
    lab.bed.records(RecordsEvent::BackedUp).await?;
    lab.put_applied(&lab.saying(&a, "app", "newer")?).await?;
    lab.bed.records(RecordsEvent::Restored).await?;
    lab.kill_hub().await?;
    let record = lab.must_be_recorded(&intent.id).await?;
    ensure(record.intent == intent, "the bed did not restore the older record")?;
    lab.always(lab.caps().repair_within.max(lab.caps().catch_up_within), async || {
        let spec = lab.must_be_there(&a, "app").await?["spec"].clone();
        ensure(spec["text"] == "newer", format_args!("the object was rolled back to {spec}"))
    })
    .await?;
    match lab.must_be_recorded(&intent.id).await?.delivery {
        Delivery::Failed(failure) if matches!(failure.class(), FailureClass::Conflict | FailureClass::Ownership) => {
            Ok(format!("not rolled back, reported as {}", failure.class()))
        }
        other => broken(format_args!("not rolled back, but the record says {other:?}")),
    }
}

async fn clock_off(lab: &Lab<'_>) -> CaseOutcome {
    let a = lab.a();
    for (name, seconds) in [("ahead", 300), ("behind", -300)] {
        lab.inflict(&a, Fault::ClockOff(seconds)).await?;
        let intent = lab.saying(&a, name, "a")?;
        lab.put_applied(&intent).await?;
        let key = lab.key(&a, name);
        lab.register(&key, "kit").await?;
        let age = Duration::from_secs(60).max(lab.view_caps().steady_within);
        let called = lab.now();
        for freshness in [Freshness::within(age), Freshness::within(Duration::from_secs(1))] {
            let seen = lab.found(&key, &freshness, lab.view_caps().steady_within).await?;
            let at = seen.observed_at.unwrap_or(jiff::Timestamp::MIN);
            let behind = called.duration_since(at);
            ensure(at <= lab.now(), format_args!("clock {name}: observed at {at}, which is to come"))?;
            ensure(
                Duration::try_from(behind).unwrap_or_default() <= age,
                format_args!("clock {name}: observed at {at}"),
            )?;
        }
        lab.edit(&a, name, json!({"spec": {"text": "wrong"}})).await?;
        lab.until("the edit is repaired", lab.caps().repair_within, async || {
            Ok((lab.must_be_there(&a, name).await?["spec"]["text"] == "a").then_some(()))
        })
        .await?;
        lab.delete(&intent.id, None).await?;
        lab.gone(&intent.id).await?;
        lab.heal(&a).await?;
    }
    Ok("the same results with a clock five minutes ahead and behind".into())
}
