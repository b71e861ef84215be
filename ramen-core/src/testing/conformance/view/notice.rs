//! V15-V18: when listeners are told.

use std::time::Duration;

use serde_json::json;

use crate::{
    intercluster::{Freshness, ObjectKey, OutcomeKind, ViewChange},
    testing::conformance::{
        Case, CaseOutcome, Fault, Lab, Unmet,
        lab::{ensure, ready},
        list_cases,
    },
};

pub(in super::super) const CASES: &[Case] = list_cases![
    "V15": "a change of status is told within the bound, also one that came while the connection was briefly lost",
        "a failover waits for a timer, or for ever", told;
    "V16": "a change is told at least once; of several in a row the last one is told",
        "the hub acts on the last but one state and never looks again", last_one_told;
    "V17": "after a reconnection each view is told once at least",
        "what changed during an outage goes unnoticed", told_after_reconnection;
    "V18": "becoming stale or unreachable is told",
        "a lost cluster is noticed only when somebody asks", loss_told;
];

/// An object that is registered, found and quiet.
async fn watched(lab: &Lab<'_>, name: &str) -> Result<ObjectKey, Unmet> {
    let key = lab.key(&lab.a(), name);
    lab.create(&lab.a(), name, &json!({"text": "a"})).await?;
    lab.register(&key, "kit").await?;
    let caps = lab.view_caps();
    lab.found(&key, &Freshness::within(caps.steady_within), caps.steady_within).await?;
    lab.bed.wait(caps.notify_within).await;
    Ok(key)
}

async fn version(lab: &Lab<'_>, name: &str) -> Result<Option<String>, Unmet> {
    let object = lab.must_be_there(&lab.a(), name).await?;
    Ok(object["metadata"]["resourceVersion"].as_str().map(ToOwned::to_owned))
}

fn is_at(change: &ViewChange, key: &ObjectKey, version: Option<&String>) -> bool {
    change.key == *key && change.outcome == OutcomeKind::Found && change.version.as_ref() == version
}

async fn told(lab: &Lab<'_>) -> CaseOutcome {
    let a = lab.a();
    let key = watched(lab, "app").await?;
    let mut changes = lab.view().changes();
    let caps = lab.view_caps();
    lab.admin(&a)?.edit_status(&key, json!({"status": {"state": "Primary"}})).await?;
    let now = version(lab, "app").await?;
    let wanted = |change: ViewChange| is_at(&change, &key, now.as_ref()).then_some(());
    lab.next("of the changed status", caps.notify_within, &mut changes, wanted).await?;
    lab.inflict(&a, Fault::Cut).await?;
    lab.admin(&a)?.edit_status(&key, json!({"status": {"state": "Secondary"}})).await?;
    lab.bed.wait(Duration::from_secs(3)).await;
    lab.heal(&a).await?;
    let now = version(lab, "app").await?;
    let wanted = |change: ViewChange| is_at(&change, &key, now.as_ref()).then_some(());
    let within = lab.caps().catch_up_within + caps.notify_within;
    lab.next("of what changed during a short loss", within, &mut changes, wanted).await?;
    Ok("both were told".into())
}

async fn last_one_told(lab: &Lab<'_>) -> CaseOutcome {
    let a = lab.a();
    let key = watched(lab, "app").await?;
    let mut changes = lab.view().changes();
    for n in 0..60 {
        lab.admin(&a)?.edit_status(&key, json!({"status": {"serial": n}})).await?;
        // Bursts, with time enough in between that each is told of, and is heard.
        if n % 25 == 24 {
            lab.bed.wait(lab.view_caps().notify_within).await;
            ready(&mut changes);
        }
    }
    let last = version(lab, "app").await?;
    let mut count = 0;
    let wanted = |change: ViewChange| {
        count += usize::from(change.key == key);
        is_at(&change, &key, last.as_ref()).then_some(())
    };
    lab.next("of the last of 60 changes", lab.view_caps().notify_within, &mut changes, wanted).await?;
    Ok("the last of 60 changes was told".into())
}

async fn told_after_reconnection(lab: &Lab<'_>) -> CaseOutcome {
    let a = lab.a();
    let keys = [watched(lab, "x").await?, watched(lab, "y").await?];
    lab.inflict(&a, Fault::Cut).await?;
    lab.bed.wait(lab.view_caps().detect_within * 2).await;
    let mut changes = lab.view().changes();
    lab.heal(&a).await?;
    let within = lab.caps().catch_up_within + lab.view_caps().notify_within;
    let mut missing = keys.to_vec();
    lab.next("of each view after the reconnection", within, &mut changes, |change| {
        if change.outcome == OutcomeKind::Found {
            missing.retain(|key| *key != change.key);
        }
        missing.is_empty().then_some(())
    })
    .await?;
    Ok("both unchanged objects were told again".into())
}

async fn loss_told(lab: &Lab<'_>) -> CaseOutcome {
    let a = lab.a();
    let key = watched(lab, "app").await?;
    let mut changes = lab.view().changes();
    ready(&mut changes);
    lab.inflict(&a, Fault::Cut).await?;
    let lost = [OutcomeKind::Stale, OutcomeKind::Unreachable, OutcomeKind::TimedOut];
    let wanted = |change: ViewChange| (change.key == key && lost.contains(&change.outcome)).then_some(change.outcome);
    let told = lab.next("that the object became stale", lab.view_caps().detect_within, &mut changes, wanted).await?;
    let outcome = lab.read(&key, &Freshness::within(Duration::from_secs(1))).await.outcome;
    ensure(!outcome.is_answered(), format_args!("told {told}, and a read says {}", outcome.kind()))?;
    Ok(format!("told as {told}"))
}
