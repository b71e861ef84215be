//! M15, M16, M18, M19, M21: a driver's place among others, and the end of a protection.

use super::{
    DriverCase,
    bed::{DriverFault, Side},
    lab::{DriverLab, all, soon, states},
};
use crate::{
    api::DRAction,
    protection::replication::DataReady,
    testing::conformance::{kit::kit_cases, lab::ensure, report::CaseOutcome},
};

pub(super) const CASES: &[DriverCase] = kit_cases![DriverLab;
    "M15": "what is published for the peers keeps to its declared size",
        "a status grows beyond what the API server stores, and all status is lost with it", peer_info;
    "M16": "a driver acts on its own cluster only",
        "a cluster acts on another behind the hub's back", own_cluster;
    "M18": "a volume that is no longer to be protected is released with its data, the others stay protected",
        "taking one volume out of protection deletes or stops it, or never ends", release;
    "M19": "when the group is removed every volume is released with its data, also without the peer",
        "protection cannot be switched off, or takes the application's data along", deletion;
    "M21": "two groups side by side do not mix",
        "one application's verdict is given to another", groups;
];

async fn peer_info(lab: &DriverLab<'_>) -> CaseOutcome {
    let greatest = lab.caps()?.max_peer_info_bytes;
    let primary = lab.protect().await?;
    let secondary = lab.secondary(Side::Second, DRAction::Failover)?;
    for (side, request) in [(Side::First, primary), (Side::Second, secondary)] {
        let info = lab.look(side, &request).await?.peer_info;
        let size = if info.is_null() { 0 } else { info.to_string().len() };
        ensure(size <= greatest, format_args!("the {side:?} side publishes {size} bytes, declared are {greatest}"))?;
    }
    Ok(format!("within {greatest} bytes"))
}

async fn own_cluster(lab: &DriverLab<'_>) -> CaseOutcome {
    let before = lab.bed.calls(Side::Second).await?;
    lab.protect().await?;
    lab.give_up(Side::First).await?;
    let calls = lab.bed.calls(Side::Second).await? - before;
    ensure(calls == 0, format_args!("the first side's driver made {calls} calls to the second side"))?;
    let before = lab.bed.calls(Side::First).await?;
    lab.become_primary(Side::Second, Some(DRAction::Relocate)).await?;
    let calls = lab.bed.calls(Side::First).await? - before;
    ensure(calls == 0, format_args!("the second side's driver made {calls} calls to the first side"))?;
    Ok("no call to the other side while it protected, gave up and took over".into())
}

async fn release(lab: &DriverLab<'_>) -> CaseOutcome {
    let mut request = lab.protect().await?;
    request.group.generation += 1;
    let before = lab.digests(Side::First).await?;
    request.release = request.volumes.split_off(1);
    let gone = request.release[0].volume.id.clone();
    let stay = request.volumes[0].volume.id.clone();
    lab.settle(Side::First, &request, "the volume is released", |d| {
        d.volumes.get(&gone).is_some_and(|v| v.released)
            && d.volumes.get(&stay).is_some_and(|v| v.data_ready.state == DataReady::Ready && !v.released)
    })
    .await?;
    lab.settled().await;
    ensure(lab.digests(Side::First).await? == before, "what the volumes hold has changed")?;
    lab.must_write(Side::First).await?;
    lab.settled().await;
    let (here, there) = (lab.bed.digest(Side::First, &stay).await?, lab.bed.digest(Side::Second, &stay).await?);
    ensure(here == there, format_args!("{stay}, which stayed protected, is no longer replicated"))?;
    Ok("released with its data; the other is still replicated".into())
}

async fn deletion(lab: &DriverLab<'_>) -> CaseOutcome {
    let mut request = lab.protect().await?;
    let before = lab.digests(Side::First).await?;
    let lost = lab.bed.inflict(Side::Second, DriverFault::Lost).await.is_ok();
    (request.group.generation, request.deleting) = (request.group.generation + 1, true);
    let released = |d: &crate::protection::replication::DriverDecision| d.volumes.values().all(|v| v.released);
    lab.settle(Side::First, &request, "the volumes are released", released).await?;
    ensure(lab.digests(Side::First).await? == before, "what the volumes hold has changed")?;
    lab.must_write(Side::First).await?;
    lab.bed.heal(Side::Second).await?;
    let peer = if lost { ", the peer being lost" } else { "" };
    Ok(format!("released with their data{peer}"))
}

async fn groups(lab: &DriverLab<'_>) -> CaseOutcome {
    let mut one = lab.protect().await?;
    let mut two = one.clone();
    two.volumes = one.volumes.split_off(1);
    two.group.name = "other".into();
    two.group.uid = "other".into();
    let driver = lab.driver(Side::First)?;
    for _ in 0..3 {
        let (a, b) = futures::join!(driver.observe(&one, soon()), driver.observe(&two, soon()));
        for (request, observed) in [(&one, a?), (&two, b?)] {
            let decision = driver.decide(request, &observed);
            let asked: Vec<_> = request.volumes.iter().map(|owned| &owned.volume.id).collect();
            let answered: Vec<_> = decision.volumes.keys().collect();
            ensure(asked == answered, format_args!("asked about {asked:?}, answered about {answered:?}"))?;
            ensure(all(&decision, DataReady::Ready), format_args!("settled, and yet {}", states(&decision)))?;
        }
    }
    Ok("each group got verdicts on its own volumes".into())
}
