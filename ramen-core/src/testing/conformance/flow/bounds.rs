//! C1-C4: deadlines, isolation, memory and reconnection.

use std::time::Duration;

use futures::{FutureExt, StreamExt, future::join_all, stream::FuturesUnordered};
use serde_json::json;
use tokio::time::Instant;

use crate::{
    intercluster::{FailureClass, Freshness, OutcomeKind, Precondition},
    testing::conformance::{
        Case, CaseOutcome, Fault, Lab,
        lab::{CALL, broken, ensure, ready},
        list_cases,
    },
    time::Deadline,
};

pub(in super::super) const CASES: &[Case] = list_cases![
    "C1": "deadlines are kept, and a cancelled write is recorded wholly or not at all",
        "a controller hangs on one call, or acts on half an intent", deadlines;
    "C2": "with one of ten clusters swallowing everything the others keep their bounds",
        "one lost cluster stops the failover of all others", isolated;
    "C3": "a thousand queued changes to one object coalesce; Throttled instead of blocking",
        "after an outage the hub replays history, or runs out of memory", coalesced;
    "C4": "reconnections are jittered and their rate is limited",
        "clusters that come back are knocked over by the hub", reconnection;
];

async fn deadlines(lab: &Lab<'_>) -> CaseOutcome {
    let a = lab.a();
    lab.inflict(&a, Fault::Cut).await?;
    let key = lab.key(&a, "app");
    for seconds in [1, 3] {
        let limit = Duration::from_secs(seconds);
        let began = Instant::now();
        let seen = lab.view().read(&key, &Freshness::live(), Deadline::after(limit)).await;
        let took = began.elapsed();
        // A timer's resolution is a millisecond.
        let allowed = limit + lab.bed.slack() + Duration::from_millis(10);
        ensure(took <= allowed, format_args!("a read with {limit:?} took {took:?}"))?;
        ensure(!seen.outcome.is_answered(), format_args!("a read of a cluster cut off says {}", seen.outcome.kind()))?;
    }
    let mut cut_short = 0;
    for n in 0..20 {
        let intent = lab.intent(&a, &format!("cancelled-{n}"), &json!({"serial": n}))?;
        let transport = lab.transport();
        let mut call = transport.put(&intent, &Precondition::None, Deadline::after(CALL));
        // Polled a few times, then dropped: the caller was cancelled at some point of the call.
        for _ in 0..n {
            if (&mut call).now_or_never().is_some() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(call);
        lab.bed.wait(Duration::from_millis(500)).await;
        match lab.record(&intent.id).await? {
            Some(record) => ensure(record.intent == intent, "a cancelled write recorded something else")?,
            None => cut_short += 1,
        }
    }
    Ok(format!("reads ended by their deadlines; of 20 cancelled writes {cut_short} left nothing, the others all"))
}

async fn isolated(lab: &Lab<'_>) -> CaseOutcome {
    let dead = lab.a();
    let key = lab.key(&dead, "app");
    lab.create(&dead, "app", &json!({})).await?;
    lab.register(&key, "kit").await?;
    lab.inflict(&dead, Fault::Cut).await?;
    let mut hanging: FuturesUnordered<_> = (0..20)
        .map(|n| {
            let (transport, view, key) = (lab.transport(), lab.view(), key.clone());
            let intent = lab.saying(&dead, &format!("dead-{n}"), "a");
            async move {
                if let Ok(intent) = intent {
                    let _ = transport.put(&intent, &Precondition::None, Deadline::after(CALL)).await;
                }
                view.read(&key, &Freshness::live(), Deadline::after(Duration::from_secs(3600))).await
            }
        })
        .collect();
    // The calls to the dead cluster are all under way before anything is asked of the others.
    let mut begun = std::pin::pin!(lab.bed.wait(Duration::from_secs(2)));
    loop {
        tokio::select! {
            () = &mut begun => break,
            Some(_) = hanging.next() => {}
        }
    }
    let bound = CALL * 2 + lab.caps().catch_up_within + lab.bed.slack();
    let others = join_all(lab.clusters()[1..].iter().map(|cluster| async move {
        let delivered_and_seen = async {
            lab.put_applied(&lab.saying(cluster, "alive", "a")?).await?;
            let seen = lab.read(&lab.key(cluster, "alive"), &Freshness::within(Duration::from_secs(1))).await;
            ensure(
                seen.outcome.kind() == OutcomeKind::Found,
                format_args!("cluster {cluster}: {}", seen.outcome.kind()),
            )
        };
        let ended = tokio::time::timeout(bound, delivered_and_seen).await;
        ended.unwrap_or_else(|_| broken(format_args!("cluster {cluster}: not delivered and seen within {bound:?}")))
    }));
    let mut others = std::pin::pin!(others);
    let results = loop {
        tokio::select! {
            biased;
            results = &mut others => break results,
            Some(_) = hanging.next() => {}
        }
    };
    let count = results.len();
    results.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(format!("{count} clusters kept their bounds beside one that swallowed everything"))
}

async fn coalesced(lab: &Lab<'_>) -> CaseOutcome {
    let a = lab.a();
    lab.put_applied(&lab.intent(&a, "app", &json!({"serial": 0}))?).await?;
    lab.inflict(&a, Fault::Cut).await?;
    let mut states = lab.admin(&a)?.watch(&lab.key(&a, "app")).await?;
    let mut throttled = 0;
    for n in 1..=1000 {
        let intent = lab.intent(&a, "app", &json!({"serial": n}))?;
        loop {
            match lab.transport().put(&intent, &Precondition::None, Deadline::after(CALL)).await {
                Ok(_) => break,
                Err(failure) if failure.class() == FailureClass::Throttled => {
                    throttled += 1;
                    lab.bed.wait(Duration::from_millis(100)).await;
                }
                Err(failure) => return Err(failure.into()),
            }
        }
    }
    lab.heal(&a).await?;
    lab.applied(&lab.intent_id(&a, "app"), lab.caps().catch_up_within).await?;
    let spec = lab.must_be_there(&a, "app").await?["spec"].clone();
    ensure(spec["serial"] == 1000, format_args!("it ended in {spec}"))?;
    lab.bed.wait(Duration::from_secs(1)).await;
    let mut serials: Vec<_> = ready(&mut states).iter().filter_map(|s| s["spec"]["serial"].as_u64()).collect();
    serials.dedup();
    // What was there before, one delivery that may have been under way, and the last.
    ensure(serials.len() <= 5, format_args!("the cluster went through {} states", serials.len()))?;
    Ok(format!(
        "1000 changes reached the cluster as {}{}",
        serials.len() - 1,
        if throttled > 0 { ", some throttled" } else { "" }
    ))
}

async fn reconnection(lab: &Lab<'_>) -> CaseOutcome {
    let a = lab.a();
    lab.put_applied(&lab.saying(&a, "app", "a")?).await?;
    lab.register(&lab.key(&a, "app"), "kit").await?;
    lab.bed.attempts(&a).await?;
    lab.inflict(&a, Fault::Stopped).await?;
    let detected = lab.view_caps().detect_within.max(Duration::from_secs(60));
    lab.bed.wait(detected).await;
    let from = lab.now();
    lab.bed.wait(Duration::from_secs(600)).await;
    let attempts: Vec<_> = lab.bed.attempts(&a).await?.into_iter().filter(|at| *at >= from).collect();
    ensure(attempts.len() >= 2, format_args!("{} attempts in ten minutes", attempts.len()))?;
    // A connection that is tried more often than every five seconds is not limited by anything.
    ensure(attempts.len() <= 120, format_args!("{} attempts in ten minutes", attempts.len()))?;
    let mut gaps: Vec<i128> =
        attempts.windows(2).map(|pair| (pair[1].as_nanosecond() - pair[0].as_nanosecond()) / 10_000_000).collect();
    gaps.sort_unstable();
    gaps.dedup();
    ensure(gaps.len() > 2, format_args!("all pauses are {gaps:?} hundredths of a second"))?;
    lab.heal(&a).await?;
    Ok(format!("{} attempts in ten minutes, with pauses that differ", attempts.len()))
}
