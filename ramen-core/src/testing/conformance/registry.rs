//! R1-R3: which cluster is which. (R4 is in the kit for drivers, R5 with the reads.)

use serde_json::json;

use super::{
    Case, CaseOutcome, Fault, Lab,
    lab::{CALL, ensure},
    list_cases,
};
use crate::{
    intercluster::{Identity, OutcomeKind, Reachability},
    time::Deadline,
};

pub(super) const CASES: &[Case] = list_cases![
    "R1": "an endpoint that leads to another cluster is UnknownCluster, and nothing is delivered there",
        "a kubeconfig that was mixed up writes one cluster's state into another", wrong_cluster;
    "R2": "joined and reachable are two things, and reachable has a time",
        "a cluster that is down looks as if it had never joined", joined_and_reachable;
    "R3": "unregistering a cluster deletes nothing on it",
        "removing a cluster from the hub deletes its applications' protection", unregistered;
];

async fn wrong_cluster(lab: &Lab<'_>) -> CaseOutcome {
    let (a, b) = (lab.a(), lab.b());
    lab.put_applied(&lab.saying(&a, "before", "a")?).await?;
    lab.create(&b, "theirs", &json!({"text": "b"})).await?;
    lab.inflict(&a, Fault::LeadsTo(b.clone())).await?;
    let intent = lab.saying(&a, "app", "a")?;
    lab.put(&intent).await?;
    let key = lab.key(&a, "theirs");
    lab.until("a read is UnknownCluster", lab.caps().catch_up_within, async || {
        let kind = lab
            .read(&key, &crate::intercluster::Freshness::within(std::time::Duration::from_secs(1)))
            .await
            .outcome
            .kind();
        ensure(kind != OutcomeKind::Found && kind != OutcomeKind::Absent, format_args!("a read is {kind}"))?;
        Ok((kind == OutcomeKind::UnknownCluster).then_some(()))
    })
    .await?;
    lab.bed.wait(lab.caps().repair_within).await;
    for name in ["app", "before"] {
        ensure(lab.remote(&b, name).await?.is_none(), format_args!("{name} was delivered to the wrong cluster"))?;
    }
    let identity = lab.registry()?.cluster(&a, Deadline::after(CALL)).await?.identity;
    ensure(matches!(identity, Identity::Mismatch { .. }), format_args!("the registry says {identity:?}"))?;
    lab.heal(&a).await?;
    lab.applied(&intent.id, lab.caps().catch_up_within).await?;
    Ok("UnknownCluster, nothing delivered; delivered once it led to the right one".into())
}

async fn joined_and_reachable(lab: &Lab<'_>) -> CaseOutcome {
    let a = lab.a();
    let registry = lab.registry()?;
    lab.put_applied(&lab.saying(&a, "app", "a")?).await?;
    let before = registry.cluster(&a, Deadline::after(CALL)).await?;
    ensure(before.joined, "a cluster that was delivered to has not joined")?;
    let Reachability::Reachable { since } = before.reachability else {
        return super::lab::broken(format_args!("it is {:?}", before.reachability));
    };
    ensure(since <= lab.now(), "reachable since a time to come")?;
    let cut = lab.now();
    lab.inflict(&a, Fault::Cut).await?;
    let lost = lab
        .until("the registry says unreachable", lab.view_caps().detect_within, async || {
            let info = registry.cluster(&a, Deadline::after(CALL)).await?;
            Ok(matches!(info.reachability, Reachability::Unreachable { .. }).then_some(info))
        })
        .await?;
    ensure(lost.joined, "a cluster that is down has no longer joined")?;
    if let Reachability::Unreachable { since, .. } = lost.reachability {
        ensure(since >= cut && since <= lab.now(), format_args!("cut at {cut}, unreachable since {since}"))?;
    }
    let healed = lab.now();
    lab.heal(&a).await?;
    let back = lab
        .until("the registry says reachable", lab.caps().catch_up_within, async || {
            let info = registry.cluster(&a, Deadline::after(CALL)).await?;
            Ok(match info.reachability {
                Reachability::Reachable { since } => Some(since),
                _ => None,
            })
        })
        .await?;
    ensure(back >= healed, "reachable since before the outage")?;
    Ok("joined throughout; reachable and unreachable with their times".into())
}

async fn unregistered(lab: &Lab<'_>) -> CaseOutcome {
    let a = lab.a();
    lab.put_applied(&lab.saying(&a, "app", "a")?).await?;
    let before = lab.must_be_there(&a, "app").await?;
    lab.bed.unregister(&a).await?;
    lab.always(lab.caps().repair_within.max(lab.caps().catch_up_within), async || {
        let now = lab.must_be_there(&a, "app").await?;
        let same = now["metadata"]["uid"] == before["metadata"]["uid"];
        ensure(same && now["metadata"].get("deletionTimestamp").is_none(), "the object was deleted")
    })
    .await?;
    Ok("the object stayed".into())
}
