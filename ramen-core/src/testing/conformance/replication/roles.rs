//! M6, M8-M12: what a role is, and how it changes hands.

use super::{
    DriverCase,
    bed::{DriverFault, Side},
    lab::{DriverLab, all, in_use, is_positive, states},
};
use crate::{
    api::DRAction,
    protection::{
        VolumeUse,
        replication::{DataReady, Role},
    },
    testing::conformance::{Unmet, kit::kit_cases, lab::ensure, report::CaseOutcome},
};

pub(super) const CASES: &[DriverCase] = kit_cases![DriverLab;
    "M6": "volumes of a new primary become ready, can be written, and arrive on the peer",
        "an application never starts, or is protected in name only", protects;
    "M8": "roles never satisfy each other's verdicts",
        "a promoted or a test copy passes for a secondary, and a fail back begins from it", roles;
    "M9": "a volume that is in use, or not proven free, is not demoted",
        "what the application still writes is lost", gates;
    "M10": "a relocate releases a volume only once its last write is on the peer",
        "a planned move loses acknowledged writes", relocate;
    "M11": "a failover makes the peer's volumes ready and writable without the lost cluster",
        "disaster recovery does not recover", failover;
    "M12": "an older success does not count: a volume is ready now or not at all",
        "an application starts on volumes that were handed over long ago", old_success;
];

async fn protects(lab: &DriverLab<'_>) -> CaseOutcome {
    lab.protect().await?;
    let (here, there) = (lab.digests(Side::First).await?, lab.digests(Side::Second).await?);
    ensure(here == there && here.iter().all(Option::is_some), format_args!("the peer holds {there:?}, not {here:?}"))?;
    Ok("ready, written, and the peer holds the same".into())
}

async fn roles(lab: &DriverLab<'_>) -> CaseOutcome {
    lab.protect().await?;
    let mut as_secondary = lab.secondary(Side::First, DRAction::Relocate)?;
    for owned in &mut as_secondary.volumes {
        owned.volume.in_use = VolumeUse::Pods(vec!["app-0".into()]);
    }
    let as_test = lab.request(Side::First, Role::Test, None)?;
    for request in [&as_secondary, &as_test] {
        let seen = lab.look(Side::First, request).await?;
        ensure(
            !seen.volumes.values().any(is_positive),
            format_args!("a primary in use, asked to be {}: {}", request.role, states(&seen)),
        )?;
    }
    if !lab.caps()?.test_clone {
        let seen = lab.look(Side::Second, &lab.request(Side::Second, Role::Test, Some(DRAction::Failover))?).await?;
        ensure(
            !seen.volumes.values().any(is_positive),
            format_args!("declares no test copies, yet: {}", states(&seen)),
        )?;
    }
    Ok("a primary is no secondary and no test copy".into())
}

async fn gates(lab: &DriverLab<'_>) -> CaseOutcome {
    lab.protect().await?;
    let mut tries: Vec<_> = in_use().map(|used| (used, true, DRAction::Relocate)).into();
    tries.extend(in_use().map(|used| (used, false, DRAction::Failover)));
    // Free for the moment, but nobody has removed the application: its pods come back.
    tries.push((VolumeUse::Free, false, DRAction::Relocate));
    for (used, deleting, action) in tries {
        let mut request = lab.secondary(Side::First, action)?;
        for owned in &mut request.volumes {
            (owned.volume.in_use, owned.volume.deleting) = (used.clone(), deleting);
        }
        for _ in 0..5 {
            let (seen, _) = lab.pass(Side::First, &request).await?;
            ensure(
                !seen.volumes.values().any(is_positive),
                format_args!("{action:?}, {used:?}, deleted {deleting}: {}", states(&seen)),
            )?;
            ensure(!seen.waits.is_empty(), format_args!("{used:?}: nothing says what is waited for"))?;
            lab.bed.wait(lab.bed.settles_within() / 4).await;
        }
        lab.must_write(Side::First).await?;
    }
    Ok("with pods, attachments, unknown use or without deletion it stays writable, and says what it waits for".into())
}

/// While the last write cannot get to the peer its volume must not be released.
async fn hold_back(lab: &DriverLab<'_>, from: Side, to: Side) -> Result<(), Unmet> {
    let shared = lab.digests(from).await? == lab.digests(to).await?;
    if shared || lab.caps()?.final_sync || lab.bed.inflict(to, DriverFault::Lost).await.is_err() {
        return Ok(());
    }
    let request = lab.secondary(from, DRAction::Relocate)?;
    for _ in 0..5 {
        let (seen, _) = lab.pass(from, &request).await?;
        ensure(
            !seen.volumes.values().any(is_positive),
            format_args!("the peer cannot have the last write, and yet {}", states(&seen)),
        )?;
        lab.bed.wait(lab.bed.settles_within() / 4).await;
    }
    Ok(lab.bed.heal(to).await?)
}

async fn relocate(lab: &DriverLab<'_>) -> CaseOutcome {
    lab.protect().await?;
    for round in ["out", "back"] {
        let (from, to) = if round == "out" { (Side::First, Side::Second) } else { (Side::Second, Side::First) };
        lab.must_write(from).await?;
        let last = lab.digests(from).await?;
        hold_back(lab, from, to).await?;
        lab.give_up(from).await?;
        // From here on nothing more can come over.
        let lost = round == "out" && lab.bed.inflict(from, DriverFault::Lost).await.is_ok();
        lab.become_primary(to, Some(DRAction::Relocate)).await?;
        let moved = lab.digests(to).await?;
        ensure(moved == last, format_args!("on the way {round} {moved:?} came over, written was {last:?}"))?;
        lab.must_write(to).await?;
        if lost {
            lab.bed.heal(from).await?;
        }
        lab.settle(from, &lab.secondary(from, DRAction::Relocate)?, "the old primary follows", |d| {
            all(d, DataReady::Replicated)
        })
        .await?;
    }
    Ok("every write was there, out and back".into())
}

async fn failover(lab: &DriverLab<'_>) -> CaseOutcome {
    lab.protect().await?;
    let replicated = lab.digests(Side::First).await?;
    lab.must_write(Side::First).await?;
    lab.inflict(Side::First, DriverFault::Lost).await?;
    let request = lab.primary(Side::Second, Some(DRAction::Failover))?;
    // What is called ready on the way must be.
    for _ in 0..40 {
        if all(&lab.look(Side::Second, &request).await?, DataReady::Ready) {
            break;
        }
        lab.pass(Side::Second, &request).await?;
        lab.bed.wait(lab.bed.settles_within() / 8).await;
    }
    let found = lab.digests(Side::Second).await?;
    lab.must_write(Side::Second).await?;
    ensure(found.iter().all(Option::is_some), "a volume is missing")?;
    let all_there = found == replicated || lab.bed.driver(Side::Second)?.capabilities().offloaded;
    ensure(all_there, format_args!("the peer came up with {found:?}; {replicated:?} had been replicated"))?;
    lab.bed.heal(Side::First).await?;
    lab.settle(Side::First, &lab.secondary(Side::First, DRAction::Failover)?, "the old primary follows", |d| {
        all(d, DataReady::Replicated)
    })
    .await?;
    Ok("ready and writable with what had been replicated; the old primary followed once it was back".into())
}

async fn old_success(lab: &DriverLab<'_>) -> CaseOutcome {
    lab.protect().await?;
    lab.give_up(Side::First).await?;
    lab.become_primary(Side::Second, Some(DRAction::Relocate)).await?;
    lab.settled().await;
    // The hub errs, or a message is late: the first side is asked again while the second is primary.
    let again = lab.primary(Side::First, None)?;
    for _ in 0..5 {
        if all(&lab.look(Side::First, &again).await?, DataReady::Ready) {
            lab.must_write(Side::First).await?;
        }
        lab.pass(Side::First, &again).await?;
        lab.bed.wait(lab.bed.settles_within() / 4).await;
    }
    Ok("ready is only what can be written at that moment".into())
}
